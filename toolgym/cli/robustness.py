"""``toolgym robustness``: agents play a suite clean and under each perturbation and fault; what is kept of success.

Each condition is a run, OUT/AGENT/CONDITION, for ``toolgym report``, ``replay`` and ``compare --robustness``. After a
stop the same command continues. Every condition plays the same tasks.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

import msgspec
from rich.console import Console

from toolgym.cli.agent_specs import Player, agent_specs
from toolgym.cli.denominator import exit_code, max_invalid_option, say_left_out
from toolgym.cli.next_command import print_command
from toolgym.cli.options import data_option, env_kwargs, env_options, share, tasks, whole, with_data
from toolgym.cli.progress import Tally, episodes_progress
from toolgym.cli.quiet import told_by_the_command
from toolgym.cli.report import with_wanted
from toolgym.cli.resolve import UserError, make_env
from toolgym.disk import write_atomic
from toolgym.report.robustness.measure import Robustness, robustness
from toolgym.report.robustness.robustness_png import write_robustness_png
from toolgym.report.robustness.tables import markdown, print_robustness
from toolgym.report.table import load_runs
from toolgym.report.text import plain
from toolgym.rollout import agent_name, chosen_tasks, evaluate
from toolgym.secrets import without_secrets
from toolgym.stored.strict_json import to_json
from toolgym.types import Trajectory
from toolgym.wrappers.faults.kinds import KINDS as FAULTS
from toolgym.wrappers.faults.kinds import chosen
from toolgym.wrappers.perturb.kinds import KINDS as PERTURBATIONS
from toolgym.wrappers.perturb.kinds import select_kinds

ABOUT = """\
How robust is an agent? It plays the same tasks clean, under each kind of
perturbation of what it sees (typos, paraphrases, distractor tools, misleading
descriptions), and under each kind of fault of its calls (timeouts, errors of
servers, denied access). Prints success clean and under each kind and group,
the share that is kept with 95 % intervals, and how it deals with faults.
--out gets robustness.md, .json, a picture per agent, and a run for each
condition. The same command continues after a stop. To measure runs that you
have: toolgym compare RUN... --robustness."""
EXAMPLES = """\
  toolgym robustness --env ToolGym-Office-v0 --agents oracle -n 50 \\
      --out runs/oracle
  toolgym robustness --env ToolGym-Functions-v1 --dialect compact \\
      --agents policy:model=smollm2,policy:model=runs/grpo \\
      --kinds observation,misleading --faults none -n 100 --out runs/robust"""
NEEDED = ("env", "agents", "out", "kinds", "faults", "strength", "fault_rate", "n", "seed", "category", "dialect")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The env, the agents, the kinds, how to play, and the folder."""
    parser.usage = "%(prog)s --env ID --agents SPECS --out DIR [OPTIONS]"
    parser.add_argument("--env", metavar="ID", help="a suite's id, or module:Id for one of your own")
    data_option(parser)
    parser.add_argument(
        "--agents", action="append", required=True, metavar="SPECS",
        help="with commas between, as in toolgym compare: oracle,policy:model=smollm2",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="keep the runs and the results here")
    kinds = parser.add_argument_group("the kinds; each is played alone")
    kinds.add_argument(
        "--kinds", default="all", metavar="NAMES", help="perturbations or groups of them, with commas; all, or none"
    )
    kinds.add_argument("--faults", default="all", metavar="NAMES", help="faults or groups of them; all, or none")
    kinds.add_argument("--strength", type=share, metavar="X", help="of the perturbations, from 0 to 1 (1)")
    kinds.add_argument("--fault-rate", type=share, metavar="X", help="the chance that a call meets a fault (0.3)")
    how = parser.add_argument_group("how to play")
    how.add_argument("-n", type=tasks, default=50, metavar="N", help="tasks, drawn by the seed (50), or all")
    how.add_argument("--repeats", type=whole(1), default=1, metavar="R", help="episodes of each task (1)")
    how.add_argument("--seed", type=whole(0), default=0, help="draws the tasks, and what agents sample (0)")
    how.add_argument("--batch-size", type=whole(1), default=16, metavar="B", help="episodes at once (16)")
    max_invalid_option(how)
    env_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Play what is missing, print the table and write the results. 1 if too many episodes left the score, 130 after
    Ctrl-C."""
    if args.env is None and "data" not in args:
        args.usage_error("name what is played: --env ID, or --data FILE")
    arguments = with_data(args, env_kwargs(args))
    if taken := [name for name in ("perturb", "faults") if name in arguments]:
        raise UserError(f"{taken[0]} is what this command varies: leave out --env-arg {taken[0]}=..., and use --kinds")
    env = make_env(args.env, arguments)
    try:
        count = len(chosen_tasks(env, args.n, args.seed, None)) * args.repeats
    except ValueError as error:
        raise UserError(f"{args.env}: {error}") from None
    asked = conditions(args, env.runs_calls(), console)
    specs = agent_specs(",".join(args.agents))
    every: list[Trajectory] = []
    folders: list[Path] = []
    try:
        for spec in specs:
            with console.status(f"making the agent {without_secrets(spec)} ..."):
                player = Player(spec, args.seed, args.batch_size, arguments.get("dialect"))
            folder = args.out / re.sub(r"[^\w.=-]+", "-", str(without_secrets(spec)))
            kwargs = {name: {**player.env_kwargs, **arguments, **more} for name, more in asked.items()}
            every += play(player, folder, kwargs, count, args, console)
            folders += [folder / name for name in asked]
            found = robustness(load_runs(folders))
            drawn = write_robustness(found, args.out)
    except KeyboardInterrupt:
        sys.stderr.write(f"\nstopped; what was played is in {args.out}; the same command goes on\n")
        return 130
    print_robustness(found, console)
    say_files(args.out, drawn, console)
    print_command("Look at the episodes", f"toolgym view {quote(str(args.out))}", console)
    say_left_out(every, console, "; the same command plays them again")
    return exit_code(every, args.max_invalid, console)


def conditions(args: argparse.Namespace, runs_calls: bool, console: Console) -> dict[str, dict[str, Any]]:
    """Name of a condition -> further arguments of the env for it: clean, then each kind alone.

    Says so if there are no faults because the suite runs no calls. Raises UserError if no kind is left.
    """
    try:
        seen = () if args.kinds == "none" else select_kinds(args.kinds)
        met = () if args.faults == "none" else tuple(chosen(args.faults))
    except (TypeError, ValueError) as error:
        raise UserError(str(error)) from None
    if met and not runs_calls:
        console.print(plain(f"{args.env} runs no calls, so there are no faults to play.", "yellow"))
        met = ()
    if not seen and not met:
        raise UserError("nothing is left to measure beside clean tasks: name perturbations with --kinds")
    strength = {} if args.strength is None else {"strength": args.strength}
    rate = {} if args.fault_rate is None else {"fault_rate": args.fault_rate}
    found: dict[str, dict[str, Any]] = {"clean": {}}
    found |= {kind: {"perturb": kind, **strength} for kind in PERTURBATIONS if kind in seen}
    return found | {kind: {"faults": kind, **rate} for kind in FAULTS if kind in met}


def play(
    player: Player,
    folder: Path,
    env_kwargs: dict[str, dict[str, Any]],
    count: int,
    args: argparse.Namespace,
    console: Console,
) -> list[Trajectory]:
    """The episodes of all conditions. Episodes that are in the folder already are not played again.

    Args:
        env_kwargs: condition -> the env's arguments.
        count: episodes of a condition.
    """
    every: list[Trajectory] = []
    tally, fresh = Tally(), set()
    with told_by_the_command(), episodes_progress(console) as progress:
        bar = progress.add_task(agent_name(player.agent), total=count * len(env_kwargs), tally=tally)

        def note(trajectory: Trajectory) -> None:
            fresh.add((name, trajectory.task_id, trajectory.repeat))
            tally.add(trajectory)
            progress.update(bar, advance=1, tally=tally)

        for name, kwargs in env_kwargs.items():
            found = evaluate(
                args.env,
                player.for_repeat(0),
                env_kwargs=kwargs,
                n=args.n,
                repeats=args.repeats,
                seed=args.seed,
                out=folder / name,
                resume=True,
                batch_size=args.batch_size,
                on_episode=note,
                on_agent_error="record",
            )
            for each in found:
                if (name, each.task_id, each.repeat) not in fresh:
                    note(each)
            every += found
    return every


def of_runs(paths: Sequence[str], results: Path | None, console: Console) -> None:
    """The robustness of kept runs: print it, and write the files to ``results`` if it is given."""
    found = robustness([with_wanted(each) for each in load_runs(paths)])
    drawn = results is None or write_robustness(found, results)
    print_robustness(found, console)
    if results is not None:
        say_files(results, drawn, console)


def write_robustness(found: Sequence[Robustness], folder: Path) -> bool:
    """Write robustness.json, robustness.md and a PNG per agent. False without a PNG, because matplotlib is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "robustness.json", to_json(_rounded(msgspec.to_builtins(list(found))), indent=1) + "\n")
    write_atomic(folder / "robustness.md", markdown(found))
    try:
        for each, name in zip(found, pictures(found), strict=True):
            write_robustness_png(each, folder / name)
    except ModuleNotFoundError:
        return False
    return True


def pictures(found: Sequence[Robustness]) -> list[str]:
    """The name of each agent's picture."""
    names = [re.sub(r"[^A-Za-z0-9.=-]+", "-", each.agent)[-60:] for each in found]
    again = [f"-{names[:i].count(name) + 1}" if name in names[:i] else "" for i, name in enumerate(names)]
    return [f"robustness-{name}{more}.png" for name, more in zip(names, again, strict=True)]


def say_files(folder: Path, drawn: bool, console: Console) -> None:
    """Print which files were written."""
    console.print(
        f"In {folder}: robustness.json, robustness.md{', a picture per agent' if drawn else ''}", soft_wrap=True
    )
    if not drawn:
        console.print("There are no pictures without matplotlib: pip install 'toolgym[report]'", markup=False)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value
