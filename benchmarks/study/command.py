"""The command line of a study: its options, its seeds, its work in order, and what is left to do."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clock import Clock, in_minutes
from harness import command_line


def study_options(about: str | None, name: str, sizes: Sequence[str]) -> argparse.ArgumentParser:
    """The options of a study; ``name`` is its folder in runs and in benchmarks/results, ``sizes[0]`` the default."""
    parser = command_line(about)
    parser.add_argument("--size", choices=sizes, default=sizes[0])
    parser.add_argument("--seeds", type=seeds_of, help="how many, from 0, or which: 5; 1,2 (default: the size's)")
    parser.add_argument("--arms", help="only these, separated by commas (default: the size's)")
    parser.add_argument("--model", help="instead of the size's own")
    parser.add_argument("--runs", type=Path, help=f"default: runs/{name}/SIZE")
    parser.add_argument("--results", type=Path, help=f"default: benchmarks/results/{name}/SIZE")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KIND.NAME=JSON", help="change a setting: grpo.steps=10"
    )
    parser.add_argument(
        "--cost", action="store_true", help="train nothing; say what there is to do, and how long it takes"
    )
    parser.add_argument("--table", action="store_true", help="train nothing; write the tables and the picture")
    return parser


def seeds_of(text: str) -> list[int]:
    """ "3" is 0, 1, 2; "1," is 1 alone."""
    try:
        found = [int(part) for part in text.split(",") if part]
    except ValueError:
        found = []
    seeds = found if "," in text or not found else list(range(found[0]))
    if not seeds:
        raise argparse.ArgumentTypeError(f"{text!r} is neither how many seeds (5) nor which, with commas (1,2)")
    return seeds


def do_all(study: Any, work: Sequence[tuple[Any, int]], clock: Clock, write: Callable[[], None]) -> None:
    """Do each arm and seed, write the tables after each, and tell how long the rest takes."""
    if study.size.minutes:
        study.tell(f"{in_minutes(clock.left())} to go on two quiet cores; --cost says for what")
    for arm, seed in work:
        with clock.measuring():
            study.do(arm, seed)
        write()
        if study.size.minutes:
            study.tell(f"{in_minutes(clock.left())} to go")


def cost(clock: Clock) -> str:
    """A line per piece of work: minutes on two quiet cores, and the share that is done."""
    lines = [
        f"{name:28} {seconds / 60:4.0f} min, {100 * clock.done(name):3.0f} % done"
        for name, seconds in clock.seconds.items()
    ]
    return "\n".join(
        [*lines, f"in all {sum(clock.seconds.values()) / 3600:.1f} hours, {in_minutes(clock.left())} to go"]
    )
