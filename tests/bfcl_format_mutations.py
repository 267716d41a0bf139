"""Texts that models write for format_sensitivity, correct and mutated, drawn by seed."""

from __future__ import annotations

import json
from random import Random
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import bfcl_mutations as mutations

from toolgym.envs.bfcl.formats.configuration import DOC_FORMATS, RETURN_FORMATS, Configuration
from toolgym.envs.bfcl.formats.tasks import FormatEntry
from toolgym.envs.bfcl.formats.writing import write_calls
from toolgym.types import ToolCall

XML_SOUP = [
    "<", ">", "/>", "</", "<functions>", "</functions>", "<function>", "</function>", '<function name="f">',
    "<function name='g'/>", "<params>", "</params>", "<param>", "</param>", '<param name="a" type="integer">1</param>',
    '<param name="a" value="1" type="integer"/>', '<param value="1"/>', "<a>", "</a>", "<b/>", "&amp;", "&lt;", "&#65;",
    "&#x1F600;", "&foo;", "&", "<!-- c -->", "<![CDATA[x < y]]>", "<?pi x?>", 'type="array"', 'type="list"',
    'type="null"', 'type="boolean"', 'type="tuple"', 'type="float"', 'type="any"', 'name="', 'value="', '"', "'", "=",
    "[", "]", "{", "}", "(1,)", "{1, 2}", "1_0", " 5 ", "nan", "1e5", "TRUE", "yes", "é", "漢", "😀", "\x00", "\x0b",
    "\ud800",
    "\u00a0", "<!DOCTYPE a>", '<!ENTITY x "y">', ' xmlns="u"', ' xmlns:p="u"', "<p:function>", "</FUNCTIONS>", "\r\n",
]  # fmt: skip
JSON_SOUP = [
    "[", "]", "{", "}", "},", "}, {", "}]", "[{", "[ {", "} ]", "]]", ",", ":", '"', "'", "\\", "\\n", "\\u007d",
    "null",
    "true", "NaN", "Infinity", "-1", "1.0", "1e400", "01", '"function"', '"parameters"', '"name"', '"arguments"',
    '{"function": "f", "parameters": {}}', '{"function": null, "parameters": {}}', '{"function": "f"}', "{}", "[]",
    '{"function": [1], "parameters": {}}', '{"function": "f", "parameters": []}', "x", "5", '"t"', "\x00", "é", "😀",
    "\u2003", "\ud83d", "\x85", "// c", ",]", ",}",
]  # fmt: skip
TAG_SOUP = [
    "<TOOLCALL>",
    "</TOOLCALL>",
    "<toolcall>",
    "<TOOLCALL/>",
    "<TOOLCALL>[]</TOOLCALL>",
    "</TOOLCALL",
    "TOOLCALL>",
]
FENCES = ["```", "```json\n", "```python\n", "```xml\n", "\n```", "`"]
PROSE = [
    "Sure! Here is the call: ", "I will call the function.\n", "\n\nLet me know if you need more.", " [1] ", "{note} ",
    "The answer is <b>this</b>: ", "Note: use `f(x)`. ", "\n", "   ", "]", "[", "'", "'''", "Result (see [docs]): ",
    "...",
]  # fmt: skip
EMPTY = ["", " ", "\n", "[]", "{}", "null", "None", "`", "```", "[", "]", "''", "<TOOLCALL></TOOLCALL>",
         "<functions></functions>",
         "<TOOLCALL>[]</TOOLCALL>", "I cannot help with that.", "<TOOLCALL>5</TOOLCALL>", "<TOOLCALL>null</TOOLCALL>",
         "[5]", "[null]", "[[]]", '["a"]', "<functions/>", "<functions><function/></functions>"]  # fmt: skip


def answer(entry: FormatEntry, random: Random) -> str:
    """A text for this row and configuration."""
    change = random.random()
    if change < 0.03:
        return random.choice(EMPTY)
    calls: Any = mutations.answer(entry.row, random)
    if random.random() < 0.5:
        calls = mutations.mutated(calls, entry.row, random)
    configuration = entry.configuration
    if change < 0.1:  # another format, or another tag
        configuration = Configuration(random.choice(RETURN_FORMATS), random.random() < 0.5, random.choice(DOC_FORMATS))
    text = _written(calls, configuration, random)
    for _ in range(random.choice((0, 0, 0, 1, 1, 2, 3))):
        text = _changed(text, configuration, random)
    return text


def _written(calls: Any, configuration: Configuration, random: Random) -> str:
    try:
        made = [ToolCall(name, arguments) for call in calls for name, arguments in call.items()]
        if random.random() < 0.25:
            return write_calls(made, configuration)
        text = _as_a_model(made, configuration, random)
    except (TypeError, AttributeError, ValueError):  # not calls, or values that the format cannot hold
        return repr(calls)
    if random.random() < 0.25:
        language = random.choice(["", "json", "python", "xml"])
        text = f"```{language}\n{text}\n```"
    if configuration.tagged and random.random() < 0.97:
        space = random.choice(["", "", "\n", " "])
        text = f"<TOOLCALL>{space}{text}{space}</TOOLCALL>"
        if random.random() < 0.1:
            text = f"```\n{text}\n```"
    return text


def _as_a_model(calls: list[ToolCall], configuration: Configuration, random: Random) -> str:
    if configuration.returns == "python":
        decoded = [{call.name: call.arguments} for call in calls]
        text = mutations.as_text(decoded, random, "python")
        return text[1:-1] if random.random() < 0.2 else text
    if configuration.returns == "json":
        keys = ("function", "parameters") if random.random() < 0.95 else ("name", "arguments")
        listed = [dict(zip(keys, (call.name, call.arguments), strict=True)) for call in calls]
        shown: Any = listed[0] if len(listed) == 1 and random.random() < 0.1 else listed
        return json.dumps(shown, indent=random.choice([None, None, 2]), ensure_ascii=random.random() < 0.5)
    gap = random.choice(["", "", "\n", "\n  "])
    functions = [_function(call, configuration.returns == "verbose_xml", gap, random) for call in calls]
    return f"<functions>{gap}{gap.join(functions)}{gap}</functions>"


def _function(call: ToolCall, verbose: bool, gap: str, random: Random) -> str:
    if random.random() < 0.05:
        verbose = not verbose
    parameters = []
    for key, value in call.arguments.items():
        kind = {str: "string", bool: "boolean", int: "integer", float: "float", list: "array", dict: "dict"}.get(
            type(value), "tuple"
        )
        if random.random() < 0.1:
            kind = random.choice(
                ["string", "integer", "float", "boolean", "array", "dict", "tuple", "object", "null", "list"]
            )
        text = value if isinstance(value, str) else json.dumps(value) if random.random() < 0.3 else repr(value)
        if kind == "boolean" and random.random() < 0.5:
            text = text.lower()
        given = f" type={quoteattr(kind)}" if random.random() < 0.95 else ""
        name = f" name={quoteattr(str(key))}" if random.random() < 0.99 else ""
        if verbose:
            parameters.append(f"<param{name} value={quoteattr(text)}{given}/>")
        else:
            inside = escape(text) if random.random() < 0.95 else text
            space = random.choice(["", "", " ", "\n"])
            parameters.append(f"<param{name}{given}>{space}{inside}{space}</param>")
    inside = gap.join(parameters)
    if random.random() < (0.95 if verbose else 0.05):
        inside = f"<params>{inside}</params>"
    return f"<function name={quoteattr(call.name)}>{gap}{inside}{gap}</function>"


def _changed(text: str, configuration: Configuration, random: Random) -> str:
    change = random.random()
    if change < 0.2:
        return random.choice(PROSE) + text if random.random() < 0.5 else text + random.choice(PROSE)
    if change < 0.3:
        i = random.randint(0, len(text))
        return text[:i] + random.choice([*FENCES, *TAG_SOUP]) + text[i:]
    if change < 0.35:
        return random.choice([text + text, text + "\n" + text, text[: random.randint(0, len(text))], text.upper()])
    soup = {"python": mutations.TEXT_SOUP, "json": JSON_SOUP}.get(configuration.returns, XML_SOUP)
    return mutations._with_token(text, random.choice(soup), random)
