"""An agent whose own code raises: the episode is recorded as not valid, counted, and played again on resume."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading

import pytest
from conftest import calling, saying
from rich.console import Console

from toolgym import evaluate, rollout
from toolgym.agents.scripted import Replay
from toolgym.cli.denominator import last_evaluation_code
from toolgym.cli.main import main
from toolgym.playing.agent_failures import MOST_IN_A_ROW, AgentFailures
from toolgym.playing.left_out import as_data, endings, left_out, left_out_words
from toolgym.rollout import AgentError, ContextFull, NotAnAgent, Refused
from toolgym.runlog import RunError, read_episodes
from toolgym.types import Trajectory, UnfinishedAnswer

MILK = calling(("add", {"item": "milk", "quantity": 2}))


class BadRequestError(Exception):
    """As the libraries of model servers have them: not one of ours."""


def answer(observation, raises):
    if observation["messages"][-1]["content"].startswith("Good"):
        raise raises
    return MILK if observation["messages"][-1]["role"] == "user" else saying("Bye.")


class Plain:
    raises: BaseException = BadRequestError("max_tokens is too large")

    def act(self, observation):
        return answer(observation, self.raises)


class Threads(Plain):
    concurrency = 3


class Async(Plain):
    async def act(self, observation):
        await asyncio.sleep(0)
        return answer(observation, self.raises)


class ForEnv(Plain):
    def for_env(self, env):
        return Plain() if type(self) is ForEnv else self


class ForEnvFails(Plain):
    """Cannot be made for the env of one task: its first two calls work."""

    def __init__(self):
        self.made = 0

    def for_env(self, env):
        self.made += 1
        if self.made == 4:  # the first is for looking at it
            raise self.raises
        return GoodShopper()


class GoodShopper:
    def act(self, observation):
        return MILK if observation["messages"][-1]["role"] == "user" else saying("Bye.")


@pytest.mark.parametrize("kind", [Plain, Threads, Async, ForEnv, ForEnvFails])
def test_an_exception_of_the_agent_is_recorded_with_its_name_and_line(kind, tmp_path):
    out = tmp_path / "run"
    played = evaluate("TestShop-v0", kind(), out=out, on_agent_error="record")
    (lost,) = [t for t in played if not t.reward_valid]
    assert (lost.task_id, lost.error_kind, lost.success) == ("hello", "exception", None)
    assert re.fullmatch(r"BadRequestError: max_tokens is too large \(test_agent_failures\.py, line \d+\)", lost.error)
    assert [t.reward_valid for t in read_episodes(out)].count(True) == 2
    agent = GoodShopper()
    agent.name = kind.__name__
    seen = []
    again = evaluate("TestShop-v0", agent, out=out, resume=True, on_episode=seen.append)
    assert [t.task_id for t in seen] == ["hello"]
    assert all(t.reward_valid for t in again)


class Batch(Plain):
    """Fails on its second batch."""

    def __init__(self):
        self.batches = 0

    def act_batch(self, observations):
        self.batches += 1
        if self.batches == 2:
            raise self.raises
        return [MILK for _ in observations]


def test_an_exception_of_a_batch_is_recorded_for_each_of_its_episodes():
    played = evaluate("TestShop-v0", Batch(), repeats=4, batch_size=3, on_agent_error="record")
    assert [t.error_kind for t in played].count("exception") == 3
    assert len(played) == 12
    with pytest.raises(BadRequestError):
        evaluate("TestShop-v0", Batch(), repeats=4, batch_size=3)


@pytest.mark.parametrize("kind", [Plain, Threads, Async, ForEnv, ForEnvFails, Batch])
@pytest.mark.parametrize("raises", [KeyboardInterrupt(), SystemExit(3), MemoryError()], ids=repr)
def test_some_exceptions_are_never_recorded(kind, raises, monkeypatch):
    monkeypatch.setattr(Plain, "raises", raises)
    with pytest.raises(type(raises)):
        evaluate("TestShop-v0", kind(), repeats=4, batch_size=3, on_agent_error="record")


def test_an_object_that_is_no_agent_is_never_recorded():
    class Numbers:
        def act(self, observation):
            return 7

    with pytest.raises(NotAnAgent, match="gave int"):
        evaluate("TestShop-v0", Numbers(), on_agent_error="record")
    with pytest.raises(ValueError, match="'raise' or 'record', got 'ignore'"):
        evaluate("TestShop-v0", GoodShopper(), on_agent_error="ignore")


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("not even this")


@pytest.mark.parametrize(
    ("raises", "told"), [(Unspeakable(), "Unspeakable"), (StopIteration(3), "StopIteration: 3"),
                         (BadRequestError("x" * 9000), "BadRequestError: " + "x" * 500)], ids=["str", "stop", "long"],
)  # fmt: skip
def test_any_exception_can_be_told(raises, told, monkeypatch):
    monkeypatch.setattr(Plain, "raises", raises)
    (lost,) = [t for t in evaluate("TestShop-v0", Plain(), on_agent_error="record") if not t.reward_valid]
    assert re.fullmatch(told + r" \(test_agent_failures\.py, line \d+\)", lost.error)


@pytest.mark.parametrize("kind", [Plain, Async, Threads])
def test_an_agents_own_cancellation_is_a_failure_of_the_agent(kind, monkeypatch):
    monkeypatch.setattr(Plain, "raises", asyncio.CancelledError("timeout"))
    played = evaluate("TestShop-v0", kind(), on_agent_error="record")
    assert [t.error_kind for t in played] == ["", "", "exception"]
    with pytest.raises(BaseException, match=r"^(timeout)?$"):
        evaluate("TestShop-v0", kind())


@pytest.mark.parametrize("kind", [Plain, Threads, Async])
def test_many_failures_in_a_row_end_the_run_and_what_finished_is_kept(kind, tmp_path):
    class Ever(kind):
        count, lock = 0, threading.Lock()

        def fails(self):
            with self.lock:
                Ever.count += 1
                return Ever.count > 5

    def act(self, observation):
        if self.fails():
            raise BadRequestError("quota")
        return saying("Hi.")

    async def act_async(self, observation):
        return act(self, observation)

    Ever.act = act_async if kind is Async else act
    with pytest.raises(RunError, match=r"failed 2\d times in a row.*BadRequestError: quota") as caught:
        evaluate("TestShop-v0", Ever(), repeats=40, batch_size=4, out=tmp_path / "run", on_agent_error="record")
    assert isinstance(caught.value.__cause__, BadRequestError)
    kept = read_episodes(tmp_path / "run")
    assert sum(t.reward_valid for t in kept) == 5
    assert len(kept) >= 5 + MOST_IN_A_ROW - (1 if kind is Plain else 5)


def test_failures_with_answers_between_them_do_not_end_a_run():
    class Flaky:
        turn = 0

        def act(self, observation):
            Flaky.turn += 1
            if Flaky.turn % 7:
                raise BadRequestError("now and then")
            return saying("Hi.")

    played = evaluate("TestShop-v0", Flaky(), repeats=40, on_agent_error="record")
    assert len(played) == 120
    assert sum(t.reward_valid for t in played) == 17


def test_more_at_once_may_fail_for_one_cause():
    failures = AgentFailures("record")
    failures.expect_at_once(64)
    assert failures.most == 128


def test_other_episodes_under_way_are_kept_if_one_raises(tmp_path):
    began = threading.Barrier(3, timeout=20)

    class Together(Threads):
        def act(self, observation):
            if observation["messages"][-1]["role"] == "user":
                began.wait()
            return answer(observation, self.raises)

    with pytest.raises(BadRequestError):
        evaluate("TestShop-v0", Together(), out=tmp_path / "run")
    assert {t.task_id for t in read_episodes(tmp_path / "run")} == {"milk", "count"}


# Why an episode does not count, and what ended the episodes that do --------------------------------


def playing(act):
    return type("Scripted", (), {"act": lambda self, observation: act(observation)})()


def after_one_action(error):
    def act(observation):
        if any(m["role"] == "assistant" for m in observation["messages"]):
            raise error
        return MILK

    return playing(act)


def always(error):
    def act(observation):
        raise error

    return playing(act)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(AgentError("down"), "agent"), (AgentError("503", kind="server"), "server"), (Refused("no role"), "refused"),
     (ContextFull("long"), "context"), (Refused("x", kind="template"), "template")],
)  # fmt: skip
def test_the_kind_of_a_failure_is_kept(error, kind):
    lost = rollout("TestShop-v0", always(error), task_id="milk")
    assert (lost.reward_valid, lost.error_kind, lost.error, lost.cut_off) == (False, kind, str(error), "")
    after = rollout("TestShop-v0", after_one_action(error), task_id="count")
    if isinstance(error, Refused):  # the policy's own words were refused
        assert (after.reward_valid, after.cut_off, after.success, after.truncated) == (True, kind, False, True)
        assert after.verdict == ("the episode's tokens ran out" if kind == "context" else str(error))
    else:
        assert (after.reward_valid, after.error_kind, len(after.turns)) == (False, kind, 1)


def test_reasons_are_counted():
    def made(**fields):
        return Trajectory("e", fields.pop("task_id", "t"), (), success=False, **fields)

    shop = rollout("TestShop-v0", playing(lambda _: UnfinishedAnswer("Let me", "length")), task_id="hello")
    refused = rollout("TestShop-v0", playing(lambda _: UnfinishedAnswer("No.", "refusal")), task_id="hello")
    turns = evaluate("TestShop-v0", playing(lambda _: MILK), n=1)
    valid = [shop, refused, *turns, made(truncated=True, verdict="the episode's tokens ran out"), made(truncated=True)]
    lost = [made(reward_valid=False, error="503", error_kind="server", task_id=f"t{i}") for i in range(2)]
    lost += [made(reward_valid=False, error="hung", error_kind="tool"), made(reward_valid=False)]
    assert endings(valid + lost) == {"length": 1, "refusal": 1, "turns": 2, "context": 1}
    assert [(g.kind, g.episodes, g.task_id) for g in left_out(valid + lost)] == [
        ("server", 2, "t0"), ("tool", 1, "t"), ("unknown", 1, "t"),
    ]  # fmt: skip
    data = as_data(valid + lost)
    assert (data["episodes"], data["left_out"], data["share"]) == (9, 4, 4 / 9)
    words = left_out_words(valid + lost)
    assert words.startswith(
        "4 of 9 episodes left the score (44.4 %). 2 server: the model's server failed (first t0: 503)"
    )
    assert left_out_words(valid) == ""


def test_evaluate_logs_what_left_the_score(caplog):
    with caplog.at_level(logging.WARNING):
        evaluate("TestShop-v0", GoodShopper())
        assert caplog.text == ""
        evaluate("TestShop-v0", always(AgentError("down", kind="server")), n=1)
    assert "1 of 1 episodes left the score (100.0 %). 1 server" in caplog.text


class Often:
    """Its server is down for every fourth episode; other answers are cut off."""

    played = 0

    def act(self, observation):
        Often.played += 1
        if Often.played % 4 == 0:
            raise AgentError("HTTP 503: busy", kind="server")
        return UnfinishedAnswer("I will", "length")


WORDS = ["eval", "--env", "ToolGym-Functions-v0", "--agent", f"{__name__}:Often", "-n", "8"]


@pytest.mark.parametrize(
    ("more", "status"),
    [([], 1), (["--max-invalid", "0.2"], 1), (["--max-invalid", "0.25"], 0), (["--max-invalid=1"], 0)],
)
def test_a_command_fails_if_too_much_left_the_score(more, status, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Often, "played", 0)
    out = tmp_path / "run"
    assert main([*WORDS, *more, "--out", str(out)]) == status
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "Counted, though the policy did not end by itself: 6 length (the answer was cut off by a limit of tokens)"
        in shown
    )
    assert "2 episodes are not valid and count in no other number; --resume plays them again. Of 8 episodes:" in shown
    assert "- 2 server (the model's server failed). The first, " in shown
    assert "HTTP 503: busy Often on ToolGym-Functions-v0: " in shown
    assert ("25.0 % of the episodes (2) left the score, more than the" in shown) == bool(status)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["left_out"]["reasons"][0] | {"task_id": ""} == {
        "kind": "server", "episodes": 2, "task_id": "", "error": "HTTP 503: busy",
    }  # fmt: skip
    assert summary["rows"][-1]["left_out"] == {"server": 2}
    assert summary["rows"][-1]["endings"] == {"length": 6}
    page = (out / "report.html").read_text()
    assert "server: the model&#x27;s server failed" in page
    assert "length: the answer was cut off by a limit of tokens" in page
    assert main(["report", str(out)]) == 0
    assert "- 2 server (the model's server failed)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("share", ["-0.1", "1.1", "nan", "much"])
def test_a_share_is_from_0_to_1(share, capsys):
    assert main([*WORDS, f"--max-invalid={share}"]) == 2
    assert "is not a share from 0 to 1" in capsys.readouterr().err


def test_the_last_evaluation_of_a_training_run_is_held_to_the_same_share(capsys):
    console = Console(width=200)
    first = {"step": 0, "eval/episodes": 1.0, "eval/unscored": 9.0}
    last = {"step": 5, "eval/episodes": 39.0, "eval/unscored": 1.0, "eval/unscored/tool": 1.0, "eval/ended/turns": 4.0}
    rows = [first, last, {"step": 6, "reward": 1.0}]
    assert last_evaluation_code(rows, 0.01, console) == 1
    said = capsys.readouterr().out
    assert "Not scored, of 40 episodes of the last evaluation: 1 tool" in said
    assert "did not end by itself, of 40 episodes of the last evaluation: 4 turns" in said
    assert "2.5 % of the episodes (1) left the score of the last evaluation, more than the 1 % of --max-invalid" in said
    assert last_evaluation_code(rows, 0.1, console) == 0
    assert last_evaluation_code([{"step": 1, "reward": 0.0}], 0.01, console) == 0
    assert last_evaluation_code([first | {"eval/episodes": 0.0}], 0.5, console) == 1


def test_a_replayed_episode_ends_as_the_recorded_one_did(tmp_path):
    for error in (ContextFull("long"), Refused("no such role")):
        played = evaluate("TestShop-v0", after_one_action(error), n=2)
        again = evaluate("TestShop-v0", Replay(played), n=2)
        assert [(t.cut_off, t.verdict, t.reward) for t in again] == [(t.cut_off, t.verdict, t.reward) for t in played]


class Ends:
    def __init__(self, error):
        self.error = error

    async def act(self, observation):
        raise self.error


def test_an_async_agent_that_exits_ends_the_run_by_that_exit():
    with pytest.raises(SystemExit, match="3"):
        evaluate("ToolGym-Functions-v0", Ends(SystemExit(3)), n=2, on_agent_error="record")
    with pytest.raises(SystemExit, match="3"):
        rollout("ToolGym-Functions-v0", Ends(SystemExit(3)), seed=0)
    found = evaluate("ToolGym-Functions-v0", Ends(GeneratorExit()), n=2, on_agent_error="record")
    assert [each.error_kind for each in found] == ["exception"] * 2
