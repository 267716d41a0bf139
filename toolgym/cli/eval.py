"""``toolgym eval``: an agent plays a suite under a progress bar; then tables, and the run's folder."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import Any

from rich.console import Console

from toolgym.cli.denominator import exit_code, max_invalid_option, say_left_out
from toolgym.cli.next_command import print_command
from toolgym.cli.options import (
    answer_length,
    data_option,
    env_kwargs,
    env_options,
    from_zero,
    tasks,
    template_kwarg_option,
    whole,
    with_data,
)
from toolgym.cli.progress import Tally, episodes_progress
from toolgym.cli.quiet import told_by_the_command
from toolgym.cli.resolve import UserError, agent_spec, load, make_agent, make_env, offer
from toolgym.env import ToolEnv
from toolgym.playing.agent_failures import OnAgentError
from toolgym.report.headline import headline, print_headlines
from toolgym.report.results import write_results
from toolgym.report.screen import print_report
from toolgym.report.table import Run, make_run
from toolgym.report.text import plain
from toolgym.rollout import Agent, agent_name, chosen_tasks, evaluate, run_settings
from toolgym.runlog import RunLog, read_episodes
from toolgym.types import Trajectory

ABOUT = """\
Let an agent play the tasks of a suite, with the benchmark's own verdict on
each. With --out, each episode is saved as it finishes, --resume continues a
stopped run, and summary.json and report.html are written at the end."""
EXAMPLES = """\
  toolgym eval --env ToolGym-BFCL-v0 --category simple_python --agent oracle
  toolgym eval --env ToolGym-BFCL-v0 --category live -n 200 --agent policy \\
      --model smollm2 --out runs/smollm2
  toolgym eval --env ToolGym-BFCL-v0 --agent endpoint --model my-model \\
      --base-url http://localhost:8000/v1 --out runs/mine --resume"""

NEEDED = ("env", "data", "agent", "model", "base_url", "tools", "n", "out", "resume", "category", "dialect")
_AGENT_OPTIONS = ("model", "base_url", "api_key_env", "tools", "template_kwarg", "temperature", "max_completion_length",
                  "replay", "stop", "device", "trust_remote_code", "seed", "batch_size", "extra", "header",
                  "requests_per_minute")  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The env, the agent, how to play, and the run's folder."""
    parser.usage = "%(prog)s (--env ID | --data FILE) --agent NAME [-n N] [OPTIONS]"
    parser.add_argument("--env", metavar="ID", help="a suite's id, or module:Id for one of your own")
    data_option(parser)
    parser.add_argument(
        "--agent", metavar="NAME", required=True,
        help="oracle, random, silent, replay, endpoint, policy, vllm, sb3, or module:Class for one of your own",
    )  # fmt: skip
    how = parser.add_argument_group("how to play")
    how.add_argument("-n", type=tasks, metavar="N", help="this many tasks, drawn by the seed; all if left out")
    how.add_argument("--task", action="append", metavar="ID", help="only this task, in place of -n; may be repeated")
    how.add_argument("--out", metavar="DIR", help="keep episodes, numbers and page in this folder")
    how.add_argument("--resume", action="store_true", help="continue the run in --out")
    how.add_argument("--repeats", type=whole(1), default=1, metavar="R", help="episodes of each task (1)")
    how.add_argument("--seed", type=whole(0), default=0, help="draws the tasks, and what the agent samples (0)")
    how.add_argument("--batch-size", type=whole(1), default=16, metavar="B", help="episodes at once (16)")
    max_invalid_option(how)
    how.add_argument(
        "--on-agent-error", choices=["record", "raise"], default="record",
        help="if the agent's code raises: record the episode as not valid (up to 20 in a row), or raise it",
    )  # fmt: skip
    how.add_argument(
        "--ray", metavar="ADDRESS",
        help="play on a Ray cluster: auto (the one of this machine), host:port, or local (a new one, here)",
    )  # fmt: skip
    how.add_argument("--ray-actors", type=whole(1), metavar="N", help="processes on the cluster (one per CPU)")
    env_options(parser)
    model = parser.add_argument_group(
        "the agent (policy: a local model; endpoint: an OpenAI-compatible server)",
        "vllm takes policy's options. Its model is on the server of --base-url, see\n"
        "toolgym serve-sampler; only the tokenizer of --model is read here.",
    )
    model.add_argument("--model", help="policy: smollm2 (default), folder or hub name; endpoint: its name; sb3: a run")
    model.add_argument("--temperature", type=from_zero, metavar="X", help="of sampling; 0 is greedy")
    answer_length(model)
    model.add_argument("--stop", action="append", metavar="TEXT", help="policy: end an answer at this text")
    model.add_argument("--device", help="policy: auto (default), cpu, cuda, ...")
    model.add_argument(
        "--trust-remote-code", action="store_const", const=True,
        help="policy: run code that comes with the model; without this it is never run",
    )  # fmt: skip
    model.add_argument(
        "--base-url", metavar="URL", help="endpoint: its address, up to /v1 (OpenAI's); vllm: http://host:port"
    )
    model.add_argument("--api-key-env", metavar="VAR", help="endpoint: the variable with its key, if any")
    model.add_argument(
        "--tools", choices=["native", "prompt", "template"],
        help="prompt (default): the messages describe the tools; native (endpoint): the server gets them; template "
        "(policy): its chat template does, so choose its dialect, e.g. hermes",
    )  # fmt: skip
    template_kwarg_option(model)
    model.add_argument(
        "--extra", action="append", metavar="K=V",
        help="endpoint: a further field of the request, such as reasoning_effort=low; null leaves one out",
    )  # fmt: skip
    model.add_argument(
        "--header", action="append", metavar="K=V", help="endpoint: a further header; '$NAME' is a variable's value"
    )
    model.add_argument(
        "--requests-per-minute", type=from_zero, metavar="X",
        help="endpoint: the limit for all requests together, over all actors of --ray too",
    )  # fmt: skip
    model.add_argument("--replay", metavar="RUN", help="replay: the run whose texts are played again")


def run(args: argparse.Namespace, console: Console) -> int:
    """Play, write the run's results, print the tables. 1 if too many episodes left the score, 130 after Ctrl-C."""
    if args.resume and args.out is None:
        raise UserError("--resume goes on with the run in a folder: give it with --out DIR")
    if args.env is None and "data" not in args:
        args.usage_error("name what is played: --env ID, or --data FILE")
    if (place := import_module("toolgym.agents.training.distributed.launch").place()).size > 1:
        return _refuse_ranks(place.rank)
    arguments = with_data(args, env_kwargs(args))
    args.tools, needs = offer(args.agent, args.tools, arguments.get("dialect"))
    if "dialect" in needs and ":" in args.env and make_env(args.env, arguments).dialect.name == needs["dialect"]:
        needs = {}  # an env of the user's own that chooses its dialect need not take the argument
    arguments = {**needs, **arguments}
    env = make_env(args.env, arguments)
    with console.status(f"making the agent {args.agent} ..."):
        agent = _agent(args)
    try:
        return _evaluated(args, env, agent, arguments, console)
    finally:
        if args.ray is not None:
            agent.close()


def _refuse_ranks(rank: int) -> int:
    """The end of a process of several, which would play the same episodes. Raises UserError on the first one."""
    if rank == 0:
        raise UserError("eval plays in one process: start it without torchrun. --ray auto plays with many processes")
    return 1


def _agent(args: argparse.Namespace) -> Any:
    """The agent, or the actors that have it."""
    options = {key: getattr(args, key) for key in _AGENT_OPTIONS}
    if args.ray is None:
        if args.ray_actors is not None:
            raise UserError("--ray-actors says how many processes play on a cluster: give its address with --ray")
        return make_agent(args.agent, options)
    entry_point, arguments = agent_spec(args.agent, options)
    if ":" in args.agent:
        load(entry_point, "agent")  # a mistake is better told here than by every actor
    from toolgym.playing.ray_actors import RayActors

    try:
        gpu = args.agent == "policy" and args.device != "cpu"
        return RayActors(args.ray, entry_point, arguments, actors=args.ray_actors, gpu=gpu)
    except (TypeError, ValueError) as error:
        raise UserError(f"agent {args.agent!r}: {error}") from error


def _evaluated(args: argparse.Namespace, env: ToolEnv, agent: Any, arguments: dict[str, Any], console: Console) -> int:
    """``run`` with the env and the agent that were made."""
    if hasattr(agent, "for_env"):
        agent.for_env(env)  # an agent that does not fit the env says so before a folder is opened
    how = {key: getattr(args, key) for key in ("n", "repeats", "seed", "out", "resume", "batch_size")}
    how["task_ids"] = args.task
    asked = run_settings(args.env, agent, arguments, args.n, args.repeats, args.seed, args.task)
    settings = {"model": args.model, "dialect": env.dialect.name, **asked}

    def run_of(found: list[Trajectory]) -> Run:
        learned = _learned(agent, args.out)
        return make_run(found, agent_name(agent), settings=settings | ({"learned": learned} if learned else {}))

    def write(found: list[Trajectory]) -> None:
        if args.out is not None:
            write_results(run_of(found), args.out)

    how |= {"on_agent_error": args.on_agent_error, "then": write}
    try:
        found = evaluate_with_progress(args.env, agent, console, env=env, env_kwargs=arguments, **how)
    except KeyboardInterrupt:
        sys.stderr.write(f"{_stopped(args.out)}\n")
        return 130
    made = run_of(found)
    print_report([made], console)
    if learned := _learned(agent, args.out):
        console.print(plain(f"The server refused a part of the requests, so {'; '.join(learned)}.", "yellow"))
    say_left_out(found, console, "" if args.out is None else "; --resume plays them again")
    print_headlines([headline(made)], console)
    if args.out is None:
        console.print("Nothing is kept: --out DIR keeps the episodes, the numbers and a page.", style="dim")
    else:
        console.print(f"In {args.out}: episodes.jsonl, summary.json, report.html", soft_wrap=True)
        print_command("Look at the episodes", f"toolgym view {quote(args.out)}", console)
    return exit_code(found, args.max_invalid, console)


def evaluate_with_progress(
    env_id: str,
    agent: Agent,
    console: Console,
    *,
    env: ToolEnv,
    env_kwargs: dict[str, Any],
    n: int | None = None,
    repeats: int = 1,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    batch_size: int = 16,
    on_agent_error: OnAgentError = "record",
    task_ids: Sequence[str] | None = None,
    then: Callable[[list[Trajectory]], object] | None = None,
    title: str = "",
) -> list[Trajectory]:
    """``evaluate`` with a progress bar. ``then(episodes)`` is called before anything is printed about them.

    ``env`` is made from ``env_kwargs``; only its tasks are read. Raises UserError if ``n`` does not fit the tasks.
    """
    try:
        total = len(chosen_tasks(env, n, seed, task_ids)) * repeats
    except ValueError as error:
        raise UserError(f"{env_id}: {error}") from None
    tally, before = Tally(), 0
    if out is not None:  # raises RunError before the bar is shown if the folder holds another run
        log = RunLog(out, run_settings(env_id, agent, env_kwargs, n, repeats, seed, task_ids), resume=resume)
        for each in log.before:
            if each.reward_valid:
                tally.add(each)
                before += 1
        if log.before:
            again = len(log.before) - before
            lost = f"{again} left the score and {'is' if again == 1 else 'are'} played again"
            told = f"{len(log.before)} of {total} episodes are there"
            console.print(f"{told}: {before} count, {lost}." if again else f"{told}, and count.")
    with told_by_the_command(), episodes_progress(console) as progress:
        bar = progress.add_task(title or agent_name(agent), total=total, completed=before, tally=tally)

        def on_episode(trajectory: Trajectory) -> None:
            tally.add(trajectory)
            progress.update(bar, advance=1, tally=tally)

        found = evaluate(
            env_id,
            agent,
            env_kwargs=env_kwargs,
            n=n,
            repeats=repeats,
            seed=seed,
            out=out,
            resume=resume,
            batch_size=batch_size,
            on_episode=on_episode,
            on_agent_error=on_agent_error,
            task_ids=task_ids,
        )
        if then is not None:
            then(found)
        return found


def _learned(agent: Agent, out: str | None) -> list[str]:
    """How requests differ from the settings because the server refused a part of them, in words.

    A run that is resumed adds to what its summary.json says.
    """
    before: Any = []
    if out is not None and (path := Path(out) / "summary.json").is_file():
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):  # soon written anew
            before = json.loads(path.read_text("utf-8"))["settings"].get("learned", [])
    before = [str(lesson) for lesson in before] if isinstance(before, list) else []
    return list(dict.fromkeys([*before, *getattr(agent, "learned", {}).values()]))


def _stopped(out: str | None) -> str:
    """The message after Ctrl-C."""
    if out is None:
        return "stopped; nothing is saved: with --out DIR, episodes are kept as they finish"
    path = Path(out) / "episodes.jsonl"
    count = len(read_episodes(path)) if path.is_file() else 0
    kept = "1 episode is" if count == 1 else f"{count} episodes are"
    return f"stopped; {kept} saved in {out}; go on with --resume"
