"""The last lines of a command that scores: what left the score, and the exit code that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from toolgym.cli.options import share
from toolgym.playing.left_out import ENDINGS, KINDS, MOST_LEFT_OUT, endings, left_out, share_left_out
from toolgym.report.text import one_line, plain
from toolgym.types import Trajectory


def max_invalid_option(parser: Any) -> None:
    """The option for the share of episodes that may leave the score."""
    parser.add_argument(
        "--max-invalid", type=share, default=MOST_LEFT_OUT, metavar="SHARE",
        help="exit with 1 if a larger share of the episodes leaves the score, for a failure not the policy's (0.01)",
    )  # fmt: skip


def say_left_out(trajectories: Sequence[Trajectory], console: Console, again: str = "") -> None:
    """Print how many episodes left the score, by reason with an example each, and how many were cut off.

    ``again`` says how they are played again.
    """
    if found := endings(trajectories):
        told = ", ".join(f"{count} {reason} ({ENDINGS[reason]})" for reason, count in found.items())
        console.print(plain(f"Counted, though the policy did not end by itself: {told}."))
    groups = left_out(trajectories)
    if not groups:
        return
    count, of = sum(group.episodes for group in groups), len(trajectories)
    lost = "1 episode is not valid and counts" if count == 1 else f"{count} episodes are not valid and count"
    console.print(plain(f"{lost} in no other number{again}. Of {of} episodes:"))
    for group in groups:
        meaning = KINDS.get(group.kind, "")
        told = f"- {group.episodes} {group.kind}{f' ({meaning})' if meaning else ''}. The first, {group.task_id}: "
        console.print(plain(told + one_line(group.error, 400), "yellow"))
        if group.kind == "exception":
            console.print("  For the traceback: toolgym eval --on-agent-error raise")


def exit_code(trajectories: Sequence[Trajectory], most: float, console: Console) -> int:
    """1, and a line that says so, if more than the share ``most`` of the episodes left the score, or all; else 0."""
    return code_of_share(share_left_out(trajectories), most, console, sum(not t.reward_valid for t in trajectories))


def code_of_share(share: float, most: float, console: Console, count: int, where: str = "") -> int:
    """As ``exit_code``, for the share and the number of episodes that left the score."""
    if share <= most and share < 1:
        return 0
    told = f"all episodes left the score{where}: there is no score."
    if share < 1:
        told = (
            f"{100 * share:.1f} % of the episodes ({count}) left the score{where}, more than the {100 * most:g} % of "
            "--max-invalid: these numbers are over the rest."
        )
    console.print(plain(told, "red"))
    return 1


def last_evaluation_code(rows: Sequence[Mapping[str, float]], most: float, console: Console) -> int:
    """Say what left the score of the last evaluation, by reason, and what ended its other episodes; 1 if more than the
    share ``most`` of the episodes left it."""
    row: Mapping[str, float] = next((row for row in reversed(rows) if "eval/episodes" in row), {})
    lost, scored = int(row.get("eval/unscored", 0)), int(row.get("eval/episodes", 0))
    for what, title in (("ended", "Counted, though the policy did not end by itself"), ("unscored", "Not scored")):
        prefix = f"eval/{what}/"
        told = [f"{int(row[name])} {name.removeprefix(prefix)}" for name in row if name.startswith(prefix)]
        if told:
            console.print(plain(f"{title}, of {lost + scored} episodes of the last evaluation: {', '.join(told)}"))
    return code_of_share(lost / max(1, lost + scored), most, console, lost, " of the last evaluation")
