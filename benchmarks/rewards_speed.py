"""Rows per second that the default reward scores.

    python benchmarks/rewards_speed.py

Prints one JSON line per number of calls and kind of answer. "exact": the expected calls; "wrong": one wrong value per
call; "permuted": the expected calls of one tool in reverse order, which needs an assignment; "scrambled": "permuted"
with one wrong value per call, so that no call equals an expected call. The timing includes the check of the layout,
but neither parsing nor making the Evidence of each row. Keeps no result.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from functools import partial
from time import perf_counter

from harness import command_line

from toolgym.dialects import get_dialect
from toolgym.rewards import Evidence, ToolRLReward
from toolgym.types import Completion, ToolCall


def call(i: int, *, tool: int, unit: str = "km") -> ToolCall:
    """A call with three parameters."""
    return ToolCall(f"tool_{tool}", {"place": f"Ghent {i}", "distance": 10 + i, "unit": unit})


def answers(n: int) -> dict[str, tuple[tuple[ToolCall, ...], tuple[ToolCall, ...]]]:
    """Expected and predicted calls, by kind."""
    several = tuple(call(i, tool=i) for i in range(n))
    one_tool = tuple(call(i, tool=0) for i in range(n))
    return {
        "exact": (several, tuple(call(i, tool=i) for i in range(n))),
        "wrong": (several, tuple(call(i, tool=i, unit="miles") for i in range(n))),
        "permuted": (one_tool, tuple(call(i, tool=0) for i in reversed(range(n)))),
        "scrambled": (one_tool, tuple(call(i, tool=0, unit="miles") for i in reversed(range(n)))),
    }


def seconds(score: Callable[[Evidence], object], make: Callable[[], Evidence], rows: int, repeats: int = 5) -> float:
    """Best of ``repeats`` times for scoring ``rows`` fresh rows."""
    best = float("inf")
    for _ in range(repeats):
        evidence = [make() for _ in range(rows)]
        gc.disable()
        start = perf_counter()
        for each in evidence:
            score(each)
        best = min(best, perf_counter() - start)
        gc.enable()
    return best


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--rows", type=int, default=5000, help="rows per measurement")
    rows = parser.parse_args().rows
    dialect = get_dialect("toolrl")
    reward = ToolRLReward()
    for n in (1, 2, 3, 4):
        for kind, (expected, predicted) in answers(n).items():
            completion = dialect.parse(dialect.render(Completion("", predicted, "Convert each.")))
            took = seconds(reward.score, partial(Evidence, completion, expected, dialect), rows)
            micros = round(took / rows * 1e6, 2)
            print(json.dumps({"calls": n, "answer": kind, "rows_per_s": round(rows / took), "us_per_row": micros}))


if __name__ == "__main__":
    main()
