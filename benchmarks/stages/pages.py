"""The demo's pages: one per suite with all stages side by side, the training, and a first page that leads to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from toolgym import Trajectory
from toolgym.disk import write_atomic
from toolgym.report import make_run, write_page
from toolgym.report.document import document, write_document
from toolgym.report.stages import stages_section, write_stages_png
from toolgym.report.text import in_html
from toolgym.report.training import load_training_runs
from toolgym.report.training_page import training_page
from toolgym.stored.strict_json import to_json

from .recipe import STAGES, TITLES, Part
from .table import NOTE, Line, page_table
from .work import Played

FILES = {"test_unseen": "functions", "bfcl": "bfcl"}
"""Page -> its file."""


def write_pages(out: Path, parts: Sequence[Part], stages: Sequence[Played], found: Sequence[Line], said: str) -> Path:
    """Write all pages, ``training.png`` and ``demo.json`` (the table's numbers); returns the first page."""
    for page in TITLES:
        names = [part.name for part in parts if part.page == page]
        if names:
            runs = [make_run(_all(played, names), label) for label, played in zip(STAGES, stages, strict=True)]
            write_page(runs, out / f"{FILES[page]}.html")
    curves = load_training_runs([out / "sft", out / "grpo"])
    write_document(training_page(curves), out / "training.html")
    write_stages_png(curves, out / "training.png")
    write_atomic(
        out / "demo.json", to_json({"sentence": said, "rows": msgspec.to_builtins(list(found))}, indent=1) + "\n"
    )
    return write_document(
        document(f"ToolGym: {' · '.join(STAGES)}", f"<p>{in_html(said)}</p>", _sections(found, stages_section(curves))),
        out / "index.html",
    )


def links(found: Sequence[Line]) -> Mapping[str, str]:
    """File -> what it shows."""
    return {
        "training.html": "how it learnt",
        **{
            f"{FILES[page]}.html": f"{title}: every episode of every stage"
            for page, title in TITLES.items()
            if any(line.page == page for line in found)
        },
    }


def _sections(found: Sequence[Line], curves: str) -> Iterator[str]:
    yield f"<section><h2>Held-out tasks</h2>{page_table(found)}<p class='note'>{in_html(NOTE)}</p></section>"
    if curves:
        yield f"<section><h2>How it learnt</h2>{curves}</section>"
    items = "".join(f"<li><a href='{file}'>{in_html(what)}</a></li>" for file, what in links(found).items())
    yield f"<section><h2>Pages</h2><ul>{items}</ul></section>"


def _all(played: Played, names: Sequence[str]) -> list[Trajectory]:
    return [each for name in names for each in played[name]]
