"""Commands that the user may want next, printed so that they can be copied."""

from __future__ import annotations

import shlex

from rich.console import Console

from toolgym.report.text import plain


def print_command(what: str, command: str, console: Console) -> None:
    """``what: command``; on a terminal that is too narrow, on several lines that end in a backslash."""
    line = f"{what}: {command}"
    if console.is_terminal and len(line) > console.width:
        rows, row = [], f"{what}:"
        for word in map(shlex.quote, shlex.split(command)):
            if len(f"{row} {word} \\") > console.width:
                rows.append(f"{row} \\")
                row = f"    {word}"
            else:
                row += f" {word}"
        line = "\n".join([*rows, row])
    console.print(plain(line), soft_wrap=True)
