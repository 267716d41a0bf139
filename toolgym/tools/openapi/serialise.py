"""Parameters as OpenAPI writes them into a path, a query, a header or a cookie: the styles of its "Style Values"."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

_RESERVED = ":/?[]@!$'()*,;"
"""The reserved characters of RFC 3986 that may stand in the value of a query: # ends it, and & = + have a meaning."""


def scalar(value: Any) -> str:
    """A value as text: a text unchanged, any other as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def in_path(name: str, value: Any, style: str = "simple", explode: bool = False) -> str:
    """The part of a path for a parameter; ``style`` is simple, label or matrix."""

    def written(each: Any) -> str:
        return quote(scalar(each), safe="")

    def pairs(between: str, equals: str) -> str:
        return between.join(f"{written(key)}{equals}{written(item)}" for key, item in value.items())

    if style == "label":
        if isinstance(value, Mapping):
            return "." + (pairs(".", "=") if explode else pairs(",", ","))
        return "." + ("." if explode else ",").join(map(written, _several(value)))
    if style == "matrix":
        head = f";{quote(name, safe='')}="
        if isinstance(value, Mapping):
            return ";" + pairs(";", "=") if explode else head + pairs(",", ",")
        if isinstance(value, (list, tuple)) and explode:
            return "".join(head + written(each) for each in value)
        return head + ",".join(map(written, _several(value)))
    if isinstance(value, Mapping):
        return pairs(",", "=" if explode else ",")
    return ",".join(map(written, _several(value)))


def in_header(value: Any, explode: bool = False) -> str:
    """The value of a header, style simple."""
    if isinstance(value, Mapping):
        return ",".join(f"{key}{'=' if explode else ','}{scalar(item)}" for key, item in value.items())
    return ",".join(map(scalar, _several(value)))


def in_query(
    name: str, value: Any, style: str = "form", explode: bool | None = None, reserved: bool = False
) -> Iterator[str]:
    """The parts of a query, or of a form, for a parameter: "name=value", percent-encoded.

    ``style`` is form, spaceDelimited, pipeDelimited or deepObject. null is left out.
    """
    safe = _RESERVED if reserved else ""

    def written(each: Any) -> str:
        return quote(scalar(each), safe=safe)

    head = quote(name, safe="")
    explode = style in ("form", "deepObject") if explode is None else explode
    if value is None:
        return
    if style == "deepObject" and isinstance(value, Mapping):
        for path, item in _leaves("", value):
            yield f"{head}{quote(path, safe='[]')}={written(item)}"
    elif isinstance(value, Mapping):
        if explode:
            for key, item in value.items():
                if item is not None:
                    yield f"{quote(str(key), safe='')}={written(item)}"
        else:
            flat = [part for pair in value.items() for part in pair]
            yield f"{head}={_between(style).join(map(written, flat))}"
    elif isinstance(value, (list, tuple)):
        if explode:
            for item in value:
                yield f"{head}={written(item)}"
        else:
            yield f"{head}={_between(style).join(map(written, value))}"
    else:
        yield f"{head}={written(value)}"


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The scalars of a value with their paths, such as "[a][b]"; the items of a list have the same path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(f"{path}[{key}]", item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(path, item)
    elif value is not None:
        yield path, value


def _between(style: str) -> str:
    return {"spaceDelimited": "%20", "pipeDelimited": "%7C"}.get(style, ",")


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
