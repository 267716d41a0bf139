"""What both sides of trl_step.py share: prompts, reward, settings, measurements, and the line of JSON per command.

Only the standard library, because each side runs in an environment of its own. A side is a process that reads a
command per line and answers each with a line: so the two can take turns, step by step, and neither runs while the
other is timed.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

PROMPTS = 16
PROMPTS_PER_STEP = 2
GROUP = 8
LEARNING_RATE = 1e-6
MAX_GRAD_NORM = 1.0
BETAS = 0.9, 0.99
PARTS = "sampling", "forward", "backward", "optimizer"

_SUBJECTS = (
    "invoices", "shipments", "visitors", "lectures", "rooms", "tickets", "sensors", "recipes",
    "contracts", "patients", "trains", "books", "meters", "parcels", "tenants", "surveys",
)  # fmt: skip
_ACTIONS = "find", "count", "update", "cancel"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One side's work, as it is passed on its command line."""

    model: str
    """A folder that transformers reads."""
    prompt_tokens: int
    completion_tokens: int
    dtype: str
    """fp32 or bf16."""
    threads: int = 2
    checkpointing: bool = False
    """Of gradients; only the peer."""
    bf16_weights: bool = False
    """bfloat16 weights without a float32 copy; only the peer."""
    group: int = GROUP
    folder: str = ""
    """Where the check's files are."""

    def dump(self) -> str:
        return json.dumps(asdict(self))


def settings() -> Settings:
    return Settings(**json.loads(sys.argv[1]))


# The work ------------------------------------------------------------------------------------------------------------


def conversations(tokenizer: Any, tokens: int) -> list[list[dict[str, str]]]:
    """Conversations of at most ``tokens`` tokens, and not many fewer: tools as JSON, then a request."""
    return [_conversation(tokenizer, tokens, i) for i in range(PROMPTS)]


def _conversation(tokenizer: Any, tokens: int, number: int) -> list[dict[str, str]]:
    def messages(tools: int, words: int) -> list[dict[str, str]]:
        listed = "\n".join(_tool(number + i) for i in range(tools))
        request = f"Please look into {_SUBJECTS[number]} number {number}" + "".join(f", {i}" for i in range(words))
        opening = "You can call these functions. Write each call as JSON between <tool_call> and </tool_call>.\n"
        return [{"role": "system", "content": opening + listed}, {"role": "user", "content": request + "."}]

    def fits(tools: int, words: int) -> bool:
        text = tokenizer.apply_chat_template(messages(tools, words), tokenize=False, add_generation_prompt=True)
        return len(tokenizer(text, add_special_tokens=False).input_ids) <= tokens

    tools = words = 0
    while fits(tools + 1, words):
        tools += 1
    while fits(tools, words + 1):
        words += 1
    return messages(tools, words)


def _tool(number: int) -> str:
    action, subject = _ACTIONS[number % len(_ACTIONS)], _SUBJECTS[number % len(_SUBJECTS)]
    parameters = {"query": {"type": "string"}, "limit": {"type": "integer", "default": number % 10}}
    about = {"name": f"{action}_{subject}", "description": f"{action} {subject}", "parameters": parameters}
    return json.dumps(about)


def reward(text: str) -> float:
    """Any reward does, as long as it differs within a group: the share of letters."""
    return sum(map(str.isalpha, text)) / max(1, len(text))


# Measurements --------------------------------------------------------------------------------------------------------


class Meter:
    """Seconds of one step after the other: wall clock, this process's CPU, other processes' CPU, and each part's."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = defaultdict(float)

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted as ``part``."""

        def run(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.parts[part] += time.perf_counter() - began

        return run

    def start(self) -> None:
        self.parts.clear()
        self._began = time.perf_counter(), time.process_time(), busy_seconds()

    def stop(self) -> dict[str, Any]:
        wall, cpu, busy = time.perf_counter(), time.process_time(), busy_seconds()
        wall, cpu, busy = wall - self._began[0], cpu - self._began[1], busy - self._began[2]
        return {
            "wall": wall,
            "cpu": cpu,
            "foreign": max(0.0, busy - cpu) / wall,
            "parts": {**{part: self.parts[part] for part in PARTS}, "rest": wall - sum(self.parts.values())},
            "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        }


def busy_seconds() -> float:
    """CPU seconds that all processes of this machine have used so far; 0 without /proc."""
    try:
        with open("/proc/stat") as file:
            user, nice, system, _, _, *others = map(int, file.readline().split()[1:9])
    except OSError:
        return 0.0
    return (user + nice + system + sum(others)) / os.sysconf("SC_CLK_TCK")


# The conversation with the parent ------------------------------------------------------------------------------------


class Line:
    """Commands from stdin, answers to stdout; whatever a library prints goes to stderr."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def commands(self) -> Iterator[dict[str, Any]]:
        for line in sys.stdin:
            yield json.loads(line)

    def answer(self, value: dict[str, Any]) -> None:
        print(json.dumps(value), file=self._out, flush=True)
