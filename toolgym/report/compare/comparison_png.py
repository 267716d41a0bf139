"""A comparison as a PNG file, with matplotlib (extra ``report``): agents x suites, with 95 % intervals."""

from __future__ import annotations

from pathlib import Path

from toolgym.report.compare.comparison import Comparison
from toolgym.report.figure import COLOURS, plain_axes, save_png
from toolgym.report.text import one_line

MARKERS = "osD^vP"
_LINE = 0.2
"""Height in inches of one agent on one suite."""
_GAP = 0.9
"""Space between two suites, in agents' lines."""


def write_comparison_png(comparison: Comparison, path: str | Path) -> Path:
    """Write the PNG, whole or not at all: a band per suite, with a dot and an interval per agent.

    Raises ModuleNotFoundError without matplotlib.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    agents = comparison.agents
    best = str(max(comparison.settings["k"])) if max(comparison.settings["k"]) > 1 else ""
    band = max(1, len(agents)) + _GAP
    height = band * len(comparison.titles)
    figure = Figure(figsize=(8.2, _LINE * height + 1.15), dpi=130, layout="constrained")
    axes = figure.subplots()
    for i, (suite, title) in enumerate(comparison.titles.items()):
        top = i * band
        if i % 2 == 0:
            axes.axhspan(top, top + band, color="black", alpha=0.04, linewidth=0)
        axes.text(-2.5, top + band / 2, title, ha="right", va="center", fontsize=10)
        drawn = [(j, found) for j, agent in enumerate(agents) if (found := comparison.find(agent, suite)) is not None]
        if not drawn:
            reasons = list(comparison.missing.get(suite, {}).values())
            words = f"missing: {one_line(reasons[0], 70)}" if reasons else "not played yet"
            axes.text(1, top + band / 2, words, va="center", fontsize=8, color="dimgrey", parse_math=False)
        for j, found in drawn:
            y = top + (band - len(agents)) / 2 + j + 0.5
            colour, marker = COLOURS[j % len(COLOURS)], MARKERS[j % len(MARKERS)]
            success = found.total.success
            if success.mean is None:
                axes.text(1, y, "no valid episode", va="center", fontsize=8, color=colour, style="italic")
                continue
            low, high = (100 * end for end in success.interval)
            axes.plot([low, high], [y, y], color=colour, alpha=0.55, linewidth=2.2, solid_capstyle="butt")
            axes.plot(100 * success.mean, y, marker, color=colour, markersize=5.5, clip_on=False)
            if best and (several := found.total.pass_at[best].mean) is not None:
                axes.plot(100 * several, y, marker, color=colour, markersize=5.5, fillstyle="none", clip_on=False)
            axes.text(108, y, f"{100 * success.mean:.1f}", ha="right", va="center", fontsize=8, color=colour)
            axes.text(109.5, y, f"n={success.tasks}", va="center", fontsize=7, color="grey")
    axes.set_xlim(0, 100)
    axes.set_ylim(height, 0)
    axes.set_yticks([])
    axes.set_xlabel("tasks passed, %, with Wilson 95 % intervals", fontsize=9)
    plain_axes(axes)
    axes.spines["left"].set_visible(False)
    keys = [
        Line2D(
            [],
            [],
            color=COLOURS[j % len(COLOURS)],
            marker=MARKERS[j % len(MARKERS)],
            linewidth=2.2,
            label=_label(agent),
        )
        for j, agent in enumerate(agents)
    ]
    if best:
        keys.append(
            Line2D([], [], color="grey", marker="o", fillstyle="none", linewidth=0, label=f"hollow: pass@{best}")
        )
    if keys:
        figure.legend(handles=keys, loc="outside upper left", ncols=4, frameon=False, fontsize=9)
    return save_png(figure, path)


def _label(agent: str) -> str:
    """An agent's name, escaped so that matplotlib does not read it as a formula."""
    return one_line(agent, 30).replace("$", r"\$")
