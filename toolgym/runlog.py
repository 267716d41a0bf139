"""The folder of a run: its settings, and each episode as it finishes. It stays valid if the run is killed."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, TypeAlias
from weakref import finalize

import msgspec

from toolgym.disk import flush, write_atomic
from toolgym.earlier import with_todays_arguments, with_todays_terms
from toolgym.types import FrozenDict, Trajectory, freeze

try:
    import fcntl
except ImportError:  # Windows has no such locks: users must not start two runs in one folder
    fcntl = None  # type: ignore[assignment]

_LOCK = ".lock"
FLUSH_EVERY = 1.0
"""Seconds: an episode that was appended is flushed to the disk with the first episode after this time, or at the end.
A kill loses no appended episode at all; a power cut loses at most those of this time."""


class RunError(RuntimeError):
    """The folder of a run cannot be used as requested."""


class RunLog:
    """The folder of a run, with ``run.json`` (settings) and ``episodes.jsonl``.

    Raises RunError if the folder holds another run or other files, or if another process writes to it.
    """

    def __init__(self, folder: str | Path, settings: dict[str, Any], *, resume: bool):
        self.folder = Path(folder)
        self.path = self.folder / "episodes.jsonl"
        about = self.folder / "run.json"
        settings = json.loads(json.dumps(settings, default=describe))
        begun = about.is_file() and bool(self.episodes())
        if begun:
            check_same_run(self.folder, settings, lambda: _settings(about), resume=resume)
        open_folder(self.folder, about)
        hold_folder(self.folder, self)
        if not begun:
            write_atomic(about, json.dumps(settings, indent=2) + "\n")
        self._drop_torn_line()
        self._flushed = monotonic()

    def _drop_torn_line(self) -> None:
        """Remove an incomplete last line, which a killed run leaves."""
        if self.path.is_file():
            with self.path.open("rb+") as file:
                data = file.read()
                whole = data.rfind(b"\n") + 1
                if whole != len(data):
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
        flush(file.fileno())
        self._flushed = monotonic()

    def episodes(self) -> list[Trajectory]:
        return read_episodes(self.path) if self.path.is_file() else []


def write_run(folder: Path, settings: dict[str, Any], trajectories: Iterable[Trajectory]) -> None:
    """Write ``run.json`` and ``episodes.jsonl`` of a finished run to an existing folder. Raises OSError."""
    write_atomic(folder / "run.json", json.dumps(settings, indent=2, default=describe) + "\n")
    write_atomic(folder / "episodes.jsonl", "".join(dump_episode(each) + "\n" for each in trajectories))


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The rows of ``metrics.jsonl`` of a training run; [] if the file does not exist yet.

    An incomplete last line, of a run that was killed or is writing, is skipped. Raises RunError, which names the
    line, if any other line is not a row of numbers with a ``step``.
    """
    path = folder / "metrics.jsonl"
    if not path.is_file():
        return []
    rows: list[dict[str, float]] = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            rows.append({"step": int(row["step"]), **{name: float(row[name]) for name in row if name != "step"}})
        except (ValueError, TypeError, KeyError, RecursionError):
            if any(lines[number:]):
                raise RunError(f"{path}:{number} is not a row of metrics") from None
    return rows


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
    differing = [name for name in asked if before.get(name) != asked[name] and name not in free]
    if differing:
        settings = ", ".join(f"{name}={before.get(name)!r}, not {asked[name]!r}" for name in differing)
        raise RunError(f"{folder} holds another run, with other settings ({settings}); resume it with the same")


def _settings(about: Path) -> Mapping[str, Any]:
    """The settings in ``run.json``. Raises RunError if they cannot be read."""
    try:
        found = json.loads(about.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RunError(f"{about} is not the description of a run: {error}; use another folder") from None
    if not isinstance(found, dict):
        raise RunError(f"{about} is not the description of a run, but a {type(found).__name__}; use another folder")
    return with_todays_arguments(found)


def describe(value: Any) -> str:
    """Text for a setting that JSON cannot hold, the same in every process: its repr, or its class."""
    shown = repr(value)
    return f"{type(value).__module__}.{type(value).__qualname__}" if " at 0x" in shown else shown


def dump_episode(trajectory: Trajectory) -> str:
    """An episode as one line of JSON, in ASCII, so that lone surrogates in a model's text are kept."""
    return json.dumps(msgspec.to_builtins(trajectory), ensure_ascii=True, default=str)


def read_episodes(path: str | Path) -> list[Trajectory]:
    """The episodes of an ``episodes.jsonl`` (or of the folder of a run), the last of each (task, repeat).

    Raises RunError, which names the line, if a line is not an episode.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "episodes.jsonl"
    found: dict[tuple[str, int], Trajectory] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith("\n"):  # incomplete: the run was killed while writing
                    break
                trajectory = _load(line, f"{path}:{number}")
                found[trajectory.task_id, trajectory.repeat] = trajectory
    except OSError as error:
        raise RunError(f"no episodes at {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RunError(f"{path} is not a file of episodes: it is not text") from None
    return list(found.values())


def _load(line: str, where: str) -> Trajectory:
    try:
        return with_todays_terms(msgspec.convert(json.loads(line), Trajectory, dec_hook=_thaw))
    except (ValueError, RecursionError) as error:
        raise RunError(
            f"{where} is not an episode: {error}. Delete that line to go without it; --resume then plays it again"
        ) from None


def _thaw(kind: type, value: Any) -> Any:
    if kind is FrozenDict:
        return freeze(value)
    raise TypeError(f"cannot read {kind}")
