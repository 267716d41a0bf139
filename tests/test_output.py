"""A command's results are written although nobody reads what it prints."""

from __future__ import annotations

import errno
import io
import json
import sys

import pytest

from toolgym.cli.main import main
from toolgym.cli.output import Output


class Closed(io.StringIO):
    """Standard output that fails after some characters."""

    def __init__(self, room, code):
        super().__init__()
        self.room, self.code, self.failed = room, code, 0

    def write(self, text):
        self.room -= len(text)
        if self.room < 0:
            self.failed += 1
            raise OSError(self.code, "no more")
        return len(text)


@pytest.mark.parametrize("room", [0, 120])
@pytest.mark.parametrize(("code", "status"), [(errno.EPIPE, 0), (errno.ENOSPC, 1)])
@pytest.mark.parametrize("command", ["eval", "compare"])
def test_results_are_written_if_printing_fails(command, room, code, status, tmp_path, monkeypatch, capsys):
    out = Closed(room, code)
    monkeypatch.setattr(sys, "stdout", out)
    words = {
        "eval": ["--env", "ToolGym-Functions-v0", "--agent", "silent", "-n", "3"],
        "compare": ["--agents", "silent,oracle", "--suites", "functions", "-n", "1"],
    }[command]
    assert main([command, *words, "--out", str(tmp_path / "run")]) == status
    assert out.failed == 1, "after the first failure nothing is written"
    name = "summary.json" if command == "eval" else "suites.json"
    assert json.loads((tmp_path / "run" / name).read_text())
    if command == "compare":
        assert len(json.loads((tmp_path / "run" / name).read_text())["played"]) == 2
    assert ("the output could not be written: no more" in capsys.readouterr().err) == bool(status)


def test_characters_that_the_encoding_lacks_are_question_marks():
    raw = io.BytesIO()
    output = Output(io.TextIOWrapper(raw, encoding="ascii"))
    assert output.write("caf\u00e9 \u2500") == 6
    output.flush()
    assert raw.getvalue() == b"caf? ?"
    assert output.told() == ""


def test_a_closed_output_is_no_error():
    output = Output(None)
    assert output.write("x") == 1
    assert output.told() == ""
