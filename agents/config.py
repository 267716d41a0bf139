"""The settings of a training run: one dataclass is the configuration, the command line and its documentation."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(kw_only=True, frozen=True)
class TrainConfig:
    """Settings of ``toolgym train``. Names are TRL's where the thing is the same."""

    algo: Literal["sft", "grpo", "ppo"] = "grpo"
    """sft imitates gold actions; grpo and ppo learn from rewards."""
    env: str = "ToolGym-Office-v0"
    """Gymnasium id of the suite to train on."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Its arguments, as JSON: {"level": "easy"}."""
    eval_kwargs: dict[str, Any] = field(default_factory=lambda: {"split": "val"})
    """Arguments, on top of env_kwargs, of the env that evaluates."""
    model: str = "smollm2"
    """smollm2, a folder, a checkpoint of another run, or a name on the Hugging Face hub."""
    out: str = "runs/train"
    """Folder of the run."""
    steps: int = 100
    """Optimizer batches."""
    prompts_per_step: int = 4
    """Tasks per batch."""
    num_generations: int = 8
    """Episodes per task (grpo: the group)."""
    max_completion_length: int = 128
    """Tokens of one answer."""
    max_tokens: int = 2048
    """Tokens of an episode, prompt included."""
    temperature: float = 1.0
    """Of sampling, and of the log-probabilities that are trained."""
    learning_rate: float = 1e-5
    """After warm-up; then it falls linearly to a tenth."""
    warmup_steps: int = 5
    """Steps over which the learning rate rises."""
    loss_type: Literal["dapo", "grpo", "dr_grpo", "gspo", "cispo"] = "dapo"
    """How tokens are averaged and ratios clipped; see grpo.py."""
    scale_rewards: Literal["group", "batch", "none"] = "group"
    """What advantages are divided by."""
    epsilon: float = 0.2
    """Clip range below 1, and above it unless epsilon_high is given."""
    epsilon_high: float | None = None
    """Clip range above 1."""
    beta: float = 0.0
    """Weight of the KL to the initial policy (k2, in the loss)."""
    num_iterations: int = 1
    """Updates per batch of episodes."""
    lora_rank: int = 0
    """Rank of LoRA adapters (needs peft); 0 trains all weights."""
    eval_every: int = 25
    """Steps between evaluations on eval_tasks held-out tasks, greedily; 0 for none."""
    eval_tasks: int = 64
    """Tasks of an evaluation: always the same ones."""
    save_every: int = 25
    """Steps between checkpoints; the last two are kept."""
    seed: int = 0
    """Of the tasks drawn and of sampling."""

    def __post_init__(self) -> None:
        for name in ("steps", "prompts_per_step", "num_generations", "max_completion_length", "num_iterations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name, kind in get_type_hints(TrainConfig).items():
            if get_origin(kind) is Literal and getattr(self, name) not in get_args(kind):
                raise ValueError(f"{name} must be one of {', '.join(get_args(kind))}; got {getattr(self, name)!r}")
        for name in ("temperature", "learning_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a number above 0 in training, got {getattr(self, name)}")
        if self.save_every < 1 or self.eval_every < 0:
            raise ValueError(
                f"save_every must be at least 1 and eval_every at least 0; got {self.save_every}, {self.eval_every}"
            )

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, then a linear fall to a tenth at the last step (steps count from 0)."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        gone = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.learning_rate * (1 - 0.9 * gone)


def descriptions() -> dict[str, str]:
    """What the text under each field says."""
    body = ast.parse(inspect.cleandoc(inspect.getsource(TrainConfig))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for line, below in zip(body.body, body.body[1:], strict=False):
        match line, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                found[name] = str(text)
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """An option per field; ``--config FILE`` gives values for those that are not on the command line."""
    hints, texts, defaults = get_type_hints(TrainConfig), descriptions(), dataclasses.asdict(TrainConfig())
    parser.add_argument("--config", metavar="FILE", help="YAML or JSON file of these settings")
    for item in dataclasses.fields(TrainConfig):
        kind = hints[item.name]
        default = defaults[item.name]
        shown = json.dumps(default) if isinstance(default, dict) else default
        options: dict[str, Any] = {"help": f"{texts[item.name]} (default: {shown})", "default": argparse.SUPPRESS}
        if get_origin(kind) is Literal:
            options["choices"] = get_args(kind)
        elif get_origin(kind) is dict:
            options |= {"type": _json_object, "metavar": "JSON"}
        else:
            options["type"] = next(each for each in (*get_args(kind), kind) if each is not type(None))
        if "choices" not in options:
            options.setdefault("metavar", {int: "N", float: "X", str: "TEXT"}.get(options["type"]))
        parser.add_argument("--" + item.name.replace("_", "-"), **options)


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'{text!r} is not a JSON object like {{"level": "easy"}}')
    return value


def from_arguments(options: argparse.Namespace) -> TrainConfig:
    """The config of a parsed command line. Raises ValueError for a file that cannot be read or an unknown setting."""
    values: dict[str, Any] = {}
    if getattr(options, "config", None):
        values = read_settings(Path(options.config))
    names = [item.name for item in dataclasses.fields(TrainConfig)]
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise ValueError(f"{options.config}: unknown setting {', '.join(unknown)}; there are {', '.join(names)}")
    values |= {name: getattr(options, name) for name in names if hasattr(options, name)}
    return TrainConfig(**values)


def read_settings(path: Path) -> dict[str, Any]:
    """A YAML (or JSON) file of settings."""
    import yaml

    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path} must map setting names to values")
    return values


def parse(arguments: Sequence[str]) -> TrainConfig:
    """``TrainConfig`` from command-line words, as ``toolgym train`` reads them."""
    parser = argparse.ArgumentParser(prog="toolgym train")
    add_arguments(parser)
    return from_arguments(parser.parse_args(arguments))
