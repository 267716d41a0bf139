"""What a dialect is: the surface syntax in which a model writes tool calls, and reads their results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from toolgym.types import CallRecord, Completion, FrozenDict, Message

if TYPE_CHECKING:
    from toolgym.tools import Tool


class Dialect(ABC):
    """One surface syntax. Stateless: an instance may be shared by any number of environments.

    ``parse`` accepts any text at all: it runs in time linear in the text, never raises and never
    executes anything. ``parse(render(c))`` gives back the think, calls and response of ``c``
    wherever ``c`` can be written in the dialect.
    """

    name: ClassVar[str]

    @abstractmethod
    def instructions(self, tools: Sequence[Tool]) -> str:
        """The system prompt that offers ``tools`` and teaches the syntax; "" where none is needed."""

    @abstractmethod
    def parse(self, text: str) -> Completion:
        """Read an action. A malformed call is kept, with ``error`` set; text out of layout sets ``problem``."""

    @abstractmethod
    def render(self, completion: Completion) -> str:
        """Write think, calls and response as text, ignoring ``completion.text``."""

    def results(self, records: Sequence[CallRecord]) -> tuple[Message, ...]:
        """The messages that tell the model what its calls returned: one per call, in order."""
        return tuple(
            [
                FrozenDict(role="tool", content=record.result.content, name=record.call.name)
                for record in records
                if record.result is not None
            ]
        )

    def well_formed(self, completion: Completion, *, calls: bool, response: bool) -> bool:
        """Whether the text has just the fields that the expected answer has (the format reward).

        ``calls`` and ``response`` say which of the two the expected answer has. The default asks for no
        layout problem, no malformed call, calls just where they are expected, and a response where
        one is expected.
        """
        if completion.problem is not None or bool(completion.calls) != calls:
            return False
        if response and completion.response is None:
            return False
        for call in completion.calls:  # noqa: SIM110  a third of the time of all(), at every step
            if call.error is not None:
                return False
        return True
