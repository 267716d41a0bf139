"""A short syntax for small models: tools as Python signatures, answers as a list of Python calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from toolgym.dialects.pythonic import Pythonic
from toolgym.dialects.signatures import signatures
from toolgym.types import CallRecord, Completion, Message, message

_RESULTS = "Results:\n"


class Compact(Pythonic):
    """Calls as in Pythonic, with a prompt and gold answers of few tokens.

    The prompt has a signature per tool (signatures.py). ``render`` leaves out the thought; a thought that a model
    writes is read all the same.
    """

    name: ClassVar[str] = "compact"

    def prompt(self, docs: Sequence[Mapping[str, Any]]) -> str:
        return (
            f"Functions:\n{signatures(docs)}\n\n"
            "Answer with calls, like [f(a=1, b='x'), g(c=[2])]. If no function fits, say so in words."
        )

    def announce(self, docs: Sequence[Mapping[str, Any]]) -> str:
        return f"Functions:\n{signatures(docs)}\n"

    def render(self, completion: Completion) -> str:
        return super().render(Completion("", completion.calls, None, completion.response))

    def results(self, records: Sequence[CallRecord]) -> tuple[Message, ...]:
        """One user message for all results, a line ``name -> result`` each."""
        shown = [f"{r.call.name} -> {r.result.content}" for r in records if r.result is not None]
        return (message("user", _RESULTS + "\n".join(shown)),) if shown else ()

    def is_result(self, message: Message) -> bool:
        return message["role"] == "tool" or (message["role"] == "user" and message["content"].startswith(_RESULTS))
