"""Finds the openings that different prompts share, so that the training forward computes each of them once.

Tasks with the same tools begin with the same system message. If it counts as their prompt, and the rest of the
conversation as what follows, the layouts of ``shared_prefix.py`` share it like the prompt of a GRPO group.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from ..tokens import Sample

LEAST = 16
"""Tokens of an opening that is worth sharing: every chat template begins with a few equal tokens."""


def with_shared_openings(samples: Sequence[Sample]) -> list[Sample]:
    """The samples, with a shorter prompt if it begins like the prompts of others. Neighbours share an opening.

    The partition into groups has the fewest tokens to compute: L + sum of (length - L) in a group whose prompts share
    their first L tokens. Takes O(n^2) steps for n samples, after comparing n pairs of prompts.
    """
    order = sorted(range(len(samples)), key=lambda i: (samples[i].token_ids, i))
    prompts = [samples[i].token_ids[: samples[i].prompt_length] for i in order]
    # In sorted order, the opening of a group is the shortest of those that its neighbours share
    shared = [_shared(one, other) for one, other in pairwise(prompts)]
    most = [0]  # of the first j samples: tokens saved at most
    last = [0]  # and where the last group begins
    for end in range(1, len(order) + 1):
        best, begin, opening = most[end - 1], end - 1, len(prompts[end - 1])
        for start in range(end - 2, -1, -1):
            opening = min(opening, shared[start])
            if opening < LEAST:
                break
            saved = most[start] + opening * (end - start - 1)
            if saved > best:
                best, begin = saved, start
        most.append(best)
        last.append(begin)
    groups, end = [], len(order)
    while end:
        groups.append((last[end], end))
        end = last[end]
    found = []
    for start, end in sorted(groups, key=lambda group: min(order[group[0] : group[1]])):
        opening = min(shared[start : end - 1], default=len(prompts[start]))
        found += [msgspec.structs.replace(samples[i], prompt_length=opening) for i in sorted(order[start:end])]
    return found


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Number of equal tokens at the beginning of both."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
