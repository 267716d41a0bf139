from __future__ import annotations

import asyncio
import dataclasses
import enum
import json
import os
import subprocess
import sys
import textwrap
import time
from collections import deque
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
import numpy as np
import pydantic
import pytest

from toolgym import Tool, tool, tools_of
from toolgym.tools.schema import Validator, normalise, parameters_schema
from toolgym.types import FrozenDict


@tool
def book(city: str, nights: int, style: Literal["plain", "fancy"] = "plain", guests: list[str] | None = None) -> str:
    """Book a hotel.

    Args:
        city: Where to.
        nights: How long,
            in nights.
    """
    return f"{city} {nights} {style} {guests}"


def test_signature_and_docstring_become_the_schema():
    function = book.schema["function"]
    assert function["name"] == "book"
    assert function["description"] == "Book a hotel."
    parameters = function["parameters"]
    assert parameters["properties"]["city"] == {"type": "string", "description": "Where to."}
    assert parameters["properties"]["nights"]["description"].startswith("How long")
    assert set(parameters["properties"]["style"]["enum"]) == {"plain", "fancy"}
    assert parameters["required"] == ("city", "nights")
    assert parameters["additionalProperties"] is False


def test_arguments_are_validated():
    problems = book.validator.problems
    assert problems({"city": "Oslo", "nights": 2}) == ()
    assert problems({"city": "Oslo", "nights": 2, "guests": ["Ada"], "style": "fancy"}) == ()
    assert any("nights" in p for p in problems({"city": "Oslo", "nights": "2"}))
    assert any("nights" in p for p in problems({"city": "Oslo"}))
    assert any("pool" in p for p in problems({"city": "Oslo", "nights": 2, "pool": True}))
    assert problems({"city": "Oslo", "nights": True}) != ()
    assert problems({"city": "Oslo", "nights": 2, "guests": [1]}) != ()
    assert problems({"city": "x" * 100_000, "nights": "y" * 100_000})[0].__len__() < 300


def test_a_tool_is_still_its_function():
    assert book("Oslo", 2) == "Oslo 2 plain None"


class Point(msgspec.Struct):
    x: float
    y: float


def test_structured_types_are_written_out():
    @tool
    def draw(points: list[Point], width: Annotated[float, msgspec.Meta(gt=0)] = 1.0) -> None:
        """Draw."""

    point = draw.parameters["properties"]["points"]["items"]
    assert point["properties"]["x"]["type"] == "number"
    assert draw.validator.problems({"points": [{"x": 1, "y": 2}]}) == ()
    assert draw.validator.problems({"points": [{"x": 1}]}) != ()
    assert draw.validator.problems({"points": [], "width": 0}) != ()


def test_open_ended_functions_take_anything():
    @tool
    def log(level: str, **fields: str) -> None:
        """Log."""

    assert log.validator.problems({"level": "info", "who": "me"}) == ()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(x): ...", "'x' has no type"),
        ("def f(*xs): ...", "'xs' has no type"),
        ("def f(x: int, **more: type): ...", "parameter 'more' has no JSON Schema for its type type; use"),
        (
            "def f(a: int, x: 'list[Nowhere]'): ...",
            "type of parameter 'x', 'list.Nowhere.', cannot be .*name 'Nowhere'.*module",
        ),
        ("def f(a: int, x: 'int |'): ...", "type of parameter 'x', 'int |', cannot be resolved"),
        ("def f(a: int, x: type): ...", "parameter 'x' has no JSON Schema for its type type; use str, int"),
        ("def f(a: int, x: list[range]): ...", r"parameter 'x' has no JSON Schema for its type list\[range\]; use"),
        ("def f(a: int, x: int = 'y'): ...", "default of parameter 'x', 'y', is not of its type: .*; give one that is"),
        ("def f(a: int, x: int = None): ...", "default of parameter 'x', None, is not .*write x: int . None"),
        ("def f(a: int, x: int = object): ...", "default of parameter 'x', .*object"),
        ("def f(a: int, x: list[int] = ['a']): ...", "default of parameter 'x', .'a'., is not of its type"),
        ("import threading\ndef f(x: object = threading.Lock()): ...", "default of parameter 'x' cannot be copied"),
        ("def f(a: int):\n  'F.\\n\\nArgs:\\n    a: A.\\n    b: B.'", r"'f': its docstring describes 'b', .*\(a\)"),
        ("f = 'x'", "takes a function, got 'x'; arguments have names"),
        ("class f:\n  x: int", "takes a function, got class f"),
        ("import functools; f = functools.partial(len)", "takes a function, got functools.partial"),
        ("f = max", "'max': its signature cannot be read"),
    ],
)
def test_a_function_that_cannot_be_a_tool_says_why(source, message):
    scope: dict = {}
    exec(source, scope)
    with pytest.raises(TypeError, match=message) as caught:
        tool(scope["f"])
    assert "schema_hook" not in str(caught.value)
    assert "default_factory" not in str(caught.value)


def test_what_is_said_of_other_parts_than_parameters_is_no_mistake():
    def f(x: int = 1, size: float = 2, pair: tuple[int, int] = (1, 2), **rest: str) -> Nowhere:  # noqa: F821
        """F.

        Args:
            x: X.
            rest: The rest.
            colour: One of the rest.

        Raises:
            ValueError: never.

        Returns:
            int: nothing.
        """

    properties = tool(f).parameters["properties"]
    assert properties["x"] == {"default": 1, "type": "integer", "description": "X."}
    assert set(properties) == {"x", "size", "pair"}


def test_results_become_text():
    def result(value):
        return Tool("t", function=lambda: value, timeout=None).run({}).content

    assert result("plain") == "plain"
    assert result({"a": [1, None, True]}) == '{"a":[1,null,true]}'
    assert result(None) == "null"
    assert result({1, 2}) == "[1,2]"
    assert result({"b": {"y", "x", 3}, "a": [frozenset("ba")]}) == '{"b":["x","y",3],"a":[["a","b"]]}'
    assert result([Fraction(1, 2), np.float64(0.5), np.int64(3), np.array([[1, 2]])]) == '["1/2",0.5,3,[[1,2]]]'
    assert result(Point(1.0, 2.0)) == '{"x":1.0,"y":2.0}'
    assert result({None: 1, True: 2}) == '{"null": 1, "true": 2}'
    assert "\\ud800" in result({"x": "\ud800"})
    assert result("\ud800") == "\ud800"
    assert result({"x": float("nan"), "y": [float("inf")]}) == '{"x":null,"y":[null]}'


class Shade(str, enum.Enum):  # noqa: UP042  as many write it
    DARK = "dark"


@dataclasses.dataclass
class Report:
    tags: set[str]
    counts: dict[str, int]
    day: date = date(2024, 2, 29)
    shade: Shade = Shade.DARK


class Page(pydantic.BaseModel):
    words: set[str]
    price: Decimal = Decimal("1.50")
    data: bytes = b"hi"


def test_typed_results_become_json():
    def result(value):
        return Tool("t", function=lambda: value, timeout=None).run({}).content

    assert result(Shade.DARK) == "dark"
    assert result([Shade.DARK, None]) == '["dark",null]'
    shown = '{"tags":["a"],"counts":{"b":1},"day":"2024-02-29","shade":"dark"}'
    assert json.loads(result([Report({"a"}, {"b": 1})])) == [json.loads(shown)]
    assert json.loads(result({"x": Page(words={"b", "a"})})) == {
        "x": {"words": ["a", "b"], "price": "1.50", "data": "aGk="}
    }
    assert result(Page(words=set()).price) == '"1.50"'
    assert result([deque([1]), range(2), {"a": 1}.keys(), MappingProxyType({"b": 2})]) == '[[1],[0,1],["a"],{"b":2}]'
    assert result([Path("a/b"), timedelta(seconds=5), b"hi"]) == '["a/b","PT5S","aGk="]'


def test_a_missing_await_is_the_tools_failure():
    async def later():
        return 1

    assert Tool("t", function=lambda: later(), timeout=None).run({}).error == "not_json"

    class Callable:
        async def __call__(self) -> int:
            return 1

    assert Tool("t", function=Callable()).run({}).content == "1"


def test_results_are_the_same_in_every_process():
    source = """if True:
        import dataclasses, pydantic
        from toolgym import Tool
        @dataclasses.dataclass
        class Has: tags: set
        class Holds(pydantic.BaseModel): tags: set[str]
        tags = set("abcdefgh")
        value = [{"x": tags}, Has(tags), {"y": Holds(tags=tags)}, type("L", (list,), {})([tags])]
        print(Tool("t", function=lambda: value).run({}).content)"""
    seen = set()
    for seed in "12":
        environ = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=50, env=environ)
        seen.add(done.stdout)
    assert len(seen) == 1, seen


@tool(timeout=None)
def consume(items: list[dict], rest: dict | None = None) -> int:
    """Empty what it is given."""
    items[0].clear()
    items.clear()
    (rest or {}).clear()
    return len(items)


@tool
async def consume_later(items: list[dict], rest: dict | None = None) -> int:
    """The same, waiting."""
    return consume(items, rest)


@pytest.mark.parametrize("greedy", [consume, consume_later])
def test_a_tool_that_changes_its_arguments_does_not_change_the_call(greedy):
    arguments = {"items": [{"id": 1, "tags": ["a"]}, {"id": 2}], "rest": {"deep": {"er": [1, 2]}}}
    before = json.dumps(arguments)
    for _ in range(2):
        assert greedy.run(arguments).content == "0"
        assert json.dumps(arguments) == before
    frozen = FrozenDict({"text": "x", "pair": ([1], 2)})
    seen = Tool("t", parameters={"properties": {"pair": {"type": "array"}}}, function=lambda text, pair: pair[0].pop())
    assert seen.run(frozen).content == "1"
    assert frozen["pair"] == ([1], 2)


def test_a_huge_result_is_cut():
    out = Tool("t", function=lambda: "x" * 100_000_000, timeout=None, result_limit=50).run({})
    assert out.content == "x" * 50 + "\n[cut: 50 of 100000000 characters shown]"
    assert out.error is None


@pytest.mark.parametrize("error", [ValueError("bad"), RecursionError(), SystemExit(2), MemoryError(), StopIteration()])
@pytest.mark.parametrize("timeout", [None, 5.0])
def test_whatever_a_tool_raises_is_a_message(error, timeout):
    def fails():
        raise error

    result = Tool("t", function=fails, timeout=timeout).run({})
    assert result.error == "execution"
    assert type(error).__name__ in result.content


def test_a_keyboard_interrupt_on_a_worker_is_the_tools_own():
    def interrupt():
        raise KeyboardInterrupt

    assert Tool("t", function=interrupt, timeout=5).run({}).error == "execution"
    with pytest.raises(KeyboardInterrupt):
        Tool("t", function=interrupt, timeout=None).run({})


def test_an_exception_that_cannot_be_printed():
    class Mean(Exception):
        def __str__(self):
            raise RuntimeError

    def fails():
        raise Mean

    assert Tool("t", function=fails, timeout=None).run({}).content == "Error: Mean"


def test_a_tool_that_hangs_is_given_up():
    began = time.monotonic()
    result = Tool("nap", function=lambda: time.sleep(3), timeout=0.05).run({})
    assert time.monotonic() - began < 2
    assert result.error == "timeout"
    assert "nap did not finish within 0.05 seconds" in result.content


def test_async_tools():
    @tool(timeout=0.2)
    async def fetch(delay: float) -> dict[str, float]:
        """Fetch."""
        await asyncio.sleep(delay)
        return {"delay": delay}

    assert fetch.run({"delay": 0.001}).content == '{"delay":0.001}'
    assert fetch.run({"delay": 5}).error == "timeout"

    @tool(timeout=5)
    async def cancelled() -> None:
        """Cancel itself."""
        raise asyncio.CancelledError

    assert cancelled.run({}).error == "execution"


def test_an_async_tool_that_blocks_does_not_block_the_next():
    @tool(timeout=0.05)
    async def rude() -> None:
        """Block the loop."""
        time.sleep(2)

    @tool(timeout=5)
    async def polite() -> str:
        """Answer."""
        return "here"

    assert rude.run({}).error == "timeout"
    assert polite.run({}).content == "here"


def test_a_hung_tool_does_not_keep_the_interpreter_from_exiting():
    source = """
        import time
        from toolgym import Tool
        print(Tool("t", function=lambda: time.sleep(60), timeout=0.05).run({}).error)
    """
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, timeout=50)
    assert done.stdout.strip() == "timeout"
    assert time.monotonic() - began < 40


def test_tools_of_a_class():
    class Base:
        @tool
        def one(self) -> int:
            """One."""
            return 1

    class Derived(Base):
        @tool(name="two", description="Better.")
        def second(self, x: int) -> int:
            return x

    assert [(t.name, t.description, t.stateful) for t in tools_of(Derived)] == [
        ("one", "One.", True),
        ("two", "Better.", True),
    ]
    assert Derived().second(5) == 5
    with pytest.raises(ValueError, match="defines no tools"):
        tools_of(int)
    with pytest.raises(TypeError, match=r"tools_of takes a class, got .*; write tools_of\(Derived\)"):
        tools_of(Derived())  # type: ignore[arg-type]


def test_a_tool_without_a_function_cannot_be_called():
    with pytest.raises(TypeError, match="only described"):
        Tool("t")()
    with pytest.raises(ValueError, match="needs a name"):
        Tool("")
    with pytest.raises(ValueError, match="timeout"):
        Tool("t", timeout=0)
    with pytest.raises(ValueError, match="tool 'bad': not a usable JSON Schema"):
        Tool("bad", parameters={"properties": {"x": {"type": "string", "pattern": "("}}}).validator  # noqa: B018


# Schema dialects ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "good", "bad"),
    [
        ("dict", {}, []),
        ("float", 1, "1"),
        ("tuple", [1], {}),
        ("any", None, ...),
        ("HashMap", {}, "x"),
        ("ArrayList", [], "x"),
        ("Bigint", 10**30, "1"),
        ("String", "x", 1),
        ("Boolean", True, 1),
        ("long", 3, 1.5),
        ("char", "c", 1),
        ("double", 1.5, "1.5"),
        ("int, optional", ["anything"], ...),
        (["string", "null"], None, 1),
    ],
)
def test_the_benchmarks_types_mean_what_they_mean(theirs, good, bad):
    validator = Validator(parameters_schema({"type": "dict", "properties": {"x": {"type": theirs}}}))
    assert validator.problems({"x": good}) == ()
    if bad is not ...:
        assert validator.problems({"x": bad}) != ()


def test_words_that_the_standard_does_not_have_are_dropped():
    x = {"type": "String", "required": True, "optional": False}
    schema = {"type": "dict", "properties": {"x": x}, "optional": ["x"]}
    assert normalise(schema) == {"type": "object", "properties": {"x": {"type": "string"}}}
    assert normalise(None) == {}
    assert normalise({"type": "string", "enum": []}) == {"type": "string"}
    assert parameters_schema({})["type"] == "object"


def test_arguments_that_are_not_json_are_a_problem_not_a_crash():
    validator = Validator(parameters_schema({"properties": {"x": {"type": "integer"}}}))
    assert validator.problems({"x": 1 + 2j})[0].startswith("arguments are not JSON")
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    assert isinstance(validator.problems({"x": deep}), tuple)
    assert isinstance(validator.problems({"x": "\ud800"}), tuple)
    assert isinstance(validator.problems({"x": 10**400}), tuple)
    assert isinstance(validator.problems({"x": float("nan")}), tuple)
