"""The released ToolRL reward, equal to the bit to ``verl/utils/reward_score/rlla.py`` at 8cee13e.

The environment variables of the released code are options here:

    REFINEDREWARD=1        strict=True
    INTERMEDIATEREWARD=1   granularity="intermediate"
    COARSEREWARD=1         granularity="coarse"
    CORRECTMAX1=1          scale="equal"
    MAX1STEP30MAX3=1       scale="two_stage"
    SCHEDULEREWARD=1       scale="dynamic"
    WITHLENGTH=1           length="fixed"
    ... SCHEDULELENGTH=1   length="dynamic"

The quirks of the released code are kept. A tag in the thought fails the format. Only the first block of calls is
read. One bad line in it loses all calls. If no call is expected, calls cost only the format reward. The quadratic
time of its patterns is not kept.
"""

from __future__ import annotations

import json
from typing import Any, Literal, TypeAlias

import msgspec

from toolgym.dialects.toolrl import follows
from toolgym.rewards.matching import Granularity, Match, match_greedy

Scale: TypeAlias = Literal["max", "equal", "two_stage", "dynamic"]
Length: TypeAlias = Literal["off", "fixed", "dynamic"]


class ReferenceScore(msgspec.Struct, frozen=True, gc=False):
    """The result of the released ``compute_score``."""

    total: float
    format: float
    correctness: float
    length: float


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """The maximum and minimum of each part of the reward, at one step of training."""

    format_max: float
    format_min: float
    correct_max: float
    correct_min: float


def bounds(scale: Scale, step: int) -> Bounds:
    """The bounds of the rewards at a step of training, by a schedule.

    ``max``: format 0 to 1, correctness -3 to 3. ``equal``: format 0 to 1, correctness -1 to 1. ``two_stage``: as
    ``equal`` before step 30; then format 0 to 0.5, correctness -3 to 3. ``dynamic``: format from -2..2 at step 0 to
    -1..1, its minimum after 75 steps and its maximum after 150; correctness from -2..2 to -3..3 in 150 steps.
    """
    if scale == "max":
        return Bounds(1.0, 0.0, 3.0, -3.0)
    if scale == "equal":
        return Bounds(1.0, 0.0, 1.0, -1.0)
    # the arithmetic below is written as in the released code, so that the floats are equal
    if scale == "two_stage":
        return Bounds(1.0, 0.0, 3.0 / 3, -3.0 / 3) if step < 30 else Bounds(1.0 / 2, 0.0 / 2, 3.0, -3.0)
    return Bounds(
        max(2 - (2 - 1.0) * step / 150, 1.0),
        min(-2 + (2 + 0.0) * step / 150, -1.0),
        min((3.0 - 2) * step / 150 + 2, 3.0),
        max((-3.0 + 2) * step / 150 - 2, -3.0),
    )


def length_limit(length: Length, step: int) -> float:
    """The number of words of thought that earns the full length score."""
    return (640 - 384) * step / 105 + 384 if length == "dynamic" else 512


def length_score(words: int, limit: float) -> float:
    """The length score, in [0, 1], rounded to 0.01."""
    return min(round(words / limit, 2), 1.0)


def thought_words(text: str) -> int | None:
    """The words of the last thought in the text; None if a ``<think>`` or ``</think>`` tag is missing."""
    if "<think>" not in text or "</think>" not in text:
        return None
    return len(text.rpartition("<think>")[2].partition("</think>")[0].split())


def strip_chat(solution: str, model: Literal["qwen", "llama"]) -> str:
    """The last assistant message in a text with chat tags, as the released code extracts it.

    Raises ValueError for an unknown model.
    """
    tags = {
        "qwen": ("<|im_start|>assistant", "<|im_end|>"),
        "llama": ("<|start_header_id|>assistant<|end_header_id|>", "<|eot_id|>"),
    }
    if model not in tags:
        raise ValueError(f"model must be 'qwen' or 'llama', got {model!r}")
    start, end = tags[model]
    return solution.split(start)[-1].split(end)[0].strip()


def without_thought(gold: str) -> str:
    """A gold text with an empty thought: for golds whose thought mentions ``<tool_call>`` or ``<response>``.

    The released code crashes on them: 17 of ToolRL's 400 SFT golds. The text after the last ``</think>`` is kept.
    """
    before, tag, after = gold.rpartition("</think>")
    return f"<think></think>{after}" if tag else before + after


def laid_out(text: str, *, calls: bool, response: bool) -> bool:
    """Whether the released format reward is the maximum, for a gold text that has calls and/or a response, or neither.

    The text may end in one newline, since the released patterns end in ``$``.
    """
    return follows(text[:-1] if text.endswith("\n") else text, calls=calls, response=response)


def first_block(text: str) -> list[Any]:
    """The JSON value on each line of the first ``<tool_call>`` block. Raises ValueError for no block or bad JSON.

    If ``</tool_call>`` occurs only before the block, the block ends with the text.
    """
    if "<tool_call>" not in text or "</tool_call>" not in text:
        raise ValueError("there is no <tool_call> block")
    return _values(text)


def _values(text: str) -> list[Any]:
    # both tags split the text at their first occurrence, as in the released code; no search is quadratic
    block = text.split("<tool_call>", 2)[1].split("</tool_call>", 1)[0]
    return [json.loads(line) for line in block.strip().split("\n")]


def match_text(gold: list[Any], text: str, granularity: Granularity, strict: bool) -> Match | None:
    """Match the first block of ``text`` with the gold calls; None if the released code gives the minimum."""
    try:
        return match_greedy(gold, first_block(text), granularity, strict)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):  # officially the minimum
        return None


def correctness(match: Match | None, limits: Bounds) -> float:
    """The correctness reward of a match; the minimum for None."""
    low, high = limits.correct_min, limits.correct_max
    if match is None:
        return low
    return high if match.exact else (high - low) * match.points / match.maximum + low


def reference_score(
    completion: str,
    gold: str,
    *,
    step: int = 0,
    granularity: Granularity = "fine",
    strict: bool = False,
    scale: Scale = "max",
    length: Length = "off",
) -> ReferenceScore:
    """The released reward of a completion without chat tags (``strip_chat``), given a gold text.

    The released trainer counts steps from 1. Raises ValueError if the first ``<tool_call>`` block of the gold is not
    lines of JSON: the released code crashes on it. ``without_thought`` repairs golds whose thought mentions the tag.
    """
    limits = bounds(scale, step)
    calls = "<tool_call>" in gold
    formed = laid_out(completion, calls=calls, response="<response>" in gold)
    correct = 0.0  # if no call is expected, correctness is 0 whatever the completion calls
    if calls:
        correct = correctness(match_text(_gold_calls(gold), completion, granularity, strict), limits)
    extra = 0.0
    if length != "off":
        extra = length_score(thought_words(completion) or 0, length_limit(length, step))
    form = limits.format_max if formed else limits.format_min
    return ReferenceScore(form + correct + extra, form, correct, extra)


def _gold_calls(gold: str) -> list[Any]:
    try:
        return _values(gold)
    except ValueError as error:
        raise ValueError(
            f"the first <tool_call> block of the gold {gold[:80]!r} is not one JSON object per line: {error}; "
            "if its thought mentions the tag, pass without_thought(gold)"
        ) from None
