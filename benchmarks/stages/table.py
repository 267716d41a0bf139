"""The demo's table: a row per kind of task, a column per stage, and the difference between the last two."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from toolgym.report.document import table as html_table
from toolgym.report.paired import Difference, outcomes, paired_difference
from toolgym.report.table import wilson
from toolgym.report.text import in_html, plain

from .recipe import STAGES, TITLES, Part
from .work import Played

BOTH = "both together"
NOTE = (
    "Success in % on held-out tasks, with 95 % intervals: Wilson's for a stage, Newcombe's paired ones for GRPO's gain "
    "over SFT. Unseen: functions of fields that are not in training. BFCL: its official verdict, never trained on."
)


class Line(msgspec.Struct, frozen=True):
    """A row of the table."""

    page: str
    says: str
    tasks: int
    stages: list[tuple[float, float, float]]
    """Success of each stage with the ends of its interval, in [0, 1]."""
    gain: Difference
    """After SFT -> after GRPO."""


def lines(parts: Sequence[Part], stages: Sequence[Played]) -> list[Line]:
    """The rows, from each stage's episodes. Tasks with an episode that left the score count in no stage."""
    found: list[Line] = []
    for page in TITLES:
        here = [part for part in parts if part.page == page]
        found += [line(page, part.says, [part], stages) for part in here]
        if page.startswith("test") and len(here) > 1:
            found.append(line(page, BOTH, here, stages))
    return found


def line(page: str, says: str, parts: Sequence[Part], stages: Sequence[Played]) -> Line:
    """One row over the tasks of ``parts``."""
    by_stage = [outcomes(t for part in parts for t in played[part.name]) for played in stages]
    shared = [task for task in by_stage[0] if all(task in each for each in by_stage)]
    n = len(shared)
    cells = []
    for each in by_stage:
        passed = sum(each[task] for task in shared)
        cells.append((passed / n if n else 0.0, *wilson(passed, n)))
    before, after = ({task: each[task] for task in shared} for each in by_stage[-2:])
    return Line(page, says, n, cells, paired_difference(before, after))


def screen_table(found: Sequence[Line]) -> RenderableType:
    """The table for a terminal, within 80 columns."""
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("", no_wrap=True)
    for head in ("n", *STAGES, "GRPO's gain"):
        shown.add_column(plain(head), justify="right", overflow="fold")
    for page in dict.fromkeys(each.page for each in found):
        shown.add_row(plain(TITLES[page], "bold"), *[""] * (len(STAGES) + 2))
        for each in (each for each in found if each.page == page):
            style = {"up": "green", "down": "red"}.get(each.gain.verdict, "")
            cells = [cell(*stage) for stage in each.stages]
            shown.add_row(plain(f"  {each.says}"), str(each.tasks), *cells, plain(gain(each.gain), style))
    return Group(shown, plain(NOTE, "dim"))


def page_table(found: Sequence[Line]) -> str:
    """The same as HTML."""
    head = "".join(f"<th>{in_html(word)}</th>" for word in ("", "tasks", *STAGES, "GRPO's gain"))
    rows = []
    for page in dict.fromkeys(each.page for each in found):
        rows.append(f"<tr class='overall'><th>{in_html(TITLES[page])}</th>{'<td></td>' * (len(STAGES) + 2)}</tr>")
        for each in (each for each in found if each.page == page):
            cells = [str(each.tasks), *(cell(*stage) for stage in each.stages), gain(each.gain)]
            rows.append(f"<tr><th>{in_html(each.says)}</th>{''.join(f'<td>{in_html(c)}</td>' for c in cells)}</tr>")
    return html_table(head, rows)


def cell(share: float, low: float, high: float) -> str:
    """ "44 [31-57]"."""
    return f"{100 * share:.0f} [{100 * low:.0f}-{100 * high:.0f}]"


def gain(found: Difference) -> str:
    """ "+41 [30, 52]"."""
    low, high = found.interval
    return f"{100 * found.mean:+.0f} [{100 * low:.0f}, {100 * high:.0f}]"
