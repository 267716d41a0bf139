"""Limits on the cost of a call of a simulated API. The official harness has none: a single call can hang it.

A call that would exceed a limit returns an error, as if the API had raised it. No accepted answer comes near a limit,
and a result beyond a limit cannot equal an accepted result, so verdicts stay the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MAX_NODES = 100_000
"""Maximum files and folders that a search visits. Folders can be copied into each other: 60 calls make 2**30 paths."""
MAX_CHARS = 5_000_000
"""Maximum characters of one result, or of the files that one call reads."""
MAX_STEP_CHARS = 10_000_000
"""Maximum characters of all results of one step; later calls of the step are refused."""
SHOWN_CHARS = 200_000
"""Maximum characters of a result that the model sees. The longest accepted result has about 32,000."""

MAX_MEMORY = 200_000
"""Maximum characters of a memory that is one text. Officially only each added text is limited, to 10,000."""

_MAX_NEW = 10_000
_MAX_KEY = 10_000
_MAX_QUERY = 100_000
_MAX_BITS = 20_000
_MAX_MESSAGES = 80_000
_LOWEST_PLACE = -5_000


class TooMuch(ValueError):
    """The call would exceed a limit."""


def check_cost(api: Any, function: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Raise TooMuch, or the exception that Python would raise for the result, if a call must not be run.

    Wrong arguments are ignored here: the call itself reports them.
    """
    guard = _GUARDS.get(function)
    if guard is not None:
        try:
            guard(api, *args, **kwargs)
        except TypeError:  # wrong arguments: the call itself raises the official error
            return


def check_size(value: Any) -> None:
    """Raise TooMuch if a result is too large as text. Few objects can make a long text, because parts can be shared.

    Needed only after calls inside calls: without them, a result is not larger than the text the model wrote.
    """
    left, todo = MAX_CHARS // 50, [value]
    while todo:
        value = todo.pop()
        left -= 1 + (len(value) // 50 if isinstance(value, str) else 0)
        if left < 0:
            raise TooMuch(f"the result has more than {MAX_CHARS:,} characters")
        if isinstance(value, dict):
            todo += value.keys()
            todo += value.values()
        elif isinstance(value, (list, tuple, set)):
            todo += value


def _find(api: Any, path: str = ".", name: str | None = None) -> None:
    folder = _folder(api, path)
    if folder is not None:
        _visit(folder, len(path))


def _du(api: Any, human_readable: bool = False) -> None:
    _visit(api._current_dir, 0)


def _folder(api: Any, path: Any) -> Any:
    found = api._navigate_to_directory(path)
    return None if isinstance(found, dict) else found


def _visit(folder: Any, length: int) -> None:
    """Walk a tree of folders; raise TooMuch at a limit. ``length`` is the length of the path to ``folder``."""
    nodes, chars = MAX_NODES, MAX_CHARS
    todo = [(folder, length)]
    while todo:
        folder, length = todo.pop()
        for name, item in folder.contents.items():
            nodes -= 1
            if hasattr(item, "contents"):
                todo.append((item, length + len(name) + 1))
                chars -= length + len(name)
            else:
                chars -= length + len(name) + len(item.content)
            if nodes < 0 or chars < 0:
                raise TooMuch("there are too many files here, or too long ones")


def _power(api: Any, base: Any, exponent: Any) -> None:
    whole = isinstance(base, int) and isinstance(exponent, int) and exponent > 0
    if whole and (base.bit_length() - 1) * exponent > _MAX_BITS:
        raise ValueError("Exceeds the limit (4300 digits) for integer string conversion")


def _round_number(api: Any, number: Any, decimal_places: Any = 0) -> None:
    if isinstance(number, int) and isinstance(decimal_places, int) and decimal_places < _LOWEST_PLACE:
        raise TooMuch(f"numbers are rounded at most at {-_LOWEST_PLACE} places before the point")


def _send_message(api: Any, receiver_id: Any, message: Any) -> None:
    if len(api.generated_ids) > _MAX_MESSAGES:  # the API draws random five-digit ids until one is free
        raise TooMuch(f"at most {_MAX_MESSAGES:,} messages can be sent")


def _remember(api: Any, *args: Any, **kwargs: Any) -> None:
    check_size([args, kwargs])  # the API turns them into text, and calls inside calls can make them huge


def _key(api: Any, key: Any, value: Any) -> None:
    _remember(api, key, value)
    if len(str(key)) > _MAX_KEY:
        raise TooMuch(f"a key has at most {_MAX_KEY:,} characters")


def _replace_text(api: Any, old_text: Any, new_text: Any) -> None:
    _remember(api, old_text, new_text)
    old, new = str(old_text), str(new_text)
    if len(new) <= _MAX_NEW and len(api.memory) + api.memory.count(old) * (len(new) - len(old)) > MAX_MEMORY:
        raise TooMuch(f"the memory would have more than {MAX_MEMORY:,} characters")


def _rank(api: Any, query: Any, k: Any = 5) -> None:
    if len(query) > _MAX_QUERY:
        raise TooMuch(f"a query has at most {_MAX_QUERY:,} characters")


_GUARDS: dict[str, Callable[..., None]] = {
    "find": _find,
    "du": _du,
    "power": _power,
    "round_number": _round_number,
    "send_message": _send_message,
    "core_memory_add": _key,
    "core_memory_replace": _remember,
    "core_memory_key_search": _rank,
    "archival_memory_add": _key,
    "archival_memory_replace": _remember,
    "archival_memory_key_search": _rank,
    "memory_append": _remember,
    "memory_update": _remember,
    "memory_replace": _replace_text,
}
