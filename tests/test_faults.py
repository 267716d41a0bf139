"""Faults injected into calls: what the model reads, what gold does, what reward and verdict make of it."""

from __future__ import annotations

import pickle

import gymnasium as gym
import pytest
from gymnasium.wrappers import RecordEpisodeStatistics

from toolgym import Task, ToolCall, ToolEnv, evaluate, rollout, tool, tools_of
from toolgym.agents.scripted import Oracle
from toolgym.replay import replay
from toolgym.stored.run_files import dump_episode, read_episodes
from toolgym.types import Completion, Verdict
from toolgym.wrappers import Faulty
from toolgym.wrappers.faults.kinds import GROUPS, KINDS, chosen
from toolgym.wrappers.faults.plan import numbers, plan_of


class Desk:
    """A user's suite: notes with ids."""

    def __init__(self):
        self.notes = []

    @tool(timeout=None)
    def add_note(self, text: str) -> str:
        """Add a note."""
        self.notes.append(text)
        return f"note {len(self.notes)} added"

    @tool(timeout=None)
    def list_notes(self) -> list[str]:
        """List the notes."""
        return self.notes


class CheckedDesk(Desk):
    """A suite with a tool of its own that has the name of the check."""

    @tool(timeout=None)
    def check_saved(self) -> str:
        """Say how many notes there are."""
        return str(len(self.notes))


class DeskEnv(ToolEnv):
    """Judged by its state."""

    def judge(self):
        wanted = [call.arguments["text"] for turn in self.task.expected for call in turn if call.name == "add_note"]
        return Verdict(self.state.notes == wanted, "" if self.state.notes == wanted else f"notes: {self.state.notes}")


def note(text):
    return ToolCall("add_note", {"text": text})


TASKS = [
    Task.of(f"note-{i}", f"Note {i} things.", tools_of(Desk), expected=[[note(f"t{k}") for k in range(i % 3 + 1)]])
    for i in range(40)
]


def desk(faults="transport", cls=DeskEnv, **kwargs):
    return cls(TASKS, state=Desk, faults=faults, **{"fault_rate": 1.0, **kwargs})


def say(env, text):
    return env.dialect.render(Completion("", (), "I answer.", text))


def calls(env, *made):
    return env.dialect.render(Completion("", made, "I call."))


SUITES = {
    "Office": {},
    "Math": {"level": [3, 5]},
    "Bamboogle": {},
    "BFCL-MultiTurn": {},
    "Rows": {"whole": True},
    "BFCL-Agentic": {"category": "memory_kv_prereq"},
}


def made(suite, **kwargs):
    if suite in ("desk", "desk as expected"):
        return desk(kwargs.pop("faults", None), DeskEnv if suite == "desk" else ToolEnv, **kwargs)
    return gym.make(f"ToolGym-{suite}-v0", **SUITES[suite], **kwargs)


@pytest.mark.parametrize("suite", ["desk", "desk as expected", *SUITES])
@pytest.mark.parametrize("kinds", [*KINDS, "all"])
def test_gold_recovers_and_earns_what_it_earns_without_faults(suite, kinds):
    clean, met = made(suite), 0
    for rate in (0.4, 1.0):
        env = made(suite, faults=kinds, fault_rate=rate)
        tasks = env.unwrapped.tasks
        for i in range(min(len(tasks), 4)):
            played = rollout(env, Oracle(), task_id=tasks[i].id)
            assert (played.success, played.reward_valid) == (True, True), (tasks[i].id, played.verdict)
            met += len(played.faults)
            if all(each.recoverable for each in played.faults):
                assert all(each.recovered for each in played.faults)
                assert played.reward == pytest.approx(rollout(clean, Oracle(), task_id=tasks[i].id).reward)
    assert met or not applies(suite, kinds)


def applies(suite, kind):
    """Whether a kind can hit a call of the suite's first gold actions."""
    writes = suite in ("desk", "desk as expected", "Office", "BFCL-MultiTurn", "BFCL-Agentic")
    looks = suite in ("Office", "Math", "Bamboogle", "BFCL-MultiTurn", "Rows")
    kinds = {"silent_noop": writes, "stale": looks, "truncated": looks}
    return kinds.get(kind, True)


def test_a_retry_is_credited_as_the_gold_call_and_the_failed_call_earns_nothing():
    env = desk("timeout", fault_rate=1.0, max_turns=2)
    env.reset(options={"task_id": "note-0"})
    info, rewards, texts = {}, [], env.gold(env.task)
    for text in texts:
        _, reward, terminated, truncated, info = env.step(text)
        rewards.append(reward)
    times = len(texts) - 2
    assert rewards == [*[0.0] * times, 4.0, 4.0]
    assert (terminated, truncated, info["success"], env.state.notes) == (True, False, True, ["t0"])
    (fault,) = info["faults"]
    assert (fault.kind, fault.call, fault.tool, fault.recoverable, fault.recovered) == (
        "timeout", 0, "add_note", True, True
    )  # fmt: skip
    assert fault.simulated_s >= 10 * times
    record = env.turns[0].reward.calls[0]
    assert (record.fault, record.result.error) == ("timeout", "fault")
    assert not env.turns[-2].reward.calls[0].fault
    assert env.max_turns == 2 + times  # the failed texts took no turn


def test_giving_up_on_a_recoverable_fault_fails():
    env = desk("http_5xx")
    env.reset(options={"task_id": "note-0"})
    env.step(calls(env, note("t0")))
    _, reward, terminated, _, info = env.step(say(env, "I could not do it: the server failed."))
    assert terminated and not info["success"]  # noqa: PT018
    assert reward < 0
    assert [each.recovered for each in info["faults"]] == [False]


def test_calls_beside_a_fault_are_kept_and_told_with_the_retry():
    env = next(
        env
        for seed in range(60)
        if [desk(fault_rate=0.5, fault_seed=seed).faults.begin(TASKS[2]).plan.fault("add_note", i, ["timeout"]) is None
            for i in range(3)] == [True, False, True]
        for env in [desk(fault_rate=0.5, fault_seed=seed, cls=ToolEnv)]
    )  # fmt: skip
    env.reset(options={"task_id": "note-2"})
    _, reward, _, _, info = env.step(calls(env, note("t0"), note("t1"), note("t2")))
    assert (reward, env.state.notes) == (0.0, ["t0"])
    assert [record.result.error for record in info["calls"]] == [None, "fault", "skipped"]
    while env.state.notes == ["t0"]:
        _, reward, _, _, info = env.step(calls(env, note("t1"), note("t2")))
    assert (reward, env.state.notes) == (4.0, ["t0", "t1", "t2"])
    assert env.step(say(env, "Done."))[4]["success"]


def test_a_denied_call_is_passed_by_an_honest_refusal_only():
    def answered(text, before=()):
        env = desk("http_auth")
        env.reset(options={"task_id": "note-0"})
        for each in before:
            env.step(calls(env, each))
        _, reward, _, _, info = env.step(say(env, text))
        return info["success"], info["error_type"], reward

    call = note("t0")
    assert answered("I could not add the note: access is denied.", [call]) == (True, None, 4.0)
    assert answered("Done, the note is added.", [call])[:2] == (False, "no_refusal")
    assert answered("I could not do it. It is done successfully.", [call])[:2] == (False, "no_refusal")
    assert answered("", [call])[0] is False
    assert not answered("I could not add the note: access is denied.")[0]  # never tried


def test_a_blind_repetition_costs():
    env = desk("http_auth")
    env.reset(options={"task_id": "note-0"})
    rewards = [env.step(calls(env, note("t0")))[1] for _ in range(4)]
    assert rewards == [0.0, -1.0, -1.0, -1.0]


@pytest.mark.parametrize("suite", ["desk", "Office", "BFCL-MultiTurn", "Math", "Bamboogle"])
def test_a_snapshot_at_every_turn_goes_on_to_the_same_bytes(suite):
    env = made(suite, faults="all", fault_rate=0.7)
    other = made(suite, faults="all", fault_rate=0.7).unwrapped
    for i in range(3):
        task = env.unwrapped.tasks[i]
        env.reset(options={"task_id": task.id})
        texts, states = env.unwrapped.gold(task), []
        for text in texts:
            states.append(env.unwrapped.snapshot())
            env.step(text)
        last = env.unwrapped.snapshot()
        for k, state in enumerate(states):
            other.restore(pickle.loads(pickle.dumps(state)))
            for text in texts[k:]:
                other.step(text)
            assert other.snapshot().digest == last.digest
            (fork,) = other.fork()
            assert fork.gold(task) == texts


@pytest.mark.parametrize("kinds", ["timeout", "silent_noop", "all"])
def test_a_tool_of_the_task_may_be_called_check_saved(kinds):
    tasks = [Task.of("t", "Note.", tools_of(CheckedDesk), expected=[[note("a")], [ToolCall("check_saved", {})]])]
    env, other = (ToolEnv(tasks, state=CheckedDesk, faults=kinds, fault_rate=0.9, fault_seed=3) for _ in range(2))
    env.reset()
    assert other.restore(pickle.loads(pickle.dumps(env.snapshot()))) == env.observe()
    played = rollout(env, Oracle(), task_id="t")
    assert played.success, played.verdict


def test_the_wrapper_and_the_arguments_do_the_same():
    one = gym.make("ToolGym-Office-v0", faults="transport", fault_rate=0.5, fault_seed=3)
    two = Faulty(RecordEpisodeStatistics(gym.make("ToolGym-Office-v0")), kinds=["transport"], rate=0.5, seed=3)
    for i in range(5):
        task_id = one.unwrapped.tasks[i].id
        a, b = (rollout(env, Oracle(), task_id=task_id) for env in (one, two))
        a.seconds = b.seconds = 0.0
        assert dump_episode(a) == dump_episode(b)
    with pytest.raises(ValueError, match="already"):
        Faulty(two, "timeout")


def test_a_kept_run_replays_and_resumes_to_the_same_bytes(tmp_path):
    how = {"env_kwargs": {"faults": "transport,http_auth", "fault_rate": [0.2, 0.9]}, "seed": 1}
    evaluate("ToolGym-Office-v0", Oracle(), n=6, out=tmp_path / "a", **how)
    assert {(each.status, each.differences) for each in replay(tmp_path / "a")} == {("same", ())}
    evaluate("ToolGym-Office-v0", Oracle(), n=3, out=tmp_path / "b", **how)
    evaluate("ToolGym-Office-v0", Oracle(), n=6, out=tmp_path / "b", resume=True, **how)
    kept = [read_episodes(tmp_path / name) for name in "ab"]
    for each in kept[0] + kept[1]:
        each.seconds = 0.0
    assert sorted(map(dump_episode, kept[0])) == sorted(map(dump_episode, kept[1]))
    assert any(each.faults for each in kept[0])


def test_an_env_without_faults_writes_no_field_about_them():
    played = rollout(gym.make("ToolGym-Office-v0"), Oracle(), seed=0)
    assert "fault" not in dump_episode(played)


def test_the_plan_follows_from_the_seed_the_task_the_tool_and_the_number_alone():
    assert numbers(0, "train-000001-single", "send_mail", 0)[:2] == pytest.approx(NUMBERS)
    plans = [plan_of("t", tuple(KINDS), (0.5, 0.5), seed) for seed in (0, 0, 1)]
    drawn = [[plan.fault(f"tool {k}", n, plan.kinds) for k in range(20) for n in range(5)] for plan in plans]
    assert drawn[0] == drawn[1] != drawn[2]
    share = sum(fault is not None for fault in drawn[0]) / 100
    assert 0.3 < share < 0.7
    rates = [plan_of(f"t{i}", ("timeout",), (0.2, 0.4), 0).rate for i in range(200)]
    assert min(rates) >= 0.2
    assert max(rates) <= 0.4
    assert 0.28 < sum(rates) / 200 < 0.32
    hit = [
        [plan_of("t", (kind,), (0.5, 0.5), 0).fault(f"tool {k}", 0, (kind,)) is None for k in range(50)]
        for kind in KINDS
    ]
    assert all(each == hit[0] for each in hit)  # each kind hits the same calls


NUMBERS = [0.22079245233908296, 0.9005170681048185]


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        ({"faults": "timeouts"}, ValueError, "did you mean timeout.*choose from timeout, http_429"),
        ({"faults": ""}, ValueError, "no kind of fault is named"),
        ({"faults": []}, ValueError, "no faults"),
        ({"faults": 3}, ValueError, "choose from"),
        ({"fault_rate": 1.5}, ValueError, "between 0 and 1"),
        ({"fault_rate": (0.5, 0.2)}, ValueError, "in order"),
        ({"fault_rate": "0.3"}, TypeError, "a probability, or a pair"),
        ({"fault_rate": [0.1]}, TypeError, "a probability, or a pair"),
        ({"fault_rate": float("nan")}, ValueError, "between 0 and 1"),
        ({"fault_rate": True}, TypeError, "a probability"),
        ({"fault_seed": -1}, ValueError, "fault_seed must be at least 0"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(wrong, kind, says):
    with pytest.raises(kind, match=says):
        desk(**{"faults": "timeout", "fault_rate": 0.3, **wrong})


def test_a_suite_that_runs_no_calls_says_so():
    with pytest.raises(ValueError, match="runs no calls"):
        gym.make("ToolGym-Functions-v0", faults="timeout")
    with pytest.raises(ValueError, match="runs no calls"):
        gym.make("ToolGym-Rows-v0", faults="timeout")


def test_groups_and_lists_choose_kinds():
    assert chosen("transport") == chosen(list(GROUPS["transport"])) == GROUPS["transport"]
    assert chosen("http_5xx, timeout") == ("timeout", "http_5xx")
    assert chosen("all") == tuple(KINDS)
