"""Puts a row's messages together: turns of the assistant, each with the results of its calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from toolgym.toolrl_prompts import read_tools as read_listing
from toolgym.tools import Tool
from toolgym.types import ToolCall

from .calls import Answer, decoded, in_python, is_parts, read_answer, read_call, text_of
from .conversation import Conversation, Original, Part, Said, Turn
from .layouts import read_row
from .offered import read_tools
from .problems import BadRow
from .tool_prompt import split_tools

_RESULT, _RESULT_END = "<tool_response>", "</tool_response>"
_JOINED = 1000
"""Messages of the assistant that become one turn at most."""
_KEY = 20
"""Characters of the user's words that tell conversations apart, at least."""

Notes = list[tuple[str, str]]


def read_conversation(place: str, value: Any) -> Conversation:
    """The conversation of a row. Raises BadRow, which says what is wrong."""
    row, notes = read_row(value), Notes()
    if row.original is not None:
        return _of_toolrl(place, row.original)
    messages = row.messages
    system, offered = _system(messages)
    layout = "hermes" if offered is not None and row.layout == "sharegpt" else row.layout
    given = row.tools if row.tools or offered is None else offered
    tools = read_tools(given, notes)
    parts = tuple(_Assembler(notes, tools).parts(messages))
    found = Conversation(place, layout, system, tools, parts, _key(system, parts), None, tuple(notes))
    if not any(isinstance(part, Turn) for part in parts):
        raise BadRow("no message of the assistant with words or calls")
    if not found.decisions:
        raise BadRow("no message of the assistant to imitate", "none has a message before it and a weight above 0")
    return found


def _system(messages: Sequence[dict[str, Any]]) -> tuple[str, list[Any] | None]:
    """The system messages at the head as one text without tools, and the tools in it."""
    texts, offered = [], None
    for message in messages:
        if message["role"] != "system":
            break
        text, found = split_tools(text_of(message.get("content")) or "")
        offered = found if offered is None else offered
        texts.append(text)
    return "\n\n".join(filter(None, texts)), offered


def _key(system: str, parts: Sequence[Part]) -> str:
    """The system message and the user's first words: rows that share them are kept in one split."""
    words = ""
    for part in parts:
        if isinstance(part, Said) and part.role == "user" and len(words) < _KEY:
            words += f"\n{part.text}"
    return system + words


class _Assembler:
    """Reads messages one after the other."""

    def __init__(self, notes: Notes, tools: Sequence[Tool]):
        self.notes = notes
        self.tools = {tool.name: tool for tool in tools}
        self.found: list[Part] = []
        self.ids: list[str | None] = []
        self.results: list[str | None] = []
        """Of the last turn, whose results may still follow."""
        self.joined = 0
        """Messages that the last turn consists of."""

    def parts(self, messages: Sequence[dict[str, Any]]) -> list[Part]:
        at_head = True
        for at, message in enumerate(messages):
            role = message["role"]
            at_head = at_head and role == "system"
            try:
                if not at_head:
                    self._take(role, message, at)
            except BadRow as error:
                detail = f"message {at + 1}: {error.detail}" if error.detail else f"message {at + 1}"
                raise BadRow(error.kind, detail) from None
        self._close()
        if self.found and isinstance(self.found[0], Turn):
            self.notes.append(("an assistant message before any other is part of the prompt only", ""))
        return self.found

    def _take(self, role: str, message: dict[str, Any], at: int) -> None:
        if role in ("assistant", "call"):
            answer = _call_message(message) if role == "call" else read_answer(message)
            answer = in_python(answer, self.tools, self.notes)
            answer = msgspec.structs.replace(answer, calls=tuple(map(self._without_empty_columns, answer.calls)))
            self._answer(answer, _weight(message), at)
            return
        content = message.get("content")
        if role == "tool" and isinstance(content, (dict, list)) and not is_parts(content):
            content = json.dumps(content, ensure_ascii=False)
        text = text_of(content) or ""
        in_tags, beside = _results(text)
        if role == "tool" or (in_tags and not beside):
            self._result(message, in_tags or [text])
            return
        self._close()
        self.found.append(Said(role, text))

    def _answer(self, answer: Answer, weight: bool, at: int) -> None:
        if not (answer.calls or answer.response or answer.think):
            self.notes.append(("an assistant message without words and calls", f"message {at + 1}"))
            return
        last = self.found[-1] if self.found else None
        goes_on = not any(result is not None for result in self.results) and (answer.calls or not self.ids)
        if not (isinstance(last, Turn) and goes_on):
            self._close()
            self.found.append(Turn(answer.calls, answer.response, answer.think, (), weight))
            self.ids, self.results, self.joined = list(answer.ids), [None] * len(answer.calls), 1
            return
        self.joined += 1
        self.ids += answer.ids
        self.results = [None] * len(self.ids)
        if max(self.joined, len(self.ids)) > _JOINED:
            raise BadRow("too many messages of the assistant in a row", f"more than {_JOINED}, or as many calls")
        if last.calls or last.response is not None:  # a thought alone belongs to what follows
            self.notes.append(("assistant messages in a row are one turn", f"message {at + 1}"))
        response, think = _joined(last.response, answer.response), _joined(last.think, answer.think)
        self.found[-1] = Turn(last.calls + answer.calls, response, think, (), last.weight and weight)

    def _without_empty_columns(self, call: ToolCall) -> ToolCall:
        """The call without arguments of null that its tool does not have: a table has a column for each parameter."""
        tool = self.tools.get(call.name)
        if tool is None or None not in call.arguments.values():
            return call
        known = tool.parameters["properties"]
        return ToolCall(call.name, {k: v for k, v in call.arguments.items() if v is not None or k in known})

    def _result(self, message: dict[str, Any], texts: list[str]) -> None:
        """Give results to calls: by id, else by name, else in order."""
        last = self.found[-1] if self.found else None
        if not isinstance(last, Turn) or not last.calls:
            raise BadRow("a tool result without a call before it")
        for text in texts:
            at = self._place(message, last.calls)
            if at is None:
                raise BadRow("more tool results than calls")
            self.results[at] = text

    def _place(self, message: dict[str, Any], calls: tuple[ToolCall, ...]) -> int | None:
        free = [i for i, result in enumerate(self.results) if result is None]
        id, name = message.get("tool_call_id"), message.get("name")
        by_id = [i for i in free if id and self.ids[i] == id]
        by_name = [i for i in free if name and calls[i].name == name]
        if id and not by_id and free and any(self.ids):
            self.notes.append(("a tool result whose id no call has is given to the next call", str(id)[:40]))
        return next(iter(by_id or by_name or free), None)

    def _close(self) -> None:
        """The last turn gets its results."""
        last = self.found[-1] if self.found else None
        if not isinstance(last, Turn):
            return
        if last.calls and not last.results:
            self.found[-1] = Turn(last.calls, last.response, last.think, tuple(self.results), last.weight)
        elif not last.calls and last.response is None:
            self.notes.append(("reasoning without words and calls after it is left out", ""))
            self.found.pop()


def _results(text: str) -> tuple[list[str], bool]:
    """The texts between tags of results, and whether there is text beside them."""
    found, beside, position = [], False, 0
    while (begin := text.find(_RESULT, position)) >= 0:
        end = text.find(_RESULT_END, begin)
        if end < 0:
            break
        found.append(text[begin + len(_RESULT) : end].strip())
        beside = beside or bool(text[position:begin].strip())
        position = end + len(_RESULT_END)
    return found, beside or bool(text[position:].strip())


def _call_message(message: dict[str, Any]) -> Answer:
    """A message of the role "function_call", whose text is a call or a list of calls."""
    given = message.get("content")
    given = decoded(given, "calls") if isinstance(given, str) else given
    read = [read_call(each) for each in (given if isinstance(given, list) else [given])]
    return Answer(tuple([call for call, _ in read]), tuple([id for _, id in read]), None, None)


def _weight(message: dict[str, Any]) -> bool:
    return bool(message.get("weight", 1)) and message.get("train", True) is not False


def _first_words(text: str) -> str:
    """What the user says first in ToolRL's records of a dialogue."""
    return text.partition("<user>")[2].partition("</user>")[0] or text


def _joined(first: str | None, second: str | None) -> str | None:
    return "\n\n".join(filter(None, (first, second))) or None


def _of_toolrl(place: str, original: Original) -> Conversation:
    """A row in ToolRL's layout: one decision after one message of the user."""
    before, closed, after = original.gold.rpartition("</think>")
    think = before.partition("<think>")[2].strip() or None if closed else None
    spoken = after.partition("<response>")[2].rpartition("</response>")[0].strip() or None
    block = after.partition("<tool_call>")[2].partition("</tool_call>")[0]
    calls = []
    for line in filter(str.strip, block.split("\n")):
        try:
            calls.append(read_call(line)[0])
        except BadRow as error:
            raise BadRow("a call of the ground truth that cannot be read", str(error)) from None
    if not calls and spoken is None:
        raise BadRow("a ground truth without <tool_call> and <response>", repr(original.gold[:60]))
    parts = Said("user", original.user), Turn(tuple(calls), spoken, think)
    key = _first_words(original.user)
    return Conversation(place, "toolrl", "", read_listing(original.system), parts, key, original)
