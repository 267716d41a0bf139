"""The files that a finished run gets beside its episodes."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from toolgym.disk import write_atomic
from toolgym.report.page import write_page
from toolgym.report.table import Run, rows, suite_summary


def write_results(run: Run, folder: str | Path) -> None:
    """Write ``summary.json`` (the numbers of the tables) and ``report.html`` (the page) into ``folder``."""
    numbers = {
        "run": run.label,
        "env": run.env_id,
        "settings": run.settings,
        "rows": [msgspec.to_builtins(row) for row in rows(run.trajectories)],
        "suite_summary": suite_summary(run),
    }
    write_atomic(Path(folder) / "summary.json", json.dumps(numbers, indent=2, default=str) + "\n")
    write_page([run], Path(folder) / "report.html")
