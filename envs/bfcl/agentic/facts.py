"""The reference memory: for each question, what the user said that answers it, as the official data quote it.

BFCL has no accepted calls for the conversations in which a memory is made. These are ours: they give the questions a
memory to start from without a model that made one, and gold something to write. They fit into the official limits.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec

from toolgym.types import ToolCall

from .checker import contains
from .rows import Question, conversations, questions

NOTE = "What the user has said so far is in the archival memory, under keys that say what it is about."
"""In the core memory, which is always shown."""

_KEY_WORDS = 6
_SMALL = frozenset(
    re.findall(
        r"\w+",
        "a am an and any are as at be been before can could did do does else ex exact for format from give had has "
        "have how i if in into is it its like me might my need not number of on one or our out pick return s should so "
        "than that the their them then there they this to up use used value was were what when where which while who "
        "will with would you your",
    )
)
"""Words that say little of what a question is about."""


class Fact(msgspec.Struct, frozen=True):
    """What answers one question."""

    key: str
    text: str
    answers: tuple[str, ...]
    conversation: int
    """In which it is said."""
    turn: int


@cache
def facts(scenario: str) -> tuple[Fact, ...]:
    """Those of a scenario, in the order of its questions."""
    found: dict[str, Fact] = {}
    for question in questions("memory"):
        if question.scenario == scenario:
            key = _key(question.text)
            while key in found:
                key += "_too"
            # the official executor takes "word (" for a call, and changes it
            text = question.source.strip().replace("(", "[").replace(")", "]")
            if not contains(text, question.answers):
                text = f"{text} [{question.answers[0]}]"
            found[key] = Fact(key, text, question.answers, *_place(question))
    return tuple(found.values())


def memory(category: str, scenario: str, before: int | None) -> dict[str, Any]:
    """The memory ahead of a conversation, by its number; None: after all of them."""
    known = [fact for fact in facts(scenario) if before is None or fact.conversation < before]
    if category == "memory_rec_sum":
        return {"memory": "".join([_line(fact) for fact in _as_said(known)])}
    core = {} if before == 0 else {"note": NOTE}
    return {"core_memory": core, "archival_memory": {fact.key: fact.text for fact in _as_said(known)}}


def writes(category: str, scenario: str, conversation: int, turn: int) -> tuple[ToolCall, ...]:
    """The calls by which the memory comes about, after one of the user's messages."""
    said = [fact for fact in facts(scenario) if (fact.conversation, fact.turn) == (conversation, turn)]
    if category == "memory_rec_sum":
        return tuple([ToolCall("memory_append", {"text": _line(fact)}) for fact in said])
    calls = [ToolCall("archival_memory_add", {"key": fact.key, "value": fact.text}) for fact in said]
    if (conversation, turn) == (0, 0):
        calls.insert(0, ToolCall("core_memory_add", {"key": "note", "value": NOTE}))
    return tuple(calls)


def remembered(memory: dict[str, Any], scenario: str, conversation: int) -> float:
    """The share of what questions will ask for, and was said by the end of a conversation, that a memory has."""
    asked = [fact.answers for fact in facts(scenario) if fact.conversation <= conversation]
    text = "\n".join(_texts(memory))
    return sum([contains(text, answers) for answers in asked]) / len(asked) if asked else 1.0


def _texts(memory: dict[str, Any]) -> list[str]:
    parts = []
    for value in memory.values():
        if isinstance(value, dict):
            parts += [f"{key}: {text}" for key, text in value.items()]
        else:
            parts.append(value)
    return parts


def _line(fact: Fact) -> str:
    return f"{fact.key}: {fact.text}\n"


def _as_said(known: list[Fact]) -> list[Fact]:
    return sorted(known, key=lambda fact: (fact.conversation, fact.turn))


def _key(question: str) -> str:
    """Words of the question as the official classes want a key: snake case, letters first."""
    words = re.findall(r"[a-z0-9]+", question.lower())
    chosen = [word for word in words if word not in _SMALL] or words
    while not chosen[0].isalpha():
        chosen.append(chosen.pop(0))
    return "_".join(dict.fromkeys(chosen[:_KEY_WORDS]))


def _place(question: Question) -> tuple[int, int]:
    """The conversation and the turn that share most words with the source."""
    wanted = set(_long_words(question.source))
    shared = {
        (talk.number, turn): len(wanted & set(_long_words(text)))
        for talk in conversations(question.scenario)
        for turn, text in enumerate(talk.messages)
    }
    return max(shared, key=lambda place: shared[place])


def _long_words(text: str) -> list[str]:
    return re.findall(r"\w{4,}", text.lower())
