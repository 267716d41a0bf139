"""Fills in the arguments of a tool from the words of a request, by rules that never see the expected answer.

Each value in the request is given to at most one parameter. A (parameter, value) pair earns points for a matching
type and kind (an e-mail address for ``recipient``), and for words of the parameter near the value in the request
("base 10" for ``base``). A value in another order than its parameter loses points. Pairs are assigned greedily, best
first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec

from toolgym.wrappers.discrete.values import LONGEST, Value, find_values
from toolgym.wrappers.discrete.words import STOP, stem, words

HINTS = {
    "email": "email address recipient to guest invitee attendee participant",
    "url": "url link website site",
    "id": "id code key identifier event booking trip order ticket task mail file message claim expense number",
    "file": "file filename path document",
    "date": "date day due deadline when until yyyy",
    "time": "time start hour begin hh",
    "minutes": "duration minute length long hour",
    "percent": "rate percent percentage interest discount tax probability ratio",
    "number": "amount price cost total sum quantity count number year age size",
    "quoted": "title label subject text message body query content note comment reason",
    "name": "name person who owner contact city location place country team user company artist author",
}
"""Kind of value -> words in the name or description of a parameter that suggest it."""
_HINTS = {kind: frozenset(stem(word) for word in said.split()) for kind, said in HINTS.items()}
_STRICT = ("email", "url", "date", "time")
"""A string parameter whose name suggests one of these kinds loses points for all kinds that it does not suggest."""
_BASE = {"quoted": 1.0, "name": 0.8, "id": 0.8, "file": 0.7, "email": 0.5, "url": 0.5, "date": 0.4, "time": 0.4,
         "minutes": 0.2, "percent": 0.1, "number": 0.3, "count": 0.05, "first": 0.25, "phrase": 0.2}  # fmt: skip
_NUMERIC = {"number": 1.0, "percent": 0.8, "minutes": 0.7, "count": 0.4}
_WORTH = 0.75
"""Points above the base points of its kind that a value needs to fill an optional parameter."""
_ORDER = 0.1
"""Points lost for each rank out of order, at most 4 ranks."""
_DEEPEST = 4
_CURRENCIES = {"$": " usd", "€": " eur", "£": " gbp"}
_FORMATS = {"mm/dd/yyyy": "%m/%d/%Y", "dd/mm/yyyy": "%d/%m/%Y", "mm-dd-yyyy": "%m-%d-%Y", "dd-mm-yyyy": "%d-%m-%Y"}
_WORD = re.compile(r"[^\W_]+")


class Request(msgspec.Struct, frozen=True):
    """A request, parsed once for all tools."""

    text: str
    values: list[Value]
    places: dict[str, list[int]]
    """Stem of a word -> its positions in characters."""
    plain: str
    """The words in lower case with single spaces, to search for the choices of an enum."""


class Filling(msgspec.Struct, frozen=True):
    """Arguments, and how well they were found."""

    arguments: dict[str, Any]
    required: int
    """The number of required parameters."""
    found: int
    """The number of required parameters with a value from the request, not a default or a guess."""
    used: int
    """The number of values of the request that were used."""
    points: float
    """The mean points of the pairs."""


class _Pair(msgspec.Struct, frozen=True):
    score: float
    base: float
    """The points for the type alone."""
    parameter: int
    value: int


class _Meaning(msgspec.Struct, frozen=True):
    """The kinds of values that the words of a parameter suggest."""

    said: frozenset[str]
    """The stems of the name."""
    about: frozenset[str]
    """The stems of the name and the description."""
    text: dict[str, float]
    """Kind of value -> points, for a string parameter."""
    number: dict[str, float]
    """Kind of value -> points, for a number."""


class _Parameter(msgspec.Struct, frozen=True):
    name: str
    schema: Mapping[str, Any]
    kind: str
    """The JSON type."""
    meaning: _Meaning
    required: bool


class _How(msgspec.Struct, frozen=True):
    """One way to fill in the arguments."""

    optional: bool
    """Whether to fill in optional parameters too."""
    fraction: bool
    """Whether "5 %" is 0.05 for a number parameter; else 5."""
    forward: bool
    """Whether the first value goes to the first parameter; else to the last parameter."""


_WAYS = (_How(True, True, True), _How(False, False, True), _How(True, True, False))


def read_request(text: str, today: date | None = None) -> Request:
    """Find the values and words of a request. Accepts any text; takes linear time."""
    text = text[-LONGEST:]
    places: dict[str, list[int]] = {}
    for match in _WORD.finditer(text):
        places.setdefault(stem(match[0].lower()), []).append(match.start())
    signs = "".join(code for sign, code in _CURRENCIES.items() if sign in text)
    return Request(text, find_values(text, today), places, f" {' '.join(words(text))}{signs} ")


def fill(parameters: Mapping[str, Any], request: Request, count: int = 2) -> list[Filling]:
    """Up to ``count`` different fillings for a tool's ``parameters`` (a JSON Schema), the most natural first.

    The ways, in order: (1) required parameters, and the optional parameters that the request mentions; "5 %" is 0.05
    unless the parameter is a percentage; (2) only required parameters; "5 %" is 5; (3) as (1), with the values in
    reverse order.
    """
    found: list[Filling] = []
    for how in _WAYS:
        filling = _fill(parameters, request, how, 0)
        if all(filling.arguments != other.arguments for other in found):
            found.append(filling)
        if len(found) == count:
            break
    return found


def _fill(schema: Mapping[str, Any], request: Request, how: _How, depth: int) -> Filling:
    properties: Mapping[str, Any] = schema.get("properties", {})
    required = frozenset(schema.get("required", ()))
    parameters = [_parameter(name, inner, name in required) for name, inner in properties.items()]
    given: dict[str, Any] = {}
    used: set[int] = set()
    points = []
    for pair in _pairs(parameters, request, how.forward):  # best first
        parameter, value = parameters[pair.parameter], request.values[pair.value]
        if parameter.name in given or pair.value in used:
            continue  # each parameter gets one value, each value goes to one parameter
        if parameter.required or (how.optional and pair.score >= pair.base + _WORTH):
            given[parameter.name] = _as(parameter.schema, parameter.meaning.about, value, how.fraction)
            used.add(pair.value)
            points.append(pair.score)
    for parameter in parameters:
        if not (parameter.required or how.optional):
            continue
        if "enum" in parameter.schema or parameter.kind == "boolean":  # _pairs leaves these and arrays out
            chosen = _chosen(parameter, request)
            if chosen is not None:
                given[parameter.name] = chosen
                points.append(1.5)
        elif parameter.kind == "array":  # takes all values of one kind, also values that are already used
            inner = parameter.schema.get("items", {})
            inner = inner if isinstance(inner, Mapping) else {}  # older drafts have a list here
            items = _items(parameter, inner, request)
            if items:
                about = parameter.meaning.about
                given[parameter.name] = [_as(inner, about, request.values[i], how.fraction) for i in items]
                used |= set(items)
                points.append(1.0)
    # counted here: below, the required parameters that are left get a default or a guess
    found = sum(parameter.required and parameter.name in given for parameter in parameters)
    for parameter in parameters:
        if parameter.required and parameter.name not in given:
            given[parameter.name] = _guess(parameter.schema, request, how, depth)  # so that the call is valid
    ordered = {parameter.name: given[parameter.name] for parameter in parameters if parameter.name in given}
    mean = sum(points) / len(points) if points else 0.0
    return Filling(ordered, sum(parameter.required for parameter in parameters), found, len(used), mean)


def _parameter(name: str, schema: Mapping[str, Any], required: bool) -> _Parameter:
    meaning = _meaning(name, str(schema.get("description", ""))[:1000])
    return _Parameter(name, schema, _kind(schema), meaning, required)


@lru_cache(maxsize=10_000)
def _meaning(name: str, description: str) -> _Meaning:
    said = frozenset(stem(word) for word in words(name))
    about = said | frozenset(stem(word) for word in words(description) if word not in STOP)
    points = {kind: 1.0 if hints & said else 0.6 if hints & about else 0.0 for kind, hints in _HINTS.items()}
    points |= {kind: 0.0 for kind in _BASE if kind not in points}
    # a name that asks for an e-mail address, say, makes all other kinds of value unlikely
    strict = 0.8 if any(_HINTS[kind] & said for kind in _STRICT) else 0.0
    text = {kind: each if each else -strict for kind, each in points.items()}
    return _Meaning(said, about - STOP, text, points)


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, (list, tuple)):
        kind = next((each for each in kind if each != "null"), None)
    return kind if isinstance(kind, str) else "object" if "properties" in schema else "string"


def _base(kind: str, value: Value) -> float:
    """The points for the type alone; below 0 if the value does not have the type."""
    if kind == "string":
        return _BASE[value.kind]
    if kind == "integer" and not (isinstance(value.value, (int, float)) and value.value == int(value.value)):
        return -1.0
    return _NUMERIC.get(value.kind, -1.0) if kind in ("integer", "number") else -1.0


def _fit(kind: str, meaning: _Meaning, value: Value, places: Mapping[str, list[int]]) -> float:
    """The points for the kind that the parameter suggests, and for its nearest word in the request.

    A word of the name is worth at most 0.8, a word of the description 0.4. This halves every 25 characters, and
    three times as fast if the word follows the value.
    """
    best = 0.0
    for word in meaning.about:
        for place in places.get(word, ())[:20]:  # bounded: linear time for any text
            gap = value.start - place if place <= value.start else 3 * (place - value.end)
            best = max(best, (0.8 if word in meaning.said else 0.4) * 2.0 ** (-abs(gap) / 25))
    return best + (meaning.text if kind == "string" else meaning.number)[value.kind]


def _pairs(parameters: Sequence[_Parameter], request: Request, forward: bool) -> list[_Pair]:
    """All (parameter, value) pairs of a matching type, best first."""
    pairs = []
    places: Mapping[str, list[int]] = request.places if forward else {}  # in reverse, only the order counts
    # rank among the items of the same type: the second number should go to the second number parameter
    slots = _ranks([parameter.kind for parameter in parameters], True)
    ranks = _ranks([value.kind for value in request.values], forward)
    for i, parameter in enumerate(parameters):
        if "enum" in parameter.schema or parameter.kind not in ("string", "integer", "number"):
            continue
        for j, value in enumerate(request.values):
            base = _base(parameter.kind, value)
            if base >= 0:
                score = base + _fit(parameter.kind, parameter.meaning, value, places)
                pairs.append(_Pair(score - _ORDER * min(4, abs(slots[i] - ranks[j])), base, i, j))
    return sorted(pairs, key=lambda pair: (-pair.score, pair.parameter, pair.value))


def _ranks(kinds: Sequence[str], forward: bool) -> list[int]:
    """For each item, the number of items of its kind before it (after it, if not ``forward``)."""
    seen: dict[str, int] = {}
    ranks = []
    for kind in kinds if forward else reversed(kinds):
        ranks.append(seen.get(kind, 0))
        seen[kind] = ranks[-1] + 1
    return ranks if forward else ranks[::-1]


def _as(schema: Mapping[str, Any], about: frozenset[str], value: Value, fraction: bool) -> Any:
    """The value, converted to the type of the parameter."""
    kind, found = _kind(schema), value.value
    if kind in ("integer", "number"):
        if value.kind == "percent" and kind == "number" and fraction and "percentag" not in about:
            return round(found / 100, 10)
        if value.kind == "minutes" and "minut" not in about and {"hour", "hr"} & about:
            found = found / 60
        return int(found) if kind == "integer" or (isinstance(found, float) and found.is_integer()) else found
    if kind == "string":
        if value.kind == "date":
            return _dated(str(found), str(schema.get("description", "")).lower())
        return found if isinstance(found, str) else value.text
    return found


def _dated(day: str, description: str) -> str:
    """The day in the format that the description names; YYYY-MM-DD if it names none."""
    for shown, form in _FORMATS.items():
        if shown in description:
            try:
                return date.fromisoformat(day).strftime(form)
            except ValueError:
                return day
    return day


def _chosen(parameter: _Parameter, request: Request) -> Any:
    """The choice of the enum that the request mentions, or None. A boolean is True if all words of its name occur."""
    schema = parameter.schema
    if "enum" not in schema:
        meant = [word for word in parameter.meaning.said if word not in STOP]
        return True if meant and all(word in request.places for word in meant) else None
    choices = [choice for choice in schema["enum"] if isinstance(choice, str)]
    for choice in sorted(choices, key=len, reverse=True):  # "new york city" before "new york"
        inside = " ".join(words(choice))
        if inside and f" {inside} " in request.plain:
            return choice
    for choice in choices:
        if any(stem(word) in request.places for word in words(choice) if len(word) > 3):
            return choice
    numbers = [value.value for value in request.values if value.kind == "number"]
    return next((choice for choice in schema["enum"] if choice in numbers), None)


def _items(parameter: _Parameter, inner: Mapping[str, Any], request: Request) -> list[int]:
    """The indices of the values of one kind, the kind that fits the array best."""
    kind = _kind(inner)
    found: dict[str, list[int]] = {}
    scores: dict[str, float] = {}
    for i, value in enumerate(request.values):
        base = _base(kind, value)
        if base < 0 or "enum" in inner or value.kind == "phrase":
            continue
        fit = _fit(kind, parameter.meaning, value, request.places)
        if parameter.required or fit >= _WORTH:
            found.setdefault(value.kind, []).append(i)
            scores[value.kind] = max(scores.get(value.kind, 0.0), base + fit)
    return found[max(scores, key=lambda kind: scores[kind])] if scores else []


def _guess(schema: Mapping[str, Any], request: Request, how: _How, depth: int) -> Any:
    """A value for a required parameter that was not found: the default, the first choice, or a simple value."""
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    match _kind(schema):
        case "object" if schema.get("properties") and depth < _DEEPEST:
            return _fill(schema, request, how, depth + 1).arguments
        case "object":
            return {}
        case "array":
            return []
        case "boolean":
            return True
        case "integer" | "number":
            return 1
        case "null":
            return None
    words_left = [value for value in request.values if isinstance(value.value, str)]
    return words_left[0].value if words_left else request.text[:80]
