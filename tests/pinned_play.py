"""Digests of what every suite gives: its tasks, gold play, careless play, and the verdicts of BFCL's checker.

    python tests/pinned_play.py            # compare 1,000 tasks of every split and level with tests/pinned/full.json
    python tests/pinned_play.py --write    # after a change that is meant: write both files anew

What counts is what a user sees: ids, messages, tools, expected calls; observations, rewards, records, verdicts. What
something is called does not: where a class lives, the names of reward terms, further entries of ``info``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import bfcl_mutations
import gymnasium as gym
import msgspec

import toolgym  # noqa: F401  registers the suites
from toolgym.assets import AssetError

FOLDER = Path(__file__).resolve().parent / "pinned"
FEW, MANY = 12, 1000
"""Tasks of each split and level: in every run of the tests, and in the full comparison."""
DIALECTS = ("toolrl", "hermes", "llama3", "openai", "pythonic")

OFFICE = ("single", "choose", "parallel", "chain", "missing", "irrelevant", "dialogue", "recover")
FUNCTIONS = ("single", "choose", "parallel", "mixed", "irrelevant")
SPLITS = ("train", "val", "test", "test_unseen")
BFCL = ("simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple", "irrelevance",
        "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple", "live_irrelevance",
        "live_relevance")  # fmt: skip
MULTI_TURN = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")
AGENTIC = ("memory_kv", "memory_rec_sum", "web_search_base", "web_search_no_snippet")


def parts() -> dict[str, tuple[str, dict[str, Any]]]:
    """Name -> env id and arguments: every split and level, or category, of every suite."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}

    def add(suite: str, **kwargs: Any) -> None:
        env_id = f"ToolGym-{suite}" if suite.endswith("-v1") else f"ToolGym-{suite}-v0"
        found[" ".join([suite, *[str(value) for value in kwargs.values()]])] = env_id, kwargs

    for split in SPLITS:
        for level in OFFICE:
            add("Office", split=split, level=level)
        for level in FUNCTIONS:
            add("Functions", split=split, level=level)
        for level in (*FUNCTIONS, "missing"):
            add("Functions-v1", split=split, level=level)
    for split in SPLITS[:3]:
        for number in range(1, 6):
            add("Math", split=split, level=number)
    for category in BFCL:
        add("BFCL", category=category)
    for category in MULTI_TURN:
        add("BFCL-MultiTurn", category=category)
    for category in AGENTIC:
        add("BFCL-Agentic", category=category)
    for split in ("train", "test", "sft"):
        add("ToolRL", split=split)
    add("ToolRL", split="test", withhold=True)
    for number in range(1, 4):
        add("APIBank", level=number)
    add("Bamboogle")
    for split in SPLITS[1:]:
        add("SealTools", split=split)
    add("Rows")
    add("Rows", whole=True)
    for category in ("workspace", "travel", "banking", "slack"):
        add("AgentDojo", category=category)
    for category in ("banking", "slack"):
        add("AgentDojo", category=category, attack="important_instructions")
        add("AgentDojo", category=category, attack="varied")
    return found


class Digest:
    """A running digest of JSON values."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=12)

    def add(self, value: Any) -> None:
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=True, default=repr)
        self._hash.update(text.encode())

    def __str__(self) -> str:
        return self._hash.hexdigest()


def told_task(task: Any) -> Any:
    return [task.id, task.messages, [tool.line for tool in task.tools], task.expected, task.response, task.split]


def told_step(step: Any) -> Any:
    """A step without names of reward terms and further entries of ``info``."""
    observation, reward, terminated, truncated, info = step
    told = info["reward"]
    terms = [(term.score, term.weight, term.reason) for term in told.terms]
    end = [info.get(key) for key in ("success", "verdict", "error_type", "reward_valid", "error")]
    seen = observation["messages"], [tool["function"]["name"] for tool in observation["tools"]]
    return seen, reward, terminated, truncated, told.total, terms, told.calls, end


def play_gold(env: Any, task: Any) -> Iterator[Any]:
    observation, _ = env.reset(options={"task_id": task.id})
    yield observation["messages"], observation["tools"]
    for text in env.gold(task):
        if env.over:
            break
        yield told_step(env.step(text))


def play_carelessly(env: Any, task: Any) -> Iterator[Any]:
    """Gold actions left out, repeated, out of order and changed, early answers, nonsense; some episodes are cut off."""
    rng, gold = Random(f"careless {task.id}"), list(env.gold(task))
    env.reset(options={"task_id": task.id})
    left, last = list(gold), "<think>"
    for _ in range(2 * len(gold) + 4):
        if env.over:
            return
        draw = rng.random()
        if draw < 0.5 and left:
            last = left.pop(0)
        elif draw < 0.6 and left:
            last = left.pop(rng.randrange(len(left)))
        elif draw < 0.7:
            last = "".join([str(rng.randrange(10)) if c.isdigit() and rng.random() < 0.5 else c for c in last])
        elif draw < 0.78:
            last = gold[rng.randrange(len(gold))]
        elif draw < 0.84:
            last = rng.choice(["", "Hm.", "<think>", "Done.", "<think>ok</think>\n<response></response>"])
        elif draw < 0.9:
            last = f"<think>ok</think>\n<response>It is done{rng.choice(['', '!', ' at 10:30'])}.</response>"
        yield told_step(env.step(last))
    if not env.over and env.turns:
        info = env.cut_off("cut off")
        yield [(t.score, t.weight, t.reason) for t in info["reward"].terms], info["success"], info["verdict"]


def digests(env_id: str, kwargs: dict[str, Any], count: int) -> dict[str, str]:
    """Of the tasks, of gold play and of careless play in one dialect, and of both in the others on a few tasks."""
    env: Any = gym.make(env_id, **kwargs).unwrapped
    n = min(count, len(env.tasks))
    at = [i * len(env.tasks) // n for i in range(n)] if len(env.tasks) < 10 * count else range(n)
    tasks, gold, careless, others = Digest(), Digest(), Digest(), Digest()
    for i in at:
        task = env.tasks[i]
        tasks.add(told_task(task))
        _add_all(gold, play_gold, env, task)
        _add_all(careless, play_carelessly, env, task)
    for dialect in DIALECTS[1:]:
        env = gym.make(env_id, dialect=dialect, **kwargs).unwrapped
        for i in list(at)[: max(2, count // 100)]:
            _add_all(others, play_gold, env, env.tasks[i])
            _add_all(others, play_carelessly, env, env.tasks[i])
    return {"tasks": str(tasks), "gold": str(gold), "careless": str(careless), "other dialects": str(others)}


def _add_all(digest: Digest, play: Callable[[Any, Any], Iterator[Any]], env: Any, task: Any) -> None:
    for value in play(env, task):
        digest.add(value)


def verdicts(category: str, count: int) -> dict[str, str]:
    """BFCL's verdicts on right and changed answers: test_bfcl_grading.py holds the same ones against the official."""
    from toolgym.envs.bfcl.tasks import load

    digest, tasks = Digest(), load(category)
    for i in range(10 * count):
        random = Random(f"pinned {category} {i}")
        entry = random.choice(tasks).data
        answer = bfcl_mutations.answer(entry, random)
        found = entry.checker.check(bfcl_mutations.mutated(answer, entry, random) if i % 4 else answer)
        digest.add((found.success, found.error_type, found.reason))
    return {"verdicts": str(digest)}


def measured(count: int, names: list[str] | None = None) -> dict[str, dict[str, str]]:
    """All digests; parts whose data are not on this machine are left out."""
    out: dict[str, dict[str, str]] = {}
    wanted = parts()
    for name in names if names is not None else [*wanted, *[f"verdicts {one}" for one in BFCL]]:
        if sys.stderr.isatty():
            print(name, file=sys.stderr)
        try:
            if name.startswith("verdicts "):
                category = name.removeprefix("verdicts ")
                if "relevance" not in category:
                    out[name] = verdicts(category, count)
            else:
                out[name] = digests(*wanted[name], count)
        except AssetError as error:
            print(f"{name}: left out, {error}", file=sys.stderr)
    return out


def main() -> None:
    write = "--write" in sys.argv[1:]
    if write:
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / "few.json").write_text(json.dumps(measured(FEW), indent=1) + "\n")
    found, path = measured(MANY), FOLDER / "full.json"
    if write:
        path.write_text(json.dumps(found, indent=1) + "\n")
        return
    pinned = json.loads(path.read_text())
    changed = [f"{name}: {kind}" for name, each in found.items() for kind in each if pinned[name][kind] != each[kind]]
    print(f"{len(found)} parts compared, {len(changed)} digests changed", *changed, sep="\n  ")
    raise SystemExit(bool(changed))


if __name__ == "__main__":
    main()
