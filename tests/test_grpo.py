"""GRPO's maths against numbers worked out by hand, and against a slow second implementation."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym.agents.config import LossType
from toolgym.agents.training.advantages import group_advantages
from toolgym.agents.training.losses import (
    LOSSES,
    importance_weights,
    kl_rewards,
    mean_metrics,
    policy_loss,
    token_weights,
)

NAN = float("nan")


def tensor(*rows):
    return torch.tensor(rows, dtype=torch.float64)


# Advantages ------------------------------------------------------------------------------------------------------


def test_advantages_by_hand():
    # group 1: 1, 2, 3, 6: mean 3, deviations -2, -1, 0, 3, squares 4 + 1 + 0 + 9 = 14, std sqrt(14 / 3) = 2.160247
    # group 2: 0, 0, 4, 0: mean 1, deviations -1, -1, 3, -1, squares 12, std sqrt(12 / 3) = 2
    got, about = group_advantages(tensor([1, 2, 3, 6], [0, 0, 4, 0]), eps=0.0)
    wanted = [[-0.925820, -0.462910, 0.0, 1.388730], [-0.5, -0.5, 1.5, -0.5]]
    torch.testing.assert_close(got, torch.tensor(wanted))
    assert about == pytest.approx(
        {"reward": 2.0, "reward_std": 2.0801234, "frac_reward_zero_std": 0, "groups_of_one": 0, "unscored": 0}
    )
    # with the default eps of 1e-4: 3 / 2.000100 = 1.499925
    assert group_advantages(tensor([0, 0, 4, 0]))[0][0, 2].item() == pytest.approx(1.499925, abs=1e-6)


def test_the_scales():
    rewards = tensor([1, 3], [0, 6])
    # deviations -1, 1 and -3, 3; of the batch 1, 3, 0, 6: mean 2.5, squares 2.25 + 0.25 + 6.25 + 12.25 = 21, std
    # sqrt(21 / 3) = 2.645751: -1 / 2.645751 = -0.377964, -3 / 2.645751 = -1.133893
    batch, _ = group_advantages(rewards, scale_rewards="batch", eps=0.0)
    torch.testing.assert_close(batch, torch.tensor([[-0.377964, 0.377964], [-1.133893, 1.133893]]))
    assert group_advantages(rewards, scale_rewards="none")[0].tolist() == [[-1, 1], [-3, 3]]
    with pytest.raises(ValueError, match="group, batch or none"):
        group_advantages(rewards, scale_rewards="std")


def test_an_unscored_episode_takes_no_part():
    rewards = tensor([1, 3, NAN, 5], [7, 100, 9, 8])
    valid = torch.tensor([[True, True, False, True], [True, False, True, True]])
    got, about = group_advantages(rewards, valid, eps=0.0)
    # both groups: deviations -2, 0, 2 (std 2) and -1, 1, 0 (std 1)
    assert got.tolist() == [[-1, 0, 0, 1], [-1, 0, 1, 0]]
    assert about["unscored"] == 2
    assert about["reward"] == 33 / 6


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
def test_a_group_that_says_nothing_has_advantage_0_and_is_counted(scale):
    # one episode left, the same reward (0.1 has no exact mean), none left, and an honest group
    rewards = tensor([5, 1, 1], [0.1, 0.1, 0.1], [1, 2, 3], [0, 0, 3])
    valid = torch.tensor([[True, False, False], [True] * 3, [False] * 3, [True] * 3])
    got, about = group_advantages(rewards, valid, scale_rewards=scale)
    assert not got[:3].any()
    assert got[3].all()
    assert about["frac_reward_zero_std"] == 0.75
    assert about["groups_of_one"] == 1


def test_a_reward_that_is_not_a_number_is_an_error_unless_unscored():
    with pytest.raises(ValueError, match="episode 1 of group 0 is nan"):
        group_advantages(tensor([1, NAN]))
    with pytest.raises(ValueError, match=r"got \(2,\), \(2,\)"):
        group_advantages(torch.zeros(2))


REWARDS = st.integers(2, 6).flatmap(
    lambda g: st.lists(st.lists(st.floats(-3, 4), min_size=g, max_size=g), min_size=1, max_size=4)
)


@settings(max_examples=50, deadline=None)
@given(REWARDS, st.floats(-10, 10), st.data())
def test_advantages_sum_to_0_and_do_not_see_a_shift_or_the_order(rewards, shift, data):
    rewards = tensor(*rewards)
    got, _ = group_advantages(rewards)
    assert got.sum(1).abs().max() < 1e-4 * got.shape[1]
    spread = (rewards.amax(1) - rewards.amin(1))[:, None] > 1e-6
    torch.testing.assert_close(group_advantages(rewards + shift)[0] * spread, got * spread, atol=1e-3, rtol=1e-3)
    order = data.draw(st.permutations(range(rewards.shape[1])))
    torch.testing.assert_close(group_advantages(rewards[:, order])[0], got[:, order])


# Weights ---------------------------------------------------------------------------------------------------------

MASK = torch.tensor([[1, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.bool)


@pytest.mark.parametrize(
    ("loss_type", "first", "second"),
    [
        ("dapo", 1 / 4, 1 / 4),  # 4 tokens in all
        ("cispo", 1 / 4, 1 / 4),
        ("grpo", 1 / 6, 1 / 2),  # 2 samples with tokens: of 3 tokens and of 1
        ("gspo", 1 / 6, 1 / 2),
        ("dr_grpo", 1 / 20, 1 / 20),  # 2 samples of at most 10 tokens
    ],
)
def test_weights_by_hand(loss_type, first, second):
    weights = token_weights(MASK, loss_type=loss_type, max_completion_length=10)
    torch.testing.assert_close(weights, MASK * torch.tensor([[first], [second], [0.0]]))


def test_truncated_samples_can_be_left_out():
    truncated = torch.tensor([False, True, False])
    assert token_weights(MASK, truncated=truncated).tolist() == (MASK.float() / 3).mul(~truncated[:, None]).tolist()
    assert not token_weights(MASK, truncated=torch.ones(3, dtype=torch.bool)).any()


def test_weights_need_a_known_loss_and_dr_grpo_a_length():
    with pytest.raises(ValueError, match="choose dapo, grpo"):
        token_weights(MASK, loss_type="bnpo")
    with pytest.raises(ValueError, match="max_completion_length"):
        token_weights(MASK, loss_type="dr_grpo")


# Losses ----------------------------------------------------------------------------------------------------------


def test_the_clipped_loss_by_hand():
    # ratios 1.5, 0.5, 1.5, 0.5 with advantages 2, 2, -2, -2; epsilon 0.2, epsilon_high 0.28
    #   1.5,  2: min( 3.0,  1.28 * 2 =  2.56) =  2.56      clipped above
    #   0.5,  2: min( 1.0,   0.8 * 2 =  1.60) =  1.0
    #   1.5, -2: min(-3.0, 1.28 * -2 = -2.56) = -3.0
    #   0.5, -2: min(-1.0,  0.8 * -2 = -1.60) = -1.6       clipped below
    # loss = -(2.56 + 1.0 - 3.0 - 1.6) / 4 = 0.26
    ratios = tensor([1.5, 0.5, 1.5, 0.5])
    advantages = tensor([2, 2, -2, -2])
    old = torch.full_like(ratios, -1.0)
    logprobs = (old + ratios.log()).requires_grad_()
    weights = token_weights(torch.ones(1, 4, dtype=torch.bool)).double()
    loss, metrics = policy_loss(logprobs, advantages, weights, old_logprobs=old, epsilon_high=0.28)
    assert loss.item() == pytest.approx(0.26)
    means = mean_metrics([metrics])
    assert means["clip_ratio/low"] == means["clip_ratio/high"] == 0.25
    assert means["ratio"] == pytest.approx(1.0)
    # the gradient of -min(r A, ...) to log r is -r A where it is not clipped, else 0; over 4 tokens
    (gradient,) = torch.autograd.grad(loss, logprobs)
    torch.testing.assert_close(gradient, tensor([0.0, -1.0 / 4, 3.0 / 4, 0.0]))
    # delta 1.4 holds the third token: min(1.4 * -2, 1.28 * -2) = -2.8, without gradient
    loss, _ = policy_loss(logprobs, advantages, weights, old_logprobs=old, epsilon_high=0.28, delta=1.4)
    assert loss.item() == pytest.approx(-(2.56 + 1.0 - 2.8 - 1.6) / 4)
    assert torch.autograd.grad(loss, logprobs)[0][0, 2] == 0


def test_cispo_by_hand():
    # the weight min(r, 2) is a constant: for r = 4 and A = 3, -2 * 3 * log p, gradient -6; r = 0.5, A = -1: 0.5 log p
    old = tensor([math.log(0.125), math.log(0.5)])
    logprobs = tensor([math.log(0.5), math.log(0.25)]).requires_grad_()
    weights = tensor([0.5, 0.5])
    loss, metrics = policy_loss(
        logprobs, tensor([3, -1]), weights, old_logprobs=old, loss_type="cispo", epsilon_high=2.0
    )
    assert loss.item() == pytest.approx((-6 * math.log(0.5) + 0.5 * math.log(0.25)) / 2)
    torch.testing.assert_close(torch.autograd.grad(loss, logprobs)[0], tensor([-3.0, 0.25]))
    assert mean_metrics([metrics])["clip_ratio/high"] == 0.5
    with pytest.raises(ValueError, match="caps the ratio itself"):
        policy_loss(logprobs, tensor([3, -1]), weights, loss_type="cispo", epsilon_high=0.2)


def test_gspo_by_hand():
    # log-ratios 0.1, 0.3 (and one token that does not count): mean 0.2, ratio exp(0.2) = 1.221403 for both tokens
    old = tensor([-1.0, -1.0, -1.0])
    logprobs = tensor([-0.9, -0.7, 5.0]).requires_grad_()
    weights = tensor([0.5, 0.5, 0.0])
    loss, _ = policy_loss(logprobs, tensor([2, 2, 2]), weights, old_logprobs=old, loss_type="gspo", epsilon=0.3)
    assert loss.item() == pytest.approx(-2 * 1.221403, abs=1e-6)
    # d exp(mean) / d each log-prob = ratio / 2: gradient -2 * 1.221403 / 2
    torch.testing.assert_close(
        torch.autograd.grad(loss, logprobs)[0], tensor([-1.221403, -1.221403, 0.0]), atol=1e-6, rtol=0
    )


def test_every_loss_can_be_chosen_on_the_command_line():
    assert set(LOSSES) == set(get_args(LossType))


@pytest.mark.parametrize("loss_type", LOSSES)
def test_the_first_update_has_ratio_1_and_the_policy_gradient(loss_type):
    torch.manual_seed(0)
    logprobs = (-3 * torch.rand(3, 4, dtype=torch.float64)).requires_grad_()
    advantages = torch.randn(3, 4, dtype=torch.float64)
    weights = token_weights(MASK, loss_type=loss_type, max_completion_length=10).double()
    loss, metrics = policy_loss(logprobs, advantages, weights, loss_type=loss_type)
    (gradient,) = torch.autograd.grad(loss, logprobs)
    torch.testing.assert_close(gradient, -advantages * weights)
    assert mean_metrics([metrics])["ratio"] == pytest.approx(1.0)
    if loss_type != "cispo":
        assert loss.item() == pytest.approx(-(advantages * weights).sum().item())


@pytest.mark.parametrize("loss_type", LOSSES)
def test_what_is_not_a_sampled_token_changes_nothing(loss_type):
    torch.manual_seed(0)
    clean = [torch.randn(3, 4, dtype=torch.float64) for _ in range(6)]
    weights = token_weights(MASK, loss_type=loss_type, max_completion_length=10).double()
    results = []
    for filler in (0.0, NAN, 1e30):
        logprobs, old, advantages, ref, importance, entropy = (x.masked_fill(~MASK, filler) for x in clean)
        logprobs.requires_grad_()
        loss, metrics = policy_loss(
            logprobs, advantages, weights, old_logprobs=old, loss_type=loss_type, ref_logprobs=ref, beta=0.1,
            importance=importance, entropy=entropy,
        )  # fmt: skip
        (gradient,) = torch.autograd.grad(loss, logprobs)
        results.append((loss.item(), gradient.tolist(), mean_metrics([metrics])))
    assert results[0] == results[1] == results[2]


def slow_loss(lp, old, ref, advantages, importance, mask, loss_type, eps, high, delta, beta, kl, length):
    """The definitions, one token at a time, in Python floats."""
    per_sample = []
    for i, row in enumerate(mask):
        tokens = [t for t, used in enumerate(row) if used]
        losses = []
        for t in tokens:
            ratio = math.exp(lp[i][t] - old[i][t])
            if loss_type == "gspo":
                ratio = math.prod(math.exp(lp[i][u] - old[i][u]) for u in tokens) ** (1 / len(tokens))
            a = advantages[i][t]
            if loss_type == "cispo":
                value = -min(ratio, high) * a * lp[i][t]
            else:
                held = ratio if delta is None else min(ratio, delta)
                value = -min(held * a, max(1 - eps, min(ratio, 1 + high)) * a)
            d = lp[i][t] - ref[i][t]
            losses.append(value * importance[i][t] + beta * (d * d / 2 if kl == "k2" else math.exp(-d) - 1 + d))
        if losses:
            per_sample.append(losses)
    if loss_type in ("grpo", "gspo"):
        return sum(sum(x) / len(x) for x in per_sample) / len(per_sample)
    if loss_type == "dr_grpo":
        return sum(map(sum, per_sample)) / (len(per_sample) * length)
    return sum(map(sum, per_sample)) / sum(map(len, per_sample))


@pytest.mark.parametrize("loss_type", LOSSES)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), delta=st.sampled_from([None, 1.5]), kl=st.sampled_from(["k2", "k3"]))
def test_agrees_with_the_slow_implementation_however_it_is_split(loss_type, seed, delta, kl):
    torch.manual_seed(seed)
    n, t = 6, 7
    lp, old, ref = (-2 * torch.rand(n, t, dtype=torch.float64) for _ in range(3))
    advantages, importance = torch.randn(n, t, dtype=torch.float64), 2 * torch.rand(n, t, dtype=torch.float64)
    mask = torch.rand(n, t) < 0.6
    mask[0, 0] = True
    delta = None if loss_type == "cispo" else delta
    high = 1.3 if loss_type == "cispo" else 0.28
    weights = token_weights(mask, loss_type=loss_type, max_completion_length=9)
    options = {"loss_type": loss_type, "epsilon_high": high, "delta": delta, "beta": 0.07, "kl_estimator": kl}

    def update(parts):
        logprobs = lp.clone().requires_grad_()
        total, metrics = 0.0, []
        for rows in parts:
            loss, about = policy_loss(
                logprobs[rows], advantages[rows], weights[rows], old_logprobs=old[rows], ref_logprobs=ref[rows],
                importance=importance[rows], **options,
            )  # fmt: skip
            loss.backward()
            total += loss.item()
            metrics.append(about)
        return total, logprobs.grad, mean_metrics(metrics)

    total, gradient, metrics = update([slice(0, n)])
    wanted = slow_loss(
        *(x.tolist() for x in (lp, old, ref, advantages, importance, mask)),
        loss_type, 0.2, high, delta, 0.07, kl, 9,
    )  # fmt: skip
    assert total == pytest.approx(wanted, rel=1e-5)
    in_parts = update([[0], [1, 2, 3], [4, 5]])
    assert in_parts[0] == pytest.approx(total)
    torch.testing.assert_close(in_parts[1], gradient)
    assert in_parts[2] == pytest.approx(metrics)
    assert metrics["tokens"] == mask.sum()


@pytest.mark.parametrize("loss_type", LOSSES)
def test_a_ratio_that_overflows_leaves_loss_and_gradient_finite(loss_type):
    logprobs = tensor([-1, -2000]).requires_grad_()
    weights = tensor([0.5, 0.5])
    loss, _ = policy_loss(logprobs, tensor([-1, 1]), weights, old_logprobs=tensor([-2000, -1]), loss_type=loss_type)
    loss.backward()
    assert loss.isfinite()
    assert logprobs.grad.isfinite().all()


def test_shapes_and_settings_that_do_not_fit_are_refused():
    x = torch.zeros(2, 3)
    with pytest.raises(ValueError, match=r"one shape, got \(2, 3\), \(2, 1\), \(2, 3\)"):
        policy_loss(x, x[:, :1], x)
    with pytest.raises(ValueError, match="needs ref_logprobs"):
        policy_loss(x, x, x, beta=0.1)


# KL and importance -----------------------------------------------------------------------------------------------


def test_which_kl_estimators_have_the_gradient_of_the_kl():
    """A policy of three actions, every expectation exact: E over actions of the gradient of each estimator."""
    theta = tensor([0.3, -0.5, 1.1])[0].requires_grad_()
    ref = tensor([-0.2, 0.4, 0.3])[0].log_softmax(0)
    logprobs = theta.log_softmax(0)
    p = logprobs.detach().exp()
    (exact,) = torch.autograd.grad((logprobs.exp() * (logprobs - ref)).sum(), theta, retain_graph=True)

    def expected(kl):  # of the loss's KL term alone: advantages 0; each action is one sample of one token
        loss, _ = policy_loss(
            logprobs[:, None], torch.zeros(3, 1), p[:, None], ref_logprobs=ref[:, None], beta=1.0, kl_estimator=kl
        )
        return torch.autograd.grad(loss, theta, retain_graph=True)[0]

    torch.testing.assert_close(expected("k2"), exact)
    assert (expected("k3") - exact).norm() > 0.1 * exact.norm()
    mask = torch.ones(3, 1, dtype=torch.bool)
    shaped = kl_rewards(logprobs[:, None], ref[:, None], mask, 1.0)
    loss, _ = policy_loss(logprobs[:, None], shaped, p[:, None])
    torch.testing.assert_close(torch.autograd.grad(loss, theta)[0], exact)


def test_the_kl_in_the_reward_is_each_sampled_tokens_log_ratio():
    # log-ratios 0.5, -0.1, (ignored); and 0.2
    logprobs, ref = tensor([-1, -1, NAN], [-1, 0, 0]), tensor([-1.5, -0.9, 3], [-1.2, 9, 9])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    shaped = kl_rewards(logprobs, ref, mask, beta=2.0)
    torch.testing.assert_close(shaped, tensor([-1.0, 0.2, 0.0], [-0.4, 0.0, 0.0]))


def test_importance_weights_are_capped():
    mask = torch.tensor([[True, True, True, False]])
    # exp(0.5) = 1.648721, exp(1) capped at 2, exp(-1) = 0.367879
    weights, metrics = importance_weights(tensor([-1, -1, -2, NAN]), tensor([-1.5, -2, -1, 0]), mask)
    torch.testing.assert_close(weights, tensor([1.648721, 2.0, 0.367879, 1.0]), atol=1e-6, rtol=0)
    means = mean_metrics([metrics, {"tokens": mask.sum()}])
    assert means["importance/capped"] == pytest.approx(1 / 3)
    assert means["importance/log_ratio"] == pytest.approx(2.5 / 3)
