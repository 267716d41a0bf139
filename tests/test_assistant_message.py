"""Assistant messages of OpenAI's API as the dialect "openai" reads them: thoughts, parts, ids."""

from __future__ import annotations

import json

import pytest

from toolgym.dialects import get_dialect
from toolgym.dialects.json.calls import MAX_CALLS
from toolgym.types import CallRecord, ToolResult

OPENAI = get_dialect("openai")


def call(id, name="f"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}


@pytest.mark.parametrize(
    ("message", "think", "response"),
    [
        ({"content": "Hi.", "reasoning": "Hm."}, "Hm.", "Hi."),
        ({"content": "Hi.", "reasoning_content": "Hm."}, "Hm.", "Hi."),
        ({"content": "Hi.", "reasoning_content": ""}, "", "Hi."),
        ({"content": "Hi.", "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}, None, "Hi."),
        ({"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hi."}]}, "Hm.", "Hi."),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]}, "Hm.", None),
        ({"content": [], "tool_calls": []}, None, None),
        ({"content": "Hi.", "reasoning": {"effort": [1]}, "tool_calls": None}, None, "Hi."),
    ],
)
def test_thought_and_text_are_told_apart(message, think, response):
    completion = OPENAI.parse(json.dumps(message))
    assert (completion.think, completion.response, completion.problem) == (think, response, None)


def test_content_of_another_type_is_a_problem():
    assert OPENAI.parse('{"content": 5, "tool_calls": []}').problem


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a"], ["a", "a"]),
        ([None, "", 7, ["x"]], ["call_0", "call_1", "call_2", "call_3"]),
    ],
)
def test_results_have_the_ids_of_their_calls(ids, expected):
    calls = OPENAI.parse(json.dumps({"content": None, "tool_calls": [call(id) for id in ids]})).calls
    assert [each.id for each in calls] == expected
    results = OPENAI.results([CallRecord(each, ToolResult("1")) for each in calls])
    assert [result["tool_call_id"] for result in results] == expected


def test_the_call_that_stands_for_too_many_has_an_id():
    calls = [call(f"id{i}") for i in range(MAX_CALLS * 2)]
    *_, last = OPENAI.parse(json.dumps({"content": None, "tool_calls": calls})).calls
    assert last.error.startswith("at most")
    assert last.id == f"id{MAX_CALLS}"
