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

import time
from pathlib import Path

from harness import RESULTS
from study.command import cost, do_all, study_options

from toolgym.cli.threads import spin_briefly
from toolgym.disk import write_atomic


def main() -> None:
    parser = study_options(__doc__, "study", ["tiny", "laptop", "gpu"])
    options = parser.parse_args()
    spin_briefly()
    import torch
    from study.all_sizes import SIZES
    from study.arms import ARMS
    from study.kept import load
    from study.running import Study
    from study.sizes import changed
    from study.tables import ablations_of, document

    try:
        size = changed(SIZES[options.size], options.set)
    except ValueError as error:
        parser.error(str(error))
    runs = options.runs or Path("runs") / "study" / options.size
    results = options.results or RESULTS / "study" / options.size
    results.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()

    def tell(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {text}", flush=True)

    def write() -> None:
        other = size.ablations
        ablations = ablations_of(load(RESULTS / "study" / other, ARMS), SIZES[other], other) if other else ""
        write_atomic(results / "study.md", document(load(results, ARMS), size, options.size, ablations))

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
        do_all(study, work, clock, write)
    write()
    found = load(results, ARMS)
    from study.plot import write_plot

    write_plot(found, size, results / "study.png")
    print((results / "study.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
