"""Credit by hand: turn by turn, token by token, and what says nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from toolgym.agents.tokens import Sample  # noqa: E402
from toolgym.agents.training.advantages import group_advantages, padded, turn_advantages  # noqa: E402
from toolgym.agents.training.credit import call_parts, credit_calls, token_spans  # noqa: E402
from toolgym.types import CallRecord, CallScore, RewardBreakdown, Term, ToolCall, Turn  # noqa: E402

THREE = [[[1.0, 2.0], [4.0], [0.0, 1.0, 5.0]]]
"""Rewards by turn of a group of three episodes."""


def test_turns_by_hand():
    rewards, reached = padded(THREE, 3)
    assert rewards.tolist() == [[[1, 2, 0], [4, 0, 0], [0, 1, 5]]]
    assert reached.tolist() == [[[True, True, False], [True, False, False], [True, True, True]]]
    # returns to go     3 2      others' means   (4 + 6) / 2 = 5   6           advantages  -2    -4
    #                   4                        (3 + 6) / 2 = 4.5                         -0.5
    #                   6 6 5                    (3 + 4) / 2 = 3.5  2  2 kept               2.5   4   3
    advantages, _, about = turn_advantages(rewards, reached, scale_rewards="none")
    assert advantages.tolist() == [[[-2, -4, 0], [-0.5, 0, 0], [2.5, 4, 3]]]
    assert about == pytest.approx(
        {
            "reward": 13 / 3, "reward_std": (14 / 3 / 2) ** 0.5, "frac_reward_zero_std": 0, "groups_of_one": 0,
            "unscored": 0, "turns_of_one": 1,
        }
    )  # fmt: skip
    # around the mean of all that reached the turn: -4/3, -1/3, 5/3 (squares 42/9, 2 degrees of freedom); -2, 2 (8, 1);
    # and the turn of one as it is: 3 (9, 1); together 21.6667 / 4, root 2.327373
    scaled, _, _ = turn_advantages(rewards, reached, eps=0.0)
    torch.testing.assert_close(scaled, advantages / 2.327373)
    torch.testing.assert_close(turn_advantages(rewards, reached, scale_rewards="batch", eps=0.0)[0], scaled)


def written(text, start, length, **score):
    return CallRecord(ToolCall("f", {}, start=start, end=start + length), score=CallScore(**score))


def chars(token_ids):
    return "".join(map(chr, token_ids))


def test_an_episode_token_by_token():
    """Tokens are characters. Two calls in the first turn, one in the second; the others made one call at each."""
    text = "(ab)(c)."
    token_ids = [ord(c) for c in "Q:" + text + "->" + "no(d)"]
    mask = [0, 0] + [1] * 8 + [0, 0] + [1] * 5
    sample = Sample(token_ids, mask, [0.0] * 17, [0.0] * 17, 2, [(2, 10), (12, 17)])
    terms = (Term("format", 1.0, 1.0), Term("name", 1.0, 2.0), Term("value", 3.0, 2.0), Term("minimum", -3.0))
    first = RewardBreakdown(
        6.0, terms, (written(text, 0, 4, name=0.5, value=3.0), written(text, 4, 3, name=0.5)),
    )  # fmt: skip
    second = RewardBreakdown(-1.0, (Term("name", 0.0, 2.0), Term("minimum", -1.0)), (written("no(d)", 2, 3),))
    turns = [Turn(text, (), first), Turn("no(d)", (), second)]
    # the call's own part: name 2 * 0.5 = 1 each, value 2 * 3 = 6 for the first
    assert [call_parts(turn.reward) for turn in turns] == [[7.0, 1.0], [0.0]]
    others = [[[6.0, -1.0], [1.0, 3.0], [2.0]], [[[7.0, 1.0], [0.0]], [[2.0], [3.0]], [[4.0]]]]
    rewards, reached = padded([others[0]], 3)
    parts, made = padded([others[1]], 4)
    advantages, extra, about = turn_advantages(rewards, reached, parts, made, scale_rewards="none")
    # returns to go 5, -1; 4, 3; 2: 5 - (4 + 2) / 2 = 2, and -1 - 3 = -4
    # parts: the others' mean at the first turn is (2 + 4) / 2 = 3: 7 - 3 and 1 - 3; at the second 0 - 3
    assert advantages[0, 0].tolist() == [2, -4]
    assert extra[0, 0].tolist() == [[4, -2], [-3, 0]]
    # the second member's call at the first turn is compared with three calls: 2 - (7 + 1 + 4) / 3
    assert extra[0, 1].tolist() == [[-2, 0], [3, 0]]
    assert about["calls_of_one"] == 0
    sample.credit(advantages[0, 0, :2].tolist())
    for k, turn in enumerate(turns):
        credit_calls(sample, k, turn, extra[0, 0, k, : len(turn.reward.calls)].tolist(), chars)
    assert sample.advantages == [
        0, 0,  # prompt
        6, 6, 6, 6,  # (ab): 2 + 4
        0, 0, 0,  # (c): 2 - 2
        2,  # the full stop: the turn's
        0, 0,  # environment
        -4, -4,  # no
        -7, -7, -7,  # (d): -4 - 3
    ]  # fmt: skip


def test_a_token_of_two_calls_belongs_to_the_first():
    pieces = ["[f(", ")", ",g(", ")]", "\n"]
    sample = Sample([0, 0, 1, 2, 3, 4], [0, 1, 1, 1, 1, 1], [0.0] * 6, [0.0] * 6, 1, [(1, 6)])
    # f() is at 1 to 4 of "[f(),g()]", ",g()" at 4 to 8; the comma's token is g's alone, "[f(" and ")]" are touched
    action = "[f(),g()]\n"
    for second, wanted in ((4, [1, 1, 10, 10, 0]), (3, [1, 1, 10, 10, 0]), (2, [1, 1, 10, 10, 0])):
        sample.credit(0.0)
        calls = (written(action, 1, 3), written(action, second, 8 - second))
        turn = Turn(action, (), RewardBreakdown(0.0, (), calls))
        credit_calls(sample, 0, turn, [1.0, 10.0], lambda ids: "".join(pieces[i] for i in ids))
        assert sample.advantages[1:] == wanted


def test_an_action_that_was_not_sampled_is_refused():
    sample = Sample([1, 97, 98], [0, 1, 1], [0.0] * 3, [0.0] * 3, 1, [(1, 3)])
    turn = Turn("ac", (), RewardBreakdown(0.0, (), (written("ac", 0, 2),)))
    with pytest.raises(ValueError, match="turn 0 is not what was sampled: 'ac'"):
        credit_calls(sample, 0, turn, [1.0], chars)
    with pytest.raises(ValueError, match="characters 0 to 3 are not within a text of 2"):
        token_spans([97, 98], [(0, 3)], chars)
    assert token_spans([97, 98], [(1, 1), (0, 2)], chars) == [(0, 0), (0, 2)]


def test_episodes_without_a_reward_take_no_part():
    rewards, reached = padded([[[1.0, 2.0], [], [4.0], [0.0, 1.0, 5.0]]], 3)
    advantages, _, about = turn_advantages(rewards, reached, scale_rewards="none")
    assert advantages.tolist() == [[[-2, -4, 0], [0, 0, 0], [-0.5, 0, 0], [2.5, 4, 3]]]
    assert about["unscored"] == 1


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
def test_groups_that_say_nothing_are_counted_and_have_advantage_0(scale):
    # one episode alone; none; the same rewards (0.1 has no exact mean); turns that differ though their sums do not
    groups = [[[5.0, 1.0], []], [[], []], [[0.1, 0.1]] * 3, [[1.0, 0.0], [0.0, 1.0]]]
    rewards, reached = padded(groups, 3)
    advantages, _, about = turn_advantages(rewards, reached, scale_rewards=scale)
    assert not advantages[:3].any()
    assert advantages[3].ne(0).tolist() == [[False, True], [False, True], [False, False]]
    assert about["frac_reward_zero_std"] == 0.75
    assert about["groups_of_one"] == 1


def test_calls_that_differ_where_rewards_do_not_are_still_told_apart_and_bounded():
    rewards, reached = padded([[[1.0], [1.0 + 1e-15], [1.0]]], 3)
    parts, made = padded([[[[3.0, 0.0]], [[0.0, 3.0]], [[1.5, 1.5]]]], 4)
    _, extra, about = turn_advantages(rewards, reached, parts, made)
    assert 1 < extra.abs().max() < 2
    assert about["frac_reward_zero_std"] == 0
    same, made = padded([[[[0.1]], [[0.1, 0.1]], [[0.1]]]], 4)
    assert not turn_advantages(rewards, reached, same, made)[1].any()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(-3, 4), min_size=3, max_size=3), min_size=1, max_size=4))
def test_episodes_of_one_turn_are_grpo(rewards):
    totals = torch.tensor(rewards, dtype=torch.float64)
    for scale in ("group", "batch", "none"):
        turn, _, about = turn_advantages(totals[..., None], torch.ones(*totals.shape, 1).bool(), scale_rewards=scale)
        episode, wanted = group_advantages(totals, scale_rewards=scale)
        torch.testing.assert_close(turn[..., 0], episode * 3 / 2, atol=1e-5, rtol=1e-4)
        assert {**about, "turns_of_one": 0.0} == {**wanted, "turns_of_one": 0.0}


def test_what_does_not_fit_is_refused():
    rewards, reached = torch.zeros(1, 2, 2), torch.ones(1, 2, 2, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"must be \(groups, G, K\)"):
        turn_advantages(rewards, reached[:, :, :1])
    with pytest.raises(ValueError, match="group, batch or none"):
        turn_advantages(rewards, reached, scale_rewards="std")
    reached[0, 0, 0] = False
    with pytest.raises(ValueError, match="without the one before"):
        turn_advantages(rewards, reached)
    rewards[0, 1, 1] = float("nan")
    with pytest.raises(ValueError, match="episode 1 of group 0 is nan"):
        turn_advantages(rewards, torch.ones_like(reached))


def test_parts_are_what_the_calls_earn_under_the_papers_reward():
    """Parts, the layout and the base add up to the reward; a call too many has none and lowers the others'."""
    from conftest import calling, shop

    env = shop()
    env.reset(options={"task_id": "milk"})
    *_, info = env.step(calling(("total", {}), ("add", {"item": "milk", "quantity": 3})))
    parts = call_parts(info["reward"])
    rest = sum(term.weight * term.score for term in info["reward"].terms if term.name in ("format", "minimum"))
    assert parts[0] == 0 < parts[1]
    assert sum(parts) + rest == pytest.approx(info["reward"].total)
    assert call_parts(RewardBreakdown(1.0, (Term("brief", 1.0),), info["reward"].calls)) == [0.0, 0.0]
