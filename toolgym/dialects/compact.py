"""A short syntax for small models: tools as Python signatures, answers as a list of Python calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolgym.dialects.base import Dialect
from toolgym.dialects.python.names import callee, in_brackets
from toolgym.dialects.pythonic import Pythonic, source
from toolgym.dialects.signatures import signatures
from toolgym.types import Completion, ToolCall


class Compact(Pythonic):
    """Calls as in Pythonic, ``[f(a=1), g(b='x')]``, with prompts and gold answers of few tokens and without thoughts.

    The prompt has a signature per tool (signatures.py) and two sentences. Prompt and gold answer take 45 to 60 % of the
    tokens of toolrl on single decisions (the table in toolgym/README.md). Results are messages of the role "tool".

    Texts are read as in Pythonic: BFCL's official decoder finds the same calls. Two more forms are read, for names that
    are not Python identifiers (python/names.py): ``'get-weather'(a=1)`` calls the tool "get-weather", and the members
    of a dict behind ``**`` are arguments. Java and JavaScript values are source text in Python strings, as in the
    dialects that write JSON.

    ``render`` leaves out a thought, and a response beside calls. It writes any name but the empty one. A response that
    reads as calls would come back as calls, and white space around a response is not kept. A thought that a model
    writes before its calls is read.
    """

    name: ClassVar[str] = "compact"
    free_names: ClassVar[bool] = True
    own_language: ClassVar[bool] = False

    results = Dialect.results
    is_result = Dialect.is_result

    def prompt(self, docs: Sequence[Mapping[str, Any]]) -> str:
        return (
            f"{self.announce(docs)}\n\n"
            "Answer with calls, like [f(a=1, b='x'), g(c=[2])]. If no function fits, say so in words."
        )

    def announce(self, docs: Sequence[Mapping[str, Any]]) -> str:
        return f"Functions:\n{signatures(docs) or '(none)'}"

    def render(self, completion: Completion) -> str:
        if completion.calls or completion.response is None:
            return f"[{', '.join(map(_call, completion.calls))}]"
        return completion.response


def _call(call: ToolCall) -> str:
    arguments = [(name, source(value)) for name, value in call.arguments.items()]
    return f"{callee(call.name)}({in_brackets(arguments, '=')})"
