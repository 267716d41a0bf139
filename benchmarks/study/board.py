"""The BFCL leaderboard's v4 scores of each arm, from the spread rows that it played, beside the board's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolgym.envs.bfcl.aggregate import Accuracy, v4
from toolgym.envs.bfcl.tasks import COUNTS

from .arms import METHODS
from .cells import Cells, markdown
from .kept import Results
from .sizes import Size

SCORES = ("overall", "non_live", "live", "irrelevance", "multi_turn")
OFFICIAL: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Llama-3.2-1B-Instruct", ("10.8", "38", "12", "52", "0")),
    ("Falcon3-1B-Instruct", ("11.1", "9", "3", "87", "0")),
    ("Falcon3-3B-Instruct", ("16.3", "55", "55", "33", "1")),
    ("Hammer2.1-0.5b", ("21.2", "66", "55", "81", "2.9")),
    ("Qwen3-0.6B (FC)", ("23.9", "72", "57", "81", "3.6")),
)
"""Small models of the official board: the scores of SCORES, in percent."""
ABOUT = (
    "Estimated by the leaderboard's formula, 0.1 non-live + 0.1 live + 0.1 irrelevance + 0.3 multi-turn + 0.4 agentic, "
    "from few rows of each category. Categories that were not played count as 0, as on the board. So does memory: its "
    "questions are asked here about a reference memory, which no official score counts (last column: their success)."
)


def board(results: Results, size: Size) -> str:
    """A table of the methods; "" if this size does not play all single-turn categories."""
    arms = [arm for arm in METHODS if arm.name in results]
    one = next((r["suites"] for arm in arms for r in results[arm.name].values()), {})
    if not set(COUNTS) <= set(one.get(size.overall, {}).get("categories", {})):
        return ""
    memory = "memory" in {suite.name for suite in size.suites}
    lines = []
    for arm in arms:
        of = Cells(results[arm.name], spread=arm.kind != "raw")
        cells = [of(lambda r, s=score: 100 * (scores(r["suites"], size)[s] or 0.0)) for score in SCORES]
        lines.append([arm.says, *cells, of(lambda r: 100 * r["suites"]["memory"]["success"]) if memory else "-"])
    lines += [[f"{name}, official", *values, "-"] for name, values in OFFICIAL]
    return f"{ABOUT}\n\n{markdown(['', *(score.replace('_', '-') for score in SCORES), 'memory'], lines)}"


def scores(suites: Mapping[str, Any], size: Size) -> dict[str, float | None]:
    """v4's scores of a result, in [0, 1]. Categories of one group weigh as on the board, not by rows played."""
    played = {
        name: value
        for suite in (size.overall, "multi_turn")
        for name, value in suites.get(suite, {}).get("categories", {}).items()
    }
    return v4({name: Accuracy(value, COUNTS.get(name, 1)) for name, value in played.items()}, missing=0.0)
