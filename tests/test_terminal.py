"""The commands on a real terminal of 80 x 24: what is on the screen at the end, pagers, whole words, colours."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import shlex
import struct
import subprocess
import sys
import termios
import time

import pytest

from toolgym.cli.pager import rows, show

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>]")
ROWS = 24


class Terminal:
    """A command on a pseudo-terminal."""

    def __init__(self, *words, rows=ROWS, columns=80, program=("-m", "toolgym"), **variables):
        here, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        kept = {
            name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR", "LESS")
        }
        environment = {**kept, "TERM": "xterm-256color", "PAGER": "", **variables}
        command = [sys.executable, *program, *map(str, words)]
        self.process = subprocess.Popen(
            command, stdin=there, stdout=there, stderr=there, env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(there)
        self._file = here
        self.raw = ""

    def until(self, text, seconds=60):
        """Read until ``text`` has appeared; None: until the command has ended."""
        end, begun = time.monotonic() + seconds, len(self.raw)
        while text is None or text not in self.raw[begun:]:
            ready, _, _ = select.select([self._file], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"no {text!r} in {self.raw[begun:]!r}"
            try:
                more = os.read(self._file, 65536)
            except OSError:  # the other end is closed
                more = b""
            if not more:
                assert text is None, self.raw[begun:]
                break
            self.raw += more.decode("utf-8", "replace")
        return self

    def interrupt(self):
        """Ctrl-C, typed again if nothing comes of it: readline notes one that comes between its prompt and its waiting
        for keys, and waits."""
        for _ in range(5):
            self.type("\x03")
            if select.select([self._file], [], [], 5)[0]:
                break
        return self

    def type(self, text):
        os.write(self._file, text.encode())
        return self

    def end(self):
        """The exit code; everything has been read."""
        self.until(None)
        os.close(self._file)
        return self.process.wait(30)

    @property
    def lines(self):
        """All lines, without what moves the cursor and colours."""
        return [
            line.rpartition("\r")[2].rstrip() for line in CODES.sub("", self.raw.replace("\r\n", "\n")).splitlines()
        ]

    @property
    def last_screen(self):
        """The lines that are on the screen at the end, with a prompt below them."""
        shown = self.lines
        while rows("\n".join(shown), 80) >= ROWS:
            shown = shown[1:]
        return shown


def at_once(*words, **how):
    terminal = Terminal(*words, **how)
    return terminal, terminal.end()


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A run of 40 tasks in many categories, and the terminal that it was played on."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    words = ("eval", "--env", "ToolGym-BFCL-v0", "-n", 40, "--agent", "random", "--out", folder)
    terminal, code = at_once(*words)
    assert code == 0
    return folder, terminal


HEADLINE = re.compile(r"random on ToolGym-BFCL-v0: 0 of 40 passed, 0\.0 % \[0\.0, 8\.8\], reward [+-]\d\.\d\d")


def test_the_result_of_eval_is_the_last_thing_on_the_screen(played):
    folder, terminal = played
    shown = terminal.last_screen
    headline = max(i for i, line in enumerate(shown) if HEADLINE.fullmatch(line))
    where, *command = shown[headline + 1 :]
    assert where.startswith(f"In {folder}: episodes.jsonl")
    assert " ".join(command).replace("\\ ", "").split() == f"Look at the episodes: toolgym view {folder}".split()
    assert sum("live_" in line for line in shown) >= 3, "the table of success is on the screen too"
    assert "were not run" in terminal.raw
    assert "multi_turn_base" not in terminal.raw, "what was not run is counted, not listed"


def test_a_report_ends_with_its_result(played):
    terminal, code = at_once("report", played[0])
    assert code == 0
    assert any(HEADLINE.fullmatch(line) for line in terminal.last_screen[-3:])
    assert "Look at the episodes: toolgym view" in "\n".join(terminal.last_screen[-3:])


def test_no_word_is_cut_in_a_table(played):
    for line in played[1].lines:
        assert not re.match(r" [a-z_]{1,3}$", line), f"the end of a name on a line of its own: {line!r}"


# Pagers -----------------------------------------------------------------------------------------

SHOWS = "import sys; text = sys.stdin.read(); print('PAGED', len(text.splitlines()), '\\x1b' in text)"
LONG = "\x1b[1mword\x1b[0m\n" * ROWS


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def paged(tmp_path, monkeypatch, capfd):
    """Show a text on a screen of 24 lines; returns what the pager said, and what was written without it."""
    script = tmp_path / "pager.py"
    script.write_text(SHOWS)
    pager = shlex.join([sys.executable, str(script)])
    variables = {"PAGER": pager, "TERM": "xterm", "LINES": str(ROWS), "COLUMNS": "80"}

    def paged(text, file=None, off=False, **more):
        for name, value in {**variables, **more}.items():
            monkeypatch.setenv(name, value)
        file = file or Screen()
        show(text, file, off=off)
        return capfd.readouterr().out, file.getvalue()

    return paged


def test_output_that_does_not_fit_goes_through_the_pager(paged):
    assert paged(LONG) == (f"PAGED {ROWS} False\n", "")
    assert paged("x" * 80 * ROWS) == ("PAGED 1 False\n", "")


@pytest.mark.parametrize(
    "how",
    [{"text": "line\n" * (ROWS - 1)}, {"file": io.StringIO()}, {"off": True}, {"TERM": "dumb"}, {"PAGER": "cat"},
     {"PAGER": ""}, {"PAGER": "no-such-pager"}, {"PAGER": "less '"}],
)  # fmt: skip
def test_else_it_is_written(paged, how, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    how = {"text": LONG, **how}
    assert paged(**how) == ("", how["text"])


def test_less_gets_colours_and_is_left_by_q():
    terminal = Terminal("list", PAGER="less")
    terminal.until("Berkeley")
    assert "\x1b[1m" in terminal.raw
    assert terminal.type("q").end() == 0
    assert "Data and models" not in terminal.raw, "the first screen only"


def test_a_dumb_terminal_gets_plain_text_at_once():
    terminal, code = at_once("list", PAGER="less", TERM="dumb")
    assert code == 0
    assert "\x1b" not in terminal.raw
    assert "`toolgym fetch NAME`" in terminal.raw


# Messages ---------------------------------------------------------------------------------------


def test_an_error_is_cut_between_words():
    terminal, code = at_once("show", "ToolGym-BFCL-v0", "--env-arg", "x=1", columns=40)
    assert code == 1
    told = "".join(f"{line} " for line in terminal.lines)
    assert max(map(len, terminal.lines)) <= 40
    assert re.search(r"error: ToolGym-BFCL-v0 takes no 'x'; it takes .* max_turns", told)


# Playing ----------------------------------------------------------------------------------------


def test_a_call_is_built_on_a_terminal_with_tab_and_recalled():
    terminal = Terminal("play", "ToolGym-BFCL-v0", "simple_python_0").until("action 1> ")
    terminal.type(":c\tcal\tb\t10 h\t4\n").until("... ")
    assert '"name": "calculate_triangle_area", "parameters": {"base": 10, "height": 4}' in "".join(terminal.lines)
    terminal.type(":drop\n").until("action 1> ").type("\x1b[A\x1b[A\n").until("... ")  # the line before
    terminal.type("\n").until("verdict")
    assert terminal.end() == 0
    assert "1 of 2 given are right" in terminal.raw
    assert "expected one of [5], got 4" in terminal.raw


def test_ctrl_c_drops_what_was_begun_and_leaves_politely_if_repeated():
    terminal = Terminal("play", "ToolGym-Functions-v0", "--seed", "1").until("action 1> ")
    terminal.type("half an answer\n").until("... ").interrupt().until("action 1> ")
    assert "nothing is sent" in terminal.raw
    assert terminal.interrupt().end() == 0
    assert terminal.lines[-1] == "stopped before the end of the episode"
    assert "Traceback" not in terminal.raw


def test_gold_can_be_pasted_back_and_ctrl_d_leaves():
    """Each line is one line, however long: the terminal wraps it, and copies it whole."""
    terminal = Terminal("play", "ToolGym-Office-v0", "train-000002-parallel").until("action 1> ")
    before = len(terminal.lines)
    terminal.type(":gold\n").until("action 1> ")
    calls = [line for line in terminal.lines[before:] if line.startswith(":call ")]
    assert len(calls) > 1
    assert max(map(len, terminal.lines)) > 80
    for call in calls:
        terminal.type(f"{call}\n").until("... ")
    terminal.type("\n").until("action 2> ")
    assert "reward +4.000" in terminal.raw
    assert terminal.type("half an answer\n").until("... ").type("\x04").end() == 0
    assert terminal.lines[-1] == "stopped before the end of the episode"
