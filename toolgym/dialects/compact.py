"""A short syntax for small models: tools as Python signatures, answers as a list of Python calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolgym.dialects.base import Dialect
from toolgym.dialects.python.names import callee, in_brackets
from toolgym.dialects.pythonic import Pythonic, source
from toolgym.dialects.signatures import signature
from toolgym.types import Completion, ToolCall

_PROMPT = """\
{functions}

Answer with calls, like [f(a=1, b='x'), g(c=[2])]. If no function fits, say so in words."""


class Compact(Pythonic):
    """Pythonic's calls, with a prompt and gold answers of few tokens.

    The prompt has a signature per tool (signatures.py). Calls are read as in Pythonic, and two forms more, for names
    that are not Python identifiers: ``'get-weather'(a=1)`` calls the tool "get-weather", and the members of a dict behind ``**`` are
    arguments. Results are messages of the role "tool".

    ``render`` leaves out the thought, and a response beside calls. A thought that a model writes is read all the same.
    It cannot write a tool without a name, nor a response that reads as calls. White space around a response is not kept.
    """

    name: ClassVar[str] = "compact"
    free_names: ClassVar[bool] = True
    own_language: ClassVar[bool] = False

    results = Dialect.results
    is_result = Dialect.is_result

    def prompt(self, docs: Sequence[Mapping[str, Any]]) -> str:
        return _PROMPT.format(functions=self.announce(docs))

    def announce(self, docs: Sequence[Mapping[str, Any]]) -> str:
        return "Functions:\n" + ("\n".join(map(signature, docs)) or "(none)")

    def render(self, completion: Completion) -> str:
        if completion.calls or completion.response is None:
            return f"[{', '.join(map(_call, completion.calls))}]"
        return completion.response


def _call(call: ToolCall) -> str:
    arguments = [(name, source(value)) for name, value in call.arguments.items()]
    return f"{callee(call.name)}({in_brackets(arguments, '=')})"
