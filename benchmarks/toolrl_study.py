"""The ToolRL paper's study at a chosen size: seven methods, eight other rewards, tables beside the paper's numbers.

    python benchmarks/toolrl_study.py                                  # tiny: five seeds, about 1.5 hours on one core
    python benchmarks/toolrl_study.py --size laptop                    # SmolLM2-135M, three seeds, on two cores
    python benchmarks/toolrl_study.py --size laptop --cost             # what that takes, and what is done; nothing runs
    python benchmarks/toolrl_study.py --size gpu --model Qwen/Qwen2.5-1.5B-Instruct
    python benchmarks/toolrl_study.py --table                          # tables of the results so far

After a stop, the same command continues. All arms of seed 0 come first, then those of seed 1, and so on; the tables are
written after each. A suite whose data are missing is said and left out, and added when the command finds them.
``--runs`` keeps the training runs; ``--results`` keeps one JSON file per arm and seed, ``study.md`` and ``study.png``.

``tiny`` needs neither data nor network: a language model of 0.8 million parameters is pretrained from scratch, the same
for all seeds, with skills and bad habits (study/tiny_corpus.py), and learns the first decisions of Office tasks. On one
machine its results depend on the seed only. ``laptop`` runs five arms; the paper's ablations of the reward stand in its
document as size tiny measured them, because eight more arms are too dear there.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from clock import Clock, in_minutes
from harness import command_line

from toolgym.cli.threads import spin_briefly
from toolgym.disk import write_atomic

RESULTS = Path(__file__).resolve().parent / "results" / "study"


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--size", choices=["tiny", "laptop", "gpu"], default="tiny")
    parser.add_argument("--seeds", type=seeds_of, help="how many, from 0, or which: 5; 1,2 (tiny, gpu: 5; laptop: 3)")
    parser.add_argument("--arms", help="only these, separated by commas (default: the size's)")
    parser.add_argument("--model", help="instead of the size's own; gpu has none")
    parser.add_argument("--runs", type=Path, help="default: runs/study/SIZE")
    parser.add_argument("--results", type=Path, help="default: benchmarks/results/study/SIZE")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KIND.NAME=JSON", help="change a setting: grpo.steps=10"
    )
    parser.add_argument(
        "--cost", action="store_true", help="train nothing; say what there is to do, and how long it takes"
    )
    parser.add_argument("--table", action="store_true", help="train nothing; write the tables and the picture")
    options = parser.parse_args()
    spin_briefly()
    import torch
    from study.all_sizes import SIZES
    from study.arms import ARMS
    from study.running import Study
    from study.sizes import changed
    from study.tables import ablations_of, document, load

    try:
        size = changed(SIZES[options.size], options.set)
    except ValueError as error:
        parser.error(str(error))
    runs = options.runs or Path("runs") / "study" / options.size
    results = options.results or RESULTS / options.size
    results.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()

    def tell(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {text}", flush=True)

    def write() -> None:
        other = size.ablations
        ablations = ablations_of(load(RESULTS / other), SIZES[other], other) if other else ""
        write_atomic(results / "study.md", document(load(results), size, options.size, ablations))

    if not options.table:
        names = options.arms.split(",") if options.arms else size.arms or size.has
        if unknown := [name for name in names if name not in ARMS]:
            parser.error(f"unknown arm {', '.join(unknown)}; there are {', '.join(ARMS)}")
        if lacking := [name for name in names if name not in size.has]:
            parser.error(f"size {options.size} has no arm {', '.join(lacking)}; it has {', '.join(size.has)}")
        model = options.model or size.model
        if not model:
            parser.error(f"size {options.size} needs --model: a folder, or a name on the Hugging Face hub")
        if model == "tiny" and not options.cost:
            from study.tiny_model import build

            torch.set_num_threads(1)  # a small model gains nothing from more; reproducible with one
            model = str(build(runs / "model", settings=size.built, tell=tell))
        study = Study(size, model, runs, results, tell)
        work = [(ARMS[name], seed) for seed in options.seeds or range(size.seeds) for name in names]
        clock = study.clock(work)
        if options.cost:
            print(cost(clock))
            return
        if size.minutes:
            tell(f"{in_minutes(clock.left())} to go on two quiet cores; --cost says for what")
        for arm, seed in work:
            with clock.measuring():
                study.do(arm, seed)
            write()
            if size.minutes:
                tell(f"{in_minutes(clock.left())} to go")
    write()
    found = load(results)
    from study.plot import write_plot

    write_plot(found, size, results / "study.png")
    print((results / "study.md").read_text("utf-8"))


def cost(clock: Clock) -> str:
    """A line per piece of work: minutes on two quiet cores, and the share that is done."""
    lines = [
        f"{name:28} {seconds / 60:4.0f} min, {100 * clock.done(name):3.0f} % done"
        for name, seconds in clock.seconds.items()
    ]
    return "\n".join(
        [*lines, f"in all {sum(clock.seconds.values()) / 3600:.1f} hours, {in_minutes(clock.left())} to go"]
    )


def seeds_of(text: str) -> list[int]:
    """ "3" is 0, 1, 2; "1," is 1 alone."""
    try:
        found = [int(part) for part in text.split(",") if part]
    except ValueError:
        found = []
    seeds = found if "," in text or not found else list(range(found[0]))
    if not seeds:
        raise argparse.ArgumentTypeError(f"{text!r} is neither how many seeds (5) nor which, with commas (1,2)")
    return seeds


if __name__ == "__main__":
    main()
