"""``:call`` of ``toolgym play``: what a line means, in every dialect, and what Tab completes."""

from __future__ import annotations

from contextlib import suppress

import gymnasium as gym
import pytest
from conftest import Shop
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym import Tool, tool, tools_of
from toolgym.cli.draft import Draft
from toolgym.cli.line_editing import completions
from toolgym.cli.written_call import WrittenWrong, read_call, write_call
from toolgym.dialects import DIALECTS, get_dialect


@tool
def book(title: str, seats: int = 1, price: float = 0.0, tags: list[str] | None = None, paid: bool = False) -> str:
    """Book a room."""
    return title


ODD = Tool("get-weather", "Weather.", {"properties": {"first day": {"enum": ["Monday", "New Year"]}}})
TOOLS = [book, ODD]


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("book title=lunch", {"title": "lunch"}),
        ('book title="two words" seats=3', {"title": "two words", "seats": 3}),
        ("book title='two words'  price=2", {"title": "two words", "price": 2}),
        ("book title=5", {"title": "5"}),  # the schema wants text
        ('book title="5"', {"title": "5"}),
        ("book title=true paid=true", {"title": "true", "paid": True}),
        ("book title=x paid=True", {"title": "x", "paid": True}),
        ("book title=x seats=many", {"title": "x", "seats": "many"}),
        ('book tags=["a", "b c"] title=null', {"tags": ["a", "b c"], "title": "null"}),
        ("book title=a=b", {"title": "a=b"}),
        ("book title=", {"title": ""}),
        ("book", {}),
    ],
)
def test_a_value_is_json_if_the_schema_agrees_and_else_text(line, arguments):
    call, _ = read_call(line, TOOLS)
    assert (call.name, call.arguments) == ("book", arguments)


def test_what_the_schema_objects_to_is_said_and_the_call_stands():
    call, objections = read_call("book seats=many room=1", TOOLS)
    assert call.arguments == {"seats": "many", "room": 1}
    assert len(objections) == 3
    assert read_call("book title=x", TOOLS)[1] == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "a tool's name is missing"),
        ("bok title=x", "there is no tool 'bok'. Did you mean book?"),
        ("book title", "'title': write title=VALUE"),
        ("book title = x", "'title': write title=VALUE"),
        ("book title=x title=y", "title is given twice"),
        ("book tags=[1, title=x", "tags: [1, title=x is not JSON: Expecting value at character 15"),
        ('book title="two', 'title: "two is not JSON'),
        ('book title="a"b', "a space is missing before 'b'"),
        ("book =x", "a parameter is missing before '=x'"),
        ("book tags=" + "[" * 100_000, "is not JSON: too deep"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(line, told):
    with pytest.raises(WrittenWrong) as error:
        read_call(line, TOOLS)
    assert told in str(error.value)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
)
_OPEN = Tool("any thing", "", {"type": "object", "additionalProperties": True})


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text(max_size=6), _VALUES, max_size=3))
def test_a_call_that_is_written_is_read_back(arguments):
    call, _ = read_call(write_call(_OPEN.name, arguments), [_OPEN])
    assert call.arguments == arguments


@settings(max_examples=100, deadline=None)
@given(st.text("book title=\"[{}]'= ,5\\", max_size=40))
def test_any_line_is_read_or_refused(line):
    with suppress(WrittenWrong):
        assert read_call(line, TOOLS)[0].name == "book"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_draft_is_well_formed_in_every_dialect(dialect):
    dialect = get_dialect(dialect)
    draft = Draft(dialect)
    assert not draft
    draft.calls.append(read_call('book title="two words" seats=3', TOOLS)[0])
    read = dialect.parse(draft.text())
    assert [(call.name, call.arguments) for call in read.calls] == [("book", {"title": "two words", "seats": 3})]
    assert dialect.well_formed(read, calls=True, response=False)
    draft.drop()
    draft.response = "It is done."
    read = dialect.parse(draft.text())
    assert (read.calls, read.said) == ((), "It is done.")
    assert dialect.well_formed(read, calls=False, response=True)


def test_a_thought_of_ones_own_is_kept():
    draft = Draft(get_dialect("hermes"))
    draft.calls.append(read_call("book title=x", TOOLS)[0])
    draft.think = "A room, then."
    assert get_dialect("hermes").parse(draft.text()).think == "A room, then."


@pytest.mark.parametrize("suite", ["ToolGym-Office-v0", "ToolGym-Functions-v1"])
def test_gold_calls_are_written_and_read_back(suite):
    env = gym.make(suite).unwrapped
    for seed in range(15):
        env.reset(seed=seed)
        for text in env.gold(env.task)[:1]:
            for call in env.parse(text).calls:
                again, objections = read_call(write_call(call.name, call.arguments), env.episode.tools)
                assert (again.name, again.arguments) == (call.name, call.arguments)
                assert objections == next(
                    each for each in env.episode.tools if each.name == call.name
                ).validator.problems(call.arguments)


@pytest.mark.parametrize(
    ("before", "word", "found"),
    [
        ("", ":to", [":tool ", ":tools "]),
        (":call ", "b", ["book "]),
        (":tool ", "", ["book ", "get-weather "]),
        (":call book ", "t", ["title=", "tags="]),
        (":call book title=x ", "t", ["tags="]),
        (":call book ", "paid=", ["paid=true ", "paid=false "]),
        (":call book ", "title=", []),
        (":call get-weather ", "", ['"first day"=']),
        (":call nothing ", "t", []),
        (":say ", "b", []),
        ("some words ", "b", []),
    ],
)
def test_tab_completes_names_and_values(before, word, found):
    assert completions(before, word, TOOLS) == found


def test_tab_completes_values_as_they_are_read():
    listed = Tool("odd", "Odd.", {"properties": {"a": {"enum": ["x", None, 1.5]}}})
    assert completions(":call odd ", "a=", [listed]) == ["a=x ", "a=null ", "a=1.5 "]
    assert read_call("odd a=null", [listed])[0].arguments == {"a": None}


def test_the_shop_is_bought_from():
    call, objections = read_call("add item=milk quantity=2", tools_of(Shop))
    assert (call.arguments, objections) == ({"item": "milk", "quantity": 2}, ())
