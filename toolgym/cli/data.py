"""``toolgym data``: describes a file of conversations before anything is played or trained on."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from toolgym.cli.options import ROWS
from toolgym.cli.pager import paged
from toolgym.cli.quiet import told_by_the_command
from toolgym.cli.resolve import make_env
from toolgym.cli.terminal import message_panel
from toolgym.report.text import plain
from toolgym.tasks import Task

ABOUT = """\
Read a file of conversations and say what is in it: the layout that was found,
rows, tools, calls, lengths, the splits; which rows are left out and why; and
the first decision as a model will see it, with the text that SFT imitates.
Nothing in the file is run. It is the file that `toolgym eval --data` and
`toolgym train --data` play."""
EXAMPLES = """\
  toolgym data mine.jsonl
  toolgym data mine.parquet --dialect toolrl
  toolgym eval --data mine.jsonl --agent policy
  toolgym train --algo sft --data mine.jsonl --out runs/mine"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and what changes how it is played."""
    parser.add_argument("file", metavar="FILE", help="JSON lines, a JSON array, either in gzip, or Parquet")
    parser.add_argument("--dialect", metavar="NAME", help="how calls are written (hermes; toolrl for ToolRL's rows)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the splits (0)")
    parser.add_argument("--held-out", type=float, default=0.1, metavar="X", help="share of val, and of test (0.1)")


def run(args: argparse.Namespace, console: Console) -> None:
    """Print the description, what is wrong, and an example."""
    arguments = {"path": args.file, "dialect": args.dialect, "seed": args.seed, "held_out": args.held_out}
    with told_by_the_command("toolgym.envs.rows"), console.status(f"reading {args.file} ..."):
        env = make_env(ROWS, arguments)
        about = import_module("toolgym.envs.rows.describe").describe(
            args.file, args.dialect, seed=args.seed, held_out=args.held_out
        )
    with paged(console, off=args.no_pager):
        _show(env, about, console)


def _show(env: Any, about: Any, console: Console) -> None:
    """The description, what is wrong, and an example."""
    table = Table.grid(padding=(0, 3))
    for name, text in lines(about).items():
        table.add_row(name, plain(text))
    console.print(table)
    for title, tally in (("Left out", about.bad), ("Noted; these rows are played", about.notes)):
        if tally:
            console.print(plain(f"\n{title}:", "bold"))
            grid = Table.grid(padding=(0, 2))
            grid.add_column(justify="right", min_width=7)
            for kind, count, places in tally.kinds():
                grid.add_row(f"{count:,}", plain(f"{kind}: {places}"), style="yellow")
            console.print(grid)
    task = env.tasks[0]
    console.print(Rule(plain(f"the first decision, {task.id}, in the dialect {env.dialect.name}"), align="left"))
    show_decision(env, task, console)


def lines(about: Any) -> dict[str, str]:
    """The description as name -> text."""
    played = about.rows - about.bad.rows
    decisions = sum(about.decisions.values())
    found = {
        "file": f"{about.path}, {_layouts(about.layouts)}",
        "rows": f"{played:,} of {about.rows:,} are conversations that can be played",
        "decisions": f"{decisions:,}: {', '.join(f'{name} {n:,}' for name, n in about.decisions.items())}",
        "decisions a row": _spread(about.turns),
        "calls a decision": ", ".join(
            f"{count} in {n:,} decision{'s' if n > 1 else ''}" for count, n in about.calls.items()
        ),
        "results": f"{about.answered:,} of {about.called:,} calls have a recorded result",
        "reasoning": f"{about.reasoned:,} of {decisions:,} decisions",
        "tools": f"{about.tools:,} different; a row offers {_spread(about.offered)}",
        "tokens, about": f"prompt {_spread(about.prompt_tokens)}; answer {_spread(about.gold_tokens)}",
        "splits": "; ".join(f"{name} {n:,} rows, {made:,} decisions" for name, (n, made) in about.splits.items()),
    }
    if about.unweighted:
        found["weight 0"] = f"{about.unweighted:,} turns are not to be imitated: part of the prompt only"
    if about.alike[1]:
        words = " ".join(about.alike[0].split())[-60:]
        found["alike"] = f"{about.alike[1]:,} rows begin with {words!r}: they are in one split"
    return found


def _layouts(layouts: dict[str, int]) -> str:
    if len(layouts) == 1:
        return f"in the layout {next(iter(layouts))}"
    return "in the layouts " + ", ".join(f"{name} ({count:,})" for name, count in layouts.items())


def _spread(numbers: Any) -> str:
    """``2 (median), 4 (95 %), 9 (most)``; the number alone if all are equal."""
    if numbers.median == numbers.largest:
        return f"{numbers.largest:,.0f}"
    return f"{numbers.median:,.0f} (median), {numbers.p95:,.0f} (95 %), {numbers.largest:,.0f} (most)"


def show_decision(env: Any, task: Task, console: Console) -> None:
    """The messages of a task and its gold action, cut to some lines each."""
    observation, _ = env.reset(options={"task_id": task.id})
    for each in observation["messages"]:
        console.print(message_panel(each, 600))
    console.print("The answer that SFT imitates, and whose calls are the gold:")
    for text in env.gold(task)[:1]:
        console.print(message_panel({"role": "assistant", "content": text}, 1200))
