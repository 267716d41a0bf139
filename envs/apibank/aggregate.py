"""ToolRL's numbers for API-Bank: accuracy per level and over all items."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toolgym.grading import tally
from toolgym.types import Trajectory

from .tasks import COUNTS


def summarize(trajectories: Iterable[Trajectory]) -> dict[str, Any]:
    """Accuracy per level and overall, as plain data; all in [0, 1].

    ``levels``: level -> accuracy, n (episodes counted). ``overall``: accuracy over all 597 items, i.e. the levels
    weighted by their number of items; None if a level is missing. ``missing``: the levels without an episode.
    ``invalid``: episodes left out because ``reward_valid`` is False. An episode without a verdict counts as a failure.
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
