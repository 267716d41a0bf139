"""What the benchmarks of speed share: microseconds of a call, and the file that a result is kept in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def microseconds(call: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = perf_counter()
    call()
    return (perf_counter() - start) * 1e6


def keep(name: str, result: Any) -> None:
    """Write benchmarks/results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
