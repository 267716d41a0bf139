"""The tokens that training kept beside a group's episodes: ``tokens.jsonl``, a line per episode.

    {"task_id": "t", "repeat": 0, "prompt_length": 312, "tokens": ["<think>", ..], "token_ids": [5, ..],
     "loss_mask": [1, ..], "logprobs": [-0.1, ..], "advantages": [0.7, ..]}

The lists run over the tokens after the prompt, as in ``Sample``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from toolgym.report.text import printable

_LARGEST = 64 * 2**20
"""Bytes of a file that is read."""
MOST_TOKENS = 20_000


class _Line(msgspec.Struct):
    task_id: str
    repeat: int
    prompt_length: int
    tokens: list[str]
    token_ids: list[int]
    loss_mask: list[int]
    logprobs: list[float]
    advantages: list[float]


_read = msgspec.json.Decoder(_Line)


def tokens_of(path: Path, task: str, repeat: int) -> dict[str, Any] | None:
    """The tokens of one episode for the page: (text, id, sampled, log-probability, advantage) each.

    None if the file does not exist, cannot be read, or lacks the episode.
    """
    try:
        if path.stat().st_size > _LARGEST:
            return None
        with path.open("rb") as lines:
            for line in lines:
                found = _read.decode(line)
                if (found.task_id, found.repeat) == (task, repeat):
                    return _shown(found)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        pass
    return None


def _shown(line: _Line) -> dict[str, Any] | None:
    columns = (line.tokens, line.token_ids, line.loss_mask, line.logprobs, line.advantages)
    if len({len(column) for column in columns}) > 1:
        return None
    rows = [
        [printable(text), number, mask, round(logprob, 4), round(advantage, 4)]
        for text, number, mask, logprob, advantage in zip(*columns, strict=True)
    ]
    return {"prompt": line.prompt_length, "of": len(rows), "tokens": rows[:MOST_TOKENS]}
