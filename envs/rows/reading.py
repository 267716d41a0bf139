"""All conversations of a file, read once in a process."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from .assembling import read_conversation
from .conversation import Conversation, Turn
from .files import Source
from .problems import BadRow, Tally

logger = logging.getLogger(__name__)


class Rows(msgspec.Struct, frozen=True, eq=False):
    """What a file holds."""

    path: Path
    conversations: Sequence[Conversation]
    bad: Tally
    """The rows that are left out."""
    notes: Tally
    """What was noted about the others."""
    layouts: Counter[str]
    """Layout -> rows."""
    digest: str

    @property
    def dialect(self) -> str:
        """The dialect in which these rows are played by default."""
        return "toolrl" if set(self.layouts) == {"toolrl"} else "hermes"

    @property
    def turns(self) -> int:
        """Of the longest conversation."""
        return max(sum(isinstance(part, Turn) for part in each.parts) for each in self.conversations)


def read(path: str | Path) -> Rows:
    """The rows of a file, read again only if it has changed.

    Raises ValueError for a file without a row that can be played, and what ``Source.rows`` raises.
    """
    file = Path(path).expanduser()
    about = file.stat()
    found = _read(str(file), about.st_mtime_ns, about.st_size)
    if not found.conversations:
        if not found.bad:
            raise ValueError(f"{path}: it has no rows")
        many = f"none of its {found.bad.rows:,} rows can" if found.bad.rows > 1 else "its only row cannot"
        raise ValueError(f"{path}: {many} be played:\n{found.bad}")
    return found


@lru_cache(maxsize=4)
def _read(path: str, changed: int, size: int) -> Rows:
    source, bad, notes = Source(path), Tally(), Tally()
    conversations = []
    layouts: Counter[str] = Counter()
    for place, value in source.rows():
        try:
            if isinstance(value, BadRow):
                raise value
            one = read_conversation(place, value)
        except BadRow as error:
            bad.add(place, error.kind, error.detail)
            continue
        for kind, detail in one.notes:
            notes.add(place, kind, detail)
        conversations.append(msgspec.structs.replace(one, notes=()))
        layouts[one.layout] += 1
    if bad and conversations:
        total, most = bad.rows + len(conversations), str(bad).partition("\n")[0]
        told = "%s: %s of %s rows are left out (`toolgym data` says why): %s"
        logger.warning(told, path, f"{bad.rows:,}", f"{total:,}", most)
    return Rows(Path(path), conversations, bad, notes, layouts, source.digest)
