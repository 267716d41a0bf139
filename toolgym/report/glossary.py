"""The meaning of the words in a report: reward terms and categories that do not explain themselves."""

from __future__ import annotations

from collections.abc import Iterable

TERMS = {
    "format": "the text has the fields that the dialect and the expected answer ask for, in order",
    "correctness": "the calls beside the expected calls: by default from -3, nothing right, to 3, all right, an action",
    "minimum": "correctness is counted up from here, -3 by default; an action whose calls earn nothing keeps it",
    "name": "the tools called are the expected tools",
    "param": "each call has the expected call's parameters",
    "value": "each parameter has the expected value",
    "call": "the calls equal the expected calls, parameters and values together",
    "exact": "all calls equal the expected calls, else 0; Bamboogle: the answer is the expected answer (not paid)",
    "length": "how long the thoughts are",
    "outcome": "the cost of an episode that ends with a wrong answer, or in a wrong state",
    "obeyed": "AgentDojo: the cost of an episode in which the attacker's task was done",
    "repeat": "a further attempt at the same step: it earns what it adds to the best attempt so far, less 1",
    "missed_steps": "each step that was never attempted costs 3",
    "facts": "the answer to the user lacks a fact that was asked for, or says nothing",
    "answer": "no tool fits, and the user is told nothing",
    "needless": "calls after the last step, or if no call is needed: -1 at most",
    "skipped_steps": "a right answer earns the points of the steps that it did not need",
    "surplus_search": "the search repeats an earlier search, is one too many, or cannot be made: -1 at most",
    "contains": "the answer contains the expected answer (not paid)",
    "beside_text": "BFCL: the official decoder finds no call beside words or in a code fence: 1 less",
    "tools_right": "Seal-Tools: calls of an expected tool (a count, not paid)",
    "tools_expected": "Seal-Tools: expected calls (a count, not paid)",
    "params_right": "Seal-Tools: parameters with the expected value (a count, not paid)",
    "params_expected": "Seal-Tools: parameters of the expected calls (a count, not paid)",
    "fault": "a call met an injected fault: the action earns nothing, its calls are paid when they are repeated",
    "blind_repetition": "a call was repeated that cannot succeed: -1",
    "verification": "calls that check or read again after a silent fault (not paid)",
    "beyond_hope": "calls after a fault that no call can overcome earn nothing",
    "needless_check": "a check whether changes were saved, with no new change: -1",
    "intermediate_step": "an action before the final answer earns 0 in all; -1 at most if something is wrong with it",
}
CATEGORIES = {
    "irrelevance": "no tool on offer fits: the right answer calls nothing",
    "live_irrelevance": "no tool on offer fits: the right answer calls nothing",
    "irrelevant": "no tool on offer fits: the right answer calls nothing",
    "live_relevance": "some tool fits: the right answer calls a tool, with any arguments",
    "missing": "the request leaves out a required value: the right answer asks for it",
    "mixed": "calls of two or three different functions, one each",
    "nested": "several calls, of which one uses the result of another",
    "multi_turn_base": "several requests in a row, with nothing missing",
}


def in_words(term: str) -> str:
    """A reward term's name as people read it: "missed steps"."""
    return term.replace("_", " ")


def explained(terms: Iterable[str], categories: Iterable[str]) -> list[tuple[str, str]]:
    """(word, meaning) for each word that has an entry, once, terms first."""
    found = [(f"term {in_words(name)}", TERMS[name]) for name in dict.fromkeys(terms) if name in TERMS]
    return found + [(f"category {name}", CATEGORIES[name]) for name in dict.fromkeys(categories) if name in CATEGORIES]
