"""Learning curves as a PNG file, with matplotlib (extra ``report``): the charts of the page, for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from toolgym.report.curves import PANELS, bounds, last_step, lines, step_ticks
from toolgym.report.figure import COLOURS, plain_axes, save_png
from toolgym.report.training import TrainingRun

ACROSS = 3


def write_png(runs: Sequence[TrainingRun], path: str | Path) -> Path | None:
    """Write the charts for which a run has values, whole or not at all; None if no chart has any.

    Raises ModuleNotFoundError without matplotlib.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    shown = [(panel, drawn) for panel in PANELS if (drawn := lines(panel, runs))]
    if not shown:
        return None
    down = -(-len(shown) // ACROSS)
    figure = Figure(figsize=(4.2 * ACROSS, 2.7 * down + 0.5), dpi=120, layout="constrained")
    every = figure.subplots(down, ACROSS, squeeze=False).flat
    # `shown` comes first in zip: the axes that are left in `every` are hidden below
    for (panel, drawn), axes in zip(shown, every, strict=False):
        axes.set_title(panel.title, fontsize=10, loc="left")
        for line in drawn:
            colour = COLOURS[line.run % len(COLOURS)]
            axes.plot(*_columns(line.raw), color=colour, alpha=0.25, linewidth=0.8)
            dashed = {"linestyle": (0, (4, 2)), "linewidth": 1.1} if panel.evaluation else {"linewidth": 1.8}
            alone = {"marker": "o", "markersize": 3.5} if len(line.smooth) == 1 and not line.evaluations else {}
            axes.plot(*_columns(line.smooth), color=colour, **dashed, **alone)
            axes.plot(*_columns(line.evaluations), color=colour, marker="o", markersize=3.5, linewidth=1.8)
            for step, low, high in line.intervals:
                axes.plot([step, step], [100 * low, 100 * high], color=colour, alpha=0.5, linewidth=1.2)
        low, high = bounds(drawn, panel.ends)
        axes.set_ylim(low - 0.03 * (high - low), high + 0.03 * (high - low))
        end = last_step(drawn)
        axes.set_xlim(-0.03 * end, 1.03 * end)  # room for the dots at both ends
        axes.set_xticks(step_ticks(end))
        plain_axes(axes)
    for axes in every:
        axes.set_visible(False)
    keys = [Line2D([], [], color=COLOURS[i % len(COLOURS)], linewidth=2, label=run.label) for i, run in enumerate(runs)]
    if any(line.evaluations for _, drawn in shown for line in drawn):
        keys.append(Line2D([], [], color="grey", marker="o", markersize=3.5, label="held-out tasks, 95 % intervals"))
        keys.append(Line2D([], [], color="grey", linestyle=(0, (4, 2)), label="training batches beside them"))
    figure.legend(handles=keys, loc="outside upper left", ncols=4, frameon=False, fontsize=9)
    figure.supxlabel("training step", fontsize=9)
    return save_png(figure, path)


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
