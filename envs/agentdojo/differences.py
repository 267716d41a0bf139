"""DeepDiff for the official checks, made fast: it passes over parts of two environments that are the same object."""

from __future__ import annotations

from enum import Enum
from typing import Any

import deepdiff
from pydantic import BaseModel


def DeepDiff(before: Any, after: Any, **options: Any) -> Any:
    """``deepdiff.DeepDiff(before, after, **options)``. It finds the same, and takes a tenth of the time."""
    return deepdiff.DeepDiff(before, sharing(before, after), **options)


def sharing(before: Any, after: Any) -> Any:
    """A value equal to ``after`` that has the very objects of ``before`` in all places in which the two are equal.

    Equal means: of the same type too, at every depth.
    """
    kind = type(after)
    if type(before) is not kind or before is after:
        return after
    if isinstance(after, BaseModel):
        return _model(before, after)
    if kind is dict:
        parts = {key: sharing(before[key], value) if key in before else value for key, value in after.items()}
        same = len(before) == len(parts) and all(value is before.get(key) for key, value in parts.items())
        return before if same and list(before) == list(parts) else parts
    if kind is list:
        items = [sharing(*pair) for pair in zip(before, after, strict=False)] + after[len(before) :]
        same = len(before) == len(items) and all(one is other for one, other in zip(before, items, strict=True))
        return before if same else items
    if isinstance(after, Enum):
        return after
    return before if before == after else after


def _model(before: BaseModel, after: BaseModel) -> BaseModel:
    fields = {key: sharing(vars(before).get(key), value) for key, value in vars(after).items()}
    same = len(fields) == len(vars(before)) and all(value is vars(before)[key] for key, value in fields.items())
    if same and before.__pydantic_fields_set__ == after.__pydantic_fields_set__:
        return before
    shared = after.model_copy()
    vars(shared).update(fields)
    return shared
