"""SealToolsEnv: the rows of Seal-Tools, the official comparison, the official metrics."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from hashlib import sha256
from keyword import iskeyword
from pathlib import Path
from random import Random
from typing import Any

import gymnasium as gym
import msgspec
import pytest

from toolgym import assets, evaluate
from toolgym.agents.scripted import Oracle
from toolgym.dialects import DIALECTS, get_dialect
from toolgym.envs.sealtools import rows as files
from toolgym.envs.sealtools import tasks as made
from toolgym.envs.sealtools.aggregate import metrics, summarize
from toolgym.envs.sealtools.env import SealToolsEnv
from toolgym.envs.sealtools.offer import HELD_OUT
from toolgym.envs.sealtools.official import count, readable
from toolgym.envs.sealtools.rows import COUNTS, Row, rows, specs
from toolgym.registry import SUITES
from toolgym.runlog import read_episodes
from toolgym.types import Completion, ToolCall

AT_HAND = ("val", "test", "test_unseen")
BEST = 4.0  # the default rubric: 1 for format, 3 for correctness

UNPASSABLE = {"dev-difficult-207", "test_out_domain-difficult-241"}
FLAGGED = UNPASSABLE | {
    *(f"dev-difficult-{i}" for i in (215, 325, 664, 676)),
    *(f"test_in_domain-difficult-{i}" for i in (228, 274, 372, 541, 547, 569, 595, 662)),
    *(f"test_out_domain-difficult-{i}" for i in (117, 161, 186, 336)),
}
TWICE = {"test_in_domain-difficult-372", "test_out_domain-difficult-161", "test_out_domain-difficult-336"}


def make(**kwargs: Any) -> SealToolsEnv:
    env = gym.make("ToolGym-SealTools-v0", **kwargs).unwrapped
    assert isinstance(env, SealToolsEnv)
    return env


def play(env: SealToolsEnv, task_id: str, *calls: ToolCall, text: str | None = None) -> tuple[float, dict[str, Any]]:
    env.reset(options={"task_id": task_id})
    _, reward, terminated, truncated, info = env.step(env.dialect.render(Completion("", calls, "t")) if text is None
                                                      else text)  # fmt: skip
    assert terminated
    assert not truncated
    return float(reward), info


# The rows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@pytest.mark.parametrize("split", AT_HAND)
def test_gold_passes_on_every_row(split, dialect):
    env = make(split=split, dialect=dialect)
    unpassable = set()
    for task in env.tasks:
        _, info = env.reset(options={"task_id": task.id})
        if info["known_unpassable"]:
            unpassable.add(task.id)
        (text,) = env.gold(task)
        _, reward, *_, info = env.step(text)
        assert (reward, info["success"]) == (BEST, True), (task.id, info["verdict"])
    assert unpassable == {name for name in UNPASSABLE if name in {task.id for task in env.tasks}}


def test_rows_categories_and_defects_are_as_counted():
    found = {split: [task.data for task in make(split=split).tasks] for split in AT_HAND}
    assert {split: Counter(entry.category for entry in entries) for split, entries in found.items()} == {
        "val": {"single": 200, "multiple": 472, "nested": 28},
        "test": {"single": 200, "multiple": 470, "nested": 30},
        "test_unseen": {"single": 94, "multiple": 533, "nested": 27},
    }
    assert SUITES["ToolGym-SealTools-v0"].tasks == COUNTS
    entries = [entry for each in found.values() for entry in each]
    assert {entry.row.id for entry in entries if entry.flag} == FLAGGED
    assert {entry.row.id for entry in entries if entry.unpassable} == UNPASSABLE
    assert {entry.row.id for entry in entries if "called twice" in (entry.flag or "")} == TWICE
    assert all(("easy" in entry.row.id) == (entry.category == "single") for entry in entries)


def test_the_splits_are_disjoint():
    """No request, and no answer, is in two splits. Tools are shared, except those of the areas held out."""
    queries = {split: {" ".join(row.query.lower().split()) for row in rows(split)} for split in AT_HAND}
    answers = {split: {repr(sorted(map(repr, row.calls))) for row in rows(split)} for split in AT_HAND}
    for one, other in (("val", "test"), ("val", "test_unseen"), ("test", "test_unseen")):
        assert not queries[one] & queries[other]
        assert not answers[one] & answers[other]
    called = {split: {call.name for row in rows(split) for call in row.calls} for split in AT_HAND}
    assert len(called["val"] & called["test"]) == 553
    assert len(called["val"] & called["test_unseen"]) == 399
    held_out = {name for name, spec in specs().items() if spec.area in HELD_OUT}
    assert len(held_out) == 94
    for split in ("val", "test"):
        offered = {tool.name for task in make(split=split, num_tools=8).tasks for tool in task.tools}
        assert len(offered) > 2_500
        assert not offered & held_out
    assert all(held_out & {call.name for call in row.calls} for row in rows("test_unseen"))


def test_tools_are_typed_and_list_their_outputs():
    assert len(specs()) == 4_076
    tool = specs()["validatePassword"].tool
    assert tool.parameters["properties"]["min_length"] == {
        "type": "integer", "description": "The minimum length of the password", "default": 8
    }  # fmt: skip
    assert tool.parameters["required"] == ("password",)
    assert tool.description == "Check if a password meets certain criteria. Outputs: valid."
    moves = [tool for tool in (spec.tool for spec in specs().values()) if "enum" in str(tool.parameters)]
    assert [tool.parameters["properties"]["movement_type"]["enum"] for tool in moves] == [("walk", "run", "lift")]


def test_the_tools_on_offer_are_the_expected_ones_and_neighbours():
    near = total = 0
    for split in AT_HAND:
        env = make(split=split)
        for task in env.tasks:
            names = [tool.name for tool in task.tools]
            needed = list(dict.fromkeys(call.name for call in task.data.row.calls))
            assert set(needed) <= set(names)
            assert len(names) == len(set(names)) == max(5, len(needed))
            areas = {specs()[name].area for name in needed}
            others = [name for name in names if name not in needed]
            near += sum(specs()[name].area in areas for name in others)
            total += len(others)
    assert near > 0.95 * total
    first = Counter(task.tools[0].name == task.data.row.calls[0].name for task in make().tasks)
    assert 100 < first[True] < 300  # in random order


def test_the_seed_and_the_number_choose_the_tools():
    offers = [[[tool.name for tool in task.tools] for task in make(**kwargs).tasks]
              for kwargs in ({}, {"seed": 0}, {"seed": 1}, {"num_tools": 1}, {"num_tools": 40})]  # fmt: skip
    assert offers[0] == offers[1] != offers[2]
    assert all(len(names) == len(task.data.row.calls) or task.id in TWICE
               for names, task in zip(offers[3], make().tasks, strict=True))  # fmt: skip
    assert {len(names) for names in offers[4]} == {40}
    for wrong, what in (({"num_tools": 0}, "num_tools"), ({"seed": -1}, "seed"), ({"category": "hard"}, "single")):
        with pytest.raises(ValueError, match=what):
            make(**wrong)
    assert {task.data.category for task in make(category="single,nested").tasks} == {"single", "nested"}
    with pytest.raises(ValueError, match="no split 'dev': there are train, val"):
        make(split="dev")


def test_names_that_python_cannot_write_are_changed_there():
    val, unseen = (make(split=split, dialect="pythonic") for split in ("val", "test_unseen"))
    assert "createIn_AppMessage" in [call.name for call in val.find_task("dev-difficult-395").expected[0]]
    assert "_class" in [name for call in val.find_task("dev-difficult-594").expected[0] for name in call.arguments]
    names = [call.name for call in unseen.find_task("test_out_domain-difficult-440").expected[0]]
    assert "requestFirst_Aid_Assistance" in names
    for task in (*val.tasks, *unseen.tasks):
        for tool in task.tools:
            assert tool.name.isidentifier()
            assert all(name.isidentifier() and not iskeyword(name) for name in tool.parameters["properties"])
        assert {call.name for call in task.expected[0]} <= {tool.name for tool in task.tools}


# The train split --------------------------------------------------------------------------------


def test_train_is_read_if_it_is_there_and_else_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    name = "sealtools-train"
    given = Path(assets.fetch("sealtools-val")).parents[1]
    monkeypatch.setenv("TOOLGYM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(assets, "_download", lambda asset, target: (_ for _ in ()).throw(
        assets.AssetError(f"cannot download {asset.name!r} ({asset.url})")))  # fmt: skip
    monkeypatch.setenv("TOOLGYM_DATA", f"{given}:{tmp_path}")
    files.rows.cache_clear()
    if not (given / "sealtools/train.jsonl").is_file():
        with pytest.raises(
            assets.AssetError, match=r"'sealtools-train' \(https://raw\.githubusercontent\.com/fairyshine"
        ):
            make(split="train")
    text = "".join(json.dumps({"id": f"train-easy-{i}", "query": row.query, "calling": [
        {"api": call.name, "parameters": call.arguments, "responses": []} for call in row.calls]}) + "\n"
        for i, row in enumerate(rows("val")[:30]))  # fmt: skip
    (tmp_path / "train.jsonl").write_text(text)
    asset = msgspec.structs.replace(
        assets.ASSETS[name], filename="train.jsonl", checksum=sha256(text.encode()).hexdigest()
    )
    monkeypatch.setitem(assets.ASSETS, name, asset)
    made._named.cache_clear()
    env = make(split="train")
    assert [env.tasks[0].id, len(env.tasks), env.tasks[0].split] == ["train-easy-0", 30, "train"]
    assert all(specs()[tool.name].area not in HELD_OUT for task in env.tasks for tool in task.tools)
    files.rows.cache_clear()
    made._named.cache_clear()


def test_a_row_that_calls_what_the_data_set_lacks_is_kept_and_said_to_be_unpassable(monkeypatch):
    odd = Row("train-easy-0", "Do it.", (ToolCall("noSuchTool", {"a": 1}),))
    also = Row("train-easy-1", "Do it.", (ToolCall("validatePassword", {"pass": "x"}),))
    monkeypatch.setattr(made, "rows", lambda split: (odd, also))
    one, other = made._made("train", 5, 0, get_dialect("toolrl"))
    assert "noSuchTool, which is not a tool" in one.data.unpassable
    assert "'pass', which the tool does not have" in other.data.unpassable
    assert len(one.tools) == len(other.tools) == 5


# The verdict ------------------------------------------------------------------------------------


def test_values_are_compared_by_their_text():
    env = make(split="val")
    gold = ToolCall("setRobotSpeed", {"speed": 19.0})
    (call,) = env.find_task("dev-easy-19").expected[0]
    assert call.name == gold.name
    robot = {name: value for name, value in call.arguments.items() if name != "speed"}
    for value, right in ((19.0, True), ("19.0", True), (19, False), ("19", False), (True, False), ([19.0], False)):
        reward, info = play(env, "dev-easy-19", ToolCall(call.name, {**robot, "speed": value}))
        assert info["success"] is right, value
        assert (reward == BEST) is right, value


def test_calls_may_come_in_any_order_and_none_may_be_missing_or_too_many():
    env = make(split="test_unseen")
    name = "test_out_domain-difficult-161"  # one tool is called three times
    gold = env.find_task(name).expected[0]
    shuffled = Random(3).sample(gold, len(gold))
    for calls, right in (
        (shuffled, True),
        (gold[1:], False),
        ([*gold, gold[-1]], False),
        ([*gold[:4], gold[3]], False),
    ):
        reward, info = play(env, name, *calls)
        assert info["success"] is right
        assert (reward == BEST) is right
    extra = ToolCall(gold[0].name, {**gold[0].arguments, "more": 1})
    assert play(env, name, extra, *gold[1:])[1]["error_type"] == "wrong_calls"
    assert play(env, name, text="<think>t</think>\n<response>No.</response>")[1]["error_type"] == "missing_call"


def test_a_result_is_named_by_its_number():
    env = make(split="test_unseen", category="nested")
    name = "test_out_domain-difficult-192"
    gold = env.find_task(name).expected[0]
    assert specs()[gold[0].name].outputs == 3
    assert gold[1].arguments == {"sentence": "API_call_2"}
    assert play(env, name, *gold)[1]["success"]
    other = ToolCall(gold[1].name, {"sentence": "API_call_0"})
    assert not play(env, name, gold[0], other, *gold[2:])[1]["success"]
    system, user = env.find_task(name).messages
    assert '"API_call_0"' in system["content"]
    assert "API_call" not in user["content"]


@pytest.mark.parametrize("value", ["9" * 6000, "[" * 900 + "]" * 900, "1e999", "NaN", '"\\ud800"', "null", '{"a": {}}'])
def test_any_value_is_compared(value):
    env = make(split="val")
    (call,) = env.find_task("dev-easy-19").expected[0]
    text = f'<think>t</think>\n<tool_call>\n{{"name": "{call.name}", "parameters": {{"speed": {value}}}}}\n</tool_call>'
    reward, info = play(env, "dev-easy-19", text=text)
    assert not info["success"]
    assert reward < BEST
    assert info["reward_valid"]


# The metrics ------------------------------------------------------------------------------------


def official(answers: list[tuple[Sequence[ToolCall], list[tuple[str, dict[str, Any]]] | None]]) -> dict[str, float]:
    """The official formula, typed anew in the slowest way: (expected calls, answer or None if it cannot be read)."""
    formats = sum(answer is not None for _, answer in answers)
    expected_tools = [call for gold, _ in answers for call in gold]
    expected_params = [name for call in expected_tools for name in call.arguments]
    made_tools = [call for _, answer in answers if answer is not None for call in answer]
    made_params = [name for _, arguments in made_tools for name in arguments]
    right_tools, right_params = [], []
    for gold, answer in answers:
        for name, arguments in answer or []:
            of_this_name = [call for call in gold if call.name == name]
            if of_this_name:
                right_tools.append(name)
                for key in arguments:
                    wanted = of_this_name[0].arguments
                    if key in wanted and str(arguments[key]) == str(wanted[key]):
                        right_params.append(key)

    def scores(kind: str, right: list[str], made: list[Any], expected: list[Any]) -> dict[str, float]:
        if len(right) * len(made) * len(expected) == 0:
            return {f"{kind} P": 0.0, f"{kind} R": 0.0, f"{kind} F1": 0.0}
        p, r = len(right) / len(made), len(right) / len(expected)
        return {f"{kind} P": p, f"{kind} R": r, f"{kind} F1": 2 * p * r / (p + r)}

    return {
        "format": formats / len(answers),
        **scores("tool", right_tools, made_tools, expected_tools),
        **scores("param", right_params, made_params, expected_params),
        "n": len(answers),
    }


def mutated(gold: Sequence[ToolCall], random: Random) -> list[tuple[str, dict[str, Any]]]:
    """What models may answer: the expected calls, with some changes."""
    calls = [(call.name, deepcopy(dict(call.arguments))) for call in gold]
    for _ in range(random.choice([0, 1, 1, 2, 3])):
        kind = random.randrange(9)
        if kind == 0 and len(calls) > 1:
            del calls[random.randrange(len(calls))]
        elif kind == 1:
            calls.append(deepcopy(random.choice(calls)))
        elif kind == 2:
            calls.append((random.choice(["getWeather", "x"]), {"a": 1}))
        elif kind == 3:
            random.shuffle(calls)
        else:
            _, arguments = random.choice(calls)
            if not arguments:
                continue
            key = random.choice(list(arguments))
            value = arguments[key]
            if kind == 4:
                del arguments[key]
            elif kind == 5:
                arguments[key] = str(value)
            elif kind == 6:
                arguments[key] = value * 1.0 if isinstance(value, (int, float)) else random.choice([None, "", [value]])
            elif kind == 7:
                arguments[key] = int(value) if isinstance(value, (int, float)) else {"a": value}
            else:
                arguments[key + "_"] = arguments.pop(key)
    return calls


def equal(gold: Sequence[ToolCall], answer: list[tuple[str, dict[str, Any]]]) -> bool:
    def texts(calls: Any) -> list[str]:
        return sorted(repr((name, sorted((key, str(value)) for key, value in each.items()))) for name, each in calls)

    return texts((call.name, call.arguments) for call in gold) == texts(answer)


class Careless:
    """Answers with changed calls, and sometimes with what cannot be read; keeps what it answered, by task."""

    def __init__(self, env: SealToolsEnv, seed: int):
        self.env, self.random, self.said = env, Random(seed), {}
        self.by_query = {task.messages[1]["content"]: task for task in env.tasks}

    def act(self, observation: Any) -> str:
        task = self.by_query[observation["messages"][1]["content"]]
        answer = mutated(task.data.row.calls, self.random)
        broken = self.random.random()
        self.said[task.id] = answer if broken >= 0.1 else None
        text = self.env.dialect.render(Completion("", tuple(ToolCall(*call) for call in answer), "t"))
        if broken < 0.05:
            return text.replace("</tool_call>", '{"name": \n</tool_call>')
        return "<think>t</think>\n<response>No.</response>" if broken < 0.1 else text


@pytest.mark.parametrize("split", AT_HAND)
def test_the_metrics_are_the_official_ones_and_verdict_and_reward_agree(split, tmp_path):
    env = make(split=split)
    agent = Careless(env, seed=1)
    episodes = evaluate(
        "ToolGym-SealTools-v0", agent, n=len(env.tasks), out=tmp_path / "run", env_kwargs={"split": split}
    )
    assert len(agent.said) == len(env.tasks)
    golds = {task.id: task.data for task in env.tasks}
    for episode in episodes:
        answer = agent.said[episode.task_id]
        right = answer is not None and equal(golds[episode.task_id].row.calls, answer)
        assert (episode.success, episode.reward == BEST) == (right, right), (episode.task_id, answer, episode.verdict)
        assert episode.category == golds[episode.task_id].category
    assert 0.2 < sum(episode.success for episode in episodes) / len(episodes) < 0.7
    found = summarize(read_episodes(tmp_path / "run"))
    assert found == summarize(episodes)
    for group in ("all", "single", "multiple", "nested", "several"):
        kinds = {"all": ("single", "multiple", "nested"), "several": ("multiple", "nested")}.get(group, (group,))
        wanted = [
            (golds[name].row.calls, answer) for name, answer in agent.said.items() if golds[name].category in kinds
        ]
        assert found[group] == official(wanted), group


def test_gold_has_all_points_except_where_a_tool_is_called_twice():
    for split in AT_HAND:
        calls = {row.id: row.calls for row in rows(split)}
        short = {
            name for name, gold in calls.items() if metrics([(True, count(gold, gold))])["param F1"] not in (0.0, 1.0)
        }
        assert short == TWICE & calls.keys()


def test_calling_one_tool_again_counts_again_as_officially():
    gold = (ToolCall("a", {"x": 1}), ToolCall("b", {}))
    spam = [ToolCall("a", {"x": 1})] * 6
    found = metrics([(readable(spam), count(gold, spam))])
    assert (found["tool P"], found["tool R"], found["param R"]) == (1.0, 3.0, 6.0)


def test_episodes_that_are_not_valid_are_left_out():
    episodes = evaluate("ToolGym-SealTools-v0", Oracle(), n=4)
    episodes[0] = msgspec.structs.replace(episodes[0], reward_valid=False)
    found = SealToolsEnv.summarize(episodes)
    assert (found["all"]["n"], found["invalid"]) == (3, 1)
    assert found["all"]["tool F1"] == 1.0
    assert summarize([]) == {"invalid": 0}
