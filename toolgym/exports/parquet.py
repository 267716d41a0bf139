"""Rows as a parquet file, the form in which SkyRL and verl read prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def write_parquet(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows of JSON values; returns their number. All rows need the same keys.

    Raises ValueError for no rows, ImportError without pyarrow, which SkyRL and verl bring.
    """
    found = [dict(row) for row in rows]
    if not found:
        raise ValueError(f"there are no rows to write to {path}")
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(found), path)
    return len(found)
