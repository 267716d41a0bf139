"""An answer that a person builds step by step, written in the dialect of an env."""

from __future__ import annotations

from toolgym.dialects import Dialect
from toolgym.tasks.gold import gold_thought
from toolgym.types import Completion, ToolCall


class Draft:
    """Calls, words to the user and a thought. True if there is anything to send."""

    def __init__(self, dialect: Dialect):
        self._dialect = dialect
        self.drop()

    def drop(self) -> None:
        """Forget all of it."""
        self.calls: list[ToolCall] = []
        self.response: str | None = None
        self.think: str | None = None

    def __bool__(self) -> bool:
        return bool(self.calls) or self.response is not None

    def text(self) -> str:
        """The answer as the model would write it. A thought is added if the dialect's format asks for one."""
        calls = tuple(self.calls)
        text = self._dialect.render(Completion("", calls, self.think, self.response))
        if self.think is not None:
            return text
        read = self._dialect.parse(text)
        if self._dialect.well_formed(read, calls=bool(calls), response=self.response is not None):
            return text
        think = gold_thought(calls) or "The user gets an answer."
        return self._dialect.render(Completion("", calls, think, self.response))
