"""``toolgym list``: every suite, and every data set and model."""

from __future__ import annotations

import argparse
import re

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from toolgym import assets
from toolgym.cli.pager import paged
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
    with paged(console, off=args.no_pager):
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
    """Every data set and model: its licence, whether it is in the cache, and below it its source."""
    console.print("Data and models", style="italic")
    about = (
        "Name, licence, whether it is here; then the package of PyPI, or the repository, commit and file of GitHub.\n"
    )
    console.print(about, style="dim")
    width = max(len(row["name"]) for row in assets.table())
    for row in assets.table():
        line = plain(f"{row['name']:<{width}}", "bold").append(f"  {row['licence']:<11}", "")
        console.print(line.append("yes" if row["cached"] else "no"))
        console.print(plain(f"    {_source(str(row['source']))}", "dim"), soft_wrap=True)
    console.print("\n`toolgym fetch NAME` downloads one; what needs it does so by itself.", style="dim")


def _source(source: str) -> str:
    """A package or an address. An address at GitHub is given in parts, which are short enough for a line."""
    match = re.fullmatch(r"https://raw\.githubusercontent\.com/([^/]+/[^/]+)/([^/]+)/(.+)", source)
    return source if match is None else f"{match[1]} {match[2]} {match[3]}"
