"""Scores result files of the official harness: a verdict for each answer, and an episode to look at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import msgspec

from toolgym.env import ToolEnv
from toolgym.scoring.playback import playback
from toolgym.types import RewardBreakdown, Trajectory, Turn, Verdict, message

from ..aggregate import MEMORY, MULTI_TURN, WEB_SEARCH
from ..tasks import COUNTS, FORMAT_SENSITIVITY
from .decoding import Form, calls_of, form_of, is_api_call
from .files import Answered, ModelResults, read_results, registry
from .verdicts import accepted, agentic, multi_turn, single_turn

SINGLE, DIALOGUES, AGENTIC = "ToolGym-BFCL-v0", "ToolGym-BFCL-MultiTurn-v0", "ToolGym-BFCL-Agentic-v0"
ORDER = (*COUNTS, *MULTI_TURN, *MEMORY, *WEB_SEARCH, FORMAT_SENSITIVITY)
"""The categories that can be scored, in the order of tables."""
_SHOWN_ONLY = (*MEMORY, *WEB_SEARCH)
"""Categories whose answers are not played: what the calls returned depends on a memory, or a web, of that time."""
_HARNESS_ERROR = "Error during inference"


class Scored(msgspec.Struct, frozen=True):
    """The answers of one model, scored."""

    model: str
    """The name of its folder, and where it is if two models have the same."""
    trajectories: list[Trajectory]
    """``success``, ``verdict`` and ``error_type`` are the official ones."""
    form: Form
    """How its answers were read."""
    underscore_to_dot: bool
    notes: list[str]
    """What is odd about the files."""


def score_results(paths: Iterable[str | Path], form: Form | None = None) -> list[Scored]:
    """Score result files, or all result files in folders, model by model.

    Args:
        form: how answers are read; None finds it out (see decoding.py).

    Raises ValueError for files that are not results of BFCL v4, AssetError if the data are missing.
    """
    found = read_results(paths)
    scored = [_score(each, form) for each in found]
    names = [each.model for each in found]
    return [
        msgspec.structs.replace(one, model=f"{one.model} ({each.folder.parent})")
        if names.count(each.model) > 1
        else one
        for one, each in zip(scored, found, strict=True)
    ]


def _score(results: ModelResults, form: Form | None) -> Scored:
    known = registry().get(results.model)
    rows = [row for answers in results.answers.values() for row in answers]
    found = form_of(row.result for row in rows)
    if form is None:
        # a native model whose answers are all text has called nothing
        form = "native" if known is not None and known.native and found == "prompted" else found
    dotless = known.underscore_to_dot if known is not None else form == "native" and not _has_dots(results)
    notes, trajectories, partly = list(results.notes), list[Trajectory](), []
    for category in sorted(results.answers, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER)):
        answers = results.answers[category]
        if category not in ORDER:
            told = f"{len(answers)} ids of the category {category!r}" if category else f"{len(answers)} ids"
            notes.append(f"{told} are not of BFCL v4 and are left out, such as {answers[0].id[:60]!r}")
            continue
        places = _places(category)
        strange = [row.id for row in answers if row.id not in places]
        if strange:
            told = ", ".join(strange[:3]) + (", ..." if len(strange) > 3 else "")
            notes.append(f"{category}: {len(strange)} ids are not of this category and are left out: {told}")
        for row in sorted((row for row in answers if row.id in places), key=lambda row: places[row.id]):
            trajectories.append(_episode(category, row, form, dotless))
        if len(answers) - len(strange) < len(places):
            partly.append(f"{category} {len(answers) - len(strange)} of {len(places)}")
    if partly:
        notes.append(f"answered in part, and scored over what is there: {', '.join(partly)}")
    broken = sum(isinstance(row.result, str) and row.result.startswith(_HARNESS_ERROR) for row in rows)
    if broken:
        told = "answers are errors of the harness, which counts them as answers: irrelevance passes with them"
        notes.append(f"{broken} {told}")
    if foreign := sum(is_api_call(row.result) for row in rows):
        notes.append(
            f"{foreign} answers have calls as an API gives them: they count as wrong, write {{name: arguments}}"
        )
    if form == "tagged" and known is None:
        notes.append("<tool_call> blocks are read as calls, as the handlers of Qwen's function calling do")
    return Scored(results.model, trajectories, form, dotless, notes)


def _has_dots(results: ModelResults) -> bool:
    return any(
        "." in name for answers in results.answers.values() for row in answers for name, _ in calls_of(row.result)
    )


@cache
def _env(env_id: str, category: str, dialect: str) -> ToolEnv:
    env: Any = gym.make(env_id, category=category, dialect=dialect).unwrapped
    return env  # type: ignore[no-any-return]


def _env_id(category: str) -> str:
    return DIALOGUES if category in MULTI_TURN else AGENTIC if category in _SHOWN_ONLY else SINGLE


def _rows(category: str) -> ToolEnv:
    """The env whose tasks are the rows of a category."""
    # "hermes" reads every language without a parser; format_sensitivity brings its own dialects
    return _env(_env_id(category), category, "pythonic" if category == FORMAT_SENSITIVITY else "hermes")


@cache
def _places(category: str) -> dict[str, int]:
    """Id -> place of each row of a category."""
    ids = accepted(category) if category in _SHOWN_ONLY else [task.id for task in _rows(category).tasks]
    return {name: i for i, name in enumerate(ids)}


def _episode(category: str, row: Answered, form: Form, dotless: bool) -> Trajectory:
    """The episode of an answer, with the official verdict."""
    try:
        verdict = _verdict(category, row, form, dotless)
    except ImportError as error:  # the reader of Java and JavaScript, or what the simulated APIs compute with
        return _unplayed(category, row, form, None, str(error))
    if category in _SHOWN_ONLY:
        return _unplayed(category, row, form, verdict)
    env_id = _env_id(category)
    env = _env(env_id, category, _DIALECTS[form])
    found = playback(env, env_id, row.id, _actions(category, row, form, env))
    found.success, found.verdict, found.error_type = verdict.success, verdict.reason, verdict.error_type
    found.category, found.reward_valid, found.error, found.error_kind = category, True, None, ""
    return found


_DIALECTS: dict[Form, str] = {"prompted": "pythonic", "native": "openai", "tagged": "hermes"}


def _verdict(category: str, row: Answered, form: Form, dotless: bool) -> Verdict:
    if category in _SHOWN_ONLY:
        return agentic(category, row.id, row.result, form)
    entry = _rows(category).find_task(row.id).data
    if category in MULTI_TURN:
        return multi_turn(entry, row.result, form)
    return single_turn(entry, row.result, form, dotless)


def _unplayed(category: str, row: Answered, form: Form, verdict: Verdict | None, error: str = "") -> Trajectory:
    """An episode of answers that are shown as they are."""
    texts = [text for turn in _turns(row.result, form) for text in turn]
    turns = [Turn(text, (message("assistant", text),), RewardBreakdown()) for text in texts]
    found = Trajectory(_env_id(category), row.id, (), turns, category=category)
    if verdict is None:
        found.reward_valid, found.error, found.error_kind = False, error, "environment"
    else:
        found.success, found.verdict, found.error_type = verdict.success, verdict.reason, verdict.error_type
    return found


def _actions(category: str, row: Answered, form: Form, env: ToolEnv) -> list[str]:
    """The answers as actions in the env's dialect."""
    names = {tool.name.replace(".", "_"): tool.name for tool in env.find_task(row.id).tools}
    turns = _turns(row.result, form, names) if category in MULTI_TURN else [[_action(row.result, form, names)]]
    out: list[str] = []
    for texts in turns:
        out += texts
        if not texts or env.dialect.parse(texts[-1]).calls:  # the harness went on after a call: the turn ends here
            out.append("")
    return out


def _turns(result: Any, form: Form, names: dict[str, str] | None = None) -> list[list[str]]:
    turns = result if isinstance(result, list) else [[result]]
    return [
        [_action(answer, form, names or {}) for answer in (turn if isinstance(turn, list) else [turn])]
        for turn in turns
    ]


def _action(answer: Any, form: Form, names: dict[str, str]) -> str:
    """One answer as an action: a native one is the API's message, with the names that the env offers."""
    if isinstance(answer, str):
        return answer
    calls = calls_of(answer) if form == "native" else []
    if not calls:
        return json.dumps(answer)
    made: Sequence[dict[str, Any]] = [
        {"id": f"call_{i}", "type": "function", "function": {"name": names.get(name, name), "arguments": _text(given)}}
        for i, (name, given) in enumerate(calls)
    ]
    return json.dumps({"role": "assistant", "content": None, "tool_calls": made})


def _text(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given)
