"""``make demo``: that it runs to its end, says where the page is, and goes on where it was stopped."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import pytest
from rich.console import Console

from toolgym.commands.resolve import make_agent

PATH = Path(__file__).resolve().parent.parent / "benchmarks" / "demo.py"


class Parrot:
    """A policy that calls the first tool of the prompt it is given, with nothing."""

    asked = 0

    def act_batch(self, observations):
        Parrot.asked += len(observations)
        texts = [each["messages"][-1]["content"] for each in observations]
        assert all(text.startswith("Tools:\n") and "\nRequest: " in text for text in texts)
        names = [text.split("\n")[1].partition("(")[0] for text in texts]
        return [f'<tool_call>\n{{"name": "{name}", "arguments": {{}}}}\n</tool_call>' for name in names]


@pytest.fixture
def demo(monkeypatch):
    spec = importlib.util.spec_from_file_location("demo", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "make_agent", lambda name, how: Parrot() if name == "policy" else make_agent(name, how))
    return module


@pytest.mark.model
def test_the_demo_runs_and_goes_on(demo, tmp_path):
    for _ in range(2):
        console = Console(file=io.StringIO(), width=80)
        demo.demo(tmp_path, 2, console)
        text = console.file.getvalue()
        assert "report.html" in text
        assert "expected" in text
        page = (tmp_path / "report.html").read_text("utf-8")
        assert page.count("class='episode'") == 2 * 2 * len(demo.CATEGORIES)
    assert Parrot.asked == 2 * len(demo.CATEGORIES)  # the second time everything was there
