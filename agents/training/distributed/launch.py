"""A process's place among the ranks of a run: ``torchrun`` and ``accelerate launch`` write it into the environment."""

from __future__ import annotations

import os
from typing import NamedTuple

from toolgym.runlog import RunError

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""The environment variables of a launcher."""
TORCHRUN = "start all ranks with torchrun --nproc-per-node N -m toolgym train ..."
HOW = f"{TORCHRUN}, or one process without these variables"


class Place(NamedTuple):
    """Rank 0 to size - 1 of the run, and which one on this machine; (0, 1, 0) without a launcher."""

    rank: int = 0
    size: int = 1
    local: int = 0


def place() -> Place:
    """This process's place. Raises RunError if a variable is missing, or is not a number that can be."""
    given = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    if not {"RANK", "WORLD_SIZE"} & set(given) or given.get("WORLD_SIZE") == "1":
        return Place()
    if missing := [name for name in VARIABLES if name not in given]:
        shown = ", ".join(f"{name}={value}" for name, value in given.items())
        raise RunError(f"this is one of several ranks ({shown}), and {', '.join(missing)} is not set: {HOW}")
    rank, size, local = (_whole(name, given[name]) for name in VARIABLES[:3])
    if not 0 <= rank < size:
        raise RunError(f"RANK={rank} is not one of the WORLD_SIZE={size} ranks, which count from 0: {HOW}")
    return Place(rank, size, local)


def _whole(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise RunError(f"{name} must be a whole number from 0, got {text!r}: {HOW}")
    return int(text)
