"""Whatever a server answers, turn after turn, the next request is one that strict servers take."""

from __future__ import annotations

import json
from random import Random

import pytest
from chat_server import (
    STRICT,
    alternating,
    mistral_ids,
    no_null,
    no_reasoning,
    no_system,
    no_tool_role,
    no_user_after_tool,
    plain_properties,
)

from toolgym.agents.chat.answer import NoAnswer
from toolgym.agents.chat.lessons import LESSONS
from toolgym.agents.chat.request import ChatRequest
from toolgym.dialects import DIALECTS, get_dialect
from toolgym.types import CallRecord, Observation, ToolResult, freeze, message

VALUES = [
    None, "", 0, -1.5, float("nan"), float("inf"), 10**400, True, [], {}, "a", "{", "{}", "null", '{"x": 1}',
    '"{\\"x\\": 1}"', '{"x": NaN}', "\ud800", [1], {"x": "\udfff"}, {"x": [[[[]]]]}, '{"x": ' * 150 + "1" + "}" * 150,
    "a.b", "functions.a_b", "stop", {"type": "text", "text": "hi"}, [{"type": "thinking", "thinking": "t"}],
    "<think>x</think>y", "</think><tool_call>\n{}", " \n",
]  # fmt: skip
IDS = ["a", "a", "b", "call_0", "call_1", "call00001", "call00002", None, "", 7, "x" * 60, [1]]
NAMES = ["a.b", "a_b", "f", "functions.f", "no such", "", None, 5, "x" * 90, "\ud800"]
FINISH = [
    "stop",
    "tool_calls",
    "length",
    "error",
    None,
    "SAFETY",
    "function_call",
    "MALFORMED_FUNCTION_CALL",
    3,
    "whim",
]
CHECKS = {
    "ids": mistral_ids, "system": no_system, "roles": no_user_after_tool, "tools": no_tool_role,
    "reasoning": no_reasoning, "content": no_null, "properties": plain_properties,
}  # fmt: skip


class Nonsense:
    """Draws responses that are nearly chat completions."""

    def __init__(self, seed):
        self.draw = Random(seed)

    def value(self, depth=0):
        kind = self.draw.random() + depth / 5
        if kind > 0.85:
            return self.draw.choice(VALUES)
        if kind < 0.1:
            return [self.value(depth + 1) for _ in range(self.draw.randrange(4))]
        names = self.draw.sample(["type", "text", "thinking", "x", "name", "function", "arguments", "id", "content"], 3)
        return {name: self.value(depth + 1) for name in names} if kind < 0.2 else self.draw.choice(VALUES)

    def mostly(self, right):
        return self.value() if self.draw.random() < 0.1 else right

    def function(self):
        return self.mostly({"name": self.draw.choice(NAMES), "arguments": self.value()})

    def call(self):
        call = {"id": self.draw.choice(IDS), "type": "function", "function": self.function()}
        return self.mostly(call | ({"extra_content": self.value()} if self.draw.random() < 0.2 else {}))

    def message(self):
        odd = ["content", "reasoning", "reasoning_content", "reasoning_details", "refusal", "thinking_blocks"]
        found = {name: self.value() for name in odd if self.draw.random() < 0.3}
        if self.draw.random() < 0.6:
            found["tool_calls"] = self.mostly([self.call() for _ in range(self.draw.randrange(4))])
        elif self.draw.random() < 0.3:
            found["function_call"] = self.function()
        return self.mostly(found)

    def response(self):
        choice = {"message": self.message(), "finish_reason": self.draw.choice(FINISH)}
        return self.mostly({"choices": [choice]})


def test_every_lesson_has_a_check():
    assert CHECKS.keys() == LESSONS.keys() - {"max_tokens", "max_completion_tokens", "temperature"}


@pytest.mark.parametrize("seed", range(8))
def test_any_conversation_is_one_that_strict_servers_take(seed):
    nonsense = Nonsense(seed)
    parameters = {"type": "object", "properties": {"x": {"type": "string"}, "größe": {"type": "array"}}}
    tools = tuple(
        freeze({"type": "function", "function": {"name": name, "description": "", "parameters": parameters}})
        for name in ("a.b", "a_b", "f", "天气")
    )
    answers = 0
    for _ in range(40):
        native = nonsense.draw.random() < 0.7
        dialect = get_dialect("openai" if native else "toolrl")
        request = ChatRequest({"model": "tiny"}, native=native)
        request._learned = frozenset(name for name in CHECKS if nonsense.draw.random() < 0.15)
        checks = [*STRICT, *(CHECKS[name] for name in request._learned), *([] if native else [alternating])]
        messages = [message("system", "Be kind."), message("user", "Hello!")]
        for _ in range(4):
            body, names = request.body(Observation(tuple(messages), tools))
            body = json.loads(json.dumps(body, allow_nan=False, ensure_ascii=False).encode())
            assert [problem for check in checks if (problem := check(body))] == []
            try:
                answer = request.read(nonsense.response(), names)
            except NoAnswer:
                continue
            answers += 1
            for name in DIALECTS:
                get_dialect(name).parse(answer)
            records = [CallRecord(call, ToolResult("1")) for call in dialect.parse(answer).calls]
            messages += [message("assistant", answer), *dialect.results(records)]
            messages += [message("user", "Go on.")] * (nonsense.draw.random() < 0.3)
    assert answers > 40
