"""ToolGym-Rows-v0: decisions and whole conversations from a file, splits, training on the user's own words."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import pytest

from toolgym import evaluate
from toolgym.agents.scripted import Oracle
from toolgym.cli.main import main
from toolgym.dialects import DIALECTS
from toolgym.envs.rows.conversation import Said, Turn
from toolgym.envs.rows.env import EXAMPLE
from toolgym.envs.rows.reading import read
from toolgym.envs.rows.tasks import SPLITS
from toolgym.runlog import read_episodes
from toolgym.types import ToolCall


def rows(path=None, **kwargs):
    return gym.make("ToolGym-Rows-v0", path=None if path is None else str(path), **kwargs).unwrapped


def write(path, *values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values), "utf-8")
    return path


def conversation(words, *more):
    return {"messages": [{"role": "user", "content": words}, {"role": "assistant", "content": "Yes."}, *more]}


def called(*calls):
    """An action in the dialect hermes with these calls."""
    blocks = [json.dumps({"name": name, "arguments": arguments}) for name, arguments in calls]
    return "\n".join(f"<tool_call>\n{block}\n</tool_call>" for block in blocks)


# Decisions and conversations --------------------------------------------------------------------


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_a_decision_is_asked_as_in_the_whole_conversation(dialect):
    turns, whole = rows(dialect=dialect), rows(dialect=dialect, whole=True)
    asked = {}
    for task in whole.tasks:
        observation, _ = whole.reset(options={"task_id": task.id})
        for i, text in enumerate(whole.gold(task), 1):
            asked[f"{task.id}-turn-{i}"] = observation, text
            observation, reward, *_, info = whole.step(text)
            assert reward == 4.0
        assert info["success"]
    assert list(asked) == [task.id for task in turns.tasks]
    for name, (observation, text) in asked.items():
        assert turns.reset(options={"task_id": name})[0] == observation
        assert turns.gold(turns.task) == (text,)


def test_gold_is_the_users_own_words_and_reasoning():
    env = rows()
    for line, value in enumerate(map(json.loads, EXAMPLE.read_text("utf-8").splitlines()), 1):
        said = [each for each in value["messages"] if each["role"] == "assistant"]
        for number, each in enumerate(said, 1):
            (text,) = env.gold(env.find_task(f"line-{line}-turn-{number}"))
            read = env.parse(text)
            assert read.think == each.get("reasoning_content")
            assert read.response == each["content"]
            wanted = [
                (c["function"]["name"], json.loads(c["function"]["arguments"])) for c in each.get("tool_calls", [])
            ]
            assert [(call.name, call.arguments) for call in read.calls] == wanted


def test_a_whole_conversation_replays_the_recorded_results():
    env = rows(whole=True)
    env.reset(options={"task_id": "line-7"})
    swapped = called(("get_stock", {"article": "saw"}), ("get_stock", {"article": "hammer"}))
    observation, reward, terminated, truncated, info = env.step(swapped)
    assert [message["content"] for message in observation["messages"][-2:]] == ['{"pieces": 0}', '{"pieces": 14}']
    assert (reward, terminated, truncated) == (4.0, False, False)
    *_, info = env.step("14 hammers, no saw.")
    assert info["success"]


def test_the_user_goes_on_as_recorded():
    env = rows(whole=True)
    env.reset(options={"task_id": "line-4"})
    gold = env.gold(env.task)
    env.step(gold[0])
    observation, _, terminated, _, _ = env.step("In Madrid.")
    assert not terminated
    assert observation["messages"][-1]["content"] == "And what are 80 euros in Norwegian kroner?"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('<tool_call>\n{"name": "get_stock", "arguments": {"article": "nail"}}\n</tool_call>', "wrong_calls"),
        ("I do not know.", "missing_call"),
        ("", "missing_call"),
        ("<tool_call>\n{\n</tool_call>", "wrong_calls"),
    ],
)
def test_a_whole_conversation_ends_at_the_first_other_turn(text, kind):
    env = rows(whole=True)
    env.reset(options={"task_id": "line-7"})
    *_, terminated, truncated, info = env.step(text)
    assert (terminated, truncated, info["success"], info["error_type"]) == (True, False, False, kind)
    assert info["verdict"].startswith("turn 1 of 2: ")


def test_equal_calls_get_their_own_results(tmp_path):
    made = [{"id": str(i), "function": {"name": "roll", "arguments": "{}"}} for i in range(2)]
    more = [
        {"role": "assistant", "content": None, "tool_calls": made},
        {"role": "tool", "tool_call_id": "1", "content": "6"},
        {"role": "tool", "tool_call_id": "0", "content": "2"},
        {"role": "assistant", "content": "8."},
    ]
    value = {"messages": [{"role": "user", "content": "Roll twice."}, *more], "tools": [{"name": "roll"}]}
    env = rows(write(tmp_path / "mine.jsonl", value), whole=True)
    env.reset(seed=0)
    observation, *_ = env.step(env.gold(env.task)[0])
    assert [each["content"] for each in observation["messages"][-2:]] == ["2", "6"]


def test_a_decision_that_does_not_call_needs_words():
    env = rows()
    for text, success in (("Ibsen.", True), ("", False), (called(("set_alarm", {"time": "07:00"})), False)):
        env.reset(options={"task_id": "line-3-turn-1"})
        *_, info = env.step(text)
        assert info["success"] is success


def test_an_answer_that_no_dialect_text_can_be_is_said(tmp_path):
    words = {"role": "assistant", "content": '{"name": "f", "arguments": {}}'}
    value = {"messages": [{"role": "user", "content": "Show me a call."}, words], "tools": [{"name": "f"}]}
    path = write(tmp_path / "mine.jsonl", value)
    env = rows(path)
    _, info = env.reset(seed=0)
    assert info["known_unpassable"] == "the dialect hermes reads 1 calls in the recorded answer"
    assert rows().reset(seed=0)[1]["known_unpassable"] is None


def test_a_name_is_kept_to_the_last_space(tmp_path):
    made = {"function": {"name": "look up ", "arguments": "{}"}}
    value = {
        "messages": [{"role": "user", "content": "Go."}, {"role": "assistant", "tool_calls": [made]}],
        "tools": [{"name": "look up "}],
    }
    env = rows(write(tmp_path / "mine.jsonl", value))
    env.reset(seed=0)
    *_, info = env.step(env.gold(env.task)[0])
    assert info["success"]
    assert info["calls"][0].call.name == "look up "


def test_names_are_written_as_the_dialect_can(tmp_path):
    made = {"function": {"name": "get weather.now", "arguments": '{"the city": "Oslo"}'}}
    tools = [{"name": "get weather.now", "parameters": {"properties": {"the city": {"type": "string"}}}}]
    value = {
        "messages": [{"role": "user", "content": "Oslo?"}, {"role": "assistant", "tool_calls": [made]}],
        "tools": tools,
    }
    path = write(tmp_path / "mine.jsonl", value)
    for dialect in DIALECTS:
        env = rows(path, dialect=dialect)
        observation, _ = env.reset(seed=0)
        *_, info = env.step(env.gold(env.task)[0])
        assert info["success"], dialect
        assert info["calls"][0].call.name == observation["tools"][0]["function"]["name"]
        assert not info["calls"][0].problems


def test_toolrl_rows_keep_their_prompt(tmp_path):
    gold = '<think>t</think>\n<tool_call>\n{"name": "f", "parameters": {"a": 1}}\n</tool_call>'
    prompt = [
        {"role": "system", "content": "the paper's"},
        {"role": "user", "content": "**Dialogue**\n<user> q </user>"},
    ]
    path = write(tmp_path / "mine.jsonl", {"prompt": prompt, "reward_model": {"ground_truth": gold}})
    env = rows(path)
    observation, _ = env.reset(seed=0)
    assert [dict(message) for message in observation["messages"]] == prompt
    assert env.gold(env.task) == (gold,)
    *_, info = env.step(gold)
    assert info["success"]
    observation, _ = rows(path, dialect="hermes").reset(seed=0)
    assert "the paper's" not in observation["messages"][0]["content"]
    with pytest.raises(ValueError, match="ToolRL's layout"):
        rows(prompt="original")


# Splits -----------------------------------------------------------------------------------------


def test_splits_share_nothing_and_stay_when_rows_are_added(tmp_path):
    values = [conversation(f"Question number {i}, and a few words.") for i in range(300)]
    path = write(tmp_path / "mine.jsonl", *values)

    def split(name, **kwargs):
        return {task.messages[-1]["content"] for task in rows(path, split=name, **kwargs).tasks}

    before = {name: split(name) for name in SPLITS}
    assert before["train"] | before["val"] | before["test"] == before["all"]
    assert sum(map(len, before.values())) == 2 * len(values)
    assert 10 < len(before["val"]) < 60
    assert 10 < len(before["test"]) < 60
    write(
        path,
        conversation("One more at the head of it."),
        *values,
        *[conversation(f"Added {i} at the end of it.") for i in range(100)],
    )
    after = {name: split(name) for name in SPLITS}
    assert all(before[name] <= after[name] for name in SPLITS)
    assert before["val"] <= split("val", held_out=0.3)
    assert split("val", seed=1) != after["val"]


def test_conversations_that_begin_alike_are_in_one_split(tmp_path):
    ask = {"role": "user", "content": "And then?"}
    values = [
        conversation(
            f"Question number {i}, and a few words.", *[ask, {"role": "assistant", "content": "No."}] * (j % 3)
        )
        for i in range(40)
        for j in range(3)
    ]
    path = write(tmp_path / "mine.jsonl", *values)
    found = [
        {task.messages[0]["content"] for task in rows(path, split=name).tasks} for name in ("train", "val", "test")
    ]
    assert sum(map(len, found)) == 40


def test_an_empty_split_says_what_to_do(tmp_path, capsys):
    path = write(tmp_path / "mine.jsonl", conversation("Only one, and it is for training."))
    empty = [name for name in ("train", "val", "test") if name != _split_of(path)]
    with pytest.raises(ValueError, match="none of its 1 conversations"):
        rows(path, split=empty[0])
    with pytest.raises(ValueError, match="split must be one of all, train, val, test"):
        rows(path, split="validation")
    with pytest.raises(ValueError, match="held_out"):
        rows(path, held_out=0.5)
    with pytest.raises(ValueError, match="category 'several calls'"):
        rows(path, category="several calls")


def _split_of(path):
    from toolgym.envs.rows.tasks import split_of

    return split_of(read(path).conversations[0], 0, 0.1)


def test_categories_choose_decisions():
    assert len(rows(category="several calls").tasks) == 2
    assert rows().tasks.counts == {"one call": 11, "several calls": 2, "no call": 15}
    assert len(rows(category="one call,no call").tasks) == 26
    assert {task.data.category for task in rows(whole=True).tasks} == {"one call", "several calls", "no call"}


def test_a_task_is_found_by_its_place():
    env = rows()
    assert env.find_task("line-12-turn-2").expected == ((ToolCall("set_alarm", {"time": "07:00"}),),)
    with pytest.raises(KeyError, match="such as line-1-turn-1"):
        env.find_task("line-99-turn-1")


# The commands -----------------------------------------------------------------------------------


def test_eval_plays_a_file_and_goes_on_after_rows_were_added(tmp_path, capsys):
    values = [json.loads(line) for line in EXAMPLE.read_text("utf-8").splitlines()]
    path, out = write(tmp_path / "mine.jsonl", *values[:4]), str(tmp_path / "run")
    assert main(["eval", "--data", str(path), "--agent", "oracle", "--out", out]) == 0
    assert len(read_episodes(out)) == 9
    write(path, *values)
    assert main(["eval", "--data", str(path), "--agent", "oracle", "--out", out, "--resume"]) == 0
    assert len(read_episodes(out)) == 28
    assert main(["replay", out]) == 1
    assert "--trust path" in capsys.readouterr().err
    assert main(["replay", out, "--trust", "path"]) == 0


def test_a_file_stands_in_place_of_a_suite(capsys):
    path = str(EXAMPLE)
    assert main(["eval", "--data", path, "--env", "ToolGym-Office-v0", "--agent", "oracle"]) == 1
    assert "leave out --env" in capsys.readouterr().err
    assert main(["eval", "--data", path, "--env-arg", "path=x", "--agent", "oracle"]) == 1
    assert main(["eval", "--agent", "oracle"]) == 2
    assert main(["eval", "--data", path, "--env-arg", "whole=true", "--agent", "oracle"]) == 0
    assert "100.0" in capsys.readouterr().out


def test_data_describes_a_file_before_anything_is_run(tmp_path, capsys):
    assert main(["data", str(EXAMPLE)]) == 0
    printed = capsys.readouterr().out
    for words in (
        "in the layout openai",
        "12 of 12",
        "one call 11, several calls 2, no call 15",
        "15 of 15 calls",
        "4 of 28 decisions",
        "7 different",
        "train 10 rows, 25 decisions",
        "What's the weather in Oslo tomorrow?",
        '{"name": "get_weather", "arguments": {"city": "Oslo", "day": "tomorrow"}}',
    ):
        assert words in " ".join(printed.split()), words
    assert max(map(len, printed.splitlines())) <= 80


def test_data_notes_what_is_odd_about_rows_that_are_played(tmp_path, capsys):
    made = [
        {"function": {"name": name, "arguments": json.dumps(given)}} for name, given in (("f", {"a": "x"}), ("g", {}))
    ]
    value = {
        "messages": [{"role": "user", "content": "Go on."}, {"role": "assistant", "tool_calls": made}],
        "tools": [{"name": "f", "parameters": {"properties": {"a": {"type": "integer"}}}}],
    }
    assert main(["data", str(write(tmp_path / "mine.jsonl", *[value] * 5))]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "5 a call of a tool that is not offered: line 1: 'g'" in printed
    assert "5 arguments that the tool's schema refuses: line 1: f: a:" in printed
    assert "5 rows begin with 'Go on.': they are in one split" in printed


def test_sft_trains_on_a_file(tmp_path, capsys):
    pytest.importorskip("torch")
    from tiny_lm import byte_tokenizer, tiny_model

    for each in (tiny_model(), byte_tokenizer()):
        each.save_pretrained(tmp_path / "model")
    short = ["--model", str(tmp_path / "model"), "--max-tokens", "6000", "--prompts-per-step", "2", "--eval-tasks", "1"]
    out = tmp_path / "run"
    how = [
        "train",
        "--algo",
        "sft",
        "--data",
        str(EXAMPLE),
        "--steps",
        "2",
        "--eval-every",
        "2",
        *short,
        "--out",
        str(out),
    ]
    assert main(how) == 0
    settings = json.loads((out / "config.json").read_text())
    assert (settings["env"], settings["env_kwargs"]) == ("ToolGym-Rows-v0", {"path": str(EXAMPLE), "split": "train"})
    assert "eval" in (out / "metrics.jsonl").read_text()
    one = write(tmp_path / "one.jsonl", conversation("Only one, and it is for training."))
    assert (
        main(["train", "--algo", "sft", "--data", str(one), "--steps", "1", *short, "--out", str(tmp_path / "small")])
        == 0
    )
    assert "too few to hold some out: all are trained on" in " ".join(capsys.readouterr().out.split())


def test_the_example_covers_what_conversations_have():
    found = read(EXAMPLE).conversations
    turns = [part for each in found for part in each.parts if isinstance(part, Turn)]
    assert any(each.system for each in found)
    assert any(len(turn.calls) > 1 for turn in turns)
    assert any(turn.think for turn in turns)
    assert any(isinstance(part, Said) for each in found for part in each.parts[1:])
    assert Path(EXAMPLE).stat().st_size < 20_000


def test_the_oracle_passes_every_way_to_play():
    for whole in (False, True):
        for each in evaluate("ToolGym-Rows-v0", Oracle(), env_kwargs={"whole": whole}):
            assert each.success
