"""Files that last: written whole and flushed to the disk, and checked when they are read back."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows has no such locks: folders of killed processes stay
    fcntl = None  # type: ignore[assignment]

LARGEST_OBJECT = 64 * 2**20
"""Bytes of a JSON file that is read back whole; a settings file has a few kilobytes."""

_TRIES, _PAUSE = 200, 0.01
"""Tries for a lock that another process holds for a moment, and the seconds between them."""
CHECKSUMS = "checksums.json"
"""The file of a sealed folder that has the SHA-256 of each other file in it."""


# Writing ----------------------------------------------------------------------------------------


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file atomically: a reader sees the old file or the new file, also after a kill or a power cut.

    Raises OSError, which names ``path``; then the temporary file is removed.
    """
    temporary = path.with_name(f".{path.name}.part")
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        with temporary.open("wb") as file:
            file.write(data)
            os.fsync(file.fileno())
        os.replace(temporary, path)
        flush_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def flush_file(path: Path) -> None:
    """``fsync`` for a file that another library wrote. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
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


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """A temporary folder. If the block succeeds, it is flushed to the disk and renamed to ``target``, in place of a
    folder of that name; if the block raises, it is deleted."""
    with temporary_folder(target.parent, f".{target.name}-") as temporary:
        yield temporary
        flush_tree(temporary)
        before = temporary.with_name(f"{temporary.name}-before")
        if target.exists():
            os.replace(target, before)  # removed only when the new folder is there
        os.replace(temporary, target)
        flush_folder(target.parent)
        shutil.rmtree(before, ignore_errors=True)


@contextmanager
def temporary_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder in ``parent``, made if needed, that is deleted at the end of the block.

    Folders with the same prefix that a killed process left there are deleted first. A lock on each folder says that a
    process still uses it; a kill releases the lock. Raises OSError if the disk refuses.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with _locked(parent, wait=True) as alone:
        if alone:
            _sweep(parent, prefix)
        temporary = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        held = _lock(temporary, wait=False)
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if held is not None:
            os.close(held)


def _sweep(parent: Path, prefix: str) -> None:
    """Delete the folders with this prefix that no process holds."""
    for entry in parent.iterdir():
        if entry.name.startswith(prefix) and entry.is_dir() and not entry.is_symlink():
            with _locked(entry, wait=False) as abandoned:
                if abandoned:
                    shutil.rmtree(entry, ignore_errors=True)


@contextmanager
def _locked(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Whether this block alone holds the lock of a folder."""
    held = _lock(folder, wait=wait)
    try:
        yield held is not None
    finally:
        if held is not None:
            os.close(held)


def _lock(folder: Path, *, wait: bool) -> int | None:
    """Lock a folder until the returned descriptor is closed. None if another one holds the lock, or without locks."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    for _ in range(_TRIES if wait else 1):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # held
            time.sleep(_PAUSE if wait else 0.0)
        except OSError:  # a file system without locks
            break
        else:
            return descriptor
    os.close(descriptor)
    return None


def seal(folder: Path) -> None:
    """Write ``checksums.json``: with it ``damage`` finds any later change to the folder's files. Raises OSError."""
    sums = {path.relative_to(folder).as_posix(): _sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    write_atomic(folder / CHECKSUMS, json.dumps(sums, indent=1) + "\n")


# Reading ----------------------------------------------------------------------------------------


def damage(folder: Path, without: Collection[str] = ()) -> str:
    """What is wrong with a sealed folder, in words that name the file; "" if nothing is, or if it was never sealed.

    Args:
        without: names of files that are not needed, and not read.
    """
    if not (folder / CHECKSUMS).exists():
        return ""
    try:
        sums = read_object(folder / CHECKSUMS, "the checksums of a folder", ValueError)
        for name, wanted in sums.items():
            path = folder / name
            if name in without:
                continue
            if not path.is_file():
                return f"{name} is missing"
            if _sha256(path) != wanted:
                return f"{name} is not what was written: its SHA-256 differs from {CHECKSUMS}"
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_object(
    path: Path, what: str, fail: Callable[[str], Exception], loads: Callable[[bytes], Any] = json.loads
) -> dict[str, Any]:
    """The JSON object in a file that is read back.

    Args:
        what: what the file should be, for the message: "the settings of a run".
        fail: makes the exception from a message that names the file.
        loads: reads the JSON; raises ValueError or RecursionError.

    Raises the exception that ``fail`` makes if the file is missing, unreadable, too large or not a JSON object.
    """
    try:
        if path.stat().st_size > LARGEST_OBJECT:
            raise fail(f"{path} has more than {LARGEST_OBJECT >> 20} MiB, so it is not {what}")
        found = loads(path.read_bytes())
    except OSError as error:
        raise fail(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise fail(f"{path} is not {what}: {error}") from None
    if not isinstance(found, dict):
        raise fail(f"{path} is not {what}, but a JSON {type(found).__name__}")
    return found
