"""The tiny model's pretraining corpus: requests, and answers by assistants of mixed habits.

A language model pretrained on the web has more skill than it shows: good and bad habits are mixed. This corpus imitates
that. In each respect most answers are right, but few are right in all respects: most do not have the requested layout,
some take the first tool of the list, give the value another name, or copy another name. If no tool fits, most call one
anyway. The study then measures how well training brings out the skill.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import gymnasium as gym

from toolgym.tasks import Task
from toolgym.types import Completion, ToolCall

from .decisions import ENV, thought

WORLD = 900
"""The Office world of the corpus; training uses different worlds."""
NAME = re.compile(r"(?<=[a-z] )[A-Z][a-z]+(?: [A-Z][a-z]+)?")
WRONG_KEYS = ("name", "id", "query", "text")
FILLER = (
    "Let me think.", "I read the request again.", "There are several tools.", "One of them may fit.",
    "The user is waiting for it.", "It should be done with care.", "First I look at the names.",
    "Then I look at the values.", "Nothing else is needed.", "This is clear.",
)  # fmt: skip


def texts(seed: int) -> Iterator[list[dict[str, str]]]:
    """An endless stream of conversations."""
    stream = random.Random(f"corpus {seed}")
    for env, asked in begun(ENV, stream):
        yield [*asked, {"role": "assistant", "content": answered(env.task, env.dialect, stream)}]


def begun(env_id: str, stream: random.Random) -> Iterator[tuple[Any, list[dict[str, str]]]]:
    """An endless stream of tasks, each as the env that has begun it and the messages so far."""
    env: Any = gym.make(env_id, world=WORLD).unwrapped
    while True:
        observation, _ = env.reset(options={"task_id": env.tasks[stream.randrange(len(env.tasks))].id})
        yield env, list(map(dict, observation["messages"]))


def answered(task: Task, dialect: Any, stream: random.Random) -> str:
    """An answer of mixed habits."""
    call = habitual(task, stream)
    style = stream.random()
    if style < 0.3:  # the requested layout
        think = [*stream.sample(FILLER, stream.randint(0, 3))]
        if stream.random() < 0.6:
            think.append(thought([call] if call else []))
        says = None if call else task.response or "I cannot do that."
        return str(dialect.render(Completion("", (call,) if call else (), " ".join(think), says)))
    if call is None:
        return stream.choice(("None of the tools does that.", "I am sorry, but I cannot do that."))
    line = json.dumps({"name": call.name, "parameters": call.arguments}, ensure_ascii=False)
    if style < 0.7:
        return f"<tool_call>\n{line}\n</tool_call>"
    if style < 0.85:
        return line
    return f"{call.name}({', '.join(f'{key}={json.dumps(value)}' for key, value in call.arguments.items())})"


def habitual(task: Task, stream: random.Random) -> ToolCall | None:
    """The call that an assistant of mixed habits makes, if any."""
    gold = task.expected[0][0] if task.expected[0] else None
    if (gold is None and stream.random() < 0.3) or stream.random() < 0.05:
        return None
    tool = stream.random()
    name = gold.name if gold and tool < 0.65 else (task.tools[0] if tool < 0.95 else stream.choice(task.tools)).name
    offered = next(each for each in task.tools if each.name == name)
    keys = list(offered.parameters.get("properties", {}))[:1]
    values = list(gold.arguments.values()) if gold else []
    if stream.random() < 0.1 or not values:
        values = NAME.findall(task.messages[-1]["content"])[-1:]
    arguments = dict(zip(keys, values, strict=False))
    if stream.random() < 0.25:
        arguments = {stream.choice(WRONG_KEYS): value for value in arguments.values()}
    return ToolCall(name, arguments)
