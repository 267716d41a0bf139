"""Snapshots: the state of an episode as a value, to go on from any number of times, here or in another process.

    before = env.unwrapped.snapshot()
    env.step(text)
    env.unwrapped.restore(before)           # as if the step had not been made
    branches = env.unwrapped.fork(8)        # eight envs that go on from here, each in its own way

A snapshot holds the transcript, the turns with their rewards, the suite's state (``ToolEnv.save_state``), the tools on
offer and the random stream that draws the next tasks. Tasks, tools and the rubric belong to
the env and are shared: later steps are rewarded by the rubric, and at the trainer's step, of the env that goes on.

A rubric that remembers an episode's earlier actions says so with ``save_state() -> Any`` and ``load_state(saved)``,
which work like the methods of ToolEnv; ``copy.copy`` of it must give a rubric that can load another state. Its memory
is then part of the snapshot, and each fork gets a rubric of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from numpy.random.bit_generator import ISeedSequence

from toolgym.digest import digest
from toolgym.episode import Episode
from toolgym.tasks.source import TaskSource, task_digest
from toolgym.tasks.task import Task
from toolgym.types import Message, Turn

_FIELDS = ("suite", "dialect", "limits", "task_id", "messages", "turns", "over", "failure", "seed", "random", "state",
           "memory")  # fmt: skip
"""Pickled as they are."""
_NAMES = ("source_digest", "task_digest", "tools", "digest")
"""Pickled in place of tasks and tools."""


class SnapshotError(ValueError):
    """A state cannot be kept, or belongs to another env than the one that should restore it."""


class Snapshot(msgspec.Struct, frozen=True, eq=False, dict=True):
    """The state of an episode. Immutable; two snapshots are equal if everything that follows from them is the same.

    Can be pickled if the suite's state can; as with any pickle, load only files that you trust.
    """

    suite: str
    """The env's class."""
    dialect: str
    limits: tuple[int, int, int]
    """max_turns, max_calls and max_action_chars."""
    task_id: str
    episode: Episode
    """A copy of the env's episode, never changed."""
    seed: int | None
    random: Mapping[str, Any] | None
    """The state of the bit generator behind ``np_random``; None if the env has not made one yet."""
    state: Any
    """What ``save_state`` returned."""
    memory: Any
    """What the rubric remembers."""
    source: TaskSource | None = None
    """The tasks of the env that made the snapshot. None in another process."""

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.episode.messages

    @property
    def turns(self) -> tuple[Turn, ...]:
        return tuple(self.episode.turns)

    @property
    def over(self) -> bool:
        return self.episode.over

    @property
    def failure(self) -> str | None:
        return self.episode.failure

    @cached_property
    def tools(self) -> tuple[str, ...]:
        """The names of the tools on offer."""
        return tuple([tool.name for tool in self.episode.tools or ()])

    @cached_property
    def task_digest(self) -> str:
        return task_digest(self.episode.task)  # type: ignore[arg-type]

    @cached_property
    def source_digest(self) -> str:
        return self.source.digest  # type: ignore[union-attr]

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal digits: the same for equal states in every process, different for different states.

        Raises SnapshotError if the suite's state holds a value that has no digest.
        """
        turns = [_without_arguments(turn) for turn in self.turns]
        where = (self.source_digest, self.task_digest, self.tools)
        rest = [getattr(self, name) for name in _FIELDS if name != "turns"]
        try:
            return digest((where, rest, turns))
        except (TypeError, RecursionError) as error:
            raise SnapshotError(f"the state of {self.suite} has no digest: {error or 'nested too deeply'}") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and other.digest == self.digest

    def __ne__(self, other: object) -> bool:  # msgspec gives every Struct a __ne__ that compares by identity
        return not self == other

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {name: getattr(self, name) for name in _FIELDS}
        return _unpickled, (fields, {name: getattr(self, name) for name in _NAMES})

    def task_in(
        self, suite: str, dialect: str, limits: tuple[int, int, int], source: TaskSource, find: Callable[[str], Task]
    ) -> Task:
        """The snapshot's task as another env has it. Raises SnapshotError if the snapshot does not belong there."""
        for what, here, there in (
            ("suite", suite, self.suite),
            ("dialect", dialect, self.dialect),
            ("(max_turns, max_calls, max_action_chars)", limits, self.limits),
        ):
            if here != there:
                raise SnapshotError(f"the snapshot is of another env: its {what} is {there}, not {here}")
        if self.source is source and self.episode.task is not None:
            return self.episode.task
        try:
            task = find(self.task_id)
        except KeyError:
            raise SnapshotError(f"the snapshot is of other tasks: {self.task_id!r} is not one of this env's") from None
        if self.task_digest != task_digest(task):
            raise SnapshotError(f"the snapshot is of other tasks: {self.task_id!r} asks for something else here")
        if self.source_digest != source.digest:
            raise SnapshotError(
                f"the snapshot is of other tasks: {self.task_id!r} is the same, but they are not; "
                "make the env with the same arguments"
            )
        return task


def _unpickled(fields: dict[str, Any], names: dict[str, Any]) -> Snapshot:
    about = {name: fields[name] for name in ("messages", "over", "failure")}
    episode = Episode(task=None, turns=list(fields["turns"]), tools=None, **about)
    rest = {
        name: fields[name] for name in ("suite", "dialect", "limits", "task_id", "seed", "random", "state", "memory")
    }
    snapshot = Snapshot(episode=episode, **rest)
    vars(snapshot).update(names)
    return snapshot


def _without_arguments(turn: Turn) -> tuple[Any, ...]:
    """A turn without its calls' arguments: they follow from the action's text, and may be nested too deep to digest."""
    reward = turn.reward
    calls = [(record.call.name, record.result, record.problems, record.score) for record in reward.calls]
    ended = (turn.reward_valid, turn.unfinished)
    return turn.action, turn.messages, reward.total, reward.terms, calls, ended


class _NoEntropy(ISeedSequence):
    """Seeds for a bit generator whose state is set next: drawing real seeds takes eight times as long."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        return np.zeros(n_words, dtype)


_NO_ENTROPY = _NoEntropy()


def generator_in(state: Mapping[str, Any]) -> np.random.Generator:
    """A random generator whose bit generator is in this state."""
    bits = getattr(np.random, state["bit_generator"])(_NO_ENTROPY)
    bits.state = state
    return np.random.Generator(bits)
