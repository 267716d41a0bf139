"""Whether an answer is right: two measures of ours. Neither is the number that ToolRL reports, which GPT-4o judged.

``exact``: answer and expected answer are equal once normalised. ``contains``: the normalised expected answer occurs in
the normalised answer, as whole words, and the answer has at most 60 words, so that reading out all that was found
does not count as knowing.

Normalised: no case, no accents, no punctuation, no articles (a, an, the), no commas inside of numbers; dates as
"YYYY-MM-DD" whichever way they are written.
"""

from __future__ import annotations

import re
import unicodedata

from toolgym.tasks.english import MONTHS

MOST_WORDS = 60
_LONGEST = 4_000
"""Characters of an answer that are looked at."""

_MONTHS = {name[:3].casefold(): number for number, name in enumerate(MONTHS, 1)}
_MONTH = r"sept\.?|" + "|".join([rf"{name.casefold()}|{name[:3].casefold()}\.?" for name in MONTHS])
_DATES = (
    re.compile(rf"\b(?P<month>{_MONTH}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})\b"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH}),? (?P<year>\d{{4}})\b"),
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def normalised(text: str) -> str:
    """The text as answers are compared, words with single spaces between them."""
    text = unicodedata.normalize("NFKD", text[:_LONGEST].casefold())
    text = "".join([c for c in text if not unicodedata.combining(c)])
    text = _THOUSANDS.sub("", " ".join(text.split()))
    for pattern in _DATES:
        text = pattern.sub(lambda m: f"{m['year']} {_MONTHS[m['month'][:3]]:02} {int(m['day']):02}", text)
    text = re.sub(r"(?<=\d)\.(?=\d)", "·", text)  # the point of a decimal stays, as a letter would
    text = re.sub(r"[^\w·]+|_", " ", text).replace(" ·", " ")
    return " ".join(_ARTICLES.sub(" ", text).split())


def is_exact(answer: str, expected: str) -> bool:
    """Whether the answer is the expected one and nothing else."""
    return normalised(answer) == normalised(expected)


def contains(answer: str, expected: str) -> bool:
    """Whether the answer, where it is no longer than an answer is, has the expected one in it."""
    said, wanted = normalised(answer), normalised(expected)
    return bool(wanted) and said.count(" ") < MOST_WORDS and f" {wanted} " in f" {said} "
