"""PPO of stable-baselines3 against fixed rules: which tool, and whether to call one.

    python benchmarks/sb3_when_to_call.py            # about 10 minutes on one core; needs ".[sb3]"
    python benchmarks/sb3_when_to_call.py --quick    # a check that it runs, in half a minute

Three settings:

- ``choose``: Office, level choose: one of five to eight similar tools. Trained on split train, tested on the first
  tasks of test and of test_unseen, which gives all tools other names.
- ``when``: BFCL irrelevance (nothing fits, no call is right) against multiple (one of two to four functions fits).
  Trained on one half of the 440 rows and tested on the other half; a checksum of the row's id assigns the half
  (``split_tasks(tasks, 0.5)``). Here the number of functions gives the answer away: an irrelevance row has one, a row
  of multiple has more. The rule "several tools" uses this, and a policy can.
- ``when, from live rows``: trained on BFCL's live_irrelevance and live_multiple, which have other authors, and tested
  on all 440 rows of irrelevance and multiple.
- ``when, one tool``: BFCL irrelevance against simple_python, split like ``when``. All rows have one function.

The same rules (toolgym/wrappers/discrete/filling.py) fill in the arguments for all policies. ``ceiling`` is therefore
the best possible success: the share of tasks that a call of the menu, or no call, passes. The rules were written with
requests of all these suites in view, test rows included: the policies are compared on unseen rows, the ceiling is not.

Policies:

- PPO: greedy, after training from rewards alone; three seeds, of which the median by success is shown. On BFCL it
  trains for about ten passes over the rows: more passes raise the success in training and lower it on held-out rows
  (8,000 steps of ``when``: 61 to 67 %).
- ``never``: answer without a call.
- ``always k``: call number k of the menu (modulo its size), then answer; the best k on the test rows, which favours it.
- ``overlap``: the tool whose name and description share most words with the request.
- ``overlap > t``: the same if the overlap is above a threshold, else no call; the threshold is the best on up to 300
  training tasks.

PPO learns from the reward, which gives points for parts of a call: it calls more often than success alone would teach.
Success is the suite's own verdict; ``decision`` is whether the policy called exactly when a call is expected.
Intervals: Wilson, 95 %. Result: benchmarks/results/sb3_when_to_call.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from harness import command_line

import toolgym  # noqa: F401  registers the suites
from toolgym.agents.sb3.trainer import SB3Agent, SB3Config, SB3Trainer
from toolgym.report.table import wilson
from toolgym.rollout import rollout
from toolgym.tasks import task_order
from toolgym.types import Completion
from toolgym.wrappers import split_tasks
from toolgym.wrappers.discrete.menu import COLUMNS, MenuMaker

BFCL = "ToolGym-BFCL-v0"
OFFICE = "ToolGym-Office-v0"
RESULT = Path(__file__).parent / "results" / "sb3_when_to_call.json"
MAKER = MenuMaker()
AT = {name: i for i, name in enumerate(COLUMNS)}


class Rule:
    """A fixed policy with the ``predict`` of a stable-baselines3 model."""

    def __init__(self, pick: Callable[[np.ndarray, np.ndarray], int]):
        self.pick = pick

    def predict(self, features: dict[str, np.ndarray], deterministic: bool = True) -> tuple[list[int], None]:
        rows = features["candidates"].reshape(len(features["mask"]), -1, len(COLUMNS))
        return [self.choice(row, mask > 0.5) for row, mask in zip(rows, features["mask"], strict=True)], None

    def choice(self, rows: np.ndarray, mask: np.ndarray) -> int:
        """Follow the rule until a tool has answered; then answer."""
        answer = len(mask) - 1
        return answer if rows[answer, AT["has_result"]] else self.pick(rows, mask)


def never(rows: np.ndarray, mask: np.ndarray) -> int:
    """The last entry of the menu: answer without a call."""
    return len(mask) - 1


def always(place: int) -> Callable[[np.ndarray, np.ndarray], int]:
    """The call at one place of the menu, modulo the number of calls."""
    return lambda rows, mask: (
        int(np.flatnonzero(mask[:-1])[place % max(1, mask[:-1].sum())]) if mask[0] else len(mask) - 1
    )


def overlap(threshold: float = -1.0) -> Callable[[np.ndarray, np.ndarray], int]:
    """The call with the largest overlap with the request, if that is above the threshold."""

    def pick(rows: np.ndarray, mask: np.ndarray) -> int:
        found = np.where(mask, rows[:, AT["overlap"]] - rows[:, AT["later_filling"]], -2.0)[:-1]
        best = int(found.argmax())
        return best if found[best] > threshold else len(mask) - 1

    return pick


def several(rows: np.ndarray, mask: np.ndarray) -> int:
    """``overlap`` if there is more than one tool, else ``never``."""
    return overlap()(rows, mask) if rows[-1, AT["one_of"]] < 1 else never(rows, mask)


def score(env: Any, model: Any, ids: Sequence[str]) -> dict[str, Any]:
    """Success, decision and mean reward over the tasks."""
    agent = SB3Agent(model)
    episodes = [rollout(env, agent, task_id=task_id) for task_id in ids]
    passed = sum(bool(each.success) for each in episodes)
    right = 0
    for each in episodes:
        called = any(turn.reward.calls for turn in each.turns)
        right += called == wanted(env, each.task_id)
    return {
        "success": share(passed, len(ids)),
        "decision": share(right, len(ids)),
        "reward": round(sum(each.reward for each in episodes) / len(ids), 3),
    }


def wanted(env: Any, task_id: str) -> bool:
    """Whether the task asks for a call."""
    task = env.unwrapped.find_task(task_id)
    if env.spec.id == BFCL:
        return bool(task.data.ground_truth)
    return any(task.expected)


def share(count: int, n: int) -> dict[str, Any]:
    low, high = wilson(count, n)
    return {"share": round(count / n, 4), "low": round(low, 4), "high": round(high, 4), "n": n}


def ceiling(env: Any, ids: Sequence[str]) -> dict[str, Any]:
    """The share of tasks that one entry of the menu, followed by the answer, passes."""
    dialect, passed = env.unwrapped.dialect, 0
    for task_id in ids:
        observation, _ = env.reset(options={"task_id": task_id})
        menu = MAKER.make(observation, dialect)
        passed += any(_passes(env, task_id, menu.completion(int(i))) for i in np.flatnonzero(menu.mask))
    return share(passed, len(ids))


def _passes(env: Any, task_id: str, first: Completion) -> bool:
    env.reset(options={"task_id": task_id})
    dialect = env.unwrapped.dialect
    observation, _, terminated, truncated, info = env.step(dialect.render(first))
    if not (terminated or truncated):
        menu = MAKER.make(observation, dialect)
        *_, info = env.step(dialect.render(menu.completion(MAKER.max_candidates)))
    return bool(info.get("success"))


def rules(env: Any, tested: Sequence[str], learnt: tuple[Any, Sequence[str]]) -> dict[str, Any]:
    """The fixed policies on the tested tasks."""
    found = {"never": score(env, Rule(never), tested)}
    constant = {place: score(env, Rule(always(place)), tested) for place in range(MAKER.max_candidates)}
    best = max(constant, key=lambda place: constant[place]["success"]["share"])
    found[f"always {best}"] = constant[best]
    found["overlap"] = score(env, Rule(overlap()), tested)
    if env.spec.id == BFCL:
        found["several tools"] = score(env, Rule(several), tested)
    grid = [-1.0, *np.arange(0, 1, 0.1).round(1).tolist()]
    fitted = {t: score(learnt[0], Rule(overlap(t)), learnt[1]) for t in grid}
    threshold = max(fitted, key=lambda t: fitted[t]["success"]["share"])
    found[f"overlap > {threshold:g}"] = score(env, Rule(overlap(threshold)), tested)
    return found


def train(folder: Path, seed: int, steps: int, **settings: Any) -> Any:
    config = SB3Config(out=str(folder / f"{seed}"), seed=seed, steps=steps, eval_every=0, **settings)
    trainer = SB3Trainer(config)
    trainer.run()
    return trainer.model


def compare(name: str, tests: dict[str, tuple[Any, Sequence[str]]], learnt: tuple[Any, Sequence[str]],
            seeds: int, steps: int, settings: dict[str, Any]) -> list[dict[str, Any]]:  # fmt: skip
    began = perf_counter()
    with TemporaryDirectory() as folder:
        models = [train(Path(folder) / name, seed, steps, **settings) for seed in range(seeds)]
    seconds = round((perf_counter() - began) / seeds, 1)
    out = []
    for test, (env, ids) in tests.items():
        runs = sorted((score(env, model, ids) for model in models), key=lambda run: run["success"]["share"])
        row = {
            "setting": test,
            "steps": steps,
            "seconds_a_seed": seconds,
            "ppo": runs[len(runs) // 2],
            "ppo_seeds": [run["success"]["share"] for run in runs],
            **rules(env, ids, learnt),
            "ceiling": {"success": ceiling(env, ids)},
        }
        print(json.dumps({"setting": test, "steps": steps, "seconds_a_seed": seconds, "seeds": row["ppo_seeds"]}))
        for policy, found in row.items():
            if isinstance(found, dict):
                print(f"  {policy:16}", *(f"{key} {_shown(value)}" for key, value in found.items()), sep="  ")
        out.append(row)
    return out


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"{100 * value['share']:.1f} [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"
    return f"{value:+.2f}"


def shuffled(ids: Sequence[str]) -> list[str]:
    return [ids[i] for i in np.random.default_rng(0).permutation(len(ids))]


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps and tasks; writes nothing")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    seeds, tasks = (1, 40) if quick else (3, 300)
    level: dict[str, Any] = {"level": "choose"}
    train_env = gym.make(OFFICE, split="train", **level)
    offices = {f"choose, {split}": gym.make(OFFICE, split=split, **level) for split in ("test", "test_unseen")}
    results = compare(
        "choose",
        {name: (env, task_order(env.unwrapped.tasks, tasks, 0)) for name, env in offices.items()},  # type: ignore[attr-defined]
        (train_env, [train_env.unwrapped.tasks[i].id for i in range(tasks)]),  # type: ignore[attr-defined]
        seeds, 1_000 if quick else 20_000, {"env": OFFICE, "env_kwargs": level},
    )  # fmt: skip
    for name, other in (("when", "multiple"), ("when, one tool", "simple_python")):
        arguments = {"category": ["irrelevance", other]}
        env = gym.make(BFCL, **arguments)
        learn, test = map(shuffled, split_tasks(env.unwrapped.tasks, 0.5))  # type: ignore[attr-defined]
        passes = -(-10 * len(learn) // 512) * 512
        results += compare(
            name, {name: (env, test[:tasks] if quick else test)}, (env, learn[:tasks]),
            seeds, 512 if quick else passes, {"env": BFCL, "env_kwargs": arguments, "held_out": 0.5},
        )  # fmt: skip
    live = {"category": ["live_irrelevance", "live_multiple"]}
    source, env = gym.make(BFCL, **live), gym.make(BFCL, category=["irrelevance", "multiple"])
    name, ids = "when, from live rows", shuffled([task.id for task in env.unwrapped.tasks])  # type: ignore[attr-defined]
    learn = shuffled([task.id for task in source.unwrapped.tasks])[:tasks]  # type: ignore[attr-defined]
    results += compare(
        name, {name: (env, ids[:tasks] if quick else ids)}, (source, learn),
        seeds, 512 if quick else 8_192, {"env": BFCL, "env_kwargs": live},
    )  # fmt: skip
    if not quick:
        RESULT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
