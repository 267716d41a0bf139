"""The runs that a viewer shows: those that were named, those in folders that were named, those that training kept."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from toolgym.disk import read_object
from toolgym.report.table import apart
from toolgym.report.text import one_line, printable
from toolgym.report.training import is_training
from toolgym.stored.run_files import RunError, load_episode, read_settings
from toolgym.types import Trajectory
from toolgym.view.entry import Entry
from toolgym.view.expected import Expectations
from toolgym.view.index import RunIndex
from toolgym.view.query import Query, Search, matching
from toolgym.view.tokens import tokens_of

_DEEPEST, _MOST_RUNS = 5, 500
"""Folders below a named one that are looked into, and runs that are shown."""


class ShownRun:
    """A run with episodes."""

    def __init__(self, name: str, path: Path, trust: Collection[str]):
        self.name = name
        """Its name in addresses and tables, unique in the library."""
        self.folder = path.parent
        self.training = ""
        """The training run that kept it; "" for an evaluation of its own."""
        self.index = RunIndex(path)
        self.expectations = Expectations(self.folder, trust)
        self.overview: tuple[int, dict[str, Any]] | None = None
        """What answers.py has counted over all episodes, and the version of the index that it counted."""
        self._search: Search | None = None

    def settings(self) -> dict[str, Any]:
        """``run.json``; {} if there is none."""
        try:
            return read_settings(self.folder / "run.json")
        except RunError:
            return {}

    def select(self, query: Query) -> tuple[list[Entry], float]:
        """The entries that a query asks for, and the share of the episodes that was searched for its text."""
        found = matching(self.index.entries(), query)
        return self.search(query.text, found, 1.0) if query.text.strip() else (found, 1.0)

    def search(self, text: str, entries: Sequence[Entry], seconds: float) -> tuple[list[Entry], float]:
        """Those of ``entries`` that are known to have a text, and the share that was searched so far."""
        search = self._search
        if search is None or search.text != text:
            search = self._search = Search(text)
        return search.within(self.index, entries, seconds)

    def tokens(self, entry: Entry) -> dict[str, Any] | None:
        """The tokens of an episode that training kept, with their advantages; None if there are none."""
        return tokens_of(self.folder / "tokens.jsonl", entry.task, entry.repeat)

    def episode(self, entry: Entry) -> Trajectory:
        """Read an episode. Raises RunError if the file has changed or cannot be read."""
        where = f"{self.index.path} at byte {entry.offset}"
        try:
            found = load_episode(self.index.line(entry), where)
        except OSError as error:
            raise RunError(f"cannot read {self.index.path}: {error.strerror or error}") from None
        if (found.task_id, found.repeat) != (entry.task, entry.repeat):
            raise RunError(f"{where} is another episode now: the file was written anew; load the page again")
        return found


class Library:
    """The runs under some paths. New ones are found by ``look``.

    Raises RunError for a path under which there is none.
    """

    def __init__(self, paths: Sequence[str | Path], trust: Collection[str] = ()):
        self.paths = [Path(path) for path in paths]
        self.trust = tuple(trust)
        self.runs: dict[str, ShownRun] = {}
        self.training: dict[str, Path] = {}
        """Name of a training run -> its folder."""
        self.look()
        for path in self.paths:
            if next(_found(path), None) is None:
                what = "it has no episodes.jsonl, nor has a folder in it" if path.exists() else "there is no such file"
                raise RunError(f"{path} holds no run: {what}")

    def look(self) -> None:
        """Find runs that are new."""
        files: list[Path] = []
        trainings: list[Path] = []
        for path in self.paths:
            for kind, place in _found(path):
                (files if kind == "run" else trainings).append(place)
        files, trainings = list(dict.fromkeys(files)), list(dict.fromkeys(trainings))
        kept = {
            file: folder
            for folder in trainings
            for kind in ("evaluations", "groups")
            for file in sorted((folder / kind).glob("step-*/episodes.jsonl"))
        }
        every = [*files, *(file for file in kept if file not in files)]
        folders = [*(_folder(file) for file in every), *trainings]
        names = dict(zip(folders, map(printable, apart(folders)), strict=True))
        known = {run.index.path: run for run in self.runs.values()}
        found: dict[str, ShownRun] = {}
        for file in every[:_MOST_RUNS]:
            name = names[_folder(file)]
            run = known.get(file)
            if run is None:
                run = ShownRun(name, file, self.trust)
            run.name, run.training = name, names[kept[file]] if file in kept else ""
            found[name] = run
        self.runs = found
        self.training = {names[folder]: folder for folder in trainings}


def described(run: ShownRun) -> dict[str, Any]:
    """A run as the page's list shows it."""
    settings, index = run.settings(), run.index
    told: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in ("env", "agent", "draw") and value not in (None, []):
            told |= value if isinstance(value, dict) else {key: value}
    return {
        "name": run.name,
        "folder": str(run.folder),
        "agent": one_line(str(settings.get("agent") or ""), 80),
        "env": one_line(str(settings.get("env") or ""), 80),
        "settings": one_line(", ".join(f"{key}={value}" for key, value in told.items()), 400),
        "training": run.training,
        "episodes": len(index.by_key),
        "done": index.done,
        "unreadable": len(index.unreadable),
        "first_unreadable": index.unreadable[0] if index.unreadable else 0,
    }


def _folder(file: Path) -> Path:
    return file.parent if file.name == "episodes.jsonl" else file


def _found(path: Path, depth: int = 0) -> Iterator[tuple[str, Path]]:
    """("run", its file of episodes) and ("training", its folder), at the path and below; folders in sorted order."""
    try:
        if path.is_file():
            yield "run", path
        elif not path.is_dir():
            return
        elif is_training(path):
            yield "training", path
        elif (path / "episodes.jsonl").is_file() or _is_run(path / "run.json"):
            yield "run", path / "episodes.jsonl"
        elif depth < _DEEPEST:
            with os.scandir(path) as entries:
                inside = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
            for name in inside:
                if not name.startswith("."):
                    yield from _found(path / name, depth + 1)
    except PermissionError:
        return


def _is_run(about: Path) -> bool:
    try:
        return "env" in read_object(about, "the settings of a run", RunError)
    except RunError:
        return False
