"""BFCL's multi-turn dialogues: microseconds per dialogue, ours and the official checker, one process, one core.

    python benchmarks/bfcl_multi_turn.py

For each of the 800 accepted answers: "verdict" judges it, "replay" runs its calls; both take the calls as source
text, as the official decoder returns them. "env" is a whole episode through the environment: reset, parsing, calls,
rewards, verdict. Times are the best of several interleaved rounds; "ratio" is official time over ours. Needs the
development dependencies (the official checker is the tests' oracle). Result: benchmarks/results/bfcl_multi_turn.json.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import bfcl_multi_turn_oracle as oracle
from harness import command_line, keep

from toolgym.envs.bfcl.dialogue.dialogue import Dialogue, check
from toolgym.envs.bfcl.multi_turn.env import MultiTurnEnv
from toolgym.envs.bfcl.multi_turn.tasks import CATEGORIES, load

ROUNDS = 5
_names = count()


def own(category: str) -> dict[str, Callable[[], None]]:
    """Name -> our run over all dialogues of the category."""
    entries = [task.data for task in load(category)]
    answers = [[[list(turn)] for turn in entry.ground_truth] for entry in entries]
    env = MultiTurnEnv(category)
    golds = [(task.id, env.gold(task)) for task in env.tasks]

    def verdict() -> None:
        for entry, turns in zip(entries, answers, strict=True):
            assert check(entry, turns).success

    def replay() -> None:
        for entry in entries:
            dialogue = Dialogue(entry)
            for turn in entry.ground_truth:
                for call in turn:
                    dialogue.execute(call)

    def episodes() -> None:
        for task_id, texts in golds:
            env.reset(options={"task_id": task_id})
            for text in texts:
                *_, info = env.step(text)
            assert info["success"]

    return {"verdict": verdict, "replay": replay, "env": episodes}


def official(category: str) -> dict[str, Callable[[], None]]:
    """Name -> the official checker's run over the same dialogues."""
    rows = list(oracle.rows(category).values())
    answers = [[[list(turn)] if turn else [] for turn in gold] for _, gold in rows]

    def verdict() -> None:
        name = f"v{next(_names)}"
        for (row, gold), turns in zip(rows, answers, strict=True):
            assert oracle.checker.multi_turn_checker(turns, gold, row, category, name)["valid"]

    def replay() -> None:
        name, long_context = f"r{next(_names)}", "long_context" in category
        run: Any = oracle.execution.execute_multi_turn_func_call
        for row, gold in rows:
            for turn in gold:
                run(turn, row["initial_config"], row["involved_classes"], name, row["id"], long_context)

    return {"verdict": verdict, "replay": replay}


def measure(category: str) -> dict[str, float]:
    """The best of ROUNDS of each run, in microseconds per dialogue, and the ratios."""
    runs = {("own", name): run for name, run in own(category).items()}
    runs |= {("official", name): run for name, run in official(category).items()}
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS + 1):  # the first round only warms up caches, for both
        for key, run in runs.items():
            began = perf_counter()
            run()
            best[key] = min(best[key], perf_counter() - began)
        oracle.reset()
    out = {f"{who}_{name}_us": round(seconds / len(load(category)) * 1e6) for (who, name), seconds in best.items()}
    for name in ("verdict", "replay"):
        out[f"{name}_ratio"] = round(best["official", name] / best["own", name], 2)
    return out


def main() -> None:
    command_line(__doc__).parse_args()
    results = {category: measure(category) for category in CATEGORIES}
    for category, row in results.items():
        print(category)
        print("  " + "  ".join(f"{name} {value:g}" for name, value in row.items()))
    machine = {"python": platform.python_version(), "machine": platform.machine(), "rounds": ROUNDS}
    keep("bfcl_multi_turn", {**machine, "categories": results})


if __name__ == "__main__":
    main()
