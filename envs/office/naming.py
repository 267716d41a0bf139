"""A naming: one consistent set of names for all tools and parameters, in schemas and gold calls alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import msgspec

from toolgym.tools import Tool
from toolgym.types import ToolCall

from .apis.office import APP_OF, TOOLS
from .names import APP_NAMES, FORMATS, NAMES, PARAMETER_NAMES


class Naming(msgspec.Struct, frozen=True):
    """Names for tools and parameters.

    Args:
        words: 0 for the authors' names, 1 and 2 for the seen names, 3 and 4 for the unseen names.
        style: snake, camel, pascal, app (the app's name in front), dotted (the same, with a dot) or code (a number
            in place of the tool's name).
        vendor: an invented word in front of every tool's name.
        suffix: an ending of every parameter's name.
    """

    words: int
    style: str
    vendor: str = ""
    suffix: str = ""

    def tool_name(self, name: str) -> str:
        if self.style == "code":
            return f"{self.vendor}_{101 + 17 * _NUMBERS[name]}"
        words, app = name, APP_OF[name]
        if self.words:
            words = NAMES[name][self.words - 1][0]
            app = APP_NAMES[app][0 if self.words < 3 else self.words - 2]
        if self.style == "dotted":
            return f"{self.vendor or app}.{words}"
        if self.style == "app":
            words = f"{app}_{words}"
        return self._styled(f"{self.vendor}_{words}" if self.vendor else words)

    def parameter_name(self, name: str) -> str:
        return self._styled((PARAMETER_NAMES[name][self.words - 1] if self.words else name) + self.suffix)

    def _styled(self, name: str) -> str:
        if self.style not in ("camel", "pascal"):
            return name
        first, *rest = name.split("_")
        if self.style == "pascal":
            first = first.capitalize()
        return first + "".join([word.capitalize() for word in rest])

    def tool(self, name: str) -> Tool:
        """The tool with the names of this naming; cached."""
        return _tool(self, name)

    def call(self, call: ToolCall) -> ToolCall:
        """The same call in the names of this naming; ``call`` has the authors' names."""
        names = _parameter_names(self, call.name)
        return ToolCall(self.tool_name(call.name), {names[key]: value for key, value in call.arguments.items()})


@cache
def _parameter_names(naming: Naming, tool: str) -> dict[str, str]:
    return {name: naming.parameter_name(name) for name in TOOLS[tool].parameters["properties"]}


@cache
def _tool(naming: Naming, name: str) -> Tool:
    original = TOOLS[name]
    if naming == Naming(0, "snake"):
        return original
    assert original.function is not None
    names = _parameter_names(naming, name)
    schema = dict(original.parameters)
    schema["properties"] = {
        names[key]: {
            word: FORMATS[text][naming.words - 1] if word == "description" and naming.words else text
            for word, text in about.items()
        }
        for key, about in schema["properties"].items()
    }
    schema["required"] = [names[key] for key in schema.get("required", ())]
    description = original.description
    if naming.words:
        description = NAMES[name][naming.words - 1][1]
    return Tool(
        naming.tool_name(name),
        description,
        schema,
        partial(_run, original.function, {new: old for old, new in names.items()}),
        timeout=None,
        stateful=True,
        trusted=True,
        reads=original.reads,
    )


def _run(function: Callable[..., Any], originals: dict[str, str], state: Any, /, **arguments: Any) -> Any:
    return function(state, **{originals[name]: value for name, value in arguments.items()})


_NUMBERS = {name: i for i, name in enumerate(TOOLS)}
_STYLES = ("snake", "camel", "app", "dotted")
_KNOWN = tuple(Naming(words, style) for words in range(3) for style in _STYLES)
_VENDORS = """
arvo belto brinx calor corvi delmo dravo elmar fendi folta garno helio hodra iltea jasko jorvi kelvo kinta larno luxor
marbo mirta neldo norvi opalo orbit pelto pluvo quell quorn rasko rinto salvo sorna talbo tervi ulmar umbro valdo vesta
welda wimbo xanto xelio yarva yotto zelma zorin
"""
_SUFFIXES = ("", "", "_value", "_field", "_arg", "_in")
_COINED = tuple(
    Naming(i % 3, ("snake", "camel", "dotted", "app", "code")[i % 5], vendor, _SUFFIXES[i // 2 % len(_SUFFIXES)])
    for i, vendor in enumerate(_VENDORS.split())
)
"""Invented names, in train only: they teach a model to read descriptions and to copy names."""

NAMINGS: dict[str, tuple[Naming, ...]] = {
    "train": _KNOWN + _COINED,
    "val": _KNOWN,
    "test": _KNOWN,
    "test_unseen": tuple(Naming(words, style) for words in (3, 4) for style in ("snake", "camel", "pascal", "dotted")),
}
"""By split: the namings that its tasks draw from."""
