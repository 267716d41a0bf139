"""The special rules of each JSON dialect (ToolRL's layout, blocks, bare JSON, API messages), and a new dialect."""

from __future__ import annotations

import json
import re

import gymnasium as gym
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from toolgym import ToolCall
from toolgym.dialects import DIALECTS, get_dialect
from toolgym.dialects.hermes import Hermes
from toolgym.dialects.toolrl import follows
from toolgym.types import CallRecord, ToolResult, message
from toolgym.wrappers import DiscreteTools

TOOLRL, HERMES, LLAMA3, OPENAI = (get_dialect(name) for name in ("toolrl", "hermes", "llama3", "openai"))
TAGS = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<response>", "</response>"]


def plain(calls):
    return [(call.name, call.arguments) for call in calls]


def written(name, arguments, key="parameters"):
    return json.dumps({"name": name, key: arguments})


def in_block(body):
    return f"<think>a</think>\n<tool_call>\n{body}\n</tool_call>"


# ToolRL's layout -----------------------------------------------------------------------------------

RELEASED = {  # the released patterns (rlla.py), by whether calls and a response are expected
    (True, False): (r"^<think>.*?</think>\n<tool_call>\n.*?\n</tool_call>$", ["<tool_call>", "</tool_call>"]),
    (False, True): (r"^<think>.*?</think>\n<response>.*?</response>$", ["<response>", "</response>"]),
    (True, True): (
        r"^<think>.*?</think>\n<tool_call>\n.*?\n</tool_call>\n<response>.*?</response>$",
        ["<tool_call>", "</tool_call>", "<response>", "</response>"],
    ),
    (False, False): (r"^<think>.*?</think>$", []),
}
LAYOUTS = [
    ["<think>", "</think>", "\n<tool_call>\n", "\n</tool_call>"],
    ["<think>", "</think>", "\n<response>", "</response>"],
    ["<think>", "</think>", "\n<tool_call>\n", "\n</tool_call>", "\n<response>", "</response>"],
    ["<think>", "</think>"],
    [],
]
fillers = st.sampled_from(["", "", "", "a", "\n", " ", "a < b", written("f", {}), *TAGS, "\n<tool_call>\n"])
nearly = st.sampled_from(LAYOUTS).flatmap(
    lambda parts: st.lists(fillers, min_size=len(parts) + 1, max_size=len(parts) + 1).map(
        lambda fill: "".join(a + b for a, b in zip(fill, [*parts, ""], strict=True))
    )
)


@settings(max_examples=600)
@given(nearly)
@example("<think></think>\n<tool_call>\n</tool_call>")
@example("<think></think>\n<tool_call>\n\n</tool_call>\n<response></response>")
@example("<think>")
@example("<think></think>")
def test_toolrl_is_well_formed_where_the_released_patterns_match(text):
    completion = TOOLRL.parse(text)
    for (calls, response), (pattern, once) in RELEASED.items():
        said = text.strip()
        expected = bool(re.search(pattern, said, re.DOTALL)) and all(said.count(tag) == 1 for tag in once)
        assert follows(said, calls=calls, response=response) == expected
        assert TOOLRL.well_formed(completion, calls=calls, response=response) == expected


def test_toolrl_says_what_is_wrong_with_the_layout():
    def problem(text):
        return TOOLRL.parse(text).problem

    assert "does not begin with <think>" in problem("<response>x</response>")
    assert "<tool_call> occurs 1 times" in problem("<think>use <tool_call></think>\n<response>x</response>")
    assert "</response> occurs 0 times" in problem("<think>a</think>\n<response>x")
    assert "line end" in problem("<think>a</think><response>x</response>")
    assert problem("\n<think>a</think>\n<response>x</response>\n ") is None


def test_toolrl_reads_the_first_block_and_text_without_a_tag():
    two = in_block(written("a", {})) + "\n<tool_call>\n" + written("b", {}) + "\n</tool_call>"
    assert [call.name for call in TOOLRL.parse(two).calls] == ["a"]
    assert TOOLRL.parse("<think>a</think>\nIt is 5.").response == "It is 5."
    assert TOOLRL.parse("<think>a</think>\n<response>It is").response == "It is"
    assert TOOLRL.parse(in_block(written("a", {})) + "\nbye").response is None
    said = "<think>a</think>\n<response>write <tool_call> tags</response>"
    assert (TOOLRL.parse(said).calls, TOOLRL.parse(said).response) == ((), "write <tool_call> tags")


# The others' own ways ------------------------------------------------------------------------------


def test_hermes_text_outside_of_the_blocks_is_the_response():
    block = "<tool_call>\n" + written("f", {}, "arguments") + "\n</tool_call>"
    found = HERMES.parse(f"Let me see.\n{block}\n\n{block} Done.\n")
    assert ([call.name for call in found.calls], found.response) == (["f", "f"], "Let me see.\nDone.")
    assert HERMES.parse(block).response is None
    assert HERMES.parse("text </tool_call>").problem


CALL = written("f", {"a": 1})


@pytest.mark.parametrize(
    "text", [CALL, f"<|python_tag|>{CALL}<|eom_id|>", f" {CALL} <|eot_id|>\n", f"[{CALL}]", f"{CALL}\nThere."]
)
def test_llama3_reads_calls(text):
    found = LLAMA3.parse(text)
    (call,) = found.calls
    assert (call.name, call.arguments, call.error, text[call.start : call.end]) == ("f", {"a": 1}, None, CALL)
    assert (found.problem is None) == ("There" not in text)


@pytest.mark.parametrize(
    "text",
    ['{"name": "Bob", "age": 5}', '{"answer": {"parameters": 1}}', "[1, 2]", f"Not {CALL} here", "{", "hi<|eot_id|>"],
)
def test_llama3_takes_anything_else_for_a_response(text):
    found = LLAMA3.parse(text)
    assert (found.calls, found.response) == ((), text.removesuffix("<|eot_id|>"))


@pytest.mark.parametrize(
    "text", [CALL[:-4], '{"name": "f", "para', '{"name": "f", "parameters": 5}', "<|python_tag|>search.call(query='x')"]
)
def test_llama3_keeps_a_malformed_call(text):
    (call,) = LLAMA3.parse(text).calls
    assert call.error


def test_openai_reads_the_message_of_the_api():
    text = """{"role": "assistant", "content": "Wait.", "tool_calls": [
        {"id": "x1", "type": "function", "function": {"name": "f", "arguments": "{\\"a\\": 1}"}},
        {"type": "function", "function": {"name": "g", "arguments": {"b": [2]}}}, 5]}"""
    found = OPENAI.parse(text)
    assert plain(found.calls[:2]) == plain([ToolCall("f", {"a": 1}), ToolCall("g", {"b": [2]})])
    assert [call.id for call in found.calls] == ["x1", "call_1", "call_2"]
    assert "this is a number" in found.calls[2].error
    assert [json.loads(text[call.start : call.end]) for call in found.calls] == json.loads(text)["tool_calls"]
    records = [CallRecord(call, ToolResult("r")) for call in found.calls]
    assert [m["tool_call_id"] for m in OPENAI.results(records)] == ["x1", "call_1", "call_2"]


@pytest.mark.parametrize(
    "text", ["", "It is 5.", '{"answer": 5}', '{"content": "x", "title": "y"}', "[1]", "{", '{"content": 1']
)
def test_openai_takes_other_text_for_a_response(text):
    assert (OPENAI.parse(text).calls, OPENAI.parse(text).response) == ((), text or None)


@pytest.mark.parametrize("text", ['{"tool_calls": [{"id": "a"', '{"tool_calls": {"a": 1}}', '{"tool_calls": [[]]}'])
def test_openai_keeps_a_malformed_call(text):
    (call,) = OPENAI.parse(text).calls
    assert call.error


def test_results_are_one_message_per_call_in_order():
    records = [
        CallRecord(ToolCall("f", {}), ToolResult("1")),
        CallRecord(ToolCall("g", {})),
        CallRecord(ToolCall("f", {}), ToolResult("2")),
    ]
    for dialect in (TOOLRL, HERMES, LLAMA3):
        assert [(m["role"], m["name"], m["content"]) for m in dialect.results(records)] == [
            ("tool", "f", "1"),
            ("tool", "f", "2"),
        ]


# A dialect of your own -----------------------------------------------------------------------------


class Shouted(Hermes):
    """A dialect with Python identifiers as names, and results as user messages."""

    name = "shouted"
    any_name = False

    def results(self, records):
        return tuple(message("user", f"RESULT {r.result.content}") for r in records if r.result is not None)

    def is_result(self, message):
        return message["content"].startswith("RESULT ")


def test_a_dialect_is_a_class_and_a_row(monkeypatch):
    monkeypatch.setitem(DIALECTS, "shouted", f"{__name__}:Shouted")
    env = gym.make("ToolGym-ToolRL-v0", dialect="shouted").unwrapped
    for task in env.tasks[:20]:
        env.reset(options={"task_id": task.id})
        assert [env.step(text)[4]["success"] for text in env.gold(task)] == [True]
        assert all(tool.name.isidentifier() for tool in task.tools)
    office = gym.make("ToolGym-Office-v0", split="val", level="chain", dialect="shouted")
    menus = DiscreteTools(office)
    menus.reset(seed=0)
    observation = office.unwrapped.step(office.unwrapped.gold(office.unwrapped.task)[0])[0]
    assert observation["messages"][-1]["content"].startswith("RESULT ")
    menu = menus.maker.make(observation, office.unwrapped.dialect)
    assert menu.answer.startswith("Here is the result: RESULT ")
