"""RayActors: episodes are played by actors of a Ray cluster, each with envs and an agent of its own."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, Self

import gymnasium as gym
import msgspec

from toolgym.agent import Agent, NotAnAgent, agent_name, bind
from toolgym.playing.agent_failures import AgentFailures, OnAgentError
from toolgym.playing.crew import Died, Key, Lost, Ready, share_out
from toolgym.playing.same_source import OURS, check_sources, code_of, source_digest
from toolgym.rollout import play_episodes
from toolgym.stored.run_files import RunError
from toolgym.types import Observation, Trajectory

PATIENCE = 120.0
"""Seconds within which the cluster must have a place for an actor, if no other actor plays."""
_REACHED_WITHIN = 10.0
"""Seconds within which a cluster's address must accept a connection."""
_LIMIT = "requests_per_minute"


class _Spec(msgspec.Struct, frozen=True):
    """What an actor is made from."""

    agent: str
    options: dict[str, Any]
    code: dict[str, str]
    """Module -> digest of its source."""
    folder: str
    path: list[str]


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
        self._ray, self._started = _connected(address, actors)
        try:
            has = self._ray.cluster_resources()
            self._needs = {"num_cpus": 1, "num_gpus": int(gpu and has.get("GPU", 0) >= 1)}
            self.actors = actors or max(1, int(has.get("GPU" if self._needs["num_gpus"] else "CPU", 1)))
            code = code_of(agent) | {each: source_digest(each) for each in OURS}
            path = [os.path.abspath(place) for place in sys.path]
            made_from = _Spec(agent, dict(options or {}), code, os.getcwd(), path)
            self._crew = _RayCrew(self._ray, self._needs, made_from)
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
        self._crew.plays(workers, spec, each, on_agent_error)
        try:
            for found in share_out(todo, self._crew, workers, each, whole_tasks=self._whole_tasks):
                if isinstance(found, Lost):
                    task_id, repeat = found.key
                    lost = Trajectory(spec.id, task_id, (), repeat=repeat, reward_valid=False)
                    lost.error, lost.error_kind = found.reason, "actor"
                    yield lost
                else:
                    yield found
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


def _connected(address: str, actors: int | None) -> tuple[Any, bool]:
    """The module ray, connected; and whether it was connected here."""
    if address.startswith("ray://"):
        raise RunError(f"{address}: Ray Client is not supported; run the command on a machine of the cluster")
    host, _, port = address.rpartition(":")
    if address not in ("auto", "local") and not (host and "/" not in host and port.isdecimal()):
        raise RunError(f"{address!r} is not the address of a cluster: write auto, local or host:port")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("Ray is not installed: pip install 'toolgym[ray]'", name="ray") from error
    if ray.is_initialized():
        return ray, False
    if host:
        _check_reached(host, int(port))
    more = {"num_cpus": actors, "include_dashboard": False} if address == "local" else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **more)
    except Exception as error:  # Ray also raises plain Exceptions
        told = "no Ray cluster is running here" if address == "auto" else f"cannot connect to Ray at {address}"
        said = str(error).split(". ")[0].rstrip(".")
        raise RunError(f"{told} ({said}). Start one with `ray start --head`, or use the address local") from None
    return ray, True


def _check_reached(host: str, port: int) -> None:
    """Raises RunError if no gRPC server (a cluster has one) answers there. Ray itself would try for minutes."""
    try:
        with socket.create_connection((host, port), _REACHED_WITHIN) as connection:
            connection.settimeout(_REACHED_WITHIN)
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4" + b"\0" * 5)  # and no settings
            if connection.recv(9)[3:4] != b"\4":  # its own settings
                raise OSError("another program listens there")
    except (OSError, OverflowError) as error:
        raise RunError(f"no Ray cluster at {host}:{port}: {error}. Start one there with `ray start --head`") from None


class _RayCrew:
    """Actors as the workers of ``share_out``. An actor starts, prepares its agent, and then plays shares."""

    def __init__(self, ray: Any, needs: dict[str, int], made_from: _Spec):
        self._ray, self._needs, self._given = ray, needs, made_from
        self._made_from = made_from
        self._waiting: dict[Any, tuple[Any, str]] = {}
        """What Ray will report -> the actor, and what it does: "starts", "prepares" or "plays"."""
        self._actors: list[Any] = []
        self._spare: list[Any] = []
        self._hired = 0
        self.learned: dict[str, str] = {}

    def first(self) -> dict[str, Any]:
        """Start an actor, which is kept for later; returns what its agent is."""
        actor = self._start()
        self._waiting[actor.alive.remote()] = actor, "starts"
        del self._waiting[self._started()]
        try:
            about: dict[str, Any] = self._get(actor.prepare.remote(self._made_from, ""))
        except self._ray.exceptions.RayError as error:
            raise RunError(f"an actor died before it had made its agent: {_told(error)}") from None
        self._spare.append(actor)
        return about

    def fits(self, spec: Any, code: dict[str, str]) -> None:
        """Raises what an actor raises if it binds its agent to an env of ``spec``."""
        if self._spare:
            self._get(self._spare[-1].fits.remote(spec, code))

    def plays(self, workers: int, spec: Any, batch_size: int, on_agent_error: OnAgentError) -> None:
        """Say what is played, before anybody is hired. Each worker gets an equal part of a rate limit."""
        self._workers, self._how = workers, (spec, batch_size, on_agent_error)
        if limit := self._given.options.get(_LIMIT):
            options = {**self._given.options, _LIMIT: limit / workers}
            self._made_from = msgspec.structs.replace(self._given, options=options)

    def hire(self) -> Any:
        self._hired += 1
        if self._spare:
            actor = self._spare.pop()
            same = self._made_from is self._given
            prepared = actor.alive.remote() if same else actor.prepare.remote(self._made_from, "")
            self._waiting[prepared] = actor, "prepares"
        else:
            actor = self._start()
            self._waiting[actor.alive.remote()] = actor, "starts"
        return actor

    def give(self, worker: Any, share: list[Key]) -> None:
        episodes = worker.play.options(num_returns="streaming").remote(share, *self._how)
        self._waiting[episodes] = worker, "plays"

    def next_event(self) -> tuple[Any, Trajectory | Ready | Died]:
        while True:
            source = self._started()
            actor, does = self._waiting[source]
            try:
                event = self._get(next(source) if does == "plays" else source)
            except self._ray.exceptions.RayError as error:
                event = Died(_told(error))
                self._ray.kill(actor)  # if it is only out of reach, it must not go on
            if isinstance(event, Trajectory):
                return actor, event
            del self._waiting[source]
            if isinstance(event, Died):
                return actor, event
            if does == "starts":
                again = f"actor {self._hired}" if self._hired > self._workers else ""
                self._waiting[actor.prepare.remote(self._made_from, again)] = actor, "prepares"
                continue
            if does == "plays":  # the last value of a share
                self.learned |= event
            return actor, Ready()

    def dismiss(self) -> None:
        """End all actors."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._actors, self._spare, self._waiting, self._hired = [], [], {}, 0

    def _start(self) -> Any:
        actor = self._ray.remote(_Player).options(max_restarts=0, **self._needs).remote()
        self._actors.append(actor)
        return actor

    def _started(self) -> Any:
        """Wait for the next report. Raises RunError if no actor plays or prepares, and none gets a place."""
        pending = all(does == "starts" for _, does in self._waiting.values())
        ready, _ = self._ray.wait(list(self._waiting), num_returns=1, timeout=PATIENCE if pending else None)
        if not ready:
            needs = ", ".join(f"{count} {name[4:-1].upper()}" for name, count in self._needs.items() if count)
            raise RunError(
                f"no actor started within {PATIENCE:g} seconds: the cluster has no place for {needs}, or is too busy"
            )
        return ready[0]

    def _get(self, reference: Any) -> Any:
        """A result. What code of the actor raised is raised as it was; RayError if the actor is dead."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, Exception):
                raise error.cause from error
            raise RunError(_told(error)) from None


def _told(error: BaseException) -> str:
    """The message of a RayError, on one line. The first line of most says nothing but that something is wrong."""
    return " ".join(str(error).split())[:500]


class _Player:
    """What runs in the process of an actor."""

    def alive(self) -> None:
        """Does nothing: the actor lives."""

    def prepare(self, made_from: _Spec, again: str) -> dict[str, Any]:
        """Make the agent; returns what it is. ``again``: the actor replaces another one, and must sample anew."""
        sys.path += [place for place in made_from.path if place not in sys.path]
        if os.path.isdir(made_from.folder):
            os.chdir(made_from.folder)  # for relative paths among the options
        check_sources(made_from.code)
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
        yield from play_episodes(self._env, make, self._agent, share, batch_size, self._failures)
        yield dict(getattr(self._agent, "learned", {}))
