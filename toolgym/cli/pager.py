"""Long output on a terminal goes through a pager: the one in ``PAGER``, or else less, or more.

Nothing is paged if the output fits on the screen, if it does not go to a terminal, or with ``--no-pager``.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from unicodedata import east_asian_width

if TYPE_CHECKING:
    from rich.console import Console

NO_PAGER = "--no-pager"
_COLOUR = re.compile(r"\x1b\[[\d;]*m|\x1b\]8;[^\x1b]*\x1b\\")
_LESS = {"LESS": "FRX", "LESSCHARSET": "utf-8"}
"""Unless they are set: pass colours on, leave the text on the screen at the end. As git does."""


@contextmanager
def paged(console: Console, *, off: bool = False) -> Iterator[None]:
    """What is printed inside is shown through the pager if it does not fit. ``off`` is ``--no-pager``."""
    if off or not console.is_terminal or pager(console.file) is None:
        yield
        return
    captured = console.capture()
    try:
        with captured:
            yield
    finally:
        show(captured.get(), console.file)


def show(text: str, file: Any, *, off: bool = False) -> None:
    """Write ``text`` to a text file; to the pager if the file is a terminal with fewer lines."""
    words = None if off else pager(file)
    size = shutil.get_terminal_size()
    if words is None or rows(text, size.columns) < size.lines or not _page(text, words):
        file.write(text)


def rows(text: str, columns: int) -> int:
    """The lines of a terminal that ``text`` takes, colours not counted."""
    lengths = (sum(map(_cells, line)) for line in _COLOUR.sub("", text).splitlines())
    return sum(max(1, -(-length // columns)) for length in lengths)


def pager(file: IO[str]) -> list[str] | None:
    """The words of the pager's command line; None if output to ``file`` is not to be paged."""
    if not file.isatty() or os.environ.get("TERM") == "dumb":
        return None
    if "PAGER" in os.environ:
        with suppress(ValueError):  # quotes that are not closed
            words = shlex.split(os.environ["PAGER"])
            return None if words in ([], ["cat"]) else words
    found = shutil.which("less") or shutil.which("more")
    return None if found is None else [found]


def _page(text: str, words: list[str]) -> bool:
    """Show ``text`` in a pager until the user leaves it. False if the pager cannot be started."""
    environment = {**_LESS, **os.environ}
    flags = environment["LESS"] + "".join(word for word in words[1:] if word.startswith("-"))
    if Path(words[0]).stem != "less" or not {"R", "r"} & set(flags):
        text = _COLOUR.sub("", text)
    sys.stdout.flush()
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, env=environment)
    except OSError:
        return False
    assert process.stdin is not None
    with suppress(OSError), process.stdin as pipe:  # the user may leave before the end
        pipe.write(text.encode("utf-8", "replace"))
    while True:
        try:
            process.wait()
            return True
        except KeyboardInterrupt:  # Ctrl-C is the pager's: it ends a search in it, not the pager
            continue


def _cells(character: str) -> int:
    return 2 if east_asian_width(character) in "WF" else 1
