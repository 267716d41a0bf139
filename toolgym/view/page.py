"""The page of the viewer: its HTML, and its style sheet and script, from the files in ``static/``."""

from __future__ import annotations

from importlib.resources import files

_SCRIPTS = (
    "elements.js", "source.js", "address.js", "differences.js", "table.js", "episode.js", "compare.js", "training.js",
    "main.js",
)  # fmt: skip
"""In this order: a script uses what the scripts before it define."""


def _read(name: str) -> str:
    return (files(__package__) / "static" / name).read_text("utf-8")


STYLE = _read("viewer.css")
SCRIPT = "\n".join(map(_read, _SCRIPTS))
HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ToolGym</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="/viewer.css"></head>
<body><noscript>This page needs JavaScript.</noscript><script src="/viewer.js"></script></body></html>
"""
