"""One arm and seed: train it, play the suites, write the result. Finished work is not repeated."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import gymnasium as gym

from toolgym.agents.checkpoint import all_of
from toolgym.agents.config import TrainConfig
from toolgym.agents.policy import Policy
from toolgym.agents.tokens import ChatTokens
from toolgym.agents.training.collect import Collector, Rollout
from toolgym.agents.training.trainer import Trainer
from toolgym.disk import write_atomic
from toolgym.runlog import read_metrics

from .arms import ARMS, Arm
from .sizes import PAPER_STEPS, Size, Suite

CURVES = ("reward", "success", "completion_length", "nll")


class Study:
    """A folder of runs, ``<arm>-<seed>/``, and a folder of results, ``<arm>-<seed>.json``."""

    def __init__(self, size: Size, model: str, runs: Path, results: Path, tell: Callable[[str], None]):
        self.size, self.model, self.runs, self.results, self.tell = size, model, runs, results, tell

    def do(self, arm: Arm, seed: int) -> dict[str, Any]:
        """The result of an arm and seed. The arm that it starts from is trained first. A stopped run is resumed, and
        missing suites are added to a result."""
        path = self.results / f"{arm.name}-{seed}.json"
        about = {"arm": arm.name, "seed": seed, "settings": self.settings(arm, seed)}
        kept: dict[str, Any] = {}
        if path.is_file():
            kept = json.loads(path.read_text("utf-8"))
            if {key: kept[key] for key in about} != json.loads(json.dumps(about)):
                raise SystemExit(f"{path} is of other settings: move it away, or give another folder")
        suites = kept.get("suites", {})
        missing = [suite for suite in self.size.suites if suite.name not in suites]
        if not missing:
            return kept
        suites |= self.judged(self.trained(arm, seed), missing)
        result = {**about, "suites": suites, "curves": kept.get("curves") or self.curves(arm, seed)}
        write_atomic(path, json.dumps(result, indent=1) + "\n")
        overall = result["suites"][self.size.overall]["success"]
        self.tell(f"{arm.name}-{seed}: {overall:.3f} of {self.size.overall}")
        return result

    def settings(self, arm: Arm, seed: int) -> dict[str, Any]:
        """The arm's TrainConfig without paths; {} for raw."""
        if arm.kind == "raw":
            return {}
        kind, shared = self.size.kinds[arm.kind], self.size.train
        settings = {"seed": seed, "eval_every": 0, **shared, **kind}
        if arm.kind in ("ppo", "grpo"):
            pace = {"schedule": PAPER_STEPS / kind["steps"], "words": self.size.length_words}
            settings["env_kwargs"] = {**settings.get("env_kwargs", {}), "reward": {**pace, **arm.reward}}
        return settings

    def trained(self, arm: Arm, seed: int) -> str:
        """The folder of the arm's model, trained if needed."""
        if arm.kind == "raw":
            return self.model
        folder, settings = self.runs / f"{arm.name}-{seed}", self.settings(arm, seed)
        if not (done := all_of(folder)) or done[-1].name != f"step-{settings['steps']:06d}":
            start = self.trained(ARMS[arm.start], seed)
            config = TrainConfig(model=start, out=str(folder), save_every=max(25, settings["steps"] // 2), **settings)
            Trainer(config, resume=(folder / "config.json").is_file(), on_step=self._shown(arm, seed)).run()
        return str(all_of(folder)[-1])

    def _shown(self, arm: Arm, seed: int) -> Callable[[dict[str, float]], None]:
        def show(row: dict[str, float]) -> None:
            if row["step"] % 10 == 0:
                said = [f"{key} {row[key]:.3g}" for key in (*CURVES, "entropy", "seconds") if key in row]
                self.tell(f"{arm.name}-{seed} step {row['step']}: {', '.join(said)}")

        return show

    def curves(self, arm: Arm, seed: int) -> dict[str, list[float]]:
        """Metric -> its values over the run's steps."""
        rows = read_metrics(self.runs / f"{arm.name}-{seed}")
        return {key: [round(row[key], 4) for row in rows] for key in CURVES if rows and key in rows[-1]}

    def judged(self, model: str, suites: Sequence[Suite]) -> dict[str, dict[str, Any]]:
        """The model's summary on each suite, played greedily."""
        policy = Policy(model, batch_size=64)
        chat = ChatTokens(policy.tokenizer)
        return {suite.name: summary(played(suite, policy, chat)) for suite in suites}


def played(suite: Suite, policy: Policy, chat: ChatTokens) -> list[Rollout]:
    policy.max_new_tokens = suite.new_tokens
    collector = Collector([lambda: gym.make(suite.env, **suite.kwargs)], policy, chat)
    tasks = collector.tasks()
    count = len(tasks) if suite.n is None else min(suite.n, len(tasks))
    # a list may hold one category after another: take tasks at equal distances. On demand, categories alternate
    apart = len(tasks) / count if isinstance(tasks, (list, tuple)) else 1
    names = [(0, tasks[int(i * apart)].id) for i in range(count)]
    return [group[0] for start in range(0, count, 64) for group in collector.play(names[start : start + 64])]


def summary(rollouts: Sequence[Rollout]) -> dict[str, Any]:
    """Shares and means over the scored episodes, and the success per category."""
    valid = [rollout for rollout in rollouts if rollout.trajectory.reward_valid]
    first = [turn for rollout in valid for turn in rollout.trajectory.turns[:1]]
    calls = [sum(len(turn.reward.calls) for turn in rollout.trajectory.turns) for rollout in valid]
    categories = sorted({rollout.trajectory.category for rollout in valid})
    won = {id(rollout): float(bool(rollout.trajectory.success)) for rollout in valid}
    return {
        "n": len(valid),
        "unscored": len(rollouts) - len(valid),
        "success": share(won.values()),
        "reward": share(rollout.reward for rollout in valid),
        "format": share(term.score > 0 for turn in first for term in turn.reward.terms if term.name == "format"),
        "calls": share(calls),
        "called": {
            name: share(n > 0 for n, r in zip(calls, valid, strict=True) if r.trajectory.category == name)
            for name in categories
        },
        "tokens": share(sum(rollout.sample.loss_mask) for rollout in valid),
        "categories": {name: share(won[id(r)] for r in valid if r.trajectory.category == name) for name in categories},
    }


def share(values: Any) -> float:
    """A mean, rounded to four places; 0 for no values."""
    found = [float(value) for value in values]
    return round(fmean(found), 4) if found else 0.0
