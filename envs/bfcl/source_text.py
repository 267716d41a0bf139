"""Calls written as source text in Python, Java or JavaScript, the way a prompted model writes them for BFCL.

``[name(parameter=value, ...)]`` is read like the official decoders read it (``default_decode_ast_prompting``,
``parse_java_function_call`` and ``parse_javascript_function_call`` of bfcl_eval 2026.3.23). Java and JavaScript values
stay source text; string literals lose their quotes. Official quirks of Java and JavaScript, kept here:

- Of several calls only the first is read. An argument without a name is read only if it is a bare word.
- Java text is cut at byte offsets that are used as character offsets: non-ASCII letters shift the text after them.
- A Java object loses its body: ``new HashMap<..>() {{ .. }}`` becomes ``new HashMap<..>()``.

Java and JavaScript need tree-sitter: ``pip install toolgym[bfcl]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any

from toolgym.dialects.python.python_source import decode
from toolgym.dialects.think import OPEN, split_think
from toolgym.types import Completion, ToolCall

LONGEST = 2_000
"""Maximum characters of Java or JavaScript source; the longest accepted answer has 400. tree-sitter needs up to a
second for hostile text of this length, and the time is quadratic."""

UNNAMED = "**"
"""The parameter name given to an argument without a name."""

LANGUAGES = ("python", "java", "javascript")

_TEXT_TYPES = ("String", "char", "any")

_INSIDE = re.compile(
    r"^[ \t`~]*+(?P<call>\[?[ \t]*[^\W\d][\w.]*\((?:[^)`~]|\)(?![\]; \t]*$))*\)[\];]{0,2})[ \t]*$", re.MULTILINE
)
"""A call that has its lines for itself, up to the first ")" at the end of a line."""


class DecodeError(ValueError):
    """The text contains no readable calls."""


def decode_text(text: str, language: str) -> list[dict[str, dict[str, Any]]] | None:
    """The calls in the text, as the official decoder returns them: ``[{name: {parameter: value}}, ...]``.

    None if Java or JavaScript source parses but has no call. Never executes anything.
    Raises DecodeError if the official decoder raises an exception, or if Java or JavaScript source has more than
    LONGEST characters; ImportError if tree-sitter is missing; ValueError for an unknown language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}: there are {', '.join(LANGUAGES)}")
    if language == "python":
        try:
            return decode(text)
        except ValueError as error:
            raise DecodeError(str(error)) from None
    source = text.strip("`\n ")
    source = source[1:] if source.startswith("[") else source
    source = source[:-1] if source.endswith("]") else source
    return _java_calls(source) if language == "java" else _javascript_calls(source)


def read_action(text: str, language: str) -> Completion:
    """Reads an action: an optional thought, then Java or JavaScript calls. Without a call, the text is a response.

    If there is no call for the official decoder, a call is looked for in a code fence or at the beginning of a line.
    """
    think, position = None, 0
    if text.lstrip().startswith(OPEN):
        think, position, _ = split_think(text)
    calls, problem = None, None
    try:
        calls = decode_text(text[position:], language)
    except DecodeError as error:
        problem = str(error)
    if not calls and len(text) - position <= LONGEST and (found := _INSIDE.search(text, position)):
        with suppress(DecodeError):
            inside = decode_text(found["call"], language) or []
            made = [ToolCall(*item, None, *found.span("call")) for call in inside for item in call.items()]
            if made:
                beside = problem or "there is text beside the calls"
                return Completion(text, tuple(made), think, text[position:].strip(), beside, misplaced=True)
    if not calls:
        return Completion(text, (), think, text[position:].strip() or None, problem)
    made = [ToolCall(*item, None, position, len(text)) for call in calls for item in call.items()]
    return Completion(text, tuple(made), think)


def write_call(call: ToolCall, schemas: Mapping[str, Mapping[str, Any]], language: str) -> str:
    """Source text of a Java or JavaScript call; its argument values must be source text already."""
    arguments = [
        _argument(call.name, parameter, value, schemas[parameter]["type"] in _TEXT_TYPES, language)
        for parameter, value in call.arguments.items()
    ]
    return f"{call.name}({', '.join(arguments)})"


def _argument(name: str, parameter: str, value: str, is_text: bool, language: str) -> str:
    """The argument as plain source or as a string literal: the more natural form that decodes to the value.

    Spaces are ignored in this comparison, because the Java decoder drops spaces between tokens.
    """
    plain, literal, block = f"{parameter}={value}", f'{parameter}="{value}"', f'{parameter}="""{value}"""'
    for form in (literal, plain) if is_text else (plain, literal):
        try:
            calls = decode_text(f"[{name}({form})]", language) or [{}]
        except DecodeError:
            continue
        if calls[0].get(name, {}).get(parameter, "").replace(" ", "") == value.replace(" ", ""):
            return form
    # a text block keeps its inner quotes; the conversion of a HashMap finds the map inside them
    return block if language == "java" else literal


@cache
def _grammar(language: str) -> Any:
    try:
        return import_module("tree_sitter").Language(import_module(f"tree_sitter_{language}").language(), language)
    except (ImportError, TypeError) as error:  # TypeError: a tree-sitter of another version
        raise ImportError(
            f"reading calls written in {language} takes tree-sitter 0.21 and its grammars "
            f"(pip install toolgym[bfcl]); the dialects that write calls as JSON do not need it: {error}"
        ) from error


def require(language: str) -> None:
    """Raise ImportError if calls written in this language cannot be read here."""
    if language != "python":
        _grammar(language)


def _root(source: str, language: str) -> Any:
    grammar = _grammar(language)  # before the import below: its error says what to install

    from tree_sitter import Parser

    if len(source) > LONGEST:
        raise DecodeError(f"{len(source)} characters of source text; at most {LONGEST} are read")
    try:
        encoded = source.encode()
    except UnicodeEncodeError as error:
        raise DecodeError(f"the text is not Unicode: {error}") from None
    parser = Parser()
    parser.set_language(grammar)
    root = parser.parse(encoded).root_node
    if "ERROR" in root.sexp():
        raise DecodeError(f"not {language} that can be parsed")
    return root


def _java_calls(source: str) -> list[dict[str, dict[str, Any]]] | None:
    todo = [_root(source, "java")]
    while todo:
        node = todo.pop()
        if node.type != "method_invocation":
            todo.extend(reversed(node.children))
            continue
        arguments = node.child_by_field_name("arguments")
        if arguments is not None:
            owner, name = node.child_by_field_name("object"), _cut(source, node.child_by_field_name("name"))
            called = name if owner is None else f"{_cut(source, owner)}.{name}"
            return [{called: _named(_java_arguments(source, arguments))}]
    return None


def _java_arguments(source: str, arguments: Any) -> Iterator[tuple[str, str]]:
    for child in arguments.children:
        if child.type == "assignment_expression":
            yield _cut(source, child.children[0]), _java_text(source, child.children[2])
        elif child.type in ("identifier", "class_literal"):
            yield UNNAMED, _java_text(source, child)


def _cut(source: str, node: Any) -> str:
    return source[node.start_byte : node.end_byte]


def _java_text(source: str, node: Any) -> str:
    """The text of a value, without spaces between tokens, without a string's quotes and without an object's body."""
    if node.type in ("string_literal", "character_literal"):
        return _cut(source, node)[1:-1]
    text: list[str] = []
    todo: list[Any] = [node]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            text.append(part)
        elif part.type == "array_creation_expression":
            value = part.child_by_field_name("value")
            if value is None:
                raise DecodeError("an array without values")
            todo += [value, "[]", part.child_by_field_name("type"), "new "]
        elif part.type == "object_creation_expression":
            arguments = part.child_by_field_name("arguments")
            inside = [child for child in arguments.children if child.type not in (",", "(", ")")] if arguments else []
            listed = [piece for child in inside for piece in (", ", child)][1:]
            todo += [")", *reversed(listed), "(", part.child_by_field_name("type"), "new "]
        elif part.child_count and part.type not in _WHOLE:
            todo.extend(reversed(part.children))
        else:
            text.append(_cut(source, part))
    return "".join(text)


_WHOLE = ("string_literal", "character_literal", "identifier", "class_literal", "type_identifier", "method_invocation")


def _javascript_calls(source: str) -> list[dict[str, dict[str, Any]]] | None:
    root = _root(source, "javascript")
    for statement in root.children if root.type == "program" else ():
        for node in statement.children if statement.type == "expression_statement" else ():
            if node.type == "call_expression":
                arguments = _javascript_arguments(node.children[1])
                return [{node.children[0].text.decode(): _named(arguments)}]
    return None


def _javascript_arguments(arguments: Any) -> Iterator[tuple[str, str]]:
    for child in arguments.children:
        if child.type == "assignment_expression":
            value = child.children[2].text.decode()
            if value[:1] in ('"', "'") and value[-1:] == value[:1]:
                value = value[1:-1]
            yield child.children[0].text.decode(), value
        elif child.type in ("identifier", "true"):
            yield UNNAMED, child.text.decode()


def _named(pairs: Iterator[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise DecodeError(f"parameter {name[:100]!r} is given twice")
        found[name] = value
    return found
