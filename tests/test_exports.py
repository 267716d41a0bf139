"""Exports play the same episodes as the bare environment. The frameworks are stood in for by what they document.

``benchmarks/exports.py`` plays them under the frameworks themselves.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import gymnasium as gym
import msgspec
import pydantic
import pytest

import toolgym
from toolgym import Task, ToolCall, ToolEnv, ToolUnavailable, tool
from toolgym.exports import mcp, nemo_gym, openenv, skyrl_gym, trl, verifiers, verl
from toolgym.exports.session import Session, Unscored, task_rows


@tool
def stock(item: str) -> int:
    """How many of an item are there.

    Args:
        item: its name.
    """
    if item == "bolt":
        raise ToolUnavailable("the warehouse does not answer")
    return len(item)


class Warehouse(ToolEnv):
    def __init__(self, **kwargs):
        wanted = [["screw"], ["bolt"], ["screw", "nut"]]
        tasks = [
            Task.of("-".join(items), "Count.", [stock], [[ToolCall("stock", {"item": item})] for item in items])
            for items in wanted
        ]
        super().__init__(tasks, **kwargs)


toolgym.register("TestWarehouse-v0", Warehouse)
HOSTILE = '<tool_call>\n{"name": "stock", "arguments": {"item": NaN, "x": 1e999, "y": "\ud800"}}\n</tool_call>\0'
PLAYS = [
    ("TestWarehouse-v0", {}, "screw-nut", None),
    ("TestWarehouse-v0", {}, "bolt", None),
    ("TestWarehouse-v0", {"max_turns": 3}, "screw", [HOSTILE] * 3),
    ("ToolGym-Functions-v0", {"split": "test", "dialect": "compact"}, "test-000002-parallel", None),
    ("ToolGym-Office-v0", {"split": "test", "category": "dialogue"}, "test-000001-dialogue", None),
]


def texts_of(suite, kwargs, task_id, texts):
    env = gym.make(suite, **kwargs).unwrapped
    return texts or list(env.gold(env.find_task(task_id)))


def bare(suite, kwargs, task_id, texts):
    """(rewards, success, verdict, valid) of an episode in the environment itself."""
    env = gym.make(suite, **kwargs)
    env.reset(options={"task_id": task_id})
    rewards, over = [], False
    while not over:
        _, reward, terminated, truncated, info = env.step(texts[len(rewards)])
        rewards.append(reward)
        over = terminated or truncated
    return rewards, info["success"], info["verdict"], info["reward_valid"]


@pytest.fixture(params=PLAYS, ids=lambda play: f"{play[0]}-{play[2]}")
def play(request):
    suite, kwargs, task_id, _ = request.param
    texts = texts_of(*request.param)
    return suite, kwargs, task_id, texts, bare(suite, kwargs, task_id, texts)


@pytest.fixture
def module(monkeypatch):
    """Puts a module into sys.modules, with the names it has."""

    def put(name, **names):
        for end in (i for i, letter in enumerate(name) if letter == "."):
            monkeypatch.setitem(sys.modules, name[:end], sys.modules.get(name[:end]) or ModuleType(name[:end]))
        made = ModuleType(name)
        vars(made).update(names)
        monkeypatch.setitem(sys.modules, name, made)

    return put


def check(found, outcome):
    """A framework's (rewards, success, verdict), and the bare environment's."""
    rewards, success, verdict, valid = outcome
    assert found == (rewards, success if valid else None, verdict)


def test_no_framework_is_imported():
    names = "session parquet verifiers trl inspect_ai openenv skyrl_gym verl mcp nemo_gym"
    heavy = "torch verifiers trl inspect_ai openenv skyrl_gym verl mcp nemo_gym datasets pyarrow pydantic"
    code = (
        f"import sys, importlib\nfor name in {names.split()}: importlib.import_module('toolgym.exports.' + name)\n"
        f"print([name for name in {heavy.split()} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# What all exports share ---------------------------------------------------------------------------


def test_a_session_plays_the_same_episode(play):
    suite, kwargs, task_id, texts, outcome = play
    session = Session(suite, kwargs)
    opening = session.reset(task_id=task_id)
    assert {message["role"] for message in opening} <= {"system", "user"}
    for text in texts:
        reply = session.step(text)
        assert {message["role"] for message in reply.messages} <= {"user"}
        if reply.done:
            break
        assert reply.messages
    found = session.outcome
    check((found.turn_rewards, found.success, found.verdict), outcome)
    valid = outcome[3]
    assert reply.done
    assert found.unscored is not valid
    assert found.reward == (sum(outcome[0]) if valid else None)
    assert (reply.reward is None) is not valid
    json.dumps(msgspec.to_builtins(found), allow_nan=False).encode("ascii")  # strict JSON, whatever the model wrote
    if not valid:
        with pytest.raises(Unscored, match=r"task bolt: the tool failed.*warehouse"):
            found.scored()


def test_native_tools_have_names_and_ids_that_servers_take():
    session = Session("ToolGym-BFCL-MultiTurn-v0", {"category": "multi_turn_base", "dialect": "openai"})
    session.reset(seed=1)
    names = [tool["function"]["name"] for tool in session.tools]
    assert not any("." in name for name in names)
    call = {"id": "a", "type": "function", "function": {"name": names[0], "arguments": "{}"}}
    reply = session.step({"role": "assistant", "content": None, "tool_calls": [call]})
    assert [(message["role"], message["tool_call_id"]) for message in reply.messages] == [("tool", "a")]
    reply = session.step({"role": "assistant", "content": None, "tool_calls": [call]})
    assert [message["tool_call_id"] for message in reply.messages] == [
        "a"
    ]  # as the framework has it, though it repeats


def test_what_a_framework_cuts_off_is_settled_as_at_max_turns():
    kwargs = {"split": "test", "category": "chain"}
    text = texts_of("ToolGym-Office-v0", kwargs, "test-000000-chain", None)[0]
    rewards, _, verdict, _ = bare("ToolGym-Office-v0", {**kwargs, "max_turns": 1}, "test-000000-chain", [text])
    session = Session("ToolGym-Office-v0", kwargs)
    session.reset(task_id="test-000000-chain")
    assert not session.step(text).done
    session.cut_off("no more tokens")
    session.cut_off("twice")
    assert session.outcome.turn_rewards == rewards
    assert (session.outcome.verdict, session.outcome.truncated) == ("no more tokens", True)
    assert verdict


def test_an_answer_that_was_cut_off_is_no_decision():
    session = Session("ToolGym-Functions-v0", {"category": "irrelevant"})
    session.reset(seed=0)
    session.step("None of the functions fits", unfinished="length")
    assert session.outcome.success is False


def test_rows_are_the_tasks_that_evaluate_plays():
    rows = list(task_rows("ToolGym-Functions-v0", {"split": "test"}, n=3, seed=5))
    played = toolgym.evaluate("ToolGym-Functions-v0", SimpleNamespace(act=lambda _: ""), env_kwargs={"split": "test"},
                              n=3, seed=5)  # fmt: skip
    assert [row.task_id for row in rows] == [each.task_id for each in played]
    assert [row.messages[-1]["content"] for row in rows] == [each.messages[-1]["content"] for each in played]


def test_only_tool_envs():
    with pytest.raises(TypeError, match="CartPole-v1 is a CartPoleEnv"):
        Session("CartPole-v1")


# SkyRL --------------------------------------------------------------------------------------------


def test_skyrl(play, module):
    suite, kwargs, task_id, texts, outcome = play

    class BaseTextEnv:
        def __init__(self):
            self.ready = True

    module("skyrl_gym.envs.base_text_env", BaseTextEnv=BaseTextEnv)
    skyrl_gym._environment.cache_clear()
    (row,) = json.loads(json.dumps(list(skyrl_gym.rows(suite, kwargs, task_ids=[task_id]))))
    env = skyrl_gym.ToolGymTextEnv(env_config={}, extras={"toolgym": row["toolgym"], "data_source": "x"})
    assert isinstance(env, BaseTextEnv)
    assert env.ready
    assert env.init(row["prompt"]) == (row["prompt"], {})
    rewards = []
    if not outcome[3]:
        for text in texts[:-1]:
            env.step(text)
        with pytest.raises(Unscored):
            env.step(texts[-1])
        return
    for text in texts:
        step = env.step(text)
        rewards.append(step["reward"])
        if step["done"]:
            break
    check((rewards, bool(env.get_metrics()["success"]), step["metadata"]["verdict"]), outcome)


# verl ---------------------------------------------------------------------------------------------


class Letters:
    """A tokenizer of letters; 0 ends an answer."""

    all_special_ids = [0]

    def decode(self, ids, skip_special_tokens):
        assert not skip_special_tokens
        return "".join(map(chr, ids))


class AgentLoopBase:
    """What verl gives to a loop: tokens that only grow, and a server."""

    def __init__(self, texts, limit):
        self.rollout_config, self.tokenizer = SimpleNamespace(response_length=limit), Letters()
        said = iter(texts)

        async def generate(*, request_id, prompt_ids, sampling_params):
            ids = [*map(ord, next(said)), 0]
            return SimpleNamespace(token_ids=ids, log_probs=[-1.0] * len(ids), extra_fields={"step": 3})

        self.server_manager = SimpleNamespace(generate=generate)

    async def ct_build_initial_tokens(self, messages):
        return [1] * 10

    async def ct_merge_assistant_token(self, ids, new, mask, logprobs, assistant_logprobs):
        return SimpleNamespace(token_ids=ids + new), mask + [1] * len(new), (logprobs or []) + assistant_logprobs

    async def ct_merge_context_msg(self, before, after, ids, mask, logprobs):
        assert after[: len(before)] == before
        assert all(message["role"] == "user" for message in after[len(before) :])
        return SimpleNamespace(token_ids=[*ids, 2, 2]), [*mask, 0, 0], [*logprobs, 0.0, 0.0]


def run_verl(module, play, limit):
    suite, kwargs, task_id, texts, _ = play
    module(
        "verl.experimental.agent_loop.agent_loop",
        AgentLoopBase=AgentLoopBase,
        AgentLoopOutput=lambda **fields: SimpleNamespace(**fields),
    )
    verl._loop.cache_clear()
    (row,) = json.loads(json.dumps(list(verl.rows(suite, kwargs, task_ids=[task_id]))))
    return asyncio.run(verl.ToolGymAgentLoop(texts, limit).run({}, raw_prompt=row["prompt"], **row))


def test_verl(play, module):
    _, _, _, texts, outcome = play
    if not outcome[3]:
        with pytest.raises(Unscored):
            run_verl(module, play, 10**6)
        return
    output = run_verl(module, play, 10**6)
    assert output.reward_score == sum(outcome[0])
    assert output.extra_fields["turn_scores"] == outcome[0]
    assert output.extra_fields["reward_extra_info"]["success"] == outcome[1]
    assert output.extra_fields["step"] == 3
    assert output.prompt_ids == [1] * 10
    turns = len(outcome[0])
    assert sum(output.response_mask) == sum(len(text) + 1 for text in texts[:turns])
    assert len(output.response_ids) == len(output.response_mask) == len(output.response_logprobs)
    sampled = [i for i, mask in zip(output.response_ids, output.response_mask, strict=True) if mask]
    assert Letters().decode(sampled, False) == "\0".join([*texts[:turns], ""])


def test_verl_cuts_the_response(module):
    texts = texts_of(*PLAYS[0])
    output = run_verl(module, (*PLAYS[0][:3], texts, None), len(texts[0]) + 2)
    assert len(output.response_ids) == len(texts[0]) + 2
    assert output.extra_fields["reward_extra_info"]["success"] == 0.0


@pytest.mark.parametrize("export", [verl, skyrl_gym])
def test_tools_have_to_be_in_the_prompt(export):
    with pytest.raises(ValueError, match="another dialect"):
        next(export.rows("TestWarehouse-v0", {"dialect": "openai"}))


# verifiers ----------------------------------------------------------------------------------------


class Trace:
    def __init__(self):
        self.rewards, self.metrics, self.info, self.calls, self.stop_condition = {}, {}, {}, [], None

    def record_reward(self, name, value, weight):
        self.rewards[name] = value * weight

    def record_metrics(self, values):
        self.metrics.update(values)


class Player:
    """An agent of verifiers: each turn sends messages and returns a segment."""

    def __init__(self, texts, turns=100):
        self.texts, self.turns, self.trace, self.sent = texts, turns, Trace(), []

    def interaction(self, task):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        pass

    async def turn(self, messages=None):
        if len(self.sent) == self.turns:
            self.trace.stop_condition = "max_turns"
            return SimpleNamespace(terminated=True, messages=[])
        said = pydantic.create_model("AssistantMessage", role=(str, "assistant"), content=(str, ""))
        self.trace.calls.append(SimpleNamespace(finish_reason="stop"))
        self.sent.append(messages)
        return SimpleNamespace(terminated=False, messages=[said(content=self.texts[len(self.sent) - 1])])


@pytest.fixture
def verifiers_module(module):
    class Generic:
        def __class_getitem__(cls, item):
            return cls

    class Model(pydantic.BaseModel):
        pass

    class TaskData(Model):
        id: str
        name: str
        system_prompt: str | None
        prompt: list

    class Task_(Generic):
        def __init__(self, data, config):
            self.data = data

    class Taskset(Generic):
        def __init__(self, config):
            self.config = config

    names = {
        "TasksetConfig": type("TasksetConfig", (Model,), {"__annotations__": {"task": object}, "task": None}),
        "TaskData": TaskData, "Task": Task_, "Taskset": Taskset, "State": object, "TaskConfig": object,
        "Harness": Generic, "HarnessConfig": object, "EnvConfig": Model, "Env": Generic,
        "SubprocessConfig": lambda: None,
    }  # fmt: skip
    names["AgentConfig"] = type("AgentConfig", (Model,), {"__annotations__": {"runtime": object}, "runtime": None})
    module("httpx", AsyncClient=object)
    module("verifiers.v1.runtimes", ProgramResult=object)
    vars(sys.modules["verifiers.v1"]).update(names)
    sys.modules["verifiers"].v1 = sys.modules["verifiers.v1"]
    verifiers._classes.cache_clear()
    yield verifiers
    verifiers._classes.cache_clear()


def run_verifiers(export, suite, kwargs, task_id, player):
    config = SimpleNamespace(suite=suite, kwargs=kwargs, n=None, seed=0, task_ids=[task_id], task=None)
    (task,) = export.ToolGymTaskset(config).load()
    assert task.key == task_id
    assert task.data.system_prompt
    asyncio.run(export.ToolGymEnv().run(task, SimpleNamespace(player=player)))


def test_verifiers(play, verifiers_module):
    suite, kwargs, task_id, texts, outcome = play
    player = Player(texts)
    if not outcome[3]:
        with pytest.raises(Unscored):
            run_verifiers(verifiers_module, suite, kwargs, task_id, player)
        assert player.trace.rewards == {}  # the record is there, the reward is not
    else:
        run_verifiers(verifiers_module, suite, kwargs, task_id, player)
        assert player.trace.rewards == {"toolgym": sum(outcome[0])}
        terms = {name: value for name, value in player.trace.metrics.items() if name != "success"}
        assert sum(terms.values()) == pytest.approx(sum(outcome[0]))
    found = player.trace.info["toolgym"]
    check((found["turn_rewards"], found["success"], found["verdict"]), outcome)


def test_verifiers_limits_end_an_episode(verifiers_module):
    texts = texts_of(*PLAYS[0])
    player = Player(texts, turns=1)
    run_verifiers(verifiers_module, *PLAYS[0][:3], player)
    assert player.trace.info["toolgym"]["verdict"] == "verifiers ended the episode: max_turns"
    assert player.trace.rewards == {"toolgym": 4.0}


# NeMo Gym -----------------------------------------------------------------------------------------


def response_of(text, dialect):
    """An answer as a response of the Responses API."""
    said = json.loads(text) if dialect == "openai" else {"content": text}
    output = []
    if said["content"] is not None:
        part = SimpleNamespace(type="output_text", text=said["content"])
        output.append(SimpleNamespace(type="message", content=[part]))
    for call in said.get("tool_calls", ()):
        output.append(SimpleNamespace(type="function_call", call_id=call["id"], **call["function"]))
    return SimpleNamespace(output=output, incomplete_details=None)


@pytest.mark.parametrize("dialect", ["toolrl", "openai"])
@pytest.mark.parametrize("task_id", ["screw-nut", "bolt"])
def test_nemo_gym(dialect, task_id):
    kwargs = {"dialect": dialect}
    texts = texts_of("TestWarehouse-v0", kwargs, task_id, None)
    outcome = bare("TestWarehouse-v0", kwargs, task_id, texts)
    (row,) = json.loads(json.dumps(list(nemo_gym.rows("TestWarehouse-v0", kwargs, task_ids=[task_id]))))
    assert ("tools" in row["responses_create_params"]) is (dialect == "openai")
    server = nemo_gym.Episodes()
    server.session_state = {}
    assert asyncio.run(server.reset(row, "one")) == (None, {})
    rewards = []
    for text in texts:
        said, reward, terminated, truncated, info = asyncio.run(server.step(response_of(text, dialect), row, "one"))
        rewards.append(reward)
        if terminated or truncated:
            break
        outputs = info.get("tool_outputs", [])
        assert bool(said) is (dialect != "openai")
        assert [each["call_id"] for each in outputs] == (["call_0"] if dialect == "openai" else [])
    found = info["toolgym"]
    check((rewards, found["success"], found["verdict"]), outcome)

    class Response(pydantic.BaseModel):
        reward: float
        info: dict
        mask_sample: bool = False
        failure_kind: str | None = None
        failure_reason: str | None = None

    masked = nemo_gym.masked(Response(reward=sum(rewards), info=info))
    assert masked.mask_sample is not outcome[3]
    assert masked.failure_kind == (None if outcome[3] else "toolgym:tool")


# OpenEnv ------------------------------------------------------------------------------------------


@pytest.fixture
def openenv_module(module):
    class Base(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid")

    class Observation(Base):
        done: bool = False
        reward: bool | int | float | None = None

    class State(pydantic.BaseModel):
        episode_id: str | None = None
        step_count: int = 0

    module("openenv.core.env_server.types", Action=Base, Observation=Observation, State=State)
    module("openenv.core.env_server.interfaces", Environment=object)
    openenv._types.cache_clear()
    yield openenv
    openenv._types.cache_clear()


def test_openenv(play, openenv_module):
    suite, kwargs, task_id, texts, outcome = play
    env, action = openenv.environment(suite, kwargs), openenv._types()["action"]
    assert [name for name, field in action.model_fields.items() if field.is_required()] == ["text"]
    first = env.reset(task_id=task_id)
    assert (first.task_id, first.done, first.reward, first.outcome) == (task_id, False, None, None)
    rewards = []
    for text in texts:
        seen = env.step(action(text=text))
        rewards.append(seen.reward)
        if seen.done:
            break
        assert seen.outcome is None  # clients show observations to the model
    check((seen.outcome["turn_rewards"], seen.outcome["success"], seen.outcome["verdict"]), outcome)
    assert (rewards == outcome[0]) is outcome[3]
    assert (rewards[-1] is None) is not outcome[3]
    assert env.state.step_count == len(rewards)
    assert env.state.outcome == seen.outcome


def test_openenv_tasks(openenv_module):
    env = openenv.environment("ToolGym-Functions-v0")
    assert env.list_splits() == ["train", "val", "test", "test_unseen"]
    assert env.num_tasks("test") == 2000
    assert env.get_task_range("test", 3, 5) == [env.get_task("test", 3), env.get_task("test", 4)]
    assert len(env.list_tasks("train")) == openenv.PREVIEW
    assert env.reset(split="test", index=3).task_id == env.get_task("test", 3)["id"]
    assert env.reset(seed=1).task_id == env.reset(seed=1).task_id
    with pytest.raises(ValueError, match="not level"):
        env.reset(level="single")
    assert openenv.environment("ToolGym-Functions-v0", {"split": "val"}).list_splits() == ["val"]
    assert openenv.environment("TestWarehouse-v0").list_splits() == ["default"]


# MCP ----------------------------------------------------------------------------------------------


async def called(episode, *calls):
    return [await episode.call(name, arguments) for name, arguments in calls]


def test_mcp_plays_call_by_call():
    episode = mcp.Episode("TestWarehouse-v0", None, "screw-nut", None)
    assert "Count." in episode.request
    assert [each["name"] for each in episode.tools()] == ["stock", "submit"]
    calls = [("stock", {"item": "screw"}), ("stock", {"item": "nut"}), ("submit", {"answer": "5 and 3"})]
    read = asyncio.run(called(episode, *calls, ("stock", {})))
    assert read == [("5", False), ("3", False), (mcp.OVER, False), (mcp.OVER, True)]
    assert episode.end().success is True


def test_mcp_mistakes_and_failures():
    episode = mcp.Episode("TestWarehouse-v0", None, "bolt", None)
    read = asyncio.run(called(episode, ("stock", {}), ("drop", {}), ("stock", {"item": "bolt"})))
    assert [failed for _, failed in read] == [True, True, True]
    assert "invalid arguments" in read[0][0]
    outcome = episode.end()
    assert (outcome.unscored, outcome.reward, outcome.verdict) == (True, None, mcp.LEFT)
    assert mcp.Episode("TestWarehouse-v0", None, None, 0).end() is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ToolGym-Offic-v0", "--show-task"], "doesn't exist"),
        (["TestWarehouse-v0", "--task-id", "nut", "--show-task"], "no task 'nut'"),
        (["TestWarehouse-v0", "--env-kwargs", "[1]", "--show-task"], "not a JSON object"),
        (["TestWarehouse-v0", "--env-kwargs", "{", "--show-task"], "not a JSON object"),
        (["TestWarehouse-v0"], "pip install mcp"),
    ],
)
def test_mcp_says_in_one_line_why_it_cannot_begin(words, said, monkeypatch, capsys):
    monkeypatch.setattr(mcp, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stop:
        mcp.main(words)
    assert stop.value.code in (1, 2)
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_mcp_shows_the_task_of_the_readme(capsys):
    words = 'ToolGym-Office-v0 --env-kwargs {"split":"test"} --task-id test-000000-single --show-task'
    mcp.main(words.split())
    assert "Quarterly figures check-in" in capsys.readouterr().out


@pytest.mark.parametrize("answer", [5, None, [{"content": "Hello."}]])
def test_a_session_refuses_an_answer_of_another_type(answer):
    session = Session("TestWarehouse-v0")
    session.reset(task_id="screw")
    with pytest.raises(TypeError, match="the answer is a text, or a message"):
        session.step(answer)
    assert session.step("5").done


def test_mcp_users_reply():
    episode = mcp.Episode("ToolGym-Office-v0", {"category": "dialogue", "split": "test"}, "test-000001-dialogue", None)
    ((text, failed),) = asyncio.run(called(episode, ("submit", {"answer": "Hm."})))
    assert text
    assert text != mcp.OVER
    assert not failed


# TRL: tools as methods (rollout_func is in test_trl_rollouts.py) --------------------------------------


@pytest.fixture
def datasets_module(module):
    module("datasets", Dataset=SimpleNamespace(from_dict=lambda columns: columns))


def test_trl_calls_tools_as_methods(datasets_module):
    from transformers.utils import get_json_schema

    spec = trl.tools_spec("TestWarehouse-v0")
    env = spec.environment_factory()
    schema = get_json_schema(env.stock)["function"]
    assert schema["parameters"]["properties"] == {"item": {"type": "string", "description": "its name."}}
    assert [name for name in vars(type(env)) if not name.startswith("_")] == ["env_id", "kwargs", "stock"]
    calls, completions, environments = [["screw", "nut"], ["bolt"], ["nut"]], [], []
    for items, task_id in zip(calls, ["screw-nut", "bolt", "screw"], strict=True):
        environments.append(spec.environment_factory())
        environments[-1].reset(prompt=[], toolgym_task=task_id)
        completion = []
        for item in items:
            function = {"name": "stock", "arguments": {"item": item}}
            completion.append(
                {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]}
            )
            completion.append({"role": "tool", "name": "stock", "content": environments[-1].stock(item=item)})
        completions.append([*completion, {"role": "assistant", "content": "Done."}])
    tasks = ["screw-nut", "bolt", "screw"]
    rewards = spec.reward_funcs(environments=environments, completions=completions, toolgym_task=tasks, prompts=[])
    texts = texts_of("TestWarehouse-v0", {"dialect": "openai"}, "screw-nut", None)
    assert rewards[0] == sum(bare("TestWarehouse-v0", {"dialect": "openai"}, "screw-nut", texts)[0])
    assert rewards[1] is None
    assert rewards[2] < rewards[0]
    assert completions[0][1]["content"] == "5"


def test_trl_refuses_what_its_tool_loop_cannot_play(datasets_module):
    with pytest.raises(ValueError, match=r"offer different tools.*rollout_spec"):
        trl.tools_spec("ToolGym-Functions-v0", n=3)
    with pytest.raises(ValueError, match=r"the user replies.*rollout_spec"):
        trl.tools_spec(
            "ToolGym-Office-v0", {"category": "dialogue", "split": "test"}, task_ids=["test-000001-dialogue"]
        )


def test_a_bare_tool_env_is_no_environment_factory():
    with pytest.raises(TypeError, match=r"would offer its methods to the model as tools.*toolgym\.exports\.trl"):
        gym.make("TestWarehouse-v0").reset(prompt=[{"role": "user", "content": "Count."}])
