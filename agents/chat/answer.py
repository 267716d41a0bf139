"""Reads a response of OpenAI's chat API: an answer, one that did not end by itself, or a failure of the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from toolgym.dialects.assistant_message import said
from toolgym.types import UnfinishedAnswer

from ..chat_messages import action_text, in_one_form, refused_in, written_calls
from .endings import CALLED, ending_of
from .error_body import objects
from .filters import is_filtered, may_be_a_verdict
from .lost_calls import has_call
from .names import Names


class NoAnswer(ValueError):
    """The response holds no answer of the model: it is not a chat completion, or the server failed on the way."""


def read_answer(
    response: Any,
    names: Names,
    *,
    native: bool,
    alternatives: bool = False,
    reads: Callable[[str], bool] | None = None,
) -> str:
    """The action in a decoded response with status 200; an UnfinishedAnswer if the answer did not end by itself.

    Of several choices the first is the answer, and the first choice with calls gives its calls if it has none (some
    gateways split an answer). ``alternatives``: several answers were asked for; the choice with index 0 counts.
    ``reads``: whether the env's dialect reads a call in a text; None if that is not known.

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
        lost = end == "stop" and not calls and CALLED.fullmatch(str(reason)) and (native or empty)
        if end == "bad_call" or lost:
            return _bad_call(message, reason, names, native=native)
        text = action_text(message, native=native, names=names)
        if end == "unknown" and empty and not calls:
            raise NoAnswer(f"the answer is empty, and its finish_reason {_short(reason)} does not say why")
        if end == "unknown" and reason not in (None, ""):
            raise NoAnswer(f"the finish_reason {_short(reason)} does not say that the answer is whole")
        if end == "unknown" and not calls and _is_cut(choice, response):
            raise NoAnswer("the answer has text and finish_reason null, as a stream that was cut has")
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
    if not calls and _is_lost(text, message, CALLED.fullmatch(str(reason)) is not None, names, native, reads):
        return UnfinishedAnswer(text, "lost_call")
    if refused_in(message) and not calls:
        return UnfinishedAnswer(text, "refusal")
    return text


def _is_lost(
    text: str, message: Mapping[str, Any], told: bool, names: Names, native: bool, reads: Callable[[str], bool] | None
) -> bool:
    """Whether an answer without calls has one that nobody reads. ``told``: the finish reason says that it has calls."""
    if native:
        return has_call(said(message.get("content")) or "", names)
    if reads is None:
        return told
    return (told or has_call(said(message.get("content")) or "", names)) and not reads(text)


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
