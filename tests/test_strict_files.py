"""Every file that holds a model's values is JSON for strict parsers, and reads back to the same values."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym import evaluate
from toolgym.cli.main import main
from toolgym.replay import replay
from toolgym.report.results import write_results
from toolgym.report.table import load_runs
from toolgym.stored.run_files import RunError, dump_episode, load_episode, read_episodes
from toolgym.stored.strict_json import from_exact_json, to_exact_json, to_json

LONE = "\ud800"


def strict(text):
    """What a parser reads that knows neither NaN nor lone surrogates, and has 64-bit numbers."""

    def refuse(word):
        raise ValueError(f"not JSON: {word}")

    def whole(digits):
        assert abs(int(digits)) < 2**53, digits
        return int(digits)

    found = json.loads(text, parse_constant=refuse, parse_int=whole)
    msgspec.json.decode(text)  # refuses lone surrogates
    return found


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        if a != a or b != b:
            return a != a and b != b  # JSON has one NaN, without a sign
        return math.copysign(1, a) == math.copysign(1, b) and a == b
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


WORDS = st.text(st.characters(codec=None), max_size=6) | st.sampled_from(
    [LONE, "\udc00", "\ud83d\ude00", "\\ud800", ""]
)
NUMBERS = st.floats() | st.integers() | st.sampled_from([2**53, -(2**53), 2**53 - 1, 10**30, -0.0, 1e308])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(WORDS, inside, max_size=3),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_any_value_is_written_strictly_and_read_back(value):
    record = {"arguments": value, "more": [value]}
    for indent in (None, 1):
        text = to_exact_json(record, indent=indent)
        strict(text)
        assert same(from_exact_json(text), record)
    strict(to_json(record))


def test_an_integer_of_any_size_is_read_back():
    value = {"a": [16**6000, -(16**6000)], LONE: 16**6000}
    text = to_exact_json({"x": value})
    strict(text)
    assert from_exact_json(text)["x"] == value


def test_the_time_grows_with_the_size_only():
    keys = {chr(0xD800 + i % 0x800) + str(i // 0x800) * (i % 7 > 0): math.nan for i in range(8_000)}
    record = {"a": keys, "b": [math.inf] * 8_000}
    began = time.process_time()
    assert same(from_exact_json(to_exact_json(record)), record)
    assert time.process_time() - began < 5


def test_values_that_are_no_json_are_text():
    value = {(1, 2): b"x", 3: 1j, None: {4}, LONE: ...}
    text = to_exact_json({"arguments": value})
    assert list(strict(text)["arguments"]) == ["(1, 2)", "3", "null", "\ufffd"]
    assert list(from_exact_json(text)["arguments"]) == ["(1, 2)", "3", "null", LONE]


@pytest.mark.parametrize(
    "exact",
    [3, [3], {"b": 1}, "x", [{}], [[]], [{"at": "/a", "key": None}], [{"at": "/b", "key": None, "json": "1"}],
     [{"at": "", "key": None, "json": "1"}], [{"at": "/a/x", "key": None, "json": "1"}],
     [{"at": "/a/9", "key": None, "json": "1"}], [{"at": "/a", "key": None, "json": "{"}],
     [{"at": "/a", "key": None, "json": 3}], [{"at": 3, "key": None, "json": "1"}],
     [{"at": "/a", "key": "k", "json": '"l"'}], [{"at": "", "key": "a", "json": "1"}],
     [{"at": "/a", "key": None, "json": "0xg"}], [{"at": "/a", "key": None, "json": "[1]"}],
     [{"at": "/a", "key": None, "json": "[" * 9000}]],
    ids=str,
)  # fmt: skip
def test_exact_values_that_do_not_fit_are_refused(exact):
    with pytest.raises(ValueError, match="'exact' does not fit"):
        from_exact_json(json.dumps({"a": [1], "exact": exact}))


HOSTILE = {
    "hermes": '<tool_call>\n{"name": "f", "arguments": {"x": NaN, "y": -1e999, "z": [123456789012345678901, -0.0], '
    '"\\ud800k": "\\udfff", "w": "\ud83d"}}\n</tool_call>',
    "pythonic": '[f(x=1e999, y=1j, z=b"\\xff", w={(1, 2): [3]}, v="\\ud800", u=-0.0, t=0x' + "f" * 40 + ")]",
    "toolrl": '<think>a</think>\n<tool_call>\n{"name": "f\\ud800", "parameters": {"a": Infinity}}\n</tool_call>',
    "llama3": '{"name": "f", "parameters": {"x": NaN, "y": 9007199254740993}}',
    "openai": json.dumps(
        {
            "role": "assistant",
            "content": LONE,
            "tool_calls": [{"id": LONE, "function": {"name": "f", "arguments": '{"x": NaN, "y": 1e999}'}}],
        }
    ),
}


class Says:
    name = "says"

    def __init__(self, text):
        self.text = text

    def act(self, observation):
        return self.text


@pytest.mark.parametrize("dialect", HOSTILE)
def test_a_runs_files_are_strict_and_replay(dialect, tmp_path):
    out = tmp_path / "run"
    arguments = {"category": "simple_python", "dialect": dialect}
    (played,) = evaluate("ToolGym-BFCL-v0", Says(HOSTILE[dialect]), env_kwargs=arguments, n=1, out=out)
    assert played.turns[0].reward.calls, "the calls were read"
    (run,) = load_runs([out])
    write_results(run, out)
    for name in ("episodes.jsonl", "run.json", "summary.json"):
        strict((out / name).read_text("ascii"))
    (again,) = read_episodes(out)
    assert dump_episode(again) == dump_episode(played)
    assert again.turns[0].action == played.turns[0].action
    if dialect in ("hermes", "llama3", "openai"):
        assert repr(again.turns[0].reward.calls[0].call) == repr(played.turns[0].reward.calls[0].call)
    assert [each.status for each in replay(out)] == ["same"]
    assert main(["report", str(out), "--html", str(tmp_path / "page.html")]) == 0


@pytest.mark.parametrize("tool", ["jq", "node"])
def test_other_programs_read_the_file(tool, tmp_path):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not here")
    evaluate("ToolGym-BFCL-v0", Says(HOSTILE["hermes"]), env_kwargs={"dialect": "hermes"}, n=1, out=tmp_path / "run")
    text = (tmp_path / "run" / "episodes.jsonl").read_text("ascii")
    command = {
        "jq": ["jq", "-c", ".turns[0].reward.calls[0].call.arguments.z"],
        "node": ["node", "-e", "console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0, 'utf8'))"
                 ".turns[0].reward.calls[0].call.arguments.z))"],
    }[tool]  # fmt: skip
    shown = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    assert json.loads(shown) == ["123456789012345678901", 0.0]


def test_files_of_earlier_versions_are_read():
    (played,) = evaluate("ToolGym-BFCL-v0", Says(HOSTILE["hermes"]), env_kwargs={"dialect": "hermes"}, n=1)
    earlier = json.dumps(msgspec.to_builtins(played))
    assert "NaN" in earlier
    assert "exact" not in earlier
    assert dump_episode(load_episode(earlier, "here")) == dump_episode(played)
    found = json.loads(earlier)
    del found["cut_off"], found["error_kind"]
    assert load_episode(json.dumps(found), "here").cut_off == ""


def test_settings_that_are_no_numbers_resume(tmp_path):
    agent = Says("x")
    agent.settings = {"temperature": math.nan, "seed": 2**70, "limit": math.inf}
    for resume in (False, True):
        evaluate("ToolGym-BFCL-v0", agent, n=1, out=tmp_path / "run", resume=resume)
    strict((tmp_path / "run" / "run.json").read_text())
    agent.settings["seed"] += 1
    with pytest.raises(RunError, match="seed"):
        evaluate("ToolGym-BFCL-v0", agent, n=1, out=tmp_path / "run", resume=True)
