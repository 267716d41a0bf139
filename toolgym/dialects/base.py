"""Dialect: the syntax in which a model writes tool calls and reads their results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from toolgym.types import CallRecord, Completion, FrozenDict, Message

if TYPE_CHECKING:
    from toolgym.tools import Tool


class Dialect(ABC):
    """The syntax of tool calls. Stateless: environments may share an instance.

    ``parse`` accepts any text. It takes time linear in the text, never raises and never executes anything.
    ``parse(render(c))`` returns the think, calls and response of ``c`` if the dialect can write ``c``.
    """

    name: ClassVar[str]
    any_name: ClassVar[bool] = True
    """Whether tools and parameters may have any name; False if suites should make them Python identifiers."""

    @abstractmethod
    def instructions(self, tools: Sequence[Tool]) -> str:
        """The system prompt that offers ``tools`` and teaches the syntax; "" if the model needs no prompt."""

    @abstractmethod
    def parse(self, text: str) -> Completion:
        """Read an action. A malformed call is kept, with ``error`` set; a violation of the layout sets ``problem``."""

    @abstractmethod
    def render(self, completion: Completion) -> str:
        """Write think, calls and response as text. ``completion.text`` is ignored."""

    def results(self, records: Sequence[CallRecord]) -> tuple[Message, ...]:
        """The messages with the results of the calls, one per call that has a result, in order."""
        if len(records) == 1 and (result := records[0].result) is not None:  # the usual case
            return (FrozenDict(role="tool", content=result.content, name=records[0].call.name),)
        return tuple(
            [
                FrozenDict(role="tool", content=record.result.content, name=record.call.name)
                for record in records
                if record.result is not None
            ]
        )

    def is_result(self, message: Message) -> bool:
        """Whether a message was written by ``results``."""
        return bool(message["role"] == "tool")

    def well_formed(self, completion: Completion, *, calls: bool, response: bool) -> bool:
        """Whether the text has the fields of the expected answer (the format reward).

        ``calls`` and ``response`` say which fields the expected answer has. The default requires no
        layout problem and no malformed call, calls if and only if calls are expected, and a response if a response
        is expected.
        """
        if completion.problem is not None or bool(completion.calls) != calls:
            return False
        if response and completion.response is None:
            return False
        for call in completion.calls:  # noqa: SIM110  a third of the time of all(), at every step
            if call.error is not None:
                return False
        return True
