"""Training runs for the page: numbers and curves, the same as in their report, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias
from xml.etree import ElementTree

import msgspec

from toolgym.report.curves import READING, curves
from toolgym.report.training import about, changes, load_training_runs, summary
from toolgym.stored.run_files import RunError

Drawing: TypeAlias = "list[Any]"
"""An element as [name, attributes, children]; a child is an element or a text."""


def training_shown(folders: Sequence[Path], names: Sequence[str]) -> dict[str, Any]:
    """The runs' numbers side by side, their curves, and how outcomes changed. Raises RunError."""
    loaded = load_training_runs(folders)
    runs = [msgspec.structs.replace(run, label=name) for name, run in zip(names, loaded, strict=True)]
    found = [summary(run) for run in runs]
    rows = dict.fromkeys(name for each in found for name in each)
    return {
        "about": [about(run) for run in runs],
        "steps": [run.step for run in runs],
        "numbers": [[name, *(each.get(name, "–") for each in found)] for name in rows],
        "changes": [changes(run) or {} for run in runs],
        "curves": as_drawing(curves(runs)),
        "reading": READING,
    }


def as_drawing(html: str) -> Drawing:
    """Well-formed markup of ours as plain data, which the page makes elements from without reading markup."""
    try:
        return _element(ElementTree.fromstring(html))
    except ElementTree.ParseError as error:  # a name with a character that XML cannot hold
        raise RunError(f"the curves cannot be drawn: {error}") from None


def _element(element: ElementTree.Element) -> Drawing:
    children: list[Any] = [element.text] if element.text else []
    for child in element:
        children.append(_element(child))
        if child.tail:
            children.append(child.tail)
    return [element.tag, dict(element.attrib), children]
