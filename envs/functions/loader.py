"""Reads the catalogue: ``fields/*.toml`` and ``lists.toml``. An error names the file, the function and the fault.

A field's file has one ``[[function]]`` per function, with a ``[[function.parameter]]`` for each parameter:

    prefixes = ["smart_home", "home_api"]         # optional: what may stand before the names: home_api.dim_lights

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
    spread = [                                    # optional: requests for several calls; {room+} lists their rooms
        "Dim the lamps in the {room+} to {brightness} percent.",
        "The lamps in the {room+} should go to {brightness+} percent respectively.",
    ]
    incomplete = [                                # optional, at least three: a required parameter is not mentioned
        "Please dim the lamps in the {room}.",
    ]
    alike = ["house.light_scene"]                 # optional: functions of any field that could do the same job

    [[function.parameter]]
    name = "brightness"
    description = "Brightness in percent, from 0 to 100."
    other_names = ["level"]                       # optional, at most two
    other_descriptions = ["0 is off."]            # optional
    required = false                              # optional; true if left out
    default = 50                                  # optional: shown in the schema
    integer = [5, 95]                             # the values: exactly one of the keys below
    step = 5                                      # an option of that key

Both limits are included. In brackets: the options, with their default.

    integer = [5, 95]            multiples of step from 5 (step = 1; spelled = false: true writes some as words)
    year = [1985, 2022]          an integer that is never written with a comma
    decimal = [15, 26]           a number (places = 1: digits after the point)
    percent = [2, 7]             0.02 to 0.07, written as "2%"
    numbers = [11, 99]           a list of integers (count = [3, 6]: its length)
    day = [2023, 2027]           a date of these years, "YYYY-MM-DD" (format = "MM/DD/YYYY": see values.DATE_FORMATS)
    clock = [7, 21]              a time from 7:00 to 21:45, "HH:MM"
    words = ["Rome", "Oslo"]     a string out of these; or the name of a list of this file or of lists.toml
                                 (written.JPY = "Japanese yen": how requests write it)
    quoted = ["Dune", "Emma"]    the same, written in quotation marks
    one_of = ["raid0", "raid1"]  an enum (written.raid0 = "RAID 0": how requests write it; else "_" becomes a space)
    flag = ["with tax", "net"]   a boolean, and how requests write true and false
    object = ["{width} by {height} cm"]     an object, written by one of these templates; optional members in [...]
                                 (member = [{name = "width", description = "Width in cm.", integer = [5, 90]}, ...]:
                                 parameters without other names)
    several = [2, 4]             beside one of the keys above: a list of 2 to 4 different values of it
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from toolgym.tasks.grammar import all_slots, optional_slots

from .function import Function
from .parameters import Lists, check_slots, converted, named, read_parameter

FOLDER = Path(__file__).resolve().parent
_SNAKE = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")


class _Function(msgspec.Struct, forbid_unknown_fields=True):
    """A ``[[function]]`` as it is written."""

    name: str
    description: str
    requests: tuple[str, ...]
    parameter: list[dict[str, Any]]
    joint_requests: tuple[tuple[str, str], ...] = ()
    spread: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    other_descriptions: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()


class _Field(msgspec.Struct, forbid_unknown_fields=True):
    """A file as it is written."""

    function: list[dict[str, Any]]
    lists: dict[str, list[str]] = {}
    prefixes: tuple[str, ...] = ()


def read_catalogue(fields: Iterable[str], folder: Path = FOLDER) -> dict[str, tuple[Function, ...]]:
    """Field -> its functions, in the order of ``fields`` and of each file. Raises ValueError for a mistake in them."""
    path = folder / "lists.toml"
    shared = converted(_toml(path), dict[str, list[str]], path.name)
    catalogue = {field: _field(folder / "fields" / f"{field}.toml", shared) for field in fields}
    owner: dict[str, str] = {}
    for field, functions in catalogue.items():
        for function in functions:
            where = f"fields/{field}.toml: function {function.name!r}"
            for name in (function.name, *function.other_names):
                if name in owner:
                    raise ValueError(f"{where}: the name {name!r} is taken by {owner[name]}")
                owner[name] = where
    _check_alike(catalogue, folder)
    return catalogue


def _field(path: Path, shared: Lists) -> tuple[Function, ...]:
    where = f"fields/{path.name}"
    field = converted(_toml(path), _Field, where)
    lists = {**shared, **field.lists}
    for prefix in field.prefixes:
        if not _SNAKE.fullmatch(prefix):
            raise ValueError(f"{where}: the prefix {prefix!r} is not in snake case, such as 'music_player'")
    return tuple(
        [
            _function(raw, lists, field.prefixes, named(f"{where}: function", raw, i))
            for i, raw in enumerate(field.function)
        ]
    )


def _function(raw: dict[str, Any], lists: Lists, prefixes: tuple[str, ...], where: str) -> Function:
    entry = converted(raw, _Function, where)
    parameters = tuple(
        [read_parameter(p, lists, named(f"{where}: parameter", p, i)) for i, p in enumerate(entry.parameter)]
    )
    function = Function(
        name=entry.name,
        description=entry.description,
        parameters=parameters,
        requests=entry.requests,
        joint_requests=entry.joint_requests,
        spread=entry.spread,
        incomplete=entry.incomplete,
        other_names=entry.other_names,
        other_descriptions=entry.other_descriptions,
        prefixes=prefixes,
        alike=entry.alike,
    )
    _check_names(function, where)
    _check_requests(function, where)
    return function


def _check_names(function: Function, where: str) -> None:
    """Names are in snake case, and no two parameters of a task have the same name (see look.dressed)."""
    names = [(p.name, *p.other_names) for p in function.parameters]
    for name in chain((function.name, *function.other_names), *names):
        if not _SNAKE.fullmatch(name):
            raise ValueError(f"{where}: the name {name!r} is not in snake case, such as 'start_time'")
    for p in function.parameters:
        for member in p.members:
            if not _SNAKE.fullmatch(member.name):
                raise ValueError(f"{where}: the name {member.name!r} is not in snake case, such as 'start_time'")
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
    try:
        for template in chain(function.requests, [part for _, part in function.joint_requests]):
            mentioned |= check_slots(template, required, optional)
        for template in function.spread:
            _check_spread(template, required, optional)
        for template in function.incomplete:
            if required <= _bare(template):
                raise ValueError(f"an incomplete request must lack a required parameter: {template!r}")
            check_slots(template, required & _bare(template), optional)
        for frame, _ in function.joint_requests:
            if _bare(frame) != {"each"} or optional_slots(frame):
                raise ValueError(f"the frame of a joint request has the slot {{each}} and no other: {frame!r}")
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if missing := optional - mentioned:
        raise ValueError(f"{where}: no request mentions the parameter {min(missing)!r}")
    if 0 < len(function.incomplete) < 3:
        raise ValueError(f"{where}: it needs at least three incomplete requests, or none")


def _check_spread(template: str, required: set[str], optional: set[str]) -> None:
    """A spread request lists at least one parameter, and writes each one either as a list or as one value."""
    slots = _bare(template)
    lists = {slot for slot in slots if slot.endswith("+")}
    if not lists:
        raise ValueError(f"a spread request has a slot such as {{city+}}: {template!r}")
    if twice := {slot for slot in lists if slot[:-1] in slots}:
        raise ValueError(f"{min(twice)!r} stands beside the slot without '+': {template!r}")
    shown = {slot.removesuffix("+"): slot for slot in slots}
    check_slots(template, {shown.get(name, name) for name in required}, {shown.get(name, name) for name in optional})


def _bare(template: str) -> frozenset[str]:
    try:
        return all_slots(template)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{error} in {template!r}") from None


def _check_alike(catalogue: Mapping[str, tuple[Function, ...]], folder: Path) -> None:
    """What is alike exists. A field that was not read only has to have a file."""
    for field, functions in catalogue.items():
        for function in functions:
            for name in function.alike:
                other, _, wanted = name.partition(".")
                if wanted not in [f.name for f in catalogue.get(other, ())] and (
                    other in catalogue or not (folder / "fields" / f"{other}.toml").exists()
                ):
                    raise ValueError(f"fields/{field}.toml: function {function.name!r}: alike: no function {name!r}")


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None
