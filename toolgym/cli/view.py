"""``toolgym view``: runs in this machine's browser."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from contextlib import suppress

from rich.console import Console

from toolgym.cli.options import check_page
from toolgym.cli.resolve import UserError, here_first
from toolgym.report.text import plain
from toolgym.view.library import Library, ShownRun
from toolgym.view.one_file import write_one_file
from toolgym.view.server import ViewServer

ABOUT = """\
Look at the episodes of runs in a browser: a table with filters, each episode
with its calls beside the expected calls, two runs side by side, the curves of
a training run. Runs that go on are followed. The server answers to this
machine only; Ctrl-C ends it. RUN is the folder of a run or of a training
run, an episodes.jsonl, or a folder with runs in it."""
EXAMPLES = """\
  toolgym view runs/smollm2
  toolgym view runs/base runs/trained
  toolgym view runs --port 7000 --no-open
  toolgym view runs/smollm2 --html smollm2.html"""

PORT = 7575


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The runs, and where to serve them."""
    parser.add_argument("run", metavar="RUN", nargs="+", help="a run, a training run, or a folder with runs in it")
    parser.add_argument("--port", type=int, default=None, help=f"of 127.0.0.1 ({PORT}, or a free one if it is taken)")
    parser.add_argument("--html", metavar="FILE", help="write the page as one file instead, for small runs")
    parser.add_argument("--no-open", action="store_true", help="do not open the browser")
    parser.add_argument(
        "--trust", metavar="NAME", action="append", default=[],
        help="for the expected calls: obey this setting of a run, as in toolgym replay",
    )  # fmt: skip


def run(args: argparse.Namespace, console: Console) -> None:
    """Serve until Ctrl-C, or write one file. Raises UserError if the port cannot be had."""
    if args.trust:
        here_first()
    library = Library(args.run, args.trust)
    for shown in library.runs.values():
        _check_lines(shown, console)
    if args.html is not None:
        _one_file(library, args.html, console)
        return
    try:
        server = ViewServer(library, PORT if args.port is None else args.port)
    except (OSError, OverflowError) as error:
        if args.port is not None:
            why = error.strerror if isinstance(error, OSError) else "a port is a number from 0 to 65535"
            raise UserError(f"port {args.port} cannot be had: {why}; name another with --port") from None
        server = ViewServer(library)
    with server:
        console.print(f"{server.url}  (Ctrl-C ends it)", soft_wrap=True)
        if not args.no_open and _has_windows():
            webbrowser.open(server.url)
        with suppress(KeyboardInterrupt):  # the usual end
            server.serve_forever()


def _check_lines(shown: ShownRun, console: Console) -> None:
    """Say which lines are left out. Raises UserError for a file of which no line is an episode, as far as was read."""
    shown.index.refresh()
    wrong, path = shown.index.unreadable, shown.index.path
    if not wrong and not shown.index.by_key and path.name != "episodes.jsonl":  # a run's own file may be empty yet
        raise UserError(f"{path} has no episodes. Give the folder of a run")
    if not wrong:
        return
    if not shown.index.by_key:
        raise UserError(f"{path} has no episodes: line {wrong[0]} is none. Give the folder of a run")
    lines = "1 line" if len(wrong) == 1 else f"{len(wrong)} lines"
    told = f"{path}: {lines} left out that no episode can be read from, the first is line {wrong[0]}"
    console.print(plain(told, "yellow"), soft_wrap=True)


def _has_windows() -> bool:
    """Whether a browser can open a window. Else a browser for terminals might take this terminal."""
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def _one_file(library: Library, html: str, console: Console) -> None:
    check_page(html, "view.html")
    with console.status("") as status:
        path = write_one_file(library, html, lambda done: status.update(f"{done:,} episodes"))
    console.print(f"Wrote {path}", soft_wrap=True)
