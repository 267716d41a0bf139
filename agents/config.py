"""The settings of a training run: one dataclass is the configuration, the command line and its documentation."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import json
import math
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

LossType: TypeAlias = Literal["dapo", "grpo", "dr_grpo", "gspo", "cispo"]


@dataclass(kw_only=True, frozen=True)
class TrainConfig:
    """Settings of ``toolgym train``. A setting that TRL has too has TRL's name."""

    algo: Literal["sft", "grpo", "ppo", "pretrain"] = "grpo"
    """sft imitates gold actions; grpo and ppo learn from rewards; pretrain continues pre-training on plain text."""
    text: str = ""
    """FILE.txt, which is one document, or FILE.jsonl with a document {"text": "..."} in each line (pretrain). It is cut
    into pieces of max_tokens. eval_tasks pieces are held out, but at most a tenth."""
    env: str = "ToolGym-Office-v0"
    """Gymnasium id of the suite to train on."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the suite, as JSON: {"category": "easy"}."""
    eval_kwargs: dict[str, Any] = field(default_factory=lambda: {"split": "val"})
    """Arguments of the env that evaluates, on top of env_kwargs."""
    mix: list[dict[str, Any]] = field(default_factory=list)
    """More suites to train on, as JSON: [{"env": "ToolGym-ToolRL-v0", "split": "sft", "share": 0.3}]. Suites without a
    share have equal parts of what is left."""
    draw: Literal["random", "stratified", "curriculum"] = "random"
    """How a step's tasks are drawn: independently; the same share of each stratum (suite, category, with or without a
    fitting tool, ...) in every step; or more of what is solved sometimes (grpo, ppo). See drawing.py."""
    dynamic_sampling: int = 0
    """How often in a step groups that teach nothing, e.g. with equal rewards, are replaced by groups of new tasks
    (grpo); 0 never. See dynamic_sampling.py."""
    neighbours: int = 1
    """Draw this many neighbouring tasks together. If they offer the same tools, SFT computes these once:
    {"requests_per_toolset": 8} in env_kwargs of ToolGym-Functions-v1, and 8 here."""
    model: str = "smollm2"
    """smollm2, a folder, a checkpoint of another run, or a name on the Hugging Face hub."""
    trust_remote_code: bool = False
    """Run code that comes with the model. Only the command line can allow it, not a file of settings."""
    out: str = "runs/train"
    """Folder of the run."""
    steps: int = 100
    """Optimizer batches. The learning rate falls until the last step; resuming with more steps raises it again."""
    prompts_per_step: int = 4
    """Tasks per batch."""
    num_generations: int = 8
    """Episodes per task (grpo: the group)."""
    max_completion_length: int = 128
    """Tokens of one answer."""
    max_tokens: int = 2048
    """Tokens of an episode, prompt included. SFT leaves longer gold out, and evaluates without this limit."""
    temperature: float = 1.0
    """Temperature of sampling, and of the log-probabilities in the loss."""
    learning_rate: float = 1e-5
    """Learning rate after warm-up; it then falls linearly to a tenth."""
    warmup_steps: int = 5
    """Steps over which the learning rate rises."""
    loss_type: LossType = "dapo"
    """How tokens are averaged and ratios clipped; see losses.py."""
    credit: Literal["episode", "turn", "call", "fork", "term"] = "episode"
    """What is compared within a group (grpo): whole episodes; turns, with all later rewards; turns and calls; turns
    with playouts from the same state; or turns, and in them what calls have not earned so far. See advantages.py."""
    forks: int = 2
    """Comparisons of each turn (credit fork): members in the same state, and playouts for missing members."""
    guided: Literal["off", "plain", "shaped"] = "off"
    """If all episodes of a group failed, add the gold answer to the group (grpo): imitated by its advantage, or with
    LUFFY's shaped ratio. See guided.py."""
    scale_rewards: Literal["group", "batch", "none"] = "group"
    """Advantages are divided by this standard deviation."""
    epsilon: float = 0.2
    """Clip range below 1, and above it unless epsilon_high is given."""
    epsilon_high: float | None = None
    """Clip range above 1."""
    beta: float = 0.0
    """Weight of the KL to the initial policy."""
    kl_in: Literal["loss", "reward"] = "loss"
    """k2 in the loss, or k1 taken off the reward (ppo: off each token's reward) before advantages."""
    mask_truncated: bool = False
    """Leave truncated episodes out of the loss; their rewards stay in the group's statistics."""
    importance_cap: float | None = None
    """Multiply each token's loss by min(trainer's / sampler's probability, this cap); 0 turns it off. 2 with a sampler,
    else 0, unless given."""
    tools: Literal["prompt", "template"] = "prompt"
    """prompt: the messages describe the tools; template: the model's chat template does, in the words it was trained on
    (then choose its dialect, e.g. --dialect hermes)."""
    template_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the model's chat template, as JSON: {"enable_thinking": false}."""
    demonstrations: int = 0
    """Worked examples of the train split that stand as chat turns before each request."""
    demonstrations_in: Literal["prompt", "sampling"] = "prompt"
    """prompt: in every prompt, the evaluation's too. sampling (grpo, ppo): training episodes are sampled with the
    demonstrations, and the update and the evaluation have the prompts without them: what the examples bring about is
    learnt. See agents/README.md."""
    num_iterations: int = 1
    """Updates per batch of episodes."""
    dtype: Literal["auto", "bfloat16", "float32"] = "auto"
    """Dtype that the model computes in. auto: bfloat16 if the hardware has it. The optimizer has float32 weights."""
    gradient_checkpointing: bool = False
    """Compute each layer's activations again in backward instead of keeping them: less memory, slower updates."""
    fsdp: bool = False
    """Under torchrun, divide weights, gradients and the optimizer's state among the ranks (FSDP2)."""
    lora_rank: int = 0
    """Rank of LoRA adapters (needs peft); 0 trains all weights."""
    quantize: Literal["off", "nf4"] = "off"
    """nf4 keeps the base model in 4 bits (QLoRA; needs bitsandbytes), for less memory. It is for lora_rank above 0."""
    eval_every: int = 25
    """Steps between greedy evaluations on eval_tasks held-out tasks; 0 for none."""
    eval_tasks: int = 64
    """Tasks of an evaluation, the same every time."""
    save_every: int = 25
    """Steps between checkpoints; the last two are kept."""
    seed: int = 0
    """Seed of task selection and sampling."""
    sampler: str = ""
    """Address of a vLLM server that samples the episodes (grpo, ppo), http://host:port, started by `toolgym
    serve-sampler`; without one, this process does."""
    sampler_folder: str = ""
    """Folder for the weights on their way to the sampler, which both see under this path; RUN/sampler-weights if not
    given."""
    overlap: bool = False
    """Sample the next step's episodes while this step trains, with weights that are one step old. Needs a sampler."""
    ray: str = ""
    """Play the episodes on a Ray cluster, against the sampler: auto (the cluster of this machine), host:port, or local
    (a new one, here). Every machine must reach the sampler's address."""
    ray_actors: int | None = None
    """Processes on the Ray cluster; one per CPU if not given."""

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(TrainConfig).items():
            if not _fits(getattr(self, name), kind):
                raise ValueError(f"{name} must be {_in_words(kind)}, got {getattr(self, name)!r}")
        if not all(isinstance(entry, dict) and isinstance(entry.get("env"), str) for entry in self.mix):
            raise ValueError(f'mix must be a list of mappings that each name an "env", got {self.mix!r}')
        shares = [entry["share"] for entry in self.mix if "share" in entry]
        if not all(type(share) in (int, float) and share > 0 for share in shares) or not sum(shares) < 1:
            raise ValueError(f"each share in mix must be a number above 0, and their sum below 1; got {shares}")
        counts = ("steps", "prompts_per_step", "num_generations", "max_completion_length", "max_tokens", "forks",
                  "num_iterations", "eval_tasks", "save_every", "neighbours")  # fmt: skip
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("lora_rank", "seed", "warmup_steps", "eval_every", "dynamic_sampling", "demonstrations"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be a whole number from 0, got {getattr(self, name)}")
        for name in ("temperature", "learning_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a number above 0 in training, got {getattr(self, name)}")
        if self.algo != "grpo" and self.credit != "episode":
            raise ValueError(f'credit {self.credit!r} is for algo "grpo"; got {self.algo!r}')
        if self.guided != "off" and (self.algo != "grpo" or self.credit == "fork"):
            raise ValueError(
                f'guided {self.guided!r} is for algo "grpo" with credit other than "fork" (which averages over the '
                f"policy's own playouts); got {self.algo!r} with credit {self.credit!r}"
            )
        if self.demonstrations_in == "sampling" and not self.plays:
            raise ValueError(f'demonstrations_in "sampling" is for grpo and ppo: {self.algo} samples nothing')
        if self.demonstrations_in == "sampling" and not self.demonstrations:
            raise ValueError('demonstrations_in "sampling" needs demonstrations, e.g. 4')
        if self.quantize != "off" and self.fsdp:
            raise ValueError("quantize and fsdp do not go together: weights in 4 bits cannot be divided")
        if self.quantize != "off" and not self.lora_rank:
            raise ValueError(
                f"quantize {self.quantize!r} needs lora_rank, e.g. 16: weights in 4 bits are not trained, adapters are"
            )
        if not 0 <= self.beta < math.inf:
            raise ValueError(f"beta must be a number from 0, got {self.beta}")
        if self.sampler and not self.plays:
            raise ValueError(f"sampler is for grpo and ppo: {self.algo} samples nothing")
        if self.sampler_folder and not self.sampler:
            raise ValueError(f"sampler_folder is for a sampler, and none is given; got {self.sampler_folder!r}")
        if self.overlap and not self.sampler:
            raise ValueError("overlap needs a sampler: this process cannot sample with weights that it is changing")
        if self.ray and not self.sampler:
            raise ValueError("ray needs a sampler: actors have no model of their own to sample from")
        if self.ray_actors is not None and (not self.ray or self.ray_actors < 1):
            raise ValueError(f"ray_actors is a number from 1, for ray; got {self.ray_actors} with ray {self.ray!r}")
        cap = (2.0 if self.sampler else 0.0) if self.importance_cap is None else self.importance_cap
        if cap != 0 and not cap >= 1:
            raise ValueError(f"importance_cap must be 0 (off) or a number from 1, got {cap}")
        object.__setattr__(self, "importance_cap", cap)
        for name, value in (("epsilon", self.epsilon), ("epsilon_high", self.epsilon_high)):
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be a number above 0, got {value}")
        if self.loss_type == "cispo" and self.epsilon_high is not None and self.epsilon_high < 1:
            raise ValueError(f"for cispo epsilon_high is the largest ratio, at least 1; got {self.epsilon_high}")
        if self.algo != "grpo" and self.dynamic_sampling:
            raise ValueError(f'dynamic_sampling is for algo "grpo", which compares groups; got {self.algo!r}')
        if self.neighbours > 1 and self.draw != "random":
            raise ValueError(f'neighbours are for draw "random"; got {self.draw!r}')
        if not self.plays and self.draw == "curriculum":
            raise ValueError('draw "curriculum" is for grpo and ppo: gold episodes, in sft, have no solve rate')
        if not self.plays and self.beta:
            raise ValueError(f"beta is for grpo and ppo, got {self.beta} for {self.algo}")
        if self.algo == "pretrain" and not self.text:
            raise ValueError('algo "pretrain" needs text: --text FILE.txt or --text FILE.jsonl')
        if self.algo != "pretrain" and self.text:
            raise ValueError(f'text is for algo "pretrain", got {self.text!r} for {self.algo}')
        if self.algo == "pretrain":
            ignored = {"env": self.env != TrainConfig.env, "env_kwargs": bool(self.env_kwargs), "mix": bool(self.mix),
                       "draw": self.draw != "random", "neighbours": self.neighbours > 1,
                       "demonstrations": self.demonstrations > 0}  # fmt: skip
            for name in (name for name, given in ignored.items() if given):
                raise ValueError(f"{name} is for sft, grpo and ppo, which train on a suite: pretrain reads only text")
        if self.algo == "pretrain" and self.max_tokens < 2:
            raise ValueError(f"max_tokens must be at least 2 in pretrain, got {self.max_tokens}")

    @property
    def plays(self) -> bool:
        """Whether the policy plays the episodes that it learns from: sft and pretrain imitate texts."""
        return self.algo in ("grpo", "ppo")

    def suites(self) -> list[tuple[str, dict[str, Any]]]:
        """Gymnasium id and arguments of each suite to train on."""
        return [(self.env, {**self._offer(), **self.env_kwargs})] + [
            (entry["env"], {**self._offer(), **{name: entry[name] for name in entry if name not in ("env", "share")}})
            for entry in self.mix
        ]

    def shares(self) -> list[float]:
        """Of each suite in ``suites()``, its share of the tasks."""
        given = [None, *[entry.get("share") for entry in self.mix]]
        rest = (1 - sum(share for share in given if share)) / given.count(None)
        return [share or rest for share in given]

    def held_out(self) -> dict[str, Any]:
        """Arguments of the env that evaluates."""
        left_out = {"demonstrations": 0} if self.demonstrations_in == "sampling" else {}
        return {**self._offer(), **self.env_kwargs, **left_out, **self.eval_kwargs}

    def _offer(self) -> dict[str, Any]:
        """What the settings ask of every env: its part of the prompts."""
        offer: dict[str, Any] = {"instructions": False} if self.tools == "template" else {}
        return offer | ({"demonstrations": self.demonstrations} if self.demonstrations else {})

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, then a linear fall to a tenth at the last step (steps count from 0)."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        gone = (step - self.warmup_steps) / max(1, self.steps - 1 - self.warmup_steps)
        return self.learning_rate * (1 - 0.9 * gone)


_USED_BY = {
    **dict.fromkeys(
        ("num_generations", "temperature", "num_iterations", "loss_type", "epsilon", "epsilon_high", "beta", "kl_in",
         "mask_truncated", "importance_cap", "sampler", "sampler_folder", "overlap", "ray", "ray_actors",
         "demonstrations_in"),
        ("grpo", "ppo"),
    ),
    **dict.fromkeys(("credit", "forks", "guided", "dynamic_sampling", "scale_rewards"), ("grpo",)),
    **dict.fromkeys(
        ("env", "env_kwargs", "eval_kwargs", "mix", "draw", "neighbours", "max_completion_length", "tools",
         "template_kwargs", "demonstrations"),
        ("sft", "grpo", "ppo"),
    ),
}  # fmt: skip
"""Setting -> the algorithms that use it. A setting that is not in here is used by all."""


def unused(algo: str, given: Collection[str]) -> dict[str, str]:
    """The settings among ``given`` that the algorithm does not use -> the algorithms that do, in words."""
    return {
        name: " and ".join(filter(None, (", ".join(algos[:-1]), algos[-1])))
        for name, algos in _USED_BY.items()
        if name in given and algo not in algos
    }


def _fits(value: Any, kind: Any) -> bool:
    return value in get_args(kind) if get_origin(kind) is Literal else type(value) in _types(kind)


def _types(kind: Any) -> tuple[Any, ...]:
    """The types that values of a field may have."""
    if get_origin(kind) in (dict, list):
        return (get_origin(kind),)
    named = get_args(kind) or (kind,)
    return (*named, int) if float in named else named


def _in_words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    words = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    words |= {dict: "a mapping", list: "a list"}
    return words[_types(kind)[0]]


def descriptions() -> dict[str, str]:
    """The text under each field."""
    body = ast.parse(inspect.cleandoc(inspect.getsource(TrainConfig))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for line, below in zip(body.body, body.body[1:], strict=False):
        match line, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                found[name] = str(text)
    return found


def add_arguments(parser: argparse.ArgumentParser, *, more_algos: Sequence[str] = ()) -> None:
    """Add one option per field; ``--config FILE`` gives the values of options that are not given.

    Args:
        more_algos: further choices of ``algo``.
    """
    hints, texts, defaults = get_type_hints(TrainConfig), descriptions(), dataclasses.asdict(TrainConfig())
    parser.add_argument("--config", metavar="FILE", help="YAML or JSON file of these settings")
    for item in dataclasses.fields(TrainConfig):
        kind = hints[item.name]
        default = defaults[item.name]
        shown = json.dumps(default) if isinstance(default, (dict, list)) else default
        ending = "" if default in ("", None) else f" (default: {shown})"
        options: dict[str, Any] = {"help": texts[item.name] + ending, "default": argparse.SUPPRESS}
        if get_origin(kind) is Literal:
            options["choices"] = (*get_args(kind), *(more_algos if item.name == "algo" else ()))
        elif kind is bool:
            parser.add_argument("--" + item.name.replace("_", "-"), action=argparse.BooleanOptionalAction, **options)
            continue
        elif get_origin(kind) in (dict, list):
            options |= {"type": json_of(get_origin(kind)), "metavar": "JSON"}
        else:
            options["type"] = next(each for each in (*get_args(kind), kind) if each is not type(None))
        if "choices" not in options:
            options.setdefault("metavar", {int: "N", float: "X", str: "TEXT"}.get(options["type"]))
        parser.add_argument("--" + item.name.replace("_", "-"), **options)


def json_of(kind: Any) -> Callable[[str], Any]:
    """A parser for an option that is a JSON object (``kind`` dict) or list."""

    def read(text: str) -> Any:
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, kind):
            wanted = 'object like {"category": "easy"}' if kind is dict else 'list like [{"env": "ToolGym-ToolRL-v0"}]'
            raise argparse.ArgumentTypeError(f"{text!r} is not a JSON {wanted}")
        return value

    return read


def from_arguments(options: argparse.Namespace) -> TrainConfig:
    """The config of a parsed command line. Raises ValueError for a file that cannot be read or an unknown setting."""
    values: dict[str, Any] = {}
    if getattr(options, "config", None):
        values = read_settings(Path(options.config))
    names = [item.name for item in dataclasses.fields(TrainConfig)]
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise ValueError(f"{options.config}: unknown setting {', '.join(unknown)}; there are {', '.join(names)}")
    if values.pop("trust_remote_code", False):
        raise ValueError(f"{options.config}: trust_remote_code is not taken from a file; give --trust-remote-code")
    hints = get_type_hints(TrainConfig)
    for name, value in values.items():
        if float in _types(hints[name]) and isinstance(value, str):  # YAML 1.1 takes 1e-5, without a point, for text
            with suppress(ValueError):
                values[name] = float(value)
    values |= {name: getattr(options, name) for name in names if hasattr(options, name)}
    return TrainConfig(**values)


def read_settings(path: Path) -> dict[str, Any]:
    """A YAML (or JSON) file of settings."""
    import yaml

    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ValueError(f"{where} is neither YAML nor JSON: {error.problem}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path} must map setting names to values")
    return values


def parse(arguments: Sequence[str]) -> TrainConfig:
    """``TrainConfig`` from command-line words, as ``toolgym train`` reads them."""
    parser = argparse.ArgumentParser(prog="toolgym train", allow_abbrev=False)
    add_arguments(parser)
    return from_arguments(parser.parse_args(arguments))
