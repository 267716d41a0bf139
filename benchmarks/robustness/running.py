"""One arm and seed: train it, play the tests, write the result. Finished work is not repeated.

Trainings go on from their last checkpoint. Each test is a run of its own, which ``toolgym compare --robustness`` reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import msgspec
from clock import played_share
from study.arm_study import ArmStudy

from toolgym import evaluate
from toolgym.agents.policy import Policy
from toolgym.disk import write_atomic
from toolgym.report.robustness.fault_counts import count_faults
from toolgym.types import Trajectory
from toolgym.wrappers.faults.outcome import calls_of

from .arms import ARMS, Arm
from .sizes import Test


class Study(ArmStudy):
    """A folder of runs, ``<arm>-<seed>/``, and a folder of results, ``<arm>-<seed>.json``."""

    arms, curves, saves = ARMS, ("reward", "success", "nll"), (4, 4)

    def do(self, arm: Arm, seed: int) -> dict[str, Any]:
        """The result of an arm and seed; the arm that it starts from is trained first."""
        path = self.results / f"{arm.name}-{seed}.json"
        about = {"arm": arm.name, "seed": seed, "settings": self.settings(arm, seed), "tests_are": self._tests_are()}
        if kept := self.kept(path, about):
            return kept
        tests = self.judged(self.trained(arm, seed), self._played_in(arm, seed))
        result = {**about, "tests": tests, "curves": self.curves_of(arm, seed)}
        write_atomic(path, json.dumps(result, indent=1) + "\n")
        clean = [tests[test.name]["success"] for test in self.size.tests if test.part == "clean"]
        self.tell(f"{arm.name}-{seed}: clean {sum(clean) / len(clean):.3f}")
        return result

    def judged_share(self, arm: Arm, seed: int) -> float:
        folder = self._played_in(arm, seed)
        return played_share({folder / slug(test): test.n for test in self.size.tests})

    def _played_in(self, arm: Arm, seed: int) -> Path:
        """The folder of the tests' runs."""
        return self.judged_in(arm, seed) / "tests"

    def settings(self, arm: Arm, seed: int) -> dict[str, Any]:
        """The arm's TrainConfig without paths; {} for raw."""
        if arm.kind == "raw":
            return {}
        settings, under = self.size.sft if arm.kind == "sft" else self.size.grpo, self.size.under[arm.under]
        under = under | ({"perturb_seed": seed} if "perturb" in under else {})
        under = under | ({"fault_seed": seed} if "faults" in under else {})
        mix = [{**entry, **fitting(entry["env"], under)} for entry in settings.get("mix", ())]
        kwargs = {**settings.get("env_kwargs", {}), **fitting(settings["env"], under)}
        return {"seed": seed, "eval_every": 0, **settings, "env_kwargs": kwargs, **({"mix": mix} if mix else {})}

    def judged(self, model: str, folder: Path) -> dict[str, dict[str, Any]]:
        """The outcomes of a model on each test."""
        found: dict[str, dict[str, Any]] = {}
        usual: dict[str, int] = {}
        policy = Policy(model, batch_size=64)
        for test in self.size.tests:
            policy.max_new_tokens = test.new_tokens
            kwargs = {**test.kwargs, **test.under}
            played = evaluate(
                test.env, policy, env_kwargs=kwargs, n=test.n, out=folder / slug(test), resume=True, batch_size=64
            )
            if test.part == "clean":
                usual = {each.task_id: calls_of(each) for each in played if each.reward_valid}
            found[test.name] = outcomes(played, applies(test, [each.task_id for each in played]), usual)
        return found

    def _tests_are(self) -> list[Any]:
        return [msgspec.to_builtins(test) for test in self.size.tests]


def fitting(env: str, under: dict[str, Any]) -> dict[str, Any]:
    """What a suite takes of the arguments: a suite that runs no calls has no faults."""
    made: Any = gym.make(env).unwrapped if "faults" in under else None
    if made is None or made.runs_calls():
        return under
    return {name: value for name, value in under.items() if "fault" not in name}


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
