"""Which parts of a reward tell success: the numbers, what is said about them, and the command."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym.cli.main import main
from toolgym.report.reward_parts import Kept, kept_episodes, reward_parts
from toolgym.rewards.discrimination import discrimination
from toolgym.runlog import write_run
from toolgym.stored.run_files import RunError
from toolgym.types import RewardBreakdown, Term, Trajectory, Turn, message


def turn(**terms):
    made = tuple([Term(name, score) for name, score in terms.items()])
    return Turn("a", (message("assistant", "a"),), RewardBreakdown(sum(terms.values()), made))


def episode(task, success, *turns, repeat=0, valid=True, env_id="Shop-v0"):
    return Trajectory(
        env_id,
        str(task),
        (message("user", "?"),),
        list(turns),
        success=success if valid else None,
        reward=sum(each.reward.total for each in turns),
        reward_valid=valid,
        repeat=repeat,
    )


def report_on(episodes, **options):
    (report,) = reward_parts([Kept("run", episodes)], **options)
    return report


def part(report, name):
    return next(each for each in report.parts if each.name == name)


def alone(values, passed, **options):
    """Each episode a task of its own."""
    return discrimination(values, passed, range(len(values)), range(len(values)), **options)


# The numbers ------------------------------------------------------------------------------------


def test_numbers_computed_by_hand():
    found = alone([1, 2, 3, 4], [False, True, False, True])
    # deviations -1.5 -.5 .5 1.5 and -.5 .5 -.5 .5: products sum to 1, squares to 5 and 1
    assert found.correlation.value == pytest.approx(1 / 5**0.5)
    assert found.auc.value == 0.75  # of the pairs 2>1, 2<3, 4>1, 4>3
    assert found.varies == 0.75
    assert (found.within_correlation, found.within_auc, found.groups, found.groups_vary) == (None, None, 0, None)
    assert alone([0, 1, 1, 1], [False, False, True, True]).auc.value == 0.75  # wins 1, tie 1/2, in each row


def test_numbers_within_groups_by_hand():
    """Task b pays 10 more to everybody and is harder: over all the part looks bad, within each task it is perfect."""
    values = [0, 1, 1, 1, 10, 10, 10, 11]
    passed = [False, True, True, True, False, False, False, True]
    found = discrimination(values, passed, list("aaaabbbb"), list("aaaabbbb"))
    assert found.correlation.value == pytest.approx(np.corrcoef(values, passed)[0, 1])
    assert found.correlation.value < 0
    assert found.within_correlation.value == pytest.approx(1.0)
    assert (found.within_auc.value, found.mixed, found.groups, found.groups_vary) == (1.0, 2, 2, 1.0)
    apart = discrimination(values, passed, list("aaaabbbb"), list("aabbccdd"))
    assert (apart.mixed, apart.groups, apart.groups_vary) == (2, 4, 0.5)


EPISODES = st.lists(
    st.tuples(st.sampled_from([0, 0.1, 0.3, 0.1 + 0.2, 1, 2.5, -3]), st.booleans(), st.integers(0, 4)), min_size=2
)


@given(EPISODES, st.floats(1e-6, 1e6), st.floats(-10, 10))
@settings(max_examples=60, deadline=None)
def test_numbers_are_those_of_the_definitions_whatever_the_unit(episodes, scale, shift):
    values, passed, task = (list(column) for column in zip(*episodes, strict=True))
    rounded = np.round(values, 9)
    unit = [scale * (value + shift) for value in values]
    found = discrimination(unit, passed, task, task, samples=50)
    both = len(set(passed)) == 2 and len(set(rounded)) > 1
    assert (found.correlation is not None) == both
    if both:
        assert found.correlation.value == pytest.approx(np.corrcoef(rounded, passed)[0, 1], abs=1e-6)
        assert found.correlation.low <= found.correlation.high

    def auc(same_group):
        pairs = [
            (a > b) + (a == b) / 2
            for a, won, s in zip(rounded, passed, task, strict=True)
            for b, lost, t in zip(rounded, passed, task, strict=True)
            if won and not lost and (s == t or not same_group)
        ]
        return np.mean(pairs) if pairs else None

    for mine, same_group in ((found.auc, False), (found.within_auc, True)):
        assert (None if mine is None else mine.value) == pytest.approx(auc(same_group))


def test_intervals_are_percentiles_over_resampled_tasks():
    """The same draws, made slowly: each resample written out episode by episode."""
    random = np.random.default_rng(5)
    task = np.repeat(np.arange(12), 3)
    passed = random.random(36) < 0.5
    values = np.round(random.random(36) + passed, 1)
    found = discrimination(values, passed, task, task, samples=300, seed=7)
    draws = np.random.default_rng(7).integers(12, size=(300, 12))
    rows = [np.concatenate([np.flatnonzero(task == each) for each in drawn]) for drawn in draws]
    correlations = [np.corrcoef(values[row], passed[row])[0, 1] for row in rows]
    assert [found.correlation.low, found.correlation.high] == pytest.approx(np.quantile(correlations, [0.025, 0.975]))
    again = discrimination(values, passed, task, task, samples=300, seed=7)
    assert again == found
    assert discrimination(values, passed, task, task, samples=300, seed=8) != found


def test_intervals_of_noise_include_chance_as_often_as_they_say():
    """Repeats of a task have the same value and verdict: eight copies are no more evidence than one."""
    missed = 0
    for i in range(200):
        random = np.random.default_rng(i)
        values, passed = np.repeat(random.random(40), 8), np.repeat(random.random(40) < 0.5, 8)
        task = np.repeat(np.arange(40), 8)
        found = discrimination(values, passed, task, task, samples=200)
        missed += not found.auc.low <= 0.5 <= found.auc.high
    assert 2 <= missed <= 22  # 5 % are 10 of 200; with independent repeats it would be most of them


def test_a_part_far_from_zero_and_with_huge_numbers_is_measured():
    passed = [False, True] * 10
    for offset, size in ((1e6, 1.0), (0.0, 1e300), (0.0, 1e-300)):
        found = alone([offset + size * won for won in passed], passed)
        assert found.correlation.value == pytest.approx(1.0)
    assert alone([0.3, 0.1 + 0.2] * 10, passed).varies == 0  # rounding is not a difference


@pytest.mark.parametrize("values", [[1.0], [1.0, float("nan")], []])
def test_values_that_cannot_be_measured_are_refused(values):
    with pytest.raises(ValueError, match=r"one value, verdict|not finite"):
        discrimination(values, [True, False][: 2 if values else 0], *[range(len(values))] * 2)


# What is said -----------------------------------------------------------------------------------


def separate(n=40):
    """Half passed. ``good`` is larger when passed, ``bad`` smaller, ``flat`` constant, ``noise`` independent."""
    return [
        episode(i, won, turn(good=2 * won + (i // 2) % 2 / 4, bad=1 - won, flat=1, noise=(i // 2) % 2))
        for i in range(n)
        for won in [i % 2 == 0]
    ]


def test_each_part_gets_the_warning_it_deserves():
    report = report_on(separate())
    assert [each.name for each in report.parts] == ["reward", "good", "bad", "flat", "noise"]
    found = {each.name: each.finding for each in report.parts}
    assert (found["good"], found["bad"], found["flat"]) == ("tells", "against", "constant")
    assert found["noise"] == "does not tell"
    assert [line.split(":")[0] for line in report.warnings] == ["bad", "flat", "noise"]
    assert "the same in all 40 episodes" in part(report, "flat").warning
    assert "failed episodes have more of it" in part(report, "bad").warning


def test_too_few_episodes_say_how_many_more():
    report = report_on([episode(i, i < 4, turn(good=i < 4)) for i in range(40)])
    # 4 passed of 40: six more passed ones take about 60 more episodes
    assert part(report, "good").warning == "too few episodes to judge (4 passed; 10 are needed): play some 60 more"
    assert report.warnings == (f"reward, good: {part(report, 'good').warning}",)
    report = report_on([episode(i % 2, i % 3 == 0, turn(good=i % 3 == 0), repeat=i) for i in range(60)])
    assert "(2 tasks; 10 are needed): play some 8 more" in part(report, "good").warning


def grouped(value, tasks=12, each=6):
    return [
        episode(task, won, turn(p=value(task, won)), repeat=k)
        for task in range(tasks)
        for k in range(each)
        for won in [(k + task) % each < (1 if task % 2 else each - 1)]
    ]


def test_within_groups_decides_when_there_are_groups():
    # even tasks pass five of six times, odd tasks one of six: the part names the task, not the episode
    report = report_on(grouped(lambda task, won: float(task % 2 == 0)))
    found = part(report, "p")
    assert found.measured.correlation.low > 0
    assert (found.measured.mixed, found.measured.groups_vary) == (12, 0)
    assert found.finding == "between tasks only"
    # the part pays odd tasks more, whoever passes; within each task it is right
    report = report_on(grouped(lambda task, won: 3.0 * (task % 2) + won))
    assert part(report, "p").measured.correlation.high < 0
    assert part(report, "p").finding == "tells"


def test_groups_of_two_folders_are_not_mixed():
    first = [episode(task, task % 2 == 0, turn(p=1)) for task in range(4)]
    second = [episode(task, task % 2 == 1, turn(p=2)) for task in range(4)]
    (report,) = reward_parts([Kept("a", first), Kept("b", second)])
    found = part(report, "p")
    assert (found.measured.groups, found.tasks, found.episodes) == (0, 4, 8)


def test_turns_are_compared_with_the_final_success():
    def played(i):
        won = i % 2 == 0
        return episode(i, won, turn(p=float(won)), turn(p=float((i // 2) % 2)), turn(p=1.0 if won else -1.0))

    report = report_on([played(i) for i in range(40)] + [episode(99, True, turn(p=5.0))])
    names = [each.name for each in report.parts if each.kind == "turn"]
    assert names == ["turn 1", "turn 2", "early turns", "last turn"]
    assert part(report, "turn 1").measured.correlation.value == pytest.approx(1.0)
    assert part(report, "turn 2").finding == "does not tell"
    assert part(report, "turn 1").episodes == 40  # an episode's last action is not among the early ones


def test_episodes_that_are_not_valid_are_left_out_and_counted():
    lost = [episode(100 + i, True, turn(good=-9), valid=False) for i in range(3)]
    report, without = report_on(separate() + lost), report_on(separate())
    assert (report.episodes, report.invalid) == (40, 3)
    assert report.parts == without.parts


def test_a_value_that_is_not_finite_leaves_its_part_only():
    odd = [*separate(), episode("odd", True, turn(good=float("inf"), bad=0, flat=1, noise=0))]
    report = report_on(odd)
    assert part(report, "good").episodes == 40
    assert "not finite in 1 of 41 episodes, which are left out" in part(report, "good").warning
    assert part(report, "bad").episodes == 41


# The command ------------------------------------------------------------------------------------


def kept_run(folder, episodes):
    folder.mkdir(parents=True)
    write_run(folder, {"agent": folder.name}, episodes)
    return folder


def training_run(folder, **kinds):
    for kind, steps in kinds.items():
        for step, episodes in steps.items():
            kept_run(folder / kind / f"step-{step:06d}", episodes)
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"algo": "grpo"}))
    return folder


def command(capsys, *words):
    status = main(["audit", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_table_fits_and_shows_every_part(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    run = kept_run(tmp_path / "run", separate())
    status, out, _ = command(capsys, run)
    assert status == 0
    assert "Shop-v0: 40 episodes, 20 passed" in out
    assert max(map(len, out.splitlines())) <= 80
    for name in ("reward", "good", "bad", "flat", "noise"):
        assert f"\n {name} " in out
    assert "- flat: the same in all 40 episodes" in out


def test_json_holds_the_same_numbers(tmp_path, capsys):
    run = kept_run(tmp_path / "run", separate())
    status, out, _ = command(capsys, run, "--json")
    (found,) = json.loads(out)
    (report,) = reward_parts(kept_episodes([run]))
    assert status == 0
    assert found["parts"] == msgspec.to_builtins(list(report.parts))
    assert found["warnings"] == list(report.warnings)
    assert found["parts"][1]["measured"]["auc"]["value"] == part(report, "good").measured.auc.value


def test_json_of_a_rubric(capsys):
    status, out, _ = command(capsys, "--rubric", "toolrl-reference", "--json")
    (found,) = json.loads(out)
    assert status == 1
    assert found["name"] == "toolrl-reference"
    assert found["holes"]


def test_a_training_run_gives_its_groups_and_evaluations_once(tmp_path, capsys):
    first = [episode(i, i % 2 == 0, turn(p=i)) for i in range(6)]
    run = training_run(tmp_path / "grpo", groups={2: first[:2]}, evaluations={0: first, 2: first})
    found = kept_episodes([run, run / "evaluations" / "step-000002", run])
    assert [len(each.trajectories) for each in found] == [2, 6, 6]
    status, out, _ = command(capsys, run)
    assert status == 0
    assert "14 episodes, 7 passed" in out


def test_several_environments_have_a_table_each(tmp_path, capsys):
    run = kept_run(tmp_path / "mix", separate())
    other = [episode(i, True, turn(p=i), env_id="Other-v0") for i in range(3)]
    status, out, _ = command(capsys, run, kept_run(tmp_path / "other", other))
    assert status == 0
    assert "Other-v0: all 3 episodes passed, so nothing can be compared" in " ".join(out.split())


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        ([True] * 3, "all 3 episodes passed, so nothing can be compared"),
        ([False], "the only episode failed, so nothing can be compared"),
        ([None] * 2, "none of 2 episodes is valid"),
    ],
)
def test_runs_without_a_comparison_are_an_error(tmp_path, capsys, outcomes, words):
    episodes = [episode(i, won, turn(p=i), valid=won is not None) for i, won in enumerate(outcomes)]
    status, out, err = command(capsys, kept_run(tmp_path / "run", episodes))
    assert (status, out) == (1, "")
    assert words in err


def test_folders_without_episodes_are_named(tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert f"no episodes at {empty}" in command(capsys, empty)[2]
    begun = training_run(tmp_path / "begun")
    assert f"{begun} has kept no episodes" in command(capsys, begun)[2]
    status, _, err = command(capsys, empty, "--rubric", "toolrl")
    assert status == 1
    assert "not both" in err


def test_a_damaged_line_is_named(tmp_path, capsys):
    run = kept_run(tmp_path / "run", separate(4))
    path = run / "episodes.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], '{"env_id": 3}', *lines[2:]]) + "\n")
    with pytest.raises(RunError, match=r"episodes.jsonl:2 is not an episode"):
        kept_episodes([run])
    assert "episodes.jsonl:2" in command(capsys, run)[2]


def test_names_of_terms_cannot_reach_the_terminal(tmp_path, capsys):
    bad = "\x1b[31m[red]"
    run = kept_run(tmp_path / "run", [episode(i, i % 2 == 0, turn(**{bad: i % 2})) for i in range(40)])
    _, out, _ = command(capsys, run)
    assert "\x1b[31m" not in out
    assert "[red]" in out
