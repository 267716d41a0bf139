"""The study as a figure: success per arm with its seeds, and lengths and rewards over training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from toolgym.report.figure import COLOURS, plain_axes, save_png

from .arms import ABLATIONS, ARMS, METHODS, Arm
from .intervals import interval
from .kept import Results
from .sizes import Size
from .tables import judged_on

OVER_TRAINING: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Tokens of an answer", "completion_length", ("grpo", "length-fixed", "length-dynamic", "ppo")),
    ("Success in training, %: methods", "success", ("grpo", "sft-grpo", "ppo", "sft-ppo")),
    ("Reward in training: methods", "reward", ("grpo", "sft-grpo", "ppo", "sft-ppo")),
    ("Success in training, %: scale", "success", ("grpo", "scale-equal", "scale-two-stage", "scale-dynamic")),
    ("Success in training, %: granularity", "success", ("grpo", "fine", "intermediate", "coarse")),
)


def write_plot(results: Results, size: Size, path: Path) -> None:
    """Draw the arms that have results. Needs matplotlib (extra ``report``)."""
    from matplotlib.figure import Figure

    size = judged_on(results, size)
    others = (ARMS["grpo"], *ABLATIONS)
    bars = [("Methods", METHODS), ("GRPO cold, other rewards", others)]
    bars = bars if any(arm.name in results for arm in ABLATIONS) else bars[:1]
    lines = [each for each in OVER_TRAINING if sum(name in results for name in each[2]) > 1]
    figure = Figure(figsize=(13, 7.6 if lines else 4.1), dpi=110, layout="constrained")
    above, *below = figure.subfigures(2, 1, height_ratios=(1.15, 1)) if lines else [figure]
    for axes, (title, arms) in zip(above.subplots(1, len(bars), squeeze=False)[0], bars, strict=True):
        _bars(axes, arms, results, size, title)
    for part in below:
        for axes, (title, curve, names) in zip(part.subplots(1, len(lines), squeeze=False)[0], lines, strict=True):
            _lines(axes, title, curve, [ARMS[name] for name in names], results)
    save_png(figure, path)


def _bars(axes: Any, arms: Sequence[Arm], results: Results, size: Size, title: str) -> None:
    arms = [arm for arm in arms if arm.name in results][::-1]
    suites = [suite.name for suite in size.suites]
    high = 0.8 / len(suites)
    for j, suite in enumerate(suites):
        for i, arm in enumerate(arms):
            values = [100 * result["suites"][suite]["success"] for result in results[arm.name].values()]
            at, found = i + high * ((len(suites) - 1) / 2 - j), interval(values)
            label = suite if i == 0 else None
            axes.barh(at, found.mean, height=0.9 * high, color=COLOURS[j % len(COLOURS)], alpha=0.45, label=label)
            axes.errorbar(found.mean, at, xerr=found.half or 0.0, color=COLOURS[j % len(COLOURS)], linewidth=1.3)
            axes.plot(values, [at] * len(values), ".", color="black", markersize=3, alpha=0.6)
    axes.set_yticks(range(len(arms)), [arm.says for arm in arms])
    axes.set_xlim(0, min(100, axes.get_xlim()[1]))  # intervals over two seeds are very wide
    axes.set_title(f"{title}: success, %", fontsize=10, loc="left")
    if arms:  # no arm may have a result yet
        axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=len(suites))
    plain_axes(axes)


def _lines(axes: Any, title: str, curve: str, arms: Sequence[Arm], results: Results) -> None:
    for i, arm in enumerate(arms):
        curves = [result["curves"].get(curve, []) for result in results.get(arm.name, {}).values()]
        steps = min(map(len, curves), default=0)
        if not steps:
            continue
        scale = 100 if curve == "success" else 1
        mean = smooth([scale * sum(each[k] for each in curves) / len(curves) for k in range(steps)])
        axes.plot(range(1, steps + 1), mean, color=COLOURS[i], linewidth=1.6, label=arm.says)
    if curve != "reward":
        axes.set_ylim(bottom=0)
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel("training step", fontsize=8)
    if axes.lines:
        axes.legend(fontsize=7, frameon=False)
    plain_axes(axes)


def smooth(values: Sequence[float], span: int = 5) -> list[float]:
    """Each value replaced by the mean of the last ``span``, itself included."""
    return [fmean(values[max(0, k - span + 1) : k + 1]) for k in range(len(values))]
