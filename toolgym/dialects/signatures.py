"""Tools as Python signatures, ``name(a: int, b: str = 'x')``, with the descriptions on indented lines below.

    book(rooms: list[{'kind': 'single'|'double', 'nights': int = 1}], guest: str = ...)
      Book rooms of a hotel.
      rooms: What to book.
        nights: How long. (minimum 1)
      guest: Who will come.

``= ...`` marks a parameter that may be left out and has no default. The type of an object lists its members, in the
form in which a call writes them. Enums are their values; an enum of more than ``LONG_ENUM`` values and the limits of a
value stand in brackets behind the description. ``**: str`` says that further names are allowed, with texts as values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toolgym.dialects.python.names import callee, in_brackets, is_identifier
from toolgym.dialects.pythonic import source
from toolgym.tools.references import expanded

LONG_ENUM = 12
"""The most values that an enum shows inside a signature."""
_TYPES = {
    "integer": "int", "number": "float", "string": "str", "boolean": "bool", "array": "list", "object": "dict",
    "null": "None",
}  # fmt: skip
_LIMITS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
           "pattern", "format", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties")  # fmt: skip
_STEP = "  "


def signature(doc: Mapping[str, Any]) -> str:
    """A tool (its name, description and parameters) as a signature and descriptions, without a line end."""
    parameters = _whole(expanded(doc.get("parameters") or {}))
    lines = [f"{callee(doc['name'])}({_members(parameters, in_call=True)})"]
    if text := _text(doc.get("description", ""), _STEP):
        lines.append(f"{_STEP}{text}")
    lines += _described(parameters, _STEP)
    return "\n".join(lines)


def _members(schema: Mapping[str, Any], *, in_call: bool = False) -> str:
    """The members of an object with their types: as parameters of a call, or as a dict writes them."""
    required = schema.get("required")
    required = required if isinstance(required, (list, tuple)) else ()
    members = []
    for name, member in _properties(schema).items():
        kind = _type(member)
        if name not in required:
            kind += f" = {_literal(member['default'])}" if "default" in _whole(member) else " = ..."
        members.append((name, kind))
    parts = [in_brackets(members, ": ") if in_call else ", ".join([f"{name!r}: {kind}" for name, kind in members])]
    if extra := schema.get("additionalProperties"):
        parts.append(f"**: {_type(extra)}")
    return ", ".join(filter(None, parts))


def _type(schema: Any) -> str:
    schema = _whole(schema)
    if "const" in schema:
        return _literal(schema["const"])
    if 0 < len(values := _enum(schema)) <= LONG_ENUM:
        return "|".join(map(_literal, values))
    kind = schema.get("type")
    if isinstance(kind, str):
        names = [_named(kind, schema)]
    elif isinstance(kind, (list, tuple)):
        names = [_named(str(each), schema) for each in kind]
    else:
        names = [_type(option) for option in _options(schema)]
        if not names:
            names = [_named("object" if "properties" in schema else "array" if "items" in schema else "any", schema)]
    if schema.get("nullable") is True:  # OpenAPI's word
        names.append("None")
    return "|".join(dict.fromkeys(names))


def _named(kind: str, schema: Mapping[str, Any]) -> str:
    """The name of one type, with the types inside."""
    name = _TYPES.get(kind, kind)
    if name == "dict":
        if _properties(schema):
            return f"{{{_members(schema)}}}"
        inner = [schema.get("additionalProperties")]
    elif name in ("list", "tuple"):
        items = schema.get("prefixItems", schema.get("items"))
        inner = list(items) if isinstance(items, (list, tuple)) else [items]
    else:
        return name
    types = [_type(each) for each in inner]
    if types in ([], ["any"]):
        return name
    return f"{name}[{', '.join(['str', *types] if name == 'dict' else types)}]"


def _described(schema: Mapping[str, Any], indent: str) -> Iterator[str]:
    """A line for each member with a description or with limits, and for the members inside."""
    for name, member in _properties(schema).items():
        member = _whole(member)
        text = _text(member.get("description", ""), indent)
        if limits := _limits(member):
            text = f"{text} ({limits})" if text else f"({limits})"
        inside = [line for each in _objects(member) for line in _described(each, indent + _STEP)]
        if text or inside:
            yield f"{indent}{name if is_identifier(name) else repr(name)}: {text}".rstrip()
            yield from inside


def _objects(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schema, if it has members, and the schemas of its items, values and options that have some."""
    if _properties(schema):
        yield schema
    items = schema.get("prefixItems", schema.get("items"))
    inner = items if isinstance(items, (list, tuple)) else [items]
    for each in (*inner, schema.get("additionalProperties"), *_options(schema)):
        if isinstance(each, Mapping):
            yield from _objects(_whole(each))


def _limits(schema: Mapping[str, Any]) -> str:
    """What the value must keep to and the type does not say: a long enum, a range, a pattern."""
    found = [f"{word} {_literal(schema[word])}" for word in _LIMITS if word in schema]
    if len(values := _enum(schema)) > LONG_ENUM:
        found.insert(0, f"one of {'|'.join(map(_literal, values))}")
    if isinstance(items := schema.get("items"), Mapping) and (each := _limits(_whole(items))):
        found.append(f"each: {each}")
    return ", ".join(found)


def _whole(schema: Any) -> Mapping[str, Any]:
    """The schema with the parts of its ``allOf`` written into it; {} for a schema that allows any value."""
    if not isinstance(schema, Mapping):
        return {}
    parts = schema.get("allOf")
    if not isinstance(parts, (list, tuple)):
        return schema
    whole: dict[str, Any] = {}
    for part in (*map(_whole, parts), {key: value for key, value in schema.items() if key != "allOf"}):
        both = {"properties": {**_properties(whole), **_properties(part)}} if _properties(part) else {}
        whole = {**whole, **part, **both, "required": (*whole.get("required", ()), *part.get("required", ()))}
    return whole


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _enum(schema: Mapping[str, Any]) -> Sequence[Any]:
    found = schema.get("enum")
    return found if isinstance(found, (list, tuple)) else ()


def _options(schema: Mapping[str, Any]) -> list[Any]:
    return [
        option for word in ("anyOf", "oneOf") if isinstance(schema.get(word), (list, tuple)) for option in schema[word]
    ]


def _text(description: Any, indent: str) -> str:
    """A description; its further lines are indented under the first."""
    lines = [line.strip() for line in str(description or "").splitlines()]
    return f"\n{indent}{_STEP}".join(filter(None, lines))


def _literal(value: Any) -> str:
    """A JSON value as Python source. A schema of an author may hold anything: the rest is shown as it prints."""
    try:
        return source(_thawed(value))
    except TypeError:
        return repr(value)


def _thawed(value: Any) -> Any:
    """Tools keep lists as tuples; as a value they are lists again."""
    if isinstance(value, Mapping):
        return {key: _thawed(item) for key, item in value.items()}
    return [_thawed(item) for item in value] if isinstance(value, (list, tuple)) else value
