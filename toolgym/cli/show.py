"""``toolgym list`` and ``toolgym show``: what there is, and what one task looks like."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from toolgym import assets
from toolgym.cli.docstring import fitted
from toolgym.cli.resolve import UserError, make_env
from toolgym.cli.terminal import call_line, message_panel, reward_view, tools_table, verdict_view
from toolgym.env import ToolEnv
from toolgym.registry import SUITES
from toolgym.report.text import one_line, plain
from toolgym.tasks import Task
from toolgym.types import Completion, ToolCall


def list_suites(console: Console) -> None:
    """Every suite with its id, summary, entry point and data; then every asset and whether it is here."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="Suites", title_justify="left", show_lines=True)
    table.add_column("id", style="bold", no_wrap=True)
    table.add_column("what it is, where its code is, the data it needs", overflow="fold")
    for suite in SUITES.values():
        about = plain(suite.summary).append(
            f"\n{suite.entry_point}\ntasks: {suite.sizes}\ndata: {', '.join(suite.assets) or 'none'}", "dim"
        )
        table.add_row(suite.id, about)
    console.print(table)
    list_assets(console)


def list_assets(console: Console) -> None:
    """Every asset: what it is, where it comes from, and whether it is here already."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="Data and models", title_justify="left")
    for head in ("name", "from", "licence", "here"):
        table.add_column(head, overflow="fold", style="bold" if head == "name" else "")
    for row in assets.table():
        table.add_row(row["name"], str(row["source"]), row["licence"], "yes" if row["cached"] else "no")
    console.print(table)
    console.print("`toolgym fetch NAME` downloads one; what needs it does so by itself.", style="dim")


def show_suite(env_id: str, arguments: dict[str, Any], console: Console) -> None:
    """The suite's documentation, its size, and one of its tasks."""
    env = make_env(env_id, arguments)
    console.print(Rule(plain(env_id), align="left"))
    text = inspect.getdoc(type(env)) or "(no documentation)"
    console.print(plain(fitted(text, console.width)), soft_wrap=True)  # a command that is broken cannot be copied
    console.print(
        plain(f"\n{len(env.tasks):,} tasks; dialect {env.dialect.name}; turns per episode: {env.max_turns} at most.")
    )
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


def open_task(env: ToolEnv, task_id: str | None, seed: int | None = None) -> dict[str, Any]:
    """Start the episode of a task, or of one drawn with ``seed``. Raises UserError for an unknown id."""
    if task_id is not None:
        try:
            env.find_task(task_id)
        except KeyError as error:
            raise UserError(error.args[0]) from None
    return env.reset(seed=seed, options=None if task_id is None else {"task_id": task_id})[1]


def count_categories(env: ToolEnv) -> Counter[str]:
    """Tasks per category, for suites whose tasks' ``data`` has a ``category``; else empty.

    Tasks that are made when they are asked for are not counted, as there may be any number of them, unless they have
    ``counts`` of their own.
    """
    counts: Counter[str] | None = getattr(env.tasks, "counts", None)
    if counts is not None:
        return counts
    if not isinstance(env.tasks, (list, tuple)):
        return Counter()
    names = (getattr(task.data, "category", None) for task in env.tasks)
    return Counter(name for name in names if name is not None)


def _show_prompt(env: ToolEnv, task: Task, console: Console, *, whole: bool) -> None:
    for each in task.messages:
        console.print(message_panel(each, 20_000 if whole else 800))
    tools = task.tools if whole else task.tools[:5]
    if tools:
        console.print(tools_table([tool.schema for tool in tools], 2000 if whole else 160))
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
