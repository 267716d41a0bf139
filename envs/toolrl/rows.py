"""ToolRL's rows as they are published (qiancheng0/ToolRL, dataset/)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import msgspec

from toolgym.assets import fetch

SPLITS = {"train": "toolrl-train", "test": "toolrl-test", "sft": "toolrl-sft"}
"""Split -> asset. train has 3,920 rows, test 80, sft 400."""


class Row(msgspec.Struct, frozen=True):
    """One decision to be made."""

    id: str
    system: str
    """The instructions, with the listing of tools."""
    user: str
    """The dialogue so far."""
    gold: str
    """The expected text."""


@cache
def rows(split: str) -> tuple[Row, ...]:
    """The rows of a split, in order.

    Raises ValueError for a split that does not exist, AssetError where the file cannot be had, and ImportError
    where the package that reads Parquet is missing.
    """
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}: there are {', '.join(SPLITS)}")
    path = fetch(SPLITS[split])
    texts = _from_json(path) if path.suffix == ".json" else _from_parquet(path)
    return tuple([Row(f"{split}-{i}", *text) for i, text in enumerate(texts)])


def _from_json(path: Path) -> list[tuple[str, str, str]]:
    return [(row["instruction"], row["input"], row["output"]) for row in json.loads(path.read_text("utf-8"))]


def _from_parquet(path: Path) -> list[tuple[str, str, str]]:
    try:
        from arro3.io import read_parquet
    except ImportError as error:
        raise ImportError(f"{path.name} is a Parquet file: pip install 'toolgym[toolrl]'") from error
    table = read_parquet(path).read_all()
    prompts, rewards = table.column("prompt").to_pylist(), table.column("reward_model").to_pylist()
    return [
        (prompt[0]["content"], prompt[1]["content"], reward["ground_truth"])
        for prompt, reward in zip(prompts, rewards, strict=True)
    ]
