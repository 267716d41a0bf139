"""Guided groups: when the gold answer joins, what it teaches, and that nothing else sees it."""

from __future__ import annotations

import json
import math

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from test_train import Unplugged, metrics, timeless, trainer, unplug_after, weights  # noqa: E402

from toolgym import Task, ToolCall, ToolEnv, register  # noqa: E402
from toolgym.agents.config import TrainConfig  # noqa: E402
from toolgym.agents.training.batch import Batch  # noqa: E402
from toolgym.agents.training.credit import grpo_advantages  # noqa: E402
from toolgym.agents.training.guided import guide, guided_loss  # noqa: E402
from toolgym.agents.training.losses import mean_metrics  # noqa: E402
from toolgym.agents.training.update import GRPOUpdate  # noqa: E402
from toolgym.tools import Tool  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

GOLD = {"go-a": ([[ToolCall("go", {"k": "a"})]]), "no": [[]], "twice": [[ToolCall("go", {"k": k})] for k in "ab"]}


class Short(ToolEnv):
    """Prompts and gold answers of few bytes."""

    def instructions(self, tools):
        return "go(k)"


def short(split="train", only=tuple(GOLD), turns=3, **kwargs):
    tool = Tool("go", "", {"type": "object", "properties": {"k": {"type": "string"}}}, None)
    tasks = [Task.of(name, f"{name}!", (tool,), GOLD[name]) for name in only]
    return Short(tasks, dialect="pythonic", max_turns=turns, **kwargs)


register("TestShort-v0", short)
SETTINGS = {"env": "TestShort-v0", "guided": "plain", "max_completion_length": 48, "max_tokens": 400}


@pytest.fixture
def run(tmp_path):
    return trainer(tmp_path / "run", **SETTINGS)


def played(run, *tasks):
    return run.collector.play([(0, task) for task in tasks], 4)


# When the gold answer joins -----------------------------------------------------------------------------------------


def test_gold_joins_a_failed_group_as_a_member_of_its_own(run):
    groups = played(run, "go-a", "twice")
    guided, about = guide(groups, run.collector, run.config)
    assert about == {"guided": 2, "guided/too_long": 0, "guided/unusable": 0}
    assert [len(group) for group in groups] == [4, 4]
    for group, members in zip(groups, guided, strict=True):
        *sampled, gold = members
        assert sampled == group
        assert not any(rollout.sample.off_policy for rollout in sampled)
        assert gold.sample.off_policy
        assert gold.trajectory.success
        prompts = [r.sample.token_ids[: r.sample.prompt_length] for r in members]
        assert prompts == [prompts[0]] * 5  # computed once
        texts = [run.chat.decode(gold.sample.token_ids[start : end - 1]) for start, end in gold.sample.turns]
        assert texts == [turn.action for turn in gold.trajectory.turns]
    assert [len(members[-1].sample.turns) for members in guided] == [2, 3]  # the last answer says that all is done


def test_gold_does_not_join_where_somebody_won_or_nobody_was_scored(run):
    won, unscored, partly = played(run, "go-a", "go-a", "go-a")
    won[2].trajectory.success = True
    for rollout in unscored:
        rollout.trajectory.reward_valid = False
    partly[1].trajectory.reward_valid = partly[1].trajectory.success = False
    guided, about = guide([won, unscored, partly], run.collector, run.config)
    assert [len(group) for group in guided] == [4, 4, 5]
    assert about["guided"] == 1
    won[2].trajectory.reward_valid = False  # a success that does not count
    assert guide([won], run.collector, run.config)[1]["guided"] == 1


def test_gold_is_a_refusal_where_no_call_is_expected(run):
    (group,) = played(run, "no")
    for rollout in group:  # all called
        rollout.trajectory.success, rollout.trajectory.reward = False, -3.0
        rollout.trajectory.turns = rollout.trajectory.turns[:1]
    guided, about = guide([group], run.collector, run.config)
    assert about["guided"] == 1
    assert guided[0][-1].trajectory.turns[0].action.endswith("Done.")


@pytest.mark.parametrize(
    ("settings", "reward", "kind"),
    [
        ({"max_completion_length": 35}, -3.0, "too_long"),  # an answer has 36 tokens
        ({"max_tokens": 130}, -3.0, "too_long"),
        ({"env_kwargs": {"turns": 1}}, -3.0, "unusable"),  # cut off, so no success
        ({}, 99.0, "unusable"),
    ],
)
def test_gold_that_cannot_be_reached_or_is_not_better_stays_out(tmp_path, settings, reward, kind):
    run = trainer(tmp_path / "run", **SETTINGS | settings)
    (group,) = played(run, "twice")
    group[0].trajectory.reward = reward
    guided, about = guide([group], run.collector, run.config)
    assert guided == [group]
    assert about == {"guided": 0, "guided/too_long": 0, "guided/unusable": 0} | {f"guided/{kind}": 1}


# What it teaches --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["plain", "shaped"])
def test_the_loss_is_the_definition_token_by_token(shape):
    torch.manual_seed(0)
    values = -3 * torch.rand(3, 5, dtype=torch.float64)
    mask = torch.tensor([[1, 1, 0, 1, 0], [1, 0, 0, 0, 0], [0] * 5], dtype=torch.bool)
    logprobs = values.masked_fill(~mask, float("nan")).requires_grad_()
    advantages, weights = torch.randn(3, 5, dtype=torch.float64), mask / 7.0
    loss, about = guided_loss(logprobs, advantages.masked_fill(~mask, float("nan")), weights, shape)
    (gradient,) = torch.autograd.grad(loss, logprobs)
    wanted, probs = 0.0, []
    for i, t in mask.nonzero().tolist():
        a, lp = max(0.0, float(advantages[i, t])), float(values[i, t])
        p = math.exp(lp)
        probs.append(p)
        wanted += -a * (lp if shape == "plain" else p / (p + 0.1)) / 7
        slope = 1.0 if shape == "plain" else 0.1 * p / (p + 0.1) ** 2
        assert gradient[i, t] == pytest.approx(-a * slope / 7)
    assert loss.item() == pytest.approx(wanted)
    assert (gradient[~mask] == 0).all()
    assert mean_metrics([about]) == pytest.approx({"tokens": 0, "guided/tokens": 4, "guided/prob": sum(probs) / 4})


@pytest.mark.parametrize("shape", ["plain", "shaped"])
@pytest.mark.parametrize("changes", [{}, {"num_iterations": 2, "loss_type": "gspo"}, {"beta": 0.1}])
def test_the_update_of_a_guided_group_is_the_slow_sum_over_its_tokens(tmp_path, shape, changes):
    run = trainer(tmp_path / "run", **SETTINGS | {"guided": shape} | changes)
    if run.learner.reference is not None:
        with torch.no_grad():
            next(run.learner.reference.model.parameters()).mul_(1.05)
    groups, _ = guide(played(run, "go-a", "twice"), run.collector, run.config)
    grpo_advantages(groups, run.config)
    samples = [rollout.sample for group in groups for rollout in group]
    update = GRPOUpdate(samples, run.forward, run.config, run.learner.reference)
    about = update.gradients(0)
    fast = torch.cat([p.grad.flatten() for p in run.model.parameters()])
    run.model.zero_grad()
    every = sum(sum(sample.loss_mask) for sample in samples)
    total, gold = 0.0, []
    for sample in samples:
        ids = torch.tensor([sample.token_ids])
        logprobs = run.model(ids).logits[0, :-1].log_softmax(-1)
        if run.learner.reference is not None:
            with torch.no_grad():
                reference = run.learner.reference.model(ids).logits[0, :-1].log_softmax(-1)
        own = sum(sample.loss_mask)
        weight = 1 / every if run.config.loss_type == "dapo" else 1 / len(samples) / own
        for at, sampled in enumerate(sample.loss_mask):
            if not sampled:
                continue
            lp, advantage = logprobs[at - 1, sample.token_ids[at]], sample.advantages[at]
            if sample.off_policy:
                gold.append(lp.exp().item())
                gain = lp if shape == "plain" else lp.exp() / (lp.exp() + 0.1)
                total = total - weight * max(advantage, 0.0) * gain
            else:
                total = total - weight * advantage * lp
                if run.config.beta:
                    total = total + weight * 0.1 * (lp - reference[at - 1, sample.token_ids[at]]).square() / 2
    total.backward()
    slow = torch.cat([p.grad.flatten() for p in run.model.parameters()])
    assert float((fast - slow).norm() / slow.norm()) < 1e-4
    assert about["guided/prob"] == pytest.approx(sum(gold) / len(gold), rel=1e-3)
    assert about["tokens"] + about["guided/tokens"] == every


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
@pytest.mark.parametrize("credit", ["episode", "turn", "call", "term"])
def test_gold_is_compared_as_a_member_and_is_not_in_the_reported_reward(tmp_path, credit, scale):
    run = trainer(tmp_path / "run", **SETTINGS | {"credit": credit, "scale_rewards": scale})
    groups = played(run, "go-a", "twice", "no")
    for rollout in groups[2]:
        rollout.trajectory.success = True  # not guided: a group of another size
    guided, _ = guide(groups, run.collector, run.config)
    about = grpo_advantages(guided, run.config, decode=run.chat.decode)
    rewards = [rollout.reward for group in groups for rollout in group]
    assert about["reward"] == pytest.approx(sum(rewards) / 12)
    assert about["unscored"] == 0
    for *sampled, gold in guided[:2]:
        first = gold.sample.turns[0][0]
        assert gold.sample.advantages[first] > 0
        assert all(r.sample.advantages[r.sample.turns[0][0]] < 0 for r in sampled)
        if credit == "episode" and scale == "none":
            mean = (sum(r.reward for r in sampled) + gold.reward) / 5
            assert gold.sample.advantages[first] == pytest.approx(gold.reward - mean)


def test_the_kl_in_the_reward_passes_over_gold(tmp_path):
    run = trainer(tmp_path / "run", **SETTINGS | {"beta": 0.5, "kl_in": "reward", "scale_rewards": "none"})
    with torch.no_grad():
        next(run.learner.reference.model.parameters()).mul_(1.05)
    groups = played(run, "go-a")
    guided, _ = guide(groups, run.collector, run.config)
    about = grpo_advantages(guided, run.config, run.forward, run.learner.reference)
    *sampled, gold = guided[0]
    mean = (sum(r.reward for r in sampled) + gold.reward) / 5
    first = gold.sample.turns[0][0]
    assert gold.sample.advantages[first] == pytest.approx(gold.reward - mean)
    assert sampled[0].sample.advantages[first] != pytest.approx(sampled[0].reward - mean)
    alone = trainer(tmp_path / "alone", **SETTINGS | {"beta": 0.5, "kl_in": "reward"})
    plain = grpo_advantages(groups, alone.config, run.forward, run.learner.reference)
    assert about["kl"] == pytest.approx(plain["kl"])


# In the trainer ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["plain", "shaped"])
def test_a_cold_policy_learns_from_gold(tmp_path, shape):
    settings = {"env_kwargs": {"only": ["go-a"]}, "steps": 8, "learning_rate": 1e-2, "guided": shape}
    run = trainer(tmp_path / "run", **SETTINGS | settings)
    run.run()
    rows = metrics(tmp_path / "run")
    assert rows[0]["guided"] == 2
    assert rows[0]["reward"] == -3
    prob = "guided/prob"
    assert [row for row in rows if prob in row][-1][prob] > 2 * rows[0][prob]


def test_kept_groups_hold_sampled_episodes_alone(tmp_path):
    run = trainer(tmp_path / "run", **SETTINGS | {"steps": 1, "num_generations": 1})
    run.run()
    (row,) = metrics(tmp_path / "run")
    assert row["guided"] == 2
    assert row["reward"] < 0
    kept = (tmp_path / "run" / "groups" / "step-000001" / "episodes.jsonl").read_text().splitlines()
    assert len(kept) == 1
    assert not json.loads(kept[0])["success"]


def test_a_resumed_run_is_guided_to_the_same_weights(tmp_path):
    settings = SETTINGS | {"steps": 4, "credit": "term"}
    whole = trainer(tmp_path / "whole", **settings)
    whole.run()
    broken = trainer(tmp_path / "broken", on_step=unplug_after(3), **settings)
    with pytest.raises(Unplugged):
        broken.run()
    resumed = trainer(tmp_path / "broken", resume=True, **settings)
    resumed.run()
    assert weights(resumed) == weights(whole)
    assert timeless(tmp_path / "broken") == timeless(tmp_path / "whole")


def test_what_gold_cannot_join_is_refused():
    for settings in ({"algo": "ppo"}, {"algo": "sft"}, {"credit": "fork"}):
        with pytest.raises(ValueError, match='guided \'plain\' is for algo "grpo" with credit other than "fork"'):
            TrainConfig(guided="plain", **settings)
    with pytest.raises(ValueError, match="guided must be one of off, plain, shaped"):
        TrainConfig(guided="luffy")


def test_off_policy_reaches_every_part_of_a_batch(run):
    groups, _ = guide(played(run, "go-a"), run.collector, run.config)
    batch = Batch.of([rollout.sample for rollout in groups[0]])
    assert batch.off_policy.tolist() == [False] * 4 + [True]
    assert batch.take([4, 0]).off_policy.tolist() == [True, False]
