"""Opens files of rows: JSON lines, a JSON array or object, values one after the other, gzip, Parquet.

The content of a file decides how it is read, not its name. JSON lines are read one at a time; a file that is one JSON
value is held in memory. Reading takes linear time.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

from .problems import BadRow
from .values import items_of, numbered, one_value, values_of

_UNREAD = {b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"ARROW1": "Arrow",
           b"SQLite": "SQLite", b"%PDF": "PDF"}  # fmt: skip
_LFS = b"version https://git-lfs"


class Source:
    """The rows of a file, in order.

    Args:
        path: such as mine.jsonl, mine.json, mine.jsonl.gz or mine.parquet.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._hash = blake2b(digest_size=12)

    @property
    def digest(self) -> str:
        """A digest of what was read so far."""
        return self._hash.hexdigest()

    def rows(self) -> Iterator[tuple[str, Any]]:
        """(place, value) of each row: "line 12" and its JSON value, or the BadRow that says why it has none.

        Raises ValueError for a file of another kind, OSError for a file that cannot be opened, and ImportError for a
        Parquet file if the package that reads it is not installed.
        """
        if self.path.is_dir():
            raise ValueError(f"{self.path} is a folder: name the file of rows in it")
        if self.path.exists() and not self.path.is_file():  # a pipe gives its bytes once, and files are read again
            raise ValueError(f"{self.path} is not a file: write the rows into one")
        with self.path.open("rb") as file:
            head = file.read(len(_LFS))
        if head == _LFS:
            raise ValueError(f"{self.path} only stands for a file in Git LFS: get it with `git lfs pull`")
        if head.startswith(b"PAR1"):
            yield from self._table()
            return
        for magic, name in _UNREAD.items():
            if head.startswith(magic):
                raise ValueError(f"{self.path} is a {name} file: write its rows as JSON lines (.jsonl or .jsonl.gz)")
        open_file: Any = gzip.open if head.startswith(b"\x1f\x8b") else open
        with open_file(self.path, "rb") as opened:
            try:
                yield from self._text(opened)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                yield "the end", BadRow("the gzip file is broken off", str(error))

    def _text(self, file: Any) -> Iterator[tuple[str, Any]]:
        """The rows of a text: its lines, if they are JSON values; else the values that the whole text consists of."""
        lines = ((number, line) for number, line in enumerate(self._lines(file), 1) if line.strip())
        head = [line for line in (next(lines, None), next(lines, None)) if line is not None]
        values = [one_value(line) for _, line in head]
        if not head:
            return
        first = head[0][1].lstrip()[:1]
        shapes = [one_value(line.decode("utf-8", "replace").encode()) for _, line in head]  # also of other encodings
        opens = isinstance(shapes[0], BadRow) and (
            first == b"[" or (first == b"{" and not isinstance(shapes[-1], dict))
        )
        if opens:  # a value over several lines
            number, text = head[0][0], b"".join(line for _, line in chain(head, lines))
            yield from values_of(text, number)
        elif len(head) == 1 and (items := items_of(values[0])) is not None:
            yield from numbered(values[0], items)
        else:
            yield from ((f"line {number}", one_value(line)) for number, line in chain(head, lines))

    def _lines(self, file: Any) -> Iterator[bytes]:
        """The lines of a file in UTF-8, without a byte order mark."""
        encoding = json.detect_encoding(file.read(4))  # by the zero bytes, if it has no byte order mark
        file.seek(0)
        if encoding == "utf-8-sig":
            file.seek(len(codecs.BOM_UTF8))
        elif encoding != "utf-8":
            file = io.BytesIO(file.read().decode(encoding, "replace").encode("utf-8", "surrogatepass"))
        for line in file:
            self._hash.update(line)
            yield line

    def _table(self) -> Iterator[tuple[str, Any]]:
        try:
            from arro3.io import read_parquet
        except ImportError as error:
            raise ImportError(f"{self.path.name} is a Parquet file: pip install 'toolgym[toolrl]'") from error
        number = 0
        try:
            for batch in read_parquet(self.path):
                names = batch.schema.names
                for values in zip(*[batch.column(name).to_pylist() for name in names], strict=True):
                    row, number = dict(zip(names, values, strict=True)), number + 1
                    self._hash.update(repr(row).encode("utf-8", "surrogatepass"))
                    yield f"row {number}", row
        except Exception as error:  # arro3 has exceptions of its own
            raise ValueError(f"{self.path} cannot be read as Parquet: {str(error)[:200]}") from error
