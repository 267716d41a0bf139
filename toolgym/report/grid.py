"""Grid: a table of text, for the terminal and as markdown."""

from __future__ import annotations

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from toolgym.report.text import one_line, plain


class Grid(msgspec.Struct, frozen=True):
    """A table of text. Columns from ``words`` on are right-aligned."""

    title: str
    head: list[str]
    rows: list[list[str]]
    words: int = 1


def print_grid(grid: Grid, console: Console) -> None:
    """Print the table, its title above it."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title=plain(grid.title, "bold"))
    table.title_justify = "left"
    for i, head in enumerate(grid.head):
        table.add_column(plain(_worded(head)), justify="left" if i < grid.words else "right", overflow="fold")
    for row in grid.rows:
        table.add_row(*(plain(_worded(cell)) for cell in row))
    console.print(table)


def _worded(text: str) -> str:
    """The long name of an agent with its options, so that lines end between options."""
    return text.replace(",", ", ") if len(text) > 24 and " " not in text else text


def grid_markdown(grid: Grid) -> str:
    """The table in markdown, its title as a heading."""
    line = ["---" if i < grid.words else "---:" for i in range(len(grid.head))]
    rows = [grid.head, line, *grid.rows]
    return f"## {grid.title}\n\n" + "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(text: str) -> str:
    return one_line(text, 200).replace("|", "\\|")
