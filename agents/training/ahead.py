"""Plays the batch of the next step on a thread, while the trainer updates on this one.

    step s:  take batch s; send the weights of step s; begin to play batch s + 1 with them; update on batch s

So every batch but the first is one step older than the weights that it trains. A checkpoint holds the batch that was
played ahead: a run that is resumed goes on with the same samples.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from typing import Any

import msgspec
import torch

from toolgym.playing import stopping
from toolgym.playing.daemon_pool import in_a_daemon
from toolgym.playing.stopping import Stop
from toolgym.stored.run_files import dump_episode, load_episode

from ..tokens import Sample
from .collect import Rollout, TaskName
from .dynamic_sampling import PlayedGroups


class Ahead:
    """At most one batch that is being played, or has been.

    Args:
        play: plays the batch of a step; called on a thread.
    """

    def __init__(self, play: Callable[[int], PlayedGroups]):
        self._play = play
        self._step = -1
        self._stop = Stop()
        self._batch: Future[bytes] | None = None

    def start(self, step: int) -> None:
        """Begin to play the batch of ``step``."""
        stop = Stop()

        def play() -> bytes:
            stopping.playing_for(stop)
            try:
                return dump(self._play(step))
            except KeyboardInterrupt:  # what this process stops is never taken
                raise RuntimeError("another rank has stopped to play") from None

        self._step, self._stop, self._batch = step, stop, in_a_daemon(play, "toolgym-ahead")

    def take(self, step: int) -> PlayedGroups | None:
        """The batch of ``step``, when it has been played; None if it was not begun. Raises what ``play`` raised."""
        if self._batch is None or self._step != step:
            return None
        batch, self._batch = load(self._batch.result()), None
        return batch

    def wait(self) -> None:
        """Return when nothing is being played any more. Raises what ``play`` raised."""
        if self._batch is not None:
            self._batch.result()

    def stop(self) -> None:
        """End what is being played, so that it asks the sampler nothing after the run. A finished batch is kept."""
        if self._batch is not None and not self._batch.done():
            self._stop.set()
            futures.wait([self._batch])
            self._batch = None

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint: the batch, as soon as it has been played. Raises what playing raised."""
        if self._batch is None:
            return {}
        content = torch.frombuffer(bytearray(self._batch.result()), dtype=torch.uint8)
        return {"ahead": {"step": self._step, "batch": content}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state, in which ``state_dict`` is contained."""
        if "ahead" in state:
            self._step, self._batch = state["ahead"]["step"], Future()
            self._batch.set_result(state["ahead"]["batch"].numpy().tobytes())


class _KeptRollout(msgspec.Struct):
    trajectory: str
    sample: Sample
    forks: list[list[_KeptRollout]]
    suite: int
    milestones: list[list[tuple[int, float]]]


class _KeptBatch(msgspec.Struct):
    tasks: list[TaskName]
    groups: list[int]
    """Indices in ``played``."""
    played: list[tuple[TaskName, list[_KeptRollout]]]
    drawing: dict[str, float]


def dump(batch: PlayedGroups) -> bytes:
    """A batch as JSON, which ``load`` reads back to a batch that trains in the same way."""
    places = {id(group): i for i, (_, group) in enumerate(batch.played)}
    played = [(task, [_kept(rollout) for rollout in group]) for task, group in batch.played]
    kept = _KeptBatch(batch.tasks, [places[id(group)] for group in batch.groups], played, batch.drawing)
    return msgspec.json.encode(kept)


def load(content: bytes) -> PlayedGroups:
    """The batch that ``dump`` wrote."""
    kept = msgspec.json.decode(content, type=_KeptBatch)
    played = [(task, [_rollout(each) for each in group]) for task, group in kept.played]
    return PlayedGroups(kept.tasks, [played[i][1] for i in kept.groups], played, kept.drawing)


def _kept(rollout: Rollout) -> _KeptRollout:
    forks = [[_kept(fork) for fork in turn] for turn in rollout.forks]
    return _KeptRollout(dump_episode(rollout.trajectory), rollout.sample, forks, rollout.suite, rollout.milestones)


def _rollout(kept: _KeptRollout) -> Rollout:
    forks = [[_rollout(fork) for fork in turn] for turn in kept.forks]
    trajectory = load_episode(kept.trajectory, "an episode that was played ahead")
    return Rollout(trajectory, kept.sample, forks, kept.suite, kept.milestones)
