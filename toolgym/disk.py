"""Files that last: written whole and flushed to the disk, and checked when they are read back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

LARGEST_OBJECT = 64 * 2**20
"""Bytes of a JSON file that is read back whole; a settings file has a few kilobytes."""


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file atomically: a reader sees the old file or the new file, also after a kill or a power cut.

    Raises OSError, which names ``path``; then the temporary file is removed.
    """
    temporary = path.with_name(f".{path.name}.part")
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        with temporary.open("wb") as file:
            file.write(data)
            flush(file.fileno())
        os.replace(temporary, path)
        flush_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def flush(descriptor: int) -> None:
    """``fsync``: returns when the content of an open file is on the disk. Raises OSError."""
    os.fsync(descriptor)


def flush_file(path: Path) -> None:
    """``fsync`` for a file that another library wrote. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """``fsync`` for the entries of a folder: files created or renamed in it. Does nothing if the system has no such
    call (Windows)."""
    with suppress(PermissionError):  # Windows cannot open a folder
        flush_file(folder)


def flush_tree(folder: Path) -> None:
    """``fsync`` for all files in a folder and its subfolders, then for the folders. Raises OSError."""
    for root, _, names in os.walk(folder, topdown=False):
        for name in names:
            flush_file(Path(root) / name)
        flush_folder(Path(root))


def read_object(path: Path, what: str, fail: Callable[[str], Exception]) -> dict[str, Any]:
    """The JSON object in a file that is read back.

    Args:
        what: what the file should be, for the message: "the settings of a run".
        fail: makes the exception from a message that names the file.

    Raises the exception that ``fail`` makes if the file is missing, unreadable, too large or not a JSON object.
    """
    try:
        if path.stat().st_size > LARGEST_OBJECT:
            raise fail(f"{path} has more than {LARGEST_OBJECT >> 20} MiB, so it is not {what}")
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise fail(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise fail(f"{path} is not {what}: {error}") from None
    if not isinstance(found, dict):
        raise fail(f"{path} is not {what}, but a JSON {type(found).__name__}")
    return found
