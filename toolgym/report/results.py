"""The files that a finished run gets beside its episodes."""

from __future__ import annotations

from pathlib import Path

import msgspec

from toolgym.disk import write_atomic
from toolgym.playing.left_out import as_data
from toolgym.report.page import write_page
from toolgym.report.table import Run, rows, suite_summary
from toolgym.stored.strict_json import to_json


def write_results(run: Run, folder: str | Path) -> None:
    """Write ``summary.json`` (the numbers of the tables, and what left the score) and ``report.html`` (the page)."""
    numbers = {
        "run": run.label,
        "env": run.env_id,
        "settings": run.settings,
        "left_out": as_data(run.trajectories),
        "rows": [msgspec.to_builtins(row) for row in rows(run.trajectories)],
        "suite_summary": suite_summary(run),
    }
    write_atomic(Path(folder) / "summary.json", to_json(numbers, indent=2) + "\n")
    write_page([run], Path(folder) / "report.html")
