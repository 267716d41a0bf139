"""An agent's robustness as a PNG file, with matplotlib (extra ``report``): a dot and an interval per kind."""

from __future__ import annotations

from pathlib import Path

from toolgym.report.figure import COLOURS, plain_axes, save_png
from toolgym.report.robustness.condition import GROUPS
from toolgym.report.robustness.measure import Line, Robustness
from toolgym.report.text import one_line

_LINE = 0.21
"""Height in inches of one kind."""


def write_robustness_png(found: Robustness, path: str | Path) -> Path:
    """Write the PNG, whole or not at all: success under each kind, beside clean success on the same tasks (hollow).

    Raises ModuleNotFoundError without matplotlib.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    lines = [line for line in found.lines if line.retention.tasks]
    figure = Figure(figsize=(8.2, _LINE * (len(lines) + 1) + 1.3), dpi=130, layout="constrained")
    axes = figure.subplots()
    if found.clean is not None:
        low, high = (100 * end for end in found.clean_interval)
        axes.axvspan(low, high, color="black", alpha=0.05, linewidth=0)
        axes.axvline(100 * found.clean, color="grey", linewidth=1.0)
    for y, line in enumerate(lines):
        each, colour = line.retention, _colour(line)
        under, clean = 100 * (each.under or 0.0), 100 * (each.clean or 0.0)
        low, high = (100 * end for end in each.under_interval)
        size = 7.0 if line.whole_group else 5.0
        axes.plot([low, high], [y, y], color=colour, alpha=0.55, linewidth=2.2, solid_capstyle="butt")
        axes.plot(clean, y, "o", color=colour, markersize=size, fillstyle="none", clip_on=False)
        axes.plot(under, y, "D" if line.whole_group else "o", color=colour, markersize=size, clip_on=False)
        kept = "–" if each.kept is None else f"{100 * each.kept:.0f} %"
        axes.text(109, y, kept, ha="right", va="center", fontsize=8, color=colour)
        axes.text(110.5, y, f"n={each.tasks}", va="center", fontsize=7, color="grey")
    words = [f"{line.name}, mean" if line.whole_group else line.name for line in lines]
    axes.set_yticks(range(len(lines)), [one_line(word, 40).replace("$", r"\$") for word in words])
    axes.set_xlim(0, 100)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_xlabel("tasks passed, %, with Wilson 95 % intervals; right: kept of clean success", fontsize=9)
    plain_axes(axes)
    title = f"{one_line(found.agent, 40)} on {', '.join(found.suites)}".replace("$", r"\$")
    axes.set_title(title, fontsize=10, loc="left")
    keys = [
        Line2D([], [], color=COLOURS[i], linewidth=2.2, label=group)
        for i, group in enumerate(GROUPS)
        if any(line.group == group for line in lines)
    ]
    keys.append(Line2D([], [], color="grey", marker="o", fillstyle="none", linewidth=0, label="clean, same tasks"))
    figure.legend(handles=keys, loc="outside upper left", ncols=5, frameon=False, fontsize=9)
    return save_png(figure, path)


def _colour(line: Line) -> str:
    return COLOURS[GROUPS.index(line.group) if line.group else len(GROUPS)]
