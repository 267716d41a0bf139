"""Mistakes of an environment's author raise at the line that is wrong, with a hint what to write instead."""

from __future__ import annotations

import pickle
import re
from collections.abc import Sequence

import gymnasium as gym
import msgspec
import pytest
from conftest import Shop, calling, saying, shop, shop_tasks

from toolgym import Task, Tool, ToolCall, ToolEnv, ToolVectorEnv, evaluate, rollout, tool, tools_of
from toolgym.rollout import NotAnAgent
from toolgym.types import message

TOOLS = tools_of(Shop)
MILK = ToolCall("add", {"item": "milk", "quantity": 2})


def refused(error, *words):
    """The error's message holds these, in this order."""
    return pytest.raises(error, match="(?s)" + ".*".join(re.escape(word) for word in words))


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ([[("add", {})]], ["task 't'", "expected[0][0]", "tuple", "('add', {})", 'ToolCall("name"']),
        ([("add", {})], ["expected[0][0]", "'add'", 'ToolCall("name"']),
        ([{"name": "add"}], ["expected[0]", "dict", "expected=[[ToolCall(...)]]"]),
        ([[{"name": "add"}]], ["expected[0][0]", "dict"]),
        ({"name": "add"}, ["list of turns", "dict", "expected=[[ToolCall(...)]]"]),
        ("add", ["list of turns", "str"]),
        (MILK, ["list of turns", "ToolCall"]),
        ([MILK], ["one list of calls for each assistant turn", "expected[0]"]),
        ([[], [MILK, None]], ["expected[1][1]", "NoneType"]),
        ([[ToolCall("add", ["milk"])]], ["expected[0][0]", "dict of arguments"]),  # type: ignore[arg-type]
    ],
)
def test_expected_calls_that_are_none(expected, words):
    with refused(TypeError, *words):
        Task.of("t", "Hi.", TOOLS, expected)


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ([len], ["task 't'", "tools[0]", "len", "@tool"]),
        ([*TOOLS, {"type": "function"}], ["tools[3]", "dict", "Tool(name, description, parameters)"]),
        ([Shop], ["tools[0]", "tools_of(Shop)"]),
        (Shop, ["list of Tools", "tools_of(Shop)"]),
        (TOOLS[0], ["list of Tools", "put it in a list"]),
        (["add"], ["tools[0]", "str", "'add'"]),
    ],
)
def test_tools_that_are_none(tools, words):
    with refused(TypeError, *words):
        Task.of("t", "Hi.", tools)


def test_other_fields_that_are_not_what_they_say():
    with refused(TypeError, "id is text", "int, 3"):
        Task.of(3, "Hi.")  # type: ignore[arg-type]
    with refused(TypeError, "task 't'", "messages[0]", "tuple", '{"role": "user"'):
        Task.of("t", [("user", "Hi.")])  # type: ignore[list-item]
    with refused(TypeError, "messages[1]", "'content'"):
        Task.of("t", [message("user", "Hi."), {"content": "Ho."}])
    with refused(TypeError, "messages is text or a list", "{'role'"):
        Task.of("t", {"role": "user", "content": "Hi."})  # type: ignore[arg-type]
    with refused(TypeError, "messages is text or a list", "'Hi.'"):
        Task("t", "Hi.")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (ToolCall("ad", {}), ["task 't' cannot be passed", "expected[0][1]", "'ad'", "add, total, break_down"]),
        (ToolCall("add", {"item": "milk", "colour": "red"}), ["cannot be passed", "add refuses", "[0][1]", "colour"]),
        (ToolCall("add", {"item": 3}), ["add refuses", "item: 3", "string"]),
        (ToolCall("add", {"quantity": 3}), ["add refuses", "item", "required"]),
    ],
)
def test_a_task_that_nobody_could_pass_is_refused(call, words):
    with refused(ValueError, *words):
        Task.of("t", "Hi.", TOOLS, [[MILK, call]])
    described = [Tool(each.name, each.description, each.parameters) for each in TOOLS]
    env = ToolEnv([Task.of("t", "Hi.", described, [[MILK, call]])])  # data sets have such rows: scored all the same
    env.reset()
    assert env.step(env.gold(env.task)[0])[1] == 4.0


def test_what_is_expected_later_may_be_offered_later():
    late = Tool("late", function=lambda: "here", timeout=None)
    task = Task.of("t", "Hi.", TOOLS, [[MILK], [ToolCall("late", {})]])

    class Offering(ToolEnv):
        def reply(self, completion, records):
            self.offer((*self.task.tools, late))
            return ()

    env = Offering([task], state=Shop)
    env.reset()
    assert [env.step(calling((call.name, call.arguments)))[1] for (call,) in task.expected] == [4.0, 4.0]
    with refused(ValueError, "task 't'", "expected[1][0]", "'late'"):
        ToolEnv([task], state=Shop)
    with refused(ValueError, "add refuses", "expected[1][0]"):
        Task.of("t", "Hi.", TOOLS, [[MILK], [ToolCall("add", {})]])


def test_two_tools_of_one_name():
    with refused(ValueError, "task 't' offers 2 tools called 'add'"):
        Task.of("t", "Hi.", [*TOOLS, Tool("add", function=lambda: 1)])

    class Twice:
        @tool
        def one(self) -> int:
            return 1

        @tool(name="one")
        def other(self) -> int:
            return 2

    with refused(ValueError, "Twice defines two tools called 'one'"):
        tools_of(Twice)


class Rows(Sequence[Task]):
    """A user's own tasks on demand."""

    def __init__(self, make):
        self.make = make

    def __len__(self):
        return 1_000_000

    def __getitem__(self, at):
        return self.make(at)


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ("abc", ["ToolEnv draws from a list of tasks", "'abc'", "[Task.of(...), ...]"]),
        (shop_tasks()[0], ["list of tasks", "Task"]),
        ((task for task in shop_tasks()), ["list of tasks", "generator"]),
        ({"t": shop_tasks()[0]}, ["list of tasks", "dict"]),
        (["abc"], ["tasks[0]", "'abc'", "Task.of(...)"]),
        ([*shop_tasks(), {"id": "x"}], ["tasks[3]", "dict"]),
        (Rows(lambda at: {"id": at}), ["first of its Rows", "dict"]),
    ],
)
def test_tasks_that_are_none(tasks, words):
    with refused(TypeError, *words):
        ToolEnv(tasks)


def test_tasks_on_demand_are_checked_when_they_are_made():
    def make(at):
        return Task.of(f"t{at}", "Hi.", TOOLS, [[MILK if at == 0 else ToolCall("sell", {})]])

    env = ToolEnv(Rows(make), state=Shop)
    with refused(ValueError, "cannot be passed", "'sell'"):
        env.reset(seed=0)


def test_a_task_is_whole_after_a_journey():
    (task, *_) = shop_tasks()
    described = msgspec.structs.replace(task, tools=(Tool("add", parameters={}),))
    assert pickle.loads(pickle.dumps(described)).expected == task.expected
    with refused(TypeError, "tools[0]"):
        msgspec.structs.replace(task, tools=("add",))


def test_an_envs_arguments():
    with refused(TypeError, "state=Shop", "not a Shop"):
        ToolEnv(shop_tasks(), state=Shop())  # type: ignore[arg-type]
    for name, least in (("max_turns", 1), ("max_calls", 0), ("max_action_chars", 1)):
        with refused(ValueError, f"{name} must be at least {least}, got -1"):
            shop(**{name: -1})
        for wrong in ("3", 1.5, True):
            with refused(TypeError, f"{name} must be a whole number", repr(wrong)):
                shop(**{name: wrong})


def test_a_number_of_forks():
    env = shop()
    env.reset(options={"task_id": "milk"})
    assert [len(env.fork(n)) for n in (0, 1, 3)] == [0, 1, 3]
    with refused(ValueError, "n must be at least 0, got -1"):
        env.fork(-1)
    with refused(TypeError, "n must be a whole number", "1.5"):
        env.fork(1.5)  # type: ignore[arg-type]


def test_a_judge_without_a_verdict():
    class Lax(ToolEnv):
        def judge(self):
            return True

    env = Lax(shop_tasks(), state=Shop)
    env.reset(options={"task_id": "hello"})
    with refused(TypeError, "Lax.judge() must return a Verdict", "bool, True", "Verdict(success"):
        env.step(saying("Good morning!"))


def test_an_agents_class_is_no_agent(tmp_path):
    class Mine:
        def __init__(self, name):
            self.name = name

        def act(self, observation):
            return saying(self.name)

    for agent, words in (
        (Mine, ["instance", "class Mine", "pass Mine("]),
        (lambda observation: "", ["needs act(observation)", "function has none"]),
    ):
        with refused(NotAnAgent, *words):
            evaluate("TestShop-v0", agent, out=tmp_path / "run")
        with refused(NotAnAgent, *words):
            rollout("TestShop-v0", agent)
    assert not (tmp_path / "run").exists()
    assert len(evaluate("TestShop-v0", Mine("Ada"))) == 3


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"timeout": "3"}, TypeError, "tool 'f': timeout must be a number of seconds or None, got '3'"),
        ({"timeout": True}, TypeError, "timeout must be a number"),
        ({"timeout": -1}, ValueError, "timeout must be a positive number"),
        ({"timeout": float("nan")}, ValueError, "timeout must be a positive number"),
        ({"timeout": float("inf")}, ValueError, "that ends, or None; got inf"),
        ({"result_limit": -1}, ValueError, "tool 'f': result_limit must be at least 1 character, got -1"),
        ({"result_limit": 1e4}, TypeError, "result_limit must be a whole number of characters, got 10000.0"),
        ({"name": 3}, ValueError, "a tool needs a name, got 3"),
    ],
)
def test_a_tools_settings(wrong, error, message):
    def f() -> None: ...

    with pytest.raises(error, match=message):
        tool(**wrong)(f)


def test_a_described_tools_settings():
    with pytest.raises(TypeError, match=r"tool 't': parameters is a JSON Schema \(a dict\), got \['x'\]"):
        Tool("t", parameters=["x"])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="tool 't': function must be callable or None, got 'x'"):
        Tool("t", function="x")  # type: ignore[arg-type]


# What tools return --------------------------------------------------------------------------------


class Plain:
    pass


class Dice:
    @tool(timeout=None)
    def roll(self) -> object:
        """Roll."""
        return {"rolled": (each for each in (1, 2))}

    @tool
    def show(self) -> object:
        """Show."""
        return Plain()


@pytest.mark.parametrize(("name", "kinds"), [("roll", ["dict", "generator"]), ("show", ["Plain", "Plain"])])
@pytest.mark.parametrize("vector", [False, True])
def test_a_result_that_is_not_json_is_the_tools_failure_and_not_the_policys(name, kinds, vector):
    env = ToolEnv([Task.of("t", "Hi.", tools_of(Dice), [[ToolCall(name, {})]])], state=Dice)
    env.reset()
    step = (lambda text: ToolVectorEnv([env]).step_some([0], [text])[0]) if vector else env.step
    observation, _, terminated, _, info = step(calling((name, {})))
    assert not terminated
    assert info["calls"][0].result.error == "not_json"
    assert not info["reward_valid"]
    assert info["error"] == observation["messages"][-1]["content"]
    assert re.search(f"{name} returned what is not JSON, of type {kinds[0]}: {kinds[1]} has no __str__", info["error"])
    assert "0x" not in info["error"]
    env.reset()
    assert env.step(saying("bye"))[4]["reward_valid"]


def test_such_an_episode_is_counted_and_replays_are_not_asked_of_it(tmp_path):
    from toolgym.replay import replay

    class Roller:
        def act(self, observation):
            return calling(("roll", {})) if observation["messages"][-1]["role"] == "user" else saying("bye")

    def make():
        return ToolEnv([Task.of("t", "Hi.", tools_of(Dice), [[ToolCall("roll", {})]])], state=Dice)

    (episode,) = evaluate(make, Roller(), out=tmp_path / "run")
    assert not episode.reward_valid
    assert "roll returned" in str(episode.error)
    (again,) = replay(tmp_path / "run", make=lambda env_id, kwargs: make())
    assert again.status == "not replayable"
    assert "roll returned" in again.reason


def test_a_result_that_has_no_text_is_an_error():
    around: list = []
    around.append(around)
    for value, kind in (
        (object(), "object"), (object, "type"), (len, "builtin_function_or_method"), (iter([1]), "list_iterator"),
        ([(i for i in [1])], "list"), ({(1, 2): 3}, "dict"), (around, "list"),
    ):  # fmt: skip
        result = Tool("t", function=lambda value=value: value, timeout=None).run({})
        assert result.error == "not_json"
        assert result.content.startswith(f"Error: t returned what is not JSON, of type {kind}: ")
        assert "0x" not in result.content


def test_suites_are_taken_as_they_are():
    for env_id in ("ToolGym-Office-v0", "ToolGym-Functions-v0", "ToolGym-Math-v0"):
        tasks = gym.make(env_id).unwrapped.tasks  # type: ignore[attr-defined]
        assert tasks[999_999].id
