"""One GRPO optimizer step beside TRL's GRPOTrainer: the same model, prompts, lengths, reward, threads and optimizer.

    python benchmarks/trl_step.py            # seconds per step; installs TRL into .venv-peers/trl the first time
    python benchmarks/trl_step.py --idle sleep    # as where ``toolgym train`` expects other programs on the machine
    python benchmarks/trl_step.py --check    # the same samples through both: do losses and gradients agree?

SmolLM2-135M, 2 prompts x 8 completions a step, every completion forced to its full length. Each side runs in a process
of its own with the same environment variables, in particular the same settings of glibc's malloc; they take turns, and
the first step of each turn is dropped. ToolGym's side is what ``toolgym train`` calls. Machines are shared, so a step
waits until other processes are quiet, what they used meanwhile is noted, and ratios are of the fastest steps; the ratio
of CPU seconds stands beside that of wall-clock seconds. Where other work never stops, use --threads 1.

Results: benchmarks/results/trl_step.json, under "steps", "steps_asleep" and "check".
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from harness import command_line
from peers.environment import python_of
from peers.trl_workload import GROUP, PARTS, PROMPTS_PER_STEP, Settings, busy_seconds

from toolgym.agents.model import smollm2_folder

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "trl_step.json"
PEER = ["trl==1.16.0", "datasets==5.2.0", "accelerate", "torch", "transformers"]
# glibc hands big blocks back to the system after each use; kept, they need not be cleared again
TUNED_MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
    "MALLOC_TOP_PAD_": str(2**28),
}
IDLE_THREADS: dict[str, dict[str, str]] = {"spin": {}, "sleep": {"OMP_WAIT_POLICY": "PASSIVE"}}
"""What OpenMP's threads do between two parallel regions. Spinning is torch's default, and the fastest where nothing
else runs; sleeping is ``toolgym train``'s default, for spinning threads wait for one that a busy core has put aside."""
QUIET = 0.15
"""Cores that other processes may use in a step that counts as quiet."""
AGREE = 1e-3
CISPO_CAP = 1.3

CONVENTIONS = [
    "bf16: TRL keeps float32 weights and casts in each operation (autocast); ToolGym computes with bfloat16 weights "
    "and keeps a float32 copy in the optimizer. 'bf16 weights' is TRL without a float32 copy: "
    "at a learning rate of 1e-6 most of an update is lost in rounding.",
    "Full length: TRL may not sample the end token (min_new_tokens); to ToolGym no token is an end.",
    "AdamW: betas (0.9, 0.99), no weight decay, constant learning rate 1e-6, on both sides.",
    "Advantages, both: minus the group's mean, divided by the unbiased std + 1e-4.",
    "gspo is TRL's loss_type grpo with importance_sampling_level sequence.",
    "cispo: both are given the same cap (1.3 in the check); by default ToolGym's is 5, TRL's its epsilon, 0.2.",
    "dr_grpo divides by max_completion_length on both sides; grpo and dr_grpo of TRL also count samples without a "
    "sampled token, ToolGym's do not: the batch has none.",
    "ToolGym holds log-ratios within 20: not reached here.",
]


@dataclass(frozen=True)
class Case:
    """ToolGym and one way to run TRL, side by side."""

    name: str
    rival: str
    prompt_tokens: int = 300
    completion_tokens: int = 64
    dtype: str = "bf16"
    tuned: bool = True
    checkpointing: bool = False
    bf16_weights: bool = False
    target: float | None = None
    """How many times as fast as TRL ToolGym is meant to be."""

    def settings(self, model: str, threads: int) -> Settings:
        return Settings(
            model=model,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            dtype=self.dtype,
            threads=threads,
            checkpointing=self.checkpointing,
            bf16_weights=self.bf16_weights,
        )


CASES = [
    Case("best", "TRL, no checkpointing", target=3.5),
    Case("defaults", "TRL, its defaults", tuned=False, checkpointing=True, target=4.5),
    Case("bf16-weights", "TRL, no checkpointing, bf16 weights", bf16_weights=True),
    Case("fp32", "TRL, no checkpointing", dtype="fp32"),
    Case("long", "TRL, no checkpointing", prompt_tokens=600, completion_tokens=80, target=5.0),
]
LOSSES = ["dapo", "grpo", "dr_grpo", "gspo", "cispo"]


class Side:
    """A process that does one command at a time."""

    def __init__(self, name: str, python: str, script: str, settings: Settings, env: dict[str, str], logs: Path):
        self.name = name
        self._log = logs / f"{name.replace(' ', '_')}.txt"
        set_here = ("MALLOC_", "OMP_", "GOMP_")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(set_here)}
        threads = str(settings.threads)
        fixed = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "false"}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [python, str(HERE / "peers" / script), settings.dump()],
                env={**inherited, **fixed, **env},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self.about = self._read()

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._read()

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            why = f"{self.name} ended with status {self._process.wait()} (-9: likely short of memory)"
            raise SystemExit(f"{why}:\n{self._log.read_text()[-3000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def wait_for_quiet(patience: float) -> None:
    """Return when other processes use little of the machine, or after ``patience`` seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        before = busy_seconds()
        time.sleep(1.0)
        if busy_seconds() - before < QUIET:
            return


# Seconds per step ----------------------------------------------------------------------------------------------------


def race(case: Case, options: argparse.Namespace, python: str, model: str, logs: Path) -> list[dict[str, Any]]:
    """A row for ToolGym and one for TRL. One process at a time: two may not fit into memory."""
    steps: dict[str, list[dict[str, Any]]] = {"ToolGym": [], case.rival: []}
    runs = {"ToolGym": (sys.executable, "trl_toolgym.py"), case.rival: (python, "trl_grpo.py")}
    asked = case.settings(model, options.threads)
    env = IDLE_THREADS[options.idle] | (TUNED_MALLOC if case.tuned else {})
    work = []
    for _ in range(options.rounds):
        for name, (run, script) in runs.items():
            with Side(name, run, script, asked, env, logs) as side:
                for number in range(options.steps + 1):
                    wait_for_quiet(options.patience)
                    step = side.ask(do="step")
                    note = "dropped" if number == 0 else ""
                    walls = f"{step['wall']:7.2f} s, others' CPU {step['foreign']:.2f} {note}"
                    print(f"  {case.name:<12} {name:<36} {walls}".rstrip(), flush=True)
                    if number:
                        steps[name].append(step)
            work.append((step["prompts"], step["completion_tokens"]))
    wanted = PROMPTS_PER_STEP * GROUP * case.completion_tokens
    if any(done != (work[0][0], wanted) for done in work):
        raise SystemExit(f"{case.name}: the sides did not do the same work")
    prompt = statistics.mean(len(ids) for ids in work[0][0])
    ours, theirs = (row(case, name, measured, prompt) for name, measured in steps.items())
    theirs["ratio"] = round(theirs["wall_min"] / ours["wall_min"], 2)
    theirs["ratio_median"] = round(theirs["wall_median"] / ours["wall_median"], 2)
    theirs["cpu_ratio"] = round(theirs["cpu_min"] / ours["cpu_min"], 2)
    return [ours, theirs]


def row(case: Case, name: str, steps: list[dict[str, Any]], prompt: float) -> dict[str, Any]:
    best = min(steps, key=lambda step: step["wall"])
    return {
        "case": case.name,
        "side": name,
        "prompt_tokens": round(prompt),
        "completion_tokens": case.completion_tokens,
        "dtype": case.dtype,
        "malloc": "tuned" if case.tuned else "stock",
        "wall_min": round(best["wall"], 3),
        "wall_median": round(statistics.median(step["wall"] for step in steps), 3),
        "cpu_min": round(min(step["cpu"] for step in steps), 3),
        "parts": {part: round(best["parts"][part], 3) for part in (*PARTS, "rest")},
        "foreign": round(best["foreign"], 3),
        "foreign_max": round(max(step["foreign"] for step in steps), 3),
        "peak_gib": round(max(step["peak_gib"] for step in steps), 2),
        "grad_norm": round(best["grad_norm"], 4),
    }


def show_steps(rows: list[dict[str, Any]], cases: list[Case]) -> None:
    heads = ["s/step", "median", "CPU s", *PARTS, "rest", "others' CPU", "peak GiB", "ToolGym is", "by CPU"]
    print("\n| prompt + completion | | malloc | side | " + " | ".join(heads) + " |")
    print("|" + "---|" * (len(heads) + 4))
    for r in rows:
        work = [f"{r['prompt_tokens']} + {r['completion_tokens']}", r["dtype"], r["malloc"], r["side"]]
        times = [f"{r[key]:.2f}" for key in ("wall_min", "wall_median", "cpu_min")]
        parts = [f"{seconds:.2f}" for seconds in r["parts"].values()]
        ratios = [f"{r['ratio']:.2f} x", f"{r['cpu_ratio']:.2f} x"] if "ratio" in r else ["", ""]
        print("| " + " | ".join([*work, *times, *parts, f"{r['foreign']:.2f}", f"{r['peak_gib']:.1f}", *ratios]) + " |")
    print()
    for case in cases:
        if case.target is not None:
            first = next(r for r in rows if r["case"] == case.name and "ratio" in r)
            verdict = "met" if first["ratio"] >= case.target else "missed"
            print(f"{case.name}: {first['ratio']:.2f} x {first['side']}, target {case.target} x: {verdict}")
    if any(r["foreign"] > QUIET for r in rows):
        print("The machine was not quiet: trust the CPU ratios, or run again.")


# Equal learning ------------------------------------------------------------------------------------------------------


def check(python: str, model: str, logs: Path) -> list[dict[str, Any]]:
    """The same ragged samples, with environment tokens in some, through both, in float32."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Settings(
            model=model, prompt_tokens=96, completion_tokens=24, dtype="fp32", threads=1, group=4, folder=folder,
        )  # fmt: skip
        rows = []
        with (
            Side("ToolGym", sys.executable, "trl_toolgym.py", asked, {}, logs) as ours,
            Side("TRL", python, "trl_grpo.py", asked, {}, logs) as theirs,
        ):
            print(f"batch: {ours.ask(do='batch')}", flush=True)
            for first_update, loss_type in [(False, name) for name in LOSSES] + [(True, "dapo"), (True, "cispo")]:
                cap = CISPO_CAP if loss_type == "cispo" else None
                case = {"loss_type": loss_type, "epsilon_high": cap, "first_update": first_update}
                mine = ours.ask(do="check", **case)
                other = theirs.ask(do="check", **case)
                print(f"{loss_type} done", flush=True)
                apart = abs(mine["loss"] - other["loss"]) / abs(other["loss"])
                about = {"toolgym_loss": mine["loss"], "clipped": mine["clipped"], "loss_difference": apart}
                rows.append({**case, **about, **other})
    return rows


def show_check(rows: list[dict[str, Any]]) -> None:
    print("\n| loss_type | update | clipped | loss, ToolGym | loss, TRL | relative difference | of all gradients |")
    print("|---|---|---|---|---|---|---|")
    for r in rows:
        update = "first" if r["first_update"] else "later"
        losses = f"{r['clipped']:.3f} | {r['toolgym_loss']:.6f} | {r['loss']:.6f} | {r['loss_difference']:.1e}"
        print(f"| {r['loss_type']} | {update} | {losses} | {r['gradient_difference']:.1e} |")
    print(f"largest difference of an advantage: {max(r['advantage_difference'] for r in rows):.1e}")
    if any(r["gradient_difference"] > AGREE or r["advantage_difference"] > AGREE for r in rows):
        raise SystemExit(f"ToolGym and TRL differ by more than {AGREE}")


# ---------------------------------------------------------------------------------------------------------------------


def write(what: str, rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Put the rows into the result file, beside what else is in it."""
    kept = json.loads(RESULT.read_text("utf-8")) if RESULT.is_file() else {}
    about = {
        "command": f"python benchmarks/trl_step.py {' '.join(sys.argv[1:])}".strip(),
        "model": "SmolLM2-135M-Instruct",
        "peer": PEER[0],
        "rounds": options.rounds,
        "steps_per_round": options.steps,
        "prompts_per_step": PROMPTS_PER_STEP,
        "num_generations": GROUP,
        "threads": 1 if what == "check" else options.threads,
        "idle_threads": "spin" if what == "check" else options.idle,
        "cores": os.cpu_count(),
        "tuned_malloc": TUNED_MALLOC,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "rows": rows,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({**kept, "conventions": CONVENTIONS, what: about}, indent=2) + "\n")


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--check", action="store_true", help="compare losses and gradients instead of seconds")
    parser.add_argument("--rounds", type=int, default=2, help="times that the two sides take turns")
    parser.add_argument("--steps", type=int, default=1, help="timed steps of each turn, after one that is dropped")
    parser.add_argument("--cases", default=",".join(case.name for case in CASES), help="which to run")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--idle", choices=list(IDLE_THREADS), default="spin", help="what idle OpenMP threads do (spin)")
    parser.add_argument("--patience", type=float, default=30.0, help="seconds to wait for a quiet machine per step")
    parser.add_argument("--dry", action="store_true", help="leave the result file as it is")
    parser.add_argument("--peers", type=Path, default=HERE.parent / ".venv-peers")
    options = parser.parse_args()
    unknown = set(options.cases.split(",")) - {case.name for case in CASES}
    if unknown or min(options.steps, options.rounds) < 1:
        parser.error(f"--steps and --rounds from 1; --cases of {', '.join(case.name for case in CASES)}")
    python = python_of(options.peers / "trl", PEER, HERE.parent / "constraints.txt")  # the versions used here
    model = str(smollm2_folder())
    with tempfile.TemporaryDirectory() as logs:
        if options.check:
            rows = check(python, model, Path(logs))
        else:
            cases = [case for case in CASES if case.name in options.cases.split(",")]
            rows = [each for case in cases for each in race(case, options, python, model, Path(logs))]
    if not options.dry:
        write("check" if options.check else "steps" if options.idle == "spin" else "steps_asleep", rows, options)
    if options.check:
        show_check(rows)
    else:
        show_steps(rows, cases)


if __name__ == "__main__":
    main()
