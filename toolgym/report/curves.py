"""Learning curves as inline SVG: which metrics are drawn, how they are smoothed, one small chart per metric."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, isfinite, log10
from typing import TypeAlias

import msgspec

from toolgym.report.document import COLOURS
from toolgym.report.text import in_html
from toolgym.report.training import Evaluation, TrainingRun

WIDTH, HEIGHT = 340, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 26
MOST_POINTS = 240
"""Points drawn per line; a longer line is drawn as means over equal stretches."""

READING = (
    "The horizontal axis is the training step. Lines with dots are evaluations on held-out tasks, with 95 % intervals "
    "of success; other lines are training batches, as a running mean over 4 % of the steps, with the single steps "
    "faint behind it."
)
"""The note under the charts."""

Points = list[tuple[float, float]]


Ends: TypeAlias = tuple[float | None, float | None]
"""The ends of an axis; None if the values decide."""


class Panel(msgspec.Struct, frozen=True):
    """One chart."""

    title: str
    training: str = ""
    """The metric of the training steps: its running mean, with the single values faint behind it."""
    evaluation: str = ""
    """The field of Evaluation: a dot per evaluation."""
    ends: Ends = (None, None)
    scale: float = 1.0


UP: Ends = (0.0, None)
SHARE: Ends = (0.0, 1.0)
PANELS = (
    Panel("Success, %", "success", "success", (0.0, 100.0), scale=100.0),
    Panel("Reward", "reward", "reward"),
    Panel("Tokens per episode", "completion_length", ends=UP),
    Panel("Entropy, nats", "entropy", ends=UP),
    Panel("Gradient norm", "grad_norm", ends=UP),
    Panel("SFT loss, nats per token", "nll", ends=UP),
    Panel("Held-out loss, nats per token", "eval/nll", ends=UP),
    Panel("Policy loss", "loss"),
    Panel("KL to the initial policy, nats", "kl"),
    Panel("Episodes cut off, share", "truncated", ends=SHARE),
    Panel("Groups with equal rewards, share", "frac_reward_zero_std", ends=SHARE),
    Panel("Tokens per second", "tokens_per_second", ends=UP),
)


class Line(msgspec.Struct, frozen=True):
    """The points of one run in one chart."""

    run: int
    raw: Points
    smooth: Points
    evaluations: Points
    intervals: list[tuple[float, float, float]]
    """(step, low, high) of each evaluation; only for success."""


def lines(panel: Panel, runs: Sequence[TrainingRun]) -> list[Line]:
    """A line per run that has the metric; [] if no run has it."""
    found = []
    for i, run in enumerate(runs):
        if panel.training == "loss" and run.series("nll"):
            continue  # for SFT the loss is the nll, which has its own chart
        raw = [(step, panel.scale * value) for step, value in run.series(panel.training) if isfinite(value)]
        done = run.evaluations() if panel.evaluation else []
        points = [(float(e.step), panel.scale * getattr(e, panel.evaluation)) for e in done]
        points = [point for point in points if isfinite(point[1])]
        intervals = [_interval(e) for e in done] if panel.evaluation == "success" else []
        if raw or points:
            found.append(Line(i, thinned(raw), thinned(running_mean(raw)), points, intervals))
    return found


def running_mean(points: Points) -> Points:
    """Each value replaced by the mean of the last 4 % of all values, itself included."""
    width = max(1, len(points) // 25)
    out, total = [], 0.0
    for i, (step, value) in enumerate(points):
        total += value - (points[i - width][1] if i >= width else 0.0)
        out.append((step, total / min(i + 1, width)))
    return out


def thinned(points: Points) -> Points:
    """At most ``MOST_POINTS`` points, each the mean over an equal stretch."""
    size = ceil(len(points) / MOST_POINTS)
    if size <= 1:
        return points
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]


def bounds(drawn: Sequence[Line], ends: Ends = (None, None)) -> tuple[float, float]:
    """The lowest and highest value of the axis, unless ``ends`` sets them.

    Means and evaluations decide, widened by half their range. Single noisy values may fall outside.
    """
    values = [value for line in drawn for _, value in (*line.smooth, *line.evaluations)]
    single = [value for line in drawn for _, value in line.raw]
    low, high = min(values), max(values)
    room = (high - low) / 2 or abs(high) / 10 or 1.0
    low, high = max(low - room, min([*single, low])), min(high + room, max([*single, high]))
    if low == high:
        low, high = low - room, high + room
    return low if ends[0] is None else ends[0], high if ends[1] is None else ends[1]


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers within [low, high]: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return [i * step for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def step_ticks(end: float) -> list[float]:
    """Round whole numbers from 0 to the last step."""
    return [value for value in ticks(0.0, end, 4) if value == round(value)]


def curves(runs: Sequence[TrainingRun]) -> str:
    """HTML figures of all charts for which a run has values."""
    figures = []
    for panel in PANELS:
        drawn = lines(panel, runs)
        if drawn:
            figures.append(
                f"<figure><figcaption>{in_html(panel.title)}</figcaption>{_svg(panel, drawn, runs)}</figure>"
            )
    return f"<div class='curves'>{''.join(figures)}</div>" if figures else "<p>No step has been logged yet.</p>"


def last_step(drawn: Sequence[Line]) -> float:
    """The last step that was drawn, at least 1: the end of the horizontal axis."""
    return max([1.0, *(step for line in drawn for step, _ in (*line.raw, *line.evaluations))])


def _svg(panel: Panel, drawn: Sequence[Line], runs: Sequence[TrainingRun]) -> str:
    low, high = bounds(drawn, panel.ends)
    end = last_step(drawn)

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / end

    def y(value: float) -> float:
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = []
    for value in ticks(low, high):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in step_ticks(end):
        parts.append(f'<text x="{x(value):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{value:g}</text>')
    for line in drawn:
        parts.append(f"<g><title>{in_html(runs[line.run].label)}</title>")
        colour = f"l{line.run % COLOURS}"
        for points, kind in ((line.raw, "raw"), (line.smooth, "mean" if panel.evaluation else "main")):
            if len(points) > 1:
                path = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points)
                parts.append(f'<polyline class="{kind} {colour}" points="{path}"/>')
            elif points and not line.evaluations:
                parts.append(_dot(x(points[0][0]), y(points[0][1]), line.run))
        for step, bottom, top in line.intervals:
            parts.append(
                f'<path class="interval {colour}" d="M{x(step):.1f} {y(100 * bottom):.1f}V{y(100 * top):.1f}"/>'
            )
        if line.evaluations:
            path = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in line.evaluations)
            parts.append(f'<polyline class="main {colour}" points="{path}"/>')
            parts += [_dot(x(step), y(value), line.run, value) for step, value in line.evaluations]
        parts.append("</g>")
    words = "; ".join(_in_words(line, runs) for line in drawn)
    return (
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{in_html(panel.title)} by step: {in_html(words)}">{"".join(parts)}</svg>'
    )


def _dot(x: float, y: float, run: int, value: float | None = None) -> str:
    title = "" if value is None else f"<title>{value:.3g}</title>"
    return f'<circle class="s{run % COLOURS}" cx="{x:.1f}" cy="{y:.1f}" r="3">{title}</circle>'


def _in_words(line: Line, runs: Sequence[TrainingRun]) -> str:
    points = line.evaluations or line.smooth
    return f"{runs[line.run].label} from {points[0][1]:.3g} to {points[-1][1]:.3g}"


def _interval(evaluation: Evaluation) -> tuple[float, float, float]:
    low, high = evaluation.interval
    return float(evaluation.step), low, high
