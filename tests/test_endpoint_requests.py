"""What the endpoint agent sends: names, ids, roles and values that strict servers take, and fields of newer models."""

from __future__ import annotations

import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import gymnasium as gym
import pytest
from chat_server import (
    STRICT,
    alternating,
    call,
    chat,
    mistral_ids,
    newer_parameters,
    no_null,
    no_reasoning,
    no_system,
    no_tool_role,
    no_user_after_tool,
    plain_properties,
    refused,
    serving,
)
from conftest import shop
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym import Task, Tool, ToolCall, ToolEnv, evaluate, rollout
from toolgym.agents.chat.names import Names
from toolgym.agents.chat.sendable import sendable
from toolgym.agents.chat_messages import native_messages, prompt_messages
from toolgym.agents.endpoint import Endpoint
from toolgym.rollout import AgentError
from toolgym.runlog import RunError
from toolgym.types import FrozenDict, freeze, message

HELLO = FrozenDict(messages=(message("system", "Be kind."), message("user", "Hello!")), tools=())


def agent(server, **kwargs):
    return Endpoint("tiny", server.url, None, **{"sleep": lambda seconds: None, "max_retries": 0, **kwargs})


def schema(name, *properties, **more):
    parameters = {"type": "object", "properties": {each: {"type": "string"} for each in properties}, **more}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


def naming(name, description="Does it.", **kwargs):
    """A tool of any name that gives back its arguments."""
    parameters = {"type": "object", "properties": {"x": {"type": "string"}}}
    return Tool(name, description, parameters, lambda **arguments: json.dumps(arguments), timeout=None, **kwargs)


def talking(*tools, says="Call each.", turns=2):
    """An env whose one task expects a call of each tool, ``turns`` times."""
    calls = [ToolCall(each.name, {"x": "1"}) for each in tools]
    return ToolEnv([Task.of("each", says, tools, [calls] * turns)], dialect="openai", max_turns=turns)


# Names of tools --------------------------------------------------------------------------------------


def test_every_tool_of_bfcl_goes_there_and_back_as_in_the_official_harness():
    env = gym.make("ToolGym-BFCL-v0", category="all", dialect="openai").unwrapped
    for task in env.tasks:
        names = Names([tool.schema for tool in task.tools])
        for tool in task.tools:
            assert names.send(tool.name) == tool.name.replace(".", "_")
            assert names.read(names.send(tool.name)) == tool.name


@pytest.mark.parametrize(
    ("suite", "more"),
    [("ToolGym-BFCL-v0", {"category": "multiple"}), ("ToolGym-Office-v0", {}), ("ToolGym-Functions-v0", {})],
)
def test_suites_are_played_against_a_server_that_refuses_dots(suite, more):
    def respond(body):
        *_, last = body["messages"]
        tools = [tool["function"]["name"] for tool in body["tools"]]
        return chat(
            None, "tool_calls", calls=[call(tools[0]), call(f"functions.{tools[-1]}")] * (last["role"] == "user")
        )

    with serving(respond, checks=STRICT) as server:
        played = evaluate(suite, agent(server, tools="native"), env_kwargs={"dialect": "openai", **more}, n=12)
    assert all(each.reward_valid for each in played), [each.error for each in played if each.error]
    own = {tool.name for tool in gym.make(suite, dialect="openai", **more).unwrapped.find_task(played[0].task_id).tools}
    assert {record.call.name for record in played[0].turns[0].reward.calls} <= own
    assert any("." in record.call.name for each in played for record in each.turns[0].reward.calls)


def test_names_that_nobody_can_tell_apart_are_told_apart():
    names = [
        "a.b",
        "a_b",
        "a b",
        "a/b",
        "x" * 70,
        "x" * 71,
        "x" * 64,
        "天气",
        "気象",
        "",
        "_",
        "a-b",
        "ä",
        "ö",
        "\ud800",
    ]
    mapped = Names(map(schema, names))
    sent = [mapped.send(name) for name in names]
    assert len(set(sent)) == len(names)
    assert (sent[0], sent[6], sent[11]) == ("a_b", "x" * 64, "a-b")
    assert [mapped.read(name) for name in sent] == names


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("ab._-ä ", max_size=5) | st.text("a.", min_size=60, max_size=70), unique=True, max_size=12))
def test_names_fit_are_unique_can_be_reversed_and_do_not_change_when_tools_are_added(names):
    mapped = Names(map(schema, names))
    sent = [mapped.send(name) for name in names]
    assert all(0 < len(name) <= 64 and name.replace("-", "_").replace("_", "a").isalnum() for name in sent)
    assert all(name.isascii() for name in sent)
    assert len(set(sent)) == len(names)
    assert [mapped.read(name) for name in sent] == names
    for count in range(len(names)):
        before = Names(map(schema, names[:count]))
        assert [before.send(name) for name in names[:count]] == sent[:count]


@pytest.mark.parametrize(
    ("written", "own"),
    [
        ("math_factorial", "math.factorial"), ("math.factorial", "math.factorial"),
        ("functions.math_factorial", "math.factorial"), ("functions.math.factorial", "math.factorial"),
        ("functions/get", "get"), ("tool_get", "get"), ("tools.get", "get"), ("default_api.get", "get"),
        ("default_api:get", "get"), ("functions.get:0", "get"), ("get<|channel|>commentary", "get"),
        ("functions.functions.get", "get"), ("functions.kept", "functions.kept"), ("kept", "kept"),
        ("invented", "invented"), ("functions.invented", "functions.invented"), ("api.get", "api.get"),
        ("get.more", "get.more"), ("Get", "Get"), ("", ""),
    ],
)  # fmt: skip
def test_a_prefix_is_removed_only_if_the_rest_alone_is_a_tool(written, own):
    names = Names(map(schema, ["math.factorial", "get", "functions.kept", "kept"]))
    assert names.read(written) == own


@pytest.mark.parametrize(
    "written", [" math_factorial", "math_factorial\n", "assistant<|channel|>functions.math_factorial",
                "<|channel|>commentary to=functions.math.factorial", " functions.math_factorial "]
)  # fmt: skip
def test_a_name_is_read_between_spaces_and_special_tokens(written):
    assert Names([schema("math.factorial")]).read(written) == "math.factorial"
    assert Names([schema("other")]).read(written) == written


def test_only_names_of_parameters_are_changed_and_free_keys_stay():
    free = {"type": "object", "additionalProperties": {"type": "object", "properties": {"a b": {"type": "integer"}}}}
    parameters = {
        "type": "object",
        "properties": {"a b": {"type": "integer"}, "map": free, "list": {"items": {"$ref": "#/$defs/d"}}},
        "dependentRequired": {"a b": ["map", "a b"]}, "$defs": {"d": {"properties": {"a b": {}}}},
    }  # fmt: skip
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    names = Names([tool], properties=True)
    sent = names.tool(tool)["function"]["parameters"]
    assert sent["dependentRequired"] == {"a_b": ["map", "a_b"]}
    own = {"a b": 1, "map": {"a b": {"a b": 2}, "a_b": {"x y": 3}}, "list": [{"a b": 4}]}
    there = json.loads(names.send_arguments("f", json.dumps(own)))
    assert there == {"a_b": 1, "map": {"a b": {"a_b": 2}, "a_b": {"x y": 3}}, "list": [{"a_b": 4}]}
    assert names.read_arguments("f", there) == json.loads(names.read_arguments("f", json.dumps(there))) == own


def test_an_invented_name_stays_as_written_and_can_be_sent_back():
    tools = [naming("a.b"), naming("y" * 80)]
    invented = call("no such:tool\ud800" + "!" * 90, '{"x": "1"}', "i")
    with serving(chat(None, calls=[call("a_b", '{"x": "1"}', "j"), invented]), chat("Hm."), checks=STRICT) as server:
        played = rollout(talking(*tools), agent(server, tools="native"))
    assert played.reward_valid
    first, second = played.turns[0].reward.calls
    assert (first.call.name, first.result.content) == ("a.b", '{"x": "1"}')
    assert second.call.name.startswith("no such:tool")
    assert second.result.error == "not_found"
    assert server.bodies[1]["messages"][-3]["tool_calls"][0]["function"]["name"] == "a_b"


def test_tools_that_come_later_change_no_name():
    class Growing(ToolEnv):
        def on_action(self, completion, records):
            self.offer((*self.task.tools, naming("a_b"), naming("c.d")))
            return super().on_action(completion, records)

    task = Task.of("grow", "Go.", [naming("a.b")], [[ToolCall("a.b", {"x": "1"})]] * 3)
    with serving(
        lambda body: chat(None, calls=[call(body["tools"][-1]["function"]["name"], '{"x": "1"}', None)]), checks=STRICT
    ) as server:
        played = rollout(Growing([task], dialect="openai", max_turns=3), agent(server, tools="native"))
    offered = [[tool["function"]["name"] for tool in body["tools"]] for body in server.bodies]
    assert all(names[0] == "a_b" for names in offered)
    assert len(set(offered[-1])) == 3
    assert [turn.reward.calls[0].call.name for turn in played.turns] == ["a.b", "c.d", "c.d"]


def test_a_tool_choice_has_the_name_that_is_sent():
    choice = {"type": "function", "function": {"name": "a.b"}}
    with serving(chat("Hm.")) as server:
        asked = agent(server, tools="native", extra={"tool_choice": choice, "parallel_tool_calls": False})
        asked.act(FrozenDict(messages=HELLO["messages"], tools=(schema("a.b"),)))
        asked.act(HELLO)
    assert server.bodies[0]["tool_choice"] == {"type": "function", "function": {"name": "a_b"}}
    assert "tool_choice" not in server.bodies[1]
    assert asked.settings["tool_choice"] == choice


def test_schemas_are_complete():
    bare = Tool("f", "", {"properties": {"x": {"type": "array"}, "y": {"anyOf": [{"type": ["array", "null"]}]}}})
    odd = [bare.schema, {"type": "function", "function": {"name": "g"}}]
    with serving(chat("Hm."), checks=STRICT) as server:
        agent(server, tools="native").act(FrozenDict(messages=HELLO["messages"], tools=tuple(odd)))
    parameters = server.bodies[0]["tools"][0]["function"]["parameters"]
    assert parameters["properties"]["x"] == {"type": "array", "items": {}}
    assert parameters["properties"]["y"]["anyOf"][0]["items"] == {}


def test_names_of_parameters_are_mapped_for_a_server_that_refuses_them():
    inner = {"type": "object", "properties": {"größe": {"type": "string"}}, "required": ["größe"]}
    parameters = {"type": "object", "properties": {"año": inner, "a_o": {"type": "string"}}, "required": ["año", "a_o"]}
    tool = Tool("f", "", parameters, lambda **arguments: json.dumps(arguments, ensure_ascii=False), timeout=None)
    arguments = {"año": {"größe": "ñ"}, "a_o": "1"}
    env = ToolEnv([Task.of("t", "Go.", [tool], [[ToolCall("f", arguments)], []])], dialect="openai")

    def respond(body):
        if body["messages"][-1]["role"] == "tool":
            return chat("Done.")
        outer, other = body["tools"][0]["function"]["parameters"]["required"]
        (nested,) = body["tools"][0]["function"]["parameters"]["properties"][outer]["required"]
        return chat(None, calls=[call("f", json.dumps({outer: {nested: "ñ"}, other: "1"}))])

    with serving(respond, checks=[*STRICT, plain_properties]) as server:
        asked = agent(server, tools="native")
        played = rollout(env, asked)
    assert played.turns[0].reward.calls[0].call.arguments == arguments
    assert list(json.loads(server.bodies[-1]["messages"][-2]["tool_calls"][0]["function"]["arguments"]))[1] == "a_o"
    assert "properties" in asked.learned
    with serving(respond, checks=STRICT) as server:
        assert rollout(env, agent(server, tools="native")).turns[0].reward.calls[0].call.arguments == arguments
    assert "año" in server.bodies[0]["tools"][0]["function"]["parameters"]["properties"]


# Ids of calls ----------------------------------------------------------------------------------------

IDS = [[None, None], ["", ""], ["a", "a"], [7, 7], ["x" * 41, "y" * 100], ["é", "b c"], ["call00001", "call00002"],
       ["call_1", None], [None, "call_0"], [["a"], {"id": 1}]]  # fmt: skip


@pytest.mark.parametrize("ids", IDS, ids=str)
@pytest.mark.parametrize("checks", [STRICT, (*STRICT, mistral_ids)], ids=["openai", "mistral"])
def test_every_conversation_has_ids_that_fit_and_match_their_results(ids, checks):
    tools = naming("a.b"), naming("c")
    calls = [call(name, f'{{"x": "{i}"}}', id) for i, (name, id) in enumerate(zip(("a_b", "c"), ids, strict=True))]
    with serving(chat(None, "tool_calls", calls=calls), checks=checks) as server:
        played = rollout(talking(*tools, turns=4), agent(server, tools="native"))
    assert played.reward_valid, played.error
    assert len(played.turns) == 4
    sent = [each for message in server.bodies[-1]["messages"] for each in message.get("tool_calls", ())]
    results = [message for message in server.bodies[-1]["messages"] if message["role"] == "tool"]
    assert [each["id"] for each in sent] == [each["tool_call_id"] for each in results]
    assert [json.loads(each["function"]["arguments"]) for each in sent] == [json.loads(r["content"]) for r in results]
    for earlier, later in zip(server.bodies, server.bodies[1:], strict=False):
        if checks is STRICT:  # else ids change once, when they are refused
            assert later["messages"][: len(earlier["messages"])] == earlier["messages"]


@pytest.mark.parametrize("id", ["call_abc", "D681PevKs", "toolu_01A09q90qw90lq917835lq9", "functions.f:0", "a" * 40,
                                "chatcmpl-tool-0123456789abcdef", "call_1__thought__" + "c2ln" * 50])  # fmt: skip
def test_an_id_that_is_fine_is_kept(id):
    text = json.dumps({"content": None, "tool_calls": [call("f", id=id)]})
    assistant, result = native_messages([message("assistant", text), message("tool", "1", tool_call_id=id)])
    assert assistant["tool_calls"][0]["id"] == result["tool_call_id"] == id


def test_every_call_has_one_result_however_many_there_are():
    calls = [call("f", '{"x": "1"}', f"id{i % 700}") for i in range(1_200)]
    with serving(chat(None, calls=calls), chat("Done."), checks=STRICT) as server:
        played = rollout(talking(naming("f")), agent(server, tools="native"))
    assert played.reward_valid, played.error
    assert len([each for each in server.bodies[1]["messages"] if each["role"] == "tool"]) == 1_200


# Roles -----------------------------------------------------------------------------------------------

TALK = [
    message("system", "Be kind."), message("user", "One."), message("assistant", ""), message("tool", "1", name="f"),
    message("tool", "2", name="f"), message("user", "Two."), message("user", "Three."), message("assistant", "Hm."),
    message("assistant", " "), message("tool", ""),
]  # fmt: skip


def test_with_tools_in_the_prompt_user_and_assistant_take_turns_and_say_something():
    with serving(chat("Hm."), checks=[*STRICT, alternating]) as server:
        agent(server).act(FrozenDict(messages=tuple(TALK), tools=()))
        agent(server).act(FrozenDict(messages=(message("system", ""), message("user", "Hi.")), tools=()))
    assert len(server.bodies) == 2
    assert [m["role"] for m in server.bodies[0]["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert server.bodies[1]["messages"] == [{"role": "user", "content": "Hi."}]


def used(*more):
    text = json.dumps({"content": "", "tool_calls": [call("f")]})
    return (message("system", "Be kind."), message("user", "One."), message("assistant", text),
            message("tool", "1", tool_call_id="a1"), *more)  # fmt: skip


@pytest.mark.parametrize(
    ("check", "messages"),
    [
        (no_system, used()),
        (no_system, HELLO["messages"]),
        (no_user_after_tool, used(message("user", "Two."))),
        (alternating, (message("user", "One."), message("user", "Two."))),
        (
            alternating,
            (message("assistant", "Welcome."), message("user", "One."), message("assistant", ""), message("user", "")),
        ),
    ],
)
def test_a_role_that_a_server_refuses_is_avoided_once_it_has_said_so(check, messages):
    with serving(chat("Hm."), checks=[*STRICT, check]) as server:
        asked = agent(server, tools="native")
        for _ in range(2):
            assert asked.act(FrozenDict(messages=messages, tools=())) == "Hm."
    assert len(server.bodies) == 3
    assert len(asked.learned) == 1
    words = " ".join(str(each.get("content")) for each in server.bodies[-1]["messages"])
    assert all(each["content"] in words for each in messages if each["role"] != "assistant")


@pytest.mark.parametrize("check", [no_tool_role, no_reasoning, no_null])
def test_an_episode_that_called_a_tool_is_not_lost_to_a_server_that_takes_less(check):
    """Else the score would be over the episodes that called nothing."""
    calls = [call("a_b", '{"x": "1"}', "i"), call("c", '{"x": "2"}', "j")]
    answers = chat(None, calls=calls, reasoning="Both."), chat("Done.", reasoning="Fine.")
    with serving(*answers, checks=[*STRICT, check]) as server:
        asked = agent(server, tools="native")
        played = rollout(talking(naming("a.b"), naming("c")), asked)
    assert played.reward_valid, played.error
    assert [turn.action for turn in played.turns][1:] == [
        '{"role": "assistant", "content": "Done.", "reasoning": "Fine."}'
    ]
    assert len(asked.learned) == 1
    if check is no_tool_role:
        assert [message["content"] for message in server.bodies[-1]["messages"][-2:]] == [
            '<tool_call>\n{"name": "a_b", "arguments": {"x": "1"}}\n</tool_call>\n'
            '<tool_call>\n{"name": "c", "arguments": {"x": "2"}}\n</tool_call>',
            'Result of a_b:\n{"x": "1"}\n\nResult of c:\n{"x": "2"}',
        ]


def test_a_template_that_alternates_without_tools_is_served_too():
    with serving(chat(None, calls=[call("f", '{"x": "1"}')]), chat("Done."), checks=[*STRICT, alternating]) as server:
        played = rollout(talking(naming("f")), agent(server, tools="native"))
    assert played.reward_valid, played.error


# Values ----------------------------------------------------------------------------------------------

NASTY = [math.nan, math.inf, -math.inf, 10**400, "\ud800", {"\udfff": [math.nan]}]


@pytest.mark.parametrize("value", NASTY, ids=repr)
@pytest.mark.parametrize("as_text", [True, False])
def test_no_value_of_a_model_breaks_a_request(value, as_text):
    given = {"x": value, "y": 1}
    calls = [call("f", json.dumps(given) if as_text else given, "\ud800")]
    raw = json.dumps(chat("\ud800", calls=calls, reasoning_details=[given])[1]).encode()
    with serving((200, raw, {}), chat("Done."), checks=STRICT) as server:
        played = rollout(talking(naming("f")), agent(server, tools="native"))
    assert played.reward_valid, played.error
    sent = json.loads(server.bodies[1]["messages"][-2]["tool_calls"][0]["function"]["arguments"])
    assert sent == sendable(given)
    assert sent["y"] == 1


def test_how_values_that_json_lacks_are_written():
    assert sendable([math.nan, math.inf, -math.inf, 10**400, "a\ud800b", 1.5, True, None, (1,)]) == [
        "NaN", "Infinity", "-Infinity", str(10**400), "a\ufffdb", 1.5, True, None, [1],
    ]  # fmt: skip


def test_a_transcript_and_tools_with_odd_values_are_sent():
    deep: list = []
    for _ in range(5_000):
        deep = [deep]
    tool = schema("f", "x", default=math.nan, maximum=math.inf, examples=["\ud800"])
    observation = FrozenDict(messages=(message("user", "\udfff!"),), tools=(freeze(tool),))
    with serving(chat("Hm."), checks=STRICT) as server:
        assert agent(server, tools="native").act(observation) == "Hm."
        for broken in (schema("f", default=deep), schema("f", default={1, 2})):
            with pytest.raises(AgentError, match="cannot be sent"):
                agent(server, tools="native").act(FrozenDict(messages=HELLO["messages"], tools=(broken,)))
    assert server.bodies[0]["tools"][0]["function"]["parameters"]["maximum"] == "Infinity"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.sampled_from(["", "{", "[", '"', "tool_calls", ":", "}", "]", "content", "reasoning", "null", "1"]),
        max_size=9,
    )
)
def test_no_text_breaks_a_conversation(pieces):
    text = "".join(pieces)
    for convert in (native_messages, prompt_messages):
        assert convert([message("user", text), message("assistant", text), message("tool", text, tool_call_id=text)])


# Fields of newer models --------------------------------------------------------------------------------


def test_a_server_that_refuses_max_tokens_and_temperature_gets_other_requests_from_then_on(caplog):
    with serving(chat("Hm."), checks=[newer_parameters]) as server:
        asked = agent(server, max_tokens=64, temperature=0.0)
        before = dict(asked.settings)
        assert [asked.act(HELLO) for _ in range(3)] == ["Hm."] * 3
    assert len(server.bodies) == 5
    assert {key: server.bodies[-1].get(key) for key in ("max_tokens", "max_completion_tokens", "temperature")} == {
        "max_tokens": None, "max_completion_tokens": 64, "temperature": None,
    }  # fmt: skip
    assert asked.settings == before
    assert [line.split("; ")[1] for line in caplog.messages] == [
        "max_tokens is sent as max_completion_tokens", "temperature is left out",
    ]  # fmt: skip
    assert asked.learned == {
        "max_tokens": "max_tokens is sent as max_completion_tokens", "temperature": "temperature is left out",
    }  # fmt: skip


def test_threads_learn_together():
    barrier = threading.Barrier(8, timeout=10)

    def check(body):
        return newer_parameters(body)

    with serving(chat("Hm."), checks=[check]) as server:
        asked = agent(server, concurrency=8)

        def ask(_):
            barrier.wait()
            return [asked.act(HELLO) for _ in range(3)]

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(8))) == [["Hm."] * 3] * 8
    assert len(server.bodies) <= 24 + 16


FORBIDDEN = {"type": "extra_forbidden", "loc": ["body", "max_tokens"], "msg": "Extra inputs are not permitted"}
BEHIND = json.dumps({"error": {"message": "Unsupported parameter: 'max_tokens'"}})


@pytest.mark.parametrize(
    ("refusal", "left"),
    [
        (refused("`temperature` is deprecated for this model."), "temperature"),
        (refused("invalid temperature: only 1 is allowed for this model"), "temperature"),
        (refused("Input validation error: `temperature` must be strictly positive", status=422), "temperature"),
        (refused("`temperature` and `top_p` cannot both be specified for this model."), "temperature"),
        (refused("Unrecognized request argument supplied: max_tokens", param=None), "max_tokens"),
        ((422, {"detail": [FORBIDDEN]}, {}), "max_tokens"),
        ((400, [{"error": {"code": 400, "message": "max_tokens is not supported"}}], {}), "max_tokens"),
        (refused("Provider returned error", metadata={"raw": BEHIND}), "max_tokens"),
    ],
)
def test_refusals_in_other_words_are_understood(refusal, left):
    with serving(lambda body: refusal if left in body else chat("Hm.")) as server:
        assert agent(server).act(HELLO) == "Hm."


@pytest.mark.parametrize(
    "words",
    [
        "'max_tokens' is too large: 9999. This model supports at most 4096 completion tokens.",
        "Unsupported parameter: 'top_k' is not supported with this model.",
        "reasoning_effort must be one of low, high",
        "temperature must be at most 2 and cannot be 3",
        "Unsupported value: temperature 3 is not allowed, the maximum is 2",
        "invalid temperature: only values between 0 and 1",
        "Unsupported parameter: 'max_tokens' and 'max_completion_tokens' are not supported",
    ],
)
def test_any_other_refusal_is_an_error_that_says_why(words):
    with serving(refused(words)) as server:
        asked = agent(server, extra={"top_k": 3})
        with pytest.raises(AgentError, match=words[:20]):
            asked.act(HELLO)
    assert len(server.bodies) <= 2


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (503, "GPU temperature too hot; requests are not supported"), (429, "system message limit: only 3 per minute"),
        (500, "temperature is not supported"), (403, "role 'system' is not allowed"),
        (200, "temperature is not supported"),
    ],
)  # fmt: skip
def test_nothing_is_learned_from_a_server_that_fails_or_limits(status, words):
    with serving(refused(words, status=status, code=503 if status == 200 else None)) as server:
        asked = agent(server)
        with pytest.raises(AgentError):
            asked.act(FrozenDict(messages=(message("system", "Be kind."), message("user", "Hi")), tools=()))
    assert asked.learned == {}
    assert all(body == server.bodies[0] for body in server.bodies)


def test_fields_can_be_added_replaced_and_left_out():
    extra = {"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": False}, "temperature": None}
    with serving(chat("Hm.")) as server:
        asked = agent(server, extra={**extra, "max_completion_tokens": 9})
        asked.act(HELLO)
    del server.bodies[0]["messages"]
    assert server.bodies[0] == {
        "model": "tiny", "max_completion_tokens": 9, "reasoning_effort": "low",
        "chat_template_kwargs": {"enable_thinking": False},
    }  # fmt: skip
    assert asked.settings == server.bodies[0]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"extra": {"stream": True}}, "stream"), ({"extra": {"messages": []}}, "messages"),
        ({"extra": {"tools": []}}, "tools"), ({"extra": {"stop": {1, 2}}}, "JSON"),
        ({"extra": {"api_key": "sk-1"}}, "secret"), ({"extra": {"a": [{"api-key": "sk-1"}]}}, "secret"),
        ({"headers": {"X-Api-Key": "sk-1"}}, "secret"), ({"headers": {"Cookie": "a=b"}}, "secret"),
        ({"headers": {"a b": "1"}}, "name"), ({"headers": {"X-A": "1\r\nX-B: 2"}}, "one line"),
        ({"headers": {"Host": "x"}}, "name"), ({"headers": {"X-A": "中"}}, "Latin-1"),
    ],
)  # fmt: skip
def test_fields_and_headers_that_cannot_be_meant_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        Endpoint("tiny", "http://127.0.0.1/v1", None, **wrong)


@pytest.mark.parametrize(
    "name", ["key", "token", "bearer", "clientSecret", "pass", "secret", "Authorization", "api_key", "APIKey", "apikey",
             "X-Auth-Token", "db_pass", "accessToken", "private_key_pem", "hf_token"]
)  # fmt: skip
def test_a_field_named_like_a_secret_is_refused_at_any_depth(name):
    for value in ("sk-1", ["sk-1"], {"value": "sk-1"}):
        for extra in ({name: value}, {"a": [{"b": {name: value}}]}, {"a": [[{name: value}]]}):
            with pytest.raises(ValueError, match="secret"):
                Endpoint("tiny", "http://127.0.0.1/v1", None, extra=extra)


def test_fields_that_only_look_like_secrets_are_sent():
    schema = {"type": "object", "properties": {"token": {"type": "string"}, "key": {"type": "string"}}}
    extra = {"stop_token": "</s>", "prompt_cache_key": "a", "max_tokens": 3, "stop_token_ids": [1],
             "response_format": {"json_schema": schema}}  # fmt: skip
    assert Endpoint("tiny", "http://127.0.0.1/v1", None, extra=extra).settings["stop_token"] == "</s>"


def test_headers_are_sent_and_their_secrets_kept(monkeypatch):
    monkeypatch.setenv("TEST_SECRET", "hush-hush")
    headers = {"X-Title": "study", "authorization": "Token ${TEST_SECRET}", "api-key": "$TEST_SECRET"}
    with serving(chat("Hm.")) as server:
        asked = Endpoint("tiny", server.url, "TEST_SECRET", headers=headers)
        asked.act(HELLO)
        assert [name.lower() for name in server.headers[0]].count("authorization") == 1
        assert {name: server.headers[0][name] for name in headers} == {
            "X-Title": "study", "authorization": "Token hush-hush", "api-key": "hush-hush",
        }  # fmt: skip
        assert asked.settings["headers"] == headers
        assert "hush" not in f"{asked!r} {vars(asked)}"
        server.respond = lambda body: refused("the key hush-hush is not known")
        with pytest.raises(AgentError, match="not known") as caught:
            asked.act(HELLO)
        assert "hush" not in str(caught.value)
        monkeypatch.delenv("TEST_SECRET")
        with pytest.raises(AgentError, match="TEST_SECRET"):
            asked.act(HELLO)


def test_a_run_goes_on_with_the_same_fields_only(tmp_path):
    with serving(chat("Hm."), checks=[newer_parameters]) as server:
        for _ in range(2):
            evaluate(shop, agent(server, extra={"reasoning_effort": "low"}), n=1, out=tmp_path, resume=True)
        with pytest.raises(RunError, match="reasoning_effort"):
            evaluate(shop, agent(server, extra={"reasoning_effort": "high"}), n=1, out=tmp_path, resume=True)
        both = {"extra": {"reasoning_effort": "low"}, "headers": {"X-Title": "study"}}
        with pytest.raises(RunError, match="X-Title"):
            evaluate(shop, agent(server, **both), n=1, out=tmp_path, resume=True)
