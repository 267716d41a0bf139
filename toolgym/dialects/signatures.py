"""Tools as Python signatures, ``name(a: int, b: str = 'x')``, with the descriptions on indented lines below.

    book(rooms: list[{'kind': 'single'|'double', 'nights': int = 1}], guest: str = ...)
      Book rooms of a hotel.
      rooms: What to book.
        nights: How long. (minimum 1)
      guest: Who will come.

``= ...`` marks a parameter that may be left out and has no default. The type of an object lists its members, in the
form in which a call writes them. Enums are their values. An enum of more than ``LONG_ENUM`` values, and all further
words of a schema, such as the limits of a value, stand in brackets behind the description. ``**: str`` allows further
names, with texts as values. A long beginning that the descriptions of neighbouring tools share stands once,
above their signatures, behind ``#``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
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
_SAID = frozenset(
    {"type", "properties", "required", "items", "prefixItems", "enum", "const", "default", "description", "anyOf",
     "oneOf", "additionalProperties", "nullable", "title", "optional", "$defs", "definitions", "$schema", "$id"}
)  # fmt: skip
"""Words of a schema that a signature and its descriptions say, and words that tell a model nothing."""
_STEP = "  "
SHARED = 40
"""The fewest characters of a beginning that is written once for several tools."""


def signatures(docs: Sequence[Mapping[str, Any]]) -> str:
    """The tools (name, description and parameters of each) as signatures, one below the other, without a line end."""
    texts = [str(doc.get("description") or "").strip() for doc in docs]
    out: list[str] = []
    at, grouped = 0, False
    while at < len(docs):
        head, end = _shared(texts, at)
        if grouped and not head:
            out.append("")  # the line behind "#" ends here
        if head:
            out.append(f"# {' '.join(head.split())}")
        grouped = bool(head)
        out += [signature({**docs[i], "description": texts[i][len(head) :]}) for i in range(at, end)]
        at = end
    return "\n".join(out)


def _shared(texts: Sequence[str], at: int) -> tuple[str, int]:
    """The beginning that the text at ``at`` shares with the texts behind it, and the end of their row.

    It ends with a sentence or a colon, and leaves some of each text. Without one: "", and the end is the next text.
    """
    end = at + 1
    if end == len(texts):
        return "", end
    pairs = zip(texts[at], texts[end], strict=False)
    both = "".join([one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)])
    size = max(both.rfind(". "), both.rfind(": ")) + 2
    if size < SHARED or size == min(map(len, texts[at : end + 1])):
        return "", end
    head = texts[at][:size]
    while end < len(texts) and texts[end].startswith(head) and len(texts[end]) > size:
        end += 1
    return head, end


def signature(doc: Mapping[str, Any]) -> str:
    """A tool (its name, description and parameters) as a signature and descriptions, without a line end."""
    parameters = _whole(expanded(doc.get("parameters") or {}))
    lines = [f"{callee(doc['name'])}({_members(parameters, in_call=True)})"]
    notes = _further(parameters, _SAID - {"anyOf", "oneOf"})  # a signature does not say these two
    if text := _text(doc.get("description", ""), notes, _STEP):
        lines.append(f"{_STEP}{text}")
    lines += _described(parameters, _STEP)
    return "\n".join(lines)


def _members(schema: Mapping[str, Any], *, in_call: bool = False) -> str:
    """The members of an object with their types: as parameters of a call, or as a dict writes them."""
    required = _several(schema, "required")
    members = []
    for name, member in _properties(schema).items():
        member = _whole(member)
        kind = _type(member)
        if name not in required:
            kind += f" = {_literal(member['default'])}" if "default" in member else " = ..."
        members.append((name, kind))
    parts = [in_brackets(members, ": ") if in_call else ", ".join([f"{name!r}: {kind}" for name, kind in members])]
    if extra := schema.get("additionalProperties"):
        parts.append(f"**: {_type(extra)}")
    return ", ".join(filter(None, parts))


def _type(schema: Any) -> str:
    schema = _whole(schema)
    if "const" in schema:
        return _literal(schema["const"])
    if 0 < len(values := _several(schema, "enum")) <= LONG_ENUM:
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
    name = _TYPES.get(kind, " ".join(kind.split()))
    if name == "dict":
        if _properties(schema):
            return f"{{{_members(schema)}}}"
        inner = [schema.get("additionalProperties")]
    elif name in ("list", "tuple"):
        inner = _inner(schema)
    else:
        return name
    types = [_type(each) for each in inner]
    if types in ([], ["any"]):
        return name
    if name == "dict":
        types = ["str", *types]
    elif name == "tuple" and len(types) == 1:  # in Python, tuple[int] has one item
        types.append("...")
    return f"{name}[{', '.join(types)}]"


def _described(schema: Mapping[str, Any], indent: str) -> Iterator[str]:
    """A line for each member with a description or with limits, and for the members inside."""
    for name, member in _properties(schema).items():
        member = _whole(member)
        text = _text(member.get("description", ""), _notes(member), indent)
        inside = [line for each in _objects(member) for line in _described(each, indent + _STEP)]
        if text or inside:
            yield f"{indent}{name if is_identifier(name) else repr(name)}: {text}".rstrip()
            yield from inside


def _objects(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schema, if it has members, and the schemas of its items, values and options that have some."""
    if _properties(schema):
        yield schema
    for each in (*_inner(schema), schema.get("additionalProperties"), *_options(schema)):
        if isinstance(each, Mapping):
            yield from _objects(_whole(each))


def _notes(schema: Mapping[str, Any]) -> list[str]:
    """What the type does not say, also of the values inside: a long enum, a range, a pattern."""
    found = [f"one of {'|'.join(map(_literal, values))}"] if len(values := _several(schema, "enum")) > LONG_ENUM else []
    found += _further(schema, _SAID)
    for option in _options(schema):
        found += _inside(option)
    for item in (*_inner(schema), schema.get("additionalProperties")):
        if each := _inside(item):
            found.append(f"each: {', '.join(each)}")
    return found


def _further(schema: Mapping[str, Any], said: frozenset[str]) -> list[str]:
    return [f"{' '.join(str(word).split())} {_literal(value)}" for word, value in schema.items() if word not in said]


def _inside(schema: Any) -> list[str]:
    """The description and the notes of a schema that has no line of its own."""
    if not isinstance(schema, Mapping):
        return []
    whole = _whole(schema)
    text = " ".join(str(whole.get("description") or "").split())
    return [*filter(None, [text]), *_notes(whole)]


def _whole(schema: Any) -> Mapping[str, Any]:
    """The schema with the parts of its ``allOf`` written into it; {} for a schema that allows any value."""
    if not isinstance(schema, Mapping):
        return {}
    if not (parts := _several(schema, "allOf")):
        return schema
    whole: dict[str, Any] = {}
    for part in (*map(_whole, parts), {key: value for key, value in schema.items() if key != "allOf"}):
        both = {"properties": {**_properties(whole), **_properties(part)}} if _properties(part) else {}
        whole = {**whole, **part, **both, "required": (*_several(whole, "required"), *_several(part, "required"))}
    return whole


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _several(schema: Mapping[str, Any], word: str) -> Sequence[Any]:
    """The list behind a word of a schema; () if it is not a list."""
    found = schema.get(word)
    return found if isinstance(found, (list, tuple)) else ()


def _options(schema: Mapping[str, Any]) -> list[Any]:
    return [*_several(schema, "anyOf"), *_several(schema, "oneOf")]


def _inner(schema: Mapping[str, Any]) -> list[Any]:
    """The schemas of the items of an array."""
    items = schema.get("prefixItems", schema.get("items"))
    return list(items) if isinstance(items, (list, tuple)) else [items]


def _text(description: Any, notes: Sequence[str], indent: str) -> str:
    """A description, with the notes in brackets behind it; its further lines are indented under the first."""
    lines = [line.strip() for line in str(description or "").splitlines()]
    text = f"\n{indent}{_STEP}".join(filter(None, lines))
    return " ".join(filter(None, [text, f"({', '.join(notes)})" if notes else ""]))


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
