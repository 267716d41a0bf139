"""The numbers of training runs: metrics per step, and evaluations with their intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import isnan, nan
from pathlib import Path
from typing import Any

import msgspec

from toolgym.disk import read_object
from toolgym.report.table import apart, wilson
from toolgym.report.text import one_line
from toolgym.stored.run_files import RunError, read_episodes, read_metrics
from toolgym.stored.strict_json import LARGEST_INTEGER
from toolgym.types import Trajectory


class Evaluation(msgspec.Struct, frozen=True):
    """The evaluation on held-out tasks at one step."""

    step: int
    success: float
    """Share of the scored episodes that passed."""
    reward: float
    episodes: int
    """The number of scored episodes."""

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson 95 % interval of ``success``."""
        return wilson(round(self.success * self.episodes), self.episodes)


class TrainingRun(msgspec.Struct, frozen=True):
    """A folder of ``toolgym train``, running or finished."""

    label: str
    folder: Path
    config: dict[str, Any]
    rows: list[dict[str, float]]
    """``metrics.jsonl``: a row per step, and a row of step 0 for the first evaluation."""

    @property
    def step(self) -> int:
        return int(self.rows[-1]["step"]) if self.rows else 0

    @property
    def seconds(self) -> float:
        """Seconds of the run so far; with evaluations if the run wrote ``seconds/total``."""
        spent = sum(row.get("seconds", 0.0) for row in self.rows)
        return self.rows[-1].get("seconds/total", spent) if self.rows else 0.0

    def series(self, name: str) -> list[tuple[float, float]]:
        """(step, value) of each row that has the metric ``name``."""
        return [(row["step"], row[name]) for row in self.rows if not isnan(row.get(name, nan))]

    def evaluations(self) -> list[Evaluation]:
        """Oldest first."""
        return [
            Evaluation(
                step=int(row["step"]),
                success=row["eval/success"],
                reward=row.get("eval/reward", nan),
                episodes=int(row.get("eval/episodes", self.config.get("eval_tasks", 0) - row.get("eval/unscored", 0))),
            )
            for row in self.rows
            if not isnan(row.get("eval/success", nan))
        ]

    def kept(self, kind: str) -> list[Path]:
        """The folders of saved episodes, oldest first; ``kind`` is "evaluations" or "groups"."""
        return sorted(path for path in (self.folder / kind).glob("step-*") if (path / "episodes.jsonl").is_file())


class Pair(msgspec.Struct, frozen=True):
    """Two episodes of one held-out task: before and after training."""

    before: Trajectory
    after: Trajectory


def is_training(path: str | Path) -> bool:
    """Whether ``toolgym train`` wrote the folder. (A model's folder has a config.json too.)"""
    about = Path(path) / "config.json"
    try:
        config = read_object(about, "the settings of a training run", RunError)
    except RunError:
        return (Path(path) / "metrics.jsonl").is_file()
    return "algo" in config


def load_training_runs(paths: Sequence[str | Path]) -> list[TrainingRun]:
    """The training runs in the folders ``paths``, with distinct labels.

    Raises RunError for a folder that does not hold a training run, or whose files cannot be read.
    """
    folders = [Path(path) for path in paths]
    runs = []
    for folder, label in zip(folders, apart(folders), strict=True):
        about = folder / "config.json"
        if not is_training(folder):
            raise RunError(f"{folder} holds no training run: it has no config.json of toolgym train")
        config = read_object(about, "the settings of a training run", RunError)
        run = TrainingRun(label, folder, config, read_metrics(folder))
        _check_evaluations(run)
        runs.append(run)
    return runs


def _check_evaluations(run: TrainingRun) -> None:
    """Raises RunError if a number of an evaluation cannot be what its name says."""
    tasks = run.config.get("eval_tasks", 0)
    if type(tasks) is not int or not 0 <= tasks <= LARGEST_INTEGER:
        raise RunError(f"{run.folder / 'config.json'} is not the settings of a training run: eval_tasks is no number")
    for row in run.rows:
        success, episodes = row.get("eval/success", 0.0), row.get("eval/episodes", tasks - row.get("eval/unscored", 0))
        if not (0 <= success <= 1 and 0 <= episodes <= LARGEST_INTEGER):
            where = f"{run.folder / 'metrics.jsonl'}, step {int(row['step'])}"
            raise RunError(f"{where}: a share of {success:g} of {episodes:g} episodes cannot have passed")


def pairs(run: TrainingRun) -> tuple[int, int, list[Pair]]:
    """The steps of the first and the last evaluation with saved episodes, and the tasks that both have.

    With a single evaluation, its episodes are both ``before`` and ``after``; without any, the list is empty.
    """
    folders = run.kept("evaluations")
    if not folders:
        return 0, 0, []
    first, last = ({t.task_id: t for t in read_episodes(folder)} for folder in (folders[0], folders[-1]))
    found = [Pair(first[task], last[task]) for task in first if task in last]
    return _step_of(folders[0]), _step_of(folders[-1]), found


def changes(run: TrainingRun) -> dict[str, int] | None:
    """Of the held-out tasks of the first and the last evaluation: how many passed before, after, both times.

    None unless two evaluations saved their outcomes.
    """
    folders = [path for path in run.kept("evaluations") if (path / "outcomes.json").is_file()]
    if len(folders) < 2:
        return None
    first, last = _outcomes(folders[0]), _outcomes(folders[-1])
    counts = Counter((first[task], last[task]) for task in first if task in last)
    return {
        "passed before and after": counts[True, True],
        "learnt: failed before, passed after": counts[False, True],
        "lost: passed before, failed after": counts[True, False],
        "failed before and after": counts[False, False],
    }


def _outcomes(folder: Path) -> dict[str, bool]:
    """Task -> whether it passed, for the scored episodes of an evaluation. Raises RunError."""
    path, what = folder / "outcomes.json", "the outcomes of an evaluation"
    found = {}
    for task, outcome in read_object(path, what, RunError).items():
        passed = outcome.get("success") if isinstance(outcome, dict) else outcome
        if not (outcome is None or isinstance(passed, bool)):
            raise RunError(f"{path} is not {what}: {one_line(task, 80)!r} has no success")
        if outcome is not None:
            found[task] = bool(passed)
    return found


def last_group(run: TrainingRun) -> tuple[int, list[Trajectory]]:
    """The step and the episodes of the newest saved training group; ``(0, [])`` if no group was saved."""
    folders = run.kept("groups")
    return (_step_of(folders[-1]), read_episodes(folders[-1])) if folders else (0, [])


def summary(run: TrainingRun) -> dict[str, str]:
    """The run in a few lines, name -> text: algorithm, steps, time, and the first, best and last evaluation."""
    config, done = run.config, run.evaluations()
    steps = config.get("steps", "?")
    beyond = isinstance(steps, int) and run.step > steps
    found = {
        "algorithm": f"{config.get('algo')}" + (f", LoRA {config['lora_rank']}" if config.get("lora_rank") else ""),
        "steps": f"{run.step} ({steps} asked for)" if beyond else f"{run.step} of {steps}",
        "time": in_words(run.seconds),
    }
    named = {"first": done[0], "last": done[-1], "best": max(done, key=lambda e: e.success)} if done else {}
    found |= {f"success %, {name}": success_words(evaluation) for name, evaluation in named.items()}
    found |= {f"reward, {name}": f"{evaluation.reward:+.2f}" for name, evaluation in named.items()}
    loss = "loss on text" if config.get("algo") == "pretrain" else "SFT loss"
    shown = (("reward", "reward in training", "+.2f"), ("nll", loss, ".3f"), ("eval/nll", "held-out loss", ".3f"))
    for metric, label, form in shown:
        values = [value for _, value in run.series(metric)]
        if values:
            tenth = max(1, len(values) // 10)
            ends = (values[:tenth], values[-tenth:])
            found[label] = " to ".join(format(sum(end) / tenth, form) for end in ends)
    return found


def about(run: TrainingRun) -> str:
    """The run's main settings on one line."""
    config = run.config
    words = [f"{config.get('algo')} on {config.get('env')}"]
    words += [f"{name}={config[name]}" for name in ("env_kwargs", "model", "learning_rate", "seed") if config.get(name)]
    return one_line(", ".join(words), 300)


def success_words(evaluation: Evaluation) -> str:
    """Success in percent, its interval, and the step."""
    low, high = evaluation.interval
    return f"{100 * evaluation.success:.1f} [{100 * low:.1f}, {100 * high:.1f}] @{evaluation.step}"


def in_words(seconds: float) -> str:
    """A duration in seconds, minutes or hours."""
    whole = round(seconds)
    if whole < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _step_of(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2])
