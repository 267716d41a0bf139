"""The texts of an episode that the table shows and searches, read from its line without the rest."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from toolgym.report.text import one_line


class _Message(msgspec.Struct, gc=False):
    role: str = ""
    content: str = ""


class _Turn(msgspec.Struct, gc=False):
    action: str = ""
    messages: list[_Message] = []


class _Texts(msgspec.Struct, gc=False):
    task_id: str = ""
    messages: list[_Message] = []
    turns: list[_Turn] = []
    verdict: str = ""
    error: str | None = None
    reward_valid: bool = True


_read = msgspec.json.Decoder(_Texts)


def texts_of(line: bytes) -> Iterator[str]:
    """The texts that a search looks into: the task's name, what the user says, the model's texts, results, verdict.

    System messages are left out: they list the tools, so that a tool's name would be in every episode.
    """
    episode = _episode(line)
    yield episode.task_id
    yield from (each.content for each in episode.messages if each.role != "system")
    for turn in episode.turns:
        yield turn.action
        yield from (each.content for each in turn.messages[1:])
    yield episode.verdict
    yield episode.error or ""


def in_table(line: bytes) -> dict[str, str]:
    """The request (the last message of the user before the first action), and why the episode failed or is invalid."""
    episode = _episode(line)
    asked = next((each.content for each in reversed(episode.messages) if each.role == "user"), "")
    why = episode.verdict if episode.reward_valid else episode.error or ""
    return {"request": one_line(asked, 300), "why": one_line(why, 200)}


def _episode(line: bytes) -> _Texts:
    try:
        return _read.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Texts()
