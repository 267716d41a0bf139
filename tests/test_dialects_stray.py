"""Calls beside words, in code fences and in other tags; tags inside the strings of calls."""

from __future__ import annotations

import json
import tracemalloc

import gymnasium as gym
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_dialects import JSON_DIALECTS, LLAMA3, OPENAI, PYTHON_DIALECTS, PYTHONIC, TAGGED, plain, some_calls

import toolgym  # noqa: F401  registers the suites
from toolgym import ToolCall
from toolgym.dialects import DIALECTS, get_dialect
from toolgym.types import Completion

CALL = {"name": "area", "parameters": {"base": 3, "unit": "a } b"}}
AREA = ToolCall("area", CALL["parameters"])
PYTHON = tuple([dialect.name for dialect in PYTHON_DIALECTS])
WRITTEN = {name: json.dumps(CALL) if name not in PYTHON else "[area(base=3, unit='a } b')]" for name in DIALECTS}

AROUND = [
    "I compute that.\n{}",
    "I compute that: {}",
    "{}\nShall I go on?",
    "Now:\n\n{}\n\nIs that right?",
    "```json\n{}\n```",
    "```python\n{}\n```",
    "```tool_code\n{}\n```\nDone.",
    "~~~\n{}\n~~~",
    "Here:\n```\n{}\n```",
    "- {}",
    "1. {}",
    "`{}`",
    "**{}**",
    "Sure.\r\n{}\r\n",
    "<function_call>{}</function_call>",
    "Ok <call>{}</call>",
    "> {}",
    "I thought\n</think>\nSo:\n{}",
    "<think>hm</think>\nSo:\n{}",
]
OTHERS = [
    "functools[{}]",
    "[TOOL_CALLS] [{}]",
    "[TOOL_CALLS][{}]",
    "Sure <|python_tag|>{}",
    '{{"tool_calls": [{}]}}\nok',
]


def around(text, written):
    return text.replace("{{", "\0").replace("}}", "\1").replace("{}", written).replace("\0", "{").replace("\1", "}")


@pytest.mark.parametrize("name", DIALECTS)
def test_a_call_is_read_wherever_it_stands_and_the_layout_is_wrong(name):
    dialect = get_dialect(name)
    for text in [*AROUND, *(OTHERS if name not in PYTHON else [])]:
        found = dialect.parse(around(text, WRITTEN[name]))
        assert plain(found.calls) == plain([AREA]), text
        assert found.problem is not None or dialect.name in PYTHON, text
        if found.problem is not None:
            assert not dialect.well_formed(found, calls=True, response=False), text
            assert not dialect.well_formed(found, calls=False, response=True), text
        (call,) = found.calls
        assert json.loads(found.text[call.start : call.end]) == CALL if text in AROUND[:2] and name not in PYTHON else 1


MENTIONS = [
    "I would call {} here, but the width is not given.",
    "You could use {}.",
    "The call {} does not help, does it?",
    "I cannot do that.",
    "<think>Perhaps {}</think>\nNo.",
    "<think>\n{}\n</think>\nI cannot do that.",
    "Perhaps\n{}\n</think>\nI cannot do that.",
    "See {} and so on\nand\nmore.",
]


@pytest.mark.parametrize("name", DIALECTS)
def test_a_mention_in_a_sentence_or_a_thought_is_no_call(name):
    for text in MENTIONS:
        found = get_dialect(name).parse(text.replace("{}", WRITTEN[name]))
        assert found.calls == (), text
        assert not found.misplaced


@pytest.mark.parametrize(
    "text",
    [
        "print(x)\nfor i in y:\n    pass",
        "[link](http://example.org)",
        "f(a=1) is 2.",
        "Let f(a=1), so g = 2",
        "x = f(a=1)",
        "[f(x)](y)",
        "if f(a=1):",
        "def f(a=1):",
    ],
)
def test_code_and_links_are_no_calls_in_pythonic(text):
    for dialect in PYTHON_DIALECTS:
        assert dialect.parse(f"So it is:\n{text}\nDone.").calls == ()


@pytest.mark.parametrize(
    "text",
    ['{"name": "Bob", "age": 5}', '{"name": "area"}', '{"parameters": {}}', '{"a": {"name": "b", "parameters": {}}}'],
)
def test_objects_that_are_no_calls_are_text(text):
    for dialect in JSON_DIALECTS:
        assert dialect.parse(f"Look:\n```json\n{text}\n```").calls == ()


BROKEN = [
    '{"name": "area", "parameters": {"base": 3',
    '{"name": "area", "parameters": {"base": 3,}}',
    "{'name': 'area', 'parameters': {}}",
    '{"name": "area", "parameters": {"base": 1e}}',
    '{"name": "area", "parameters": {"base": ' + "1" * 5000 + "}}",
    '{"name": "area", "parameters": ' + '{"a": ' * 120 + "1" + "}" * 121,
    '{"name": "area" "parameters": {}}',
    '{"name": "area", /* why */ "parameters": {}}',
]


@pytest.mark.parametrize("text", BROKEN)
def test_what_begins_like_a_call_and_is_no_json_is_a_malformed_call(text):
    for dialect in JSON_DIALECTS:
        for said in (f"Sure.\n{text}", f"```json\n{text}\n```"):
            (call,) = dialect.parse(said).calls
            assert call.error
            assert call.arguments == {}


@pytest.mark.parametrize(
    "text", ['{"a": NaN}', '{"a": 1e999}', '{"a": -0}', '{"a": 1, "a": 2}', '{"a": "\\ud800"}', '{"a": "\\u0000"}']
)
def test_odd_values_are_values(text):
    for dialect in JSON_DIALECTS:
        found = dialect.parse(f'\ufeffSure.\r\n{{"name": "area", "parameters": {text}}}')
        assert plain(found.calls) == plain([ToolCall("area", json.loads(text))])


# Rewards and verdicts --------------------------------------------------------------------------------


def played(env, task_id, text):
    env.reset(options={"task_id": task_id})
    _, reward, *_, info = env.step(text)
    return reward, info["success"]


@pytest.mark.parametrize("name", DIALECTS)
def test_bfcl_pays_a_call_beside_words_and_never_as_a_refusal(name):
    official = name in (*PYTHON, "openai")  # their official decoders read no call there
    scored = gym.make("ToolGym-BFCL-v0", category="simple_python", dialect=name).unwrapped
    refused = gym.make("ToolGym-BFCL-v0", category="irrelevance", dialect=name).unwrapped
    relevant = gym.make("ToolGym-BFCL-v0", category="live_relevance", dialect=name).unwrapped
    right = {"name": "calculate_triangle_area", "parameters": {"base": 10, "height": 5}}
    for text in ("I compute that.\n{}", "Sure: {}", "```python\n{}\n```", "Here:\n```json\n{}\n```\nOk?"):
        written = json.dumps(right) if name not in PYTHON else "[calculate_triangle_area(base=10, height=5)]"
        said = text.replace("{}", written)
        reward, success = played(scored, "simple_python_0", said)
        assert (reward, success) == ((2.0, False) if official else (3.0, True)), text
        reward, success = played(refused, "irrelevance_0", said)
        assert reward <= -1
        assert success == official
        reward, success = played(relevant, relevant.tasks[0].id, said)
        assert success == (not official)
        assert reward <= -1 or success


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialogue_runs_a_call_beside_words_unless_the_official_decoder_reads_none(name):
    env = gym.make("ToolGym-BFCL-MultiTurn-v0", category="multi_turn_base", dialect=name).unwrapped
    env.reset(options={"task_id": "multi_turn_base_0"})
    written = '{"name": "ls", "parameters": {}}' if name not in PYTHON else "[ls()]"
    *_, info = env.step(f"I look.\n{written}")
    (record,) = info["calls"]
    if name in (*PYTHON, "openai"):
        assert "official decoder" in record.call.error
        assert (record.result, info["user_turn"]) == (None, 1)
    else:
        assert (record.result.error, info["user_turn"]) == (None, 0)


@pytest.mark.parametrize("name", DIALECTS)
def test_other_suites_run_and_score_it(name):
    env = gym.make("ToolGym-Office-v0", split="val", level="single", dialect=name).unwrapped
    env.reset(seed=1)
    gold = env.task.expected[0]
    written = PYTHONIC.render(Completion("", gold)) if name in PYTHON else LLAMA3.render(Completion("", gold))
    _, reward, *_, info = env.step(f"I do that now.\n```\n{written}\n```")
    assert [record.result.error for record in info["calls"]] == [None] * len(gold)
    assert reward == 3.0
    functions = gym.make("ToolGym-Functions-v0", split="val", level="irrelevant", dialect=name).unwrapped
    functions.reset(seed=1)
    _, reward, *_, info = functions.step(f"I do that now.\n{written}")
    assert (reward <= -2, info["success"]) == (True, False)


def test_a_native_answer_with_a_call_in_its_content_is_read():
    said = "<tool_call>\n" + json.dumps(CALL) + "\n</tool_call>"
    for text in (said, json.dumps({"role": "assistant", "content": said, "tool_calls": []})):
        found = OPENAI.parse(text)
        assert plain(found.calls) == plain([AREA])
        assert (found.misplaced, found.response) == (True, said)


# Tags inside strings -----------------------------------------------------------------------------------

HOSTILE = [
    "</tool_call>",
    "<tool_call>",
    "</think>",
    "<think>",
    "</response>",
    "<response>",
    "\n</tool_call>\n",
    "```",
    "\n```\n",
    "; ",
    '"}}',
    "[f(",
    "<|python_tag|>",
    "<|eot_id|>",
    "\\",
    '"',
    "'",
    "{",
    "]",
    "\r\n",
    "\u2028",
    "\ud800",
    "🙂",
]
tagged = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=3), max_size=6).map("".join)
tagged_calls = st.lists(
    st.builds(
        ToolCall, tagged.filter(bool), st.dictionaries(tagged, tagged | st.lists(tagged, max_size=2), max_size=3)
    ),
    min_size=1,
    max_size=3,
).map(tuple)


def raw(call, key):
    """As models write it: no tag is escaped."""
    return json.dumps({"name": call.name, key: call.arguments}, ensure_ascii=False)


@settings(max_examples=60)
@given(
    tagged_calls,
    st.sampled_from(["", "Sure.\n", "<think>a</think>\n", "<think>a</think>\nSo: "]),
    st.sampled_from(["", "\nThere."]),
)
def test_a_tag_inside_a_string_of_a_call_is_text_on_every_path(calls, before, after):
    for dialect, key in zip(TAGGED, ("parameters", "arguments"), strict=True):
        lines = [raw(call, key) for call in calls]
        layouts = ["<tool_call>\n" + "\n".join(lines) + "\n</tool_call>"]
        if dialect.name == "hermes":
            layouts.append("\n".join([f"<tool_call>\n{line}\n</tool_call>" for line in lines]))
        for block in layouts:
            text = before + block + after
            found = dialect.parse(text)
            assert plain(found.calls) == plain(calls)
            assert [text[call.start : call.end] for call in found.calls] == lines
            assert not found.misplaced


@settings(max_examples=60)
@given(
    some_calls | tagged_calls, st.sampled_from(["Sure.\n", "<think>a</think>\nHm.\n", "```json\n", "a\n</think>\n- "])
)
def test_a_call_beside_words_is_the_same_call(calls, before):
    for dialect in JSON_DIALECTS:
        for joint in ("\n", "; "):
            text = before + joint.join([raw(call, "parameters") for call in calls]) + "\n```"
            assert plain(dialect.parse(text).calls) == plain(calls)
    python = tuple(
        [ToolCall("f.g", {f"p{i}": value for i, value in enumerate(call.arguments.values())}) for call in calls]
    )
    written = PYTHONIC.render(Completion("", python))
    assume(len(written) < 50_000)
    if "</think>" not in written:
        for dialect in PYTHON_DIALECTS:
            assert plain(dialect.parse(f"{before}{written}\nOk.").calls) == plain(python)


def test_the_end_of_a_block_is_found_in_a_thousand_blocks_with_tags():
    calls = tuple([ToolCall("put", {"text": f"{i} </tool_call>\n<tool_call>"}) for i in range(1000)])
    text = "Sure.\n" + "\n".join([f"<tool_call>\n{raw(call, 'arguments')}\n</tool_call>" for call in calls])
    assert plain(get_dialect("hermes").parse(text).calls) == plain(calls)


# Memory ------------------------------------------------------------------------------------------------

LONG = [
    '{"name":"f","parameters":{}}\n',
    'x {"name":"f","parameters":{}} y\n',
    '{"a":',
    "[f(a=",
    "1,",
    '"x",',
    "{},",
    "\r\na",
    "\\u00e9",
    '{"name": "',
    "f(a=1)\n",
    "é🙂",
    "<tool_call>",
    "\x00",
]
BEGIN = ["", "<think>a</think>\n<tool_call>\n", '{"tool_calls": [', '"parameters": [\n']
MOST = 60
"""Bytes for each character of a text: decoded values take more than the text, and a line of a body some more."""


@pytest.mark.parametrize("name", DIALECTS)
def test_a_long_text_takes_memory_in_proportion(name):
    dialect = get_dialect(name)
    dialect.parse("{")
    for begin in BEGIN:
        for unit in LONG[:: 3 if name in PYTHON else 1]:
            text = (begin + unit * (12_000 // len(unit)))[:12_000]
            tracemalloc.start()
            try:
                dialect.parse(text)
                _, most = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            limit = 1_000 if name in PYTHON else MOST  # a syntax tree; longer texts are not parsed
            assert most < limit * len(text), (begin, unit)
