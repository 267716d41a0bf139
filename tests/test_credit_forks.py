"""Credit by forks on real episodes: what is played from which state, what it is worth, and what it leaves alone."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import test_credit_training  # noqa: E402
import test_train  # noqa: E402
from test_train import Unplugged, metrics, rewriting, timeless, trainer, unplug_after, weights  # noqa: E402
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym import Rubric  # noqa: E402
from toolgym.agents.training.advantages import fork_advantages, padded, shared_states  # noqa: E402
from toolgym.agents.training.batch import Batch  # noqa: E402
from toolgym.agents.training.credit import grpo_advantages  # noqa: E402
from toolgym.agents.training.forward import TrainingForward  # noqa: E402
from toolgym.agents.training.trainer import Trainer  # noqa: E402
from toolgym.types import message  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


class Long(test_credit_training.Keys):
    """Up to four turns, which a capital letter or a digit ends."""

    def start(self, task):
        self.said = 0

    def reply(self, completion, records):
        self.said += 1
        return (message("user", f"more {self.said}"),)

    def save_state(self):
        return self.said

    def load_state(self, saved):
        self.said = saved


def long(split="train", max_turns=4, **kwargs):
    keys = test_credit_training.keys(split)
    # answers without any call differ in reward too
    rubric = Rubric([*keys.rubric.terms, ("sum", lambda evidence: sum(map(ord, evidence.completion.text)) % 7, 0.1)])
    return Long(keys.tasks, dialect="openai", rubric=rubric, max_turns=max_turns, **kwargs)


test_train.register("TestLong-v0", long)


def narrow():
    """A model that says the same things again and again, so that members of a group share states."""
    model = tiny_model()
    with torch.no_grad():
        model.lm_head.weight[97:].mul_(4.0)
    return model


@pytest.fixture
def run(tmp_path):
    return forking(tmp_path / "run")


def forking(out, loaded=None, **settings):
    settings = {"env": "TestLong-v0", "credit": "fork", "num_generations": 4, "max_completion_length": 2, **settings}
    if loaded is None:
        return trainer(out, **settings)
    return Trainer(test_train.config(out, **settings), loaded=loaded)


def state(rollout, k):
    return tuple(rollout.sample.token_ids[: rollout.sample.turns[k][0]])


def forks_by_state(group):
    """{tokens before a turn: forks from there}"""
    found = {}
    for rollout in group:
        for k, forks in enumerate(rollout.forks):
            found.setdefault(state(rollout, k), []).extend(forks)
    return found


# What is played -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [tiny_model, narrow])
def test_every_turn_has_enough_others_and_none_too_many(tmp_path, model):
    run = forking(tmp_path / "run", (model(), byte_tokenizer()))
    shared = 0
    for group in run.collector.play([(0, "train-1"), (0, "train-2")], 6, forks=2):
        members = Counter(state(rollout, k) for rollout in group for k in range(len(rollout.sample.turns)))
        forks = forks_by_state(group)
        assert {tokens: len(forks[tokens]) for tokens in members} == {
            tokens: max(0, 3 - count) for tokens, count in members.items()
        }
        assert members[state(group[0], 0)] == 6, "the first turn needs none"
        assert max(len(rollout.sample.turns) for rollout in group) > 1
        shared += sum(count > 1 for count in members.values()) > 1
    assert shared == (2 if model is narrow else 0)


def test_a_fork_goes_on_from_the_state_before_the_turn(run):
    (group,) = run.collector.play([(0, "train-1")], 4, forks=3)
    several = 0
    for rollout in group:
        for k, forks in enumerate(rollout.forks):
            for fork in forks:
                sample, trajectory = fork.sample, fork.trajectory
                start = rollout.sample.turns[k][0]
                assert sample.token_ids[:start] == rollout.sample.token_ids[:start]
                assert sample.turns[0][0] == start
                assert not any(sample.loss_mask[:start])
                assert sum(sample.loss_mask) == sum(end - begin for begin, end in sample.turns)
                before = [m for turn in rollout.trajectory.turns[:k] for m in turn.messages]
                assert trajectory.messages == (*rollout.trajectory.messages, *before)
                assert len(trajectory.turns) == len(sample.turns) <= 4 - k
                said = [run.chat.decode(sample.token_ids[begin:end]) for begin, end in sample.turns]
                assert [text.removesuffix("<|im_end|>") for text in said] == [t.action for t in trajectory.turns]
                assert trajectory.reward == pytest.approx(sum(turn.reward.total for turn in trajectory.turns))
                several += len(sample.turns) > 1
    assert several > 0


def test_episodes_are_the_same_bytes_with_and_without_forks(run):
    tasks = [(0, "train-1"), (0, "train-2")]

    def played(forks):
        run.collector.policy.reseed("here")
        rollouts = [r for group in run.collector.play(tasks, 4, forks) for r in group]
        return [(r.sample, r.trajectory.turns, r.trajectory.verdict, rewards_of(r)) for r in rollouts]

    alone = played(0)
    assert played(2) == alone
    assert played(0) == alone


@pytest.mark.parametrize(("env", "kwargs"), [("TestLong-v0", {}), ("ToolGym-Office-v0", {"level": "dialogue"})])
def test_where_nothing_is_drawn_a_fork_repeats_the_episode(tmp_path, env, kwargs):
    run = forking(
        tmp_path / "run", env=env, env_kwargs=kwargs, max_completion_length=3, eval_kwargs={}, max_tokens=4096
    )
    tasks = [(0, run.collector.tasks()[index].id) for index in range(3)]
    turns = 0
    for (rollout,) in run.evaluator.play(tasks, 1, forks=2):
        for k, forks in enumerate(rollout.forks):
            for fork in forks:
                assert fork.trajectory.turns == rollout.trajectory.turns[k:]
                assert fork.trajectory.verdict == rollout.trajectory.verdict
                assert fork.sample.token_ids == rollout.sample.token_ids
                turns += len(fork.trajectory.turns)
    assert turns > 12


def test_forks_are_drawn_anew(run):
    (group,) = run.collector.play([(0, "train-1")], 2, forks=8)
    for forks in forks_by_state(group).values():
        assert len({tuple(fork.sample.token_ids) for fork in forks}) > len(forks) / 2
    said = {tuple(rollout.sample.token_ids) for rollout in group}
    assert not said & {tuple(f.sample.token_ids) for forks in forks_by_state(group).values() for f in forks}


def test_forks_prefill_their_own_tokens_alone(run, monkeypatch):
    engine = run.collector.policy._engine
    calls, batches = [], []
    prefill, resume = engine.prefill, engine.resume
    monkeypatch.setattr(
        engine, "prefill", lambda prompts, rows: calls.append(("prefill", [])) or prefill(prompts, rows)
    )
    monkeypatch.setattr(
        engine, "resume", lambda caches, new: calls.append(("resume", [len(row) for row in new])) or resume(caches, new)
    )
    ask = run.collector.policy.sample_ids
    monkeypatch.setattr(run.collector.policy, "sample_ids", lambda rows, n: batches.append(len(rows)) or ask(rows, n))
    (group,) = run.collector.play([(0, "train-1")], 4, forks=2)
    forks = [fork for forks in forks_by_state(group).values() for fork in forks]
    turns = max(len(rollout.sample.turns) for rollout in group)
    assert [name for name, _ in calls] == ["prefill"] + ["resume"] * (len(calls) - 1)
    assert batches[turns] == len(forks)
    assert calls[turns] == ("resume", [1] * len(forks))


def test_a_fork_continues_as_one_that_reads_everything_anew(run, monkeypatch):
    def played():
        run.collector.policy.reseed("here")
        (group,) = run.collector.play([(0, "train-1")], 4, forks=2)
        return [f.sample.token_ids for forks in forks_by_state(group).values() for f in forks]

    kept = played()
    monkeypatch.setattr(run.collector.policy, "branch", lambda *_: None)
    assert played() == kept


# What it is worth -----------------------------------------------------------------------------------------------


def test_values_by_hand():
    # three episodes; the first two said the same in their first turn. Forks: two from the third's second turn
    rewards, reached = padded([[[1.0, 2.0], [1.0, 4.0], [0.0, 3.0]]], 3)
    states, _ = padded([[[0, 1], [0, 1], [0, 2]]], 3)
    forks, forked = padded([[[[], []], [[], []], [[], [5.0, 0.0]]]], 4)
    advantages, about = fork_advantages(rewards, reached, states, forks, forked, scale_rewards="none")
    # returns to go 3 2, 5 4, 3 3; values of the states after turn 0: (2 + 4) / 2 = 3, (3 + 5 + 0) / 3 = 8/3
    # turn 0: 1 + 3 - (5 + 3) / 2, 1 + 3 - (3 + 3) / 2, 0 + 8/3 - (3 + 5) / 2; turn 1: 2 - 4, 4 - 2, 3 - 5/2
    torch.testing.assert_close(advantages, torch.tensor([[[0.0, -2.0], [1.0, 2.0], [-4 / 3, 0.5]]]))
    assert about["turns_of_one"] == about["frac_reward_zero_std"] == 0
    # others 2 at turn 0, then 1, 1, 2: weights 2/3 thrice, 1/2, 1/2, 2/3 make 11/3 degrees of freedom
    squares = (1 + 16 / 9) * 4 / 9 + (4 + 4) / 4 + 0.25 * 4 / 9
    scaled, _ = fork_advantages(rewards, reached, states, forks, forked, eps=0.0)
    torch.testing.assert_close(scaled, advantages / (squares / (11 / 3)) ** 0.5)
    batch, _ = fork_advantages(rewards, reached, states, forks, forked, scale_rewards="batch", eps=0.0)
    torch.testing.assert_close(batch, scaled)


def test_a_state_whose_forks_failed_keeps_the_baseline_before_it():
    rewards, reached = padded([[[1.0, 2.0], [4.0]]], 3)
    states, _ = padded([[[0, 1], [0]]], 3)
    none = torch.zeros(1, 2, 2, 1, dtype=torch.float64), torch.zeros(1, 2, 2, 1, dtype=torch.bool)
    advantages, about = fork_advantages(rewards, reached, states, *none, scale_rewards="none")
    assert advantages.tolist() == [[[-1, -2], [1, 0]]]
    assert about["turns_of_one"] == 1
    alone, about = fork_advantages(*(x[:, :1] for x in (rewards, reached, states, *none)), scale_rewards="none")
    assert not alone.any()
    assert about["groups_of_one"] == about["frac_reward_zero_std"] == 1
    with pytest.raises(ValueError, match="return of a fork is not finite"):
        fork_advantages(rewards, reached, states, none[0] + torch.inf, ~none[1])
    with pytest.raises(ValueError, match=r"must be \(1, 2, 2\), as rewards, got \(1, 2, 1\)"):
        fork_advantages(rewards, reached, states[:, :, :1], *none)


def by_definition(group, rewards_of):
    """{(episode, turn): advantage}, one playout at a time. A playout: its owner, and rewards from a state on."""
    playouts = {}
    for i, rollout in enumerate(group):
        if rollout.valid:
            for k in range(len(rollout.sample.turns)):
                playouts.setdefault(state(rollout, k), []).append((i, sum(rewards_of(rollout)[k:])))
                for fork in rollout.forks[k]:
                    if fork.valid:
                        playouts[state(rollout, k)].append((None, sum(rewards_of(fork))))
    found = {}
    for i, rollout in enumerate(group):
        for k in range(len(rollout.sample.turns) if rollout.valid else 0):
            others = [value for owner, value in playouts[state(rollout, k)] if owner != i]
            after = []
            if k + 1 < len(rollout.sample.turns):
                after = [value for _, value in playouts[state(rollout, k + 1)]]
            value = sum(after) / len(after) if after else 0.0
            found[i, k] = rewards_of(rollout)[k] + value - sum(others) / len(others)
    return found


def assert_credited(group, wanted):
    for (i, k), advantage in wanted.items():
        start, end = group[i].sample.turns[k]
        assert group[i].sample.advantages[start:end] == pytest.approx([advantage] * (end - start), abs=1e-4)
    assert len({round(advantage, 6) for advantage in wanted.values()}) > 3


def rewards_of(rollout):
    return [turn.reward.total for turn in rollout.trajectory.turns]


@pytest.mark.parametrize("model", [tiny_model, narrow])
def test_forks_of_real_episodes(tmp_path, model):
    run = forking(tmp_path / "run", (model(), byte_tokenizer()), scale_rewards="none", max_completion_length=4)
    run.collector.make_envs[0].keywords["max_turns"] = 3  # episodes that the turns' limit cuts, and forks alike
    groups = run.collector.play([(0, "train-1"), (0, "train-2")], 6, forks=2)
    assert any(r.trajectory.truncated for group in groups for r in group)
    groups[0][2].trajectory.reward_valid = False
    some = next(forks for forks in forks_by_state(groups[1]).values() if forks)
    some[0].trajectory.reward_valid = False
    about = grpo_advantages(groups, run.config)
    for group in groups:
        assert_credited(group, by_definition(group, rewards_of))
    assert not any(groups[0][2].sample.advantages)
    assert about["unscored"] == 1
    forks = [f for group in groups for forks in forks_by_state(group).values() for f in forks]
    assert about["forks"] == len(forks)
    assert about["fork_tokens"] == sum(sum(fork.sample.loss_mask) for fork in forks)
    scored = [sum(rewards_of(r)) for group in groups for r in group if r.valid]
    assert about["reward"] == pytest.approx(sum(scored) / len(scored)), "forks are no part of it"


def test_kl_in_the_reward_is_taken_off_forks_too(run):
    (group,) = run.collector.play([(0, "train-1")], 6, forks=2)
    reference = TrainingForward(tiny_model(1))
    settings = dataclasses.replace(run.config, scale_rewards="none", beta=0.3, kl_in="reward")

    def with_kl(rollout):
        sample = rollout.sample
        gap = (run.forward.score(Batch.of([sample]), 1.0) - reference.score(Batch.of([sample]), 1.0))[0]
        spans = [(start - sample.prompt_length, end - sample.prompt_length) for start, end in sample.turns]
        return [r - 0.3 * float(gap[a:b].sum()) for r, (a, b) in zip(rewards_of(rollout), spans, strict=True)]

    wanted = by_definition(group, with_kl)
    assert wanted != by_definition(group, rewards_of)
    about = grpo_advantages([group], settings, run.forward, reference)
    assert_credited(group, wanted)
    assert about["kl"] > 0


def test_states_are_told_apart_by_tokens():
    from toolgym.agents.tokens import Sample

    def sample(token_ids, turns):
        n = len(token_ids)
        mask = [int(any(a <= i < b for a, b in turns)) for i in range(n)]
        return Sample(token_ids, mask, [0.0] * n, [0.0] * n, 2, turns)

    same = [sample([1, 2, 3, 9, 4], [(2, 3), (4, 5)]), sample([1, 2, 3, 9, 5], [(2, 3), (4, 5)])]
    other = sample([1, 2, 4, 9, 5], [(2, 3), (4, 5)])
    assert shared_states([same[0], None, same[1], other]) == [[0, 1], [], [0, 1], [0, 2]]


# Training with it -----------------------------------------------------------------------------------------------


def test_a_resumed_run_ends_in_the_same_weights(tmp_path):
    def whole(out, **more):
        return trainer(out, env="TestLong-v0", credit="fork", max_completion_length=2, steps=5, **more)

    done = whole(tmp_path / "whole")
    done.run()
    with pytest.raises(Unplugged):
        whole(tmp_path / "half", on_step=unplug_after(3)).run()
    half = whole(tmp_path / "half", resume=True)
    assert half.step == 2
    half.run()
    assert timeless(tmp_path / "half") == timeless(tmp_path / "whole")
    assert weights(half) == weights(done)
    assert all(row["fork_tokens"] > row["forks"] > 0 for row in metrics(tmp_path / "half"))


def test_forks_teach_a_single_episode_too(tmp_path, caplog):
    run = forking(tmp_path / "run", num_generations=1)
    before = weights(run)
    run.run()
    assert weights(run) != before
    assert not caplog.records
    assert all(row["frac_reward_zero_std"] < 1 for row in metrics(tmp_path / "run"))


def test_a_mix_with_a_suite_that_is_never_scored(tmp_path):
    run = forking(tmp_path / "run", mix=[{"env": "TestBroken-v0"}, {"env": "TestTalk-v0"}], prompts_per_step=6, steps=2)
    run.run()
    rows = metrics(tmp_path / "run")
    assert 0 < sum(row["unscored"] for row in rows) < 48
    assert all(row["forks"] > 0 for row in rows)
    groups = run.collector.play([(1, "t"), (2, "train-1"), (0, "train-1")], 4, forks=2)
    assert not any(rollout.forks for rollout in groups[0]), "an episode that says nothing needs no comparison"
    assert all(any(forks_by_state(group).values()) for group in groups[1:])


def test_forks_that_a_template_would_trim_count(tmp_path):
    template = "{{ m['content'] | replace('a', '') if m['role'] == 'assistant' else m['content'] }}"
    run = forking(tmp_path / "run", (tiny_model(), rewriting(template)), num_generations=8)
    (group,) = run.collector.play([(0, "train-1")], 16, forks=3)
    forks = list(itertools.chain(*forks_by_state(group).values()))
    assert forks
    assert all(fork.valid for fork in forks)
    grpo_advantages([group], dataclasses.replace(run.config, scale_rewards="none"))


def test_an_episode_without_room_for_another_turn_is_worth_nothing_from_there(tmp_path):
    run = forking(tmp_path / "run")
    (group,) = run.collector.play([(0, "train-1")], 4)
    run.collector.max_tokens = max(rollout.sample.turns[-1][0] for rollout in group)
    (group,) = run.collector.play([(0, "train-1")], 8, forks=2)
    cut = [rollout for rollout in group if rollout.trajectory.verdict == "the episode's tokens ran out"]
    assert cut
    grpo_advantages([group], dataclasses.replace(run.config, scale_rewards="none"))
    assert_credited(group, by_definition(group, rewards_of))


def test_the_number_of_forks_is_checked(tmp_path):
    with pytest.raises(ValueError, match="forks must be at least 1"):
        forking(tmp_path, forks=0)
