"""Reads the body of a server's error: its objects, codes and messages, in the shapes of many servers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from toolgym.web import Response

CODES = ("code", "type", "error_type", "errorCode", "status", "reason")
"""Fields with the code of an error."""
MESSAGES = ("message", "msg", "detail", "error", "error_msg", "errorMessage")
"""Fields with its message."""
_DEPTH = 6
_ECHOES = {"failed_generation", "flagged_input", "input", "ctx", "raw"}
"""Fields that repeat what was sent."""


class ServerError(msgspec.Struct, frozen=True):
    """What the body of an error says."""

    codes: tuple[str, ...]
    """Codes and types, in lower case."""
    message: str
    """Each message on a line."""
    status: int | None
    """The status of the server behind a gateway, if the body gives one."""


def read_error_body(response: Response, found: Any) -> ServerError:
    """The codes and messages of an error. ``found`` is the decoded body; a body that is not JSON is a message itself.

    Nothing else of the body is read: servers repeat requests and settings there.
    """
    codes: list[str] = []
    messages: list[str] = []
    statuses: list[int] = []
    for part in _parts(found):
        for name in CODES:
            value = part.get(name)
            if isinstance(value, str):
                codes.append(value[:200].lower())
            number = int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else 0
            if 400 <= number < 600:
                statuses.append(number)
        messages += [part[name][:4000] for name in MESSAGES if isinstance(part.get(name), str)]
    if found is None and not re.match(r"\s*<", response.text[:100]):
        messages.append(response.text[:4000])
    said = "\n".join(dict.fromkeys(each.strip() for each in messages))
    return ServerError(tuple(codes), said, statuses[0] if statuses else None)


def words_of(error: Any) -> str:
    """The texts of an error response (messages, codes, parameters), at most 4000 characters, without echoed input."""
    words = []
    for found in objects(error):
        for key, value in found.items():
            if isinstance(value, (str, int)) and key not in _ECHOES:
                words.append(str(value)[:2000])
            elif key == "loc" and isinstance(value, list):
                words.append(".".join(map(str, value))[:200])
    return "\n".join(words)[:4000]


def objects(error: Any, depth: int = _DEPTH) -> Iterator[dict[str, Any]]:
    """The objects inside an error, from outside in. A gateway's ``raw`` is the error of the server behind it."""
    if isinstance(error, str) and depth == _DEPTH:
        yield {"message": error}
    elif isinstance(error, list) and depth:
        for item in error[:20]:
            yield from objects(item, depth - 1)
    elif isinstance(error, dict) and depth:
        yield error
        for key, value in error.items():
            if key == "raw" and isinstance(value, str):
                try:
                    value = json.loads(value)
                except (ValueError, RecursionError):
                    yield {"message": value}
            if key not in _ECHOES or key == "raw":
                yield from objects(value, depth - 1)


def _parts(found: Any, depth: int = 4) -> Iterator[Mapping[str, Any]]:
    """The objects of an error that have codes and messages, from outside in."""
    if isinstance(found, list) and depth:
        for each in found[:10]:
            yield from _parts(each, depth - 1)
    elif isinstance(found, dict) and depth:
        yield found
        raw = found["metadata"].get("raw") if isinstance(found.get("metadata"), dict) else None
        if isinstance(raw, str):  # what the server behind a gateway said
            try:
                raw = json.loads(raw)
            except (ValueError, RecursionError):
                raw = {"message": raw}
        for inner in (found.get("error"), found.get("detail"), found.get("errors"), found.get("innererror"), raw):
            if isinstance(inner, (dict, list)):
                yield from _parts(inner, depth - 1)
