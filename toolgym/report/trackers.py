"""Sends the metrics of a training run to experiment trackers: wandb, mlflow, trackio. None is required.

A tracker that fails stops receiving numbers, with a warning: training goes on, and ``metrics.jsonl`` has every number.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from toolgym.disk import read_object, write_atomic
from toolgym.secrets import without_secrets

logger = logging.getLogger(__name__)

Row = Mapping[str, float]
TRACKERS = {"tensorboard": "tensorboardX", "wandb": "wandb", "mlflow": "mlflow", "trackio": "trackio"}
"""Name -> the package that it needs. TensorBoard's files are always written if its package is there."""
_IDS = "trackers.json"
_PROJECT = "toolgym"


class _Tracker:
    """A run in a tracker: ``log`` takes a row of metrics, ``close`` ends it."""

    def __init__(self, log: Callable[[dict[str, float], int], object], close: Callable[[], object]):
        self.log = log
        self.close = close


class Trackers:
    """The trackers of a training run, for ``Trainer(on_step=Trackers(["wandb"], config))``.

    Each opens its run with the first row. A resumed run goes on in the run that its folder names (``trackers.json``).
    Project and server are the tracker's own settings: WANDB_PROJECT, MLFLOW_TRACKING_URI, ...

    Args:
        names: of ``TRACKERS``.
        config: the settings of the run, a dataclass with ``out``, its folder.

    Raises ValueError for an unknown name, ModuleNotFoundError for a package that is not installed.
    """

    def __init__(self, names: Sequence[str], config: Any):
        for name in names:
            if name not in TRACKERS:
                raise ValueError(f"no tracker {name!r}: choose from {', '.join(TRACKERS)}")
            if find_spec(TRACKERS[name]) is None:
                package = TRACKERS[name]
                raise ModuleNotFoundError(f"reporting to {name} needs a package: pip install {package}", name=package)
        self.names = [name for name in dict.fromkeys(names) if name != "tensorboard"]
        self.folder = Path(config.out)
        self.settings: dict[str, Any] = without_secrets(dataclasses.asdict(config))
        self._open: dict[str, _Tracker] = {}

    def __call__(self, row: Row) -> None:
        """Send the metrics of a step."""
        numbers = {name: value for name, value in row.items() if name != "step"}
        for name in list(self.names):
            try:
                if name not in self._open:
                    self._open[name] = _OPEN[name](self)
                self._open[name].log(numbers, int(row["step"]))
            except Exception as error:
                logger.warning("%s gets no more metrics: %s: %s", name, type(error).__name__, error)
                self.names.remove(name)

    def close(self) -> None:
        """End the runs."""
        for name, tracker in self._open.items():
            try:
                tracker.close()
            except Exception as error:
                logger.warning("%s did not end well: %s: %s", name, type(error).__name__, error)
        self._open = {}

    def run_id(self, name: str) -> str | None:
        """The id of the run that this folder has had in a tracker."""
        found = self._ids().get(name)
        return found if isinstance(found, str) else None

    def remember(self, name: str, run_id: str) -> str:
        """Write the id of a run into the folder; returns it."""
        write_atomic(self.folder / _IDS, json.dumps({**self._ids(), name: run_id}) + "\n")
        return run_id

    def _ids(self) -> dict[str, Any]:
        """Name of a tracker -> id, as the folder has it; {} if it has none that can be read."""
        try:
            return read_object(self.folder / _IDS, "the ids of a run in trackers", ValueError)
        except ValueError:
            return {}


def _wandb(of: Trackers) -> _Tracker:
    wandb: Any = import_module("wandb")
    run_id = of.run_id("wandb") or of.remember("wandb", uuid4().hex[:12])
    run = wandb.init(
        project=os.environ.get("WANDB_PROJECT", _PROJECT), name=of.folder.name, id=run_id, resume="allow",
        dir=str(of.folder), config=of.settings,
    )  # fmt: skip
    return _Tracker(lambda row, step: run.log(row, step=step), run.finish)


def _trackio(of: Trackers) -> _Tracker:
    trackio: Any = import_module("trackio")
    name = of.run_id("trackio") or of.remember("trackio", f"{of.folder.name}-{uuid4().hex[:8]}")
    run = trackio.init(
        project=os.environ.get("TRACKIO_PROJECT", _PROJECT), name=name, resume="allow", config=of.settings
    )
    return _Tracker(lambda row, step: run.log(row, step=step), run.finish)


def _mlflow(of: Trackers) -> _Tracker:
    mlflow: Any = import_module("mlflow")
    run_id = of.run_id("mlflow")
    if run_id is None and not os.environ.get("MLFLOW_EXPERIMENT_NAME"):
        mlflow.set_experiment(_PROJECT)
    run = mlflow.start_run(run_id=run_id, run_name=None if run_id else of.folder.name)
    if run_id is None:
        of.remember("mlflow", run.info.run_id)
        mlflow.log_params({name: str(value)[:500] for name, value in of.settings.items()})
    return _Tracker(lambda row, step: mlflow.log_metrics(row, step=step), mlflow.end_run)


_OPEN: dict[str, Callable[[Trackers], _Tracker]] = {"wandb": _wandb, "trackio": _trackio, "mlflow": _mlflow}
