"""BFCL's verdict: equal to the official checker's on every answer, including the error type."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from itertools import permutations
from random import Random
from time import perf_counter
from typing import Any

import bfcl_mutations as mutations
import bfcl_oracle as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym.envs.bfcl import java, javascript
from toolgym.envs.bfcl.closest import closest
from toolgym.envs.bfcl.grading import UNSCORABLE, WRONG_FORMAT, Checker, Entry, check, check_relevance, is_call_list
from toolgym.envs.bfcl.tasks import COUNTS, load

ANSWERED = [category for category in COUNTS if "relevance" not in category]
PARAMETERS = {"properties": {"n": {"type": "integer"}, "s": {"type": "string"}}, "required": ["n"]}
DOC = {"name": "f", "parameters": PARAMETERS}
GOLD = {"f": {"n": [5], "s": ["New York", ""]}}


def agree(entry: Entry, calls: Any, underscore_to_dot: bool = False) -> str | None:
    """Assert that both verdicts are the same; returns the error type."""
    official = oracle.verdict(entry.docs, deepcopy(calls), entry.ground_truth, entry.category, underscore_to_dot)
    checker = Checker(entry.docs, entry.ground_truth, entry.category, True) if underscore_to_dot else entry.checker
    own = checker.check(calls)
    assert (own.success, own.error_type) == official, (entry, calls, own)
    assert own.success == (own.reason == "")
    return own.error_type


@pytest.mark.parametrize("category", ANSWERED)
def test_accepted_answers_get_the_official_verdict(category: str) -> None:
    for i, task in enumerate(load(category)):
        expected = closest(task.data, ())
        agree(task.data, [{call.name: call.arguments} for call in expected])
        agree(task.data, mutations.answer(task.data, Random(f"{category}:{i}")))


@pytest.mark.parametrize("category", ANSWERED)
def test_mutated_answers_get_the_official_verdict(category: str) -> None:
    tasks, seen = load(category), Counter[str | None]()
    for i in range(3_000):
        random = Random(f"{category}:{i}")
        entry = random.choice(tasks).data
        answer = mutations.mutated(mutations.answer(entry, random), entry, random)
        seen[agree(entry, answer, underscore_to_dot=i % 10 == 0)] += 1
    assert seen[None] > 50  # mutations that BFCL accepts
    assert len(seen) >= 4  # and several kinds of mutations that it refuses


def test_invented_functions_and_answers_get_the_official_verdict() -> None:
    seen = Counter[str | None]()
    for i in range(8_000):
        random = Random(i)
        entry = mutations.invented(random)
        answer = mutations.answer(entry, random)
        seen[agree(entry, mutations.mutated(answer, entry, random) if i % 5 else answer)] += 1
    assert {"type_error:nested", "value_error:list_dict_count", "value_error:dict_key", None} <= seen.keys()


@pytest.mark.parametrize("language", ["java", "javascript"])
def test_source_text_converts_as_officially(language: str) -> None:
    module = java if language == "java" else javascript
    official = getattr(oracle.CHECKER, "java_type_converter" if language == "java" else "js_type_converter")
    starts = ["", "new ArrayList<>(Arrays.asList(", "new HashMap<>() {{ ", "new int[]{", "new ArrayList<>() {{ add("]
    starts += ["[", "[[", "new Array([", "new Array(", "{", "{'a': "]
    lists = ("Array", "ArrayList", "array")
    kinds = [*module.TYPES, *[kind for kind in module.TYPES if kind in (*lists, "HashMap", "dict")] * 4]
    for i in range(8_000):
        random = Random(f"{language}:{i}")
        kind = random.choice(kinds)
        nested = random.choice([None, *module.TYPES]) if kind in lists else None
        text = random.choice(starts) + mutations.soup(random, language)
        own = _outcome(module.converter(kind, nested), text)
        assert own == _outcome(official, text, kind, nested), (kind, nested, text)


def _outcome(function: Any, *arguments: Any) -> str:
    try:
        return repr(function(*arguments))
    except ValueError:
        return "ValueError"


@pytest.mark.parametrize(
    ("calls", "error"),
    [
        ([{"f": {"n": 5}}], None),
        ([{"f": {"n": 5, "s": " new-york"}}], None),  # case, spaces and some punctuation are ignored
        ([{"f": {"n": 5, "s": "New\tYork"}}], "value_error:string"),  # a tab is not ignored
        ([{"f": {"n": 6}}], "value_error:others"),
        ([{"f": {"n": 5.0}}], "type_error:simple"),
        ([{"f": {"n": "5"}}], "type_error:simple"),
        ([{"f": {"n": True}}], "type_error:simple"),
        ([{"f": {"s": "New York"}}], "simple_function_checker:missing_required"),
        ([{"f": {"n": 5, "x": 1}}], "simple_function_checker:unexpected_param"),
        ([{"F": {"n": 5}}], "simple_function_checker:wrong_func_name"),
        ([{"f": {"n": 5}}, {"f": {"n": 5}}], "simple_function_checker:wrong_count"),
        ([], "simple_function_checker:wrong_count"),
        ([{"f": {"n": 5}, "g": {}}], WRONG_FORMAT),
        ("f(n=5)", WRONG_FORMAT),
        (None, WRONG_FORMAT),
    ],
)
def test_error_types(calls: Any, error: str | None) -> None:
    verdict = check([DOC], calls, [GOLD], "simple_python")
    assert (verdict.success, verdict.error_type) == (error is None, error)


def test_the_reason_names_parameter_expectation_and_what_came() -> None:
    reason = check([DOC], [{"f": {"n": 6}}], [GOLD], "simple_python").reason
    assert reason == "parameter 'n': expected one of [5], got 6 (int)"
    reason = check([DOC], [{"f": {"n": 5, "s": "x" * 10_000}}], [GOLD], "simple_python").reason
    assert reason.startswith("parameter 's': expected one of ['New York', ''], got 'xxx")
    assert len(reason) < 400


def test_parallel_calls_are_matched_greedily_so_that_their_order_can_matter() -> None:
    entry = next(task.data for task in load("parallel") if task.id == "parallel_178")
    calls = [{call.name: call.arguments} for call in closest(entry, ())]
    outcomes = Counter(entry.checker.check(list(order)).success for order in permutations(calls))
    assert outcomes == {True: 12, False: 12}


@pytest.mark.parametrize(
    ("kind", "accepted", "given"),
    [
        ({"type": "float"}, [1.5], 10**400),  # does not fit a float
        ({"type": "array", "items": {"type": "dict"}}, ["", [{"a": [1]}]], [5]),  # an element that is not a dict
    ],
)
def test_where_the_official_checker_raises_the_verdict_is_a_failure(kind: Any, accepted: Any, given: Any) -> None:
    doc = {"name": "f", "parameters": {"properties": {"x": kind}, "required": []}}
    assert agree(Entry("simple_python", (doc,), ({"f": {"x": accepted}},)), [{"f": {"x": given}}]) == UNSCORABLE


@pytest.mark.parametrize(("kind", "given"), [("integer", "9" * 5000), ("Bigint", "1n\n")])
def test_numbers_that_the_official_converter_trips_over(kind: str, given: str) -> None:
    doc = {"name": "f", "parameters": {"properties": {"x": {"type": kind}}, "required": []}}
    assert agree(Entry("simple_javascript", (doc,), ({"f": {"x": [1]}},)), [{"f": {"x": given}}]) == UNSCORABLE


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["f", "x"]), JSONS, max_size=2), max_size=2) | JSONS)
def test_any_json_has_a_verdict(decoded: Any) -> None:
    assert check([DOC], decoded, [GOLD], "simple_python").success in (True, False)
    called = is_call_list(decoded) and decoded != []
    assert check_relevance(decoded, "live_relevance").success is called
    assert check_relevance(decoded, "irrelevance").success is not called


@pytest.mark.parametrize(
    ("kind", "start", "again", "end"),
    [
        ("ArrayList", "", "new ArrayList<>(Arrays.asList(", "\n))"),
        ("ArrayList", "new ArrayList<>() {{", "add(", "\n)}}"),
        ("HashMap", "new HashMap<>() {", " ", "x"),
        ("HashMap", "new HashMap<>() {{", 'put("a",', "\n}}"),
        ("HashMap", "", "new HashMap<", "\n>()"),
        ("Array", "", "new int[]{", "\n}"),
        ("array", "[", "[],", ""),
        ("array", "[[", "],[", "\n]]"),
        ("dict", "{", "a:b,", "}"),
    ],
)
def test_hostile_source_text_takes_linear_time(kind: str, start: str, again: str, end: str) -> None:
    converter = (javascript if kind in javascript.TYPES else java).converter(kind)
    text = start + again * (200_000 // len(again)) + end
    began = perf_counter()
    converter(text)
    assert (
        perf_counter() - began < 5
    )  # the official patterns need minutes for some of these at a hundredth of the length


def test_docs_and_answers_that_cannot_be_scored_are_refused() -> None:
    doc = {"name": "f", "parameters": {"properties": {"n": {"type": "number"}}, "required": []}}
    with pytest.raises(ValueError, match="unknown type 'number'"):
        check([doc], [], [GOLD], "simple")
    with pytest.raises(ValueError, match="'g', which has no doc"):
        check([DOC], [], [{"g": {}}], "multiple")
