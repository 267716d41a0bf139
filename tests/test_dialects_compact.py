"""The compact dialect: signatures of tools, names that are no identifiers, calls without thoughts, BFCL's verdict."""

from __future__ import annotations

import ast
import math
from random import Random
from typing import Any, Literal

import gymnasium as gym
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_dialects import python_values, words

import toolgym
from toolgym import Tool, ToolCall, tool
from toolgym.dialects import get_dialect
from toolgym.dialects.python.names import is_identifier
from toolgym.dialects.signatures import LONG_ENUM, signature, signatures
from toolgym.types import CallRecord, Completion, ToolResult, message

COMPACT, PYTHONIC = get_dialect("compact"), get_dialect("pythonic")


def plain(calls):
    return repr([(call.name, call.arguments) for call in calls])


def written(**properties):
    """The signature of a tool f with these parameters, all of them required."""
    return signed({"properties": properties, "required": list(properties)})


def signed(parameters, description=""):
    return signature(
        {"name": "f", "description": description, "parameters": Tool("f", parameters=parameters).parameters}
    )


# What is written comes back ------------------------------------------------------------------------

any_names = words.filter(bool) | st.sampled_from(
    [
        "f",
        "math.factorial",
        "get-weather",
        "from",
        "a.None",
        "**",
        "first name",
        "'",
        '"',
        "a'b\"",
        "\n",
        "ﬁle",
        "été",
        "_",
    ]
)
any_calls = st.builds(ToolCall, any_names, st.dictionaries(any_names, python_values, max_size=4))


@given(st.lists(any_calls, max_size=3).map(tuple), st.none() | words)
def test_calls_of_any_names_come_back_and_their_spans_are_exact(calls, think):
    text = COMPACT.render(Completion("", calls, think))
    text.encode()
    back = COMPACT.parse(text)
    assert (plain(back.calls), back.think, back.problem, back.misplaced) == (plain(calls), None, None, False)
    assert [call.error for call in back.calls] == [None] * len(calls)
    for call in back.calls:
        (alone,) = COMPACT.parse(text[call.start : call.end]).calls
        assert plain([alone]) == plain([call])


@settings(max_examples=50)
@given(st.lists(any_calls, min_size=1, max_size=2).map(tuple))
def test_calls_of_any_names_are_found_beside_words(calls):
    text = COMPACT.render(Completion("", calls))
    assume("#" not in text and not any("\\" in repr(call.name) for call in calls))
    found = COMPACT.parse(f"Sure.\n```python\n{text}\n```")
    assert plain(found.calls) == plain(calls)
    assert found.misplaced


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("[f(a=1, b='x')]", "f", {"a": 1, "b": "x"}),
        ("[math.factorial(number=5)]", "math.factorial", {"number": 5}),
        ("['get-weather'(city='x')]", "get-weather", {"city": "x"}),
        ('"get-weather"(city="x")', "get-weather", {"city": "x"}),
        ("[f(a=1, **{'first name': 'x', 'from': 2}, b=3)]", "f", {"a": 1, "first name": "x", "from": 2, "b": 3}),
        ("[f(**{'a': 1})]", "f", {"a": 1}),
        ("[f(**{1: 2})]", "f", {"**": {1: 2}}),
        ("[f(**x)]", "f", {"**": "x"}),
        ("[f(a={'b': None, 'c': [True, (1,)]})]", "f", {"a": {"b": None, "c": [True, (1,)]}}),
        ("<think>Hm.</think>\n[f()]", "f", {}),
    ],
)
def test_calls_are_read(text, name, arguments):
    (call,) = COMPACT.parse(text).calls
    assert (call.name, call.arguments, call.error) == (name, arguments, None)
    ((again,),) = (COMPACT.parse(COMPACT.render(Completion("", (call,)))).calls,)
    assert plain([again]) == plain([call])


@given(st.text(max_size=4) | any_names)
def test_what_stands_without_quotes_is_a_name_for_python(name):
    if is_identifier(name):
        (word,) = ast.parse(f"f({name}=1)", mode="eval").body.keywords
        assert word.arg == name


def test_a_thought_and_a_response_beside_calls_are_not_written():
    assert COMPACT.render(Completion("", (ToolCall("f", {"a": 1}),), "I think", "I say")) == "[f(a=1)]"
    assert COMPACT.render(Completion("", (), "I think", "I say")) == "I say"
    assert COMPACT.render(Completion("")) == "[]"


def test_results_are_tool_messages():
    records = [CallRecord(ToolCall("f", {}), ToolResult("3")), CallRecord(ToolCall("g", {}), ToolResult("x"))]
    said = COMPACT.results(records)
    assert [(m["role"], m["name"], m["content"]) for m in said] == [("tool", "f", "3"), ("tool", "g", "x")]
    assert all(map(COMPACT.is_result, said))


# The prompt ----------------------------------------------------------------------------------------


def test_the_prompt_is_a_signature_and_the_descriptions_of_each_tool():
    @tool
    def weather(city: str, unit: Literal["C", "F"] = "C", days: list[int] | None = None) -> str:
        """The weather of a city.

        Args:
            city: Where it is.
        """
        return ""

    assert COMPACT.instructions([weather, Tool("now", "What time it is.")]) == (
        "Functions:\n"
        "weather(city: str, unit: 'C'|'F' = 'C', days: list[int]|None = None)\n"
        "  The weather of a city.\n"
        "  city: Where it is.\n"
        "now()\n"
        "  What time it is.\n"
        "\n"
        "Answer with calls, like [f(a=1, b='x'), g(c=[2])]. If no function fits, say so in words."
    )
    assert COMPACT.instructions([]).startswith("Functions:\n(none)\n\nAnswer")
    (first, second) = COMPACT.parse("[f(a=1, b='x'), g(c=[2])]").calls
    assert (first.arguments, second.arguments) == ({"a": 1, "b": "x"}, {"c": [2]})


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "float"),
        ({"type": "dict"}, "dict"),
        ({}, "any"),
        (True, "any"),
        ({"type": ["string", "null"]}, "str|None"),
        ({"type": "string", "nullable": True}, "str|None"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "int|None"),
        ({"oneOf": [{"type": "integer"}, {"const": "all"}]}, "int|'all'"),
        ({"enum": ["a", "b'c"]}, "'a'|\"b'c\""),
        ({"type": "integer", "enum": [1, 2.5, None, True]}, "1|2.5|None|True"),
        ({"type": "array"}, "list"),
        ({"type": "array", "items": {}}, "list"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "boolean"}}}, "list[list[bool]]"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, "list['a'|'b']"),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, "list[int, str]"),
        ({"type": "tuple", "items": {"type": "float"}}, "tuple[float, ...]"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "dict[str, int]"),
        ({"type": "object", "additionalProperties": True}, "dict"),
        (
            {"type": "object", "properties": {"a": {"type": "integer"}, "b c": {"default": [1]}}, "required": ["a"]},
            "{'a': int, 'b c': any = [1]}",
        ),
        (
            {"type": "object", "properties": {"a": {"enum": [1]}}, "additionalProperties": {"type": "string"}},
            "{'a': 1 = ..., **: str}",
        ),
        ({"type": "array", "items": {"properties": {"a": {"type": "string"}}, "required": ["a"]}}, "list[{'a': str}]"),
        (
            {"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}]},
            "{'a': any, 'b': any = ...}",
        ),
        ({"$ref": "#/$defs/Kind"}, "'x'|'y'"),
        ({"type": "callable"}, "callable"),
    ],
    ids=str,
)
def test_types_are_short_python(schema, expected):
    parameters = {"properties": {"p": schema}, "required": ["p"], "$defs": {"Kind": {"enum": ["x", "y"]}}}
    assert signature({"name": "f", "description": "", "parameters": parameters}) == f"f(p: {expected})"


def test_members_limits_and_long_enums_stand_below_the_signature():
    room = {"type": "object", "properties": {
        "nights": {"type": "integer", "description": "How long.", "minimum": 1, "maximum": 9},
        "guest": {"type": "object", "properties": {"name": {"type": "string", "description": "In full."}}},
    }, "required": ["nights"]}  # fmt: skip
    codes = [f"c{i}" for i in range(LONG_ENUM + 1)]
    text = signed(
        {
            "properties": {
                "rooms": {"type": "array", "items": room, "minItems": 1, "description": "What to book."},
                "code": {"type": "string", "enum": codes, "default": "c1"},
                "plain": {"type": "string"},
            },
            "required": ["rooms"],
            "additionalProperties": {"type": "string"},
        },
        "Book rooms.\r\n\n  - of a hotel\nf(): no tool",
    )
    assert text.splitlines() == [
        "f(rooms: list[{'nights': int, 'guest': {'name': str = ...} = ...}], "
        "code: str = 'c1', plain: str = ..., **: str)",
        "  Book rooms.",
        "    - of a hotel",
        "    f(): no tool",
        "  rooms: What to book. (minItems 1)",
        "    nights: How long. (minimum 1, maximum 9)",
        "    guest:",
        "      name: In full.",
        f"  code: (one of {'|'.join(map(repr, codes))})",
    ]


def test_every_other_word_of_a_schema_is_a_note():
    codes = {"type": "string", "pattern": "^[A-Z]+$", "description": "A code,\n in capitals."}
    assert signed(
        {
            "properties": {
                "a": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "title": "A"},
                "b": {"type": "array", "items": codes, "uniqueItems": True, "examples": [["X"]]},
                "c": {"type": "object", "additionalProperties": {"type": "number", "maximum": 0.5}},
            },
            "if": {"required": ["a"]},
        },
        "Does it.",
    ).splitlines() == [
        "f(a: int|None = ..., b: list[str] = ..., c: dict[str, float] = ...)",
        "  Does it. (if {'required': ['a']})",
        "  a: (minimum 1)",
        "  b: (uniqueItems True, examples [['X']], each: A code, in capitals., pattern '^[A-Z]+$')",
        "  c: (each: maximum 0.5)",
    ]


def test_a_long_beginning_that_neighbours_share_stands_once():
    one, two = "It is part of the tickets. Its description is this: ", "This tool is part of the system of cars: "
    texts = [
        one + "Open it.",
        one + "Close it.",
        two + "Drive.",
        two + "Stop.",
        "Wait.",
        "Go on.",
        one + "Read it.",
        one,
    ]
    shown = signatures([{"name": f"f{i}", "description": text, "parameters": {}} for i, text in enumerate(texts)])
    assert shown.splitlines() == [
        f"# {one.strip()}", "f0()", "  Open it.", "f1()", "  Close it.",
        f"# {two.strip()}", "f2()", "  Drive.", "f3()", "  Stop.",
        "", "f4()", "  Wait.", "f5()", "  Go on.", "f6()", f"  {one}Read it.", "f7()", f"  {one.strip()}",
    ]  # fmt: skip


def test_a_name_that_is_no_identifier_stands_as_a_call_writes_it():
    properties = {
        "first name": {"type": "string", "description": "Of a person."},
        "from": {},
        "to": {"type": "integer"},
    }
    odd = Tool("get-weather", "Reads\nit.", {"properties": properties, "required": ["first name", "to"]})
    assert COMPACT.instructions([odd]).splitlines()[1:5] == [
        "'get-weather'(**{'first name': str, 'from': any = ...}, to: int)",
        "  Reads",
        "    it.",
        "  'first name': Of a person.",
    ]
    call = ToolCall("get-weather", {"first name": "Ada", "from": 1, "to": 2})
    assert COMPACT.render(Completion("", (call,))) == "['get-weather'(**{'first name': 'Ada', 'from': 1}, to=2)]"


WORDS = [
    "type", "properties", "required", "items", "enum", "default", "description", "anyOf", "allOf", "const",
    "additionalProperties", "minimum", "prefixItems", "nullable", "$ref", "x\n",
]  # fmt: skip
LEAVES = [
    None,
    True,
    False,
    0,
    math.nan,
    "",
    "string",
    "array",
    "object",
    "a\nf()",
    "\u2028",
    "\ud800",
    "#",
    "#/properties",
]


def odd(source: Random, depth: int = 0) -> Any:
    """Anything that may stand in a schema, often in the wrong place."""
    kind = source.random()
    if depth > 4 or kind < 0.3:
        return source.choice(LEAVES)
    if kind < 0.5:
        return [odd(source, depth + 1) for _ in range(source.randint(0, 3))]
    names = source.choices(WORDS, k=source.randint(0, 5))
    return {name: odd(source, depth + 1) for name in names}


def test_any_schema_is_written_the_same_each_time_and_no_line_in_it_looks_like_a_signature():
    for seed in range(500):
        source = Random(seed)
        made = Tool("f", parameters={name: odd(source) for name in source.sample(WORDS, 6)}, trusted=True)
        doc = {"name": source.choice(["f", "g\nh"]), "description": "a\nb()\u2028c", "parameters": made.parameters}
        text = signature(doc)
        assert text == signature(doc)
        assert all(line.startswith("  ") for line in text.split("\n")[1:]), seed


def test_a_hundred_tools_are_a_hundred_signatures():
    tools = [Tool(f"f{i}", f"Does {i}.", {"properties": {"a": {"type": "integer"}}}) for i in range(100)]
    lines = COMPACT.instructions(tools).splitlines()
    assert lines[1:201:2] == [f"f{i}(a: int = ...)" for i in range(100)]


# Suites --------------------------------------------------------------------------------------------


def played(env, task_id, text):
    env.reset(options={"task_id": task_id})
    *_, info = env.step(text)
    return info


def test_in_java_and_javascript_a_value_is_source_text_in_a_python_string():
    env = gym.make("ToolGym-BFCL-v0", category="simple_java,simple_javascript", dialect="compact").unwrapped
    task = env.find_task("simple_java_7")
    (text,) = env.gold(task)
    assert text == (
        "[EFSNIOResource.copy(destination=\"new Path('/backup/data.txt')\", force='true', monitor='progressTracker')]"
    )
    assert played(env, task.id, text)["success"]
    assert played(env, task.id, text.replace("'true'", "true"))["success"]  # a name is a string
    assert not played(env, task.id, text.replace("'true'", "1"))["success"]
    assert played(env, "simple_javascript_3", env.gold(env.find_task("simple_javascript_3"))[0])["success"]


def test_a_row_of_python_is_read_as_the_official_decoder_reads_it():
    for text in (
        "[f(1, a=2)]",
        "f(a=-x)",
        "[f(a=b)]",
        "[f(a=g(1), b=g(c=1))]",
        "[f(a=1)]]",
        "```[f(a=+1)]```",
        "[]",
        "x",
    ):
        one, other = COMPACT.parse(text), PYTHONIC.parse(text)
        assert (plain(one.calls), one.problem, one.misplaced) == (plain(other.calls), other.problem, other.misplaced)


def test_functions_that_come_late_are_announced_as_signatures():
    env = gym.make("ToolGym-BFCL-MultiTurn-v0", category="multi_turn_miss_func", dialect="compact").unwrapped
    observation, _ = env.reset(options={"task_id": "multi_turn_miss_func_3"})
    assert "\nfind(" not in observation["messages"][0]["content"]
    said = []
    for text in env.gold(env.task):
        observation, *_, info = env.step(text)
        said = [m["content"] for m in observation["messages"] if m["role"] == "user"]
    assert info["success"]
    (news,) = [text for text in said if text.startswith("Functions:\n")]
    assert news.startswith("Functions:\n# This tool belongs to the Gorilla file system.")
    assert "\nfind(path: str = '.', name: str = 'None')\n  Find any file" in news


def test_an_own_tool_with_odd_names_is_called():
    def add(**given):
        return sum(given.values())

    parameters = {"properties": {"first-term": {"type": "integer"}, "class": {"type": "integer"}}}
    odd = Tool("add-up", "Add.", parameters, function=add)
    task = toolgym.Task(
        "t",
        (message("user", "Add 1 and 2."),),
        expected=((ToolCall("add-up", {"first-term": 1, "class": 2}),),),
        tools=(odd,),
    )
    env = toolgym.ToolEnv([task], dialect="compact")
    env.reset()
    assert env.gold(task)[0] == "['add-up'(**{'first-term': 1, 'class': 2})]"
    observation, *_ = env.step(env.gold(task)[0])
    assert observation["messages"][-1]["content"] == "3"
