"""The answers of the viewer's server, as plain data: one function for each address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from toolgym.report.glossary import in_words
from toolgym.report.reward_words import CORRECTNESS, group_names, in_correctness, point_words
from toolgym.report.table import wilson
from toolgym.report.text import printable
from toolgym.stored.run_files import RunError
from toolgym.view.entry import Entry
from toolgym.view.library import Library, ShownRun, described
from toolgym.view.pairs import chosen, pairs_of, pairs_page
from toolgym.view.query import MOST_VALUES, BadQuery, Given, counted, last, numbers_of, paged, parse_query
from toolgym.view.shown import beside, shown_episode
from toolgym.view.texts import in_table
from toolgym.view.training_shown import training_shown


class NotThere(LookupError):
    """The run or the episode that was asked for does not exist."""


def runs(library: Library, given: Given) -> dict[str, Any]:
    """All runs, and the training runs."""
    library.look()
    return {"runs": [described(run) for run in library.runs.values()], "training": list(library.training)}


def table(library: Library, given: Given) -> dict[str, Any]:
    """A page of a run's table, what can be filtered, and the numbers by category."""
    run, query = _run(library, given), parse_query(given)
    every = run.index.entries()
    found, searched = run.select(query)
    page = paged(found, query.page)
    return {
        "run": described(run),
        **page,
        "rows": [row(run, entry) for entry in page["rows"]],
        "searched": searched,
        **overview(run, every),
        "shown": Counter(entry.category for entry in found),
        "filtered": query.filters,
    }


def episode(library: Library, given: Given) -> dict[str, Any]:
    """An episode, and its neighbours in the order of the query."""
    run, query = _run(library, given), parse_query(given)
    entry = _entry(run, given)
    found, _ = run.select(query)
    return {"run": described(run), **alone(run, entry), **_neighbours(found, entry)}


def alone(run: ShownRun, entry: Entry) -> dict[str, Any]:
    """An episode, and its tokens if training kept them."""
    return {"episode": shown_episode(run.episode(entry)), "tokens": run.tokens(entry)}


def pairs(library: Library, given: Given) -> dict[str, Any]:
    """Two runs, ``run`` and ``other``, on the same tasks."""
    before, after = _run(library, given), _run(library, given, "other")
    found = pairs_page(before, after, given, parse_query(given).page)
    return found | {"runs": [described(before), described(after)]}


def pair(library: Library, given: Given) -> dict[str, Any]:
    """The episodes of one task in two runs, and the neighbours in the table of pairs."""
    before, after = _run(library, given), _run(library, given, "other")
    entries = [_entry(run, given) for run in (before, after)]
    found, _ = chosen(before, after, pairs_of(before, after), given)
    return {
        "runs": [described(before), described(after)],
        "episodes": [shown_episode(run.episode(e)) for run, e in zip((before, after), entries, strict=True)],
        **_neighbours([each.before for each in found], entries[0]),
    }


def training(library: Library, given: Given) -> dict[str, Any]:
    """The curves and numbers of training runs (``run``, may be repeated), and what they kept."""
    names = [name for name in given.get("run", ()) if name in library.training]
    if not names:
        raise NotThere(f"there is no training run {last(given, 'run')[:200]!r}")
    kept = [described(run) for run in library.runs.values() if run.training in names]
    return training_shown([library.training[name] for name in names], names) | {"kept": kept, "names": names}


def expected(library: Library, given: Given) -> dict[str, Any]:
    """The expected calls of an episode's actions, each beside the call that was made."""
    run = _run(library, given)
    return expected_of(run, _entry(run, given))


def expected_of(run: ShownRun, entry: Entry) -> dict[str, Any]:
    """The comparison of an episode's calls with the expected calls, and a note if it is not certain, or not known."""
    trajectory = run.episode(entry)
    gold, note = run.expectations.of(trajectory)
    return {
        "note": printable(note),
        "turns": [beside(turn, calls) for turn, calls in zip(trajectory.turns, gold, strict=False)],
    }


def raw(library: Library, given: Given) -> bytes:
    """The line of an episode, as it is in the file."""
    run = _run(library, given)
    try:
        return run.index.line(_entry(run, given))
    except OSError as error:
        raise RunError(f"cannot read {run.index.path}: {error.strerror or error}") from None


def row(run: ShownRun, entry: Entry) -> dict[str, Any]:
    """An episode in the table."""
    try:
        texts = in_table(run.index.line(entry))
    except OSError:
        texts = {"request": "", "why": ""}
    return {
        "task": entry.task,
        "repeat": entry.repeat,
        "category": entry.category,
        "outcome": entry.outcome,
        "error": entry.error,
        "endings": list(entry.endings),
        **numbers_of(entry),
        **texts,
    }


def overview(run: ShownRun, every: Sequence[Entry]) -> dict[str, Any]:
    """What can be filtered, and the numbers by category, of all episodes; made again only if the run has grown."""
    version = run.index.version
    if run.overview is None or run.overview[0] != version:
        run.overview = version, {"choices": choices(every), "categories": by_category(every)}
    return run.overview[1]


def choices(entries: Sequence[Entry]) -> dict[str, Any]:
    """The values that the filters offer, with their numbers of episodes."""
    single = dict.fromkeys(name for entry in entries for name in entry.parts)
    return {
        "outcome": counted(entry.outcome for entry in entries),
        "category": counted(entry.category for entry in entries),
        "error": counted(entry.error for entry in entries),
        "ending": counted(each for entry in entries for each in entry.endings),
        "parts": [[f"part:{name}", in_words(name)] for name in group_names(single)]
        + [[f"part:{name}", f"{CORRECTNESS}: {point_words(name)}"] for name in in_correctness(single)],
    }


def by_category(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Success with its Wilson 95 % interval, and the mean reward, by category and over all."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.category, []).append(entry)
    named = [(name, group) for name, group in groups.items() if len(groups) > 1][:MOST_VALUES]
    found = []
    for name, group in [*named, ("", list(entries))]:
        valid = [entry for entry in group if entry.outcome != "invalid"]
        passed = sum(entry.outcome == "passed" for entry in valid)
        low, high = wilson(passed, len(valid))
        mean = sum(entry.reward for entry in valid) / len(valid) if valid else None
        found.append({
            "category": name, "passed": passed, "valid": len(valid),
            "invalid": len(group) - len(valid), "low": low, "high": high, "reward": mean,
        })  # fmt: skip
    return found


def _neighbours(found: Sequence[Entry], entry: Entry) -> dict[str, Any]:
    """The place of an entry in a list, from 1 (0: not in it), and the entries before and after it."""
    place = next((i for i, each in enumerate(found) if each is entry), None)
    if place is None:
        return {"place": 0, "of": len(found), "previous": None, "next": None}
    near = [_key(found[i]) if 0 <= i < len(found) else None for i in (place - 1, place + 1)]
    return {"place": place + 1, "of": len(found), "previous": near[0], "next": near[1]}


def _key(entry: Entry) -> dict[str, Any]:
    return {"task": entry.task, "repeat": entry.repeat}


def _run(library: Library, given: Given, name: str = "run") -> ShownRun:
    """The run that a parameter names, with the episodes that its file has by now."""
    wanted = last(given, name)
    if wanted not in library.runs:
        library.look()
    try:
        run = library.runs[wanted]
    except KeyError:
        raise NotThere(f"there is no run {wanted[:200]!r}") from None
    run.index.refresh()
    return run


def _entry(run: ShownRun, given: Given) -> Entry:
    task, repeat = last(given, "task"), last(given, "repeat") or "0"
    if not repeat.isdecimal() or len(repeat) > 9:
        raise BadQuery(f"repeat={repeat[:80]!r} is not a number")
    entry = run.index.find(task, int(repeat))
    if entry is None:
        raise NotThere(f"{run.name} has no episode of {task[:200]!r}, repeat {repeat}")
    return entry
