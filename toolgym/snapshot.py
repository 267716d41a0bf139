"""Snapshots: the state of an episode as a value, to go on from any number of times, here or in another process.

    before = env.unwrapped.snapshot()
    env.step(text)
    env.unwrapped.restore(before)           # as if the step had not been made
    branches = env.unwrapped.fork(8)        # eight envs that go on from here, each in its own way

A snapshot holds the transcript, the turns with their rewards, the suite's state (``ToolEnv.save_state``), the tools on
offer and the random stream that draws the next tasks. Tasks, tools and the rubric are the env's own and are
shared. The rewards of later steps are those of the rubric, and of the trainer's step, of the env that goes on.

A rubric that remembers an episode's earlier actions says so with ``save_state() -> Any`` and ``load_state(saved)``,
which work as those of ToolEnv do; ``copy.copy`` of it must give a rubric that can be told another state. Then its
memory is in the snapshot, and each fork gets a rubric of its own.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np
from numpy.random.bit_generator import ISeedSequence

from toolgym.digest import digest
from toolgym.rewards.rubric import own_rubric, recall, remembered
from toolgym.tasks import Task, TaskSource, task_digest
from toolgym.tools import Tool
from toolgym.types import Message, Turn

if TYPE_CHECKING:
    from toolgym.env import ToolEnv

_Env = TypeVar("_Env", bound="ToolEnv")
_FIELDS = ("suite", "dialect", "limits", "task_id", "messages", "turns", "over", "failure", "seed", "random", "state",
           "memory")  # fmt: skip
"""What is pickled as it is."""
_NAMES = ("source_digest", "task_digest", "tools", "digest")
"""What is pickled in place of tasks and tools."""


class SnapshotError(ValueError):
    """A state cannot be kept, or does not belong where it is to be restored."""


class Snapshot(msgspec.Struct, frozen=True, eq=False, dict=True):
    """The state of an episode. Immutable, and equal to another one if all that is to come is the same.

    Can be pickled if the suite's state can; like any pickle, read only what you trust.
    """

    suite: str
    """The env's class."""
    dialect: str
    limits: tuple[int, int, int]
    """max_turns, max_calls and max_action_chars."""
    task_id: str
    messages: tuple[Message, ...]
    turns: tuple[Turn, ...]
    over: bool
    failure: str | None
    seed: int | None
    random: Mapping[str, Any] | None
    """The state of the bit generator behind ``np_random``; None where none was made yet."""
    state: Any
    """What ``save_state`` gave."""
    memory: Any
    """What the rubric remembers."""
    _task: Task | None = None
    _offered: tuple[Tool, ...] | None = None
    _source: TaskSource | None = None

    @cached_property
    def tools(self) -> tuple[str, ...]:
        """The names of the tools on offer."""
        return tuple([tool.name for tool in self._offered or ()])

    @cached_property
    def task_digest(self) -> str:
        return task_digest(self._task)  # type: ignore[arg-type]

    @cached_property
    def source_digest(self) -> str:
        return self._source.digest  # type: ignore[union-attr]

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal digits that are the same for equal states, in every process, and only for those.

        Raises SnapshotError where the suite's state holds what has no digest.
        """
        turns = [_told(turn) for turn in self.turns]
        where = (self.source_digest, self.task_digest, self.tools)
        rest = [getattr(self, name) for name in _FIELDS if name != "turns"]
        try:
            return digest((where, rest, turns))
        except (TypeError, RecursionError) as error:
            raise SnapshotError(f"the state of {self.suite} has no digest: {error or 'nested too deeply'}") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        fields = tuple([getattr(self, name) for name in _FIELDS])
        return _unpickled, (fields, {name: getattr(self, name) for name in _NAMES})


def _unpickled(fields: tuple[Any, ...], names: dict[str, Any]) -> Snapshot:
    snapshot = Snapshot(*fields)
    vars(snapshot).update(names)
    return snapshot


def _told(turn: Turn) -> tuple[Any, ...]:
    """A turn without its calls' arguments, which follow from the action's text and may be nested ever so deep."""
    reward = turn.reward
    calls = [(record.call.name, record.result, record.problems, record.score) for record in reward.calls]
    return turn.action, turn.messages, reward.total, reward.terms, calls, turn.reward_valid


# Between an env and its snapshot ----------------------------------------------------------------


def take(env: ToolEnv) -> Snapshot:
    """The env's state. Raises ResetNeeded before the first reset, SnapshotError for a state that cannot be copied."""
    task: Task = env.task
    generator = env._np_random
    try:
        state = env.save_state()
    except (TypeError, RecursionError, copy.Error, pickle.PicklingError) as error:
        raise SnapshotError(
            f"the state of {_kind(env)} cannot be copied ({error}): give its class a __deepcopy__, "
            "or override save_state() and load_state()"
        ) from error
    return Snapshot(
        _kind(env),
        env.dialect.name,
        (env.max_turns, env.max_calls, env.max_action_chars),
        task.id,
        env._messages,
        tuple(env.turns),
        env._over,
        env._failure,
        env._np_random_seed,
        None if generator is None else generator.bit_generator.state,
        state,
        remembered(env.rubric),
        task,
        env._toolset,
        env._source,
    )


def restore(env: ToolEnv, snapshot: Snapshot) -> None:
    """Put the env in a snapshot's state. Raises SnapshotError, and leaves the env as it is, for a foreign one."""
    task = _checked(env, snapshot)
    env._over, env._task = True, task  # not to be stepped, should a hook fail
    env._messages = snapshot.messages
    env.turns = list(snapshot.turns)
    env._failure = snapshot.failure
    env._np_random_seed = snapshot.seed
    env._np_random = None if snapshot.random is None else _generator(snapshot.random)
    env.load_state(snapshot.state)
    recall(env.rubric, snapshot.memory)
    tools = snapshot._offered
    if tools is None:
        same = snapshot.tools == tuple([tool.name for tool in task.tools])
        tools = task.tools if same else env.find_tools(snapshot.tools)
    env.offer(tools)
    env._over = snapshot.over


def sibling(env: _Env) -> _Env:
    """A new env with everything of this one but for what ``restore`` sets."""
    other = object.__new__(type(env))
    own = vars(other)
    own.update(vars(env))
    other.rubric = own_rubric(env.rubric)
    for name in ("action_space", "observation_space"):
        if own[name]._np_random is not None:  # it was sampled from: not to be shared
            own[name] = copy.deepcopy(own[name])
    return other


def _checked(env: ToolEnv, snapshot: Snapshot) -> Task:
    """The snapshot's task as this env has it."""
    if not isinstance(snapshot, Snapshot):
        raise TypeError(f"restore takes a snapshot, got {type(snapshot).__name__}")
    limits = (env.max_turns, env.max_calls, env.max_action_chars)
    for what, here, there in (
        ("suite", _kind(env), snapshot.suite),
        ("dialect", env.dialect.name, snapshot.dialect),
        ("(max_turns, max_calls, max_action_chars)", limits, snapshot.limits),
    ):
        if here != there:
            raise SnapshotError(f"the snapshot is of another env: its {what} is {there}, not {here}")
    if snapshot._source is env._source and snapshot._task is not None:
        return snapshot._task
    try:
        task = env.find_task(snapshot.task_id)
    except KeyError:
        raise SnapshotError(f"the snapshot is of other tasks: {snapshot.task_id!r} is not one of this env's") from None
    if snapshot.task_digest != task_digest(task):
        raise SnapshotError(f"the snapshot is of other tasks: {snapshot.task_id!r} asks for something else here")
    if snapshot.source_digest != env._source.digest:
        raise SnapshotError(
            f"the snapshot is of other tasks: {snapshot.task_id!r} is the same, but they are not; "
            "make the env with the same arguments"
        )
    return task


def _kind(env: ToolEnv) -> str:
    return f"{type(env).__module__}:{type(env).__qualname__}"


class _NoEntropy(ISeedSequence):
    """Seeds for a bit generator whose state is set next: drawing real ones takes eight times as long."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        return np.zeros(n_words, dtype)


_NO_ENTROPY = _NoEntropy()


def _generator(state: Mapping[str, Any]) -> np.random.Generator:
    bits = getattr(np.random, state["bit_generator"])(_NO_ENTROPY)
    bits.state = state
    return np.random.Generator(bits)
