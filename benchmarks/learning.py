"""Does it learn? SmolLM2-135M on two cores: raw, SFT, SFT + GRPO, GRPO cold, SFT + PPO; judged on held-out tasks.

    python benchmarks/learning.py sft  --seed 0        # imitate gold actions of Functions and Office
    python benchmarks/learning.py grpo --seed 0        # go on from sft with rewards, on Functions
    python benchmarks/learning.py eval --seed 0 --name sft
    python benchmarks/learning.py table                # everything evaluated so far, as markdown

All training is on tasks that ToolGym makes itself. ``eval`` plays greedily what was never trained on: Functions'
``test_unseen`` (functions of other fields), Office's four easy levels in ``test`` and ``test_unseen`` (renamed tools),
and rows of four BFCL categories. Results: benchmarks/results/learning/<name>-<seed>.json. A GPU is used where there is
one. What was run, where, and what came out is in benchmarks/LOG.md.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
from measured import command_line

import toolgym  # noqa: F401  registers the suites
from toolgym.agents.checkpoint import all_of
from toolgym.agents.collect import Collector
from toolgym.agents.config import TrainConfig
from toolgym.agents.policy import Policy
from toolgym.agents.tokens import ChatTokens
from toolgym.agents.train import Trainer
from toolgym.report.table import wilson

RESULTS = Path(__file__).resolve().parent / "results" / "learning"
FUNCTIONS, OFFICE = "ToolGym-Functions-v0", "ToolGym-Office-v0"
OFFICE_CALLS = {"env": OFFICE, "level": ["single", "choose", "parallel"]}
STARTING = {
    "env": FUNCTIONS,
    "mix": [OFFICE_CALLS, {"env": FUNCTIONS}, {"env": FUNCTIONS}, {"env": OFFICE, "level": "easy"}],
}
"""No tool fits in a sixth of the tasks drawn, and in 23 % of the episodes imitated: gold of more than ``max_tokens`` is
left out, which most of Office's ``choose`` and ``parallel`` and half of Functions' ``mixed`` is. With a third without a
tool that fits, SmolLM2 said of nearly everything that none does it (LOG.md)."""
ON_REWARDS = {
    "env": FUNCTIONS,
    "env_kwargs": {"level": ["single", "choose", "irrelevant"]},
    "steps": 100,
    "prompts_per_step": 8,
    "lora_rank": 16,
    "learning_rate": 3e-4,
}
"""64 episodes a step are few, and their gradient mostly noise. In adapters it does little harm at this rate (at 1e-3 it
does); all weights move with it until what SFT has taught is gone (LOG.md)."""
STAGES: dict[str, dict[str, Any]] = {
    "sft": {"algo": "sft", **STARTING, "steps": 150, "prompts_per_step": 4, "learning_rate": 1.5e-4, "max_tokens": 700},
    "grpo": {"algo": "grpo", **ON_REWARDS},
    "grpo-cold": {"algo": "grpo", **ON_REWARDS},
    "ppo": {"algo": "ppo", **ON_REWARDS},
}
EASY = ("single", "choose", "parallel", "irrelevant")
JUDGED: dict[str, tuple[str, dict[str, Any], str, tuple[str, ...]]] = {
    "functions-unseen": (FUNCTIONS, {"split": "test_unseen"}, "level", (*EASY[:3], "mixed", EASY[3])),
    "office-test": (OFFICE, {"split": "test", "max_turns": 4}, "level", EASY),
    "office-unseen": (OFFICE, {"split": "test_unseen", "max_turns": 4}, "level", EASY),
    "bfcl": ("ToolGym-BFCL-v0", {}, "category", ("simple_python", "multiple", "parallel", "irrelevance")),
}
"""Part -> suite, its arguments, and the argument that tells the columns apart, with the columns."""


def folder_of(out: Path, stage: str, seed: int) -> Path:
    return out / f"{stage}-{seed}"


def model_of(out: Path, stage: str, seed: int) -> str:
    """The model that a stage ends in; the raw one for "raw"."""
    if stage == "raw":
        return "smollm2"
    folder = folder_of(out, stage, seed)
    found = all_of(folder)
    if not found:
        raise SystemExit(f"{folder} has no checkpoint: run the stage first")
    return str(found[-1])


def train(options: argparse.Namespace) -> None:
    stage = options.command
    settings = dict(STAGES[stage])
    if options.steps:
        settings["steps"] = options.steps
    cold = stage in ("sft", "grpo-cold")
    folder = folder_of(options.out, stage, options.seed)
    config = TrainConfig(
        model="smollm2" if cold else model_of(options.out, "sft", options.seed),
        out=str(folder),
        seed=options.seed,
        eval_every=0,
        save_every=10,
        **settings,
    )
    began = time.time()

    def show(row: dict[str, float]) -> None:
        if row["step"] % 5 == 0:
            keys = ("step", "reward", "nll", "success", "entropy", "completion_length", "seconds")
            shown = {key: round(row[key], 3) for key in keys if key in row}
            print(f"{stage}-{options.seed} {time.time() - began:6.0f}s {shown}", flush=True)

    Trainer(config, on_step=show, resume=(folder / "config.json").is_file()).run()


def evaluate(options: argparse.Namespace) -> None:
    """Play the parts asked for; what was played of the others before stays in the file."""
    policy = Policy(model_of(options.out, options.name, options.seed), max_new_tokens=192, batch_size=32)
    chat = ChatTokens(policy.tokenizer)
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{options.name}-{options.seed}.json"
    result = json.loads(path.read_text()) if path.is_file() else {}
    result = {"name": options.name, "seed": options.seed, "parts": result.get("parts", {})}
    for part in options.parts.split(","):
        env, kwargs, by, columns = JUDGED[part]
        n = options.rows if part == "bfcl" else options.n
        found = {one: score(env, {**kwargs, by: one}, policy, chat, n) for one in columns}
        result["parts"][part] = found
        path.write_text(json.dumps(result, indent=2) + "\n")
        print(
            options.name, options.seed, part, {one: f"{r['success']}/{r['n']}" for one, r in found.items()}, flush=True
        )


def score(env: str, kwargs: dict[str, Any], policy: Policy, chat: ChatTokens, n: int) -> dict[str, float]:
    collector = Collector([lambda: gym.make(env, **kwargs)], policy, chat)
    tasks = collector.tasks()
    rollouts = [group[0] for group in collector.play([(0, tasks[i].id) for i in range(min(n, len(tasks)))])]
    return {
        "n": len(rollouts),
        "success": sum(bool(rollout.trajectory.success) for rollout in rollouts),
        "reward": sum(rollout.reward for rollout in rollouts) / len(rollouts),
    }


def table(options: argparse.Namespace) -> None:
    """Success in percent, all seeds together, with 95 % Wilson intervals."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(RESULTS.glob("*-*.json")):
        result = json.loads(path.read_text())
        rows.setdefault(result["name"], []).append(result)
    for part, (_, _, _, names) in JUDGED.items():
        print(f"\n{part}\n\n| stage | seeds | all | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 3))
        for stage, played in rows.items():
            results = [result for result in played if part in result["parts"]]
            if not results:
                continue
            cells = []
            for chosen in (names, *[(name,) for name in names]):
                wins = sum(r["parts"][part][name]["success"] for r in results for name in chosen)
                total = sum(r["parts"][part][name]["n"] for r in results for name in chosen)
                low, high = wilson(wins, total)
                cells.append(f"{100 * wins / total:.0f} ({100 * low:.0f}-{100 * high:.0f})")
            print(f"| {stage} | {len(results)} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("command", choices=[*STAGES, "eval", "table"])
    parser.add_argument("--out", type=Path, default=Path("runs/learning"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="instead of the stage's own number")
    parser.add_argument("--name", choices=["raw", *STAGES], default="raw", help="eval: what (default: raw)")
    parser.add_argument("--parts", default=",".join(JUDGED), help=f"eval: of {', '.join(JUDGED)} (default: all)")
    parser.add_argument("--n", type=int, default=32, help="eval: tasks per level of Functions and Office")
    parser.add_argument("--rows", type=int, default=64, help="eval: BFCL rows per category")
    options = parser.parse_args()
    if unknown := [part for part in options.parts.split(",") if part not in JUDGED]:
        parser.error(f"unknown part {', '.join(unknown)}; there are {', '.join(JUDGED)}")
    {"eval": evaluate, "table": table}.get(options.command, train)(options)


if __name__ == "__main__":
    main()
