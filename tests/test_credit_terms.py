"""Credit by term: milestones of answers, and the exact expected gradient of a policy whose answers can be listed."""

from __future__ import annotations

import dataclasses
import math
from time import perf_counter

import gymnasium as gym
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from toolgym import Task, ToolCall, ToolEnv  # noqa: E402
from toolgym.agents.config import TrainConfig  # noqa: E402
from toolgym.agents.tokens import Sample  # noqa: E402
from toolgym.agents.training.collect import Rollout  # noqa: E402
from toolgym.agents.training.credit import grpo_advantages  # noqa: E402
from toolgym.agents.training.milestones import MAX_MILESTONES, milestones  # noqa: E402
from toolgym.dialects import DIALECTS  # noqa: E402
from toolgym.tools import Tool  # noqa: E402
from toolgym.types import Completion, Trajectory, message  # noqa: E402

TERM = TrainConfig(credit="term", scale_rewards="none")
EPISODE, TURN = (dataclasses.replace(TERM, credit=credit) for credit in ("episode", "turn"))


class Two(ToolEnv):
    """Two turns; an answer that calls gets to the second one."""

    def reply(self, completion, records):
        return (message("user", "and?"),)


def make_env(dialect="pythonic"):
    tools = tuple(Tool(name, "", {"type": "object", "properties": {}}, None) for name in "fg")
    wanted = [[ToolCall("f", {"a": 1}), ToolCall("g", {"a": 2})], [ToolCall("f", {"a": 1, "b": 2})]]
    return Two([Task.of("t", "go", tools, wanted)], dialect=dialect, max_turns=2)


@pytest.fixture
def env():
    env = make_env()
    env.reset(options={"task_id": "t"})
    return env


# Milestones ------------------------------------------------------------------------------------------------------


def test_milestones_by_hand(env):
    # S_max is 1 + 2 calls + 2 parameters = 5 points for a correctness from -3 to 3, so a point is worth 1.2; a call too
    # many adds its own. Format 1 as soon as there is a call
    #   [f(         name: half of the names                              -3 + 1.2 * 0.5 + 1 = -1.4
    #   a=10,       the parameter's name, and the wrong value            -1.4 + 1.2         = -0.2
    #   b=2)        a parameter too many: Jaccard 1/2                    -0.2 - 0.6         = -0.8
    #   , g(        the other name                                       -0.8 + 0.6         = -0.2
    #   a=2)        both points of its parameter                         -0.2 + 2.4         = 2.2
    text = "[f(a=10, b=2), g(a=2)]"
    found = milestones(env, text)
    assert [text[:end] for end, _ in found] == ["", "[f(", "[f(a=10,", "[f(a=10, b=2)", "[f(a=10, b=2), g(", text[:-1]]
    assert [worth for _, worth in found] == pytest.approx([-3, -1.4, -0.2, -0.8, -0.2, 2.2])
    assert env.step(text)[1] == pytest.approx(2.2)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("level", ["single", "parallel", "irrelevant"])
def test_gold_earns_something_with_every_part_in_every_dialect(dialect, level):
    env = gym.make("ToolGym-Functions-v0", split="train", dialect=dialect, level=level).unwrapped
    for index in range(3):
        env.reset(options={"task_id": env.tasks[index].id})
        (gold,) = env.gold(env.task)
        found = milestones(env, gold)
        calls = env.task.expected[0]
        parts = len(calls) if dialect == "openai" else sum(1 + len(call.arguments) for call in calls)
        worths = [worth for _, worth in found]
        if calls:
            assert len(found) > parts
            assert worths == sorted(worths)
            assert worths[-1] == env.step(gold)[1]
        else:
            assert len(found) == 1
            needless = env.dialect.render(Completion("", (ToolCall("anything", {"a": 1}),), "Hm."))
            found = milestones(env, needless)
            assert found[1][1] < found[0][1]


WORDS = [
    "[", "f(", "g(", "a=", "b=", "1", "'x'", '"', "'", ",", ")", "]", "{", "}", ":", " ", "\\", "é😀", "don't",
    "<think>", "</think>", "<tool_call>\n", "\n</tool_call>", '{"name": "f", "parameters": {', '"a": 1',
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS), max_size=25).map("".join)


@pytest.mark.parametrize("dialect", ["pythonic", "toolrl", "hermes", "openai"])
@settings(max_examples=30, deadline=None)
@given(TEXTS, st.integers(0, 200))
def test_a_milestone_is_the_same_whatever_follows(dialect, text, cut):
    env = make_env(dialect)
    env.reset(options={"task_id": "t"})
    cut = min(cut, len(text))
    assert milestones(env, text[:cut]) == [mark for mark in milestones(env, text) if mark[0] <= cut]
    assert not env.turns


@pytest.mark.parametrize(
    "unit", ["[", "(", "f(", "a=1,", "f(a=1), ", '{"name": "f", "parameters": {"a": [', "'", "\\'["]
)
def test_hostile_texts_take_a_moment(unit):
    for dialect in ("pythonic", "toolrl"):
        env = make_env(dialect)
        env.reset(options={"task_id": "t"})
        began = perf_counter()
        found = milestones(env, "[f(" + unit * (100_000 // len(unit)))
        assert len(found) <= MAX_MILESTONES + 1
        assert perf_counter() - began < 20


# The gradient ------------------------------------------------------------------------------------------------------

PIECES = {  # how the text so far ends -> the tokens that may follow, first match; a text without one is over
    "(": ["a=1", "a=2"],
    "[g(": ["a=2"],
    "a=1": ["0)", ")", ", b=2)"],
    "a=2": [")"],
    "g(a=2)": ["]"],
    ")(": [],
    ")": ["]", ", g(", "("],
}
VOCABULARY = ["reply", "no", "[f(", "[g(", *sorted({piece for pieces in PIECES.values() for piece in pieces})]


def decode(ids):
    return "".join(VOCABULARY[i] for i in ids)


def follow(said):
    """The tokens that may follow, each with its probability: an unequal one for every text so far."""
    text = "".join(said)
    options = ["[f(", "[g(", "no"]
    if said:
        options = next((PIECES[end] for end in sorted(PIECES, key=len, reverse=True) if text.endswith(end)), [])
        if ", g(" in said:
            options = [option for option in options if option not in (", g(", "(")]
    weights = [math.exp(math.sin(7.0 * i + sum(map(ord, text)))) for i in range(len(options))]
    return [(option, weight / sum(weights)) for option, weight in zip(options, weights, strict=True)]


def answers(said=(), chance=1.0):
    """(tokens, probability) of every answer."""
    options = follow(said)
    if not options:
        yield said, chance
    for option, p in options:
        yield from answers((*said, option), chance * p)


SECOND = [(("[f(", "a=1", ", b=2)", "]"), 0.4), (("[f(", "a=2", ")", "]"), 0.6)]


def episode(answers):
    """One rollout, from the answers of its turns; and whether it wants another answer."""
    env = make_env()
    env.reset(options={"task_id": "t"})
    ids, mask, turns, marks, over = [0], [0], [], [], False
    for said in answers:
        marks.append(milestones(env, "".join(said)))
        *_, terminated, truncated, _ = env.step("".join(said))
        over = terminated or truncated
        turns.append((len(ids), len(ids) + len(said)))
        ids += [*map(VOCABULARY.index, said), 0]
        mask += [1] * len(said) + [0]
    sample = Sample(ids, mask, [0.0] * len(ids), [0.0] * len(ids), 1, turns)
    about = Trajectory("e", "t", (), turns=list(env.turns), reward=sum(turn.reward.total for turn in env.turns))
    return Rollout(about, sample, milestones=marks), over


def copy(sample):
    return msgspec.structs.replace(sample, advantages=list(sample.advantages))


class Listed:
    """All episodes of the policy, their probabilities p, (n,), and rewards; and for each episode and token the gradient
    of its log-probability with respect to the policy's logits, (n, logits, tokens)."""

    def __init__(self):
        found = []
        for first, chance in answers():
            rollout, over = episode([first])
            more = [((), 1.0)] if over else SECOND
            found += [(chance * p, rollout if over else episode([first, said])[0]) for said, p in more]
        self.rollouts = [rollout for _, rollout in found]
        self.p = torch.tensor([chance for chance, _ in found], dtype=torch.float64)
        mass = {}  # text so far -> token -> probability of getting there and taking it
        for chance, rollout in found:
            for before, token in self.choices(rollout):
                options = mass.setdefault(before, {})
                options[token] = options.get(token, 0.0) + chance
        logits = {pair: i for i, pair in enumerate((b, t) for b in mass for t in mass[b])}
        width = max(len(rollout.sample.token_ids) for rollout in self.rollouts)
        self.scores = torch.zeros(len(found), len(logits), width, dtype=torch.float64)
        for n, rollout in enumerate(self.rollouts):
            for before, token in self.choices(rollout):
                for option, share in mass[before].items():
                    slope = float(option == token) - share / sum(mass[before].values())
                    self.scores[n, logits[before, option], len(before)] = slope

    def choices(self, rollout):
        ids = rollout.sample.token_ids
        return [(tuple(ids[:at]), ids[at]) for at, sampled in enumerate(rollout.sample.loss_mask) if sampled]

    def gradient(self):
        rewards = torch.tensor([rollout.reward for rollout in self.rollouts], dtype=torch.float64)
        return torch.einsum("i,i,ipt->p", self.p, rewards, self.scores)

    def estimate(self, config, late=0):
        """Mean and total variance of the gradient estimated from two members, over all pairs of episodes: exact.

        ``late``: move milestones by so many characters.
        """
        n, (_, _, width) = len(self.rollouts), self.scores.shape
        pairs = []
        for one in self.rollouts:
            for other in self.rollouts:
                pair = [Rollout(r.trajectory, copy(r.sample), milestones=r.milestones) for r in (one, other)]
                for rollout in pair:
                    rollout.milestones = [[(max(e + late, 0), w) for e, w in turn] for turn in rollout.milestones]
                pairs.append(pair)
        grpo_advantages(pairs, config, decode=decode)
        rows = [row + [0.0] * (width - len(row)) for row in (one.sample.advantages for one, _ in pairs)]
        advantages = torch.tensor(rows, dtype=torch.float64).view(n, n, width)
        of_first = torch.einsum("ijt,ipt->ijp", advantages, self.scores)
        both, chance = (of_first + of_first.transpose(0, 1)) / 2, self.p[:, None] * self.p
        mean = torch.einsum("ij,ijp->p", chance, both)
        return mean, float((chance[..., None] * (both - mean).square()).sum())


@pytest.fixture(scope="module")
def listed():
    return Listed()


def test_term_is_unbiased_and_has_less_variance_than_episode_and_turn(listed):
    wanted = listed.gradient()
    assert float(listed.p.sum()) == pytest.approx(1)
    assert len({len(rollout.sample.turns) for rollout in listed.rollouts}) == 2
    variances = []
    for config, factor in ((EPISODE, 2.0), (TURN, 1.0), (TERM, 1.0)):  # episode: up to (G - 1) / G, here 1/2
        mean, variance = listed.estimate(config)
        assert float((mean * factor - wanted).norm() / wanted.norm()) < 1e-6
        variances.append(variance * factor**2)
    assert variances[2] < 0.9 * min(variances[:2])


def test_a_milestone_before_its_end_is_written_would_be_biased(listed):
    wanted = listed.gradient()
    mean, _ = listed.estimate(TERM, late=-1)  # the bracket or comma is credited with having ended the part
    assert float((mean - wanted).norm() / wanted.norm()) > 0.01
