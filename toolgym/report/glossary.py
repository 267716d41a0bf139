"""What the words in a report mean: reward terms and categories that do not explain themselves."""

from __future__ import annotations

from collections.abc import Iterable

TERMS = {
    "format": "the text has the fields that the dialect and the expected answer ask for, in order",
    "base": "what correctness is counted up from, -3 by default: an action whose calls earn nothing keeps it",
    "name": "the tools called are the expected ones",
    "param": "each call has the expected call's parameters",
    "value": "each parameter has the expected value",
    "call": "the calls equal the expected ones, parameters and values together",
    "exact": "all calls equal the expected ones; else nothing",
    "length": "how long the thoughts are",
}
CATEGORIES = {
    "irrelevance": "no tool on offer fits: right is to call none",
    "live_irrelevance": "no tool on offer fits: right is to call none",
    "irrelevant": "no tool on offer fits: right is to call none",
    "live_relevance": "some tool fits: right is to call one, with whatever arguments",
    "missing": "the request leaves out what a call needs: right is to ask for it",
    "multi_turn_base": "several requests in a row, with nothing missing",
}


def explained(terms: Iterable[str], categories: Iterable[str]) -> list[tuple[str, str]]:
    """(word, meaning) for those of the words that need it, each once, terms first."""
    found = [(f"term {name}", TERMS[name]) for name in dict.fromkeys(terms) if name in TERMS]
    return found + [(f"category {name}", CATEGORIES[name]) for name in dict.fromkeys(categories) if name in CATEGORIES]
