"""Limits on parameters: no library that reads a type may drop them."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import msgspec
import pytest

from toolgym import tool

pydantic = pytest.importorskip("pydantic")

Meta = msgspec.Meta


class Room(pydantic.BaseModel):
    beds: int


@dataclasses.dataclass
class Stay:
    nights: Annotated[int, Meta(ge=1)]
    room: Room


def of(annotation: Any):
    def f(x):
        """Repeat."""
        return repr(x)

    f.__annotations__ = {"x": annotation}
    return tool(f)


@pytest.mark.parametrize(
    ("annotation", "wrong", "right"),
    [
        (Annotated[int | None, Meta(ge=1, le=9, description="how many")], [-5, 10, "a"], [None, 3, 9.0]),
        (Annotated[int | None, Meta(ge=1)], [0], [None, 1]),
        (Annotated[int | str, Meta(ge=1)], [0], [1, "free"]),
        (Annotated[str | None, Meta(pattern="^a", max_length=2)], ["b", "aaa"], ["a", None]),
        (Annotated[list[int] | None, Meta(max_length=2)], [[1, 2, 3]], [[1], None]),
        (list[Annotated[int | None, Meta(ge=1)]], [[0]], [[1, None]]),
        (Annotated[int, Meta(ge=1)] | Room, [0], [2, {"beds": 1}]),
        (dict[str, Annotated[int, Meta(ge=1)] | Room], [{"k": 0}], [{"k": 1}]),
        (Annotated[list[Room], Meta(min_length=2)], [[{"beds": 1}]], [[{"beds": 1}] * 2]),
        (tuple[Annotated[int, Meta(ge=1)], Room], [[0, {"beds": 1}]], [[1, {"beds": 1}]]),
    ],
)  # fmt: skip
def test_a_limit_holds_wherever_it_stands(annotation, wrong, right):
    made = of(annotation)
    for value in wrong:
        assert made.validator.problems({"x": value}), value
    for value in right:
        assert not made.validator.problems({"x": value}), value
        assert made.run({"x": value}).error is None


def test_a_description_of_an_optional_parameter_is_shown():
    made = of(Annotated[int | None, Meta(ge=1, description="how many")])
    assert made.parameters["properties"]["x"]["description"] == "how many"
    assert of(Annotated[Room | None, Meta(description="which")]).parameters["properties"]["x"]["description"] == "which"


@pytest.mark.parametrize(
    ("annotation", "why"),
    [
        (Annotated[bool | None, Meta(ge=1)], "the limit ge fits none of the types in the union"),
        (Stay, r"limits have to be pydantic's: Field\(ge=1\)"),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused(annotation, why):
    with pytest.raises(TypeError, match=why):
        of(annotation)
