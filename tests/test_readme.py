"""Every Python block of the README runs, in order, in one namespace, in a folder of its own."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_readmes_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = README.read_text("utf-8")
    blocks = [(text[: m.start()].count("\n") + 2, m[1]) for m in re.finditer(r"```python\n(.*?)```", text, re.DOTALL)]
    assert len(blocks) >= 4
    scope: dict = {"__name__": "readme"}
    for line, block in blocks:
        exec(compile("\n" * (line - 1) + block, str(README), "exec"), scope)
    shown = capsys.readouterr().out
    for expected in re.findall(r"^print\(.*?\)\s+# -> (.*)$", text, re.MULTILINE):
        assert expected in shown, f"the README says a line prints {expected!r}"


def test_the_readme_says_nothing_of_this_machine():
    text = README.read_text("utf-8")
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|opt)/", text)
