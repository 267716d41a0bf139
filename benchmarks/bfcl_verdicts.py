"""BFCL verdicts per second and category: ours and the official checker's, one process, one core.

    python benchmarks/bfcl_verdicts.py

Each row has three answers: a right one and two mutations. Both checkers take the decoded calls and return verdict,
error type and reason. "ratio" is official time over ours if each task's rules are prepared once, as an environment
does; "ratio_unprepared" prepares them for every verdict. Times are the best of several interleaved rounds. Needs the
development dependencies (the official checker is the tests' oracle). Result: benchmarks/results/bfcl_verdicts.json.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import bfcl_mutations as mutations
import bfcl_oracle as oracle
from harness import command_line, keep

from toolgym.envs.bfcl.grading import Checker, Entry, language_of
from toolgym.envs.bfcl.tasks import COUNTS, load

ROUNDS = 7


def answers(category: str) -> list[tuple[Entry, Any]]:
    """Three answers per row: the first is right, the others are mutated."""
    out = []
    for i, task in enumerate(load(category)):
        for j in range(3):
            random = Random(f"{category}:{i}:{j}")
            calls = mutations.answer(task.data, random)
            if j:
                calls = mutations.mutated(calls, task.data, random)
            out.append((task.data, calls))
    return out


def official(category: str) -> Callable[[Entry, Any], Any]:
    """The official checker: calls that are not well-formed do not reach it."""
    language = oracle.CHECKER.Language(language_of(category))
    well_formed, check = oracle.FORMATS.is_function_calling_format_output, oracle.CHECKER.ast_checker
    docs = {id(task.data): list(task.data.docs) for task in load(category)}
    golds = {id(task.data): list(task.data.ground_truth) for task in load(category)}

    def verdict(entry: Entry, calls: Any) -> Any:
        if well_formed(calls):
            try:
                return check(docs[id(entry)], calls, golds[id(entry)], language, category, "plain")
            except Exception:
                return None
        return None

    return verdict


def own(category: str) -> tuple[Callable[[Entry, Any], Any], Callable[[Entry, Any], Any]]:
    """Our checker with rules prepared once per task, and with rules prepared for every verdict."""
    return (
        lambda entry, calls: entry.checker.check(calls),
        lambda entry, calls: Checker(entry.docs, entry.ground_truth, category).check(calls),
    )


def seconds(verdict: Callable[[Entry, Any], Any], cases: list[tuple[Entry, Any]]) -> float:
    """Wall-clock time of all cases."""
    began = perf_counter()
    for entry, calls in cases:
        verdict(entry, calls)
    return perf_counter() - began


def measure(category: str) -> dict[str, Any]:
    cases = answers(category)
    prepared, unprepared = own(category)
    checkers = {"official": official(category), "own": prepared, "own_unprepared": unprepared}
    for checker in checkers.values():
        seconds(checker, cases)
    best = dict.fromkeys(checkers, float("inf"))
    for _ in range(ROUNDS):
        for name, checker in checkers.items():
            best[name] = min(best[name], seconds(checker, cases))
    return {
        "verdicts": len(cases),
        "official_per_second": round(len(cases) / best["official"]),
        "own_per_second": round(len(cases) / best["own"]),
        "ratio": round(best["official"] / best["own"], 2),
        "ratio_unprepared": round(best["official"] / best["own_unprepared"], 2),
    }


def main() -> None:
    command_line(__doc__).parse_args()
    results = {category: measure(category) for category in COUNTS if "relevance" not in category}
    for category, row in results.items():
        print(f"{category:<24}" + "  ".join(f"{name} {value:>9,}" for name, value in row.items()))
    machine = {"python": platform.python_version(), "machine": platform.machine(), "rounds": ROUNDS}
    keep("bfcl_verdicts", {**machine, "categories": results})


if __name__ == "__main__":
    main()
