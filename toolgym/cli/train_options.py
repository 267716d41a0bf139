"""The options of ``toolgym train``: the settings of the trainers, in the spelling of ``toolgym eval`` too."""

from __future__ import annotations

import argparse
import dataclasses
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from toolgym.cli.denominator import max_invalid_option
from toolgym.cli.options import ROWS, data_option, env_choices, env_kwargs, template_kwarg_option, with_data
from toolgym.cli.progress import trackers_option
from toolgym.cli.resolve import UserError, env_arguments
from toolgym.report.text import plain

SB3 = """\
sb3-ppo, sb3-a2c and sb3-dqn train a small network of stable-baselines3 to
choose: which tool to call, and whether to; rules fill in the arguments.
--steps are then actions (20000); --out, --env, --env-kwargs, --eval-kwargs,
--eval-every (5000), --eval-tasks (200), --save-every (5000), --learning-rate
(0.001) and --seed apply too."""
HEADINGS = {
    "what to train, on what, for how long": (
        "algo", "model", "data", "text", "env", "category", "dialect", "rubric", "env_arg", "env_kwargs", "steps",
        "out", "resume", "seed", "config", "trust_remote_code",
    ),
    "evaluation on held-out tasks, and checkpoints": (
        "eval_every", "eval_tasks", "eval_kwargs", "save_every", "max_invalid", "report_to",
    ),
    "batches and lengths": (
        "prompts_per_step", "num_generations", "max_completion_length", "max_tokens", "temperature", "mix", "draw",
        "neighbours", "dynamic_sampling", "tools", "template_kwarg", "demonstrations", "demonstrations_in",
    ),
    "sampling by a vLLM server": ("sampler", "sampler_folder", "overlap", "ray", "ray_actors"),
    "the optimizer": ("learning_rate", "warmup_steps", "num_iterations", "lora_rank"),
    "memory, and several GPUs (torchrun --nproc-per-node N -m toolgym train ...)": (
        "dtype", "quantize", "gradient_checkpointing", "fsdp",
    ),
    "the loss, for experts": (
        "credit", "forks", "guided", "loss_type", "scale_rewards", "epsilon", "epsilon_high", "beta", "kl_in",
        "mask_truncated", "importance_cap",
    ),
}  # fmt: skip
"""Heading of ``--help-all`` -> settings, in the order that a user needs them."""
NEEDED = ("algo", "model", "data", "env", "category", "dialect", "steps", "out", "resume", "eval_every",
          "prompts_per_step", "num_generations", "max_completion_length", "learning_rate")  # fmt: skip
"""The settings of ``--help``."""


_SPELT = {**dict.fromkeys(("category", "dialect", "rubric", "env_arg"), "env_kwargs"),
          "template_kwarg": "template_kwargs"}  # fmt: skip
"""Options in the spelling of ``toolgym eval`` -> the settings that they become."""


class _Options:
    """Takes the place of a parser: collects options by their names, to be put under headings."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, dict[str, Any]]] = {}

    def add_argument(self, flag: str, **options: Any) -> None:
        """The only method of a parser that these options use."""
        self.found[flag.removeprefix("--").replace("-", "_")] = (flag, options)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The settings of the trainers under ``HEADINGS``, and ``--resume``."""
    sb3: Any = import_module("toolgym.agents.sb3.config")
    options = _Options()
    import_module("toolgym.agents.config").add_arguments(options, more_algos=sb3.ALGOS)
    options.add_argument("--resume", action="store_true", help="continue the run in --out")
    max_invalid_option(options)
    data_option(options)
    trackers_option(options)
    env_choices(options)
    template_kwarg_option(options)
    _, as_json = options.found.pop("template_kwargs")
    for heading, names in HEADINGS.items():
        group = parser.add_argument_group(heading)
        for name in names:
            flag, how = options.found.pop(name)
            group.add_argument(flag, **how)
    for flag, how in options.found.values():  # settings that no heading names yet
        parser.add_argument(flag, **how)
    parser.add_argument_group("a small network instead of a language model", SB3)
    sb3.add_arguments(parser)
    # other spellings of the same: as JSON, and as toolgym eval had it
    parser.add_argument("--template-kwargs", **{**as_json, "help": argparse.SUPPRESS})
    parser.add_argument(
        "--max-new-tokens", dest="max_completion_length", type=int, default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )


def read_config(args: argparse.Namespace) -> dict[str, Any]:
    """The settings in the file of ``--config``; {} without one. Raises UserError for a file that cannot be read."""
    if not args.config:
        return {}
    try:
        return dict(import_module("toolgym.agents.config").read_settings(Path(args.config)))
    except ValueError as error:
        raise UserError(str(error)) from None


def algorithm(args: argparse.Namespace) -> Any:
    """The algorithm of ``--algo`` or of the ``--config`` file; None if neither names one."""
    return args.algo if hasattr(args, "algo") else read_config(args).get("algo")


def take_shared_spelling(args: argparse.Namespace) -> None:
    """Turn ``--category``, ``--dialect``, ``--rubric`` and ``--env-arg`` into ``env_kwargs``, and ``--template-kwarg``
    into ``template_kwargs``. They are added to those of the ``--config`` file. Raises UserError for a value that is
    given twice.
    """
    kept = read_config(args)
    env_id = ROWS if "data" in args else getattr(args, "env", kept.get("env"))
    given = env_kwargs(args, str(env_id or import_module("toolgym.agents.config").TrainConfig.env))
    template = env_arguments(args.template_kwarg or [], "--template-kwarg", "enable_thinking=false")
    for name, values in (("env_kwargs", given), ("template_kwargs", template)):
        if not values:
            continue
        as_json = getattr(args, name, {})
        if twice := [key for key in values if key in as_json]:
            raise UserError(f"{twice[0]} is given twice: leave it out of --{name.replace('_', '-')}")
        before = kept.get(name) if name not in args else as_json
        setattr(args, name, {**(before if isinstance(before, dict) else {}), **values})


def check_used(args: argparse.Namespace, console: Console) -> None:
    """Raises UserError for a setting of the command line that the algorithm does not use.

    Warns of those in the file of ``--config`` that differ from the default: a file may serve several runs.
    """
    settings: Any = import_module("toolgym.agents.config")
    algo = algorithm(args) or settings.TrainConfig.algo
    for name in sorted(vars(args), key=lambda name: name not in _SPELT):  # these first: they have made others
        setting = _SPELT.get(name, name)
        if name in _SPELT and not getattr(args, name):
            continue
        for algos in settings.unused(algo, [setting]).values():
            raise UserError(f"--{name.replace('_', '-')} is for {algos}; {algo} does not use it: leave it out")
    defaults = dataclasses.asdict(settings.TrainConfig())
    changed = [name for name, value in read_config(args).items() if value != defaults.get(name)]
    ignored = settings.unused(algo, changed)
    if ignored:
        told = ", ".join(f"{name} (for {algos})" for name, algos in ignored.items())
        console.print(
            plain(f"{args.config} has settings that {algo} does not use: {told}", "yellow"), soft_wrap=True
        )  # a path must not be split over two lines


def take_data(args: argparse.Namespace, console: Console) -> None:
    """Turn ``--data`` into settings: train on the split "train", evaluate on "val". A file that is too small for one of
    the two is trained on as a whole, without an evaluation, if no split was chosen."""
    given = dict(getattr(args, "env_kwargs", {}))
    arguments = with_data(args, given)
    chosen = "split" in given or hasattr(args, "eval_kwargs")
    args.env_kwargs = {"split": "train", **arguments}
    if chosen:
        return
    sizes = import_module("toolgym.envs.rows.tasks").split_sizes(
        args.data, given.get("seed", 0), given.get("held_out", 0.1)
    )
    if not (sizes["train"] and sizes["val"]):
        console.print(
            f"{args.data} has {sum(sizes.values())} conversations, too few to hold some out: all are trained on, and "
            "nothing is evaluated.", style="yellow", markup=False,
        )  # fmt: skip
        args.env_kwargs, args.eval_kwargs, args.eval_every = {**arguments, "split": "all"}, {}, 0
