"""Shared by all matplotlib figures (extra ``report``): colours, plain axes, a file that is written whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#2f6fd0", "#d9772b", "#1f9e89", "#b5529c", "#7a8b1f", "#6d5bd0")
"""The colours of the page's light scheme."""


def plain_axes(axes: Axes) -> None:
    """A faint grid, small tick labels, no frame at the top and right."""
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def save_png(figure: Figure, path: str | Path) -> Path:
    """Write the PNG, whole or not at all; its folder is created if needed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        figure.savefig(part, format="png")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path
