"""The robustness study as a figure: success of each arm, clean and under each part of the tests."""

from __future__ import annotations

from pathlib import Path

from study.kept import Results

from toolgym.report.figure import COLOURS, plain_axes, save_png

from .arms import ARMS
from .pairs import retained
from .sizes import PARTS, Size

LABELS = {"clean": "clean", "trained on": "kinds\ntrained on", "held out": "kinds\nheld out",
          "faults a": "faults\n(5xx, timeout)", "faults b": "faults\n(429, JSON, auth, drift)"}  # fmt: skip


def write_plot(results: Results, size: Size, path: Path) -> None:
    """Draw the arms that have results, with Wilson 95 % intervals over tasks. Needs matplotlib (extra ``report``)."""
    from matplotlib.figure import Figure

    arms = [name for name in ARMS if name in results]
    figure = Figure(figsize=(8.6, 4.0), dpi=120, layout="constrained")
    axes = figure.subplots()
    wide = 0.8 / max(1, len(arms))
    for i, arm in enumerate(arms):
        colour = COLOURS[i % len(COLOURS)]
        for x, part in enumerate(PARTS):
            found = retained(results[arm], part, size)
            if found.under is None:
                continue
            at, value = x - 0.4 + wide * (i + 0.5), 100 * found.under
            low, high = (100 * end for end in found.under_interval)
            label = ARMS[arm].says if x == 0 else None
            axes.bar(at, value, width=0.9 * wide, color=colour, alpha=0.5, label=label)
            axes.plot([at, at], [low, high], color=colour, linewidth=1.4)
    axes.set_xticks(range(len(PARTS)), [LABELS[part] for part in PARTS])
    axes.set_ylim(0, 100)
    axes.set_ylabel("tasks passed, %", fontsize=9)
    plain_axes(axes)
    if arms:
        figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    save_png(figure, path)
