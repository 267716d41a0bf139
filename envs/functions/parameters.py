"""Reads a ``[[function.parameter]]`` of the catalogue: its kind of values, their options, and the members of an object.

The format is in loader.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import msgspec

from toolgym.tasks.grammar import all_slots, optional_slots

from . import values
from .function import Parameter
from .values import Maker

T = TypeVar("T")
Lists = Mapping[str, list[str]]

KINDS = (
    "integer", "year", "decimal", "percent", "numbers", "day", "clock", "words", "quoted", "one_of", "flag", "object",
)  # fmt: skip
_OPTIONS = {
    "step": ("integer",),
    "spelled": ("integer",),
    "places": ("decimal",),
    "count": ("numbers",),
    "format": ("day",),
    "written": ("one_of", "words"),
    "member": ("object",),
}
"""Option -> the kinds that take it."""


class _Parameter(msgspec.Struct, forbid_unknown_fields=True):
    """A ``[[function.parameter]]`` as it is written."""

    name: str
    description: str
    other_names: tuple[str, ...] = ()
    other_descriptions: tuple[str, ...] = ()
    required: bool = True
    default: Any = msgspec.UNSET
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
    object: list[str] | None = None
    step: int | None = None
    spelled: bool | None = None
    places: int | None = None
    count: tuple[int, int] | None = None
    format: str | None = None
    written: dict[str, str] | None = None
    member: list[dict[str, Any]] | None = None
    several: tuple[int, int] | None = None


def read_parameter(raw: dict[str, Any], lists: Lists, where: str) -> Parameter:
    """The parameter as it is written in a file. Raises ValueError, which starts with ``where``, for a mistake in it."""
    entry = converted(raw, _Parameter, where)
    if not entry.description:
        raise ValueError(f"{where}: the description is empty")
    kinds = [kind for kind in KINDS if kind in raw]
    if len(kinds) != 1:
        raise ValueError(f"{where}: it needs one of {', '.join(KINDS)}; it has {', '.join(kinds) or 'none'}")
    (kind,) = kinds
    for option, owners in _OPTIONS.items():
        if option in raw and kind not in owners:
            raise ValueError(f"{where}: {option} belongs to {' and '.join(owners)}, not to {kind}")
    members = tuple(
        [read_parameter(m, lists, named(f"{where}: member", m, i)) for i, m in enumerate(entry.member or ())]
    )
    try:
        maker = _object(entry, members) if kind == "object" else _maker(kind, entry, lists)
        if entry.several is not None:
            _check_limits("several", entry.several, 1)
            maker = values.several(maker, *entry.several)
        if entry.default is not msgspec.UNSET:
            _check_default(entry, maker)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return Parameter(
        name=entry.name,
        maker=maker,
        description=entry.description,
        required=entry.required,
        other_names=entry.other_names,
        other_descriptions=entry.other_descriptions,
        default=entry.default,
        members=members,
    )


def _maker(kind: str, entry: _Parameter, lists: Lists) -> Maker:
    """The maker of a parameter's values. Raises ValueError for a bad range, list or option."""
    given = getattr(entry, kind)
    options = {name: value for name in _OPTIONS if (value := getattr(entry, name)) is not None}
    if kind in ("words", "quoted", "one_of"):
        pool = _pool(kind, given, lists)
        if unknown := [value for value in options.get("written", ()) if value not in pool]:
            raise ValueError(f"written.{unknown[0]} is not a value of {kind}: {', '.join(pool)}")
        arguments: tuple[Any, ...] = (pool,)
    else:
        arguments = given
        if kind != "flag":
            _check_limits(kind, given)
    if "count" in options:
        _check_limits("count", options["count"], 1)
        options["least"], options["most"] = options.pop("count")
    if options.get("step", 1) < 1 or options.get("places", 1) < 0:
        raise ValueError("step must be at least 1, and places at least 0")
    if kind == "day" and "format" in options:
        return _dated(given, entry.description, options["format"])
    maker: Maker = getattr(values, kind)(*arguments, **options)
    return maker


def _dated(years: tuple[int, int], description: str, form: str) -> Maker:
    if form not in values.DATE_FORMATS:
        raise ValueError(f"format is {form!r}; choose from {', '.join(values.DATE_FORMATS)}")
    if form not in description:
        raise ValueError(f"the description must name the format, {form}")
    return values.dated(*years, form)


def _object(entry: _Parameter, members: tuple[Parameter, ...]) -> Maker:
    """The maker of an object. Raises ValueError if a template does not fit the members."""
    if not members:
        raise ValueError("object needs at least one member")
    names = [m.name for m in members]
    if len(set(names)) < len(names) or any(m.members or m.other_names for m in members):
        raise ValueError("members have names of their own, no other names and no members")
    templates = entry.object or []
    if not templates:
        raise ValueError("object needs a template, such as '{width} by {height} cm'")
    required = {m.name for m in members if m.required}
    for template in templates:
        check_slots(template, required, set(names) - required)
    return values.record(
        {m.name: m.maker for m in members}, frozenset(m.name for m in members if not m.required), templates
    )


def check_slots(template: str, required: Collection[str], optional: Collection[str]) -> frozenset[str]:
    """The slots of a template. Required names stand outside [...], optional ones inside, one in each [...]."""
    try:
        slots, bracketed = all_slots(template), optional_slots(template)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{error} in {template!r}") from None
    required, optional = frozenset(required), frozenset(optional)
    if unknown := slots - required - optional:
        raise ValueError(f"{min(unknown)!r} is not a parameter: {template!r}")
    if missing := required - slots:
        raise ValueError(f"a request must mention {min(missing)!r}, which is required: {template!r}")
    if wrong := bracketed & required:
        raise ValueError(f"{min(wrong)!r} is required and must stand outside [...]: {template!r}")
    if wrong := slots - bracketed - required:
        raise ValueError(f"{min(wrong)!r} is optional and must stand inside [...]: {template!r}")
    return slots


def _check_default(entry: _Parameter, maker: Maker) -> None:
    """Only what is optional has a default, and the default obeys the schema."""
    if entry.required:
        raise ValueError("a required parameter has no default")
    kinds = {"integer": int, "number": (int, float), "string": str, "boolean": bool, "array": list, "object": dict}
    kind, values_ = maker.schema["type"], maker.schema.get("enum")
    right = isinstance(entry.default, kinds[kind]) and (kind == "boolean") == isinstance(entry.default, bool)  # type: ignore[arg-type]
    if not right or (values_ and entry.default not in values_):
        raise ValueError(f"the default {entry.default!r} does not obey the schema {maker.schema}")


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


def named(what: str, raw: Mapping[str, Any], position: int) -> str:
    """An entry in error texts: by its name, or by its place in the file if it has no name."""
    name = raw.get("name")
    return f"{what} {name!r}" if isinstance(name, str) else f"{what} number {position + 1}"


def converted(raw: Any, kind: type[T], where: str) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}: {error}") from None
