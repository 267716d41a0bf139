"""The syntax of ToolRL (arXiv 2504.13958): a thought, then calls, one JSON object per line, and/or a response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from toolgym.dialects.base import Dialect
from toolgym.dialects.json.blocks import FENCED, read_block
from toolgym.dialects.json.calls import one_call, read_calls, tool_lines, write_call
from toolgym.dialects.json.stray import STRAY, around_tag, split_thought, stray_calls
from toolgym.dialects.think import write_think
from toolgym.types import Completion, ToolCall

if TYPE_CHECKING:
    from toolgym.tools import Tool

_CALLS, _CALLS_END = "<tool_call>", "</tool_call>"
_SAYS, _SAYS_END = "<response>", "</response>"
_HEAD = "</think>\n<tool_call>\n"
_TAIL = "\n</tool_call>"

_INSTRUCTIONS = """\
You can call these tools, described by one JSON object per line:
{tools}

Answer in this layout, with nothing before, between or after its parts:
<think>your reasoning</think>
<tool_call>
{{"name": "the tool", "parameters": {{"a parameter": "its value"}}}}
</tool_call>
<response>what you say to the user</response>

Always think. Then call tools, or respond, or both; leave out the part that you do not need. Each line between \
<tool_call> and </tool_call> is one call. What the tools return comes in the next message."""


class ToolRL(Dialect):
    """``<think>..</think>``, then ``<tool_call>`` with a JSON object per line and/or ``<response>..</response>``.

    Calls are read from the first ``<tool_call>`` block after the thought. In a text without a block they are read
    wherever they stand (json/stray.py), and the layout is wrong. Thought and response are not escaped, so
    ``render`` cannot write a thought that contains ``</think>`` or a response that contains ``</response>``. In a
    text without calls and without ``<response>``, the text after the thought is the response.
    """

    name: ClassVar[str] = "toolrl"

    def instructions(self, tools: Sequence[Tool]) -> str:
        return _INSTRUCTIONS.format(tools=tool_lines(tools))

    def parse(self, text: str) -> Completion:
        before, joint, after = text.partition(_HEAD)
        if joint and before[:7] == "<think>" and after[-13:] == _TAIL:  # fast path: the layout of nearly all texts
            think, body = before[7:], after[:-13]
            if "<" not in think and "<" not in body:
                start = len(before) + len(_HEAD)
                call = one_call(body, "parameters", start) if "\n" not in body else None
                if call is not None:
                    return Completion(text, (call,), think)
                if body.lstrip()[:1] not in ("`", "~"):  # no code fence
                    return Completion(text, tuple(read_calls(body, "parameters", start)), think)
        return _read(text)

    def render(self, completion: Completion) -> str:
        parts = [write_think(completion.think)]
        if completion.calls:
            lines = [write_call(call, "parameters") for call in completion.calls]
            parts += [_CALLS, "\n", "\n".join(lines), "\n", _CALLS_END, "\n"]
        if completion.response is not None:
            parts += [_SAYS, completion.response, _SAYS_END, "\n"]
        return "".join(parts)[:-1]

    def well_formed(self, completion: Completion, *, calls: bool, response: bool) -> bool:
        """The format reward of ToolRL, by the rule of the released code (see ``follows``). JSON is not checked.

        Calls in a code fence, which the released code cannot read, have the wrong layout.
        """
        if calls and completion.misplaced:
            return False
        if completion.problem is None:
            return bool(completion.calls) == calls and (completion.response is not None) == response
        return follows(completion.text.strip(), calls=calls, response=response)


def follows(text: str, *, calls: bool, response: bool) -> bool:
    """Whether a text has the layout that the released code requires if calls and/or a response are expected.

    The rule (``rlla.py`` at 8cee13e), ``.`` being any character: ``<think>.*</think>``, then for calls
    ``\\n<tool_call>\\n.*\\n</tool_call>``, then for a response ``\\n<response>.*</response>``, and nothing else; each
    tag of an expected part occurs exactly once. The released code strips the text first; the caller must do so too.
    Takes linear time: the parts are searched from left to right, each at its first occurrence.
    """
    tags = (_CALLS, _CALLS_END) * calls + (_SAYS, _SAYS_END) * response
    if not text.startswith("<think>") or any(text.count(tag) != 1 for tag in tags):
        return False
    inner = [_HEAD] * calls
    if response:
        inner.append("\n</tool_call>\n<response>" if calls else "</think>\n<response>")
    position = len("<think>")
    for part in inner:
        position = text.find(part, position) + len(part)
        if position < len(part):
            return False
    last = _SAYS_END if response else _TAIL if calls else "</think>"
    return text.endswith(last) and position <= len(text) - len(last)


def _read(text: str) -> Completion:
    """Parse any text: the slow path."""
    think, position, problem = split_thought(text, _CALLS, "parameters")
    calls: Sequence[ToolCall] = ()
    response, begin, misplaced = None, position, False
    at_calls, at_says = text.find(_CALLS, position), text.find(_SAYS, position)
    first = at_calls if at_says < 0 or 0 <= at_calls < at_says else at_says
    stray = around_tag(text, position, first, "parameters")
    if stray:
        return Completion(text, tuple(stray), think, None, problem or STRAY, misplaced=True)
    if 0 <= at_says < at_calls:  # <tool_call> inside the response is text, not a tag
        response, position = _inside(text, at_says)
        at_calls = text.find(_CALLS, position)
    if at_calls >= 0:
        calls, position, misplaced = read_block(text, at_calls, "parameters")
        at_says = text.find(_SAYS, position)
    if response is None and at_says >= 0:
        response, position = _inside(text, at_says)
    if problem is None:
        problem = _departure(text.strip(), bool(calls), response is not None) or (FENCED if misplaced else None)
    if not calls:
        calls = stray_calls(text, begin, len(text), "parameters")
        misplaced = bool(calls)
        problem = problem or (STRAY if misplaced else None)
    if not calls and response is None:
        response = text[position:].strip() or None
    return Completion(text, tuple(calls), think, response, problem, misplaced=misplaced)


def _inside(text: str, at: int) -> tuple[str, int]:
    """The response whose tag is at ``at``, and its end. Without a closing tag it ends with the text."""
    start = at + len(_SAYS)
    end = text.find(_SAYS_END, start)
    return (text[start:], len(text)) if end < 0 else (text[start:end], end + len(_SAYS_END))


def _departure(text: str, calls: bool, response: bool) -> str | None:
    """The first violation of the layout, for a text that has calls and/or a response; None if there is none."""
    if not text.startswith("<think>"):
        return "the text does not begin with <think>"
    wanted = {"<think>": True, "</think>": True, _CALLS: calls, _CALLS_END: calls, _SAYS: response, _SAYS_END: response}
    for tag, times in wanted.items():
        found = text.count(tag)
        if found != times:
            return f"{tag} occurs {found} times, and should {'once' if times else 'not at all'}"
    if not follows(text, calls=calls, response=response):
        return "there is text, or a line end too many or too few, outside of the parts, or they are in another order"
    return None
