"""Tools of an OpenAPI document: whole schemas, places and styles of parameters, answers, keys, hostile documents."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import gymnasium as gym
import pytest
import yaml
from conftest import calling, saying
from local_http import Replying, running

from toolgym import Task, ToolCall, ToolUnavailable, evaluate, register
from toolgym.agents.scripted import Oracle
from toolgym.snapshot import SnapshotError
from toolgym.tools.openapi import OpenAPI
from toolgym.tools.openapi.document import Document
from toolgym.tools.openapi.serialise import in_header, in_path, in_query
from toolgym.tools.sessions import Sessions

PETS = {
    "openapi": "3.0.3",
    "paths": {
        "/pets": {
            "parameters": [{"$ref": "#/components/parameters/Trace"}],
            "get": {
                "operationId": "find_pets",
                "summary": "Find pets.",
                "description": "By kind.",
                "parameters": [
                    {
                        "name": "kind",
                        "in": "query",
                        "required": True,
                        "description": "What kind.",
                        "schema": {"type": "string", "enum": ["cat", "dog"]},
                    },
                    {
                        "name": "ids",
                        "in": "query",
                        "explode": False,
                        "schema": {"type": "array", "items": {"type": "integer"}},
                    },
                    {
                        "name": "filter",
                        "in": "query",
                        "style": "deepObject",
                        "schema": {
                            "type": "object",
                            "properties": {"age": {"type": "integer", "minimum": 0, "exclusiveMinimum": True}},
                        },
                    },
                    {"name": "where", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}},
                    {"name": "session", "in": "cookie", "schema": {"type": "string"}},
                    {"name": "api_key", "in": "query", "schema": {"type": "string"}},
                    {"name": "Accept", "in": "header", "schema": {"type": "string"}},
                ],
            },
            "post": {
                "operationId": "add_pet",
                "requestBody": {
                    "required": True,
                    "content": {
                        "text/plain": {"schema": {"type": "string"}},
                        "application/json; charset=utf-8": {"schema": {"$ref": "#/components/schemas/Pet"}},
                    },
                },
            },
        },
        "/pets/{id}": {
            "get": {
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "id", "in": "query", "schema": {"type": "integer", "format": "int32", "default": 3}},
                ]
            },
            "delete": {
                "operationId": "remove pet!",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            },
        },
        "/form": {
            "post": {
                "operationId": "form",
                "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}},
            }
        },
        "/upload": {
            "post": {
                "operationId": "upload",
                "requestBody": {"content": {"multipart/form-data": {"schema": {"type": "object"}}}},
            }
        },
        "/xml": {"put": {"operationId": "xml", "requestBody": {"content": {"application/xml": {}}}}},
        "/answer/{status}": {
            "get": {
                "operationId": "answer",
                "parameters": [{"name": "status", "in": "path", "required": True, "schema": {"type": "integer"}}],
            }
        },
    },
    "components": {
        "parameters": {"Trace": {"name": "X-Trace", "in": "header", "schema": {"type": "string"}}},
        "schemas": {
            "Pet": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {
                    "id": {"type": "integer", "readOnly": True},
                    "name": {"type": "string", "minLength": 1},
                    "born": {"type": "string", "format": "date", "nullable": True},
                    "kind": {
                        "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
                        "discriminator": {"propertyName": "is"},
                    },
                    "young": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
                },
            },
            "Cat": {
                "type": "object",
                "required": ["is"],
                "properties": {"is": {"enum": ["cat"]}, "lives": {"type": "integer", "default": 9}},
            },
            "Dog": {"type": "object", "required": ["is"], "properties": {"is": {"enum": ["dog"]}}},
        },
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "query", "name": "api_key"},
            "token": {"type": "http", "scheme": "bearer"},
            "user": {"type": "http", "scheme": "basic"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
        },
    },
}


@contextmanager
def served(document=None):
    """An API that tells what arrived, under /v1; it yields its address and the requests."""
    seen = []

    class Handler(Replying):
        def do_GET(self):
            size = int(self.headers.get("Content-Length") or 0)
            seen.append(
                (self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(size))
            )
            path = urlsplit(self.path).path
            if path == "/openapi.json":
                return self.reply(200, json.dumps(document).encode(), "application/json")
            if not path.startswith("/v1/answer/"):
                told = {"path": self.path, "key": self.headers.get("Authorization")}
                return self.reply(200, json.dumps(told).encode(), "application/json")
            status = int(path.rpartition("/")[2])
            if status == 204:
                return self.reply(204, b"", "")
            if status == 200:
                return self.reply(200, b"\x89PNG", "image/png")
            if status == 302:
                return self.reply(302, b"", "", Location="http://169.254.169.254/latest")
            if status == 307:
                return self.reply(307, b"", "", Location="/v1/pets")
            if status == 308:
                return self.reply(308, b"", "", Location="/v1/answer/308")
            return self.reply(status, b'{"why": "no"}', "application/json")

        do_POST = do_PUT = do_DELETE = do_GET

    with running(Handler) as url:
        yield f"{url}/v1", seen


@pytest.fixture
def pets():
    with served() as (url, seen):
        yield OpenAPI(PETS, server=url), seen


def by_name(api):
    return {tool.name: tool for tool in api.tools}


def test_the_readmes_lines_are_an_environment(tmp_path):
    with served() as (url, _):
        file = tmp_path / "pets.yaml"
        file.write_text(yaml.safe_dump({**PETS, "servers": [{"url": url}]}))
        api = OpenAPI(file, only=["find_pets"])
        task = Task.of("cats", "Which cats are there?", expected=[[ToolCall("find_pets", {"kind": "cat"})]])
        register("PetsOfTheTest-v0", api.env, tasks=[task])
        env = gym.make("PetsOfTheTest-v0")
        env.reset(seed=0)
        for text in env.unwrapped.gold(env.unwrapped.task):
            _, reward, _, _, info = env.step(text)
            assert reward == 4
        assert info["success"]
        assert [each.success for each in evaluate("PetsOfTheTest-v0", Oracle(), repeats=3)] == [True] * 3


def test_names_and_descriptions(pets):
    api, _ = pets
    assert list(by_name(api)) == [
        "find_pets",
        "add_pet",
        "get_pets_id",
        "remove_pet",
        "form",
        "upload",
        "xml",
        "answer",
    ]
    assert by_name(api)["find_pets"].description == "Find pets.\nBy kind."
    assert by_name(api)["get_pets_id"].description == "GET /pets/{id}"


def test_schemas_are_offered_whole(pets):
    api, _ = pets
    tools = by_name(api)
    shown = tools["find_pets"].schema["function"]["parameters"]
    assert shown["required"] == ("kind",)
    assert shown["properties"]["kind"] == {"description": "What kind.", "type": "string", "enum": ("cat", "dog")}
    assert list(shown["properties"]) == ["X-Trace", "kind", "ids", "filter", "where", "session", "api_key"]
    assert tools["find_pets"].validator.problems({"kind": "cat", "filter": {"age": 0}})
    assert tools["get_pets_id"].schema["function"]["parameters"]["properties"]["id_query"]["format"] == "int32"
    pet = tools["add_pet"].validator
    body = tools["add_pet"].schema["function"]["parameters"]
    assert body["$defs"]["Pet"]["properties"]["kind"]["discriminator"] == {"propertyName": "is"}
    assert body["$defs"]["Cat"]["properties"]["lives"]["default"] == 9
    assert not pet.problems({"body": {"name": "Tom", "born": None, "kind": {"is": "cat"}, "young": [{"name": "Kit"}]}})
    assert pet.problems({"body": {"name": "Tom", "young": [{"name": ""}]}})
    assert pet.problems({"body": {"name": "Tom", "kind": {"is": "cow"}}})
    assert pet.problems({})


@pytest.mark.parametrize(
    ("name", "arguments", "path"),
    [
        ("find_pets", {"kind": "cat", "ids": [1, 2]}, "/v1/pets?kind=cat&ids=1,2"),
        ("find_pets", {"kind": "a&b=c d", "filter": {"age": 3}}, "/v1/pets?kind=a%26b%3Dc%20d&filter[age]=3"),
        ("find_pets", {"kind": "cat", "where": {"a": "ö"}}, "/v1/pets?kind=cat&where=%7B%22a%22%3A%20%22%C3%B6%22%7D"),
        ("get_pets_id", {"id": "a/b?c", "id_query": 7}, "/v1/pets/a%2Fb%3Fc?id=7"),
    ],
)
def test_where_arguments_go(pets, name, arguments, path):
    api, _ = pets
    assert json.loads(Sessions([api]).call(name, **arguments))["path"] == path


def test_headers_and_cookies(pets):
    api, seen = pets
    Sessions([api]).call("find_pets", kind="cat", session="a;b", **{"X-Trace": "t"})
    assert seen[0][2]["x-trace"] == "t"
    assert seen[0][2]["cookie"] == "session=a%3Bb"


def test_bodies(pets):
    api, seen = pets
    state = Sessions([api])
    state.call("add_pet", body={"name": "Tom"})
    assert (seen[-1][2]["content-type"], seen[-1][3]) == ("application/json", b'{"name": "Tom"}')
    state.call("form", body={"a": "x y", "b": [1, 2], "c": None})
    assert seen[-1][2]["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(seen[-1][3].decode()) == [("a", "x y"), ("b", "1"), ("b", "2")]
    state.call("upload", body={"note": 'a"b', "file": {"x": 1}})
    kind, body = seen[-1][2]["content-type"], seen[-1][3]
    boundary = kind.partition("boundary=")[2].encode()
    assert kind.startswith("multipart/form-data")
    parts = body.split(b"--" + boundary)
    assert len(parts) == 4
    assert b'name="note"\r\nContent-Type: text/plain\r\n\r\na"b\r\n' in parts[1]
    assert b"Content-Type: application/json\r\n\r\n" in parts[2]
    state.call("xml", body="<a/>")
    assert (seen[-1][2]["content-type"], seen[-1][3]) == ("application/xml", b"<a/>")


@pytest.mark.parametrize(
    ("style", "explode", "array", "value"),
    [
        ("simple", False, "3,4", "R,100,G,200"),
        ("simple", True, "3,4", "R=100,G=200"),
        ("label", False, ".3,4", ".R,100,G,200"),
        ("label", True, ".3.4", ".R=100.G=200"),
        ("matrix", False, ";c=3,4", ";c=R,100,G,200"),
        ("matrix", True, ";c=3;c=4", ";R=100;G=200"),
    ],
)
def test_styles_of_a_path(style, explode, array, value):
    assert in_path("c", [3, 4], style, explode) == array
    assert in_path("c", {"R": 100, "G": 200}, style, explode) == value


@pytest.mark.parametrize(
    ("style", "explode", "array", "value"),
    [
        ("form", True, "c=3&c=4", "R=100&G=200"),
        ("form", False, "c=3,4", "c=R,100,G,200"),
        ("spaceDelimited", False, "c=3%204", "c=R%20100%20G%20200"),
        ("pipeDelimited", False, "c=3%7C4", "c=R%7C100%7CG%7C200"),
        ("deepObject", True, "c=3&c=4", "c[R]=100&c[G]=200"),
    ],
)
def test_styles_of_a_query(style, explode, array, value):
    assert "&".join(in_query("c", [3, 4], style, explode)) == array
    assert "&".join(in_query("c", {"R": 100, "G": 200}, style, explode)) == value


def test_further_values():
    assert in_header({"a": 1, "b": True}, explode=True) == "a=1,b=true"
    assert list(in_query("c", None)) == []
    assert list(in_query("c", "a/b+c", reserved=True)) == ["c=a/b%2Bc"]
    assert list(in_query("c", {"a": {"b": [1, 2]}}, "deepObject")) == ["c[a][b]=1", "c[a][b]=2"]
    assert list(in_query("c", 1.5)) == ["c=1.5"]


# Answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 405, 408, 415, 429, 500, 503])
def test_answers_that_no_argument_could_cause_are_not_evidence(pets, status):
    api, _ = pets
    env = api.env([Task.of("t", "Go.", expected=[[ToolCall("answer", {"status": status})]])])
    env.reset(seed=0)
    *_, info = env.step(calling(("answer", {"status": status})))
    assert info["reward_valid"] is False
    assert f"HTTP {status}" in info["error"]


@pytest.mark.parametrize("status", [400, 404, 409, 410, 422])
def test_other_errors_answer_the_arguments(pets, status):
    api, _ = pets
    result = by_name(api)["answer"].run({"status": status}, Sessions([api]))
    assert result.error == "execution"
    assert result.content.startswith(f"Error: HTTP {status} ")
    assert result.content.endswith('{"why": "no"}')


def test_other_answers(pets):
    api, _ = pets
    state = Sessions([api])
    assert state.call("answer", status=204) == "HTTP 204 No Content"
    assert state.call("answer", status=200) == "[image/png, 4 bytes]"


def test_a_redirect_is_followed_within_the_server_only(pets):
    api, _ = pets
    state = Sessions([api])
    assert state.call("answer", status=302) == "HTTP 302 Found: http://169.254.169.254/latest"
    assert json.loads(state.call("answer", status=307))["path"] == "/v1/pets"
    with pytest.raises(ToolUnavailable, match="too many redirects"):
        state.call("answer", status=308)


def test_a_server_that_is_not_there():
    with served() as (url, _):
        api = OpenAPI(PETS, server=url)
        state = Sessions([api])
    result = by_name(api)["find_pets"].run({"kind": "cat"}, state)
    assert result.error == "unavailable"
    assert "no connection" in result.content


def test_a_state_that_calls_change_is_shared(pets):
    api, _ = pets
    task = [Task.of("t", "Go.", expected=[[ToolCall("find_pets", {"kind": "cat"})]])]
    env = api.env(task)
    _, info = env.reset(seed=0)
    assert info["shared_state"]
    with pytest.raises(SnapshotError, match="one state for all episodes"):
        env.snapshot()
    reading = OpenAPI(PETS, server=api.address, only=["find_pets", "answer"]).env(task)
    _, info = reading.reset(seed=0)
    assert "shared_state" not in info
    assert reading.fork()[0].snapshot() == reading.snapshot()
    *_, info = reading.step(saying("Done."))
    assert info["reward_valid"]


# Keys --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "sent"),
    [
        ({"auth": {"token": "$PETS_KEY"}}, ("authorization", "Bearer s3cr3t-of-mine")),
        (
            {"auth": {"user": "me:$PETS_KEY"}},
            ("authorization", "Basic " + base64.b64encode(b"me:s3cr3t-of-mine").decode()),
        ),
        ({"auth": {"cookie": "$PETS_KEY"}}, ("cookie", "session=s3cr3t-of-mine")),
        ({"auth": {"key": "$PETS_KEY"}}, None),
        ({"query": {"api_key": "$PETS_KEY"}}, None),
        ({"headers": {"X-TRACE": "a${PETS_KEY}"}}, ("x-trace", "as3cr3t-of-mine")),
    ],
)
def test_a_key_is_sent_and_neither_offered_nor_shown(pets, monkeypatch, how, sent):
    monkeypatch.setenv("PETS_KEY", "s3cr3t-of-mine")
    api = OpenAPI(PETS, server=pets[0].address, **how)
    answer = Sessions([api]).call("find_pets", kind="cat")
    assert "s3cr3t" not in answer
    assert base64.b64encode(b"me:s3cr3t-of-mine").decode() not in answer
    offered = by_name(api)["find_pets"].schema["function"]["parameters"]["properties"]
    _, path, headers, _ = pets[1][-1]
    if sent is None:
        assert path.endswith("api_key=s3cr3t-of-mine")
        assert "api_key" not in offered
    else:
        assert headers[sent[0]] == sent[1]
        assert sent[0] != "x-trace" or "X-Trace" not in offered
        assert sent[0] != "cookie" or "session" not in offered
    monkeypatch.delenv("PETS_KEY")
    result = by_name(api)["find_pets"].run({"kind": "cat"}, Sessions([api]))
    assert result.error == "unavailable"
    assert "PETS_KEY is not set" in result.content


def test_a_security_scheme_that_the_document_lacks(pets):
    with pytest.raises(ValueError, match="no security scheme 'oauth'; it has key, token"):
        OpenAPI(PETS, server=pets[0].address, auth={"oauth": "$KEY"})


@pytest.mark.parametrize(
    ("document", "arguments", "said"),
    [
        ({"openapi": "2.9"}, {}, "not a document of OpenAPI 3"),
        ({"openapi": "3.1.0"}, {}, "does not say where its server is"),
        ({"openapi": "3.1.0"}, {"server": "http://x.test", "only": ["find"]}, "has no tool 'find'"),
    ],
)
def test_mistakes_are_told_when_it_is_made(document, arguments, said):
    with pytest.raises(ValueError, match=said):
        OpenAPI(document, **arguments)


# Documents ---------------------------------------------------------------------------------------


def test_a_document_at_an_address():
    document = {**PETS, "servers": [{"url": "/v1"}]}
    with served(document) as (url, _):
        api = OpenAPI(url.replace("/v1", "/openapi.json"))
        assert json.loads(Sessions([api]).call("find_pets", kind="cat"))["path"] == "/v1/pets?kind=cat"
        document["servers"] = [{"url": "http://{host}/", "variables": {"host": {"default": "169.254.169.254"}}}]
        api = OpenAPI(url.replace("/v1", "/openapi.json"))
        with pytest.raises(ValueError, match=r"another host: .* give server='http://169.254.169.254'"):
            _ = api.address
        with pytest.raises(ToolUnavailable, match="HTTP 404"):
            _ = OpenAPI(url + "/answer/404").tools
    with pytest.raises(ValueError, match="does not say where its server is"):
        _ = OpenAPI(PETS).address


def test_a_document_that_nobody_has_looked_at_does_not_reach_this_machine(pets):
    api = OpenAPI(PETS, server=pets[0].address, public_only=True)
    result = by_name(api)["find_pets"].run({"kind": "cat"}, Sessions([api]))
    assert result.error == "unavailable"
    assert not pets[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"openapi": "3.1.0", "paths": {}', "is not JSON"),
        ("a: [", "neither JSON nor YAML"),
        ("[1]", "not a document of OpenAPI 3"),
        ('{"swagger": "2.0"}', "convert Swagger 2.0"),
        ("[" * 100_000, "nested too deeply"),
        ('{"openapi": "3.1.0", "paths": []}', "paths is not an object"),
    ],
)
def test_files_that_are_no_documents(tmp_path, content, said):
    file = tmp_path / "api.yaml"
    file.write_text(content)
    with pytest.raises(ValueError, match=said):
        Document(file)


def test_a_document_that_grows_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("toolgym.tools.openapi.document._MOST_NODES", 10_000)
    lines = [f"{new}: &{new} [{', '.join(['*' + old] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    file = tmp_path / "api.yaml"
    file.write_text("\n".join(["a: &a [x, x]", *lines]))
    with pytest.raises(ValueError, match="too large"):
        Document(file)


def one(operation, **further):
    return OpenAPI({"openapi": "3.1.0", "paths": {"/x": {"post": operation}}, **further}, server="http://x.test")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "other.json#/A"}, "another document, and is not fetched"),
        ({"$ref": "#/components/schemas/None"}, "not in the document"),
        ({"type": "string", "pattern": "("}, "not a usable JSON Schema"),
    ],
)
def test_schemas_that_cannot_be_used(schema, said):
    body = {"content": {"application/json": {"schema": schema}}}
    with pytest.raises(ValueError, match=said):
        one({"operationId": "a", "requestBody": body})
    with pytest.raises(ValueError, match="leads to itself"):
        one({"requestBody": {"$ref": "#/paths/~1x/post/requestBody"}})


def test_arguments_that_no_request_can_carry(pets):
    api, seen = pets
    tools, state = by_name(api), Sessions([api])
    for name, arguments in [
        ("get_pets_id", {"id": ".."}),
        ("get_pets_id", {"id": ""}),
        ("find_pets", {"kind": "cat", "X-Trace": "a\r\nHost: evil.test"}),
        ("find_pets", {"kind": "cat", "X-Trace": "\0"}),
    ]:
        result = tools[name].run(arguments, state)
        assert result.error == "execution", result
    assert not seen
    assert json.loads(state.call("get_pets_id", id="a\0b"))["path"] == "/v1/pets/a%00b"


def test_references_with_odd_names():
    schemas = {"a/b": {"type": "string"}, "a b": {"type": "integer"}, "ü": {"$ref": "#/components/schemas/a~1b"}}
    properties = {
        "one": {"$ref": "#/components/schemas/a~1b"},
        "two": {"$ref": "#/components/schemas/a%20b"},
        "three": {"$ref": "#/components/schemas/ü"},
    }
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": properties}}}}
    (tool,) = one({"requestBody": body}, components={"schemas": schemas}).tools
    assert not tool.validator.problems({"body": {"one": "x", "two": 1, "three": "x"}})
    assert len(tool.validator.problems({"body": {"one": 1, "two": "x", "three": 1}})) == 3


def test_names_that_collide_stay_apart():
    same = [{"name": "a", "in": place, "schema": {"type": "string"}} for place in ("query", "header", "cookie")]
    body = {"content": {"application/json": {"schema": {}}}}
    api = one({"operationId": "x", "parameters": [*same, {"name": "body", "in": "query"}], "requestBody": body})
    assert list(api.tools[0].schema["function"]["parameters"]["properties"]) == [
        "a",
        "a_header",
        "a_cookie",
        "body",
        "body_",
    ]
    document = {"openapi": "3.1.0", "paths": {path: {"get": {"operationId": "same"}} for path in ("/a", "/b")}}
    with pytest.raises(ValueError, match="two operations called 'same'"):
        OpenAPI(document, server="http://x.test")


def test_many_operations_have_to_be_chosen():
    paths = {f"/x{i}": {"get": {"operationId": f"x{i}"}} for i in range(1_200)}
    document = {"openapi": "3.1.0", "paths": paths}
    with pytest.raises(ValueError, match=r"more than 1000 tools: choose some with only="):
        OpenAPI(document, server="http://x.test")
    assert len(OpenAPI(document, server="http://x.test", only=["x7", "x1100"]).tools) == 2
