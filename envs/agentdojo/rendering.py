"""The results of tools as the model reads them: the official YAML, with the slow part kept.

Written from ``tool_result_to_str`` in agentdojo 0.1.35 (``agent_pipeline/tool_execution.py``), which the tests compare:
a model is dumped as YAML, a list as YAML of its items, anything else is ``str``.
"""

from __future__ import annotations

import pickle
from datetime import date
from functools import lru_cache
from typing import Any

import yaml
from pydantic import BaseModel

_SMALL, _LARGE = 20_000, 1_000_000
"""Bytes of an item's pickle: texts of thousands of small items are kept, and of a few large ones."""


def as_text(value: Any) -> str:
    """The text of a result. Raises TypeError for a list with other items than text, whole numbers and models."""
    if isinstance(value, BaseModel):
        return _dumped(value.model_dump()).strip()
    if not isinstance(value, list):
        return str(value)
    items = [_item(item) for item in value]
    if not items or _aliased(items):
        return _dumped(items).strip()
    # The YAML of a list is the YAML of its items, one after the other
    return "".join([_listed(item) for item in items]).strip()


def _item(item: Any) -> Any:
    if type(item) in (str, int):
        return str(item)
    if isinstance(item, BaseModel):
        return item.model_dump()
    raise TypeError("Not valid type for item tool result: " + str(type(item)))


def _dumped(value: Any) -> str:
    return str(yaml.safe_dump(value))


def _listed(item: Any) -> str:
    key = pickle.dumps(item)
    return (_small if len(key) <= _SMALL else _large if len(key) <= _LARGE else _unpickled)(key)


def _unpickled(key: bytes) -> str:
    return _dumped([pickle.loads(key)])


_small, _large = lru_cache(maxsize=4096)(_unpickled), lru_cache(maxsize=32)(_unpickled)


def _aliased(items: list[Any]) -> bool:
    """Whether two items share an object that YAML would write once, as an anchor with aliases."""
    seen: set[int] = set()
    for item in items:
        own: set[int] = set()
        todo = [item]
        while todo:
            value = todo.pop()
            if isinstance(value, (dict, list)):
                todo += value.values() if isinstance(value, dict) else value
            elif isinstance(value, date):
                own.add(id(value))
        if not seen.isdisjoint(own):
            return True
        seen |= own
    return False
