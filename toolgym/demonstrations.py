"""Worked examples before each request: tasks of a train split, solved by their gold actions, as earlier chat turns.

    user        the instructions with the tools of example 1; its request     K examples, the same in every episode;
    assistant   its gold action                                               with results and further turns if the
    ...                                                                       example has them
    user        the instructions with the tools of the task; its request

Each request brings its own tools, so every call makes sense, and the tools of the task stand next to its request. For
this the system message moves to the head of the user's message. The examples are of the split ``train``, whatever split
is played; they are never of a test split, and never the task itself.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import gymnasium as gym
import msgspec

from toolgym.checks import whole_number
from toolgym.dialects.json.calls import tool_lines
from toolgym.types import Message, freeze, message

Given: TypeAlias = "int | Mapping[str, Any] | Sequence[Mapping[str, Any]]"
"""How many, of the env's own suite; {"count": 4, "env": "ToolGym-Functions-v0", "seed": 0, "category": "single"}, of
another suite; or the messages themselves."""

_KEYS = ("count", "env", "seed", "category")
_ROLES = ("user", "assistant", "tool")
_TRIES = 4
"""Tasks that are tried for each example: a task whose gold actions fail is passed over."""


class _Example(msgspec.Struct, frozen=True):
    task_id: str
    request: tuple[Message, ...]
    """The messages of the task."""
    messages: tuple[Message, ...]
    """The whole conversation, as turns."""


class Demonstrations:
    """The worked examples of an env.

    Args:
        given: see ``Given``. A count takes tasks of the suite that is played, with the env's own arguments and
            ``split="train"``; the env must have been made by ``gym.make``.

    Raises TypeError and ValueError for anything else.
    """

    def __init__(self, given: Given):
        self.count, self.env_id, self.seed = 0, "", 0
        self._category: Any = None
        self._messages: tuple[Message, ...] | None = None
        self._examples: list[_Example] | None = None
        if isinstance(given, Mapping):
            unknown = [name for name in given if name not in _KEYS]
            if unknown or not isinstance(given.get("env", ""), str) or "count" not in given:
                raise ValueError(
                    f'demonstrations are {{"count": 4, "env": "ToolGym-Functions-v0"}}, got {dict(given)!r}'
                )
            self.count = whole_number("count of demonstrations", given["count"], 1)
            self.seed = whole_number("seed of demonstrations", given.get("seed", 0), 0)
            self.env_id, self._category = given.get("env", ""), given.get("category")
            if self.env_id and self.env_id not in gym.registry:
                raise ValueError(f"demonstrations come from a registered env, and {self.env_id!r} is none")
        elif isinstance(given, Sequence) and not isinstance(given, str):
            self._messages = _checked(given)
        else:
            self.count = whole_number("demonstrations", given, 0)

    def __bool__(self) -> bool:
        return self.count > 0 or bool(self._messages)

    def load(self, env: Any) -> list[_Example]:
        """Solve the tasks that are shown by ``env``, a ToolEnv, at the first call.

        Raises ValueError if there are no tasks to take them from, AssetError if the train split's data is missing.
        """
        if self._examples is None:
            # one example more than needed, to stand in for the one that may be the task itself
            counted = self.count > 0
            self._examples = (
                _solved(self._source(env), self.count + 1, f"demonstrations {self.seed}") if counted else []
            )
        return self._examples

    def shown_before(self, messages: tuple[Message, ...], env: Any) -> tuple[Message, ...]:
        """The first messages of an episode, with the examples before the present task of ``env``.

        Messages that were given stand after the system message, which they may rely on. Raises what ``load`` raises.
        """
        if self._messages is not None:
            at = _after_system(messages)
            return (*messages[:at], *self._messages, *messages[at:])
        task, examples = env.task, self.load(env)
        others = [each for each in examples if each.task_id != task.id and each.request != task.messages]
        if len(others) < self.count:
            raise ValueError(f"the train split has only {len(others)} tasks to demonstrate; {self.count} are asked for")
        shown = [each for example in others[: self.count] for each in example.messages]
        return (*shown, *_as_turns(messages))

    def _source(self, env: Any) -> Any:
        """The env of the train split, with the dialect of ``env``."""
        if self.env_id:
            name, arguments = self.env_id, {"dialect": env.dialect}
        elif env.spec is not None:
            untold = {"rubric", "instructions", "max_turns", "render_mode"}  # they do not change what is asked
            untold |= {"perturb", "strength", "perturb_seed", "perturb_draw"}  # examples are shown as they are
            name, arguments = env.spec.id, {key: env.spec.kwargs[key] for key in env.spec.kwargs if key not in untold}
        else:
            raise ValueError("a number of demonstrations needs an env made by gym.make; or give messages")
        arguments |= {"split": "train", "demonstrations": 0}
        arguments |= {} if self._category is None else {"category": self._category}
        try:
            return gym.make(name, **arguments).unwrapped
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name} has no train split to take demonstrations from ({error.__context__ or error}): name another "
                'suite, as {"count": 4, "env": "ToolGym-Functions-v0"}, or give messages'
            ) from error


def _after_system(messages: Sequence[Message]) -> int:
    return next((i for i, each in enumerate(messages) if each["role"] != "system"), len(messages))


def _solved(source: Any, count: int, seed: str) -> list[_Example]:
    """Up to ``count`` tasks of an env, drawn by the seed, as their gold actions solve them."""
    size = len(source.tasks)
    found: list[_Example] = []
    for index in random.Random(seed).sample(range(size), min(size, _TRIES * count)):
        task = source.tasks[index]
        _, info = source.reset(options={"task_id": task.id})
        for text in source.gold(task):
            if not source.over:
                *_, info = source.step(text)
        if info.get("success") and info["reward_valid"]:
            found.append(_Example(task.id, task.messages, _as_turns(source.episode.messages, _tools(source))))
        if len(found) == count:
            break
    return found


def _tools(source: Any) -> str:
    """What an example says of its tools if they are passed beside the messages; else ""."""
    tools = source.task.tools
    return "" if source.dialect.instructions(tools) else f"The tools, one JSON object per line:\n{tool_lines(tools)}"


def _as_turns(messages: tuple[Message, ...], tools: str = "") -> tuple[Message, ...]:
    """A conversation whose system message stands at the head of the user's first message."""
    at = _after_system(messages)
    head = [tools, *[each["content"] for each in messages[:at]]]
    if at < len(messages) and messages[at]["role"] == "user":
        head.append(messages[at]["content"])
        at += 1
    return (message("user", "\n\n".join(filter(None, head))), *messages[at:])


def _checked(given: Sequence[Any]) -> tuple[Message, ...]:
    """Messages given as demonstrations. Raises TypeError or ValueError."""
    for i, each in enumerate(given):
        if not isinstance(each, Mapping) or not isinstance(each.get("content"), str):
            raise TypeError(f'demonstrations[{i}] is not a message: write {{"role": "user", "content": "..."}}')
        if each.get("role") not in _ROLES:
            raise ValueError(f"demonstrations[{i}] has the role {each.get('role')!r}, not one of {', '.join(_ROLES)}")
    if given and (given[0]["role"] != "user" or given[-1]["role"] == "user"):
        raise ValueError("demonstrations begin with a user's message, and do not end with one: the request follows")
    return tuple([freeze(each) for each in given])
