"""Calls as the official executor runs them, read without ``eval``.

Officially a call is a string, ``cd(folder='x')``. A regular expression puts the name of an object before each
function's name, and ``eval`` runs the outcome. Here it is parsed, and of what it may contain only this is run: listed
functions, with literals or further such calls as arguments. Anything else is an error to the model.

The expression reads the whole string, quoted text too, so that arguments change: "foo (bar)" becomes "foo(bar)", and
"sort (x)", where sort is a function, gets an object's name inside. The name holds the model's, so that such text
never equals an accepted answer's; ``Reader`` does the same.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from toolgym.dialects.python.arithmetic import Arithmetic
from toolgym.dialects.python.python_source import execution_list
from toolgym.dialects.python.warnless import Warnless

MAX_SOURCE = 1_000_000
"""Characters of a call; Python's parser takes about a second for this many."""

_FUNCTION = re.compile(r"\b([a-zA-Z_]\w*)\s*(?=\()")


class Refused(ValueError):
    """Not a call that is run; the message is what the model reads."""


class Call(msgspec.Struct, frozen=True, eq=False):
    """A call to run. Arguments may contain further ones."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Reader:
    """Reads calls of certain functions.

    Args:
        functions: their names.
        owner: what the official executor's object would be called; it ends up in text that looks like a call.
    """

    def __init__(self, functions: Collection[str], owner: str):
        self.functions = functions
        self.owner = owner

    def source(self, text: str) -> Call:
        """A call written as Python, positional arguments and calls inside calls included. Raises Refused."""
        if len(text) > MAX_SOURCE:
            raise Refused(f"the call has {len(text)} characters; at most {MAX_SOURCE} are read")
        text = self._rewritten(text)
        try:
            node = ast.parse(Warnless(text).source.lstrip(" \t"), "<string>", "eval").body
            value = _Values(self).value(node)
        except Refused:
            raise
        except Exception as error:  # the parser's, and those of unusual values
            raise Refused(str(error)) from None
        if not isinstance(value, Call):
            raise Refused("this is not a call of one of the functions")
        return value

    def arguments(self, name: str, arguments: Mapping[str, Any], decoded: bool) -> Call:
        """A call with keyword arguments. Raises Refused.

        ``decoded`` says that they come from BFCL's decoder of Python text, which makes dicts of calls inside
        calls; otherwise a dict is a dict.
        """
        simple = not (decoded and any(type(value) is dict for value in arguments.values()))
        if simple and name in self.functions and all(map(_is_keyword, arguments)):
            return Call(name, (), {key: self._literal(value) for key, value in arguments.items()})
        if decoded:
            (text,) = execution_list([{name: arguments}])
        else:
            text = f"{name}({','.join([f'{key}={value!r}' for key, value in arguments.items()])})"
        return self.source(text)

    def _literal(self, value: Any) -> Any:
        """What becomes of a value that is written as Python, rewritten and read again."""
        kind = type(value)
        if kind is str:
            if "(" not in value:
                return value
            text = repr(value)
            changed = self._rewritten(text)
            return value if changed == text else ast.literal_eval(changed)
        if kind is dict:
            return {self._literal(key): self._literal(item) for key, item in value.items()}
        if kind is list:
            return [self._literal(item) for item in value]
        if kind is tuple:
            return tuple([self._literal(item) for item in value])
        if kind is float and not math.isfinite(value):
            raise Refused(f"name '{'nan' if math.isnan(value) else 'inf'}' is not defined")
        return value

    def _rewritten(self, text: str) -> str:
        return _FUNCTION.sub(self._replaced, text) if "(" in text else text

    def _replaced(self, found: re.Match[str]) -> str:
        name = found.group(1)
        return f"{self.owner}.{name}" if name in self.functions else name


class _Values:
    """What the syntax tree of a rewritten call means."""

    def __init__(self, reader: Reader):
        self.reader = reader
        self.arithmetic = Arithmetic()

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.List):
            return [self.value(item) for item in node.elts]
        if isinstance(node, ast.Tuple):
            return tuple([self.value(item) for item in node.elts])
        if isinstance(node, ast.Dict):
            if None in node.keys:
                raise Refused("** is not run here")
            keys = [self.value(key) for key in node.keys if key is not None]
            return dict(zip(keys, [self.value(item) for item in node.values], strict=True))
        if isinstance(node, ast.Name):
            raise Refused(f"name '{node.id}' is not defined")
        if isinstance(node, (ast.UnaryOp, ast.BinOp, ast.Set)):
            return self.arithmetic.value(node)
        raise Refused(f"a {type(node).__name__} is not run here")

    def call(self, node: ast.Call) -> Call:
        function = node.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            owner, name = function.value.id, function.attr
            if owner == self.reader.owner and name in self.reader.functions:
                return Call(name, tuple(self.positional(node.args)), self.keywords(node.keywords))
        while isinstance(function, ast.Attribute):
            function = function.value
        if isinstance(function, ast.Name):
            raise Refused(f"name '{function.id}' is not defined")
        raise Refused("this is not a call of one of the functions")

    def positional(self, nodes: list[ast.expr]) -> list[Any]:
        return [self.value(node) for node in nodes]  # a starred one is refused there

    def keywords(self, nodes: list[ast.keyword]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for node in nodes:
            if node.arg is None:
                raise Refused("** is not run here")
            if node.arg in found:
                raise Refused(f"keyword argument repeated: {node.arg}")
            found[node.arg] = self.value(node.value)
        return found


def _is_keyword(key: str) -> bool:
    return key.isascii() and key.isidentifier() and not keyword.iskeyword(key)
