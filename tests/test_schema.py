"""A schema that an author writes is shown whole and checked whole; mistakes in it are refused when the tool is made."""

from __future__ import annotations

import json
import pickle
import random
import socket
import time
from contextlib import suppress

import pytest
from conftest import calling

from toolgym import Task, Tool, ToolEnv
from toolgym.agents.random_json import random_arguments
from toolgym.cli.terminal import parameters_line
from toolgym.dialects import DIALECTS, get_dialect
from toolgym.tools.schema import Validator, normalise, parameters_schema
from toolgym.wrappers import DiscreteTools

TREE = {"type": "object", "properties": {"n": {"type": "integer"},
        "next": {"$ref": "#/$defs/tree"}}, "required": ["n"]}  # fmt: skip

# a schema of the parameter x; values that it allows; values that it refuses
WORDS = [
    ({"const": "on"}, ["on"], ["off"]),
    ({"enum": [1, "a", None]}, [1.0, "a", None], [2, True]),
    ({"type": "string", "pattern": "^[a-z]+$"}, ["ab"], ["AB", ""]),
    ({"type": "string", "pattern": "^\\p{Lu}ü+$"}, ["Éü"], ["éü"]),
    ({"type": "string", "pattern": "^(?!no)\\w+$"}, ["yes"], ["nope"]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "äöü"], ["a", "abcd"]),
    ({"type": "string", "format": "date"}, ["2024-02-29"], ["2024-02-30", "today"]),
    ({"type": "string", "format": "email"}, ["a@b.org"], ["a"]),
    ({"type": "string", "format": "uuid"}, ["12345678-1234-5678-1234-567812345678"], ["x"]),
    ({"type": "string", "format": "ipv4"}, ["10.0.0.1"], ["10.0.0.256"]),
    ({"type": "string", "format": "my-own"}, ["anything"], [1]),
    ({"type": "integer", "format": "int32"}, [1], ["1"]),
    ({"type": "integer", "format": "int32"}, [2**31 - 1], [2**31, -(2**31) - 1]),
    ({"type": "integer", "format": "int64"}, [2**63 - 1], [2**63]),
    ({"type": "integer", "format": "uint8"}, [0, 255], [-1, 256]),
    ({"items": {"format": "uint16"}}, [[65535, "7"]], [[65536], ["65536"], ["a"]]),
    ({"type": "number", "format": "float"}, [1e38], [1e39]),
    ({"type": "string", "format": "decimal"}, ["1", "-1.50", ".5"], ["1,5", "one", "", "1.5 EUR"]),
    ({"type": "string", "format": "byte"}, ["aGk=", ""], ["a", "not base64!", "äöü="]),
    ({"type": "string", "contentEncoding": "base64"}, ["aGk="], ["aGk", "%%%%"]),
    ({"type": "string", "contentEncoding": "base16", "allOf": [{"minLength": 2}]}, ["0aFF"], ["0", "0aF", "xx", ""]),
    ({"minimum": 1, "maximum": 3}, [1, 3], [0, 4]),
    ({"exclusiveMinimum": 1, "exclusiveMaximum": 3}, [2], [1, 3]),
    ({"type": "number", "minimum": 1, "exclusiveMinimum": True}, [1.5], [1]),
    ({"type": "number", "maximum": 3, "exclusiveMaximum": True}, [2], [3]),
    ({"type": "number", "minimum": 1, "exclusiveMinimum": False}, [1], [0]),
    ({"multipleOf": 0.01}, [0.07, 19.99], [0.005]),
    ({"type": "array", "minItems": 1, "maxItems": 2}, [[1]], [[], [1, 2, 3]]),
    ({"type": "array", "uniqueItems": True}, [[1, True]], [[1, 1.0]]),
    ({"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, [[1, "a"]], [["a"], [1, 2]]),
    ({"type": "array", "prefixItems": [{"type": "int"}], "items": False}, [[1]], [[1, 2]]),
    ({"type": "array", "items": [{"type": "int"}], "additionalItems": {"type": "string"}}, [[1, "a"]], [["a"], [1, 2]]),
    ({"type": "array", "items": [{"type": "integer"}], "additionalItems": False}, [[1]], [[1, 2]]),
    ({"type": "array", "contains": {"type": "integer"}, "minContains": 2, "maxContains": 3}, [[1, 2, "a"]], [[1, "a"]]),
    ({"type": "array", "contains": {"const": 1}, "unevaluatedItems": False}, [[1]], [[1, 2]]),
    ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, [{"a": "b"}], [{"b": 1}]),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, [{"a": 1}], [{"a": "b"}]),
    ({"type": "object", "patternProperties": {"^n_": {"type": "integer"}}, "additionalProperties": False},
     [{"n_a": 1}], [{"n_a": "b"}, {"m": 1}]),
    ({"type": "object", "propertyNames": {"maxLength": 2}}, [{"ab": 1}], [{"abc": 1}]),
    ({"type": "object", "minProperties": 1, "maxProperties": 1}, [{"a": 1}], [{}, {"a": 1, "b": 2}]),
    ({"type": "object", "required": ["a"]}, [{"a": 1}], [{}]),
    ({"dependentRequired": {"a": ["b"]}}, [{"b": 1}, {"a": 1, "b": 1}], [{"a": 1}]),
    ({"dependentSchemas": {"a": {"required": ["b"]}}}, [{}], [{"a": 1}]),
    ({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}, [{"a": 1, "b": 1}], [{"a": 1}, {"c": 1}]),
    ({"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 1}]}, [1, "a"], ["ab"]),
    ({"oneOf": [{"type": "integer"}, {"minimum": 2}]}, [1, 2.5], [3, 1.5]),
    ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, [1], [0, 3]),
    ({"not": {"type": "string"}}, [1], ["a"]),
    ({"if": {"properties": {"k": {"const": 1}}}, "then": {"required": ["a"]}, "else": {"required": ["b"]}},
     [{"k": 1, "a": 1}, {"k": 2, "b": 1}], [{"k": 1}, {"k": 2}]),
    ({"type": ["string", "null"]}, ["a", None], [1]),
    ({"type": "string", "nullable": True}, ["a", None], [1]),
    ({"type": "string", "enum": ["a"], "nullable": True}, ["a", None], ["b"]),
    ({"anyOf": [{"type": "string"}], "nullable": True}, ["a", None], [1]),
    ({"type": "string", "nullable": False}, ["a"], [None]),
    ({"$ref": "#/$defs/tree"}, [{"n": 1, "next": {"n": 2}}], [{"n": 1, "next": {"n": "x"}}, {"next": {"n": 1}}]),
    ({"$ref": "#/definitions/small", "description": "S."}, [1], [9]),
    ({"$ref": "#/$defs/tree", "nullable": True}, [None, {"n": 1}], [1]),
    ({"type": "array", "items": {"$ref": "#positive"}}, [[1]], [[-1]]),
    ({"$ref": "https://toolgym.test/other"}, ["other"], [1]),
    ({"type": "object", "properties": {"a": True, "b": False}}, [{"a": 1}], [{"b": 1}]),
    ({"type": "object", "allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False}, [{"a": 1}], [{"b": 1}]),
    ({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}, ["aGk="], [1]),
    ({"type": "dict", "properties": {"a": {"type": "float"}}}, [{"a": 1}], [{"a": "1"}]),
]  # fmt: skip
ANNOTATIONS = {"title": "T", "description": "D", "default": 1, "examples": [1, 2], "deprecated": True, "readOnly": True,
               "x-order": 3, "example": 5, "$comment": "C", "externalDocs": {"url": "u"}}  # fmt: skip


def schema_of(x):
    return {
        "type": "object",
        "properties": {"x": x},
        "$defs": {
            "tree": TREE,
            "p": {"$anchor": "positive", "minimum": 0},
            "o": {"$id": "https://toolgym.test/other", "type": "string"},
        },
        "definitions": {"small": {"maximum": 5}},
    }  # fmt: skip


def words_of(value):
    """Every key and every leaf of a schema."""
    if isinstance(value, dict):
        return set(value) | {word for item in value.values() for word in words_of(item)}
    if isinstance(value, (list, tuple)):
        return {word for item in value for word in words_of(item)}
    return {json.dumps(value)}


@pytest.mark.parametrize(("x", "good", "bad"), WORDS, ids=lambda value: json.dumps(value)[:60])
def test_each_word_is_shown_and_checked(x, good, bad):
    made = Tool("t", "T.", schema_of(x), lambda x: "done", timeout=None)
    env = ToolEnv([Task.of("t", "Hi.", [made])])
    for value in good:
        assert made.validator.problems({"x": value}) == ()
        assert Validator(made.schema["function"]["parameters"]).problems({"x": value}) == ()
        env.reset()
        assert env.step(calling(("t", {"x": value})))[4]["calls"][0].result.content == "done"
    for value in bad:
        assert made.validator.problems({"x": value}) != ()
        env.reset()
        assert env.step(calling(("t", {"x": value})))[4]["calls"][0].result.error == "invalid_arguments"
    told = words_of(schema_of(x)) - {'"int"', '"dict"', '"float"', "true", "false"}
    shown = made.schema["function"]["parameters"]
    assert told <= words_of(json.loads(json.dumps(shown))) | {"$defs"}
    assert env.reset()[0]["tools"][0] == made.schema
    assert told <= words_of(json.loads(made.line)) | {"$defs"}
    assert parameters_line(shown)
    assert pickle.loads(pickle.dumps(made.schema)) == made.schema


@pytest.mark.parametrize("reference", ["#/$defs/whole", "#whole", "#/properties/y/items/0", "https://toolgym.test/w"])
def test_whole_numbers_are_ints_behind_references(reference):
    schema = {
        "type": "object",
        "properties": {"x": {"type": "array", "items": {"$ref": reference}}, "y": {"items": [{"type": "integer"}]}},
        "$defs": {"whole": {"$anchor": "whole", "type": "integer"},
                  "other": {"$id": "https://toolgym.test/w", "type": "integer"}},
    }  # fmt: skip
    made = Tool("t", "T.", schema, lambda x: repr(x), timeout=None)
    assert made.validator.problems({"x": [3.0]}) == ()
    assert made.validator.problems({"x": [3.5]})
    assert made.run({"x": [3.0]}).content == "[3]"


@pytest.mark.parametrize(
    ("base", "reference"),
    [("https://toolgym.test/a/", "whole"), ("https://toolgym.test/a/b", "whole"),
     ("https://toolgym.test/a/", "/a/whole"),
     ("https://toolgym.test/a/", "whole#/$defs/inner"), ("https://toolgym.test/a/", "whole#it"),
     ("https://toolgym.test/a/", "https://toolgym.test/a/whole"), ("https://toolgym.test/a/", "relay")],
)  # fmt: skip
def test_whole_numbers_are_ints_behind_references_relative_to_an_id(base, reference):
    inner = {"$id": "whole", "type": "integer", "$defs": {"inner": {"$anchor": "it", "type": "integer"}}}
    relay = {"$id": "relay", "$ref": "#/$defs/x", "$defs": {"x": {"type": "integer"}}}
    schema = {"$id": base, "type": "object", "properties": {"x": {"$ref": reference}},
              "$defs": {"w": inner, "r": relay, "x": {"type": "string"}}}  # fmt: skip
    made = Tool("t", "T.", schema, lambda x: repr(x), timeout=None)
    assert made.validator.problems({"x": 3.0}) == ()
    assert made.run({"x": 3.0}).content == "3"


@pytest.mark.parametrize(
    ("x", "value", "read"),
    [
        ({"const": 3}, 3.0, "3"),
        ({"enum": [1, "a", 2.5]}, 1.0, "1"),
        ({"type": "number", "enum": [1, 2]}, 2.0, "2"),
        ({"enum": [1.0, 2]}, 1.0, "1.0"),
        ({"enum": [True, 7]}, 7.0, "7"),
        ({"anyOf": [{"const": 3}, {"type": "string"}]}, 3.0, "3"),
        ({"anyOf": [{"const": 3}, {"type": "number"}]}, 3.0, "3.0"),
        ({"items": {"enum": [4]}}, [4.0], "[4]"),
        ({"const": {"a": [5, "b"]}}, {"a": [5.0, "b"]}, "{'a': [5, 'b']}"),
        ({"type": "number"}, 3.0, "3.0"),
        ({"enum": ["a"]}, "a", "'a'"),
    ],
)
def test_whole_numbers_that_are_listed_as_integers_are_ints(x, value, read):
    made = Tool("t", "T.", {"properties": {"x": x, "y": {"type": "string"}}}, lambda x: repr(x), timeout=None)
    assert made.validator.problems({"x": value}) == ()
    assert made.run({"x": value}).content == read


def test_whole_numbers_of_flat_parameters_are_ints():
    schema = {"properties": {"n": {"type": "int"}, "x": {"type": "number"}, "s": {"type": "string"}}}
    made = Tool("t", "T.", schema, lambda **given: repr(given), timeout=None)
    assert made.run({"s": "a", "n": 3.0, "x": 2.0}).content == "{'s': 'a', 'n': 3, 'x': 2.0}"
    assert made.run({"n": 3, "x": 2.0}).content == "{'n': 3, 'x': 2.0}"
    assert made.run({"s": "a"}).content == "{'s': 'a'}"


def test_annotations_are_shown():
    made = Tool("t", "T.", {"type": "object", "properties": {"x": {"type": "integer", **ANNOTATIONS}}, "x-top": 1})
    shown = json.loads(json.dumps(made.schema["function"]["parameters"]))
    assert shown["properties"]["x"] == {"type": "integer", **ANNOTATIONS}
    assert shown["x-top"] == 1


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_dialect_shows_the_whole_schema(dialect):
    x = {"type": "string", "pattern": "^PATTERN", "examples": ["EXAMPLE"], "x-own": "OWN"}
    schema = {**schema_of(x), "if": {"required": ["x"]}, "then": {"properties": {"THEN": {}}}}
    env = ToolEnv([Task.of("t", "Hi.", [Tool("t", "T.", schema)])], dialect=dialect)
    observation, _ = env.reset()
    text = observation["messages"][0]["content"] if get_dialect(dialect).instructions(env.task.tools) else ""
    text = text or json.dumps(observation["tools"])
    unused = () if dialect == "compact" else ("$defs", "positive", "small")  # it writes references out
    for word in ("^PATTERN", "EXAMPLE", "OWN", "THEN", *unused):
        assert word in text


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {}}}]},
        {"$ref": "#/$defs/all", "$defs": {"all": {"properties": {"a": {"type": "integer"}, "b": {}}}}},
        {"properties": {"a": {"type": "integer"}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"if": {"required": ["a"]}, "then": {"properties": {"a": {"type": "integer"}, "b": {}}},
         "else": {"properties": {"b": {}}}},
    ],
)  # fmt: skip
def test_parameters_that_other_words_name_are_known(schema):
    made = Tool("t", "T.", {"type": "object", **schema}, lambda **given: json.dumps(given), timeout=None)
    assert made.validator.problems({"a": 1, "b": 2}) == ()
    assert made.run({"a": 1.0, "b": 2.0}).content == '{"a": 1, "b": 2.0}'
    assert made.validator.problems({"a": "1"})
    assert made.validator.problems({"a": 1, "c": 2})


def test_older_drafts_are_read_as_they_are_meant():
    four = {"$schema": "http://json-schema.org/draft-04/schema#", "id": "http://toolgym.test/root", "type": "object",
            "definitions": {"n": {"id": "#n", "type": "number", "minimum": 0, "exclusiveMinimum": True}},
            "properties": {"x": {"$ref": "#n"}, "id": {"type": "string"}}}  # fmt: skip
    made = Tool("t", "T.", four)
    assert made.validator.problems({"x": 1, "id": "a"}) == ()
    assert made.validator.problems({"x": 0})
    assert made.validator.problems({"id": 1})
    nine = {"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": True, "type": "object",
            "properties": {"x": {"$recursiveRef": "#"}, "n": {"type": "integer"}}}  # fmt: skip
    made = Tool("t", "T.", nine)
    assert made.validator.problems({"x": {"n": 1}}) == ()
    assert made.validator.problems({"x": {"n": "a"}})
    assert Tool("t", "T.", {"$schema": "https://toolgym.test/own", "type": "object"}).validator.problems({}) == ()


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ({"type": "strng"}, "parameters.properties.x.type is 'strng', which is not a type; did you mean 'string'"),
        ({"type": ["string", "nul"]}, "'nul'"),
        ({"type": []}, "is not a type"),
        ({"type": 3}, "is not a type"),
        ("string", "must be a schema such as"),
        (["string"], "must be a schema"),
        ({"items": "string"}, "properties.x.items must be a schema"),
        ({"items": [3]}, r"items\[0\]"),
        ({"anyOf": {"type": "string"}}, "anyOf must be a list"),
        ({"anyOf": []}, "anyOf"),
        ({"properties": ["a"]}, "properties must map names"),
        ({"$defs": {"a": {"type": "bolean"}}}, "did you mean 'boolean'"),
        ({"pattern": "("}, "pattern.*regex"),
        ({"pattern": "(a{1000}){1000}{1000}"}, "pattern|egex"),
        ({"patternProperties": {"(": {}}}, "regex"),
        ({"$ref": "#/$defs/nothing"}, "/\\$defs/nothing"),
        ({"$ref": "#nothing"}, "nothing"),
        ({"$ref": "http://toolgym.test/x"}, "outside of the schema"),
        ({"$ref": "file:///etc/hostname"}, "outside of the schema"),
        ({"$dynamicRef": "http://toolgym.test/x"}, "outside of the schema"),
        ({"$id": "http://toolgym.test/base/", "$ref": "x.json"}, "outside of the schema"),
        ({"Type": "string"}, "x.Type is not a word of JSON Schema; did you mean 'type'"),
        ({"minumum": 1}, "did you mean 'minimum'"),
        ({"enumm": ["a"]}, "did you mean 'enum'"),
        ({"requried": ["a"]}, "did you mean 'required'"),
        ({"min": 1}, "did you mean 'minimum'"),
        ({"max": 1}, "did you mean 'maximum'"),
        ({"choices": ["a"]}, "did you mean 'enum'"),
        ({"min_length": 1}, "did you mean 'minLength'"),
        ({"items": {"patern": "a"}}, "items.patern is not a word.*'pattern'"),
        ({"anyOf": [{"ref": "#"}]}, "did you mean '\\$ref'"),
        ({"tpye": "string"}, "did you mean 'type'"),
        ({"required": True}, "required must be a list of names"),
        ({"enum": []}, "enum must be a list of at least one"),
        ({"enum": "a"}, "enum must be a list"),
        ({"minimum": "1"}, "minimum"),
        ({"multipleOf": 0}, "multipleOf"),
        ({"minLength": -1}, "minLength"),
        pytest.param({"default": object()}, "not JSON", id="object"),
        ({"enum": [{1, 2}]}, "not JSON"),
        ({"default": float("nan")}, "not JSON"),
        ({"examples": [1e999]}, "not JSON"),
    ],
    ids=str,
)
def test_a_schema_that_means_nothing_is_refused_when_the_tool_is_made(x, said):
    with pytest.raises(ValueError, match=f"tool 't': (?s:.*){said}"):
        Tool("t", "T.", {"type": "object", "properties": {"x": x}}, lambda x: x)


def test_words_that_a_form_or_an_editor_adds_are_allowed_and_names_are_free():
    told = {
        "markdownDescription": "D",
        "order": 1,
        "widget": "w",
        "x-min": 1,
        "unit": "m",
        "enumNames": ["a"],
        "step": 2,
        "ui:widget": "w",
        "optional": True,
        "name": "n",
        "value": 1,
        "label": "L",
        "content": "c",
    }
    names = {name: {"type": "integer", **told} for name in ("min", "Type", "choices", "requried", "enumm")}
    made = Tool("t", "T.", {"type": "object", "properties": names, "default": {"min": 1}, "examples": [{"max": 2}]})
    assert made.validator.problems({"min": 1, "requried": 2}) == ()
    assert Tool("t", "T.", {"properties": {"x": {"min": 1, "Type": "a"}}}, trusted=True).validator


def test_other_mistakes():
    with pytest.raises(ValueError, match="describe an object, not 'string'"):
        Tool("t", "T.", {"type": "string"})
    with pytest.raises(ValueError, match="describe an object, not 'function'"):
        Tool("t", "T.", {"type": "function", "function": {"name": "t"}})
    deep: dict = {}
    for _ in range(60):
        deep = {"type": "object", "properties": {"x": deep}}
    with pytest.raises(ValueError, match="nested deeper than 50"):
        Tool("t", "T.", deep)
    deep["properties"]["x"] = deep
    with pytest.raises(ValueError, match="contain themselves"):
        Tool("t", "T.", deep)


@pytest.mark.parametrize("word", ["$ref", "$dynamicRef", "$recursiveRef", "$schema", "$id"])
def test_no_address_is_opened(word):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        for place in ({"properties": {"x": {word: url}}}, {word: url}, {"properties": {"x": {word: url, "$ref": "y"}}}):
            with suppress(ValueError):
                Tool("t", "T.", {"type": "object", **place}).validator.problems({"x": 1})
            with suppress(ValueError):
                Validator({**place}).problems({"x": 1})
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"properties": {"x": {"$ref": "#/properties/x"}}},
        {"properties": {"x": {"anyOf": [{"$ref": "#"}, {"$ref": "#/properties/x"}]}}},
        {"properties": {"x": {"not": {"$ref": "#/properties/x"}}}},
        {"properties": {"x": {"type": "object", "properties": {"x": {"$ref": "#/properties/x"}}, "required": ["x"]}}},
    ],
)
def test_a_schema_without_end_is_bounded(schema):
    began = time.process_time()
    made = Tool("t", "T.", {"type": "object", **schema}, lambda **given: "done", timeout=None)
    deep: dict = {"x": 1.0}
    for _ in range(200):
        deep = {"x": deep}
    assert isinstance(made.validator.problems(deep), tuple)
    assert made.run(deep).content == "done"
    assert isinstance(random_arguments(made.schema["function"]["parameters"], random.Random(0)), dict)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a+)+\\1$", "(?=a)(a|a?)+(?=b)c", "^(?:a|a)*(?=b)$", "(a*)*(?!a)b"])
def test_a_pattern_that_runs_away_is_bounded(pattern):
    made = Tool("t", "T.", {"properties": {"x": {"type": "array", "items": {"pattern": pattern}}}})
    began = time.process_time()
    for text in ("a" * 40 + "!", "a" * 50_000 + "!"):
        assert made.validator.problems({"x": [text] * 20})
    assert time.process_time() - began < 4


def test_random_arguments_follow_references():
    schema = Tool("t", "T.", {**schema_of({"$ref": "#/$defs/tree"}), "required": ["x"]}).schema["function"][
        "parameters"
    ]
    for seed in range(20):
        assert Validator(schema).problems(random_arguments(schema, random.Random(seed))) == ()


def test_a_benchmarks_schema_is_taken_as_it_is():
    odd = {"type": "dict", "properties": {"x": {"type": "int, optional"}, "y": {"type": "any", "optional": True},
           "z": {"type": "tuple", "format": "date"}}}  # fmt: skip
    trusted = Tool("t", "T.", odd, trusted=True)
    assert trusted.validator.problems({"x": [], "y": {}, "z": [1]}) == ()
    assert trusted.schema["function"]["parameters"]["properties"]["y"] == {}
    with pytest.raises(ValueError, match="'int, optional', which is not a type"):
        Tool("t", "T.", odd)
    broken = Tool("t", "T.", {"properties": {"x": {"pattern": "("}}}, trusted=True)
    with pytest.raises(ValueError, match="'t': not a usable JSON Schema"):
        broken.validator  # noqa: B018


def test_normalising_twice_changes_nothing():
    for x, _, _ in WORDS:
        once = parameters_schema(schema_of(x))
        assert parameters_schema(once) == once
        assert normalise(once) == once


@pytest.mark.parametrize("x", [x for x, _, _ in WORDS] + [{"minItems": 1.0, "items": {"minLength": 2.0}}], ids=str)
def test_readers_of_schemas_read_every_word(x):
    schema = {**schema_of(x), "required": ["x"]}
    env = DiscreteTools(ToolEnv([Task.of("t", 'Say "a" on 2024-05-01, 3 times, 5 % of 7.', [Tool("t", "T.", schema)])]))
    env.reset(seed=0)
    env.step(0)
    for seed in range(5):
        shown = Tool("t", "T.", schema).schema["function"]["parameters"]
        assert set(random_arguments(shown, random.Random(seed))) <= {"x"}
