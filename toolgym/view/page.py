"""The page of the viewer: its HTML, and its style sheet and scripts, which are files of this package."""

from __future__ import annotations

from importlib.resources import files

SCRIPTS = ("elements.js", "source.js", "address.js", "table.js", "episode.js", "main.js")
"""In this order: a script uses what the scripts before it define."""
STYLE = "viewer.css"


def _read(name: str) -> str:
    return (files(__package__) / "static" / name).read_text("utf-8")


FILES = {f"/{name}": _read(name).encode() for name in (STYLE, *SCRIPTS)}
"""Address -> contents."""
HTML = "\n".join(
    [
        "<!doctype html>",
        "<html lang='en'><head><meta charset='utf-8'><title>ToolGym</title>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        "<meta name='color-scheme' content='light dark'>",
        f"<link rel='stylesheet' href='/{STYLE}'></head>",
        "<body><noscript>This page needs JavaScript.</noscript>",
        *(f"<script src='/{name}'></script>" for name in SCRIPTS),
        "</body></html>\n",
    ]
)
