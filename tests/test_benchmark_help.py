"""The scripts in ``benchmarks``: asked for help, they explain themselves and do nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("stable_baselines3")
pytest.importorskip("matplotlib")

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
SCRIPTS = [path for path in sorted(FOLDER.glob("*.py")) if "__main__" in path.read_text("utf-8")]
ASK = """
import contextlib, io, json, os, runpy, sys
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
written, found = [], {}
sys.addaudithook(lambda event, args: event == "open" and args[2] & writing and written.append(str(args[0])))
scripts = sys.argv[1:]
for flag in ("--help", "--hel"):
    for script in scripts:
        sys.argv = [script, flag]
        said, status = io.StringIO(), None
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                runpy.run_path(script, run_name="__main__")
            except SystemExit as stop:
                status = stop.code
        found.setdefault(flag, {})[os.path.basename(script)] = [status, said.getvalue()]
print(json.dumps([found, written]))
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """What each script says to a flag, with its exit status; and the files that were opened to be written to."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{FOLDER}{os.pathsep}{FOLDER.parent}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "80",
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK, *map(str, SCRIPTS)],
        cwd=tmp_path_factory.mktemp("here"),
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found, written = json.loads(done.stdout)
    assert all(set(said) == {path.name for path in SCRIPTS} for said in found.values())
    return found, written


def test_help_explains_each_benchmark(asked):
    for name, (status, said) in asked[0]["--help"].items():
        assert status == 0, name
        assert said.startswith("usage:"), name
        assert len(said) > 200, f"{name}: without its docstring"


def test_an_option_that_is_not_there_is_refused(asked):
    for name, (status, said) in asked[0]["--hel"].items():  # an abbreviation is none either
        assert status == 2, name
        assert "error:" in said, name


def test_neither_writes_anything(asked):
    assert not [path for path in asked[1] if not os.path.isabs(path) or Path(path).is_relative_to(FOLDER.parent)]


def test_the_readme_names_every_script_and_every_kept_result():
    text = (FOLDER / "README.md").read_text("utf-8")
    results = [path for path in (FOLDER / "results").glob("*.json") if not path.stem.startswith("suites")]
    missing = [path.name for path in (*FOLDER.glob("*.py"), *results) if path.name not in text]
    assert set(missing) <= {"demo.py"}, "`make demo` runs it"
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (FOLDER / link).exists(), link
