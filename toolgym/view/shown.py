"""An episode as plain data for the page: printable texts of limited length, calls beside the expected calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolgym.grading import json_equal
from toolgym.playing.left_out import ENDINGS, KINDS, endings_of
from toolgym.report.episode import MOST_CALLS, MOST_TEXT, outcome_of, quality, reason_of
from toolgym.report.reward_words import Part, reward_parts
from toolgym.report.text import as_json, printable
from toolgym.types import UNFINISHED, CallRecord, Message, ToolCall, Trajectory, Turn

MOST_VALUE = 3_000
"""Characters shown of an argument, or of a remark."""
Shown = dict[str, Any]


def shown_episode(t: Trajectory) -> Shown:
    """The episode for the page. Every text is printable, and at most ``MOST_TEXT`` long."""
    return {
        "task": t.task_id,
        "repeat": t.repeat,
        "env": printable(t.env_id),
        "category": printable(t.category),
        "outcome": outcome_of(t),
        "reward": t.reward,
        "why": text_of(reason_of(t), MOST_VALUE),
        "error": printable(_error(t)),
        "endings": [ENDINGS[each] for each in endings_of(t)] if t.reward_valid else [],
        "truncated": t.truncated,
        "seconds": t.seconds,
        "messages": [_message(each) for each in t.messages],
        "turns": [_turn(turn) for turn in t.turns],
    }


def compared(made: ToolCall, gold: ToolCall) -> list[Shown]:
    """The parameters of a call beside those of the expected call, the expected call's first."""
    names = dict.fromkeys([*gold.arguments, *made.arguments])
    return [_parameter(name, made.arguments, gold.arguments) for name in names]


def beside(turn: Turn, gold: Sequence[ToolCall]) -> Shown:
    """What was expected of an action: for each of its calls the comparison or None, and the calls that are missing."""
    calls = turn.reward.calls[:MOST_CALLS]
    met = [call.score.expected for call in calls]
    pairs = [
        {"name": printable(gold[i].name), "parameters": compared(record.call, gold[i])}
        if i is not None and 0 <= i < len(gold)
        else None
        for record, i in zip(calls, met, strict=True)
    ]
    taken = {record.score.expected for record in turn.reward.calls}
    missing = [_wanted(call) for i, call in enumerate(gold[:MOST_CALLS]) if i not in taken]
    return {"calls": pairs, "missing": missing, "expected": len(gold)}


def text_of(text: str, limit: int = MOST_TEXT) -> str:
    """Printable text; if it is longer than ``limit``, its beginning and its length."""
    if len(text) <= limit:
        return printable(text)
    return f"{printable(text[:limit])}\n[... {limit:,} of {len(text):,} characters shown; copy as JSON has all]"


def _error(t: Trajectory) -> str:
    if t.reward_valid:
        return t.error_type or ""
    return f"{t.error_kind or 'unknown'}: {KINDS.get(t.error_kind or 'unknown', 'no reason was recorded')}"


def _message(message: Message) -> Shown:
    return {
        "role": printable(message["role"]),
        "name": printable(message.get("name") or ""),
        "text": text_of(message["content"]),
    }


def _turn(turn: Turn) -> Shown:
    records = turn.reward.calls[:MOST_CALLS]
    return {
        "text": segments(turn.action, records),
        "unfinished": UNFINISHED[turn.unfinished] if turn.unfinished else "",
        "valid": turn.reward_valid,
        "reward": turn.reward.total,
        "parts": [_part(each) for each in reward_parts(turn.reward.terms)],
        "calls": [_call(record) for record in records],
        "more_calls": len(turn.reward.calls) - len(records),
        "replies": [_message(each) for each in turn.messages[1:] if each["role"] != "tool"],
    }


def segments(text: str, records: Sequence[CallRecord]) -> list[tuple[str, int]]:
    """The text cut at its calls: (text, number of the call from 1, or 0 between calls)."""
    found: list[tuple[str, int]] = []
    at, end_of_text = 0, min(len(text), MOST_TEXT)
    for start, end, number in sorted((r.call.start, r.call.end, i) for i, r in enumerate(records, 1)):
        end = min(end, end_of_text)
        if at <= start < end:
            found += [(text[at:start], 0), (text[start:end], number)]
            at = end
    found.append((text_of(text[at:], end_of_text - at) if len(text) > MOST_TEXT else text[at:], 0))
    return [(printable(piece), number) for piece, number in found if piece]


def _part(part: Part) -> Shown:
    return {
        "name": part.name,
        "points": part.points,
        "reason": part.reason,
        "meaning": part.meaning,
        "parts": [_part(each) for each in part.inside],
    }


def _call(record: CallRecord) -> Shown:
    call, score = record.call, record.score
    return {
        "name": printable(call.name) or "?",
        "arguments": [
            [printable(str(key)), text_of(as_json(value), MOST_VALUE)] for key, value in call.arguments.items()
        ],
        "quality": quality(record),
        "malformed": text_of(call.error or "", MOST_VALUE),
        "problems": [text_of(each, MOST_VALUE) for each in record.problems[:MOST_CALLS]],
        "reason": text_of(score.reason, MOST_VALUE),
        "expected": score.expected is not None,
        "param": score.param,
        "value": score.value,
        "result": None if record.result is None else text_of(record.result.content),
        "failure": record.fault or ("" if record.result is None else record.result.error or ""),
    }


def _wanted(call: ToolCall) -> Shown:
    return {
        "name": printable(call.name),
        "parameters": [_parameter(name, {}, call.arguments) for name in call.arguments],
    }


def _parameter(name: str, made: Mapping[str, Any], gold: Mapping[str, Any]) -> Shown:
    both = name in made and name in gold
    return {
        "name": printable(str(name)),
        "made": text_of(as_json(made[name]), MOST_VALUE) if name in made else None,
        "gold": text_of(as_json(gold[name]), MOST_VALUE) if name in gold else None,
        "same": both and json_equal(made[name], gold[name]),
    }
