"""Tells whether the user's own agent or env raised an exception, and in which line."""

from __future__ import annotations

import argparse
import traceback
from pathlib import Path


def told(error: BaseException, args: argparse.Namespace) -> tuple[str, str] | None:
    """The traceback from the user's code on, and one line that names the agent or env; None if other code raised it.

    If a hook or a term of the user's env returned something wrong, the message of the check says so, and the traceback
    is "".
    """
    whose, frames = _from_own_code(error, args)
    summary = "".join(traceback.format_exception_only(error)).strip()
    if not frames:
        envs = [each for names in _own(args).values() for each in names if each.startswith("the env ")]
        checked = _raised_in(error) in ("toolgym.checks", "toolgym.rewards.rubric")
        return ("", f"in {envs[0]}: {summary}") if envs and checked else None
    shown = "".join(traceback.format_list(frames))
    return f"Traceback (most recent call last):\n{shown}", f"in {whose}: {summary}"


def place(error: BaseException, args: argparse.Namespace) -> str:
    """`` (file.py, line 3)`` if ``error`` was made from an exception of the user's code; else ""."""
    cause = error.__cause__
    while cause is not None:
        _, frames = _from_own_code(cause, args)
        if frames and not _is_ours(cause):
            return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"
        cause = cause.__cause__ or cause.__context__
    return ""


def _from_own_code(error: BaseException, args: argparse.Namespace) -> tuple[str, list[traceback.FrameSummary]]:
    """The agent or env of the command line whose module is in the traceback, and the frames from it inwards."""
    own = _own(args)
    for i, module in enumerate(_modules(error)):
        if module in own:
            return " or ".join(own[module]), list(traceback.extract_tb(error.__traceback__))[i:]
    return "", []


def _own(args: argparse.Namespace) -> dict[str, list[str]]:
    """Top-level module -> the agents and envs of the command line that it defines."""
    given = [("agent", "agent"), ("env", "env"), ("env", "id")]
    named = [(what, str(getattr(args, option, None) or "")) for what, option in given]
    named += [("agent", word) for text in getattr(args, "agents", None) or [] for word in text.split(",")]
    own: dict[str, list[str]] = {}
    for what, word in named:
        module, colon, name = word.partition(":")
        if colon and _top(module) != "toolgym":
            own.setdefault(_top(module), []).append(f"the {what} {module}:{name}")
    return own


def _is_ours(error: BaseException) -> bool:
    """Whether ToolGym raised the exception."""
    return _modules(error)[-1:] == ["toolgym"]


def _raised_in(error: BaseException) -> str:
    """The module that raised the exception."""
    return [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)][-1]


def _modules(error: BaseException) -> list[str]:
    """The top-level modules of the traceback, outermost first."""
    return [_top(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)]


def _top(module: str) -> str:
    return module.partition(".")[0]
