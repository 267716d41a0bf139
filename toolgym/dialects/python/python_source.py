"""Calls written as Python source, read as BFCL's official decoder reads them, but without running anything.

``decode`` returns the same as ``default_decode_ast_prompting`` of bfcl_eval 2026.3.23 for Python, with its quirks.
Brackets around the calls may be missing. Positional arguments are dropped. Any unary operator negates. A name is a
string. A call as a value is a string if it has no keywords, and a dict if it has. ``**x`` is the parameter "**"
(officially None).

Two differences from the official decoder:

- operations on anything but literals fail; officially they are run with ``eval``;
- a text, result or integer that is too large fails, and so does a nesting that is too deep (MAX_CHARS, MAX_DEPTH,
  arithmetic.py).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from toolgym.dialects.json.calls import MAX_DEPTH
from toolgym.dialects.python.arithmetic import Arithmetic, printable
from toolgym.dialects.python.warnless import Warnless

MAX_CHARS = 100_000
"""A longer text is not decoded, since Python's parser may take a second for it."""

_LINE_END = re.compile(r"\r\n|\r|\n")


class DecodeError(ValueError):
    """The text is not a list of calls; the message gives the reason."""


class PositionalArguments(DecodeError):
    """A call has arguments without a name, where only named ones are read."""


class Written(NamedTuple):
    """A call and its position: ``text[start:end]``."""

    name: str
    arguments: dict[str, Any]
    start: int
    end: int


def decode(text: str) -> list[dict[str, dict[str, Any]]]:
    """The calls in a text, ``[{name: {parameter: value}}, ...]``, as BFCL decodes them. Raises DecodeError."""
    return [{name: arguments} for name, arguments in _read(text)[1]]


def locate(text: str, *, whole: bool = False, keywords_only: bool = False, free_names: bool = False) -> list[Written]:
    """The calls in a text, each with its position. Raises DecodeError.

    Args:
        whole: the text is Python as it stands, as officially between tool-call tags. Only space and ' around it are
            removed, and missing brackets are not added.
        keywords_only: positional arguments raise PositionalArguments.
        free_names: ``'a-b'(x=1)`` is a call of "a-b", and the members of a dict behind ``**`` are arguments (names.py).
    """
    nodes, calls, source, shift = _read(text, whole, free_names)
    if keywords_only and any(node.args for node in nodes):
        raise PositionalArguments("a call has positional arguments")
    places = _places(source, nodes)
    return [
        Written(name, arguments, start - shift, end - shift)
        for (name, arguments), (start, end) in zip(calls, places, strict=True)
    ]


def execution_list(decoded: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Decoded calls as source, as the official harness writes the calls that it runs and shows to the model.

    The harness takes a dict that contains only dicts for a call, and fails on an empty dict: then DecodeError.
    """
    return [
        f"{name}({', '.join([f'{_keyword(key)}={_nested(value)}' for key, value in arguments.items()])})"
        for call in decoded
        for name, arguments in call.items()
    ]


def _keyword(key: str) -> str:
    return "None" if key == "**" else key


def _nested(value: Any) -> str:
    if not isinstance(value, dict):
        return repr(value)
    if not all(isinstance(item, dict) for item in value.values()):
        return "{" + ", ".join([f"'{key}': {_nested(item)}" for key, item in value.items()]) + "}"
    # only dicts inside: officially taken for a call {name: arguments}, of which the first is written
    if not value:
        raise DecodeError("officially, an empty dict cannot be written in a call that is run")
    name, arguments = next(iter(value.items()))
    return f"{name}({', '.join([f'{_keyword(key)}={_nested(item)}' for key, item in arguments.items()])})"


def _read(
    text: str, whole: bool = False, free_names: bool = False
) -> tuple[list[ast.Call], list[tuple[str, dict[str, Any]]], Warnless, int]:
    """Syntax trees, calls, the parsed source, and its shift: position in the text = position in the source - shift."""
    if len(text) > MAX_CHARS:
        raise DecodeError(f"the text has {len(text)} characters; at most {MAX_CHARS} are decoded")
    if whole:
        source = text.strip().strip("'")
        shift = -(len(text) - len(text.lstrip().lstrip("'")))
    else:
        source = text.strip("`\n ")  # as the official decoder strips the fences of code blocks
        shift = -(len(text) - len(text.lstrip("`\n ")))
        if not source.startswith("["):
            source, shift = "[" + source, shift + 1
        if not source.endswith("]"):
            source += "]"
    try:
        warnless = Warnless(source)
        body = ast.parse(warnless.source, mode="eval").body
        if isinstance(body, ast.Call):
            nodes = [body]
        elif isinstance(body, (ast.List, ast.Tuple, ast.Set)):
            nodes = [_as_call(item) for item in body.elts]
        else:
            raise DecodeError(f"expected a list of calls, this is a {type(body).__name__}")
        values = _Values(free_names)
        return nodes, [values.call(node, 0) for node in nodes], warnless, shift
    except DecodeError:
        raise
    except Exception as error:  # from the parser or from unusual values: officially, each is a failure to decode
        raise DecodeError(_reason(error)) from None


def _as_call(node: ast.expr) -> ast.Call:
    if not isinstance(node, ast.Call):
        raise DecodeError(f"expected a list of calls, there is a {type(node).__name__} in it")
    return node


def _reason(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"not Python: {error.msg}"
    text = f"{type(error).__name__}: {error}"
    return text if len(text) <= 200 else text[:200] + "..."


class _Values:
    """Converts syntax trees to values as the official decoder does."""

    def __init__(self, free_names: bool) -> None:
        self.free_names = free_names
        self.arithmetic = Arithmetic()

    def call(self, node: ast.Call, depth: int) -> tuple[str, dict[str, Any]]:
        parts = []
        function = node.func
        while isinstance(function, ast.Attribute):  # a.b.c(...): names from right to left
            parts.append(function.attr)
            function = function.value
        if isinstance(function, ast.Name):
            parts.append(function.id)
        elif self.free_names and isinstance(function, ast.Constant) and isinstance(function.value, str) and not parts:
            parts.append(function.value)
        arguments = {}
        for keyword in node.keywords:
            value = self.value(keyword.value, depth + 1)
            if keyword.arg is not None:
                arguments[keyword.arg] = value
            elif self.free_names and isinstance(value, dict) and all(isinstance(key, str) for key in value):
                arguments.update(value)
            else:
                arguments["**"] = value
        return ".".join(reversed(parts)), arguments

    def value(self, node: ast.expr | None, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise DecodeError(f"values are nested more than {MAX_DEPTH} levels deep")
        if isinstance(node, ast.Constant):
            return "..." if node.value is Ellipsis else printable(node.value)
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.List):
            return [self.value(item, depth + 1) for item in node.elts]
        if isinstance(node, ast.Dict):
            return {
                self.value(key, depth + 1): self.value(item, depth + 1)
                for key, item in zip(node.keys, node.values, strict=True)
            }
        if isinstance(node, ast.Tuple):
            return tuple([self.value(item, depth + 1) for item in node.elts])
        if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
            return -printable(node.operand.value)  # whatever the operator is, as officially: +1 is -1
        if isinstance(node, ast.BinOp):
            return self.arithmetic.value(node)
        if isinstance(node, ast.Call):
            if not node.keywords:  # officially, a call without keywords is text
                return ast.unparse(node)
            name, arguments = self.call(node, depth + 1)
            return {name: arguments}
        if isinstance(node, ast.Subscript):
            return f"{ast.unparse(node.value)}[{ast.unparse(node.slice)}]"
        raise DecodeError(f"a value cannot be a {type(node).__name__}")


def _places(source: Warnless, nodes: list[ast.Call]) -> list[tuple[int, int]]:
    """(start, end) of each call in the source before it was rewritten."""
    text = source.source
    lines = [0] + [found.end() for found in _LINE_END.finditer(text)]
    encoded: dict[int, bytes] = {}  # line -> its UTF-8, made once per line so that time stays linear

    def position(line: int | None, column: int | None) -> int:
        if line is None or column is None:  # the parser gives every call an end
            raise ValueError("a call without an end")
        begin = lines[line - 1]
        if not text.isascii():  # columns count UTF-8 bytes, not characters
            if line not in encoded:
                stop = lines[line] if line < len(lines) else len(text)
                encoded[line] = text[begin:stop].encode()
            column = len(encoded[line][:column].decode())
        return source.original(begin + column)

    return [(position(node.lineno, node.col_offset), position(node.end_lineno, node.end_col_offset)) for node in nodes]
