"""What the endpoint agent makes of an answer: cut off, filtered, refused, broken, thought, or in an odd shape."""

from __future__ import annotations

import json
import pickle
import time

import pytest
from chat_server import STRICT, call, chat, refused, serving
from conftest import shop

from toolgym import evaluate, rollout
from toolgym.agents.chat.endings import ending
from toolgym.agents.chat_messages import action_text, native_messages
from toolgym.agents.endpoint import Endpoint
from toolgym.dialects import get_dialect
from toolgym.rollout import AgentError
from toolgym.types import FrozenDict, UnfinishedAnswer, message

HELLO = FrozenDict(messages=(message("user", "Hello!"),), tools=())
OPENAI = get_dialect("openai")
ADD = call("add", '{"item": "milk", "quantity": 2}')


def agent(server, **kwargs):
    return Endpoint("tiny", server.url, None, **{"sleep": lambda seconds: None, "max_retries": 1, **kwargs})


def act(*answers, tools="native", observation=HELLO, **kwargs):
    with serving(*answers) as server:
        return agent(server, tools=tools, **kwargs).act(observation)


# Endings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tools", ["native", "prompt"])
@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("length", "length"), ("max_tokens", "length"), ("MAX_TOKENS", "length"), ("max_output_tokens", "length"),
        ("model_length", "length"), ("model_context_window_exceeded", "length"), ("limit", "length"),
        ("content_filter", "content_filter"), ("SAFETY", "content_filter"), ("RECITATION", "content_filter"),
        ("guardrail_intervened", "content_filter"), ("PROHIBITED_CONTENT", "content_filter"),
        ("sensitive", "content_filter"), ("ERROR_TOXIC", "content_filter"), ("OTHER", "content_filter"),
        ("FinishReason.BLOCKLIST", "content_filter"), ("refusal", "refusal"),
    ],
)  # fmt: skip
def test_an_answer_that_did_not_end_by_itself_says_so(finish, reason, tools):
    for content in (None, "", "Let me se"):
        found = act(chat(content, finish), tools=tools)
        assert isinstance(found, UnfinishedAnswer)
        assert (found, found.reason) == (content or "", reason)
    assert pickle.loads(pickle.dumps(found)).reason == reason


@pytest.mark.parametrize(
    "finish", ["stop", "STOP", "end_turn", "eos", "COMPLETE", "stop_sequence", "completed", "eos_token"]
)
def test_an_answer_that_ended_is_plain_text(finish):
    found = act(chat("No tool fits.", finish))
    assert (found, type(found)) == ("No tool fits.", str)


@pytest.mark.parametrize("tools", ["native", "prompt"])
@pytest.mark.parametrize(
    "finish", ["error", "abort", "ABORTED", "network_error", "insufficient_system_resource", "unload", "cancelled",
               "timeout", "server_error", "rate_limited", "throttled", "quota_exceeded", "rate_limit_exceeded",
               "max_retries_exceeded", "deadline_exceeded", "out_of_memory", "preempted", "evicted", "backend_gone",
               "whim", "weekend"]
)  # fmt: skip
def test_a_failure_of_the_server_is_tried_again_and_never_an_answer(finish, tools):
    assert act(chat("I can", finish), chat("I cannot."), tools=tools) == "I cannot."
    with pytest.raises(AgentError, match=rf"finish_reason {finish}\b"):
        act(chat("I can", finish), tools=tools)


def test_an_empty_answer_without_a_known_reason_is_not_the_decision_to_call_nothing():
    for finish in (None, "", 7, "whim"):
        with pytest.raises(AgentError, match="does not say why"):
            act(chat(None, finish))
    assert type(act(chat("", "stop"))) is str


def test_text_without_a_finish_reason_is_whole_unless_it_looks_like_a_cut_stream():
    status, body, headers = chat("I can", None)
    with pytest.raises(AgentError, match="cut"):
        act((status, body, headers))
    assert act((status, {**body, "usage": {"completion_tokens": 2}}, headers)) == "I can"
    del body["choices"][0]["finish_reason"]
    assert type(act((status, body, headers))) is str
    assert OPENAI.parse(act(chat(None, None, calls=[ADD]))).calls[0].error is None


def test_the_makers_own_word_counts_if_the_gateway_hides_it():
    assert act(chat("", choice={"native_finish_reason": "SAFETY"})).reason == "content_filter"
    assert act(chat("", "error", choice={"native_finish_reason": "MAX_TOKENS"})).reason == "length"
    assert type(act(chat("", choice={"native_finish_reason": "STOP"}))) is str
    assert act(chat("", None, choice={"stop_reason": "max_tokens"})).reason == "length"
    assert act(chat("", None, choice={"done_reason": "length"})).reason == "length"
    assert type(act(chat("Stop here", choice={"stop_reason": "abort the error"}))) is str  # vLLM: the stop string


@pytest.mark.parametrize(
    "more", [{"refusal": "I can't help."}, {"content": [{"type": "refusal", "refusal": "I can't help."}]}]
)
def test_a_refusal_is_marked(more):
    found = act(chat(more.pop("content", None), **more))
    assert (found, found.reason) == ("I can't help.", "refusal")


def test_no_answer_of_the_policy_passes_by_being_cut_off():
    def respond(body):
        return chat(None, "length", reasoning_content="hmm " * 9) if "tools" in body else chat(None, "content_filter")

    for dialect, tools, reason in (("openai", "native", "length"), ("toolrl", "prompt", "content_filter")):
        with serving(respond) as server:
            (played,) = evaluate(
                "ToolGym-BFCL-v0",
                agent(server, tools=tools),
                env_kwargs={"category": "irrelevance", "dialect": dialect},
                n=1,
            )
        assert played.reward_valid
        assert (played.success, played.reward) == (False, pytest.approx(min(played.reward, -1)))
        assert played.turns[0].unfinished == reason


@pytest.mark.parametrize(
    ("content", "finish"),
    [('<tool_call>\n{"name": "f", "argu', "length"), (None, "tool_calls"), ("", "MALFORMED_FUNCTION_CALL")],
)
def test_half_a_call_does_not_pass_for_no_call(content, finish):
    for dialect, tools in (("hermes", "prompt"), ("toolrl", "prompt"), ("openai", "native")):
        calls = [call("f", '{"x": ')] if tools == "native" and content else None
        with serving(chat(content, finish, calls=calls)) as server:
            options = {"category": "irrelevance", "dialect": dialect}
            (played,) = evaluate("ToolGym-BFCL-v0", agent(server, tools=tools), env_kwargs=options, n=1)
        assert (played.reward_valid, played.success) == (True, False)
        assert played.reward <= -1


def test_calls_that_are_whole_are_kept_and_a_broken_one_is_malformed():
    found = act(chat(None, "length", calls=[ADD, call("add", '{"item": "mi', id="b")]))
    assert found.reason == "length"
    first, second = OPENAI.parse(found).calls
    assert (first.arguments, first.error) == ({"item": "milk", "quantity": 2}, None)
    assert second.error


@pytest.mark.parametrize(
    "answer",
    [
        refused("The response was filtered due to the prompt.", code="content_filter", param="prompt"),
        refused("bad", innererror={"code": "ResponsibleAIPolicyViolation"}),
        refused("Your input was flagged for violence.", status=403, code=403, metadata={"reasons": ["violence"]}),
        refused("Invalid prompt: it may violate our usage policy.", code="invalid_prompt"),
        refused("Content Exists Risk"),
        (400, [{"error": {"code": 400, "message": "Blocked by the content filter", "status": "INVALID"}}], {}),
        (200, {"error": {"message": "upstream", "metadata": {"raw": '{"error": {"code": "content_filter"}}'}}}, {}),
    ],
)
def test_an_error_of_a_content_filter_is_an_answer_that_counts(answer):
    for tools in ("native", "prompt"):
        found = act(answer, tools=tools)
        assert (found, found.reason) == ("", "content_filter")


LOC = {"loc": ["body", "extra", "moderation"], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}


@pytest.mark.parametrize(
    ("status", "body", "tries"),
    [
        (503, {"error": {"message": "content filter backend is down", "code": "content_filter_unavailable"}}, 2),
        (500, {"error": {"message": "the request was blocked by moderation", "type": "moderation_error"}}, 2),
        (502, {"error": {"message": "flagged", "code": "content_filter"}}, 2),
        (200, {"error": {"message": "moderation service timed out", "code": 503}}, 2),
        (200, {"error": {"message": "the prompt was flagged", "code": "429"}}, 2),
        (200, {"error": {"message": "moderation service timed out"}}, 2),
        (403, {"error": {"message": "Your account has been flagged for violating our usage policies."}}, 1),
        (403, {"error": {"message": "Violates our usage policy.", "code": "account_deactivated"}}, 1),
        (400, {"error": {"message": "Unknown parameter: 'moderation'", "param": "moderation"}}, 1),
        (400, {"error": {"message": "Invalid model: mistral-moderation-latest"}}, 1),
        (422, {"detail": [LOC]}, 1),
    ],
)
def test_an_error_that_only_names_a_filter_is_a_failure_of_the_server(status, body, tries):
    for tools in ("native", "prompt"):
        with serving((status, body, {})) as server:
            with pytest.raises(AgentError) as caught:
                agent(server, tools=tools).act(HELLO)
            assert (caught.value.kind, len(server.bodies)) == ("server", tries)


@pytest.mark.parametrize("status", [429, 401, 500, 503])
def test_a_filter_that_is_down_is_a_failure(status):
    with pytest.raises(AgentError):
        act(refused("the content filter is overloaded", status=status))


@pytest.mark.parametrize(
    "answer",
    [
        chat(None, "tool_calls"),
        chat("", "function_call"),
        chat(None, "tool_use", calls=[]),
        chat(None, "MALFORMED_FUNCTION_CALL"),
        chat(None, "error", choice={"native_finish_reason": "MALFORMED_FUNCTION_CALL"}),
        chat("", "function_call_filter: MALFORMED_FUNCTION_CALL"),
        refused("Failed to call a function.", code="tool_use_failed", failed_generation="<function=add>{milk"),
    ],
)
def test_a_call_that_the_server_lost_is_a_malformed_call(answer):
    found = act(answer)
    (lost,) = OPENAI.parse(found).calls
    assert (found.reason, bool(lost.error)) == ("lost_call", True)
    for name in ("toolrl", "hermes"):
        (lost,) = get_dialect(name).parse(act(answer, tools="prompt")).calls
        assert lost.error


ADDING = FrozenDict(
    messages=HELLO["messages"],
    tools=tuple({"type": "function", "function": {"name": name, "parameters": {}}} for name in ("add", "a.b")),
)


@pytest.mark.parametrize(
    "content",
    [
        '<tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>', "I add it.\n<function=add>{}</function>",
        '[TOOL_CALLS][{"name": "add"}]', '<|python_tag|>{"name": "add"}', '{"name": "add", "parameters": {"x": 1}}',
        '[{"name": "a_b", "arguments": {}}]', "[add(x=1), a_b()]", "<think>Hm.</think>\n[add(x=1)]",
        "<\uff5ctool\u2581calls\u2581begin\uff5c>", "<|tool_call>call:add{}",
        '{"name": "functions.a.b", "arguments": "{}"}', '{"function": "add", "arguments": {"x": 1}}',
        '```json\n{"name": "add", "arguments": {}}\n```', "I add it: [add(x=1)]", "```python\nadd(x=1)\n```",
        "[TOOL_CALLS]add{}", "<function=add>{}</function>", "<|channel|>commentary to=functions.add",
        'Sure:\n{"tool_name": "add", "args": {}}',
        '{"type": "function", "function": {"name": "add", "arguments": "{}"}}',
    ],
)  # fmt: skip
def test_a_call_that_the_server_left_in_the_text_is_not_the_decision_to_call_nothing(content):
    found = act(chat(content), observation=ADDING)
    assert (OPENAI.parse(found).response, found.reason) == (content, "lost_call")
    assert type(act(chat(content), tools="prompt", observation=ADDING)) is str


@pytest.mark.parametrize(
    "content",
    ["No function fits.", '{"name": "Ada", "age": 36}', '{"name": "other", "arguments": {}}', "[1, 2]", "[other(x=1)]",
     "<think>I might write <tool_call>.</think>\nNo.", "[add] is no tool for that (really)", "{", "[{", "[[[["],
)  # fmt: skip
def test_text_that_is_not_a_call_is_an_answer(content):
    assert type(act(chat(content), observation=ADDING)) is str


@pytest.mark.parametrize(
    ("content", "finish"),
    [
        ("I will call it.", "tool_calls"), ('{"function": "total", "arguments": {}}', "stop"),
        ("[TOOL_CALLS]total{}", "stop"), ("<function=total>{}</function>", "stop"), ("I do: [total()]", "stop"),
        ("<|channel|>commentary to=functions.total", "stop"),
        ('```json\n{"name": "total", "arguments": {}}\n```', "stop"),
    ],
)  # fmt: skip
def test_with_tools_in_the_prompt_a_call_is_lost_only_if_the_dialect_does_not_read_it(content, finish):
    read = '<tool_call>\n{"name": "total", "arguments": {}}\n</tool_call>'
    env = shop(dialect="hermes")
    with serving(chat(content, finish)) as server:
        played = rollout(env, agent(server), task_id="hello")
    parsed = bool(env.unwrapped.dialect.parse(content).calls)
    assert played.turns[0].unfinished == (None if parsed else "lost_call")
    with serving(chat(read, finish), chat("None.")) as server:
        played = rollout(env, agent(server), task_id="hello")
    assert (played.turns[0].unfinished, played.turns[0].reward.calls[0].call.name) == (None, "total")


def test_the_search_for_calls_takes_linear_time():
    start = time.perf_counter()
    for text in (
        "```\n" * 50_000,
        "\n{" * 100_000,
        "\n[{" * 100_000,
        "[a(" * 80_000 + ")]",
        '{"a":' * 40_000,
        "\n" * 300_000,
    ):
        act(chat(text), observation=ADDING)
    assert time.perf_counter() - start < 5


# Shapes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "Two "}, {"type": "text", "text": "parts"}], "Two parts"),
        (["Two ", "parts"], "Two parts"),
        ([{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "seen"}, 7, None], "seen"),
        ({"type": "text", "text": "one part"}, "one part"),
        ([{"type": "text", "text": {"value": "inner"}}], "inner"),
        ([], ""),
        (None, ""),
    ],
)
def test_content_in_parts_is_text(content, text):
    assert act(chat(content)) == text
    assert act(chat(content), tools="prompt") == text


def test_json_as_an_answer_is_an_answer():
    assert OPENAI.parse(act(chat({"city": "Oslo"}))).response == '{"city": "Oslo"}'
    assert act(chat({"city": "Oslo"}), tools="prompt") == '{"city": "Oslo"}'


@pytest.mark.parametrize("calls", [None, [], {}, ""])
def test_no_calls_in_any_form_are_no_calls(calls):
    assert act(chat("Hi", tool_calls=calls)) == "Hi"


MILK = {"item": "milk", "quantity": 2}


@pytest.mark.parametrize("arguments", [MILK, json.dumps(MILK), json.dumps(json.dumps(MILK))])
def test_arguments_are_read_as_text_object_or_text_in_text(arguments):
    with serving(chat(None, "tool_calls", calls=[call("add", arguments)]), chat("Done."), checks=STRICT) as server:
        played = rollout(shop(dialect="openai"), agent(server, tools="native"), task_id="milk")
    assert played.success
    sent = server.bodies[1]["messages"][-2]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(sent) == {"item": "milk", "quantity": 2}


@pytest.mark.parametrize("arguments", ["", "  ", None, "null", "{}", {}])
def test_a_tool_without_arguments_may_be_called_without(arguments):
    with serving(chat(None, calls=[call("total", arguments)]), chat("None."), checks=STRICT) as server:
        played = rollout(shop(dialect="openai"), agent(server, tools="native"), task_id="hello")
    record = played.turns[0].reward.calls[0]
    assert (record.call.error, record.problems, record.result.content) == (None, (), "0")
    assert server.bodies[1]["messages"][-2]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_the_older_function_call_is_a_call():
    older = {"name": "add", "arguments": '{"item": "milk", "quantity": 2}'}
    with serving(chat(None, "function_call", function_call=older), chat("Done."), checks=STRICT) as server:
        played = rollout(shop(dialect="openai"), agent(server, tools="native"), task_id="milk")
    assert played.success


FLAT = {"name": "add", "arguments": '{"item": "milk", "quantity": 2}'}


@pytest.mark.parametrize(
    "more",
    [
        {
            "content": [
                {"type": "text", "text": "I add."},
                {"type": "tool_use", "id": "t", "name": "add", "input": MILK},
            ]
        },
        {"content": {"type": "tool_use", "id": "t", "name": "add", "input": MILK}},
        {"content": [{"type": "function_call", "call_id": "t", **FLAT}]},
        {"content": [{"type": "tool_call", "tool_call": FLAT}]},
        {"content": [{"functionCall": {"name": "add", "args": MILK}}]},
        {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "tool_use", "name": "add", "input": MILK}]},
        {"tool_calls": [{"id": "t", "type": "function", **FLAT}]},
        {"tool_calls": [{"id": "t", "type": "function_call", "name": "add", "input": MILK}]},
    ],
)
def test_calls_in_parts_and_flat_calls_are_calls(more):
    asked = chat(more.pop("content", None), "tool_calls", **more)
    with serving(asked, chat("Done."), checks=STRICT) as server:
        played = rollout(shop(dialect="openai"), agent(server, tools="native"), task_id="milk")
    assert played.success
    assert "tool_use" not in json.dumps(server.bodies[1]["messages"])


def test_of_several_choices_the_first_is_read_with_the_calls_of_the_next():
    _, one, _ = chat("I will add it.")
    _, two, _ = chat(None, calls=[ADD])
    both = 200, {"choices": one["choices"] + two["choices"]}, {}
    completion = OPENAI.parse(act(both))
    assert (completion.response, completion.calls[0].name) == ("I will add it.", "add")
    two["choices"][0]["index"], one["choices"][0]["index"] = 0, 1
    alternatives = OPENAI.parse(act(both, extra={"n": 2}))
    assert (alternatives.response, alternatives.calls[0].name) == (None, "add")


@pytest.mark.parametrize(
    "message", [None, [], "hi", {"content": 5}, {"content": None, "tool_calls": "add"}]
)  # fmt: skip
def test_a_message_of_no_known_shape_is_no_answer(message):
    with pytest.raises(AgentError, match="not a chat completion"):
        act((200, {"choices": [{"message": message, "finish_reason": "stop"}]}, {}))


def test_role_and_usage_may_be_missing():
    assert act((200, {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}, {})) == "hi"
    with pytest.raises(AgentError):
        act((200, {"choices": [{"finish_reason": "stop"}]}, {}))


def test_calls_that_a_server_reads_from_the_text_are_not_lost_with_tools_in_the_prompt():
    found = act(chat(None, "tool_calls", calls=[ADD]), tools="prompt")
    assert found.reason == "lost_call"  # other dialects cannot read it, and it is not the decision to call nothing
    for name in ("toolrl", "hermes"):
        (made,) = get_dialect(name).parse(found).calls
        assert (made.name, made.arguments, made.error) == ("add", {"item": "milk", "quantity": 2}, None)


def test_arguments_nested_without_end_are_a_malformed_call():
    deep = "[" * 600 + "]" * 600
    raw = json.dumps(chat(None, calls=[call("add", 0)])[1]).replace(
        '"arguments": 0', f'"arguments": {{"item": {deep}}}'
    )
    found = act((200, raw.encode(), {}))
    (made,) = OPENAI.parse(found).calls
    assert made.name == "add"
    assert made.error
    assert native_messages([message("assistant", found)])[0]["tool_calls"][0]["function"]["name"] == "add"


# Thoughts ------------------------------------------------------------------------------------------

DETAILS = [
    {"type": "reasoning.summary", "summary": "Milk is wanted."},
    {"type": "reasoning.text", "text": "Two of them.", "signature": "c2ln", "format": "anthropic-claude-v1"},
    {"type": "reasoning.encrypted", "data": "gAAAA", "id": "rs_1"},
]
BLOCKS = [{"type": "thinking", "thinking": "Milk is wanted.", "signature": "c2ln"}]
THOUGHTS = [
    ({"reasoning": "Milk is wanted."}, "Milk is wanted."),
    ({"reasoning_content": "Milk is wanted."}, "Milk is wanted."),
    ({"reasoning": "Milk.", "reasoning_details": DETAILS}, "Milk."),
    ({"reasoning_details": DETAILS}, "Milk is wanted.\nTwo of them."),
    ({"reasoning_content": None, "reasoning": "Milk."}, "Milk."),
    ({"reasoning_content": "", "reasoning": "Milk."}, "Milk."),
    ({"thinking_blocks": BLOCKS, "reasoning_content": "Milk is wanted."}, "Milk is wanted."),
    ({"content": [*BLOCKS, {"type": "text", "text": "I add it."}]}, "Milk is wanted."),
    ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Milk."}]}]}, "Milk."),
]


@pytest.mark.parametrize(("fields", "think"), THOUGHTS)
def test_a_thought_goes_back_as_it_came_while_the_tools_are_used(fields, think):
    content = fields.get("content")
    rest = {name: value for name, value in fields.items() if name != "content"}
    signed = {**ADD, "extra_content": {"google": {"thought_signature": "c2ln"}}}
    answers = chat(content, "tool_calls", calls=[signed], **rest), chat("Done.", **rest)
    with serving(*answers, checks=STRICT) as server:
        played = rollout(shop(dialect="openai"), agent(server, tools="native"), task_id="count")
    assert OPENAI.parse(played.turns[0].action).think == think
    assistant, result = server.bodies[1]["messages"][-2:]
    kept = {name: value for name, value in rest.items() if value is not None}
    assert assistant == {"role": "assistant", "content": content, "tool_calls": [signed], **kept}
    assert result["role"] == "tool"


@pytest.mark.parametrize(("fields", "think"), THOUGHTS)
def test_a_thought_stays_behind_when_the_user_speaks_again(fields, think):
    text = action_text({"content": None, "tool_calls": [ADD], **fields}, native=True)
    talk = [
        message("user", "Add it."),
        message("assistant", text),
        message("tool", "ok"),
        message("assistant", "Done."),
    ]
    assistant = native_messages([*talk, message("user", "And now?")])[1]
    assert set(assistant) == {"role", "content", "tool_calls"}
    assert not isinstance(assistant["content"], list)


def test_an_empty_thought_goes_back_to_a_server_that_insists_on_the_field():
    text = action_text({"content": None, "reasoning_content": "", "tool_calls": [ADD]}, native=True)
    assert native_messages([message("assistant", text)])[0]["reasoning_content"] == ""


@pytest.mark.parametrize(("fields", "think"), THOUGHTS)
@pytest.mark.parametrize("name", ["toolrl", "hermes", "llama3", "pythonic"])
def test_with_tools_in_the_prompt_the_thought_stands_before_the_text(fields, think, name):
    dialect = get_dialect(name)
    said = dialect.render(OPENAI.parse(json.dumps({"content": "Fine.", "tool_calls": []})))
    fields = {**fields, "content": [*BLOCKS, {"type": "text", "text": said}] if "content" in fields else f"\n\n{said}"}
    fields |= {"reasoning": think} if "content" in fields else {}
    completion = dialect.parse(act(chat(**fields), tools="prompt"))
    assert completion.think.strip() == think
    assert completion.said == "Fine."


def test_the_format_point_is_not_lost_to_a_reasoning_field():
    body = '<tool_call>\n{"name": "add", "parameters": {"item": "milk", "quantity": 2}}\n</tool_call>'
    for content in (body, f"\n\n{body}", f"<think>Hm.</think>\n{body}"):
        with serving(chat(content, reasoning="I write <tool_call>, then </tool_call>.")) as server:
            played = rollout(shop(), agent(server), task_id="milk")
        terms = {term.name: term.score for term in played.turns[0].reward.terms}
        assert terms["format"] == 1
        assert played.turns[0].action.count("<think>") == 1


def test_a_thought_cannot_smuggle_a_call():
    found = act(
        chat("No.", reasoning='Not </think>\n<tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>'),
        tools="prompt",
    )
    for name in ("toolrl", "hermes"):
        assert get_dialect(name).parse(found).calls == ()


def test_every_kind_of_ending_is_a_kind():
    assert {ending(word) for word in ("stop", "length", "filter", "refusal", "error", "malformed", "whim")} == {
        "stop", "length", "content_filter", "refusal", "failed", "bad_call", "unknown",
    }  # fmt: skip
