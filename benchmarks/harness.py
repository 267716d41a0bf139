"""Shared by the benchmarks: the command line, the time of a call, the file of a result."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def command_line(about: str | None) -> argparse.ArgumentParser:
    """A benchmark's command line: ``--help`` shows ``about``, and no flag is abbreviated."""
    raw = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(description=about, formatter_class=raw, allow_abbrev=False)


def microseconds(call: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = perf_counter()
    call()
    return (perf_counter() - start) * 1e6


def keep(name: str, result: Any) -> None:
    """Write benchmarks/results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
