"""How many GRPO steps an hour a cluster would do, by a cost model: a plan, not a measurement.

    python benchmarks/plan.py --model qwen2.5-7b --machine h100 --gpus 8,64,512 --suite office
    python benchmarks/plan.py --check     # the same formulas against the built-in trainer on this CPU

A step is: prefill the prompts once per group; decode, limited by memory bandwidth or by arithmetic; the environments,
limited by processes; forward and backward over each prompt once and all answers; the sum of the gradients; the
optimizer; the weights sent to the samplers. Each line of the output names its largest part. GPU numbers follow from
peaks of data sheets and from shares of these peaks (SHARES): nothing of it was run on GPUs. ``--check`` fits two rates
of this CPU on one case of trl_step.py's kept result, and predicts the other one, with prompts of twice the length.
Result of the check: benchmarks/results/plan.json.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

from harness import RESULTS, command_line, keep


@dataclass(frozen=True)
class Model:
    """A dense transformer, in bfloat16."""

    body: float
    """Parameters of the layers."""
    head: float
    """Parameters of the output layer."""
    layers: int
    hidden: int
    kv_width: int
    """Key heads times their dimension."""

    @property
    def bytes(self) -> float:
        return 2 * (self.body + self.head)

    @property
    def kv_bytes(self) -> float:
        """Of one token."""
        return 2 * 2 * self.layers * self.kv_width

    def forward(self, tokens: float, scored: float, context: float) -> float:
        """FLOPs of ``tokens`` tokens that read ``context`` tokens on average; ``scored`` go through the output layer.

        2 per parameter and token, and 4 * layers * hidden * context for attention (PaLM, arXiv 2204.02311, appendix B).
        """
        return tokens * (2 * self.body + 4 * self.layers * self.hidden * context) + scored * 2 * self.head


MODELS = {
    "smollm2-135m": Model(106.2e6, 28.3e6, 30, 576, 3 * 64),
    "qwen2.5-1.5b": Model(1.31e9, 0.23e9, 28, 1536, 2 * 128),
    "qwen2.5-7b": Model(6.53e9, 0.54e9, 28, 3584, 4 * 128),
    "qwen2.5-32b": Model(31.2e9, 0.78e9, 64, 5120, 8 * 128),
    "llama-3.1-70b": Model(68.5e9, 1.05e9, 80, 8192, 8 * 128),
}
"""From the models' config.json."""


@dataclass(frozen=True)
class Suite:
    """An episode: means over 40 tasks of the oracle, counted by SmolLM2's tokenizer."""

    prompt: float
    turns: float
    answer: float
    """Tokens of a turn that the policy writes."""
    reply: float
    """Tokens of a turn that the environment writes."""
    env: float
    """CPU seconds of a turn, reset included."""

    @property
    def written(self) -> float:
        return self.turns * (self.answer + self.reply)


SUITES = {
    "functions": Suite(394, 1.0, 108, 0, 0.00037),
    "office": Suite(565, 2.6, 72, 25, 0.00027),
    "bfcl": Suite(316, 1.0, 67, 0, 0.00011),
    "toolrl": Suite(818, 1.0, 94, 0, 0.00010),
    "agentic": Suite(2000, 20, 300, 500, 0.005),  # not one of ours: 20 turns with thoughts, tools of 5 ms
}


@dataclass(frozen=True)
class Machine:
    """A processor, and what of its peaks is reached."""

    flops: float
    """Dense bfloat16 operations per second."""
    bandwidth: float
    """Bytes per second from its memory."""
    memory: float
    link: float
    """Bytes per second to each other processor of its node, in one direction."""
    net: float
    """Bytes per second to other nodes."""
    train_share: float = 0.40
    prefill_share: float = 0.40
    decode_share: float = 0.60


SHARES = {
    "train 0.40": "Llama 3 (arXiv 2407.21783, table 4) reports 0.38 to 0.43 on H100 for large models",
    "prefill 0.40": "assumed to be as training",
    "decode 0.60": "assumed; the share of the memory bandwidth in decoding",
    "office, functions, ... env": "measured on this CPU",
    "2,500 requests/s per process": "benchmarks/results/endpoint_speed.json, rounded",
    "disk 2 GB/s": "assumed, for weights sent by a folder; twice: written and read",
}
MACHINES = {  # NVIDIA's data sheets; nets as in DGX systems: 400 Gb/s (H100, H200) and 200 Gb/s (A100) for each GPU
    "a100": Machine(312e12, 2.04e12, 80e9, 300e9, 25e9),
    "h100": Machine(989e12, 3.35e12, 80e9, 450e9, 50e9),
    "h200": Machine(989e12, 4.8e12, 141e9, 450e9, 50e9),
}
REQUESTS_PER_PROCESS = 2500
DISK = 2e9
NODE = 8


@dataclass(frozen=True)
class Run:
    """Settings of a run."""

    prompts: int = 128
    generations: int = 8
    longest: float = 3.0
    """The longest episode of a step, in units of the mean: the others wait for it."""
    processes: int = 1
    """Processes that play environments: 1, or Ray's actors."""
    by_folder: bool = False
    """Weights go to the samplers by a folder, not by NCCL."""

    @property
    def episodes(self) -> int:
        return self.prompts * self.generations


def replicas(model: Model, machine: Machine, gpus: int) -> tuple[int, int]:
    """The copies of the model that sample, and the GPUs of each: the fewest with half of their memory for KV caches."""
    each = 1
    while 2 * model.bytes > 0.9 * machine.memory * each:
        each *= 2
    return gpus // each, each


def play(model: Model, machine: Machine, gpus: int, suite: Suite, run: Run) -> dict[str, float]:
    """Seconds of the parts of playing a batch."""
    copies, each = replicas(model, machine, gpus)
    if not copies:
        return {"prefill": float("inf")}
    rows = run.episodes / min(copies, run.episodes)
    groups = max(1.0, run.prompts / copies)
    length = suite.prompt + suite.written
    room = (0.9 * machine.memory * each - model.bytes) / (model.kv_bytes * length)
    waves = max(1.0, rows / room)
    at_once = rows / waves / run.longest  # on average over a wave, since short episodes end early
    read = groups * suite.prompt + rows * suite.turns * suite.reply
    arithmetic = machine.flops * each
    prefill = model.forward(read, rows, suite.prompt / 2) / (arithmetic * machine.prefill_share)
    moved = model.bytes + at_once * model.kv_bytes * (suite.prompt + suite.written / 2)
    once = max(
        moved / (machine.bandwidth * each * machine.decode_share),
        model.forward(at_once, at_once, length) / (arithmetic * machine.prefill_share),
    )
    steps = suite.turns * suite.answer * run.longest * waves
    env = run.episodes * suite.turns * max(suite.env, 1 / REQUESTS_PER_PROCESS) / run.processes
    return {"prefill": prefill, "decode": steps * once, "env": env}


def train(model: Model, machine: Machine, gpus: int, suite: Suite, run: Run) -> dict[str, float]:
    """Seconds of the parts of an update: each prompt once per group, the output layer over answers only."""
    tokens = run.prompts * (suite.prompt + run.generations * suite.written)
    scored = run.episodes * suite.turns * suite.answer
    forward = model.forward(tokens, scored, (suite.prompt + suite.written) / 2)
    share = min(gpus, run.prompts)  # a group stays on one GPU
    compute = 3 * forward / (share * machine.flops * machine.train_share)
    wire = machine.link if gpus <= NODE else machine.net
    # FSDP2: weights gathered for forward and for backward, float32 gradients scattered
    reduce = 4 * model.bytes * (gpus - 1) / gpus / wire
    optimizer = 15 * model.bytes / gpus / machine.bandwidth  # AdamW reads and writes 30 bytes of a parameter
    return {"train": compute, "reduce": reduce, "optimizer": optimizer}


def parts(model: Model, machine: Machine, gpus: int, suite: Suite, run: Run) -> dict[str, float]:
    """Seconds of the parts of a step whose GPUs sample and train in turn; inf for a model that does not fit."""
    if 9 * model.bytes / gpus > 0.8 * machine.memory:  # 18 bytes of a parameter, and activations in the rest
        return {"does not fit": float("inf")}
    wire = machine.link if gpus <= NODE else machine.net
    sent = 2 * model.bytes / DISK if run.by_folder else model.bytes / wire
    return {**play(model, machine, gpus, suite, run), **train(model, machine, gpus, suite, run), "send": sent}


def step_seconds(found: dict[str, float]) -> float:
    """The environments work while other episodes are decoded; everything else is one after the other."""
    env = found.get("env", 0.0)
    decoding = found.get("prefill", 0.0) + found.get("decode", 0.0)
    return sum(found.values()) - min(env, decoding)


# The check ----------------------------------------------------------------------------------------

FITTED, PREDICTED = "best", "long"
"""Cases of trl_step.py, whose kept result has the seconds of ToolGym's trainer on a quiet CPU, part by part."""


def check() -> None:
    """Fit two rates of the CPU on one case and predict the other, whose prompts are twice as long."""
    kept = json.loads((RESULTS / "trl_step.json").read_text())["steps"]
    rows = {row["case"]: row for row in kept["rows"] if row["side"] == "ToolGym"}
    model, run = MODELS["smollm2-135m"], Run(kept["prompts_per_step"], kept["num_generations"], longest=1.0)
    unit = Machine(1.0, 1e30, 1e30, 1.0, 1.0, train_share=1.0, prefill_share=1.0, decode_share=1.0)
    seconds, work = {}, {}
    for case in (FITTED, PREDICTED):
        parts, row = rows[case]["parts"], rows[case]
        seconds[case] = {"sampling": parts["sampling"], "update": parts["forward"] + parts["backward"]}
        suite = Suite(row["prompt_tokens"], 1, row["completion_tokens"], 0, 0)
        work[case] = play(model, unit, 1, suite, run) | train(model, unit, 1, suite, run)  # in operations
    rate = work[FITTED]["train"] / seconds[FITTED]["update"]
    decode = work[FITTED]["decode"] / (seconds[FITTED]["sampling"] - work[FITTED]["prefill"] / rate)
    found = work[PREDICTED]
    predicted = {"sampling": found["prefill"] / rate + found["decode"] / decode, "update": found["train"] / rate}
    result: dict[str, Any] = {"command": "python benchmarks/plan.py --check", "measured": kept["command"]}
    result |= {"train_gflops": round(rate / 1e9), "decode_gflops": round(decode / 1e9)}
    for part, value in predicted.items():
        actual = seconds[PREDICTED][part]
        result[part] = {"predicted_s": round(value, 2), "measured_s": actual, "off_percent": off(value, actual)}
    total = sum(predicted.values()), sum(seconds[PREDICTED].values())
    result["step"] = {"predicted_s": round(total[0], 2), "measured_s": round(total[1], 2), "off_percent": off(*total)}
    print(json.dumps(result, indent=2))
    keep("plan", result)


def off(predicted: float, measured: float) -> int:
    return round(100 * (predicted / measured - 1))


def gpu_counts(text: str) -> list[int]:
    counts = [int(part) for part in text.split(",") if part.isdecimal()]
    if len(counts) < text.count(",") + 1 or not all(counts):
        raise argparse.ArgumentTypeError(f"{text!r} must be whole numbers from 1, with commas between")
    return counts


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--model", choices=MODELS, default="qwen2.5-7b")
    parser.add_argument("--machine", choices=MACHINES, default="h100")
    parser.add_argument("--gpus", type=gpu_counts, default="8,64,512", help="numbers with commas between")
    parser.add_argument("--suite", choices=SUITES, default="office")
    parser.add_argument("--prompts", type=int, default=Run.prompts, help="a step")
    parser.add_argument("--generations", type=int, default=Run.generations, help="of a prompt")
    parser.add_argument("--longest", type=float, default=Run.longest, help="the longest episode over the mean")
    parser.add_argument("--processes", type=int, default=Run.processes, help="that play environments")
    parser.add_argument("--by-folder", action="store_true", help="send weights by a folder")
    parser.add_argument("--check", action="store_true", help="compare with the trainer on this CPU")
    options = parser.parse_args()
    if options.check:
        check()
        return
    given = options.prompts, options.generations, options.longest, options.processes, options.by_folder
    run, model, suite = Run(*given), MODELS[options.model], SUITES[options.suite]
    print(f"{options.model}, {options.suite}, {run.prompts} prompts x {run.generations}, {options.machine}: predicted")
    for gpus in options.gpus:
        found = parts(model, MACHINES[options.machine], gpus, suite, run)
        total = step_seconds(found)
        copies, each = replicas(model, MACHINES[options.machine], gpus)
        shown = "  ".join(f"{name} {seconds:.2f}" for name, seconds in found.items())
        print(f"{gpus:5d} GPUs {3600 / total:8.0f} steps/h  {shown} s  most: {max(found, key=found.__getitem__)}"
              f"  ({copies} samplers of {each})")  # fmt: skip
    for what, why in SHARES.items():
        print(f"  {what}: {why}")


if __name__ == "__main__":
    main()
