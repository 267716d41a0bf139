"""What the viewer's table knows about an episode: its numbers and its place in the file, not its texts."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from sys import intern
from typing import Any

import msgspec

from toolgym.earlier import todays_names
from toolgym.playing.left_out import endings_of
from toolgym.report.episode import Outcome, outcome_of
from toolgym.report.text import printable
from toolgym.stored.run_files import RunError, load_episode

NUMBERS = ("reward", "turns", "calls", "malformed", "objected", "seconds", "repeat")
"""The fields of an Entry that a table can be sorted and filtered by, beside the parts of the reward."""


class Entry(msgspec.Struct, array_like=True, gc=False):
    """An episode in the table."""

    offset: int
    """The first byte of its line in the file."""
    length: int
    """Bytes of the line."""
    task: str
    repeat: int
    category: str
    outcome: Outcome
    error: str
    """The official evaluator's error type if it failed, the kind of failure if it is not valid; else ""."""
    endings: tuple[str, ...]
    """What ended it or an answer in it, if not the policy: see ``toolgym.playing.left_out.ENDINGS``."""
    reward: float
    parts: dict[str, float]
    """Weighted score of each reward term, summed over the actions."""
    turns: int
    calls: int
    malformed: int
    """Calls that could not be read."""
    objected: int
    """Calls whose arguments break the tool's schema."""
    seconds: float


class _Call(msgspec.Struct, gc=False):
    error: str | None = None


class _Record(msgspec.Struct, gc=False):
    call: _Call
    problems: list[str] = []


class _Term(msgspec.Struct, gc=False):
    name: str
    score: float
    weight: float = 1.0


class _Reward(msgspec.Struct, gc=False):
    terms: list[_Term] = []
    calls: list[_Record] = []


class _Turn(msgspec.Struct, gc=False):
    reward: _Reward
    unfinished: str | None = None


class _Episode(msgspec.Struct, gc=False):
    """The fields of a Trajectory that an Entry needs: reading only these is ten times as fast as reading all."""

    env_id: str
    task_id: str
    messages: list[msgspec.Raw]
    turns: list[_Turn] = []
    success: bool | None = None
    verdict: str = ""
    error_type: str | None = None
    reward: float = 0.0
    reward_valid: bool = True
    truncated: bool = False
    repeat: int = 0
    category: str = ""
    seconds: float = 0.0
    error_kind: str = ""
    cut_off: str = ""
    exact: msgspec.Raw | None = None


_read = msgspec.json.Decoder(_Episode)


def entry_of(line: bytes, offset: int) -> Entry | None:
    """The entry of one line of ``episodes.jsonl``; None if the line is not an episode."""
    episode: Any
    try:
        episode = _read.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        episode = None
    if episode is None or episode.exact is not None:  # values that strict JSON cannot hold, or a line of another make
        try:
            episode = load_episode(line, "the line")
        except RunError:
            return None
    return _summed_up(episode, offset, len(line))


def _summed_up(episode: Any, offset: int, length: int) -> Entry:
    """An entry; ``episode`` is an _Episode or a Trajectory, which have the same names."""
    parts: dict[str, float] = {}
    malformed = objected = calls = 0
    for turn in episode.turns:
        terms: Sequence[Any] = turn.reward.terms
        names = todays_names(episode.env_id, [term.name for term in terms])
        for term in terms:
            if term.weight:  # a weight of 0: for the record, not paid
                name = intern(printable(names.get(term.name, term.name)))
                parts[name] = parts.get(name, 0.0) + term.weight * term.score
        calls += len(turn.reward.calls)
        for record in turn.reward.calls:
            malformed += record.call.error is not None
            objected += bool(record.problems)
    outcome = outcome_of(episode)
    error = (episode.error_kind or "unknown") if outcome == "invalid" else (episode.error_type or "")
    return Entry(
        offset,
        length,
        episode.task_id,
        episode.repeat,
        intern(printable(episode.category)),
        outcome,
        intern(printable(error)),
        tuple(endings_of(episode)) if episode.reward_valid else (),
        _finite(episode.reward),
        {name: _finite(value) for name, value in parts.items()},
        len(episode.turns),
        calls,
        malformed,
        objected,
        _finite(episode.seconds),
    )


def _finite(value: float) -> float:
    return value if isfinite(value) else 0.0
