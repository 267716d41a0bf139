"""Two processes do not write into one run's folder."""

from __future__ import annotations

import subprocess
import sys

import pytest

from toolgym.agents.scripted import Silent
from toolgym.rollout import evaluate
from toolgym.runlog import RunError, RunLog, hold_folder

pytest.importorskip("fcntl")

HOLD = """
import sys
from pathlib import Path
from toolgym.runlog import hold_folder
class Run: pass
run = Run()
hold_folder(Path(sys.argv[1]), run)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_folder_that_another_process_writes_to_is_refused_and_freed_by_its_death(tmp_path):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        for resume in (False, True):
            with pytest.raises(RunError, match="another process is writing to"):
                evaluate("ToolGym-Office-v0", Silent(), n=1, out=tmp_path, resume=resume)
        other.kill()
    assert len(evaluate("ToolGym-Office-v0", Silent(), n=1, out=tmp_path)) == 1
    assert len(evaluate("ToolGym-Office-v0", Silent(), n=1, out=tmp_path, resume=True)) == 1


def test_one_process_may_go_on_with_what_it_left(tmp_path):
    """As after an interrupt in a notebook, which keeps the stopped run's objects alive."""
    left = RunLog(tmp_path, {"n": 1}, resume=False)
    hold_folder(tmp_path, left)
    again = RunLog(tmp_path, {"n": 1}, resume=True)
    assert again.episodes() == left.episodes() == []


class Run:
    pass


def test_a_folder_stays_held_while_one_of_the_runs_in_this_process_lives(tmp_path):
    def others_may_write():
        code = HOLD.replace("sys.stdin.read()", "")
        return subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True).returncode == 0

    first, second = Run(), Run()
    hold_folder(tmp_path, first)
    hold_folder(tmp_path, second)  # as when a run is made anew under the same name
    del first
    assert not others_may_write()
    del second
    assert others_may_write()
