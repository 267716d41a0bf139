"""A batch of episodes as tensors: made once per update, then cut into micro-batches.

Shapes: N samples, T tokens in the longest completion, n sampled tokens in all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from ..tokens import Sample

TOKENS_PER_MICRO_BATCH = {"cpu": 2048, "cuda": 65536}
"""By type of device; other devices take cuda's."""


@dataclass(frozen=True, slots=True)
class Row:
    """One sample as the model's input, which ends before the last sampled token: nothing follows from that token."""

    prompt: tuple[int, ...]
    inputs: tuple[int, ...]
    """Tokens after the prompt."""
    sampled: tuple[int, ...]
    """Positions of the sampled tokens, counted from the end of the prompt."""
    targets: tuple[int, ...]
    """The sampled tokens."""
    length: int
    """Tokens of the whole completion: sampled, and written by the environment."""

    def __len__(self) -> int:
        return len(self.prompt) + len(self.inputs)

    @classmethod
    def of(cls, sample: Sample) -> Row:
        prompt, completion = sample.token_ids[: sample.prompt_length], sample.token_ids[sample.prompt_length :]
        sampled = tuple(i for i, used in enumerate(sample.loss_mask[sample.prompt_length :]) if used)
        inputs = completion[: sampled[-1]] if sampled else []
        return cls(tuple(prompt), tuple(inputs), sampled, tuple(completion[i] for i in sampled), len(completion))

    def places(self, last: int, first: int) -> list[int]:
        """For each sampled token, the index of the state that predicts it.

        Args:
            last: index of the prompt's last state.
            first: index of the completion's first state.
        """
        return [first + i - 1 if i else last for i in self.sampled]


@dataclass(frozen=True, slots=True)
class Batch:
    """N samples. The tensors hold what follows the prompts: (N, T), right-padded with 0."""

    rows: tuple[Row, ...]
    mask: Tensor
    """bool: tokens that the policy sampled. False for environment tokens and padding."""
    logprobs: Tensor
    """float32: of the sampled tokens, as the sampler computed them."""
    advantages: Tensor
    """float32"""
    truncated: Tensor
    """(N,) bool: episodes that were cut off."""
    off_policy: Tensor
    """(N,) bool: gold answers in guided groups."""
    index: tuple[int, ...]
    """The rows of the batch that this batch was cut from."""
    padding: bool = False
    """A repeated micro-batch, computed only because all ranks must compute equally many. It counts nothing."""

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Batch:
        """The samples as they are now, on the CPU: an advantage set later is not in the batch."""
        width = max((len(sample.token_ids) - sample.prompt_length for sample in samples), default=0)

        def padded(field: str, dtype: torch.dtype) -> Tensor:
            rows = [getattr(sample, field)[sample.prompt_length :] for sample in samples]
            values = [row + [0] * (width - len(row)) for row in rows]  # (N, T)
            return torch.tensor(values, dtype=dtype).reshape(len(rows), width)

        return cls(
            rows=tuple(Row.of(sample) for sample in samples),
            mask=padded("loss_mask", torch.bool),
            logprobs=padded("logprobs", torch.float32),
            advantages=padded("advantages", torch.float32),
            truncated=torch.tensor([sample.truncated for sample in samples], dtype=torch.bool),
            off_policy=torch.tensor([sample.off_policy for sample in samples], dtype=torch.bool),
            index=tuple(range(len(samples))),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: Sequence[int], device: torch.device | str = "cpu") -> Batch:
        """A batch of some of the rows, as wide as the longest of them, on the device."""
        rows = tuple(self.rows[i] for i in index)
        width = max((row.length for row in rows), default=0)  # (N, T) -> (len(index), width)
        chosen = list(index)

        def cut(values: Tensor) -> Tensor:
            return values[chosen, :width].to(device)

        return Batch(
            rows=rows,
            mask=cut(self.mask),
            logprobs=cut(self.logprobs),
            advantages=cut(self.advantages),
            truncated=self.truncated[chosen].to(device),
            off_policy=self.off_policy[chosen].to(device),
            index=tuple(chosen),
        )

    def cut(self, values: Tensor) -> Tensor:
        """This batch's part of a tensor over the batch that it was cut from: (N, T) of that batch -> (N, T) of this."""
        return values[list(self.index), : self.mask.shape[1]].to(self.mask.device)

    def place(self, flat: Tensor) -> Tensor:
        """(n,) values of the sampled tokens, row after row -> (N, T), 0 elsewhere. Differentiable."""
        wanted = sum(len(row.sampled) for row in self.rows)
        if flat.numel() != wanted:
            raise ValueError(f"{flat.numel()} values for {wanted} sampled tokens")
        # True entries of the mask are in the same order: row after row
        return flat.new_zeros(self.mask.shape).masked_scatter(self.mask, flat)

    def micro_batches(self, device: torch.device, rows: Sequence[int] | None = None) -> Iterator[Batch]:
        """The batch, or these rows of it, in parts that fit ``TOKENS_PER_MICRO_BATCH``, in order, on the device."""
        for chosen in self.micro_rows(device, range(len(self)) if rows is None else rows):
            yield self.take(chosen, device)

    def micro_rows(self, device: torch.device, rows: Sequence[int]) -> Iterator[list[int]]:
        """The rows of each micro-batch.

        Neighbours with the same prompt stay together unless they exceed the budget: their prompt is computed once.
        """
        budget = TOKENS_PER_MICRO_BATCH.get(device.type, TOKENS_PER_MICRO_BATCH["cuda"])
        chosen: list[int] = []
        used = 0  # tokens: each prompt once, and every completion
        for prompt, group in groupby(rows, lambda i: self.rows[i].prompt):
            members = list(group)
            # the whole group goes into the next micro-batch if it does not fit into this one
            if chosen and used + len(prompt) + sum(self.rows[i].length for i in members) > budget:
                yield chosen
                chosen, used = [], 0
            used += len(prompt)
            for i in members:
                # a group above the budget is cut; its prompt is computed again in each part
                if chosen and used + self.rows[i].length > budget:
                    yield chosen
                    chosen, used = [], len(prompt)
                chosen.append(i)
                used += self.rows[i].length
        if chosen:
            yield chosen
