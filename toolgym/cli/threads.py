"""How torch's threads wait for one another on a CPU. To be called before torch is imported, which reads it."""

from __future__ import annotations

import os

SPINS = "1000"
"""Turns of the waiting loop before a thread sleeps: some microseconds."""


def spin_briefly() -> None:
    """Let threads that wait spin for microseconds, then sleep; OpenMP's own variables win, if one is set.

    Threads that spin for long make a model three times as slow beside a busy neighbour. Threads that never spin make a
    step of GRPO a fifth longer on quiet cores (benchmarks/LOG.md).
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
