"""What a chat template writes around the answers of a conversation: its opening, and each reply to an answer.

An episode's text is ``opening(messages)``, the first answer, ``reply(messages)``, the second answer, and so on. The
answers themselves never go through the template, so a template that trims an answer, drops its thought or rewrites its
calls changes nothing. A reply is what the template writes after a stand-in answer in a small conversation.

Templates differ in what they accept. For each shape of messages (roles, blank or not), the first way of putting them is
taken that the template accepts, and in whose rendering each message is found, in order. From the least change on:

    as they are; with a stand-in call in front of tool results; consecutive messages of one role joined; tool results as
    a user message under "Result of <tool>:"; the system message at the head of the first user message; "(empty)" in
    place of blank content
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from typing import Any, Literal, TypeAlias

import msgspec

from ..chat.roles import BEGIN
from ..chat_messages import EMPTY
from .probes import LONG, PROBE_TOOLS, told_of
from .template import ChatTemplate, TemplateError

# Lone surrogates, which ChatTokens keeps out of every message, so that no content looks like a stand-in.
_ANSWER, _BEFORE = "\udffd\udffd", "\udffe\udffe"
_NO_TOOLS: tuple[Mapping[str, Any], ...] = ()

SYSTEM = "You are a helpful assistant."
"""For a template that insists on a system message, if there is none."""
_IN_THE_PROMPT = "describe them in the prompt, as environments do"
_NO_TOOLS_SHOWN = f"the chat template does not know tools: {_IN_THE_PROMPT}"
Messages: TypeAlias = Sequence[Mapping[str, Any]]
_Shape: TypeAlias = tuple[tuple[str, str, str | None], ...]
"""For each message: its role, its content if that is blank (else "x"), and its call's id."""


class Way(msgspec.Struct, frozen=True):
    """How messages are put so that a template accepts them."""

    blank: bool = True
    """Blank content stays blank."""
    system: bool = True
    """Roles other than user and tool stay as they are."""
    tool: Literal["role", "call", "call as text", "user"] = "role"
    """Tool results: in their role; in it after a stand-in call, its arguments an object or text; as a user message."""
    join: bool = False
    """Consecutive messages of one role are joined."""
    ids: bool = True
    """Results keep the ids of their calls."""


class ChatPieces:
    """The pieces of a conversation that a template writes.

    Args:
        template: the chat template.
        control: matches the tokenizer's control tokens.

    Raises TemplateError if the template cannot be used for a conversation of several turns, in whatever way.
    """

    def __init__(self, template: ChatTemplate, control: re.Pattern[str]):
        self._template = template
        self._control = control
        self._ways: dict[tuple[bool, bool, _Shape], Way] = {}
        self._parts = self._system_first = False
        self._header = ""
        user = [{"role": "user", "content": _mark(0)}]
        for self._system_first, self._parts in product([False, True], [False, True]):
            with suppress(TemplateError):
                self._way(user, after_answer=False)
                break
        else:
            self._parts = self._system_first = False
            self._way(user, after_answer=False)  # the plainest of the four errors
        self._header = self._missing_header()
        answered = [*self._prefix(), self._put_content({"role": "assistant", "content": _ANSWER})]
        self._end = self._after_answer(self._render(answered, False))
        self._way(user, after_answer=True)
        self._way([], after_answer=True)
        self._check_long_messages()

    @property
    def end(self) -> str:
        """The template's text after the last answer of a conversation that ends with it."""
        return self._end

    @property
    def folds(self) -> tuple[str, ...]:
        """What the template lacks, and what is done about it, in words."""
        found = []

        def way(*shape: str, after_answer: bool = False) -> Way:
            messages = [{"role": role.strip("-"), "content": "" if role[0] == "-" else "x"} for role in shape]
            return self._way([_named(each) for each in messages], after_answer=after_answer)

        if self._system_first:
            found.append(f"conversations without a system message get one: {SYSTEM!r}")
        if self._parts:
            found.append("content is given as a list of parts")
        if self._header:
            found.append(f"the assistant's opening {self._header!r} is added to prompts")
        if not way("system", "user").system:
            found.append("a system message goes to the head of the first user message")
        one, two, then = (way(*roles, after_answer=True) for roles in (["tool"], ["tool", "tool"], ["tool", "user"]))
        cases = {"tool results": one, "several tool results": two, "tool results before a user message": then}
        if one.tool == "user":
            cases = {"tool results": one}
        for name, each in cases.items():
            if each.tool == "user":
                found.append(f'{name} become a user message under "Result of <tool>:"')
            elif each.tool != "role":
                found.append(f"{name} follow a stand-in call")
        if way("user", "user").join or way("user", "user", after_answer=True).join:
            found.append("consecutive user messages are joined")
        if not (way("-user").blank and way("-user", after_answer=True).blank and way("-tool", after_answer=True).blank):
            found.append(f'blank content becomes "{EMPTY}"')
        return tuple(found)

    def check_tools(self) -> None:
        """Raises TemplateError if the template does not show tools that are given to it."""
        if "tools" not in self._template.names:
            raise TemplateError(_NO_TOOLS_SHOWN)
        message = [{"role": "user", "content": _mark(0)}]
        way = self._way(message, after_answer=False, tools=True)
        text = self._render(self._put(message, way), True, PROBE_TOOLS)
        if PROBE_TOOLS[0]["function"]["name"] not in text:
            raise TemplateError(_NO_TOOLS_SHOWN)
        for told in map(told_of, PROBE_TOOLS):
            if lost := next((what for what, words in told.items() if words not in text), None):
                raise TemplateError(f"the chat template leaves out {lost} of tools: {_IN_THE_PROMPT}")

    def _check_long_messages(self) -> None:
        """Raises TemplateError if the template cuts messages."""
        for role, after in (("system", False), ("user", False), ("user", True), ("tool", True)):
            roles = [role] if role != "system" else ["system", "user"]
            messages = [_named({"role": each, "content": LONG}) for each in roles]
            with suppress(TemplateError):  # a shape that no way fits is refused when it is met
                way = self._way(messages, after_answer=after)
                whole = self._reply(messages, way, True) if after else self._render(self._put(messages, way), True)
                if whole.count(LONG) + whole.count(json.dumps(LONG)[1:-1]) < len(roles):
                    break
        else:
            return
        raise TemplateError(f"the chat template cuts or rewrites long messages: with role {role!r}, text is missing")

    def opening(self, messages: Messages, tools: Messages = _NO_TOOLS, *, add_generation_prompt: bool = True) -> str:
        """The text of the messages before the first answer, ending in the assistant's opening."""
        messages = messages or [{"role": "user", "content": BEGIN}]
        way = self._way(messages, after_answer=False, tools=bool(tools))
        return self._with_stand_ins(
            messages, lambda given: self._render(self._put(given, way), add_generation_prompt, tools)
        )

    def reply(self, messages: Messages, *, add_generation_prompt: bool = True) -> str:
        """The text after an answer: its end, the messages, and the assistant's next opening."""
        way = self._way(messages, after_answer=True)
        return self._with_stand_ins(messages, lambda given: self._reply(given, way, add_generation_prompt))

    # Ways ---------------------------------------------------------------------------------------

    def _way(self, messages: Messages, *, after_answer: bool, tools: bool = False) -> Way:
        """The first way for messages of this shape. Raises TemplateError if there is none."""
        shape = tuple((each["role"], _blank(each), each.get("tool_call_id")) for each in messages)
        key = after_answer, tools, shape
        if key in self._ways:
            return self._ways[key]
        probe, marks = _stand_ins(messages)
        refusal = TemplateError("the chat template leaves out or reorders messages")
        for way in _candidates(shape, after_answer):
            try:
                if after_answer:
                    text = self._reply(probe, way, True)
                else:
                    text = self._render(self._put(probe, way), True, PROBE_TOOLS[:1] if tools else ())
            except TemplateError as error:
                refusal = error
                continue
            if _in_order(text, marks):
                if len(self._ways) > 5000:  # ids that a model makes up are part of a shape
                    self._ways.clear()
                self._ways[key] = way
                return way
        raise refusal

    def _with_stand_ins(self, messages: Messages, render: Any) -> str:
        """What ``render`` makes of the messages. Content that the template refuses is put in afterwards."""
        try:
            return str(render(messages))
        except TemplateError:
            given, marks = _stand_ins(messages)
            text = str(render(given))
            for mark, message in zip(marks, messages, strict=True):
                if mark:
                    text = text.replace(mark, str(message["content"]))
            return text

    # Rendering ----------------------------------------------------------------------------------

    def _render(self, messages: Messages, add_generation_prompt: bool, tools: Messages = _NO_TOOLS) -> str:
        if self._system_first and (not messages or messages[0]["role"] != "system"):
            messages = [self._put_content({"role": "system", "content": SYSTEM}), *messages]
        text = self._template.render(messages, tools or None, add_generation_prompt=add_generation_prompt)
        return text + self._header if add_generation_prompt else text

    def _reply(self, messages: Messages, way: Way, add_generation_prompt: bool) -> str:
        put = self._put(messages, way)
        if not way.tool.startswith("call"):
            before = [*self._prefix(), self._put_content({"role": "assistant", "content": _ANSWER})]
            return self._after_answer(self._render([*before, *put], add_generation_prompt))
        arguments: Any = {"x": _ANSWER}
        if way.tool == "call as text":
            arguments = json.dumps(arguments, ensure_ascii=False)
        calls = [
            {"id": each["tool_call_id"], "type": "function", "function": {"name": each["name"], "arguments": arguments}}
            for each in put
            if each["role"] == "tool"
        ]
        before = [*self._prefix(), {"role": "assistant", "content": "", "tool_calls": calls}]
        closed = self._after_answer(self._render(before, False))  # the rest of the call and the end of the turn
        after = self._after_answer(self._render([*before, *put], add_generation_prompt))
        if not after.startswith(closed):
            raise TemplateError("the chat template rewrites a call when its result follows")
        end = self._control.search(closed)
        return (closed[end.start() :] if end else self._end) + after[len(closed) :]

    def _after_answer(self, text: str) -> str:
        _, found, tail = text.rpartition(_ANSWER)
        if not found:
            raise TemplateError("the chat template leaves out or reorders messages")
        return tail

    def _missing_header(self) -> str:
        """How the template opens an assistant's message, if it ignores ``add_generation_prompt``."""
        user = self._prefix()
        without = self._render(user, False)
        if self._render(user, True) != without:
            return ""
        answered = self._render([*user, self._put_content({"role": "assistant", "content": _ANSWER})], False)
        header = answered[len(without) :].partition(_ANSWER)[0] if answered.startswith(without) else ""
        return header if header.strip() else ""  # "[INST] hi [/INST]" needs none

    def _prefix(self) -> list[dict[str, Any]]:
        return [self._put_content({"role": "user", "content": _BEFORE})]

    def _put(self, messages: Messages, way: Way) -> list[dict[str, Any]]:
        return [self._put_content(message) for message in put(messages, way)]

    def _put_content(self, message: dict[str, Any]) -> dict[str, Any]:
        if not self._parts:
            return message
        return {**message, "content": [{"type": "text", "text": message["content"]}]}


def put(messages: Messages, way: Way) -> list[dict[str, Any]]:
    """The messages in this way."""
    out: list[dict[str, Any]] = []
    system: list[str] = []  # to go to the head of the next user message
    results = False  # the last message of ``out`` consists of results
    for i, message in enumerate(messages):
        role, content = message["role"], str(message["content"])
        if not way.blank and not content.strip():
            content = EMPTY
        result = role == "tool" and way.tool == "user"
        if result:
            role, content = "user", f"Result of {message.get('name') or 'the tool'}:\n{content}"
        elif role != "tool" and not way.system and role != "user":
            system.append(content)
            continue
        if role == "user" and system:
            content, system = "\n\n".join([*system, content]), []
        if out and out[-1]["role"] == role and ((way.join and role != "tool") or (result and results)):
            out[-1] = {**out[-1], "content": f"{out[-1]['content']}\n\n{content}"}
        else:
            new = {**message, "role": role, "content": content} if not result else {"role": role, "content": content}
            out.append(_named(new, i, keep_id=way.ids))
        results = result
    if system:
        return put([*out, {"role": "user", "content": "\n\n".join(system)}], way)
    return out


def _named(message: dict[str, Any], position: int = 0, *, keep_id: bool = True) -> dict[str, Any]:
    """A tool's result with its tool's name and a call's id; some templates want the id in 9 letters and digits."""
    if message["role"] != "tool":
        return message
    made = {"tool_call_id": f"call{position:05}"}
    return {"name": "tool", **made, **message} if keep_id else {"name": "tool", **message, **made}


def _candidates(shape: _Shape, after_answer: bool) -> Iterator[Way]:
    """The ways that make a difference for the shape, from the least change on."""
    roles = [role for role, _, _ in shape]
    tools: list[Any] = ["role"]
    if "tool" in roles:
        calls = ["call", "call as text"] if after_answer and roles[0] == "tool" else []
        tools = ["role", *calls, "user"]
    blank = [True, False] if any(content != "x" for _, content, _ in shape) else [True]
    system = [True, False] if any(role not in ("user", "tool") for role in roles) else [True]
    join = [False, True] if len(roles) > 1 else [False]
    ids = [True, False] if any(found is not None for _, _, found in shape) else [True]
    return (Way(*each) for each in product(blank, system, tools, join, ids))


def _blank(message: Mapping[str, Any]) -> str:
    content = str(message["content"])
    return "x" if content.strip() else content[:1]


def _stand_ins(messages: Messages) -> tuple[list[dict[str, Any]], list[str]]:
    """The messages with a mark in place of each content that is not blank, and the marks ("" for blank content)."""
    marks = [_mark(i) if _blank(message) == "x" else "" for i, message in enumerate(messages)]
    given = [
        {**message, "content": mark or _blank(message), **({"name": "tool"} if "name" in message else {})}
        for message, mark in zip(messages, marks, strict=True)
    ]
    return given, marks


def _mark(number: int) -> str:
    digits = [chr(0xDC00 + int(digit)) for digit in str(number)]
    return "".join(["\udffc", *digits, "\udffc"])


def _in_order(text: str, marks: Sequence[str]) -> bool:
    at = 0
    for mark in marks:
        at = text.find(mark, at)
        if at < 0:
            return False
        at += len(mark)
    return True
