"""A Ray cluster: how this process joins it, and actors on it as the workers of ``share_out``."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

import msgspec

from toolgym.playing import stopping
from toolgym.playing.crew import Died, Played, Ready
from toolgym.playing.same_source import OURS, check_sources, source_digest
from toolgym.stored.run_files import RunError

PATIENCE = 120.0
"""Seconds within which the cluster must have a place for an actor, if no other actor plays."""
_LOOK = 0.5
"""Seconds after which it is looked whether this process still wants what it waits for."""
_REACHED_WITHIN = 10.0
"""Seconds within which a cluster's address must accept a connection."""
_START = "Start one with `ray start --head`, give the host:port of another, or use the address local"


class Home(msgspec.Struct, frozen=True):
    """Where this process runs: an actor moves there, and checks that it has the same code.

    Args:
        code: module -> digest of its source.
    """

    code: dict[str, str]
    folder: str
    path: list[str]

    @classmethod
    def here(cls, code: dict[str, str]) -> Home:
        """This process's, with the code of ToolGym and ``code``."""
        path = [os.path.abspath(place) for place in sys.path]
        return cls(code | {each: source_digest(each) for each in OURS}, os.getcwd(), path)

    def enter(self) -> None:
        """Go there. Raises RunError if this machine has other code."""
        sys.path += [place for place in self.path if place not in sys.path]
        if os.path.isdir(self.folder):
            os.chdir(self.folder)  # for relative paths among the options
        check_sources(self.code)


def connected(address: str, actors: int | None) -> tuple[Any, bool]:
    """The module ray, connected; and whether it was connected here."""
    source = ""
    if address == "auto" and (given := os.environ.get("RAY_ADDRESS")):  # as Ray has it
        address, source = given, f" (RAY_ADDRESS={given})"
    if address.startswith("ray://"):
        raise RunError(f"{address}: Ray Client is not supported; run the command on a machine of the cluster")
    host, _, port = address.rpartition(":")
    if address not in ("auto", "local") and not (host and "/" not in host and port.isdecimal()):
        raise RunError(f"{address!r} is not the address of a cluster: write auto, local or host:port{source}")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("Ray is not installed: pip install 'toolgym[ray]'", name="ray") from error
    if ray.is_initialized():
        return ray, False
    if address == "auto":
        address, source = _found_here(), " (found by auto: a Ray process on this machine, or the last `ray start` here)"
        host, _, port = address.rpartition(":")
    if host:
        check_reached(host, int(port), source)
    more = {"num_cpus": actors, "include_dashboard": False} if address == "local" else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **more)
    except Exception as error:  # Ray also raises plain Exceptions
        said = str(error).split(". ")[0].rstrip(".")
        raise RunError(f"cannot connect to Ray at {address}{source}: {said}. {_START}") from None
    return ray, True


def _found_here() -> str:
    """host:port of the cluster that Ray takes for "auto". It may have ended. Raises RunError if there is none."""
    from ray._private.services import canonicalize_bootstrap_address

    try:
        return str(canonicalize_bootstrap_address("auto"))
    except ConnectionError:
        raise RunError(f"no Ray cluster is running here. {_START}") from None


def check_reached(host: str, port: int, source: str = "") -> None:
    """Raises RunError if no gRPC server (a cluster has one) answers there.

    Ray itself would try for minutes, and then end this process without a word.

    Args:
        source: who says that a cluster is there, for the message.
    """
    try:
        with socket.create_connection((host, port), _REACHED_WITHIN) as connection:
            connection.settimeout(_REACHED_WITHIN)
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4" + b"\0" * 5)  # and no settings
            if connection.recv(9)[3:4] != b"\4":  # its own settings
                raise OSError("another program listens there")
    except (OSError, OverflowError) as error:
        raise RunError(f"no Ray cluster at {host}:{port}{source}: {error}. {_START}") from None


class RayCrew:
    """Actors as the workers of ``share_out``. An actor starts, prepares itself, and then plays shares.

    Args:
        player: the class of the actors. It has ``alive()``; ``prepare(made_from, again)``, which returns what the actor
            is (``again``: it replaces another one); and ``play(share, *how)``, which gives Played for each episode and
            then one value of any other type, for ``share_ended``.
        needs: CPUs and GPUs of each actor.
    """

    imports = 0.0
    """Seconds that are added to PATIENCE: an actor imports the module of ``player`` before it has started."""

    def __init__(self, ray: Any, player: type, needs: dict[str, int], made_from: Any):
        self._ray, self._player, self._needs, self._made_from = ray, player, needs, made_from
        self._waiting: dict[Any, tuple[Any, str]] = {}
        """What Ray will report -> the actor, and what it does: "starts", "prepares" or "plays"."""
        self._actors: list[Any] = []
        self._spare: list[Any] = []
        """Prepared, and without work."""
        self._hired = 0
        self._workers = 1
        self._how: tuple[Any, ...] = ()

    def first(self) -> dict[str, Any]:
        """Start an actor, which is kept for later; returns what it is."""
        actor = self._start()
        self._waiting[actor.alive.remote()] = actor, "starts"
        del self._waiting[self._started()]
        try:
            about: dict[str, Any] = self._get(actor.prepare.remote(self._made_from, ""))
        except self._ray.exceptions.RayError as error:
            raise RunError(f"an actor died before it could play: {_told(error)}") from None
        self._spare.append(actor)
        return about

    def plays(self, workers: int, *how: Any) -> None:
        """Say what is played, before anybody is hired: ``how`` is given to each actor's ``play``."""
        self._workers, self._how, self._hired = workers, how, 0

    def hire(self) -> Any:
        self._hired += 1
        if self._spare:
            actor = self._spare.pop()
            self._waiting[self._renewed(actor)] = actor, "prepares"
        else:
            actor = self._start()
            self._waiting[actor.alive.remote()] = actor, "starts"
        return actor

    def give(self, worker: Any, share: list[Any]) -> None:
        episodes = worker.play.options(num_returns="streaming").remote(share, *self._how)
        self._waiting[episodes] = worker, "plays"

    def next_event(self) -> tuple[Any, Played[Any, Any] | Ready | Died]:
        while True:
            source = self._started()
            actor, does = self._waiting[source]
            try:
                event = self._get(next(source) if does == "plays" else source)
            except self._ray.exceptions.RayError as error:
                event = Died(_told(error))
                self._kill(actor)  # if it is only out of reach, it must not go on
            if isinstance(event, Played):
                return actor, event
            del self._waiting[source]
            if isinstance(event, Died):
                return actor, event
            if does == "starts":
                again = f"actor {self._hired}" if self._hired > self._workers else ""
                self._waiting[actor.prepare.remote(self._made_from, again)] = actor, "prepares"
                continue
            if does == "plays":
                self.share_ended(event)
            return actor, Ready()

    def share_ended(self, last: Any) -> None:
        """Take the last value of a share."""

    def rest(self) -> None:
        """Keep the actors that are prepared for the next call of ``plays``. Call this when all has been played."""
        starting = [actor for actor, _ in self._waiting.values()]
        for actor in starting:
            self._kill(actor)
        self._waiting, self._spare = {}, list(self._actors)

    def dismiss(self) -> None:
        """End all actors."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._actors, self._spare, self._waiting = [], [], {}

    def _renewed(self, actor: Any) -> Any:
        """What a spare actor reports when it is ready for other work."""
        return actor.alive.remote()

    def _start(self) -> Any:
        actor = self._ray.remote(self._player).options(max_restarts=0, **self._needs).remote()
        self._actors.append(actor)
        return actor

    def _kill(self, actor: Any) -> None:
        self._ray.kill(actor)
        self._actors.remove(actor)

    def _started(self) -> Any:
        """Wait for the next report. Raises RunError if no actor plays or prepares, and none gets a place."""
        waited = 0.0
        while True:
            stopping.check()
            ready, _ = self._ray.wait(list(self._waiting), num_returns=1, timeout=_LOOK)
            if ready:
                return ready[0]
            waited += _LOOK
            if waited >= PATIENCE + self.imports and all(does == "starts" for _, does in self._waiting.values()):
                needs = ", ".join(f"{count} {name[4:-1].upper()}" for name, count in self._needs.items() if count)
                raise RunError(
                    f"no actor started within {waited:g} seconds: the cluster has no place for {needs}, or is too busy"
                )

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
