"""Credit over turns: does "turn", "call" or "fork" learn more from the same tokens than "episode"?

    python benchmarks/credit.py                        # tiny: three seeds, about half an hour on one core
    python benchmarks/credit.py --size smollm2         # SmolLM2-135M, hours on two cores
    python benchmarks/credit.py --table                # of what is there already

Office's levels chain, dialogue, recover and missing. All arms start from one model, which has imitated gold there for a
while, and draw the same tasks; "fork" plays half as many a step and spends the rest on forks. Stopped at any point, the
same command goes on. Results: benchmarks/results/credit-SIZE.json and .png, over the tokens sampled.

``tiny`` needs no data: a model of half a million parameters, made from nothing, imitates gold and bad habits, half and
half, on 16 tasks that it knows by heart, in tokens that are whole words; then it is to learn which is which. What it
shows is how credit finds the turn that went wrong. It says nothing of other tasks.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from harness import command_line

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin make a model slow on shared cores

import gymnasium as gym
import torch
from study.decisions import Brief, thought
from study.plot import smooth
from study.tiny_model import chat_tokenizer, make_model
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from toolgym import register
from toolgym.agents.checkpoint import all_of, writing
from toolgym.agents.config import TrainConfig
from toolgym.agents.policy import Policy
from toolgym.agents.tokens import ChatTokens
from toolgym.agents.training.collect import Collector
from toolgym.agents.training.trainer import Trainer
from toolgym.disk import atomic_folder, write_atomic
from toolgym.envs.office.env import OfficeEnv
from toolgym.report.figure import COLOURS, plain_axes, save_png
from toolgym.runlog import read_metrics
from toolgym.tasks import Task
from toolgym.types import Completion, ToolCall

RESULTS = Path(__file__).resolve().parent / "results"
LEVELS = ["chain", "dialogue", "recover", "missing"]
ARMS: dict[str, dict[str, Any]] = {
    "episode": {},
    "turn": {},
    "call": {},
    "fork": {"prompts_per_step": 4, "forks": 1, "steps": 26},
}
CHATML_WORDS = "system\nuser\nassistant\ntool\n"
HABITS = ("early", "value", "tool")
COLOUR = dict(zip(ARMS, COLOURS, strict=False))
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "tiny": {
        "made": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4},
        "both": {
            "env": "Bench-BriefOffice-v0",
            "env_kwargs": {"level": LEVELS, "each": 4},
            "max_tokens": 1024,
            "max_completion_length": 96,
        },
        "sft": {
            "steps": 150,
            "prompts_per_step": 16,
            "learning_rate": 2e-3,
            "env_kwargs": {"level": LEVELS, "each": 4, "habits": True},
        },
        "grpo": {
            "steps": 30,
            "prompts_per_step": 8,
            "temperature": 0.8,
            "learning_rate": 1e-4,
        },
        "judged": {"kwargs": {}, "tasks": 16, "repeats": 8},
    },
    "smollm2": {
        "both": {"env": "ToolGym-Office-v0", "env_kwargs": {"level": LEVELS}},
        "sft": {"steps": 60, "prompts_per_step": 8, "learning_rate": 1.5e-4},
        "grpo": {"steps": 30, "prompts_per_step": 8, "learning_rate": 2e-5},
        "judged": {"kwargs": {"split": "val"}, "tasks": 32, "repeats": 4},
    },
}


def few(env: OfficeEnv, each: int, among: int = 80) -> list[Task]:
    """Of the first tasks those of each level whose gold is shortest."""
    first = env.tasks[:among]
    return [
        task
        for level in LEVELS
        for task in sorted(
            (task for task in first if task.id.endswith(level)), key=lambda task: len("".join(env.gold(task)))
        )[:each]
    ]


class BriefOffice(OfficeEnv):
    """Few of Office's tasks, ``each`` of a level, with a line for each tool.

    With ``habits``, what is called gold is so in half of the turns: before the others comes a call of the wrong tool or
    with the wrong value, or the answer comes too early. A model that imitates it has the skill, beside bad habits.
    """

    def __init__(self, each: int, habits: bool = False, **kwargs: Any):
        super().__init__(dialect=Brief(), max_turns=8, **kwargs)
        self.habits, self.asked = False, 0
        self.tasks = few(self, each)  # type: ignore[assignment]
        self.habits = habits

    def gold(self, task: Task) -> tuple[str, ...]:
        self.asked += 1
        stream = random.Random(f"{task.id} {self.asked}")
        texts: list[str] = []
        for text in super().gold(task):
            right = self.dialect.parse(text)
            if self.habits and right.calls and stream.random() < 0.5:
                texts.append(self.written(self.wrong(task, right.calls[0], stream.choice(HABITS))))
            texts.append(self.written(right))
        return tuple(texts)

    def wrong(self, task: Task, call: ToolCall, habit: str) -> Completion:
        """What comes of a habit where that call is right: always the same."""
        if habit == "early":
            return Completion("", (), None, "Done.")
        if habit == "value":
            last = list(call.arguments)[-1]
            return Completion("", (ToolCall(call.name, {**call.arguments, last: call.name}),))
        other = next(tool for tool in task.tools if tool.name != call.name)
        return Completion("", (ToolCall(other.name, dict.fromkeys(other.parameters["properties"], "it")),))

    def written(self, said: Completion) -> str:
        think = thought(said.calls) if said.calls else "I answer."
        return self.dialect.render(Completion("", said.calls, think, said.response))


register("Bench-BriefOffice-v0", BriefOffice)


def made(size: dict[str, Any], folder: Path) -> Path:
    """A new model, and a tokenizer to whom every word of the episodes to imitate is one token."""
    if folder.is_dir():
        return folder
    env: Any = gym.make(size["both"]["env"], **size["sft"]["env_kwargs"]).unwrapped
    texts = []
    for task in [task for task in env.tasks for _ in range(30)]:
        env.reset(options={"task_id": task.id})
        for action in env.gold(task):
            if not env.over:
                env.step(action)
        texts += [message["content"] for message in env.observe()["messages"]]
    pieces = Regex(r' ?"[^"\n]*"| ?[^\s"]+|\s')
    split = pre_tokenizers.Split(pieces, "isolated")
    words = sorted({word for text in ("?", *texts, CHATML_WORDS) for word, _ in split.pre_tokenize_str(text)})
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="?"))
    backend.pre_tokenizer, backend.decoder = split, decoders.Fuse()
    tokenizer = chat_tokenizer(backend)
    model = make_model(0, len(tokenizer), size["made"])
    with atomic_folder(folder) as temporary, writing():
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
    return folder


def settings(size: str, stage: str, seed: int) -> dict[str, Any]:
    return {"seed": seed, "eval_every": 0, **SIZES[size]["both"], **SIZES[size][stage]}


def train(folder: Path, config: dict[str, Any], tell: Callable[[str], None]) -> Path:
    """The last checkpoint of a run, which is done, or gone on with, where it is not there."""

    def show(row: dict[str, float]) -> None:
        if row["step"] % 10 == 0:
            keys = ("nll", "reward", "success", "fork_tokens", "seconds")
            tell(f"{folder.name} step {row['step']:.0f} " + ", ".join(f"{k} {row[k]:.3g}" for k in keys if k in row))

    done = all_of(folder)
    if not done or int(done[-1].name[5:]) < config["steps"]:
        Trainer(TrainConfig(out=str(folder), **config), on_step=show, resume=(folder / "config.json").is_file()).run()
    return all_of(folder)[-1]


def judged(model: str, size: dict[str, Any]) -> dict[str, float]:
    """Reward and success of sampled episodes, and success by level; on the tasks trained on, where they are few."""
    asked, both = size["judged"], TrainConfig(**{**size["both"], **size["grpo"]})
    policy = Policy(
        model, max_new_tokens=both.max_completion_length, temperature=both.temperature, seed=1, batch_size=64
    )
    make = partial(gym.make, both.env, **both.env_kwargs, **asked["kwargs"])
    collector = Collector([make], policy, ChatTokens(policy.tokenizer), both.max_tokens)
    tasks = [(0, collector.tasks()[i].id) for i in range(asked["tasks"])]
    rollouts = [rollout for group in collector.play(tasks, asked["repeats"]) for rollout in group]
    found = {"reward": fmean(rollout.reward for rollout in rollouts)}
    for level in ("", *LEVELS):
        won = [bool(r.trajectory.success) for r in rollouts if r.trajectory.category.startswith(level)]
        found[level or "success"] = 100 * fmean(won)
    return {name: round(value, 2) for name, value in found.items()}


def curves(folder: Path, config: dict[str, Any]) -> dict[str, list[float]]:
    """By step: tokens sampled so far, forks included, forks alone, and how the step's episodes went."""
    settings = TrainConfig(**config)
    found: dict[str, list[float]] = {"tokens": [], "forks": [], "reward": [], "success": []}
    tokens = forks = 0.0
    for row in read_metrics(folder):
        if row["step"]:
            forks += row.get("fork_tokens", 0.0)
            tokens += row["completion_length"] * settings.prompts_per_step * settings.num_generations
            values = (tokens + forks, forks, row["reward"], 100 * row["success"])
            for name, value in zip(found, values, strict=True):
                found[name].append(round(value, 2))
    return found


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Their mean and standard deviation."""
    return f"{fmean(values):.{digits}f}" + (f" ± {stdev(values):.{digits}f}" if len(values) > 1 else "")


def table(kept: dict[str, Any]) -> str:
    """Before and after; means and standard deviations over seeds."""
    heads = ("credit", "seeds", "tokens", "of them forks", "reward", "success, %", *LEVELS)
    names = ("reward", "success", *LEVELS)
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines.append("| before | | | | " + " | ".join(f"{kept['before'][name]:.1f}" for name in names) + " |")
    for arm, seeds in kept["results"].items():
        runs = list(seeds.values())
        tokens, forks = (fmean(run["curves"][name][-1] for run in runs) for name in ("tokens", "forks"))
        after = [spread([run["after"][name] for run in runs]) for name in names]
        lines.append(f"| {arm} | {len(runs)} | {tokens:,.0f} | {forks / tokens:.0%} | " + " | ".join(after) + " |")
    return "\n".join(lines)


def picture(kept: dict[str, Any], path: Path) -> None:
    """Means over seeds, and bands of a standard deviation to both sides, over tokens sampled; success by level."""
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 4.2), dpi=110, layout="constrained")
    reward, success, levels = figure.subplots(1, 3)
    for axes, title, name in (
        (reward, "Reward of training episodes", "reward"),
        (success, "Success of training episodes, %", "success"),
    ):
        for arm, seeds in kept["results"].items():
            runs = [run["curves"] for run in seeds.values()]
            grid = np.linspace(max(run["tokens"][0] for run in runs), min(run["tokens"][-1] for run in runs), 60)
            lines = [np.interp(grid, run["tokens"], smooth(run[name])) for run in runs]
            mean, band = np.mean(lines, 0), np.std(lines, 0, ddof=1 if len(lines) > 1 else 0)
            axes.plot(grid / 1000, mean, color=COLOUR[arm], linewidth=1.8, label=arm)
            axes.fill_between(grid / 1000, mean - band, mean + band, color=COLOUR[arm], alpha=0.15, linewidth=0)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("thousand tokens sampled, forks included (means over 5 steps)", fontsize=8)
    wide = 0.8 / len(kept["results"])
    for i, (arm, seeds) in enumerate(kept["results"].items()):
        each = [[run["after"][name] for run in seeds.values()] for name in LEVELS]
        at = [k + wide * (i + 0.5) - 0.4 for k in range(len(LEVELS))]
        error = [stdev(values) if len(values) > 1 else 0.0 for values in each]
        levels.bar(at, list(map(fmean, each)), wide * 0.9, yerr=error, color=COLOUR[arm], alpha=0.7)
    for k, name in enumerate(LEVELS):
        before = kept["before"][name]
        levels.plot([k - 0.42, k + 0.42], [before, before], "k--", linewidth=1, label=None if k else "before")
    levels.set_xticks(range(len(LEVELS)), LEVELS)
    levels.set_title("Success after training, %, by level", fontsize=10, loc="left")
    levels.set_ylim(0, 100)
    for axes in (reward, success, levels):
        plain_axes(axes)
    reward.legend(fontsize=8, frameon=False, loc="lower right")
    levels.legend(fontsize=8, frameon=False, loc="upper left")
    save_png(figure, path)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--size", choices=list(SIZES), default="tiny")
    parser.add_argument("--seeds", type=int, default=3, help="how many: 0, 1, ... (default: 3)")
    parser.add_argument("--arms", default=",".join(ARMS), help=f"of {', '.join(ARMS)} (default: all)")
    parser.add_argument("--runs", type=Path, help="default: runs/credit/SIZE")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="train nothing")
    options = parser.parse_args()
    arms = options.arms.split(",")
    if unknown := [arm for arm in arms if arm not in ARMS]:
        parser.error(f"unknown arm {', '.join(unknown)}; there are {', '.join(ARMS)}")
    runs = options.runs or Path("runs") / "credit" / options.size
    path = RESULTS / f"credit-{options.size}.json"
    began = time.perf_counter()

    def tell(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {text}", flush=True)

    if not options.table:
        torch.set_num_threads(options.threads)
        model = "smollm2"
        if options.size == "tiny":
            model = str(made(SIZES["tiny"], runs / "made"))
        sft = {"algo": "sft", "model": model, **settings(options.size, "sft", 0)}
        start = str(train(runs / "sft", sft, tell))
        results: dict[str, Any] = {arm: {} for arm in arms}
        for seed in range(options.seeds):
            for arm in results:
                config = {"credit": arm, "model": start, **settings(options.size, "grpo", seed), **ARMS[arm]}
                after = judged(str(train(runs / f"{arm}-{seed}", config, tell)), SIZES[options.size])
                results[arm][str(seed)] = {"after": after, "curves": curves(runs / f"{arm}-{seed}", config)}
        about = {"settings": SIZES[options.size], "arms": {arm: ARMS[arm] for arm in results}}
        kept = {**about, "before": judged(start, SIZES[options.size]), "results": results}
        write_atomic(path, json.dumps(kept, indent=1) + "\n")
    kept = json.loads(path.read_text("utf-8"))
    picture(kept, path.with_suffix(".png"))
    print(table(kept))


if __name__ == "__main__":
    main()
