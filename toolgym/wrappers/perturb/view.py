"""View: one task as a perturbed env shows it, and the way back from what is shown to what is meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from toolgym.dialects import Dialect
from toolgym.tools.tool import Tool
from toolgym.types import CallRecord, Completion, FrozenDict, Message, ToolCall
from toolgym.wrappers.perturb.paraphrase import Path, redescribed


class Change(msgspec.Struct, frozen=True):
    """One thing that a perturbation has changed."""

    kind: str
    where: str
    """The place: "message 1", "tool get_weather", "properties.city of get_weather", "twin of get_weather"."""
    was: Any
    """The text or name that it replaces; None for something new."""
    now: Any
    """What the policy sees."""


NOT_OFFERED = " (not offered under this name)"
"""Stands behind the name of a call of a tool that goes by another name here: it is no call of that tool."""


class View:
    """A task as it is shown.

    Attributes:
        kinds: the kinds that were applied, in order.
        changes: what each has changed.
        left_out: kind that was asked for and not applied -> the reason.
        messages: the task's messages as they are shown, without instructions.
        tools: the tools as they are shown, in the order in which they are shown.
        meant: name that is shown -> name of the tool that it means. Both names of a redundant tool mean the same.
        shown_as: name of a tool -> the name that it is shown under; of two that mean the same, the first one's.
        twins: name of a twin -> name of the tool that it is a twin of.
    """

    def __init__(
        self,
        kinds: tuple[str, ...],
        changes: tuple[Change, ...],
        left_out: Mapping[str, str],
        messages: tuple[Message, ...],
        tools: tuple[Tool, ...],
        meant: Mapping[str, str],
        shown_as: Mapping[str, str],
        twins: Mapping[str, str],
        say: Callable[[Message, str], Message],
    ):
        self.kinds = kinds
        self.changes = changes
        self.left_out = left_out
        self.messages = messages
        self.tools = tools
        self.meant = meant
        self.shown_as = shown_as
        self.twins = twins
        self._say = say
        self._offer: tuple[Sequence[Tool], tuple[dict[str, Tool], tuple[FrozenDict, ...]]] | None = None
        self._renamed = {name: shown for name, shown in shown_as.items() if name != shown}
        self._back = {shown: name for shown, name in meant.items() if name != shown}
        # a tool's own name means nothing if the tool goes by another name
        self._back |= {name: name + NOT_OFFERED for name in self._renamed if name not in meant}

    # Outwards ------------------------------------------------------------------------------------

    def offered(self, tools: Sequence[Tool]) -> dict[str, tuple[str, Tool]]:
        """Name that is shown -> (name that the env knows it by, the tool as it is shown), in the order shown.

        ``tools`` are on offer now. Those that the task did not offer at first are shown as they are, at the end.
        """
        known = {tool.name: tool for tool in tools}
        found: dict[str, tuple[str, Tool]] = {}
        for tool in self.tools:
            name = self.meant.get(tool.name)
            if name is None:
                if self.twins[tool.name] in known:
                    found[tool.name] = tool.name, tool
            elif name in known:
                found[tool.name] = name, tool
        for tool in tools:
            if tool.name not in self.shown_as:
                found[tool.name] = tool.name, tool  # a later tool takes the place of a twin of its name
        return found

    def offer(self, tools: Sequence[Tool]) -> tuple[dict[str, Tool], tuple[FrozenDict, ...]]:
        """The tools that run calls, by the names that the env knows them by, and the schemas that are shown."""
        offer = self._offer  # read once: forks in other threads share it
        if offer is None or offer[0] is not tools:
            own = {tool.name: tool for tool in tools}
            offered = self.offered(tools)
            runs = {name: own.get(name, tool) for name, tool in offered.values()}
            self._offer = offer = tools, (runs, tuple([tool.schema for _, tool in offered.values()]))
        return offer[1]

    def records(self, records: Sequence[CallRecord], completion: Completion) -> tuple[CallRecord, ...]:
        """The records as the policy reads their results: with the calls that it wrote, and the names that it knows."""
        written = completion.written
        if written is None:
            return tuple(records)
        replace = msgspec.structs.replace
        found = []
        for record, call in zip(records, written.calls, strict=True):
            result = record.result
            if result is not None and result.error is not None and self._renamed:
                result = replace(result, content=self.text(result.content))
            found.append(replace(record, call=call, result=result))
        return tuple(found)

    def added(
        self,
        completion: Completion,
        records: Sequence[CallRecord],
        said: Sequence[Message],
        turn: int,
        dialect: Dialect,
    ) -> tuple[str, tuple[Message, ...]]:
        """An action as it was written, and the messages that it adds: itself, the results, what the user said."""
        text = completion.text if completion.written is None else completion.written.text
        results = dialect.results(self.records(records, completion))
        user = [self._say(each, f"turn {turn}") for each in said]
        return text, (FrozenDict(role="assistant", content=text), *results, *user)

    def text(self, text: str) -> str:
        """A text of the env, with tools by the names that are shown."""
        if not self._renamed:
            return text
        text = text.replace(NOT_OFFERED, "\0")
        return _in_words(text, self._renamed).replace("\0", "")

    def gold(self, text: str, dialect: Dialect) -> str:
        """A gold action with tools by the names that are shown."""
        if not self._renamed:
            return text
        read = dialect.parse(text)
        if read.calls and dialect.render(read) == text:
            calls = tuple([_named(call, self._renamed) for call in read.calls])
            think = None if read.think is None else self.text(read.think)
            return dialect.render(msgspec.structs.replace(read, calls=calls, think=think))
        return _in_calls(text, self._renamed)

    # Inwards -------------------------------------------------------------------------------------

    def read(self, completion: Completion) -> Completion:
        """An action as the env understands it: tools by their own names, in the calls and in the text."""
        if not self._back:
            return completion
        calls = tuple([_named(call, self._back) for call in completion.calls])
        text = _in_calls(completion.text, self._back)
        return msgspec.structs.replace(completion, calls=calls, text=text, written=completion)


def _named(call: ToolCall, names: Mapping[str, str]) -> ToolCall:
    name = names.get(call.name)
    return call if name is None else msgspec.structs.replace(call, name=name)


_WORD = re.compile(r"\w+(?:[.\-/:]\w+)*")
_CALL = re.compile(r"(?<=[\"'])[^\"'\n]++(?=[\"'])|(?<![\w.])[\w.]++(?=\()")
"""A text in quotes, or a name before a bracket: a name of a tool there is the name of a call. A name is tried at its
first character only: an action is read in linear time."""


def _in_words(text: str, names: Mapping[str, str]) -> str:
    """The text with the names replaced wherever they stand as words."""
    for odd in [name for name in names if name in text and not _WORD.fullmatch(name)]:
        text = text.replace(odd, names[odd])
    return _WORD.sub(lambda match: names.get(match[0], match[0]), text)


def _in_calls(text: str, names: Mapping[str, str]) -> str:
    """The text with the names replaced where they stand as the tools of calls."""
    return _CALL.sub(lambda match: names.get(match[0], match[0]), text)


def shown_tool(tool: Tool, name: str, description: str, said: Mapping[Path, str]) -> Tool:
    """A copy of a tool as it is shown: with another name, description, and descriptions of parameters."""
    made: Tool = object.__new__(type(tool))
    own = vars(made)
    own.update(vars(tool))
    for derived in ("validator", "line", "_read", "_called"):
        own.pop(derived, None)
    made.name, made.description, made.__doc__ = name, description, description
    parameters = tool.schema["function"]["parameters"]
    if said:
        made.parameters, parameters = redescribed(tool.parameters, said), redescribed(parameters, said)
    function = FrozenDict(name=name, description=description, parameters=parameters)
    own["schema"] = FrozenDict(type="function", function=function)
    return with_doc(made, tool)


def with_doc(made: Tool, like: Tool) -> Tool:
    """The tool with the ``doc`` that BFCL's functions have beside name, description and parameters, if ``like`` has
    one: BFCL's own prompt shows it."""
    doc = getattr(like, "doc", None)
    if isinstance(doc, Mapping):
        shown = {"name": made.name, "description": made.description, "parameters": made.parameters}
        vars(made)["doc"] = {**doc, **shown}
    return made
