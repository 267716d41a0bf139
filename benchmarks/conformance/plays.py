"""What is played under each framework: texts of the model, and what a bare environment makes of them.

Four kinds: gold, wrong (the gold texts of another task), junk (text that breaks parsers) and crash (a tool's server
goes down, so the episode is unscored).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import gymnasium as gym

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))  # "failing:Failing-v0" is a module beside this one

SUITES: list[tuple[str, dict[str, Any]]] = [
    ("ToolGym-Functions-v0", {"split": "test"}),
    ("ToolGym-Functions-v1", {"split": "test", "dialect": "compact"}),
    ("ToolGym-Office-v0", {"split": "test", "max_turns": 6}),
    ("ToolGym-Office-v0", {"split": "test", "category": "dialogue", "dialect": "hermes", "max_turns": 12}),
    ("ToolGym-BFCL-v0", {"category": "simple_python", "dialect": "pythonic"}),
    ("ToolGym-BFCL-MultiTurn-v0", {"category": "multi_turn_base", "max_turns": 30}),
    ("ToolGym-ToolRL-v0", {"split": "test"}),
    ("ToolGym-APIBank-v0", {}),
    ("ToolGym-SealTools-v0", {"split": "test"}),
    ("ToolGym-Math-v0", {"split": "test"}),
    ("failing:Failing-v0", {}),
]
NATIVE: list[tuple[str, dict[str, Any]]] = [
    ("ToolGym-Office-v0", {"split": "test", "dialect": "openai", "max_turns": 6}),
    ("ToolGym-BFCL-v0", {"category": "parallel", "dialect": "openai"}),
    ("failing:Failing-v0", {"dialect": "openai"}),
]
"""Played by frameworks that can give the tools to a model's API."""
TASKS = 2
"""Tasks per suite."""
JUNK = [
    "<think>\0</think><tool_call>\n" + '{"name": "' * 300,
    '<tool_call>\n{"name": "stock", "arguments": {"item": NaN}}\n</tool_call><response></think>',
    '{"name": ' * 2000 + "\U0001f600 \u202e</tool_call>",
    "[" * 3000 + "f(x=1e999)" + "]" * 10,
    "",
]
GIVES_UP = "<think>There is nothing more to do.</think>\n<response>I cannot do that.</response>"
"""Said when the texts have run out and the episode goes on."""


@dataclass
class Play:
    """An episode to be played: its task, and the texts in order."""

    suite: str
    kwargs: dict[str, Any]
    task_id: str
    kind: str
    texts: list[str]

    @property
    def name(self) -> str:
        return f"{self.suite} {self.kind} {self.task_id}"

    def text(self, turn: int) -> str:
        return self.texts[turn] if turn < len(self.texts) else GIVES_UP


@dataclass
class Played:
    """What came of it. A field that a framework cannot carry is None."""

    reward: float | None = None
    """The sum; None if unscored."""
    unscored: bool | None = None
    turn_rewards: list[float] | None = None
    turns: int | None = None
    """Answers until the episode was over."""
    success: bool | None = None
    """None if unscored."""
    verdict: str | None = None
    calls: int | None = None
    """Call records that arrived."""
    notes: dict[str, Any] = field(default_factory=dict)


def plays(native: bool) -> Iterator[Play]:
    """All plays; with ``native``, also those whose tools go through the API."""
    for suite, kwargs in SUITES + (NATIVE if native else []):
        env: Any = gym.make(suite, **kwargs).unwrapped
        ids = [env.tasks[i].id for i in range(min(len(env.tasks), 4))]
        gold = [[*env.gold(env.find_task(id))] for id in ids]
        for i, task_id in enumerate(ids if suite.startswith("failing") else ids[:TASKS]):
            fails = suite.startswith("failing")
            yield Play(suite, kwargs, task_id, "crash" if fails and i else "gold", gold[i])
            if not fails:
                yield Play(suite, kwargs, task_id, "wrong", gold[(i + 1) % len(ids)])
            yield Play(suite, kwargs, task_id, "junk", JUNK[i:] + JUNK[:i])


def one_call_each(play: Play) -> Play:
    """The play with each call in an answer of its own, as MCP brings them (dialect openai). Thoughts are left out."""
    texts = []
    for text in play.texts:
        said = message(text)
        calls = [{"role": "assistant", "content": None, "tool_calls": [call]} for call in said.get("tool_calls", ())]
        texts += [json.dumps(call) for call in calls] or [said["content"] or ""]
    return replace(play, texts=texts)


def bare(play: Play) -> Played:
    """The play in the environment itself."""
    env: Any = gym.make(play.suite, **play.kwargs)
    env.reset(options={"task_id": play.task_id})
    rewards, over, calls, info = [], False, 0, {}
    while not over:
        _, reward, terminated, truncated, info = env.step(play.text(len(rewards)))
        rewards.append(reward)
        over = terminated or truncated
        calls += len(info["calls"])
    unscored = not info["reward_valid"]
    return Played(
        None if unscored else sum(rewards), unscored, rewards, len(rewards), None if unscored else info["success"],
        info["verdict"], calls,
    )  # fmt: skip


def message(text: str) -> dict[str, Any]:
    """An answer as a message of OpenAI's API: in the dialect openai, the text is its JSON."""
    return json.loads(text) if text.startswith('{"role"') else {"role": "assistant", "content": text}


def read(path: str) -> list[Play]:
    """The plays in a file of ``write``."""
    return [Play(**each) for each in json.loads(Path(path).read_text())]


def write(found: list[Play], path: Path) -> None:
    path.write_text(json.dumps([asdict(each) for each in found]))


def report(played: list[Played]) -> None:
    """Print the results, as the last line of a framework's script."""
    sys.stdout.write("\n" + json.dumps([asdict(each) for each in played]) + "\n")
