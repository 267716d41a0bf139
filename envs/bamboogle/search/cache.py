"""Records searches on disk, so that an evaluation can be repeated without the network, to the same bytes."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

import msgspec

from .backend import Backend, SearchError, Snippet

Mode = Literal["off", "record", "replay"]


class _Entry(msgspec.Struct):
    """The content of a file of the cache."""

    backend: str
    query: str
    snippets: list[Snippet]


class Cached:
    """A backend that records its answers. There is one file per backend and query, named by a hash of both.

    Args:
        backend: the backend that is recorded.
        folder: the folder of the files.
        mode: "record": a query without a file goes to the backend, and the answer is written. "replay": no query goes
            to the backend; a query that was not recorded raises SearchError. Failures are never recorded.
    """

    def __init__(self, backend: Backend, folder: str | Path, mode: Mode):
        if mode not in get_args(Mode)[1:]:
            raise ValueError(f"cache must be 'record' or 'replay', got {mode!r}")
        self.backend = backend
        self.folder = Path(folder)
        self.mode = mode
        self.name = backend.name
        self.waits = backend.waits and mode == "record"

    def __call__(self, query: str) -> Sequence[Snippet]:
        query = query.encode("utf-8", "replace").decode()  # UTF-8 cannot encode a lone surrogate
        path = self.path(query)
        kept = self._read(path, query)
        if kept is not None:
            return kept
        if self.mode == "replay":
            raise SearchError(f"the search {query[:100]!r} of {self.name} was not recorded in {self.folder}")
        found = list(self.backend(query))
        self._write(path, _Entry(self.name, query, found))
        return found

    def path(self, query: str) -> Path:
        """The file of a query."""
        key = json.dumps([self.name, query]).encode()
        return self.folder / f"{sha256(key).hexdigest()[:40]}.json"

    def _read(self, path: Path, query: str) -> list[Snippet] | None:
        """The recorded answer, or None. For a damaged file: None in "record", SearchError in "replay"."""
        try:
            entry = msgspec.json.decode(path.read_bytes(), type=_Entry)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            if self.mode == "record":
                return None
            raise SearchError(f"{path} is damaged ({error}): delete it and record again") from None
        return entry.snippets if (entry.backend, entry.query) == (self.name, query) else None

    def _write(self, path: Path, entry: _Entry) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=self.folder, prefix=".part-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(msgspec.json.encode(entry))
                os.replace(part, path)  # atomic: several processes may write the same file
            except BaseException:
                os.unlink(part)
                raise
        except OSError as error:
            raise SearchError(f"cannot keep a search in {self.folder}: {error}") from error
