"""Credit assignment: gives the sampled tokens of groups of rollouts their advantages, by ``config.credit``.

The maths on tensors is in ``advantages.py``. With ``credit="call"``, the tokens that wrote a call also get that call's
part of the reward; ``token_spans`` finds these tokens.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, TypeAlias

from torch import Tensor

from toolgym.types import RewardBreakdown, Turn

from ..config import TrainConfig
from ..templates.opened_thought import after_opening, opened_thought
from ..tokens import Sample
from .advantages import fork_advantages, group_advantages, padded, shared_states, turn_advantages
from .batch import Batch
from .collect import Rollout
from .forward import TrainingForward
from .losses import kl_rewards
from .reference import Reference
from .term_credit import term_advantages

Decode: TypeAlias = Callable[[Sequence[int]], str]
"""Token ids to text, as the action was decoded: ``ChatTokens.decode``."""
TurnRewards: TypeAlias = Callable[[Rollout], list[float]]
"""The rewards to credit, one per turn of an episode."""

POINTS = {"name": "name", "param": "param", "value": "value", "call": "value", "exact": "value"}
"""Terms of the rewards in toolgym.rewards -> the points of a call that the term is made of."""


def grpo_advantages(
    groups: Sequence[Sequence[Rollout]],
    config: TrainConfig,
    forward: TrainingForward | None = None,
    reference: Reference | None = None,
    decode: Decode | None = None,
) -> dict[str, float]:
    """Set the advantages of every sample from the comparison with its group; returns metrics of the groups.

    With both policies and ``kl_in="reward"``, the KL between them is taken off the reward of the episode, or of the
    turns whose tokens it is on, and compared within the group too. The KL is never divided by the rewards' spread:
    ``beta`` means the same in every group, also in a group of equal rewards. ``kl`` is the only metric that shows it.

    A gold answer in a guided group is compared as every member is. It has no KL, and ``reward``, ``reward_std`` and
    ``unscored`` are those of the sampled members.

    Args:
        forward: the policy that is trained.
        reference: the policy that the KL is taken to.
        decode: needed for ``credit="call"`` and ``"term"``.
    """
    metrics = _credit(groups, config, _earned, decode)
    sampled = [[rollout for rollout in group if not rollout.sample.off_policy] for group in groups]
    if sum(map(len, sampled)) < sum(map(len, groups)):
        metrics |= _reward_metrics(sampled)
    groups = sampled  # the KL is one between policies: it takes a policy's own samples
    valid = [rollout.sample for group in groups for rollout in group if rollout.valid]
    if forward is None or reference is None or config.kl_in != "reward" or not valid:
        return metrics
    # forks too: their returns are what turns are compared with
    samples = valid + [fork.sample for group in groups for fork in _forks(group)]
    batch = Batch.of(samples)
    now, then = (policy.score(batch, config.temperature) for policy in (forward, reference))  # (N, T) each
    rewards = kl_rewards(now, then, batch.mask, config.beta)  # (N, T)
    by_sample = {id(sample): row for sample, row in zip(samples, rewards, strict=True)}

    def of_kl(rollout: Rollout) -> list[float]:
        sample, row = rollout.sample, by_sample.get(id(rollout.sample))
        if row is None:  # not valid, so not scored
            return [0.0] * len(rollout.trajectory.turns)
        start = sample.prompt_length
        return [float(row[first - start : end - start].sum()) for first, end in sample.turns]

    # a second pass credits the KL alone and unscaled; its advantages are added to those of the rewards
    plain = [list(sample.advantages) for sample in valid]
    by_turn = "turn" if config.credit in ("call", "term") else config.credit
    _credit(groups, replace(config, scale_rewards="none", credit=by_turn), of_kl)
    for sample, before in zip(valid, plain, strict=True):
        sample.advantages = [a + b for a, b in zip(before, sample.advantages, strict=True)]
    gap = (now - then)[: len(valid)][batch.mask[: len(valid)]].double()  # (n,) of the episodes, without forks
    return {**metrics, "kl": float(((-gap).expm1() + gap).mean())}


def _earned(rollout: Rollout) -> list[float]:
    return [turn.reward.total for turn in rollout.trajectory.turns]


def _credit(
    groups: Sequence[Sequence[Rollout]], config: TrainConfig, rewards_of: TurnRewards, decode: Decode | None = None
) -> dict[str, float]:
    """As ``grpo_advantages``, for the rewards that ``rewards_of`` gives."""
    if config.credit != "episode":
        return _credit_turns(groups, config, rewards_of, decode)
    rewards, valid = _episodes(groups, rewards_of)
    advantages, metrics = group_advantages(rewards, valid, scale_rewards=config.scale_rewards)  # (groups, G)
    for group, row in zip(groups, advantages.tolist(), strict=True):
        for rollout, advantage in zip(group, row, strict=False):  # a guided group has one member more
            rollout.sample.credit(advantage)
    return metrics


def _episodes(groups: Sequence[Sequence[Rollout]], rewards_of: TurnRewards) -> tuple[Tensor, Tensor]:
    """Each episode's reward, and whether it is valid: (groups, G) both, padded for smaller groups."""
    rewards, _ = padded([[sum(rewards_of(rollout)) for rollout in group] for group in groups], 2)
    valid, _ = padded([[float(rollout.valid) for rollout in group] for group in groups], 2)
    return rewards, valid.bool()


def _reward_metrics(groups: Sequence[Sequence[Rollout]]) -> dict[str, float]:
    _, metrics = group_advantages(*_episodes(groups, _earned), scale_rewards="none")
    return {name: metrics[name] for name in ("reward", "reward_std", "unscored")}


def _credit_turns(
    groups: Sequence[Sequence[Rollout]], config: TrainConfig, rewards_of: TurnRewards, decode: Decode | None
) -> dict[str, float]:
    """As ``_credit``, for credit by turn, call or fork."""

    def parts_of(rollout: Rollout) -> list[list[float]]:
        return [call_parts(turn.reward) for turn in rollout.trajectory.turns]

    def forks_of(rollout: Rollout) -> list[list[float]]:
        return [[sum(rewards_of(fork)) for fork in forks if fork.valid] for forks in rollout.forks]

    def valid(of: Callable[[Rollout], list[Any]]) -> list[list[list[Any]]]:
        # no turns for an invalid rollout: it takes no part in any statistic
        return [[of(rollout) if rollout.valid else [] for rollout in group] for group in groups]

    by_call = config.credit == "call"
    rewards, reached = padded(valid(rewards_of), 3)  # (groups, G, K)
    if config.credit == "fork":
        states, _ = padded([shared_states([r.sample if r.valid else None for r in group]) for group in groups], 3)
        forks, forked = padded(valid(forks_of), 4)  # (groups, G, K, forks of the turn)
        advantages, metrics = fork_advantages(
            rewards, reached, states, forks, forked, scale_rewards=config.scale_rewards
        )
        extra = advantages.new_zeros(*advantages.shape, 0)
        sampled = [sum(fork.sample.loss_mask) for group in groups for fork in _forks(group)]
        metrics |= {"forks": float(len(sampled)), "fork_tokens": float(sum(sampled))}
    elif config.credit == "term":
        earned, passed = padded(valid(lambda r: [[worth for _, worth in turn] for turn in r.milestones]), 4)
        by_milestone, metrics = term_advantages(rewards, reached, earned, passed, scale_rewards=config.scale_rewards)
        advantages, extra = by_milestone[..., 0], by_milestone[..., 1:]  # (groups, G, K, S - 1)
    else:
        parts, made = padded(valid(parts_of), 4) if by_call else (None, None)  # (groups, G, K, calls of the turn)
        advantages, extra, metrics = turn_advantages(rewards, reached, parts, made, scale_rewards=config.scale_rewards)
    for group, rows, extras in zip(groups, advantages.tolist(), extra.tolist(), strict=True):
        for rollout, row, more in zip(group, rows, extras, strict=False):
            turns = rollout.trajectory.turns if rollout.valid else []
            rollout.sample.credit(row[: len(turns)] if turns else 0.0)
            for k, turn in enumerate(turns if config.credit in ("call", "term") else ()):
                if decode is None:
                    raise ValueError(f"credit {config.credit!r} needs decode, to find the tokens of the calls")
                if by_call:
                    credit_calls(rollout.sample, k, turn, more[k][: len(turn.reward.calls)], decode)
                else:
                    ends = [end for end, _ in rollout.milestones[k][1:]]
                    credit_milestones(rollout.sample, k, turn, ends, more[k], decode)
    return metrics


def _forks(group: Sequence[Rollout]) -> list[Rollout]:
    """All forks of the group, valid or not."""
    return [fork for rollout in group for forks in rollout.forks for fork in forks]


# Calls ---------------------------------------------------------------------------------------------------------------


def call_parts(reward: RewardBreakdown) -> list[float]:
    """Each call's own part of an action's reward, in units of the reward; one number per call.

    A term that is made of the calls' points (name, param or value; call or exact in ToolRL's coarser rewards) is
    divided among the calls in proportion to their points. All other terms, e.g. the layout's, belong to no call: a
    rubric with other terms alone gives parts of 0.
    """
    scores = [record.score for record in reward.calls]
    parts = [0.0] * len(scores)
    for term in reward.terms:
        if term.name not in POINTS:
            continue
        points = [float(getattr(score, POINTS[term.name])) for score in scores]
        total = sum(points)
        if total > 0:
            parts = [part + term.weight * term.score * mine / total for part, mine in zip(parts, points, strict=True)]
    return parts


def credit_calls(sample: Sample, k: int, turn: Turn, extra: Sequence[float], decode: Decode) -> None:
    """Add ``extra``, one number per call of turn ``k``, to the advantages of the tokens that wrote the call.

    A token with characters of two calls belongs to the first call.

    Raises ValueError if the turn's action is not the text of its tokens, or if a call lies outside the action.
    """
    calls = [(record.call.start, record.call.end) for record in turn.reward.calls]
    if not any(extra) and len(extra) == len(calls):
        return
    ids, shift = _written(sample, k, turn, decode)
    start = sample.turns[k][0]
    calls = [(max(first + shift, 0), max(last + shift, 0)) for first, last in calls]
    free = set(range(len(ids)))
    for (first, last), value in zip(token_spans(ids, calls, decode), extra, strict=True):
        for i in free.intersection(range(first, last)):
            sample.advantages[start + i] += value
        free.difference_update(range(first, last))


def credit_milestones(
    sample: Sample, k: int, turn: Turn, ends: Sequence[int], advantages: Sequence[float], decode: Decode
) -> None:
    """Give the tokens of turn ``k`` after each milestone its advantage.

    A token that holds the milestone's last character comes before it: it was chosen before the part was over.

    Args:
        ends: in order, one past the last character of each milestone in the action's text.
        advantages: as many, or more for padding.

    Raises ValueError if the turn's action is not the text of its tokens.
    """
    ids, shift = _written(sample, k, turn, decode)
    start, end = sample.turns[k]
    spans = [(0, max(at + shift, 0)) for at in ends]
    for (_, first), value in zip(token_spans(ids, spans, decode), advantages, strict=False):
        sample.advantages[start + first : end] = [float(value)] * (end - start - first)


def _written(sample: Sample, k: int, turn: Turn, decode: Decode) -> tuple[list[int], int]:
    """The tokens of turn ``k``, and how many characters later than in the action everything stands in their text.

    The opening of a thought may stand in the prompt: a sampled action has it and its tokens do not, and the tokens of a
    gold action without a thought first close it. Raises ValueError if the action is not the text of its tokens.
    """
    start, end = sample.turns[k]
    ids = sample.token_ids[start:end]
    written = after_opening(turn.action, opened_thought(sample.token_ids[:start], decode))
    if not decode(ids).startswith(written):
        raise ValueError(f"the action of turn {k} is not what was sampled: {turn.action[:80]!r}")
    return ids, len(written) - len(turn.action)


def token_spans(token_ids: Sequence[int], spans: Sequence[tuple[int, int]], decode: Decode) -> list[tuple[int, int]]:
    """For each span of characters (start, end) of the decoded text, its tokens: the first, and one past the last.

    Nothing is encoded: the start of a token is found from the text of the tokens before it. A token with some bytes
    of a character holds that character, and so does every other token with bytes of it. Each span takes a number of
    decodings that grows with the logarithm of the number of tokens.

    An empty span has no tokens. Raises ValueError for a span outside the text.
    """
    n = len(token_ids)
    upto = cache(lambda i: decode(token_ids[:i]))
    text = upto(n)

    def beginning(at: int) -> int:
        """The token in which the character begins; ``n`` at the end of the text."""
        before = text[:at]
        return bisect_left(range(n), True, key=lambda i: len(upto(i + 1)) > at and upto(i + 1).startswith(before))

    def ending(at: int) -> int:
        """One past the last token that holds something before the character."""
        i = beginning(at)
        if i == n:
            return n
        # its first bytes may complete (or break off) a character that earlier tokens began: by itself it is longer then
        completes = len(upto(i + 1)) < len(upto(i)) + len(decode(token_ids[i : i + 1]))
        return i + 1 if completes or len(upto(i)) < at else i

    found = []
    for start, end in spans:
        if not 0 <= start <= end <= len(text):
            raise ValueError(f"characters {start} to {end} are not within a text of {len(text)}")
        found.append((beginning(start), ending(end)) if start < end else (0, 0))
    return found
