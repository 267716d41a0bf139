"""Settings of the trainer that change the loss: each changes just what it says."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from test_train import config, metrics, trainer, weights  # noqa: E402

from toolgym.agents.config import TrainConfig, parse  # noqa: E402
from toolgym.agents.training.batch import Batch  # noqa: E402
from toolgym.agents.training.credit import grpo_advantages  # noqa: E402
from toolgym.agents.training.ppo import value_loss  # noqa: E402
from toolgym.agents.training.update import GRPOUpdate, PPOUpdate  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def run(tmp_path):
    return trainer(tmp_path / "run", num_generations=8)


@pytest.fixture
def group(run):
    """Eight episodes of one task, of which the first three were cut off."""
    (group,) = run.collector.play([(0, "train-1")], 8)
    grpo_advantages([group], run.config)
    for i, rollout in enumerate(group):
        rollout.sample.truncated = i < 3
    return group


def gradient(run, samples, **settings):
    run.model.zero_grad()
    about = GRPOUpdate(samples, run.forward, dataclasses.replace(run.config, **settings)).gradients(0)
    return torch.cat([p.grad.flatten() for p in run.model.parameters()]), about


def another(seed):
    """A trainer's forward with other weights: a reference policy."""
    from tiny_lm import tiny_model

    from toolgym.agents.training.forward import TrainingForward

    return TrainingForward(tiny_model(seed))


@pytest.mark.parametrize("loss_type", ["dapo", "grpo", "dr_grpo"])
def test_mask_truncated_takes_tokens_out_of_the_loss_and_no_reward_out_of_the_group(run, group, loss_type):
    samples = [rollout.sample for rollout in group]
    masked, about = gradient(run, samples, mask_truncated=True, loss_type=loss_type)
    assert torch.allclose(masked, gradient(run, samples[3:], loss_type=loss_type)[0], atol=1e-6)
    assert not torch.allclose(masked, gradient(run, samples, loss_type=loss_type)[0], atol=1e-4)
    assert about["tokens"] == sum(sum(sample.loss_mask) for sample in samples[3:])
    before = [sample.advantages for sample in samples]
    grpo_advantages([group], dataclasses.replace(run.config, mask_truncated=True))
    assert [sample.advantages for sample in samples] == before


@pytest.mark.parametrize("algo", ["grpo", "ppo"])
def test_a_batch_of_truncated_episodes_alone_teaches_nothing_when_they_are_masked(tmp_path, algo):
    # eight random bytes: hardly an episode ends by itself, and those that do are not in this batch
    run = trainer(tmp_path / "run", mask_truncated=True, max_completion_length=2, algo=algo, steps=1)
    before = weights(run)
    run.run()
    assert metrics(tmp_path / "run")[0]["truncated"] == 1.0
    assert weights(run) == before


def test_kl_in_the_reward_is_taken_off_before_the_groups_mean(run, group):
    settings = dataclasses.replace(run.config, beta=0.3, kl_in="reward", scale_rewards="none")
    reference = another(1)
    group[5].trajectory.reward_valid = False
    about = grpo_advantages([group], settings, run.forward, reference)
    valid = [rollout for rollout in group if rollout.valid]
    samples = [rollout.sample for rollout in valid]
    batch = Batch.of(samples)
    gap = run.forward.score(batch, 1.0) - reference.score(batch, 1.0)
    judged = torch.tensor([rollout.reward for rollout in valid]) - 0.3 * gap.sum(1)
    wanted = (judged - judged.mean()).tolist()
    for sample, advantage in zip(samples, wanted, strict=True):
        assert sample.advantages[sample.turns[0][0]] == pytest.approx(advantage, abs=1e-4)
    assert not any(group[5].sample.advantages)
    assert about["kl"] == pytest.approx(float(((-gap).exp() - 1 + gap)[batch.mask].mean()), rel=1e-4)
    assert about["reward"] == pytest.approx(sum(rollout.reward for rollout in valid) / 7)


@pytest.mark.parametrize("scale_rewards", ["group", "batch"])
def test_kl_in_the_reward_is_not_scaled_with_the_rewards(run, group, scale_rewards):
    """Else a group of equal rewards would be scaled up until the noise of its KL counted as much as any reward."""
    plain = dataclasses.replace(run.config, scale_rewards=scale_rewards)
    grpo_advantages([group], plain)
    before = [list(rollout.sample.advantages) for rollout in group]
    config = dataclasses.replace(plain, beta=0.3, kl_in="reward")
    grpo_advantages([group], config, run.forward, another(1))
    batch = Batch.of([rollout.sample for rollout in group])
    gap = 0.3 * (run.forward.score(batch, 1.0) - another(1).score(batch, 1.0)).sum(1)
    for rollout, bare, less in zip(group, before, (gap - gap.mean()).tolist(), strict=True):
        at = rollout.sample.turns[0][0]
        assert rollout.sample.advantages[at] == pytest.approx(bare[at] - less, abs=1e-4)


def test_kl_in_the_reward_leaves_the_loss_alone_and_kl_in_the_loss_the_advantages(run, group):
    samples = [rollout.sample for rollout in group]
    plain, _ = gradient(run, samples)
    settings = {"beta": 0.3, "kl_in": "loss"}
    before = [list(sample.advantages) for sample in samples]
    grpo_advantages([group], dataclasses.replace(run.config, **settings), run.forward, another(1))
    assert [sample.advantages for sample in samples] == before
    run.model.zero_grad()
    config = dataclasses.replace(run.config, **settings)
    about = GRPOUpdate(samples, run.forward, config, another(1)).gradients(0)
    with_kl = torch.cat([p.grad.flatten() for p in run.model.parameters()])
    assert about["kl"] > 0
    assert not torch.allclose(with_kl, plain, atol=1e-4)


@pytest.mark.parametrize(("algo", "kl_in"), [("grpo", "loss"), ("grpo", "reward"), ("ppo", "loss"), ("ppo", "reward")])
def test_a_heavier_kl_keeps_the_policy_nearer_to_where_it_began(tmp_path, algo, kl_in):
    far = []
    for beta in (1e-6, 1.0):
        out = tmp_path / str(beta)
        run = trainer(out, algo=algo, kl_in=kl_in, beta=beta, steps=12, num_generations=16, save_every=100)
        run.run()
        far.append(sum(row["kl"] for row in metrics(out)[-4:]))
    assert 0 < far[1] < 0.6 * far[0]


@pytest.mark.parametrize(("cap", "factor"), [(0.0, 1.0), (2.0, 1.5), (1.2, 1.2)])
def test_the_importance_cap_weighs_what_the_sampler_found_less_likely_than_the_trainer(run, group, cap, factor):
    samples = [rollout.sample for rollout in group]
    plain, _ = gradient(run, samples)
    shift = float(torch.log(torch.tensor(1.5)))
    for sample in samples:
        sample.logprobs = [lp - shift * on for lp, on in zip(sample.logprobs, sample.loss_mask, strict=True)]
    weighted, about = gradient(run, samples, importance_cap=cap)
    assert torch.allclose(weighted, factor * plain, rtol=1e-3, atol=1e-5)
    assert about["importance/log_ratio"] == pytest.approx(shift, rel=1e-3)
    if cap:
        assert about["importance"] == pytest.approx(1.5, rel=1e-3)
        assert about["importance/capped"] == float(cap < 1.5)


def test_an_equal_sampler_makes_the_importance_cap_no_difference(tmp_path):
    ends = []
    for cap in (0.0, 2.0):
        run = trainer(tmp_path / str(cap), importance_cap=cap, num_iterations=2)
        run.run()
        ends.append(torch.cat([p.detach().flatten() for p in run.model.parameters()]))
        assert metrics(tmp_path / str(cap))[0]["importance/log_ratio"] < 1e-2
    assert torch.allclose(*ends, atol=1e-3)


def test_values_of_the_wrong_kind_are_named(tmp_path):
    for wrong, says in [
        ({"steps": "7"}, "steps must be a whole number, got '7'"),
        ({"steps": True}, "steps must be a whole number"),
        ({"learning_rate": "fast"}, "learning_rate must be a number"),
        ({"mask_truncated": 1}, "mask_truncated must be true or false"),
        ({"env_kwargs": [1]}, "env_kwargs must be a mapping"),
        ({"kl_in": "both"}, "kl_in must be one of loss, reward"),
        ({"importance_cap": 0.5}, "importance_cap must be 0"),
        ({"beta": -1.0}, "beta"),
    ]:
        with pytest.raises(ValueError, match=says):
            config(tmp_path, **wrong)
    assert TrainConfig(epsilon_high=1).epsilon_high == 1


def test_a_yaml_file_may_write_numbers_without_a_point(tmp_path):
    (tmp_path / "run.yaml").write_text("learning_rate: 1e-5\nepsilon_high: 3e-1\nmask_truncated: true\n")
    wanted = TrainConfig(learning_rate=1e-5, epsilon_high=0.3, mask_truncated=True)
    assert parse(["--config", str(tmp_path / "run.yaml")]) == wanted
    assert parse(["--config", str(tmp_path / "run.yaml"), "--no-mask-truncated"]).mask_truncated is False


@pytest.mark.parametrize("name", ["lora_rank", "seed", "warmup_steps"])
def test_a_number_below_zero_is_named(name):
    with pytest.raises(ValueError, match=f"{name} must be a whole number from 0, got -1"):
        TrainConfig(**{name: -1})


def test_ppo_whitens_the_advantages_that_are_in_the_loss(tmp_path):
    run = trainer(tmp_path / "run", algo="ppo", mask_truncated=True)
    (group,) = run.collector.play([(0, "train-1")], 6)
    samples = [rollout.sample for rollout in group]
    for i, sample in enumerate(samples):
        sample.truncated = i % 2 == 0
    rewards = [[9.0 * sample.truncated + i] for i, sample in enumerate(samples)]
    update = PPOUpdate(samples, rewards, run.forward, run.config, run.learner.value_head)
    advantages, weights = update.batch.advantages, update.policy.weights
    counted = advantages[weights > 0]
    assert float(counted.mean()) == pytest.approx(0, abs=1e-5)
    assert float(counted.std()) == pytest.approx(1, abs=1e-3)
    assert not advantages[weights == 0].any()


def test_the_value_head_learns_and_leaves_the_policys_gradient_alone(tmp_path, monkeypatch):
    run = trainer(tmp_path / "run", algo="ppo")
    (group,) = run.collector.play([(0, "train-1")], 4)
    rewards = [[float(i)] for i in range(4)]

    def gradients():
        run.model.zero_grad()
        run.learner.value_head.zero_grad()
        PPOUpdate([r.sample for r in group], rewards, run.forward, run.config, run.learner.value_head).gradients(0)
        policy = [p.grad.clone() for p in run.model.parameters() if p.grad is not None]
        return policy, run.learner.value_head.linear.weight.grad.clone()

    policy, value = gradients()
    monkeypatch.setattr(
        "toolgym.agents.training.update.value_loss", lambda *a, **k: (1000 * value_loss(*a, **k)[0], {})
    )
    same, larger = gradients()
    assert policy
    assert all(torch.equal(one, other) for one, other in zip(policy, same, strict=True))
    assert value.any()
    torch.testing.assert_close(larger, 1000 * value, rtol=1e-4, atol=0)
    before = run.learner.value_head.linear.weight.clone()
    run.run()
    assert not torch.equal(run.learner.value_head.linear.weight, before)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            {"loss_type": "cispo", "epsilon_high": 0.28},
            "for cispo epsilon_high is the largest ratio, at least 1; got 0.28",
        ),
        ({"epsilon": -3.0}, "epsilon must be a number above 0, got -3.0"),
        ({"epsilon_high": float("nan")}, "epsilon_high must be a number above 0, got nan"),
        ({"max_tokens": -5}, "max_tokens must be at least 1, got -5"),
        ({"eval_tasks": -1}, "eval_tasks must be at least 1, got -1"),
        ({"save_every": 0}, "save_every must be at least 1, got 0"),
        ({"eval_every": -1}, "eval_every must be a whole number from 0, got -1"),
        ({"algo": "sft", "beta": 0.1}, "beta is for grpo and ppo, got 0.1 for sft"),
        ({"demonstrations_in": "sampling"}, 'demonstrations_in "sampling" needs demonstrations'),
        ({"algo": "pretrain", "text": "x.txt", "env": "ToolGym-BFCL-v0"}, "env is for sft, grpo and ppo"),
        ({"algo": "pretrain", "text": "x.txt", "mix": [{"env": "ToolGym-BFCL-v0"}]}, "mix is for sft, grpo and ppo"),
    ],
)
def test_settings_that_would_fail_later_are_refused_at_once(wrong, says):
    with pytest.raises(ValueError, match=says):
        TrainConfig(**wrong)
