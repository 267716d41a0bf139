"""Dynamic sampling: groups that teach nothing are replaced by groups of new tasks.

From DAPO (arXiv 2503.14476, section 3.2), which draws on until the batch is full. Here the number of rounds is limited:
groups that still teach nothing after the last round stay in the batch, and have no gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from .collect import Rollout, TaskName
from .curriculum import solve_rate
from .metrics import mean

Group: TypeAlias = list[Rollout]


class PlayedGroups(msgspec.Struct):
    """The groups of one step."""

    tasks: list[TaskName]
    groups: list[Group]
    """To train on, one per task."""
    played: list[tuple[TaskName, Group]]
    """All groups in the order in which they were played: first those drawn at the beginning, one per task."""
    drawing: dict[str, float] = {}
    """The metrics of the drawing, when all had been played."""

    @property
    def drawn_first(self) -> list[Rollout]:
        """The episodes of the tasks that were drawn at the beginning: their means are those of the policy."""
        return [rollout for _, group in self.played[: len(self.tasks)] for rollout in group]

    @property
    def replaced(self) -> list[Group]:
        """The groups that were replaced."""
        kept = {id(group) for group in self.groups}
        return [group for _, group in self.played if id(group) not in kept]


def play_until_signal(
    tasks: Sequence[TaskName],
    play: Callable[[Sequence[TaskName]], list[Group]],
    another: Callable[[TaskName], TaskName],
    teaches: Callable[[Group], bool],
    rounds: int,
) -> PlayedGroups:
    """Play a group of each task; then replace groups that teach nothing.

    Args:
        play: plays a group of each task.
        another: a task to play in place of this one.
        teaches: whether a group is worth training on.
        rounds: how often the groups that teach nothing are replaced, all at once.
    """
    batch = PlayedGroups(list(tasks), play(tasks), [])
    batch.played += zip(batch.tasks, batch.groups, strict=True)
    for _ in range(rounds):
        silent = [i for i, group in enumerate(batch.groups) if not teaches(group)]
        if not silent:
            break
        for i in silent:
            batch.tasks[i] = another(batch.tasks[i])
        for i, group in zip(silent, play([batch.tasks[i] for i in silent]), strict=True):
            batch.groups[i] = group
            batch.played.append((batch.tasks[i], group))
    return batch


def replacement_metrics(batch: PlayedGroups) -> dict[str, float]:
    """The number of replaced groups, and what they cost.

    ``replaced`` is the sum of ``replaced/all_right`` (every episode a success), ``replaced/all_wrong`` (none) and
    ``replaced/other`` (equal rewards all the same, or fewer than two valid episodes). ``replaced/tokens`` are their
    sampled tokens. ``reward`` is the mean of the groups drawn at the beginning, because a choice among all groups has
    another one.
    """
    kinds = [_kind(group) for group in batch.replaced]
    counts = {f"replaced/{kind}": float(kinds.count(kind)) for kind in ("all_right", "all_wrong", "other")}
    tokens = sum(sum(rollout.sample.loss_mask) for group in batch.replaced for rollout in group)
    reward = mean([rollout.reward for rollout in batch.drawn_first if rollout.valid])
    return {"reward": reward, "replaced": float(len(kinds)), **counts, "replaced/tokens": float(tokens)}


def _kind(group: Group) -> str:
    rate = solve_rate(group)
    if sum(rollout.valid for rollout in group) < 2 or rate not in (0.0, 1.0):
        return "other"
    return "all_right" if rate else "all_wrong"
