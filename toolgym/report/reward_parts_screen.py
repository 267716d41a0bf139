"""The parts of a reward in the terminal, within 80 columns: what each one says about success."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from toolgym.report.glossary import in_words
from toolgym.report.reward_parts import Part, RewardParts, in_numbers
from toolgym.report.text import plain
from toolgym.rewards.discrimination import Interval

_WIDTH = 11
_LEGEND = (
    "correlation: with success (point-biserial). AUC: the chance that a passed episode has more of the part than a "
    "failed one; drawn from 0 to 1, and the middle (:) tells nothing. varies: episodes without the most frequent "
    "value; within tasks, groups in which the part varies. In brackets: 95 %, by a bootstrap over tasks."
)


def print_parts(reports: Sequence[RewardParts], console: Console) -> None:
    """How to read the tables; for each environment a table over all episodes, one within tasks if they have several,
    and the warnings; last, how many parts have one."""
    if any(report.parts for report in reports):
        console.print(_LEGEND, style="dim")
    for report in reports:
        head = f"{report.env_id}: {report.episodes} episodes, {report.passed} passed"
        console.print(plain(head + (f", {report.invalid} not valid (left out)" if report.invalid else ""), "bold"))
        if report.problem:
            console.print(plain(report.problem, "yellow"))
            continue
        console.print(_over_all(report.parts))
        if any(part.measured.mixed for part in report.parts):
            console.print(_within(report.parts))
        for warning in report.warnings:
            console.print(plain(f"- {warning}", "yellow"))
    for report in reports:
        if report.parts:
            warned = [part.name for part in report.parts if part.warning]
            told = (
                f"{len(warned)} of {len(report.parts)} parts of the reward have a warning"
                if warned
                else ("every part of the reward tells passed episodes from failed ones")
            )
            console.print(plain(f"{report.env_id}: {told}", "bold"))


def _over_all(parts: Sequence[Part]) -> Table:
    table = _table("over all")
    for part in parts:
        found = part.measured
        _line(table, part, found.correlation, found.auc, found.varies)
    return table


def _within(parts: Sequence[Part]) -> Table:
    """Only parts with groups in which some passed and some failed."""
    table = _table("within tasks")
    for part in parts:
        found = part.measured
        if found.mixed:
            _line(table, part, found.within_correlation, found.within_auc, found.groups_vary)
    return table


def _table(first: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, overflow="fold")
    for head in ("correlation", "AUC", "", "varies"):
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _line(table: Table, part: Part, correlation: Interval | None, auc: Interval | None, varies: float | None) -> None:
    table.add_row(
        plain(in_words(part.name)),
        in_numbers(correlation, "+.2f"),
        in_numbers(auc, ".2f"),
        _picture(auc),
        "–" if varies is None else f"{100 * varies:.0f} %",
        style="" if part.finding == "tells" else "dim" if part.finding in ("constant", "too few") else "yellow",
    )


def _picture(interval: Interval | None) -> Text:
    """The interval as a line from 0 to 1, with the middle marked."""
    cells = ["·"] * _WIDTH
    cells[_WIDTH // 2] = ":"
    if interval is not None:
        low, value, high = (round(each * (_WIDTH - 1)) for each in (interval.low, interval.value, interval.high))
        cells[low : high + 1] = "─" * (high + 1 - low)
        cells[value] = "●"
    return Text("".join(cells))
