"""Branches of an episode: how a ToolEnv makes a snapshot, goes on from one, and gets siblings."""

from __future__ import annotations

import copy
import pickle
import time
from typing import TYPE_CHECKING, TypeVar

from toolgym.rewards.rubric import own_rubric, recall, remembered
from toolgym.snapshot import Snapshot, SnapshotError, generator_in
from toolgym.types import Observation

if TYPE_CHECKING:
    from toolgym.env import ToolEnv

Env = TypeVar("Env", bound="ToolEnv")
_COPY_WAITS = (0.0, 0.001, 0.01, 0.1)
"""Seconds between tries to copy a state that a tool changes meanwhile."""


def snapshot(env: ToolEnv) -> Snapshot:
    """See ``ToolEnv.snapshot``."""
    task, generator, faults = env.task, env._np_random, env.episode.faults
    if env.episode.lost:
        raise SnapshotError(f"a call that was given up may still change the state of {kind(env)}: call reset()")
    try:
        state = env.save_state() if faults is None else (env.save_state(), faults.save())
    except (TypeError, RuntimeError, copy.Error, pickle.PicklingError) as error:
        raise SnapshotError(
            f"the state of {kind(env)} cannot be copied ({error}): give its class a __deepcopy__, "
            "or override save_state() and load_state()"
        ) from error
    return Snapshot(
        kind(env),
        env.dialect.name,
        limits(env),
        task.id,
        env.episode.copy(),
        env._np_random_seed,
        None if generator is None else generator.bit_generator.state,
        state,
        remembered(env.rubric),
        env._source,
    )


def restore(env: ToolEnv, snapshot: Snapshot) -> Observation:
    """See ``ToolEnv.restore``."""
    if not isinstance(snapshot, Snapshot):
        raise TypeError(f"restore takes a snapshot, got {type(snapshot).__name__}")
    task = snapshot.task_in(kind(env), env.dialect.name, limits(env), env._source, env.find_task)
    episode = snapshot.episode.copy()
    episode.task, episode.over = task, True  # not to be stepped if a hook fails
    env.episode, env.view = episode, env.view_of(task)
    env._np_random_seed = snapshot.seed
    env._np_random = None if snapshot.random is None else generator_in(snapshot.random)
    state = snapshot.state
    if env.faults is not None:
        state, progress = state
        episode.faults = env.faults.begin(task)
        episode.faults.load(progress)
    env.load_state(state)
    recall(env.rubric, snapshot.memory)
    if episode.tools is None:
        names = snapshot.tools if env.faults is None else env.faults.own(snapshot.tools, env.all_tools(task))
        same = names == tuple([tool.name for tool in task.tools])
        episode.tools = task.tools if same else env.find_tools(names)
    env.offer(episode.tools)
    episode.over = snapshot.over
    return env.observe()


def sibling(env: Env) -> Env:
    """A new env with everything of this one, except what ``restore`` sets."""
    other = object.__new__(type(env))
    own = vars(other)
    own.update(vars(env))
    other.rubric = own_rubric(env.rubric)
    other._offer = copy.copy(env._offer)
    other.perturbation = copy.copy(env.perturbation)  # its strength can change while the other's episode goes on
    bind_hooks(other)
    for name in ("action_space", "observation_space"):
        if own[name]._np_random is not None:  # it was sampled from: not to be shared
            own[name] = copy.deepcopy(own[name])
    return other


def bind_hooks(env: ToolEnv) -> None:
    """Bind to the env what faults and perturbations make of its ``gold`` and its ``parse``."""
    for hook in ("gold", "parse"):
        vars(env).pop(hook, None)
    if env.faults is not None:
        env.faults.recover_gold(env)
    if env.perturbation is not None:
        env.perturbation.see_through(env)


def own_state(env: ToolEnv) -> bool:
    """Give the episode a copy of its state, which no call of before can change. False if it cannot be copied."""
    for wait in _COPY_WAITS:
        try:
            env.load_state(env.save_state())
            return True
        except RuntimeError:  # the call changes a dict while it is copied
            time.sleep(wait)
        except Exception:
            return False
    return False


def kind(env: ToolEnv) -> str:
    """The env's class, its faults and its perturbations, as a snapshot names them."""
    name = f"{type(env).__module__}:{type(env).__qualname__}"
    return " with ".join([name, *[repr(each) for each in (env.faults, env.perturbation) if each is not None]])


def limits(env: ToolEnv) -> tuple[int, int, int]:
    """max_turns, max_calls and max_action_chars, without the turns that faults have added."""
    return env.base_turns, env.max_calls, env.max_action_chars
