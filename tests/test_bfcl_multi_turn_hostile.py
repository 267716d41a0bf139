"""MultiTurnEnv against hostile input: only listed functions are run, nothing hangs, nothing leaks."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import pytest

from toolgym.dialects import DIALECTS
from toolgym.envs.bfcl.dialogue.dialogue import Dialogue
from toolgym.envs.bfcl.multi_turn.env import MultiTurnEnv
from toolgym.envs.bfcl.multi_turn.tasks import load
from toolgym.types import Completion, ToolCall

BEST = 4.0
PYTHON = ("pythonic", "compact")


def act(env: MultiTurnEnv, *calls: tuple[str, dict[str, Any]]) -> str:
    return env.dialect.render(Completion("", tuple(ToolCall(*call) for call in calls), "t"))


def test_nothing_but_listed_functions_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    attacks = [
        f"open({str(mark)!r}, 'w')", f"__import__('os').system('touch {mark}')", f"pwd(open({str(mark)!r}, 'w'))",
        f"cd(folder=__import__('pathlib').Path({str(mark)!r}).touch())", f"(lambda: open({str(mark)!r}, 'w'))()",
        f"pwd.__globals__['__builtins__']['open']({str(mark)!r}, 'w')", f"[open({str(mark)!r}, 'w') for _ in (1,)]",
        f"cd(*[open({str(mark)!r}, 'w')])", f"cd(**open({str(mark)!r}, 'w'))", "__init__()", "_load_scenario({})",
        "model_instance.pwd()", "pwd().__class__()", f"ls(a=(x := open({str(mark)!r}, 'w')))",
    ]  # fmt: skip
    for dialect in DIALECTS:
        env = MultiTurnEnv("multi_turn_base", dialect=dialect)
        for attack in attacks:
            dialogue = Dialogue(env.tasks[0].data)
            assert dialogue.execute(attack).startswith("Error during execution")
            env.reset(options={"task_id": env.tasks[0].id})
            env.step(attack if dialect in PYTHON else act(env, (attack, {})))
            env.reset(options={"task_id": env.tasks[0].id})
            env.step(f"[{attack}, pwd()]" if dialect in PYTHON else act(env, ("cd", {attack: attack})))
    assert not mark.exists()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_huge_deep_and_many_are_scored_in_time(dialect: str) -> None:
    env = MultiTurnEnv("multi_turn_base", dialect=dialect)
    task_id = env.tasks[0].id
    deep: Any = "x"
    for _ in range(90):
        deep = [deep, {"a": deep}] if len(str(deep)) < 1000 else [deep]
    texts = [
        "(" * 1_000_000, "[" * 999_999, "pwd()," * 16_000, "a" * 1_000_000,
        act(env, ("echo", {"content": "sort (x) " * (100_000 if dialect not in PYTHON else 9_000), "file_name": "a"})),
        act(env, *[("cd", {"folder": "/"})] * 10_000), act(env, ("display_log", {"messages": deep})),
        act(env, ("x" * 100_000, {"y" * 1000: "z"})),
    ]  # fmt: skip
    for text in texts:
        env.reset(options={"task_id": task_id})
        began = perf_counter()
        _, reward, *_, info = env.step(text)
        assert perf_counter() - began < 5
        assert reward <= BEST
        assert info["reward_valid"]


def spent(dialogue: Dialogue, calls: list[str]) -> tuple[float, str]:
    began = perf_counter()
    for call in calls:
        result = dialogue.execute(call)
    return perf_counter() - began, result


FOLDERS = ["mkdir('a')", *(x for i in range(40) for x in (f"cp('a', 'c{i}')", f"mv('c{i}', 'a')")), "find()"]
TICKETS = [
    "ticket_login('u', 'p')", "create_ticket('x')",
    *(f"create_ticket(title=get_ticket({i}), description=get_ticket({i}))" for i in range(1, 30)), "get_ticket(29)",
]  # fmt: skip


@pytest.mark.parametrize(
    ("api", "calls"),
    [
        ("MathAPI", ["power(10, 10**9)"]),
        ("MathAPI", ["logarithm(20, 10, precision=10**9)"]),
        ("MathAPI", ["logarithm('1e999999999', 10, precision=5)"]),
        ("MathAPI", ["square_root(2, precision=10**9)"]),
        ("MathAPI", ["round_number(12, -10**9)"]),
        ("GorillaFileSystem", FOLDERS),
        ("GorillaFileSystem", [*FOLDERS[:-1], "du()"]),
        ("GorillaFileSystem", ["mkdir('a')", "cp('a', 'a')", "find()"]),
        ("GorillaFileSystem", [f"{do}({'d' * 5000!r})" for _ in range(300) for do in ("mkdir", "cd")] + ["find('/')"]),
        ("TicketAPI", TICKETS),
        ("TicketAPI", [*TICKETS[:2], "edit_ticket(1, {'title': get_ticket(1), 'status': 'x'})", "get_ticket(1)"]),
    ],
)  # fmt: skip
def test_calls_that_would_hang_are_refused(api: str, calls: list[str]) -> None:
    entry = next(task.data for task in load("multi_turn_base") if api in task.data.classes)
    seconds, result = spent(Dialogue(entry), calls)
    assert seconds < 2
    assert len(result) < 1_000_000
    assert "rror" in result


VALUES = [
    None, True, 0, -1, 1.5, "", "a", "sort (x)", "..", "/", "a/b", [], ["a"], [1, [2]], {}, {"a": 1}, {"f": {"x": 1}},
    10**30, "9" * 5000, float("nan"), "é", "\ud800", 1e308, "\\", "'", "2024-01-01",
]  # fmt: skip
PIECES = [
    "[", "]", "(", ")", "cd", "(folder='a')", ",", "pwd()", "{", "}", "'", '"', "sort (x)", "\\", "\n", "=", "**", "*",
    "None", "1e999", "-", "lambda:0", "x.y", "echo(content=", "cat(file_name='a')", "edit_ticket(ticket_id=1,",
    "updates={", "0x", "1if", ":", "'title'", "get_ticket(ticket_id=1)", "\ud800", "\x00", "<tool_call>",
    "</tool_call>", '{"name": "cd"}',
]  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_calls_with_any_arguments_are_scored(dialect: str) -> None:
    env = MultiTurnEnv(dialect=dialect)
    random = Random(dialect)
    steps = 0
    while steps < 500:
        env.reset(seed=random.randrange(10**6))
        while not env.over:
            steps += 1
            text = "".join(random.choices(PIECES, k=8))
            if random.random() < 0.7:
                tool = random.choice(env.task.tools)
                given = {key: random.choice(VALUES) for key in tool.parameters["properties"] if random.random() < 0.9}
                with suppress(TypeError):
                    text = act(env, (tool.name, given | random.choice([{}, {}, {"a b": 1}])))
            _, reward, *_, info = env.step(text)
            assert reward == info["reward"].total
            assert info["reward_valid"]


@pytest.mark.parametrize("name", ["x=[" + "1," * 480_000 + "],b", "a b" * 320_000, "a" * 960_000, "(" * 960_000])
def test_a_long_name_takes_no_more_memory_than_a_long_text(name: str) -> None:
    entry = next(task.data for task in load("multi_turn_base") if "GorillaFileSystem" in task.data.classes)
    dialogue = Dialogue(entry)
    assert peak(lambda: dialogue.execute_arguments("cd", {name: 1})) < 20 * len(name)
    assert peak(lambda: dialogue.execute_arguments(name, {"folder": "a"})) < 20 * len(name)
    short = name[:10_000]
    assert peak(lambda: dialogue.execute_arguments("cd", {short: 1})) < 12_000_000


def peak(function: Callable[[], Any]) -> int:
    """The most bytes that a call of the function takes at a time."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_many_long_results_are_cut_and_then_refused() -> None:
    env = MultiTurnEnv("multi_turn_base", dialect="openai")
    env.reset(options={"task_id": env.tasks[0].id})
    env.step(act(env, ("touch", {"file_name": "a"}), ("echo", {"content": "x" * 900_000, "file_name": "a"})))
    *_, info = env.step(act(env, *[("cat", {"file_name": "a"})] * 200))
    shown = [record.result.content for record in info["calls"]]
    assert shown[0].endswith("characters shown]")
    assert "are returned at a time" in shown[-1]
    assert sum(map(len, shown)) < 5_000_000
    assert env.step(act(env, ("pwd", {})))[4]["calls"][0].result.error is None


def test_the_process_is_left_as_it_was() -> None:
    source = """
import sys, decimal, mpmath, gymnasium as gym, toolgym
env = gym.make("ToolGym-BFCL-MultiTurn-v0", category="multi_turn_base").unwrapped
before = set(sys.modules)
entry = next(task.data for task in env.tasks if "MathAPI" in task.data.classes)
from toolgym.envs.bfcl.dialogue.dialogue import Dialogue
dialogue = Dialogue(entry)
print(dialogue.execute("logarithm(2, 3, precision=50)"), dialogue.execute("square_root(2, precision=50)"))
print(mpmath.mp.dps, decimal.getcontext().prec, [m for m in sys.modules if "bfcl_eval" in m])
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    results, rest = done.stdout.splitlines()
    assert results.count("1.4142135623730950488016887242096980785696718753769") == 1
    assert rest == "15 28 []"
