"""The folder of a run: its settings, and each episode as it finishes. It stays valid if the run is killed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, TypeAlias
from weakref import finalize

from toolgym.disk import write_atomic
from toolgym.grading import json_equal
from toolgym.stored.run_files import (
    RunError,
    describe,
    dump_episode,
    dump_settings,
    is_whole,
    read_episodes,
    read_metrics,
    read_settings,
)
from toolgym.stored.strict_json import from_exact_json
from toolgym.types import Trajectory

try:
    import fcntl
except ImportError:  # Windows has no such locks: users must not start two runs in one folder
    fcntl = None  # type: ignore[assignment]

_LOCK = ".lock"
FLUSH_EVERY = 1.0
"""Seconds: an episode that was appended is flushed to the disk with the first episode after this time, or at the end.
A kill loses no appended episode at all; a power cut loses at most those of this time."""


GROWING = ("n", "repeats")
"""Settings that may be larger when a run is resumed."""


class RunLog:
    """The folder of a run, with ``run.json`` (settings) and ``episodes.jsonl``.

    Raises RunError if the folder holds another run or other files, or if another process writes to it.
    """

    def __init__(self, folder: str | Path, settings: dict[str, Any], *, resume: bool):
        self.folder = Path(folder)
        self.path = self.folder / "episodes.jsonl"
        about = self.folder / "run.json"
        self.settings: dict[str, Any] = from_exact_json(dump_settings(settings))
        """The settings as ``run.json`` holds them."""
        open_folder(self.folder, about)
        self.before = self.episodes() if about.is_file() else []
        """The episodes of the run that is resumed."""
        kept: dict[str, Any] = {}
        if self.before:
            free = (*GROWING, "draw")
            check_same_run(self.folder, self.settings, lambda: read_settings(about), resume=resume, free=free)
            kept = read_settings(about)
            self.settings = _grown(self.folder, kept, self.settings)
        hold_folder(self.folder, self)
        if self.settings != kept:
            write_atomic(about, dump_settings(self.settings))
        self._drop_torn_line()
        self._flushed = monotonic()

    def _drop_torn_line(self) -> None:
        """Remove an incomplete last line, which a killed run leaves; end a whole one."""
        if self.path.is_file():
            with self.path.open("rb+") as file:
                data = file.read()
                whole = data.rfind(b"\n") + 1
                if is_whole(data[whole:]):
                    file.write(b"\n")
                elif whole != len(data):
                    file.truncate(whole)

    def append(self, trajectory: Trajectory) -> None:
        """Append an episode to the file. Raises RunError if it cannot be written."""
        line = (dump_episode(trajectory) + "\n").encode()
        try:
            with self.path.open("ab") as file:
                file.write(line)
                if monotonic() - self._flushed >= FLUSH_EVERY:
                    self._flush(file)
        except OSError as error:
            raise RunError(
                f"cannot write to {self.path}: {error}. All earlier episodes are saved; make room and use --resume."
            ) from error

    def close(self) -> None:
        """Flush what was appended to the disk. Raises RunError if the disk refuses."""
        try:
            if self.path.is_file():
                with self.path.open("ab") as file:
                    self._flush(file)
        except OSError as error:
            raise RunError(f"cannot write to {self.path}: {error}") from error

    def _flush(self, file: BinaryIO) -> None:
        file.flush()
        os.fsync(file.fileno())
        self._flushed = monotonic()

    def episodes(self) -> list[Trajectory]:
        return read_episodes(self.path) if self.path.is_file() else []


def write_run(folder: Path, settings: dict[str, Any], trajectories: Iterable[Trajectory]) -> None:
    """Write ``run.json`` and ``episodes.jsonl`` of a finished run to an existing folder. Raises OSError."""
    write_atomic(folder / "run.json", dump_settings(settings))
    write_atomic(folder / "episodes.jsonl", "".join(dump_episode(each) + "\n" for each in trajectories))


def open_folder(folder: Path, about: Path) -> None:
    """Make the folder of a run. Raises RunError if it has files but no ``about`` file, so that it is not a run."""
    try:
        if folder.exists() and not about.is_file() and any(entry.name != _LOCK for entry in folder.iterdir()):
            raise RunError(f"{folder} is not empty and holds no run of this kind; choose another folder")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be a run's folder: {error.strerror}") from None


def hold_folder(folder: Path, run: object) -> None:
    """Lock the folder of a run against other processes while ``run`` is alive. A kill releases the lock too.

    Raises RunError if another process holds the lock.
    """
    if fcntl is None:
        return
    place = folder / _LOCK
    file = _file(place.stat()) if place.exists() else None
    if file in _held:  # closing any descriptor of the file would release the lock, so runs share one descriptor
        _held[file][1] += 1
        finalize(run, _let_go, file)
        return
    lock = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if error.errno in (errno.EACCES, errno.EAGAIN):
            raise RunError(f"another process is writing to {folder}; wait for it, or choose another folder") from None
        return  # the file system has no locks
    file = _file(os.fstat(lock))
    _held[file] = [lock, 1]
    finalize(run, _let_go, file)


_File: TypeAlias = tuple[int, int]
_held: dict[_File, list[int]] = {}
"""Lock file (device, inode) -> its descriptor, and the number of runs in this process that hold it."""


def _file(found: os.stat_result) -> _File:
    return found.st_dev, found.st_ino


def _let_go(file: _File) -> None:
    _held[file][1] -= 1
    if not _held[file][1]:
        os.close(_held.pop(file)[0])


def check_same_run(
    folder: Path,
    asked: Mapping[str, Any],
    kept: Callable[[], Mapping[str, Any]],
    *,
    resume: bool,
    free: Collection[str] = (),
) -> None:
    """Raise RunError if the run in a folder is not to be resumed, or if its settings ``kept()`` differ from ``asked``.

    Settings in ``free`` may differ.
    """
    if not resume:
        raise RunError(
            f"{folder} already holds a run; use --resume (in Python resume=True) to go on with it, or another folder"
        )
    before = kept()
    differing = [name for name in asked if not json_equal(before.get(name), asked[name]) and name not in free]
    if differing:
        settings = ", ".join(f"{name}={before.get(name)!r:.300}, not {asked[name]!r:.300}" for name in differing)
        raise RunError(f"{folder} holds another run, with other settings ({settings}); resume it with the same")


def _grown(folder: Path, kept: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the run in a folder with the numbers of tasks and repeats that are asked for.

    Raises RunError if they are smaller, or if the tasks of the run cannot be among those of a larger ``n``.
    """
    changed = [name for name in GROWING if name in asked and kept.get(name) != asked[name]]
    for name in changed:
        before, now = kept.get(name), asked[name]
        if not (name == "n" and now is None) and not (type(before) is int and type(now) is int and before < now):
            raise RunError(
                f"{folder} holds a run with {name}={_all(before)}, not {_all(now)}: it can go on with the same number "
                "or a larger one; for fewer episodes use another folder"
            )
    if "n" in changed and asked["n"] is not None and kept.get("draw") != asked.get("draw"):
        raise RunError(
            f"{folder} holds a run of an earlier version, whose n={kept.get('n')} tasks are not all among the "
            f"{asked['n']} that are drawn today: go on with n={kept.get('n')}, with all tasks, or in another folder"
        )
    return {**kept, **{name: asked[name] for name in changed}}


def _all(number: Any) -> str:
    return "all" if number is None else str(number)


__all__ = [
    "RunError",
    "RunLog",
    "check_same_run",
    "describe",
    "dump_episode",
    "hold_folder",
    "open_folder",
    "read_episodes",
    "read_metrics",
    "write_run",
]
