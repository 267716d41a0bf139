"""``benchmarks/learning.py``: what its command line refuses, and that it says what there is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--parts", "bfcl,office"],
            "unknown part office; there are functions-unseen, office-test, office-unseen, bfcl",
        ),
        (["--name", "dpo"], "grpo-cold"),
    ],
)
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(monkeypatch, capsys, options, said):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parent.parent / "benchmarks"))
    import learning

    monkeypatch.setattr(sys, "argv", ["learning.py", "eval", *options])
    with pytest.raises(SystemExit, match="2"):
        learning.main()
    assert said in capsys.readouterr().err
