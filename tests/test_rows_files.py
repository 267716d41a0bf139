"""Files of conversations as people have them: every row is read, or named with what is wrong."""

from __future__ import annotations

import codecs
import copy
import gzip
import json
import logging
import os
from random import Random
from time import process_time

import gymnasium as gym
import pytest

from toolgym.cli.main import main
from toolgym.envs.rows.assembling import read_conversation
from toolgym.envs.rows.conversation import Said, Turn
from toolgym.envs.rows.problems import BadRow
from toolgym.envs.rows.reading import read

F = {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}
TOOLS = [{"type": "function", "function": F}]
USER = {"role": "user", "content": "Do it, please, with a one."}
SAID = {"role": "assistant", "content": "Done."}


def call(arguments, id="c1", name="f"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*made, **more):
    return {"role": "assistant", "content": None, "tool_calls": list(made), **more}


def row(*messages, tools=TOOLS, **more):
    return {"messages": [USER, *messages], "tools": tools, **more}


GOOD = row(calls(call('{"a": 1}')), {"role": "tool", "tool_call_id": "c1", "content": "é 🙂"}, SAID)


def turns(value):
    return [part for part in read_conversation("line 1", value).parts if isinstance(part, Turn)]


def notes(value):
    return [kind for kind, _ in read_conversation("line 1", value).notes]


def made(turn):
    return [(each.name, each.arguments) for each in turn.calls]


def wrong(value):
    with pytest.raises(BadRow) as told:
        read_conversation("line 1", value)
    return str(told.value)


# Files ------------------------------------------------------------------------------------------

LINE = json.dumps(GOOD, ensure_ascii=False)
PRETTY = json.dumps(GOOD, indent=2)
FILES = {
    "lines": (f"{LINE}\n{LINE}\n".encode(), ["line 1", "line 2"]),
    "no line end": (f"{LINE}\n{LINE}".encode(), ["line 1", "line 2"]),
    "one line": (LINE.encode(), ["line 1"]),
    "byte order mark": (codecs.BOM_UTF8 + f"{LINE}\n{LINE}\n".encode(), ["line 1", "line 2"]),
    "UTF-16": (f"{LINE}\n{LINE}\n".encode("utf-16"), ["line 1", "line 2"]),
    "CRLF": (f"{LINE}\r\n{LINE}\r\n".encode(), ["line 1", "line 2"]),
    "CR": (f"{LINE}\r{LINE}\r".encode(), ["item 1", "item 2"]),
    "blank lines": (f"\n\n{LINE}\n  \n\n{LINE}\n\n".encode(), ["line 3", "line 6"]),
    "commas": (f"{LINE},\n{LINE},\n".encode(), ["line 1", "line 2"]),
    "array": (f"[{LINE}, {LINE}]".encode(), ["item 1", "item 2"]),
    "array over lines": (f"[\n  {LINE},\n  {LINE}\n]\n".encode(), ["item 1", "item 2"]),
    "array in pretty print": (json.dumps([GOOD, GOOD], indent=2).encode(), ["item 1", "item 2"]),
    "object with the rows": (json.dumps({"version": 1, "data": [GOOD, GOOD]}).encode(), ["item 1", "item 2"]),
    "an object": (PRETTY.encode(), ["line 1"]),
    "objects in pretty print": (f"{PRETTY}\n{PRETTY}\n".encode(), ["item 1", "item 2"]),
    "a conversation alone": (json.dumps(GOOD["messages"]).encode(), ["line 1"]),
    "conversations alone": (json.dumps([GOOD["messages"]] * 2).encode(), ["item 1", "item 2"]),
    "lists by line": (f"{json.dumps(GOOD['messages'])}\n".encode() * 2, ["line 1", "line 2"]),
    "gzip": (gzip.compress(f"{LINE}\n{LINE}\n".encode()), ["line 1", "line 2"]),
    "array in gzip": (gzip.compress(f"[{LINE}]".encode()), ["item 1"]),
    "UTF-16 without a mark": (f"{LINE}\n{LINE}\n".encode("utf-16-le"), ["line 1", "line 2"]),
    "UTF-32": (f"{LINE}\n{LINE}\n".encode("utf-32"), ["line 1", "line 2"]),
    "files with marks, joined": (f"\ufeff{LINE}\n\ufeff{LINE}\n".encode(), ["line 1", "line 2"]),
    "a row with another list": (json.dumps({**GOOD, "items": [{"a": 1}]}).encode(), ["line 1"]),
    "a separator in a string": (LINE.replace("é", "\u2028").encode(), ["line 1"]),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".txt"])
def test_a_file_is_read_by_what_it_holds(tmp_path, name, suffix):
    data, places = FILES[name]
    path = tmp_path / f"mine{suffix}"
    path.write_bytes(data)
    rows = read(path)
    assert [each.place for each in rows.conversations] == places
    assert not rows.bad
    assert all(made(part) == [("f", {"a": 1})] for each in rows.conversations for part in each.parts[1:2])


LATIN = LINE.replace("🙂", "").encode("latin-1")
BROKEN = {
    "a torn last line": (f"{LINE}\n{LINE[:50]}", 1, "line 2"),
    "words": (f"{LINE}\nnot JSON\n{LINE}", 2, "line 2: Expecting value, at character 1"),
    "bad first lines": (f"# made by\n\n{LINE}\n{LINE}\n", 2, "line 1"),
    "a bad first line": (f"oops\n{LINE}", 1, "line 1"),
    "two values": (f"{LINE}{LINE}\n{LINE}\n", 1, "line 1: the second begins at character"),
    "not UTF-8": (LINE.encode() + b"\n\xff\xfe{\n", 1, "line 2: byte 1"),
    "Latin-1": (LATIN + f"\n{LINE}\n{LINE}".encode(), 2, "not UTF-8: line 1: byte"),
    "a second list of rows": (f'{{"train": [{LINE}, {LINE}], "test": [{LINE}]}}', 2, "own: 'test': 1 items"),
    "NUL": (LINE.encode() + b"\n\x00\x00\n", 1, "line 2"),
    "a torn array": (f"[\n{LINE},\n{LINE},\n{LINE[:60]}", 2, "item 3"),
    "a torn gzip": (gzip.compress(f"{LINE}\n".encode() * 900)[:-70], None, "the gzip file is broken off"),
    "a huge number": (f'{LINE}\n{{"a": {"9" * 5000}}}\n', 1, "line 2"),
    "too deep": (f"{LINE}\n{'[' * 100_000}\n", 1, "line 2: nested too deeply"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_part_of_a_file_is_named(tmp_path, name):
    data, good, told = BROKEN[name]
    path = tmp_path / "mine.jsonl"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    rows = read(path)
    assert good in (None, len(rows.conversations))
    assert rows.bad.rows == 1
    assert told in str(rows.bad)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no rows"),
        (b"\n \n", "no rows"),
        (b"[]", "no rows"),
        (b"a,b\n1,2\n", "none of its"),
        (b"PK\x03\x04....", "a zip file"),
        (b'{"data": []}', "no rows"),
        (b"[" * 100_000, "line 1: nested too deeply"),
        (b"{}", "(?s)its only row cannot be played.*no conversation"),
        (b"null", "not an object"),
        (LATIN + b"\n" + LATIN, "none of its 2 rows"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_a_file_without_a_row_is_refused(tmp_path, data, told):
    path = tmp_path / "mine.jsonl"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=told):
        read(path)
    assert main(["data", str(path)]) == 1


def test_a_file_that_is_not_there_or_a_folder_is_named(tmp_path, capsys):
    assert main(["eval", "--data", str(tmp_path / "none.jsonl"), "--agent", "oracle"]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path / 'none.jsonl'}: No such file or directory\n"
    with pytest.raises(ValueError, match="is a folder"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is not a file"):
        read(tmp_path / "pipe")


def test_parquet_is_read_with_its_columns_of_null(tmp_path):
    io, core = pytest.importorskip("arro3.io"), pytest.importorskip("arro3.core")
    other = row(calls(call({"b": "x"}, name="g")), tools=[F, {"name": "g", "parameters": {"properties": {"b": {}}}}])
    first = row(calls(call({"a": 1})), SAID)
    names = list(first)
    values = [[json.dumps(each[name]) for each in (first, other)] for name in names]
    table = core.Table.from_pydict(
        {n: core.Array(v, core.DataType.string()) for n, v in zip(names, values, strict=True)}
    )
    io.write_parquet(table, str(tmp_path / "mine.parquet"))
    rows = read(tmp_path / "mine.parquet")
    assert [each.place for each in rows.conversations] == ["row 1", "row 2"]
    assert made(rows.conversations[1].parts[1]) == [("g", {"b": "x"})]


def test_bad_rows_are_counted_by_kind_and_named_by_line(tmp_path, caplog, capsys):
    path = tmp_path / "mine.jsonl"
    bad = [{"text": "no conversation"}] * 1000 + [row(calls(call("{bad")))]
    path.write_text("".join(json.dumps(each) + "\n" for each in [GOOD, *bad, GOOD]))
    with caplog.at_level(logging.WARNING, "toolgym"):
        env = gym.make("ToolGym-Rows-v0", path=str(path)).unwrapped
    assert len(env.tasks) == 4
    (warning,) = [each.getMessage() for each in caplog.records]
    assert "1,001 of 1,003 rows are left out" in warning
    assert "1,000 x no conversation: line 2: it has the keys text; line 3" in warning
    assert len(warning) < 400
    assert main(["data", str(path)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "2 of 1,003 are conversations that can be played" in printed
    assert "line 1002: message 2: 'f': Expecting property name" in printed
    assert printed.count("it has the keys text") == 3


def test_reading_takes_linear_time(tmp_path):
    def seconds(data):
        path = tmp_path / "mine.jsonl"
        path.write_text(data)
        began = process_time()
        read(path)
        return process_time() - began

    long = row({"role": "assistant", "content": "word " * 400_000})
    assert seconds(json.dumps(long)) < 2
    assert seconds(json.dumps([GOOD] * 2000, indent=1)) < 3
    assert seconds(json.dumps(row(SAID, tools=[{"name": f"t{i}"} for i in range(3000)]))) < 3
    for tag in ("<tool_response>", "<think>", "<tool_call>", "<tools>", '[{"'):
        assert seconds(f"{LINE}\n" + json.dumps(row({"role": "user", "content": tag * 20_000}, SAID))) < 1
    used = [{"type": "tool_use", "id": str(i), "name": "f", "input": {"a": i}} for i in range(20_000)]
    assert seconds(f"{LINE}\n" + json.dumps(row({"role": "assistant", "content": used}))) < 3
    tags = "<tool_call>\n{}\n</tool_call>\n" * 20_000 + "<tools>" * 20_000
    assert seconds(f"{LINE}\n" + json.dumps(row({"role": "assistant", "content": tags}))) < 3


# Rows: layouts ----------------------------------------------------------------------------------

HERMES = (
    "You are a function calling AI model. You are provided with function signatures within <tools> </tools> XML tags. "
    "Here are the available tools:\n<tools>\n[{'type': 'function', 'function': {'name': 'f', 'parameters': "
    "{'type': 'object', 'properties': {'a': {'type': 'integer'}}}}}]\n</tools>\nFor each function call return a JSON "
    "object:\n<tool_call>\n{'name': <function-name>, 'arguments': <args-dict>}\n</tool_call>"
)
QWEN = (
    "You are Qwen.\n\n# Tools\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>\n"
    '{"type": "function", "function": {"name": "f"}}\n{"type": "function", "function": {"name": "g"}}\n</tools>\n\n'
    "For each function call, return a json object within <tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
)
TAGGED = '<think>Hm.</think>\nSure.\n<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'


def in_tags(role):
    """A call in a tag, and its result in a tag in a message of ``role``."""
    result = {"role": role, "content": "<tool_response>\né 🙂\n</tool_response>"}
    return row({"role": "assistant", "content": TAGGED}, result, SAID)


LAYOUTS = {
    "openai": (GOOD, "openai"),
    "openai before tools": (
        {
            "messages": [
                USER,
                {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a": 1}'}},
                {"role": "function", "name": "f", "content": "é 🙂"},
                SAID,
            ],
            "functions": [F],
        },
        "openai",
    ),
    "tags in the text": (in_tags("tool"), "openai"),
    "results as the user's": (in_tags("user"), "openai"),
    "sharegpt": (
        {
            "conversations": [
                {"from": "human", "value": "go"},
                {"from": "function_call", "value": '{"name": "f", "arguments": {"a": 1}}'},
                {"from": "observation", "value": "é 🙂"},
                {"from": "gpt", "value": "Done."},
            ],
            "tools": json.dumps([F]),
        },
        "sharegpt",
    ),
    "hermes": (
        {
            "conversations": [
                {"from": "system", "value": HERMES},
                {"from": "human", "value": "go"},
                {"from": "gpt", "value": "<tool_call>\n{'arguments': {'a': 1}, 'name': 'f'}\n</tool_call>"},
                {"from": "tool", "value": "<tool_response>\né 🙂\n</tool_response>"},
                {"from": "gpt", "value": "Done."},
            ]
        },
        "hermes",
    ),
    "anthropic": (
        {
            "messages": [
                USER,
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "é 🙂"}]},
                SAID,
            ],
            "tools": [{"name": "f", "input_schema": F["parameters"]}],
        },
        "parts",
    ),
    "responses": (
        {
            "input": [
                USER,
                {"type": "function_call", "call_id": "k", "name": "f", "arguments": '{"a": 1}'},
                {"type": "function_call_output", "call_id": "k", "output": "é 🙂"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]},
            ],
            "tools": [{"type": "function", **F}],
        },
        "parts",
    ),
    "columns": (
        {
            "messages": {
                "role": ["user", "assistant", "tool", "assistant"],
                "content": ["go", TAGGED, "é 🙂", "Done."],
            },
            "tools": TOOLS,
        },
        "openai",
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_same_conversation_in_every_layout(name):
    value, layout = LAYOUTS[name]
    found = read_conversation("line 1", value)
    first, last = turns(value)
    assert (found.layout, [tool.name for tool in found.tools], found.system) == (layout, ["f"], "")
    assert made(first) == [("f", {"a": 1})]
    assert first.results == ("é 🙂",)
    assert (last.response, last.calls) == ("Done.", ())
    assert found.decisions == (1, 2)
    if TAGGED in json.dumps(value, ensure_ascii=False).replace("\\n", "\n").replace('\\"', '"'):
        assert (first.think, first.response) == ("Hm.", "Sure.")


def test_tools_in_a_system_message_leave_the_user_own_words_in_it():
    found = read_conversation("line 1", {"messages": [{"role": "system", "content": f"{QWEN}\nBe brief."}, USER, SAID]})
    assert found.system == "You are Qwen.\n\nBe brief."
    assert [tool.name for tool in found.tools] == ["f", "g"]
    bare = f"Be brief. You may call:\n{json.dumps([F])}\nIn a list."
    value = {
        "system": bare,
        "conversations": [{"from": "user", "value": "go"}, {"from": "assistant", "value": "[f(a=1), f(a=2)]"}],
    }
    found = read_conversation("line 1", value)
    assert found.system == "Be brief. You may call:\nIn a list."
    assert made(found.parts[1]) == [("f", {"a": 1}), ("f", {"a": 2})]


def test_a_request_with_its_answers():
    flat = [
        {"name": "f", "parameters": {"a": {"type": "int, optional", "default": 3}, "b": {"description": "no type"}}}
    ]
    value = {"query": "q", "tools": json.dumps(flat), "answers": '[{"name": "f", "arguments": {"a": 1}}]'}
    found = read_conversation("line 1", value)
    assert found.layout == "query"
    assert made(found.parts[1]) == [("f", {"a": 1})]
    schema = found.tools[0].schema["function"]["parameters"]
    assert schema["properties"]["a"] == {"default": 3, "type": "integer"}
    assert schema["properties"]["b"] == {"description": "no type"}


def test_only_the_preferred_answer_is_imitated_and_the_prompt_is_not():
    before = [USER, {"role": "assistant", "content": "Which?"}, {"role": "user", "content": "That."}]
    for value in (
        {"prompt": before, "completion": [SAID]},
        {"prompt": before, "chosen": [SAID], "rejected": [{"role": "assistant", "content": "No."}]},
        {"input": {"messages": before, "tools": TOOLS}, "preferred_output": [SAID], "non_preferred_output": []},
    ):
        found = read_conversation("line 1", value)
        assert found.decisions == (3,)
        assert found.parts[3].response == "Done."
    assert read_conversation("line 1", {"prompt": "Say it.", "completion": "Done."}).decisions == (1,)
    assert "no message of the assistant to imitate" in wrong({"prompt": before, "completion": []})
    whole = {"chosen": [*before, SAID], "rejected": [*before, SAID]}
    assert read_conversation("line 1", whole).decisions == (1, 3)


def test_weights_say_what_is_imitated():
    value = row({**SAID, "weight": 0}, USER, {**SAID, "weight": 1}, USER, {**SAID, "train": False})
    assert read_conversation("line 1", value).decisions == (3,)
    assert "weight above 0" in wrong(row({**SAID, "weight": 0}))


def test_toolrl_rows():
    gold = '<think>t</think>\n<tool_call>\n{"name": "f", "parameters": {"a": 1}}\n</tool_call>\n<response>ok</response>'
    prompt = [{"role": "system", "content": "s"}, {"role": "user", "content": "**Records**\n<user> q </user>\n"}]
    value = {"prompt": prompt, "reward_model": {"ground_truth": gold, "style": "rule"}, "data_source": "rlla"}
    found = read_conversation("line 1", value)
    assert (found.layout, found.key) == ("toolrl", " q ")
    assert made(found.parts[1]) == [("f", {"a": 1})]
    assert (found.parts[1].think, found.parts[1].response) == ("t", "ok")
    assert read_conversation("line 1", {"instruction": "s", "input": "q", "output": gold}).layout == "toolrl"
    assert "without <tool_call> and <response>" in wrong({**value, "reward_model": {"ground_truth": "42"}})


# Rows: messages ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", ['{"a": 1}', {"a": 1}, '"{\\"a\\": 1}"', "{'a': 1}", ' {"a":1}\n', {"a": 1, "other": None}]
)
def test_arguments_are_read_in_every_form(arguments):
    assert made(turns(row(calls(call(arguments))))[0]) == [("f", {"a": 1})]


@pytest.mark.parametrize("arguments", ["", None, "{}", {}, "null", float("nan")])
def test_no_arguments(arguments):
    assert made(turns(row(calls(call(arguments))))[0]) == [("f", {})]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("{bad", "not JSON"),
        ("[1]", "not an object"),
        (3, "not an object"),
        ('{"a": NaN}', "NaN or infinite"),
        ('{"a": 1e999}', "NaN or infinite"),
        ('{"a":' * 200 + "1" + "}" * 200, "nested too deeply"),
        ("__import__('os').system('x')", "not JSON"),
        ("{'a': {1, 2}}", "not JSON"),
        ('{"a": 1', "not JSON"),
    ],
)
def test_arguments_that_cannot_be_are_named(arguments, told):
    said = wrong(row(calls(call(arguments))))
    assert told in said
    assert "message 2" in said
    assert "'f'" in said


def test_results_go_to_their_calls():
    both = calls(call({"a": 1}), call({"a": 2}, "c2"))
    by_id = row(
        both,
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        SAID,
    )
    assert turns(by_id)[0].results == ("one", "two")
    in_order = row(both, {"role": "tool", "content": "one"}, {"role": "tool", "content": "two"}, SAID)
    assert turns(in_order)[0].results == ("one", "two")
    named = row(calls(call({}, None, "g"), call({}, None, "f")), {"role": "tool", "name": "f", "content": "of f"}, SAID)
    assert turns(named)[0].results == (None, "of f")
    other = row(both, {"role": "tool", "tool_call_id": "zzz", "content": "one"}, SAID)
    assert turns(other)[0].results == ("one", None)
    assert notes(other) == ["a tool result whose id no call has is given to the next call"]
    assert "more tool results than calls" in wrong(row(calls(call({})), *[{"role": "tool", "content": "x"}] * 2))
    assert "without a call before it" in wrong(row({"role": "tool", "content": "x"}, SAID))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"x": 1}, '{"x": 1}'),
        ([1, 2], "[1, 2]"),
        ([{"x": 1}], '[{"x": 1}]'),
        (3, "3"),
        (None, ""),
        ("", ""),
        (True, "true"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
    ],
)
def test_a_result_may_be_any_value(content, text):
    assert turns(row(calls(call({})), {"role": "tool", "content": content}, SAID))[0].results == (text,)


def test_messages_in_a_row_of_the_assistant():
    value = row(
        {"role": "assistant", "content": "Let me see."},
        calls(call({"a": 1})),
        calls(call({"a": 2}, "c2")),
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
        SAID,
    )
    first, last = turns(value)
    assert (first.response, len(first.calls), first.results, last.response) == ("Let me see.", 2, (None, "2"), "Done.")
    assert set(notes(value)) == {"assistant messages in a row are one turn"}
    unanswered = row(calls(call({"a": 1})), SAID)
    assert [len(turn.calls) for turn in turns(unanswered)] == [1, 0]


def test_what_stands_before_the_user_is_not_imitated():
    value = {"messages": [SAID, USER, SAID]}
    found = read_conversation("line 1", value)
    assert found.decisions == (2,)
    assert notes(value) == ["an assistant message before any other is part of the prompt only"]


def test_empty_messages_of_the_assistant_are_noted():
    assert notes(row({"role": "assistant", "content": None}, SAID)) == ["an assistant message without words and calls"]
    assert "with words or calls" in wrong(row({"role": "assistant", "content": ""}))


def test_system_messages():
    one, two = {"role": "system", "content": "One."}, {"role": "developer", "content": "Two."}
    found = read_conversation("line 1", {"messages": [one, two, USER, {"role": "system", "content": "Later."}, SAID]})
    assert found.system == "One.\n\nTwo."
    assert found.parts[1] == Said("system", "Later.")
    assert read_conversation("line 1", {"system": "One.", "messages": [USER, SAID]}).system == "One."


def test_reasoning_in_every_field():
    for more in (
        {"reasoning_content": "Why."},
        {"reasoning": "Why."},
        {"thinking": "Why."},
        {"content": "<think>Why.</think>\nDone."},
        {"content": "<scratch_pad>Why.</scratch_pad>\nDone."},
        {"content": [{"type": "thinking", "thinking": "Why."}, {"type": "text", "text": "Done."}]},
    ):
        (turn,) = turns(row({**SAID, **more}))
        assert (turn.think, turn.response) == ("Why.", "Done.")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"messages": []}, "no conversation"),
        ({"messages": None}, "no conversation"),
        ({"messages": 3}, "not a list"),
        ({"messages": ["x"]}, "not an object (message 1"),
        ({"messages": [{"content": "x"}]}, "unknown role (message 1: null)"),
        ({"messages": [{"role": "alien", "content": "x"}]}, 'unknown role (message 1: "alien"'),
        ({"messages": [USER]}, "no message of the assistant"),
        (3, "not an object"),
        ("x", "not an object"),
        ([], "not an object"),
        ({}, "the keys none"),
        ({"text": "x"}, "the keys text"),
        (row(calls(call({}, name=None))), "a call without a name"),
        (row(calls(call({}, name=""))), "a call without a name"),
        (row(calls("x")), "calls that are not JSON"),
        (row(calls(3)), "a call that is not an object"),
        ({**row(SAID), "tools": 3}, "tools that are not a list"),
        ({**row(SAID), "tools": "[{"}, "tools that are not JSON"),
        ({**row(SAID), "tools": [{}]}, "a tool without a name (tools[0]"),
        ({**row(SAID), "tools": ["x"]}, "a tool that is not an object (tools[0]"),
        (
            {
                **row(SAID),
                "tools": [{"name": "f", "parameters": {"type": "object", "properties": {"a": {"pattern": "("}}}}],
            },
            "no JSON Schema",
        ),
        (
            row({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, SAID),
            "not text (message 2: a part of type",
        ),
        (
            row({"role": "assistant", "content": "<tool_call>\n{\n</tool_call>"}),
            "in tags that cannot be read (message 2",
        ),
        (row(calls(call({"a": 2}), content=TAGGED)), "different calls"),
    ],
)
def test_a_row_that_cannot_be_played_says_why(value, told):
    assert told in wrong(value)


def test_tools_in_every_form():
    forms = [
        TOOLS,
        [F],
        json.dumps(TOOLS),
        F,
        {"f": {"description": "d", "parameters": F["parameters"]}},
        [json.dumps(F)],
        [{"name": "f", "description": "d", "input_schema": F["parameters"]}],
        [None, F],
    ]
    shown = {read_conversation("line 1", row(SAID, tools=form)).tools[0].line for form in forms}
    assert len(shown) == 1
    first, second = (read_conversation("line 1", row(SAID)).tools for _ in range(2))
    assert first is second  # rows with equal tools share them


def test_tools_that_are_passed_over_are_noted():
    more = [F, {"name": "f", "parameters": {}}, {"type": "web_search"}]
    assert notes(row(SAID, tools=[*TOOLS, *more])) == [
        "the same tool twice: the first is offered",
        "different tools of one name: the first is offered",
        "a tool of another type than function is not offered",
    ]
    assert notes(row({"role": "assistant", "content": "[Get Weather(a=1)]"})) == [
        "an answer that looks like calls in another syntax is taken for words"
    ]


def test_half_letters_become_the_sign_for_them(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(row({"role": "assistant", "content": "cut \ud83d"})))
    (found,) = read(path).conversations
    assert found.parts[1].response == "cut \ufffd"


# Anything at all --------------------------------------------------------------------------------

ODD = [
    None,
    True,
    0,
    -1,
    float("nan"),
    "",
    "x",
    "[]",
    "{}",
    "null",
    '{"a":1}',
    [],
    {},
    [None],
    [[]],
    [{}],
    {"a": None},
    {"name": "f"},
    "\ud800",
    "<tool_call>",
    "</think>",
    "<think>",
    "<tools>[]</tools>",
    "<tools>{}</tools>",
    "[f(a=1)]",
    [{"type": "text"}],
    [{"type": [None]}],
    {"type": "function"},
    10**400,
    {"role": ["x"]},
    [3],
    {"function": {}},
    {"properties": None},
    {"$ref": "#"},
    "<tool_response>x</tool_response>",
]


def places(value, path=()):
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


def changed(value, random):
    value = copy.deepcopy(value)
    for _ in range(random.randint(1, 3)):
        *above, last = random.choice([path for path in places(value) if path] or [(None,)])
        inside = value
        for key in above:
            inside = inside[key]
        if last is None:
            return random.choice(ODD)
        if random.random() < 0.2:
            del inside[last]
        elif isinstance(inside, dict) and random.random() < 0.2:
            inside[random.choice(["tools", "role", "content", "name", "arguments", "type", "tool_calls"])] = (
                random.choice(ODD)
            )
        else:
            inside[last] = copy.deepcopy(random.choice(ODD))
    return value


def test_any_row_is_read_or_named_and_what_is_read_can_be_played(tmp_path):
    bases = [value for value, _ in LAYOUTS.values()] + [{"prompt": [USER], "completion": [SAID]}]
    path, kept, named = tmp_path / "mine.jsonl", [], 0
    for i in range(3000):
        random = Random(i)
        value = changed(random.choice(bases), random)
        try:
            read_conversation("line 1", value)
            kept.append(value)
        except BadRow:
            named += 1
    assert len(kept) > 500 < named
    path.write_text("".join(json.dumps(value) + "\n" for value in kept))
    assert read(path).bad.rows < len(kept) / 20  # what json reads otherwise: numbers without end
    for whole in (False, True):
        for dialect in ("toolrl", "pythonic"):
            env = gym.make("ToolGym-Rows-v0", path=str(path), whole=whole, dialect=dialect).unwrapped
            for task in list(env.tasks)[::9]:
                env.reset(options={"task_id": task.id})
                for text in env.gold(task):
                    if not env.over:
                        *_, info = env.step(text)
                assert info["success"] or info["known_unpassable"] or not env.over
