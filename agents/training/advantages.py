"""Advantages of the turns and calls of grouped episodes: pure functions, used by ``credit.py``.

Credit by term has its own file, ``term_credit.py``.

G is the group's size, r(i,k) the reward of turn k of episode i, R(i,k) = r(i,k) + r(i,k+1) + ... its return to go.
The tokens of turn k get, by ``config.credit``:

    episode  the episode's reward minus the group's mean (``group_advantages``)
    turn     R(i,k) minus the mean of R(j,k) over the other members j that reached turn k (``turn_advantages``)
    call     the same; the tokens of a call get in addition the call's own part of the reward, minus the mean part of
             the calls that the other members made at turn k
    fork     r(i,k) + V(i,k+1) - b(i,k) (``fork_advantages``). b is the mean return to go of all other playouts from
             the same state before turn k. V(i,k+1) is the mean over all playouts from the state after it, this episode
             included; 0 after the episode's end. Playouts are members with the same tokens so far, and forks: the
             policy plays on from the state to the end, as often as members are missing to ``forks`` comparisons
    term     as turn, and after each part of a call: R(i,k) minus what the calls so far would earn, minus the same
             difference of the other members that got so far (``term_advantages``)

A mode is unbiased if, with ``scale_rewards="none"``, the expected gradient of the reward is the expectation of

    mean over i of  sum over k of  advantage(i,k) * grad log pi(turn k of i)

A baseline keeps it unbiased as long as the token's own choice has no part in it. ``tests/test_credit.py`` compares
every mode with exact gradients.

- turn is unbiased and leaves out rewards from before the turn, which the turn cannot have caused: less variance, as
  long as several members get that far. A turn that no other member reached keeps the baseline of the turn before it:
  the others' return to go from the last turn that one of them reached. Advantage 0 would be biased there: it scales the
  gradient of a turn reached with probability q by 1 - (1 - q)^(G - 1), and so silences turns that are rarely tried.
  The bare return to go would be unbiased, with more variance if rewards lie on one side of 0.
- fork is unbiased too. V, over n + 1 playouts, has the mean of the return to go and about 1 / (n + 1) of its variance.
  In the first turn, whose state all members share, b is their leave-one-out mean. If all forks of a state failed, the
  baseline of the turn before it stays. Forks are not trained on: that would count later turns more often than episodes
  reach them. Forks cost n times the remaining turns, for each state that one episode reached.
- term is unbiased. What the turn's tokens so far would earn is a function of them, so it is a baseline. It has less
  variance than turn as far as calls earn their reward part by part.
- episode is unbiased up to the factor (G - 1) / G, because its mean contains the episode itself.
- call is biased, on purpose. At each turn it adds sum over calls c of E[(s(c) - m) * grad log pi(tokens of c)] to the
  gradient, s being c's part and m the others' mean, over the groups in which another member made a call there (with
  one call per turn: a share 1 - (1 - P(call))^(G - 1) of them). A call's own score counts twice, but only for its
  tokens: more signal on which call was wrong, for a slightly different aim. m is not a free baseline, because the
  tokens decide whether they are part of a call; m keeps mere calling from paying.
- Dividing by a standard deviation is biased, as in GRPO: groups with little spread weigh more. So are the means over
  tokens of dapo and grpo, though not dr_grpo's: long episodes weigh less.
- r(i,k) minus its mean over the members that reached turn k is not offered: it misses a turn's effect on later turns.
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
    """One advantage per episode: (R - mean of the group) / (std + eps).

    Args:
        rewards: (groups, G).
        valid: (groups, G) bool; False for an episode without a valid reward, and for padding of a smaller group.
            Such an entry takes no part in any statistic, and its advantage is 0.
        scale_rewards: the std of the group, of all valid rewards, or none (Dr. GRPO). Unbiased (n - 1), as in TRL.

    Returns:
        (groups, G) advantages, and metrics. A group with fewer than two valid episodes, or with equal rewards, is
        silent: its advantages are 0, and ``frac_reward_zero_std`` is the share of silent groups.

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
    """The advantage of each turn, and the extra advantage of each call's tokens.

    Args:
        rewards: (groups, G, K), one per turn; K is the largest number of turns.
        reached: (groups, G, K) bool: turns that were played. All False for an episode without a valid reward and for
            padding of a smaller group: they take no part in any statistic.
        parts: (groups, G, K, C): the calls' own parts of the rewards (``call_parts``); None to credit turns alone.
        made: (groups, G, K, C) bool: calls that were made.
        scale_rewards: divide both by a standard deviation, pooled over all turns of the group or of the batch, or by
            nothing. It is that of the returns to go around their turn's mean, or that of the calls' parts if that is
            larger: parts may differ in a group of equal rewards. For episodes of one turn it is ``group_advantages``'.

    Returns:
        (groups, G, K) advantages, 0 for turns not reached; (groups, G, K, C) for the calls, 0 if no call was made; and
        the metrics of ``group_advantages``, a group being silent if all its advantages are 0. ``turns_of_one`` counts
        the turns that no other member reached. ``calls_of_one`` counts the calls at turns at which no other member
        made a call: they get no extra advantage.

    Raises ValueError for a reward that is not finite, and for a turn that was reached without the turn before it.
    """
    without = parts is None or made is None
    if parts is None or made is None:
        parts, made = rewards.new_zeros(*rewards.shape, 0), reached.new_zeros(*rewards.shape, 0)
    checked(scale_rewards, rewards, reached, parts, made)
    rewards = rewards.double().masked_fill(~reached, 0.0)
    returns = rewards.flip(2).cumsum(2).flip(2)  # (groups, G, K) returns to go
    made = made & reached[..., None]
    parts = parts.double().masked_fill(~made, 0.0)
    _, metrics = group_advantages(returns[:, :, 0], reached[:, :, 0], scale_rewards="none")
    turns, turn_weights = compared_turns(returns, reached)
    calls, call_weights = _compared_calls(parts, made)
    scale = torch.ones(len(rewards), 1, 1, dtype=torch.float64)
    if scale_rewards == "group":
        scale = _spread(turns, turn_weights, calls, call_weights) + eps
    elif scale_rewards == "batch":
        # the whole batch as one group: (1, groups * G, K)
        whole = [x.flatten(0, 1)[None] for x in (returns, reached, parts, made)]
        scale = _spread(*compared_turns(*whole[:2]), *_compared_calls(*whole[2:])) + eps
    metrics["frac_reward_zero_std"] = silent_share(turns, calls)
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
    """The advantage of each turn, from estimates of the values of the states before and after it.

    Args:
        rewards, reached: as for ``turn_advantages``.
        states: (groups, G, K): the state before each turn. Within a group, equal states have equal numbers.
        forks: (groups, G, K, n): returns to go of the forks from the state before the turn. Any member in that state
            may hold them.
        forked: (groups, G, K, n) bool: False for padding.
        scale_rewards: divide by the root mean square of the advantages of the group or of the batch, or by nothing.
            An advantage over n other playouts counts n / (n + 1). For episodes of one turn it is ``group_advantages``'.

    Returns:
        (groups, G, K) advantages, 0 for turns not reached, and the metrics of ``group_advantages``. ``turns_of_one``
        counts the turns whose state has no other playout.

    Raises ValueError for a reward that is not finite, and for a turn that was reached without the turn before it.
    """
    checked(scale_rewards, rewards, reached, forks, forked)
    if states.shape != rewards.shape:
        raise ValueError(f"states must be {tuple(rewards.shape)}, as rewards, got {tuple(states.shape)}")
    forks = forks.double().masked_fill(~forked, 0.0)
    if not bool(forks.isfinite().all()):
        raise ValueError("the return of a fork is not finite")
    rewards = rewards.double().masked_fill(~reached, 0.0)
    returns = rewards.flip(2).cumsum(2).flip(2)
    _, metrics = group_advantages(returns[:, :, 0], reached[:, :, 0], scale_rewards="none")
    same = (states[:, :, None] == states[:, None]) & reached[:, :, None] & reached[:, None]  # (groups, G, G, K)
    # (groups, G, K) each: returns to go of all playouts from the turn's state, and the number of other playouts
    total = torch.einsum("gijk,gjk->gik", same.double(), returns + forks.sum(3))
    others = torch.einsum("gijk,gjk->gik", same.double(), 1 + forked.double().sum(3)) - 1
    alone = others < 1
    values, baseline = total / (others + 1).clamp(min=1), (total - returns) / others.clamp(min=1)
    unknown = alone.clone()
    # a turn without comparison keeps the baseline of the turn before it
    for k in range(1, rewards.shape[2]):
        baseline[:, :, k] = torch.where(alone[:, :, k], baseline[:, :, k - 1], baseline[:, :, k])
        unknown[:, :, k] &= unknown[:, :, k - 1]
    # value of the state after each turn; 0 after the last
    after = torch.cat([values[:, :, 1:], torch.zeros_like(values[:, :, :1])], 2)
    differences = (rewards + after - baseline).masked_fill(~reached | unknown, 0.0)
    noise = 1e-12 * baseline.abs().clamp(min=1.0)  # equal returns, but for the rounding of their mean
    differences = differences.masked_fill(differences.abs() <= noise, 0.0)
    weights = torch.where(alone, 1.0, others / (others + 1)).masked_fill(~reached | unknown, 0.0)
    scale = torch.ones(len(rewards), 1, 1, dtype=torch.float64)
    if scale_rewards == "group":
        scale = deviation(differences, weights)[:, None, None] + eps
    elif scale_rewards == "batch":
        scale = deviation(differences.flatten(0, 1)[None], weights.flatten(0, 1)[None])[:, None, None] + eps
    metrics["frac_reward_zero_std"] = silent_share(differences)
    metrics["turns_of_one"] = float((reached & alone).sum())
    return (differences / scale).float(), metrics


def shared_states(samples: Sequence[Sample | None]) -> list[list[int]]:
    """By sample and turn, a number for the state before the turn: equal tokens so far, equal number.

    The policy sees nothing else of a state. All samples are of one task; None, an invalid sample, gets no turns.
    """
    numbers: dict[tuple[int, ...], int] = {}
    rows = []
    for sample in samples:
        befores = [] if sample is None else [tuple(sample.token_ids[:start]) for start, _ in sample.turns]
        rows.append([numbers.setdefault(before, len(numbers)) for before in befores])
    return rows


def checked(scale_rewards: str, rewards: Tensor, reached: Tensor, more: Tensor, there: Tensor) -> None:
    """Checks the arguments of the functions above; ``more`` and ``there`` are (groups, G, K, n)."""
    if scale_rewards not in ("group", "batch", "none"):
        raise ValueError(f"scale_rewards must be group, batch or none, got {scale_rewards!r}")
    if not rewards.shape == reached.shape == more.shape[:3] or more.shape != there.shape or rewards.dim() != 3:
        shapes = ", ".join(str(tuple(x.shape)) for x in (rewards, reached, more, there))
        raise ValueError(f"rewards and reached must be (groups, G, K), the others (groups, G, K, n), got {shapes}")
    if bool((reached[:, :, 1:] & ~reached[:, :, :-1]).any()):
        raise ValueError("a turn was reached without the one before it")


def silent_share(*differences: Tensor) -> float:
    """The share of groups whose differences are all 0; each tensor is (groups, ...)."""
    told = torch.stack([each.ne(0).flatten(1).any(1) for each in differences]).any(0)
    return float((~told).double().mean()) if len(told) else 0.0


def compared_turns(returns: Tensor, reached: Tensor) -> tuple[Tensor, Tensor]:
    """Returns to go minus the mean of the other members, and each one's weight in the spread: both (groups, G, K).

    Among n members a weight is (n - 1) / n. So n weights sum to n - 1 degrees of freedom, and a difference times its
    weight is the difference to the mean of all n.
    """
    n = reached.sum(1, keepdim=True)
    others = (n - reached.long()).double()
    total = returns.sum(1, keepdim=True)
    baseline = (total - returns) / others.clamp(min=1)
    # a turn that no other member reached keeps the baseline of the turn before it
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

    Both are 0 if no other member made a call at the turn.
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
    return torch.maximum(deviation(turns, turn_weights), deviation(calls, call_weights))[:, None, None]


def deviation(differences: Tensor, weights: Tensor) -> Tensor:
    """The standard deviation of each group, (groups,)."""
    freedom = weights.flatten(1).sum(1)
    squares = (differences * weights).square().flatten(1).sum(1)
    return torch.where(freedom > 0, squares / freedom.clamp(min=1e-12), 0.0).sqrt()


def padded(values: Any, depth: int) -> tuple[Tensor, Tensor]:
    """Nested lists, ``depth`` deep and of any lengths, as a float64 tensor of ``depth`` dimensions, padded with 0.

    Also returns a bool tensor of the same shape: False for padding. Every dimension has at least size 1.
    """
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
