"""The functions by field: those of training, and those that only ``test_unseen`` has."""

from __future__ import annotations

from .devices import DEVICES
from .function import Function
from .garden import GARDEN
from .health import HEALTH
from .kitchen import KITCHEN
from .language import LANGUAGE
from .law import LAW
from .money import MONEY
from .numbers import NUMBERS
from .places import PLACES
from .science import SCIENCE
from .sports import SPORTS
from .stage import STAGE
from .travel import TRAVEL
from .workshop import WORKSHOP

SEEN: dict[str, tuple[Function, ...]] = {
    "workshop": WORKSHOP,
    "kitchen": KITCHEN,
    "garden": GARDEN,
    "sports": SPORTS,
    "money": MONEY,
    "numbers": NUMBERS,
    "language": LANGUAGE,
    "science": SCIENCE,
    "travel": TRAVEL,
    "devices": DEVICES,
    "health": HEALTH,
    "places": PLACES,
}
UNSEEN: dict[str, tuple[Function, ...]] = {"stage": STAGE, "law": LAW}
FIELDS = {**SEEN, **UNSEEN}


def fields(split: str) -> dict[str, tuple[Function, ...]]:
    """The fields that a split's tasks are from."""
    return UNSEEN if split == "test_unseen" else SEEN
