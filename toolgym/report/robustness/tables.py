"""Robustness as text: for the terminal, within 80 columns, and as markdown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from toolgym.report.grid import Grid, grid_markdown, print_grid
from toolgym.report.page import number, percent
from toolgym.report.robustness.measure import Line, Robustness
from toolgym.report.table import wilson
from toolgym.report.text import one_line, plain

NOTE = (
    "clean and under: tasks passed, on the same tasks; kept: under / clean. Intervals of 95 %: Wilson's, and for kept "
    "Bonett and Price's for paired proportions. A group is the mean over its kinds, each played alone; a task counts "
    "once."
)
FAULT_NOTE = (
    "met: faults that calls met. recovered: of those that calls can overcome. further: calls an episode beyond the "
    "task's clean episode. blind: actions an episode that repeat what cannot succeed. honest: of the episodes in which "
    "a fault was left that hides itself or that calls cannot overcome, those that do not claim success."
)


def table(found: Robustness) -> Grid:
    """A line per kind and group: tasks, success clean and under it, and the share that is kept."""
    interval = _share(found.clean, found.clean_interval).partition(" ")[2]
    rows = [["clean", str(found.tasks), percent(found.clean), interval, ""]]
    for line in found.lines:
        each = line.retention
        kept = "–" if each.kept_interval is None else _share(each.kept, each.kept_interval, 0)
        under = "–" if each.under is None else _share(each.under, each.under_interval)
        rows.append([_name(line), str(each.tasks), percent(each.clean), under, kept])
    title = f"{one_line(found.agent, 40)} on {', '.join(found.suites)}: success in %"
    return Grid(title, ["", "tasks", "clean", "under [95 %]", "kept [95 %]"], rows)


def fault_table(found: Robustness) -> Grid:
    """A line per kind of fault: how the agent dealt with the faults that it met."""
    rows = []
    for line in found.lines:
        if (each := line.faults) is not None:
            recovered = "–"
            if each.recoverable:
                low_high = wilson(each.recovered, each.recoverable)
                recovered = _share(each.recovered / each.recoverable, low_high)
            blind = number(each.blind / each.episodes, ".2f")
            honest = percent(each.honest / each.judged if each.judged else None)
            rows.append([_name(line), str(each.met), recovered, number(each.further, "+.2f"), blind, honest])
    head = ["", "met", "recovered [95 %]", "further", "blind", "honest"]
    return Grid("Faults that calls met: recovered and honest in %", head, rows)


def notes(found: Robustness) -> list[str]:
    """What the table does not say: how intervals are computed, and which tasks are not in a line."""
    told = [NOTE, FAULT_NOTE] if any(line.faults for line in found.lines) else [NOTE]
    left = [f"{line.name} {line.left}" for line in found.lines if line.left]
    if left:
        told.append(f"Tasks left out, because the kind changes nothing in them or no fault was met: {', '.join(left)}.")
    unscored = [f"{line.name} {line.unscored}" for line in found.lines if line.unscored]
    if found.unscored:
        unscored.insert(0, f"clean {found.unscored}")
    if unscored:
        told.append(f"Tasks left out, because an episode of theirs is not valid: {', '.join(unscored)}.")
    if any(line.retention.tasks and line.retention.kept is None for line in found.lines):
        told.append("kept –: no task of the line succeeds clean, so there is nothing to keep.")
    return told


def print_robustness(every: Sequence[Robustness], console: Console) -> None:
    """The tables and notes of each agent."""
    for found in every:
        print_grid(table(found), console)
        if (faults := fault_table(found)).rows:
            print_grid(faults, console)
        for note in notes(found):
            console.print(plain(note, "dim"))


def markdown(every: Sequence[Robustness]) -> str:
    """The tables and notes of each agent."""
    parts = ["# Robustness"]
    for found in every:
        parts.append(grid_markdown(table(found)))
        if (faults := fault_table(found)).rows:
            parts.append(grid_markdown(faults))
        parts.append("\n".join(f"- {each}" for each in notes(found)))
    return "\n\n".join(parts) + "\n"


def _name(line: Line) -> str:
    if line.whole_group:
        return f"{line.name}, mean"
    return f"  {line.name}" if line.group else line.name


def _share(share: float | None, interval: tuple[float, float], digits: int = 1) -> str:
    """ "58.3 [44, 71]", in percent."""
    low, high = (f"{100 * end:.0f}" for end in interval)
    return f"{'–' if share is None else f'{100 * share:.{digits}f}'} [{low}, {high}]"
