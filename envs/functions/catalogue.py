"""The catalogue of functions by field of life, read once for each version from ``fields/*.toml``.

Tasks are drawn by position: adding or moving a field or a function changes the tasks of every split of a version.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import accumulate

from .function import Function
from .loader import read_catalogue

Fields = Mapping[str, tuple[Function, ...]]
"""Field -> its functions, in the order of the file."""
Place = tuple[str, int]
"""A function: its field, and its position in the field."""

SEEN_FIELDS_V0 = (
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
UNSEEN_FIELDS_V0 = ("stage", "law")
SEEN_FIELDS_V1 = (
    *SEEN_FIELDS_V0,
    "music",
    "weather",
    "hotels",
    "restaurants",
    "cars",
    "banking",
    "shopping",
    "cinema",
    "schools",
    "office_it",
    "farming",
    "aviation",
    "trains",
    "fashion",
    "photography",
    "chemistry",
    "history",
    "geometry",
    "statistics",
    "energy",
    "social_media",
    "parcels",
    "insurance",
    "hiking",
    "games",
    "beauty",
)
UNSEEN_FIELDS_V1 = (*UNSEEN_FIELDS_V0, "museums", "libraries", "real_estate", "pets", "astronomy", "sea", "events")
VERSIONS = {0: (SEEN_FIELDS_V0, UNSEEN_FIELDS_V0), 1: (SEEN_FIELDS_V1, UNSEEN_FIELDS_V1)}
"""Version -> the fields of train, val and test, and the fields of test_unseen. A field that is unseen in one version is
unseen in each: a model trained on one version can be tested on another."""


class Catalogue:
    """The functions of one version.

    ``seen``: the fields of train, val and test. ``unseen``: the fields that only test_unseen has. ``fields``: both.
    ``numbers``: field -> the position of its first function in the whole catalogue.
    """

    def __init__(self, seen: tuple[str, ...], unseen: tuple[str, ...]):
        self.fields: Fields = read_catalogue((*seen, *unseen))
        self.seen = {field: self.fields[field] for field in seen}
        self.unseen = {field: self.fields[field] for field in unseen}
        self.numbers = dict(zip(self.fields, accumulate(map(len, self.fields.values()), initial=0), strict=False))
        self._alike = self._pairs()

    def of(self, split: str) -> Fields:
        """The fields that the tasks of a split are drawn from."""
        return self.unseen if split == "test_unseen" else self.seen

    def alike(self, one: Place, other: Place) -> bool:
        """Whether one of the functions could do what a request for the other asks."""
        return (one, other) in self._alike

    def _pairs(self) -> frozenset[tuple[Place, Place]]:
        places = {f"{field}.{f.name}": (field, i) for field, each in self.fields.items() for i, f in enumerate(each)}
        pairs = [
            (places[f"{field}.{f.name}"], places[name])
            for field, each in self.fields.items()
            for f in each
            for name in f.alike
            if name in places
        ]
        return frozenset([*pairs, *[(other, one) for one, other in pairs]])


@cache
def catalogue(version: int) -> Catalogue:
    """The catalogue of a version."""
    return Catalogue(*VERSIONS[version])
