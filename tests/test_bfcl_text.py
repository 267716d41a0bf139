"""BFCL calls written as source text: read as the official decoders read them."""

from __future__ import annotations

import sys
import warnings
from random import Random
from time import perf_counter
from typing import Any

import bfcl_mutations as mutations
import bfcl_oracle as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym.envs.bfcl import source_text
from toolgym.envs.bfcl.env import BFCLEnv
from toolgym.envs.bfcl.grading import DECODER_FAILED, check_relevance, is_call_list
from toolgym.envs.bfcl.source_text import LONGEST, DecodeError, decode_text
from toolgym.envs.bfcl.tasks import COUNTS, load

ANSWERED = [category for category in COUNTS if "relevance" not in category]


def own_verdict(entry: Any, text: str) -> tuple[bool, str | None]:
    try:
        verdict = entry.checker.check(decode_text(text, entry.language))
    except DecodeError:
        return False, DECODER_FAILED
    return verdict.success, verdict.error_type


@pytest.mark.parametrize("category", [*ANSWERED, *["simple_java", "simple_javascript"] * 2])
def test_mutated_texts_get_the_official_verdict(category: str, request: pytest.FixtureRequest) -> None:
    tasks, seen = load(category), set()
    for i in range(600):
        random = Random(f"{request.node.name}:{i}")
        entry = random.choice(tasks).data
        calls = mutations.answer(entry, random)
        other = mutations.mutated(calls, entry, random)
        if i % 3 == 0 and is_call_list(other):
            calls = other
        text = mutations.as_text(calls, random, entry.language)
        text = text if i % 5 == 0 else mutations.mutated_text(text, random)
        official = oracle.text_verdict(entry.docs, text, entry.ground_truth, entry.category)
        assert own_verdict(entry, text) == official, text
        seen.add(official[1])
    assert {None, DECODER_FAILED} < seen


def test_whether_there_is_a_call_is_seen_as_officially() -> None:
    seen = set()
    for i in range(1_500):
        random = Random(i)
        task = random.choice(load("simple_python"))
        text = mutations.mutated_text(mutations.as_text(mutations.answer(task.data, random), random, "python"), random)
        text = random.choice([text, text, "", "[]", "[[]]", "I cannot do that.", "None", "[{}]", "f", "(f())"])
        try:
            decoded = decode_text(text, "python")
        except DecodeError:
            decoded = None
        for category in ("live_irrelevance", "live_relevance"):
            verdict = check_relevance(decoded, category)
            assert (verdict.success, verdict.error_type) == oracle.relevance_verdict(text, category), text
            seen.add(verdict.error_type)
    assert seen == {None, "irrelevance_error:decoder_success", "relevance_error:decoder_failed"}


@pytest.mark.parametrize(
    ("text", "language", "calls"),
    [
        ('[a.b(x="1", y=2L)]', "java", [{"a.b": {"x": "1", "y": "2L"}}]),
        ("```\nf(x=new int[]{1, 2}, y='c');\n```", "java", [{"f": {"x": "new int[]{1,2}", "y": "c"}}]),
        ("f(x=new HashMap<>() {{ put(1, 2); }});", "java", [{"f": {"x": "new HashMap<>()"}}]),  # the body is lost
        ('f(x="é", y="abc");', "java", [{"f": {"x": 'é"', "=": 'bc"'}}]),  # bytes taken for characters
        ("f(one);", "java", [{"f": {"**": "one"}}]),  # an argument without a name
        ("f(1);", "java", [{"f": {}}]),
        ("f(x=1); g(y=2);", "java", [{"f": {"x": "1"}}]),
        ("", "java", None),
        ("x;", "javascript", None),
        ("[f(x=\"1\", y=[1, 2], z={'k': true})]", "javascript", [{"f": {"x": "1", "y": "[1, 2]", "z": "{'k': true}"}}]),
    ],
)
def test_what_is_read(text: str, language: str, calls: Any) -> None:
    assert decode_text(text, language) == calls
    official = oracle.decode(text, language)
    renamed = [{name: {"**" if key is None else key: value for key, value in arguments.items()}
                for name, arguments in call.items()} for call in official or ()]  # fmt: skip
    assert (calls or []) == renamed


@pytest.mark.parametrize("text", ["f(x=1, x=2);", "f(x=", "I cannot, sorry!", "f(x=new int[5]);", "f(a, b);", "\ud800"])
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(DecodeError):
        decode_text(text, "java")
    assert oracle.text_verdict([], text, [], "simple_java") == (False, DECODER_FAILED)


@pytest.mark.parametrize("language", ["java", "javascript"])
@pytest.mark.parametrize("unit", ["(", "f(a=", "new A(", "a<", "->", "!", "[", "{", '"', "a=>", "\0", "é", "f()."])
def test_hostile_text_is_read_or_refused_quickly(unit: str, language: str) -> None:
    began = perf_counter()
    for size in (LONGEST // 3, 1_000_000):
        text = unit * (size // len(unit))
        try:
            assert is_call_list(decode_text(text, language) or [])
        except DecodeError:
            continue
    assert perf_counter() - began < 5


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="fab(x=1)[]{}\"'.,;\n new<>é\ud800\0", max_size=40) | st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    for language in ("python", "java", "javascript"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                decoded = decode_text(text, language)
            except DecodeError:
                continue
        assert decoded is None or is_call_list(decoded)


def test_another_language_is_refused() -> None:
    with pytest.raises(ValueError, match="there are python, java, javascript") as caught:
        decode_text("[f(1)]", "cobol")
    assert not isinstance(caught.value, DecodeError)


def test_without_tree_sitter_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    source_text._grammar.cache_clear()
    try:
        with pytest.raises(ImportError, match=r"pip install toolgym\[bfcl\]"):
            BFCLEnv("simple_java", dialect="pythonic")
        assert len(BFCLEnv("simple_java", dialect="toolrl").tasks) == 100
        assert len(BFCLEnv("simple_python", dialect="pythonic").tasks) == 400
    finally:
        source_text._grammar.cache_clear()
