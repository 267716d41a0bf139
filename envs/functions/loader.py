"""Reads the catalogue: ``fields/*.toml`` and ``lists.toml``. An error names the file, the function and the fault.

A field's file has one ``[[function]]`` per function, with a ``[[function.parameter]]`` for each parameter:

    [lists]                                       # optional: words that several parameters of this file draw from
    rooms = ["kitchen", "bedroom", "hallway"]

    [[function]]
    name = "dim_lights"
    description = "Set the brightness of the lamps in a room."
    other_names = ["light_level"]                 # optional, as are other_descriptions
    requests = [                                  # at least four; the last is for test, the one before it for val
        "(Dim|Set) the lamps in the {room} to {brightness} percent[ over {fade_seconds} seconds].",
    ]
    joint_requests = [                            # optional: pairs of a frame and the part for each call
        ["Please dim {each}.", "the lamps in the {room} to {brightness} percent"],
    ]

    [[function.parameter]]
    name = "brightness"
    description = "Brightness in percent, from 0 to 100."
    other_names = ["level"]                       # optional, at most two
    required = false                              # optional; true if left out
    integer = [5, 95]                             # the values: exactly one of the keys below
    step = 5                                      # an option of that key

Both limits are included. In brackets: the options, with their default.

    integer = [5, 95]            multiples of step from 5 (step = 1; spelled = false: true writes some as words)
    year = [1985, 2022]          an integer that is never written with a comma
    decimal = [15, 26]           a number (places = 1: digits after the point)
    percent = [2, 7]             0.02 to 0.07, written as "2%"
    numbers = [11, 99]           a list of integers (count = [3, 6]: its length)
    day = [2023, 2027]           a date of these years, "YYYY-MM-DD"
    clock = [7, 21]              a time from 7:00 to 21:45, "HH:MM"
    words = ["Rome", "Oslo"]     a string out of these; or the name of a list of this file or of lists.toml
    quoted = ["Dune", "Emma"]    the same, written in quotation marks
    one_of = ["raid0", "raid1"]  an enum (written.raid0 = "RAID 0": how requests write it; else "_" becomes a space)
    flag = ["with tax", "net"]   a boolean, and how requests write true and false
    several = [2, 4]             beside one of the keys above: a list of 2 to 4 different values of it
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from toolgym.tasks.grammar import all_slots, optional_slots

from . import values
from .function import Function, Parameter
from .values import Maker

T = TypeVar("T")
Lists = Mapping[str, list[str]]

FOLDER = Path(__file__).resolve().parent
_KINDS = ("integer", "year", "decimal", "percent", "numbers", "day", "clock", "words", "quoted", "one_of", "flag")
_OPTIONS = {"step": "integer", "spelled": "integer", "places": "decimal", "count": "numbers", "written": "one_of"}
"""Option -> the only kind that takes it."""
_SNAKE = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")


class _Parameter(msgspec.Struct, forbid_unknown_fields=True):
    """A ``[[function.parameter]]`` as it is written."""

    name: str
    description: str
    other_names: tuple[str, ...] = ()
    required: bool = True
    integer: tuple[int, int] | None = None
    year: tuple[int, int] | None = None
    decimal: tuple[float, float] | None = None
    percent: tuple[int, int] | None = None
    numbers: tuple[int, int] | None = None
    day: tuple[int, int] | None = None
    clock: tuple[int, int] | None = None
    words: str | list[str] | None = None
    quoted: str | list[str] | None = None
    one_of: list[str] | None = None
    flag: tuple[str, str] | None = None
    step: int | None = None
    spelled: bool | None = None
    places: int | None = None
    count: tuple[int, int] | None = None
    written: dict[str, str] | None = None
    several: tuple[int, int] | None = None


class _Function(msgspec.Struct, forbid_unknown_fields=True):
    """A ``[[function]]`` as it is written."""

    name: str
    description: str
    requests: tuple[str, ...]
    parameter: list[dict[str, Any]]
    joint_requests: tuple[tuple[str, str], ...] = ()
    other_names: tuple[str, ...] = ()
    other_descriptions: tuple[str, ...] = ()


class _Field(msgspec.Struct, forbid_unknown_fields=True):
    """A file as it is written."""

    function: list[dict[str, Any]]
    lists: dict[str, list[str]] = {}


def read_catalogue(fields: Iterable[str], folder: Path = FOLDER) -> dict[str, tuple[Function, ...]]:
    """Field -> its functions, in the order of ``fields`` and of each file. Raises ValueError for a mistake in them."""
    path = folder / "lists.toml"
    shared = _converted(_toml(path), dict[str, list[str]], path.name)
    catalogue = {field: _field(folder / "fields" / f"{field}.toml", shared) for field in fields}
    owner: dict[str, str] = {}
    for field, functions in catalogue.items():
        for function in functions:
            where = f"fields/{field}.toml: function {function.name!r}"
            for name in (function.name, *function.other_names):
                if name in owner:
                    raise ValueError(f"{where}: the name {name!r} is taken by {owner[name]}")
                owner[name] = where
    return catalogue


def _field(path: Path, shared: Lists) -> tuple[Function, ...]:
    where = f"fields/{path.name}"
    field = _converted(_toml(path), _Field, where)
    lists = {**shared, **field.lists}
    return tuple([_function(raw, lists, _named(f"{where}: function", raw, i)) for i, raw in enumerate(field.function)])


def _function(raw: dict[str, Any], lists: Lists, where: str) -> Function:
    entry = _converted(raw, _Function, where)
    parameters = tuple(
        [_parameter(p, lists, _named(f"{where}: parameter", p, i)) for i, p in enumerate(entry.parameter)]
    )
    function = Function(
        name=entry.name,
        description=entry.description,
        parameters=parameters,
        requests=entry.requests,
        joint_requests=entry.joint_requests,
        other_names=entry.other_names,
        other_descriptions=entry.other_descriptions,
    )
    _check_names(function, where)
    _check_requests(function, where)
    return function


def _parameter(raw: dict[str, Any], lists: Lists, where: str) -> Parameter:
    entry = _converted(raw, _Parameter, where)
    if not entry.description:
        raise ValueError(f"{where}: the description is empty")
    kinds = [kind for kind in _KINDS if kind in raw]
    if len(kinds) != 1:
        raise ValueError(f"{where}: it needs one of {', '.join(_KINDS)}; it has {', '.join(kinds) or 'none'}")
    (kind,) = kinds
    for option, owner in _OPTIONS.items():
        if option in raw and owner != kind:
            raise ValueError(f"{where}: {option} belongs to {owner}, not to {kind}")
    try:
        maker = _maker(kind, entry, lists)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return Parameter(entry.name, maker, entry.description, entry.required, entry.other_names)


def _maker(kind: str, entry: _Parameter, lists: Lists) -> Maker:
    """The maker of a parameter's values. Raises ValueError for a bad range, list or option."""
    given = getattr(entry, kind)
    options = {name: value for name in _OPTIONS if (value := getattr(entry, name)) is not None}
    if kind in ("words", "quoted"):
        arguments: tuple[Any, ...] = (_pool(kind, given, lists),)
    elif kind == "one_of":
        _check_list(kind, given)
        unknown = [value for value in options.get("written", ()) if value not in given]
        if unknown:
            raise ValueError(f"written.{unknown[0]} is not a value of one_of: {', '.join(given)}")
        arguments = (given,)
    else:
        arguments = given
        if kind != "flag":
            _check_limits(kind, given)
    if "count" in options:
        _check_limits("count", options["count"], 1)
        options["least"], options["most"] = options.pop("count")
    if options.get("step", 1) < 1 or options.get("places", 1) < 0:
        raise ValueError("step must be at least 1, and places at least 0")
    maker: Maker = getattr(values, kind)(*arguments, **options)
    if entry.several is None:
        return maker
    _check_limits("several", entry.several, 1)
    return values.several(maker, *entry.several)


def _pool(kind: str, given: str | list[str], lists: Lists) -> list[str]:
    """The words that are given, or the list that is named."""
    if isinstance(given, str):
        if given not in lists:
            raise ValueError(f"{kind} names the list {given!r}; there are {', '.join(lists)}")
        given = lists[given]
    _check_list(kind, given)
    return given


def _check_list(kind: str, given: list[str]) -> None:
    if not all(given):
        raise ValueError(f"{kind} has an empty text")
    if not given:
        raise ValueError(f"{kind} is empty")
    if len(set(given)) < len(given):
        twice = next(word for i, word in enumerate(given) if word in given[:i])
        raise ValueError(f"{kind} has {twice!r} twice")


def _check_limits(key: str, limits: tuple[float, float], least: float | None = None) -> None:
    """The limits are in order, not below ``least``, and hours of a day for a clock."""
    low, high = limits
    if low > high or (least is not None and low < least) or (key == "clock" and not 0 <= low <= high <= 23):
        raise ValueError(f"{key} = [{low}, {high}] is not a range from low to high")


def _check_names(function: Function, where: str) -> None:
    """Names are in snake case, and no two parameters of a task have the same name (see look.dressed)."""
    names = [(p.name, *p.other_names) for p in function.parameters]
    for name in chain((function.name, *function.other_names), *names):
        if not _SNAKE.fullmatch(name):
            raise ValueError(f"{where}: the name {name!r} is not in snake case, such as 'start_time'")
    for p in function.parameters:
        if len(p.other_names) > 2:
            raise ValueError(f"{where}: parameter {p.name!r} has more than two other names")
    for choice in range(3):
        shown = [each[choice % len(each)] for each in names]
        for i, name in enumerate(shown):
            if name in shown[:i]:
                raise ValueError(f"{where}: two parameters may be called {name!r} in the same task")


def _check_requests(function: Function, where: str) -> None:
    """Each template mentions the required parameters outside brackets and nothing that is not a parameter."""
    if len(function.requests) < 4:
        raise ValueError(f"{where}: it needs at least four requests, and has {len(function.requests)}")
    required = {p.name for p in function.parameters if p.required}
    if not required:
        raise ValueError(f"{where}: it needs a required parameter")
    optional = {p.name for p in function.parameters} - required
    mentioned: set[str] = set()
    for template in chain(function.requests, [part for _, part in function.joint_requests]):
        slots, bracketed = _slots(template, where)
        if unknown := slots - required - optional:
            raise ValueError(f"{where}: {min(unknown)!r} is not a parameter: {template!r}")
        if missing := required - slots:
            raise ValueError(f"{where}: a request must mention {min(missing)!r}, which is required: {template!r}")
        if wrong := bracketed & required:
            raise ValueError(f"{where}: {min(wrong)!r} is required and must stand outside [...]: {template!r}")
        if wrong := slots - bracketed - required:
            raise ValueError(f"{where}: {min(wrong)!r} is optional and must stand inside [...]: {template!r}")
        mentioned |= slots
    if missing := optional - mentioned:
        raise ValueError(f"{where}: no request mentions the parameter {min(missing)!r}")
    for frame, _ in function.joint_requests:
        if _slots(frame, where) != (frozenset({"each"}), frozenset()):
            raise ValueError(f"{where}: the frame of a joint request has the slot {{each}} and no other: {frame!r}")


def _slots(template: str, where: str) -> tuple[frozenset[str], frozenset[str]]:
    """All slots of a template, and the slots inside [...]."""
    try:
        return all_slots(template), optional_slots(template)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{where}: {error} in {template!r}") from None


def _named(what: str, raw: Mapping[str, Any], position: int) -> str:
    """An entry in error texts: by its name, or by its place in the file if it has no name."""
    name = raw.get("name")
    return f"{what} {name!r}" if isinstance(name, str) else f"{what} number {position + 1}"


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None


def _converted(raw: Any, kind: type[T], where: str) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}: {error}") from None
