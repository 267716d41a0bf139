"""Dialects: parsing inverts rendering, every unambiguous form is read, any other text is data, in linear time."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from toolgym import Tool, ToolCall
from toolgym.dialects import get_dialect
from toolgym.dialects.json.calls import MAX_CALLS, MAX_DEPTH, decode_json
from toolgym.types import Completion

TOOLRL, HERMES, LLAMA3, PYTHONIC, OPENAI, COMPACT = (
    get_dialect(name) for name in ("toolrl", "hermes", "llama3", "pythonic", "openai", "compact")
)
TAGGED = [TOOLRL, HERMES]
JSON_DIALECTS = [TOOLRL, HERMES, LLAMA3, OPENAI]
PYTHON_DIALECTS = [PYTHONIC, COMPACT]
EVERY = [*JSON_DIALECTS, *PYTHON_DIALECTS]

TAGS = [
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<response>",
    "</response>",
    "<|python_tag|>",
    "<|eot_id|>",
]
pieces = st.sampled_from(
    [*TAGS, '"', "'", "\\", "\n", "\r\n", "\u2028", "\x85", "{", "]", ";", "`", "\\u003c", "🙂", "\x00"]
)
words = st.text(max_size=12) | st.lists(pieces | st.text(max_size=3), max_size=5).map("".join)
numbers = (
    st.integers() | st.integers(10**20, 10**60) | st.floats() | st.sampled_from([0.0, -0.0, 1e300, 5e-324, -(2**63)])
)
scalars = st.none() | st.booleans() | numbers | words
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(words, v, max_size=3), max_leaves=6)
calls = st.builds(ToolCall, words.filter(bool), st.dictionaries(words, values, max_size=4))
some_calls = st.lists(calls, min_size=1, max_size=3).map(tuple)


def plain(calls):
    """Calls as text: tells 1, 1.0 and True apart, and takes nan for nan."""
    return repr([(call.name, call.arguments) for call in calls])


def written(name, arguments, key="parameters"):
    return json.dumps({"name": name, key: arguments})


def in_block(body):
    return f"<think>a</think>\n<tool_call>\n{body}\n</tool_call>"


# What is written comes back ------------------------------------------------------------------------


@given(some_calls, st.none() | words, st.none() | words)
def test_toolrl_gives_back_what_it_renders(calls, think, response):
    assume("</think>" not in (think or "") and "</response>" not in (response or ""))
    assume(think is not None or not (response or "").startswith("</think>"))
    back = TOOLRL.parse(TOOLRL.render(Completion("", calls, think, response)))
    assert (plain(back.calls), back.think, back.response) == (plain(calls), think, response)


@given(some_calls, st.none() | words, st.none() | words)
def test_hermes_gives_back_what_it_renders(calls, think, response):
    response = (response or "").strip() or None
    assume("</think>" not in (think or "") + (response or ""))
    assume(not any(tag in (response or "") for tag in ("<tool_call>", "<think>")))
    back = HERMES.parse(HERMES.render(Completion("", calls, think, response)))
    assert (plain(back.calls), back.think, back.response) == (plain(calls), think, response)


@given(some_calls, st.none() | words)
def test_llama3_gives_back_what_it_renders(calls, think):
    assume("</think>" not in (think or ""))
    back = LLAMA3.parse(LLAMA3.render(Completion("", calls, think)))
    assert (plain(back.calls), back.think, back.problem) == (plain(calls), think, None)


@given(st.just(()) | some_calls, st.none() | words, st.none() | words)
def test_openai_gives_back_what_it_renders(calls, think, response):
    # a response without calls that holds another model's opening of a call is read as a call
    assume(calls or not any(tag in (response or "") for tag in ("<tool_call>", "<|python_tag|>")))
    back = OPENAI.parse(OPENAI.render(Completion("", calls, think, response)))
    assert (plain(back.calls), back.think, back.response) == (plain(calls), think, response)


names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).map(lambda name: f"p_{name}")
python_values = st.recursive(
    scalars | st.binary(max_size=4),
    lambda v: (
        st.lists(v, max_size=3) | st.lists(v, max_size=3).map(tuple) | st.dictionaries(words | numbers, v, max_size=3)
    ),
    max_leaves=6,
)
python_calls = st.builds(
    ToolCall, st.lists(names, min_size=1, max_size=2).map(".".join), st.dictionaries(names, python_values, max_size=3)
)


@given(st.lists(python_calls, max_size=3).map(tuple), st.none() | words)
def test_pythonic_gives_back_what_it_renders(calls, think):
    assume("</think>" not in (think or ""))
    text = PYTHONIC.render(Completion("", calls, think))
    back = PYTHONIC.parse(text)
    assert (plain(back.calls), back.think, back.problem) == (plain(calls), think, None)
    for call in back.calls:
        (alone,) = PYTHONIC.parse(text[call.start : call.end]).calls
        assert plain([alone]) == plain([call])


@pytest.mark.parametrize("dialect", EVERY)
def test_a_response_comes_back(dialect):
    for response in ("It is 5.", "<tool_cal>", "a < b\n\nc", "🙂", '{"answer": 5}', "Call f(x) = 2."):
        back = dialect.parse(dialect.render(Completion("", (), "thought", response)))
        assert (back.calls, back.think, back.response) == ((), None if dialect is COMPACT else "thought", response)
        assert dialect.well_formed(back, calls=False, response=True)
        assert not dialect.well_formed(back, calls=True, response=False)


@given(some_calls)
def test_a_span_is_the_call_as_written(calls):
    for dialect, key in ((TOOLRL, "parameters"), (HERMES, "arguments"), (LLAMA3, "parameters")):
        text = dialect.render(Completion("", calls, "t"))
        for call in dialect.parse(text).calls:
            assert repr(json.loads(text[call.start : call.end])) == repr({"name": call.name, key: call.arguments})


def test_a_lone_surrogate_comes_back_and_the_text_can_be_encoded():
    for dialect in EVERY:
        text = dialect.render(Completion("", (ToolCall("f", {"a": "\ud83d x"}),)))
        text.encode()
        assert dialect.parse(text).calls[0].arguments == {"a": "\ud83d x"}


@pytest.mark.parametrize("dialect", JSON_DIALECTS)
def test_an_argument_that_json_cannot_hold_is_named(dialect):
    with pytest.raises(TypeError, match=r"'put'.*complex"):
        dialect.render(Completion("", (ToolCall("put", {"a": 1j}),)))


# The prompt ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [TOOLRL, HERMES, LLAMA3])
def test_the_instructions_show_the_tools_and_a_call_as_the_dialect_writes_it(dialect):
    tool = Tool("look_up", "Look {it} up.", {"type": "object", "properties": {"key": {"type": "string"}}})
    text = dialect.instructions([tool])
    parameters = '{"type":"object","properties":{"key":{"type":"string"}}}'
    assert f'{{"name":"look_up","description":"Look {{it}} up.","parameters":{parameters}}}' in text
    call = ToolCall("the tool", {"a parameter": "its value"})
    (line,) = [line for line in dialect.render(Completion("", (call,))).splitlines() if "the tool" in line]
    assert line in text
    assert "no tools" in dialect.instructions([])


def test_openai_needs_no_instructions():
    assert OPENAI.instructions([Tool("f")]) == ""


# What has one meaning is read ----------------------------------------------------------------------

PUT = ToolCall("put", {"key": "a b", "n": 3})
ONE_MEANING = {
    "the other key": written("put", PUT.arguments, "arguments"),
    "more keys": '{"id": "1", "type": "function", "name": "put", "parameters": {"key": "a b", "n": 3}}',
    "a list": "[" + written("put", PUT.arguments) + "]",
    "over several lines": json.dumps({"name": "put", "parameters": PUT.arguments}, indent=2),
    "arguments encoded twice": written("put", json.dumps(PUT.arguments)),
    "a call encoded twice": json.dumps(written("put", PUT.arguments)),
    "a list encoded twice": json.dumps("[" + written("put", PUT.arguments) + "]"),
    "the API's wrapping": json.dumps({"type": "function", "function": {"name": "put", "arguments": PUT.arguments}}),
    "a comma at the end": written("put", PUT.arguments) + ",",
    "spaces around it": "  \n\t" + written("put", PUT.arguments) + "\r\n  ",
}


@pytest.mark.parametrize("body", ONE_MEANING.values(), ids=ONE_MEANING)
@pytest.mark.parametrize("dialect", TAGGED)
def test_a_call_written_otherwise_is_read(dialect, body):
    for text in (in_block(body), f"<think>a</think><tool_call>{body}</tool_call>"):
        (call,) = dialect.parse(text).calls
        assert (call.name, call.arguments, call.error) == ("put", PUT.arguments, None)
        assert text[call.start : call.end] in body


@pytest.mark.parametrize("arguments", ["{}", "null", '""', '"{}"'])
def test_no_arguments_are_an_empty_dict(arguments):
    for dialect in TAGGED:
        for body in (f'{{"name": "now", "arguments": {arguments}}}', '{"name": "now"}'):
            (call,) = dialect.parse(in_block(body)).calls
            assert (call.name, call.arguments, call.error) == ("now", {}, None)


@pytest.mark.parametrize("joint", ["\n", " ", "", ",\n", "; ", "\n\n"])
@pytest.mark.parametrize("dialect", [*TAGGED, LLAMA3])
def test_several_calls_are_read_however_they_are_joined(dialect, joint):
    one, two = written("a", {"x": [1, {"y": "}"}]}), json.dumps({"name": "b", "parameters": {}}, indent=1)
    text = one + joint + two + joint + one
    text = text if dialect is LLAMA3 else in_block(text)
    found = dialect.parse(text).calls
    assert [(call.name, call.error) for call in found] == [("a", None), ("b", None), ("a", None)]
    assert [text[call.start : call.end] for call in found] == [one, two, one]


def meaning(read, text):
    try:
        return repr(read(text))
    except ValueError:
        return "ValueError"


broken_json = st.tuples(values.map(json.dumps), st.integers(0, 99)).map(lambda t: t[0][: t[1]] + t[0][t[1] + 1 :])


@given(st.text(max_size=20) | broken_json)
def test_json_means_what_the_standard_library_says(text):
    assert meaning(decode_json, text) == meaning(json.loads, text)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "-Infinity",
        "1e400",
        '"\\ud800"',
        '"\ud800"',
        "-0.0",
        "1" * 5000,
        '{"a":1,"a":2}',
        '"\t"',
        "[1,]",
        "\ufeff1",
    ],
)
def test_unusual_json_means_what_the_standard_library_says(text):
    assert meaning(decode_json, text) == meaning(json.loads, text)


# What has none is a malformed call -----------------------------------------------------------------

MALFORMED = {
    '{"name": "put", "parameters": {"key": "a"': ("put", "not JSON"),
    "put(key=1)": ("", "not JSON"),
    "": ("", "no call here"),
    "[]": ("", "no call here"),
    "17": ("", "this is a number"),
    '"put"': ("", "this is a string"),
    '{"parameters": {}}': ("", 'no "name"'),
    '{"name": 5, "parameters": {}}': ("", "must be a string"),
    '{"name": "put", "parameters": [1]}': ("put", "this is a list"),
    '{"name": "put", "parameters": "a b"}': ("put", "this is a string"),
    '{"name": "put", "key": "a"}': ("put", "it has no"),
    '{"name": "put", "parameters": {"a": ' + "[" * 200 + "]" * 200 + "}}": ("put", f"more than {MAX_DEPTH} levels"),
    '{"name": "put", "parameters": ' + "[" * 5000: ("put", "deeply"),
}


@pytest.mark.parametrize(("body", "expected"), MALFORMED.items(), ids=range(len(MALFORMED)))
@pytest.mark.parametrize("dialect", TAGGED)
def test_a_malformed_call_is_kept_and_says_why(dialect, body, expected):
    text = in_block(body)
    completion = dialect.parse(text)
    (call,) = completion.calls
    assert call.name == expected[0]
    assert expected[1] in call.error
    assert call.arguments == {}
    assert text[call.start : call.end] == body
    assert len(call.error) < 250


def test_calls_around_a_malformed_one_are_read():
    good = [written("a", {}), written("b", {"x": {"name": "no call", "parameters": {}}})]
    text = in_block(f'{good[0]}\n{{"name": "c", "parameters": {{\n  {{"name": "Bob"}},\noops\n{good[1]}')
    for dialect in TAGGED:
        found = dialect.parse(text).calls
        assert [call.name for call in found] == ["a", "c", "b"]
        assert [call.error is None for call in found] == [True, False, True]
        assert text[found[1].start : found[1].end].endswith("oops")


def test_the_span_of_a_malformed_call_is_what_could_not_be_read():
    parts = ["{bad", written("a", {}), "worse,\n  and worse", written("b", {}), "}"]
    text = in_block("\n".join(parts))
    for dialect in TAGGED:
        found = dialect.parse(text).calls
        assert [text[call.start : call.end] for call in found] == parts
        assert [call.error is None for call in found] == [False, True, False, True, False]


@pytest.mark.parametrize("dialect", TAGGED)
def test_a_block_that_is_cut_off_is_one_malformed_call(dialect):
    text = f"<think>a</think>\n<tool_call>\n{written('a', {})}\n{written('b', {})[:-3]}"
    (call,) = dialect.parse(text).calls
    assert (call.name, call.arguments) == ("a", {})
    assert "not closed" in call.error
    assert text[call.start : call.end] == text[text.index("<tool_call>") :]


@pytest.mark.parametrize("dialect", EVERY)
def test_calls_beyond_the_limit_are_one_malformed_call(dialect):
    text = dialect.render(Completion("", tuple([ToolCall(f"f{i}", {}) for i in range(MAX_CALLS + 50)]), "t"))
    *read, last = dialect.parse(text).calls
    assert [call.name for call in read] == [f"f{i}" for i in range(MAX_CALLS)]
    assert f"at most {MAX_CALLS}" in last.error
    assert f"f{MAX_CALLS}" in text[last.start : last.start + 99]


# Thoughts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [TOOLRL, HERMES, LLAMA3, *PYTHON_DIALECTS])
def test_what_is_only_thought_of_is_not_called(dialect):
    call = dialect.render(Completion("", (ToolCall("f", {}),)))
    for text in (f"<think>maybe {call}</think>\nNo.", f"\n <think>\n{call}\n</think>No.", "hmm </think>No."):
        found = dialect.parse(text)
        assert found.calls == ()
        assert found.response == "No."
        assert found.think


@pytest.mark.parametrize("dialect", [TOOLRL, HERMES, LLAMA3, *PYTHON_DIALECTS])
def test_a_thought_ends_at_its_first_closing_tag(dialect):
    call = dialect.render(Completion("", (ToolCall("f", {}),)))
    assert dialect.parse(f"<think>a</think> b </think>\n{call}").think == "a"
    assert dialect.parse(f"<think>a < b <thin </think>\n{call}").think == "a < b <thin "


@pytest.mark.parametrize("dialect", [HERMES, LLAMA3, *PYTHON_DIALECTS])
def test_a_thought_that_the_prompt_opened_is_read(dialect):
    call = dialect.render(Completion("", (ToolCall("f", {"a": "</think>"}),)))
    found = dialect.parse(f"I call f.\n</think>\n\n{call}")
    assert (found.think, found.calls[0].arguments, found.problem) == ("I call f.\n", {"a": "</think>"}, None)
    raw = call.replace("\\u003c", "<")
    assert (dialect.parse(raw).think, dialect.parse(raw).calls[0].arguments) == (None, {"a": "</think>"})


@pytest.mark.parametrize("dialect", [TOOLRL, HERMES, LLAMA3, *PYTHON_DIALECTS])
def test_a_thought_without_end_is_no_answer(dialect):
    found = dialect.parse("<think>I could say that")
    assert (found.think, found.calls, found.response) == ("I could say that", (), None)
    assert found.problem == "<think> is not closed"
    assert not dialect.well_formed(found, calls=False, response=True)
