"""Success by category as an inline SVG: a bar per run, and a whisker for its 95 % interval.

Horizontal positions are in percent of the width, and text keeps its size: the chart can be read on a telephone.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolgym.report.document import COLOURS
from toolgym.report.table import Row, categories
from toolgym.report.text import in_html, one_line

PLOT = 68.0
"""Width of a bar of 100 % success, in percent of the chart; the numbers stand to its right."""
NAME, BAR, GAP, AXIS = 18, 16, 10, 18


def chart(runs: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """The SVG of ``runs``, given as (label, rows). Colours are the page's classes ``s0`` to ``s5``."""
    by_run = [(label, {row.category: row for row in rows}) for label, rows in runs]
    names = categories(rows for _, rows in runs)
    height = len(names) * (NAME + BAR * len(by_run) + GAP) + AXIS
    parts = []
    for percent in (0, 25, 50, 75, 100):
        x = PLOT * percent / 100
        anchor = "middle" if percent else "start"
        parts.append(f'<line class="grid" x1="{x:g}%" x2="{x:g}%" y1="0" y2="{height - AXIS}"/>')
        parts.append(f'<text class="axis" x="{x:g}%" y="{height - 4}" text-anchor="{anchor}">{percent} %</text>')
    y = 0
    for name in names:
        parts.append(f'<text x="0" y="{y + NAME - 5}">{in_html(one_line(name, 40))}</text>')
        y += NAME
        for i, (label, rows) in enumerate(by_run):
            if name in rows:
                parts.append(_bar(rows[name], label, i % COLOURS, y + BAR * i))
        y += BAR * len(by_run) + GAP
    return (
        f'<svg class="chart" width="100%" height="{height}" role="img" '
        f'aria-label="Success by category with 95 % intervals">{"".join(parts)}</svg>'
    )


def _bar(row: Row, label: str, colour: int, y: float) -> str:
    low, high = (PLOT * end for end in row.interval)
    known = row.success is not None
    middle = y + BAR / 2
    share = row.success or 0.0
    numbers = f"{100 * share:.1f} %  n={row.episodes}" if known else "no episodes"
    about = in_html(f"{one_line(label, 80)}, {one_line(row.category, 80)}: {numbers}")
    whisker = [(low, high, middle, middle), (low, low, middle - 3, middle + 3), (high, high, middle - 3, middle + 3)]
    lines = "".join(
        f'<line class="whisker" x1="{x1:.2f}%" x2="{x2:.2f}%" y1="{y1:g}" y2="{y2:g}"/>'
        for x1, x2, y1, y2 in whisker
        if known
    )
    return (
        f'<g><title>{about}</title><rect class="s{colour}" x="0" y="{y + 1:g}" '
        f'width="{PLOT * share:.2f}%" height="{BAR - 2}" rx="2"/>{lines}'
        f'<text class="number" x="{PLOT + 2:g}%" y="{y + BAR - 4:g}">{numbers}</text></g>'
    )
