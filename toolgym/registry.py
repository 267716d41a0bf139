"""The suites: their Gymnasium ids, entry points, tasks, needs and verdicts."""

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
    """"module:class", imported when first needed."""
    summary: str
    """What the suite is, in one line."""
    kwargs: dict[str, Any] = {}
    """Default arguments of ``gym.make``."""
    assets: tuple[str, ...] = ()
    """The data sets it needs, by their names in assets.py."""
    extras: tuple[str, ...] = ()
    """The optional dependencies that its default settings need: ``pip install 'toolgym[NAME]'``."""
    tasks: dict[str, int] = {}
    """Split -> number of tasks with the default settings."""
    verdict: str = ""
    """When an episode counts as a success."""

    @property
    def sizes(self) -> str:
        """``tasks`` in words: "3,920 train, 80 test"."""
        return ", ".join(f"{number:,} {split}" for split, number in self.tasks.items())


_ON_DEMAND = {"train": 1_000_000, "val": 2_000, "test": 2_000}

SUITES = {
    suite.id: suite
    for suite in [
        Suite(
            "ToolGym-BFCL-v0",
            "toolgym.envs.bfcl.env:BFCLEnv",
            "Berkeley Function-Calling Leaderboard v4, single-turn: one request, one decision",
            assets=("bfcl",),
            tasks={"test": 3_641},
            verdict="official: the calls match an accepted answer",
        ),
        Suite(
            "ToolGym-BFCL-MultiTurn-v0",
            "toolgym.envs.bfcl.multi_turn.env:MultiTurnEnv",
            "BFCL v4, multi-turn: dialogues over eight simulated APIs, run without eval",
            assets=("bfcl",),
            extras=("bfcl",),
            tasks={"test": 800},
            verdict="official: state and results are right after every turn",
        ),
        Suite(
            "ToolGym-BFCL-Agentic-v0",
            "toolgym.envs.bfcl.agentic.env:AgenticEnv",
            "BFCL v4, agentic: questions to a memory; 200 more to the web, by record and replay, on request",
            assets=("bfcl",),
            tasks={"test": 310},
            verdict="official: the answer contains the expected one",
        ),
        Suite(
            "ToolGym-Office-v0",
            "toolgym.envs.office.env:OfficeEnv",
            "A simulated workplace: 49 tools over a state, tasks made on demand, tools never seen in training",
            tasks={**_ON_DEMAND, "test_unseen": 2_000},
            verdict="the final state is right, and the answers say what was asked",
        ),
        Suite(
            "ToolGym-Functions-v0",
            "toolgym.envs.functions.env:FunctionsEnv",
            "One request, one decision, functions of 14 fields: short tasks made on demand, cheap to train on",
            tasks={**_ON_DEMAND, "test_unseen": 2_000},
            verdict="exactly the expected calls",
        ),
        Suite(
            "ToolGym-Functions-v1",
            "toolgym.envs.functions.env:FunctionsV1Env",
            "Functions of 47 fields, with nested arguments, date formats, and requests that lack a parameter",
            tasks={**_ON_DEMAND, "test_unseen": 2_000},
            verdict="exactly the expected calls",
        ),
        Suite(
            "ToolGym-ToolRL-v0",
            "toolgym.envs.toolrl.env:ToolRLEnv",
            "The data of the ToolRL paper: the next turn of a dialogue",
            assets=("toolrl-train", "toolrl-test", "toolrl-sft"),
            extras=("toolrl",),
            tasks={"train": 3_920, "test": 80, "sft": 400},
            verdict="exactly the expected calls",
        ),
        Suite(
            "ToolGym-APIBank-v0",
            "toolgym.envs.apibank.env:APIBankEnv",
            "API-Bank as the ToolRL paper scores it: the next call of a dialogue",
            assets=("apibank-1", "apibank-2", "apibank-3"),
            tasks={"test": 597},
            verdict="ToolRL's: one of the calls is the expected one",
        ),
        Suite(
            "ToolGym-SealTools-v0",
            "toolgym.envs.sealtools.env:SealToolsEnv",
            "Seal-Tools: requests that need one to six calls at once, nested calls included; 4,076 tools",
            assets=("sealtools-tools", "sealtools-train", "sealtools-val", "sealtools-test", "sealtools-test-unseen"),
            tasks={"train": 12_022, "val": 700, "test": 700, "test_unseen": 654},
            verdict="exactly the expected calls",
        ),
        Suite(
            "ToolGym-Rows-v0",
            "toolgym.envs.rows.env:RowsEnv",
            "Your own conversations from a file, turn by turn or whole; without a file, a few examples",
            tasks={"train": 25, "val": 2, "test": 1},
            verdict="exactly the recorded calls",
        ),
        Suite(
            "ToolGym-Bamboogle-v0",
            "toolgym.envs.bamboogle.env:BamboogleEnv",
            "Bamboogle: questions of two hops with a search tool; offline by default, web searches recorded",
            assets=("bamboogle",),
            extras=("search",),
            tasks={"test": 125},
            verdict="the answer contains the expected one",
        ),
        Suite(
            "ToolGym-AgentDojo-v0",
            "toolgym.envs.agentdojo.env:AgentDojoEnv",
            "AgentDojo v1.2.2: mail, money, travel and chat, with or without instructions of an attacker in the data",
            assets=("agentdojo",),
            extras=("agentdojo",),
            tasks={"test": 97},
            verdict="official: the user's task is done, the attacker's is not",
        ),
        Suite(
            "ToolGym-Math-v0",
            "toolgym.envs.math.env:MathEnv",
            "Mathematics with tools: eight kinds of problems made on demand at five levels",
            extras=("math",),
            tasks=_ON_DEMAND,
            verdict="the answer is mathematically equal to the expected one",
        ),
    ]
}


def environments_table() -> str:
    """The suites as a markdown table: id, summary, tasks by split, extras and data that they need, verdict."""
    rows = ["| id | what | tasks | needs | verdict |", "|---|---|---|---|---|"]
    for suite in SUITES.values():
        needs = [f"`[{extra}]`" for extra in suite.extras] + ["data"] * bool(suite.assets)
        rows.append(
            f"| `{suite.id}` | {suite.summary} | {suite.sizes} | {', '.join(needs) or 'nothing'} | {suite.verdict} |"
        )
    return "\n".join(rows) + "\n"


def register(env_id: str, entry_point: str | Callable[..., gym.Env[Any, Any]], **kwargs: Any) -> None:
    """Make ``gym.make(env_id)`` and ``gym.make_vec(env_id)`` work for a ToolEnv.

    ``entry_point`` is a class or function that returns a ToolEnv, or its "module:name", imported when first needed.
    ``kwargs`` are its default arguments. Raises TypeError for any other entry point.
    """
    if not callable(entry_point) and not (isinstance(entry_point, str) and ":" in entry_point):
        raise TypeError(f'{env_id} needs a class, a function, or the "module:name" of one; got {entry_point!r}')
    gym.register(
        env_id,
        entry_point=entry_point,
        vector_entry_point=partial(ToolVectorEnv.of_suite, env_id),
        kwargs=kwargs,
        # ToolEnv itself checks the order of reset and step, and the tests run Gymnasium's checker on every suite
        order_enforce=False,
        disable_env_checker=True,
    )


def register_suites() -> None:
    """Register every suite with Gymnasium when toolgym is imported. The modules of the suites are not imported."""
    for suite in SUITES.values():
        if suite.id not in gym.registry:
            register(suite.id, suite.entry_point, **suite.kwargs)
            if not suite.id.endswith("-v0"):
                # Gymnasium calls v0 out of date if the registry has a newer version; every version here is maintained
                gym.registry[suite.id].version = None


def suite_class(env_id: str) -> type:
    """The env class of a suite. Raises KeyError for an id that is not a suite of ToolGym."""
    module, _, name = SUITES[env_id].entry_point.partition(":")
    found: type = getattr(import_module(module), name)
    return found
