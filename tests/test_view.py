"""The viewer without a browser: the index of a growing file, queries, the server's answers and refusals."""

from __future__ import annotations

import http.client
import json
import os
import re
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_report import NASTY, episode
from viewed import MILK, played, saying, shop_run

from toolgym.report.reward_words import call_words, grouped, reward_parts
from toolgym.runlog import dump_episode, read_episodes
from toolgym.stored.run_files import RunError
from toolgym.types import CallRecord, CallScore, Term, ToolCall
from toolgym.view import index as index_module
from toolgym.view.answers import expected_of
from toolgym.view.entry import Entry, entry_of
from toolgym.view.index import RunIndex
from toolgym.view.library import Library
from toolgym.view.one_file import write_one_file
from toolgym.view.page import SCRIPT, STYLE
from toolgym.view.query import BadQuery, matching, parse_query
from toolgym.view.server import ViewServer

STATIC = Path(index_module.__file__).parent / "static"
NAME = ".episodes.jsonl.index"


def lines(*episodes):
    return "".join(dump_episode(each) + "\n" for each in episodes).encode()


def save(folder, *episodes):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "episodes.jsonl").write_bytes(lines(*episodes))
    return folder


def index_of(path):
    found = RunIndex(path)
    found.refresh(60)
    return found


# The index --------------------------------------------------------------------------------------


def test_the_index_has_the_episodes_that_read_episodes_reads_at_their_bytes(tmp_path):
    odd = episode("ä\U0001f600", reward=float("nan"), category="c\ud800")
    file = save(tmp_path, episode("a"), episode("b", success=False), episode("a", reward=2.0), odd) / "episodes.jsonl"
    found = index_of(file)
    wanted = read_episodes(file)
    assert [(e.task, e.repeat) for e in found.entries()] == [(t.task_id, t.repeat) for t in wanted]
    assert [json.loads(found.line(e)) for e in found.entries()] == [json.loads(dump_episode(t)) for t in wanted]
    assert [e.outcome for e in found.entries()] == ["passed", "failed", "passed"]
    assert found.entries()[0].parts == {"format": 1.0, "rest": 1.0}
    assert found.entries()[2].reward == 0.0, "a number that is not finite cannot be sorted"


def test_a_file_that_grows_is_followed_and_a_half_line_waits_for_its_end(tmp_path):
    path = tmp_path / "episodes.jsonl"
    found = index_of(path)
    assert (found.entries(), found.done) == ([], 1.0)
    whole = lines(episode("a"), episode("b"))
    cut = len(lines(episode("a"))) + 20
    path.write_bytes(whole[:cut])
    found.refresh()
    assert ([e.task for e in found.entries()], found.done) == (["a"], 1.0)
    with path.open("ab") as file:
        file.write(whole[cut:])
    found.refresh()
    version = found.version
    assert [e.task for e in found.entries()] == ["a", "b"]
    found.refresh()
    assert found.version == version
    with path.open("ab") as file:
        file.write(lines(episode("a", success=False))[:-1])  # whole, but for its end
    found.refresh()
    with path.open("ab") as file:
        file.write(b"\n" + lines(episode("c")))
    found.refresh()
    assert [(e.task, e.outcome) for e in found.entries()] == [("a", "failed"), ("b", "passed"), ("c", "passed")]
    assert not found.unreadable


@given(st.lists(st.sampled_from([b"", b"{", b"[1]", b"\x00\xff", b"null", b'{"turns": 3}', b"[" * 5000]), max_size=6))
@settings(max_examples=20, deadline=None)
def test_lines_that_are_no_episodes_are_counted_and_named(tmp_path_factory, garbage):
    folder = tmp_path_factory.mktemp("run")
    good = [lines(episode(str(i))) for i in range(len(garbage))]
    (folder / "episodes.jsonl").write_bytes(b"".join(a + b + b"\n" for a, b in zip(good, garbage, strict=True)))
    found = index_of(folder / "episodes.jsonl")
    assert len(found.entries()) == len(garbage)
    assert found.unreadable == [2 * i + 2 for i, line in enumerate(garbage) if line]


def test_an_overlong_line_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(index_module, "LONGEST_LINE", 5000)
    path = tmp_path / "episodes.jsonl"
    path.write_bytes(lines(episode("a")) + b"x" * 12_000 + b"\n" + lines(episode("b")) + b"y" * 9000)
    found = index_of(path)
    assert ([e.task for e in found.entries()], found.unreadable) == (["a", "b"], [2])


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A run whose index is in a file."""
    monkeypatch.setattr(index_module, "_WORTH_KEEPING", 1)
    path = save(tmp_path / "run", episode("a"), episode("b")) / "episodes.jsonl"
    index_of(path)
    assert (path.parent / NAME).is_file()
    return path


def test_the_index_is_kept_and_only_new_episodes_are_read(kept, monkeypatch):
    read = []
    monkeypatch.setattr(index_module, "entry_of", lambda line, at: read.append(at) or entry_of(line, at))
    assert [e.task for e in index_of(kept).entries()] == ["a", "b"]
    assert read == []
    size = kept.stat().st_size
    with kept.open("ab") as file:
        file.write(lines(episode("c")))
    assert [e.task for e in index_of(kept).entries()] == ["a", "b", "c"]
    assert read == [size]


@pytest.mark.parametrize("how", ["copied", "rewritten", "cut", "appended after an edit"])
def test_the_index_of_another_file_is_not_believed(kept, how):
    changed = lines(episode("b", success=False), episode("a"))
    if how == "copied":
        kept.rename(kept.with_name("old"))
        kept.write_bytes(changed)
    elif how == "rewritten":
        kept.write_bytes(changed)
    elif how == "cut":
        changed = lines(episode("a"))
        os.truncate(kept, len(changed))
    else:
        changed = lines(episode("a"), episode("b", reward=9.0), episode("c"))
        kept.write_bytes(changed)
    found = index_of(kept)
    assert [(e.task, e.outcome, e.reward) for e in found.entries()] == [
        (t.task_id, "passed" if t.success else "failed", t.reward) for t in read_episodes(kept)
    ]
    assert b"".join(found.line(e) for e in found.entries()) == changed


def test_a_file_that_is_written_anew_while_it_is_shown_is_read_anew(tmp_path):
    path = save(tmp_path, episode("a"), episode("b")) / "episodes.jsonl"
    found = index_of(path)
    path.write_bytes(lines(episode("b", success=False), episode("c"), episode("d")))  # the same inode
    found.refresh()
    assert [(e.task, e.outcome) for e in found.entries()] == [("b", "failed"), ("c", "passed"), ("d", "passed")]


def test_an_index_that_points_outside_of_the_file_is_not_believed(kept):
    place = kept.parent / NAME
    good = msgspec.msgpack.decode(place.read_bytes())
    for offset, length in ((-1, 10), (0, -1), (0, 1 << 40), (1 << 40, 1)):
        bad = [*good[:-1], [[offset, length, "lie", *good[-1][0][3:]]]]
        place.write_bytes(msgspec.msgpack.encode(bad))
        assert [e.task for e in index_of(kept).entries()] == ["a", "b"]


@pytest.mark.parametrize("content", [b"", b"\x00", b"\x93\x01\x02\x03", msgspec.msgpack.encode([1] * 9)])
def test_a_damaged_index_is_made_anew(kept, content):
    (kept.parent / NAME).write_bytes(content)
    assert [e.task for e in index_of(kept).entries()] == ["a", "b"]


def test_a_run_goes_on_beside_its_index(kept):
    from toolgym.runlog import RunLog

    (kept.parent / "run.json").write_text('{"n": 2}')
    log = RunLog(kept.parent, {"n": 2}, resume=True)
    log.append(episode("c"))
    log.close()
    assert [e.task for e in index_of(kept).entries()] == ["a", "b", "c"]


# Queries ----------------------------------------------------------------------------------------


def entry(task, outcome="passed", reward=0.0, category="c", error="", **parts):
    return Entry(0, 0, task, 0, category, outcome, error, (), reward, parts, 1, 1, 0, 0, 0.0)


ENTRIES = [
    entry("a", reward=3.0, format=1.0, minimum=-3.0, name=6.0),
    entry("b", "failed", -2.0, "d", "state", format=0.0, minimum=-3.0, name=1.0),
    entry("c", "invalid", 0.0, "d", "server"),
    entry("d", "failed", 1.0, "c", "facts", format=1.0, minimum=-3.0, name=3.0),
]


@pytest.mark.parametrize(
    ("query", "tasks"),
    [
        ("", "abcd"),
        ("outcome=failed", "bd"),
        ("outcome=failed&outcome=invalid&category=d", "bc"),
        ("error=state", "b"),
        ("where=reward>0", "ad"),
        ("where=part:format<1", "b"),
        ("where=part:correctness<=0", "bd"),
        ("where=part:correctness=3", "a"),
        ("where=part:name>=1&where=reward<2", "bd"),
        ("where=nothing<1", ""),
        ("sort=reward", "bcda"),
        ("sort=-reward", "adcb"),
        ("sort=part:format", "badc"),
        ("sort=-part:format", "adbc"),
        ("sort=error", "adcb"),
    ],
)
def test_filters_and_order(query, tasks):
    assert "".join(each.task for each in matching(ENTRIES, parse_query(parse_qs(query)))) == tasks


@pytest.mark.parametrize("query", [{"where": ["format"]}, {"where": ["a<b"]}, {"where": ["a<1.2.3"]}, {"page": ["0"]},
                                   {"page": ["x"]}, {"outcome": ["x"] * 201}])  # fmt: skip
def test_a_query_without_sense_is_refused(query):
    with pytest.raises(BadQuery):
        parse_query(query)


@given(st.dictionaries(st.sampled_from(["format", "minimum", "name", "param", "value", "outcome"]), st.floats(-9, 9)))
def test_grouped_parts_add_up_to_the_same_reward(parts):
    assert sum(grouped(parts).values()) == pytest.approx(sum(parts.values()))
    assert ("correctness" in grouped(parts)) == ("minimum" in parts)


def test_the_correctness_is_one_part_with_its_points_behind_it():
    points = [Term("name", 1.0, 6.0, "why"), Term("param", 0.0, 6.0), Term("minimum", -3.0)]
    terms = [Term("format", 1.0), *points, Term("not_paid", 1.0, 0.0)]
    first, second = reward_parts(terms)
    assert (first.name, second.name, second.points, second.reason) == ("format", "correctness", 3.0, "tool names: why")
    assert [(each.name, each.points) for each in second.inside] == [("tool names", 6.0), ("counted from", -3.0)]
    (nothing,) = reward_parts([Term("name", 0.0, 6.0, "why"), Term("minimum", -3.0)])
    assert (nothing.points, nothing.reason, nothing.inside) == (-3.0, "tool names: why", ())


def test_a_shared_name_point_is_not_shown_as_a_full_bar_of_a_third():
    record = CallRecord(ToolCall("f", {"x": 1, "y": 2}), score=CallScore(0, 1 / 3, 0.5, 1.0))
    assert [words for _, _, words in call_words(record)] == ["expected", "50 % alike", "1 of 2 given are right"]
    assert call_words(CallRecord(ToolCall("f", {}))) == [("tool", 0.0, "not expected")]


# The server -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    shop_run(folder / "plain")
    shop_run(folder / "better", better=True)
    with ViewServer(Library([folder])) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        found.folder = folder
        yield found
        found.shutdown()
        thread.join()


def ask(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def get(server, name, **query):
    answer, body = ask(server, f"/api/{name}?{urlencode(query, doseq=True)}")
    assert answer.status == 200, body
    return json.loads(body)


def test_the_table_of_a_run(server):
    found = get(server, "table", run="plain")
    assert [(row["task"], row["outcome"]) for row in found["rows"]] == [
        ("milk", "failed"), ("count", "failed"), ("hello", "passed"),
    ]  # fmt: skip
    assert found["rows"][0]["request"] == "Two cartons of milk, please."
    assert ["part:correctness", "correctness"] in found["choices"]["parts"]
    whole = found["categories"][-1]
    assert (whole["passed"], whole["valid"], found["filtered"], found["shown"]) == (1, 3, False, {"": 3})
    few = get(server, "table", run="plain", outcome="failed", text="QUANTITY")
    assert (few["matched"], few["run"]["episodes"], few["filtered"], few["categories"]) == (
        2,
        3,
        True,
        found["categories"],
    )


def test_texts_are_found_in_what_was_said_and_not_in_the_list_of_tools(server):
    assert get(server, "table", run="plain", text="<b>MORNING")["matched"] == 1
    assert get(server, "table", run="plain", text="break_down")["matched"] == 0, "a tool on offer, never called"
    assert get(server, "table", run="plain", text="reward")["matched"] == 0, "a word of the file's layout"


def test_pages(server, tmp_path):
    library = Library([save(tmp_path / "many", *(episode(f"t{i:03}") for i in range(250)))])
    with ViewServer(library) as many:
        threading.Thread(target=many.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        pages = [get(many, "table", run="many", page=page) for page in (1, 3, 99)]
        assert [(p["page"], p["pages"], len(p["rows"]), p["rows"][0]["task"]) for p in pages] == [
            (1, 3, 100, "t000"), (3, 3, 50, "t200"), (3, 3, 50, "t200"),
        ]  # fmt: skip
        many.shutdown()


def test_an_episode_and_its_neighbours_follow_the_query(server):
    found = get(server, "episode", run="plain", task="milk", repeat=0, outcome="failed", sort="-reward")
    order = [row["task"] for row in get(server, "table", run="plain", outcome="failed", sort="-reward")["rows"]]
    place = order.index("milk")
    assert (found["place"], found["of"]) == (place + 1, 2)
    assert [found["previous"], found["next"]] == (
        [None, {"task": "count", "repeat": 0}] if place == 0 else [{"task": "count", "repeat": 0}, None]
    )
    turn = found["episode"]["turns"][0]
    assert "".join(piece for piece, _ in turn["text"]) == read_episodes(server.folder / "plain")[0].turns[0].action
    assert [number for _, number in turn["text"]] == [0, 1, 0]
    outside = get(server, "episode", run="plain", task="hello", repeat=0, outcome="failed")
    assert (outside["place"], outside["previous"]) == (0, None)


def test_calls_stand_beside_the_expected_calls(server):
    first, last = get(server, "expected", run="plain", task="milk", repeat=0)["turns"]
    parameters = {each["name"]: each for each in first["calls"][0]["parameters"]}
    assert {name: (each["made"], each["gold"], each["same"]) for name, each in parameters.items()} == {
        "item": ('"milk"', '"milk"', True), "quantity": ("3", "2", False), "fast": ("true", None, False),
    }  # fmt: skip
    assert (last["calls"], last["missing"], last["expected"]) == ([], [], 0)
    silent = get(server, "expected", run="better", task="count", repeat=0)
    assert silent["note"] == ""


def test_an_expected_call_that_was_not_made_is_shown(tmp_path):
    folder = shop_run(tmp_path / "run")
    (folder / "episodes.jsonl").write_bytes(lines(played("milk", saying("No."))))
    library = Library([folder])
    run = library.runs["run"]
    run.index.refresh()

    (turn,) = expected_of(run, run.index.find("milk", 0))["turns"]
    assert [(call["name"], [p["gold"] for p in call["parameters"]]) for call in turn["missing"]] == [
        ("add", ['"milk"', "2"])
    ]


def test_a_foreign_run_imports_nothing_to_show_what_was_expected(tmp_path):
    folder = shop_run(tmp_path / "run")
    (folder / "run.json").write_text(json.dumps({"env": "antigravity:Env-v0"}))
    run = Library([folder]).runs["run"]
    found, note = run.expectations.of(read_episodes(folder)[0])
    assert found == []
    assert "--trust env" in note


def test_the_line_of_an_episode_as_it_is(server):
    answer, body = ask(server, "/api/raw?run=plain&task=hello")
    assert body == (server.folder / "plain" / "episodes.jsonl").read_bytes().splitlines(keepends=True)[2]
    assert answer.getheader("Content-Type") == "text/plain; charset=utf-8"


def test_two_runs_on_the_same_tasks(server):
    found = get(server, "pairs", run="plain", other="better")
    assert {row["task"]: row["change"] for row in found["rows"]} == {
        "milk": "gained",
        "count": "gained",
        "hello": "both passed",
    }
    assert (found["difference"]["before"], found["difference"]["after"]) == (pytest.approx(1 / 3), 1.0)
    assert get(server, "pairs", run="plain", other="better", change="gained", sort="-difference")["matched"] == 2
    pair = get(server, "pair", run="plain", other="better", task="milk", repeat=0, change="gained")
    assert [each["outcome"] for each in pair["episodes"]] == ["failed", "passed"]
    assert (pair["place"], pair["next"]) == (1, {"task": "count", "repeat": 0})


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/table?run=nothing", 404),
        ("/api/table", 404),
        ("/api/episode?run=plain&task=nothing", 404),
        ("/api/episode?run=plain&task=milk&repeat=x", 400),
        ("/api/episode?run=plain&task=milk&repeat=%C2%B2", 400),
        ("/api/table?run=plain&page=-1", 400),
        ("/api/table?run=plain&where=x", 400),
        ("/api/pairs?run=plain&other=better&sort=x", 400),
        ("/api/training?run=plain", 404),
        ("/../../../etc/passwd", 404),
        ("/viewer.js/../../index.py", 404),
        ("/%2e%2e/server.py", 404),
        ("/static/viewer.js", 404),
        ("//evil.example/", 404),
        ("/api/raw?run=../plain&task=milk", 404),
        ("/" + "x" * 20_000, 414),
        ("/api/table?" + "a=1&" * 3000, 400),
    ],
)
def test_what_is_not_there_is_refused(server, path, status):
    answer, body = ask(server, path)
    assert answer.status == status
    assert len(body) < 1000
    if status != 414:
        assert json.loads(body)["error"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "", "localhost.", "x@localhost"]
)
def test_other_names_for_this_address_are_refused(server, host):
    answer, body = ask(server, "/api/runs", Host=host)
    assert (answer.status, b"milk" in body) == (403, False)


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:80"])
def test_names_of_this_machine_are_served(server, host):
    assert ask(server, "/api/runs", Host=host)[0].status == 200


def test_other_sites_may_lead_here_and_read_nothing(server):
    cross = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert ask(server, "/api/runs", **cross)[0].status == 403
    assert ask(server, "/viewer.js", **cross)[0].status == 403
    assert ask(server, "/", **{**cross, "Sec-Fetch-Mode": "navigate"})[0].status == 200
    assert ask(server, "/api/runs", **{**cross, "Sec-Fetch-Mode": "navigate"})[0].status == 403
    assert ask(server, "/api/runs", **{"Sec-Fetch-Site": "same-origin"})[0].status == 200


@pytest.mark.parametrize(
    "path", ["/", "/viewer.js", "/viewer.css", "/api/runs", "/api/raw?run=plain&task=milk", "/nothing"]
)
def test_every_answer_has_the_strict_policy(server, path):
    for method in ("GET", "HEAD"):
        answer, body = ask(server, path, method)
        policy = answer.getheader("Content-Security-Policy")
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert (answer.getheader("X-Content-Type-Options"), answer.getheader("Access-Control-Allow-Origin")) == (
            "nosniff",
            None,
        )
        assert bool(body) == (method == "GET")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(server, method):
    assert ask(server, "/api/runs", method)[0].status == 501


def test_the_server_listens_on_this_machine_only(server):
    assert server.server_address[0] == "127.0.0.1"


def test_a_run_that_starts_later_and_grows_is_followed(tmp_path):
    shop_run(tmp_path / "runs" / "one")
    with ViewServer(Library([tmp_path / "runs"])) as found:
        threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        assert [run["name"] for run in get(found, "runs")["runs"]] == ["one"]
        shop_run(tmp_path / "runs" / "two")
        assert [run["name"] for run in get(found, "runs")["runs"]] == ["one", "two"]
        with (tmp_path / "runs" / "two" / "episodes.jsonl").open("ab") as file:
            file.write(lines(played("milk", MILK, saying("Done."), repeat=1)) + b'{"half')
        table = get(found, "table", run="two")
        assert (table["run"]["episodes"], table["run"]["done"], table["run"]["unreadable"]) == (4, 1.0, 0)
        found.shutdown()


def test_an_episode_that_was_changed_under_the_viewer_is_an_error_and_not_another_episode(tmp_path):
    folder = save(tmp_path / "run", episode("a"), episode("b"))
    with ViewServer(Library([folder])) as found:
        threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        get(found, "table", run="run")
        (folder / "episodes.jsonl").unlink()
        answer, body = ask(found, "/api/episode?run=run&task=a")
        assert (answer.status, json.loads(body)["error"]) == (404, "run has no episode of 'a', repeat 0")
        found.shutdown()


def test_a_folder_without_runs_is_named(tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        Library([tmp_path])
    with pytest.raises(RunError, match="there is no such file"):
        Library([tmp_path / "nothing"])


def test_runs_in_folders_are_found_by_their_path(tmp_path):
    for name in ("a/one", "a/b/two", ".hidden/three"):
        save(tmp_path / name, episode())
    save(tmp_path / "c")
    assert list(Library([tmp_path]).runs) == ["a/b/two", "a/one", "c"]
    assert list(Library([tmp_path / "a" / "one", tmp_path / "a" / "b"]).runs) == ["one", "b/two"]


# Training ---------------------------------------------------------------------------------------


TOKENS = {
    "task_id": "t", "repeat": 1, "prompt_length": 12, "tokens": ["Hi", "<b>"], "token_ids": [5, 6],
    "loss_mask": [1, 0], "logprobs": [-0.5, 0.0], "advantages": [0.7, 0.0],
}  # fmt: skip


def training_run(folder, steps=3):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"algo": "grpo", "env": "TestShop-v0", "steps": 9}))
    rows = [json.dumps({"step": i, "reward": i / 2, "entropy": 1.0}) for i in range(1, steps + 1)]
    (folder / "metrics.jsonl").write_text("\n".join(rows) + "\n")
    group = folder / "groups" / "step-000003"
    save(group, episode("t"), episode("t", repeat=1))
    lists = {
        "tokens": ["Hi", "<b>"],
        "token_ids": [5, 6],
        "loss_mask": [1, 0],
        "logprobs": [-0.5, 0.0],
        "advantages": [0.7, 0.0],
    }
    line = {"task_id": "t", "repeat": 1, "prompt_length": 12, **lists}
    (group / "tokens.jsonl").write_text(json.dumps(line) + "\n")
    return folder


def test_a_training_run_shows_curves_that_go_on_and_what_it_kept(tmp_path):
    folder = training_run(tmp_path / "grpo")
    with ViewServer(Library([folder])) as found:
        threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        runs = get(found, "runs")
        assert (runs["training"], [run["training"] for run in runs["runs"]]) == (["grpo"], ["grpo"])
        shown = get(found, "training", run="grpo")
        assert (shown["steps"], [run["name"] for run in shown["kept"]]) == ([3], ["grpo/groups/step-000003"])
        titles = re.findall(r'\["figcaption", {}, \["([^"]*)"', json.dumps(shown["curves"]))
        assert titles == ["Reward", "Entropy, nats"]
        with (folder / "metrics.jsonl").open("a") as file:
            file.write('{"step": 4, "reward": 2.0}\n{"step": 5, "rew')
        assert get(found, "training", run="grpo")["steps"] == [4]
        episodes = [get(found, "episode", run="grpo/groups/step-000003", task="t", repeat=i) for i in (0, 1)]
        assert episodes[0]["tokens"] is None
        assert episodes[1]["tokens"] == {
            "prompt": 12,
            "of": 2,
            "tokens": [["Hi", 5, 1, -0.5, 0.7], ["<b>", 6, 0, 0.0, 0.0]],
        }
        found.shutdown()


@pytest.mark.parametrize("line", ["", "{", "[]", '{"task_id": "t"}', json.dumps({**TOKENS, "token_ids": [1]})])
def test_damaged_tokens_are_left_out(tmp_path, line):
    folder = training_run(tmp_path / "grpo")
    (folder / "groups" / "step-000003" / "tokens.jsonl").write_text(line + "\n")
    run = Library([folder]).runs["grpo/groups/step-000003"]
    run.index.refresh()
    assert run.tokens(run.index.find("t", 1)) is None


# The page as one file ---------------------------------------------------------------------------


class Elements(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_one_file_has_all_the_data_and_no_text_can_leave_it(tmp_path):
    nasty = episode("x", text=NASTY, verdict=NASTY + "</script>", category=NASTY)
    folder = save(tmp_path / "run", nasty, episode("y"))
    html = write_one_file(Library([folder]), tmp_path / "page.html").read_text("utf-8")
    plain = write_one_file(
        Library([save(tmp_path / "plain", episode("x"), episode("y"))]), tmp_path / "p.html"
    ).read_text("utf-8")
    assert Elements(html).found == Elements(plain).found
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])
    assert [row["task"] for row in data["tables"]["run"]["rows"]] == ["x", "y"]
    assert data["episodes"]["run"][0]["episode"]["turns"][0]["text"][0][0].startswith("</pre></script><script>")


def test_too_many_episodes_for_one_file_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("toolgym.view.one_file.MOST_EPISODES", 1)
    with pytest.raises(RunError, match="toolgym view"):
        write_one_file(Library([save(tmp_path / "run", episode("a"), episode("b"))]), tmp_path / "page.html")


def test_the_scripts_make_no_markup_from_text_and_load_nothing():
    sources = {path.name: path.read_text("utf-8") for path in STATIC.iterdir()}
    for name, text in sources.items():
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|DOMParser", text
        ), name
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|@import|url\(", text), name
        assert max(map(len, text.splitlines())) < 180, name
    assert set(sources) - {"viewer.css", "local.js", "main.js"} <= {
        name for name in sources if sources[name].strip() in SCRIPT
    }
    assert sources["viewer.css"] in STYLE


# Commands ---------------------------------------------------------------------------------------


def test_the_command_writes_one_file_and_names_mistakes(tmp_path, capsys):
    from toolgym.cli.main import main

    folder = shop_run(tmp_path / "run")
    assert main(["view", str(folder), "--html", str(tmp_path / "out.html")]) == 0
    assert (tmp_path / "out.html").is_file()
    assert main(["view", str(tmp_path / "nothing")]) == 1
    assert "holds no run" in capsys.readouterr().err
    assert main(["view", str(folder), "--html", str(tmp_path)]) == 1
    assert "is a folder" in capsys.readouterr().err
    assert main(["view", str(folder), "--port", "99999"]) == 1
    assert "--port" in capsys.readouterr().err
    (tmp_path / "notes.md").write_text("# Notes\n\nnone\n")
    assert main(["view", str(tmp_path / "notes.md"), "--html", str(tmp_path / "no.html")]) == 1
    assert "has no episodes: line 1 is none" in capsys.readouterr().err
    for text in ("", "one line without an end"):
        (tmp_path / "notes.md").write_text(text)
        assert main(["view", str(tmp_path / "notes.md"), "--html", str(tmp_path / "no.html")]) == 1
        assert "notes.md has no episodes. Give the folder of a run" in capsys.readouterr().err
    assert not (tmp_path / "no.html").exists()
    with (folder / "episodes.jsonl").open("a") as file:
        file.write("{broken\n")
    assert main(["view", str(folder), "--html", str(tmp_path / "out.html")]) == 0
    assert "1 line left out" in " ".join(capsys.readouterr().out.split())


def test_one_episode_of_a_run_is_replayed(tmp_path, capsys):
    from toolgym.cli.main import main

    folder = shop_run(tmp_path / "run")
    assert main(["replay", str(folder), "--task", "milk", "--repeat", "0"]) == 0
    assert "1 same, 0 different" in capsys.readouterr().out
    assert main(["replay", str(folder), "--task", "nothing"]) == 1
    assert "no episode of 'nothing'" in capsys.readouterr().err
    assert main(["replay", str(folder), "--repeat", "0"]) == 1
