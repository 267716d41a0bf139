"""Typing errors: a neighbour's key, two letters swapped, a letter left out, a letter typed twice (QWERTY)."""

from __future__ import annotations

from toolgym.tasks.stream import Stream
from toolgym.wrappers.perturb.spans import Request

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHARE = 0.35
"""The share of words that are mistyped at strength 1, of those that may be."""
_SHORTEST = 4
"""Letters of a word that is mistyped, at least."""


def _neighbours() -> dict[str, str]:
    found: dict[str, str] = {}
    for y, row in enumerate(_ROWS):
        for x, key in enumerate(row):
            near = [row[i] for i in (x - 1, x + 1) if 0 <= i < len(row)]
            # each row of keys stands half a key further to the right
            near += [_ROWS[y - 1][i] for i in (x, x + 1) if y and i < len(_ROWS[y - 1])]
            near += [_ROWS[y + 1][i] for i in (x - 1, x) if y + 1 < len(_ROWS) and 0 <= i < len(_ROWS[y + 1])]
            found[key] = "".join(near)
    return found


NEIGHBOURS = _neighbours()
"""Key -> the keys around it."""


def mistyped(word: str, s: Stream) -> str:
    """A word of small letters with one error behind its first letter. May be the word itself, if letters are equal."""
    at = s.between(1, len(word) - 2)
    error = s.below(4)
    if error == 0:
        return word[:at] + s.pick(NEIGHBOURS[word[at]]) + word[at + 1 :]
    if error == 1:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if error == 2:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def with_typos(request: Request, strength: float, s: Stream) -> str | None:
    """The text with typing errors, at least one; None if no word of it may change.

    An error never makes another word of the same text.
    """
    text = request.text
    spans = [(start, end) for start, end in request.words() if end - start >= _SHORTEST]
    if not spans:
        return None
    chosen = [span for span in spans if s.chance(_SHARE * strength)] or [s.pick(spans)]
    known = {text[start:end] for start, end in request.words()}
    out, done, changed = [], 0, False
    for start, end in chosen:
        word = text[start:end]
        new = next((new for _ in range(8) if (new := mistyped(word, s)) not in known), word)
        changed = changed or new != word
        out += [text[done:start], new]
        done = end
    return "".join([*out, text[done:]]) if changed else None
