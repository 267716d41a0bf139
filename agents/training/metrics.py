"""The log of a run: ``metrics.jsonl``, and the same numbers for TensorBoard."""

from __future__ import annotations

import logging
import math
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from toolgym.disk import write_atomic
from toolgym.runlog import read_metrics
from toolgym.stored.strict_json import to_json

from .collect import Rollout

logger = logging.getLogger(__name__)


class MetricsLog:
    """A row of numbers per step, written to ``metrics.jsonl`` at once, and to ``tensorboard/``.

    When a run is resumed, the event file is written again from the rows, so it holds each step once.

    Args:
        folder: the run's folder.
        last_step: rows of later steps are removed: the resumed run writes them again.
    """

    def __init__(self, folder: Path, last_step: int):
        self.path = folder / "metrics.jsonl"
        self.board_folder = folder / "tensorboard"
        self.board: _Board | None = None
        kept = [row for row in read_metrics(folder) if row["step"] <= last_step]
        if self.path.is_file():
            write_atomic(self.path, "".join(to_json(row) + "\n" for row in kept))
        before = kept[-1].get("seconds/total", 0.0) if kept else 0.0
        self.began = time.monotonic() - before

    def append(self, row: dict[str, float]) -> dict[str, float]:
        """Add a step's numbers and ``seconds/total``, the time spent on the run so far; returns the written row.

        Numbers that are not finite are left out: there was nothing to measure. Raises OSError.
        """
        if self.board is None:
            self.board = open_board(self.board_folder, read_metrics(self.path.parent))
        row = {name: value for name, value in row.items() if math.isfinite(value)}
        row["seconds/total"] = round(time.monotonic() - self.began, 3)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(to_json(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.board.add(row)
        return row

    def close(self) -> None:
        if self.board is not None:
            self.board.close()
            self.board = None


class _Board:
    """Writes nothing: used without tensorboardX."""

    def add(self, row: dict[str, float]) -> None: ...

    def close(self) -> None: ...


class _EventFile(_Board):
    """One event file, written at once: SummaryWriter's thread would hide a full disk and then block forever."""

    def __init__(self, folder: Path, rows: Sequence[dict[str, float]]):
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.proto.summary_pb2 import Summary

        self._event: Any = Event
        self._summary: Any = Summary
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._writer: Any = EventsWriter(str(folder / "events"))
        self._opened = time.time() - (rows[-1].get("seconds/total", 0.0) if rows else 0.0)
        # a running TensorBoard then drops the steps of the file before this one
        start = SessionLog(status=SessionLog.SessionStatus.START)
        self._writer.write_event(Event(wall_time=time.time(), step=0, session_log=start))
        self._write(rows)

    def add(self, row: dict[str, float]) -> None:
        self._write([row])

    def close(self) -> None:
        with suppress(OSError):  # a full disk has already raised its own error
            self._writer.close()

    def _write(self, rows: Iterable[dict[str, float]]) -> None:
        for row in rows:
            values = [
                self._summary.Value(tag=name, simple_value=value) for name, value in row.items() if name != "step"
            ]
            self._writer.write_event(
                self._event(
                    wall_time=self._opened + row.get("seconds/total", 0.0),
                    step=int(row["step"]),
                    summary=self._summary(value=values),
                )
            )
        self._writer.flush()


def open_board(folder: Path, rows: Sequence[dict[str, float]]) -> _Board:
    """An event file that begins with ``rows``; without tensorboardX, a board that writes nothing."""
    try:
        return _EventFile(folder, rows)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "tensorboardX":
            raise
        logger.warning("nothing is written for TensorBoard: pip install tensorboardX")
        return _Board()


def episode_metrics(rollouts: Sequence[Rollout], *, sampled: bool) -> dict[str, float]:
    """Means over a batch's episodes. ``success`` is left out for gold episodes (``sampled`` False)."""
    valid = [rollout for rollout in rollouts if rollout.valid]
    return {
        **({"success": mean([float(bool(rollout.trajectory.success)) for rollout in valid])} if sampled else {}),
        "completion_length": mean([float(sum(rollout.sample.loss_mask)) for rollout in rollouts]),
        "turns": mean([float(len(rollout.trajectory.turns)) for rollout in rollouts]),
        "truncated": mean([float(rollout.sample.truncated) for rollout in rollouts]),
    }


def mean(values: Sequence[float]) -> float:
    """The mean of the values; nan for an empty list."""
    return sum(values) / len(values) if values else float("nan")
