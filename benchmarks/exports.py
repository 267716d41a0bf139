"""The exports of toolgym/exports under the frameworks themselves: are rewards, ends and verdicts those of the bare env?

    python benchmarks/exports.py                       # all; installs each framework the first time
    python benchmarks/exports.py --targets verifiers

Each framework has a virtual environment of its own, since their requirements exclude each other. Its script in
benchmarks/conformance plays the same texts (plays.py): gold, wrong, junk, and a tool whose server is down. Every field
that arrives is compared with a bare environment. Keeps benchmarks/results/exports.json and .md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import RESULTS, command_line, keep
from peers.environment import python_of

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "conformance"))

from plays import Play, Played, bare, one_call_each, plays, write  # noqa: E402

OURS = ["gymnasium", "msgspec", "jsonschema-rs", "docstring-parser", "rich", "arro3-io", "mpmath", "sympy"]
"""What ToolGym and the suites that are played need."""


@dataclass(frozen=True)
class Target:
    """A framework: what to install, and what its own words have no place for."""

    requirements: tuple[str, ...]
    lacks: str
    script: str
    """``conformance/run_<script>.py``."""
    plays: Callable[[], Iterable[Play]] = lambda: plays(native=False)
    home: str = ""
    """The virtual environment, if it is that of another target."""
    alone: bool = False
    """The first requirement is installed without what it requires, and whatever Python it asks for."""


def native() -> Iterable[Play]:
    """All plays, and those whose tools go through the API."""
    return plays(native=True)


def one_by_one() -> Iterable[Play]:
    """What MCP can bring."""
    return [one_call_each(each) for each in plays(native=True) if each.kwargs.get("dialect") == "openai"]


def fixed_tools() -> Iterable[Play]:
    """Tasks with the same tools, without junk: TRL's own parser decides what in a text is a call."""
    mine = [each for each in plays(native=True) if each.kwargs.get("dialect") == "openai"]
    return [each for each in mine if each.suite.startswith("failing") and each.kind != "junk"]


TRAINED = ("trl==1.16.0", "torch", "transformers==5.23.0", "gguf", "tensorboardX")
TARGETS = {
    "verifiers": Target(
        ("verifiers==0.4.0",),
        "Tools through the API: a harness does not have the task's. Rewards per turn, verdict and call records are in "
        "trace.info; no loss of prime-rl reads them there.",
        "verifiers",
    ),
    "trl": Target(
        TRAINED,
        "Rewards per turn reach reward functions, not the loss. Call records do not leave the rollout. No vLLM.",
        "trl",
    ),
    "trl environment_factory": Target(
        TRAINED,
        "Tools that differ by task, users who reply, per-turn rewards, verdicts, words that are not Python names; "
        "nested schemas become dicts. TRL's parser decides what is a call, so junk is not compared.",
        "trl_tools",
        fixed_tools,
        home="trl",
    ),
    "inspect_ai": Target(
        ("inspect-ai==0.3.285",),
        "Token ids, so it evaluates and does not train. Tool schemas are cut to inspect's fields ($ref and oneOf are "
        "lost); arguments that are not JSON arrive as unreadable.",
        "inspect_ai",
        native,
    ),
    "openenv": Target(
        ("openenv==0.10.0",),
        "A field for truncation: the outcome has it. Sessions over plain HTTP: WebSocket only.",
        "openenv",
        native,
    ),
    "skyrl_gym": Target(
        ("skyrl-gym==0.4.0", "pyarrow"),
        "Unscored episodes: the last step raises, so nothing of them arrives. Tools through the API. That an answer "
        "was cut off.",
        "skyrl_gym",
    ),
    "verl": Target(
        (
            "verl==0.9.1",
            "torch",
            "transformers==5.10.2",
            "gguf",
            "pillow",
            "uvicorn",
            "fastapi",
            "opentelemetry-api",
            "cachetools",
            "orjson",
        ),
        "Unscored episodes: the loop raises. Tools through the API; verdict and call records. Rewards per turn and "
        "success are in extra_fields, which no loss reads. No GPU server: the texts arrive as tokens.",
        "verl",
    ),
    "nemo_gym": Target(
        (
            "nemo-gym==0.7.0",
            "openai==2.44.0",
            "ray",
            "fastapi",
            "uvicorn",
            "httptools",
            "omegaconf",
            "hydra-core",
            "aiohttp",
            "orjson",
            "requests",
            "scipy",
            "wandb",
            "yappi",
            "gprof2dot",
            "pydot",
            "devtools",
            "tomlkit",
            "platformdirs",
            "httpx",
            "itsdangerous",
            "python-multipart",
            "opentelemetry-api",
        ),
        "A loss that reads rewards per turn: the agent adds them; they, verdict and call records are in "
        'info["toolgym"]. Its Python is 3.13.14; here its classes run in the Python of this script, without a model '
        "server.",
        "nemo_gym",
        native,
        alone=True,
    ),
    "mcp 2": Target(
        ("mcp==2.3.0",),
        "Calls that come together, thoughts, words beside a call: each call is an answer of its own, in the bare "
        "environment of this table too.",
        "mcp",
        one_by_one,
    ),
    "mcp 1": Target(("mcp==1.28.1",), "As mcp 2.", "mcp", one_by_one),
}
FIELDS = {
    "reward": "reward",
    "turn_rewards": "each turn's",
    "turns": "done",
    "success": "verdict",
    "verdict": "its reason",
    "unscored": "unscored",
    "calls": "call records",
}
"""Field of ``Played`` -> its column."""


def play(name: str, target: Target, peers: Path) -> dict[str, Any]:
    """The row of a framework."""
    home = peers / (target.home or name).replace(" ", "_")
    first, *others = target.requirements
    alone = [first] if target.alone else []
    python = python_of(home, [*([] if alone else [first]), *others, *OURS], alone=alone)
    found = list(target.plays())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plays.json"
        write(found, path)
        done = subprocess.run(
            [python, str(HERE / "conformance" / f"run_{target.script}.py"), str(path)],
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{name}: the script failed\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    played = [Played(**each) for each in json.loads(done.stdout.splitlines()[-1])]
    return {"name": name, "version": target.requirements[0], "lacks": target.lacks, **compared(found, played)}


def compared(found: list[Play], played: list[Played]) -> dict[str, Any]:
    """How many plays of each kind agree with the bare env, field by field; and those that do not."""
    fields = {name: {"equal": 0, "carried": 0} for name in FIELDS}
    kinds: dict[str, int] = {}
    different = []
    for each, got in zip(found, played, strict=True):
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
        wanted, given = asdict(bare(each)), asdict(got)
        for name, count in fields.items():
            # None is the right value of an unscored episode, or says that the framework cannot carry the field
            carried = given[name] is not None or (wanted[name] is None and got.unscored is True)
            count["carried"] += carried
            count["equal"] += carried and given[name] == wanted[name]
            if carried and given[name] != wanted[name]:
                different.append(f"{each.name}: {name} is {given[name]}, not {wanted[name]}")
    for name, count in fields.items():
        if all(asdict(got)[name] is None for got in played):
            count["equal"] = count["carried"] = 0
    return {"plays": len(found), "kinds": kinds, "fields": fields, "different": different}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a markdown page."""
    lines = [
        "# Exports beside the bare environment",
        "",
        "`python benchmarks/exports.py` plays the same texts under each framework and in the bare environment: gold,",
        "wrong (the gold texts of another task), junk (text that breaks parsers), crash (a tool's server is down or",
        "too slow, so the episode is unscored). A cell: in how many episodes the field is the bare environment's, and",
        "`of` how many in which it arrives.",
        "",
        "| framework | episodes | " + " | ".join(FIELDS.values()) + " |",
        "|---|---|" + "---|" * len(FIELDS),
    ]
    for row in rows:
        kinds = ", ".join(f"{count} {kind}" for kind, count in row["kinds"].items())
        cells = [cell(row["fields"][name], row["plays"]) for name in FIELDS]
        lines.append(f"| {row['name']} ({row['version']}) | {row['plays']}: {kinds} | " + " | ".join(cells) + " |")
    lines += ["", "| framework | what it cannot carry |", "|---|---|"]
    lines += [f"| {row['name']} | {row['lacks']} |" for row in rows]
    return "\n".join(lines) + "\n"


def cell(count: dict[str, int], plays: int) -> str:
    if not count["carried"]:
        return "-"
    return str(count["equal"]) if count["carried"] == plays else f"{count['equal']} of {count['carried']}"


def main() -> None:
    import toolgym  # noqa: F401  the suites' ids

    parser = command_line(__doc__)
    parser.add_argument("--targets", default=",".join(TARGETS), help="which frameworks")
    parser.add_argument("--peers", type=Path, default=HERE.parent / ".venv-peers", help="their virtual environments")
    parser.add_argument("--dry", action="store_true", help="leave the result files as they are")
    options = parser.parse_args()
    names = options.targets.split(",")
    if unknown := set(names) - set(TARGETS):
        parser.error(f"--targets of {', '.join(TARGETS)}; not {', '.join(sorted(unknown))}")
    played = []
    for name in names:
        row = play(name, TARGETS[name], options.peers)
        played.append(row)
        print(f"{name}: {row['plays']} episodes, {len(row['different'])} differences")
        print("\n".join(row["different"][:20]))
    kept = RESULTS / "exports.json"
    before = json.loads(kept.read_text())["rows"] if kept.is_file() else []
    rows = {row["name"]: row for row in before + played}
    ordered = [rows[name] for name in TARGETS if name in rows]
    if not options.dry:
        keep("exports", {"command": "python benchmarks/exports.py", "rows": ordered})
        (RESULTS / "exports.md").write_text(table(ordered))
    if any(row["different"] for row in ordered):
        raise SystemExit("the exports and the bare environment differ")


if __name__ == "__main__":
    main()
