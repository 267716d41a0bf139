"""Evaluation runs as one HTML file: numbers, a chart, and every episode with the scores of each call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from toolgym.playing.left_out import ENDINGS, KINDS, endings, left_out
from toolgym.report.chart import chart
from toolgym.report.document import COLOURS, document, legend, side_by_side, table, write_document
from toolgym.report.episode import episode
from toolgym.report.glossary import TERMS, explained, in_words
from toolgym.report.reward_words import BY_PART, group_names, grouped, in_correctness, point_words
from toolgym.report.table import ALL, Row, Run, categories, rows, suite_summary, summary_lines
from toolgym.report.text import in_html, one_line

MOST_EPISODES = 1000
"""The default number of episodes on a page; its numbers are over all episodes."""

_UNTOLD = ("agent", "env", "draw")
"""Settings that are not told on the page."""
_NOTE = (
    "Means over valid episodes; the terms add up to the reward. Malformed: share of calls that could not be read. "
    "Schema: share of calls whose arguments break the tool's schema. Invalid: episodes lost to a failure outside "
    "the policy; they count in no other number."
)


def write_page(runs: Sequence[Run], path: str | Path, *, max_episodes: int = MOST_EPISODES) -> Path:
    """Write ``page(runs)`` to ``path``, whole or not at all."""
    return write_document(page(runs, max_episodes=max_episodes), path)


def page(runs: Sequence[Run], *, max_episodes: int = MOST_EPISODES) -> str:
    """The HTML of a report on ``runs``, with at most ``max_episodes`` episodes."""
    tables = [rows(run.trajectories) for run in runs]
    title = "Report on " + ", ".join(dict.fromkeys(run.env_id for run in runs))
    sections = [
        f"<section><h2>Success by category</h2>{chart([(r.label, t) for r, t in zip(runs, tables, strict=True)])}",
        f"{_comparison(runs, tables)}</section>",
        "<section><h2>Rewards and calls</h2>",
        *(_details(i, run, each) for i, (run, each) in enumerate(zip(runs, tables, strict=True))),
        f"<p class='note'>{_NOTE}</p>{_glossary(tables)}</section>",
        *_denominator(runs),
        *_summaries(runs),
        *_episodes(runs, max_episodes),
    ]
    return document(title, legend([(run.label, _about(run)) for run in runs]), sections)


def percent(share: float | None) -> str:
    """A share as a percentage, "–" for None."""
    return "–" if share is None else f"{100 * share:.1f}"


def number(value: float | None, form: str = ".2f") -> str:
    """A number in a format, "–" for None."""
    return "–" if value is None else format(value, form)


def term_names(lines: Sequence[Row]) -> list[str]:
    """The names of the reward terms in a run's rows, in order of appearance."""
    return list(dict.fromkeys(name for row in lines for name in row.terms))


def _about(run: Run) -> str:
    shown: dict[str, Any] = {}
    for key, value in run.settings.items():
        shown |= value if isinstance(value, dict) else {key: value}
    told = [f"{key}={value}" for key, value in shown.items() if key not in _UNTOLD and value not in (None, [])]
    return ", ".join([run.unfinished or f"{len(run.trajectories)} episodes", *told])


def _glossary(tables: Sequence[Sequence[Row]]) -> str:
    lines = [line for each in tables for line in each]
    names = term_names(lines)
    words = [
        *explained(group_names(names), ()),
        *((f"correctness, {point_words(name)}", TERMS[name]) for name in in_correctness(names)),
        *explained((), [line.category for line in lines]),
    ]
    items = "".join(f"<dt>{in_html(word)}</dt><dd>{in_html(meaning)}</dd>" for word, meaning in words)
    return f"<dl class='glossary'>{items}</dl>" if items else ""


def _comparison(runs: Sequence[Run], tables: Sequence[Sequence[Row]]) -> str:
    by_run = [{row.category: row for row in each} for each in tables]
    head = "".join(f"<th>{in_html(run.label)}: success %</th><th>95 % interval</th><th>n</th>" for run in runs)
    lines = []
    for name in categories(tables):
        cells = []
        for each in by_run:
            row = each.get(name)
            if row is None:
                cells.append("<td>–</td><td></td><td></td>")
            else:
                low, high = map(percent, row.interval)
                interval = "–" if row.success is None else f"{low} to {high}"
                cells.append(f"<td><b>{percent(row.success)}</b></td><td>{interval}</td><td>{row.episodes}</td>")
        lines.append(f"<tr class='{_overall(name)}'><th>{in_html(name)}</th>{''.join(cells)}</tr>")
    return table(f"<th>category</th>{head}", lines)


def _details(i: int, run: Run, found: Sequence[Row]) -> str:
    every = term_names(found)
    names, inside = group_names(every), in_correctness(every)
    counts = ("actions", "calls", "malformed %", "schema %", "invalid")
    lines, parts = [], []
    for row in found:
        terms = grouped(row.terms)
        cells = [
            number(row.reward, "+.2f"),
            *(number(terms.get(name), "+.2f") for name in names),
            number(row.turns),
            number(row.calls),
            percent(row.malformed),
            percent(row.objected),
            str(row.invalid),
        ]
        lines.append(_line(row.category, cells))
        parts.append(_line(row.category, [number(row.terms.get(name), "+.2f") for name in inside]))
    shown = table(_head(["category", "reward", *map(in_words, names), *counts]), lines)
    if inside:
        shown += f"<p class='note'>{BY_PART}</p>{table(_head(['category', *map(point_words, inside)]), parts)}"
    return f"<h3><i class='key b{i % COLOURS}'></i>{in_html(run.label)}</h3>{shown}"


def _head(words: Sequence[str]) -> str:
    return "".join(f"<th>{in_html(word)}</th>" for word in words)


def _line(category: str, cells: Sequence[str]) -> str:
    body = "".join(f"<td>{cell}</td>" for cell in cells)
    return f"<tr class='{_overall(category)}'><th>{in_html(category)}</th>{body}</tr>"


def _denominator(runs: Sequence[Run]) -> Iterator[str]:
    """What left the score and why, and what ended the episodes that count."""
    lines = []
    for run in runs:
        name = f"<th>{in_html(run.label)}</th>"
        for group in left_out(run.trajectories):
            why = one_line(f"{group.task_id}: {group.error}", 300)
            meaning = KINDS.get(group.kind, group.kind)
            lines.append(_reason(name, group.episodes, "left the score", f"{group.kind}: {meaning}", why))
        for reason, count in endings(run.trajectories).items():
            lines.append(_reason(name, count, "count", f"{reason}: {ENDINGS[reason]}", ""))
    if lines:
        head = "<th>run</th><th>episodes</th><th></th><th>reason</th><th>the first</th>"
        yield f"<section><h2>Left out, and cut off</h2>{table(head, lines)}</section>"


def _reason(name: str, count: int, what: str, reason: str, example: str) -> str:
    cells = f"<td>{count}</td><td>{what}</td><td class='words'>{in_html(reason)}</td>"
    return f"<tr>{name}{cells}<td class='words'>{in_html(example)}</td></tr>"


def _summaries(runs: Sequence[Run]) -> Iterator[str]:
    found = [summary_lines(suite_summary(run)) for run in runs]
    if any(found):
        shown = side_by_side([run.label for run in runs], found)
        yield f"<section><h2>The benchmark's own summary</h2>{shown}</section>"


def _episodes(runs: Sequence[Run], most: int) -> Iterator[str]:
    found = [(i, run.label, each) for i, run in enumerate(runs) for each in run.trajectories]
    place: dict[str, int] = {}
    for _, _, each in found:
        place.setdefault(each.task_id, len(place))
    found.sort(key=lambda entry: (place[entry[2].task_id], entry[0], entry[2].repeat))  # a task's episodes together
    categories = list(dict.fromkeys(each.category for _, _, each in found if each.category))
    yield "<section><h2>Episodes</h2><form class='filter'>"
    if len(runs) > 1:
        yield _choice("run", "every run", [(str(i), run.label) for i, run in enumerate(runs)])
    if len(categories) > 1:
        yield _choice("category", "every category", [(name, name) for name in categories])
    outcomes = [("passed", "passed"), ("failed", "failed"), ("invalid", "invalid")]
    yield _choice("outcome", "every outcome", outcomes)
    yield "<input name='text' type='search' placeholder='text in the episode' aria-label='text'>"
    yield "<output></output></form>"
    if len(found) > most:
        yield (
            f"<p class='note'>The first {most:,} of {len(found):,} episodes. The numbers above are over all of "
            "them; toolgym view shows all.</p>"
        )
    for i, label, each in found[:most]:
        yield episode(each, i, label if len(runs) > 1 else "", i % COLOURS, link=True)
    yield "</section>"


def _choice(name: str, every: str, options: Sequence[tuple[str, str]]) -> str:
    items = "".join(f"<option value='{in_html(value)}'>{in_html(label)}</option>" for value, label in options)
    return f"<select name='{name}' aria-label='{name}'><option value=''>{every}</option>{items}</select>"


def _overall(category: str) -> str:
    return "overall" if category == ALL else ""
