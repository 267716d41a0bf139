"""The arms of the robustness study: one SFT start, then GRPO on clean, perturbed or faulty tasks."""

from __future__ import annotations

from typing import Literal

import msgspec


class Arm(msgspec.Struct, frozen=True):
    """One row of the tables."""

    name: str
    says: str
    kind: Literal["raw", "sft", "grpo"]
    start: str = ""
    """The arm whose model it starts from."""
    under: Literal["clean", "perturbed", "faulty"] = "clean"
    """What it trains on: the key of its env's arguments in ``Size.under``."""


ARMS = {
    arm.name: arm
    for arm in (
        Arm("raw", "raw", "raw"),
        Arm("sft", "SFT, the common start", "sft", "raw"),
        Arm("clean", "GRPO, clean", "grpo", "sft"),
        Arm("perturbed", "GRPO, perturbed", "grpo", "sft", "perturbed"),
        Arm("faulty", "GRPO, perturbed + faults", "grpo", "sft", "faulty"),
    )
}
