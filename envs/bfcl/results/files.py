"""Result files of the official harness: ``result/<model>/<group>/BFCL_v4_<category>_result.json``, JSON lines."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from toolgym.assets import read_member

_NAME = re.compile(r"BFCL_(v\d+)_(\w+?)_result\.jsonl?")
_GROUPS = ("non_live", "live", "multi_turn", "agentic", "format_sensitivity", "memory", "kv", "vector", "rec_sum")
"""Folders of the harness between a model's folder and its files."""


class Answered(msgspec.Struct, frozen=True):
    """One row of a result file."""

    id: str
    result: Any
    """A text or a list of ``{name: arguments}``; in dialogues a list of turns, each a list of these."""


class ModelResults(msgspec.Struct):
    """All answers of one model."""

    model: str
    """The name of its folder."""
    folder: Path
    answers: dict[str, list[Answered]] = {}
    """Category -> rows, in the order of the file."""
    notes: list[str] = []
    """What is odd about the files."""


class Registered(msgspec.Struct, frozen=True):
    """What the harness knows of a model."""

    native: bool
    """Whether it answers by its API's function calling."""
    underscore_to_dot: bool
    """Whether its API refuses "." in names, so that "_" is expected in its place."""


def result_files(path: Path) -> list[Path]:
    """The result files in a folder, by their names; or the file itself, also under another name.

    Folders whose name begins with a dot are passed over: editors keep copies in them.
    """
    if path.is_dir():
        found = sorted(each for each in path.rglob("*.json*") if _NAME.fullmatch(each.name) and not each.is_dir())
        return [each for each in found if not any(part.startswith(".") for part in each.relative_to(path).parts)]
    return [path] if _NAME.fullmatch(path.name) or _has_a_row(path) else []


def read_results(paths: Iterable[str | Path]) -> list[ModelResults]:
    """The models of result files, and of all result files in folders, in the order of their names.

    The category of a row is that of its id; of several rows with one id the last one counts. Raises ValueError for
    results of another version of BFCL, and for a file that has no readable row.
    """
    found: dict[Path, ModelResults] = {}
    rows: dict[Path, dict[str, Answered]] = {}
    files = [file for given in paths for file in result_files(Path(given))]
    for path in {file.parent.resolve() / file.name: file for file in files}.values():
        name = _NAME.fullmatch(path.name)
        if name is not None and name[1] != "v4":
            raise ValueError(f"{path}: results of BFCL {name[1]}; the rows here are those of v4, which are others")
        if name is not None and name[2].endswith("_prereq"):  # conversations that make a memory: never scored
            continue
        folder = path.with_suffix("") if name is None else _folder_of(path)
        results = found.setdefault(folder.resolve(), ModelResults(folder.name, folder))
        known = rows.setdefault(folder.resolve(), {})
        read = {row.id: row for row in _rows(path, results.notes)}
        if again := len(known.keys() & read.keys()):
            results.notes.append(f"{path}: {again} ids are in another file too: the answers of this one count")
        known |= read
    for folder, results in found.items():
        for row in rows[folder].values():
            category = row.id.partition(":")[0].rpartition("_")[0]
            results.answers.setdefault(category, []).append(row)
    return sorted(found.values(), key=lambda each: (each.model, str(each.folder)))


@cache
def registry() -> Mapping[str, Registered]:
    """Folder of a model's results -> what the harness knows of it. Its source is read, not run."""
    found = {}
    tree = ast.parse(read_member("bfcl", "bfcl_eval/constants/model_config.py"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Call):
                    given = {each.arg: each.value for each in value.keywords}
                    flags = [_is_true(given.get(name)) for name in ("is_fc_model", "underscore_to_dot")]
                    found[str(key.value).replace("/", "_")] = Registered(*flags)
    return found


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _folder_of(path: Path) -> Path:
    """The folder of the model that a result file is of."""
    return next((folder for folder in path.resolve().parents if folder.name not in _GROUPS), path)


def _has_a_row(path: Path) -> bool:
    """Whether a file begins with a row of results."""
    with path.open("rb") as file:
        head = file.readline(1_000_000).decode("utf-8-sig", "replace").strip().removeprefix("[")
    return head.startswith("{") and '"id"' in head and '"result"' in head


def _rows(path: Path, notes: list[str]) -> list[Answered]:
    """The rows of a file; a line that is not a row is noted. Raises ValueError if no line is one."""
    found: dict[str, Answered] = {}
    wrong, twice = [], 0
    for number, value in _values(path, notes):
        if isinstance(value, dict) and isinstance(value.get("id"), str) and "result" in value:
            twice += value["id"] in found
            found[value["id"]] = Answered(value["id"], value["result"])
        else:
            wrong.append(str(number))
    if not found:
        raise ValueError(f'{path} has no rows: each line is {{"id": "simple_python_0", "result": ...}}')
    if wrong:
        lines = ", ".join(wrong[:5]) + (", ..." if len(wrong) > 5 else "")
        notes.append(f"{path.name}: {len(wrong)} lines are not rows with an id and a result: {lines}")
    if twice:
        notes.append(f"{path.name}: {twice} rows have the id of an earlier row: the last one counts")
    return list(found.values())


def _values(path: Path, notes: list[str]) -> Sequence[tuple[int, Any]]:
    """(line, JSON value) of each line; None for a line that is not JSON. A file may also be one JSON array."""
    data = path.read_bytes()
    encoding = json.detect_encoding(data[:4])
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        text = data.decode(encoding, "replace")
        notes.append(
            f"{path.name}: bytes that are not {error.encoding.upper()}, read as U+FFFD, from byte {error.start + 1} on"
        )
    if text.lstrip().startswith("["):
        try:
            return list(enumerate(json.loads(text), 1))
        except (ValueError, RecursionError):
            pass
    out = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                out.append((number, json.loads(line)))
            except (ValueError, RecursionError):
                out.append((number, None))
    return out
