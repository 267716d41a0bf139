"""The viewer's page as one file, for runs that are small enough: the data of all answers is in the page."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

from toolgym.report.document import write_document
from toolgym.stored.run_files import RunError
from toolgym.stored.strict_json import to_json
from toolgym.view import answers
from toolgym.view.library import Library, described
from toolgym.view.page import one_page
from toolgym.view.pairs import difference_of, pairs_of

MOST_EPISODES = 2_000
"""Episodes of all runs together that one file holds."""


def write_one_file(library: Library, path: str | Path, on_episode: Callable[[int], None] = lambda count: None) -> Path:
    """Write the page with all runs of a library.

    ``on_episode`` is called with the number of episodes done. Raises RunError if there are too many episodes, or if
    the file cannot be written.
    """
    for run in library.runs.values():
        run.index.refresh(1e9)
    count = sum(len(run.index.by_key) for run in library.runs.values())
    if count > MOST_EPISODES:
        raise RunError(
            f"{count:,} episodes are too many for one file, which holds {MOST_EPISODES:,}: look at them with "
            "toolgym view, without --html"
        )
    return write_document(one_page(to_json(_data(library, on_episode))), path)


def _data(library: Library, on_episode: Callable[[int], None]) -> dict[str, Any]:
    """What local.js reads: the answers of the server, but for order, filters and neighbours."""
    tables: dict[str, Any] = {}
    episodes: dict[str, list[Any]] = {}
    done = 0
    for name, run in library.runs.items():
        entries = run.index.entries()
        tables[name] = {"rows": [answers.row(run, entry) for entry in entries], **answers.overview(run, entries)}
        episodes[name] = []
        for entry in entries:
            episodes[name].append({**answers.alone(run, entry), "expected": answers.expected_of(run, entry)})
            done += 1
            on_episode(done)
    training = list(library.training)
    return {
        "runs": {"runs": [described(run) for run in library.runs.values()], "training": training},
        "tables": tables,
        "episodes": episodes,  # in the order of the rows
        "differences": [
            [one, other, difference_of(pairs_of(library.runs[one], library.runs[other]))]
            for one, other in permutations(library.runs, 2)
        ],
        "training": answers.training(library, {"run": training}) if training else None,
    }
