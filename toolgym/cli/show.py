"""``toolgym show``: a suite's documentation, or everything about one task."""

from __future__ import annotations

import argparse
import inspect
from collections import Counter
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from toolgym.cli.docstring import fitted
from toolgym.cli.options import env_kwargs, env_options
from toolgym.cli.pager import paged
from toolgym.cli.resolve import make_env, open_task
from toolgym.cli.terminal import call_line, message_panel, reward_view, tools_view, verdict_view
from toolgym.env import ToolEnv
from toolgym.report.text import one_line, plain
from toolgym.tasks import Task
from toolgym.types import Completion, ToolCall

ABOUT = """\
Without TASK: the suite's documentation, its size and categories, and one of
its tasks. With TASK: the messages, the tools, the expected calls, the gold
actions, and the reward and verdict of the gold actions."""
EXAMPLES = """\
  toolgym show ToolGym-BFCL-v0
  toolgym show ToolGym-BFCL-v0 simple_python_0
  toolgym show ToolGym-BFCL-v0 simple_python_0 --dialect hermes"""
NEEDED = ("id", "task", "category", "dialect")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The suite, the task, and the env's options."""
    parser.add_argument("id", metavar="ID", help="a suite's id, or module:Id for one of your own")
    parser.add_argument("task", metavar="TASK", nargs="?", help="a task's id")
    env_options(parser)


def run(args: argparse.Namespace, console: Console) -> None:
    """Show the suite, or the task if one is named."""
    with paged(console, off=args.no_pager):
        if args.task is None:
            show_suite(args.id, env_kwargs(args), console)
        else:
            show_task(args.id, args.task, env_kwargs(args), console)


def show_suite(env_id: str, arguments: dict[str, Any], console: Console) -> None:
    """The suite's documentation, its size, and one of its tasks."""
    env = make_env(env_id, arguments)
    console.print(Rule(plain(env_id), align="left"))
    text = inspect.getdoc(type(env)) or "(no documentation)"
    console.print(plain(fitted(text, console.width)), soft_wrap=True)  # so commands can be copied whole
    tasks = "1 task" if len(env.tasks) == 1 else f"{len(env.tasks):,} tasks"
    console.print(plain(f"\n{tasks}; dialect {env.dialect.name}; turns per episode: {env.max_turns} at most."))
    categories = count_categories(env)
    if len(categories) > 1:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("category")
        table.add_column("tasks", justify="right")
        for name, count in categories.items():
            table.add_row(plain(name), f"{count:,}")
        console.print(table)
    task = env.tasks[0]
    console.print(Rule(plain(f"a task: {task.id}"), align="left"))
    _show_prompt(env, task, console, whole=False)
    console.print(plain(f"toolgym show {env_id} {task.id} shows all of it.", "dim"))


def show_task(env_id: str, task_id: str, arguments: dict[str, Any], console: Console) -> None:
    """A task's messages, tools, expected calls and gold actions, and how the env judges the gold actions."""
    env = make_env(env_id, arguments)
    info = open_task(env, task_id)
    task = env.task
    console.print(Rule(plain(f"{env_id} {task.id}"), align="left"))
    _show_prompt(env, task, console, whole=True)
    total = 0.0
    gold = env.gold(task)
    closing = env.dialect.render(Completion("", think="All is done.", response=task.response or "Done."))
    for i, action in enumerate((*gold, closing), 1):
        if env.over:
            break
        title = "closing words" if i > len(gold) else f"expected, turn {i} of {len(gold)}"
        console.print(Rule(title, align="left"))
        _show_calls(env.parse(action).calls, console)
        console.print(message_panel({"role": "assistant", "content": action}))
        _, reward, _, _, info = env.step(action)
        total += reward
        console.print(reward_view(info["reward"]))
    if "success" in info:
        console.print(verdict_view(info, total))


def count_categories(env: ToolEnv) -> Counter[str]:
    """Category -> number of tasks, if the tasks' ``data`` has a ``category``; else empty.

    Tasks made on demand are counted only if their sequence has ``counts``: there may be any number of them.
    """
    counts: Counter[str] | None = getattr(env.tasks, "counts", None)
    if counts is not None:
        return counts
    if not isinstance(env.tasks, (list, tuple)):
        return Counter()
    names = (getattr(task.data, "category", None) for task in env.tasks)
    return Counter(name for name in names if name is not None)


def _show_prompt(env: ToolEnv, task: Task, console: Console, *, whole: bool) -> None:
    shown = task.messages
    if env.demonstrations:
        shown = env.reset(options={"task_id": task.id})[0]["messages"]
    for each in shown:
        console.print(message_panel(each, 20_000 if whole else 800))
    tools = task.tools if whole else task.tools[:5]
    if tools:
        console.print(tools_view([tool.schema for tool in tools], 2000 if whole else 160))
    if len(tools) < len(task.tools):
        console.print(f"... and {len(task.tools) - len(tools)} more tools", style="dim")
    if whole and (instructions := env.dialect.instructions(task.tools)):
        about = f"The {env.dialect.name} dialect adds {len(instructions):,} characters of instructions:"
        console.print(plain(f"{about} {one_line(instructions, 200)}", "dim"))


def _show_calls(calls: tuple[ToolCall, ...], console: Console) -> None:
    for call in calls:
        console.print(call_line(call.name, call.arguments, 2000))
    if not calls:
        console.print("no call", style="dim")
