"""``make demo``, with a tiny model: it runs to the end, names its pages, and continues after a stop."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

pytest.importorskip("torch")

from tiny_lm import byte_tokenizer, tiny_model

PATH = Path(__file__).resolve().parent.parent / "benchmarks" / "demo.py"


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.syspath_prepend(str(PATH.parent))
    spec = importlib.util.spec_from_file_location("demo", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PLAYED", [(*played[:3], 2) for played in module.PLAYED[:3]])
    small = {"prompts_per_step": 1, "max_tokens": 4000, "max_completion_length": 4}
    monkeypatch.setattr(module, "SFT", {**module.SFT, **small})
    small["num_generations"] = 2
    monkeypatch.setattr(module, "GRPO", {**module.GRPO, **small})
    return module


def test_the_demo_runs_and_goes_on(demo, tmp_path):
    model = tiny_model()
    model.save_pretrained(tmp_path / "tiny")
    byte_tokenizer().save_pretrained(tmp_path / "tiny")
    out = tmp_path / "demo"
    for steps in (1, 2):
        console = Console(file=io.StringIO(), width=80)
        demo.demo(out, str(tmp_path / "tiny"), 1, steps, console)
        text = console.file.getvalue()
        assert "Before and after" in text
        for page in ("training.html", "functions.html", "office.html", "bfcl.html"):
            assert page in text
            assert (out / page).stat().st_size > 1000
        assert (out / "training.png").read_bytes().startswith(b"\x89PNG")
    for name, steps in (("sft", [0, 1]), ("grpo", [0, 1, 2])):  # sft was there the second time, grpo went on
        lines = (out / name / "metrics.jsonl").read_text().splitlines()
        assert [json.loads(line)["step"] for line in lines] == steps
    page = (out / "office.html").read_text("utf-8")
    assert page.count("class='episode'") == 4
