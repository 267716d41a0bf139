"""Runs as tables (table.py: numbers with intervals) and as pages (page.py: one HTML file)."""

from __future__ import annotations

from toolgym.report.page import page, write_page
from toolgym.report.table import Row, Run, load_runs, make_run, row_of, rows, suite_summary, summary_lines, wilson

__all__ = [
    "Row",
    "Run",
    "load_runs",
    "make_run",
    "page",
    "row_of",
    "rows",
    "suite_summary",
    "summary_lines",
    "wilson",
    "write_page",
]
