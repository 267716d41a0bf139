"""``toolgym play``: a person takes the model's place. Input may come from a pipe: an empty line ends an action."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress

from rich.console import Console

from toolgym.cli.options import env_kwargs, env_options, whole
from toolgym.cli.resolve import make_env, open_task
from toolgym.cli.terminal import message_panel, reward_view, tools_table, verdict_view
from toolgym.env import ToolEnv
from toolgym.report.text import plain

ABOUT = """\
Play one episode yourself. You write what the model would write; after each
action come the reward, term by term, and the scores of each call with what
is wrong with it. End an action with an empty line or Ctrl-D. :help lists the
commands. Input may come from a pipe."""
EXAMPLES = """\
  toolgym play ToolGym-BFCL-v0
  toolgym play ToolGym-BFCL-v0 parallel_3 --dialect pythonic
  toolgym play ToolGym-BFCL-v0 simple_python_0 < answer.txt"""
NEEDED = ("id", "task", "seed", "category", "dialect")
HELP = """\
You are the model. Write your answer in the env's dialect; end it with an empty
line or Ctrl-D. A line of its own, before an answer:
  :prompt   the instructions the model gets      :gold   the gold action
  :tools    the tools on offer                   :quit   stop (:q)
  :help     this text"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The suite, the task, and the env's options."""
    parser.add_argument("id", metavar="ID", help="a suite's id, or module:Id for one of your own")
    parser.add_argument("task", metavar="TASK", nargs="?", help="a task's id; if left out, a task is drawn")
    parser.add_argument("--seed", type=whole(0), help="draw the task with this seed")
    env_options(parser)


def run(args: argparse.Namespace, console: Console) -> None:
    """Play one episode with actions read from standard input. Ends early on :quit or the end of input."""
    with suppress(ImportError):
        import readline  # noqa: F401  (gives input() line editing and a history)
    env = make_env(args.id, env_kwargs(args))
    open_task(env, args.task, args.seed)
    console.print(plain(f"{args.id} {env.task.id}, dialect {env.dialect.name}", "bold"))
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
        if not sys.stdin.isatty():  # input from a pipe was not shown while it was typed
            console.print(message_panel(env.turns[-1].messages[0]))
        console.print(reward_view(info["reward"]))
        for each in env.turns[-1].messages[1:]:
            if each["role"] != "tool":  # tool results are shown with the calls
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
