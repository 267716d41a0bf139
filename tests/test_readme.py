"""Every Python block of every README runs, in order, in one namespace; each ``# ->`` is what its own line prints."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READMES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "*README.md"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
)
_ARROW = re.compile(r"# -> ?(.*)$")


def blocks(path):
    """(line of the first statement, source) of each Python block."""
    text = path.read_text("utf-8")
    return [(text[: m.start()].count("\n") + 2, m[1]) for m in re.finditer(r"```python\n(.*?)```", text, re.DOTALL)]


def promised(lines, node, following):
    """What the arrows at a statement's last line, and on the lines of their own after it, say that it prints."""
    found = [_ARROW.search(lines[node.end_lineno - 1])]
    for line in lines[node.end_lineno : following]:
        found.append(_ARROW.match(line))
    return [match[1] for match in found if match]


def run(path, scope):
    for first, block in blocks(path):
        tree, lines = ast.parse(block), block.splitlines()
        for i, node in enumerate(tree.body):
            following = tree.body[i + 1].lineno - 1 if i + 1 < len(tree.body) else len(lines)
            ast.increment_lineno(node, first - 1)
            shown = io.StringIO()
            with contextlib.redirect_stdout(shown):
                exec(compile(ast.Module([node], []), str(path), "exec", dont_inherit=True), scope)
            ast.increment_lineno(node, 1 - first)
            expected = promised(lines, node, following)
            if expected:
                where = f"{path.name}:{first + node.end_lineno - 1}"
                printed = [line.rstrip() for line in shown.getvalue().splitlines()]
                assert printed == [line.rstrip() for line in expected], f"{where} prints something else"


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_code_runs_and_prints_what_it_says(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(path, {"__name__": "readme"})


def test_an_arrow_is_held_against_its_own_line(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("```python\nprint(1)\nprint(2)  # -> 2\n```\n")
    run(path, {})
    path.write_text("```python\nprint(2)\nprint(1)  # -> 2\n```\n")
    with pytest.raises(AssertionError, match=r"README.md:3 prints something else"):
        run(path, {})


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_readme_is_short_and_its_links_lead_somewhere(path):
    text = path.read_text("utf-8")
    assert len(text.encode()) <= (9_000 if path.parent == ROOT else 20_000)
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (path.parent / target).exists(), f"{path}: {target} is not there"
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|opt)/", text)


def test_the_main_readme_has_examples():
    assert len(blocks(ROOT / "README.md")) >= 4
