"""The tools and rows of Seal-Tools, as published in fairyshine/Seal-Tools, Seal-Tools_Dataset/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from toolgym.assets import fetch
from toolgym.tools import Tool
from toolgym.types import ToolCall

SPLITS = {
    "train": "sealtools-train",
    "val": "sealtools-val",
    "test": "sealtools-test",
    "test_unseen": "sealtools-test-unseen",
}
"""Split -> name of the asset. train has 12,022 rows, val (dev.jsonl) 700, test (test_in_domain.jsonl) 700 and
test_unseen (test_out_domain.jsonl) 654."""
COUNTS = {"train": 12_022, "val": 700, "test": 700, "test_unseen": 654}

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
"""The types of all parameters of the data set -> their names in JSON Schema."""


class Spec(msgspec.Struct, frozen=True):
    """One of the 4,076 tools."""

    name: str
    field: str
    """The field and its part: "Science/Geology"."""
    tool: Tool
    types: dict[str, str]
    """Parameter -> type: str, int, float or bool."""
    required: tuple[str, ...]
    outputs: int
    """The number of its outputs. Each takes one number: "API_call_0", "API_call_1", and so on."""

    @property
    def area(self) -> str:
        """The field without its part: "Science"."""
        return self.field.partition("/")[0]


class Row(msgspec.Struct, frozen=True):
    """One request."""

    id: str
    """The official id: "test_out_domain-difficult-7"."""
    query: str
    calls: tuple[ToolCall, ...]
    """The expected calls, with the values as they stand in the file."""


@cache
def specs() -> dict[str, Spec]:
    """The tools by name. Raises AssetError if the file is missing and cannot be downloaded."""
    return {spec.name: spec for spec in map(_spec, _lines("sealtools-tools"))}


@cache
def rows(split: str) -> tuple[Row, ...]:
    """The rows of a split, in order.

    Raises ValueError for an unknown split, AssetError if the file is missing and cannot be downloaded.
    """
    if split not in SPLITS:
        raise ValueError(f"Seal-Tools has no split {split!r}: there are {', '.join(SPLITS)}")
    return tuple(map(_row, _lines(SPLITS[split])))


def _lines(asset: str) -> Iterator[dict[str, Any]]:
    with fetch(asset).open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _row(row: dict[str, Any]) -> Row:
    return Row(row["id"], row["query"], tuple([ToolCall(call["api"], call["parameters"]) for call in row["calling"]]))


def _spec(row: dict[str, Any]) -> Spec:
    parameters, outputs = row["parameters"], row["responses"]
    schema = {
        "type": "object",
        "properties": {name: _schema(each) for name, each in parameters.items()},
        "required": row["required"],
    }
    description = f"{row['api_description'].rstrip('.')}. Outputs: {', '.join(outputs)}."
    tool = Tool(row["api_name"], description, schema, trusted=True)
    types = {name: each["type"] for name, each in parameters.items()}
    return Spec(tool.name, row["field"], tool, types, tuple(row["required"]), len(outputs))


def _schema(parameter: dict[str, Any]) -> dict[str, Any]:
    description = parameter["description"]
    if "unit" in parameter:
        description += f" ({parameter['unit']})"
    schema: dict[str, Any] = {"type": _TYPES[parameter["type"]], "description": description}
    if "choices" in parameter:
        schema["enum"] = parameter["choices"]
    if "default" in parameter:
        schema["default"] = parameter["default"]
    return schema
