"""A comparison as tables of text: for the terminal (80 columns), and as markdown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from toolgym.playing.left_out import ENDINGS, KINDS
from toolgym.report.compare.comparison import Comparison, Numbers, Played
from toolgym.report.compare.suite_set import STANDARD
from toolgym.report.grid import Grid, grid_markdown, print_grid
from toolgym.report.page import number, percent
from toolgym.report.text import one_line, plain

_COUNTS = {score.label for plan in STANDARD.values() for score in plan.scores if not score.share}
"""Scores that are counts, not shares."""

_MEANS = (("calls", "calls"), ("tokens", "tokens"), ("s", "seconds"))
"""Column that is a mean per episode -> its name in the title."""

SIDE_BY_SIDE = 4
"""Agents side by side in 80 columns."""


def overview(comparison: Comparison) -> Grid:
    """Agents x suites: a line per pair."""
    ks = [str(k) for k in comparison.settings["k"] if k > 1]
    head = ["suite", "agent", "% [95 %]", *(f"pass@{k}" for k in ks), "tasks", "inv.", "calls", "tokens", "s"]
    rows = []
    for suite, title in comparison.titles.items():
        found = [each for each in comparison.played if each.suite == suite]
        for i, each in enumerate(found):
            total = each.total
            rows.append(
                [
                    "" if i else title,
                    each.agent,
                    with_interval(total),
                    *(percent(total.pass_at[k].mean) for k in ks),
                    str(total.tasks),
                    str(total.invalid or ""),
                    number(total.calls, ".1f"),
                    "" if total.tokens is None else number(total.tokens, ".0f"),
                    number(total.seconds, ".1f" if (total.seconds or 0) >= 1 else ".3f"),
                ]
            )
        if not found:
            what = "missing" if comparison.missing.get(suite) else "not played yet"
            rows.append([title, "–", what, *[""] * (len(head) - 3)])
    told = [i for i in range(len(head)) if any(row[i] for row in rows)]  # columns that are not blank in all rows
    rows = [[row[i] for i in told] for row in rows]
    shown = [head[i] for i in told]
    means = [word for name, word in _MEANS if name in shown]
    title = "; per episode: ".join(filter(None, ["Agents x suites: tasks passed", ", ".join(means)]))
    return Grid(title, shown, rows, 2)


def scores(comparison: Comparison, agents: Sequence[str]) -> Grid:
    """Each suite's own scores in percent, agents side by side; for a suite without such scores, its parts."""
    rows = []
    for suite, title in comparison.titles.items():
        found = {agent: each for agent in agents if (each := comparison.find(agent, suite)) is not None}
        for label in dict.fromkeys(label for each in found.values() for label in _labels(each)):
            cells = [_score(found[agent], label) if agent in found else "–" for agent in agents]
            rows.append([f"{title} {label}", *cells])
    return Grid("The suites' own scores, %", ["score", *agents], rows)


def parts(comparison: Comparison, agents: Sequence[str]) -> Grid:
    """Every played category, agents side by side."""
    rows = []
    for suite, title in comparison.titles.items():
        found = {agent: each for agent in agents if (each := comparison.find(agent, suite)) is not None}
        for name in dict.fromkeys(name for each in found.values() for name in each.parts):
            cells = [found[agent].parts[name] if agent in found else None for agent in agents]
            tasks = max(each.tasks for each in cells if each is not None)
            rows.append(
                [f"{title} {name}", str(tasks), *("–" if each is None else with_interval(each) for each in cells)]
            )
    return Grid("By part: % [95 %]", ["part", "tasks", *agents], rows)


def notes(comparison: Comparison) -> list[str]:
    """The notes below the tables: how intervals are computed, and the missing parts with their reasons."""
    found = ["Intervals: Wilson, 95 %, n the number of tasks."]
    if any(each.total.invalid for each in comparison.played):
        found.append("inv.: invalid episodes; they count in no other number.")
    for each in comparison.played:
        total = each.total
        for what, counts, words in (("left out", total.left_out, KINDS), ("cut off", total.endings, ENDINGS)):
            if counts:
                told = ", ".join(f"{count} {reason} ({words.get(reason, reason)})" for reason, count in counts.items())
                found.append(f"{comparison.titles[each.suite]}, {each.agent}, {what}: {told}.")
    for suite, reasons in comparison.missing.items():
        by_reason: dict[str, list[str]] = {}
        for part, reason in reasons.items():
            by_reason.setdefault(reason, []).append(part)
        for reason, names in by_reason.items():
            found.append(f"{comparison.titles[suite]}, {', '.join(names)}: missing: {one_line(reason, 240)}")
    if "bfcl" in comparison.titles and comparison.settings["n"] is not None:
        found.append(
            "BFCL live: categories weigh by their tasks played, as officially for part of the rows; -n all is exact."
        )
    lacks = {
        (each.suite, score): names for each in comparison.played for score, names in each.not_run.items()
    }  # the same for all agents, unless all episodes of an agent in a category were invalid
    for (suite, score), names in lacks.items():
        version = "" if score == "overall" else f"{score} "
        found.append(f"{comparison.titles[suite]} {version}overall needs what was not run: {', '.join(names)}.")
    return found


def print_comparison(comparison: Comparison, console: Console) -> None:
    """The suites' own scores, the notes, and last the overview."""
    agents = comparison.agents
    for start in range(0, len(agents), SIDE_BY_SIDE):
        print_grid(scores(comparison, agents[start : start + SIDE_BY_SIDE]), console)
    for note in notes(comparison):
        console.print(plain(note, "dim"))
    print_grid(overview(comparison), console)


def markdown(comparison: Comparison) -> str:
    """All tables and notes."""
    settings, agents = comparison.settings, comparison.agents
    how = ", ".join(f"{name} {_word(value)}" for name, value in settings.items())
    grids = [overview(comparison), scores(comparison, agents), parts(comparison, agents)]
    pieces = [
        f"# Agents x suites\n\n{how}.",
        *map(grid_markdown, grids),
        "\n".join(f"- {each}" for each in notes(comparison)),
    ]
    return "\n\n".join(pieces) + "\n"


def with_interval(found: Numbers) -> str:
    """``73.2 [60.4, 83.5]``, in percent."""
    if found.success.mean is None:
        return "–"
    low, high = map(percent, found.success.interval)
    return f"{percent(found.success.mean)} [{low}, {high}]"


def _labels(each: Played) -> list[str]:
    return list(each.scores or each.parts)


def _score(each: Played, label: str) -> str:
    if not each.scores:
        part = each.parts.get(label)
        return "–" if part is None else percent(part.success.mean)
    value = each.scores[label]
    return number(value, ".2f") if label in _COUNTS else percent(value)


def _word(value: object) -> str:
    if value is None:
        return "all"
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
