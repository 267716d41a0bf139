"""A report in the terminal, within 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table

from toolgym.report.glossary import in_words
from toolgym.report.page import number, percent, term_names
from toolgym.report.reward_words import BY_PART, group_names, grouped, in_correctness, point_words
from toolgym.report.table import ALL, Row, Run, categories, rows, suite_summary, summary_lines
from toolgym.report.text import one_line, plain
from toolgym.report.training import TrainingRun, summary

RUNS_SIDE_BY_SIDE = 2
TERMS_SIDE_BY_SIDE = 5
"""How many columns of terms fit into 80 characters."""


def print_report(runs: Sequence[Run], console: Console) -> None:
    """Each run's rewards and calls, then the suites' own summaries, and last the success of all runs side by side."""
    tables = [rows(run.trajectories) for run in runs]
    for run, table in zip(runs, tables, strict=True):
        console.print(rewards_table(run, table))
        console.print(calls_table(run, table))
        if any(row.left_out or row.endings for row in table):
            console.print(reasons_table(run, table))
    for run in runs:
        lines = summary_lines(suite_summary(run), names=False)
        if lines:
            console.print(_summary_table(run, lines))
    print_success(runs, tables, console)


def print_success(runs: Sequence[Run], tables: Sequence[Sequence[Row]], console: Console) -> None:
    """The success of all runs, two side by side, by category."""
    for start in range(0, len(runs), RUNS_SIDE_BY_SIDE):
        end = start + RUNS_SIDE_BY_SIDE
        console.print(success_table(runs[start:end], tables[start:end]))


def print_training(runs: Sequence[TrainingRun], console: Console) -> None:
    """A summary of each training run, two runs side by side."""
    found = [summary(run) for run in runs]
    for start in range(0, len(runs), RUNS_SIDE_BY_SIDE):
        shown = range(start, min(start + RUNS_SIDE_BY_SIDE, len(runs)))
        table = _table("", *(runs[i].label for i in shown))
        for name in dict.fromkeys(name for i in shown for name in found[i]):
            table.add_row(plain(name), *(plain(found[i].get(name, "–")) for i in shown))
        console.print(table)
    if any(run.evaluations() for run in runs):
        console.print("In brackets: Wilson 95 % intervals; after @, the step of the evaluation.", style="dim")


def success_table(runs: Sequence[Run], tables: Sequence[Sequence[Row]]) -> RenderableType:
    """Share of episodes passed, its interval, and the number of episodes, per category and run."""
    head = [word for run in runs for word in (run.label, "n")]
    title = "Success in %, with Wilson 95 % intervals"
    table = _table("category", *head)
    by_run = [{row.category: row for row in each} for each in tables]
    for name in categories(tables):
        cells = []
        for each in by_run:
            row = each.get(name)
            if row is None:
                cells += ["–", ""]
            else:
                low, high = map(percent, row.interval)
                cells += [f"{percent(row.success)} [{low:>4}, {high:>5}]", str(row.episodes)]
        _line(table, name, cells)
    return Group(plain(title, "bold"), table)


def rewards_table(run: Run, lines: Sequence[Row]) -> RenderableType:
    """A run's mean reward and the mean of each term, per category; then the parts of the correctness."""
    every = term_names(lines)
    names, inside = group_names(every), in_correctness(every)
    parts: list[RenderableType] = [plain(f"{run.label}: reward and its terms, mean per episode", "bold")]
    for start in range(0, max(1, len(names)), TERMS_SIDE_BY_SIDE):
        shown = names[start : start + TERMS_SIDE_BY_SIDE]
        table = _table("category", *([] if start else ["reward"]), *map(in_words, shown))
        for row in lines:
            terms = grouped(row.terms)
            cells = [] if start else [number(row.reward, "+.2f")]
            _line(table, row.category, [*cells, *(number(terms.get(name), "+.2f") for name in shown)])
        parts.append(table)
    if inside:
        table = _table("category", *map(point_words, inside))
        for row in lines:
            _line(table, row.category, [number(row.terms.get(name), "+.2f") for name in inside])
        parts += [plain(BY_PART, "bold"), table]
    return Group(*parts)


def calls_table(run: Run, lines: Sequence[Row]) -> RenderableType:
    """A run's actions and calls per episode, and the shares of malformed and schema-breaking calls, per category."""
    head = ("actions", "calls", "malformed %", "schema %", "invalid")
    title = f"{run.label}: per episode, and share of calls with errors"
    table = _table("category", *head)
    for row in lines:
        shares = [percent(row.malformed), percent(row.objected)]
        _line(table, row.category, [number(row.turns, ".1f"), number(row.calls, ".1f"), *shares, str(row.invalid)])
    return Group(plain(title, "bold"), table)


def reasons_table(run: Run, lines: Sequence[Row]) -> RenderableType:
    """Episodes per category that left the score, by kind of failure, and that count but were cut off, by reason."""
    lost = list(dict.fromkeys(kind for row in lines for kind in row.left_out))
    ended = list(dict.fromkeys(reason for row in lines for reason in row.endings))
    table = _table("category", *(f"out: {kind}" for kind in lost), *(f"cut: {reason}" for reason in ended))
    for row in lines:
        counts = [*(row.left_out.get(kind, 0) for kind in lost), *(row.endings.get(reason, 0) for reason in ended)]
        _line(table, row.category, [str(count or "") for count in counts])
    title = f"{run.label}: episodes that left the score (out), and that count though they were cut off (cut)"
    return Group(plain(title, "bold"), table)


def _table(first: str, *others: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for head in others:
        table.add_column(plain(head), justify="right", overflow="fold")
    return table


def _line(table: Table, category: str, cells: Sequence[str]) -> None:
    table.add_row(plain(one_line(category, 36)), *cells, style="bold" if category == ALL else "")


def _summary_table(run: Run, lines: dict[str, str]) -> RenderableType:
    title = f"{run.label}: the benchmark's own summary"
    table = _table("measure", "value")
    table.columns[-1].justify = "left"  # values can be words that take several lines
    for name, value in lines.items():
        table.add_row(plain(name), plain(value))
    return Group(plain(title, "bold"), table)
