"""The demo's recipe for several seeds, judged on more held-out tasks: does GRPO teach, whatever the seed?

    python benchmarks/demo_seeds.py                        # seeds 0, 1, 2: about half an hour each
    python benchmarks/demo_seeds.py --seeds 3,4 --keep demo_more

Each seed trains SFT and then GRPO in RUNS/seed-N, as ``make demo --out RUNS/seed-N --seed N`` does, and the three
models play the same held-out tasks, other ones for each seed (stages/recipe.py: ``judged``). After each seed the table
over all seeds so far is printed and kept. How the intervals are computed is in stages/pooling.py. After a stop the same
command continues.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
from clock import in_minutes
from harness import command_line, keep
from rich.rule import Rule
from stages.pooling import NOTE, pool, pooled_table
from stages.recipe import RECIPE, Recipe
from stages.sentence import sentence
from stages.table import Line, lines
from stages.work import Work, fetch

from toolgym.assets import AssetError
from toolgym.cli.resolve import UserError
from toolgym.cli.terminal import screen
from toolgym.cli.threads import spin_briefly
from toolgym.report.text import plain
from toolgym.runlog import RunError

TASKS_SEED = 1000
"""Seed N is judged on the tasks of seed ``TASKS_SEED + N``; the demo itself shows those of seed 0."""


def main() -> int:
    parser = command_line(__doc__)
    parser.add_argument("--seeds", default="0,1,2", help="which, with commas (0,1,2)")
    parser.add_argument("--runs", type=Path, default=Path("runs/demo_seeds"), help="folder of the runs")
    parser.add_argument("--model", default="smollm2", help="smollm2, a folder, or a name on the Hugging Face hub")
    parser.add_argument("--sft-steps", type=int, help="instead of the recipe's")
    parser.add_argument("--grpo-steps", type=int, help="instead of the recipe's")
    parser.add_argument("--keep", default="demo", metavar="NAME", help="write benchmarks/results/NAME.json (demo)")
    args = parser.parse_args()
    if not all(part.isdecimal() for part in args.seeds.split(",")):
        parser.error(f"--seeds {args.seeds!r}: give whole numbers with commas, such as 0,1,2")
    spin_briefly()
    seeds = [int(part) for part in args.seeds.split(",")]
    try:
        judge(seeds, args.runs, args.model, RECIPE.with_steps(args.sft_steps, args.grpo_steps), args.keep, screen())
    except (AssetError, RunError, UserError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nstopped; what was done so far is in {args.runs}; the same command goes on", file=sys.stderr)
        return 130
    return 0


def judge(seeds: list[int], runs: Path, model: str, recipe: Recipe, name: str, console: Any) -> None:
    """Train and judge each seed; after each, print the table over the seeds so far and keep it."""
    fetch(model, console)
    measured: list[tuple[float, float]] = []
    works = {
        seed: Work(
            runs / f"seed-{seed}",
            model,
            recipe,
            seed,
            console,
            parts=recipe.judged(),
            episodes=runs / f"seed-{seed}" / "judged",
            tasks_seed=TASKS_SEED + seed,
            measured=measured,
        )
        for seed in seeds
    }
    found: dict[int, list[Line]] = {}
    for seed, work in works.items():

        def stage(what: str, seed: int = seed) -> None:
            left = in_minutes(sum(each.clock.left() for each in works.values()))
            console.print(Rule(plain(f"seed {seed}: {what} · {left} to go", "bold"), align="left"))

        stage("SFT")
        imitated = work.train_sft()
        stage("GRPO")
        learnt = work.train_grpo(imitated)
        stage("judged")
        played = [work.play(*each) for each in (("before", model), ("after SFT", imitated), ("after GRPO", learnt))]
        found[seed] = lines(work.parts, played)
        rows = pool(found)
        gains = {row.says: row.over_tasks for row in rows if row.page == "test_unseen"}
        said = sentence(gains["no tool fits"], gains["a tool fits"])
        console.print(pooled_table(rows))
        console.print(plain(said, "bold"))
        about = {"command": "python benchmarks/demo_seeds.py", "model": model, "seeds": list(found)}
        machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
        result = {"sentence": said, "how": NOTE, "rows": [msgspec.to_builtins(row, str_keys=True) for row in rows]}
        keep(name, {**about, **machine, **result, "recipe": asdict(recipe)})


if __name__ == "__main__":
    sys.exit(main())
