"""The office suite: every task can be solved, nothing pays better than solving it, and the verdict says why not."""

from __future__ import annotations

import json
import random

import gymnasium as gym
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym import register
from toolgym.agents.scripted import Random
from toolgym.rollout import rollout

ID = "ToolGym-Office-v0"
LEVELS = ("single", "choose", "parallel", "chain", "missing", "irrelevant", "dialogue", "recover")
SPLITS = ("train", "val", "test", "test_unseen")

if ID not in gym.registry:
    register(ID, "toolgym.envs.office.env:OfficeEnv")


def make(**kwargs):
    return gym.make(ID, **kwargs).unwrapped


def calling(*calls):
    """An action in the toolrl dialect; ``calls`` are (name, arguments)."""
    lines = "\n".join(json.dumps({"name": name, "parameters": arguments}) for name, arguments in calls)
    return f"<think>ok</think>\n<tool_call>\n{lines}\n</tool_call>"


def saying(text):
    return f"<think>ok</think>\n<response>{text}</response>"


def junk(env, which):
    """A call of one of the tools on offer, with arguments of the right types that mean nothing."""
    function = env.observe()["tools"][which % len(env.observe()["tools"])]["function"]
    plain = {"integer": 30, "number": 5.0, "boolean": True, "array": []}
    arguments = {}
    for name, about in function["parameters"]["properties"].items():
        arguments[name] = about["enum"][0] if "enum" in about else plain.get(about.get("type"), "x")
    return function["name"], arguments


def play(env, task, policy):
    """The rewards of an episode and the last info. ``policy``: (env, gold actions so far unplayed) -> text."""
    env.reset(options={"task_id": task.id})
    gold, rewards = list(env.gold(task)), []
    while not env.over:
        _, reward, *_, info = env.step(policy(env, gold))
        assert reward == pytest.approx(sum(term.weight * term.score for term in info["reward"].terms))
        rewards.append(reward)
    return rewards, info


def ideal(env, gold):
    return gold.pop(0)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gold_solves_every_task_and_earns_the_maximum_at_each_turn(split, seed):
    for level in LEVELS:
        env = make(split=split, level=level, seed=seed)
        for index in range(0, 2000, 25):
            task = env.tasks[index]
            rewards, info = play(env, task, ideal)
            assert info["success"], (task.id, info["verdict"])
            assert rewards == [4.0] * len(task.expected), task.id
            assert len(rewards) <= 7


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_gold_solves_thousands_of_tasks(split, seed):
    for level in LEVELS:
        env = make(split=split, level=level, seed=seed)
        for index in range(1000):
            rewards, info = play(env, env.tasks[index], ideal)
            assert info["success"], (env.task.id, info["verdict"])
            assert set(rewards) == {4.0}, env.task.id


# What does not pay ---------------------------------------------------------------------------------


def silent(env, gold):
    return ""


def always_asking(env, gold):
    return saying("Could you tell me more?")


def spam(env, gold):
    """All tools at once, then an answer."""
    if len(env.turns) % 2:
        return saying("Done.")
    return calling(*[junk(env, i) for i in range(len(env.observe()["tools"]))])


def always_calling(env, gold):
    return saying("Done.") if len(env.turns) % 2 else calling(junk(env, len(env.turns)))


def stuck(env, gold):
    return calling(("no_such_tool", {}))


@pytest.mark.parametrize("policy", [silent, always_asking, spam, always_calling, stuck])
def test_policies_that_do_not_do_the_task_lose_and_fail(policy):
    for level in LEVELS:
        if level == "irrelevant":
            continue
        env = make(split="val", level=level)
        for index in range(40):
            rewards, info = play(env, env.tasks[index], policy)
            assert not info["success"], env.task.id
            assert sum(rewards) < 0 < 4.0 * len(env.task.expected), env.task.id


def test_a_needless_call_is_worse_than_declining():
    env = make(split="val", level="irrelevant")
    for index in range(60):
        assert play(env, env.tasks[index], always_asking)[0] == [4.0]
        for policy in (spam, always_calling, stuck):
            rewards, info = play(env, env.tasks[index], policy)
            assert sum(rewards) < 0
            assert (info["success"], info["error_type"]) == (False, "needless_call")


def test_the_random_agent_scores_far_below_gold():
    env = make(split="test")
    episodes = [rollout(env, Random(seed=0), task_id=env.tasks[i].id) for i in range(160)]
    assert sum(episode.success for episode in episodes) <= 2
    assert sum(episode.reward for episode in episodes) / len(episodes) < -5


def test_trying_the_wrong_thing_is_no_worse_than_doing_nothing():
    """Else training would teach silence first."""
    env = make(split="val", level="choose")
    for index in range(60):
        task = env.tasks[index]
        assert sum(play(env, task, always_calling)[0]) > sum(play(env, task, silent)[0])


MOVES = ("gold", "first", "twice", "reversed", "with junk", "junk", "changed", "answer", "nothing")


def move(env, gold, name, which):
    """One action that starts from the calls that are wanted now."""
    progress = env._progress
    left = [(call.name, dict(call.arguments)) for call in progress.left]
    says = saying(progress.plan.phases[progress.phase].answer)
    if name == "nothing":
        return ""
    if name == "answer":
        return says
    if name == "junk":
        return calling(junk(env, which))
    if not left:
        return says
    if name == "first":
        left = left[:1]
    elif name == "twice":
        left = left * 2
    elif name == "reversed":
        left = left[::-1]
    elif name == "with junk":
        left.append(junk(env, which))
    elif name == "changed":
        arguments = left[which % len(left)][1]
        if arguments:
            arguments[sorted(arguments)[which % len(arguments)]] = "something else"
    return calling(*left)


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 1999),
    st.sampled_from(LEVELS),
    st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 9)), min_size=1, max_size=8),
)
def test_no_play_earns_more_than_gold(index, level, moves):
    env = make(split="val", level=level)
    task = env.tasks[index]
    todo = list(moves)
    rewards, info = play(env, task, lambda env, gold: move(env, gold, *(todo.pop(0) if todo else ("gold", 0))))
    best = 4.0 * len(task.expected)
    assert sum(rewards) <= best + 1e-9
    if sum(rewards) > best - 0.5:
        assert info["success"], info["verdict"]
        assert len(rewards) == len(task.expected)


def test_the_order_of_independent_calls_does_not_matter():
    env = make(split="val", level="parallel")
    for index in range(60):
        rewards, info = play(env, env.tasks[index], lambda env, gold: move(env, gold, "reversed", 0))
        assert (rewards, info["success"]) == ([4.0, 4.0], True), (env.task.id, info["verdict"])


def test_splitting_parallel_calls_solves_the_task_for_less():
    env = make(split="val", level="parallel")
    for index in range(60):
        rewards, info = play(env, env.tasks[index], lambda env, gold: move(env, gold, "first", 0))
        assert info["success"], info["verdict"]
        assert 4.0 < sum(rewards) < 8.0


def test_another_way_to_look_something_up_is_accepted():
    """The gold lookup has the exact title; a part of it finds the event as well."""
    env = make(level="chain")
    task = next(t for t in env.tasks if t.data.phases[0].stages[0].calls[0].name == "find_event")
    (lookup,), act, _ = task.expected
    env.reset(options={"task_id": task.id})
    (parameter, title), = lookup.arguments.items()
    _, first, *_ = env.step(calling((lookup.name, {parameter: title[:-2].lower()})))
    _, second, *_ = env.step(calling(*[(call.name, call.arguments) for call in act]))
    _, third, *_, info = env.step(env.gold(task)[-1])
    assert info["success"]
    assert first < second == third == 4.0


# What the verdict says -----------------------------------------------------------------------------


def first_task(env, tool):
    """A task whose first gold call is of this tool, in its author's name."""
    return next(t for t in env.tasks if t.data.phases[0].stages and t.data.phases[0].stages[0].calls[0].name == tool)


def test_the_verdict_names_a_wrong_value():
    env = make(level="single")
    task = first_task(env, "postpone_task")
    env.reset(options={"task_id": task.id})
    (call,), _ = task.expected
    due = next(name for name, value in call.arguments.items() if value.startswith("20"))
    env.step(calling((call.name, {**call.arguments, due: "2031-01-01"})))
    *_, info = env.step(saying("Done."))
    assert info["error_type"] == "state"
    assert "due is '2031-01-01', should be " in info["verdict"]


def test_the_verdict_names_what_should_not_have_changed():
    env = make(level="single")
    task = first_task(env, "find_contact")
    env.reset(options={"task_id": task.id})
    env.state.send_mail(to="a@b.org", subject="Hello", body="World")
    *_, info = env.step(env.gold(task)[0])
    *_, info = env.step(env.gold(task)[1])
    assert not info["success"]
    assert "sent: SM-" in info["verdict"] and "should not be there" in info["verdict"]


def test_an_answer_without_the_fact_that_was_asked_for_fails():
    env = make(level="single")
    task = first_task(env, "get_budget")
    env.reset(options={"task_id": task.id})
    env.step(env.gold(task)[0])
    _, reward, *_, info = env.step(saying("I have looked it up."))
    assert info["error_type"] == "facts"
    assert reward == 4.0 - 2.0 - 3.0
    assert {term.name: term.weight * term.score for term in info["reward"].terms if term.score < 0 < term.weight} >= {
        "facts": -2.0, "outcome": -3.0,
    }  # fmt: skip


def test_the_second_choice_alone_is_not_what_the_user_wished():
    env = make(level="recover")
    task = next(t for t in env.tasks if [c.name for s in t.data.phases[0].stages for c in s.calls] == ["book_train"] * 2)
    env.reset(options={"task_id": task.id})
    for text in env.gold(task)[1:]:
        *_, info = env.step(text)
    assert info["error_type"] == "not_tried"


def test_an_episode_that_is_cut_off_is_unfinished():
    env = make(level="dialogue", max_turns=1)
    task = env.tasks[0]
    env.reset(options={"task_id": task.id})
    _, reward, terminated, truncated, info = env.step(env.gold(task)[0])
    assert (terminated, truncated, info["error_type"]) == (False, True, "unfinished")
    assert reward == 4.0 - 3.0 * (len(task.expected) - 1) - 3.0


def test_a_price_of_zero_leaves_the_rubric_alone_at_the_end():
    env = make(level="irrelevant", outcome=0.0)
    env.reset(seed=0)
    _, reward, *_, info = env.step(saying("I cannot do that."))
    assert reward == 4.0
    assert info["success"]


# The user ------------------------------------------------------------------------------------------


def test_the_user_answers_the_question_and_goes_on():
    env = make(level="missing")
    observation, _ = env.reset(options={"task_id": env.tasks[5].id})
    task = env.task
    assert task.expected[0] == ()
    observation, reward, terminated, *_ = env.step(saying("Which one?"))
    assert reward == 4.0
    assert not terminated
    assert observation["messages"][-1] == {"role": "user", "content": task.data.phases[1].user}


def test_a_dialogue_continues_over_the_state_it_has_made():
    env = make(level="dialogue")
    for index in range(30):
        task = env.tasks[index]
        observation, _ = env.reset(options={"task_id": task.id})
        for text in env.gold(task):
            observation, *_ = env.step(text)
        said = [m["content"] for m in observation["messages"] if m["role"] == "user"]
        assert said == [phase.user for phase in task.data.phases]
        assert 2 <= len(said) <= 4


# Tasks ---------------------------------------------------------------------------------------------


def test_tasks_are_functions_of_split_seed_and_index():
    one, other = make(seed=3), make(seed=3)
    indices = random.Random(0).sample(range(1_000_000), 60)
    for index in indices:
        assert one.tasks[index].id == f"train-{index:06}-{LEVELS[index % 8]}"
    assert [repr(one.tasks[i].messages) for i in indices] == [repr(other.tasks[i].messages) for i in reversed(indices)][::-1]
    assert [one.tasks[i].expected for i in indices] == [other.tasks[i].expected for i in indices]
    assert one.tasks[7].messages != make(seed=4).tasks[7].messages


def test_ids_name_tasks():
    env = make(level=["chain", "single"])
    assert env.tasks.levels == ("single", "chain")
    assert env.find_task("train-000123-chain").messages == env.tasks[123].messages
    for wrong in ("train-000122-chain", "val-000123-chain", "train-123-chain", "chain", "train-9999999-chain", None):
        with pytest.raises(KeyError, match="did you mean train-"):
            env.find_task(wrong)
    assert len(env.tasks) == 1_000_000
    assert env.tasks[-1].id == "train-999999-chain"
    assert [task.id for task in env.tasks[2:4]] == ["train-000002-single", "train-000003-chain"]
    with pytest.raises(IndexError):
        env.tasks[1_000_000]


def test_groups_and_splits():
    assert make(level="easy", split="test").tasks.levels == ("single", "choose", "parallel", "irrelevant")
    assert make().tasks.levels == LEVELS
    assert [len(make(split=split).tasks) for split in SPLITS] == [1_000_000, 2000, 2000, 2000]


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"level": "hard"}, "choose from single, choose"),
        ({"level": []}, "no level"),
        ({"split": "dev"}, "split must be one of train, val"),
        ({"seed": -1}, "seed"),
        ({"outcome": -1.0}, "outcome"),
    ],
)
def test_wrong_arguments_say_what_is_right(kwargs, says):
    with pytest.raises(ValueError, match=says):
        make(**kwargs)


def test_info_has_the_level_as_category():
    env = make(level="recover")
    _, info = env.reset(seed=0)
    assert info["category"] == "recover"


def test_episodes_do_not_touch_each_other():
    env = make(level="dialogue")
    task = env.tasks[3]
    before = {name: dict(rows) for name, rows in task.data.fixture.tables.items()}
    play(env, task, ideal)
    play(env, task, ideal)
    assert {name: task.data.fixture.tables[name] for name in before} == before
