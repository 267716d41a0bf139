"""One arm and seed: train it, play the tests, write the result. Finished work is not repeated.

Trainings go on from their last checkpoint. Each test is a run of its own, which ``toolgym compare --robustness`` reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import msgspec
from clock import Clock, played_share, trained_share

from toolgym import evaluate
from toolgym.agents.checkpoint import all_of
from toolgym.agents.config import TrainConfig
from toolgym.agents.policy import Policy
from toolgym.agents.training.trainer import Trainer
from toolgym.disk import write_atomic
from toolgym.report.robustness.fault_counts import count_faults
from toolgym.runlog import read_metrics
from toolgym.types import Trajectory
from toolgym.wrappers.faults.outcome import calls_of

from .arms import ARMS, Arm
from .sizes import Size, Test

CURVES = ("reward", "success", "nll")


class Study:
    """A folder of runs, ``<arm>-<seed>/``, and a folder of results, ``<arm>-<seed>.json``."""

    def __init__(self, size: Size, model: str, runs: Path, results: Path, tell: Callable[[str], None]):
        self.size, self.model, self.runs, self.results, self.tell = size, model, runs, results, tell

    def do(self, arm: Arm, seed: int) -> dict[str, Any]:
        """The result of an arm and seed; the arm that it starts from is trained first."""
        path = self.results / f"{arm.name}-{seed}.json"
        about = {"arm": arm.name, "seed": seed, "settings": self.settings(arm, seed), "tests_are": self._tests_are()}
        if path.is_file():
            kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
            if {key: kept.get(key) for key in about} != json.loads(json.dumps(about)):
                raise SystemExit(f"{path} is of other settings: move it away, or give another folder")
            return kept
        tests = self.judged(self.trained(arm, seed), self._played_in(arm, seed))
        result = {**about, "tests": tests, "curves": self._curves(arm, seed)}
        write_atomic(path, json.dumps(result, indent=1) + "\n")
        clean = [tests[test.name]["success"] for test in self.size.tests if test.part == "clean"]
        self.tell(f"{arm.name}-{seed}: clean {sum(clean) / len(clean):.3f}")
        return result

    def clock(self, work: Sequence[tuple[Arm, int]]) -> Clock:
        """How long the work still takes: a piece per training and per judging, by what is on disk."""
        done: dict[str, Callable[[], float]] = {}
        seconds = {}
        for arm, seed in work:
            while arm.kind != "raw":
                folder, steps = self.runs / f"{arm.name}-{seed}", self._of(arm)["steps"]
                seconds[f"train {arm.name}-{seed}"] = 60 * self.size.minutes.get(arm.kind, 0.0)
                done[f"train {arm.name}-{seed}"] = partial(trained_share, folder, steps)
                arm = ARMS[arm.start]
        for arm, seed in work:
            name = "judge raw" if arm.kind == "raw" else f"judge {arm.name}-{seed}"
            seconds[name] = 60 * self.size.minutes.get("judge", 0.0)
            folder = self._played_in(arm, seed)
            done[name] = partial(played_share, {folder / slug(test): test.n for test in self.size.tests})
        return Clock(seconds, lambda piece: done[piece]())

    def settings(self, arm: Arm, seed: int) -> dict[str, Any]:
        """The arm's TrainConfig without paths; {} for raw."""
        if arm.kind == "raw":
            return {}
        settings, under = self._of(arm), self.size.under[arm.under]
        more = {"perturb_seed": seed} if "perturb" in under else {}
        more |= {"fault_seed": seed} if "faults" in under else {}
        of_suite = [self._fitting(settings["env"], under | more)]
        mix = []
        for entry in settings.get("mix", ()):
            mix.append({**entry, **self._fitting(entry["env"], under | more)})
        kwargs = {**settings.get("env_kwargs", {}), **of_suite[0]}
        return {"seed": seed, "eval_every": 0, **settings, "env_kwargs": kwargs, **({"mix": mix} if mix else {})}

    def trained(self, arm: Arm, seed: int) -> str:
        """The folder of the arm's model, trained if needed."""
        if arm.kind == "raw":
            return self.model
        folder, settings = self.runs / f"{arm.name}-{seed}", self.settings(arm, seed)
        if not (done := all_of(folder)) or done[-1].name != f"step-{settings['steps']:06d}":
            start = self.trained(ARMS[arm.start], seed)
            config = TrainConfig(model=start, out=str(folder), save_every=max(4, settings["steps"] // 4), **settings)
            Trainer(config, resume=(folder / "config.json").is_file(), on_step=self._shown(arm, seed)).run()
        return str(all_of(folder)[-1])

    def judged(self, model: str, folder: Path) -> dict[str, dict[str, Any]]:
        """The outcomes of a model on each test."""
        found: dict[str, dict[str, Any]] = {}
        usual: dict[str, int] = {}
        policy: Policy | None = None
        for test in self.size.tests:
            policy = policy or Policy(model, batch_size=64, max_new_tokens=test.new_tokens)
            policy.max_new_tokens = test.new_tokens
            kwargs = {**test.kwargs, **test.under}
            played = evaluate(
                test.env, policy, env_kwargs=kwargs, n=test.n, out=folder / slug(test), resume=True, batch_size=64
            )
            if test.part == "clean":
                usual = {each.task_id: calls_of(each) for each in played if each.reward_valid}
            found[test.name] = outcomes(played, applies(test, [each.task_id for each in played]), usual)
        return found

    def _of(self, arm: Arm) -> dict[str, Any]:
        return self.size.sft if arm.kind == "sft" else self.size.grpo

    def _fitting(self, env: str, under: dict[str, Any]) -> dict[str, Any]:
        """What a suite takes of the arguments: one that runs no calls has no faults."""
        if "faults" not in under:
            return under
        try:
            gym.make(env, **under)
        except ValueError:
            return {name: value for name, value in under.items() if "fault" not in name}
        return under

    def _tests_are(self) -> list[Any]:
        return [msgspec.to_builtins(test) for test in self.size.tests]

    def _played_in(self, arm: Arm, seed: int) -> Path:
        """The folder of the tests' runs; one for all seeds of the raw model, which plays greedily."""
        return self.runs / ("raw" if arm.kind == "raw" else f"{arm.name}-{seed}") / "tests"

    def _shown(self, arm: Arm, seed: int) -> Callable[[dict[str, float]], None]:
        def show(row: dict[str, float]) -> None:
            if row["step"] % 10 == 0 or row["step"] == 1:
                said = [f"{key} {row[key]:.3g}" for key in (*CURVES, "entropy", "seconds") if key in row]
                self.tell(f"{arm.name}-{seed} step {row['step']}: {', '.join(said)}")

        return show

    def _curves(self, arm: Arm, seed: int) -> dict[str, list[float]]:
        rows = [] if arm.kind == "raw" else read_metrics(self.runs / f"{arm.name}-{seed}")
        return {key: [round(row[key], 4) for row in rows] for key in CURVES if rows and key in rows[-1]}


def slug(test: Test) -> str:
    return test.name.replace(" ", "-")


def outcomes(played: Sequence[Trajectory], changed: Sequence[bool], usual: Mapping[str, int]) -> dict[str, Any]:
    """The outcome of each task, in order: "1" passed, "0" failed, "-" not scored, "." the condition changes nothing.

    Args:
        changed: whether the condition changes each task; this does not depend on the policy.
        usual: task -> calls of its clean episode, of the same suite.
    """
    signs = [
        "." if not there else "-" if not each.reward_valid else str(int(each.success is True))
        for each, there in zip(played, changed, strict=True)
    ]
    passed, scored = signs.count("1"), signs.count("1") + signs.count("0")
    faults = count_faults((each, usual.get(each.task_id)) for each in played)
    return {
        "success": round(passed / scored, 4) if scored else 0.0,
        "n": scored,
        "outcomes": "".join(signs),
        **({} if faults is None else {"faults": msgspec.to_builtins(faults)}),
    }


def applies(test: Test, tasks: Sequence[str]) -> list[bool]:
    """Whether the condition changes a task: whether a kind applies to it, or its gold meets a fault."""
    if test.part == "clean":
        return [True] * len(tasks)
    env: Any = gym.make(test.env, **test.kwargs, **test.under).unwrapped
    found = []
    for task in tasks:
        _, info = env.reset(options={"task_id": task})
        if "faults" in test.under:
            for text in env.gold(env.task):
                if env.over:
                    break
                *_, info = env.step(text)
            found.append(bool(info["faults"]))
        else:
            found.append(bool(info["perturbations"]))
    return found
