"""The official rules for the value of one parameter, prepared once per parameter.

Every rule follows the official ``ast_checker`` (bfcl_eval 2026.3.23). A rule is a function: it takes the given value
and returns None (accepted) or the official error type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from . import java, javascript

Rule: TypeAlias = Callable[[Any], "str | None"]

PYTHON_TYPES: dict[str, type] = {
    "string": str, "any": str, "integer": int, "float": float, "boolean": bool,
    "array": list, "tuple": list, "dict": dict,
}  # fmt: skip
"""Declared type -> exact type of an accepted value: True is not an integer. See ``_widening`` for floats."""

_IGNORED = str.maketrans(dict.fromkeys(" ,./-_*^") | {"'": '"'})


class Unscorable(Exception):
    """The official checker raises an exception on this value, so it gives no verdict."""


def standardised(text: str) -> str:
    """The form in which strings are compared: lower case, without " ,./-_*^", with single quotes made double."""
    return text.translate(_IGNORED).lower()


def _plain(value: Any) -> Any:
    return standardised(value) if type(value) is str else value


def rule(schema: Mapping[str, Any], alternatives: Sequence[Any], language: str) -> Rule:
    """The rule for one parameter.

    Args:
        schema: the parameter's schema in the function's doc.
        alternatives: the accepted values; "" means that the parameter is optional.
        language: python, java or javascript.

    Raises ValueError if the schema or the alternatives have a type that the official checker does not know.
    """
    kind, items = schema["type"], schema.get("items", {}).get("type")
    if language == "python":
        nested = items if kind in ("array", "tuple") else None
        typed = _typed(_python_type(kind), nested and _python_type(nested), alternatives)
        if kind == "float":
            return _widening(typed)
        return _untupled(typed) if kind == "tuple" else typed
    module = java if language == "java" else javascript
    nested = items if kind in ("Array", "ArrayList", "array") else None
    converter = module.converter(kind, nested)
    typed = _typed(module.TYPES[kind], nested and module.TYPES[nested], alternatives)
    return _converted(converter, typed, "type_error:java" if language == "java" else "type_error:js")


def _python_type(kind: str) -> type:
    try:
        return PYTHON_TYPES[kind]
    except KeyError:
        raise ValueError(f"unknown type {kind!r} in a function's doc: expected {', '.join(PYTHON_TYPES)}") from None


def _widening(typed: Rule) -> Rule:
    """An int is accepted as a float, but not inside a list."""

    def check(value: Any) -> str | None:
        if type(value) is int:
            try:
                value = float(value)
            except OverflowError as error:
                raise Unscorable(f"the integer does not fit a float: {error}") from None
        return typed(value)

    return check


def _untupled(typed: Rule) -> Rule:
    return lambda value: typed(list(value) if type(value) is tuple else value)


def _converted(converter: Callable[[str], Any], typed: Rule, not_text: str) -> Rule:
    """Java and JavaScript values must be strings of source text; they are converted before the check."""

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return not_text
        try:
            converted = converter(value)
        except ValueError as error:
            raise Unscorable(f"the number cannot be read: {error}") from None
        return typed(converted)

    return check


def _typed(wanted: type, nested: type | None, alternatives: Sequence[Any]) -> Rule:
    """Checks the type, then the value.

    If the accepted values do not have the declared type, the official checker calls the parameter a variable: it
    accepts both types, and compares values without standardising them.
    """
    own = _first_type(alternatives)
    variable = own is not None and own is not wanted
    in_list = None if nested is None else _elements(nested, alternatives)
    equal = _one_of(alternatives) if variable else _value_rule(wanted, nested, alternatives)
    as_variable = _one_of(alternatives)

    def check(value: Any) -> str | None:
        kind = type(value)
        if kind is wanted:
            if in_list is not None and not in_list(value):
                # without accepted values the official checker overwrites its own "nested" with "simple"
                return "type_error:nested" if alternatives else "type_error:simple"
            return equal(value)
        return as_variable(value) if kind is own else "type_error:simple"

    return check


def _first_type(alternatives: Sequence[Any]) -> type | None:
    return next((type(answer) for answer in alternatives if answer != ""), None)


def _elements(nested: type, alternatives: Sequence[Any]) -> Callable[[Any], bool] | None:
    """A check of the types of a list's elements, one level deep: all must be allowed by the same alternative.

    An alternative allows the declared element type and the type of its own first element. None (no constraint) if any
    alternative is not a list, "" included.
    """
    if any(type(answer) is not list for answer in alternatives):
        return None
    allowed = [(nested, _first_type(answer)) for answer in alternatives]
    return lambda value: any(all(type(item) in types for item in value) for types in allowed)


def _value_rule(wanted: type, nested: type | None, alternatives: Sequence[Any]) -> Rule:
    if wanted is dict:
        return _dict_rule(alternatives)
    if wanted is list and nested is dict:
        return _dicts_rule(alternatives)
    if wanted is list:
        return _list_rule(alternatives)
    return _string_rule(alternatives) if wanted is str else _one_of(alternatives)


def _one_of(alternatives: Sequence[Any]) -> Rule:
    return lambda value: None if value in alternatives else "value_error:others"


def _string_rule(alternatives: Sequence[Any]) -> Rule:
    texts = {answer for answer in alternatives if type(answer) is str}
    accepted = texts | {standardised(answer) for answer in texts}

    def check(value: Any) -> str | None:
        # the first test is a shortcut: the standardised form of each accepted text is accepted too
        return None if value in accepted or standardised(value) in accepted else "value_error:string"

    return check


def _list_rule(alternatives: Sequence[Any]) -> Rule:
    if not all(type(answer) in (list, str) for answer in alternatives):
        raise ValueError(f"an accepted list must be a list, got one of {alternatives!r:.200}")
    # as officially: "" is an empty list, and any other string the list of its characters
    accepted = [[_plain(item) for item in answer] for answer in alternatives]
    return lambda value: None if [_plain(item) for item in value] in accepted else "value_error:list/tuple"


def _dict_rule(alternatives: Sequence[Any]) -> Rule:
    """The value must pass for one alternative. If none passes, the error comes from the last alternative."""
    rules = [_one_dict_rule(answer) for answer in alternatives if answer != ""]

    def check(value: Any) -> str | None:
        problem: str | None = "dict_checker:unclear"
        for one in rules:
            problem = one(value)
            if problem is None:
                break
        return problem

    return check


def _one_dict_rule(answer: Any) -> Rule:
    if type(answer) is not dict or not all(type(leaf) in (list, str) for leaf in answer.values()):
        raise ValueError(f"an accepted dict must be a dict of lists of accepted values, got {answer!r:.200}")
    # as officially: a leaf that is a bare string accepts each of its characters, and makes the key optional
    accepted = {key: [_plain(value) for value in leaf] for key, leaf in answer.items()}
    needed = [key for key, leaf in answer.items() if "" not in leaf]

    def check(value: Any) -> str | None:
        # officially checked last, but a missing key overwrites the other errors: checking it first gives the same
        for key in needed:
            if key not in value:
                return "value_error:dict_key"
        for key, item in value.items():
            if key not in accepted:
                return "value_error:dict_key"
            if _plain(item) not in accepted[key]:
                return "value_error:dict_value"
        return None

    return check


def _dicts_rule(alternatives: Sequence[Any]) -> Rule:
    """A list of dicts: same length and order as the alternative, each dict by the rule for one dict."""
    rules = [[_dict_rule([item]) for item in answer] for answer in alternatives]

    def check(value: Any) -> str | None:
        problem: str | None = "list_dict_checker:unclear"
        for answer in rules:
            if len(value) != len(answer):
                problem = "value_error:list_dict_count"
                continue
            for item, one in zip(value, answer, strict=True):
                if type(item) is not dict:
                    raise Unscorable("a list of dicts has an element that is not a dict")
                problem = one(item)
                if problem is not None:
                    break
            else:
                return None
        return problem

    return check
