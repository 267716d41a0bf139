"""The leaderboard's scores: accuracy per category, per group and overall, from verdicts.

Formulas of bfcl_eval 2026.3.23 (v4) and 2025.7.9 (v3), all scores in [0, 1]:

    v4  overall = .1 NonLive + .1 Live + .1 Irrelevance + .3 MultiTurn + .4 Agentic
        NonLive = mean(mean(simple python, java, javascript), multiple, parallel, parallel_multiple)
        Live = the four AST categories, weighted by their rows;  Irrelevance = mean(irrelevance, live_irrelevance)
        MultiTurn = mean of 4;  Agentic = mean(mean of 2 web searches, mean of 3 memories)
    v3  overall = mean(NonLive, Live, MultiTurn)
        NonLive = mean of v4's four and irrelevance;  Live = all six live categories, weighted by their rows

No score counts format_sensitivity; its own figures are in formats/scores.py.

The official harness counts a category that was not run as 0; that score is ``overall_missing_as_zero``. A plain score
has the value None if a category it needs is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from toolgym.grading import tally
from toolgym.types import Trajectory

from .formats.scores import sensitivity
from .tasks import COUNTS, FORMAT_SENSITIVITY
from .unpassable import UNPASSABLE, UNPASSABLE_AS_JSON

SIMPLE = ("simple_python", "simple_java", "simple_javascript")
LIVE = ("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple")
MULTI_TURN = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")
WEB_SEARCH = ("web_search_base", "web_search_no_snippet")
MEMORY = ("memory_kv", "memory_vector", "memory_rec_sum")


class Accuracy(msgspec.Struct, frozen=True):
    """The result of one category."""

    accuracy: float
    n: int
    """Number of episodes, repeats included."""


def summarize(trajectories: Iterable[Trajectory]) -> dict[str, Any]:
    """Accuracy per category, and the scores of v4 and v3, as plain data.

    - ``categories``: category -> accuracy, n (episodes counted).
    - ``invalid``: episodes not counted because of a failure outside the policy (``reward_valid`` False).
    - ``known unpassable``, only if there are any: counted episodes of rows that no natural answer can pass (see
      ``unpassable.py``).
    - ``format_sensitivity``, only if it was played: see formats/scores.py.
    - ``v4`` and ``v3``: group -> score; ``overall``; ``missing``, the categories that ``overall`` needs and lacks; and
      ``overall_missing_as_zero``, the official score of an incomplete run.

    ``trajectories`` may mix episodes of ToolGym-BFCL-v0, ToolGym-BFCL-MultiTurn-v0 and ToolGym-BFCL-Agentic-v0.
    Categories outside the formulas (conversations that make a memory, questions to the reference memory) appear only
    in ``categories``. An episode without a verdict counts as a failure.
    """
    trajectories = list(trajectories)
    verdicts, invalid = tally(trajectories)
    known = sum(_is_unpassable(each.task_id) for each in trajectories if each.reward_valid)
    more: dict[str, Any] = {"known unpassable": known} if known else {}
    found = {
        category: Accuracy(sum(verdicts[category]) / len(verdicts[category]), len(verdicts[category]))
        for category in sorted(verdicts, key=lambda name: (list(COUNTS).index(name) if name in COUNTS else 99, name))
    }
    categories = {name: {"accuracy": result.accuracy, "n": result.n} for name, result in found.items()}
    varied = [each for each in trajectories if each.category == FORMAT_SENSITIVITY and each.reward_valid]
    if varied:
        more[FORMAT_SENSITIVITY] = sensitivity(varied)
    return {"categories": categories, "invalid": invalid, **more, "v4": _scored(v4, found), "v3": _scored(v3, found)}


def _is_unpassable(task_id: str) -> bool:
    row_id = task_id.rpartition(":")[2]  # a task of format_sensitivity: its number, the configuration, the row
    return row_id in UNPASSABLE or (row_id in UNPASSABLE_AS_JSON and ":ret_fmt=json&" in task_id)


def v4(found: Mapping[str, Accuracy], missing: float | None = None) -> dict[str, float | None]:
    """v4's group scores and ``overall``; ``missing`` is the accuracy assumed for a category that was not run."""
    one = _look_up(found, missing)
    non_live = _mean(_mean(*map(one, SIMPLE)), one("multiple"), one("parallel"), one("parallel_multiple"))
    live = _by_rows(LIVE, found, missing)
    irrelevance = _mean(one("irrelevance"), one("live_irrelevance"))
    multi_turn = _mean(*map(one, MULTI_TURN))
    agentic = _mean(_mean(*map(one, WEB_SEARCH)), _mean(*map(one, MEMORY)))
    overall = _weighted((non_live, 1), (live, 1), (irrelevance, 1), (multi_turn, 3), (agentic, 4))
    return {
        "non_live": non_live, "live": live, "irrelevance": irrelevance, "relevance": one("live_relevance"),
        "multi_turn": multi_turn, "agentic": agentic, "overall": overall,
    }  # fmt: skip


def v3(found: Mapping[str, Accuracy], missing: float | None = None) -> dict[str, float | None]:
    """v3's group scores and ``overall``. v3 had different data: compare its published scores with care."""
    one = _look_up(found, missing)
    simple = _mean(*map(one, SIMPLE))
    non_live = _mean(simple, one("multiple"), one("parallel"), one("parallel_multiple"), one("irrelevance"))
    live = _by_rows((*LIVE, "live_irrelevance", "live_relevance"), found, missing)
    multi_turn = _mean(*map(one, MULTI_TURN))
    return {"non_live": non_live, "live": live, "multi_turn": multi_turn, "overall": _mean(non_live, live, multi_turn)}


_NEEDED = {
    v4: (*(name for name in COUNTS if name != "live_relevance"), *MULTI_TURN, *WEB_SEARCH, *MEMORY),
    v3: (*COUNTS, *MULTI_TURN),
}


def _scored(formula: Callable[..., dict[str, float | None]], found: Mapping[str, Accuracy]) -> dict[str, Any]:
    missing = [name for name in _NEEDED[formula] if name not in found]
    return {**formula(found), "overall_missing_as_zero": formula(found, 0.0)["overall"], "missing": missing}


def _look_up(found: Mapping[str, Accuracy], missing: float | None) -> Callable[[str], float | None]:
    return lambda category: found[category].accuracy if category in found else missing


def _by_rows(names: Iterable[str], found: Mapping[str, Accuracy], missing: float | None) -> float | None:
    one = _look_up(found, missing)
    return _weighted(*((one(name), found[name].n if name in found else COUNTS[name]) for name in names))


def _mean(*scores: float | None) -> float | None:
    return _weighted(*((score, 1) for score in scores))


def _weighted(*pairs: tuple[float | None, int]) -> float | None:
    """Weighted mean; None if a score is missing (None)."""
    total = 0.0
    for score, weight in pairs:
        if score is None:
            return None
        total += score * weight
    return total / sum(weight for _, weight in pairs)
