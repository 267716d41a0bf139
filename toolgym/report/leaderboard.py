"""A benchmark's overall scores of several runs side by side, in one small table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table

from toolgym.report.table import Run, suite_summary
from toolgym.report.text import plain

_PARTS = ("non_live", "live", "irrelevance", "multi_turn", "agentic")
"""The groups of BFCL v4's score, in the leaderboard's order."""


def leaderboard(runs: Sequence[Run]) -> dict[str, Mapping[str, Any]]:
    """Label -> BFCL's v4 scores, for each run that has them. A group with a missing category is None."""
    found = {run.label: suite_summary(run).get("v4") for run in runs}
    return {label: scores for label, scores in found.items() if isinstance(scores, dict)}


def print_leaderboard(scores: Mapping[str, Mapping[str, Any]], console: Console) -> None:
    """The scores in %. An overall score over missing categories, which count as 0, is marked with *."""
    if not scores:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", overflow="fold")
    for head in ("overall", *(name.replace("_", "-") for name in _PARTS)):
        table.add_column(head, justify="right")
    short = False
    for label, each in scores.items():
        missing = bool(each.get("missing"))
        short = short or missing
        overall = each["overall_missing_as_zero"] if missing else each["overall"]
        cells = [f"{_percent(overall)}{'*' if missing else ''}", *(_percent(each.get(name)) for name in _PARTS)]
        table.add_row(plain(label), *cells)
    console.print(Group(plain("BFCL v4: the leaderboard's scores, in %", "bold"), table))
    if short:
        console.print("* categories that are not there count as 0, as in the official harness", style="dim")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f}"
