"""A tool gets values of its parameters' types, whatever the type; what has no JSON form is refused by ``@tool``."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as d
import enum
import fractions
import ipaddress
import json
import pathlib
import sys
import uuid
from collections import deque
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    TypedDict,
    TypeVar,
    Union,
    Unpack,
)

import annotated_types as at
import msgspec
import pydantic
import pytest
from conftest import calling
from typing_extensions import Doc, TypeAliasType

from toolgym import Task, Tool, ToolCall, ToolEnv, ToolVectorEnv, tool, tools_of

T = TypeVar("T")


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Colour(str, enum.Enum):  # noqa: UP042  as many write it
    RED = "red"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Mixed(enum.Enum):
    ONE = 1
    X = "x"
    HALF = 0.5
    NONE = None


class Pair(enum.Enum):
    A = (1, 2)


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


@dataclasses.dataclass(frozen=True)
class Line:
    start: Point
    ends: list[Point] = dataclasses.field(default_factory=list)
    mode: Mode = Mode.FAST
    day: d.date | None = None


@dataclasses.dataclass
class Circle:
    radius: int


@dataclasses.dataclass
class Box(Generic[T]):
    item: T


@dataclasses.dataclass
class Tree:
    n: int
    inner: list[Tree] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Even:
    n: int

    def __post_init__(self):
        if self.n % 2:
            raise ZeroDivisionError("odd")


class Total(TypedDict):
    a: int
    b: NotRequired[str]


class Part(NamedTuple):
    a: int
    b: str = "x"


class Struct(msgspec.Struct):
    a: Annotated[int, msgspec.Meta(ge=1)]


class Cat(msgspec.Struct, tag="cat"):
    lives: int


class Dog(msgspec.Struct, tag="dog"):
    name: str


class Model(pydantic.BaseModel):
    a: int = pydantic.Field(gt=0, description="How many.")
    child: Model | None = None


class Strict(pydantic.BaseModel, strict=True):
    a: int
    b: list[int | str]


class Kitten(pydantic.BaseModel):
    kind: Literal["kitten"]
    lives: int


class Puppy(pydantic.BaseModel):
    kind: Literal["puppy"]
    name: str


@pydantic.dataclasses.dataclass
class Checked:
    x: int = pydantic.Field(gt=0)


@dataclasses.dataclass
class Holder:
    model: Model
    path: pathlib.Path
    when: Annotated[int, pydantic.Field(lt=5)] = 1


UserId = NewType("UserId", int)
Ints = TypeAliasType("Ints", list[int])
Nested = TypeAliasType("Nested", "list[Nested] | int")
Pairs = TypeAliasType("Pairs", list[tuple[T, T]], type_params=(T,))
DAY, NOON = d.date(2024, 2, 29), d.time(12, 30)
ID = "12345678-1234-5678-1234-567812345678"

GOOD = [
    (Mode, "fast", Mode.FAST),
    (Optional[Mode], None, None),  # noqa: UP045
    (list[Mode], ["fast", "slow"], [Mode.FAST, Mode.SLOW]),
    (dict[str, Mode], {"a": "slow"}, {"a": Mode.SLOW}),
    (dict[Mode, int], {"fast": 1}, {Mode.FAST: 1}),
    (Level, 2, Level.HIGH),
    (Level, 2.0, Level.HIGH),
    (Colour, "red", Colour.RED),
    (Access, 1, Access.READ),
    (Access, 3, Access.READ | Access.WRITE),
    (Mixed, 0.5, Mixed.HALF),
    (Mixed, "x", Mixed.X),
    (Mode | int, "fast", Mode.FAST),
    (Level | str, 1, Level.LOW),
    (Literal[Mode.FAST], "fast", Mode.FAST),
    (Literal["a", 1, None], 1.0, 1),
    (Point, {"x": 1}, Point(1)),
    (Point, {"x": 3.0, "y": 2}, Point(3, 2.0)),
    (list[Point], [{"x": 1.0}], [Point(1)]),
    (Point | None, {"x": 1}, Point(1)),
    (Point | Circle, {"radius": 2.0}, Circle(2)),
    (Line, {"start": {"x": 1}, "ends": [{"x": 2.0}], "mode": "slow", "day": "2024-02-29"},
     Line(Point(1), [Point(2)], Mode.SLOW, DAY)),
    (Box[int], {"item": 3.0}, Box(3)),
    (Box[Point], {"item": {"x": 1}}, Box(Point(1))),
    (Tree, {"n": 1, "inner": [{"n": 2.0, "inner": [{"n": 3}]}]}, Tree(1, [Tree(2, [Tree(3)])])),
    (Total, {"a": 1.0}, {"a": 1}),
    (list[Total], [{"a": 1, "b": "x"}], [{"a": 1, "b": "x"}]),
    (Part, [1.0], Part(1)),
    (Struct, {"a": 1}, Struct(1)),
    (Cat | Dog, {"type": "dog", "name": "Rex"}, Dog("Rex")),
    (Model, {"a": 3.0, "child": {"a": 1}}, Model(a=3, child=Model(a=1))),
    (Model | None, {"a": 3}, Model(a=3)),
    (list[Model], [{"a": 1}], [Model(a=1)]),
    (Strict, {"a": 3.0, "b": [2.0, "x"]}, Strict(a=3, b=[2, "x"])),
    (Annotated[Kitten | Puppy, pydantic.Field(discriminator="kind")], {"kind": "puppy", "name": "R"},
     Puppy(kind="puppy", name="R")),
    (Checked, {"x": 1}, Checked(1)),
    (Holder, {"model": {"a": 1}, "path": "x/y"}, Holder(Model(a=1), pathlib.Path("x/y"))),
    (d.date, "2024-02-29", DAY),
    (list[d.date], ["2024-02-29"], [DAY]),
    (d.datetime, "2024-02-29T12:30:00", d.datetime.combine(DAY, NOON)),
    (d.datetime, "2024-02-29T12:30:00Z", d.datetime.combine(DAY, NOON, d.UTC)),
    (d.datetime | None, None, None),
    (d.time, "12:30:00", NOON),
    (d.timedelta, "PT90S", d.timedelta(seconds=90)),
    (d.date | int, "2024-02-29", DAY),
    (uuid.UUID, ID, uuid.UUID(ID)),
    (Decimal, "19.90", Decimal("19.90")),
    (dict[str, Decimal], {"a": "0.1"}, {"a": Decimal("0.1")}),
    (bytes, "aGk=", b"hi"),
    (bytes | None, "aGk=", b"hi"),
    (tuple[int, str], [3.0, "a"], (3, "a")),
    (tuple[int, ...], [1, 2.0], (1, 2)),
    (tuple[Point, Mode], [{"x": 1}, "fast"], (Point(1), Mode.FAST)),
    (set[int], [1, 2.0], {1, 2}),
    (frozenset[str], ["a"], frozenset("a")),
    (pathlib.Path, "a/b", pathlib.Path("a/b")),
    (list[pathlib.Path], ["a"], [pathlib.Path("a")]),
    (pathlib.Path | None, "a", pathlib.Path("a")),
    (int, 3.0, 3),
    (int, 1e20, 10**20),
    (int | None, 3.0, 3),
    (list[int], [3.0, 4], [3, 4]),
    (list[list[int]], [[3.0]], [[3]]),
    (dict[str, int], {"a": 3.0}, {"a": 3}),
    (dict[int, str], {"1": "a"}, {1: "a"}),
    (int | float, 3.0, 3.0),
    (int | float, 3, 3),
    (list[int | float], [3.0, 3], [3.0, 3]),
    (int | str, 3.0, 3),
    (int | str, "3", "3"),
    (str | None, "null", "null"),
    (bool | str, "true", "true"),
    (list[str] | str, ["a"], ["a"]),
    (float, 3, 3.0),
    (list[float], [3], [3.0]),
    (UserId, 3.0, 3),
    (Ints, [3.0], [3]),
    (list[Ints], [[3.0]], [[3]]),
    (Nested, [3.0, [4.0, []]], [3, [4, []]]),
    (dict[str, Nested], {"a": [3.0]}, {"a": [3]}),
    (Pairs[int], [[3.0, 4]], [(3, 4)]),
    (c.Sequence[int], [3.0], [3]),
    (c.Mapping[str, int], {"a": 3.0}, {"a": 3}),
    (c.Iterable[int], [3.0], [3]),
    (c.Set[int], [3.0], {3}),
    (deque[int], [3.0], deque([3])),
    (Any, {"a": [3.0]}, {"a": [3.0]}),
    (object, 3.0, 3.0),
    (list[object], [3.0], [3.0]),
    (None, None, None),
    (Annotated[int, msgspec.Meta(ge=1)], 3.0, 3),
    (Annotated[str, pydantic.Field(pattern="^a")], "ab", "ab"),
    (Annotated[int, at.Gt(0), at.MultipleOf(3)], 3, 3),
    (Annotated[int, "how many"], 3.0, 3),
    (Annotated[list[Annotated[int, at.Ge(1)]], at.Len(1, 2)], [1], [1]),
    (ipaddress.IPv4Address, "10.0.0.1", ipaddress.IPv4Address("10.0.0.1")),
    (fractions.Fraction, "1/3", fractions.Fraction(1, 3)),
]  # fmt: skip
BAD = [
    (Mode, "FAST"),
    (Level, True),
    (Access, 4),
    (Point, {"x": "3"}),
    (Point, {"x": True}),
    (Point, {"x": 3.5}),
    (Line, {"start": {"y": 1}}),
    (Tree, {"n": 1, "inner": [{"n": "x"}]}),
    (Even, {"n": 1}),
    (Struct, {"a": 0}),
    (Model, {"a": 0}),
    (Model, {"a": 1, "child": {"a": -1}}),
    (Checked, {"x": 0}),
    (Holder, {"model": {"a": 1}, "path": "x", "when": 9}),
    (d.date, "2024-02-30"),
    (d.date, "tomorrow"),
    (d.datetime, 0),
    (d.datetime | None, "null"),
    (uuid.UUID, "x"),
    (Decimal, "1,5"),
    (Decimal, 1.5),
    (bytes, "!"),
    (tuple[int, str], [1]),
    (set[int], [1, "a"]),
    (int, 3.5),
    (int, True),
    (int, "3"),
    (int, 1e400),
    (float, float("nan")),
    (float, 10**400),
    (list[float], [float("inf")]),
    (Any, float("nan")),
    (dict[str, Any], {"a": [1e999]}),
    (bool, 1),
    (dict[int, str], {"a": "b"}),
    (Annotated[int, at.Gt(0)], 0),
    (Annotated[str, pydantic.Field(pattern="^a")], "b"),
    (Annotated[list[Annotated[int, at.Ge(1)]], at.Len(1, 2)], [0]),
    (list[Annotated[int, pydantic.Field(le=3)]], [4]),
    (dict[str, Annotated[str, at.MinLen(2)]], {"a": "x"}),
]


def taking(kind, default=...):
    """A tool with a parameter ``value`` of this type, which keeps what it gets."""
    got = []

    def keep(value):
        got.append(value)
        return "kept"

    keep.__annotations__ = {"value": kind}
    keep.__defaults__ = () if default is ... else (default,)
    return tool(timeout=None)(keep), got


@pytest.mark.parametrize(("kind", "value", "wanted"), GOOD, ids=str)
def test_the_function_gets_the_typed_value(kind, value, wanted):
    made, got = taking(kind)
    before = json.dumps(value)
    assert made.validator.problems({"value": value}) == ()
    assert made.run({"value": value}).content == "kept"
    assert got == [wanted]
    assert type(got[0]) is type(wanted)
    assert getattr(got[0], "__dict__", None) == getattr(wanted, "__dict__", None)
    assert repr(got[0]) == repr(wanted), "3 and not 3.0, at every depth"
    assert json.dumps(value) == before
    assert json.loads(made.line)["parameters"]["properties"]["value"] is not None


@pytest.mark.parametrize(("kind", "value"), BAD, ids=str)
def test_a_value_that_does_not_fit_is_a_message_that_names_the_parameter(kind, value):
    made, got = taking(kind)
    env = ToolEnv([Task.of("t", "Hi.", [made])])
    env.reset()
    problems = made.validator.problems({"value": value})
    direct = made.run({"value": value})
    if kind is float and type(value) is int:
        problems = (direct.content,)  # 1e400 as a whole number satisfies the schema
    assert problems
    assert "value" in problems[0]
    if not problems[0].startswith("Error"):
        result = env.step(calling(("keep", {"value": value})))[4]["calls"][0].result
        assert result.error == "invalid_arguments"
        assert got == [] or direct.error is None
    assert len(problems[0]) < 1000


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (type, "type; use str, int"),
        (c.Callable, "use str, int"),
        (type[int], "use str, int"),
        (list[c.Iterator[int]], "use str, int"),
        (complex, "use str, int"),
        (Pair, "the members of Pair need values that are text or numbers"),
        (list[Pair], "text or numbers"),
        (enum.Enum("Nothing", {}), "text or numbers"),
        (threading := __import__("threading").Lock, "use str, int"),
        (Struct | Model, "use str, int"),
    ],
)
def test_a_type_without_a_json_form_is_refused(kind, said):
    with pytest.raises(TypeError, match="parameter 'value' has no JSON Schema.*" + said):
        taking(kind)


def test_types_are_shown_as_they_are_written():
    def shown(kind):
        return json.loads(taking(kind)[0].line)["parameters"]["properties"]["value"]

    assert shown(d.date)["format"] == "date"
    assert shown(d.datetime | None)["anyOf"][0] == {"type": "string", "format": "date-time"}
    assert shown(Level)["description"] == "1 = LOW, 2 = HIGH"
    assert shown(Access) == {
        "title": "Access", "enum": [0, 1, 2, 3], "description": "1 = READ, 2 = WRITE; add the numbers to combine"
    }  # fmt: skip
    assert shown(Annotated[int, "How many."]) == {"type": "integer", "description": "How many."}
    assert shown(Annotated[int, Doc("How many.")])["description"] == "How many."
    assert shown(Annotated[int, at.Interval(gt=1, le=5)]) == {"type": "integer", "exclusiveMinimum": 1, "maximum": 5}
    assert shown(Checked)["properties"]["x"] == {"title": "X", "type": "integer", "exclusiveMinimum": 0}
    assert shown(Point)["properties"]["x"] == {"type": "integer"}
    assert shown(int | float) == {"type": "number"}
    assert shown(list[float | int]) == {"type": "array", "items": {"type": "number"}}
    tree = taking(Tree)[0].parameters
    assert tree["properties"]["value"] == {"$ref": "#/$defs/Tree"}
    assert tree["$defs"]["Tree"]["properties"]["inner"]["items"] == {"$ref": "#/$defs/Tree"}


@pytest.mark.parametrize(
    ("kind", "default", "shown"),
    [
        (Mode, Mode.SLOW, "slow"),
        (Level, Level.HIGH, 2),
        (Point, Point(1, 2.0), {"x": 1, "y": 2.0}),
        (Line | None, None, None),
        (list[int], [1], [1]),
        (list[Point], [Point(1)], [{"x": 1, "y": 0.0}]),
        (dict[str, int], {}, {}),
        (set[int], {1}, [1]),
        (d.date, DAY, "2024-02-29"),
        (Decimal, Decimal("1.5"), "1.5"),
        (bytes, b"hi", "aGk="),
        (pathlib.Path, pathlib.Path("a"), "a"),
        (Model, Model(a=2), {"a": 2, "child": None}),
        (tuple[int, int], (1, 2), [1, 2]),
        (float, 2, 2),
    ],
    ids=str,
)
def test_defaults(kind, default, shown):
    made, got = taking(kind, default)
    assert json.loads(made.line)["parameters"]["properties"]["value"]["default"] == shown
    assert made.run({}).error is None
    assert made.run({"value": shown}).error is None
    assert got[0] == default
    assert got[1] == default


def test_a_default_that_a_call_changes_is_new_for_the_next():
    @tool(timeout=None)
    def add(item: str, to: list[str] = []) -> list[str]:  # noqa: B006
        to.append(item)
        return to

    assert [add.run({"item": "a"}).content for _ in range(2)] == ['["a"]', '["a"]']


def test_a_default_that_json_lacks_is_not_shown():
    made, got = taking(float, float("inf"))
    assert "default" not in made.parameters["properties"]["value"]
    made.run({})
    assert got == [float("inf")]


def test_a_field_in_the_place_of_a_default():
    @tool(timeout=None)
    def f(a: int = pydantic.Field(gt=0), b: list[int] = pydantic.Field(default_factory=list, max_length=1)) -> str:  # noqa: B008
        b.append(a)
        return repr((a, b))

    assert f.parameters["required"] == ("a",)
    assert f.parameters["properties"]["b"] == {
        "type": "array", "items": {"type": "integer"}, "maxItems": 1, "default": ()
    }  # fmt: skip
    assert [f.run({"a": 2.0}).content for _ in range(2)] == ["(2, [2])"] * 2
    assert f.validator.problems({"a": 0})
    assert f.validator.problems({"a": 1, "b": [1, 2]})


class Options(TypedDict, total=False):
    size: int
    mode: Mode


def test_every_kind_of_parameter():
    @tool(timeout=None)
    def f(a: int, b: Mode = Mode.FAST, /, c: int = 3, *xs: Point, d: float, **more: Level) -> str:
        return repr((a, b, c, xs, d, more))

    assert f.run({"a": 1.0, "d": 2}).content == repr((1, Mode.FAST, 3, (), 2.0, {}))
    full = {"a": 1, "b": "slow", "c": 4.0, "xs": [{"x": 1}], "d": 0.5, "z": 2}
    assert f.run(full).content == repr((1, Mode.SLOW, 4, (Point(1),), 0.5, {"z": Level.HIGH}))
    assert f.validator.problems(full) == ()
    assert f.validator.problems({**full, "z": 3})
    assert f.validator.problems({**full, "xs": [{}]})
    assert f.parameters["required"] == ("a", "d")

    @tool(timeout=None)
    def g(a: int, **options: Unpack[Options]) -> str:
        return repr((a, options))

    assert g.run({"a": 1, "mode": "slow"}).content == repr((1, {"mode": Mode.SLOW}))
    assert g.validator.problems({"a": 1, "other": 1})


@pytest.mark.parametrize(
    "docstring",
    [
        "Go.\n\nArgs:\n    mode (Mode): How.\n    points: Where.",
        "Go.\n\nParameters\n----------\nmode : Mode\n    How.\npoints : list\n    Where.",
        "Go.\n\n:param mode: How.\n:param points: Where.",
    ],
)
def test_docstrings_describe_typed_parameters(docstring):
    def f(mode: Mode, points: list[Point]) -> None: ...

    f.__doc__ = docstring
    properties = tool(f).parameters["properties"]
    assert [properties[key]["description"] for key in ("mode", "points")] == ["How.", "Where."]


class Board:
    def __init__(self) -> None:
        self.points: list[Point] = []

    @tool
    def put(self, point: Point, mode: Mode = Mode.FAST) -> Line:
        """Put."""
        self.points.append(point)
        return Line(point, self.points, mode, DAY)

    @tool
    async def later(self, points: list[Point]) -> int:
        """Put later."""
        self.points += points
        return sum(point.x for point in self.points)


@pytest.mark.parametrize("how", ["step", "vector", "fork"])
def test_methods_threads_coroutines_and_forks(how):
    env = ToolEnv([Task.of("t", "Hi.", tools_of(Board), [[ToolCall("put", {"point": {"x": 1}})]])], state=Board)
    env.reset()
    if how == "fork":
        (env,) = env.fork()
    step = (lambda text: ToolVectorEnv([env]).step_some([0], [text])[0]) if how == "vector" else env.step
    *_, info = step(calling(("put", {"point": {"x": 3.0}}), ("later", {"points": [{"x": 4.0}]})))
    first, second = [record.result.content for record in info["calls"]]
    assert json.loads(first)["start"] == {"x": 3, "y": 0.0}
    assert second == "7"
    assert info["calls"][0].call.arguments == {"point": {"x": 3.0}}, "the record shows what the model wrote"
    assert env.state.points == [Point(3), Point(4)]


def test_whatever_a_class_raises_is_a_message():
    class Rude(pydantic.BaseModel):
        a: int

        @pydantic.field_validator("a")
        @classmethod
        def check(cls, value):
            raise KeyError("rude")

    class Missing(enum.Enum):
        A = "a"

        @classmethod
        def _missing_(cls, value):
            raise SystemExit

    for kind in (Rude, Even):
        made, got = taking(kind)
        value = {"a": 1, "n": 1}
        assert made.validator.problems({"value": value})
        assert made.run({"value": value}).error == "invalid_arguments"
        assert not got
    assert taking(Missing)[0].run({"value": "b"}).error == "invalid_arguments"


def test_a_type_that_asks_a_server_which_is_down():
    class City(pydantic.BaseModel):
        name: str

        @pydantic.field_validator("name")
        @classmethod
        def known(cls, value):
            raise ConnectionError("the gazetteer is down")

    made, _ = taking(City)
    env = ToolEnv([Task.of("t", "Hi.", [made])])
    env.reset()
    *_, info = env.step(calling(("keep", {"value": {"name": "Oslo"}})))
    assert not info["reward_valid"]
    assert "the gazetteer is down" in info["error"]


def test_deep_and_odd_values_are_problems_not_crashes():
    deep: dict[str, Any] = {"n": 1}
    for _ in range(5000):
        deep = {"n": 1, "inner": [deep]}
    for kind, value in ((Tree, deep), (Model, {"a": 1, "x": deep}), (Model, {"a": "\ud800"}), (d.date, "\ud800"),
                        (Annotated[str, at.MinLen(1)], "\ud800"), (dict[int, int], {"1" * 5000: 1}),
                        (Decimal, "9" * 100_000), (d.date, "x" * 100_000)):  # fmt: skip
        made, _ = taking(kind)
        problems = made.validator.problems({"value": value})
        assert all(len(problem) < 1100 for problem in problems)
        assert made.run({"value": value}).error in (None, "invalid_arguments")


@pytest.mark.parametrize("union", [Union[int, str], int | str])  # noqa: UP007
def test_a_schema_of_ones_own_reads_whole_numbers_too(union):
    got = []
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer"}, "xs": {"type": "array", "items": {"$ref": "#/$defs/n"}},
            "any": {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "num": {"type": ["integer", "number"]},
            "free": {}, "deep": {"type": "object", "additionalProperties": {"type": "int"}},
            "pair": {"type": "array", "items": [{"type": "integer"}, {"type": "number"}]},
        },
        "$defs": {"n": {"type": "integer"}},
    }  # fmt: skip
    own = Tool("own", "", schema, lambda **given: got.append(given), timeout=None)
    arguments = {"n": 3.0, "xs": [1.0, 2], "any": 4.0, "num": 3.0, "free": 3.0, "deep": {"a": 1.0}, "pair": [1.0, 1.0]}
    assert own.validator.problems(arguments) == ()
    own.run(arguments)
    assert repr(got[0]) == repr(
        {"n": 3, "xs": [1, 2], "any": 4, "num": 3.0, "free": 3.0, "deep": {"a": 1}, "pair": [1, 1.0]}
    )
    assert taking(union)[0].run({"value": 3.0}).error is None


def test_without_pydantic_its_types_are_refused_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydantic", None)
    for kind in (Annotated[int, at.Gt(0)], Model, Point | Circle, Literal[Mode.FAST]):
        with pytest.raises(TypeError, match=r"parameter 'value' has no JSON Schema .*pip install pydantic"):
            taking(kind)
    made, got = taking(Line | None)
    assert made.run({"value": {"start": {"x": 1.0}}}).content == "kept"
    assert got == [Line(Point(1))]


@dataclasses.dataclass
class Spot:
    x: int


@dataclasses.dataclass(frozen=True)
class Fixed:
    x: int


@dataclasses.dataclass(frozen=True)
class Holder:
    spots: list[int]


class Changeable(msgspec.Struct):
    x: int


class Steady(msgspec.Struct, frozen=True):
    x: int


def repeating(annotation):
    def f(x):
        """Return it."""
        return repr(x)

    f.__annotations__ = {"x": annotation}
    return tool(f)


@pytest.mark.parametrize(
    ("annotation", "value", "read"),
    [
        (Mode | str, "fast", Mode.FAST),
        (Mode | str, "other", "other"),
        (str | Mode, "fast", "fast"),
        (Mode | str | None, None, None),
        (Mode | int | str, 3, 3),
        (Colour | str, "red", Colour.RED),
        (Level | int, 2, Level.HIGH),
        (Level | int, 7, 7),
        (Mode | Annotated[str, msgspec.Meta(max_length=9)], "slow", Mode.SLOW),
        (list[Mode | str], ["fast", "a"], [Mode.FAST, "a"]),
        (dict[str, uuid.UUID | Mode | str], {"a": "slow"}, {"a": Mode.SLOW}),
        (set[Fixed], [{"x": 1}], {Fixed(1)}),
        (set[Steady], [{"x": 1}], {Steady(1)}),
        (set[tuple[int, str]], [[1, "a"]], {(1, "a")}),
    ],
)
def test_unions_with_an_enum_read_from_left_to_right(annotation, value, read):
    made = repeating(annotation)
    assert made.validator.problems({"x": value}) == ()
    assert made.run({"x": value}).content == repr(read)


@pytest.mark.parametrize("kind", [Spot, Holder, Changeable, list[int], tuple[int, Spot], int | Spot, dict[str, int]])
@pytest.mark.parametrize("whole", [lambda kind: set[kind], lambda kind: list[frozenset[kind]] | None])
def test_a_set_of_values_without_a_hash_is_refused_when_the_tool_is_made(kind, whole):
    with pytest.raises(TypeError, match=r"a set cannot hold .*has no hash: make it frozen"):
        repeating(whole(kind))


@pytest.mark.parametrize(
    ("annotation", "keys"),
    [
        (dict[Mode, int], ["fast", "slow"]),
        (dict[Level, int], ["1", "2"]),
        (dict[Literal["a", "b"], int], ["a", "b"]),
        (c.Mapping[Colour, int] | None, ["red"]),
    ],
)
def test_keys_that_are_allowed_are_shown_and_checked(annotation, keys):
    made = repeating(annotation)
    assert json.dumps({"enum": keys}) in json.dumps(made.schema["function"]["parameters"])
    assert made.validator.problems({"x": {keys[0]: 1}}) == ()
    assert made.run({"x": {keys[0]: 1}}).error is None
    assert made.validator.problems({"x": {"other": 1}})
