"""The sizes of the study: model, training settings, and the suites of the evaluation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from .arms import ARMS
from .decisions import ENV, TOOLRL_ENV


class Suite(msgspec.Struct, frozen=True):
    """A suite on which every arm is evaluated."""

    name: str
    env: str
    kwargs: dict[str, Any]
    n: int | None
    """Tasks, at equal distances; None for all. Of each category if ``kwargs`` names several and ``each`` is True."""
    new_tokens: int = 128
    each: bool = False
    batch: int = 64
    """Episodes played at once."""


class Size(msgspec.Struct, frozen=True):
    """A study at one size."""

    model: str
    """"tiny" is pretrained from scratch; else as in TrainConfig; "" must be given on the command line."""
    train: dict[str, Any]
    """Settings of all arms; schedules of rewards are scaled to the arm's steps."""
    kinds: dict[str, dict[str, Any]]
    suites: tuple[Suite, ...]
    overall: str
    """The suite whose success is called overall."""
    length_words: int
    """Words of thought for the full length reward."""
    built: dict[str, int] = {}
    """Settings of the tiny model: see tiny_model.build."""
    arms: tuple[str, ...] = ()
    """The arms that are run by default, in this order: all arms of seed 0 first, then those of the next seed. () for
    all that this size has."""
    seeds: int = 5
    """How many seeds are run by default."""
    minutes: dict[str, float] = {}
    """Kind of arm -> minutes of its training on two quiet cores; "judge": minutes of all suites. For the estimate."""
    ablations: str = ""
    """The size whose ablations stand in this size's document, if they are too dear here."""

    @property
    def has(self) -> tuple[str, ...]:
        """The names of the arms that can be run at this size."""
        return tuple(name for name, arm in ARMS.items() if arm.kind == "raw" or arm.kind in self.kinds)


PAPER_STEPS = 105
"""Training steps of the paper's runs, and the length of its schedules."""


def decisions(name: str, n: int, **kwargs: Any) -> Suite:
    return Suite(name, ENV, kwargs, n, 80)


_TINY_RL = {"steps": 50, "prompts_per_step": 8, "num_generations": 8, "learning_rate": 1.5e-3}
TINY = Size(
    model="tiny",
    train={"env": ENV, "env_kwargs": {}, "max_completion_length": 80, "max_tokens": 400, "warmup_steps": 3},
    kinds={
        "sft_small": {"algo": "sft", "steps": 25, "prompts_per_step": 8, "learning_rate": 1e-3},
        "sft_large": {"algo": "sft", "steps": 125, "prompts_per_step": 16, "learning_rate": 1e-3},
        "ppo": {"algo": "ppo", **_TINY_RL},
        "grpo": {"algo": "grpo", **_TINY_RL},
    },
    suites=(
        decisions("seen", 180, split="train", world=901),
        decisions("test", 180, split="test"),
        decisions("test_unseen", 180, split="test_unseen"),
    ),
    overall="seen",
    length_words=32,
    built={"hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4, "vocabulary": 1500, "steps": 1600},
)


def bfcl(name: str, categories: Sequence[str], n: int | None) -> Suite:
    return Suite(name, "ToolGym-BFCL-v0", {"category": list(categories)}, n)


_GPU_RL = {"steps": 105, "prompts_per_step": 128, "num_generations": 4, "learning_rate": 1e-6}
GPU = Size(
    model="",
    train={"env": TOOLRL_ENV, "env_kwargs": {"split": "train"}, "max_completion_length": 1024, "max_tokens": 3072},
    kinds={
        "sft_small": {"algo": "sft", "env": "ToolGym-ToolRL-v0", "env_kwargs": {"split": "sft"}, "steps": 75,
                      "prompts_per_step": 16, "learning_rate": 1e-5, "max_tokens": 4096},
        "sft_large": {"algo": "sft", "env": "ToolGym-ToolRL-v0", "steps": 735, "prompts_per_step": 16,
                      "learning_rate": 1e-5, "max_tokens": 4096},
        "ppo": {"algo": "ppo", **_GPU_RL},
        "grpo": {"algo": "grpo", **_GPU_RL},
    },
    suites=(
        bfcl("bfcl", ("simple_python", "multiple", "parallel", "parallel_multiple", "live_simple", "live_multiple",
                      "live_relevance", "irrelevance", "live_irrelevance"), None),
        Suite("apibank", "ToolGym-APIBank-v0", {}, None, 512),
        Suite("bamboogle", "ToolGym-Bamboogle-v0", {}, None, 512),
        Suite("toolrl", "ToolGym-ToolRL-v0", {"split": "test"}, None, 1024),
    ),
    overall="bfcl",
    length_words=512,
)  # fmt: skip


def changed(size: Size, settings: Sequence[str]) -> Size:
    """The size with other settings: "grpo.steps=10", "train.max_tokens=400", "built.steps=3", "suites.n=8".

    Raises ValueError for a setting that is not of that form.
    """
    for setting in settings:
        part, name, value = read_setting(setting)
        if part in size.kinds:
            size = msgspec.structs.replace(size, kinds={**size.kinds, part: {**size.kinds[part], name: value}})
        elif part in ("train", "built"):
            size = msgspec.structs.replace(size, **{part: {**getattr(size, part), name: value}})
        elif (part, name) == ("suites", "n"):
            suites = tuple(msgspec.structs.replace(suite, n=value) for suite in size.suites)
            size = msgspec.structs.replace(size, suites=suites)
        else:
            raise ValueError(f"{setting!r}: begin with {', '.join(size.kinds)}, train or built, or with suites.n")
    return size


def read_setting(text: str) -> tuple[str, str, Any]:
    """ "grpo.steps=10" as ("grpo", "steps", 10). Raises ValueError if what follows = is not JSON."""
    place, _, value = text.partition("=")
    part, _, name = place.partition(".")
    try:
        return part, name, json.loads(value)
    except ValueError:
        raise ValueError(f"{text!r}: what follows = must be JSON") from None
