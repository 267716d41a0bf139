"""Credit held against exact policy gradients of a small decision tree: what is unbiased, and how biased the rest is.

The tree: at each of three turns the policy thinks one of two things, then stops, or makes one of two calls and goes on
to a node that the call decides. So its choices decide how long an episode is, and what later turns can earn.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from toolgym.agents.training.advantages import fork_advantages, group_advantages, turn_advantages  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

# Exact gradients ------------------------------------------------------------------------------------------------

DEPTH, GROUP, GROUPS, BATCHES, FORKS = 3, 4, 96_000, 60, 2
NODES = 2**DEPTH - 1
STOP = 0


class Tree:
    """theta: a logit for each thought at each node, and for each act (stop, call 1, call 2) after each thought."""

    def __init__(self):
        generator = torch.Generator().manual_seed(7)

        def numbers(*shape):
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        self.thoughts, self.acts = 0.7 * numbers(NODES, 2), 0.7 * numbers(NODES, 2, 3)
        self.acts[:, :, STOP] += 1.2  # so that late turns are rare
        self.rewards = numbers(NODES, 2, 3) + 2.0
        self.parts = numbers(NODES, 2, 3)  # of a call, its own; of stopping, nothing
        self.parts[:, :, STOP] = 0.0

    def theta(self):
        return torch.cat([self.thoughts.flatten(), self.acts.flatten()]).requires_grad_()

    def policy(self, theta):
        thoughts, acts = theta.split([NODES * 2, NODES * 6])
        return thoughts.view(NODES, 2).log_softmax(-1), acts.view(NODES, 2, 3).log_softmax(-1)

    def paths(self, theta):
        """(probability, log pi(the turn's act), turn, node, thought, act) of all that can happen, as tensors."""
        thoughts, acts = self.policy(theta)
        reach = {0: torch.ones((), dtype=torch.float64)}
        for node in range(NODES):
            for thought in range(2):
                for act in range(3):
                    chance = reach[node] * (thoughts[node, thought] + acts[node, thought, act]).exp()
                    if act != STOP and 2 * node + act < NODES:
                        reach[2 * node + act] = reach.get(2 * node + act, 0.0) + chance
                    yield chance, acts[node, thought, act], (node + 1).bit_length() - 1, (node, thought, act)

    def gradient(self):
        """Of the expected reward, exactly."""
        theta = self.theta()
        value = sum(chance * self.rewards[place] for chance, _, _, place in self.paths(theta))
        return torch.autograd.grad(value, theta)[0]

    def call_bias(self):
        """What the docstring of credit.py says that calls' own parts add."""
        theta = self.theta()
        paths = [(chance.detach(), logprob, k, place) for chance, logprob, k, place in self.paths(theta)]
        total = 0.0
        for k in range(DEPTH):
            calls = [(c, lp, self.parts[place]) for c, lp, at, place in paths if at == k and place[2] != STOP]
            often = sum(c for c, _, _ in calls)
            mean = sum(c * part for c, _, part in calls) / often
            compared = 1 - (1 - often) ** (GROUP - 1)
            total = total + compared * sum(c * (part - mean) * lp for c, lp, part in calls)
        return torch.autograd.grad(total, theta)[0]

    def sample(self, seed, node=None):
        """Thought, act, node and whether it is reached, each (*shape, turns); from ``node`` of that shape, or else
        the groups' episodes from the root."""
        generator = torch.Generator().manual_seed(seed)
        thoughts, acts = (x.detach().exp().cumsum(-1) for x in self.policy(self.theta()))
        node = torch.zeros(GROUPS, GROUP, dtype=torch.long) if node is None else node
        reached = torch.ones_like(node, dtype=torch.bool)
        turns = []
        for _ in range(DEPTH):
            u, v = torch.rand(2, *node.shape, generator=generator, dtype=torch.float64)
            thought = (u > thoughts[node, 0]).long()
            cuts = acts[node, thought]
            act = (v > cuts[..., 0]).long() + (v > cuts[..., 1])
            turns.append((thought, act, node, reached))
            reached = reached & (act != STOP) & (2 * node + act < NODES)
            node = torch.where(reached, 2 * node + act, 0)
        return [torch.stack(x, -1) for x in zip(*turns, strict=True)]

    def forks(self, node, reached, states):
        """Returns to go of forks and which there are, (groups, G, turns, n): at each state its first member has as many
        as its members lack others."""
        alike = (states[:, :, None] == states[:, None]) & reached[:, :, None] & reached[:, None]
        first = reached & ~torch.stack([alike[..., k].tril(-1).any(2) for k in range(DEPTH)], 2)
        missing = (FORKS + 1 - alike.sum(2)).clamp(min=0) * first
        forked = torch.arange(FORKS + 1) < missing[..., None]
        thought, act, nodes, there = self.sample(2, node[..., None].expand(forked.shape)[forked])
        returns = torch.zeros(forked.shape, dtype=torch.float64)
        returns[forked] = (self.rewards[nodes, thought, act] * there).sum(-1)
        return returns, forked


@pytest.fixture(scope="module")
def tree():
    return Tree()


@pytest.fixture(scope="module")
def played(tree):
    thought, act, node, reached = tree.sample(1)
    rewards, parts = tree.rewards[node, thought, act] * reached, tree.parts[node, thought, act]
    return thought, act, node, reached, rewards, parts


def estimated(tree, played, advantages, extra=None):
    """Mean of the groups' gradients and its standard error, from batches of groups; ``extra`` on acts alone."""
    thought, act, node, reached, *_ = played
    log_thoughts, log_acts = (x.detach() for x in tree.policy(tree.theta()))
    advantages = advantages.double() * reached
    on_act = advantages if extra is None else advantages + extra.double() * reached
    batch = torch.arange(GROUPS).div(GROUPS // BATCHES, rounding_mode="floor")[:, None, None].expand_as(node)

    def gradient(weight, state, choice, logprobs):
        """Sum of weight * (1[choice] - pi) per batch: (batches, states * choices)."""
        states, choices = logprobs.shape
        chosen = torch.zeros(BATCHES * states * choices, dtype=torch.float64)
        chosen.index_add_(0, ((batch * states + state) * choices + choice).flatten(), weight.flatten())
        total = chosen.view(BATCHES, states, choices)
        return (total - total.sum(-1, keepdim=True) * logprobs.exp()).flatten(1)

    parts = [
        gradient(advantages, node, thought, log_thoughts),
        gradient(on_act, node * 2 + thought, act, log_acts.view(-1, 3)),
    ]
    each = torch.cat(parts, 1) / (GROUPS // BATCHES * GROUP)
    return each.mean(0), each.std(0) / BATCHES**0.5


def agrees(estimate, wanted):
    """Within Monte-Carlo error, and that error is small: 4.5 standard errors in each of 56 directions."""
    mean, error = estimate
    return bool(((mean - wanted).abs() < 4.5 * error + 1e-12).all()) and error.norm() < 0.03 * wanted.norm()


def off_by(estimate, wanted):
    return float((estimate[0] - wanted).norm() / wanted.norm())


def test_episode_is_unbiased_up_to_its_factor(tree, played):
    _, _, _, _, rewards, _ = played
    advantages, _ = group_advantages(rewards.sum(2), scale_rewards="none")
    each = advantages[..., None].expand_as(rewards)
    assert agrees(estimated(tree, played, each * GROUP / (GROUP - 1)), tree.gradient())
    assert agrees(estimated(tree, played, each), tree.gradient() * (GROUP - 1) / GROUP)
    assert not agrees(estimated(tree, played, each), tree.gradient())


def test_turn_is_unbiased_and_has_less_spread_than_episode(tree, played):
    _, _, _, reached, rewards, _ = played
    advantages, extra, about = turn_advantages(rewards, reached, scale_rewards="none")
    turn = estimated(tree, played, advantages)
    assert agrees(turn, tree.gradient())
    assert extra.shape == (GROUPS, GROUP, DEPTH, 0)
    alone = reached & (reached.sum(1, keepdim=True) == 1)
    assert about["turns_of_one"] == alone.sum() > 0.02 * reached.sum()
    totals, _ = group_advantages(rewards.sum(2), scale_rewards="none")
    episode = estimated(tree, played, totals[..., None].expand_as(rewards) * GROUP / (GROUP - 1))
    assert turn[1].norm() < 0.95 * episode[1].norm()


def test_advantage_0_for_a_turn_of_one_would_shrink_it_by_the_factor_stated(tree, played):
    _, _, _, reached, rewards, _ = played
    advantages, _, _ = turn_advantages(rewards, reached, scale_rewards="none")
    alone = reached & (reached.sum(1, keepdim=True) == 1)
    silenced = estimated(tree, played, advantages.masked_fill(alone, 0.0))
    reach = torch.zeros(DEPTH, dtype=torch.float64)
    for chance, _, k, _ in tree.paths(tree.theta()):
        reach[k] += chance.detach()
    kept = 1 - (1 - reach) ** (GROUP - 1)
    turn_of = torch.tensor([(n + 1).bit_length() - 1 for n in range(NODES)])
    factor = torch.cat([kept[turn_of].repeat_interleave(2), kept[turn_of].repeat_interleave(6)])
    assert kept[-1] < 0.6
    assert agrees(silenced, tree.gradient() * factor)
    assert not agrees(silenced, tree.gradient())
    bare = torch.where(alone, rewards.flip(2).cumsum(2).flip(2).float(), advantages)
    bare = estimated(tree, played, bare)
    assert agrees(bare, tree.gradient())
    assert estimated(tree, played, advantages)[1].norm() < 0.97 * bare[1].norm()


def test_call_is_biased_by_what_is_stated(tree, played):
    _, act, _, reached, rewards, parts = played
    made = (act != STOP)[..., None]
    advantages, extra, about = turn_advantages(rewards, reached, parts[..., None], made, scale_rewards="none")
    call = estimated(tree, played, advantages, extra[..., 0])
    bias = tree.call_bias()
    assert agrees(call, tree.gradient() + bias)
    assert bias.norm() > 0.2 * tree.gradient().norm()
    assert not agrees(call, tree.gradient())
    assert about["calls_of_one"] > 0


@pytest.mark.parametrize("state", ["what was said", "node"])
def test_fork_is_unbiased_and_has_the_least_spread(tree, played, state):
    """States told apart by all that was said before, thoughts included, as in training; or by the node alone, which is
    as good here and has more in common."""
    thought, act, node, reached, rewards, _ = played
    turns = (thought * 3 + act) * 6 ** torch.arange(DEPTH)
    states = node if state == "node" else turns.cumsum(2) - turns
    forks, forked = tree.forks(node, reached, states)
    assert 0.2 < forked.sum() / reached.sum() < 0.7
    advantages, about = fork_advantages(rewards, reached, states, forks, forked, scale_rewards="none")
    fork = estimated(tree, played, advantages)
    assert agrees(fork, tree.gradient())
    assert about["turns_of_one"] == 0
    turn = estimated(tree, played, turn_advantages(rewards, reached, scale_rewards="none")[0])
    assert fork[1].norm() < 0.95 * turn[1].norm()


def test_fork_needs_no_group_and_stays_unbiased_where_forks_fail(tree, played):
    _, _, node, reached, rewards, _ = played
    alone = [x.flatten(0, 1)[:, None] for x in (rewards, reached, node)]
    forks, forked = tree.forks(alone[2], alone[1], alone[2])
    assert (forked.sum(3) == FORKS * alone[1]).all()
    advantages, _ = fork_advantages(*alone, forks, forked, scale_rewards="none")
    assert agrees(estimated(tree, played, advantages.view_as(rewards)), tree.gradient())
    forks, forked = tree.forks(node, reached, node)
    forked &= torch.rand(forked.shape, generator=torch.Generator().manual_seed(3)) < 0.3
    advantages, about = fork_advantages(rewards, reached, node, forks, forked, scale_rewards="none")
    assert about["turns_of_one"] > 0.01 * reached.sum()
    assert agrees(estimated(tree, played, advantages), tree.gradient())


def test_scaling_is_biased_in_direction_too(tree, played):
    _, _, _, reached, rewards, _ = played
    exact = tree.gradient()
    mean, error = estimated(tree, played, turn_advantages(rewards, reached)[0])
    along = mean @ exact / exact.square().sum() * exact
    assert ((mean - along).abs() > 4.5 * error).any()
    assert torch.cosine_similarity(mean, exact, dim=0) > 0.9


def test_comparing_the_rewards_of_a_turn_index_alone_is_badly_biased(tree, played):
    _, _, _, reached, rewards, _ = played
    mean = (rewards * reached).sum(1, keepdim=True) / reached.sum(1, keepdim=True).clamp(min=1)
    immediate = (rewards - mean) * reached * GROUP / (GROUP - 1)
    summed = immediate.flip(2).cumsum(2).flip(2)
    for naive in (immediate, summed):
        estimate = estimated(tree, played, naive)
        assert not agrees(estimate, tree.gradient())
        assert off_by(estimate, tree.gradient()) > 0.9
