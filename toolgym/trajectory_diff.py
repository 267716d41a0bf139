"""What differs between two records, in words that say where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MOST = 20
"""Differences that are named."""

_AROUND = 30


def differences(was: Any, now: Any) -> tuple[str, ...]:
    """How two JSON-like values differ, one line for each place; () if they would be the same bytes.

    Tuples and lists are the same, and so are 1 and 1.0; the order of keys counts.
    """
    found: list[str] = []
    for line in _walk(was, now, ""):
        if len(found) == MOST:
            found.append("... and more")
            break
        found.append(line)
    return tuple(found)


def _walk(was: Any, now: Any, path: str) -> Iterator[str]:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        if was.keys() == now.keys() and list(was) != list(now):
            yield f"{path}: the keys have another order"
        for key in {**was, **now}:
            yield from _item(was, now, key, key in was, key in now, f"{path}.{key}" if path else str(key))
    elif isinstance(was, (list, tuple)) and isinstance(now, (list, tuple)):
        for i in range(max(len(was), len(now))):
            yield from _item(was, now, i, i < len(was), i < len(now), f"{path}[{i}]")
    elif not _same(was, now):
        yield f"{path}: {_change(was, now)}"


def _item(was: Any, now: Any, key: Any, before: bool, after: bool, path: str) -> Iterator[str]:
    if before and after:
        yield from _walk(was[key], now[key], path)
    elif before:
        yield f"{path}: was {_short(was[key])}, is not there now"
    else:
        yield f"{path}: is {_short(now[key])} now, was not there"


def _same(was: Any, now: Any) -> bool:
    numbers = type(was) in (int, float) and type(now) in (int, float)
    equal = was == now or (was != was and now != now)  # two that are not numbers
    return bool(equal) and (numbers or type(was) is type(now))


def _change(was: Any, now: Any) -> str:
    if isinstance(was, str) and isinstance(now, str) and max(len(was), len(now)) > 2 * _AROUND:
        at = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
        return f"from character {at} on, was {_short(was[at:])}, is {_short(now[at:])}"
    return f"was {_short(was)}, is {_short(now)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 2 * _AROUND else f"{text[: 2 * _AROUND]}..."
