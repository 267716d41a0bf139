"""Does training on perturbed tasks make tool use robust? One SFT start, then GRPO on clean or on perturbed tasks.

    python benchmarks/robustness_study.py                        # tiny: three seeds, half an hour on one core
    python benchmarks/robustness_study.py --size laptop          # SmolLM2-135M, three seeds, on two cores
    python benchmarks/robustness_study.py --size laptop --cost   # what that takes, and what is done; nothing runs
    python benchmarks/robustness_study.py --table                # the table of the results so far

Arms: the raw model, the SFT model, GRPO on clean tasks, GRPO with domain randomisation (each task draws a kind of
perturbation and its strength), and the same with faults of calls. Tests: clean tasks, the kinds trained on, kinds held
out, and faults. The table has what each arm keeps of its clean success, what the held-out kinds gain from training on
others, and the share of the gap that is closed, beside the figures of ToolRL-DR (arXiv 2605.11928).

After a stop, the same command continues. All arms of seed 0 come first, then those of seed 1, and so on; the table is
written after each. ``--runs`` keeps the trainings and the episodes (``toolgym compare RUN... --robustness`` reads
them); ``--results`` keeps one JSON file per arm and seed, ``robustness.md`` and ``robustness.png``.

``tiny`` needs neither data nor network: a language model of 0.4 million parameters is pretrained from scratch, the same
for all seeds (robustness/errands_corpus.py). On one machine its results depend on the seed only.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from clock import Clock, in_minutes
from harness import command_line

from toolgym.cli.threads import spin_briefly
from toolgym.disk import write_atomic

RESULTS = Path(__file__).resolve().parent / "results" / "robustness"


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--size", choices=["tiny", "laptop"], default="tiny")
    parser.add_argument("--seeds", help="how many, from 0, or which: 5; 1,2 (3)")
    parser.add_argument("--arms", help="only these, separated by commas (default: all)")
    parser.add_argument("--model", help="instead of the size's own")
    parser.add_argument("--runs", type=Path, help="default: runs/robustness/SIZE")
    parser.add_argument("--results", type=Path, help="default: benchmarks/results/robustness/SIZE")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KIND.NAME=JSON", help="change a setting: grpo.steps=10"
    )
    parser.add_argument(
        "--cost", action="store_true", help="train nothing; say what there is to do, and how long it takes"
    )
    parser.add_argument("--table", action="store_true", help="train nothing; write the table and the picture")
    options = parser.parse_args()
    spin_briefly()
    import torch
    from robustness.arms import ARMS
    from robustness.plot import write_plot
    from robustness.running import Study
    from robustness.sizes import SIZES, changed
    from robustness.tables import document, load
    from toolrl_study import cost, seeds_of

    try:
        size = changed(SIZES[options.size], options.set)
        seeds = seeds_of(options.seeds or str(size.seeds))
    except (ValueError, argparse.ArgumentTypeError) as error:
        parser.error(str(error))
    runs = options.runs or Path("runs") / "robustness" / options.size
    results = options.results or RESULTS / options.size
    began = time.perf_counter()

    def tell(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {text}", flush=True)

    if not options.table:
        names = options.arms.split(",") if options.arms else list(ARMS)
        if unknown := [name for name in names if name not in ARMS]:
            parser.error(f"unknown arm {', '.join(unknown)}; there are {', '.join(ARMS)}")
        model = options.model or size.model
        if model == "tiny" and not options.cost:
            from robustness.errands_corpus import texts
            from study.tiny_model import build

            torch.set_num_threads(1)  # a small model gains nothing from more; reproducible with one
            model = str(build(runs / "model", settings=size.built, tell=tell, corpus=texts))
        study = Study(size, model, runs, results, tell)
        work = [(ARMS[name], seed) for seed in seeds for name in names]
        clock: Clock = study.clock(work)
        if options.cost:
            print(cost(clock))
            return
        results.mkdir(parents=True, exist_ok=True)
        for arm, seed in work:
            with clock.measuring():
                study.do(arm, seed)
            write_atomic(results / "robustness.md", document(load(results), size, options.size))
            if size.minutes:
                tell(f"{in_minutes(clock.left())} to go")
    results.mkdir(parents=True, exist_ok=True)
    found = load(results)
    write_atomic(results / "robustness.md", document(found, size, options.size))
    write_plot(found, size, results / "robustness.png")
    print((results / "robustness.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
