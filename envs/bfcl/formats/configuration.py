"""The 26 configurations of BFCL's category format_sensitivity, in the official order."""

from __future__ import annotations

import re
from functools import cache
from itertools import product

import msgspec

RETURN_FORMATS = ("python", "json", "verbose_xml", "concise_xml")
DOC_FORMATS = ("python", "xml", "json")

_NAME = re.compile(
    r"ret_fmt=(python|json|verbose_xml|concise_xml)&tool_call_tag=(True|False)&func_doc_fmt=(python|xml|json)"
    r"&prompt_fmt=(plaintext|markdown)&style=(classic|experimental)"
)


class Configuration(msgspec.Struct, frozen=True):
    """How the prompt is written, and how the model has to write its calls."""

    returns: str
    """The format of the calls: python, json, verbose_xml or concise_xml."""
    tagged: bool
    """Whether the calls must stand between <TOOLCALL> and </TOOLCALL>."""
    docs: str
    """The format of the functions' docs in the prompt: python, xml or json."""
    prompt: str = "plaintext"
    """plaintext or markdown."""
    style: str = "classic"
    """The wording of the prompt: classic or experimental."""

    def __str__(self) -> str:
        """The official name, which is the second part of a task's id."""
        return (
            f"ret_fmt={self.returns}&tool_call_tag={self.tagged}&func_doc_fmt={self.docs}"
            f"&prompt_fmt={self.prompt}&style={self.style}"
        )

    @property
    def plain(self) -> bool:
        """Whether this is one of the 24 combinations of return format, tag and docs."""
        return (self.prompt, self.style) == ("plaintext", "classic")


CONFIGURATIONS = (
    *[Configuration(*each) for each in product(RETURN_FORMATS, (True, False), DOC_FORMATS)],
    Configuration("python", False, "json", prompt="markdown"),
    Configuration("python", False, "json", style="experimental"),
)


@cache
def configuration(name: str) -> Configuration:
    """The configuration of an official name. Raises ValueError for a text that is not such a name."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is not a configuration; one is {CONFIGURATIONS[0]}")
    returns, tagged, docs, prompt, style = found.groups()
    return Configuration(returns, tagged == "True", docs, prompt, style)
