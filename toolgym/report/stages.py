"""Training runs that follow one another in one chart: SFT, then GRPO from its checkpoint.

The horizontal axis is the minutes of training of all runs together, evaluations left out; each run is a shaded stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from toolgym.report.curves import Points, running_mean, thinned, ticks
from toolgym.report.document import COLOURS, legend
from toolgym.report.text import in_html, one_line
from toolgym.report.training import TrainingRun

WIDTH, HEIGHT = 520, 250
LEFT, RIGHT, TOP, BOTTOM = 40, 10, 24, 26
ALL, TRAINING = "all held-out tasks", "training batches"

READING = (
    "Minutes of training, evaluations left out; a shaded stage per run. Dots are evaluations on the same held-out "
    "tasks, with 95 % intervals of success; the dashed line without dots is the mean reward of the training batches."
)
"""The note under the charts."""


class Stage(msgspec.Struct, frozen=True):
    """One run on the shared axis, in minutes."""

    label: str
    start: float
    end: float


class Curve(msgspec.Struct, frozen=True):
    """One line of a chart, in pieces: one per stage that has it."""

    label: str
    pieces: list[Points]
    intervals: list[tuple[float, float, float]] = []
    """(minute, low, high) of each evaluation."""


class Chart(msgspec.Struct, frozen=True):
    """One chart: its title, its lines, the ends of its vertical axis."""

    title: str
    curves: list[Curve]
    ends: tuple[float, float]


def follow(runs: Sequence[TrainingRun]) -> bool:
    """Whether each run started from a checkpoint of the run before it."""
    pairs = list(pairwise(runs))
    return bool(pairs) and all(_model(after).is_relative_to(before.folder.resolve()) for before, after in pairs)


def staged(runs: Sequence[TrainingRun]) -> tuple[list[Stage], list[Chart]]:
    """The stages, and the charts that have values: success, overall and per category, and reward."""
    stages: list[Stage] = []
    clocks = []
    for run in runs:
        start = stages[-1].end if stages else 0.0
        clock, spent = {}, 0.0
        for row in run.rows:
            spent += row.get("seconds", 0.0) / 60
            clock[row["step"]] = start + spent
        clocks.append(clock)
        stages.append(Stage(_name(run), start, start + spent))

    def pieces(metric: str, scale: float = 1.0) -> list[Points]:
        found = [
            [(clock[step], scale * value) for step, value in run.series(metric) if isfinite(value)]
            for run, clock in zip(runs, clocks, strict=True)
        ]
        return [piece for piece in found if piece]

    intervals = []
    for run, clock in zip(runs, clocks, strict=True):
        for evaluation in run.evaluations():
            low, high = evaluation.interval
            intervals.append((clock[evaluation.step], 100 * low, 100 * high))
    kinds = sorted({name for run in runs for row in run.rows for name in row if name.startswith("eval/success/")})
    success = [Curve(ALL, pieces("eval/success", 100), intervals)]
    success += [Curve(name.removeprefix("eval/success/"), pieces(name, 100)) for name in kinds]
    sampled = [thinned(running_mean(piece)) for piece in pieces("reward")]
    reward = [curve for curve in (Curve(ALL, pieces("eval/reward")), Curve(TRAINING, sampled)) if curve.pieces]
    charts = []
    if success[0].pieces:
        charts.append(Chart("Success on held-out tasks, %", success, (0.0, 100.0)))
    if reward:
        values = [value for curve in reward for piece in curve.pieces for _, value in piece]
        room = 0.08 * (max(values) - min(values)) or 0.5
        charts.append(Chart("Reward", reward, (min(values) - room, max(values) + room)))
    return stages, charts


def stages_section(runs: Sequence[TrainingRun]) -> str:
    """The charts as HTML; "" if no run has values."""
    stages, charts = staged(runs)
    figures = [
        f"<figure><figcaption>{in_html(chart.title)}</figcaption>{_svg(chart, stages)}"
        f"{legend([(curve.label, _from_to(curve)) for curve in chart.curves])}</figure>"
        for chart in charts
    ]
    return f"<div class='pair'>{''.join(figures)}</div><p class='note'>{READING}</p>" if figures else ""


def _svg(chart: Chart, stages: Sequence[Stage]) -> str:
    (low, high), end = chart.ends, stages[-1].end or 1.0

    def x(minute: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * minute / end

    def y(value: float) -> float:
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = []
    for i, stage in enumerate(stages):
        parts.append(
            f'<rect x="{x(stage.start):.1f}" y="0" width="{x(stage.end) - x(stage.start):.1f}" '
            f'height="{HEIGHT - BOTTOM}" fill="currentColor" fill-opacity="{0.05 + 0.07 * (i % 2)}"/>'
            f'<text x="{x(stage.start) + 6:.1f}" y="16">{in_html(stage.label)}</text>'
        )
    for value in ticks(low, high):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in ticks(0.0, end):
        parts.append(f'<text x="{x(value):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{value:g}</text>')
    for i, curve in enumerate(chart.curves):
        colour = i % COLOURS
        parts.append(f"<g><title>{in_html(curve.label)}</title>")
        for minute, bottom, top in curve.intervals:
            parts.append(f'<path class="interval l{colour}" d="M{x(minute):.1f} {y(bottom):.1f}V{y(top):.1f}"/>')
        for piece in curve.pieces:
            path = " ".join(f"{x(minute):.1f},{y(value):.1f}" for minute, value in piece)
            kind = "mean" if i else "main"
            parts.append(f'<polyline class="{kind} l{colour}" points="{path}"/>')
            if curve.label != TRAINING:
                parts += [
                    f'<circle class="s{colour}" cx="{x(minute):.1f}" cy="{y(value):.1f}" r="{3 if i == 0 else 2}">'
                    f"<title>{value:.3g}</title></circle>"
                    for minute, value in piece
                ]
        parts.append("</g>")
    words = "; ".join(f"{curve.label} {_from_to(curve)}" for curve in chart.curves)
    return (
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{in_html(chart.title)} by minutes of training: {in_html(words)}">{"".join(parts)}</svg>'
    )


def write_stages_png(runs: Sequence[TrainingRun], path: str | Path) -> Path | None:
    """The charts as a PNG file, with matplotlib (extra ``report``); None if no run has values."""
    from matplotlib.figure import Figure

    from toolgym.report.figure import COLOURS as PAINTS
    from toolgym.report.figure import plain_axes, save_png

    stages, charts = staged(runs)
    if not charts:
        return None
    figure = Figure(figsize=(5.6 * len(charts), 4.4), dpi=120, layout="constrained")
    for axes, chart in zip(figure.subplots(1, len(charts), squeeze=False)[0], charts, strict=True):
        _draw(axes, chart, stages, PAINTS)
        plain_axes(axes)
    figure.supxlabel("minutes of training, evaluations left out", fontsize=9)
    return save_png(figure, path)


def _draw(axes: Any, chart: Chart, stages: Sequence[Stage], paints: Sequence[str]) -> None:
    low, high = chart.ends
    for i, stage in enumerate(stages):
        axes.axvspan(stage.start, stage.end, color="black", alpha=0.03 + 0.05 * (i % 2), linewidth=0)
        axes.annotate(stage.label, (stage.start, high), xytext=(4, 4), textcoords="offset points", fontsize=9)
    for i, curve in enumerate(chart.curves):
        colour, thick = paints[i % len(paints)], i == 0
        for minute, bottom, top in curve.intervals:
            axes.plot([minute, minute], [bottom, top], color=colour, alpha=0.5, linewidth=1.2)
        how: dict[str, Any] = {"linewidth": 2.0 if thick else 1.2, "marker": "o", "markersize": 4 if thick else 3}
        if curve.label == TRAINING:
            how = {"linewidth": 1.2, "linestyle": (0, (4, 2))}
        for k, piece in enumerate(curve.pieces):
            columns = [x for x, _ in piece], [y for _, y in piece]
            axes.plot(*columns, color=colour, label=None if k else curve.label, clip_on=False, **how)
    axes.set_ylim(low, high)
    axes.set_xlim(-0.02 * (stages[-1].end or 1.0), 1.02 * (stages[-1].end or 1.0))
    axes.set_title(chart.title, fontsize=10, loc="left", pad=18)
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=4)


def _from_to(curve: Curve) -> str:
    return f"from {curve.pieces[0][0][1]:.3g} to {curve.pieces[-1][-1][1]:.3g}" if curve.pieces else ""


def _name(run: TrainingRun) -> str:
    return one_line(f"{str(run.config.get('algo', run.label)).upper()}, {run.step} step{'s' * (run.step != 1)}", 40)


def _model(run: TrainingRun) -> Path:
    return Path(str(run.config.get("model", ""))).resolve()
