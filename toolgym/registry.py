"""The suites: Gymnasium ids, what makes them, and one line on each."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import gymnasium as gym
import msgspec


class Suite(msgspec.Struct, frozen=True):
    """A benchmark family behind one id."""

    id: str
    entry_point: str
    summary: str
    kwargs: dict[str, Any] = {}


SUITES = {
    suite.id: suite
    for suite in [
        Suite(
            "ToolGym-BFCL-v0",
            "toolgym.envs.bfcl.env:BFCLEnv",
            "Berkeley Function-Calling Leaderboard v4, single-turn: the official verdict on 3,441 real rows",
        ),
    ]
}


def register_suites() -> None:
    """Tell Gymnasium about every suite. Runs when toolgym is imported; nothing else is loaded."""
    for suite in SUITES.values():
        if suite.id not in gym.registry:
            gym.register(
                suite.id,
                entry_point=suite.entry_point,
                vector_entry_point="toolgym.vector:ToolVectorEnv.of_suite",
                kwargs=dict(suite.kwargs),
                # the env checks the order of calls itself, and tests run Gymnasium's checker on every id
                order_enforce=False,
                disable_env_checker=True,
            )


def suite_class(env_id: str) -> type:
    """The class behind an id. Raises KeyError for an id that is not ours."""
    module, _, name = SUITES[env_id].entry_point.partition(":")
    found: type = getattr(import_module(module), name)
    return found
