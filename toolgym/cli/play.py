"""``toolgym play``: a person takes the model's place. Input may come from a pipe: an empty line ends an action."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from toolgym.cli.draft import Draft
from toolgym.cli.line_editing import COMMANDS, edit_lines
from toolgym.cli.options import env_kwargs, env_options, whole
from toolgym.cli.resolve import make_env, open_task
from toolgym.cli.terminal import message_panel, reward_view, tool_view, tools_view, verdict_view
from toolgym.cli.written_call import WrittenWrong, read_call, write_call
from toolgym.env import ToolEnv
from toolgym.report.text import plain
from toolgym.tools import Tool

ABOUT = """\
Play one episode yourself. You write what the model would write, or build it
with :call; an empty line sends it. Then come the reward, term by term, and the
scores of each call with what is wrong with it. Input may come from a pipe."""
EXAMPLES = """\
  toolgym play ToolGym-BFCL-v0
  toolgym play ToolGym-BFCL-v0 parallel_3 --dialect pythonic
  toolgym play ToolGym-BFCL-v0 simple_python_0 < answer.txt"""
NEEDED = ("id", "task", "seed", "category", "dialect")
HELP = """\
You are the model. Write its answer in the env's dialect, or
build it with :call and :say. An empty line sends it.
  :call NAME key=value ...   values: 5, "two words", [1, 2]
  :say TEXT   tell the user  :think TEXT   your own thought
  :drop       begin anew     :gold         what is right
  :tools      all tools      :tool NAME    one, whole
  :prompt     instructions   :quit, Ctrl-D leave"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The suite, the task, and the env's options."""
    parser.add_argument("id", metavar="ID", help="a suite's id, or module:Id for one of your own")
    parser.add_argument("task", metavar="TASK", nargs="?", help="a task's id; if left out, a task is drawn")
    parser.add_argument("--seed", type=whole(0), help="draw the task with this seed")
    env_options(parser)


def run(args: argparse.Namespace, console: Console) -> None:
    """Play one episode with actions read from standard input. Ends early on :quit or the end of input."""
    env = make_env(args.id, env_kwargs(args))
    open_task(env, args.task, args.seed)
    if sys.stdin.isatty():
        edit_lines(lambda: _tools(env))
    console.print(plain(f"{args.id} {env.task.id}, dialect {env.dialect.name}", "bold"))
    _show_opening(env, console)
    _show_changes(env, console)
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
    """The next action, after any commands; None for :quit, Ctrl-D, Ctrl-C twice, and the end of a pipe."""
    lines: list[str] = []
    draft = Draft(env.dialect)
    interrupted = False
    while True:
        try:
            line = _read_line("... " if lines or draft else f"action {len(env.turns) + 1}> ")
        except EOFError:
            if sys.stdin.isatty():
                console.print()
                return None
            return "\n".join(lines) if lines else draft.text() if draft else None
        except KeyboardInterrupt:
            console.print()
            if interrupted:
                return None
            interrupted, lines, draft = True, [], Draft(env.dialect)
            console.print("nothing is sent; Ctrl-C again, Ctrl-D or :quit leaves", style="dim")
            continue
        interrupted = False
        command = line.strip()
        if lines:
            if not command:
                return "\n".join(lines)
            lines.append(line)
        elif command in (":q", ":quit"):
            return None
        elif command.startswith(":"):
            _obey(command, env, draft, console)
        elif draft:
            if not command:
                return draft.text()
            console.print(
                "an empty line sends the answer above; :say TEXT adds words, :drop begins anew", style="yellow"
            )
        elif command:
            lines.append(line)


def _tools(env: ToolEnv) -> tuple[Tool, ...]:
    """The tools on offer now, as they are shown."""
    tools = env.episode.tools or ()
    return tools if env.view is None else tuple([tool for _, tool in env.view.offered(tools).values()])


def _read_line(prompt: str) -> str:
    return input(prompt if sys.stdin.isatty() else "")


def _obey(line: str, env: ToolEnv, draft: Draft, console: Console) -> None:
    command, _, rest = line.partition(" ")
    rest = rest.strip()
    try:
        if command == ":call":
            call, objections = read_call(rest, _tools(env))
            draft.calls.append(call)
            for objection in objections:
                console.print(plain(f"the tool's schema objects: {objection}", "yellow"))
        elif command == ":say":
            draft.response = rest or None
        elif command == ":think":
            draft.think = rest or None
        elif command == ":drop":
            draft.drop()
        elif command == ":tool":
            call, _ = read_call(rest, _tools(env))
            console.print(tool_view(next(each.schema for each in _tools(env) if each.name == call.name)))
        else:
            _show(command, env, console)
    except WrittenWrong as error:
        console.print(plain(str(error), "yellow"))
        return
    if command in (":call", ":say", ":think") and draft:
        console.print(plain(draft.text(), "green"), soft_wrap=True)


def _show(command: str, env: ToolEnv, console: Console) -> None:
    if command == ":tools":
        console.print(tools_view(env.observe()["tools"]))
    elif command == ":gold":
        _show_gold(env, console)
    elif command == ":prompt":
        for each in env.observe()["messages"]:
            if each["role"] == "system":
                console.print(message_panel(each, 50_000))
    elif command == ":help":
        console.print(plain(HELP, "dim"))
    else:
        console.print(plain(f"no command {command}; there are {', '.join(COMMANDS)}", "yellow"))


def _show_gold(env: ToolEnv, console: Console) -> None:
    """The gold action of this turn, to be copied, and the lines that build it."""
    gold = env.gold(env.task)
    turn = len(env.turns)
    if turn >= len(gold):
        console.print(f"there are {len(gold)} gold actions; this would be number {turn + 1}")
        return
    console.print(plain(gold[turn], "green"), soft_wrap=True)  # whole lines, to be pasted back
    read = env.parse(gold[turn])
    read = read.written or read  # with the names that are shown
    built = [f":call {write_call(call.name, call.arguments)}" for call in read.calls]
    if read.response and "\n" not in read.response:
        built.append(f":say {read.response}")
    for line in built:
        console.print(plain(line, "dim"), soft_wrap=True)


def _show_changes(env: ToolEnv, console: Console) -> None:
    """What was perturbed in the task, and which faults its calls may meet; nothing for a clean task."""
    if env.view is not None:
        kinds = ", ".join(env.view.kinds) or "nothing: no kind applies to this task"
        console.print(plain(f"perturbed: {kinds}. Scores name tools by their own names.", "dim"))
    if env.faults is not None:
        console.print(plain(f"calls may meet faults: {', '.join(env.faults.kinds)}", "dim"))


def _show_opening(env: ToolEnv, console: Console) -> None:
    for each in env.observe()["messages"]:
        if each["role"] == "system":
            console.print(plain(f"[system] {len(each['content']):,} characters; :prompt shows them", "dim"))
        else:
            console.print(message_panel(each))
