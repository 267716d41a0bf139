"""Gymnasium spaces for actions (text) and observations, which may hold any Unicode, lone surrogates too.

``gymnasium.spaces.Text`` needs a finite character set and truncates in shared memory; these spaces do neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gymnasium as gym

from toolgym.types import Observation, freeze, message

_SAMPLED = "abcdefghijklmnopqrstuvwxyz ABC0123456789 .,:;?!{}[]()<>\"'/_=\n\té漢🙂"


class Text(gym.Space[str]):
    """Any string of at most ``max_length`` characters."""

    def __init__(self, max_length: int = 1_000_000, seed: int | None = None):
        self.max_length = max_length
        super().__init__(dtype=None, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        return False

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """A short random string."""
        length = int(self.np_random.integers(0, min(64, self.max_length) + 1))
        return "".join(_SAMPLED[int(i)] for i in self.np_random.integers(0, len(_SAMPLED), length))

    def contains(self, x: Any) -> bool:
        """Any str counts: a text over ``max_length`` is a scored action too, not a programming error."""
        return isinstance(x, str)

    def to_jsonable(self, sample_n: Iterable[str]) -> list[str]:
        return list(sample_n)

    def from_jsonable(self, sample_n: list[Any]) -> list[str]:
        return [str(sample) for sample in sample_n]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and other.max_length == self.max_length

    def __hash__(self) -> int:
        return hash((Text, self.max_length))

    def __repr__(self) -> str:
        return f"Text(max_length={self.max_length})"


class ObservationSpace(gym.Space[Observation]):
    """Observations: ``{"messages": tuple of {"role", "content", ...}, "tools": tuple of function schemas}``."""

    def __init__(self, seed: int | None = None):
        super().__init__(dtype=None, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        return False

    def sample(self, mask: Any = None, probability: Any = None) -> Observation:
        """One random user message and no tools."""
        text = "".join(_SAMPLED[int(i)] for i in self.np_random.integers(0, len(_SAMPLED), 16))
        return Observation((message("user", text),), ())

    def contains(self, x: Any) -> bool:
        try:
            messages, tools = x["messages"], x["tools"]
        except (TypeError, KeyError, IndexError):
            return False
        return (
            isinstance(messages, (tuple, list))
            and isinstance(tools, (tuple, list))
            and all(
                isinstance(m, dict) and isinstance(m.get("role"), str) and isinstance(m.get("content"), str)
                for m in messages
            )
            and all(isinstance(t, dict) and t.get("type") == "function" for t in tools)
        )

    def to_jsonable(self, sample_n: Iterable[Observation]) -> list[Any]:
        return [{"messages": [dict(m) for m in s["messages"]], "tools": list(s["tools"])} for s in sample_n]

    def from_jsonable(self, sample_n: list[Any]) -> list[Observation]:
        return [Observation(freeze(sample["messages"]), freeze(sample["tools"])) for sample in sample_n]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObservationSpace)

    def __hash__(self) -> int:
        return hash(ObservationSpace)

    def __repr__(self) -> str:
        return "ObservationSpace()"
