"""The recipes in examples/, each played against a local server; a library that is not installed is skipped."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from chat_server import ChatServer

from toolgym import Task, ToolCall, ToolEnv, evaluate, tool

EXAMPLES = Path(__file__).parent.parent / "examples"


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


TASKS = [
    Task.of(f"t{n}", f"What is 2 plus {n}?", [add], expected=[[ToolCall("add", {"a": 2, "b": n})]], response="Done.")
    for n in range(4)
]


def respond(body):
    """What a model would answer: the call, then words."""
    text = json.dumps(body["messages"])
    last = body["messages"][-1]
    number = int(text.split("2 plus ")[1][0])
    done = last["role"] == "tool" or "Observation" in json.dumps(last)
    names = [each["function"]["name"] for each in body["tools"]]
    call = ("add", {"a": 2, "b": number}) if not done else ("final_answer", {"answer": "5"})
    message = {"role": "assistant", "content": "That is it." if done else None}
    if call[0] in names:
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        message["tool_calls"] = [{"id": f"call{number:05}", "type": "function", "function": function}]
    why = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "message": message, "finish_reason": why}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    about = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
    return 200, {**about, "choices": [choice], "usage": usage}, {}


@pytest.fixture
def url():
    server = ChatServer(respond)
    yield server.url
    server.close()


def recipe(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def openai_sdk(url):
    return recipe("agent_openai").OpenAISDK("m", base_url=url, api_key="k", max_retries=0)


def langgraph(url):
    from langchain_openai import ChatOpenAI

    return recipe("agent_langgraph").LangGraphAgent(ChatOpenAI(model="m", base_url=url, api_key="k"))


def openai_agents(url):
    from openai import AsyncOpenAI

    from agents import OpenAIChatCompletionsModel

    model = OpenAIChatCompletionsModel("m", AsyncOpenAI(base_url=url, api_key="k"))
    return recipe("agent_openai_agents").AgentsSDK(model)


def pydantic_ai(url):
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel("m", provider=OpenAIProvider(base_url=url, api_key="k"))
    return recipe("agent_pydantic_ai").PydanticAI(model)


def smolagents(url):
    from smolagents import OpenAIModel

    model = OpenAIModel("m", api_base=url, api_key="k")
    return recipe("agent_smolagents").SmolAgent(model, max_tool_threads=1, verbosity_level=0)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("make", "needs"),
    [
        (openai_sdk, ["openai"]),
        (langgraph, ["langgraph", "langchain_openai"]),
        (openai_agents, ["agents", "openai"]),
        (pydantic_ai, ["pydantic_ai", "openai"]),
        (smolagents, ["smolagents", "openai"]),
    ],
)
def test_a_library_is_an_agent_of_evaluate(make, needs, url, monkeypatch):
    # a checkout has a folder "agents", which hides the package of the Agents SDK
    monkeypatch.setattr(sys, "path", [path for path in sys.path if Path(path).resolve() != EXAMPLES.parent])
    for name in needs:
        pytest.importorskip(name)
    agent = make(url)
    found = evaluate(lambda: ToolEnv(TASKS, dialect="openai"), agent, repeats=2, batch_size=3)
    assert [each.error for each in found] == [None] * 8
    assert [each.success for each in found] == [True] * 8
    assert found[0].turns[0].messages[1]["content"] == "2"


def test_a_model_on_vllm_by_its_chat_api(url):
    pytest.importorskip("aiohttp")
    agent = recipe("agent_vllm").by_chat(url.removesuffix("/v1"), "m", max_retries=0)
    assert [each.success for each in evaluate(lambda: ToolEnv(TASKS, dialect="openai"), agent)] == [True] * 4


def test_a_model_on_vllm_by_token_ids():
    for name in ("aiohttp", "torch", "transformers", "peft"):
        pytest.importorskip(name)
    from tiny_lm import byte_tokenizer, tiny_model
    from vllm_server import FakeVLLM, serving

    model = tiny_model(), byte_tokenizer()
    with serving(FakeVLLM(*model)) as address:
        agent = recipe("agent_vllm").by_tokens(address, model, max_new_tokens=4)
        found = evaluate(lambda: ToolEnv(TASKS), agent)
    assert [each.error for each in found] == [None] * 4
    assert all(each.turns[0].action for each in found)


SMALL = {"level": "choose", "split": "val"}


def test_maskable_ppo_chooses_only_what_the_menu_has(monkeypatch):
    pytest.importorskip("sb3_contrib")
    agent = recipe("train_maskable_ppo").train(steps=64, env_kwargs=SMALL, n_steps=32, batch_size=32)
    assert_only_from_the_menu(agent, monkeypatch)


@pytest.mark.filterwarnings("default")
def test_rllib_chooses_only_what_the_menu_has(monkeypatch):
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    pytest.importorskip("torch")
    pytest.importorskip("ray.rllib", exc_type=ImportError)
    import ray

    if ray.is_initialized():
        pytest.skip("another test has a Ray cluster")
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        small = {"train_batch_size_per_learner": 32, "minibatch_size": 32, "num_epochs": 1}
        assert_only_from_the_menu(recipe("train_rllib").train(iterations=1, env_kwargs=SMALL, **small), monkeypatch)
    finally:
        ray.shutdown()


def assert_only_from_the_menu(agent, monkeypatch):
    predict, available = agent.model.predict, []

    def predicted(features, **how):
        choices, state = predict(features, **how)
        available.extend(mask[choice] for mask, choice in zip(features["mask"], choices, strict=True))
        return choices, state

    monkeypatch.setattr(agent.model, "predict", predicted)
    found = evaluate("ToolGym-Office-v0", agent, env_kwargs=SMALL, n=10)
    assert all(each.reward_valid for each in found)
    assert len(available) >= 10
    assert all(available)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_compiles(path):
    compile(path.read_text("utf-8"), str(path), "exec")
