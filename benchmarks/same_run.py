"""The same GRPO run in four ways: sampled in the trainer, by two ranks, by a vLLM server, by the server with overlap.

    toolgym serve-sampler --python VLLM_ENV/bin/python --model MODEL --cpu --lora-rank 16
    python benchmarks/same_run.py --sampler http://127.0.0.1:8000 --model MODEL
    python benchmarks/same_run.py --ways built-in,ranks             # without a server

Each way is one command of ``toolgym train``, printed before it runs, with the settings of the demo's GRPO, which
--set changes. A run that is stopped goes on with the same command. Seconds are means over the steps from the third
on: a server compiles in the first two. A server samples by random numbers of its own, so its curve is another draw.

Results: benchmarks/results/same_run.json, and same_run.png with the curves on top of each other.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from harness import RESULTS, command_line, keep
from stages.recipe import RECIPE

from toolgym.report.png import write_png
from toolgym.report.training import load_training_runs
from toolgym.runlog import read_metrics

WAYS = {
    "built-in": ["-m", "toolgym", "train"],
    "ranks": ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "toolgym", "train"],
    "vllm": ["-m", "toolgym", "train", "--sampler", "ADDRESS"],
    "vllm-overlap": ["-m", "toolgym", "train", "--sampler", "ADDRESS", "--overlap"],
}
MEANS = ("seconds", "seconds/play", "seconds/wait", "importance/log_ratio", "tokens")
FIRST = 3
"""The first step that is measured."""


def flags(settings: dict[str, Any]) -> list[str]:
    """Settings of TrainConfig as options of ``toolgym train``."""
    found = []
    for name, value in settings.items():
        found += [f"--{name.replace('_', '-')}", value if isinstance(value, str) else json.dumps(value)]
    return found


def run(way: str, options: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Train one way, unless it is done, and return its numbers."""
    out = options.runs / way
    command = [part.replace("ADDRESS", options.sampler) for part in WAYS[way]]
    command += [*flags(settings), "--model", options.model, "--out", str(out)]
    threads = max(1, options.threads // 2) if way == "ranks" else options.threads
    print(f"OMP_NUM_THREADS={threads} python {shlex.join(command)}", flush=True)
    if (out / "config.json").exists():
        command.append("--resume")
    subprocess.run([sys.executable, *command], check=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    rows = read_metrics(out)
    measured = [row for row in rows if row["step"] >= FIRST]
    told = {name: sum(row[name] for row in measured) / len(measured) for name in MEANS if name in measured[0]}
    told["tokens/second"] = told["tokens"] / told["seconds"]
    return {
        "threads": threads,
        **{name: round(value, 4) for name, value in told.items()},
        "reward": [round(row["reward"], 4) for row in rows],
    }


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--sampler", default="http://127.0.0.1:8000", help="address of the server")
    parser.add_argument("--model", default="smollm2", help="the server's, in one dtype")
    parser.add_argument("--ways", default=",".join(WAYS), help="which, with commas")
    parser.add_argument("--threads", type=int, default=2, help="of each way, shared by its ranks (2)")
    parser.add_argument("--runs", type=Path, default=Path("runs/same_run"))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="a setting: steps=3")
    options = parser.parse_args()
    ways = options.ways.split(",")
    if unknown := [way for way in ways if way not in WAYS]:
        parser.error(f"unknown way {', '.join(unknown)}; there are {', '.join(WAYS)}")
    settings = {**RECIPE.grpo, "eval_every": 0, "algo": "grpo"}
    for each in options.set:
        name, _, value = each.partition("=")
        settings[name] = json.loads(value)
    rows = {}
    for way in ways:
        rows[way] = run(way, options, settings)
        print(f"{way}: {json.dumps(rows[way])}", flush=True)
    about = {"command": f"python benchmarks/same_run.py {shlex.join(sys.argv[1:])}", "settings": settings}
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    keep("same_run", {**about, **versions, "rows": rows})
    write_png(load_training_runs([options.runs / way for way in ways]), RESULTS / "same_run.png")


if __name__ == "__main__":
    main()
