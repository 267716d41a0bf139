"""Loading the memory that an episode starts from, and keeping the memory that a conversation made.

Officially each conversation is an episode of its own. Its memory is written to a file; the scenario's next conversation
starts from that file, and the questions start from the file of the last conversation. ``Folder`` uses the same files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

from toolgym.disk import read_object, write_atomic

from . import facts
from .rows import Conversation, conversations

EMPTY: dict[str, dict[str, Any]] = {
    "memory_kv": {"core_memory": {}, "archival_memory": {}},
    "memory_vector": {
        "core_memory": {"next_id": 0, "store": {}},
        "archival_memory": {"next_id": 0, "store": {}},
    },
    "memory_rec_sum": {"memory": ""},
}
"""Category -> its empty memory, in the form of a snapshot."""


_MOST_DIGITS = 18


class MissingMemory(RuntimeError):
    """A memory cannot be loaded or kept; the message says which memory and what to do."""


class Memories(Protocol):
    """A source and store of memories."""

    name: str
    """Suffix of the category in the scores if the memory is not official ("reference", "empty"); "" if it is."""

    def before(self, category: str, scenario: str, number: int | None) -> dict[str, Any]:
        """The memory before conversation ``number``; None means before the questions. Raises MissingMemory."""

    def keep(self, category: str, conversation: Conversation, memory: dict[str, Any]) -> None:
        """Keep the memory at the end of a conversation. Raises MissingMemory."""


class Reference:
    """The reference memory (see facts.py)."""

    name = "reference"

    def before(self, category: str, scenario: str, number: int | None) -> dict[str, Any]:
        return facts.memory(category, scenario, number)

    def keep(self, category: str, conversation: Conversation, memory: dict[str, Any]) -> None:
        """Nothing is kept."""


class Empty:
    """An empty memory: the official harness starts from it if it finds no snapshot."""

    name = "empty"

    def before(self, category: str, scenario: str, number: int | None) -> dict[str, Any]:
        return EMPTY[category]

    def keep(self, category: str, conversation: Conversation, memory: dict[str, Any]) -> None:
        """Nothing is kept."""


class Folder:
    """The memories of one model, in a folder laid out as the harness's ``result/<model>/agentic/memory``.

    A memory_vector that was made with an encoder of one's own (named ``encoder``) has a folder of its own, because it
    is not official. Each conversation's memory is written once. If a different memory is already there, ``keep``
    raises MissingMemory: it belongs to another model or another run.
    """

    name = ""

    def __init__(self, folder: str | Path, encoder: str = ""):
        self.folder = Path(folder)
        self.encoder = encoder

    def before(self, category: str, scenario: str, number: int | None) -> dict[str, Any]:
        talks = conversations(scenario)
        if number == 0:
            return EMPTY[category]
        last = talks[-1 if number is None else number - 1]
        path = self._path(category, last)
        if not path.is_file():
            raise MissingMemory(
                f"there is no {path}: play conversation {last.number + 1} of {len(talks)} of {scenario} first. All "
                f"of them are the category {category}_prereq; play it with the same memory= folder, one episode at a "
                "time (--batch-size 1)"
            )
        found = read_object(path, f"a snapshot of {category}", MissingMemory)
        fits = _fits_vectors if category == "memory_vector" else _fits
        if not fits(found, EMPTY[category]):
            raise MissingMemory(f"{path} holds no {category}: expected {', '.join(EMPTY[category])}, of text")
        return {field: found[field] for field in EMPTY[category]}

    def keep(self, category: str, conversation: Conversation, memory: dict[str, Any]) -> None:
        path = self._path(category, conversation)
        text = json.dumps(memory, indent=4, default=str)  # a memory_vector may hold bytes: officially that is a crash
        try:
            if path.is_file():
                if path.read_text("utf-8") != text:
                    raise MissingMemory(f"{path} already holds another memory: play with another memory= folder")
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, text)
            write_atomic(path.parent.parent / f"{conversation.scenario}_final.json", text)
        except (OSError, ValueError) as error:
            raise MissingMemory(f"cannot keep the memory in {path}: {error}") from None

    def _path(self, category: str, conversation: Conversation) -> Path:
        name = conversation.id.replace("memory", category, 1)
        kind = category.removeprefix("memory_")
        if kind == "vector" and self.encoder:
            kind = f"vector_{self.encoder}"
        return self.folder / kind / "memory_snapshot" / "prereq_checkpoints" / f"{name}.json"


def get_memories(memory: str | Path | Memories, encoder: str = "") -> Memories:
    """The Memories for a folder, "reference" or "empty"; an object with ``before`` and ``keep`` is returned unchanged.

    ``encoder``: the encoder's name, if it is not the official one. Raises TypeError for anything else.
    """
    if isinstance(memory, (str, Path)):
        return Reference() if memory == "reference" else Empty() if memory == "empty" else Folder(memory, encoder)
    if not (hasattr(memory, "before") and hasattr(memory, "keep")):
        raise TypeError(f'memory must be a folder, "reference" or "empty"; got {type(memory).__name__}')
    return memory


def _fits(found: dict[str, Any], empty: dict[str, Any]) -> bool:
    """Whether a snapshot has the fields and types of ``empty``: texts, and dicts of texts."""
    for field, start in empty.items():
        value = found.get(field)
        if type(value) is not type(start):
            return False
        if isinstance(value, dict) and not all(isinstance(text, str) for text in value.values()):
            return False
    return True


def _fits_vectors(found: dict[str, Any], empty: dict[str, Any]) -> bool:
    """Whether a snapshot has two stores of numbered texts. Officially everything that has a length is stored."""
    for field in empty:
        part = found.get(field)
        if not isinstance(part, dict) or type(part.get("next_id")) is not int:
            return False
        store = part.get("store")
        if not isinstance(store, dict):
            return False
        numbered = all(key.isascii() and key.isdecimal() and len(key) <= _MOST_DIGITS for key in store)
        if not numbered or not all(isinstance(text, (str, list, dict)) for text in store.values()):
            return False
    return True
