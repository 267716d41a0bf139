"""Runs of earlier versions: words in their files that have changed since, replaced when the files are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from toolgym.tasks import Task
from toolgym.types import Term, Trajectory

_TERMS = {
    "unplayed": "missed_steps",
    "saved": "skipped_steps",
    "further": "surplus_search",
    "way": "intermediate_step",
}
"""Terms of our suites."""
_MINIMUM = "base"
"""The earlier name of ToolRLReward's term ``minimum``, which always stands beside ``format``."""
_OURS = "ToolGym-"


def with_todays_terms(trajectory: Trajectory) -> Trajectory:
    """The same episode, with today's names of reward terms; changes it in place."""
    for i, turn in enumerate(trajectory.turns):
        terms = turn.reward.terms
        changed = todays_names(trajectory.env_id, [term.name for term in terms])
        if changed:
            renamed = tuple([_renamed(term, changed) for term in terms])
            reward = msgspec.structs.replace(turn.reward, terms=renamed)
            trajectory.turns[i] = msgspec.structs.replace(turn, reward=reward)
    return trajectory


def todays_names(env_id: str, names: Sequence[str]) -> dict[str, str]:
    """Earlier name -> today's name, for the terms of one action that were renamed."""
    changed = _TERMS if env_id.startswith(_OURS) else {}
    found = {name: changed[name] for name in names if name in changed}
    if _MINIMUM in names and "format" in names:
        found[_MINIMUM] = "minimum"
    return found


def with_todays_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A run's settings, with today's names of the arguments of our suites."""
    given, env = settings.get("env_kwargs"), str(settings.get("env"))
    if isinstance(given, Mapping) and "price" in given and env.rpartition(":")[2].startswith(_OURS):
        given = {"outcome" if name == "price" else name: value for name, value in given.items()}
        return {**settings, "env_kwargs": given}
    return dict(settings)


def earlier_task_order(tasks: Sequence[Task], n: int, seed: int) -> list[str]:
    """The tasks of a run without the setting ``draw``: see ``task_order``, which draws others."""
    import numpy as np

    chosen = np.random.default_rng(seed).choice(len(tasks), size=n, replace=False)
    return [tasks[int(i)].id for i in sorted(chosen)]


def _renamed(term: Term, changed: Mapping[str, str]) -> Term:
    return Term(changed.get(term.name, term.name), term.score, term.weight, term.reason)
