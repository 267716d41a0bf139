"""The layouts in which files hold conversations: each row is brought to OpenAI's messages.

openai      {"messages": [{"role", "content", "tool_calls"}], "tools": [...]}; also "functions" and "function_call",
            "prompt" and "completion" (or "chosen"), "instruction" and "output", or a bare list of messages
parts       messages whose content has parts "tool_use" and "tool_result" (Anthropic), or items "function_call" and
            "function_call_output" (OpenAI's Responses)
sharegpt    {"conversations": [{"from": "human" | "gpt" | "function_call" | "observation", "value"}], "tools"}
hermes      sharegpt with the tools in the system message, between <tools> tags
query       {"query", "tools", "answers"}: one request and its calls (xLAM)
toolrl      {"prompt": [system, user], "reward_model": {"ground_truth"}}, or {"instruction", "input", "output"}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from .calls import decoded, read_call
from .conversation import Original
from .problems import BadRow, described, in_json
from .values import is_messages

_ROLES = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user",
    "assistant": "assistant", "gpt": "assistant", "model": "assistant", "bot": "assistant", "chatgpt": "assistant",
    "ai": "assistant",
    "function_call": "call", "tool_call": "call", "function-call": "call", "tool_calls": "call",
    "tool": "tool", "function": "tool", "observation": "tool", "function_response": "tool", "tool_response": "tool",
    "ipython": "tool", "environment": "tool", "tool_result": "tool", "function-response": "tool",
}  # fmt: skip
_LISTS = ("messages", "conversations", "conversation", "chat", "dialogue", "dialog", "trajectory", "input")
"""Keys of a row's messages."""
_TOOLS = ("tools", "functions", "available_tools")
_TAGS = ("<tool_call>", "<response>")
"""One of which each answer in ToolRL's layout has."""
_ANSWERS = ("completion", "chosen", "preferred_output")
"""Keys of what follows a row's prompt. The answers that were not preferred are passed over."""


class Row(msgspec.Struct, frozen=True):
    """A row in one layout for all: OpenAI's."""

    layout: str
    messages: list[dict[str, Any]]
    """The role of a message with nothing but calls is "call". Messages of a prompt have the weight 0."""
    tools: Any
    original: Original | None = None


def read_row(value: Any) -> Row:
    """The row in OpenAI's layout. Raises BadRow for an unknown layout, or a message that is not one."""
    if is_messages(value):
        value = {"messages": value}
    if not isinstance(value, Mapping):
        raise BadRow("not an object", described(value))
    row = _given(value)
    original = _original(row)
    if original is not None:
        return Row("toolrl", [], (), original)
    if isinstance(row.get("input"), Mapping):  # OpenAI's preferences: {"input": {"messages", "tools"}, ...}
        row = {**_given(row.pop("input")), **row}
    tools = next((row[key] for key in _TOOLS if row.get(key)), None)
    if "query" in row and "answers" in row:
        return _query(row, tools)
    if isinstance(row.get("instruction"), str) and isinstance(row.get("output"), str):
        more = row["input"] if isinstance(row.get("input"), str) else ""
        row = {**row, "prompt": "\n\n".join(filter(None, (row["instruction"], more))), "completion": row["output"]}
    prompt, answer = _prompt_and_answer(row)
    if not prompt and not answer:
        raise BadRow("no conversation", f"it has the keys {', '.join(map(str, list(value)[:8])) or 'none'}")
    messages: list[dict[str, Any]] = []
    for i, each in enumerate(prompt + answer):
        weight = {"weight": 0} if i < len(prompt) else {}
        messages += [{**message, **weight} for message in _messages(each, i)]
    if tools is None:  # some layouts keep the tools in the first message
        tools = next((messages[0][key] for key in _TOOLS if messages and messages[0].get(key)), None)
    system = row.get("system")
    if isinstance(system, str) and system.strip() and not (messages and messages[0]["role"] == "system"):
        messages = [{"role": "system", "content": system}, *messages]
    return Row(_layout(prompt + answer), messages, tools)


def _given(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are there: a table that was written as JSON has null, or NaN, in all others."""
    return {key: item for key, item in value.items() if item is not None and item == item}


def _prompt_and_answer(row: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """A row's messages: those of the prompt, and those to be imitated. Without a prompt all are in the second list."""
    key = next((key for key in _LISTS if key in row), None)
    answer = next((name for name in _ANSWERS if name in row), None)
    if answer is not None:
        before = "prompt" if "prompt" in row else key
        rest = _listed(row[answer], answer)
        told = [] if before is None else _listed(row[before], before)
        return ([], rest) if rest[: len(told)] == told else (told, rest)  # TRL: "chosen" may repeat the prompt
    return [], [] if key is None else _listed(row[key], key)


def _listed(given: Any, key: str) -> list[Any]:
    """A row's messages as a list; a text is one message."""
    if isinstance(given, str):
        if given.lstrip()[:1] in ("[", "{") and key not in _ANSWERS:
            given = decoded(given, key)
        elif key in ("prompt", *_ANSWERS):
            given = [{"role": "user" if key == "prompt" else "assistant", "content": given}]
    if isinstance(given, dict):
        columns = list(given.values())
        if columns and all(isinstance(column, list) for column in columns):  # a table's columns
            if len({len(column) for column in columns}) > 1:
                raise BadRow("messages in columns of different lengths", ", ".join(map(str, given)))
            return [dict(zip(given, cells, strict=True)) for cells in zip(*columns, strict=True)]
        given = [given]
    if not isinstance(given, list):
        raise BadRow("messages that are not a list", f"{key!r} is {described(given)}")
    return given


def _messages(given: Any, at: int) -> Iterator[dict[str, Any]]:
    """A message as one or several of OpenAI's messages."""
    if not isinstance(given, dict):
        raise BadRow("a message that is not an object", f"message {at + 1}: {described(given)}")
    given = _given(given)
    kind = given.get("type")
    if kind == "function_call_output":
        yield {"role": "tool", "tool_call_id": given.get("call_id"), "content": given.get("output")}
        return
    if kind == "function_call" and "role" not in given:
        yield {"role": "assistant", "tool_calls": [given]}
        return
    if kind == "reasoning" and "role" not in given:
        yield {"role": "assistant", "reasoning_details": given.get("summary") or given.get("content") or []}
        return
    who = given.get("role") or given.get("from")
    role = _ROLES.get(who.strip().lower()) if isinstance(who, str) else None
    if role is None:
        raise BadRow("a message of an unknown role", f"message {at + 1}: {in_json(who)}")
    out = {**given, "role": role}
    if "content" not in out and "value" in out:
        out["content"] = out["value"]
    yield from _of_parts(out)


def _of_parts(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A message without the parts "tool_use" and "tool_result", which become calls and messages of their own."""
    results, rest = _parted(message, "tool_result")
    if results and message["role"] != "tool":
        for part in results:
            yield {"role": "tool", "tool_call_id": part.get("tool_use_id"), "content": part.get("content")}
        if rest:
            yield {**message, "content": rest}
        return
    used, rest = _parted(message, "tool_use")
    yield {**message, "content": rest or None, "tool_calls": used} if used else message


def _parted(message: dict[str, Any], kind: str) -> tuple[list[dict[str, Any]], list[Any]]:
    """The parts of a message's content that have a type, and the other parts."""
    content = message.get("content")
    found, rest = list[dict[str, Any]](), list[Any]()
    for part in content if isinstance(content, list) else ():
        (found if isinstance(part, dict) and part.get("type") == kind else rest).append(part)
    return found, rest


def _layout(found: list[Any]) -> str:
    for each in found:
        content = each.get("content")
        parts = content if isinstance(content, list) else []
        kinds = {str(each.get("type")), *(str(part.get("type")) for part in parts if isinstance(part, dict))}
        if not kinds.isdisjoint({"tool_use", "tool_result", "function_call", "function_call_output"}):
            return "parts"
    return "sharegpt" if any("from" in each for each in found) else "openai"


def _query(row: Mapping[str, Any], tools: Any) -> Row:
    answers = decoded(row["answers"], "answers") if isinstance(row["answers"], str) else row["answers"]
    answers = [answers] if isinstance(answers, dict) else answers
    if not isinstance(answers, list) or not isinstance(row["query"], str):
        raise BadRow("answers that are not a list of calls", described(answers))
    if not answers:
        raise BadRow("answers without a call", "what should be said instead is not in the row")
    made = [{"name": call.name, "arguments": call.arguments} for call, _ in map(read_call, answers)]
    messages: list[dict[str, Any]]
    messages = [{"role": "user", "content": row["query"]}, {"role": "assistant", "tool_calls": made}]
    return Row("query", messages, tools)


def _original(row: Mapping[str, Any]) -> Original | None:
    """The texts of a row in ToolRL's layout, or None for another layout."""
    reward, prompt = row.get("reward_model"), row.get("prompt")
    given: tuple[Any, Any, Any]
    if isinstance(reward, Mapping) and is_messages(prompt):
        texts = {str(each.get("role")): each.get("content") for each in prompt}  # type: ignore[union-attr]
        given = texts.get("system", ""), texts.get("user"), reward.get("ground_truth")
    elif {"instruction", "input", "output"} <= row.keys() and any(tag in str(row["output"]) for tag in _TAGS):
        given = row["instruction"], row["input"], row["output"]
    else:
        return None
    if not all(isinstance(text, str) for text in given):
        raise BadRow("a row in ToolRL's layout without its texts", "system, user and ground_truth must be text")
    return Original(*given)
