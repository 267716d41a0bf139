"""``toolgym list``: every suite, and every data set and model."""

from __future__ import annotations

import argparse

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from toolgym import assets
from toolgym.registry import SUITES
from toolgym.report.text import plain

ABOUT = """\
Show every suite: its id, what it is, where its code is, and the data it
needs; then every data set and model, and whether it is here already."""
EXAMPLES = "  toolgym list"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list`` has no arguments."""


def run(args: argparse.Namespace, console: Console) -> None:
    """Print the suites, then the assets."""
    list_suites(console)
    list_assets(console)


def list_suites(console: Console) -> None:
    """Every suite with its id, summary, entry point, number of tasks and data."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="Suites", title_justify="left", show_lines=True)
    table.add_column("id", style="bold", no_wrap=True)
    table.add_column("what it is, where its code is, the data it needs", overflow="fold")
    for suite in SUITES.values():
        where = f"\n{suite.entry_point}\ntasks: {suite.sizes}\ndata: {', '.join(suite.assets) or 'none'}"
        about = plain(suite.summary).append(where, "dim")
        table.add_row(suite.id, about)
    console.print(table)


def list_assets(console: Console) -> None:
    """Every data set and model: its source, its licence, and whether it is in the cache."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="Data and models", title_justify="left")
    for head in ("name", "from", "licence", "here"):
        table.add_column(head, overflow="fold", style="bold" if head == "name" else "")
    for row in assets.table():
        table.add_row(row["name"], str(row["source"]), row["licence"], "yes" if row["cached"] else "no")
    console.print(table)
    console.print("`toolgym fetch NAME` downloads one; what needs it does so by itself.", style="dim")
