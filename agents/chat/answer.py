"""Reads a response of OpenAI's chat API: an answer, one that did not end by itself, or a failure of the server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from toolgym.dialects.assistant_message import said
from toolgym.dialects.think import split_think
from toolgym.types import UnfinishedAnswer

from ..chat_messages import action_text, in_one_form, refused_in, written_calls
from .endings import CALLED, ending_of
from .filters import is_filtered, may_be_a_verdict, objects
from .names import Names


class NoAnswer(ValueError):
    """The response holds no answer of the model: it is not a chat completion, or the server failed on the way."""


def read_answer(response: Any, names: Names, *, native: bool, alternatives: bool = False) -> str:
    """The action in a decoded response with status 200; an UnfinishedAnswer if the answer did not end by itself.

    Of several choices the first is the answer, and the first choice with calls gives its calls if it has none (some
    gateways split an answer). ``alternatives``: several answers were asked for; the choice with index 0 counts.

    Raises NoAnswer if the response is not a chat completion, or the server broke the answer off for its own reasons.
    """
    try:
        choices = response["choices"]
        if alternatives:
            choices = sorted(choices, key=lambda choice: choice.get("index") != 0)[:1]
        choice, message = choices[0], choices[0]["message"]
        if choice.get("error"):
            raise NoAnswer(f"the server failed: {_short(choice['error'])}")
        if not isinstance(message, dict):
            raise TypeError("the message is not an object")
        message = in_one_form(message)
        calls = message["tool_calls"]
        for later in choices[1:]:
            calls = calls or written_calls(later["message"])
        message["tool_calls"] = calls
        end, reason = ending_of(choice)
        if end == "failed":
            raise NoAnswer(f"the server broke the answer off (finish_reason {_short(reason)})")
        empty = not (said(message.get("content")) or "").strip()
        if end == "unknown" and empty and not calls:
            raise NoAnswer(f"the answer is empty, and its finish_reason {_short(reason)} does not say why")
        if end == "unknown" and reason not in (None, ""):
            raise NoAnswer(f"the finish_reason {_short(reason)} does not say that the answer is whole")
        if end == "unknown" and not calls and _is_cut(choice, response):
            raise NoAnswer("the answer has text and finish_reason null, as a stream that was cut has")
        lost = end == "stop" and not calls and CALLED.fullmatch(str(reason)) and (native or empty)
        if end == "bad_call" or lost:
            return _bad_call(message, reason, names, native=native)
        text = action_text(message, native=native, names=names)
    except NoAnswer:
        raise
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        told = response.get("error") if isinstance(response, dict) else None
        what = f"but an error: {_short(told)}" if told else f"({type(error).__name__})"
        raise NoAnswer(f"the answer is not a chat completion {what}") from None
    if end in ("length", "content_filter", "refusal"):
        return UnfinishedAnswer(text, end)
    if calls and not native:  # no tools were given to the server, and it has taken the call out of the text
        return UnfinishedAnswer(text, "lost_call")
    if native and not calls and _has_call(said(message.get("content")) or "", names):
        return UnfinishedAnswer(text, "lost_call")
    if refused_in(message) and not calls:
        return UnfinishedAnswer(text, "refusal")
    return text


def _is_cut(choice: Mapping[str, Any], response: Mapping[str, Any]) -> bool:
    """Whether a finish reason is null and no tokens were counted. A whole answer has one of the two, or no field."""
    usage = response.get("usage")
    return "finish_reason" in choice and not (isinstance(usage, dict) and usage.get("completion_tokens"))


def read_error(status: int, error: Any, *, native: bool) -> str | None:
    """The answer that an error stands for, or None. ``error`` is the decoded response.

    A content filter is an UnfinishedAnswer: the prompt or the policy was its reason. A call that the server could not
    read (Groq's ``tool_use_failed``) is an answer with a malformed call.
    """
    if not may_be_a_verdict(status, error):
        return None
    failed = next((found for found in objects(error) if found.get("code") == "tool_use_failed"), None)
    if failed is not None:
        return _bad_call({"content": None}, failed.get("failed_generation"), Names(), native=native)
    return UnfinishedAnswer("", "content_filter") if is_filtered(status, error) else None


_MARKUP = re.compile(
    r"<\|?tool_calls?\b|<[|\uff5c]tool\u2581calls?|\[TOOL_CALLS\]|<\|python_tag\|>|<function[=_ ]|<invoke name="
    r"|```tool_code|<start_function_call>|to=functions\."
)
"""How models write a call in text. A server that is set up for the model takes it out of the text."""
_CALLS_ONLY = re.compile(r"\[?\s*([\w.]{1,200})\(")


def _has_call(text: str, names: Names) -> bool:
    """Whether a call of a tool stands in the text, because the server is not set up to read the model's calls."""
    text = text[split_think(text)[1] :].strip()
    if _MARKUP.search(text):
        return True
    if text.startswith("[") and (found := _CALLS_ONLY.match(text)) and text.endswith(")]"):
        return names.offers(found[1])
    if not text.startswith(("{", "[{")):
        return False
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    first = value[0] if isinstance(value, list) else value
    name = first.get("name") if isinstance(first, dict) and {"arguments", "parameters"} & first.keys() else None
    return isinstance(name, str) and names.offers(name)


def _bad_call(message: Mapping[str, Any], written: Any, names: Names, *, native: bool) -> str:
    """The action of a model whose call the server could not read: a malformed call."""
    shown = written if isinstance(written, str) else ""
    if native:
        calls = [*written_calls(message), {"type": "function", "function": {"name": "", "arguments": shown}}]
        text = action_text({**message, "tool_calls": calls, "function_call": None}, native=True, names=names)
        return UnfinishedAnswer(text, "lost_call")
    before = action_text({**message, "tool_calls": None, "function_call": None}, native=False)
    return UnfinishedAnswer(f"{before}\n<tool_call>\n{shown}\n</tool_call>".lstrip(), "lost_call")


def _short(value: Any) -> str:
    return value[:300] if isinstance(value, str) else json.dumps(value, default=str)[:300]
