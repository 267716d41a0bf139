"""The processes ("ranks") that train one model together, as ``torchrun`` and ``accelerate launch`` start them.

Every rank holds the whole batch: episodes are gathered as soon as they were played. So advantages, token weights and
whitening are computed from the whole batch by every rank, with the code of a single process. Only what costs time is
divided: playing (``shares.py``) and differentiating. Three things travel: episodes, gradients, and sums for metrics.

Rank 0 alone writes to the run's folder.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from toolgym.runlog import RunError

from .launch import place

PATIENCE = timedelta(hours=2)
"""How long a rank waits for the others, e.g. for slow episodes, before it takes them for dead. If a process ends, the
others know within seconds."""
_FAILED = "toolgym/failed"

T = TypeVar("T")


class RankLost(RunError):
    """Another rank has ended, or does not answer; the message says which one and why, if that is known."""


class ToldByFirst(RunError):
    """Rank 0 has raised this error and tells it to the user: other ranks have nothing to add."""


@dataclass(frozen=True)
class Ranks:
    """This process among the processes of a run. Without arguments: one process alone, for which nothing travels."""

    rank: int = 0
    size: int = 1
    store: Any = None
    """The launcher's key-value store, in which a rank that fails leaves its reason."""

    @property
    def first(self) -> bool:
        """Whether this rank writes to the run's folder and talks to the user."""
        return self.rank == 0

    def gather(self, value: T) -> list[T]:
        """Every rank's value, in the order of the ranks. Values travel pickled, between the processes of one run."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        with self._guarded():
            dist.all_gather_object(values, value)
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
            dist.broadcast_object_list(told, src=0)
        if error is not None:
            raise error
        if told[1]:
            raise ToldByFirst(told[1])
        value: T = told[0]
        return value

    def any(self, flag: bool) -> bool:
        """Whether any rank's flag is set: the same answer on every rank."""
        return any(self.gather(flag))

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
                work.wait()  # type: ignore[union-attr]

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Put rank 0's values into every rank's tensors."""
        if self.size > 1:
            with self._guarded():
                for tensor in tensors:
                    if isinstance(tensor, DTensor):
                        raise TypeError("a weight that FSDP divides is not the same on every rank")
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
            return RankLost(self._reason())
        return error

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise RankLost(self._reason() or f"another rank has ended without a word ({_short(error)})") from error

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
    if dist.is_initialized():
        return Ranks(where.rank, where.size, dist.distributed_c10d._get_default_store())
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
    try:
        dist.init_process_group(backend, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        meeting = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise RunError(f"rank {where.rank} cannot meet the other ranks at {meeting}: {_short(error)}") from error
    atexit.register(_leave)
    return Ranks(where.rank, where.size, dist.distributed_c10d._get_default_store())


def _leave() -> None:
    with suppress(Exception):  # the process ends in any case
        dist.destroy_process_group()


def _short(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:300]
