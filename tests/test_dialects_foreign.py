"""Calls in another syntax than the dialect's own: older API fields, other models' tags, the same text on every path."""

from __future__ import annotations

import json
import time

import gymnasium as gym
import pytest
from test_dialects import JSON_DIALECTS, LLAMA3, OPENAI, PYTHONIC, plain

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
