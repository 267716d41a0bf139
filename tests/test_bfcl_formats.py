"""BFCL's format_sensitivity: official ids and prompts, texts read as the official decoders read them, the figures."""

from __future__ import annotations

import copy
import json
import os
import re
from collections import Counter
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import bfcl_format_mutations as mutations
import bfcl_oracle as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym import evaluate
from toolgym.agents.scripted import Oracle
from toolgym.dialects.python.python_source import DecodeError
from toolgym.envs.bfcl import aggregate
from toolgym.envs.bfcl.env import BFCLEnv
from toolgym.envs.bfcl.formats.configuration import CONFIGURATIONS, Configuration, configuration
from toolgym.envs.bfcl.formats.decoding import _list_of_objects, locate
from toolgym.envs.bfcl.formats.dialect import return_format
from toolgym.envs.bfcl.formats.tasks import load_formats
from toolgym.envs.bfcl.grading import DECODER_FAILED, WRONG_FORMAT
from toolgym.envs.bfcl.tasks import COUNTS, GROUPS
from toolgym.report.table import make_run, suite_summary, summary_lines
from toolgym.types import Completion, ToolCall, Trajectory

ID, CATEGORY = "ToolGym-BFCL-v0", "format_sensitivity"
TEXTS = int(os.environ.get("TOOLGYM_BFCL_TEXTS", "3000"))
"""How many mutated texts are compared with the official verdict. Set it to 200000 for a long run."""


@pytest.fixture(scope="module")
def env() -> BFCLEnv:
    return BFCLEnv(CATEGORY)


def task_in(env: BFCLEnv, returns: str, tagged: bool, row: str = "simple_python_19") -> Any:
    return next(
        task
        for task in env.tasks
        if task.data.row_id == row and task.data.configuration == Configuration(returns, tagged, "json")
    )


def play(env: BFCLEnv, task_id: str, text: str) -> tuple[float, dict[str, Any]]:
    env.reset(options={"task_id": task_id})
    _, reward, terminated, _, info = env.step(text)
    assert terminated
    return float(reward), info


# Rows and prompts ---------------------------------------------------------------------------------


def test_ids_and_prompts_are_the_official_ones(env: BFCLEnv, tmp_path: Path) -> None:
    official = oracle.format_entries(tmp_path)
    assert [task.id for task in env.tasks] == [entry["id"] for entry in official]
    assert len(env.tasks) == 5_200
    for task, entry in zip(env.tasks, official, strict=True):
        messages = copy.deepcopy(entry["question"][0])
        oracle.DECODING.system_prompt_pre_processing_chat_model(messages, entry["function"], entry["id"])
        assert json.dumps(task.messages) == json.dumps(messages)


def test_the_prompt_is_all_that_the_model_sees_of_the_format(env: BFCLEnv) -> None:
    observation, _ = env.reset(options={"task_id": env.tasks[0].id})
    assert observation["messages"] == env.tasks[0].messages


def test_configurations_have_their_official_names() -> None:
    assert [str(each) for each in CONFIGURATIONS] == oracle.FORMATS.get_all_format_sensitivity_configs()
    assert all(configuration(str(each)) == each for each in CONFIGURATIONS)
    for wrong in ("", "ret_fmt=python", f"{CONFIGURATIONS[0]}\n", f"x{CONFIGURATIONS[0]}"):
        with pytest.raises(ValueError, match="not a configuration; one is ret_fmt="):
            configuration(wrong)


def test_no_group_has_the_category_and_it_is_played_alone() -> None:
    assert CATEGORY not in {*COUNTS, *GROUPS, *(name for group in GROUPS.values() for name in group)}
    with pytest.raises(ValueError, match="format_sensitivity is played alone"):
        BFCLEnv("multiple,format_sensitivity")
    with pytest.raises(ValueError, match=r"groups non_live, live, all, and format_sensitivity"):
        BFCLEnv("formats")


@pytest.mark.parametrize("dialect", ["toolrl", "hermes", "openai"])
def test_another_dialect_is_refused_in_words(dialect: str) -> None:
    with pytest.raises(ValueError, match=f"each task brings the format of its calls, got dialect='{dialect}'"):
        BFCLEnv(CATEGORY, dialect=dialect)


def test_pythonic_is_accepted_and_other_categories_keep_their_default() -> None:
    assert BFCLEnv(CATEGORY, dialect="pythonic").dialect.name == CATEGORY
    assert BFCLEnv("simple_python").dialect.name == "toolrl"


# Gold ---------------------------------------------------------------------------------------------


def test_gold_passes_in_every_configuration_but_for_the_row_that_is_listed(env: BFCLEnv) -> None:
    failed = Counter[str]()
    for task in env.tasks:
        (text,) = env.gold(task)
        reward, info = play(env, task.id, text)
        if info["success"]:
            assert reward == 4.0
            assert info["known_unpassable"] is None
        else:
            assert "'}]'" in info["known_unpassable"]
            failed[task.data.row_id] += 1
            assert ":ret_fmt=json&" in task.id
        configuration = task.data.configuration
        assert text.startswith("<TOOLCALL>") == text.endswith("</TOOLCALL>") == configuration.tagged
        inside = text.removeprefix("<TOOLCALL>").removesuffix("</TOOLCALL>")
        begins = {"python": "[", "json": '```json\n[{"function": ', "verbose_xml": "<functions>"}
        assert inside.startswith(begins.get(configuration.returns, "<functions><function "))
    assert failed == {"simple_python_96": 6}


def test_gold_is_what_the_official_decoder_reads(env: BFCLEnv) -> None:
    for task in env.tasks[::7]:
        found = oracle.format_verdict(task.id, task.data.docs, env.gold(task)[0], task.data.ground_truth)
        assert found[0] is (task.data.known_unpassable is None)


# Verdicts -----------------------------------------------------------------------------------------


def test_verdict_and_error_type_are_the_official_ones_and_the_reward_agrees(env: BFCLEnv) -> None:
    seen = Counter[str | None]()
    for i in range(TEXTS):
        random = Random(f"format:{i}")
        task = random.choice(env.tasks)
        text = mutations.answer(task.data, random)
        official = oracle.format_verdict(task.id, task.data.docs, text, task.data.ground_truth)
        _, info = play(env, task.id, text)
        assert (info["success"], info["error_type"]) == official, (task.id, text)
        best = sum(term.weight * term.score for term in info["reward"].terms if term.name != "format")
        assert (best == pytest.approx(3.0, abs=1e-9)) is info["success"], (task.id, text)
        seen[official[1]] += 1
    assert seen[None] > TEXTS / 5
    assert seen[DECODER_FAILED] > TEXTS / 10
    assert len(seen) > 12


F = '[{"function": "math.gcd", "parameters": {"num1": 40, "num2": 50}}]'
V = '<functions><function name="math.gcd"><params>{}</params></function></functions>'
V_40, V_50 = '<param name="num1" value="40" type="integer"/>', '<param name="num2" value="50" type="integer"/>'
C = '<functions><function name="math.gcd">{}</function></functions>'
C_40, C_50 = '<param name="num1" type="integer">40</param>', '<param name="num2" type="integer"> 50\n</param>'


@pytest.mark.parametrize(
    ("returns", "tagged", "text", "error"),
    [
        ("python", False, "math.gcd(num1=40, num2=50)", None),
        ("python", False, "math.gcd(40, 50)", "simple_function_checker:missing_required"),
        ("python", False, "```python\n[math.gcd(num1=40, num2=50)]\n```", DECODER_FAILED),
        ("python", False, "", "simple_function_checker:wrong_count"),
        ("python", True, "", DECODER_FAILED),
        ("python", True, "<TOOLCALL></TOOLCALL>", DECODER_FAILED),
        ("python", True, "math.gcd(num1=40, num2=50)", DECODER_FAILED),
        ("python", True, "Yes: <TOOLCALL> '[math.gcd(num1=40, num2=50)]' </TOOLCALL> done", None),
        ("python", True, "<TOOLCALL>[math.gcd(num1=40, num2=50)</TOOLCALL>", DECODER_FAILED),  # nothing is completed
        ("python", True, "<toolcall>[math.gcd(num1=40, num2=50)]</toolcall>", DECODER_FAILED),
        ("json", False, F, None),
        ("json", False, f"Here you are:\n```json\n{F}\n```\nDone.", None),
        ("json", False, F[1:-1], None),  # the brackets that are added make it a list
        ("json", False, F.replace("50", "50.0"), "type_error:simple"),
        ("json", False, "I cannot do that.", "simple_function_checker:wrong_count"),  # not JSON: no call
        ("json", False, F.replace("function", "name"), DECODER_FAILED),
        ("json", False, F.replace('"math.gcd"', "null"), "simple_function_checker:wrong_func_name"),
        ("json", False, '[{"function": "math.gcd", "parameters": [40, 50]}]', WRONG_FORMAT),
        ("json", True, F, DECODER_FAILED),
        ("json", True, f"<TOOLCALL>{F[1:-1]}</TOOLCALL>", "simple_function_checker:wrong_count"),
        ("json", True, "<TOOLCALL>5</TOOLCALL>", DECODER_FAILED),
        ("json", True, f"<TOOLCALL>{F}</TOOLCALL><TOOLCALL>[]</TOOLCALL>", None),
        ("verbose_xml", False, V.format(V_40 + V_50), None),
        ("verbose_xml", False, f"```xml\n{V.format(V_40 + V_50)}\n```", None),
        ("verbose_xml", False, C.format(V_40 + V_50), None),  # <params> may be missing
        ("verbose_xml", False, C.format(C_40 + C_50), DECODER_FAILED),  # the values have to be attributes
        ("verbose_xml", False, V.format(V_40 + V_50.replace("integer", "int")), "type_error:simple"),
        ("verbose_xml", False, V.format(V_40 + V_50.replace('"50"', '"fifty"')), DECODER_FAILED),
        (
            "verbose_xml",
            False,
            V.format(V_40 + V_50 + '<param value="1"/>'),
            "simple_function_checker:unexpected_param",
        ),
        ("verbose_xml", False, V.format(V_40), "simple_function_checker:missing_required"),
        ("concise_xml", False, C.format(C_40 + C_50), None),
        ("concise_xml", False, C.format(C_40.replace("40", "4<!-- -->0") + C_50), None),
        ("concise_xml", False, C.format(C_40.replace("40", "&#52;<![CDATA[0]]>") + C_50), None),
        ("concise_xml", False, C.format(C_40.replace("40", "&forty;") + C_50), DECODER_FAILED),
        ("concise_xml", False, C.format(f"<params>{C_40}{C_50}</params>"), "simple_function_checker:missing_required"),
        ("concise_xml", False, f"<a>{C.format(C_40 + C_50)}</b>", None),
        ("concise_xml", False, C.format(C_40 + C_50).replace("</functions>", ""), DECODER_FAILED),
        ("concise_xml", True, f"<TOOLCALL>{C.format(C_40 + C_50)}</TOOLCALL>", None),
    ],
)
def test_quirks_of_the_official_decoders(
    env: BFCLEnv, returns: str, tagged: bool, text: str, error: str | None
) -> None:
    task = task_in(env, returns, tagged)
    official = oracle.format_verdict(task.id, task.data.docs, text, task.data.ground_truth)
    assert official == (error is None, error)
    _, info = play(env, task.id, text)
    assert (info["success"], info["error_type"]) == official


@pytest.mark.parametrize(("returns", "tagged"), [("python", False), ("json", True), ("concise_xml", False)])
def test_a_thought_before_the_calls_is_removed(env: BFCLEnv, returns: str, tagged: bool) -> None:
    task = task_in(env, returns, tagged)
    (gold,) = env.gold(task)
    for text in (f"<think>[f(x=1)] {{</think>\n{gold}", f"hm.</think>{gold}"):
        reward, info = play(env, task.id, text)
        assert (reward, info["success"]) == (4.0, True)
        (record,) = info["calls"]
        assert text[record.call.start : record.call.end] in gold
    _, info = play(env, task.id, f"<think>{gold}")
    assert info["error_type"] == DECODER_FAILED


def test_calls_know_where_they_stand(env: BFCLEnv) -> None:
    starts = {"python": "f(a='é😀')", "json": '{"function": "f"', "verbose_xml": '<function name="f">'}
    calls = (ToolCall("f", {"a": "é😀"}), ToolCall("g", {"b": [1, 2.5]}))
    for each in CONFIGURATIONS:
        dialect = return_format(each)
        text = f"é {dialect.render(Completion('', calls))}" if each.tagged else dialect.render(Completion("", calls))
        first, second = dialect.parse(text).calls
        assert text[first.start : first.end].startswith(starts.get(each.returns, '<function name="f">'))
        assert first.end <= second.start < second.end
        assert text[second.end - 1] in ")}>"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
NASTY = st.sampled_from(
    ["</TOOLCALL>", "<TOOLCALL>", "</functions>", "}]", "[{", "]", "'", '"', "&amp;", "\r\n", " x ", "\x00"]
)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(CONFIGURATIONS), st.dictionaries(st.sampled_from("abc"), VALUES | NASTY), st.integers(1, 3))
def test_what_is_written_is_read_back(each: Configuration, arguments: dict[str, Any], n: int) -> None:
    dialect = return_format(each)
    calls = (ToolCall("f.g", arguments),) * n
    if each.returns == "json" and re.search(r"}\s*\]", json.dumps(list(arguments.values()))[:-1]):
        return  # the official patterns cannot read a list that ends with an object
    found = dialect.parse(dialect.render(Completion("", calls, "why")))
    assert found.think == "why"
    assert [(call.name, call.arguments, call.error) for call in found.calls] == [("f.g", arguments, None)] * n


OFFICIAL_LIST = re.compile(r"\[\s*{.*?}\s*(?:,\s*{.*?}\s*)*\]", re.DOTALL)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["[", "]", "{", "}", ",", " ", "\n", "a", "[{", "}]", "},{"]), max_size=14).map("".join)
)
def test_json_is_cut_out_as_by_the_official_pattern(source: str) -> None:
    official = OFFICIAL_LIST.search(source)
    assert _list_of_objects(source) == (official and official.span())


# Hostile text -------------------------------------------------------------------------------------

MANY = 400_000
HOSTILE = {
    "python": ["[" * MANY, "f(), " * (MANY // 5), f"f(x={'-' * 90_000}1)", "<TOOLCALL>" * (MANY // 10)],
    "json": [
        "[{" * (MANY // 2), "[{" + "},{" * (MANY // 3), "[{" + "}" * MANY, "[{" + "}   " * (MANY // 4),
        f'[{{"function": "f", "parameters": {{"a": {"[" * MANY}{"]" * MANY}}}}}]',
        f'[{{"function": "f", "parameters": {{"a": {"9" * MANY}}}}}]',
    ],
    "concise_xml": [
        "<functions>" * (MANY // 11), f"<functions>{'<function name=' * (MANY // 15)}</functions>",
        f"<functions>{'<a>' * (MANY // 3)}</functions>",
        C.format(f"<param name='a' type='array'>{'[' * 90_000}</param>"),
        C.format("<param name='a' type='array'>[1]</param>" * (MANY // 40)),
        C.format(f"<param name='a' type='integer'>{'9' * MANY}</param>"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("returns", HOSTILE)
def test_hostile_text_takes_linear_time(returns: str, tagged: bool) -> None:
    each = Configuration(returns, tagged, "json")
    for text in HOSTILE[returns]:
        began = process_time()
        return_format(each).parse(f"<TOOLCALL>{text}</TOOLCALL>" if tagged else text)
        assert process_time() - began < 5


def test_entities_cannot_be_defined() -> None:
    lol = '<!DOCTYPE a [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]>'
    call = C.format('<param name="a">&b;</param>')
    for text in (lol + call, call.replace("<functions>", f"<functions>{lol}"), f"<?xml version='1.0'?>{lol}{call}"):
        with pytest.raises(DecodeError):
            locate(text, Configuration("concise_xml", False, "json"))


def test_nothing_is_run() -> None:
    dangerous = "__import__('os').getpid() + 1"
    for each in (
        ("python", f"f(x={dangerous})"),
        ("verbose_xml", V.format(f'<param name="x" type="array" value="{dangerous}"/>')),
    ):
        with pytest.raises(DecodeError):
            locate(each[1], Configuration(each[0], False, "json"))


def test_a_text_that_is_too_long_is_not_read() -> None:
    env = BFCLEnv(CATEGORY, max_action_chars=100)
    (gold,) = env.gold(env.tasks[0])
    _, info = play(env, env.tasks[0].id, gold + " " * 100)
    assert info["error_type"] == DECODER_FAILED
    assert "more than 100 characters" in info["verdict"]


@pytest.mark.parametrize(
    "call",
    [
        '{"function": 5, "parameters": {}}', '{"function": "", "parameters": {}}', '{"function": "f", "parameters": 1}',
        f'{{"function": "f", "parameters": {{"a": {"[" * 150}{"]" * 150}}}}}',
    ],
)  # fmt: skip
def test_calls_that_are_not_calls_are_kept_as_malformed(call: str) -> None:
    (found,) = return_format(Configuration("json", False, "json")).parse(f"[{call}]").calls
    assert found.error is not None
    assert found.arguments == {}


# Episodes -----------------------------------------------------------------------------------------


def test_a_snapshot_takes_its_configuration_along(env: BFCLEnv) -> None:
    one, other = task_in(env, "json", True), task_in(env, "verbose_xml", False)
    env.reset(options={"task_id": one.id})
    snapshot = env.snapshot()
    env.reset(options={"task_id": other.id})
    (fork,) = env.fork()
    env.restore(snapshot)
    assert env.dialect is return_format(one.data.configuration)
    assert env.step(env.gold(one)[0])[1] == 4.0
    assert fork.step(fork.gold(other)[0])[1] == 4.0


def test_the_oracle_plays_it_and_the_summary_has_the_official_figures() -> None:
    played = evaluate(ID, Oracle(), n=60, seed=1, env_kwargs={"category": CATEGORY})
    assert all(each.success for each in played)
    summary = suite_summary(make_run(played, "oracle"))
    figures = summary[CATEGORY]
    assert (figures["accuracy_max_delta"], figures["accuracy_std"]) == (0.0, 0.0)
    assert sum(each["n"] for each in figures["configurations"]) == 60
    assert summary["v4"]["overall"] is None
    assert all(CATEGORY not in summary[version]["missing"] for version in ("v4", "v3"))
    assert len([line for line in summary_lines(summary) if line.startswith(CATEGORY)]) < 20


def test_figures_are_over_the_accuracies_of_the_configurations() -> None:
    run = []
    for each, passed in ((CONFIGURATIONS[0], 3), (CONFIGURATIONS[5], 1), (CONFIGURATIONS[24], 2)):
        for i in range(4):
            name = f"{CATEGORY}_{i}:{each}:simple_python_{i}"
            run.append(Trajectory(ID, name, (), success=i < passed, category=CATEGORY))
    run.append(Trajectory(ID, run[0].task_id, (), success=False, reward_valid=False, category=CATEGORY))
    summary = aggregate.summarize(run)
    figures = summary[CATEGORY]
    assert (figures["accuracy_max_delta"], figures["accuracy_std"], figures["accuracy_variance"]) == (50.0, 25.0, 625.0)
    assert figures["tool_call_tag"] == {"True": 0.75, "False": 0.25}  # the markdown prompt is not one of the 24
    assert figures["ret_fmt"] == {"python": 0.5}
    assert figures["prompt"] == {"plain": 0.25, "markdown": 0.5}
    assert figures["configurations"][0] == {"configuration": str(CONFIGURATIONS[0]), "accuracy": 0.75, "n": 4}
    assert summary["categories"] == {CATEGORY: {"accuracy": 0.5, "n": 12}}
    assert summary["invalid"] == 1
    assert aggregate.summarize([run[0]])[CATEGORY]["accuracy_std"] == 0.0


def test_rows_are_shared_between_configurations() -> None:
    tasks = load_formats()
    assert tasks[0].data.checker is tasks[25].data.checker
    assert tasks[0].tools is tasks[25].tools
