"""The expected calls of an episode.

A run's files do not hold them, and they can depend on the actions before. So the episode is played again, in an env
made as the run's settings say, with a rubric that notes what each action was compared with.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from threading import Lock
from typing import Any

import gymnasium as gym

from toolgym.assets import AssetError
from toolgym.replay import StoredRun, replay_stored
from toolgym.report.text import one_line
from toolgym.rewards import Evidence, Reward, Scores
from toolgym.stored.run_files import RunError, read_settings
from toolgym.stored.trust import trusted_settings
from toolgym.types import ToolCall, Trajectory


class _Noting:
    """A rubric that notes the expected calls of every action."""

    def __init__(self, rubric: Reward):
        self._rubric = rubric
        self.noted: list[tuple[ToolCall, ...]] = []

    def score(self, evidence: Evidence) -> Scores:
        self.noted.append(evidence.expected)
        return self._rubric.score(evidence)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rubric, name)


class Expectations:
    """The expected calls of a run's episodes.

    Args:
        folder: with the run's ``run.json``, whose settings are obeyed as ``toolgym replay`` obeys them.
        trust: settings to obey although they may reach outside of the run; see ``toolgym.stored.trust``.
    """

    def __init__(self, folder: Path, trust: Collection[str] = ()):
        self.folder = folder
        self.trust = trust
        self._lock = Lock()
        self._env: gym.Env[Any, Any] | None = None

    def of(self, episode: Trajectory) -> tuple[list[tuple[ToolCall, ...]], str]:
        """The expected calls of each action; and if they cannot be told, [] and the reason.

        One episode at a time.
        """
        if not episode.reward_valid:
            return [], "the episode is not valid, so nothing was compared"
        about = self.folder / "run.json"
        with self._lock:
            try:
                settings = read_settings(about)
                trusted_settings(settings, str(about), self.trust)
                run = StoredRun(self.folder, settings, [episode])
                (again,) = replay_stored(run, self._make)
            except (RunError, AssetError, ImportError, ValueError, TypeError, OSError) as error:
                return [], one_line(str(error), 400)
            noted = self._noting.noted[: len(episode.turns)]
        if again.reason or len(noted) < len(episode.turns):
            return [], one_line(again.reason or " ".join(again.differences) or "it does not play as it did", 400)
        changed = "; played again, the episode differs: " + again.differences[0] if again.differences else ""
        return noted, one_line(changed.removeprefix("; "), 400)

    def _make(self, env_id: str, arguments: dict[str, Any]) -> gym.Env[Any, Any]:
        if self._env is None:
            env = gym.make(env_id, **arguments)
            self._noting = _Noting(env.unwrapped.rubric)  # type: ignore[attr-defined]
            env.unwrapped.rubric = self._noting  # type: ignore[attr-defined]
            self._env = env
        self._noting.noted.clear()
        return self._env
