"""BFCLEnv: real rows, the official verdict, and a reward that agrees with it."""

from __future__ import annotations

import copy
import csv
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import bfcl_mutations as mutations
import bfcl_oracle as oracle
import gymnasium as gym
import pytest

import toolgym
from toolgym.dialects import DIALECTS
from toolgym.envs.bfcl import aggregate
from toolgym.envs.bfcl.closest import Strictly, closest
from toolgym.envs.bfcl.env import BFCLEnv
from toolgym.envs.bfcl.grading import DECODER_FAILED
from toolgym.envs.bfcl.tasks import COUNTS, GROUPS, categories, load
from toolgym.envs.bfcl.unpassable import UNPASSABLE
from toolgym.types import Completion, ToolCall, Trajectory

BEST = 4.0  # the default rubric: 1 for format, 3 for correctness
SAY_NO = "<think>No.</think>\n<response>I cannot do that.</response>"


def play(env: BFCLEnv, task_id: str, text: str) -> tuple[float, dict[str, Any]]:
    env.reset(options={"task_id": task_id})
    _, reward, terminated, truncated, info = env.step(text)
    assert terminated
    assert not truncated
    return float(reward), info


def correctness(info: dict[str, Any]) -> float:
    return sum(term.weight * term.score for term in info["reward"].terms if term.name != "format")


# Rows --------------------------------------------------------------------------------------------


def test_every_category_has_its_official_rows() -> None:
    for category, count in COUNTS.items():
        assert len(load(category)) == count
    ids = [task.id for category in GROUPS["all"] for task in load(category)]
    assert len(set(ids)) == len(ids) == 3_641
    assert sum(not task.tools for category in COUNTS for task in load(category)) == 4


def test_categories_are_named_one_by_one_together_or_as_a_group() -> None:
    assert categories("multiple") == categories(["multiple"]) == ("multiple",)
    assert categories("live_simple, multiple,live_simple") == ("live_simple", "multiple")
    assert categories("all") == (*categories("non_live"), *categories("live")) == tuple(COUNTS)
    env = BFCLEnv(["simple_java", "live_relevance"])
    assert Counter(task.data.category for task in env.tasks) == {"simple_java": 100, "live_relevance": 16}


@pytest.mark.parametrize("category", ["simple", "multi_turn_base", "", "all,memory_kv", []])
def test_a_category_that_is_not_there_is_an_error_that_lists_those_that_are(category: Any) -> None:
    with pytest.raises(ValueError, match=r"simple_python.*live_relevance.*non_live"):
        BFCLEnv(category)


def test_there_is_only_a_test_split() -> None:
    with pytest.raises(ValueError, match="only the split 'test'"):
        BFCLEnv("multiple", split="train")


@pytest.mark.parametrize("category", COUNTS)
def test_tools_are_shown_as_the_official_inference_shows_them(category: str) -> None:
    for task in load(category):
        docs = copy.deepcopy(list(task.data.docs))
        official = oracle.FORMATS._func_doc_language_specific_pre_processing(docs, category)
        shown = [
            {"name": tool.name, "description": tool.description, "parameters": json.loads(json.dumps(tool.parameters))}
            for tool in task.tools
        ]
        assert shown == [{key: doc[key] for key in ("name", "description", "parameters")} for doc in official]


def test_rows_with_equal_functions_share_their_tools() -> None:
    tools = Counter(id(tool) for task in load("live_multiple") for tool in task.tools)
    assert max(tools.values()) > 10


# Gold --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_gold_passes_and_earns_the_most_on_every_row_but_those_listed(dialect: str) -> None:
    env = BFCLEnv("all", dialect=dialect)
    failed = set()
    for task in env.tasks:
        reward, info = play(env, task.id, *env.gold(task))
        if not info["success"]:
            failed.add(task.id)
        elif reward != BEST:
            pytest.fail(f"{task.id}: {info['reward']}")
    # this row passes only with an empty string, which no natural answer has
    assert failed == UNPASSABLE.keys() - {"live_multiple_507-149-4"}


@pytest.mark.parametrize(
    ("task_id", "parameter", "text"),
    [
        ("simple_java_22", "ids", "new ArrayList<Long>(Arrays.asList(101L, 202L, 303L))"),
        ("simple_java_27", "nums", "new int[]{2, 7, 11, 15}"),
        ("simple_java_32", "waitTime", "5L"),
        ("simple_java_68", "params", 'new HashMap<String, Object>() {{ put("/Applications/MyApp.app", "MyApp"); }}'),
        ("simple_javascript_20", "options", "{'stopPropagation': true}"),
        ("simple_javascript_2", "status", "['completed', 'failed']"),
    ],
)
def test_java_and_javascript_values_are_source_text(task_id: str, parameter: str, text: str) -> None:
    entry = BFCLEnv(task_id.rpartition("_")[0]).find_task(task_id).data
    assert closest(entry, ())[0].arguments[parameter] == text


# Reward and verdict ------------------------------------------------------------------------------


def answers(env: BFCLEnv, n: int) -> Iterator[tuple[str, str]]:
    """Task ids and texts: correct, mutated and random answers, equally many from each category."""
    by_category = defaultdict(list)
    for task in env.tasks:
        by_category[task.data.category].append(task)
    for i in range(n):
        random = Random(f"{env.dialect.name}:{i}")
        task = random.choice(by_category[random.choice(list(by_category))])
        entry = task.data
        calls: Any = mutations.answer(entry, random)
        if not entry.ground_truth and entry.docs and i % 2:
            calls = [{entry.docs[0]["name"]: {"x": 1}}]
        if i % 5:
            calls = mutations.mutated(calls, entry, random)
        try:
            if env.dialect.name == "pythonic" and entry.language != "python":
                text = mutations.as_text(calls, random, entry.language)
            else:
                made = tuple(ToolCall(*item) for call in calls for item in call.items())
                text = env.dialect.render(Completion("", made, "t", None if made else "no"))
        except (TypeError, AttributeError, ValueError):  # not calls, or values that the dialect cannot write
            continue
        yield task.id, mutations.mutated_text(text, random) if i % 7 == 0 else text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_reward_and_verdict_agree(dialect: str) -> None:
    env = BFCLEnv("all", dialect=dialect)
    seen = Counter[tuple[bool, bool]]()
    for task_id, text in answers(env, 4_000):
        _, info = play(env, task_id, text)
        best = correctness(info) == pytest.approx(3.0, abs=1e-9)
        malformed = any(record.call.error for record in info["calls"])
        if best != info["success"] and task_id not in UNPASSABLE:
            # officially, unreadable text is not a call; the reward is lower all the same
            assert malformed, (task_id, text, info)
            assert "relevance" in info["category"]
            assert info["success"]
        seen[info["success"], best] += 1
    assert min(seen[True, True], seen[False, False]) > 500


@pytest.mark.parametrize(
    ("task_id", "arguments"),
    [
        ("simple_python_0", {"base": 10.0, "height": 5}),  # JSON calls 10.0 and 10 equal, BFCL does not
        ("simple_python_0", {"base": True, "height": 5}),
    ],
)
def test_values_of_another_type_cost_as_the_verdict_minds_them(task_id: str, arguments: dict[str, Any]) -> None:
    call = json.dumps({"name": "calculate_triangle_area", "parameters": arguments})
    for rubric in ("toolrl-reference", "toolrl"):
        env = BFCLEnv("simple_python", rubric=rubric)
        _, info = play(env, task_id, f"<think>t</think>\n<tool_call>\n{call}\n</tool_call>")
        assert info["error_type"] == "type_error:simple"
        assert correctness(info) < 3.0
    assert info["calls"][0].score.reason.startswith("value differs: base: expected 10, got")


def test_the_closest_accepted_answer_is_what_is_expected() -> None:
    entry = BFCLEnv("simple_python").find_task("simple_python_0").data
    name = "calculate_triangle_area"

    def expected(arguments: dict[str, Any]) -> dict[str, Any]:
        (call,) = closest(entry, [ToolCall(name, arguments)])
        return call.arguments

    assert expected({}) == {"base": 10, "height": 5}
    assert expected({"base": 10, "height": 5, "unit": "UNITS"}) == {"base": 10, "height": 5, "unit": "UNITS"}
    assert expected({"base": 1, "unit": "cm", "x": 1}) == {"base": 10, "height": 5, "unit": "units"}
    refused = expected({"base": 10.0, "height": 5})["base"]
    assert isinstance(refused, Strictly)
    assert repr(refused) == "10"


def test_parallel_calls_are_each_compared_with_their_own() -> None:
    entry = load("parallel")[0].data
    gold = closest(entry, ())
    swapped = closest(entry, gold[::-1])
    assert sorted(map(repr, swapped)) == sorted(map(repr, gold))
    half_right = ToolCall(gold[1].name, {**gold[1].arguments, "duration": -1})
    assert closest(entry, [half_right, gold[0]]) == gold


def test_an_order_of_right_calls_that_fails_officially_costs() -> None:
    env = BFCLEnv("parallel")
    calls = closest(env.find_task("parallel_178").data, ())
    outcomes = Counter[tuple[bool, bool]]()
    for order in permutations(calls):
        reward, info = play(env, "parallel_178", env.dialect.render(Completion("", order, "t")))
        outcomes[info["success"], reward == BEST] += 1
    assert outcomes == {(True, True): 12, (False, False): 12}


# Irrelevance and relevance -----------------------------------------------------------------------


def test_where_no_call_is_expected_a_call_fails_and_costs() -> None:
    env = BFCLEnv("live_irrelevance")
    task = next(task for task in env.tasks if task.tools)
    assert play(env, task.id, SAY_NO)[0] == BEST
    call = f'<think>t</think>\n<tool_call>\n{{"name": "{task.tools[0].name}", "parameters": {{}}}}\n</tool_call>'
    reward, info = play(env, task.id, call)
    assert info["error_type"] == "irrelevance_error:decoder_success"
    assert reward < 0
    reward, info = play(env, task.id, "<think>t</think>\n<tool_call>\n{oops\n</tool_call>")
    assert info["success"]
    assert correctness(info) < 3.0


def test_where_any_call_will_do_any_call_passes() -> None:
    env = BFCLEnv("live_relevance")
    other = '<think>t</think>\n<tool_call>\n{"name": "anything", "parameters": {"at": "all"}}\n</tool_call>'
    for task in env.tasks:
        assert play(env, task.id, other)[0] == BEST
        reward, info = play(env, task.id, SAY_NO)
        assert info["error_type"] == "relevance_error:decoder_failed"
        assert reward < BEST


# An episode --------------------------------------------------------------------------------------


def test_info_says_category_verdict_and_what_is_known_about_the_row() -> None:
    env = gym.make("ToolGym-BFCL-v0", category="simple_java")
    assert isinstance(env.unwrapped, toolgym.ToolEnv)
    _, info = env.reset(options={"task_id": "simple_java_83"})
    assert info["category"] == "simple_java"
    assert "quotes" in info["known_unpassable"]
    *_, terminated, truncated, info = env.step(SAY_NO)
    assert terminated
    assert not truncated
    assert (info["success"], info["error_type"]) == (False, DECODER_FAILED)
    assert info["category"] == "simple_java"
    _, info = env.reset(options={"task_id": "simple_java_0"})
    assert info["known_unpassable"] is None


def test_the_dialect_decides_how_a_text_without_calls_fails() -> None:
    task_id = "simple_python_0"
    assert play(BFCLEnv("simple_python"), task_id, "[]")[1]["error_type"] == DECODER_FAILED
    pythonic = BFCLEnv("simple_python", dialect="pythonic")
    assert play(pythonic, task_id, "[]")[1]["error_type"] == "simple_function_checker:wrong_count"
    assert play(pythonic, task_id, "Sorry.")[1]["error_type"] == DECODER_FAILED
    java = BFCLEnv("simple_java", dialect="pythonic")
    assert play(java, "simple_java_0", ";")[1]["error_type"] == "ast_decoder:decoder_wrong_output_format"
    assert play(java, "simple_java_0", "<think>Hm.</think>Sorry, I")[1]["error_type"] == DECODER_FAILED


@pytest.mark.parametrize("dialect", DIALECTS)
def test_huge_and_deep_actions_are_scored(dialect: str) -> None:
    env = BFCLEnv("simple_java,parallel,live_irrelevance", dialect=dialect)
    deep = '{"name": "f", "parameters": {"a": ' + "[" * 100_000 + "]" * 100_000 + "}}"
    nested = f"<think>t</think>\n<tool_call>\n{deep}\n</tool_call>"
    for text in ("(" * 1_000_000, "[" * 999_999, "x" * 2_000_000, nested):
        for task_id in ("simple_java_3", "parallel_3", "live_irrelevance_0-0-0"):
            reward, _ = play(env, task_id, text)
            assert reward <= BEST


# Scores ------------------------------------------------------------------------------------------


def episodes(accuracies: dict[str, float], n: int) -> list[Trajectory]:
    return [
        Trajectory("ToolGym-BFCL-v0", f"{category}_{i}", (), success=i < accuracy * n, category=category)
        for category, accuracy in accuracies.items()
        for i in range(n)
    ]


@pytest.fixture
def official_scores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The official leaderboard's row for these accuracies: overall, non-live, live, irrelevance."""
    monkeypatch.setitem(sys.modules, "pandas", ModuleType("pandas"))  # imported, not needed
    import bfcl_eval.eval_checker.eval_runner_helper as helper

    monkeypatch.setattr(helper, "load_dataset_entry", lambda category, **_: [None] * COUNTS.get(category, 1))

    def scores(accuracies: dict[str, float], n: int) -> list[float]:
        table = {category: {"accuracy": accuracy, "total_count": n} for category, accuracy in accuracies.items()}
        helper.generate_leaderboard_csv({"plain": table}, tmp_path)
        tables = [(tmp_path / f"data_{name}.csv").read_text() for name in ("overall", "non_live", "live")]
        rows = [next(csv.DictReader(table.splitlines())) for table in tables]
        shown = rows[0]["Overall Acc"], rows[1]["Non-Live Overall Acc"], rows[2]["Live Overall Acc"]
        return [float(text.rstrip("%")) / 100 for text in shown]

    return scores


def test_scores_are_those_of_the_official_leaderboard(official_scores: Any) -> None:
    others = [*aggregate.MULTI_TURN, *aggregate.WEB_SEARCH, *aggregate.MEMORY]
    complete = {category: (i * 7 % 20) / 20 for i, category in enumerate([*COUNTS, *others])}
    found = aggregate.summarize(episodes(complete, 20))["v4"]
    assert found["missing"] == []
    assert found["overall"] == found["overall_missing_as_zero"]
    own = [found[name] for name in ("overall", "non_live", "live")]
    assert own == pytest.approx(official_scores(complete, 20), abs=1e-4)

    partly = {category: complete[category] for category in [*COUNTS][3:-4]}
    found = aggregate.summarize(episodes(partly, 20))["v4"]
    assert found["overall"] is None
    assert {"simple_python", "live_irrelevance", "memory_kv"} < set(found["missing"])
    assert found["overall_missing_as_zero"] == pytest.approx(official_scores(partly, 20)[0], abs=1e-4)


def test_single_turn_runs_get_group_scores_and_no_overall() -> None:
    run = episodes(dict.fromkeys(COUNTS, 0.5), 10) + episodes({"simple_java": 1.0}, 30)
    run += [Trajectory("e", "x", (), success=None, category="multiple", reward_valid=False)]
    found = BFCLEnv.summarize(run)
    assert found["invalid"] == 1
    assert found["categories"]["simple_java"] == {"accuracy": 0.875, "n": 40}
    assert found["v4"]["non_live"] == pytest.approx((0.625 + 3 * 0.5) / 4)
    assert found["v4"]["live"] == found["v4"]["irrelevance"] == found["v3"]["live"] == 0.5
    assert found["v4"]["overall"] is found["v4"]["multi_turn"] is found["v3"]["overall"] is None
    assert found["v3"]["non_live"] == pytest.approx((0.625 + 4 * 0.5) / 5)
    assert "known unpassable" not in found
    run += [Trajectory("e", task, (), success=False, category="simple_java") for task in ("simple_java_35", "other")]
    assert BFCLEnv.summarize(run)["known unpassable"] == 1
    assert BFCLEnv.summarize([])["v4"]["overall_missing_as_zero"] == 0.0
