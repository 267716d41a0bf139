"""What servers refuse in a request, read from their errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from toolgym.dialects.assistant_message import REASONING_FIELDS

from .names import fits_as_property
from .roles import alternates
from .schema import properties_of


class Lesson(msgspec.Struct, frozen=True):
    """Something that a server may refuse."""

    told: str
    """How requests differ from the settings from then on."""
    words: tuple[re.Pattern[str], ...]
    """Each of them is in the error."""
    concerns: Callable[[Mapping[str, Any]], bool]
    """Whether a request has what is refused."""
    unlike: str = ""
    """The lesson that says the opposite, if any: only one of the two is learned."""
    unless: re.Pattern[str] | None = None
    """Words of an error that refuses a value, and not the field."""

    def says(self, error: str) -> bool:
        if self.unless is not None and self.unless.search(error):
            return False
        return all(words.search(error) for words in self.words)


def _has(field: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: field in body


def _ids(body: Mapping[str, Any]) -> list[str]:
    return [call["id"] for message in body["messages"] for call in message.get("tool_calls", ())]


def _thinks(message: Mapping[str, Any]) -> bool:
    """Whether a message has a field that only belongs to the thought, or parts that do."""
    calls = message.get("tool_calls", ())
    return (
        bool(REASONING_FIELDS & message.keys())
        or isinstance(message["content"], list)
        or any(call.keys() - _CALL for call in calls)
    )


_CALL = {"id", "type", "function"}


def _words(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in patterns)


_UNSUPPORTED = (
    "unsupported|not support|unrecogni[sz]ed|unknown|not permitted|extra_forbidden|not allowed|deprecated|unexpected"
)

_RANGE = (
    r"(at (most|least)|between|(less|greater|more|lower|higher|larger|smaller) than|below|above|range|maximum|minimum"
    r"|exceed|too (high|low|large|small|hot)|[<>]|\u2264|\u2265)"
)
"""Words of an error that refuses a value for its size."""

TEACHING = frozenset({200, 400, 404, 405, 415, 422, 501})
"""Statuses of errors that may be about a request's form; 200 if a gateway gives the error no status."""

LESSONS = {
    "max_tokens": Lesson(
        "max_tokens is sent as max_completion_tokens",
        _words(r"\bmax_tokens\b", f"{_UNSUPPORTED}|use .{{0,3}}max_completion_tokens"),
        _has("max_tokens"),
        unlike="max_completion_tokens",
    ),
    "max_completion_tokens": Lesson(
        "max_completion_tokens is sent as max_tokens",
        _words(r"\bmax_completion_tokens\b", _UNSUPPORTED),
        _has("max_completion_tokens"),
        unlike="max_tokens",
    ),
    "temperature": Lesson(
        "temperature is left out",
        _words(
            r"\btemperature\b",
            rf"{_UNSUPPORTED}|only (the )?(default|1(\.0)?\b)|cannot both|strictly positive"
            r"|(must|may|can) (only )?be (set to )?1(\.0)?(?!\w|\.\d|\W{1,3}(or|and|to|at|-))",
        ),
        _has("temperature"),
        unless=_words(rf"temperature[^\n]{{0,120}}{_RANGE}|{_RANGE}[^\n]{{0,120}}temperature")[0],
    ),
    "ids": Lesson(
        "ids of calls have 9 letters and digits",
        _words(
            r"tool[_ ]?(call|use)[\w .\[\]]*\bid|tool_(calls\[\d+\]|use)\.id|tool_(call|use)_id",
            "pattern|long|length|must be|invalid|should match",
        ),
        lambda body: any(not re.fullmatch("[a-zA-Z0-9]{9}", id) for id in _ids(body)),
    ),
    "system": Lesson(
        "system messages are sent as the user's words",
        _words(
            r"system.{0,3} (role|message|prompt)|role.{0,30}system",
            f"{_UNSUPPORTED}|must be|only|first|beginning",
        ),
        lambda body: any(message["role"] == "system" for message in body["messages"]),
    ),
    "roles": Lesson(
        "messages of one role in a row are sent as one",
        _words("alternat|unexpected role|after role|consecutive|first message (must|should)|same role"),
        lambda body: not alternates(body["messages"]),
    ),
    "tools": Lesson(
        "calls and results are sent as text",
        _words(
            r"role.{0,20}\btool\b|\btool.{0,3} (role|message)|only user,? (and )?assistant|alternat",
            f"{_UNSUPPORTED}|only|alternat|must be (one of|user|either)",
        ),
        lambda body: any(message["role"] == "tool" for message in body["messages"]),
    ),
    "reasoning": Lesson(
        "thoughts are not sent back",
        _words(
            rf"\b({'|'.join(REASONING_FIELDS)}|thinking)\b", f"{_UNSUPPORTED}|extra (inputs|fields?)|must not|remove"
        ),
        lambda body: any(_thinks(message) for message in body["messages"]),
    ),
    "content": Lesson(
        "calls without text have the content ''",
        _words(r"\bcontent\b", r"null|none\b|\bnil\b|valid string|must be (a )?string|(field )?required|missing"),
        lambda body: any(message["content"] is None for message in body["messages"]),
    ),
    "properties": Lesson(
        "characters outside of [a-zA-Z0-9_.-] in names of parameters are sent as _",
        _words("propert(y|ies)", "pattern|match|invalid|alphanumeric|characters"),
        lambda body: (
            not all(
                fits_as_property(name)
                for tool in body.get("tools", ())
                for name in properties_of(tool["function"].get("parameters"))
            )
        ),
    ),
}
"""By name: what the endpoint agent gives up where a server refuses it."""
