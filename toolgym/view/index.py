"""The index of a run's ``episodes.jsonl``: an entry per episode, following a file that grows.

It is kept beside the file, in ``.episodes.jsonl.index``.
The index is read back only if the file of episodes is still the one that it was made from: the same inode, and the
same last line that was indexed. So a copied, edited or replaced file is read anew, and an appended one is read on.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import BinaryIO

import msgspec

from toolgym.disk import write_atomic
from toolgym.stored.run_files import is_whole
from toolgym.view.entry import Entry, entry_of

_VERSION = 1
LONGEST_LINE = 64 * 2**20
"""Bytes; a longer line is skipped as unreadable."""
_WORTH_KEEPING = 1 << 20
"""Bytes of episodes; the index of fewer is not kept in a file, and it is written again after so many new ones."""
_LARGEST_INDEX = 1 << 30


class _Kept(msgspec.Struct, array_like=True):
    """The file of an index."""

    version: int
    inode: int
    size: int
    modified: int
    last: tuple[int, str]
    """Offset of the last line that was indexed, and its SHA-256."""
    covered: int
    unreadable: list[int]
    lines: int
    entries: list[Entry]

    def fits(self, size: int) -> bool:
        """Whether all places are inside of a file of so many bytes. (The index may come from anybody.)"""
        inside = all(entry.offset >= 0 and 0 <= entry.length <= self.covered - entry.offset for entry in self.entries)
        return inside and 0 <= self.last[0] <= self.covered <= size


class RunIndex:
    """The episodes of a file, by (task, repeat); the last line of each counts, as in ``read_episodes``.

    Safe to use from several threads.
    """

    def __init__(self, path: Path):
        self.path = path
        """The ``episodes.jsonl``."""
        self._place = path.with_name(f".{path.name}.index")
        self._lock = Lock()
        self._forget()
        with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError, OverflowError):
            self._read_back()
        self._saved = self.covered

    def _forget(self) -> None:
        self.by_key: dict[tuple[str, int], Entry] = {}
        self.covered = 0
        """Bytes of the file that have been indexed."""
        self.size = 0
        """Bytes of the file at the last look."""
        self.lines = 0
        """Ends of lines seen."""
        self.unreadable: list[int] = []
        """Numbers of the lines that are not episodes."""
        self.version = 0
        """Grows whenever the entries change."""
        self._inode = self._modified = 0
        self._last = (0, "")
        self._saved = 0
        self._at_end = True

    def entries(self) -> list[Entry]:
        """The entries so far, in the order of their first appearance."""
        with self._lock:
            return list(self.by_key.values())

    def items(self) -> list[tuple[tuple[str, int], Entry]]:
        """((task, repeat), entry) of each."""
        with self._lock:
            return list(self.by_key.items())

    def find(self, task: str, repeat: int) -> Entry | None:
        with self._lock:
            return self.by_key.get((task, repeat))

    @property
    def done(self) -> float:
        """The share of the file that has been read, in [0, 1]. A last line that is not complete yet does not count."""
        return 1.0 if self._at_end or self.covered >= self.size else self.covered / self.size

    def refresh(self, seconds: float = 0.25) -> None:
        """Read on for about so long: what the file has more than at the last time. A file that is missing is empty."""
        with self._lock:
            try:
                with self.path.open("rb") as file:
                    self._follow(file, monotonic() + seconds)
            except OSError:
                if self.by_key:
                    self._forget()
                return
            if self._at_end and self.covered - self._saved >= _WORTH_KEEPING:
                self._save()

    def line(self, entry: Entry) -> bytes:
        """The line of an episode. Raises OSError."""
        with self.path.open("rb") as file:
            file.seek(entry.offset)
            return file.read(entry.length)

    # --------------------------------------------------------------------------------------------

    def _follow(self, file: BinaryIO, until: float) -> None:
        now = os.fstat(file.fileno())
        unchanged = now.st_size == self.size and now.st_mtime_ns == self._modified
        if now.st_ino != self._inode or now.st_size < self.covered or not (unchanged or self._goes_on(file)):
            version = self.version
            self._forget()
            self.version = version + 1
        self._inode, self._modified, self.size = now.st_ino, now.st_mtime_ns, now.st_size
        covered = self.covered
        file.seek(covered)
        self._at_end = False
        while monotonic() < until:
            line = file.readline(LONGEST_LINE + 1)
            if not line or not self._take(file, line):
                self._at_end = True
                break
        if self.covered > covered:
            self._last = self._last[0], self._digest(file)

    def _take(self, file: BinaryIO, line: bytes) -> bool:
        """Index a line. False if it is incomplete."""
        start, whole = self.covered, line.endswith(b"\n")
        if len(line) > LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE + 1)
            if not line:
                return False
            entry = None
        elif not whole and not is_whole(line):
            return False
        else:
            entry = entry_of(line, start) if line.strip() else None
        self.covered = file.tell()
        self._last = (start, "")
        self.version += 1
        if entry is not None:
            self.by_key[entry.task, entry.repeat] = entry
        elif line.strip():
            self.unreadable.append(self.lines + 1)
        self.lines += line.endswith(b"\n")
        return True

    def _goes_on(self, file: BinaryIO) -> bool:
        """Whether the last line that was indexed is still where it was."""
        return not self.covered or self._digest(file) == self._last[1]

    def _digest(self, file: BinaryIO) -> str:
        start = self._last[0]
        file.seek(start)
        return hashlib.sha256(file.read(self.covered - start)).hexdigest()

    def _save(self) -> None:
        """Keep the index, if the folder can be written."""
        with suppress(OSError):
            kept = _Kept(
                _VERSION, self._inode, self.size, self._modified, self._last, self.covered, self.unreadable, self.lines,
                list(self.by_key.values()),
            )  # fmt: skip
            self._saved = self.covered
            write_atomic(self._place, msgspec.msgpack.encode(kept))

    def _read_back(self) -> None:
        if self._place.stat().st_size > _LARGEST_INDEX:
            return
        kept = msgspec.msgpack.decode(self._place.read_bytes(), type=_Kept)
        now = self.path.stat()
        if kept.version != _VERSION or kept.inode != now.st_ino or not kept.fits(now.st_size):
            return
        self._inode, self._modified, self.size = kept.inode, kept.modified, kept.size
        self.covered, self._last, self.lines, self.unreadable = kept.covered, kept.last, kept.lines, kept.unreadable
        self.by_key = {(entry.task, entry.repeat): entry for entry in kept.entries}
        self.version = 1
