"""Calls in the four return formats of format_sensitivity, read as the official decoder reads them.

``locate`` finds the same calls as ``default_decode_ast_prompting`` of bfcl_eval 2026.3.23, with its quirks:

- First the text loses "`", line breaks and spaces at its ends, and gets "[" and "]" there if they are missing.
- Between tool-call tags, Python is not completed with brackets.
- JSON is cut out by patterns: a list of calls ends at the first "}" that "]" follows, also inside an argument. Text
  that is not JSON has no calls, which is not a failure. Elements that are not objects are passed over.
- XML is the text between the first <functions> and the next </functions>. A type that is not known leaves the value a
  string. In concise XML, space around a value is removed.

Nothing is executed. XML cannot define entities, because the document begins with <functions>. Time is linear in the
text: the official patterns for JSON can take exponential time, and here the same match is found in one pass. Literals
in XML are read up to MAX_CHARS characters in all.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.parsers import expat

from toolgym.dialects.python.arithmetic import MAX_BITS
from toolgym.dialects.python.python_source import MAX_CHARS, DecodeError
from toolgym.dialects.python.python_source import locate as locate_python
from toolgym.dialects.python.warnless import Warnless

from .configuration import Configuration

OPEN, CLOSE = "<TOOLCALL>", "</TOOLCALL>"

_FIRST_OBJECT = re.compile(r"\[\s*{")
_LAST_OBJECT = re.compile(r"}\s*\]")
_NEXT_OBJECT = re.compile(r"}\s*,\s*{")
_JSON_SPACE = re.compile(r"[ \t\n\r]*")
_scan = json.JSONDecoder().raw_decode

__all__ = ["CLOSE", "OPEN", "DecodeError", "Found", "locate"]


class Found(NamedTuple):
    """A decoded call and its position: ``text[start:end]``."""

    name: Any
    """Text, unless the model wrote another value as the name in JSON."""
    arguments: Any
    """A dict of parameters, unless the model wrote another value in JSON. A parameter without a name is None."""
    start: int
    end: int


def locate(text: str, configuration: Configuration) -> list[Found]:
    """The calls in a text. Raises DecodeError if the official decoder raises an exception."""
    start, end = _stripped(text, "`\n ")
    before = "" if text.startswith("[", start, end) else "["
    after = "" if text.endswith("]", start, end) else "]"
    source, shift = f"{before}{text[start:end]}{after}", start - len(before)
    if configuration.tagged:
        begin, stop = _between(source, OPEN, CLOSE)
        inside = source[begin:stop]
        left, right = _stripped(inside, None)
        source, shift = inside[left:right], shift + begin + left
    if configuration.returns == "python":
        found = [Found(*each) for each in locate_python(source, whole=True)]
    elif configuration.returns == "json":
        found = _json(source)
    else:
        found = _xml(source, configuration.returns == "verbose_xml")
    return [Found(name, arguments, max(a + shift, 0), min(b + shift, len(text))) for name, arguments, a, b in found]


def _between(source: str, opening: str, closing: str) -> tuple[int, int]:
    """The text between the first ``opening`` and the next ``closing``. Raises DecodeError if there is none."""
    start = source.find(opening)
    stop = source.find(closing, start + len(opening)) if start >= 0 else -1
    if stop < 0:
        raise DecodeError(f"there is no {opening} with {closing} after it")
    return start + len(opening), stop


def _stripped(text: str, chars: str | None) -> tuple[int, int]:
    """The part of the text that ``text.strip(chars)`` keeps."""
    start = len(text) - len(text.lstrip(chars))
    return start, max(start, len(text.rstrip(chars)))


# JSON ---------------------------------------------------------------------------------------------


def _json(source: str) -> list[Found]:
    first, last = source.find("["), source.rfind("]")
    shift = 0
    if 0 <= first < last:
        source, shift = source[first : last + 1], first
    cut = _list_of_objects(source)
    if cut is not None:
        source, shift = source[cut[0] : cut[1]], shift + cut[0]
    try:
        value = json.loads(source)
    except json.JSONDecodeError:
        return []  # as officially
    except (ValueError, RecursionError) as error:  # an integer of more than 4,300 digits, or too many levels
        raise DecodeError(f"the JSON cannot be read: {error}") from None
    if isinstance(value, list):
        return [Found(*_named(each), a + shift, b + shift) for each, a, b in _elements(source) if type(each) is dict]
    if isinstance(value, (str, dict)):  # officially its characters, or its keys, are taken for elements
        return []
    raise DecodeError("the JSON is not a list of calls")


def _named(call: dict[str, Any]) -> tuple[Any, Any]:
    if "function" not in call or "parameters" not in call:
        raise DecodeError('a call needs "function" and "parameters"')
    if isinstance(call["function"], (list, dict)):
        raise DecodeError("the name of a function cannot be a list or an object")
    return call["function"], call["parameters"]


def _list_of_objects(source: str) -> tuple[int, int] | None:
    r"""The first match of ``\[\s*{.*?}\s*(?:,\s*{.*?}\s*)*\]``, in which "." matches line breaks too.

    A "}" leads to a match if "]" follows it, or if ", {" follows it and some "}" with "]" comes later. The match goes
    from each such ", {" to the next such "}", until "]" follows.
    """
    first = _FIRST_OBJECT.search(source)
    if first is None:
        return None
    ends = [(each.start(), each.end()) for each in _LAST_OBJECT.finditer(source, first.end())]
    if not ends:
        return None
    last = ends[-1][0]  # the last "}" that "]" follows
    steps = [(each.start(), each.end()) for each in _NEXT_OBJECT.finditer(source, first.end()) if each.end() <= last]
    at, i, j = first.end(), 0, 0
    while True:
        while i < len(ends) and ends[i][0] < at:
            i += 1
        while j < len(steps) and steps[j][0] < at:
            j += 1
        if j == len(steps) or ends[i][0] < steps[j][0]:
            return first.start(), ends[i][1]
        at = steps[j][1]


def _elements(source: str) -> Iterator[tuple[Any, int, int]]:
    """The elements of a JSON list, each with its position. ``source`` is known to be a JSON list."""
    at = _after_space(source, _after_space(source, 0) + 1)
    while source[at] != "]":
        value, end = _scan(source, at)
        yield value, at, end
        at = _after_space(source, end)
        if source[at] == ",":
            at = _after_space(source, at + 1)


def _after_space(source: str, at: int) -> int:
    found = _JSON_SPACE.match(source, at)
    return found.end() if found else at


# XML ----------------------------------------------------------------------------------------------


class _Parameter:
    """A <param>: its attributes, and the text before its first child."""

    __slots__ = ("attributes", "childless", "text")

    def __init__(self, attributes: dict[str, str]):
        self.attributes = attributes
        self.text: list[str] = []
        self.childless = True


class _Function:
    """A <function>: its <param>s, its own and those of its first <params>."""

    __slots__ = ("attributes", "end", "grouped", "own", "start")

    def __init__(self, attributes: dict[str, str], start: int):
        self.attributes = attributes
        self.start, self.end = start, start
        self.own: list[_Parameter] = []
        self.grouped: list[_Parameter] | None = None


class _Document:
    """The functions of a document. Everything else is passed over, as officially."""

    def __init__(self, source: str):
        self.functions: list[_Function] = []
        self._path: list[Any] = []  # for each open element a _Function, a _Parameter, a list of _Parameters, or None
        self._bytes = source.encode()
        self._parser = parser = expat.ParserCreate("utf-8", "}")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._starts, self._ends
        parser.CharacterDataHandler = self._says
        parser.Parse(self._bytes, True)

    def _starts(self, tag: str, attributes: dict[str, str]) -> None:
        above = self._path[-1] if self._path else None
        made: Any = None
        if isinstance(above, _Parameter):
            above.childless = False
        elif len(self._path) == 1 and tag == "function":
            made = _Function(attributes, self._parser.CurrentByteIndex)
            self.functions.append(made)
        elif isinstance(above, _Function) and tag == "params" and above.grouped is None:
            made = above.grouped = []
        elif tag == "param" and isinstance(above, (_Function, list)):
            made = _Parameter(attributes)
            (above.own if isinstance(above, _Function) else above).append(made)
        self._path.append(made)

    def _ends(self, tag: str) -> None:
        made = self._path.pop()
        if isinstance(made, _Function):
            at = self._parser.CurrentByteIndex
            made.end = self._bytes.find(b">", at) + 1 if self._bytes.startswith(b"</", at) else at

    def _says(self, text: str) -> None:
        above = self._path[-1] if self._path else None
        if isinstance(above, _Parameter) and above.childless:
            above.text.append(text)


def _xml(source: str, verbose: bool) -> list[Found]:
    begin, stop = _between(source, "<functions>", "</functions>")
    start = begin - len("<functions>")
    source = source[start : stop + len("</functions>")]
    try:
        document = _Document(source)
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise DecodeError(f"not XML: {error}") from None
    values = _Values()
    positions = _Characters(source)
    found = []
    for function in document.functions:
        name = _attribute(function.attributes, "name")
        given: dict[Any, Any] = {}
        if verbose:
            for parameter in function.own if function.grouped is None else function.grouped:
                attributes = parameter.attributes
                given[attributes.get("name")] = values.read(attributes.get("value", ""), attributes.get("type"))
        else:
            for parameter in function.own:
                attributes = parameter.attributes
                key, text = _attribute(attributes, "name"), "".join(parameter.text).strip()
                given[key] = values.read(text, attributes.get("type"))
        found.append(Found(name, given, start + positions(function.start), start + positions(function.end)))
    return found


def _attribute(attributes: dict[str, str], name: str) -> str:
    if name not in attributes:
        raise DecodeError(f"an element has no attribute {name!r}")
    return attributes[name]


class _Characters:
    """Positions in UTF-8 as positions in the text. They must not decrease, so that all take linear time."""

    def __init__(self, text: str):
        self._plain = text.isascii()
        self._text = text
        self._byte = self._character = 0

    def __call__(self, byte: int) -> int:
        if self._plain:
            return byte
        while self._byte < byte:
            code = ord(self._text[self._character])
            self._byte += 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
            self._character += 1
        return self._character


class _Values:
    """Reads the values of parameters by their declared types. One instance per text: literals share a limit."""

    def __init__(self) -> None:
        self.left = MAX_CHARS

    def read(self, text: str, kind: str | None) -> Any:
        try:
            if kind == "integer":
                return int(text)
            if kind == "float":
                return float(text)
            if kind == "boolean":
                return text.lower() == "true"
            if kind == "null":
                return None
            if kind in ("array", "tuple", "object", "dict"):
                return self._literal(text)
        except Exception as error:  # from the parser or from unusual values: officially, each is a failure to decode
            raise DecodeError(f"{text[:100]!r} is not a value of the type {kind}: {type(error).__name__}") from None
        return text  # string, no type, or a type that is not known

    def _literal(self, text: str) -> Any:
        self.left -= len(text)
        if self.left < 0:
            raise ValueError("too many characters of literals")
        value = ast.literal_eval(Warnless(text).source)
        if any(type(each) is int and each.bit_length() > MAX_BITS for each in _parts(value)):
            raise ValueError("an integer has more than 4,300 digits")
        return value


def _parts(value: Any) -> Iterator[Any]:
    todo = [value]
    while todo:
        value = todo.pop()
        yield value
        if isinstance(value, dict):
            todo += value
            todo += value.values()
        elif isinstance(value, (list, tuple, set)):
            todo += value
