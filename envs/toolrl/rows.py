"""The rows of ToolRL's data, as published in qiancheng0/ToolRL, dataset/."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import msgspec

from toolgym.assets import fetch

SPLITS = {"train": "toolrl-train", "test": "toolrl-test", "sft": "toolrl-sft"}
"""Split -> name of the asset. train has 3,920 rows, test 80, sft 400."""


class Row(msgspec.Struct, frozen=True):
    """One decision: a prompt and the expected completion."""

    id: str
    system: str
    """The system message: instructions and the list of tools."""
    user: str
    """The user message: the dialogue so far."""
    gold: str
    """The expected completion."""


@cache
def rows(split: str) -> tuple[Row, ...]:
    """The rows of a split, in order.

    Raises ValueError for an unknown split, AssetError if the file is missing and cannot be downloaded, and ImportError
    if the package that reads Parquet is not installed.
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
