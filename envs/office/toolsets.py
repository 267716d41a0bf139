"""Which tools a task offers: the tools it needs, among tools that look like them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from toolgym.tasks.stream import Stream

from .apis.office import TOOLS
from .intents import INTENTS, SIMILAR

_ALL = tuple(TOOLS)


def shown(stream: Stream, needed: Sequence[str], total: int, similar: bool, hidden: Collection[str] = ()) -> list[str]:
    """The needed tools and more, in random order: ``total`` in all, or as many as are needed.

    If ``similar``, tools of the same app or verb come first. Tools in ``hidden`` and equivalents of needed tools
    stay out.
    """
    out = list(dict.fromkeys(needed))
    barred = set(hidden)
    for name in out:
        barred.update(INTENTS[name].equivalents)
    if similar:
        pool = [other for name in out for other in SIMILAR[name]]
        for other in stream.shuffled(pool):
            if len(out) >= total:
                break
            if other not in barred and other not in out:
                out.append(other)
    while len(out) < total:
        other = stream.pick(_ALL)
        if other not in barred and other not in out:
            out.append(other)
    return stream.shuffled(out)
