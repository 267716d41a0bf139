"""The records in a run's folder, written and read back: settings, episodes, metrics.

Every line is strict JSON (strict_json.py). What is read back may come from anybody, so each value is checked before it
is used, and a RunError names the file and the line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from toolgym.disk import read_object
from toolgym.earlier import with_todays_arguments, with_todays_terms
from toolgym.stored.strict_json import LARGEST_INTEGER, from_exact_json, to_exact_json
from toolgym.types import UNFINISHED, FrozenDict, Trajectory, freeze

LONGEST_LINE = 512 * 2**20
"""Bytes of one line; an episode has a few kilobytes."""


class RunError(RuntimeError):
    """The folder of a run cannot be used as requested."""


def describe(value: Any) -> str:
    """Text for a setting that JSON cannot hold, the same in every process: its repr, or its class."""
    shown = repr(value)
    return f"{type(value).__module__}.{type(value).__qualname__}" if " at 0x" in shown else shown


def dump_settings(settings: dict[str, Any]) -> str:
    """The text of ``run.json``."""
    return to_exact_json(settings, indent=2, default=describe) + "\n"


def read_settings(about: Path) -> dict[str, Any]:
    """The settings in a ``run.json``, with today's names. Raises RunError if they cannot be read."""
    return with_todays_arguments(read_object(about, "the description of a run", RunError, from_exact_json))


def dump_episode(trajectory: Trajectory) -> str:
    """An episode as one line of strict JSON, which ``read_episodes`` reads back to the same values.

    Values that JSON has no type for, such as the bytes and complex numbers of Python calls, become text.
    """
    return to_exact_json(msgspec.to_builtins(trajectory, enc_hook=str))


def read_episodes(path: str | Path) -> list[Trajectory]:
    """The episodes of an ``episodes.jsonl`` (or of the folder of a run), the last of each (task, repeat).

    An incomplete last line, of a run that was killed or is writing, is skipped. Raises RunError, which names the line,
    if any other line is not an episode.
    """
    path = Path(path)
    try:
        if path.is_dir():
            path = path / "episodes.jsonl"
            if not path.exists():
                inside = (each for level in ("*", "*/*") for each in path.parent.glob(f"{level}/episodes.jsonl"))
                if (run := min(inside, default=None)) is not None:
                    raise RunError(f"{path.parent} is not a run, but has runs in it: name them, such as {run.parent}")
        found: dict[tuple[str, int], Trajectory] = {}
        with path.open("rb") as lines:
            for number, line in enumerate(_lines(lines, path), 1):
                trajectory = load_episode(line, f"{path}:{number}")
                found[trajectory.task_id, trajectory.repeat] = trajectory
    except (OSError, ValueError) as error:  # a path with a null character is a ValueError
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise RunError(f"no episodes at {path}: {why}") from None
    return list(found.values())


def load_episode(line: str | bytes, where: str) -> Trajectory:
    """The episode of one line. Raises RunError, which begins with ``where``, if the line is not an episode."""
    try:
        trajectory = msgspec.convert(from_exact_json(line), Trajectory, dec_hook=_thaw)
        if problem := _problem(trajectory):
            raise ValueError(problem)
        return with_todays_terms(trajectory)
    except UnicodeDecodeError:
        raise RunError(f"{where} is not an episode: it is not text") from None
    except (ValueError, RecursionError, OverflowError) as error:
        raise RunError(
            f"{where} is not an episode: {error}. Delete that line to go without it; --resume then plays it again"
        ) from None


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The rows of ``metrics.jsonl`` of a training run; [] if the file does not exist yet.

    An incomplete last line, of a run that was killed or is writing, is skipped. So are numbers that are not finite.
    Raises RunError, which names the line, if any other line is not a row of numbers with a ``step``.
    """
    path = folder / "metrics.jsonl"
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from None
    rows: list[dict[str, float]] = []
    for number, line in enumerate(lines, 1):
        try:
            row = dict(json.loads(line))
            numbers = {name: float(row[name]) for name in row if name != "step"}
            step = int(row["step"])
            if not 0 <= step <= LARGEST_INTEGER:
                raise ValueError(f"step {step}")
            rows.append({"step": step} | {name: value for name, value in numbers.items() if isfinite(value)})
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            if line and number < len(lines):
                raise RunError(f"{path}:{number} is not a row of metrics") from None
    return rows


def is_whole(line: bytes) -> bool:
    """Whether a last line without an end is a whole JSON object, and not one that a kill has cut off."""
    try:
        return line.startswith(b"{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _lines(file: Any, path: Path) -> Iterator[bytes]:
    """The complete lines of a file. Raises RunError for a line that is too long."""
    number = 0
    while True:
        line = file.readline(LONGEST_LINE + 1)
        number += 1
        if len(line) > LONGEST_LINE:
            raise RunError(f"{path}:{number} is not an episode: it has more than {LONGEST_LINE >> 20} MiB")
        if not line.endswith(b"\n") and not is_whole(line):
            return
        yield line


def _problem(trajectory: Trajectory) -> str:
    """What is wrong with an episode whose fields have the right types; "" if nothing is."""
    messages = [("messages", trajectory.messages)]
    for i, turn in enumerate(trajectory.turns):
        if turn.unfinished is not None and turn.unfinished not in UNFINISHED:
            return f"turns[{i}].unfinished is {turn.unfinished!r}, not one of {', '.join(UNFINISHED)}"
        if not turn.messages:
            return f"turns[{i}].messages lacks the assistant's message"
        messages.append((f"turns[{i}].messages", turn.messages))
    for place, group in messages:
        for k, each in enumerate(group):
            for field in ("role", "content"):
                if not isinstance(each.get(field), str):
                    return f"{place}[{k}] has no text as its {field!r}"
            if not isinstance(each.get("name") or "", str):
                return f"{place}[{k}] has no text as its 'name'"
    return ""


def _thaw(kind: type, value: Any) -> Any:
    if kind is FrozenDict and isinstance(value, dict):
        return freeze(value)
    raise ValueError(f"expected an object, got {type(value).__name__}")
