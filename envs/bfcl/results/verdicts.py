"""The official verdict on an answer of a result file, as ``eval_runner`` of bfcl_eval 2026.3.23 gives it."""

from __future__ import annotations

from functools import cache
from typing import Any

from toolgym.types import Verdict

from ..agentic.checker import check as check_answer
from ..agentic.rows import questions
from ..dialogue.dialogue import FORCED, check
from ..formats.decoding import DecodeError, locate
from ..formats.tasks import FormatEntry
from ..grading import DECODER_FAILED, UNSCORABLE, Checker, Entry, check_relevance
from .decoding import Form, Undecodable, decode_ast, decode_execute, text_of

INFERENCE = "multi_turn:inference_error"
AGENTIC_INFERENCE = "agentic:inference_error"


def single_turn(entry: Entry, result: Any, form: Form, underscore_to_dot: bool) -> Verdict:
    """The verdict on an answer to a single-turn row, also of format_sensitivity."""
    try:
        decoded = _formatted(entry, result) if isinstance(entry, FormatEntry) else _decoded(entry, result, form)
    except Undecodable as error:
        if "relevance" in entry.category:
            return check_relevance(None, entry.category)
        return Verdict(False, f"no calls could be read: {error}"[:300], DECODER_FAILED)
    if "relevance" in entry.category:
        return check_relevance(decoded, entry.category)
    return _checker(entry, underscore_to_dot).check(decoded)


def multi_turn(entry: Any, result: Any, form: Form) -> Verdict:
    """The verdict on a dialogue: a list of turns, each a list of answers."""
    if not isinstance(result, list):
        return Verdict(False, "the answer is not a list of turns", INFERENCE)
    if len(result) != len(entry.gold):
        return Verdict(False, f"it has {len(result)} of {len(entry.gold)} turns", FORCED)
    turns = []
    for answers in result:
        if not isinstance(answers, (list, str)):  # officially an exception, which ends the whole evaluation
            return Verdict(False, "a turn is not a list of answers", UNSCORABLE)
        steps = []
        for answer in answers:
            try:
                steps.append(decode_execute(answer, form))
            except Undecodable:
                continue
        turns.append([step for step in steps if step and not (len(step) == 1 and not step[0])])
    return check(entry, turns)


def agentic(category: str, task_id: str, result: Any, form: Form) -> Verdict:
    """The verdict on a question to a memory or the web: the last answer without a call must contain an accepted one.

    Raises KeyError for an unknown id.
    """
    answers = accepted(category)[task_id]
    if not isinstance(result, list) or len(result) != 1:
        return Verdict(False, "the answer is not a list of one turn", AGENTIC_INFERENCE)
    last: Any = None
    for answer in result[0] if isinstance(result[0], (list, str)) else ():
        try:
            calls = decode_execute(answer, form)
        except Undecodable:
            last = answer
            continue
        if not calls or (len(calls) == 1 and not calls[0]):
            last = answer
    if last and not isinstance(last, str):  # officially an exception, which ends the whole evaluation
        return Verdict(False, "the last answer is neither a call nor text", UNSCORABLE)
    return check_answer(last, answers)


@cache
def accepted(category: str) -> dict[str, tuple[str, ...]]:
    """Id -> the accepted answers of an agentic category."""
    kind = "memory" if category.startswith("memory") else "web_search"
    return {row.id.replace(kind, category, 1): row.answers for row in questions(kind)}


def _decoded(entry: Entry, result: Any, form: Form) -> Any:
    # officially relevance is decoded as Python, whatever the category
    return decode_ast(result, form, "python" if "relevance" in entry.category else entry.language)


def _formatted(entry: FormatEntry, result: Any) -> Any:
    try:
        return [{name: arguments} for name, arguments, _, _ in locate(text_of(result), entry.configuration)]
    except DecodeError as error:
        raise Undecodable(str(error)) from None


def _checker(entry: Entry, underscore_to_dot: bool) -> Checker:
    if not underscore_to_dot:
        return entry.checker
    row = entry.row if isinstance(entry, FormatEntry) else entry
    return Checker(row.docs, row.ground_truth, row.category, underscore_to_dot=True)
