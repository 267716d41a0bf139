"""Two runs on the same tasks: a table of the tasks that both have played, and the outcomes of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from toolgym.report.paired import of_counts
from toolgym.view.entry import Entry
from toolgym.view.library import ShownRun
from toolgym.view.query import BadQuery, Given, counted, last, paged
from toolgym.view.texts import in_table

Change = Literal["gained", "lost", "both passed", "both failed", "not valid"]
CHANGES: tuple[Change, ...] = ("lost", "gained", "both failed", "both passed", "not valid")


class Pair(msgspec.Struct, frozen=True, gc=False):
    """The episodes of one task and repeat in two runs."""

    before: Entry
    after: Entry

    @property
    def change(self) -> Change:
        one, other = self.before.outcome, self.after.outcome
        if "invalid" in (one, other):
            return "not valid"
        if one == other:
            return "both passed" if one == "passed" else "both failed"
        return "gained" if other == "passed" else "lost"


def pairs_of(before: ShownRun, after: ShownRun) -> list[Pair]:
    """The tasks that both runs have, in the order of the first."""
    return [Pair(entry, other) for key, entry in before.index.items() if (other := after.index.find(*key)) is not None]


def pairs_page(before: ShownRun, after: ShownRun, given: Given, page: int) -> dict[str, Any]:
    """A page of the table, and the numbers over all pairs."""
    every = pairs_of(before, after)
    found, searched = chosen(before, after, every, given)
    shown = paged(found, page)
    counts = Counter(pair.change for pair in every)
    return {
        **shown,
        "rows": [_row(before, pair) for pair in shown["rows"]],
        "every": len(every),
        "searched": searched,
        "changes": [[name, counts[name]] for name in CHANGES if counts[name]],
        "difference": difference_of(every),
        "categories": counted(pair.before.category for pair in every),
    }


def difference_of(pairs: Sequence[Pair]) -> dict[str, Any]:
    """The success of both runs on the tasks that are valid in both, and the paired 95 % interval of the difference."""
    counts = Counter(pair.change for pair in pairs)
    found = of_counts(counts["both passed"], counts["lost"], counts["gained"], counts["both failed"])
    low, high = found.interval
    return {"tasks": found.tasks, "before": found.before, "after": found.after, "low": low, "high": high}


def chosen(before: ShownRun, after: ShownRun, pairs: Sequence[Pair], given: Given) -> tuple[list[Pair], float]:
    """The pairs that pass the filters ``change``, ``category`` and ``text``, sorted; the share that was searched.

    Raises BadQuery.
    """
    found = list(pairs)
    if wanted := set(given.get("change", ())) - {""}:
        found = [pair for pair in found if pair.change in wanted]
    if wanted := set(given.get("category", ())) - {""}:
        found = [pair for pair in found if pair.before.category in wanted]
    searched = 1.0
    text = last(given, "text")[:1000]
    if text.strip():
        one, share_one = before.search(text, [pair.before for pair in found], 0.6)
        other, share_other = after.search(text, [pair.after for pair in found], 0.6)
        keys = {(each.task, each.repeat) for each in (*one, *other)}
        found = [pair for pair in found if (pair.before.task, pair.before.repeat) in keys]
        searched = (share_one + share_other) / 2
    if sort := last(given, "sort"):
        name = sort.removeprefix("-")
        if name not in _KEYS:
            raise BadQuery(f"sort={name[:80]!r} is not one of {', '.join(_KEYS)}")
        found.sort(key=_KEYS[name], reverse=sort.startswith("-"))
    return found, searched


_KEYS: dict[str, Any] = {
    "task": lambda pair: pair.before.task,
    "before": lambda pair: pair.before.reward,
    "after": lambda pair: pair.after.reward,
    "difference": lambda pair: pair.after.reward - pair.before.reward,
    "category": lambda pair: pair.before.category,
}


def _row(before: ShownRun, pair: Pair) -> dict[str, Any]:
    try:
        request = in_table(before.index.line(pair.before))["request"]
    except OSError:
        request = ""
    return {
        "task": pair.before.task,
        "repeat": pair.before.repeat,
        "category": pair.before.category,
        "change": pair.change,
        "outcomes": [pair.before.outcome, pair.after.outcome],
        "rewards": [pair.before.reward, pair.after.reward],
        "request": request,
    }
