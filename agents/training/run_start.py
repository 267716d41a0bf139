"""How a run starts: are its ranks right, and does its folder hold a run to go on with?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from toolgym.disk import read_object
from toolgym.runlog import RunError, check_same_run, hold_folder, open_folder

from .. import checkpoint
from ..config import TrainConfig
from ..step_folders import begins_again
from .distributed.launch import TORCHRUN
from .distributed.ranks import Ranks

FREE = (
    "out", "steps", "save_every", "trust_remote_code", "sampler", "sampler_folder", "ray", "ray_actors", "fsdp",
    "gradient_checkpointing",
)  # fmt: skip
"""Settings that a resumed run may have otherwise."""


def check_ranks(config: TrainConfig, ranks: Ranks) -> None:
    """Raises RunError if the ranks' settings differ, or if the settings are not for so many ranks."""
    for name, value in asdict(config).items():
        ranks.check_same(value, f"the setting {name}")
    ranks.from_first(lambda: _check_number(config, ranks.size))


def _check_number(config: TrainConfig, size: int) -> None:
    if config.fsdp and size == 1:
        raise RunError(
            f"fsdp divides a model among several ranks, and this process is alone: leave it out, or {TORCHRUN}"
        )
    if config.prompts_per_step < size:
        raise RunError(
            f"prompts_per_step ({config.prompts_per_step}) is less than the number of ranks ({size}), so a rank would "
            "have nothing to play: raise it, or start fewer ranks"
        )


def open_run(config: TrainConfig, ranks: Ranks, owner: object, *, resume: bool) -> dict[str, Any] | None:
    """Make or check the folder; returns the checkpoint's state to go on from, or None.

    Args:
        owner: holds the folder's lock as long as it lives.

    Raises RunError if the folder holds another run, or a checkpoint of a step after the last one.
    """
    folder, state = Path(config.out), None

    def open_first() -> int:
        nonlocal state
        state = _opened(config, folder, owner, resume)
        step = -1 if state is None else int(state["step"])
        if step > config.steps:
            raise RunError(
                f"{folder} has {step} steps already, and steps={config.steps} asks for fewer: give at least as many, "
                "or another folder"
            )
        return step

    step = ranks.from_first(open_first)
    if step >= 0 and not ranks.first:
        state = checkpoint.latest(folder)
        if state is None or state["step"] != step:
            raise RunError(
                f"rank {ranks.rank} does not find the checkpoint of step {step} in {folder} that rank 0 reads: the "
                "folder must be on a disk that all machines share"
            )
    return state


def _opened(config: TrainConfig, folder: Path, owner: object, resume: bool) -> dict[str, Any] | None:
    about = folder / "config.json"
    if about.is_file():
        asked = json.loads(json.dumps(asdict(config)))
        ours = asdict(TrainConfig())  # the run may be older than some settings
        check_same_run(
            folder,
            asked,
            lambda: ours | read_object(about, "the settings of a training run", RunError),
            resume=resume,
            free=FREE,
        )
    open_folder(folder, about)
    hold_folder(folder, owner)
    state = checkpoint.latest(folder) if resume else None
    if resume and state is None:
        begins_again(folder, config.save_every)
    return state
