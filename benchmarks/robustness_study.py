"""Does training on perturbed tasks make tool use robust? One SFT start, then GRPO on clean or on perturbed tasks.

    python benchmarks/robustness_study.py                        # tiny: three seeds, on one core
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
for all seeds (robustness/errands_corpus.py). On one machine its results depend on the seed only. It does not know its
tasks well enough yet to lose something (LOG.md).
"""

from __future__ import annotations

import time
from pathlib import Path

from harness import RESULTS
from study.command import cost, do_all, study_options

from toolgym.cli.threads import spin_briefly
from toolgym.disk import write_atomic


def main() -> None:
    parser = study_options(__doc__, "robustness", ["tiny", "laptop"])
    options = parser.parse_args()
    spin_briefly()
    import torch
    from robustness.arms import ARMS
    from robustness.plot import write_plot
    from robustness.running import Study
    from robustness.sizes import SIZES, changed
    from robustness.tables import document
    from study.kept import load

    try:
        size = changed(SIZES[options.size], options.set)
    except ValueError as error:
        parser.error(str(error))
    runs = options.runs or Path("runs") / "robustness" / options.size
    results = options.results or RESULTS / "robustness" / options.size
    results.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()

    def tell(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {text}", flush=True)

    def write() -> None:
        write_atomic(results / "robustness.md", document(load(results, ARMS), size, options.size))

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
        work = [(ARMS[name], seed) for seed in options.seeds or range(size.seeds) for name in names]
        clock = study.clock(work)
        if options.cost:
            print(cost(clock))
            return
        do_all(study, work, clock, write)
    write()
    write_plot(load(results, ARMS), size, results / "robustness.png")
    print((results / "robustness.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
