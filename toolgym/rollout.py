"""Episodes: one (``rollout``), or many, saved as they finish and resumable (``evaluate``)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, cast

import gymnasium as gym

from toolgym.env import ToolEnv, task_order
from toolgym.grading import TOKENS_RAN_OUT
from toolgym.runlog import RunLog
from toolgym.types import Observation, Trajectory
from toolgym.vector import ToolVectorEnv


class Agent(Protocol):
    """Anything with ``act(observation) -> str``, the text in the env's dialect.

    All of the following are optional:

    - ``async def act``: many episodes run concurrently on one event loop.
    - ``act_batch(observations) -> texts``: called with many episodes at once. An AgentError may stand in for a text.
    - ``for_env(env) -> Agent``: an agent for that env alone.
    - ``concurrency: int``: how many threads may call ``act`` at once.
    - ``name: str``: shown in tables.
    - ``settings: dict``: a run can only be resumed with the same settings.
    - ``resume(trajectories)``: called before a resumed run goes on, with the episodes played so far.
    """

    def act(self, observation: Observation) -> str: ...


class AgentError(RuntimeError):
    """The agent could not answer, and the policy is not the reason: a server is down, memory ran out.

    ``evaluate`` records the episode with ``reward_valid=False`` and goes on.
    """


class ContextFull(AgentError):
    """The conversation is longer than the agent's context. That is the agent's own limit.

    An episode that has begun ends like one that ran out of turns, and counts. If the first prompt is already too long,
    the episode is not valid.
    """


class NotAnAgent(TypeError):
    """The object passed as an agent has no ``act``, or ``act`` did not return text."""


def rollout(
    env: gym.Env[Any, Any] | str, agent: Agent, *, seed: int | None = None, task_id: str | None = None, repeat: int = 0
) -> Trajectory:
    """Play one episode, of the task drawn with ``seed`` or named by ``task_id``.

    Exceptions from ``agent.act`` propagate, except AgentError: the episode ends with ``reward_valid=False``
    (ContextFull truncates it instead). Raises NotAnAgent if the agent is unusable.
    """
    if isinstance(env, str):
        env = gym.make(env)
    bound = _bind(agent, env)
    if inspect.iscoroutinefunction(bound.act):
        import asyncio

        return asyncio.run(_rollout_async(env, bound, seed, task_id, repeat))
    episode = _Episode(env, seed, task_id, repeat)
    while not episode.over:
        try:
            text = _answer(bound, bound.act(episode.observation))
        except AgentError as error:  # the server's failure, not the policy's: never a zero
            return episode.broken(error)
        episode.take(env.step(text))
    return episode.trajectory()


def evaluate(
    env: str | Callable[[], gym.Env[Any, Any]],
    agent: Agent,
    *,
    env_kwargs: dict[str, Any] | None = None,
    n: int | None = None,
    repeats: int = 1,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    batch_size: int = 16,
    on_episode: Callable[[Trajectory], None] | None = None,
) -> list[Trajectory]:
    """Play ``n`` tasks (all for None; drawn without repetition by ``seed``), each ``repeats`` times; at most
    ``batch_size`` episodes at once, in the order of the tasks.

    With ``out``, a folder: ``run.json`` holds the settings, and each finished episode is appended to
    ``episodes.jsonl`` at once, so a killed run loses at most the episodes under way. ``resume=True`` goes on with the
    run; episodes that were not valid are played again.

    Returns the trajectories in the order of tasks and repeats, resumed ones included.
    Raises RunError if ``out`` holds another run, or this run and ``resume`` is False. Raises ValueError for ``resume``
    without ``out``.
    """
    if resume and out is None:
        raise ValueError("resume=True goes on with the run in a folder: give it with out")
    if isinstance(env, gym.Env):
        raise TypeError("evaluate needs several envs: give an id, or a function that makes an env")
    check_agent(agent)
    make = partial(gym.make, env, **(env_kwargs or {})) if isinstance(env, str) else env
    first = make()  # also says whether the arguments make sense, before a folder is opened
    base = first.unwrapped
    if not isinstance(base, ToolEnv):
        raise TypeError(f"evaluate plays ToolEnvs, got {type(base).__name__}")
    _bind(agent, first)  # an agent that does not fit the env says so before a folder is opened
    if repeats < 1 or batch_size < 1 or (n is not None and n < 1):
        raise ValueError(f"n, repeats and batch_size must be at least 1; got {n}, {repeats}, {batch_size}")
    env_id = env if isinstance(env, str) else _env_id(first)
    wanted = [(task_id, repeat) for task_id in task_order(base.tasks, n, seed) for repeat in range(repeats)]
    done: dict[tuple[str, int], Trajectory] = {}
    log = None
    if out is not None:
        log = RunLog(out, run_settings(env_id, agent, env_kwargs, n, repeats, seed), resume=resume)
        done = {(t.task_id, t.repeat): t for t in log.episodes() if t.reward_valid}
        if hasattr(agent, "resume"):  # e.g. a memory that earlier episodes have filled
            agent.resume(list(done.values()))
    todo = [key for key in wanted if key not in done]  # episodes that were not valid are not in ``done``
    try:
        for trajectory in _play(first, make, agent, todo, batch_size):
            if log is not None:
                log.append(trajectory)  # before anybody hears of it
            done[trajectory.task_id, trajectory.repeat] = trajectory
            if on_episode is not None:
                on_episode(trajectory)
    finally:
        if log is not None:
            log.close()
    return [done[key] for key in wanted]


def run_settings(
    env_id: str, agent: Agent, env_kwargs: dict[str, Any] | None, n: int | None, repeats: int, seed: int
) -> dict[str, Any]:
    """The settings in ``run.json``: a run can only be resumed with the same settings."""
    return {
        "env": env_id,
        "env_kwargs": env_kwargs or {},
        "agent": agent_name(agent),
        "agent_settings": dict(getattr(agent, "settings", {})),
        "n": n,
        "repeats": repeats,
        "seed": seed,
    }


def agent_name(agent: Agent) -> str:
    """The agent's name in tables: its ``name``, or the name of its class."""
    return str(getattr(agent, "name", None) or type(agent).__name__)


# Playing ----------------------------------------------------------------------------------------


class _Episode:
    """An episode that is being played."""

    def __init__(self, env: gym.Env[Any, Any], seed: int | None, task_id: str | None, repeat: int):
        self.env = env
        self.began = perf_counter()
        options = None if task_id is None else {"task_id": task_id}
        self.observation, self.info = env.reset(seed=seed, options=options)
        self.opening = self.observation["messages"]
        self.repeat = repeat
        self.over = self.truncated = False

    def take(self, step: tuple[Observation, Any, bool, bool, dict[str, Any]]) -> None:
        self.observation, _, terminated, self.truncated, self.info = step
        self.over = terminated or self.truncated

    def trajectory(self) -> Trajectory:
        base = cast(ToolEnv, self.env.unwrapped)
        return Trajectory(
            env_id=_env_id(self.env),
            task_id=self.info["task_id"],
            messages=self.opening,
            turns=list(base.turns),
            success=self.info.get("success"),
            verdict=self.info.get("verdict", ""),
            error_type=self.info.get("error_type"),
            reward=sum(turn.reward.total for turn in base.turns),
            reward_valid=self.info["reward_valid"],
            truncated=self.truncated,
            repeat=self.repeat,
            category=self.info.get("category", ""),
            seconds=perf_counter() - self.began,
            error=self.info.get("error"),
        )

    def broken(self, error: AgentError) -> Trajectory:
        base = cast(ToolEnv, self.env.unwrapped)
        if isinstance(error, ContextFull) and base.turns:
            # the model's own limit: the episode counts, and pays for its end as at max_turns
            self.info, self.truncated = base.cut_off(TOKENS_RAN_OUT), True
            return self.trajectory()
        trajectory = self.trajectory()  # the turns so far are kept, for those who debug the agent
        trajectory.reward_valid, trajectory.success, trajectory.error = False, None, str(error)
        return trajectory


def check_agent(agent: object) -> None:
    """Raises NotAnAgent for a class, and for an object that has neither ``act`` nor ``for_env``."""
    if isinstance(agent, type):
        raise NotAnAgent(f"an agent is an instance, got the class {agent.__name__}: pass {agent.__name__}(...)")
    if not hasattr(agent, "for_env") and not callable(getattr(agent, "act", None)):
        raise NotAnAgent(f"an agent needs act(observation) -> str; {type(agent).__name__} has none")


def _bind(agent: Agent, env: gym.Env[Any, Any]) -> Agent:
    check_agent(agent)
    for_env = getattr(agent, "for_env", None)
    bound = agent if for_env is None else for_env(env)
    if not callable(getattr(bound, "act", None)):
        raise NotAnAgent(f"an agent needs act(observation) -> str; {type(bound).__name__} has none")
    return cast(Agent, bound)


def _answer(agent: Agent, text: object) -> str:
    if not isinstance(text, str):
        raise NotAnAgent(f"an agent answers with text (str); {type(agent).__name__} gave {type(text).__name__}")
    return text


def _env_id(env: gym.Env[Any, Any]) -> str:
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__


async def _rollout_async(
    env: gym.Env[Any, Any], agent: Any, seed: int | None, task_id: str | None, repeat: int
) -> Trajectory:
    import asyncio

    episode = _Episode(env, seed, task_id, repeat)
    base = cast(ToolEnv, env.unwrapped)
    while not episode.over:
        try:
            text = _answer(agent, await agent.act(episode.observation))
        except AgentError as error:
            return episode.broken(error)
        # a tool that waits must not hold up the other episodes of this loop
        episode.take(env.step(text) if base.runs_inline else await asyncio.to_thread(env.step, text))
    return episode.trajectory()


def _play(
    first: gym.Env[Any, Any],
    make: Callable[[], gym.Env[Any, Any]],
    agent: Agent,
    todo: list[tuple[str, int]],
    batch_size: int,
) -> Iterator[Trajectory]:
    """Play the episodes of ``todo`` in the way that the agent allows; yields each episode as it finishes."""
    if not todo:
        return iter(())
    bound = _bind(agent, first)
    if hasattr(bound, "act_batch"):
        return _play_batched(first, make, bound, todo, batch_size)
    # A coroutine waits without a thread, so a whole batch runs at once; a plain act gets the threads it asks for
    concurrent = inspect.iscoroutinefunction(bound.act)
    workers = min(batch_size, batch_size if concurrent else int(getattr(agent, "concurrency", 1)), len(todo))
    if workers <= 1 and not concurrent:  # one env is enough, and the caller sees exceptions as they are
        return (rollout(first, agent, task_id=task_id, repeat=repeat) for task_id, repeat in todo)
    return _play_threaded(first, make, agent, todo, workers)


def _play_batched(
    first: gym.Env[Any, Any],
    make: Callable[[], gym.Env[Any, Any]],
    agent: Any,
    todo: list[tuple[str, int]],
    batch_size: int,
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
        except AgentError as error:  # nobody was answered: none of these episodes is evidence about the policy
            for slot in slots:
                yield running.pop(slot).broken(error)
            free.extend(slots)
            continue
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
                _answer(agent, text)  # checked before anything is stepped
        # Episodes that go on are stepped together, so that tools that wait overlap
        answered = [(slot, text) for slot, text in zip(slots, texts, strict=True) if slot in running]
        slots, texts = [slot for slot, _ in answered], [text for _, text in answered]
        for slot, step in zip(slots, vector.step_some(slots, texts), strict=True):
            running[slot].take(step)
            if running[slot].over:
                free.append(slot)
                yield running.pop(slot).trajectory()


def _play_threaded(
    first: gym.Env[Any, Any],
    make: Callable[[], gym.Env[Any, Any]],
    agent: Agent,
    todo: list[tuple[str, int]],
    workers: int,
) -> Iterator[Trajectory]:
    """Sync agents on ``workers`` threads; async agents as that many coroutines on one event loop."""
    spare = [first, *(make() for _ in range(workers - 1))]  # envs without an episode
    queue = iter(todo)
    pending: dict[Future[Trajectory], gym.Env[Any, Any]] = {}
    with _executor(inspect.iscoroutinefunction(_bind(agent, first).act), workers) as submit:
        while True:
            while spare and (key := next(queue, None)) is not None:
                env = spare.pop()
                pending[submit(env, agent, *key)] = env
            if not pending:
                return
            finished, _ = wait(pending, return_when=FIRST_COMPLETED)  # an env plays one episode at a time
            for future in finished:
                spare.append(pending.pop(future))
                yield future.result()  # raises here what the agent raised there


class _executor:
    """``submit(env, agent, task_id, repeat) -> Future[Trajectory]`` on threads or on an event loop."""

    def __init__(self, concurrent: bool, workers: int):
        self.concurrent = concurrent
        self.pool = ThreadPoolExecutor(1 if concurrent else workers, thread_name_prefix="toolgym-episode")

    def __enter__(self) -> Callable[..., Future[Trajectory]]:
        import asyncio

        if not self.concurrent:
            return lambda env, agent, task_id, repeat: self.pool.submit(
                rollout, env, agent, task_id=task_id, repeat=repeat
            )
        loop = self.loop = asyncio.new_event_loop()
        self.pool.submit(loop.run_forever)
        return lambda env, agent, task_id, repeat: asyncio.run_coroutine_threadsafe(
            _rollout_async(env, _bind(agent, env), None, task_id, repeat), loop
        )

    def __exit__(self, *exc: object) -> None:
        if self.concurrent:
            self.loop.call_soon_threadsafe(self.loop.stop)
        self.pool.shutdown(wait=True, cancel_futures=True)
        if self.concurrent:
            self.loop.close()
