"""Credit assignment: which of an episode's sampled tokens answers for what. Pure functions, used by ``update.py``.

r(i,k) is the reward of turn k of episode i, R(i,k) = r(i,k) + r(i,k+1) + ... its return to go, G the group's size.

    episode  every token: the episode's reward minus the group's mean (``group_advantages``)
    turn     the tokens of turn k: R(i,k) minus the mean of R(j,k) over the other members j that reached turn k
    call     the same, and the tokens of a call also: its own part of the reward minus the mean part of the calls
             that the other members made at turn k
    fork     the tokens of turn k: r(i,k) + V(i,k+1) - b(i,k). b is the mean return to go of the others that were played
             from the very state before turn k, V(i,k+1) that of all that were played from the state after it, this
             episode included (0 after its end). Others are members that said the same so far, and forks: playouts
             of the policy from there to the episode's end, as many as are missing to ``forks`` others

What is unbiased. A baseline may be anything that the token's choice has no part in, since the expected gradient of a
log-probability is 0; so it may depend on the other members alone (and on how far this one has come). Then

    mean over i of  sum over k of  advantage(i,k) * grad log pi(turn k of i)

has the gradient of the expected reward as its expectation, where advantages are not scaled (``scale_rewards="none"``).

- turn is unbiased, and leaves out rewards from before the turn, that it cannot have caused: less spread, as long as
  several members get that far. A turn that no other member reached keeps the baseline of the turn before: the others'
  return to go from the last turn that one of them reached. Advantage 0 there would be biased: it shrinks the gradient
  of a turn that a member reaches with probability q by the factor 1 - (1 - q)^(G - 1), and so silences what is rarely
  tried. The bare return to go would be unbiased, but spreads more where rewards lie to one side of 0.
- fork is unbiased, too. What is played from a state goes its way without regard to how many more are, and so has the
  state's value as its mean: b is one of the state before the action, which has no part in it, and V(i,k+1), over n + 1
  playouts, has the mean of the return to go from the state after it with about 1 / (n + 1) of its variance. At the
  first turn, whose state all members share, b is their leave-one-out mean. Where all forks of a state failed, the
  baseline of the turn before stays. Nothing is trained on forks themselves: that would count later turns more often
  than episodes get there. They cost n times the turns that are still to come at each state that was reached by one.
- episode is unbiased up to the factor (G - 1) / G, as its mean contains the episode itself.
- call is biased, on purpose. To the gradient of the reward it adds, at each turn,
  sum over calls c of E[(s(c) - m) * grad log pi(tokens of c)], s being c's part and m the others' mean, over the groups
  in which another member made a call there (of one call a turn: a share 1 - (1 - P(call))^(G - 1) of them). So a call's
  own score counts twice, but only for the tokens that wrote it: more signal on which call was wrong, at the price of
  an aim that is not quite the reward. m is no free baseline here, as it is the tokens that decide whether they are
  part of a call; it is there to keep mere calling from paying.
- Dividing by a standard deviation is biased, as in GRPO: groups, and so tasks, with little spread weigh more. So are
  the means over tokens of dapo and grpo (not dr_grpo), in which what is long weighs less.
- Comparing the rewards of turn k alone, r(i,k) minus its mean over those alive, is not done: it misses what a turn does
  to later ones, such as whether there are any.

``tests/test_credit.py`` holds all of them against exact gradients, and the others that are named here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from ..tokens import Sample

ScaleRewards: TypeAlias = Literal["group", "batch", "none"]


def group_advantages(
    rewards: Tensor, valid: Tensor | None = None, *, scale_rewards: ScaleRewards = "group", eps: float = 1e-4
) -> tuple[Tensor, dict[str, float]]:
    """How much better each episode did than its group: (R - mean of the group) / (std + eps).

    Args:
        rewards: (groups, G).
        valid: (groups, G) bool; False for an episode whose reward was never given, or that a smaller group lacks.
            It takes no part in any statistic, and its advantage is 0.
        scale_rewards: the std of the group, of all valid rewards, or none (Dr. GRPO). Unbiased (n - 1), as in TRL.

    Returns:
        (groups, G) advantages, and metrics. A group in which fewer than two episodes count, or all have the same
        reward, says nothing about what was better: its advantages are 0, and ``frac_reward_zero_std`` counts it.

    Raises ValueError for a valid reward that is not finite.
    """
    if scale_rewards not in ("group", "batch", "none"):
        raise ValueError(f"scale_rewards must be group, batch or none, got {scale_rewards!r}")
    valid = torch.ones_like(rewards, dtype=torch.bool) if valid is None else valid
    if valid.shape != rewards.shape or rewards.dim() != 2:
        raise ValueError(f"rewards and valid must be (groups, G), got {tuple(rewards.shape)}, {tuple(valid.shape)}")
    broken = (valid & ~rewards.isfinite()).nonzero()
    if len(broken):
        group, member = broken[0].tolist()
        raise ValueError(f"the reward of episode {member} of group {group} is {rewards[group, member].item()}")
    rewards = rewards.double().masked_fill(~valid, 0.0)
    n = valid.sum(1, keepdim=True)
    centred = (rewards - rewards.sum(1, keepdim=True) / n.clamp(min=1)).masked_fill(~valid, 0.0)
    std = (centred.square().sum(1, keepdim=True) / (n - 1).clamp(min=1)).sqrt()
    lowest = rewards.masked_fill(~valid, torch.inf).amin(1, keepdim=True)
    highest = rewards.masked_fill(~valid, -torch.inf).amax(1, keepdim=True)
    silent = (n < 2) | (highest <= lowest)
    every = rewards[valid]
    spread = every.std() if len(every) > 1 else every.new_zeros(())
    scale = {"group": std + eps, "batch": spread + eps, "none": torch.ones_like(std)}[scale_rewards]
    advantages = (centred / scale).masked_fill(silent, 0.0)
    metrics = {
        "reward": float(every.mean()) if len(every) else float("nan"),
        "reward_std": float(std[n > 1].mean()) if bool((n > 1).any()) else 0.0,
        "frac_reward_zero_std": float(silent.double().mean()) if len(silent) else 0.0,
        "groups_of_one": float((n == 1).sum()),
        "unscored": float((~valid).sum()),
    }
    return advantages.float(), metrics


def turn_advantages(
    rewards: Tensor,
    reached: Tensor,
    parts: Tensor | None = None,
    made: Tensor | None = None,
    *,
    scale_rewards: ScaleRewards = "group",
    eps: float = 1e-4,
) -> tuple[Tensor, Tensor, dict[str, float]]:
    """Credit of each turn, and what the tokens of each call get on top of it.

    Args:
        rewards: (groups, G, K) of each turn; K is the most turns of an episode.
        reached: (groups, G, K) bool: the turns that were played. None of them in an episode whose reward was never
            given, or that a smaller group lacks: it takes no part in any statistic.
        parts: (groups, G, K, C) of the rewards that are the calls' own (``call_parts``); None to credit turns alone.
        made: (groups, G, K, C) bool: the calls that were made.
        scale_rewards: divide both by the standard deviation of the returns to go around their turn's mean, pooled over
            all turns of the group or of the batch, or by that of the calls' parts where it is larger, so that parts
            that differ where rewards do not stay within bounds; or by nothing. For episodes of one turn it is
            ``group_advantages``'.

    Returns:
        (groups, G, K) advantages, 0 where not reached; (groups, G, K, C) for the calls, 0 where none was made; and the
        metrics of ``group_advantages``, a group being silent where nothing of it is other than 0. Besides,
        ``turns_of_one`` counts the turns that no other member reached, and ``calls_of_one`` the calls at turns where
        no other member made one, which get nothing on top.

    Raises ValueError for a reward that is not finite, and for a turn that was reached without the one before.
    """
    without = parts is None or made is None
    if parts is None or made is None:
        parts, made = rewards.new_zeros(*rewards.shape, 0), reached.new_zeros(*rewards.shape, 0)
    _check(scale_rewards, rewards, reached, parts, made)
    rewards = rewards.double().masked_fill(~reached, 0.0)
    returns = rewards.flip(2).cumsum(2).flip(2)
    made = made & reached[..., None]
    parts = parts.double().masked_fill(~made, 0.0)
    _, metrics = group_advantages(returns[:, :, 0], reached[:, :, 0], scale_rewards="none")
    turns, turn_weights = _compared_turns(returns, reached)
    calls, call_weights = _compared_calls(parts, made)
    scale = torch.ones(len(rewards), 1, 1, dtype=torch.float64)
    if scale_rewards == "group":
        scale = _spread(turns, turn_weights, calls, call_weights) + eps
    elif scale_rewards == "batch":
        whole = [x.flatten(0, 1)[None] for x in (returns, reached, parts, made)]
        scale = _spread(*_compared_turns(*whole[:2]), *_compared_calls(*whole[2:])) + eps
    metrics["frac_reward_zero_std"] = _silent(turns, calls)
    metrics["turns_of_one"] = float((reached.sum(1) == 1).sum())
    if not without:
        metrics["calls_of_one"] = float((made & (call_weights == 0)).sum())
    return (turns / scale).float(), (calls / scale[..., None]).float(), metrics


def fork_advantages(
    rewards: Tensor,
    reached: Tensor,
    states: Tensor,
    forks: Tensor,
    forked: Tensor,
    *,
    scale_rewards: ScaleRewards = "group",
    eps: float = 1e-4,
) -> tuple[Tensor, dict[str, float]]:
    """Credit of each turn by the values of the states around it.

    Args:
        rewards, reached: as for ``turn_advantages``.
        states: (groups, G, K) which state each turn began in: within a group, equal numbers for equal states.
        forks: (groups, G, K, n) of the forks from the state before the turn, their returns to go. Any member in the
            state may have them.
        forked: (groups, G, K, n) bool: the forks that there are.
        scale_rewards: divide by the root mean square of the advantages of the group or of the batch, an advantage to n
            others counting n / (n + 1); or by nothing. For episodes of one turn it is ``group_advantages``'.

    Returns:
        (groups, G, K) advantages, 0 where not reached, and the metrics of ``turn_advantages``: ``turns_of_one`` counts
        the turns whose state nothing else was played from.

    Raises ValueError for a reward that is not finite, and for a turn that was reached without the one before.
    """
    _check(scale_rewards, rewards, reached, forks, forked)
    if states.shape != rewards.shape:
        raise ValueError(f"states must be {tuple(rewards.shape)}, as rewards, got {tuple(states.shape)}")
    forks = forks.double().masked_fill(~forked, 0.0)
    if not bool(forks.isfinite().all()):
        raise ValueError("the return of a fork is not finite")
    rewards = rewards.double().masked_fill(~reached, 0.0)
    returns = rewards.flip(2).cumsum(2).flip(2)
    _, metrics = group_advantages(returns[:, :, 0], reached[:, :, 0], scale_rewards="none")
    same = (states[:, :, None] == states[:, None]) & reached[:, :, None] & reached[:, None]  # (groups, G, G, K)
    total = torch.einsum("gijk,gjk->gik", same.double(), returns + forks.sum(3))
    others = torch.einsum("gijk,gjk->gik", same.double(), 1 + forked.double().sum(3)) - 1
    alone = others < 1
    values, baseline = total / (others + 1).clamp(min=1), (total - returns) / others.clamp(min=1)
    unknown = alone.clone()
    for k in range(1, rewards.shape[2]):
        baseline[:, :, k] = torch.where(alone[:, :, k], baseline[:, :, k - 1], baseline[:, :, k])
        unknown[:, :, k] &= unknown[:, :, k - 1]
    after = torch.cat([values[:, :, 1:], torch.zeros_like(values[:, :, :1])], 2)
    differences = (rewards + after - baseline).masked_fill(~reached | unknown, 0.0)
    noise = 1e-12 * baseline.abs().clamp(min=1.0)  # equal returns, but for the rounding of their mean
    differences = differences.masked_fill(differences.abs() <= noise, 0.0)
    weights = torch.where(alone, 1.0, others / (others + 1)).masked_fill(~reached | unknown, 0.0)
    scale = torch.ones(len(rewards), 1, 1, dtype=torch.float64)
    if scale_rewards == "group":
        scale = _std(differences, weights)[:, None, None] + eps
    elif scale_rewards == "batch":
        scale = _std(differences.flatten(0, 1)[None], weights.flatten(0, 1)[None])[:, None, None] + eps
    metrics["frac_reward_zero_std"] = _silent(differences)
    metrics["turns_of_one"] = float((reached & alone).sum())
    return (differences / scale).float(), metrics


def shared_states(samples: Sequence[Sample | None]) -> list[list[int]]:
    """By sample and turn, a number for the state before the turn, which is the same for those with the same tokens so
    far: a policy sees no more of it. All are of one task; None has no turns."""
    numbers: dict[tuple[int, ...], int] = {}
    rows = []
    for sample in samples:
        befores = [] if sample is None else [tuple(sample.token_ids[:start]) for start, _ in sample.turns]
        rows.append([numbers.setdefault(before, len(numbers)) for before in befores])
    return rows


def _check(scale_rewards: str, rewards: Tensor, reached: Tensor, more: Tensor, there: Tensor) -> None:
    """Arguments of the functions above: ``more`` and ``there`` are (groups, G, K, n)."""
    if scale_rewards not in ("group", "batch", "none"):
        raise ValueError(f"scale_rewards must be group, batch or none, got {scale_rewards!r}")
    if not rewards.shape == reached.shape == more.shape[:3] or more.shape != there.shape or rewards.dim() != 3:
        shapes = ", ".join(str(tuple(x.shape)) for x in (rewards, reached, more, there))
        raise ValueError(f"rewards and reached must be (groups, G, K), the others (groups, G, K, n), got {shapes}")
    if bool((reached[:, :, 1:] & ~reached[:, :, :-1]).any()):
        raise ValueError("a turn was reached without the one before it")


def _silent(*differences: Tensor) -> float:
    """The share of the groups in which nothing is other than 0; each (groups, ...)."""
    told = torch.stack([each.ne(0).flatten(1).any(1) for each in differences]).any(0)
    return float((~told).double().mean()) if len(told) else 0.0


def _compared_turns(returns: Tensor, reached: Tensor) -> tuple[Tensor, Tensor]:
    """Returns to go minus the others' mean, and how much each counts in the spread: both (groups, G, K).

    A weight is (n - 1) / n among n, so that n of them make n - 1 degrees of freedom, and a difference times its weight
    is that to the mean of all n.
    """
    n = reached.sum(1, keepdim=True)
    others = (n - reached.long()).double()
    total = returns.sum(1, keepdim=True)
    baseline = (total - returns) / others.clamp(min=1)
    for k in range(1, returns.shape[2]):
        baseline[:, :, k] = torch.where(others[:, :, k] == 0, baseline[:, :, k - 1], baseline[:, :, k])
    lowest = returns.masked_fill(~reached, torch.inf).amin(1, keepdim=True)
    highest = returns.masked_fill(~reached, -torch.inf).amax(1, keepdim=True)
    equal = (n > 1) & (highest <= lowest)  # which rounding of the mean may hide
    nobody = n[:, :, :1] < 2
    differences = (returns - baseline).masked_fill(~reached | equal | nobody, 0.0)
    weights = torch.where(others == 0, 1.0, others / (others + 1)).masked_fill(~reached | nobody, 0.0)
    return differences, weights


def _compared_calls(parts: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
    """The calls' parts minus the mean of the other members' calls at the turn, and weights as above: (groups, G, K, C).

    Both are 0 where the others made none.
    """
    own, each = parts.sum(3, keepdim=True), made.sum(3, keepdim=True).double()
    others = each.sum(1, keepdim=True) - each
    mean = (own.sum(1, keepdim=True) - own) / others.clamp(min=1)
    without = ~made | (others == 0)
    differences = (parts - mean).masked_fill(without, 0.0)
    noise = 1e-12 * mean.abs().clamp(min=1.0)  # equal parts, but for the rounding of their mean
    differences = differences.masked_fill(differences.abs() <= noise, 0.0)
    return differences, (others / (others + 1)).expand_as(parts).masked_fill(without, 0.0)


def _spread(turns: Tensor, turn_weights: Tensor, calls: Tensor, call_weights: Tensor) -> Tensor:
    """The larger of the standard deviations (unbiased) of returns to go and of calls' parts: (groups, 1, 1)."""
    return torch.maximum(_std(turns, turn_weights), _std(calls, call_weights))[:, None, None]


def _std(differences: Tensor, weights: Tensor) -> Tensor:
    """Of each group, (groups,)."""
    freedom = weights.flatten(1).sum(1)
    squares = (differences * weights).square().flatten(1).sum(1)
    return torch.where(freedom > 0, squares / freedom.clamp(min=1e-12), 0.0).sqrt()


def padded(values: Any, depth: int) -> tuple[Tensor, Tensor]:
    """Lists in lists, ``depth`` deep, of any lengths: a float64 tensor of so many dimensions, padded with 0, and where
    something stands, bool. No dimension is empty."""
    shape, level = [], [values]
    for _ in range(depth):
        shape.append(max([1, *map(len, level)]))
        level = [item for row in level for item in row]
    out, there = torch.zeros(shape, dtype=torch.float64), torch.zeros(shape, dtype=torch.bool)

    def fill(rows: Any, at: tuple[int, ...]) -> None:
        if len(at) + 1 == depth:
            out[at][: len(rows)] = torch.tensor(rows, dtype=torch.float64)
            there[at][: len(rows)] = True
            return
        for i, row in enumerate(rows):
            fill(row, (*at, i))

    fill(values, ())
    return out, there
