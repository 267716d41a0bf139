"""What the words in a report mean: reward terms and categories that do not explain themselves."""

from __future__ import annotations

from collections.abc import Iterable

TERMS = {
    "format": "the text has the fields that the dialect and the expected answer ask for, in order",
    "minimum": "what correctness is counted up from, -3 by default: an action whose calls earn nothing keeps it",
    "name": "the tools called are the expected ones",
    "param": "each call has the expected call's parameters",
    "value": "each parameter has the expected value",
    "call": "the calls equal the expected ones, parameters and values together",
    "exact": "all calls equal the expected ones, else nothing; Bamboogle: the answer is the expected one (not paid)",
    "length": "how long the thoughts are",
    "outcome": "what an episode costs that ends with a wrong answer, or in a wrong state",
    "repeat": "a further attempt at the same step: it earns what it adds to the best one so far, less 1",
    "missed_steps": "each step that was never attempted costs 3",
    "facts": "the answer to the user lacks something that was asked for, or says nothing",
    "answer": "no tool fits, and the user is told nothing",
    "needless": "calls after the last step, or where none is needed: -1 at most",
    "skipped_steps": "a right answer earns what the steps would have that it did without",
    "surplus_search": "the search is a repetition, or one too many, or cannot be made: -1 at most",
    "contains": "the answer has the expected one in it (not paid)",
    "intermediate_step": "an action on the way to the answer earns 0 in all; -1 at most if something is wrong with it",
}
CATEGORIES = {
    "irrelevance": "no tool on offer fits: right is to call none",
    "live_irrelevance": "no tool on offer fits: right is to call none",
    "irrelevant": "no tool on offer fits: right is to call none",
    "live_relevance": "some tool fits: right is to call one, with whatever arguments",
    "missing": "the request leaves out what a call needs: right is to ask for it",
    "mixed": "calls of two or three different functions, one each",
    "multi_turn_base": "several requests in a row, with nothing missing",
}


def explained(terms: Iterable[str], categories: Iterable[str]) -> list[tuple[str, str]]:
    """(word, meaning) for those of the words that need it, each once, terms first."""
    found = [(f"term {name}", TERMS[name]) for name in dict.fromkeys(terms) if name in TERMS]
    return found + [(f"category {name}", CATEGORIES[name]) for name in dict.fromkeys(categories) if name in CATEGORIES]
