"""Evaluations during training, and the episodes that a run keeps for reading.

    RUN/evaluations/step-000025/     greedy episodes of the first held-out tasks, and the outcomes of all of them
    RUN/groups/step-000025/          one group of the step's training episodes, as sampled; tokens.jsonl has its tokens

``toolgym report`` and ``toolgym view`` read each of these folders. Every evaluation uses the same tasks.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from toolgym.disk import atomic_folder, write_atomic
from toolgym.playing.left_out import endings, left_out
from toolgym.runlog import write_run
from toolgym.stored.strict_json import to_json
from toolgym.types import Trajectory

from .collect import Collector, Rollout, TaskName
from .metrics import mean

KEPT_EPISODES = 16
"""Episodes kept of an evaluation. Of the remaining episodes only the outcome is kept."""


def eval_tasks(collector: Collector, count: int) -> list[TaskName]:
    """``count`` held-out tasks, the same in every run."""
    tasks = collector.tasks()
    chosen = random.Random("evaluation").sample(range(len(tasks)), min(count, len(tasks)))
    return [(0, tasks[i].id) for i in chosen]


def eval_metrics(trajectories: Sequence[Trajectory]) -> dict[str, float]:
    """``eval/success``, ``eval/reward``, the numbers of scored and unscored episodes, and the success per category.

    ``eval/unscored/<kind>`` counts the unscored episodes by reason, and ``eval/ended/<reason>`` the scored episodes
    that the policy did not end by itself; see ``toolgym.playing.left_out``.
    """
    scored = [t for t in trajectories if t.reward_valid]
    out = {
        "eval/success": mean([float(bool(t.success)) for t in scored]),
        "eval/reward": mean([t.reward for t in scored]),
        "eval/episodes": float(len(scored)),
        "eval/unscored": float(len(trajectories) - len(scored)),
    }
    for name in sorted({t.category for t in scored if t.category}):
        out[f"eval/success/{name}"] = mean([float(bool(t.success)) for t in scored if t.category == name])
    out |= {f"eval/unscored/{group.kind}": float(group.episodes) for group in left_out(trajectories)}
    return out | {f"eval/ended/{reason}": float(count) for reason, count in endings(trajectories).items()}


def keep_evaluation(
    run: Path, step: int, suite: tuple[str, dict[str, Any]], trajectories: Sequence[Trajectory]
) -> None:
    """Write an evaluation's folder, whole or not at all. Raises OSError.

    Args:
        suite: Gymnasium id and arguments.
    """
    outcomes = {
        t.task_id: {"success": bool(t.success), "reward": t.reward} if t.reward_valid else None for t in trajectories
    }
    about = {"tasks": len(trajectories), "kept": min(KEPT_EPISODES, len(trajectories))}
    with atomic_folder(run / "evaluations" / _name(step)) as folder:
        write_run(folder, _about(run, step, suite) | about, trajectories[:KEPT_EPISODES])
        write_atomic(folder / "outcomes.json", to_json(outcomes, indent=1) + "\n")


def keep_group(
    run: Path,
    step: int,
    suite: tuple[str, dict[str, Any]],
    temperature: float,
    group: Sequence[Rollout],
    decode: Callable[[int], str],
) -> None:
    """Write a training group's folder, whole or not at all. Raises OSError.

    Args:
        decode: the text of a token.
    """
    with atomic_folder(run / "groups" / _name(step)) as folder:
        about = _about(run, step, suite) | {"temperature": temperature}
        write_run(folder, about, [rollout.trajectory for rollout in group])
        write_atomic(folder / "tokens.jsonl", "".join(f"{to_json(_tokens(each, decode))}\n" for each in group))


def _tokens(rollout: Rollout, decode: Callable[[int], str]) -> dict[str, Any]:
    """The tokens of an episode after its prompt: five lists of one length."""
    sample, start = rollout.sample, rollout.sample.prompt_length
    return {
        "task_id": rollout.trajectory.task_id,
        "repeat": rollout.trajectory.repeat,
        "prompt_length": start,
        "tokens": [decode(token) for token in sample.token_ids[start:]],
        "token_ids": sample.token_ids[start:],
        "loss_mask": sample.loss_mask[start:],
        "logprobs": sample.logprobs[start:],
        "advantages": sample.advantages[start:],
    }


def forget_after(run: Path, step: int) -> None:
    """Remove the kept episodes of later steps: a run resumed from ``step`` writes them again.

    Also removes half-written folders of a killed run, checkpoints included.
    """
    for kind in ("evaluations", "groups"):
        for folder in (run / kind).glob("step-*"):
            if folder.name > _name(step):
                shutil.rmtree(folder)
    for part in run.glob("*/.step-*"):
        shutil.rmtree(part)


def _about(run: Path, step: int, suite: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"agent": f"{run.name} step {step}", "env": suite[0], "env_kwargs": suite[1], "step": step}


def _name(step: int) -> str:
    return f"step-{step:06d}"
