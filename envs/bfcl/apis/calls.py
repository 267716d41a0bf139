"""Parses calls with the meaning that the official executor gives them, but without ``eval``.

Officially a call is a string, e.g. ``cd(folder='x')``. A regular expression inserts the name of an object before each
function name, and ``eval`` runs the result. Here the result is parsed. Only listed functions are run, with literals or
further such calls as arguments; anything else is an error that the model reads.

The regular expression also rewrites quoted text, so arguments change: "foo (bar)" becomes "foo(bar)", and if sort is a
function, "sort (x)" gets the name of an object. Officially that name contains the model's name, so such a text never
equals the accepted answer's text. ``Reader`` does the same with ``owner``.
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

MAX_SOURCE = 100_000
"""Maximum characters of a call that is parsed as source: the syntax tree takes up to 1,000 times the text's memory. A
call that is given as a name and keyword arguments is not parsed, so this limit does not apply."""

# the official pattern, unchanged: it decides which texts inside quotes are rewritten
_FUNCTION = re.compile(r"\b([a-zA-Z_]\w*)\s*(?=\()")


class Refused(ValueError):
    """The text is not a call that can be run. The model reads the message."""


class Call(msgspec.Struct, frozen=True, eq=False):
    """A call to run. Its arguments may contain further Calls."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Reader:
    """Reads calls of the given functions.

    Args:
        functions: names of the functions.
        owner: the name of the official executor's object; rewriting inserts it into text that looks like a call.
    """

    def __init__(self, functions: Collection[str], owner: str):
        self.functions = functions
        self.owner = owner

    def source(self, text: str) -> Call:
        """Read a call from Python source; positional arguments and calls inside calls are allowed. Raises Refused."""
        if len(text) > MAX_SOURCE:
            raise Refused(f"the call has {len(text)} characters; at most {MAX_SOURCE} are read")
        text = self._rewritten(text)
        try:
            # lstrip: eval ignores spaces before an expression, ast.parse does not
            node = ast.parse(Warnless(text).source.lstrip(" \t"), "<string>", "eval").body
            value = _Values(self).value(node)
        except Refused:
            raise
        except Exception as error:  # e.g. SyntaxError of the parser, TypeError of an unhashable dict key
            raise Refused(str(error)) from None
        if not isinstance(value, Call):
            raise Refused("this is not a call of one of the functions")
        return value

    def arguments(self, name: str, arguments: Mapping[str, Any], decoded: bool) -> Call:
        """A Call from a name and keyword arguments. Raises Refused.

        ``decoded``: the arguments come from BFCL's decoder of Python text, which represents a call inside a call as
        a dict. Otherwise a dict is an ordinary value.
        """
        # Fast path: the same result as writing the call as source, rewriting it and parsing it again.
        simple = not (decoded and any(type(value) is dict for value in arguments.values()))
        if simple and name in self.functions and all(map(_is_keyword, arguments)):
            return Call(name, (), {key: self._literal(value) for key, value in arguments.items()})
        if decoded:
            (text,) = execution_list([{name: arguments}])
        else:
            text = f"{name}({','.join([f'{key}={value!r}' for key, value in arguments.items()])})"
        return self.source(text)

    def _literal(self, value: Any) -> Any:
        """The value after the official round trip: written as Python source, rewritten and parsed again."""
        kind = type(value)
        if kind is str:
            if "(" not in value:  # nothing looks like a call
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
        if kind is float and not math.isfinite(value):  # repr gives the bare names nan and inf, which eval rejects
            raise Refused(f"name '{'nan' if math.isnan(value) else 'inf'}' is not defined")
        return value

    def _rewritten(self, text: str) -> str:
        return _FUNCTION.sub(self._replaced, text) if "(" in text else text

    def _replaced(self, found: re.Match[str]) -> str:
        name = found.group(1)
        return f"{self.owner}.{name}" if name in self.functions else name


class _Values:
    """Evaluates the syntax tree of a rewritten call: literals, containers, arithmetic and calls. Raises Refused."""

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
        return [self.value(node) for node in nodes]  # value() refuses *args

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
