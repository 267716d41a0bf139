"""PPO's estimates over episodes with tools in between, and supervised samples."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tokens import CHATML, TEMPLATES, chat, say

from toolgym.agents.tokens import Sample
from toolgym.agents.training.losses import mean_metrics, token_weights
from toolgym.agents.training.ppo import ValueHead, gae, token_rewards, value_loss, whiten
from toolgym.agents.training.sft import gold_sample, sft_loss


def row(*values, dtype=torch.float64):
    return torch.tensor([values], dtype=dtype)


def test_gae_by_hand():
    # sampled tokens 0, 1, 4; tokens 2 and 3 are a tool's. gamma 0.9, lambda 0.5
    # rewards: 1 on token 1, 0.5 on the tool's token 3 (so token 1 earns 1.5), 2 on token 4
    #   t=4  delta = 2 + 0 - 0.6                   =  1.4     A = 1.4
    #   t=1  delta = 1.5 + 0.9 * 0.6 - 0.4         =  1.64    A = 1.64 + 0.45 * 1.4  = 2.27
    #   t=0  delta = 0 + 0.9 * 0.4 - 0.2           =  0.16    A = 0.16 + 0.45 * 2.27 = 1.1815
    mask = torch.tensor([[True, True, False, False, True]])
    values = row(0.2, 0.4, 99.0, float("nan"), 0.6)
    advantages, returns = gae(row(0, 1, 0, 0.5, 2), values, mask, gamma=0.9, lam=0.5)
    torch.testing.assert_close(advantages, row(1.1815, 2.27, 0, 0, 1.4))
    torch.testing.assert_close(returns, row(1.3815, 2.67, 0, 0, 2.0))
    # cut off, with 3 still to come: t=4 delta = 2 + 0.9 * 3 - 0.6 = 4.1
    cut, _ = gae(row(0, 1, 0, 0.5, 2), values, mask, gamma=0.9, lam=0.5, last_values=row(3.0)[0])
    assert cut[0, 4].item() == pytest.approx(4.1)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), gamma=st.floats(0, 1), lam=st.floats(0, 1))
def test_gae_with_tools_in_between_is_gae_without_them(seed, gamma, lam):
    """The definition, sum over l of (gamma lambda)^l delta, on the sampled tokens alone."""
    torch.manual_seed(seed)
    length = 9
    mask = torch.rand(2, length) < 0.5
    mask[:, 0] = True
    rewards, values = torch.randn(2, length, dtype=torch.float64), torch.randn(2, length, dtype=torch.float64)
    advantages, returns = gae(rewards, values, mask, gamma=gamma, lam=lam)
    for i in range(2):
        steps = [t for t in range(length) if mask[i, t]]
        ends = [*steps[1:], length]
        earned = [rewards[i, t:end].sum() for t, end in zip(steps, ends, strict=True)]
        v = [*(values[i, t] for t in steps), 0.0]
        deltas = [earned[k] + gamma * v[k + 1] - v[k] for k in range(len(steps))]
        for k, t in enumerate(steps):
            wanted = sum((gamma * lam) ** j * delta for j, delta in enumerate(deltas[k:]))
            assert advantages[i, t].item() == pytest.approx(float(wanted), abs=1e-9)
            assert returns[i, t].item() == pytest.approx(float(wanted + v[k]), abs=1e-9)
    assert not advantages[~mask].any()


def test_unless_told_otherwise_no_reward_is_lost_on_the_way():
    mask = torch.tensor([[True, False, True, False, True, False]])
    rewards = row(1, 2, 4, 8, 16, 32)
    _, returns = gae(rewards, torch.zeros(1, 6, dtype=torch.float64), mask)
    assert returns.tolist() == [[63, 0, 60, 0, 48, 0]]


def test_a_reward_that_no_token_earned_is_an_error():
    with pytest.raises(ValueError, match="token 0 of sample 0"):
        gae(row(1, 0), row(0, 0), torch.tensor([[False, True]]))


def test_rewards_of_turns_lie_on_their_last_tokens():
    sample = Sample([5, 5, 1, 2, 6, 3], [0, 0, 1, 1, 0, 1], [0.0] * 6, [0.0] * 6, 2, [(2, 4), (5, 6)])
    assert token_rewards([sample], [[0.5, -1.0]], width=5).tolist() == [[0, 0.5, 0, -1, 0]]
    with pytest.raises(ValueError, match="sample 0 has 2 turns and 1 rewards"):
        token_rewards([sample], [[0.5]], width=5)


def test_whitened_advantages():
    mask = torch.tensor([[True, True, False], [True, False, False]])
    advantages = torch.tensor([[1.0, 2.0, 50.0], [3.0, 50.0, 50.0]])
    # 1, 2, 3: mean 2, std 1
    torch.testing.assert_close(whiten(advantages, mask), torch.tensor([[-1.0, 0, 0], [1, 0, 0]]))
    assert not whiten(advantages, torch.zeros_like(mask)).any()


def test_the_value_loss_by_hand():
    # returns 1, 1, 1; values 0.5, 2, (ignored); old values 0, 1.9: held values 0.2 and 2.0 with a range of 0.2
    #   squared errors 0.25 and 1; of the held values 0.64 and 1: the worse are 0.64 (clipped) and 1
    weights = row(0.5, 0.5, 0.0)
    values = row(0.5, 2.0, float("nan")).requires_grad_()
    returns = row(1, 1, 1)
    loss, _ = value_loss(values, returns, weights)
    assert loss.item() == pytest.approx(0.5 * (0.25 + 1) / 2)
    loss, metrics = value_loss(values, returns, weights, old_values=row(0, 1.9, 0), cliprange_value=0.2)
    assert loss.item() == pytest.approx(0.5 * (0.64 + 1) / 2)
    # d/dv of (v - 1)^2 / 2 * 0.5 is 0.5 where the value moves the loss, 0 where it is held; max's tie counts as both
    assert torch.autograd.grad(loss, values)[0].tolist() == [[0.0, 0.5, 0.0]]
    assert mean_metrics([metrics, {"tokens": torch.tensor(2)}])["value_clipped"] == 0.5


def test_a_value_head_learns_the_return_of_a_state():
    torch.manual_seed(0)
    states = torch.randn(64, 3, 8).bfloat16()
    returns = states.float() @ torch.randn(8) + 1.0
    head = ValueHead(8)
    assert not head(states).any()
    assert head(states).shape == (64, 3)
    weights = token_weights(torch.ones(64, 3, dtype=torch.bool))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        loss, _ = value_loss(head(states), returns, weights)
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-3


# SFT -------------------------------------------------------------------------------------------------------------

FEW_SHOT = [say("user", "1+1?"), say("assistant", "2"), say("user", "2+2?")]
TURNS = [[say("assistant", "add 2 2"), say("tool", "4")], [say("assistant", "4."), say("tool", "never read")]]


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_the_loss_is_on_gold_texts_and_the_tokens_that_end_them(template):
    tokens = chat(template)
    sample = gold_sample(tokens, FEW_SHOT, TURNS)
    learnt = [tokens.decode(sample.token_ids[start:end]) for start, end in sample.turns]
    end = tokens.decode([tokens.end_of_turn])
    assert learnt == ["add 2 2" + end, "4." + end]
    assert sum(sample.loss_mask) == sum(end - start for start, end in sample.turns)
    assert "never read" not in tokens.decode(sample.token_ids)


def test_a_gold_sample_has_the_tokens_of_the_rendered_conversation():
    tokens = chat(CHATML)
    whole = tokens.encode(tokens.render([*FEW_SHOT, *TURNS[0], TURNS[1][0]], add_generation_prompt=False))
    separator = tokens.encode("\n")
    assert gold_sample(tokens, FEW_SHOT, TURNS).token_ids + separator == whole


def test_turns_begin_with_the_assistant():
    with pytest.raises(ValueError, match="turn 1 must begin with the assistant"):
        gold_sample(chat(CHATML), FEW_SHOT, [TURNS[0], [say("tool", "4")]])


def test_the_sft_loss_is_cross_entropy_however_it_is_split():
    torch.manual_seed(0)
    logits = torch.randn(4, 6, 10, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(0, 10, (4, 6))
    mask = torch.rand(4, 6) < 0.5
    wanted = torch.nn.functional.cross_entropy(logits[mask], targets[mask])
    weights = token_weights(mask).double()
    total, metrics = 0.0, []
    for rows in ([0], [1, 2, 3]):
        logprobs = logits[rows].log_softmax(-1).gather(2, targets[rows, :, None])[..., 0]
        loss, about = sft_loss(logprobs, weights[rows])
        loss.backward()
        total += loss.item()
        metrics.append(about)
    assert total == pytest.approx(wanted.item(), rel=1e-6)
    assert mean_metrics(metrics)["nll"] == pytest.approx(wanted.item())
    torch.testing.assert_close(logits.grad, torch.autograd.grad(wanted, logits)[0], rtol=1e-5, atol=1e-8)
