"""Plays recorded answers in an env, so that each call gets its record."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from toolgym.env import ToolEnv
from toolgym.rollout import failure_kind
from toolgym.types import Trajectory

ENDS_HERE = "the recorded answers end before the episode does"


def playback(env: ToolEnv, env_id: str, task_id: str, answers: Sequence[str], repeat: int = 0) -> Trajectory:
    """The episode of these answers, in the env's dialect. Answers after its end are not played.

    An episode that the answers do not end is cut off, as at ``max_turns``. One without an answer is not valid.
    Raises KeyError for an unknown task.
    """
    observation, info = env.reset(options={"task_id": task_id})
    opening, truncated = observation["messages"], False
    for text in answers:
        if env.over:
            break
        _, _, terminated, truncated, info = env.step(text)
        truncated = truncated and not terminated
    if not env.over and env.turns:
        info, truncated = env.cut_off(ENDS_HERE), True
    turns, valid = list(env.turns), info["reward_valid"] and bool(env.turns)
    return Trajectory(
        env_id,
        task_id,
        opening,
        turns,
        success=info.get("success") if valid else None,
        verdict=info.get("verdict", ""),
        error_type=info.get("error_type"),
        reward=sum(turn.reward.total for turn in turns),
        reward_valid=valid,
        truncated=truncated,
        repeat=repeat,
        category=info.get("category", ""),
        error=info.get("error", None if valid else "no answer was recorded"),
        error_kind="" if valid else failure_kind(turns) if turns else "agent",
        faults=info.get("faults", UNSET),
    )
