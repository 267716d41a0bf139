"""The catalogue of functions by field of life, read once from ``fields/*.toml``.

Tasks are drawn by position: adding or moving a field or a function changes the tasks of every split.
"""

from __future__ import annotations

from .function import Function
from .loader import read_catalogue

SEEN_FIELDS = (
    "workshop",
    "kitchen",
    "garden",
    "sports",
    "money",
    "numbers",
    "language",
    "science",
    "travel",
    "devices",
    "health",
    "places",
)
UNSEEN_FIELDS = ("stage", "law")

FIELDS = read_catalogue((*SEEN_FIELDS, *UNSEEN_FIELDS))
"""Field -> its functions, in the order of the file."""
SEEN = {field: FIELDS[field] for field in SEEN_FIELDS}
"""The fields of train, val and test."""
UNSEEN = {field: FIELDS[field] for field in UNSEEN_FIELDS}
"""The fields that only test_unseen has."""


def fields(split: str) -> dict[str, tuple[Function, ...]]:
    """The fields that the tasks of a split are drawn from."""
    return UNSEEN if split == "test_unseen" else SEEN
