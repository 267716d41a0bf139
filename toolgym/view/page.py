"""The page of the viewer: its HTML, and its style sheet and script, from the files in ``static/``."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

_SCRIPTS = (
    "elements.js", "source.js", "address.js", "differences.js", "table.js", "episode.js", "compare.js", "training.js",
)  # fmt: skip
"""In this order: a script uses what the scripts before it define. ``main.js`` comes last and shows the page."""
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ToolGym</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
"""
_BODY = "</head>\n<body><noscript>This page needs JavaScript.</noscript>\n"
_END = "</body></html>\n"


def _read(*names: str) -> str:
    return "\n".join((files(__package__) / "static" / name).read_text("utf-8") for name in names)


STYLE = _read("viewer.css")
SCRIPT = _read(*_SCRIPTS, "main.js")
HTML = f'{_HEAD}<link rel="stylesheet" href="/viewer.css">{_BODY}<script src="/viewer.js"></script>{_END}'
TEXT_ONLY = "require-trusted-types-for 'script'; trusted-types 'none'"
"""A policy under which a script cannot make markup from text."""


def one_page(data: str) -> str:
    """The page as one file. ``data`` is JSON in ASCII, which the script reads from the page."""
    script = _read(*_SCRIPTS, "local.js", "main.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        f"form-action 'none'; {TEXT_ONLY}"
    )
    harmless = data.replace("<", "\\u003c")  # no text of a model can end the element
    return (
        f'{_HEAD}<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{STYLE}</style>{_BODY}'
        f'<script type="application/json" id="data">{harmless}</script><script>{script}</script>{_END}'
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
