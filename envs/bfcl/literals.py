"""Accepted values in the form a model gives them: Python values, or Java and JavaScript source text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_JAVA_SUFFIX = {"long": "L", "float": "f"}
_JAVA_ELEMENT = {"integer": "int", "any": "Object"}
_JAVA_BOXED = {"integer": "Integer", "long": "Long", "float": "Float", "double": "Double", "boolean": "Boolean",
               "char": "Character", "any": "Object"}  # fmt: skip


def concrete(accepted: Any) -> Any:
    """One concrete value for an accepted value: each leaf of a dict is a list of alternatives; take the first.

    Optional keys of a dict are left out.
    """
    if isinstance(accepted, list):
        return [concrete(item) if isinstance(item, dict) else item for item in accepted]
    if not isinstance(accepted, dict):
        return accepted
    # a leaf of simple_java_64 is a bare string instead of a list
    leaves = {key: leaf if isinstance(leaf, list) else [leaf] for key, leaf in accepted.items()}
    return {key: leaf[0] for key, leaf in leaves.items() if leaf and "" not in leaf}


def written(value: Any, schema: Mapping[str, Any], language: str) -> Any:
    """A concrete value as an argument: unchanged in Python, source text of the declared type in Java and JavaScript.

    Strings are returned unchanged: they hold a string's content or an expression.
    """
    if language == "python":
        return value
    items = schema.get("items", {}).get("type", "any")
    return _java(value, schema["type"], items) if language == "java" else _javascript(value)


def _java(value: Any, kind: str, items: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        inside = ", ".join(_java_element(item, items) for item in value)
        if kind == "ArrayList":
            return f"new ArrayList<{_JAVA_BOXED.get(items, items)}>(Arrays.asList({inside}))"
        return f"new {_JAVA_ELEMENT.get(items, items)}[]{{{inside}}}"
    if isinstance(value, dict):
        puts = " ".join(f'put("{key}", {_java_element(item, "any")});' for key, item in value.items())
        return f"new HashMap<String, Object>() {{{{ {puts} }}}}" if puts else "new HashMap<String, Object>()"
    return f"{value}{_JAVA_SUFFIX.get(kind, '')}"


def _java_element(value: Any, kind: str) -> str:
    return f'"{value}"' if isinstance(value, str) else _java(value, kind, "any")


def _javascript(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_javascript_element(item) for item in value)}]"
    if isinstance(value, dict):
        pairs = (f"{_javascript_element(key)}: {_javascript_element(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    return str(value)


def _javascript_element(value: Any) -> str:
    if not isinstance(value, str):
        return _javascript(value)
    return f'"{value}"' if "'" in value else f"'{value}'"
