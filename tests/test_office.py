"""The office suite: its verdict says what went wrong, its user answers, and its tasks have ids."""

from __future__ import annotations

import random

import pytest
from conftest import calling, saying
from office_players import LEVELS, SPLITS, ideal, make, play, tools_of

# What the verdict says -----------------------------------------------------------------------------


def first_task(env, tool):
    """A task whose one gold call is of this tool, in its author's name."""
    return next(task for task in env.tasks if tools_of(task) == [tool])


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
    assert info["verdict"].startswith("answer 1: sent: SM-")
    assert "should not be there" in info["verdict"]


def test_an_answer_without_the_fact_that_was_asked_for_fails():
    env = make(level="single")
    task = first_task(env, "get_budget")
    env.reset(options={"task_id": task.id})
    env.step(env.gold(task)[0])
    _, reward, *_, info = env.step(saying("I have looked it up."))
    assert info["error_type"] == "facts"
    assert reward == 4.0 - 2.0 - 3.0
    costs = {term.name: term.weight * term.score for term in info["reward"].terms}
    assert (costs["facts"], costs["outcome"]) == (-2.0, -3.0)


def test_the_second_choice_alone_is_not_what_the_user_wished():
    env = make(level="recover")
    task = next(t for t in env.tasks if tools_of(t) == ["book_train", "book_train"])
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


def test_an_outcome_of_zero_leaves_the_rubric_alone_at_the_end():
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
    backwards = {i: other.tasks[i].messages for i in reversed(indices)}
    assert all(one.tasks[i].messages == backwards[i] for i in indices)
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
        ({"level": []}, "no category"),
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
