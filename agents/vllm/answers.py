"""What a vLLM server answers to ``POST /inference/v1/generate``: read strictly, and checked against the request.

The endpoint takes token ids and returns token ids, log-probabilities, and the version of the weights that wrote them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from toolgym.web import Failure

from ..sampler import FinishReason
from ..token_policy import Asked

LOWEST = -9998.0
"""vLLM writes -9999 for a log-probability that is NaN or -inf."""


class _Entry(msgspec.Struct):
    token_id: int
    logprob: float
    top_logprobs: list[_Entry] = []


class _Logprobs(msgspec.Struct):
    content: list[_Entry]


class _Span(msgspec.Struct):
    version: str
    start: int
    end: int


class _Choice(msgspec.Struct):
    token_ids: list[int]
    logprobs: _Logprobs
    finish_reason: str
    weight_versions: list[_Span]


class _Sampled(msgspec.Struct):
    choices: list[_Choice]
    prompt_token_ids: list[int]


class Answer(msgspec.Struct, frozen=True):
    """One sampled answer that fits its request."""

    token_ids: list[int]
    logprobs: list[float]
    finish_reason: FinishReason
    label: str
    """The server's label of the weights that wrote the answer; "" if several versions did."""
    entries: list[_Entry]


def sampled(body: bytes, asked: Asked, end_ids: Collection[int]) -> Answer:
    """The answer in the body of a response.

    Raises Failure, worth a retry, unless it is the answer to this prompt: the prompt's ids, from 1 to ``asked.room``
    tokens, a finite log-probability of each, and an end that fits.
    """
    try:
        found = msgspec.json.decode(body, type=_Sampled)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(f"it cannot be read ({error})") from None
    if tuple(found.prompt_token_ids) != asked.prompt:
        raise _wrong("it is to another prompt")
    if len(found.choices) != 1:
        raise _wrong(f"it has {len(found.choices)} choices, not 1")
    (choice,) = found.choices
    tokens, entries = choice.token_ids, choice.logprobs.content
    if not 0 < len(tokens) <= asked.room:
        raise _wrong(f"it has {len(tokens)} tokens, and 1 to {asked.room} were asked for")
    if [entry.token_id for entry in entries] != tokens:
        raise _wrong("its log-probabilities are not of its tokens")
    logprobs = [entry.logprob for entry in entries]
    _check(logprobs)
    if tokens[-1] in end_ids:
        finish: FinishReason = "end"
    elif choice.finish_reason in ("stop", "length"):
        finish = "stop" if choice.finish_reason == "stop" else "length"
    else:
        raise _wrong(f"it ended by {choice.finish_reason[:50]!r}")
    return Answer(tokens, logprobs, finish, _label(choice.weight_versions, len(tokens)), entries)


def scored(answer: Answer, wanted: Sequence[int]) -> list[float]:
    """The log-probabilities of other tokens in the first one's place (``logprob_token_ids``). Raises Failure."""
    found = {entry.token_id: entry.logprob for entry in answer.entries[0].top_logprobs}
    if not found.keys() >= set(wanted):
        raise _wrong("it lacks log-probabilities that were asked for")
    logprobs = [found[token] for token in wanted]
    _check(logprobs)
    return logprobs


def _check(logprobs: Sequence[float]) -> None:
    if not all(LOWEST < logprob <= 1e-3 for logprob in logprobs):
        raise _wrong("a log-probability is not a finite number below 0")


def _label(spans: list[_Span], tokens: int) -> str:
    """The one version that wrote all tokens, or ""."""
    whole = len(spans) == 1 and (spans[0].start, spans[0].end) == (0, tokens)
    return spans[0].version if whole else ""


def _wrong(why: str) -> Failure:
    return Failure(f"an answer of the server cannot be right: {why}", True)
