"""From samples to tensors: padding, micro-batches, and values back in their places."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from toolgym.agents.tokens import Sample  # noqa: E402
from toolgym.agents.training.batch import TOKENS_PER_MICRO_BATCH, Batch  # noqa: E402


def two_samples():
    samples = [
        Sample([7, 8, 1, 2, 3], [0, 0, 1, 0, 1], [0, 0, -1.0, 0, -2.0], [0.0] * 5, 2, [(2, 3), (4, 5)]),
        Sample([7, 4], [0, 1], [0, -3.0], [0.0] * 2, 1, [(1, 2)], True),
    ]
    samples[0].credit([1.0, 2.0])
    samples[1].credit(3)
    return samples


def test_completions_are_padded_and_values_go_back_to_their_places():
    batch = Batch.of(two_samples())
    assert [row.prompt for row in batch.rows] == [(7, 8), (7,)]
    assert [row.inputs for row in batch.rows] == [(1, 2), ()], "nothing follows from the last sampled token"
    assert [row.targets for row in batch.rows] == [(1, 3), (4,)]
    assert batch.mask.tolist() == [[True, False, True], [True, False, False]]
    assert batch.logprobs.tolist() == [[-1, 0, -2], [-3, 0, 0]]
    assert batch.advantages.tolist() == [[1, 0, 2], [3, 0, 0]]
    assert batch.truncated.tolist() == [False, True]
    flat = torch.tensor([0.5, 0.6, 0.7], requires_grad=True)
    placed = batch.place(flat)
    torch.testing.assert_close(placed, torch.tensor([[0.5, 0.0, 0.6], [0.7, 0.0, 0.0]]))
    (placed * torch.tensor([[1.0, 10, 2], [3, 10, 10]])).sum().backward()
    assert flat.grad.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="2 values for 3"):
        batch.place(flat[:2])


def test_a_part_is_as_wide_as_it_needs_and_cuts_tensors_alike():
    batch = Batch.of(two_samples())
    part = batch.take([1])
    assert part.mask.tolist() == [[True]]
    assert part.cut(batch.advantages).tolist() == part.advantages.tolist() == [[3]]
    assert part.rows == batch.rows[1:]
    again = batch.take([1, 0])
    assert again.index == (1, 0)
    assert again.mask.tolist() == batch.mask.flip(0).tolist()
    empty = batch.take([])
    assert len(empty) == len(empty.mask) == 0
    assert not list(empty.micro_batches(torch.device("cpu")))
    assert Batch.of([]).mask.shape == (0, 0)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 900), st.integers(1, 6)), min_size=1, max_size=8))
def test_micro_batches_keep_to_the_budget_and_part_no_group_that_fits(groups):
    """``groups``: which prompt, how long its members are, how many there are."""
    samples = []
    for prompt, size, count in groups:
        tokens = [prompt] * (100 * prompt + size)
        mask = [0] * (100 * prompt) + [1] * size
        samples += [Sample(tokens, mask, [0.0] * len(tokens), [0.0] * len(tokens), 100 * prompt)] * count
    batches = [micro.index for micro in Batch.of(samples).micro_batches(torch.device("cpu"))]
    assert [i for batch in batches for i in batch] == list(range(len(samples)))
    budget = TOKENS_PER_MICRO_BATCH["cpu"]
    where = {i: number for number, batch in enumerate(batches) for i in batch}

    def cost(rows):
        prompts = {tuple(samples[i].token_ids[: samples[i].prompt_length]) for i in rows}
        return sum(map(len, prompts)) + sum(len(samples[i].token_ids) - samples[i].prompt_length for i in rows)

    assert all(cost(batch) <= budget or len(batch) == 1 for batch in batches)
    runs = [list(rows) for _, rows in groupby(range(len(samples)), lambda i: samples[i].prompt_length)]
    assert all(len({where[i] for i in rows}) == 1 for rows in runs if cost(rows) <= budget)
