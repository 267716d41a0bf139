"""The processes ("ranks") that train one model together, as ``torchrun`` and ``accelerate launch`` start them.

Every rank holds the whole batch: episodes are gathered as soon as they were played. So advantages, token weights and
whitening are computed from the whole batch by every rank, with the code of a single process. Only what costs time is
divided: playing (``shares.py``) and differentiating. Three things travel: episodes, gradients, and sums for metrics.

Rank 0 alone writes to the run's folder.
"""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any, Self, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.distributed.tensor import DTensor

from toolgym.runlog import RunError

from .launch import Place, place

LATEST = timedelta(minutes=10)
"""How long the first rank to start waits for the last one."""
PATIENCE = timedelta(hours=2)
"""How long a rank waits for the others, e.g. for slow episodes, before it takes them for dead. If a process ends, the
others know within seconds."""
_FAILED = "toolgym/failed"
_RESUME = "Saved checkpoints are whole: --resume goes on from the last one"

T = TypeVar("T")


class RankLost(RunError):
    """Another rank has ended, or does not answer; the message says which one and why, if that is known."""


class ToldByFirst(RunError):
    """Rank 0 raises the same error and tells the user: other ranks need not."""


@dataclass(frozen=True)
class Ranks:
    """This process among the processes of a run. Without arguments: one process alone, for which nothing travels."""

    rank: int = 0
    size: int = 1
    store: Any = None
    """The launcher's key-value store, in which a rank that fails leaves its reason."""
    group: Any = None
    """torch's group of the processes; None for its first one."""

    @property
    def first(self) -> bool:
        """Whether this rank writes to the run's folder and talks to the user."""
        return self.rank == 0

    def beside(self) -> Self:
        """The same ranks for another thread: what travels there does not get mixed up with what travels here.

        Every rank calls this at once. Only ``gather`` and what is made of it, and ``from_first``.
        """
        if self.size == 1:
            return self
        with self._guarded():
            return replace(self, group=dist.new_group(backend="gloo", timeout=PATIENCE))

    def gather(self, value: T) -> list[T]:
        """Every rank's value, in the order of the ranks. Values travel pickled, between the processes of one run."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        with self._guarded():
            dist.all_gather_object(values, value, group=self.group)
        return values

    def from_first(self, compute: Callable[[], T]) -> T:
        """What ``compute`` returns on rank 0, where alone it is called.

        If it raises there, the other ranks raise ToldByFirst with the same message.
        """
        if self.size == 1:
            return compute()
        told: list[Any] = [None, ""]
        error: Exception | None = None
        if self.first:
            try:
                told[0] = compute()
            except Exception as raised:
                error, told[1] = raised, str(raised) or type(raised).__name__
        with self._guarded():
            dist.broadcast_object_list(told, src=0, group=self.group)
        if error is not None:
            raise error
        if told[1]:
            raise ToldByFirst(told[1])
        value: T = told[0]
        return value

    def any(self, flag: bool) -> bool:
        """Whether any rank's flag is set: the same answer on every rank."""
        return any(self.gather(flag))

    def check_same(self, value: Any, what: str) -> None:
        """Raises RunError on rank 0 and ToldByFirst on the others if the ranks have different values."""
        first, *others = self.gather(value)
        for rank, other in enumerate(others, 1):
            if other != first:
                kind = RunError if self.first else ToldByFirst
                raise kind(f"{what} of rank 0 is {first!r} and of rank {rank} {other!r}")

    def add(self, values: Tensor) -> Tensor:
        """The sum of the ranks' tensors, in place."""
        if self.size > 1:
            with self._guarded():
                dist.all_reduce(values)
        return values

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Put the sum of the ranks' gradients into every ``grad``, the same bits on every rank.

        The gradients of weights that FSDP divides are sums already. No gradient counts as 0. A parameter without one on
        any rank stays without: AdamW then leaves it alone, as in one process.
        """
        if self.size == 1:
            return
        parameters = [parameter for parameter in parameters if not isinstance(parameter, DTensor)]
        found = self.add(torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.int32))
        with self._guarded():
            travelling = []
            for parameter, ranks in zip(parameters, found.tolist(), strict=True):
                if ranks:
                    if parameter.grad is None:
                        parameter.grad = torch.zeros_like(parameter)
                    travelling.append(dist.all_reduce(parameter.grad, async_op=True))
            for work in travelling:
                work.wait()

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Put rank 0's values into every rank's tensors."""
        if self.size > 1:
            with self._guarded():
                for tensor in tensors:
                    dist.broadcast(tensor.detach(), src=0)

    def leave(self, error: BaseException) -> bool:
        """Leave an error as the reason why all ranks end; returns whether it is. Another rank's reason may be there."""
        if isinstance(error, (RankLost, ToldByFirst)):
            return False
        if self.store is None:
            return True
        reason = f"rank {self.rank}: {type(error).__name__}: {error}"[:2000]
        with suppress(RuntimeError):
            return str(self.store.compare_set(_FAILED, "", reason).decode()).startswith(f"rank {self.rank}:")
        return True

    def explained(self, error: BaseException) -> BaseException:
        """The error, or RankLost with another rank's reason if torch raised the error because that rank has ended."""
        if not self.leave(error) and (type(error) is RuntimeError or isinstance(error, dist.DistError)):
            return RankLost(f"{self._reason()}. {_RESUME}")
        return error

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            why = self._reason() or f"another rank has ended without a word ({_short(error)})"
            raise RankLost(f"{why}. {_RESUME}") from error

    def _reason(self) -> str:
        """The reason that another rank has left; "" if there is none."""
        with suppress(RuntimeError):  # the store is gone too, if it was another rank's
            if self.store is not None and self.store.check([_FAILED]):
                return str(self.store.get(_FAILED).decode())
        return ""


ALONE = Ranks()


def join() -> Ranks:
    """This process's place among the ranks, from the launcher's environment; ``ALONE`` without a launcher.

    The first call waits for all ranks. GPUs talk by NCCL and CPUs by gloo; episodes and metrics always travel by gloo.

    Raises RunError if the environment makes no sense (see ``place``), if this machine has fewer GPUs than ranks, or if
    the ranks cannot reach each other.
    """
    where = place()
    if where.size == 1:
        return ALONE
    return _meet(where)


@cache
def _meet(where: Place) -> Ranks:
    backend = "gloo"
    if torch.cuda.is_available():
        gpus = torch.cuda.device_count()
        if where.local >= gpus:
            raise RunError(
                f"LOCAL_RANK={where.local} has no GPU of its own, since this machine has {gpus}: give torchrun "
                f"--nproc-per-node {gpus}"
            )
        torch.cuda.set_device(where.local)
        backend = "cpu:gloo,cuda:nccl"
    if dist.is_initialized():  # by the caller's own code
        return Ranks(where.rank, where.size)
    try:
        store, *_ = next(rendezvous("env://", where.rank, where.size, timeout=LATEST))
        dist.init_process_group(backend, store=store, rank=where.rank, world_size=where.size, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        meeting = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise RunError(f"rank {where.rank} cannot meet the other ranks at {meeting}: {_short(error)}") from error
    atexit.register(_leave)
    return Ranks(where.rank, where.size, store)


def _leave() -> None:
    with suppress(Exception):  # the process ends in any case
        dist.destroy_process_group()


def _short(error: BaseException) -> str:
    """The first line of torch's message, without gloo's place in its source and its advice on bug reports."""
    line = str(error).strip().partition("\n")[0].partition(" This is typically caused by")[0]
    return re.sub(r"^\[[^]\s]+:\d+\] ", "", line)[:300]
