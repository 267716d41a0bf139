"""``make demo``: SmolLM2-135M learns to call tools on two cores: before, after SFT, after GRPO, side by side.

    python benchmarks/demo.py [--out runs/demo] [--model smollm2] [--seed 0]

SFT imitates gold actions of ToolGym-Functions-v1; GRPO then learns from rewards (a group whose tries all failed gets
the gold answer as one more member: --guided plain). Before, between and after, the model plays the same held-out tasks:
functions of fields that are not in training, with and without a tool that fits, and BFCL rows, on which it is never
trained, under the official verdict. The recipe is in stages/recipe.py. The first run downloads 95 MB (the BFCL wheel
and the model). Everything is saved as it is made: after a stop the same command continues.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from harness import command_line
from rich.console import Console
from rich.rule import Rule
from stages.pages import links, write_pages
from stages.recipe import RECIPE, Recipe
from stages.sentence import sentence
from stages.table import Line, lines, screen_table
from stages.work import Work, fetch

from toolgym import Trajectory
from toolgym.assets import AssetError
from toolgym.cli.resolve import UserError
from toolgym.cli.terminal import reward_view, screen
from toolgym.cli.threads import spin_briefly
from toolgym.report.episode import quality
from toolgym.report.text import plain
from toolgym.runlog import RunError


def main() -> int:
    parser = command_line(__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder of the runs and the pages")
    parser.add_argument("--model", default="smollm2", help="smollm2, a folder, or a name on the Hugging Face hub")
    parser.add_argument("--seed", type=int, default=0, help="of both trainings (0); the held-out tasks are the same")
    parser.add_argument("--sft-steps", type=int, help="instead of the recipe's")
    parser.add_argument("--grpo-steps", type=int, help="instead of the recipe's")
    args = parser.parse_args()
    spin_briefly()
    try:
        demo(args.out, args.model, RECIPE.with_steps(args.sft_steps, args.grpo_steps), args.seed, screen())
    except (AssetError, RunError, UserError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nstopped; what was done so far is in {args.out}; the same command goes on", file=sys.stderr)
        return 130
    return 0


def demo(out: Path, model: str, recipe: Recipe, seed: int, console: Console) -> None:
    """All stages, in order; finished ones are read from ``out``."""
    began = time.perf_counter()
    work = Work(out, model, recipe, seed, console)

    def stage(title: str) -> None:
        console.print(Rule(plain(f"{title} · {work.left()} to go", "bold"), align="left"))

    stage("1. Data and model")
    fetch(model, console)
    stage("2. Before: held-out tasks, as it is")
    before = work.play("before", model)
    stage("3. SFT: it imitates gold actions")
    imitated = work.train_sft()
    stage("4. After SFT: the same held-out tasks")
    after_sft = work.play("after SFT", imitated)
    stage("5. GRPO: it tries, and learns from rewards")
    learnt = work.train_grpo(imitated)
    stage("6. After GRPO: the same held-out tasks")
    after_grpo = work.play("after GRPO", learnt)

    console.print(Rule(plain("7. Why a reward is what it is: three calls it makes now", "bold"), align="left"))
    for trajectory in three_calls([each for played in after_grpo.values() for each in played]):
        show(trajectory, console)

    console.print(
        Rule(plain(f"8. Before, after SFT, after GRPO ({time.perf_counter() - began:.0f} s)", "bold"), align="left")
    )
    stages = [before, after_sft, after_grpo]
    found = lines(recipe.parts, stages)
    said = what_grpo_taught(found)
    first = write_pages(out, recipe.parts, stages, found, said)
    console.print(screen_table(found))
    console.print(plain(said, "bold"))
    for file, what in {first.name: "all of this", **links(found), "training.png": "the curves"}.items():
        console.print(plain(f"{what}: {out / file}"), soft_wrap=True)  # a path must not be split over two lines
    console.print(f"Go on: toolgym train --model {learnt} --out runs/more", soft_wrap=True)


def what_grpo_taught(found: list[Line]) -> str:
    """The sentence on the functions of unseen fields."""
    gains = {line.says: line.gain for line in found if line.page == "test_unseen"}
    return sentence(gains["no tool fits"], gains["a tool fits"])


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


if __name__ == "__main__":
    sys.exit(main())
