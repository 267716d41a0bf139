"""Supervised fine-tuning: samples from gold texts, and their loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..tokens import ChatTokens, Sample
from .losses import Metrics


def gold_sample(
    chat: ChatTokens,
    messages: Sequence[Mapping[str, Any]],
    turns: Sequence[Sequence[Mapping[str, Any]]],
    tools: Sequence[Mapping[str, Any]] = (),
) -> Sample:
    """A conversation to imitate, in the tokens that sampling it would have given.

    The loss is on the assistant's texts of ``turns`` and the token that ends each of them. It is not on the template's
    text after that token, on replies, on assistant messages of the prompt, or on the opening of a thought that stands
    in the prompt: the text goes on after it.

    Args:
        messages: the prompt.
        turns: the rest of the conversation: the assistant's message and the reply to it, turn by turn, e.g.
            ``[turn.messages for turn in trajectory.turns]``. The last turn's reply is left out.
        tools: the schemas offered with the prompt, for a chat that gives them to its template.

    Raises ValueError for a turn that does not begin with the assistant, or a text that no tokens decode to;
    TemplateError if the template refuses the tools.
    """
    transcript = chat.transcript(messages, tools)
    so_far = list(messages)
    for i, turn in enumerate(turns):
        if not turn or turn[0]["role"] != "assistant":
            raise ValueError(f"turn {i} must begin with the assistant's message, got {list(turn)[:1]}")
        so_far.append(turn[0])
        ids = chat.answer(turn[0]["content"], transcript.thought)
        transcript.append_sampled(ids, [0.0] * len(ids))
        if i + 1 < len(turns):
            transcript.append_environment(so_far, turn[1:])
            so_far += turn[1:]
    return transcript.sample()


def sft_loss(logprobs: Tensor, weights: Tensor) -> tuple[Tensor, Metrics]:
    """Cross entropy: the negative log-probabilities, summed with the weights of ``token_weights``; both (N, T).

    With dapo's weights (the default) it is the mean over all tokens of the optimizer batch, however that is split.
    Returns the loss, and sums over tokens for ``mean_metrics``: ``nll``, in nats.
    """
    counts = weights != 0
    losses = -logprobs.masked_fill(~counts, 0.0)
    metrics = {"tokens": counts.sum().double(), "nll": losses.detach().double().sum()}
    return torch.sum(losses * weights), metrics
