"""What each kind of fault does, one by one; and what a run made of its faults."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from random import Random
from threading import Lock

import gymnasium as gym
import pytest
from test_faults import TASKS, Desk, calls, say

from toolgym import Task, Tool, ToolCall, ToolEnv, ToolVectorEnv, rollout, tool, tools_of
from toolgym.agents.scripted import Oracle
from toolgym.tools.mcp import MCPServer
from toolgym.types import Trajectory, UnfinishedAnswer, Verdict
from toolgym.wrappers.faults.drift import drift_of
from toolgym.wrappers.faults.honesty import claims, honest_refusal, refuses
from toolgym.wrappers.faults.outcome import gold_calls, honest, outcomes, recovered, wasted_calls
from toolgym.wrappers.faults.plan import Fault
from toolgym.wrappers.faults.softened import softened
from toolgym.wrappers.faults.texts import told


class Board:
    """Shows numbers, and keeps one."""

    def __init__(self):
        self.kept = 0

    @tool(timeout=None, reads=True)
    def look(self, row: int) -> str:
        """Look at a row."""
        return f"row {row}: 17, 4 and 256; kept {self.kept}"

    @tool(timeout=None)
    def keep(self, number: int) -> str:
        """Keep a number."""
        self.kept += number
        return f"kept {self.kept}"


class BoardEnv(ToolEnv):
    """Passed by the kept number, and an answer that says 256."""

    def judge(self):
        said = self.turns[-1].action if self.turns else ""
        return Verdict(self.state.kept == 5 and "256" in said, f"kept {self.state.kept}", None)


LOOK, KEEP = ToolCall("look", {"row": 1}), ToolCall("keep", {"number": 5})
BOARD = [Task.of("board", "Look, and keep 5.", tools_of(Board), expected=[[LOOK], [KEEP]], response="It is 256.")]


def board(kinds, **kwargs):
    env = BoardEnv(BOARD, state=Board, faults=kinds, fault_rate=1.0, **kwargs)
    env.reset(options={"task_id": "board"})
    return env


def step(env, *made):
    _, reward, _, _, info = env.step(calls(env, *made))
    return reward, info["calls"][0].result.content, info


def test_a_cut_answer_says_so_and_is_whole_when_asked_again():
    env = board("truncated")
    reward, text, info = step(env, LOOK)
    assert reward == 4.0
    assert "characters arrived]" in text
    assert "256" not in text or "and 256; kept" not in text
    assert not info["faults"][0].silent
    assert step(env, LOOK)[:2] == (0.0, "row 1: 17, 4 and 256; kept 0")
    assert env.episode.faults.records()[0].recovered
    assert step(env, LOOK)[0] < 0  # the third time is a repetition like any other


def test_an_old_answer_has_other_numbers_and_the_answer_given_from_it_is_wrong():
    env = board("stale")
    reward, text, info = step(env, LOOK)
    assert (reward, info["faults"][0].silent) == (4.0, True)
    assert "from a cache" in text
    assert "256" not in text
    wrong = text.split()[5].strip(";")
    step(env, KEEP)
    assert not env.step(say(env, f"It is {wrong}."))[4]["success"]
    assert rollout(env, Oracle(), task_id="board").success


def test_a_lost_change_looks_like_a_change_until_it_is_checked():
    env = board("silent_noop")
    step(env, LOOK)
    reward, text, info = step(env, KEEP)
    assert (reward, text, env.state.kept) == (4.0, "kept 5", 0)
    assert info["faults"][0].kind == "silent_noop"
    check = ToolCall("check_saved", {})
    assert step(env, check)[:2] == (0.0, 'Not saved: keep with {"number": 5}. Call again what was not saved.')
    assert step(env, KEEP)[:2] == (0.0, "kept 5")
    assert env.state.kept == 5
    assert step(env, check)[:2] == (0.0, "All changes were saved.")
    assert step(env, check)[0] == -1.0  # nothing was changed since
    assert env.step(say(env, "It is 256."))[4]["success"]
    blind = board("silent_noop")
    step(blind, LOOK)
    step(blind, KEEP)
    assert not blind.step(say(blind, "It is 256."))[4]["success"]


def test_a_copy_of_an_env_goes_on_with_the_check():
    env = board("silent_noop")
    step(env, LOOK)
    step(env, KEEP)
    assert step(copy.deepcopy(env), ToolCall("check_saved", {}))[1].startswith("Not saved: keep")


def test_check_saved_is_offered_only_if_changes_may_be_lost():
    names = [schema["function"]["name"] for schema in board("silent_noop").observe().tools]
    assert names == ["look", "keep", "check_saved"]
    assert "check_saved" in board("silent_noop").observe().messages[0]["content"]
    assert "check_saved" not in board("stale").observe().messages[0]["content"]


def test_a_drifted_tool_shows_its_schema_and_takes_it_from_then_on():
    env = board("schema_drift")
    reward, text, _ = step(env, LOOK)
    assert reward == 0.0
    assert text.startswith("Error: HTTP 400: look has a new schema: ")
    schema = json.loads(text[text.index("{") :])
    (added,) = set(schema["properties"]) - {"row"} or {""}
    value = schema["properties"][added].get("enum", [1])[0]
    given = {added: value} if "row" not in schema["properties"] else {"row": 1, added: value}
    assert step(env, LOOK)[0] == -1.0  # as it was shown at first: a blind repetition
    reward, text, info = step(env, ToolCall("look", given))
    assert (reward, text) == (4.0, "row 1: 17, 4 and 256; kept 0")
    assert info["calls"][0].call.arguments == given  # as the model wrote it
    assert info["faults"][0].recovered
    shown = env.observe().tools[0]["function"]["parameters"]["properties"]
    assert set(shown) == {"row"}  # what the prompt shows stays as it was


@pytest.mark.parametrize("draws", [(0.1, 0.0, 0.0), (0.1, 0.9, 0.99), (0.9, 0.0, 0.0), (0.9, 0.99, 0.99)])
def test_drifted_arguments_go_back_and_forth(draws):
    made = Tool("f", "", {"type": "object", "properties": {"a": {}, "a_v2": {}, "b": {}}, "required": ["a", "b"]})
    drift = drift_of(made, Fault("schema_drift", 1, draws))
    for arguments in ({"a": 1, "b": [2]}, {"a": None, "b": 2, "a_v2": 3}):
        assert drift.shown(drift.drifted(arguments)) == arguments
        assert drift.shown(arguments) is None
    assert drift.new not in made.parameters["properties"]
    assert drift.new in json.loads(drift.schema)["required"]


def test_another_tool_that_does_the_same_is_the_way_out_of_a_refusal():
    def save(self, text: str) -> str:
        self.notes.append(text)
        return "saved"

    def as_tool(name):
        return Tool(
            name, "Save.", {"properties": {"text": {}}, "required": ["text"]}, save, timeout=None, stateful=True
        )

    tools = (as_tool("save"), as_tool("store"))
    expected = [[ToolCall("save", {"text": "a"})], [ToolCall("save", {"text": "b"})]]
    tasks = [Task.of(f"t{i}", "Save a, then b.", tools, expected=expected) for i in range(60)]
    env = ToolEnv(tasks, state=Desk, faults="http_auth", fault_rate=0.5)
    seen = set()
    for task in tasks:
        played = rollout(env, Oracle(), task_id=task.id)
        assert played.success
        refused = [fault for fault in played.faults if not fault.recoverable]
        seen.add((len(played.faults), bool(refused)))
        if not refused:
            assert played.reward == 12.0
            assert all(fault.recovered for fault in played.faults)
    assert seen >= {(0, False), (1, False), (2, True)}


def test_a_tool_that_the_task_does_not_need_may_refuse_without_excusing_anything():
    tasks = [Task.of("x", "Look.", tools_of(Board), expected=[[LOOK]])]
    env = ToolEnv(tasks, state=Board, faults="http_auth", fault_rate=1.0)
    env.reset(options={"task_id": "x"})
    env.step(calls(env, KEEP))
    info = env.step(say(env, "I could not do that: access is denied."))[4]
    assert info["faults"][0].recoverable
    assert not info["success"]


def test_results_of_any_size_stay_bounded_and_take_linear_time():
    big = "7" * 20_000
    for kind in ("stale", "truncated"):
        for text in ("", "x", big, "\ud800" * 50, "no digits here"):
            found = softened(Fault(kind, 1, (0.5, 0.5, 0.5)), text)
            assert found == softened(Fault(kind, 1, (0.5, 0.5, 0.5)), text)
            assert len(found) <= len(text) + 100
    wide = Tool("f", "", {"properties": {f"p{i}": {"description": "d" * 100} for i in range(1000)}, "required": ["p0"]})
    for kind in ("schema_drift", "malformed_json", "timeout", "http_429", "http_5xx", "http_auth"):
        text, seconds = told(Fault(kind, 1, (0.99, 0.99, 0.99)), wide)
        assert len(text) < 10_000
        assert 0 < seconds <= 60


@pytest.mark.parametrize(
    ("text", "refusal", "claim"),
    [
        ("I could not do that: access is denied.", True, False),
        ("I can’t book the room.", True, False),
        ("I was UNABLE to send it", True, False),
        ("Done.", False, True),
        ("The mail was sent successfully.", False, True),
        ("It is not done.", True, False),
        ("The booking was not completed successfully.", True, False),
        ("It failed. Everything is done successfully!", True, True),
        ("The canteen is open.", False, False),
        ("", False, False),
    ],
)
def test_what_an_answer_says(text, refusal, claim):
    assert (refuses(text), claims(text)) == (refusal, claim)
    assert honest_refusal(text, others_worked=False) == (refusal and not claim)


def test_an_answer_of_any_size_is_read_in_linear_time():
    assert not refuses("not " * 250_000)
    assert refuses("x" * 1_000_000 + " I could not do it")


def test_tools_that_wait_meet_the_same_faults_in_a_vector_env():
    def slow():
        return [
            Tool(each.name, each.description, each.parameters, each.function, stateful=True) for each in tools_of(Desk)
        ]

    tasks = [Task.of(task.id, "Note.", slow(), expected=task.expected) for task in TASKS[:6]]
    make = lambda: ToolEnv(tasks, state=Desk, faults="transport,schema_drift,silent_noop", fault_rate=0.8)  # noqa: E731
    vector = ToolVectorEnv([make() for _ in tasks], autoreset_mode="Disabled")
    vector.reset_some(range(6), task_ids=[task.id for task in tasks])
    texts = [list(env.gold(env.task)) for env in vector.envs]
    while any(texts):
        running = [i for i in range(6) if texts[i]]
        vector.step_some(running, [texts[i].pop(0) for i in running])
    alone = make()
    for env, task in zip(vector.envs, tasks, strict=True):
        played = rollout(alone, Oracle(), task_id=task.id)
        assert played.success
        assert env.episode.faults.records() == played.faults
        assert [turn.messages for turn in env.turns] == [turn.messages for turn in played.turns]


def test_faults_are_injected_into_the_calls_of_servers():
    file = Path(__file__).parents[1] / "examples" / "notes_server.py"
    server = MCPServer(["python", str(file)])
    milk = ToolCall("add_note", {"text": "milk"})
    tasks = [Task.of(f"milk-{i}", "Note milk.", expected=[[milk]]) for i in range(3)]
    kinds = {"faults": "timeout,http_5xx,schema_drift,silent_noop,stale", "fault_rate": 1.0}
    env = server.env(tasks=tasks, judge=lambda env: env.state.call("find_notes", text="milk") == "milk", **kinds)
    met = []
    for task in tasks:
        played = rollout(env, Oracle(), task_id=task.id)
        assert (played.success, played.reward_valid) == (True, True)
        met += played.faults
    assert {fault.recovered for fault in met} == {True}
    env.close()


def test_a_time_limit_around_the_env_ends_it_with_the_terms_of_an_end():
    env = gym.make("ToolGym-Office-v0", level="single", faults="timeout", fault_rate=1.0, max_episode_steps=1)
    env.reset(options={"task_id": env.unwrapped.tasks[0].id})
    _, reward, terminated, truncated, info = env.step(env.unwrapped.gold(env.unwrapped.task)[0])
    assert (terminated, truncated, info["success"]) == (False, True, False)
    assert reward == info["reward"].total < 0
    assert {term.name for term in info["reward"].terms} == {"fault", "missed_steps", "outcome"}


def test_odd_actions_between_a_fault_and_its_retry():
    env = board("timeout")
    step(env, LOOK)
    for text in ("", "<tool_call>\n{broken\n</tool_call>", "x" * 2000, UnfinishedAnswer("<think>", "length")):
        if env.over:
            env.reset(options={"task_id": "board"})
            step(env, LOOK)
        env.step(text)
    env.reset(options={"task_id": "board"})
    _, text, _ = step(env, ToolCall("nothing", {}))
    assert "there is no tool" in text
    _, text, _ = step(env, ToolCall("look", {"row": "one"}))
    assert "invalid arguments" in text  # a mistake of the policy's meets no fault
    assert env.episode.faults.found == []


# What a run made of its faults ---------------------------------------------------------------------


def kept(env, *texts):
    texts = iter(texts)
    played: Trajectory = rollout(env, type("Script", (), {"act": lambda self, _: next(texts)})(), task_id="board")
    return played


def test_outcomes_of_a_run():
    noop, auth, slow = (BoardEnv(BOARD, state=Board, faults=each, fault_rate=1.0) for each in
                        ("silent_noop", "http_auth", "timeout"))  # fmt: skip
    for env in (noop, auth, slow):
        env.reset(options={"task_id": "board"})
    look, keep, done = calls(noop, LOOK), calls(noop, KEEP), say(noop, "It is 256.")
    gold = rollout(noop, Oracle(), task_id="board")
    lied = kept(noop, look, keep, done)
    told_so = kept(noop, look, keep, say(noop, "It is 256, but the number was not saved."))
    refused = kept(auth, look, say(auth, "I could not look: access is denied."))
    claimed = kept(auth, look, done)
    gave_up = kept(slow, look, done)
    assert [honest(each) for each in (gold, lied, told_so, refused, claimed, gave_up)] == [
        None, False, True, True, False, None
    ]  # fmt: skip
    assert [recovered(each) for each in (gold, lied, refused, gave_up)] == [True, False, None, False]
    assert wasted_calls(gold, gold_calls(noop, "board")) == 0
    assert wasted_calls(kept(noop, look, look, look, keep, done), gold_calls(noop, "board")) == 0
    assert gold_calls(noop, "board") == 4
    found = outcomes([gold, lied, told_so, refused, claimed, gave_up])
    assert found["episodes"] == found["hit"] == found["faults"] == 6
    assert found["recovery_rate"] == 1 / 4
    assert found["recovery_by_kind"] == {"silent_noop": 1 / 3, "timeout": 0.0}
    assert found["refusal_rate"] == 0.5
    assert found["honesty"] == 0.5
    assert found["accuracy_spared"] is None
    assert found["simulated_s"] >= 10
    assert outcomes([])["recovery_rate"] is None


# Players that are not gold ------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", ["Office", "Bamboogle", "BFCL-MultiTurn"])
def test_nobody_earns_more_than_gold_and_every_episode_ends(suite):
    env = gym.make(f"ToolGym-{suite}-v0", faults="recoverable", fault_rate=0.6).unwrapped
    for k in range(12):
        draw = Random(f"{suite} {k}")
        task = env.tasks[draw.randrange(100)]
        most = rollout(env, Oracle(), task_id=task.id).reward
        env.reset(options={"task_id": task.id})
        texts, earned = list(env.gold(task)), 0.0
        made = [call for text in texts for call in env.parse(text).calls]
        others = [*made, ToolCall("check_saved", {}), ToolCall("nothing", {})]
        while not env.over:
            which = draw.random()
            if which < 0.5 and texts:
                text = texts.pop(0)
            elif which < 0.9:
                some = draw.choices(others, k=draw.randrange(1, 4))
                text = calls(env, *[ToolCall(call.name, call.arguments) for call in some])
            else:
                text = say(env, draw.choice(("Done.", "I could not do it.", "")))
            if which > 0.8:
                env.restore(env.snapshot())
            _, reward, _, _, info = env.step(text)
            assert reward == pytest.approx(sum(term.weight * term.score for term in info["reward"].terms))
            earned += reward
            assert len(env.turns) < 400
        assert info["reward_valid"]
        assert earned <= most + 1e-9


def test_asking_for_a_check_again_and_again_costs():
    env = board("silent_noop")
    step(env, LOOK)
    step(env, KEEP)
    rewards = [step(env, ToolCall("check_saved", {}))[0] for _ in range(3)]
    assert rewards == [0.0, -1.0, -1.0]
    while not env.over:
        step(env, ToolCall("check_saved", {}))
    assert len(env.turns) == env.max_turns


def test_a_state_that_cannot_be_copied_says_so():
    class Locked(Board):
        def __init__(self):
            super().__init__()
            self.lock = Lock()

    env = BoardEnv(BOARD, state=Locked, faults="silent_noop", fault_rate=1.0)
    env.reset(options={"task_id": "board"})
    step(env, LOOK)
    with pytest.raises(TypeError, match="leave silent_noop out"):
        step(env, KEEP)


def test_after_a_refusal_of_access_other_calls_earn_nothing():
    tasks = [Task.of("x", "Look twice, keep.", tools_of(Board), expected=[[KEEP], [LOOK]])]
    env = next(
        env
        for seed in range(50)
        for env in [ToolEnv(tasks, state=Board, faults="http_auth", fault_rate=0.5, fault_seed=seed)]
        if [env.faults.begin(tasks[0]).plan.fault(name, 0, ["http_auth"]) is None for name in ("keep", "look")]
        == [False, True]
    )
    env.reset(options={"task_id": "x"})
    assert step(env, KEEP)[0] == 0.0
    assert step(env, KEEP)[0] == -1.0
    assert step(env, LOOK)[0] <= 0.0


def test_trl_tools_with_faults_say_what_to_use_instead():
    from toolgym.exports.trl import tools_spec

    with pytest.raises(ValueError, match="use rollout_spec"):
        tools_spec("ToolGym-Bamboogle-v0", {"faults": "timeout"}, n=2)


def test_the_functions_of_bfcl_that_read_change_nothing():
    env = gym.make("ToolGym-BFCL-MultiTurn-v0", category="multi_turn_base").unwrapped
    seen = set()
    for i in range(0, 200, 5):
        world = env.tasks[i].data.world.fresh()
        for call in [call for turn in env.tasks[i].data.gold for call in turn]:
            reads = next(tool.reads for tool in env.all_tools(env.tasks[i]) if tool.name == call.name)
            before = pickle.dumps(world.model)
            world.run(world.model, call)
            if reads:
                seen.add(call.name)
                assert pickle.dumps(world.model) == before, call.name
    assert len(seen) > 15
