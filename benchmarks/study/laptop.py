"""The study at laptop size: SmolLM2-135M on two cores."""

from __future__ import annotations

from typing import Any

from .decisions import FUNCTIONS_ENV
from .sizes import Size, Suite

FUNCTIONS, OFFICE = "ToolGym-Functions-v1", "ToolGym-Office-v0"
DIALECT = {"dialect": "compact"}
BFCL = (
    "simple_python", "multiple", "parallel", "parallel_multiple", "simple_java", "simple_javascript", "irrelevance",
    "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple", "live_irrelevance", "live_relevance",
)  # fmt: skip
"""Every single-turn category."""
MULTI_TURN = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")


def suite(name: str, env: str, kwargs: dict[str, Any], n: int, **more: Any) -> Suite:
    return Suite(name, env, {**kwargs, **DIALECT}, n, **{"new_tokens": 64, **more})


SUITES = (
    suite("bfcl", "ToolGym-BFCL-v0", {"category": list(BFCL)}, 20, each=True),
    suite("functions", FUNCTIONS, {"split": "test"}, 60),
    suite("functions_unseen", FUNCTIONS, {"split": "test_unseen"}, 100),
    suite("office", OFFICE, {"split": "test", "level": "easy", "max_turns": 4}, 32),
    suite("office_unseen", OFFICE, {"split": "test_unseen", "level": "easy", "max_turns": 4}, 32),
    suite("sealtools", "ToolGym-SealTools-v0", {"split": "test_unseen"}, 60, new_tokens=128),
    suite("toolrl", "ToolGym-ToolRL-v0", {"split": "test"}, 40),
    suite(
        "multi_turn",
        "ToolGym-BFCL-MultiTurn-v0",
        {"category": list(MULTI_TURN), "max_turns": 16},
        3,
        each=True,
        batch=12,
    ),
    suite(
        "memory",
        "ToolGym-BFCL-Agentic-v0",
        {"category": ["memory_kv", "memory_rec_sum"], "max_turns": 8},
        8,
        each=True,
        batch=16,
    ),
)
"""In the order in which they are played: the cheap and telling ones first. multi_turn ends after 16 actions, which a
right dialogue rarely needs: a model of this size passes next to none, and calls without end."""

_SFT = {
    "algo": "sft",
    "env": FUNCTIONS,
    "env_kwargs": {**DIALECT, "requests_per_toolset": 12},
    "mix": [
        {"env": OFFICE, "level": ["single", "choose", "parallel"], "share": 0.15, **DIALECT},
        {"env": OFFICE, "level": "easy", "share": 0.1, **DIALECT},
    ],
    "neighbours": 12,
    "prompts_per_step": 36,
    "max_tokens": 1000,
    "learning_rate": 3e-4,
}
_RL = {
    "env": FUNCTIONS_ENV,
    "env_kwargs": {
        "level": ["single", "choose", "parallel", "mixed", "irrelevant", "irrelevant", "missing"],
        "reward": {"granularity": "intermediate"},
        **DIALECT,
    },
    "draw": "stratified",
    "steps": 40,
    "prompts_per_step": 16,
    "lora_rank": 16,
    "learning_rate": 6e-4,
    "max_completion_length": 64,
    "temperature": 0.6,
}
"""With LoRA adapters the noise of so few episodes per step does little harm. With all weights trained, it undoes the
SFT. The reward, the guidance and the temperature are those of the demo's recipe, for its reasons (LOG.md)."""
LAPTOP = Size(
    model="smollm2",
    train={},
    kinds={
        "sft_small": {**_SFT, "steps": 150},
        "sft_large": {**_SFT, "steps": 600},
        "ppo": {"algo": "ppo", **_RL},
        "grpo": {"algo": "grpo", "guided": "plain", **_RL},
        "guided": {"algo": "grpo", "guided": "plain", **_RL, "steps": 60},
    },
    suites=SUITES,
    overall="bfcl",
    length_words=64,
    arms=("raw", "sft-small", "sft-grpo", "grpo-guided", "sft-ppo"),
    seeds=3,
    # reckoned from the seconds of single steps (LOG.md); no arm has run to its end at these settings yet
    minutes={"sft_small": 36, "sft_large": 140, "ppo": 32, "grpo": 32, "guided": 50, "judge": 20},
    ablations="tiny",
)
