"""RayActors: episodes are played by actors of a Ray cluster, each with envs and an agent of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, Self, TypeAlias

import gymnasium as gym
import msgspec

from toolgym.agent import Agent, NotAnAgent, agent_name, bind
from toolgym.playing.agent_failures import AgentFailures, OnAgentError
from toolgym.playing.crew import Lost, Played, share_out
from toolgym.playing.ray_cluster import Home, RayCrew, connected
from toolgym.playing.same_source import check_sources, code_of
from toolgym.rollout import play_episodes
from toolgym.stored.run_files import RunError
from toolgym.types import Observation, Trajectory

Key: TypeAlias = tuple[str, int]
"""The id of a task, and which of its repeats."""
_LIMIT = "requests_per_minute"


class _Spec(msgspec.Struct, frozen=True):
    """What an actor is made from."""

    agent: str
    options: dict[str, Any]
    home: Home


class RayActors:
    """An agent whose episodes are played elsewhere, by actors of a Ray cluster. Pass it to ``evaluate`` as the agent.

    Each actor makes its own envs and its own agent, from names and options: nothing of this process is pickled except
    them. ``evaluate`` itself receives the episodes as they end and writes the run, so a run may be resumed with Ray or
    without, on any number of actors. An actor that dies is replaced, and what it had not handed over is played again.
    An episode whose actors died three times is not valid (``error_kind="actor"``).

    ``batch_size`` and ``requests_per_minute`` are for all actors together: each gets an equal part. All repeats of a
    task are played by one actor, in order, if the agent has ``reseed``, so that samples are those of one process.

    Args:
        address: "auto" (the cluster that this machine is part of), "local" (a new one on this machine), or host:port.
        agent: ``module:Class``, which every machine must be able to import, from the same source.
        options: the class's arguments.
        actors: how many; None for one per CPU of the cluster, or one per GPU with ``gpu``.
        gpu: give each actor a GPU of its own, if the cluster has any.

    Raises ModuleNotFoundError without the package ray; RunError if the cluster cannot be reached, has no place for an
    actor, or has other code than this process; and what the class raises.
    """

    def __init__(
        self,
        address: str,
        agent: str,
        options: Mapping[str, Any] | None = None,
        *,
        actors: int | None = None,
        gpu: bool = False,
    ):
        if actors is not None and actors < 1:
            raise ValueError(f"actors must be at least 1, got {actors}")
        self._ray, self._started = connected(address, actors)
        try:
            has = self._ray.cluster_resources()
            self._needs = {"num_cpus": 1, "num_gpus": int(gpu and has.get("GPU", 0) >= 1)}
            self.actors = actors or max(1, int(has.get("GPU" if self._needs["num_gpus"] else "CPU", 1)))
            made_from = _Spec(agent, dict(options or {}), Home.here(code_of(agent)))
            self._crew = _Agents(self._ray, self._needs, made_from)
            about = self._crew.first()
            self.name: str = about["name"]
            self.settings: dict[str, Any] = about["settings"]
            self._whole_tasks: bool = about["reseeds"]
        except BaseException:
            self.close()
            raise

    def for_env(self, env: gym.Env[Any, Any]) -> Self:
        """These actors. Raises what the agent raises if it does not fit the env, and RunError if the actors cannot make
        such an env."""
        spec = _spec_of(env)
        entry_point: Any = spec.entry_point
        self._crew.fits(spec, code_of(entry_point if isinstance(entry_point, str) else entry_point.__module__))
        return self

    @property
    def learned(self) -> dict[str, str]:
        """What the actors' agents have learned about their server, as ``Endpoint.learned``."""
        return self._crew.learned

    def act(self, observation: Observation) -> str:
        """Raises NotAnAgent: actors play whole episodes."""
        raise NotAnAgent("RayActors play whole episodes: use evaluate")

    def play_elsewhere(
        self, env: gym.Env[Any, Any], todo: Sequence[Key], batch_size: int, on_agent_error: OnAgentError
    ) -> Iterator[Trajectory]:
        """The episodes of ``todo``, as they end. ``env`` says which envs the actors make."""
        spec = _spec_of(env)
        workers = max(1, min(self.actors, len(todo), batch_size))
        each = -(-batch_size // workers)
        self._crew.divide_limit(workers)
        self._crew.plays(workers, spec, each, on_agent_error)
        together = (lambda key: key[0]) if self._whole_tasks else None
        try:
            for found in share_out(todo, self._crew, workers, each, together=together):
                if isinstance(found, Lost):
                    task_id, repeat = found.key
                    lost = Trajectory(spec.id, task_id, (), repeat=repeat, reward_valid=False)
                    lost.error, lost.error_kind = found.reason, "actor"
                    yield lost
                else:
                    yield found.result
        finally:
            self._crew.dismiss()

    def close(self) -> None:
        """End the actors, and the connection to the cluster if it was opened here."""
        if self._started:
            self._ray.shutdown()
        elif hasattr(self, "_crew"):
            self._crew.dismiss()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _spec_of(env: gym.Env[Any, Any]) -> Any:
    if env.spec is None:
        raise RunError("actors make their own envs: give evaluate an id and env_kwargs, not a function")
    return env.spec


class _Agents(RayCrew):
    """Actors that have agents."""

    def __init__(self, ray: Any, needs: dict[str, int], made_from: _Spec):
        super().__init__(ray, _Player, needs, made_from)
        self._given = made_from
        self.learned: dict[str, str] = {}

    def fits(self, spec: Any, code: dict[str, str]) -> None:
        """Raises what an actor raises if it binds its agent to an env of ``spec``."""
        if self._spare:
            self._get(self._spare[-1].fits.remote(spec, code))

    def divide_limit(self, workers: int) -> None:
        """Give each worker an equal part of a rate limit."""
        if limit := self._given.options.get(_LIMIT):
            options = {**self._given.options, _LIMIT: limit / workers}
            self._made_from = msgspec.structs.replace(self._given, options=options)

    def share_ended(self, last: dict[str, str]) -> None:
        self.learned |= last

    def _renewed(self, actor: Any) -> Any:
        same = self._made_from is self._given
        return super()._renewed(actor) if same else actor.prepare.remote(self._made_from, "")


class _Player:
    """What runs in the process of an actor."""

    def alive(self) -> None:
        """Does nothing: the actor lives."""

    def prepare(self, made_from: _Spec, again: str) -> dict[str, Any]:
        """Make the agent; returns what it is. ``again``: the actor replaces another one, and must sample anew."""
        made_from.home.enter()
        module, _, name = made_from.agent.partition(":")
        self._agent: Agent = getattr(import_module(module), name)(**made_from.options)
        if hasattr(self._agent, "resume"):
            raise RunError(f"{name} learns from earlier episodes (it has resume), which actors cannot share")
        reseeds = hasattr(self._agent, "reseed")
        if reseeds and again:
            self._agent.reseed(f"{getattr(self._agent, 'seed', 0)} {again}")
        self._env: gym.Env[Any, Any] | None = None
        self._failures: AgentFailures | None = None
        settings = dict(getattr(self._agent, "settings", {}))
        return {"name": agent_name(self._agent), "settings": settings, "reseeds": reseeds}

    def fits(self, spec: Any, code: dict[str, str]) -> None:
        """Make an env and bind the agent to it."""
        check_sources(code)
        self._env = gym.make(spec)
        bind(self._agent, self._env)

    def play(self, share: list[Key], spec: Any, batch_size: int, on_agent_error: OnAgentError) -> Iterator[Any]:
        """Play a share, then say what the agent has learned about its server."""
        make = partial(gym.make, spec)
        self._env = self._env or make()
        self._failures = self._failures or AgentFailures(on_agent_error)
        for played in play_episodes(self._env, make, self._agent, share, batch_size, self._failures):
            yield Played((played.task_id, played.repeat), played)
        yield dict(getattr(self._agent, "learned", {}))
