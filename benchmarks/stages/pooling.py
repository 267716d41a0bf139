"""Several seeds in one table: means over seeds, and the gain with two intervals.

Each seed trains with its own draw of tasks and is judged on its own draw of held-out tasks; its three stages play the
same ones. The gain of a seed is the mean over these tasks of (after GRPO - after SFT): paired by task. Two intervals:

- over tasks: Newcombe's for all pairs of all seeds together. It holds for the models that were trained here.
- over seeds: Student's t on the gains of the seeds, one number per seed (clustered by seed). It also covers that
  another seed trains another model, and is wide for few seeds: 4.3 standard errors to each side for three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from study.intervals import Interval, interval

from toolgym.report.paired import Difference, pooled
from toolgym.report.text import plain

from .recipe import STAGES, TITLES
from .table import Line, gain

NOTE = (
    "Success in %, means over seeds. GRPO's gain over SFT is paired by task, with 95 % intervals: over tasks, "
    "Newcombe's for all seeds' pairs together (these models); over seeds, Student's t on one gain per seed (any seed)."
)


class Pooled(msgspec.Struct, frozen=True):
    """A row of the table over seeds."""

    page: str
    says: str
    tasks: int
    """Of all seeds together."""
    stages: list[float]
    """Mean success of each stage, in [0, 1]."""
    seeds: dict[int, list[float]]
    """Seed -> success of each stage."""
    over_tasks: Difference
    over_seeds: Interval
    """Of the gain; in [-1, 1]. Its half-width is None for one seed."""


def pool(by_seed: Mapping[int, Sequence[Line]]) -> list[Pooled]:
    """The rows that all seeds have."""
    found = []
    for rows in zip(*by_seed.values(), strict=True):
        seeds = {seed: [stage[0] for stage in row.stages] for seed, row in zip(by_seed, rows, strict=True)}
        found.append(
            Pooled(
                page=rows[0].page,
                says=rows[0].says,
                tasks=sum(row.tasks for row in rows),
                stages=[fmean(each) for each in zip(*seeds.values(), strict=True)],
                seeds=seeds,
                over_tasks=pooled([row.gain for row in rows]),
                over_seeds=interval([row.gain.mean for row in rows]),
            )
        )
    return found


def pooled_table(found: Sequence[Pooled]) -> RenderableType:
    """The table for a terminal, within 80 columns."""
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("", no_wrap=True)
    for head in ("n", *STAGES, "gain, over tasks", "over seeds"):
        shown.add_column(plain(head), justify="right", overflow="fold")
    for page in dict.fromkeys(each.page for each in found):
        shown.add_row(plain(TITLES[page], "bold"), *[""] * (len(STAGES) + 3))
        for each in (each for each in found if each.page == page):
            style = {"up": "green", "down": "red"}.get(each.over_tasks.verdict, "")
            cells = [f"{100 * share:.1f}" for share in each.stages]
            shown.add_row(
                plain(f"  {each.says}"),
                str(each.tasks),
                *cells,
                plain(gain(each.over_tasks), style),
                over_seeds(each.over_seeds),
            )
    return Group(shown, plain(NOTE, "dim"))


def over_seeds(found: Interval) -> str:
    """ "+41 ± 12", or "one seed"."""
    return "one seed" if found.half is None else f"{100 * found.mean:+.1f} ± {100 * found.half:.1f}"
