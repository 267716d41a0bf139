"""From verdicts to ToolRL's numbers: accuracy per level and over all items."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toolgym.grading import tally
from toolgym.types import Trajectory

from .tasks import COUNTS


def summarize(trajectories: Iterable[Trajectory]) -> dict[str, Any]:
    """Accuracy per level and overall, as plain data; all in [0, 1].

    ``levels``: level -> accuracy, n (episodes counted). ``overall``: the share of all 597 items, that is the
    levels weighted by their items; None where a level is missing, and ``missing`` names it. ``invalid``:
    episodes left out because something of ours failed. An episode without a verdict counts as a failure.
    """
    verdicts, invalid = tally(trajectories)
    found = {
        f"level-{level}": {"accuracy": sum(passed) / len(passed), "n": len(passed)}
        for level in COUNTS
        if (passed := verdicts.get(f"level-{level}"))
    }
    missing = [f"level-{level}" for level in COUNTS if f"level-{level}" not in found]
    overall = None
    if not missing:
        points = sum([found[f"level-{level}"]["accuracy"] * count for level, count in COUNTS.items()])
        overall = points / sum(COUNTS.values())
    return {"levels": found, "overall": overall, "missing": missing, "invalid": invalid}
