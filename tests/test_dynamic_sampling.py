"""Groups that teach nothing are replaced, a limited number of times; a curriculum draws what is solved sometimes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from test_drawing import Suites  # noqa: E402
from test_train import Unplugged, metrics, small_letters, timeless, trainer, unplug_after, weights  # noqa: E402

from toolgym import Rubric, Task, ToolEnv, register  # noqa: E402
from toolgym.agents import checkpoint  # noqa: E402
from toolgym.agents.config import TrainConfig  # noqa: E402
from toolgym.agents.tokens import Sample  # noqa: E402
from toolgym.agents.training.collect import Rollout  # noqa: E402
from toolgym.agents.training.curriculum import FLOOR, Curriculum, weight  # noqa: E402
from toolgym.agents.training.drawing import StratifiedDraw  # noqa: E402
from toolgym.agents.training.dynamic_sampling import play_until_signal, replacement_metrics  # noqa: E402
from toolgym.agents.training.strata import Stratum, strata_of  # noqa: E402
from toolgym.types import RewardBreakdown, Trajectory, Turn, Verdict  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def reward_of(evidence):
    if evidence.data == "word":
        return float(evidence.completion.text == "abc")
    return {"right": 1.0, "wrong": 0.0}.get(evidence.data, small_letters(evidence))


class Sorts(ToolEnv):
    """Tasks that are always right, always wrong, right for one word, or right for many small letters."""

    def __init__(self, sorts=("right", "wrong", "letters"), split="train", count=4, **kwargs):
        tasks = [Task.of(f"{split}-{sort}-{i}", "go" + "!" * i, data=sort) for sort in sorts for i in range(count)]
        super().__init__(tasks, dialect="openai", rubric=Rubric([("reward", reward_of, 1.0)]), **kwargs)

    def stratum(self, task):
        return (task.data,)

    def gold(self, task):
        return ("abc",)

    def judge(self):
        return Verdict(self.turns[-1].reward.total > 0.3)


register("TestSorts-v0", Sorts)


def rollout(reward, valid=True):
    sample = Sample([1, 2], [0, 1], [0, 0], [0.0] * 2, prompt_length=1, turns=[(1, 2)])
    turns = [Turn("", (), RewardBreakdown(reward))]
    about = Trajectory("env", "task", (), turns, reward=reward, success=reward > 0.5, reward_valid=valid)
    return Rollout(about, sample)


OUTCOMES = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 1.0]), st.booleans()), min_size=2, max_size=3)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n=st.integers(1, 6), rounds=st.integers(0, 4))
def test_replacing_ends_and_its_counts_add_up(data, n, rounds):
    plays = []

    def play(tasks):
        plays.append(len(tasks))
        return [[rollout(*one) for one in data.draw(OUTCOMES)] for _ in tasks]

    def teaches(group):
        return len({r.reward for r in group if r.valid}) > 1

    def another(task):
        return task[0], task[1] + "'"

    batch = play_until_signal([(i, "t") for i in range(n)], play, another, teaches, rounds)
    about = replacement_metrics(batch)
    assert plays[0] == n
    assert len(plays) <= 1 + rounds
    assert len(batch.played) == sum(plays) == n + about["replaced"]
    assert about["replaced"] == sum(about[f"replaced/{kind}"] for kind in ("all_right", "all_wrong", "other"))
    assert about["replaced/tokens"] == sum(len(group) for group in batch.replaced)
    assert [task[0] for task in batch.tasks] == list(range(n)), "a replacement takes the place of its group"
    assert all(any(group is kept for _, group in batch.played) for kept in batch.groups)
    assert not any(map(teaches, batch.replaced))
    if not all(map(teaches, batch.groups)):
        assert len(plays) == 1 + rounds, "it gives up after the last round only"


def test_the_kinds_of_replaced_groups():
    groups = iter(
        [
            [rollout(1.0), rollout(1.0)],
            [rollout(0.0), rollout(0.0)],
            [rollout(0.0), rollout(0.0), rollout(1.0, valid=False)],
            [rollout(1.0), rollout(0.0, valid=False)],
            [rollout(0.0, valid=False)] * 2,
        ]
    )
    batch = play_until_signal([(0, "t")], lambda tasks: [next(groups)], lambda task: task, lambda group: False, 4)
    about = replacement_metrics(batch)
    assert (about["replaced/all_right"], about["replaced/all_wrong"], about["replaced/other"]) == (1, 2, 1)
    assert about["reward"] == 1.0, "of the group drawn first"


def sorts(out, **kwargs):
    settings = {"prompts_per_step": 3, "num_generations": 12, "draw": "stratified", **kwargs}
    return trainer(out, env="TestSorts-v0", eval_kwargs={}, **settings)


def test_groups_without_spread_are_replaced_by_tasks_of_their_stratum(tmp_path):
    run = sorts(tmp_path / "run", steps=2, dynamic_sampling=2)
    run.run()
    for row in metrics(tmp_path / "run"):
        # of the three strata, two never have spread: both are drawn anew in both rounds, and stay
        assert (row["replaced"], row["replaced/all_right"], row["replaced/all_wrong"]) == (4, 2, 2)
        assert row["replaced/tokens"] > 0
        assert row["frac_reward_zero_std"] == pytest.approx(2 / 3)
    batch = run._play(2)
    assert Counter(run.collector.env().find_task(name).data for _, name in batch.tasks) == {
        "right": 1,
        "wrong": 1,
        "letters": 1,
    }
    assert len({task for task, _ in batch.played}) == len(batch.played) == 7, "no task is drawn twice"


def test_a_step_without_any_spread_ends_and_teaches_nothing(tmp_path):
    run = sorts(tmp_path / "run", steps=1, dynamic_sampling=3, env_kwargs={"sorts": ["wrong"]})
    before = weights(run)
    run.run()
    (row,) = metrics(tmp_path / "run")
    assert (row["replaced"], row["replaced/all_wrong"], row["reward"]) == (9, 9, 0)
    assert weights(run) == before


def test_a_failed_group_that_a_gold_answer_joins_is_left_alone(tmp_path):
    rows = []
    for guided in ("off", "plain"):
        options = {"steps": 1, "dynamic_sampling": 1, "env_kwargs": {"sorts": ["word"]}, "guided": guided}
        sorts(tmp_path / guided, **options).run()
        rows += metrics(tmp_path / guided)
    assert [row["replaced"] for row in rows] == [3, 0]
    assert rows[1]["guided"] == 3
    assert rows[1]["reward"] == 0, "of the policy's own episodes"


def test_groups_that_teach_are_left_alone(tmp_path):
    """The same run with and without dynamic sampling, as long as nothing is replaced."""
    rows = []
    for rounds in (0, 2):
        run = sorts(tmp_path / str(rounds), dynamic_sampling=rounds, env_kwargs={"sorts": ["letters"], "count": 9})
        run.run()
        rows.append(timeless(tmp_path / str(rounds)))
    assert all(row.pop("replaced") == 0 for row in rows[1])
    for row in rows[1]:
        for name in [name for name in row if name.startswith("replaced/")]:
            del row[name]
    assert rows[0] == rows[1]


def test_only_spread_among_episodes_that_count_keeps_a_group(tmp_path):
    run = sorts(tmp_path / "run")
    group = [rollout(1.0), rollout(1.0), rollout(0.0, valid=False)]
    assert not run._teaches(group)
    group[2].trajectory.reward_valid = True
    assert run._teaches(group)


@pytest.mark.parametrize(
    "options",
    [{"dynamic_sampling": 1}, {"draw": "curriculum"}, {"draw": "curriculum", "dynamic_sampling": 2, "algo": "grpo"}],
    ids=str,
)
def test_a_resumed_run_draws_the_same_tasks(tmp_path, options):
    options = {"env": "TestSorts-v0", "eval_kwargs": {}, "prompts_per_step": 3, "steps": 4, **options}
    whole = trainer(tmp_path / "whole", **options)
    whole.run()
    with pytest.raises(Unplugged):
        trainer(tmp_path / "half", on_step=unplug_after(3), **options).run()
    half = trainer(tmp_path / "half", resume=True, **options)
    assert half.step == 2
    half.run()
    assert weights(half) == weights(whole)
    assert timeless(tmp_path / "half") == timeless(tmp_path / "whole")
    states = [checkpoint.latest(tmp_path / name) for name in ("half", "whole")]
    assert states[0].get("curriculum") == states[1].get("curriculum")


@given(st.floats(0, 1))
def test_a_weight_is_never_0_and_1_in_the_middle(rate):
    assert FLOOR - 1e-12 <= weight(rate) <= 1
    assert (weight(rate) == 1) == (0.2 <= rate <= 0.8) or abs(weight(rate) - 1) < 1e-9
    assert weight(rate) == pytest.approx(weight(1 - rate))


def test_a_curriculum_moves_to_what_is_solved_sometimes_and_leaves_nothing_out():
    suites, config, curriculum = Suites(Sorts(count=50)), TrainConfig(draw="curriculum"), Curriculum()
    strata = strata_of(suites, [1.0])
    rewards = {"right": [1.0, 1.0], "wrong": [0.0, 0.0], "letters": [1.0, 0.0]}
    drawn: Counter[str] = Counter()
    for step in range(120):
        draw = StratifiedDraw(suites, config, strata, step, curriculum)
        for task in draw.first(4):
            sort = suites.env().find_task(task[1]).data
            draw.record(task, [rollout(reward) for reward in rewards[sort]])
            drawn[sort] += step >= 60
    shares = {name: share for name, share in curriculum.metrics(strata).items() if name.startswith("share/")}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["share/0/letters"] > 0.7
    assert drawn["letters"] == pytest.approx(240 * shares["share/0/letters"], abs=15)
    assert min(drawn["right"], drawn["wrong"]) > 0


def test_tasks_that_come_back_are_weighed_by_their_own_rate():
    complete = Stratum(0, ("a",), 1.0, [0, 1], True)
    endless = Stratum(1, ("b",), 1.0, [0, 1], False)
    curriculum = Curriculum()
    for _ in range(20):
        curriculum.record(complete, "solved", 1.0)
        curriculum.record(complete, "open", 0.5)
        curriculum.record(endless, "once", 1.0)
    assert curriculum.weight_of_task(0, "solved") == pytest.approx(FLOOR, abs=1e-3)
    assert curriculum.weight_of_task(0, "open") == curriculum.weight_of_task(0, "never played") == 1
    assert curriculum.tasks.keys() == {0}, "a task that hardly comes back is not remembered"
    first, second = curriculum.shares([complete, endless])
    assert first > 2 * second


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"dynamic_sampling": -1}, "dynamic_sampling must be a whole number from 0, got -1"),
        ({"dynamic_sampling": 1, "algo": "ppo"}, 'dynamic_sampling is for algo "grpo"'),
        ({"draw": "curriculum", "algo": "sft"}, 'draw "curriculum" is for grpo and ppo'),
        ({"mix": [{"env": "x", "share": 0.6}, {"env": "y", "share": 0.4}]}, "their sum below 1; got"),
        ({"mix": [{"env": "x", "share": True}]}, "each share in mix must be a number above 0"),
        ({"mix": [{"env": "x", "share": float("nan")}]}, "each share in mix must be a number above 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        TrainConfig(**wrong)
