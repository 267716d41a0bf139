"""The suites: Gymnasium ids, what makes them, and one line on each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import gymnasium as gym
import msgspec

from toolgym.vector import ToolVectorEnv


class Suite(msgspec.Struct, frozen=True):
    """A benchmark family behind one id."""

    id: str
    entry_point: str
    summary: str
    kwargs: dict[str, Any] = {}
    assets: tuple[str, ...] = ()
    """The data sets it needs, by their names in assets.py."""


SUITES = {
    suite.id: suite
    for suite in [
        Suite(
            "ToolGym-BFCL-v0",
            "toolgym.envs.bfcl.env:BFCLEnv",
            "Berkeley Function-Calling Leaderboard v4, single-turn: the official verdict on 3,641 real rows",
            assets=("bfcl",),
        ),
        Suite(
            "ToolGym-BFCL-MultiTurn-v0",
            "toolgym.envs.bfcl.multi_turn.env:MultiTurnEnv",
            "BFCL v4, multi-turn: the official verdict on 800 dialogues, the simulated APIs run without eval",
            assets=("bfcl",),
        ),
        Suite(
            "ToolGym-BFCL-Agentic-v0",
            "toolgym.envs.bfcl.agentic.env:AgenticEnv",
            "BFCL v4, agentic: 310 questions to a memory (played by default) and 200 to the web, by record and replay",
            assets=("bfcl",),
        ),
        Suite(
            "ToolGym-Office-v0",
            "toolgym.envs.office.env:OfficeEnv",
            "A simulated workplace: 49 tools over a state, tasks made on demand, tools never seen in training",
        ),
        Suite(
            "ToolGym-Functions-v0",
            "toolgym.envs.functions.env:FunctionsEnv",
            "One request, one decision, functions of 14 fields: short tasks made on demand, to train on cheaply",
        ),
        Suite(
            "ToolGym-ToolRL-v0",
            "toolgym.envs.toolrl.env:ToolRLEnv",
            "The ToolRL paper's own data, one decision an episode: 3,920 rows to train on, 80 to test, 400 for SFT",
            assets=("toolrl-train", "toolrl-test", "toolrl-sft"),
        ),
        Suite(
            "ToolGym-APIBank-v0",
            "toolgym.envs.apibank.env:APIBankEnv",
            "API-Bank as the ToolRL paper scores it: 597 dialogues, the one call that comes next",
            assets=("apibank-1", "apibank-2", "apibank-3"),
        ),
        Suite(
            "ToolGym-Bamboogle-v0",
            "toolgym.envs.bamboogle.env:BamboogleEnv",
            "Bamboogle: 125 questions of two hops with a search tool; offline by default, web searches recorded",
            assets=("bamboogle",),
        ),
        Suite(
            "ToolGym-Math-v0",
            "toolgym.envs.math.env:MathEnv",
            "Mathematics with tools: eight kinds of problems made on demand at five levels, answers judged by meaning",
        ),
    ]
}


def register(env_id: str, entry_point: str | Callable[..., gym.Env[Any, Any]], **kwargs: Any) -> None:
    """Make ``gym.make(env_id)`` and ``gym.make_vec(env_id)`` work for a ToolEnv.

    ``entry_point`` is a class or function that gives a ToolEnv, or "module:name" of one, imported when
    first needed; ``kwargs`` are its defaults. Raises TypeError for anything else.
    """
    if not callable(entry_point) and not (isinstance(entry_point, str) and ":" in entry_point):
        raise TypeError(f'{env_id} needs a class, a function, or the "module:name" of one; got {entry_point!r}')
    gym.register(
        env_id,
        entry_point=entry_point,
        vector_entry_point=partial(ToolVectorEnv.of_suite, env_id),
        kwargs=kwargs,
        # ToolEnv checks the order of calls itself, and tests run Gymnasium's checker on every suite
        order_enforce=False,
        disable_env_checker=True,
    )


def register_suites() -> None:
    """Tell Gymnasium about every suite. Runs when toolgym is imported; the suites themselves are not loaded."""
    for suite in SUITES.values():
        if suite.id not in gym.registry:
            register(suite.id, suite.entry_point, **suite.kwargs)


def suite_class(env_id: str) -> type:
    """The class behind an id. Raises KeyError for an id that is not ours."""
    module, _, name = SUITES[env_id].entry_point.partition(":")
    found: type = getattr(import_module(module), name)
    return found
