"""``toolgym compare``: agents x suites in one table.

The suites: BFCL (v4 and v3), API-Bank, Seal-Tools, Bamboogle, AgentDojo alone and under its best-known attack, ToolRL's
test rows, Functions, Office, maths. An agent is a name that ``toolgym eval --agent`` knows, or module:Class; its
options follow after a colon, named as in ``toolgym eval``.
Each part of a suite (a category, a level) is played with ``-n`` tasks, drawn by ``--seed``, or with all its tasks
(200 if tasks are made on demand: Functions, Office, maths). Each part and repeat is a run,
OUT/AGENT/SUITE/PART/REPEAT, for ``toolgym report`` and ``toolgym replay``. After a kill the same command continues.
To add agents, suites, repeats or tasks (a larger ``-n``) later, name the earlier ones again. A suite without its data
is shown as missing.
The same seed gives the same results, except the seconds (a local model's: as far as floating point allows).

Numbers: success by each benchmark's own verdict, mean over tasks, with Wilson's 95 % interval (n is the number of
tasks: with repeats the interval is too wide rather than too narrow, see toolgym/report/compare/passk.py); pass@k by
the unbiased estimator of Chen et al. 2021, over the tasks with at least k valid episodes; calls, tokens and seconds
are means per episode. Tokens are counted in the agent's texts, with its own tokenizer, without end tokens; the column
is blank for an agent without a tokenizer. The suites' own scores come from ``summarize`` of each suite; with fewer
tasks than a category has, they are estimates. In repeat r a local model samples, and ``random`` draws, with seed + r;
another agent is asked again.

With ``--agentic`` BFCL's agentic categories are played too. Each agent first makes its memories, in three times 37
conversations of 323 messages in all, whatever ``-n`` is; these conversations count in no number. Questions for the web
replay recorded searches (``toolgym eval --env ToolGym-BFCL-Agentic-v0 --category web_search --env-arg web=record``).

Results: suites.json, suites.md and suites.png in OUT, or in --results. benchmarks/results keeps the results of
``--agents oracle,silent,random -n all --agentic``, and as suites_smollm2 the results of
``--agents policy:model=smollm2,max_new_tokens=64,oracle,silent,random -n 2`` (70 tasks: too few to conclude much).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

from msgspec.structs import replace
from rich.console import Console

from toolgym.assets import AssetError, cache_folder
from toolgym.cli.agent_specs import Player, agent_specs
from toolgym.cli.denominator import code_of_share, max_invalid_option, say_left_out
from toolgym.cli.next_command import print_command
from toolgym.cli.progress import Tally, episodes_progress
from toolgym.cli.quiet import told_by_the_command
from toolgym.cli.resolve import UserError, make_env
from toolgym.disk import read_object, write_atomic
from toolgym.report.compare.comparison import Comparison, Played, as_data, played
from toolgym.report.compare.comparison_png import write_comparison_png
from toolgym.report.compare.comparison_tables import markdown, print_comparison
from toolgym.report.compare.suite_set import BFCL_AGENTIC, STANDARD, Part, SuitePlan
from toolgym.report.text import plain
from toolgym.rollout import agent_name, evaluate
from toolgym.secrets import without_secrets
from toolgym.stored.strict_json import to_json
from toolgym.types import Trajectory

ABOUT = """\
Play several agents on several suites and put the results in one table: success
by each benchmark's own verdict with 95 % intervals, pass@k, and each suite's
own scores. An agent is written as in `toolgym eval --agent`, its options after
a colon. --out gets suites.json, suites.md and suites.png, and a run for each
part of a suite. The same command continues after a stop. To add agents, suites
or repeats later, name the earlier ones again.

With --robustness, RUNs of an agent (folders), clean and under perturbations
and faults, become a table of what is kept of its success."""
EXAMPLES = """\
  toolgym compare --agents oracle,silent,random --out runs/suites
  toolgym compare --agents silent,policy:model=smollm2 -n 8 \\
      --suites bfcl,office --out runs/small
  toolgym compare --agents policy:model=my-model,temperature=0.8 \\
      --repeats 4 --k 1,4 --out runs/passes
  toolgym compare runs/clean runs/typos runs/timeout --robustness"""
NEEDED = ("agents", "suites", "n", "out", "repeats", "seed", "dialect", "robustness")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The agents, the suites, how to play, and the folders."""
    parser.usage = "%(prog)s (--agents SPECS | RUN... --robustness) [OPTIONS]"
    parser.add_argument("run", metavar="RUN", nargs="*", help="with --robustness: a run's folder")
    parser.add_argument(
        "--robustness", action="store_true", help="measure RUNs; toolgym robustness plays them. Files go to --results"
    )
    parser.add_argument(
        "--agents", action="append", default=[], metavar="SPECS",
        help="with commas between: oracle,policy:model=smollm2,temperature=1",
    )  # fmt: skip
    parser.add_argument("--suites", default="all", metavar="NAMES", help=f"of {', '.join(STANDARD)} (all)")
    parser.add_argument("-n", "--n", default="50", metavar="N", help="tasks of each part (50), or all")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/suites"), metavar="DIR", help="keep the runs here (runs/suites)"
    )
    parser.add_argument("--results", type=Path, metavar="DIR", help="for the tables and the picture, if not --out")
    parser.add_argument("--repeats", type=int, default=1, metavar="R", help="episodes of each task (1)")
    parser.add_argument("--k", metavar="K,...", help="which pass@k to show, R at most (1 and R)")
    parser.add_argument("--seed", type=int, default=0, help="draws the tasks, and what agents sample (0)")
    parser.add_argument(
        "--dialect", metavar="NAME", help="toolrl (default), hermes, llama3, pythonic, compact or openai"
    )
    parser.add_argument("--batch-size", type=int, default=16, metavar="B", help="episodes at once (16)")
    max_invalid_option(parser)
    parser.add_argument("--agentic", action="store_true", help="BFCL's agentic categories too: 74 conversations first")


def run(args: argparse.Namespace, console: Console) -> int:
    """Play, print the tables and write the results. 1 if no suite could be played, 130 after Ctrl-C."""
    if args.robustness:
        return _robustness(args, console)
    check(args)
    try:
        found, drawn = compare(args, console)
        print_comparison(found, console)
    except KeyboardInterrupt:
        sys.stderr.write(f"\nstopped; what was played is in {args.out}; the same command goes on\n")
        return 130
    picture = ", suites.png" if drawn else " (suites.png too with pip install 'toolgym[report]')"
    console.print(f"In {args.results or args.out}: suites.json, suites.md{picture}", soft_wrap=True)
    print_command("Look at the episodes", f"toolgym view {quote(str(args.out))}", console)
    codes = [_code(each, args.max_invalid, console) for each in found.played]
    return max(codes, default=1)


def _robustness(args: argparse.Namespace, console: Console) -> int:
    """The robustness of kept runs."""
    if not args.run or args.agents:
        args.usage_error("--robustness measures kept runs, without --agents; toolgym robustness plays them")
    from toolgym.cli.robustness import of_runs

    of_runs(args.run, args.results, console)
    return 0


def _code(each: Played, most: float, console: Console) -> int:
    """1, and a line that says so, if too many of an agent's episodes on a suite left the score; else 0."""
    lost = each.total.invalid
    share = lost / max(1, lost + each.total.episodes)
    return code_of_share(share, most, console, lost, f" ({each.agent} on {each.suite})")


def check(args: argparse.Namespace) -> None:
    """Read the lists among the options. A value that does not fit ends the command as wrong usage."""
    if args.run:
        args.usage_error("RUNs are for --robustness; toolgym report puts runs side by side")
    if not args.agents:
        args.usage_error("name the agents: --agents oracle,policy:model=smollm2")
    named = STANDARD if args.suites == "all" else filter(None, args.suites.split(","))
    args.suites = list(dict.fromkeys(named))
    args.extra = {} if args.dialect is None else {"dialect": args.dialect}
    try:
        args.n = None if args.n == "all" else int(args.n)
        args.k = sorted({1, args.repeats} if args.k is None else {int(k) for k in args.k.split(",")})
    except ValueError:
        args.usage_error("-n is a number or all, --k are numbers with commas between")
    if unknown := [name for name in args.suites if name not in STANDARD]:
        args.usage_error(f"no suite {unknown[0]!r}: choose from {', '.join(STANDARD)}")
    if args.agentic and "bfcl" not in args.suites:
        args.usage_error("--agentic is for the suite bfcl, which --suites leaves out")
    if not args.suites or min(args.k[0], args.repeats, args.batch_size, 1 if args.n is None else args.n) < 1:
        args.usage_error("-n, --repeats, --k and --batch-size must be at least 1, and --suites name one")
    if args.k[-1] > args.repeats:
        args.usage_error(f"pass@{args.k[-1]} needs --repeats {args.k[-1]} at least")


def compare(args: argparse.Namespace, console: Console) -> tuple[Comparison, bool]:
    """Play the missing episodes; after each agent write the results. Returns them, and whether there is a PNG."""
    plans = [STANDARD[name] for name in args.suites]
    if args.agentic:
        plans = [replace(plan, parts=plan.parts + BFCL_AGENTIC) if plan.name == "bfcl" else plan for plan in plans]
    specs = agent_specs(",".join(args.agents))
    settings = {name: getattr(args, name) for name in ("n", "repeats", "k", "seed")}
    shown = {spec: without_secrets(spec) for spec in specs}
    settings = {"agents": list(shown.values()), "suites": args.suites, **settings, **args.extra}
    settings |= {"agentic": True} if args.agentic else {}
    check_nothing_is_lost(args.results or args.out, settings)
    probed = {}
    for plan in plans:
        with console.status(f"looking at {plan.title} ..."):
            probed[plan.name] = probe(plan, args.n, args.extra)
        if missing := probed[plan.name][1]:
            console.print(plain(f"{plan.title}: {len(missing)} of {len(plan.parts)} parts are missing here", "yellow"))
    names: dict[str, str] = {}
    found: list[Played] = []
    for written, spec in shown.items():
        with console.status(f"making the agent {spec} ..."):
            player = Player(written, args.seed, args.batch_size, args.dialect)
        names[spec] = agent_name(player.agent)
        for plan in plans:
            parts = probed[plan.name][0]
            if parts:
                folder = args.out / re.sub(r"[^\w.=-]+", "-", spec) / plan.name
                episodes = play(player, plan.title, parts, folder, args, console)
                every = [each for part in episodes.values() for each in part]
                if not all(each.reward_valid for each in every):
                    console.print(plain(f"{plan.title}:"))
                    say_left_out(every, console, "; the same command plays them again")
                found.append(played(spec, plan, episodes, args.k, player.count_tokens))
        comparison = Comparison(
            settings,
            {plan.name: plan.title for plan in plans},
            {name: missing for name, (_, missing) in probed.items() if missing},
            [_labelled(each, names) for each in found],
        )
        drawn = write(comparison, args.results or args.out)
    return comparison, drawn


def probe(plan: SuitePlan, n: int | None, extra: dict[str, Any]) -> tuple[list[tuple[Part, int]], dict[str, str]]:
    """The parts that can be played here, with their numbers of tasks; and part -> reason for each missing part."""
    found, missing = [], {}
    for part in plan.parts:
        most = None if part.memory == "makes" else plan.most if n is None else n
        if part.recorded and not (cache_folder() / part.recorded).is_dir():
            record = f"toolgym eval --env {part.env_id} --category {part.name} --env-arg web=record"
            missing[part.name] = f"nothing is recorded. With a key of serpapi.com in SERPAPI_API_KEY: {record}"
            continue
        try:
            size = len(make_env(part.env_id, part.env_kwargs | extra).tasks)
            found.append((part, size if most is None else min(most, size)))
        except (AssetError, ImportError) as error:
            missing[part.name] = str(error)
    return found, missing


def play(
    player: Player,
    title: str,
    parts: Sequence[tuple[Part, int]],
    folder: Path,
    args: argparse.Namespace,
    console: Console,
) -> dict[str, list[Trajectory]]:
    """The episodes of each part that counts. Episodes that are in the folder already are not played again."""
    episodes: dict[str, list[Trajectory]] = {}
    tally = Tally()
    fresh: dict[int, Trajectory] = {}  # by id(); kept alive, because a freed object's id can be reused
    total = args.repeats * sum(n for _, n in parts)
    with told_by_the_command(), episodes_progress(console) as progress:
        bar = progress.add_task(f"{agent_name(player.agent)} {title}", total=total, tally=tally)

        def note(trajectory: Trajectory, counts: bool) -> None:
            fresh[id(trajectory)] = trajectory
            if counts:
                tally.add(trajectory)
            progress.update(bar, advance=1, tally=tally)

        for part, n in parts:
            counts = part.memory != "makes"
            for repeat in range(args.repeats):
                memory = {"memory": str(folder / "memory" / str(repeat))} if part.memory else {}
                found = evaluate(
                    part.env_id,
                    player.for_repeat(repeat),
                    env_kwargs=player.env_kwargs | part.env_kwargs | args.extra | memory,
                    n=n,
                    seed=args.seed,
                    out=folder / part.name / str(repeat),
                    resume=True,
                    batch_size=args.batch_size if counts else 1,
                    on_episode=partial(note, counts=counts),
                    on_agent_error="record",
                )
                for trajectory in found:
                    if id(trajectory) not in fresh:
                        note(trajectory, counts)
                    trajectory.repeat = repeat
                if counts:
                    episodes.setdefault(part.name, []).extend(found)
    return episodes


def check_nothing_is_lost(folder: Path, settings: dict[str, Any]) -> None:
    """Raises UserError if the results in the folder have agents or suites that this command does not name."""
    path = folder / "suites.json"
    if not path.is_file():
        return
    before = read_object(path, "the results of toolgym compare", UserError).get("settings")
    names: dict[str, Any] = before if isinstance(before, dict) else {}
    kinds = [names.get(key) for key in ("agents", "suites")]
    if not all(isinstance(each, list) and all(isinstance(name, str) for name in each) for each in kinds):
        raise UserError(f"{path} does not say which agents and suites it has: use another folder with --results")
    lost = [name for key in ("agents", "suites") for name in names[key] if name not in settings[key]]
    lost += ["--agentic"] if names.get("agentic") and not settings.get("agentic") else []
    if lost:
        raise UserError(
            f"{folder}/suites.json has results of {', '.join(lost)} too, which would be lost: name them as well (what "
            "was played is not played again), or another folder with --results"
        )


def _labelled(each: Played, names: dict[str, str]) -> Played:
    """The result under its agent's name, or under the agent's spec if two agents have the same name."""
    name = names[each.agent]
    return each if list(names.values()).count(name) > 1 else replace(each, agent=name)


def write(comparison: Comparison, folder: Path) -> bool:
    """Write suites.json, suites.md and suites.png. False without a PNG, because matplotlib is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "suites.json", to_json(as_data(comparison), indent=1) + "\n")
    write_atomic(folder / "suites.md", markdown(comparison))
    try:
        write_comparison_png(comparison, folder / "suites.png")
    except ModuleNotFoundError:
        return False
    return True
