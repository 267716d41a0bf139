"""Snapshot, restore and fork on every registered suite: what follows is what would have followed, byte for byte."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor
from random import Random

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym.agents.scripted import Random as RandomAgent
from toolgym.envs.bamboogle.tasks import Question
from toolgym.registry import SUITES
from toolgym.snapshot import SnapshotError
from toolgym.types import Completion, ToolCall

IDS = sorted(SUITES)
CASES = [
    *[(env_id, {}) for env_id in IDS if env_id not in ("ToolGym-BFCL-v0", "ToolGym-BFCL-MultiTurn-v0")],
    ("ToolGym-BFCL-v0", {"category": "simple_python,live_parallel,irrelevance"}),
    *[
        ("ToolGym-BFCL-MultiTurn-v0", {"category": f"multi_turn_{kind}", **more})
        for kind, more in [
            ("base", {}),
            ("miss_func", {"dialect": "pythonic"}),
            ("miss_param", {"dialect": "hermes"}),
            ("long_context", {}),
        ]
    ],
    ("ToolGym-Office-v0", {"split": "test_unseen", "level": ["chain", "dialogue", "recover"], "dialect": "hermes"}),
]
OFFICE, MULTI, AGENTIC = "ToolGym-Office-v0", "ToolGym-BFCL-MultiTurn-v0", "ToolGym-BFCL-Agentic-v0"


def make(env_id, **kwargs):
    return gym.make(env_id, **kwargs).unwrapped


def texts_for(env, task, rng):
    """A gold episode, and one of gold and other actions in some order."""
    gold = list(env.gold(task))
    agent = RandomAgent(seed=rng.randrange(100)).for_env(env)
    env.reset(options={"task_id": task.id})
    other = [agent.act(env.observe()) for _ in range(2)] + ["Hm.", "<think>"]
    mixed = gold + other
    rng.shuffle(mixed)
    return [[*gold, "Done."], [*mixed, "Done."]]


def shown(step):
    return repr(step).encode("utf-8", "backslashreplace")


def undisturbed(env, task, texts):
    """What reset and each step give, and the digest after each."""
    out = [(shown(env.reset(seed=1, options={"task_id": task.id})), env.snapshot().digest)]
    for text in texts:
        if not env.over:
            out.append((shown(env.step(text)), env.snapshot().digest))
    return out


@pytest.mark.parametrize(("env_id", "kwargs"), CASES, ids=lambda value: str(value)[-40:])
def test_forks_and_restored_episodes_are_as_if_nothing_had_happened(env_id, kwargs):
    env, rng = make(env_id, **kwargs), Random(1)
    for index in rng.sample(range(len(env.tasks)), 8):
        task = env.tasks[index]
        for texts in texts_for(env, task, rng):
            expected = undisturbed(make(env_id, **kwargs) if index % 4 == 0 else env, task, texts)
            env.reset(seed=1, options={"task_id": task.id})
            snapshots, forks = [env.snapshot()], []
            for text in texts:
                if env.over:
                    break
                forks += [(len(snapshots), fork) for fork in env.fork(2)]
                env.step(text)
                snapshots.append(env.snapshot())
            assert [each.digest for each in snapshots] == [digest for _, digest in expected]
            # odd forks play something else; all of them in some order, a step at a time
            going = list(forks)
            while going:
                at = rng.randrange(len(going))
                step, fork = going[at]
                if at % 2 and fork is not forks[0][1]:
                    while not fork.over:
                        fork.step(rng.choice(texts))
                if fork.over:
                    going.pop(at)
                    continue
                assert shown(fork.step(texts[step - 1])) == expected[step][0]
                assert fork.snapshot().digest == expected[step][1]
                going[at] = (step + 1, fork)
            order = list(enumerate(snapshots))
            rng.shuffle(order)
            for i, snapshot in order:
                where = rng.choice([env, forks[-1][1]])
                where.restore(snapshot)
                assert [shown(where.step(text)) for text in texts[i : len(snapshots) - 1]] == [
                    each for each, _ in expected[i + 1 :]
                ]


def _go_on(job):
    """In another process: restore, play to the end."""
    import toolgym  # noqa: F401

    env_id, kwargs, pickled, texts = job
    env = make(env_id, **kwargs)
    snapshot = pickle.loads(pickled)
    env.restore(snapshot)
    again = env.snapshot().digest
    return snapshot.digest, again, [(shown(env.step(text)), env.snapshot().digest) for text in texts]


def test_a_snapshot_goes_to_another_process():
    jobs, expected = [], []
    for env_id, kwargs in CASES:
        env, rng = make(env_id, **kwargs), Random(2)
        for index in rng.sample(range(len(env.tasks)), 2):
            task = env.tasks[index]
            texts = texts_for(env, task, rng)[0]
            whole = undisturbed(env, task, texts)
            cut = rng.randrange(len(whole))
            env.reset(seed=1, options={"task_id": task.id})
            for text in texts[:cut]:
                env.step(text)
            jobs.append((env_id, kwargs, pickle.dumps(env.snapshot()), texts[cut : len(whole) - 1]))
            expected.append((whole[cut][1], whole[cut][1], whole[cut + 1 :]))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_go_on, jobs) == expected


@pytest.mark.parametrize("env_id", [OFFICE, MULTI])
def test_forks_run_in_threads(env_id):
    env = make(env_id, **({"level": "dialogue"} if env_id == OFFICE else {"category": "multi_turn_base"}))
    task = env.tasks[3]
    gold = list(env.gold(task))
    whole = undisturbed(env, task, gold)
    env.reset(seed=1, options={"task_id": task.id})
    env.step(gold[0])
    snapshot = env.snapshot()

    def future(i):
        (fork,) = env.fork() if i % 2 else (make_like(env, snapshot),)
        return [(shown(fork.step(text)), fork.snapshot().digest) for text in gold[1:]]

    with ThreadPoolExecutor(8) as pool:
        assert all(each == whole[2:] for each in pool.map(future, range(48)))
    assert env.snapshot() == snapshot


def make_like(env, snapshot):
    (other,) = env.fork()
    other.reset(options={"task_id": env.tasks[0].id})
    other.restore(snapshot)
    return other


OTHER_TASKS = {
    OFFICE: {"seed": 1},
    MULTI: {"category": "multi_turn_base"},
    "ToolGym-BFCL-v0": {"category": "simple_python"},
    "ToolGym-ToolRL-v0": {"split": "sft"},
    "ToolGym-APIBank-v0": {"level": 1},
    "ToolGym-SealTools-v0": {"seed": 1},
    "ToolGym-Bamboogle-v0": {"questions": [Question("Where does the Danube end?", "In the Black Sea")]},
    "ToolGym-Math-v0": {"seed": 1},
}


@pytest.mark.parametrize(("env_id", "other"), OTHER_TASKS.items(), ids=OTHER_TASKS)
def test_a_snapshot_of_other_tasks_is_refused(env_id, other):
    one = make(env_id)
    one.reset(seed=0)
    with pytest.raises(SnapshotError, match="other tasks"):
        make(env_id, **other).restore(one.snapshot())
    with pytest.raises(SnapshotError, match="dialect is toolrl, not hermes"):
        make(env_id, dialect="hermes").restore(one.snapshot())


# Office, any play -------------------------------------------------------------------------------

OFFICE_ENV = make(OFFICE, split="val")


@settings(max_examples=40, deadline=None)
@given(
    index=st.integers(0, 1999),
    moves=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["play", "fork", "keep", "back"])), max_size=12),
)
def test_any_interleaving_on_office_is_as_if_played_straight(index, moves):
    """A tree of episodes, in which each node is reached by forks and restores, and by playing its actions alone."""
    task = OFFICE_ENV.tasks[index]
    gold = list(OFFICE_ENV.gold(task))
    wrong = OFFICE_ENV.dialect.render(
        Completion("", tuple([ToolCall(task.tools[i].name, {"title": "x"}) for i in range(2)]), "t")
    )
    actions = [*gold, wrong, ""]
    (env,) = _started(task)
    played: list[str] = []
    kept = [(env.snapshot(), [])]
    for number, move in moves:
        if move == "play" and not env.over:
            text = actions[number % len(actions)]
            step = env.step(text)
            played = [*played, text]
            (straight,) = _started(task)
            assert shown([straight.step(each) for each in played][-1]) == shown(step)
            assert straight.snapshot() == env.snapshot()
        elif move == "fork":
            old, (env,) = env, env.fork()
            if not old.over:
                old.step(wrong)
        elif move == "keep":
            kept.append((env.snapshot(), played))
        elif move == "back":
            snapshot, played = kept[number % len(kept)]
            env.restore(snapshot if number % 2 else pickle.loads(pickle.dumps(snapshot)))


def _started(task):
    envs = OFFICE_ENV_FRESH.fork()
    for env in envs:
        env.reset(seed=1, options={"task_id": task.id})
    return envs


OFFICE_ENV_FRESH = make(OFFICE, split="val")
OFFICE_ENV_FRESH.reset(seed=0)


def test_restoring_says_what_the_policy_sees_and_functions_that_came_back_stay():
    env = make(MULTI, category="multi_turn_miss_func")
    task = next(task for task in env.tasks if 1 in task.data.held_out)
    env.reset(options={"task_id": task.id})
    before = env.snapshot()
    seen = []
    for text in env.gold(task):
        seen.append((env.snapshot(), env.observe()))
        env.step(text)
    offered = {len(observation.tools) for _, observation in seen}
    assert len(offered) == 2
    other = make(MULTI, category="multi_turn_miss_func")
    for snapshot, observation in reversed(seen):
        assert other.restore(pickle.loads(pickle.dumps(snapshot))) == observation == env.restore(snapshot)
    assert env.restore(before).tools == tuple([tool.schema for tool in task.tools])
    assert np.isfinite(env.step("Done.")[1])


def test_office_remembers_all_there_is_of_an_episodes_progress():
    """Also what shows late: attempts that were worth something, calls where none fit."""
    env = make(OFFICE, split="val")
    for task in env.tasks[:48]:
        first = env.tasks[0].tools[0].name if not task.tools else task.tools[0].name
        junk = env.dialect.render(Completion("", (ToolCall(first, {}),), "t"))
        gold = env.gold(task)
        env.reset(options={"task_id": task.id})
        for text in (junk, gold[0], junk, gold[0], *gold[1:]):
            if env.over:
                break
            (fork,) = env.fork()
            one, other = vars(env._progress), vars(fork._progress)
            for name in one.keys() | other.keys():
                if name in ("state", "_should"):
                    assert one[name].tables == other[name].tables
                    assert one[name] is not other[name]
                else:
                    assert one[name] == other[name], (task.id, name)
            assert shown(fork.step(text)) == shown(env.step(text))


@pytest.mark.parametrize(("env_id", "kwargs"), CASES, ids=lambda value: str(value)[-40:])
def test_an_episode_cut_off_pays_what_it_would_pay_at_max_turns(env_id, kwargs, tmp_path):
    if env_id == AGENTIC:  # questions need a memory first, and are over with the first word
        kwargs = {"category": "memory_kv_prereq", "memory": str(tmp_path)}
    env, rng, cut = make(env_id, **kwargs), Random(2), 0

    def play(one, task, texts):
        one.reset(options={"task_id": task.id})
        for text in texts:
            if not one.over:
                *_, info = one.step(text)
        return info

    def paid(one, info):
        rewards = [turn.reward for turn in one.turns]
        if env_id == AGENTIC:  # where a text without calls is paid otherwise if it is the last
            return rewards[-1].terms[-1].score, info["success"], info["error_type"]
        terms = [[(term.name, term.score, term.weight) for term in reward.terms] for reward in rewards]
        return terms, [reward.total for reward in rewards], info["reward"].total, info["success"], info["error_type"]

    for index in rng.sample(range(len(env.tasks)), 6):
        task = env.tasks[index]
        for texts in texts_for(env, task, rng):
            for k in sorted(rng.sample(range(1, len(texts)), min(4, len(texts) - 1))):
                play(env, task, texts[:k])
                if env.over:
                    break
                info = env.cut_off("no more")
                short = make(env_id, **kwargs, max_turns=k)
                assert paid(env, info) == paid(short, play(short, task, texts[:k]))
                assert info["success"] or info["verdict"] == "no more"
                cut += 1
    assert cut or env_id not in (OFFICE, MULTI, AGENTIC, "ToolGym-Math-v0", "ToolGym-Bamboogle-v0")
    env.reset()
    with pytest.raises(ResetNeeded, match="no episode to cut off"):
        env.cut_off("at once")
