"""What all studies do with an arm and seed: train it from another arm's model, and tell how long the work takes.

Finished work is not repeated. Trainings go on from their last checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from clock import Clock, trained_share

from toolgym.agents.checkpoint import all_of
from toolgym.agents.config import TrainConfig
from toolgym.agents.training.trainer import Trainer
from toolgym.runlog import read_metrics


class ArmStudy:
    """A folder of runs, ``<arm>-<seed>/``, and a folder of results, ``<arm>-<seed>.json``.

    A study adds ``settings(arm, seed)``, the arm's TrainConfig without paths ({} for raw), and ``judged_share(arm,
    seed)``, the share of its evaluation that is on disk. An arm has a ``name``, a ``kind``, and ``start``, the arm
    whose model it starts from.
    """

    arms: ClassVar[Mapping[str, Any]]
    curves: ClassVar[tuple[str, ...]]
    """The metrics of a training that its result keeps."""
    saves: ClassVar[tuple[int, int]]
    """Checkpoints of a training, and the least number of steps between two."""
    settings: Callable[[Any, int], dict[str, Any]]
    judged_share: Callable[[Any, int], float]

    def __init__(self, size: Any, model: str, runs: Path, results: Path, tell: Callable[[str], None]):
        self.size, self.model, self.runs, self.results, self.tell = size, model, runs, results, tell

    def kept(self, path: Path, about: Mapping[str, Any]) -> dict[str, Any]:
        """The result in a file; {} without the file. Raises SystemExit if it is not ``about`` the same."""
        if not path.is_file():
            return {}
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if {key: found.get(key) for key in about} != json.loads(json.dumps(about)):
            raise SystemExit(f"{path} is of other settings: move it away, or give another folder")
        return found

    def trained(self, arm: Any, seed: int) -> str:
        """The folder of the arm's model, trained if needed."""
        if arm.kind == "raw":
            return self.model
        folder, settings = self.runs / f"{arm.name}-{seed}", self.settings(arm, seed)
        if not (done := all_of(folder)) or done[-1].name != f"step-{settings['steps']:06d}":
            start, (saves, least) = self.trained(self.arms[arm.start], seed), self.saves
            save_every = max(least, settings["steps"] // saves)
            config = TrainConfig(model=start, out=str(folder), save_every=save_every, **settings)
            shown = partial(self._show, folder.name)
            Trainer(config, resume=(folder / "config.json").is_file(), on_step=shown).run()
        return str(all_of(folder)[-1])

    def curves_of(self, arm: Any, seed: int) -> dict[str, list[float]]:
        """Metric -> its values over the run's steps; {} for raw."""
        rows = read_metrics(self.runs / f"{arm.name}-{seed}")
        return {key: [round(row[key], 4) for row in rows] for key in self.curves if rows and key in rows[-1]}

    def judged_in(self, arm: Any, seed: int) -> Path:
        """The folder of an arm's evaluation; one for all seeds of the raw model, which plays greedily."""
        return self.runs / (arm.name if arm.kind == "raw" else f"{arm.name}-{seed}")

    def clock(self, work: Sequence[tuple[Any, int]]) -> Clock:
        """How long the work still takes: a piece per training and per judging, by what is on disk."""
        done: dict[str, Callable[[], float]] = {}
        seconds, minutes = {}, self.size.minutes
        for arm, seed in work:
            while arm.kind != "raw":  # with the trainings that it starts from
                folder, steps = self.runs / f"{arm.name}-{seed}", self.settings(arm, seed)["steps"]
                seconds[f"train {folder.name}"] = 60 * minutes.get(arm.kind, 0.0)
                done[f"train {folder.name}"] = partial(trained_share, folder, steps)
                arm = self.arms[arm.start]
        for arm, seed in work:
            name = f"judge {self.judged_in(arm, seed).name}"
            seconds[name] = 60 * minutes.get("judge", 0.0)
            done.setdefault(name, partial(self.judged_share, arm, seed))
        return Clock(seconds, lambda piece: done[piece]())

    def _show(self, name: str, row: dict[str, float]) -> None:
        if row["step"] % 10 == 0 or row["step"] == 1:
            said = [f"{key} {row[key]:.3g}" for key in (*self.curves, "entropy", "seconds") if key in row]
            self.tell(f"{name} step {row['step']}: {', '.join(said)}")
