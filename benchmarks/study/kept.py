"""The results of a study: one JSON file per arm and seed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeAlias

Results: TypeAlias = Mapping[str, Mapping[int, Any]]
"""Arm -> seed -> result."""


def load(folder: Path, arms: Collection[str]) -> dict[str, dict[int, Any]]:
    """The results in a folder, of these arms."""
    found: dict[str, dict[int, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text("utf-8"))
        if result.get("arm") in arms:
            found.setdefault(result["arm"], {})[result["seed"]] = result
    return found
