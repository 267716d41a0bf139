"""Episodes: one (``rollout``), or many, saved as they finish and resumable (``evaluate``)."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, cast

import gymnasium as gym
from msgspec import UNSET

from toolgym.agent import (
    Agent,
    AgentError,
    ContextFull,
    NotAnAgent,
    Refused,
    agent_name,
    bind,
    check_agent,
    checked_answer,
)
from toolgym.earlier import earlier_task_order
from toolgym.env import ToolEnv, task_order
from toolgym.grading import TOKENS_RAN_OUT
from toolgym.playing import stopping
from toolgym.playing.agent_failures import AgentFailures, OnAgentError
from toolgym.playing.left_out import left_out_words
from toolgym.playing.own_loop import STOPPED, EpisodeAgent, EpisodeOver, LiveEpisode, acting, close, has_own_loop
from toolgym.playing.wrapped import settled
from toolgym.runlog import RunLog
from toolgym.secrets import without_secrets
from toolgym.tools.tool import TOOLS_OWN_FAILURES
from toolgym.types import Observation, Trajectory, Turn
from toolgym.vector import ToolVectorEnv

logger = logging.getLogger(__name__)

DRAW = "nested"
"""How tasks are drawn, as ``run.json`` says it; runs of earlier versions do not say it. See ``task_order``."""


def rollout(
    env: gym.Env[Any, Any] | str,
    agent: Agent | EpisodeAgent,
    *,
    seed: int | None = None,
    task_id: str | None = None,
    repeat: int = 0,
) -> Trajectory:
    """Play one episode, of the task drawn with ``seed`` or named by ``task_id``.

    Exceptions from ``agent.act`` propagate, except AgentError: the episode ends with ``reward_valid=False``
    (Refused and ContextFull truncate it instead). Raises NotAnAgent if the agent is unusable.
    """
    if isinstance(env, str):
        env = gym.make(env)
    return _rollout(env, bind(cast(Agent, agent), env), AgentFailures(), seed, task_id, repeat)


def evaluate(
    env: str | Callable[[], gym.Env[Any, Any]],
    agent: Agent | EpisodeAgent,
    *,
    env_kwargs: dict[str, Any] | None = None,
    n: int | None = None,
    repeats: int = 1,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    batch_size: int = 16,
    on_episode: Callable[[Trajectory], None] | None = None,
    on_agent_error: OnAgentError = "raise",
    task_ids: Sequence[str] | None = None,
) -> list[Trajectory]:
    """Play ``n`` tasks (all for None; drawn without repetition by ``seed``), each ``repeats`` times; at most
    ``batch_size`` episodes at once, in the order of the tasks. ``task_ids`` names the tasks in place of ``n``.

    With ``out``, a folder: ``run.json`` holds the settings, and each finished episode is appended to
    ``episodes.jsonl`` at once, so a killed run loses at most the episodes under way. ``resume=True`` goes on with the
    run, also with a larger ``n`` or more ``repeats``; episodes that were not valid are played again.

    An AgentError makes its episode not valid. Any other exception of the agent ends the run with
    ``on_agent_error="raise"``. With ``"record"`` it makes the episode not valid too; 20 in a row end the run (or twice
    the number of episodes played at once, if that is more). If episodes are not valid, a warning is logged with their
    number and the reasons: any score lacks them.

    Returns the trajectories in the order of tasks and repeats, resumed ones included.
    Raises ValueError for a task id that does not exist.
    Raises RunError if ``out`` holds another run, or this run and ``resume`` is False, and for too many exceptions in a
    row. Raises ValueError for ``resume`` without ``out``.
    """
    if resume and out is None:
        raise ValueError("resume=True goes on with the run in a folder: give it with out")
    if isinstance(env, gym.Env):
        raise TypeError("evaluate needs several envs: give an id, or a function that makes an env")
    check_agent(agent)
    agent = cast(Agent, agent)  # ``acting`` tells the two apart
    make = partial(gym.make, env, **(env_kwargs or {})) if isinstance(env, str) else env
    first = make()  # also says whether the arguments make sense, before a folder is opened
    base = first.unwrapped
    if not isinstance(base, ToolEnv):
        raise TypeError(f"evaluate plays ToolEnvs, got {type(base).__name__}")
    if repeats < 1 or batch_size < 1 or (n is not None and n < 1):
        raise ValueError(f"n, repeats and batch_size must be at least 1; got {n}, {repeats}, {batch_size}")
    env_id = env if isinstance(env, str) else _env_id(first)
    base.demonstrations.load(base)
    failures = AgentFailures(on_agent_error)
    if on_agent_error == "raise":
        bind(agent, first)  # an agent that does not fit the env says so before a folder is opened
    order = chosen_tasks(base, n, seed, task_ids)  # says whether n fits, before a folder is made
    done: dict[tuple[str, int], Trajectory] = {}
    log = None
    if out is not None:
        log = RunLog(out, run_settings(env_id, agent, env_kwargs, n, repeats, seed, task_ids), resume=resume)
        if task_ids is None and log.settings.get("draw") != DRAW and n is not None and n < len(base.tasks):
            order = earlier_task_order(base.tasks, n, seed)
        done = {(t.task_id, t.repeat): t for t in log.before if t.reward_valid}
        if hasattr(agent, "resume"):  # e.g. a memory that earlier episodes have filled
            agent.resume(list(done.values()))
    wanted = [(task_id, repeat) for task_id in order for repeat in range(repeats)]
    todo = [key for key in wanted if key not in done]  # episodes that were not valid are not in ``done``
    elsewhere = getattr(agent, "play_elsewhere", None)
    if elsewhere is None:
        episodes = play_episodes(first, make, agent, todo, batch_size, failures)
    else:
        episodes = elsewhere(first, todo, batch_size, on_agent_error)
    try:
        for trajectory in episodes:
            if log is not None:
                log.append(trajectory)  # before anybody hears of it
            done[trajectory.task_id, trajectory.repeat] = trajectory
            if on_episode is not None:
                on_episode(trajectory)
    finally:
        if log is not None:
            log.close()
    played = [done[key] for key in wanted]
    if told := left_out_words(played):
        logger.warning("%s", told)
    return played


def chosen_tasks(env: ToolEnv, n: int | None, seed: int, task_ids: Sequence[str] | None = None) -> list[str]:
    """The ids of the tasks to play: ``task_ids``, each once, or else ``n`` tasks drawn by ``seed``.

    Raises ValueError if ``n`` is more than there are, for an unknown id, for no id, and for ids beside ``n``.
    """
    if task_ids is None:
        return task_order(env.tasks, n, seed)
    if isinstance(task_ids, str):
        raise ValueError(f"task_ids is a list of ids, such as [{task_ids!r}]")
    if n is not None:
        raise ValueError("give n or task_ids, not both")
    try:
        found = [env.find_task(task_id).id for task_id in dict.fromkeys(task_ids)]
    except KeyError as error:
        raise ValueError(str(error.args[0])) from None
    if not found:
        raise ValueError("task_ids names no task")
    return found


def run_settings(
    env_id: str,
    agent: Agent,
    env_kwargs: dict[str, Any] | None,
    n: int | None,
    repeats: int,
    seed: int,
    task_ids: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The settings in ``run.json``: a run can only be resumed with the same settings. URLs are without secrets."""
    return {
        "env": env_id,
        "env_kwargs": without_secrets(env_kwargs or {}),
        "agent": agent_name(agent),
        "agent_settings": without_secrets(dict(getattr(agent, "settings", {}))),
        "n": n,
        "repeats": repeats,
        "seed": seed,
        "draw": DRAW,
        **({} if task_ids is None else {"task_ids": list(task_ids)}),
    }


# Playing ----------------------------------------------------------------------------------------


class _Episode:
    """An episode that is being played."""

    def __init__(self, env: gym.Env[Any, Any], seed: int | None, task_id: str | None, repeat: int):
        self.env = env
        self.base = cast(ToolEnv, env.unwrapped)
        self.began = perf_counter()
        options = None if task_id is None else {"task_id": task_id}
        self.observation, self.info = env.reset(seed=seed, options=options)
        self.opening = self.observation["messages"]
        self.repeat = repeat
        self.over = self.truncated = False
        self.cut_off = ""

    def take(self, step: tuple[Observation, Any, bool, bool, dict[str, Any]]) -> None:
        self.observation, _, terminated, truncated, self.info = settled(self.base, step)
        self.over = terminated or truncated or self.base.over
        self.truncated = truncated and not terminated
        self.cut_off = self.info.get("cut_off", "turns" if self.truncated else "")

    def live(self) -> LiveEpisode:
        """The episode for an agent that plays it itself."""

        def step(action: str) -> None:
            stopping.check()
            self.take(self.env.step(action))

        return LiveEpisode(self.base, step)

    def left(self, failures: AgentFailures) -> Trajectory:
        """The episode as an agent with a loop of its own has left it."""
        failures.went_well()
        if not self.base.turns:
            return self.broken(AgentError("the agent ended the episode without an answer"))
        if not self.over:
            self.info, self.truncated = self.base.cut_off(STOPPED), True
        return self.trajectory()

    def trajectory(self) -> Trajectory:
        valid, turns = self.info["reward_valid"], list(self.base.turns)
        return Trajectory(
            env_id=_env_id(self.env),
            task_id=self.info["task_id"],
            messages=self.opening,
            turns=turns,
            success=self.info.get("success"),
            verdict=self.info.get("verdict", ""),
            error_type=self.info.get("error_type"),
            reward=sum(turn.reward.total for turn in turns),
            reward_valid=valid,
            truncated=self.truncated,
            repeat=self.repeat,
            category=self.info.get("category", ""),
            seconds=perf_counter() - self.began,
            error=self.info.get("error"),
            error_kind="" if valid else failure_kind(turns),
            cut_off=self.cut_off,
            faults=self.info.get("faults", UNSET),
            perturbations=UNSET if self.base.view is None else self.base.view.kinds,
        )

    def broken(self, error: AgentError) -> Trajectory:
        if isinstance(error, Refused) and self.base.turns and not self.base.failed:
            # the policy's own words are part of what was refused: the episode counts, and pays for its end
            reason = TOKENS_RAN_OUT if isinstance(error, ContextFull) else str(error)
            self.info, self.truncated, self.cut_off = self.base.cut_off(reason), True, error.kind
            return self.trajectory()
        trajectory = self.trajectory()  # the turns so far are kept, for those who debug the agent
        if trajectory.reward_valid:  # else the first failure is the reason
            trajectory.error, trajectory.error_kind = str(error), error.kind
        trajectory.reward_valid, trajectory.success = False, None
        return trajectory


def failure_kind(turns: Sequence[Turn]) -> str:
    """What failed in an episode that its env calls not valid: a "tool", or the "environment" itself."""
    results = [record.result for turn in turns for record in turn.reward.calls]
    own = any(result is not None and result.error in TOOLS_OWN_FAILURES for result in results)
    return "tool" if own else "environment"


def _env_id(env: gym.Env[Any, Any]) -> str:
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__


def _rollout(
    env: gym.Env[Any, Any],
    bound: Agent,
    failures: AgentFailures,
    seed: int | None = None,
    task_id: str | None = None,
    repeat: int = 0,
) -> Trajectory:
    """Play one episode with an agent that is bound to ``env``."""
    if inspect.iscoroutinefunction(acting(bound)):
        from toolgym.playing.concurrent_episodes import on_a_loop  # asyncio is slow to import, and few programs need it

        return on_a_loop(_rollout_async(env, bound, failures, seed, task_id, repeat))
    episode = _Episode(env, seed, task_id, repeat)
    if has_own_loop(bound):
        live = episode.live()
        try:
            close(live, acting(bound)(live))
        except EpisodeOver:  # the agent went on after the end
            pass
        except BaseException as error:
            return episode.broken(failures.caught(error))
        return episode.left(failures)
    while not episode.over:
        stopping.check()
        try:
            text = checked_answer(bound, bound.act(episode.observation))
        except BaseException as error:  # a server's failure is not the policy's: never a zero
            return episode.broken(failures.caught(error))
        episode.take(env.step(text))
    failures.went_well()
    return episode.trajectory()


async def _rollout_async(
    env: gym.Env[Any, Any],
    bound: Any,
    failures: AgentFailures,
    seed: int | None = None,
    task_id: str | None = None,
    repeat: int = 0,
) -> Trajectory:
    import asyncio

    episode = _Episode(env, seed, task_id, repeat)
    task = cast("asyncio.Task[Any]", asyncio.current_task())
    if has_own_loop(bound):
        live = episode.live()
        try:
            close(live, await acting(bound)(live))
        except EpisodeOver:
            pass
        except BaseException as error:
            if task.cancelling():
                raise
            return episode.broken(failures.caught(error))
        return episode.left(failures)
    while not episode.over:
        try:
            text = checked_answer(bound, await bound.act(episode.observation))
        except BaseException as error:
            if task.cancelling():  # the run is being stopped
                raise
            return episode.broken(failures.caught(error))
        # a tool that waits must not hold up the other episodes of this loop
        episode.take(env.step(text) if episode.base.runs_inline else await asyncio.to_thread(env.step, text))
    failures.went_well()
    return episode.trajectory()


def _bound(agent: Agent, env: gym.Env[Any, Any], failures: AgentFailures) -> Agent:
    """The agent for ``env``; if its ``for_env`` fails, one that fails like this."""
    try:
        return bind(agent, env)
    except BaseException as error:
        return _Failing(failures.caught(error))


class _Failing:
    """Stands for an agent that could not be made for an env."""

    def __init__(self, error: AgentError):
        self.error = error

    def act(self, observation: Observation) -> str:
        raise self.error


def play_episodes(
    first: gym.Env[Any, Any],
    make: Callable[[], gym.Env[Any, Any]],
    agent: Agent,
    todo: list[tuple[str, int]],
    batch_size: int,
    failures: AgentFailures,
) -> Iterator[Trajectory]:
    """Play the episodes of ``todo`` in the way that the agent allows; yields each episode as it finishes."""
    if not todo:
        return
    try:
        bound = bind(agent, first)  # an AgentError says that agent and env do not fit
    except Exception as error:
        if isinstance(error, AgentError):
            raise
        bound = _Failing(failures.caught(error))
    stop = stopping.Stop()
    batched, concurrent = hasattr(bound, "act_batch"), inspect.iscoroutinefunction(acting(bound))
    # A coroutine waits without a thread, so a whole batch runs at once; a plain act gets the threads it asks for
    workers = min(batch_size, batch_size if concurrent else int(getattr(agent, "concurrency", 1)), len(todo))
    if not batched and (workers > 1 or concurrent):
        with stopping.on_interrupt(stop, later=True):
            yield from _play_concurrently(first, make, agent, todo, workers, failures, stop)
        return
    with stopping.on_interrupt(stop):
        if batched:
            yield from _play_batched(first, make, bound, todo, batch_size, failures)
        else:  # one env is enough, and the caller sees exceptions as they are
            for task_id, repeat in todo:
                yield _rollout(first, _bound(agent, first, failures), failures, None, task_id, repeat)


def _play_batched(
    first: gym.Env[Any, Any],
    make: Callable[[], gym.Env[Any, Any]],
    agent: Any,
    todo: list[tuple[str, int]],
    batch_size: int,
    failures: AgentFailures,
) -> Iterator[Trajectory]:
    # ``size`` slots, each with an env; a slot whose episode ends gets the next of the queue, so batches stay full
    size = min(batch_size, len(todo))
    envs = [first, *(make() for _ in range(size - 1))]
    vector = ToolVectorEnv(envs)
    queue = iter(todo)
    running: dict[int, _Episode] = {}
    free = list(range(size))
    while True:
        # Fill the free slots; each episode starts with its own reset
        while free and (key := next(queue, None)) is not None:
            slot = free.pop()
            running[slot] = _Episode(envs[slot], None, *key)
        if not running:
            return
        slots = list(running)
        # One text per running episode, in the order of ``slots``
        try:
            texts = agent.act_batch([running[slot].observation for slot in slots])
        except BaseException as raised:  # nobody was answered: none of these episodes is evidence about the policy
            error = failures.caught(raised)
            for slot in slots:
                yield running.pop(slot).broken(error)
            free.extend(slots)
            continue
        failures.went_well()
        if isinstance(texts, str) or not hasattr(texts, "__len__"):
            gave = type(texts).__name__
            raise NotAnAgent(f"act_batch gives a list of texts; that of {type(agent).__name__} gave {gave}")
        if len(texts) != len(slots):
            raise ValueError(f"act_batch gave {len(texts)} texts for {len(slots)} observations")
        for slot, text in zip(slots, texts, strict=True):
            if isinstance(text, AgentError):  # this episode alone cannot go on
                free.append(slot)
                yield running.pop(slot).broken(text)
            else:
                checked_answer(agent, text)  # checked before anything is stepped
        # Episodes that go on are stepped together, so that tools that wait overlap
        answered = [(slot, text) for slot, text in zip(slots, texts, strict=True) if slot in running]
        slots, texts = [slot for slot, _ in answered], [text for _, text in answered]
        for slot, step in zip(slots, vector.step_some(slots, texts), strict=True):
            running[slot].take(step)
            if running[slot].over:
                free.append(slot)
                yield running.pop(slot).trajectory()


def _play_concurrently(
    first: gym.Env[Any, Any],
    make: Callable[[], gym.Env[Any, Any]],
    agent: Agent,
    todo: list[tuple[str, int]],
    workers: int,
    failures: AgentFailures,
    stop: stopping.Stop,
) -> Iterator[Trajectory]:
    """Sync agents on ``workers`` threads; async agents as that many coroutines on one event loop.

    After Ctrl-C, yields what has finished, gives up what has not, and raises KeyboardInterrupt.
    """
    from toolgym.playing.concurrent_episodes import ConcurrentEpisodes

    failures.expect_at_once(workers)
    concurrent = inspect.iscoroutinefunction(acting(bind(agent, first)))

    def on_this_thread(env: gym.Env[Any, Any], key: tuple[str, int]) -> Trajectory:
        return _rollout(env, _bound(agent, env, failures), failures, None, *key)

    async def on_this_loop(env: gym.Env[Any, Any], key: tuple[str, int]) -> Trajectory:
        return await _rollout_async(env, _bound(agent, env, failures), failures, None, *key)

    with ConcurrentEpisodes[tuple[str, int], Trajectory](todo, workers, stop) as episodes:
        for i in range(workers):
            if episodes.failed is not None or stop.stopped:
                break
            env = make() if i else first  # plays one episode at a time
            if concurrent:
                episodes.on_the_loop(partial(on_this_loop, env))
            else:
                episodes.on_a_thread(partial(on_this_thread, env))
        yield from episodes
        if stop.stopped:
            raise KeyboardInterrupt
    if episodes.failed is not None:  # raises here what the agent raised there
        raise episodes.failed


__all__ = [
    "Agent",
    "AgentError",
    "ContextFull",
    "NotAnAgent",
    "Refused",
    "agent_name",
    "check_agent",
    "chosen_tasks",
    "evaluate",
    "failure_kind",
    "play_episodes",
    "rollout",
    "run_settings",
]
