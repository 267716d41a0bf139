"""MultiTurnEnv: BFCL's dialogues, played in every dialect."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import bfcl_multi_turn_mutations as mutations
import bfcl_multi_turn_oracle as oracle
import bfcl_oracle
import gymnasium as gym
import pytest

import toolgym
from toolgym.dialects import DIALECTS
from toolgym.envs.bfcl import aggregate
from toolgym.envs.bfcl.apis import simulators
from toolgym.envs.bfcl.dialogue.dialogue import EMPTY, FORCED, MAX_STEPS, RESPONSE, STATE
from toolgym.envs.bfcl.env import BFCLEnv
from toolgym.envs.bfcl.multi_turn.env import MultiTurnEnv
from toolgym.envs.bfcl.multi_turn.tasks import CATEGORIES, ROWS, load
from toolgym.types import Completion, ToolCall, Trajectory

BEST = 4.0
ID = "ToolGym-BFCL-MultiTurn-v0"


def play(env: MultiTurnEnv, task_id: str, texts: Any) -> tuple[list[float], dict[str, Any]]:
    """Plays the texts, then "Done." until the end. Returns the rewards and the last info."""
    _, info = env.reset(options={"task_id": task_id})
    rewards = []
    for text in texts:
        if env.over:
            break
        _, reward, *_, info = env.step(text)
        rewards.append(float(reward))
    while not env.over:
        *_, info = env.step("Done.")
    return rewards, info


def act(env: MultiTurnEnv, *calls: tuple[str, dict[str, Any]]) -> str:
    made = tuple(ToolCall(*call) for call in calls)
    return env.dialect.render(Completion("", made, "t", None if made else "Done."))


# Rows and tools ----------------------------------------------------------------------------------


def test_every_category_has_its_rows() -> None:
    ids = [task.id for category in CATEGORIES for task in load(category)]
    assert len(set(ids)) == len(ids) == 4 * ROWS == 800
    env = MultiTurnEnv()
    assert Counter(task.data.category for task in env.tasks) == dict.fromkeys(CATEGORIES, ROWS)
    assert sum(len(turn) for task in env.tasks for turn in task.data.gold) == 4_625
    assert sum(not turn for task in env.tasks for turn in task.data.gold) == 412
    assert MultiTurnEnv("multi_turn_base, multi_turn_miss_func").categories == CATEGORIES[:2]
    assert oracle.LIMIT + 1 == MAX_STEPS


@pytest.mark.parametrize("category", ["base", "", [], "multi_turn_base,simple_python"])
def test_a_category_that_is_not_there_is_an_error_that_lists_those_that_are(category: Any) -> None:
    with pytest.raises(ValueError, match=r"multi_turn_base.*multi_turn_long_context"):
        MultiTurnEnv(category)
    with pytest.raises(ValueError, match="only the split 'test'"):
        MultiTurnEnv(split="train")
    with pytest.raises(ValueError, match=ID):
        BFCLEnv("multi_turn_base")


def test_without_mpmath_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolgym.envs.bfcl.multi_turn.env.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"toolgym\[bfcl\]"):
        MultiTurnEnv()


def test_docs_and_simulated_apis_name_the_same_functions_and_parameters() -> None:
    env = MultiTurnEnv("multi_turn_base")
    for task in env.tasks:
        names = {name for api in task.data.classes for name in simulators.functions(api)}
        assert {tool.name for tool in task.tools} == names
        for tool in task.tools:
            owner = next(api for api in task.data.classes if tool.name in simulators.functions(api))
            assert set(tool.doc["parameters"]["properties"]) == set(simulators.parameters(owner, tool.name))


@pytest.mark.parametrize("category", ["multi_turn_base", "multi_turn_miss_func"])
def test_a_prompted_model_sees_what_the_official_harness_shows(category: str) -> None:
    """Compares system prompt, user messages, results and announced functions, playing the accepted answers."""
    env = MultiTurnEnv(category, dialect="pythonic")
    for task in env.tasks[::5]:
        row, gold = oracle.rows(category)[task.id]
        offered, held_out = oracle.docs(row)
        expected = [("system", oracle.system_prompt(offered))]
        observation, _ = env.reset(options={"task_id": task.id})
        texts = iter(env.gold(task))
        for turn, calls in enumerate(gold):
            back = held_out.get(str(turn))
            template = "{functions}\nI have updated some more functions you can choose from. What about now?"
            expected.append(("user", template.format(functions=back) if back else row["question"][turn][0]["content"]))
            assert [(m["role"], m["content"]) for m in observation["messages"]] == expected
            if calls:
                text = next(texts)
                observation, *_ = env.step(text)
                results = list(map(str, _results(env)))
                shown = bfcl_oracle.DECODING.format_execution_results_prompting(
                    {}, results, {"model_responses_decoded": oracle.decode(text)}
                )
                expected += [("assistant", text), ("user", shown)]
            text = next(texts)
            observation, *_ = env.step(text)
            expected.append(("assistant", text))
        assert env.over


def _results(env: MultiTurnEnv) -> list[str]:
    return [record.result.content for record in env.turns[-1].reward.calls if record.result is not None]


# Gold --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_gold_passes_and_earns_the_most(dialect: str) -> None:
    env = MultiTurnEnv(dialect=dialect)
    chosen = env.tasks if dialect in ("toolrl", "pythonic") else env.tasks[::4]
    for task in chosen:
        gold = env.gold(task)
        rewards, info = play(env, task.id, gold)
        assert info["success"], (task.id, info["verdict"])
        assert rewards == [BEST] * len(gold), task.id
        assert info["progress"] == 1.0
        assert [turn.checked for turn in info["turns"]] == [bool(turn) for turn in task.data.gold]


def test_accepted_calls_one_at_a_time_earn_the_most_too() -> None:
    env = MultiTurnEnv("multi_turn_base,multi_turn_miss_param")
    for task in env.tasks[::3]:
        calls = [[(call.name, call.arguments)] for turn in task.expected for call in turn or [None] if call]
        texts = [
            act(env, *call) for turn in task.expected for call in ([[(c.name, c.arguments)] for c in turn] or [[]])
        ]
        rewards, info = play(env, task.id, texts)
        assert info["success"]
        assert len(rewards) > len(calls)
        assert set(rewards) == {BEST}


# Verdicts through the dialects -------------------------------------------------------------------


def mutated(task: Any, seed: str) -> tuple[Any, list[list[str]], mutations.Turns]:
    row, gold = oracle.rows(task.data.category)[task.id]
    random = Random(f"{seed}:{task.id}")
    return row, gold, mutations.mutated(mutations.answer(gold, random), row, random)


def test_texts_of_a_prompted_model_get_the_official_verdict() -> None:
    env = MultiTurnEnv(dialect="pythonic")
    seen = Counter[Any]()
    for task in env.tasks[::2]:
        row, gold, turns = mutated(task, "texts")
        texts = []
        for steps in turns:
            texts += [f"[{', '.join(step)}]" for step in steps] + [
                Random(task.id).choice(["Done.", "[]", "", "f(", "a=1"])
            ]
        _, info = play(env, task.id, texts)
        texts += ["Done."] * len(gold)
        official = oracle.verdict(row, gold, oracle.as_turns(texts, oracle.decode, len(gold)))
        assert (info["success"], info["error_type"]) == official, (task.id, texts)
        seen[official] += 1
    assert len(seen) == 5


def test_calls_as_json_get_the_official_verdict() -> None:
    env = MultiTurnEnv(dialect="openai")
    convert = bfcl_oracle.DECODING.convert_to_function_call
    seen = Counter[Any]()
    for task in env.tasks[1::2]:
        row, gold, turns = mutated(task, "json")
        texts, answers = [], []
        for steps in turns:
            for step in steps:
                try:
                    calls = [item for call in step for item in bfcl_oracle.decode(call)]
                    text = act(env, *[item for call in calls for item in call.items()])
                    assert all(name for call in calls for name in call)
                except Exception:  # not Python, a value that JSON cannot hold, or a call without a name
                    text, calls = "no call", []
                if calls and Random(text).random() < 0.02:
                    text, calls = text[:-1], []  # cut off
                texts.append(text)
                answers.append([{name: json.dumps(given)} for call in calls for name, given in call.items()])
            texts.append(act(env))
            answers.append([])
        _, info = play(env, task.id, texts)
        answers += [[]] * len(gold)
        official = oracle.verdict(row, gold, oracle.as_turns(answers, convert, len(gold)))
        assert (info["success"], info["error_type"]) == official, (task.id, texts)
        seen[official] += 1
    assert len(seen) >= 4


def test_calls_in_a_text_of_which_one_cannot_be_read_are_not_run() -> None:
    env = MultiTurnEnv("multi_turn_base")
    task = env.tasks[0]
    env.reset(options={"task_id": task.id})
    before = len(env.state.turns)
    call = json.dumps({"name": "cd", "parameters": {"folder": "document"}})
    observation, *_, info = env.step(f"<think>t</think>\n<tool_call>\n{call}\n{{oops\n</tool_call>")
    assert len(info["turns"]) == before + 1
    assert info["turns"][0].error_type == EMPTY
    assert observation["messages"][-1]["role"] == "user"
    assert all(record.result is None for record in info["calls"])
    assert info["calls"][1].call.error


# An episode --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_function_held_back_runs_when_called_and_is_announced_when_its_turn_comes(dialect: str) -> None:
    env = MultiTurnEnv("multi_turn_miss_func", dialect=dialect)
    task = env.find_task("multi_turn_miss_func_0")  # sort is offered from turn 3 on
    observation, _ = env.reset(options={"task_id": task.id})

    def offered(observation: Any) -> set[str]:
        return {tool["function"]["name"] for tool in observation["tools"]}

    assert "sort" not in offered(observation)
    env.step(act(env, ("cd", {"folder": "document"})))
    observation, *_, info = env.step(act(env, ("sort", {"file_name": "final_report.pdf"})))
    assert "sorted_content" in info["calls"][0].result.content
    for turn in (1, 2, 3):
        assert "sort" not in offered(observation)
        observation, *_, info = env.step(act(env))
        assert info["user_turn"] == turn
    assert "sort" in offered(observation)
    assert len(observation["tools"]) == len(task.tools) + 1
    said = observation["messages"][-1]["content"]
    assert said.endswith("I have updated some more functions you can choose from. What about now?")
    assert ("Sort the contents" in said) == (dialect != "openai")
    observation, _ = env.reset(options={"task_id": task.id})
    assert "sort" not in offered(observation)


def test_info_says_how_each_turn_of_the_user_s_went() -> None:
    env = MultiTurnEnv("multi_turn_base")
    task = env.tasks[0]
    gold = env.gold(task)
    env.reset(options={"task_id": task.id})
    env.step(act(env, ("cd", {"folder": "document"}), ("mkdir", {"dir_name": "temp"})))
    *_, info = env.step(gold[1])
    (turn,) = info["turns"]
    assert (turn.state, turn.response, turn.error_type, turn.called) == (False, False, STATE, 2)
    assert "GorillaFileSystem.root" in turn.reason
    env.step(act(env, ("mv", {"source": "final_report.pdf", "destination": "temp"}), ("cd", {"folder": "temp"})))
    for text in gold[2:]:
        *_, info = env.step(text)
    assert info["progress"] == pytest.approx(0.75)
    assert (info["success"], info["error_type"]) == (False, STATE)
    assert info["verdict"].startswith("turn 1: the state differs")
    assert info["category"] == "multi_turn_base"


def test_a_result_that_is_missing_is_named() -> None:
    env = MultiTurnEnv("multi_turn_base")
    task = env.tasks[0]
    gold = list(env.gold(task))
    gold[2] = act(env, ("pwd", {}))
    _, info = play(env, task.id, gold)
    assert info["error_type"] == RESPONSE
    assert "the result of cd is not among" in info["verdict"]


def test_an_episode_cut_off_is_judged_as_one_that_the_harness_cuts_off() -> None:
    env = MultiTurnEnv("multi_turn_base", max_turns=3)
    gold = env.gold(env.tasks[0])
    _, info = play(env, env.tasks[0].id, gold)
    assert (info["success"], info["error_type"]) == (False, FORCED)
    assert len(info["turns"]) == 1
    env = MultiTurnEnv("multi_turn_base", max_turns=len(gold) - 1)
    env.reset(options={"task_id": env.tasks[0].id})
    for text in gold[:-1]:
        *_, terminated, truncated, info = env.step(text)
    assert (terminated, truncated, info["success"]) == (False, True, True)


def test_the_limit_of_steps_ends_the_dialogue() -> None:
    env = MultiTurnEnv("multi_turn_base")
    env.reset(options={"task_id": env.tasks[0].id})
    for i in range(MAX_STEPS):
        *_, terminated, truncated, info = env.step(act(env, ("pwd", {})))
        assert terminated == (i + 1 == MAX_STEPS)
    assert not truncated
    assert info["error_type"] == FORCED


# Reward ------------------------------------------------------------------------------------------


def test_the_reward_compares_with_what_is_left_of_the_turn() -> None:
    env = MultiTurnEnv("multi_turn_base")
    task_id = env.tasks[0].id  # cd, mkdir, mv | cd, grep | ...
    cd, mkdir = ("cd", {"folder": "document"}), ("mkdir", {"dir_name": "temp"})
    rewards, _ = play(env, task_id, [act(env, mkdir, cd), act(env, ("mv", {"source": "x", "destination": "temp"}))])
    assert rewards[0] == BEST
    assert 0 < rewards[1] < BEST  # the right function, one wrong value
    rewards, _ = play(env, task_id, [act(env, cd), act(env, cd), act(env), act(env)])
    assert rewards[0] == BEST
    assert rewards[1] < 0  # this call was made already: mkdir and mv are left
    assert rewards[2] < 0  # an answer too early
    gold = env.gold(env.tasks[0])
    rewards, info = play(env, task_id, [gold[0], act(env, ("pwd", {})), *gold[1:]])
    assert info["success"]
    assert rewards[1] < BEST  # not needed, though the verdict allows it


def test_defaults_may_be_written_out_or_left_out() -> None:
    env = MultiTurnEnv("multi_turn_base")
    task = next(t for t in env.tasks if t.expected[0] and t.expected[0][0] == ToolCall("ls", {"a": True}))
    calls = [(call.name, call.arguments) for call in task.expected[0]]
    find = next(
        t for t in env.tasks for turn in t.expected for call in turn if call.name == "find" and len(call.arguments) == 2
    )
    assert play(env, task.id, [act(env, *calls)])[0] == [BEST]
    index, call = next(
        (i, c)
        for i, turn in enumerate(find.expected)
        for c in turn
        if c.name == "find" and c.arguments.get("path") == "."
    )
    texts = list(env.gold(find))
    texts[index] = texts[index].replace('"path": ".", ', "")
    rewards, info = play(env, find.id, texts)
    assert info["success"]
    assert set(rewards) == {BEST}, call


# Scores ------------------------------------------------------------------------------------------


def test_scores_take_the_multi_turn_categories_in() -> None:
    run = [
        Trajectory(ID, f"{category}_{i}", (), success=i < 5 * n, category=category)
        for n, category in enumerate(CATEGORIES, 1)
        for i in range(20)
    ]
    found = MultiTurnEnv.summarize(run)
    assert found["v4"]["multi_turn"] == found["v3"]["multi_turn"] == pytest.approx(0.625)
    assert found["v4"]["overall"] is None
    assert "simple_python" in found["v4"]["missing"]
    assert found["v4"]["overall_missing_as_zero"] == pytest.approx(0.3 * 0.625)
    assert MultiTurnEnv.summarize(run[:60])["v4"]["multi_turn"] is None
    assert CATEGORIES[3] in MultiTurnEnv.summarize(run[:60])["v3"]["missing"]
    assert aggregate.MULTI_TURN == CATEGORIES


def test_it_is_made_by_its_id() -> None:
    env = gym.make(ID, category="multi_turn_base")
    assert isinstance(env.unwrapped, toolgym.ToolEnv)
    _, info = env.reset(seed=0)
    assert info["user_turn"] == 0
    assert info["turns"] == ()


# Equality ----------------------------------------------------------------------------------------


def as_float(value: Any) -> Any:
    if isinstance(value, list):
        return [as_float(item) for item in value]
    return float(value) if type(value) is int else value


@pytest.mark.parametrize("dialect", ["toolrl", "pythonic"])
def test_a_float_for_an_integer_is_not_paid_like_the_accepted_call(dialect: str) -> None:
    """5.0 equals 5 as JSON, but results read otherwise, and the verdict fails."""
    env = MultiTurnEnv("multi_turn_base", dialect=dialect)
    failed = 0
    for task in env.tasks[:40]:
        env.reset(options={"task_id": task.id})
        changed = 0
        for calls in task.expected:
            other = [ToolCall(c.name, {key: as_float(value) for key, value in c.arguments.items()}) for c in calls]
            changes = sum(repr(a.arguments) != repr(b.arguments) for a, b in zip(calls, other, strict=True))
            text = env.dialect.render(Completion("", tuple(other), "t", None if calls else "ok"))
            _, reward, *_, info = env.step(text)
            assert reward < BEST if changes else reward == BEST or changed
            changed += changes
        failed += not info["success"]
        assert info["success"] or changed
    assert failed > 5
