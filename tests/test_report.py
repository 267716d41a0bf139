"""Numbers and pages of runs: the intervals are right, and no text of a model can act on the page."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from toolgym import registry
from toolgym.report import load_runs, make_run, page, rows, suite_summary, summary_lines, wilson, write_page
from toolgym.report.episode import marked
from toolgym.report.glossary import explained
from toolgym.report.screen import print_report
from toolgym.report.text import one_line, printable
from toolgym.runlog import RunError, dump_episode
from toolgym.types import CallRecord, CallScore, RewardBreakdown, Term, ToolCall, ToolResult, Trajectory, Turn, message

NASTY = "</pre></script><script>alert(1)</script><img src=x onerror='alert(2)'>\" data-x=\"\x1b[31m\ud800‮&amp;"
ANYTHING = st.text(st.characters(), max_size=60) | st.sampled_from([NASTY, "<", "'\"", "\x00", "&lt;"])


def episode(task="a_0", *, success=True, category="a", reward=1.0, valid=True, text="call()", calls=None, **rest):
    record = CallRecord(ToolCall("f", {"x": 1}, start=0, end=len(text)), score=CallScore(0, 1.0, 1.0, 1.0))
    breakdown = RewardBreakdown(
        reward,
        (Term("format", 1.0), Term("rest", (reward - 1) / 2, 2.0)),
        (record,) if calls is None else tuple(calls),
    )
    turn = Turn(text, (message("assistant", text),), breakdown)
    return Trajectory(
        "Test-v0",
        task,
        (message("system", "Use tools."), message("user", "Do it.")),
        [turn],
        success=success if valid else None,
        reward=reward,
        reward_valid=valid,
        category=category,
        error=None if valid else "server down",
        **rest,
    )


# Numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # the limits of Newcombe 1998, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_limits(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_narrows_with_more_episodes(pair):
    successes, n = pair
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    more = wilson(10 * successes, 10 * n)
    assert more[1] - more[0] < high - low


def test_rows_count_each_category_and_all_of_them():
    table = rows(
        [
            episode("a_0", success=True, reward=3.0),
            episode("a_1", success=False, reward=-1.0),
            episode("b_0", success=False, reward=0.0, category="b"),
        ]
    )
    assert [(row.category, row.episodes, row.successes) for row in table] == [("a", 2, 1), ("b", 1, 0), ("all", 3, 1)]
    assert table[0].reward == 1.0
    assert table[2].success == pytest.approx(1 / 3)


@given(st.lists(st.floats(-3, 4), min_size=1, max_size=8))
def test_the_terms_of_a_row_add_up_to_its_reward(rewards):
    (row,) = rows([episode(f"a_{i}", reward=reward) for i, reward in enumerate(rewards)])
    assert sum(row.terms.values()) == pytest.approx(row.reward)


def test_invalid_episodes_are_counted_and_in_no_other_number():
    valid = [episode("a_0", reward=2.0), episode("a_1", reward=2.0)]
    (row,) = rows([*valid, episode("a_2", reward=-3.0, valid=False)])
    assert (row.invalid, row.episodes, row.success, row.reward) == (1, 2, 1.0, 2.0)
    (lost,) = rows([episode(valid=False)])
    assert (lost.success, lost.reward, lost.calls, lost.interval) == (None, None, None, (0.0, 1.0))


def test_shares_of_calls_with_errors():
    calls = [
        CallRecord(ToolCall("f", {})),
        CallRecord(ToolCall("", {}, error="not JSON")),
        CallRecord(ToolCall("f", {}), problems=("x is missing",)),
        CallRecord(ToolCall("f", {})),
    ]
    (row,) = rows([episode(calls=calls), episode("a_1", calls=[])])
    assert (row.calls, row.malformed, row.objected) == (2.0, 0.25, 0.25)


# Runs on disk -----------------------------------------------------------------------------------


def save(folder, trajectories, agent="smollm2"):
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"agent": agent, "n": 2}))
    (folder / "episodes.jsonl").write_text("".join(dump_episode(each) + "\n" for each in trajectories))
    return folder


def test_runs_are_loaded_with_labels_that_tell_them_apart(tmp_path):
    folders = [save(tmp_path / name, [episode()], agent) for name, agent in [("x", "a"), ("y", "a"), ("z", "b")]]
    runs = load_runs([*folders[:2], folders[2] / "episodes.jsonl"])
    labels = [run.label for run in runs]
    assert len(set(labels)) == 3
    assert labels[2] == "b"
    assert "x" in labels[0]
    assert runs[0].trajectories[0].turns == [episode().turns[0]]


@pytest.mark.parametrize("episodes", [None, "", "not an episode\n"])
def test_a_folder_without_a_usable_run_is_named(tmp_path, episodes):
    folder = tmp_path / "gone"
    if episodes is not None:
        save(folder, [])
        (folder / "episodes.jsonl").write_text(episodes)
    with pytest.raises(RunError, match="gone"):
        load_runs([folder])


def test_a_run_killed_before_its_first_episode_says_how_to_go_on(tmp_path):
    folder = save(tmp_path / "begun", [])
    (folder / "episodes.jsonl").unlink()
    with pytest.raises(RunError, match="--resume"):
        load_runs([folder])


class Summarising:
    @classmethod
    def summarize(cls, trajectories):
        valid = [each for each in trajectories if each.reward_valid]
        return {
            "categories": {"a": 1},
            "parts": {"count": len(valid), "none": None, "left": ["x", "y"]},
            "score": 0.125,
        }


def test_the_suites_own_summary_is_shown_in_lines(monkeypatch):
    suite = registry.Suite("Test-v0", f"{__name__}:Summarising", "")
    monkeypatch.setitem(registry.SUITES, "Test-v0", suite)
    run = make_run([episode(), episode("a_1", valid=False)], "x")
    assert suite_summary(run)["parts"]["count"] == 1
    lines = summary_lines(suite_summary(run))
    assert lines == {"parts / count": "1", "parts / left": "2: x, y", "score": "0.1250"}
    assert "0.1250" in page([run])


def test_an_overall_score_that_lacks_categories_says_so():
    partly = {"overall": None, "overall_missing_as_zero": 0.0583, "missing": ["multiple", "parallel"], "live": 0.5}
    assert summary_lines({"v4": partly, "v3": {"overall": 0.5, "overall_missing_as_zero": 0.5, "missing": []}}) == {
        "v4 / overall": "none: 2 categories were not run",
        "v4 / not run": "multiple, parallel",
        "v4 / overall if those count as 0": "0.0583",
        "v4 / live": "0.5000",
        "v3 / overall": "0.5000",
    }


def test_categories_that_were_not_run_are_counted_on_the_screen_and_named_on_the_page(monkeypatch):
    names = [f"live_parallel_multiple_{i}" for i in range(12)]
    monkeypatch.setattr(Summarising, "summarize", lambda trajectories: {"v4": {"overall": None, "missing": names}})
    monkeypatch.setitem(registry.SUITES, "Test-v0", registry.Suite("Test-v0", f"{__name__}:Summarising", ""))
    run = make_run([episode()], "x")
    console = Console(width=80, record=True, file=io.StringIO())
    print_report([run], console)
    shown = console.export_text()
    assert max(map(len, shown.splitlines())) <= 80
    assert "none: 12 categories were not run" in shown
    assert not any(name in shown for name in names)
    assert all(name in page([run]) for name in names)


def test_words_that_do_not_explain_themselves_are_explained():
    each = episode(category="irrelevance")
    turn = each.turns[0]
    each.turns[0] = msgspec.structs.replace(turn, reward=RewardBreakdown(-3.0, (Term("minimum", -3.0),)))
    text = Reader(page([make_run([each], "x")])).text
    assert "category irrelevance" in text
    assert "the right answer calls nothing" in text
    assert "correctness, counted from" in text
    assert "term format" not in text, "it does not occur"


def test_a_suite_that_is_not_ours_has_no_summary():
    assert suite_summary(make_run([episode()], "x")) == {}


@pytest.mark.parametrize("runs", [1, 2, 5])
def test_tables_fit_in_80_columns(runs):
    names = ["simple_python", "live_parallel_multiple", "multi_turn_long_context"]
    found = [
        make_run([episode(name, category=name, reward=-2.345) for name in names], f"smollm2-135m-instruct-{i}")
        for i in range(runs)
    ]
    console = Console(width=80, record=True, file=io.StringIO())
    print_report(found, console)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert all(name in text for name in names)
    assert "…" not in text
    assert text.count("100.0 [20.7, 100.0]") == runs * len(names)


def test_reasons_are_counted_by_category(capsys):
    made = [
        Trajectory("e", f"t{i}", (), success=False, category="ab"[i % 2], truncated=i > 2, reward_valid=i != 1,
                   error_kind="server" if i == 1 else "", cut_off="context" if i == 4 else "turns" if i > 2 else "")
        for i in range(6)
    ]  # fmt: skip
    found = {row.category: (row.left_out, row.endings) for row in rows(made)}
    assert found == {
        "a": ({}, {"context": 1}),
        "b": ({"server": 1}, {"turns": 2}),
        "all": ({"server": 1}, {"turns": 2, "context": 1}),
    }
    print_report([make_run(made, "mine")], Console(width=80))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert re.search(r"category +out: server +cut: context +cut: turns", shown)
    assert re.search(r"all +1 +1 +2", shown)


def test_a_run_that_is_not_over_is_said_to_be_unfinished(tmp_path, capsys):
    from toolgym.cli.main import main

    arguments = ["--env", "ToolGym-Office-v0", "--env-arg", "level=single", "--agent", "silent", "-n", "4"]
    folder, html = tmp_path / "run", tmp_path / "page.html"
    assert main(["eval", *arguments, "--out", str(folder)]) == 0
    assert main(["report", str(folder), "--html", str(html)]) == 0
    assert "unfinished" not in capsys.readouterr().out + html.read_text("utf-8")
    (folder / "summary.json").unlink()  # as a kill leaves it
    assert main(["report", str(folder)]) == 0
    assert "unfinished" not in capsys.readouterr().out, "all of it is there"
    lines = (folder / "episodes.jsonl").read_text().splitlines(keepends=True)
    (folder / "episodes.jsonl").write_text("".join(lines[:2]))
    assert main(["report", str(folder), "--html", str(html)]) == 0
    assert "silent: 2 of 4 episodes: unfinished" in capsys.readouterr().out
    assert "2 of 4 episodes: unfinished" in html.read_text("utf-8")


# The page ---------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collects the tags, their attributes and the text of a page, as a browser would read them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.words = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attr) for attr in attrs]

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return "".join(self.words)


def nasty_run(text):
    call = ToolCall(text, {text: [text]}, error=text, start=0, end=3)
    calls = [CallRecord(call, ToolResult(text, text), (text,), CallScore(0, 0.5, 0.5, 1.0, text))]
    each = episode(text, category=text, text=text, calls=calls, success=False, verdict=text, error_type=text)
    each.turns[0] = msgspec.structs.replace(
        each.turns[0], reward=RewardBreakdown(0.0, (Term(text, 0.0, 1.0, text),), tuple(calls))
    )
    each.messages = (message("system", text), message(text, text, name=text))
    return make_run(
        [each, episode("other", category="another category")], text, settings={"agent": text, "model": text, text: text}
    )


BENIGN = Reader(page([nasty_run("plain")] * 2))


@given(ANYTHING.filter(lambda text: text and not explained([text], [text])))  # the glossary adds to the page
@settings(max_examples=60, deadline=None)
def test_no_text_can_add_to_the_page(text):
    html = page([nasty_run(text)] * 2)
    html.encode()  # no lone surrogates
    read = Reader(html)
    marks = {"mark"}  # a text of blanks has none
    assert [tag for tag in read.tags if tag not in marks] == [tag for tag in BENIGN.tags if tag not in marks]
    assert {(tag, name) for tag, name, _ in read.attributes} <= {(tag, name) for tag, name, _ in BENIGN.attributes}


def test_the_page_needs_and_admits_nothing_from_outside():
    html = page([nasty_run(NASTY)])
    read = Reader(html)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(read.tags)
    assert not {name for _, name, _ in read.attributes} & {"src", "style", "srcset", "action"}
    assert all(value.startswith("#") for _, name, value in read.attributes if name == "href")
    policy = next(value for _, name, value in read.attributes if name == "content" and "default-src" in value)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (body,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_an_action_that_rightly_calls_nothing_is_not_shown_as_points_for_a_tool():
    each = episode(calls=[])
    terms = (Term("format", 1.0), Term("name", 1.0, 6.0), Term("param", 0.0, 6.0), Term("minimum", -3.0))
    each.turns[0] = msgspec.structs.replace(each.turns[0], reward=RewardBreakdown(4.0, terms))
    html = page([make_run([each], "me")])
    assert "<li><b>correctness</b> +3.00 <small>= tool names +6.00, counted from -3.00</small></li>" in html
    head = Reader(html).text.split("Rewards and calls")[1]
    assert head.index("correctness") < head.index("Correctness by part") < head.index("counted from")


def test_the_page_shows_what_happened(tmp_path):
    calls = [CallRecord(ToolCall("pay", {"sum": 3}, start=3, end=8), score=CallScore(0, 1, 0.5, 1.0, "sum is too low"))]
    run = make_run([episode(text="so pay(3)", calls=calls, success=False, verdict="wrong sum")], "me")
    text = Reader(write_page([run], tmp_path / "new" / "report.html").read_text("utf-8")).text
    for words in ("wrong sum", "Do it.", "Use tools.", "pay", "sum is too low", "failed", "me", "1 of 1 given"):
        assert words in text


def test_what_was_run_is_told_setting_by_setting():
    settings = {
        "env": "x",
        "env_kwargs": {"level": "easy"},
        "agent_settings": {"temperature": 0.0, "stop": None},
        "n": 3,
    }
    text = Reader(page([make_run([episode()], "me", settings=settings)])).text
    assert "1 episodes, level=easy, temperature=0.0, n=3" in text


def test_episodes_that_are_not_valid_have_no_numbers():
    html = page([make_run([episode(valid=False, reward=0.0)], "lost")])
    chart, _, rest = html.partition("</svg>")
    assert "no episodes" in chart
    assert "class='whisker'" not in chart
    assert 'class="whisker"' not in chart
    assert "<span class='score'>–</span>" in rest
    assert "0.0 to 100.0" not in rest


def test_the_verdict_and_what_is_added_to_it_are_two_sentences():
    each = episode(success=False, verdict="message 1 of 1 was not answered", truncated=True)
    text = Reader(page([make_run([each], "me")])).text
    assert "message 1 of 1 was not answered. The episode was cut off after its last turn." in text
    each.verdict = "Not answered."
    assert "Not answered. The episode" in Reader(page([make_run([each], "me")])).text


def test_a_long_run_is_cut_with_a_note_and_its_numbers_are_not():
    run = make_run([episode(f"a_{i}") for i in range(30)], "long")
    html = page([run], max_episodes=10)
    assert html.count("class='episode'") == 10
    assert "first 10 of 30" in html
    assert "n=30" in html


@given(ANYTHING, st.lists(st.tuples(st.integers(-5, 80), st.integers(-5, 80)), max_size=5))
def test_marks_never_change_the_text(text, spans):
    records = [CallRecord(ToolCall("f", {}, start=start, end=end)) for start, end in spans]
    if text:
        assert Reader(f"<pre>{marked(text, records)}</pre>").text == printable(text).replace("\r", "\n")


def test_marks_are_where_the_calls_are_and_say_how_good_they_are():
    text = "a(1) b(2) c(3)"
    records = [
        CallRecord(ToolCall("a", {}, start=0, end=4), score=CallScore(0, 1.0)),
        CallRecord(ToolCall("b", {}, start=5, end=9), score=CallScore(1, 1.0, reason="differs")),
        CallRecord(ToolCall("c", {}, start=10, end=14), score=CallScore(None, reason="surplus call")),
    ]
    found = re.findall(r"<mark class='(\w+)' data-call='(\d)'>(.*?)</mark>", marked(text, records))
    assert found == [("right", "1", "a(1)"), ("partly", "2", "b(2)"), ("wrong", "3", "c(3)")]


@given(ANYTHING)
def test_printable_text_has_no_control_over_a_terminal_and_keeps_offsets(text):
    shown = printable(text)
    assert len(shown) == len(text)
    shown.encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    line = one_line(text, 20)
    assert len(line) <= 20
    assert "\n" not in line
