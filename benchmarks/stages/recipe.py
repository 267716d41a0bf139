"""The demo's recipe: what is trained, on what, for how long, and what is played between the stages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from toolgym.agents.config import TrainConfig

STAGES = ("before", "after SFT", "after GRPO")
"""The columns of the table."""
FUNCTIONS, BFCL = "ToolGym-Functions-v1", "ToolGym-BFCL-v0"
DIALECT = {"dialect": "compact"}
FITS, NONE = ["single", "choose"], ["irrelevant"]
"""Levels of Functions: a tool on offer fits, or none does."""


@dataclass(frozen=True)
class Part:
    """Held-out tasks of one kind; every stage plays the same ones, greedily."""

    name: str
    says: str
    """Its row in the table."""
    page: str
    """The page that shows its episodes."""
    env: str
    kwargs: dict[str, Any]
    tasks: int
    judged: int = 0
    """Tasks per seed when several seeds are judged; 0 leaves the part out."""


def functions(name: str, split: str, level: list[str], tasks: int, judged: int = 0) -> Part:
    says = "a tool fits" if level == FITS else "no tool fits"
    return Part(name, says, split, FUNCTIONS, {"split": split, "level": level, **DIALECT}, tasks, judged)


def bfcl(category: str, tasks: int, judged: int = 0) -> Part:
    return Part(category, category, "bfcl", BFCL, {"category": category, **DIALECT}, tasks, judged)


PARTS = (
    functions("unseen_fits", "test_unseen", FITS, 40, 100),
    functions("unseen_none", "test_unseen", NONE, 40, 100),
    bfcl("simple_python", 24, 60),
    bfcl("irrelevance", 24, 60),
)
TITLES = {
    "test_unseen": "Functions, unseen",
    "bfcl": "BFCL",
}
"""Page -> its title. The parts of Functions also get a row that takes both together."""

SHARED = 8
"""Requests to the same functions in SFT, which computes their description once."""
DECISIONS = {**DIALECT, "rubric": "toolrl-intermediate"}
"""Points for the right tools, and for calls that are right in all. In the paper's fine reward, a call with one argument
too many earns nearly as much as the right one, and GRPO learns to add arguments (LOG.md)."""
IMITATED = ["choose"] * 3 + NONE
"""Levels of SFT: of four requests, one is for what no function on offer does."""
TRIED = ["single"] * 4 + ["choose"] * 5 + NONE * 4
"""Levels of GRPO. Half of the tasks that nothing fits offer one function, as ``single`` does: with fewer tasks of
``single``, one function on offer comes to mean that it does not fit (LOG.md)."""
_CURVE = {"eval_kwargs": {"split": "val", "level": [*FITS, *NONE], "requests_per_toolset": 1}, "eval_tasks": 24}
"""The curve is the same for both stages: tasks of the fields that are trained on, with wordings that are not."""


@dataclass(frozen=True)
class Recipe:
    """Settings of both stages, as in TrainConfig."""

    sft: dict[str, Any] = field(
        default_factory=lambda: {
            "env": FUNCTIONS,
            "env_kwargs": {**DECISIONS, "level": IMITATED, "requests_per_toolset": SHARED},
            **_CURVE,
            "steps": 40,
            "prompts_per_step": 4 * SHARED,
            "neighbours": SHARED,
            "learning_rate": 3e-4,
            "max_tokens": 900,
            "max_completion_length": 64,
            "eval_every": 20,
            "save_every": 8,
        }
    )
    grpo: dict[str, Any] = field(
        default_factory=lambda: {
            "env": FUNCTIONS,
            "env_kwargs": {**DECISIONS, "level": TRIED},
            "draw": "stratified",
            "guided": "plain",
            **_CURVE,
            "steps": 14,
            "prompts_per_step": 16,
            "num_generations": 8,
            "temperature": 0.6,  # at 1, samples refuse in many tasks that fit, which greedy answers do not (LOG.md)
            "lora_rank": 16,
            "learning_rate": 6e-4,
            "warmup_steps": 1,
            "max_completion_length": 64,
            "eval_every": 7,
            "save_every": 2,
        }
    )
    parts: tuple[Part, ...] = PARTS
    max_new_tokens: int = 64
    """Tokens of one answer when the parts are played."""
    seconds: dict[str, float] = field(
        default_factory=lambda: {"before": 75, "sft": 520, "after SFT": 55, "grpo": 660, "after GRPO": 55}
    )
    """What each piece of work takes on two quiet cores: the first guess of how long is left."""

    def sft_config(self, out: str, model: str, seed: int) -> TrainConfig:
        return TrainConfig(algo="sft", out=out, model=model, seed=seed, **self.sft)

    def grpo_config(self, out: str, model: str, seed: int) -> TrainConfig:
        return TrainConfig(algo="grpo", out=out, model=model, seed=seed, **self.grpo)

    def with_steps(self, sft: int | None, grpo: int | None) -> Recipe:
        """The recipe with other numbers of steps; None keeps one."""
        changed = replace(self, sft={**self.sft, "steps": sft or self.sft["steps"]})
        return replace(changed, grpo={**self.grpo, "steps": grpo or self.grpo["steps"]})

    def judged(self) -> tuple[Part, ...]:
        """The parts on which several seeds are judged, with more tasks."""
        return tuple(replace(part, tasks=part.judged) for part in self.parts if part.judged)


RECIPE = Recipe()
