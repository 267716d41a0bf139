"""The frame of a page: one HTML file that loads nothing from outside.

The contents of pages are untrusted. All text is escaped, and a content security policy admits only the style sheet
and the script of static.py, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from toolgym.disk import write_atomic
from toolgym.report.static import SCRIPT, STYLE
from toolgym.report.text import in_html
from toolgym.runlog import RunError

COLOURS = 6
"""The number of colours of the style sheet; further runs reuse them."""
_LONG = 40
"""A cell with more characters than this is wrapped."""


def document(title: str, header: str, sections: Iterable[str]) -> str:
    """A page. ``title`` is text; ``header`` and ``sections`` are HTML."""
    return "\n".join(
        [
            "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>",
            f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
            "<meta name='viewport' content='width=device-width, initial-scale=1'>",
            "<meta name='color-scheme' content='light dark'>",
            f"<title>{in_html(title)}</title><style>{STYLE}</style></head><body>",
            f"<header><h1>{in_html(title)}</h1>{header}</header><main>",
            *sections,
            f"</main><script>{SCRIPT}</script></body></html>\n",
        ]
    )


def write_document(html: str, path: str | Path) -> Path:
    """Write a page, whole or not at all. Raises RunError if it cannot be written."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, html)
    except OSError as error:
        raise RunError(f"cannot write the page {path}: {error.strerror or error}; name another file") from None
    return path


def legend(items: Sequence[tuple[str, str]]) -> str:
    """A list of (name, description), each with the colour of its position."""
    lines = [
        f"<li><i class='key b{i % COLOURS}'></i><b>{in_html(name)}</b> <small>{in_html(about)}</small></li>"
        for i, (name, about) in enumerate(items)
    ]
    return f"<ul class='legend'>{''.join(lines)}</ul>"


def table(head: str, lines: Sequence[str]) -> str:
    """A table. ``head`` is the HTML of the first row's cells, ``lines`` are the HTML of the other rows."""
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"


def side_by_side(labels: Sequence[str], found: Sequence[Mapping[str, str]]) -> str:
    """A table of the runs' values: a column per label, a row per name."""
    head = "".join(f"<th>{in_html(label)}</th>" for label in labels)
    lines = []
    for name in dict.fromkeys(name for each in found for name in each):
        cells = "".join(_cell(each.get(name, "–")) for each in found)
        lines.append(f"<tr><th>{in_html(name)}</th>{cells}</tr>")
    return table(f"<th></th>{head}", lines)


def _cell(value: str) -> str:
    kind = " class='words'" if len(value) > _LONG else ""
    return f"<td{kind}>{in_html(value)}</td>"


def _policy() -> str:
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (STYLE, SCRIPT))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )
