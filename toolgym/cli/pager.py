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
_LESS = {"LESS": "FRX"}
"""Unless it is set: pass colours on, leave the text on the screen at the end. As git does."""


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
    command = None if off else pager(file)
    size = shutil.get_terminal_size()
    if command is None or rows(text, size.columns) < size.lines or not _page(text, command):
        file.write(text)


def rows(text: str, columns: int) -> int:
    """The lines of a terminal that ``text`` takes, colours not counted."""
    lengths = (sum(map(_cells, line)) for line in _COLOUR.sub("", text).splitlines())
    return sum(max(1, -(-length // columns)) for length in lengths)


def pager(file: IO[str]) -> str | None:
    """The pager's command, for the shell; None if output to ``file`` is not to be paged."""
    if not file.isatty() or os.environ.get("TERM") == "dumb":
        return None
    if "PAGER" in os.environ:
        with suppress(ValueError):  # quotes that are not closed
            words = shlex.split(os.environ["PAGER"])
            return None if words in ([], ["cat"]) else os.environ["PAGER"]
    return next(filter(shutil.which, ("less", "more")), None)


def _page(text: str, command: str) -> bool:
    """Show ``text`` in a pager until the user leaves it. False without such a pager."""
    encoding = sys.stdout.encoding or "utf-8"
    environment = {**_LESS, **({"LESSCHARSET": "utf-8"} if encoding.lower() == "utf-8" else {}), **os.environ}
    name, *words = shlex.split(command)
    flags = environment["LESS"] + "".join(word for word in words if word.startswith("-"))
    if Path(name).stem != "less" or not {"R", "r"} & set(flags):
        text = _COLOUR.sub("", text)
    sys.stdout.flush()
    process = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environment)
    assert process.stdin is not None
    with suppress(OSError), process.stdin as pipe:  # the user may leave before the end
        pipe.write(text.encode(encoding, "replace"))
    while True:
        try:
            return process.wait() not in (126, 127)  # the shell's: it cannot be run, it is not there
        except KeyboardInterrupt:  # Ctrl-C is the pager's: it ends a search in it, not the pager
            continue


def _cells(character: str) -> int:
    return 2 if east_asian_width(character) in "WF" else 1
