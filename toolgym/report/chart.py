"""Success by category as an inline SVG: a bar per run, and a whisker for its 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence

from toolgym.report.table import ALL, Row
from toolgym.report.text import in_html, one_line

LABEL, PLOT, NUMBERS = 190, 440, 130
BAR, GAP = 16, 12
COLOURS = 6
"""How many series the page's style sheet has colours for; further runs use them again."""


def chart(runs: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """``runs``: (label, rows) of each. Colours come from the page's classes ``s0`` to ``s5``."""
    by_run = [(label, {row.category: row for row in rows}) for label, rows in runs]
    names = list(dict.fromkeys(name for _, rows in by_run for name in rows))
    if ALL in names:
        names = [*(name for name in names if name != ALL), ALL]
    height = sum(GAP + BAR * len(by_run) for _ in names) + GAP + 18
    parts = [f'<rect class="plot" x="{LABEL}" y="0" width="{PLOT}" height="{height - 18}"/>']
    for percent in (0, 25, 50, 75, 100):
        x = LABEL + PLOT * percent / 100
        parts.append(f'<line class="grid" x1="{x:g}" x2="{x:g}" y1="0" y2="{height - 18}"/>')
        parts.append(f'<text class="axis" x="{x:g}" y="{height - 4}" text-anchor="middle">{percent} %</text>')
    y = GAP
    for name in names:
        middle = y + BAR * len(by_run) / 2 + 4
        parts.append(f'<text x="{LABEL - 8}" y="{middle:g}" text-anchor="end">{in_html(one_line(name, 26))}</text>')
        for i, (label, rows) in enumerate(by_run):
            if name in rows:
                parts.append(_bar(rows[name], label, i % COLOURS, y + BAR * i))
        y += GAP + BAR * len(by_run)
    width = LABEL + PLOT + NUMBERS
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Success by category with 95 % intervals">{"".join(parts)}</svg>'
    )


def _bar(row: Row, label: str, colour: int, y: float) -> str:
    low, high = (LABEL + PLOT * end for end in row.interval)
    middle = y + BAR / 2
    share = row.success or 0.0
    numbers = "no episodes" if row.success is None else f"{100 * share:.1f} %  n={row.episodes}"
    about = in_html(f"{one_line(label, 80)}, {one_line(row.category, 80)}: {numbers}")
    return (
        f'<g><title>{about}</title><rect class="s{colour}" x="{LABEL}" y="{y + 1:g}" '
        f'width="{PLOT * share:.1f}" height="{BAR - 2}" rx="2"/>'
        f'<path class="whisker" d="M{low:.1f} {middle:g}H{high:.1f}M{low:.1f} {middle - 3:g}v6M{high:.1f} '
        f'{middle - 3:g}v6"/><text class="number" x="{LABEL + PLOT + 8}" y="{y + BAR - 4:g}">{numbers}</text></g>'
    )
