"""One arm and seed: train it, play the suites, write the result. Finished work is not repeated.

Trainings go on from their last checkpoint, and each suite is kept as soon as it is played.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import gymnasium as gym
import msgspec

from toolgym.agents.policy import Policy
from toolgym.agents.tokens import ChatTokens
from toolgym.agents.training.collect import Collector, Rollout
from toolgym.assets import AssetError
from toolgym.disk import write_atomic
from toolgym.report.text import one_line

from .arm_study import ArmStudy
from .arms import ARMS, Arm
from .sizes import PAPER_STEPS, Size, Suite


class Study(ArmStudy):
    """A folder of runs, ``<arm>-<seed>/``, and a folder of results, ``<arm>-<seed>.json``.

    Suites whose data or packages are missing here are told and left out.
    """

    arms, curves, saves = ARMS, ("reward", "success", "completion_length", "nll"), (2, 25)

    def __init__(self, size: Size, model: str, runs: Path, results: Path, tell: Callable[[str], None]):
        super().__init__(size, model, runs, results, tell)
        reasons = {suite.name: missing(suite) for suite in size.suites}
        self.suites = [suite for suite in size.suites if not reasons[suite.name]]
        for name, reason in reasons.items():
            if reason:
                tell(f"without {name}: {reason}")
        if size.overall not in [suite.name for suite in self.suites]:
            raise SystemExit(f"the suite {size.overall} is needed for the tables: {reasons[size.overall]}")

    def do(self, arm: Arm, seed: int) -> dict[str, Any]:
        """The result of an arm and seed. The arm that it starts from is trained first. A stopped run is resumed, and
        missing suites are added to a result."""
        path = self.results / f"{arm.name}-{seed}.json"
        about = {"arm": arm.name, "seed": seed, "settings": self.settings(arm, seed)}
        kept = self.kept(path, about)
        suites = kept.get("suites", {})
        left = [suite for suite in self.suites if suite.name not in suites]
        if not left:
            return kept
        suites |= self.judged(self.trained(arm, seed), left, self._judged_in(arm, seed))
        result = {**about, "suites": suites, "curves": kept.get("curves") or self.curves_of(arm, seed)}
        write_atomic(path, json.dumps(result, indent=1) + "\n")
        overall = result["suites"][self.size.overall]["success"]
        self.tell(f"{arm.name}-{seed}: {overall:.3f} of {self.size.overall}")
        return result

    def judged_share(self, arm: Arm, seed: int) -> float:
        found: set[str] = set()
        for path in (self.results / f"{arm.name}-{seed}.json", self._judged_in(arm, seed)):
            if path.is_file():
                kept = json.loads(path.read_text("utf-8"))
                found |= set(kept.get("suites", kept))
        return len(found & {suite.name for suite in self.suites}) / len(self.suites)

    def _judged_in(self, arm: Arm, seed: int) -> Path:
        """The file of the suites played so far."""
        return self.judged_in(arm, seed) / "judged.json"

    def settings(self, arm: Arm, seed: int) -> dict[str, Any]:
        """The arm's TrainConfig without paths; {} for raw."""
        if arm.kind == "raw":
            return {}
        kind, shared = self.size.kinds[arm.kind], self.size.train
        settings = {"seed": seed, "eval_every": 0, **shared, **kind}
        if arm.kind in ("ppo", "grpo"):
            pace = {"schedule": PAPER_STEPS / kind["steps"], "words": self.size.length_words}
            given = settings.get("env_kwargs", {})
            settings["env_kwargs"] = {**given, "reward": {**pace, **given.get("reward", {}), **arm.reward}}
        return settings

    def judged(self, model: str, suites: Sequence[Suite], path: Path) -> dict[str, dict[str, Any]]:
        """The model's summary on each suite, played greedily; kept in the file ``path`` after each suite."""
        kept: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        todo = [suite for suite in suites if kept.get(suite.name, {}).get("of") != about_suite(suite)]
        if todo:
            policy = Policy(model, batch_size=64)
            chat = ChatTokens(policy.tokenizer)
            for suite in todo:
                kept[suite.name] = {"of": about_suite(suite), "summary": summary(played(suite, policy, chat))}
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(path, json.dumps(kept) + "\n")
        return {suite.name: kept[suite.name]["summary"] for suite in suites}


def about_suite(suite: Suite) -> dict[str, Any]:
    """The suite as plain data: a summary is of these tasks alone."""
    return dict(json.loads(json.dumps(msgspec.to_builtins(suite))))


def missing(suite: Suite) -> str:
    """Why a suite cannot be played here; "" if it can."""
    try:
        gym.make(suite.env, **suite.kwargs)
    except (AssetError, ImportError, gym.error.Error) as error:
        return one_line(str(error), 200)
    return ""


def played(suite: Suite, policy: Policy, chat: ChatTokens) -> list[Rollout]:
    """The suite's tasks, one episode each, in order."""
    policy.max_new_tokens = suite.new_tokens
    parts = [{**suite.kwargs, "category": name} for name in suite.kwargs["category"]] if suite.each else [suite.kwargs]
    collector = Collector([partial(gym.make, suite.env, **kwargs) for kwargs in parts], policy, chat)
    names = []
    for i in range(len(parts)):
        tasks = collector.tasks(i)
        count = len(tasks) if suite.n is None else min(suite.n, len(tasks))
        # a list may hold one category after another: take tasks at equal distances. On demand, categories alternate
        apart = len(tasks) / count if isinstance(tasks, (list, tuple)) else 1
        names += [(i, tasks[int(k * apart)].id) for k in range(count)]
    groups = [names[start : start + suite.batch] for start in range(0, len(names), suite.batch)]
    return [group[0] for tasks in groups for group in collector.play(tasks)]


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
        "outcomes": "".join(outcome(rollout) for rollout in rollouts),
        "categories": {name: share(won[id(r)] for r in valid if r.trajectory.category == name) for name in categories},
    }


def outcome(rollout: Rollout) -> str:
    """ "1" passed, "0" failed, "-" not scored."""
    return str(int(bool(rollout.trajectory.success))) if rollout.trajectory.reward_valid else "-"


def share(values: Any) -> float:
    """A mean, rounded to four places; 0 for no values."""
    found = [float(value) for value in values]
    return round(fmean(found), 4) if found else 0.0
