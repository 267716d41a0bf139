"""Finds JSON calls that stand beside other text: after words, in a code fence, in another model's tags.

An object is a call if it has a "name" or "function", and "parameters" or "arguments" (or is wrapped as in OpenAI's
API), and if it stands at the beginning or at the end of a line. So is a list of such objects, and a string that holds
such JSON. Fences, tags and list marks may stand around it on its line, but no words on both sides: a call inside a
sentence is a mention. An object that begins a line, begins like a call and is not JSON is a malformed call. Calls in
the special tokens of other models are read too (foreign.py).
"""

from __future__ import annotations

import json
import re
from typing import Any

from toolgym.dialects.json.calls import (
    MAX_CALLS,
    MAX_DEPTH,
    decode_json,
    malformed,
    read_call,
    spread,
    too_many,
    unwrapped,
)
from toolgym.dialects.think import CLOSE, OPEN, split_think
from toolgym.types import ToolCall

STRAY = "there is text beside the calls"
"""The layout problem of a text whose calls were found by ``stray_calls``."""

_KEYS = ("parameters", "arguments")
_NAMES = ("name", "function")
_scan = json.JSONDecoder().raw_decode
_CANDIDATE = re.compile(r"""(?:\[\s{0,99}){0,2}\{\s{0,99}["']|(?<!\\)"\s{0,9}[\[\s]{0,9}\{(?:\s|\\[nrt]){0,99}\\\"""")
_STRING = re.compile(r'"[^"\\\n\r]*+(?:\\.[^"\\\n\r]*+)*+"')
_LIKE_A_CALL = re.compile(r"\{\s{0,99}([\"'])(?:name|function|type|id|parameters|arguments)\1")
_BEGINS = re.compile(r'\{\s{0,99}"(?:name|parameters|arguments|function|function_call|type)"')
_LATER = re.compile(
    r'\{\s{0,99}(?:"[^"\\\n]{0,99}"\s{0,9}:\s{0,9}(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\w.+-]++)\s{0,9},\s{0,99}){1,9}"(?:name|function)"'
)
"""A name after other plain members: ``{"thought": "..", "name"``."""
_KEY = re.compile(r"[\"'](?:parameters|arguments)[\"']")
_HINT = re.compile(r"[\"'](?:name|parameters|arguments|function|function_call|type)\\?[\"']")
_RUN = re.compile(r'(?:[\s,:\w.+-]++|"[^"\\\n\r]*+(?:\\.[^"\\\n\r]*+)*+")*+')
"""The JSON between two brackets: strings, numbers, literals, commas, colons and white space."""
_GAP = re.compile(r"[\s,;]*+")
_MARKS_BEFORE = re.compile(
    r"(?:[\s*_>#|:,;\[\](){}-]|[`~]{1,9}\w{0,20}|\d{1,3}[.)]|</?[^<>\n]{1,60}>|\[/?[A-Z_]{1,20}\])*+"
)
_MARKS_AFTER = re.compile(r"(?:[\s`~*_,;|\])}]|</?[^<>\n]{1,60}>|\[/?[A-Z_]{1,20}\])*+")
_WORK = 4
"""Characters that may be looked at for each character of the text; hostile nesting would take quadratic time."""


def extent(text: str, start: int, end: int) -> tuple[int, bool, int]:
    """The end of the JSON object or list that begins at ``start``, by its brackets and strings alone.

    Returns the end, whether the value is closed there, and its depth. If it is not closed, the end is the first
    character that JSON cannot have at this place, or ``end``.
    """
    depth, deepest, at = 0, 0, start
    while at < end:
        if text[at] in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif text[at] in "}]":
            depth -= 1
            if not depth:
                return at + 1, True, deepest
        else:
            return at, False, deepest
        found = _RUN.match(text, at + 1, end)
        at = found.end() if found else end
    return end, False, deepest


def stray_calls(text: str, start: int, end: int, key: str) -> list[ToolCall]:
    """The calls in ``text[start:end]`` by the rule of this module, in order. Takes linear time; never raises.

    ``key`` names the arguments: "parameters" or "arguments"; both are read.
    """
    from toolgym.dialects.json.foreign import foreign_calls  # its patterns take a while to compile

    found = _Search(text, start, end, key).calls() if _HINT.search(text, start, end) else []
    foreign = foreign_calls(text, start, end, key, bare=not found)
    if not foreign or any(call.start < foreign[0].start < call.end for call in found):  # inside a string of a call
        return found
    return foreign


def split_thought(text: str, before: str, key: str) -> tuple[str | None, int, str | None]:
    """``split_think``, but a ``</think>`` inside a string of a call does not end a thought."""
    think, position, problem = split_think(text, before)
    if think is not None and problem is None and not text.lstrip().startswith(OPEN):
        tag = position - len(CLOSE)
        if around_tag(text, 0, tag, key):
            return None, 0, None
    return think, position, problem


def around_tag(text: str, start: int, tag: int, key: str) -> list[ToolCall]:
    """The stray calls from ``start`` on, if the tag at ``tag`` stands in a string of one of them; else none."""
    if tag < 0 or text.find("{", start, tag) < 0:
        return []
    calls = stray_calls(text, start, len(text), key)
    return calls if any(call.error is None and call.start < tag < call.end for call in calls) else []


class _Search:
    """One search. A run is one or several calls with nothing but separators between them."""

    def __init__(self, text: str, start: int, end: int, key: str):
        self.text, self.start, self.end, self.key = text, start, end, key
        self.found: list[ToolCall] = []
        self.run: list[ToolCall] = []
        self.begins = False  # whether the run begins its line
        self.last = start  # the end of the last call, accepted or not
        self.left = _WORK * (end - start) + 10_000

    def calls(self) -> list[ToolCall]:
        text, end, at = self.text, self.end, self.start
        while found := _CANDIDATE.search(text, at, end):
            at = found.start()
            stop, closed, depth = extent(text, at, end) if text[at] != '"' else self._string(at)
            self.left -= self._line_end(stop) - at
            if self.left < 0:
                self._finish(end)
                self.found.append(malformed(text[at:end], "too much here is nested or not closed", at))
                break
            calls, after = self._read(at, stop, closed, depth)
            if calls:
                self._add(calls, at, after)
            at = after
            if len(self.found) + len(self.run) > MAX_CALLS:
                break
        self._finish(end)
        if len(self.found) > MAX_CALLS:
            self.found[MAX_CALLS:] = [too_many(self.found[MAX_CALLS].start, end)]
        return self.found

    def _string(self, at: int) -> tuple[int, bool, int]:
        """As ``extent``, for a string that holds JSON."""
        found = _STRING.match(self.text, at, self.end)
        return (self._line_end(at), False, 0) if found is None else (found.end(), True, 0)

    def _read(self, at: int, stop: int, closed: bool, depth: int) -> tuple[list[ToolCall], int]:
        """The calls of the candidate at ``at``, and the position from which to search on."""
        text, error = self.text, "not JSON"
        if closed and depth <= MAX_DEPTH:
            try:
                value, to = _scan(text, at)
            except (ValueError, RecursionError) as problem:
                error = f"not JSON: {problem}"
            else:
                if isinstance(value, dict) and _is_call(value.get("tool_calls")):  # a message of OpenAI's API
                    return [read_call(item, self.key, at, to) for item in value["tool_calls"]], to
                inner = _inside(value) if isinstance(value, str) else value
                return (list(spread(value, text, at, to, 0, self.key)) if _is_call(inner) else []), to
        elif closed:
            error = f"its arguments are nested more than {MAX_DEPTH} levels deep"
        if text[at] in '["':
            return [], at + 1  # its objects may be calls
        stop = stop if closed else self._line_end(stop)
        if self._begins_line(at) and self._like_a_call(at, stop, cut=not closed and self._over(stop)):
            return [malformed(text[at:stop], error, at)], stop
        return [], at + 1

    def _over(self, stop: int) -> bool:
        """Whether nothing but marks stands behind ``stop``."""
        return _MARKS_AFTER.fullmatch(self.text, stop, self.end) is not None

    def _like_a_call(self, at: int, stop: int, *, cut: bool) -> bool:
        """Whether text that is not JSON is meant as a call. ``cut``: the text ends in it."""
        text = self.text
        if _BEGINS.match(text, at, stop):
            return True
        whole = cut or _KEY.search(text, at, stop) is not None
        return whole and bool(_LIKE_A_CALL.match(text, at, stop) or _LATER.match(text, at, stop))

    def _add(self, calls: list[ToolCall], at: int, after: int) -> None:
        gap = _GAP.match(self.text, self.last, at)
        if not self.run or gap is None or gap.end() < at:
            begins = self._begins_line(at)
            self._finish(at)
            self.begins = begins
        self.run += calls
        self.last = after

    def _finish(self, until: int) -> None:
        """Accept the run or drop it. ``until``: the position of the next call, or the end."""
        if self.run:
            stop = self._line_end(self.last, until)
            marks = _MARKS_AFTER.match(self.text, self.last, stop)
            ends = (stop < until or until == self.end) and marks is not None and marks.end() == stop
            if self.begins or ends:
                self.found += self.run
        self.run = []

    def _begins_line(self, at: int) -> bool:
        line = max(self.text.rfind("\n", self.last, at), self.text.rfind("\r", self.last, at)) + 1
        if not line:
            if self.last > self.start:
                return False  # words stand between the last call and this one
            line = self.start
        marks = _MARKS_BEFORE.match(self.text, line, at)
        return marks is not None and marks.end() == at

    def _line_end(self, at: int, until: int | None = None) -> int:
        until = self.end if until is None else until
        found = self.text.find("\n", at, until)
        return until if found < 0 else found


def _inside(value: str) -> Any:
    """The JSON that a string holds; None if it holds none."""
    try:
        return decode_json(value)
    except ValueError:
        return None


def _is_call(value: Any) -> bool:
    """Whether a JSON value is a call, or a list with a call in it; the call may be malformed."""
    if isinstance(value, list):
        return any(isinstance(item, dict) and _is_call(item) for item in value)
    if not isinstance(value, dict):
        return False
    value = unwrapped(value)
    return any(key in value for key in _NAMES) and any(key in value for key in _KEYS)
