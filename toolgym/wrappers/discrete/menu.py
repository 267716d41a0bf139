"""The menu: the choices of a policy with discrete actions, and the features of each choice.

A menu is made only from an observation: the messages and the schemas of the tools.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from math import log
from typing import Any

import msgspec
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from toolgym.dialects import Dialect
from toolgym.types import Completion, Message, Observation, ToolCall
from toolgym.wrappers.discrete.filling import Filling, Request, fill, read_request
from toolgym.wrappers.discrete.words import content, hashed

COLUMNS = (
    "name_overlap", "description_overlap", "parameter_overlap", "request_covered", "letters_alike", "overlap",
    "overlap_margin", "required_found", "values_used", "points", "optional_given", "later_filling",
    "required_parameters", "made_before", "has_result", "result_failed", "calls_so_far", "is_answer", "one_of",
)  # fmt: skip
"""The columns of ``candidates``; all numbers are in [-1, 1].

The tool: how much of its name, its description and its parameters' names occurs in the request; how much of the
request occurs in them; the cosine of the hashed texts; the mean of the first two columns, and its margin over the
best other tool. The filling: the share of required parameters found in the request, the share of the request's values
that were used, the mean points (/ 3), the optional parameters given (/ 4), whether it is not the first filling of the
tool, the required parameters (/ 6). The episode: whether this call was made before, whether a tool has returned a
result, whether the last result is an error, the different calls made (/ 8), 1 / the number of tools on the menu. The
row of the answer has the maximum over the other rows in the columns up to ``optional_given``, and ``is_answer``."""
_AT = {name: i for i, name in enumerate(COLUMNS)}
_LONGEST_ANSWER = 4_000
_DAY = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")


class Menu(msgspec.Struct, frozen=True):
    """The choices at one observation; the last choice is an answer without a call."""

    calls: tuple[ToolCall | None, ...]
    """The call of each choice; None if the choice is not available."""
    mask: NDArray[np.bool_]
    """(max_candidates + 1,): which choices are available; the answer always is."""
    features: dict[str, NDArray[np.float32]]
    """See ``MenuMaker.space``."""
    answer: str
    """The response of the last choice."""

    def completion(self, choice: int) -> Completion:
        """The action of a choice. A choice that is not available is an answer without a call."""
        call = self.calls[choice] if choice < len(self.calls) else None
        if call is None:
            return Completion("", think="No call is needed now.", response=self.answer)
        return Completion("", (call,), think=f"{call.name} does that.")


class _Offer(msgspec.Struct, frozen=True):
    """The part of a menu that depends only on the user's last message and the tools, kept between steps."""

    calls: tuple[ToolCall | None, ...]
    keys: tuple[str, ...]  # by which a call is recognised when it was made before; "" if there is no call
    mask: NDArray[np.bool_]  # (max_candidates + 1,)
    request: NDArray[np.float32]  # (features,)
    tools: NDArray[np.float32]  # (slots * features,)
    rows: NDArray[np.float32]  # (max_candidates + 1, len(COLUMNS)), the columns of the episode still 0


class MenuMaker:
    """Makes menus of a fixed shape.

    Choice ``tool * fillings + filling`` calls the tool in slot ``tool`` with one of its fillings (see filling.py);
    choice ``max_candidates`` answers without a call. The slots contain the offered tools, in their order. If there are
    more tools than ``max_candidates // fillings``, the tools with the largest word overlap with the request are kept.

    Args:
        max_candidates: the number of calls on the menu.
        fillings: the number of ways to fill in the arguments of a tool, 1 to 3; divides ``max_candidates``.
        features: the length of a hashed text.
    """

    def __init__(self, max_candidates: int = 16, fillings: int = 2, features: int = 256):
        if not 1 <= fillings <= 3 or max_candidates < fillings or max_candidates % fillings:
            raise ValueError(
                f"max_candidates must be a multiple of fillings, which is 1 to 3; got {max_candidates} and {fillings}"
            )
        if features < 8:
            raise ValueError(f"features, the length of a hashed text, must be at least 8; got {features}")
        self.max_candidates = max_candidates
        self.fillings = fillings
        self.features = features
        self.slots = max_candidates // fillings
        self._last: tuple[str, date | None, Any, _Offer] | None = None

    @property
    def space(self) -> spaces.Dict:
        """Four float32 vectors.

        ``request`` (features): the user's last message, hashed. ``tools`` (slots * features): name and description of
        the tool in each slot, hashed. ``candidates`` ((max_candidates + 1) * 19): a row for each choice, see
        ``COLUMNS``. ``mask`` (max_candidates + 1): 1 for choices that are available.
        """
        rows = self.max_candidates + 1
        sizes = {"request": self.features, "tools": self.slots * self.features, "candidates": rows * len(COLUMNS)}
        found = {key: spaces.Box(-1.0, 1.0, (size,), np.float32) for key, size in sizes.items()}
        return spaces.Dict({**found, "mask": spaces.Box(0.0, 1.0, (rows,), np.float32)})

    def make(self, observation: Observation, dialect: Dialect) -> Menu:
        """The menu at an observation. Accepts any texts; takes time linear in their length."""
        messages, tools = observation["messages"], observation["tools"]
        opening, since = _episode(messages, dialect)
        text = opening["content"] if opening is not None else ""
        today = _today(messages)
        if self._last is None or self._last[:2] != (text, today) or self._last[2] is not tools:
            self._last = text, today, tools, self._offer(text, today, [schema["function"] for schema in tools])
        offer = self._last[3]
        made = {_key(call) for m in since if m["role"] == "assistant" for call in dialect.parse(m["content"]).calls}
        results = [message["content"] for message in since if dialect.is_result(message)]
        rows = offer.rows.copy()  # (max_candidates + 1, len(COLUMNS)); the offer is shared between steps
        if made:
            rows[:-1, _AT["made_before"]] = [key in made for key in offer.keys]
        rows[:, _AT["has_result"]] = float(bool(results))
        rows[:, _AT["result_failed"]] = float(bool(results) and results[-1].lstrip().startswith("Error"))
        rows[:, _AT["calls_so_far"]] = min(1.0, len(made) / 8)
        rows[~offer.mask] = 0.0  # rows of unavailable choices are all 0
        features = {
            "request": offer.request,
            "tools": offer.tools,
            "candidates": rows.ravel(),
            "mask": offer.mask.astype(np.float32),
        }
        answer = f"Here is the result: {results[-1][:_LONGEST_ANSWER]}" if results else "None of the tools can do that."
        return Menu(offer.calls, offer.mask, features, answer)

    def _offer(self, text: str, today: date | None, offered: list[Any]) -> _Offer:
        request = read_request(text, today)
        asked = content(request.text)
        tools = self._shown(offered, asked)
        overlaps = _overlaps(tools, set(asked))
        margins = _margins([overlap[-1] for overlap in overlaps])
        vector = hashed(asked, self.features)
        calls: list[ToolCall | None] = [None] * self.max_candidates
        rows = np.zeros((self.max_candidates + 1, len(COLUMNS)), np.float32)  # the last row is the answer
        hashes = np.zeros((self.slots, self.features), np.float32)  # 0 for an empty slot
        for slot, tool in enumerate(tools):
            hashes[slot] = _tool_vector(tool["name"], _described(tool), self.features)
            alike = float(np.dot(vector, hashes[slot]))
            for i, filling in enumerate(fill(tool["parameters"], request, self.fillings)):
                place = slot * self.fillings + i
                calls[place] = ToolCall(tool["name"], filling.arguments)
                row = (*overlaps[slot][:4], alike, overlaps[slot][4], margins[slot], *_filled(filling, request))
                rows[place, : len(row)] = row  # the columns up to optional_given, in order
                rows[place, _AT["later_filling"]] = float(i > 0)
                rows[place, _AT["required_parameters"]] = filling.required / 6
        rows[-1, : _AT["later_filling"]] = rows[:-1, : _AT["later_filling"]].max(0)
        rows[-1, _AT["is_answer"]] = 1.0
        rows[:, _AT["one_of"]] = 1 / max(1, len(tools))
        keys = tuple("" if call is None else _key(call) for call in calls)
        mask = np.array([call is not None for call in calls] + [True])
        return _Offer(tuple(calls), keys, mask, vector, hashes.ravel(), np.clip(rows, -1.0, 1.0))

    def _shown(self, tools: list[Any], asked: Sequence[str]) -> list[Any]:
        """The tools that get a slot, in their order."""
        if len(tools) <= self.slots:
            return tools
        overlaps = _overlaps(tools, set(asked))
        best = sorted(range(len(tools)), key=lambda i: (-overlaps[i][-1], i))[: self.slots]
        return [tools[i] for i in sorted(best)]


def _episode(messages: Sequence[Message], dialect: Dialect) -> tuple[Message | None, Sequence[Message]]:
    """The last message of the user, and the messages after it."""
    for i in range(len(messages) - 1, -1, -1):
        if messages[i]["role"] == "user" and not dialect.is_result(messages[i]):
            return messages[i], messages[i + 1 :]
    return None, messages


def _today(messages: Sequence[Message]) -> date | None:
    """The first date that a system message names."""
    for message in messages:
        if message["role"] == "system":
            for year, month, day in _DAY.findall(message["content"]):
                try:
                    return date(int(year), int(month), int(day))
                except ValueError:
                    continue
    return None


def _key(call: ToolCall) -> str:
    return f"{call.name} {sorted(call.arguments.items(), key=str)!r}"


def _described(tool: Any) -> str:
    return str(tool.get("description", ""))[:2000]


@lru_cache(maxsize=20_000)
def _stems(text: str) -> frozenset[str]:
    return frozenset(content(text))


@lru_cache(maxsize=5_000)
def _tool_vector(name: str, description: str, size: int) -> NDArray[np.float32]:
    vector = hashed(content(f"{name} {description}"), size)
    vector.flags.writeable = False
    return vector


def _overlaps(tools: Sequence[Any], asked: set[str]) -> list[tuple[float, float, float, float, float]]:
    """For each tool, in [0, 1]: the shares of its name, its description and its parameters' names that are in the
    request, the share of the request that is in them, and the mean of the first two.

    A word has the weight log(1 + tools / tools with the word), so that words of many tools count less. The share of
    the request is not weighted.
    """
    sets = []
    for tool in tools:
        parameters = " ".join(tool["parameters"].get("properties", {}))
        sets.append((_stems(tool["name"]), _stems(_described(tool)), _stems(parameters)))
    counts: dict[str, int] = {}  # word -> number of tools that contain it
    for each in sets:
        for word in each[0] | each[1] | each[2]:
            counts[word] = counts.get(word, 0) + 1
    weights = {word: log(1 + len(sets) / count) for word, count in counts.items()}

    def share(said: frozenset[str]) -> float:
        # sorted: the sum of floats depends on their order, and the order of a set on PYTHONHASHSEED
        whole = sum(weights[word] for word in sorted(said))
        return sum(weights[word] for word in sorted(said & asked)) / whole if whole else 0.0

    found = []
    for name, description, names in sets:
        both = share(name), share(description)
        covered = len((name | description | names) & asked) / len(asked) if asked else 0.0
        found.append((*both, share(names), covered, (both[0] + both[1]) / 2))
    return found


def _margins(overlaps: Sequence[float]) -> list[float]:
    """How far each number is above the largest other number."""
    if len(overlaps) < 2:
        return list(overlaps)
    first, second = sorted(overlaps, reverse=True)[:2]
    return [each - (second if each == first else first) for each in overlaps]


def _filled(filling: Filling, request: Request) -> tuple[float, float, float, float]:
    """The columns required_found, values_used, points and optional_given."""
    values = sum(value.kind not in ("phrase", "count", "first") for value in request.values)
    return (
        filling.found / filling.required if filling.required else 1.0,
        min(1.0, filling.used / values) if values else 1.0,
        filling.points / 3,
        (len(filling.arguments) - filling.required) / 4,
    )
