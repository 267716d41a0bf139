"""The reference memory: for each question, the user's sentence that answers it, as quoted in the official data.

BFCL has no accepted calls for the conversations in which a memory is made. The calls here are ToolGym's own: with them
questions can be played without a model that made a memory, and gold can play conversations. They keep the official
limits.
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
"""The core memory's text; the system prompt always shows the core memory."""

NOTE_ON_VECTORS = "What the user has said so far is in the archival memory, which can be searched by meaning."
"""The same for memory_vector."""

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
"""Words that do not identify the topic of a question."""


class Fact(msgspec.Struct, frozen=True):
    """The memory entry that answers one question."""

    key: str
    text: str
    answers: tuple[str, ...]
    conversation: int
    """Number of the conversation in which the user says it."""
    turn: int


@cache
def facts(scenario: str) -> tuple[Fact, ...]:
    """The facts of a scenario, in the order of its questions."""
    found: dict[str, Fact] = {}
    for question in questions("memory"):
        if question.scenario == scenario:
            key = _key(question.text)
            while key in found:
                key += "_too"
            # the official executor rewrites "word (" as a call, which would change the stored text
            text = question.source.strip().replace("(", "[").replace(")", "]")
            if not contains(text, question.answers):
                text = f"{text} [{question.answers[0]}]"
            found[key] = Fact(key, text, question.answers, *_place(question))
    return tuple(found.values())


def memory(category: str, scenario: str, before: int | None) -> dict[str, Any]:
    """The reference memory before conversation number ``before``; None means after all conversations."""
    known = [fact for fact in facts(scenario) if before is None or fact.conversation < before]
    if category == "memory_rec_sum":
        return {"memory": "".join([_line(fact) for fact in _as_said(known)])}
    if category == "memory_vector":
        texts = [_text(fact) for fact in _as_said(known)]
        return {"core_memory": _store([] if before == 0 else [NOTE_ON_VECTORS]), "archival_memory": _store(texts)}
    core = {} if before == 0 else {"note": NOTE}
    return {"core_memory": core, "archival_memory": {fact.key: fact.text for fact in _as_said(known)}}


def writes(category: str, scenario: str, conversation: int, turn: int) -> tuple[ToolCall, ...]:
    """The calls that store the facts of one user message in the memory."""
    said = [fact for fact in facts(scenario) if (fact.conversation, fact.turn) == (conversation, turn)]
    if category == "memory_rec_sum":
        return tuple([ToolCall("memory_append", {"text": _line(fact)}) for fact in said])
    if category == "memory_vector":
        calls = [ToolCall("archival_memory_add", {"text": _text(fact)}) for fact in said]
        note = {"text": NOTE_ON_VECTORS}
    else:
        calls = [ToolCall("archival_memory_add", {"key": fact.key, "value": fact.text}) for fact in said]
        note = {"key": "note", "value": NOTE}
    if (conversation, turn) == (0, 0):
        calls.insert(0, ToolCall("core_memory_add", note))
    return tuple(calls)


def remembered(memory: dict[str, Any], scenario: str, conversation: int) -> float:
    """Of the questions whose answer was said by the end of ``conversation``: the share that the memory can answer."""
    asked = [fact.answers for fact in facts(scenario) if fact.conversation <= conversation]
    text = "\n".join(_texts(memory))
    return sum([contains(text, answers) for answers in asked]) / len(asked) if asked else 1.0


def _texts(memory: dict[str, Any]) -> list[str]:
    parts = []
    for value in memory.values():
        if isinstance(value, dict):
            store = value.get("store")  # a part of a memory_vector
            entries = store if isinstance(store, dict) else value
            parts += [f"{key}: {text}" for key, text in entries.items()]
        else:
            parts.append(value)
    return parts


def _text(fact: Fact) -> str:
    return f"{fact.key.replace('_', ' ')}: {fact.text}"


def _store(texts: list[str]) -> dict[str, Any]:
    return {"next_id": len(texts), "store": {str(i): text for i, text in enumerate(texts)}}


def _line(fact: Fact) -> str:
    return f"{fact.key}: {fact.text}\n"


def _as_said(known: list[Fact]) -> list[Fact]:
    return sorted(known, key=lambda fact: (fact.conversation, fact.turn))


def _key(question: str) -> str:
    """A key made of the question's words, in the form the official classes require: snake case, a letter first."""
    words = re.findall(r"[a-z0-9]+", question.lower())
    chosen = [word for word in words if word not in _SMALL] or words
    while not chosen[0].isalpha():
        chosen.append(chosen.pop(0))
    return "_".join(dict.fromkeys(chosen[:_KEY_WORDS]))


def _place(question: Question) -> tuple[int, int]:
    """The conversation and the turn that share most words with the question's source."""
    wanted = set(_long_words(question.source))
    shared = {
        (talk.number, turn): len(wanted & set(_long_words(text)))
        for talk in conversations(question.scenario)
        for turn, text in enumerate(talk.messages)
    }
    return max(shared, key=lambda place: shared[place])


def _long_words(text: str) -> list[str]:
    return re.findall(r"\w{4,}", text.lower())
