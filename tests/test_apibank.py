"""APIBankEnv: ToolRL's items and verdict."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

import gymnasium as gym
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym.dialects import DIALECTS
from toolgym.envs.apibank.env import APIBankEnv
from toolgym.envs.apibank.grading import has_expected, written_calls
from toolgym.envs.apibank.tasks import COUNTS, items, levels
from toolgym.envs.apibank.unpassable import UNPASSABLE
from toolgym.types import ToolCall, Trajectory

BEST = 4.0  # the default rubric: 1 for format, 3 for correctness
SAY_NO = "<think>No.</think>\n<response>I cannot do that.</response>"


def play(env: APIBankEnv, task_id: str, text: str) -> tuple[float, dict[str, Any]]:
    env.reset(options={"task_id": task_id})
    _, reward, terminated, truncated, info = env.step(text)
    assert terminated
    assert not truncated
    return float(reward), info


def text_of(*lines: Any, think: str = "t") -> str:
    written = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return f"<think>{think}</think>\n<tool_call>\n" + "\n".join(written) + "\n</tool_call>"


# The official scoring, typed anew ----------------------------------------------------------------------


def official_point(raw: str, answer: Any) -> int:
    """One item's point, step by step as the released scripts go: generate, write JSON, read JSON, evaluate."""
    stripped = raw.strip()
    after_last_tag = stripped.split("<tool_call>")[-1]
    lines = after_last_tag.split("</tool_call>")[0].strip().split("\n")
    generated = []
    for line in lines:
        if line.strip():
            with suppress(Exception):
                generated.append(json.loads(line))
    stored = json.loads(json.dumps(generated))
    if type(answer) is list:
        answer = answer[0]
    try:
        for entry in stored:
            if type(entry) is str:
                entry = json.loads(entry)
            if "name" in entry and "parameters" in entry:
                pair = [entry["name"], entry["parameters"]]
            else:
                pair = [answer["name"], entry]
            if pair == [answer["name"], answer["parameters"]]:
                return 1
    except Exception:
        return 0
    return 0


def answers(gold: dict[str, Any], random: Random) -> Iterator[str]:
    """What models may write: the expected call, and what becomes of it."""
    name, parameters = gold["name"], gold["parameters"]

    def changed() -> Any:
        call = copy.deepcopy(gold)
        inner = call["parameters"]
        key = random.choice(list(inner)) if inner else "x"
        kind = random.randrange(12)
        if kind == 0:
            inner.pop(key, None)
        elif kind == 1:
            inner[key + "_"] = inner.pop(key, "")
        elif kind == 2:
            inner[key] = random.choice([1, 2.0, True, None, ["a"], {"a": "b"}, inner.get(key, "") + " ", ""])
        elif kind == 3:
            inner[random.choice(["more", "name", "parameters"])] = "x"
        elif kind == 4:
            call["name"] = random.choice([name.lower(), name + " ", "", None, 1])
        elif kind == 5:
            call = inner
        elif kind == 6:
            call.pop(random.choice(["name", "parameters"]))
        elif kind == 7:
            call = {"name": name, "arguments": inner}
        elif kind == 8:
            call["id"] = 1
        elif kind == 9:
            call = dict(reversed(list(call.items())))
        elif kind == 10:
            call["parameters"] = json.dumps(inner)
        else:
            call = random.choice([1, None, True, "name", '"name" and "parameters"', [], [gold], {}, 1.5, "3", "null"])
        return call

    def line() -> str:
        value = gold if random.random() < 0.4 else changed()
        written = json.dumps(value, ensure_ascii=random.random() < 0.5)
        kind = random.random()
        if kind < 0.1:
            written = json.dumps(written)
        elif kind < 0.15:
            written = json.dumps(json.dumps(written))
        elif kind < 0.2:
            written = json.dumps(value, indent=1)
        elif kind < 0.25:
            written = written[:-1]
        elif kind < 0.3:
            written = random.choice(["words", "", "  ", "NaN", "```json", "[" * 2000, "9" * 5000, "-", "\t{}"])
        return written

    yield text_of(gold)
    yield text_of(parameters)
    for _ in range(16):
        body = "\n".join(line() for _ in range(random.choice([1, 1, 1, 2, 3])))
        yield random.choice(
            [
                text_of(body),
                text_of(body, think="I use <tool_call> now"),
                text_of(body, think="</tool_call>"),
                body,
                f"  {body}\n",
                f"Sure.\n{body}\nDone.",
                f"<tool_call>{body}</tool_call>",
                f"<tool_call>\n{body}",
                f"{body}\n</tool_call>",
                f"{text_of(body)}\n{text_of(line())}",
                f"{text_of(body)}\n<response>ok</response>",
                f"<response>\n{body}\n</response>",
                f"{text_of(body)}<tool_call>",
                text_of(body).replace("\n", "\r\n"),
            ]
        )


def test_the_verdict_is_the_official_one_on_thousands_of_answers() -> None:
    env, random = APIBankEnv(), Random(0)
    seen = Counter[int]()
    for task in env.tasks:
        gold = {"name": task.data.gold.name, "parameters": task.data.gold.arguments}
        for text in answers(gold, random):
            point = official_point(text, [gold] if random.random() < 0.5 else gold)
            _, info = play(env, task.id, text)
            assert info["success"] == bool(point), (task.id, text, info["verdict"])
            assert bool(info["verdict"]) == (not point)
            seen[point] += 1
    assert seen.total() == 18 * 597
    assert min(seen.values()) > 2_000


PIECES = [
    "<tool_call>",
    "</tool_call>",
    "\n",
    " ",
    "\r",
    "\x85",
    "\u2028",
    "{}",
    "null",
    '""',
    '"name"',
    "[1]",
    "x",
    "\\",
]
GOLD = {"name": "f", "parameters": {"a": "1"}}
LINES = [json.dumps(value) for value in (GOLD, GOLD["parameters"], json.dumps(GOLD), {"name": "f"}, [GOLD], 3, "name")]


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES + LINES), max_size=12).map("".join))
def test_the_verdict_is_the_official_one_on_any_text(text: str) -> None:
    calls = written_calls(text)
    assert has_expected(calls, ToolCall("f", {"a": "1"})) == bool(official_point(text, GOLD))


# Rules, one by one -------------------------------------------------------------------------------------

TASK = "level-1-0"
CALL = {
    "name": "ModifyRegistration",
    "parameters": {
        "appointment_id": "34567890",
        "new_appointment_date": "2023-03-26",
        "new_appointment_doctor": "Dr. Lee",
    },
}
WRONG = {"name": "CancelRegistration", "parameters": {"appointment_id": "34567890"}}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        (text_of(CALL), True),
        (text_of(WRONG, CALL), True),
        (text_of(CALL, WRONG), True),
        (text_of(WRONG), False),
        (text_of(CALL["parameters"]), True),  # taken for the parameters
        (text_of({"name": "ModifyRegistration", "arguments": CALL["parameters"]}), False),
        (text_of(json.dumps(json.dumps(CALL))), True),
        (text_of("not JSON", CALL), True),
        (text_of(json.dumps(CALL, indent=1)), False),  # a call goes on one line
        (text_of(3, CALL), False),  # what cannot be looked into ends the search
        (text_of('"words"', CALL), False),
        (text_of([CALL]), False),
        (json.dumps(CALL), True),
        (text_of(CALL) + "\n" + text_of(WRONG), False),  # the last block counts
        (text_of(WRONG) + "\n" + text_of(CALL), True),
        ("<tool_call>" + json.dumps(CALL), True),
        (text_of(CALL).replace('"34567890"', "34567890"), False),
        (SAY_NO, False),
        ("", False),
    ],
)  # fmt: skip
def test_rules(text: str, passes: bool) -> None:
    _, info = play(APIBankEnv(1), TASK, text)
    assert info["success"] is passes
    if not passes:
        assert info["verdict"].startswith("expected ModifyRegistration(appointment_id='34567890'")
        assert info["error_type"] in ("no_call", "wrong_call")


@pytest.mark.parametrize("dialect", sorted(set(DIALECTS) - {"toolrl"}))
def test_in_other_dialects_the_calls_that_are_read_count(dialect: str) -> None:
    env = APIBankEnv(1, dialect=dialect)
    (gold,) = env.gold(env.find_task(TASK))
    reward, info = play(env, TASK, gold)
    assert (reward, info["success"]) == (BEST, True)
    assert not play(env, TASK, gold.replace("34567890", "1"))[1]["success"]
    assert play(env, TASK, "I cannot do that.")[1]["error_type"] == "no_call"


def test_the_reward_minds_what_the_verdict_passes() -> None:
    env = APIBankEnv(1)
    assert play(env, TASK, text_of(CALL))[0] == BEST
    for text in (text_of(WRONG, CALL), text_of(CALL["parameters"]), json.dumps(CALL)):
        reward, info = play(env, TASK, text)
        assert info["success"]
        assert reward < BEST


# Items -------------------------------------------------------------------------------------------------


def test_every_level_has_its_items() -> None:
    assert {level: len(items(level)) for level in COUNTS} == {1: 399, 2: 67, 3: 131}
    assert len(APIBankEnv().tasks) == 597
    assert levels(None) == levels("1,2,3") == levels([1, 2, 3]) == (1, 2, 3)
    assert levels(2) == levels("2") == levels([2, 2]) == (2,)
    for wrong in (4, "1,x", [], "", [1, 0]):
        with pytest.raises(ValueError, match="levels 1, 2 and 3"):
            APIBankEnv(wrong)
    with pytest.raises(ValueError, match="split"):
        APIBankEnv(split="train")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("prompt", [None, "dialect"])
def test_gold_scores_the_maximum_on_every_item(dialect: str, prompt: Any) -> None:
    env = APIBankEnv(prompt=prompt, dialect=dialect)
    for task in env.tasks:
        reward, info = play(env, task.id, env.gold(task)[0])
        assert (reward, info["success"]) == (BEST, True), task.id


def test_the_items_that_cannot_be_passed_are_listed() -> None:
    """The faults of an item: tools or parameters that the prompt lacks, and values that were cut wrongly."""
    found = set()
    for task in APIBankEnv().tasks:
        gold = task.data.gold
        tools = {tool.name: tool.parameters["properties"].keys() for tool in task.tools}
        corrupt = any("=" in value or value == '"' for value in gold.arguments.values())
        lost = gold.name == "BookHotel" and "child_count" not in gold.arguments
        if gold.name not in tools or not gold.arguments.keys() <= tools[gold.name] or corrupt or lost:
            found.add(task.id)
    assert found == set(UNPASSABLE)
    assert len(found) == 19
    env = gym.make("ToolGym-APIBank-v0", level=2)
    _, info = env.reset(options={"task_id": "level-2-13"})
    assert (info["category"], info["known_unpassable"]) == ("level-2", UNPASSABLE["level-2-13"])
    _, info = env.reset(options={"task_id": "level-2-0"})
    assert info["known_unpassable"] is None


def test_prompts() -> None:
    env = APIBankEnv()
    for task in env.tasks:
        observation, _ = env.reset(options={"task_id": task.id})
        item = task.data
        assert [m["content"] for m in observation.messages] == [item.system, item.user]
        assert len(observation.tools) == sum(line[:12] == "Parameters: " for line in item.system.split("\n"))
    assert env.find_task("level-2-0").messages[1]["content"].startswith("***Dialogue")
    env = APIBankEnv(prompt="dialect")
    observation, _ = env.reset(options={"task_id": "level-3-40"})
    roles = [message["role"] for message in observation.messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool", "user"]
    assert observation.messages[3]["content"].startswith("{'api_name': 'OrganizationMembers'")
    assert all("Dialogue Records" not in m["content"] for task in env.tasks for m in task.messages)
    with pytest.raises(ValueError, match="dialect 'toolrl'"):
        APIBankEnv(prompt="original", dialect="hermes")


def test_huge_and_deep_actions_are_scored() -> None:
    env = APIBankEnv(3)
    deep = '{"name": "f", "parameters": ' + "[" * 100_000 + "]" * 100_000 + "}"
    for text in (deep, text_of(deep), "[" * 1_000_000, "<tool_call>" * 90_000, '"' * 1_000_000, "x" * 2_000_000):
        _, info = play(env, "level-3-0", text)
        assert not info["success"]


# Scores ------------------------------------------------------------------------------------------------


def episodes(points: dict[int, int]) -> list[Trajectory]:
    return [
        Trajectory("ToolGym-APIBank-v0", f"level-{level}-{i}", (), success=i < passed, category=f"level-{level}")
        for level, passed in points.items()
        for i in range(COUNTS[level])
    ]


def test_scores_are_those_of_the_papers_table() -> None:
    # GRPO from the start, Qwen2.5-3B: 67.00 overall, 73.43, 67.16 and 47.33 by level
    found = APIBankEnv.summarize(episodes({1: 293, 2: 45, 3: 62}))
    shown = [round(100 * found["levels"][f"level-{level}"]["accuracy"], 2) for level in COUNTS]
    assert shown == [73.43, 67.16, 47.33]
    assert round(100 * found["overall"], 2) == 67.00
    assert (found["missing"], found["invalid"]) == ([], 0)


def test_an_incomplete_run_has_no_overall_score() -> None:
    run = [*episodes({1: 399}), Trajectory("e", "x", (), success=None, category="level-2", reward_valid=False)]
    found = APIBankEnv.summarize(run)
    assert found == {
        "levels": {"level-1": {"accuracy": 1.0, "n": 399}},
        "overall": None,
        "missing": ["level-2", "level-3"],
        "invalid": 1,
    }
