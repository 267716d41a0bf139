"""Two measures of a right answer. Neither is the number that ToolRL reports, which GPT-4o judged.

``exact``: the normalised answer equals the normalised expected answer.
``contains``: the normalised expected answer occurs in the normalised answer, as whole words. The answer may have at
most 60 words: reading out every search result is not an answer.

Normalised: without case, accents, punctuation, articles (a, an, the) and commas inside numbers. Dates become
"YYYY MM DD", however they are written.
"""

from __future__ import annotations

import re
import unicodedata

from toolgym.tasks.english import MONTHS

MOST_WORDS = 60
_LONGEST = 4_000
"""Characters of an answer that are graded; the rest is cut."""

_MONTHS = {name[:3].casefold(): number for number, name in enumerate(MONTHS, 1)}
_MONTH = r"sept\.?|" + "|".join([rf"{name.casefold()}|{name[:3].casefold()}\.?" for name in MONTHS])
_DATES = (
    re.compile(rf"\b(?P<month>{_MONTH}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})\b"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH}),? (?P<year>\d{{4}})\b"),
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def normalised(text: str) -> str:
    """The text in the form in which answers are compared: words, with single spaces between them."""
    text = unicodedata.normalize("NFKD", text[:_LONGEST].casefold())
    text = "".join([c for c in text if not unicodedata.combining(c)])
    text = _THOUSANDS.sub("", " ".join(text.split()))
    for pattern in _DATES:
        text = pattern.sub(lambda m: f"{m['year']} {_MONTHS[m['month'][:3]]:02} {int(m['day']):02}", text)
    text = re.sub(r"(?<=\d)\.(?=\d)", "·", text)  # keeps decimal points: "·" is not removed as punctuation
    text = re.sub(r"[^\w·]+|_", " ", text).replace(" ·", " ")
    return " ".join(_ARTICLES.sub(" ", text).split())


def is_exact(answer: str, expected: str) -> bool:
    """Whether the answer is the expected answer and nothing else."""
    return normalised(answer) == normalised(expected)


def contains(answer: str, expected: str) -> bool:
    """Whether the answer has at most 60 words and the expected answer is among them."""
    said, wanted = normalised(answer), normalised(expected)
    return bool(wanted) and said.count(" ") < MOST_WORDS and f" {wanted} " in f" {said} "
