"""SFT computes the opening that prompts share once; the loss and its gradients stay the same."""

from __future__ import annotations

from itertools import groupby
from types import SimpleNamespace

import gymnasium as gym
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_shared_prefix import llama

from toolgym import Task
from toolgym.agents.config import TrainConfig
from toolgym.agents.tokens import Sample
from toolgym.agents.training.batch import Batch
from toolgym.agents.training.drawing import RandomDraw
from toolgym.agents.training.forward import TrainingForward
from toolgym.agents.training.shared_opening import LEAST, with_shared_openings
from toolgym.agents.training.update import SFTUpdate

pytestmark = pytest.mark.usefixtures("one_thread")


def sample(prompt, answer):
    n = len(prompt) + len(answer)
    return Sample([*prompt, *answer], [0] * len(prompt) + [1] * len(answer), [0.0] * n, [0.0] * n, len(prompt))


def whole(one):
    return one.token_ids, one.loss_mask


def computed(samples):
    """Tokens that the forward computes: the prompt of neighbours once."""
    groups = groupby(samples, lambda one: tuple(one.token_ids[: one.prompt_length]))
    return sum(len(prompt) + sum(len(one.token_ids) - len(prompt) for one in group) for prompt, group in groups)


TOOLS = [list(range(3, 43)), list(range(3, 23)) + list(range(50, 80))]  # two system messages, 20 equal tokens
BLOCKS = [sample([*TOOLS[k % 2], 60 + k, 61], [7, 8, 2][: 1 + k % 3]) for k in range(7)]


def test_prompts_with_the_same_tools_share_them():
    found = with_shared_openings(BLOCKS)
    assert [one.prompt_length for one in found] == [40] * 4 + [50] * 3
    assert [whole(one) for one in found] == [whole(BLOCKS[i]) for i in (0, 2, 4, 6, 1, 3, 5)]
    assert computed(found) < computed(BLOCKS) / 2
    assert [one.prompt_length for one in BLOCKS] == [42, 52] * 3 + [42]  # the samples themselves stay as they are


def test_prompts_that_share_little_stay_as_they_are():
    samples = [sample([1, 2, 3, *range(10 * k, 10 * k + 20)], [5]) for k in range(1, 5)]
    assert with_shared_openings(samples) == samples


token = st.integers(0, 1)
parts = st.lists(st.sampled_from([[0] * LEAST, [1] * LEAST, [0] * (LEAST // 2)]), min_size=1, max_size=3)
prompts = parts.map(lambda drawn: [token for part in drawn for token in part])


@given(st.lists(st.tuples(prompts, st.lists(token, min_size=1, max_size=3)), max_size=12))
def test_every_sample_is_kept_and_no_more_is_computed_than_before(drawn):
    samples = [sample(prompt, answer) for prompt, answer in drawn]
    found = with_shared_openings(samples)
    assert sorted(map(whole, found)) == sorted(map(whole, samples))
    assert computed(found) <= sum(len(one.token_ids) for one in samples)


def test_the_gradient_of_sft_is_that_of_the_plain_batch(monkeypatch):
    def gradient():
        model = llama()
        metrics = SFTUpdate(BLOCKS, TrainingForward(model)).gradients(0)
        return metrics["nll"], torch.cat([p.grad.flatten() for p in model.parameters()])

    seen = []
    of = Batch.of.__func__
    monkeypatch.setattr(Batch, "of", classmethod(lambda cls, samples: seen.append(samples) or of(cls, samples)))
    nll, shared = gradient()
    monkeypatch.setattr("toolgym.agents.training.update.with_shared_openings", list)
    plain_nll, plain = gradient()
    assert [one.prompt_length for one in seen[0]] == [40] * 4 + [50] * 3
    assert nll == pytest.approx(plain_nll, rel=1e-5)
    assert (shared - plain).norm() < 1e-5 * plain.norm()


def test_neighbours_of_functions_v1_offer_the_same_tools():
    env = gym.make("ToolGym-Functions-v1", requests_per_toolset=6).unwrapped
    blocks = [[env.tasks[i] for i in range(6 * k, 6 * k + 6)] for k in range(40)]
    for block in blocks:
        assert len({tuple(tool.name for tool in task.tools) for task in block}) == 1
        assert len({task.messages[0]["content"] for task in block}) == 6
        for task in block:
            env.reset(options={"task_id": task.id})
            *_, info = env.step(env.gold(task)[0])
            assert info["success"], (task.id, info["verdict"])
    assert {len(block[0].tools) for block in blocks} == {2, 3, 4}  # one function is not enough for the level mixed
    single = gym.make("ToolGym-Functions-v1", level="single,irrelevant", requests_per_toolset=8).unwrapped
    assert {len(single.tasks[8 * k].tools) for k in range(40)} == {1, 2, 3, 4}


@pytest.mark.parametrize("wrong", [0, -1, 2.0, "8", True])
def test_a_wrong_number_of_requests_is_refused(wrong):
    with pytest.raises((TypeError, ValueError), match=r"requests_per_toolset must be (a whole number|at least 1)"):
        gym.make("ToolGym-Functions-v1", requests_per_toolset=wrong)


def test_neighbours_are_drawn_together():
    config = TrainConfig(neighbours=4, prompts_per_step=10, seed=3)
    drawn = RandomDraw(SimpleNamespace(tasks=lambda suite: [Task.of(str(i), "x", ()) for i in range(18)]), config, 5)
    numbers = [int(task_id) for _, task_id in drawn.first(400)]
    starts = [n for i, n in enumerate(numbers) if i == 0 or n != numbers[i - 1] + 1 or n % 4 == 0]
    assert all(n % 4 == 0 for n in starts)
    assert set(numbers) == set(range(18))  # the last run is shorter
    with pytest.raises(ValueError, match="neighbours are for draw"):
        TrainConfig(neighbours=4, draw="stratified")
