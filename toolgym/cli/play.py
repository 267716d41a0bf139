"""``toolgym play``: a person in the model's place. Works from a pipe too: actions end with an empty line."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from rich.console import Console

from toolgym.cli.resolve import make_env
from toolgym.cli.show import open_task
from toolgym.cli.terminal import message_panel, reward_view, tools_table, verdict_view
from toolgym.env import ToolEnv
from toolgym.report.text import plain

HELP = """\
You are the model. Write your answer in the env's dialect; end it with an empty
line or Ctrl-D. A line of its own, before an answer:
  :prompt   the instructions the model gets      :gold   the gold action
  :tools    the tools on offer                   :quit   stop (:q)
  :help     this text"""


def play(
    env_id: str, task_id: str | None, arguments: dict[str, Any], console: Console, *, seed: int | None = None
) -> None:
    """Play one episode with actions read from standard input. Ends early on :quit or the end of input."""
    with suppress(ImportError):
        import readline  # noqa: F401  (gives input() line editing and a history)
    env = make_env(env_id, arguments)
    open_task(env, task_id, seed)
    console.print(plain(f"{env_id} {env.task.id}, dialect {env.dialect.name}", "bold"))
    _show_opening(env, console)
    console.print(plain(HELP, "dim"))
    total = 0.0
    while not env.over:
        action = _read_action(env, console)
        if action is None:
            console.print("stopped before the end of the episode")
            return
        _, reward, _, _, info = env.step(action)
        total += reward
        if not sys.stdin.isatty():  # nobody has seen it being typed
            console.print(message_panel(env.turns[-1].messages[0]))
        console.print(reward_view(info["reward"]))
        for each in env.turns[-1].messages[1:]:
            if each["role"] != "tool":  # the tools' results stand beside the calls
                console.print(message_panel(each))
    console.print(verdict_view(info, total))


def _read_action(env: ToolEnv, console: Console) -> str | None:
    """The next action, after any commands; None for :quit or the end of input."""
    lines: list[str] = []
    while True:
        try:
            line = input(("... " if lines else f"action {len(env.turns) + 1}> ") if sys.stdin.isatty() else "")
        except EOFError:
            return "\n".join(lines) if lines else None
        command = line.strip()
        if lines:
            if not command:
                return "\n".join(lines)
            lines.append(line)
        elif command in (":q", ":quit"):
            return None
        elif command.startswith(":"):
            _obey(command, env, console)
        elif command:
            lines.append(line)


def _obey(command: str, env: ToolEnv, console: Console) -> None:
    if command == ":tools":
        console.print(tools_table(env.observe()["tools"]))
    elif command == ":gold":
        gold = env.gold(env.task)
        turn = len(env.turns)
        if turn < len(gold):
            console.print(plain(gold[turn], "green"))
        else:
            console.print(f"there are {len(gold)} gold actions; this would be number {turn + 1}")
    elif command == ":prompt":
        for each in env.observe()["messages"]:
            if each["role"] == "system":
                console.print(message_panel(each, 50_000))
    elif command == ":help":
        console.print(plain(HELP, "dim"))
    else:
        console.print(plain(f"no command {command}; there are :tools, :gold, :prompt, :help and :quit"))


def _show_opening(env: ToolEnv, console: Console) -> None:
    for each in env.observe()["messages"]:
        if each["role"] == "system":
            console.print(plain(f"[system] {len(each['content']):,} characters; :prompt shows them", "dim"))
        else:
            console.print(message_panel(each))
