"""What the benchmarks of speed share: a command line without options, microseconds of a call, a result's file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def no_options(about: str | None) -> None:
    """The command line of a benchmark that takes none but ``--help``, which shows ``about``."""
    raw = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(description=about, formatter_class=raw, allow_abbrev=False).parse_args()


def microseconds(call: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = perf_counter()
    call()
    return (perf_counter() - start) * 1e6


def keep(name: str, result: Any) -> None:
    """Write benchmarks/results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
