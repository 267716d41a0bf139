"""Microseconds of ``env.fork()``, beside ``copy.deepcopy`` of the state.

    python benchmarks/fork.py

For each suite, over tasks spread through it, in the middle of their gold episodes, interleaved:

- ``fork``: ``env.fork()``, a new env that continues from here;
- ``snapshot`` and ``restore``: the two halves of a fork, without a new env;
- ``deepcopy``: ``copy.deepcopy`` of everything that changes in an episode (transcript, turns, the suite's state, the
  random stream): the least work of a fork that shares nothing;
- ``fork, step`` and ``deepcopy, step``: the same plus the next gold action, because a fork delays some copies until a
  call runs;
- ``digest``: the digest of a new snapshot.

Medians over tasks of the best of several rounds. Result: benchmarks/results/fork.json.
"""

from __future__ import annotations

import copy
import json
import platform
import statistics
from collections.abc import Callable
from typing import Any

import gymnasium as gym
from harness import command_line, keep, microseconds

import toolgym  # noqa: F401

SUITES = {
    "office": ("ToolGym-Office-v0", {"split": "test"}),
    "bfcl single-turn": ("ToolGym-BFCL-v0", {}),
    "bfcl multi_turn_base": ("ToolGym-BFCL-MultiTurn-v0", {"category": "multi_turn_base"}),
    "bfcl multi_turn_long_context": ("ToolGym-BFCL-MultiTurn-v0", {"category": "multi_turn_long_context"}),
}
TASKS = 24
ROUNDS = 15


def changing(env: Any) -> tuple[Any, ...]:
    """The objects that change in an episode."""
    progress = getattr(env, "_progress", None)
    if progress is None:
        return env.observe().messages, env.turns, env.state, env.np_random
    # Office: without the plan, which never changes and refers to the whole task
    state = ({k: v for k, v in vars(progress).items() if k not in ("plan", "state", "_should")},
             progress.state.tables, progress._should.tables)  # fmt: skip
    return env.observe().messages, env.turns, state, env.np_random


def measure(env: Any, task: Any) -> dict[str, float]:
    """Name -> the best of ROUNDS, in microseconds, on one task."""
    env.reset(seed=0, options={"task_id": task.id})
    gold = env.gold(task)
    for text in gold[: len(gold) // 2]:
        env.step(text)
    action, best = gold[len(gold) // 2], {}

    def note(name: str, call: Callable[[], object]) -> None:
        best[name] = min(best.get(name, float("inf")), microseconds(call))

    for _ in range(ROUNDS):
        snapshot = env.snapshot()
        note("fork", env.fork)
        note("snapshot", env.snapshot)
        note("restore", lambda snapshot=snapshot: env.restore(snapshot))
        note("deepcopy", lambda: copy.deepcopy(changing(env)))
        note("digest", lambda: env.snapshot().digest)
        note("fork, step", lambda: env.fork()[0].step(action))
        note("step alone", unshared(env, action))
    best["deepcopy, step"] = best["deepcopy"] + best["step alone"]
    return best


def unshared(env: Any, action: str) -> Callable[[], object]:
    """A step on a state of its own, so that no copy is left to make."""
    (own,) = env.fork()
    if hasattr(own.state, "world"):
        _ = own.state.world
    return lambda: own.step(action)


def main() -> None:
    command_line(__doc__).parse_args()
    result: dict[str, Any] = {"command": "python benchmarks/fork.py", "python": platform.python_version()}
    result |= {"machine": platform.machine(), "tasks": TASKS, "rounds": ROUNDS, "microseconds": {}}
    for name, (env_id, kwargs) in SUITES.items():
        env = gym.make(env_id, **kwargs).unwrapped
        every = len(env.tasks) // TASKS
        found = [measure(env, env.tasks[i * every + i % every]) for i in range(TASKS)]
        row = {key: round(statistics.median([each[key] for each in found]), 1) for key in found[0]}
        row["largest fork"] = round(max(each["fork"] for each in found), 1)
        row["deepcopy / fork"] = round(row["deepcopy"] / row["fork"], 1)
        row["deepcopy, step / fork, step"] = round(row["deepcopy, step"] / row["fork, step"], 1)
        result["microseconds"][name] = row
        print(name, json.dumps(row, indent=2))
    keep("fork", result)


if __name__ == "__main__":
    main()
