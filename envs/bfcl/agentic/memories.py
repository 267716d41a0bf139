"""Where a conversation's memory comes from, and where it goes.

Officially each conversation is an episode of its own; its memory is written to a file, from which the next one of the
scenario starts, and the questions start from the last. ``Folder`` does the same, with the same files.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Protocol

from . import facts
from .rows import Conversation, conversations

EMPTY: dict[str, dict[str, Any]] = {
    "memory_kv": {"core_memory": {}, "archival_memory": {}},
    "memory_rec_sum": {"memory": ""},
}
"""Category -> its memory at the start, as a snapshot holds it. (memory_vector needs a model that is downloaded.)"""


class MissingMemory(RuntimeError):
    """A memory cannot be had, or not be kept; the message says which and what to do."""


class Memories(Protocol):
    """Where memories are."""

    name: str
    """Beside the category's in scores that are not official; "" for official ones."""

    def before(self, category: str, scenario: str, number: int | None) -> dict[str, Any]:
        """The memory ahead of a conversation; None: ahead of the questions. Raises MissingMemory."""

    def keep(self, category: str, conversation: Conversation, memory: dict[str, Any]) -> None:
        """Keep what a conversation has made of it. Raises MissingMemory."""


class Reference:
    """The reference memory (see facts.py)."""

    name = "reference"

    def before(self, category: str, scenario: str, number: int | None) -> dict[str, Any]:
        return facts.memory(category, scenario, number)

    def keep(self, category: str, conversation: Conversation, memory: dict[str, Any]) -> None:
        """Nothing is kept."""


class Empty:
    """An empty memory, from which the official harness starts where it finds none."""

    name = "empty"

    def before(self, category: str, scenario: str, number: int | None) -> dict[str, Any]:
        return EMPTY[category]

    def keep(self, category: str, conversation: Conversation, memory: dict[str, Any]) -> None:
        """Nothing is kept."""


class Folder:
    """The memories of one model, in a folder laid out as the harness's ``result/<model>/agentic/memory``.

    A conversation's memory is written once. One that is there already and is not the same is an error: it is another
    model's, or another try's.
    """

    name = ""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def before(self, category: str, scenario: str, number: int | None) -> dict[str, Any]:
        talks = conversations(scenario)
        if number == 0:
            return EMPTY[category]
        last = talks[-1 if number is None else number - 1]
        path = self._path(category, last)
        try:
            found = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise MissingMemory(
                f"there is no {path}: play conversation {last.number + 1} of {len(talks)} of {scenario} first. All "
                f"of them are the category {category}_prereq; play it with the same memory= folder, one episode at a "
                "time (--batch-size 1)"
            ) from None
        except (OSError, ValueError) as error:
            raise MissingMemory(f"{path} cannot be read: {error}") from None
        if not _fits(found, EMPTY[category]):
            raise MissingMemory(f"{path} holds no {category}: expected {', '.join(EMPTY[category])}, of text")
        return {field: found[field] for field in EMPTY[category]}

    def keep(self, category: str, conversation: Conversation, memory: dict[str, Any]) -> None:
        path = self._path(category, conversation)
        text = json.dumps(memory, indent=4)
        try:
            if path.is_file():
                if path.read_text("utf-8") != text:
                    raise MissingMemory(f"{path} already holds another memory: play with another memory= folder")
                return
            _write(path, text)
            _write(path.parent.parent / f"{conversation.scenario}_final.json", text)
        except (OSError, ValueError) as error:
            raise MissingMemory(f"cannot keep the memory in {path}: {error}") from None

    def _path(self, category: str, conversation: Conversation) -> Path:
        name = conversation.id.replace("memory", category, 1)
        kind = category.removeprefix("memory_")
        return self.folder / kind / "memory_snapshot" / "prereq_checkpoints" / f"{name}.json"


def get_memories(memory: str | Path | Memories) -> Memories:
    """The memories of a folder, "reference" or "empty"; an object with ``before`` and ``keep`` is taken as it is."""
    if isinstance(memory, (str, Path)):
        return Reference() if memory == "reference" else Empty() if memory == "empty" else Folder(memory)
    if not (hasattr(memory, "before") and hasattr(memory, "keep")):
        raise TypeError(f'memory must be a folder, "reference" or "empty"; got {type(memory).__name__}')
    return memory


def _fits(found: Any, empty: dict[str, Any]) -> bool:
    """Whether a snapshot holds what it should: texts, and texts by key."""
    if not isinstance(found, dict):
        return False
    for field, start in empty.items():
        value = found.get(field)
        if type(value) is not type(start):
            return False
        if isinstance(value, dict) and not all(isinstance(text, str) for text in value.values()):
            return False
    return True


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.replace(file.name, path)  # whole or not at all
