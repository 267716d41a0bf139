"""ToolRLEnv: ToolRL's own rows, prompts and rewards."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from toolgym import assets
from toolgym.assets import AssetError
from toolgym.dialects import DIALECTS, get_dialect
from toolgym.envs.toolrl import tasks as tasks_module
from toolgym.envs.toolrl.env import ToolRLEnv
from toolgym.envs.toolrl.rows import Row, rows
from toolgym.rewards.reference import reference_score, without_thought

BEST = 4.0  # the default rubric: 1 for format, 3 for correctness
SAY_NO = "<think>No.</think>\n<response>I cannot do that.</response>"
CRASHING = {10, 44, 73, 76, 95, 97, 200, 213, 252, 280, 285, 317, 348, 350, 356, 363, 380}
CORRUPT = {"sft": {70, 110, 130, 138, 167, 241, 306, 335, 355}, "test": {9}}


def play(env: ToolRLEnv, task_id: str, text: str) -> tuple[float, dict[str, Any]]:
    env.reset(options={"task_id": task_id})
    _, reward, terminated, truncated, info = env.step(text)
    assert terminated
    assert not truncated
    return float(reward), info


# Rows ------------------------------------------------------------------------------------------------


def test_every_split_has_its_rows() -> None:
    assert len(ToolRLEnv("test").tasks) == 80
    assert len(ToolRLEnv("sft").tasks) == 400
    with pytest.raises(ValueError, match="train, test, sft"):
        ToolRLEnv("valid")


def test_the_training_split_without_network_says_how_to_get_it(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setenv("TOOLGYM_CACHE", str(tmp_path))
    monkeypatch.delenv("TOOLGYM_DATA", raising=False)
    asset = assets.ASSETS["toolrl-train"]
    nowhere = assets.Asset(asset.name, asset.filename, asset.checksum, "", url="http://127.0.0.1:9/train.parquet")
    monkeypatch.setitem(assets.ASSETS, asset.name, nowhere)
    rows.cache_clear()
    with pytest.raises(AssetError, match=r"cannot download 'toolrl-train'(.|\n)*toolrl/train.parquet.*TOOLGYM_DATA"):
        ToolRLEnv("train")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("split", ["test", "sft"])
@pytest.mark.parametrize("options", [{}, {"prompt": "dialect"}, {"withhold": True}], ids=str)
def test_gold_scores_the_maximum_on_every_row(split: str, dialect: str, options: dict[str, Any]) -> None:
    env = ToolRLEnv(split, dialect=dialect, **options)
    for task in env.tasks:
        (text,) = env.gold(task)
        reward, info = play(env, task.id, text)
        assert reward == BEST, (task.id, text)
        assert info["success"], (task.id, info["verdict"])
        if env.prompt == "dialect":
            assert len(text) < 400 + 2 * len(repr(task.expected)) + len(task.response or "")


@pytest.mark.parametrize("split", ["test", "sft"])
def test_what_is_wrong_with_rows_is_known(split: str) -> None:
    env = ToolRLEnv(split)
    flags = {int(task.id.partition("-")[2]): task.data for task in env.tasks if task.data.flag}
    corrupt = {i for i, entry in flags.items() if entry.unpassable}
    assert corrupt == CORRUPT[split]
    assert set(flags) - corrupt == (CRASHING if split == "sft" else set())
    _, info = env.reset(options={"task_id": f"{split}-{min(corrupt)}"})
    assert info["flag"] == info["known_unpassable"]
    _, info = env.reset(options={"task_id": f"{split}-0"})
    assert info["flag"] is info["known_unpassable"] is None


def test_golds_that_crash_the_released_reward_are_scored() -> None:
    env = ToolRLEnv("sft", rubric="toolrl-reference")
    for i in CRASHING:
        gold = env.find_task(f"sft-{i}").data.row.gold
        with pytest.raises(ValueError, match="without_thought"):
            reference_score(gold, gold)
        reward, info = play(env, f"sft-{i}", env.gold(env.find_task(f"sft-{i}"))[0])
        assert reward == BEST
        assert "<tool_call>" in info["flag"]


def test_categories() -> None:
    found = [task.data.category for task in ToolRLEnv("test").tasks]
    assert {name: found.count(name) for name in found} == {"one call": 36, "several calls": 35, "no call": 9}


# Prompts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["test", "sft"])
def test_the_original_prompt_is_the_rows_byte_for_byte(split: str) -> None:
    env = ToolRLEnv(split)
    for row in rows(split):
        observation, _ = env.reset(options={"task_id": row.id})
        assert [dict(message) for message in observation.messages] == [
            {"role": "system", "content": row.system},
            {"role": "user", "content": row.user},
        ]
        names = [tool["function"]["name"] for tool in observation.tools]
        assert names
        assert all(f". Name: {name}\n" in row.system for name in names)


def test_in_the_dialect_the_prompt_is_that_of_every_suite() -> None:
    env = ToolRLEnv("test", "dialect")
    observation, _ = env.reset(options={"task_id": "test-0"})
    system, user = observation.messages
    assert system["content"] == env.dialect.instructions(env.task.tools)
    assert (user["role"], user["content"][:13]) == ("user", "Hey, I'm look")
    for task in env.tasks:
        assert all("Dialogue Records" not in message["content"] for message in task.messages)
        roles = [message["role"] for message in task.messages]
        assert roles[0] == "user"
        assert roles[-1] in ("user", "tool")
        assert not any(a == b == "user" or a == b == "assistant" for a, b in pairwise(roles))


@pytest.mark.parametrize("dialect", ["pythonic", "openai"])
def test_names_that_cannot_be_written_are_changed_in_tools_calls_and_history_alike(dialect: str) -> None:
    env = ToolRLEnv("sft", dialect=dialect)
    for task in env.tasks:
        tools = {tool.name: tool.schema["function"]["parameters"]["properties"] for tool in task.tools}
        assert all(name.isidentifier() and len(name) <= 64 for names in (tools, *tools.values()) for name in names)
        for call in task.expected[0]:
            if task.data.unpassable is None:
                assert set(call.arguments) <= set(tools[call.name])
    assert ToolRLEnv("sft", dialect=dialect).find_task("sft-0").expected[0][0].name == "Search_Managers"
    past = env.find_task("sft-16").messages[1]["content"]
    assert "Get_Trending_TV_Shows" in past


def test_prompts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="'original' or 'dialect'"):
        ToolRLEnv(prompt="chat")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dialect 'toolrl'"):
        ToolRLEnv(prompt="original", dialect="hermes")
    with pytest.raises(ValueError, match="lists all tools"):
        ToolRLEnv(prompt="original", withhold=True)


# Withheld tools --------------------------------------------------------------------------------------


def test_withheld_tools_are_gone_and_not_to_be_called() -> None:
    plain, env = ToolRLEnv("sft", "dialect"), ToolRLEnv("sft", withhold=True)
    assert len(env.tasks) == 225
    for task in env.tasks:
        original = plain.find_task(task.id.removesuffix("-withheld"))
        called = {call.name for call in original.expected[0]}
        assert called
        offered = {tool.name for tool in task.tools}
        assert offered == {tool.name for tool in original.tools} - called
        assert offered
        observation, info = env.reset(options={"task_id": task.id})
        assert info["category"] == "withheld"
        assert all(f'"name": "{name}"' not in m["content"] for name in called for m in observation.messages[1:])
        reward, info = play(env, task.id, plain.gold(original)[0])
        assert (reward < 1, info["success"], info["error_type"]) == (True, False, "needless_call")


# Rewards and verdicts --------------------------------------------------------------------------------


def mutated(text: str, random: Random) -> str:
    """Something that a model may write instead."""
    at = random.randrange(len(text))
    lines = text.split("\n")
    line = random.randrange(len(lines))
    return [
        lambda: text[:at] + text[at + 1 :],
        lambda: text[:at] + random.choice(['"', "}", " ", "\n", "1", "<tool_call>", "</think>"]) + text[at:],
        lambda: "\n".join(lines[:line] + lines[line + 1 :]),
        lambda: "\n".join(lines[: line + 1] + lines[line:]),
        lambda: text.replace('": "', '": "not ', 1),
        lambda: text[: len(text) // 2],
        lambda: text.replace('"parameters": {', '"parameters": {"more": 1, ', 1),
        lambda: SAY_NO,
    ][random.randrange(8)]()


def test_with_the_reference_rubric_the_reward_is_the_released_one() -> None:
    random = Random(0)
    for split in ("test", "sft"):
        env = ToolRLEnv(split, rubric="toolrl-reference")
        seen = set()
        for task in env.tasks:
            row = task.data.row
            gold = without_thought(row.gold) if task.data.flag else row.gold
            for text in (env.gold(task)[0], *[mutated(row.gold, random) for _ in range(6)]):
                reward, _ = play(env, task.id, text)
                assert reward == reference_score(text.strip(), gold).total, (task.id, text)
                seen.add(reward)
        assert len(seen) > 20


def test_success_is_the_expected_calls_in_any_order() -> None:
    env = ToolRLEnv("test")
    task = next(task for task in env.tasks if len(task.expected[0]) == 3)
    lines = [json.dumps({"name": call.name, "parameters": call.arguments}) for call in task.expected[0]]

    def verdict(lines: list[str], rest: str = "") -> dict[str, Any]:
        return play(env, task.id, "<think>t</think>\n<tool_call>\n" + "\n".join(lines) + f"\n</tool_call>{rest}")[1]

    assert verdict(lines[::-1])["success"]
    assert verdict(lines, " and some words")["success"]
    for wrong in (lines[:2], [*lines, lines[0]], [*lines[:2], lines[2].replace('"parameters": {', '"p": {')]):
        info = verdict(wrong)
        assert (info["success"], info["error_type"]) == (False, "wrong_calls")
        assert info["verdict"]
    info = play(env, task.id, SAY_NO)[1]
    assert (info["success"], info["error_type"]) == (False, "missing_call")


def test_where_no_call_is_expected_something_is_to_be_said() -> None:
    env = ToolRLEnv("test")
    task = next(task for task in env.tasks if not task.expected[0])
    assert play(env, task.id, SAY_NO)[1]["success"]
    assert play(env, task.id, SAY_NO)[0] == BEST
    reward, info = play(env, task.id, "<think>Hm.</think>")
    assert (info["error_type"], reward) == ("no_response", BEST - 1)
    call = '<think>t</think>\n<tool_call>\n{"name": "f", "parameters": {}}\n</tool_call>'
    assert play(env, task.id, call)[1]["error_type"] == "needless_call"


# Rows as they may be in the training split -----------------------------------------------------------

SYSTEM = """**Available Tools**
In your response, you can use the following tools:
1. Name: f
Description: F.
Parameters: {"a": {"type": "int"}, "from": {"type": "int"}, "a b": {"type": "int"}, "a_b": {"type": "int"}}

**Steps for Each Turn**"""


def env_of(monkeypatch: Any, gold: str, dialect: str = "toolrl", **options: Any) -> ToolRLEnv:
    row = Row("train-0", SYSTEM, "**Dialogue Records History**\n<user> Hi </user>", gold)
    monkeypatch.setattr(tasks_module, "rows", lambda split: (row,))
    return ToolRLEnv("train", dialect=get_dialect(dialect), **options)


def test_a_row_whose_gold_cannot_be_read_is_no_evidence(monkeypatch: Any) -> None:
    env = env_of(monkeypatch, "<think> t </think>\n<tool_call>\n{broken\n</tool_call>")
    _, info = play(env, "train-0", SAY_NO)
    assert not info["reward_valid"]
    assert "cannot be read" in info["error"]
    assert "{broken" in info["flag"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_calls_with_a_response_beside_them(monkeypatch: Any, dialect: str) -> None:
    gold = '<think> t </think>\n<tool_call>\n{"name": "f", "parameters": {"a b": 1, "a_b": 2, "from": 3}}\n</tool_call>'
    gold += "\n<response> Wait. </response>"
    env = env_of(monkeypatch, gold, dialect=dialect)
    (text,) = env.gold(env.tasks[0])
    reward, info = play(env, "train-0", text)
    assert (reward, info["success"], info["flag"]) == (BEST, True, None)
    assert info["calls"][0].problems == ()
    if dialect == "toolrl":
        assert text == gold
        reward, info = play(env, "train-0", text.replace("\n<response> Wait. </response>", ""))
        assert (reward, info["success"]) == (BEST - 1, True)
