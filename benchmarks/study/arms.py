"""The arms of the study: the paper's methods, and GRPO with other rewards."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Arm(msgspec.Struct, frozen=True):
    """One row of the tables."""

    name: str
    says: str
    """Its name in the paper."""
    kind: Literal["raw", "sft_small", "sft_large", "ppo", "grpo", "guided"]
    """The key of its training settings in ``Size.kinds``."""
    start: str = "raw"
    """The arm whose model it starts from."""
    reward: dict[str, Any] = {}
    as_paper: str = ""
    """The arm whose numbers in the paper stand beside its own; "" for the same name."""

    @property
    def paper(self) -> str:
        """The name of its numbers in paper.py."""
        return self.as_paper or self.name


METHODS = (
    Arm("raw", "Raw", "raw"),
    Arm("sft-small", "SFT (small)", "sft_small"),
    Arm("sft-large", "SFT (large)", "sft_large"),
    Arm("sft-ppo", "SFT (small) + PPO", "ppo", "sft-small"),
    Arm("sft-grpo", "SFT (small) + GRPO", "grpo", "sft-small"),
    Arm("ppo", "PPO cold", "ppo"),
    Arm("grpo", "GRPO cold", "grpo"),
    Arm("grpo-guided", "GRPO cold, guided", "guided", as_paper="grpo"),
)
ABLATIONS = (
    Arm("length-fixed", "length reward", "grpo", reward={"length": "fixed"}),
    Arm("length-dynamic", "dynamic length reward", "grpo", reward={"length": "dynamic"}),
    Arm("scale-equal", "equal max", "grpo", reward={"scale": "equal"}),
    Arm("scale-two-stage", "two-stage", "grpo", reward={"scale": "two_stage"}),
    Arm("scale-dynamic", "dynamic scale", "grpo", reward={"scale": "dynamic"}),
    Arm("fine", "fine (strict)", "grpo", reward={"strict": True}),
    Arm("intermediate", "intermediate", "grpo", reward={"granularity": "intermediate"}),
    Arm("coarse", "coarse", "grpo", reward={"granularity": "coarse"}),
)
ARMS = {arm.name: arm for arm in METHODS + ABLATIONS}
