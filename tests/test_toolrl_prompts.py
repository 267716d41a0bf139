"""ToolRL's prompt format: listings of tools and records of dialogues."""

from __future__ import annotations

import pytest

from toolgym.dialects import get_dialect
from toolgym.toolrl_prompts import read_calls, read_messages, read_tools

PROMPT = """You are an assistant.

**Available Tools**
In your response, you can use the following tools:
1. Name: Search: All
Description: Finds things.
2. Not a tool, but more of the description.
Parameters: {}
%s

**Steps for Each Turn**
1. **Think:** Recall."""

TOOLRL = get_dialect("toolrl")


def listed(entry: str):
    return read_tools(PROMPT % entry)[1]


def test_a_listing_is_read_tool_by_tool():
    tools = read_tools(PROMPT % '2. Name: add\nDescription: Adds.\nParameters: {"a": {"type": "int"}}')
    assert [tool.name for tool in tools] == ["Search: All", "add"]
    assert tools[0].description == "Finds things.\n2. Not a tool, but more of the description."
    assert tools[0].validator.is_valid({})
    assert tools[1].validator.is_valid({"a": 1})
    assert not tools[1].validator.is_valid({"a": "1"})
    assert not tools[1].validator.is_valid({"b": 1})


def test_the_short_form_and_python_dicts_are_read_too():
    tool = listed("2. QueryMeeting: Looks: up.\nParameters: {'user': {'type': 'str', 'description': \"it's\"}}")
    assert (tool.name, tool.description) == ("QueryMeeting", "Looks: up.")
    properties = tool.schema["function"]["parameters"]["properties"]
    assert properties == {"user": {"type": "string", "description": "it's"}}


@pytest.mark.parametrize(
    ("written", "fine", "wrong"),
    [
        ("int", [1], ["1", 1.5, None]),
        ("float", [1, 1.5], ["1"]),
        ("str, optional", ["a"], [1]),
        ("string", ["a"], [1]),
        ("bool", [True], ["true", 1]),
        ("List", [[], [1, "a"]], [1]),
        ("List[int]", [[], [1]], [["a"], 1]),
        ("List[List[float]]", [[[1, 2.5]]], [[1]]),
        ("List[Union[int, float]]", [[1, 2.5]], [["a"]]),
        ("List[Tuple[int, str]]", [[[1, "a"]]], [[1]]),
        ("Tuple[float, float]", [[1, 2]], [["a"]]),
        ("Tuple[int, str]", [[1, "a"]], ["a"]),
        ("Dict[str, int]", [{"a": 1}], [[1]]),
        ("Optional[int]", [1, None], ["a"]),
        ("Union[int, str]", [1, "a"], [1.5]),
        ("Callable[[float], float]", ["x", 1, None], []),
        ("something", ["x", 1, None], []),
        (["string", "null"], ["a", None], [1]),
        (None, ["x", 1, None], []),
        ("List[", [[1]], [1]),
    ],
)
def test_types_of_all_kinds(written, fine, wrong):
    tool = listed(f"2. Name: f\nDescription: F.\nParameters: {{'x': {{'type': {written!r}}}}}")
    for value in fine:
        assert tool.validator.problems({"x": value}) == ()
    for value in wrong:
        assert tool.validator.problems({"x": value})


def test_what_is_optional_or_has_a_default_says_so():
    tool = listed(
        '2. Name: f\nDescription: F.\nParameters: {"a": {"description": "First.", "type": "int, optional", '
        '"default": 3}, "b": {"description": "Second.", "type": "int", "default": ""}, "c": "just words"}'
    )
    properties = tool.schema["function"]["parameters"]["properties"]
    assert properties == {
        "a": {"type": "integer", "description": "First. (optional)", "default": 3},
        "b": {"type": "integer", "description": "Second."},
        "c": {"description": "just words"},
    }
    assert "required" not in tool.schema["function"]["parameters"]


def test_parameters_that_cannot_be_read_are_shown_as_they_are():
    tool = listed("2. Name: f\nDescription: F.\nParameters: {broken")
    assert tool.description == "F.\nParameters: {broken"
    assert tool.validator.is_valid({"anything": 1})
    assert read_tools("no listing") == ()


HISTORY = """**Dialogue Records History**
<user> Hello </user>

<think> Two calls. </think>
<tool_call>
{"name": "f", "parameters": {"a": 1}}
{"name": "g", "parameters": {}}
</tool_call>
<obs> %s </obs>

<think> Done. </think>
<response> It is 3. </response>

<user> Thanks </user>

<user> Bye </user>"""


def test_records_become_messages():
    history = HISTORY % '[{"name": "f", "results": {"x": "é"}}, {"name": "g", "results": "plain"}]'
    messages = [dict(message) for message in read_messages(history, TOOLRL)]
    calls = '{"name": "f", "parameters": {"a": 1}}\n{"name": "g", "parameters": {}}'
    assert messages == [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": f"<think>Two calls.</think>\n<tool_call>\n{calls}\n</tool_call>"},
        {"role": "tool", "content": '{"x": "é"}', "name": "f"},
        {"role": "tool", "content": "plain", "name": "g"},
        {"role": "assistant", "content": "<think>Done.</think>\n<response>It is 3.</response>"},
        {"role": "user", "content": "Thanks\n\nBye"},
    ]


def test_results_that_are_not_one_per_call_are_shown_whole():
    messages = read_messages(HISTORY % "{'f': 1}", TOOLRL)
    assert [message["content"] for message in messages if message["role"] == "tool"] == ["{'f': 1}"]


def test_the_dialect_decides_how_the_past_is_written():
    messages = read_messages(HISTORY % "x", get_dialect("hermes"))
    assert messages[1]["content"].count("<tool_call>") == 2
    messages = read_messages(HISTORY % "x", get_dialect("openai"))
    assert messages[2]["tool_call_id"] == "call_0"


def test_speaking_twice_in_a_row_is_one_message():
    history = "***Dialogue Records History**\n<user>Hi</user>\n<response>Sure.</response>\n<response>Here.</response>\n"
    assert [dict(message) for message in read_messages(history, TOOLRL)] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "<response>Sure.\nHere.</response>"},
    ]


@pytest.mark.parametrize(
    "history",
    [
        "",
        "just words",
        "<user> Hi </user> and more",
        "<user> Hi",
        "<user> Hi </user>\n<tool_call>\n{broken\n</tool_call>",
        "<user> Hi </user>\n<obs> nothing was called </obs>",
    ],
)
def test_a_dialogue_that_is_not_made_of_records_is_one_user_message(history):
    (message,) = read_messages(f"**Dialogue Records History**\n{history}", TOOLRL)
    assert dict(message) == {"role": "user", "content": history}


@pytest.mark.parametrize(
    "line", ["", "{", "1", '{"name": "f"}', '{"name": "f", "parameters": 1}', '{"name": "", "parameters": {}}']
)
def test_a_line_that_is_no_call_is_refused(line):
    with pytest.raises(ValueError, match="call"):
        read_calls('{"name": "f", "parameters": {}}\n' + line + '\n{"name": "g", "parameters": {}}')
