"""Calls in another syntax than the dialect's own: older API fields, other models' tags, the same text on every path."""

from __future__ import annotations

import json
import time

import gymnasium as gym
import pytest
from test_dialects import JSON_DIALECTS, OPENAI, PYTHONIC, plain

import toolgym  # noqa: F401  registers the suites
from toolgym import ToolCall
from toolgym.dialects import DIALECTS, get_dialect


def irrelevance(dialect, text):
    env = gym.make("ToolGym-BFCL-v0", category="irrelevance", dialect=dialect).unwrapped
    env.reset(options={"task_id": "irrelevance_0"})
    _, reward, *_, info = env.step(text)
    return reward, info["success"]


LEGACY = [
    {"role": "assistant", "content": None, "function_call": {"name": "area", "arguments": '{"base": 3}'}},
    {"content": "", "tool_calls": None, "function_call": {"arguments": {"base": 3}, "name": "area"}},
    {"function_call": {"name": "area", "arguments": '{"base": 3}'}, "latency": 1},
    {"content": "Sure.", "tool_calls": [], "function_call": {"name": "area", "arguments": '{"base": 3}'}},
]


@pytest.mark.parametrize("message", LEGACY)
def test_the_older_function_call_of_a_message_is_a_call(message):
    text = json.dumps(message)
    found = OPENAI.parse(text)
    assert plain(found.calls) == plain([ToolCall("area", {"base": 3})])
    assert [(call.id, json.loads(text[call.start : call.end])["name"]) for call in found.calls] == [("call_0", "area")]
    assert irrelevance("openai", text) == (-3.0, False)
    (cut,) = OPENAI.parse(text[:-9]).calls
    assert cut.error or cut.arguments == {"base": 3}


def test_a_message_without_a_function_call_is_a_response():
    for empty in (None, {}):
        found = OPENAI.parse(json.dumps({"content": "No.", "function_call": empty}))
        assert (found.calls, found.response) == ((), "No.")


# The same text alone, after words and in a fence -----------------------------------------------------------

ODD = {
    '{"function": "area", "parameters": {"a": 1}}': [("", {}, True)],
    '{"name": 5, "parameters": {}}': [("", {}, True)],
    '{"name": "area", "param': [("area", {}, True)],
    '{"name": "are': [("", {}, True)],
    '{"thought": "x", "name": "area", "para': [("area", {}, True)],
    '{"thought": "x", "name": "area", "parameters": {"a": 1,}}': [("area", {}, True)],
    '{"function_call": {"name": "area", "arguments": "{}"}, "x": 1}': [("area", {}, False)],
    json.dumps(json.dumps({"name": "area", "parameters": {"a": 1}})): [("area", {"a": 1}, False)],
}
AROUND = ["{}", "Sure.\n{}", "```json\n{}\n```", "Sure:\n```\n{}\n```", "<think>x</think>\nSure.\n{}"]


@pytest.mark.parametrize("written", ODD)
def test_the_same_text_is_read_alike_on_every_path(written):
    for dialect in JSON_DIALECTS:
        for around in AROUND:
            calls = dialect.parse(around.replace("{}", written)).calls
            assert [(call.name, call.arguments, bool(call.error)) for call in calls] == ODD[written], around
    for around in AROUND[:3]:
        assert irrelevance("llama3", around.replace("{}", written))[0] <= -2


@pytest.mark.parametrize(
    "said", ['{"name": "Bob", "age": 5}', '{"thought": "x", "name": "Bob"}', '"{\\"a\\": 1}"', '"{" ']
)
def test_json_that_is_no_call_stays_a_response(said):
    for dialect in JSON_DIALECTS:
        assert dialect.parse(f"Look:\n{said}").calls == ()


def test_a_list_with_a_positional_argument_is_read_alike_on_every_path():
    for written in ("[area(1)]", "[area(1, base=2)]", "[area(x), g()]"):
        alone = PYTHONIC.parse(written)
        for text in (
            f"Sure:\n{written}",
            f"Sure: {written}",
            f"```python\n{written}\n```",
            f"Sure.\n```\n{written}\n```\nOk?",
        ):
            found = PYTHONIC.parse(text)
            assert plain(found.calls) == plain(alone.calls), text
            assert irrelevance("pythonic", text)[0] <= -1
    for text in (
        "x = [area(1)]",
        "The list [area(1)] is long.",
        "Sure:\narea(1)",
        "[area(x)](y)",
        "[area(x) for x in y]",
    ):
        assert PYTHONIC.parse(f"So:\n{text}\nDone.").calls == (), text


# Other models' syntax -------------------------------------------------------------------------------------

FOREIGN = [
    '[TOOL_CALLS]area{"a": 1}',
    '[TOOL_CALLS]area[CALL_ID]x1[ARGS]{"a": 1}',
    '[TOOL_CALLS][{"name": "area", "arguments": {"a": 1}}]',
    '<function=area>{"a": 1}</function>',
    '<function=area>\n{"a": 1}\n</function>',
    '<|channel|>commentary to=functions.area <|constrain|>json<|message|>{"a":1}<|call|>',
    '<|channel|>analysis<|message|><|end|><|start|>assistant<|channel|>commentary to=functions.area <|message|>{"a":1}',
    '<|start|>assistant to=functions.area<|channel|>commentary json<|message|>{"a": 1}<|call|>',
    '<|tool_call|>{"name": "area", "arguments": {"a": 1}}',
    '<|tool_call|>[{"name": "area", "arguments": {"a": 1}}]<|/tool_call|>',
    'functools[{"name": "area", "arguments": {"a": 1}}]',
    '<|python_tag|>{"name": "area", "parameters": {"a": 1}}',
    '<|tool_call_begin|>functions.area:0<|tool_call_argument_begin|>{"a": 1}<|tool_call_end|>',
    '<｜tool▁call▁begin｜>function<｜tool▁sep｜>area\n```json\n{"a": 1}\n```<｜tool▁call▁end｜>',
]
UNREAD = [
    "<|python_tag|>area.call(a=1)",
    "functools[area(1)]",
    "<function=area>\n<parameter=a>\n1\n</parameter>\n</function>",
    '<function=area>{"a": ',
    "[TOOL_CALLS]area",
    "<tool_call>area\n<arg_key>a</arg_key>",
    '<tool_call>{"name": "area", "arg',
    "<|tool_call|>area",
]


@pytest.mark.parametrize("name", DIALECTS)
def test_another_models_syntax_is_a_misplaced_call(name):
    dialect = get_dialect(name)
    for before in ("", "Sure.\n", "<think>x</think>\n"):
        for written in FOREIGN:
            if name == "llama3" and "python_tag" in written:
                continue  # its own syntax
            found = dialect.parse(before + written)
            assert plain(found.calls) == plain([ToolCall("area", {"a": 1})]), written
            assert found.misplaced
            assert not dialect.well_formed(found, calls=True, response=False)
        for written in UNREAD:
            found = dialect.parse(before + written)
            assert found.calls, written
            assert all(call.error for call in found.calls) or written.startswith("functools")
            assert not dialect.well_formed(found, calls=False, response=True)
    assert irrelevance(name, FOREIGN[0])[0] <= -1
    assert irrelevance(name, UNREAD[0])[0] <= -1


@pytest.mark.parametrize("name", DIALECTS)
def test_a_mention_of_another_models_syntax_is_no_call(name):
    for text in (
        "Write functools[...] or <function=f> there.",
        "I write no [TOOL_CALLS] here.",
        "Use functools.cache.",
        'Write <function=f>{"a": 1}</function> there.',
    ):
        found = get_dialect(name).parse(text)
        assert (found.calls, found.misplaced) == ((), False), text


def test_a_token_inside_a_string_of_a_call_is_text():
    inner = '[TOOL_CALLS]f{"a": 1} <|python_tag|>'
    for dialect in JSON_DIALECTS:
        for before in ("Sure.\n", ""):
            found = dialect.parse(before + json.dumps({"name": "put", "parameters": {"text": inner}}))
            assert plain(found.calls) == plain([ToolCall("put", {"text": inner})])


UNITS = [
    "[TOOL_CALLS]f{",
    '<function=f>{"a":"',
    "<|tool_call|>",
    "<tool_call>x ",
    "<|channel|>a to=",
    '"{\\"',
    '{"a":"b",',
    '{"name":',
    "[f(1)]\n",
    "> > [TOOL_CALLS",
    "- - ",
    '\n{"a',
]


@pytest.mark.parametrize("name", DIALECTS)
def test_hostile_text_takes_linear_time(name):
    dialect = get_dialect(name)
    for unit in UNITS:
        text = "Sure.\n" + unit * (100_000 // len(unit))
        began = time.process_time()
        dialect.parse(text)
        assert time.process_time() - began < 2, unit
