"""Logs of inspect (inspect_ai) in JSON: the recorded messages of each sample are played in the env of its task.

A log says in ``eval.task_args`` which env it is of (``env_id`` and the env's arguments), if its task was one of
ToolGym's; for other logs the env is named. The id of a sample is the id of a task. Messages with tool calls are played
in the dialect "openai", all others in the dialect that the log or the user names.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from toolgym.env import ToolEnv
from toolgym.scoring.playback import playback
from toolgym.stored.trust import trusted_settings
from toolgym.types import Trajectory

_NATIVE = "openai"
_ZIP = b"PK\x03\x04"


class Sample(msgspec.Struct, frozen=True):
    """One sample of a log: an episode."""

    id: str
    epoch: int
    """Counted from 1."""
    answers: tuple[str, ...]
    """The assistant's messages after the prompt; one with tool calls as JSON of OpenAI's API."""
    native: bool
    """Whether a message has tool calls."""
    error: str | None
    """Why the sample has no answer, if the log says so."""


class Log(msgspec.Struct, frozen=True):
    """A log, read."""

    path: Path
    model: str
    task: str
    arguments: Mapping[str, Any]
    """The arguments of inspect's task."""
    samples: tuple[Sample, ...]

    def env(self, given: str | None, more: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The id and arguments of the env. What is given replaces what the log says.

        Raises ValueError if neither names an env; RunError for a setting of the log that may reach outside of it.
        """
        stored = {key: value for key, value in self.arguments.items() if key not in ("env_id", "env")}
        env_id = given or self.arguments.get("env_id") or self.arguments.get("env")
        if not isinstance(env_id, str):
            raise ValueError(f"{self.path} does not say which suite its task {self.task!r} is of: give --env ID")
        if given:
            arguments = dict(more)
        else:
            arguments = trusted_settings({"env": env_id, "env_kwargs": stored}, str(self.path), given=more)[1]
        if any(sample.native for sample in self.samples) and "dialect" not in more:
            arguments["dialect"] = _NATIVE
        return env_id, arguments


def is_log(path: Path) -> bool:
    """Whether a file is a log of inspect: JSON, or its zip format, ``.eval``."""
    head = _head(path)
    return head.startswith(_ZIP) or (b'"eval"' in head and head.lstrip()[:1] == b"{")


def read_log(path: str | Path) -> Log:
    """Read a log. Raises ValueError for a file that is not one."""
    path = Path(path)
    value = _unpacked(path) if _head(path).startswith(_ZIP) else _decoded(path)
    about = value.get("eval") if isinstance(value, dict) else None
    samples = value.get("samples") if isinstance(value, dict) else None
    if not isinstance(about, dict) or not isinstance(samples, list) or not samples:
        raise ValueError(f'{path} is not a log of inspect with samples: it needs "eval" and "samples"')
    read = [_sample(each, i, path) for i, each in enumerate(samples)]
    (twice, times), *_ = Counter((each.id, each.epoch) for each in read).most_common(1)
    if times > 1:
        raise ValueError(
            f"{path}: the sample {twice[0]!r} of epoch {twice[1]} is in it {times} times: keep one of them"
        )
    arguments = about.get("task_args")
    return Log(
        path,
        str(about.get("model") or "inspect"),
        str(about.get("task") or ""),
        arguments if isinstance(arguments, dict) else {},
        tuple(read),
    )


def score_log(log: Log, env: ToolEnv, env_id: str) -> list[Trajectory]:
    """Play every sample in ``env``. A sample of an unknown task, or without an answer, is not valid."""
    found = []
    for sample in log.samples:
        repeat = sample.epoch - 1
        try:
            task_id = env.find_task(sample.id).id
        except KeyError as error:
            found.append(_lost(env_id, sample.id, repeat, str(error.args[0])))
            continue
        if sample.answers:
            found.append(playback(env, env_id, task_id, sample.answers, repeat))
        else:
            found.append(_lost(env_id, task_id, repeat, sample.error or "no answer was recorded"))
    return found


def _lost(env_id: str, task_id: str, repeat: int, reason: str) -> Trajectory:
    return Trajectory(env_id, task_id, (), reward_valid=False, repeat=repeat, error=reason, error_kind="agent")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def _decoded(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None


def _unpacked(path: Path) -> Any:
    """A log in inspect's zip format, if its parts are packed in a way that Python's zipfile reads."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            value = json.loads(archive.read("header.json"))
            value["samples"] = [
                json.loads(archive.read(name))
                for name in names
                if name.startswith("samples/") and name.endswith(".json")
            ]
            return value
    except (KeyError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError, TypeError) as error:
        raise ValueError(
            f"{path} cannot be read ({str(error)[:80]}): write the log as JSON, with `inspect log convert --to json`"
        ) from None


def _sample(given: Any, at: int, path: Path) -> Sample:
    if not isinstance(given, dict) or "id" not in given:
        raise ValueError(f"{path}: sample {at + 1} is not an object with an id")
    messages = given.get("messages")
    answers = list(_answers(messages)) if isinstance(messages, list) else []
    if not answers:  # a log without messages still has the model's last output
        output = given.get("output")
        choices = output.get("choices") if isinstance(output, dict) else None
        first = choices[0] if isinstance(choices, list) and choices else None
        answers = list(_answers([first.get("message")])) if isinstance(first, dict) else []
    error = given.get("error")
    epoch = given.get("epoch")
    return Sample(
        str(given["id"]),
        epoch if type(epoch) is int and epoch > 0 else 1,
        tuple([text for text, _ in answers]),
        any(native for _, native in answers),
        str(error.get("message", error))[:300] if isinstance(error, dict) else None,
    )


def _answers(messages: Sequence[Any]) -> Iterator[tuple[str, bool]]:
    """(text or message as JSON, whether it has tool calls) of each message that the model generated."""
    for each in messages:
        if not isinstance(each, dict) or each.get("role") != "assistant" or each.get("source") == "input":
            continue
        content = each.get("content")
        if isinstance(content, list):
            texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
            content = "".join(text for text in texts if isinstance(text, str))
        calls = each.get("tool_calls")
        if isinstance(calls, list) and calls:
            yield json.dumps({"role": "assistant", "content": content or None, "tool_calls": _calls(calls)}), True
        else:
            yield content if isinstance(content, str) else "", False


def _calls(calls: Sequence[Any]) -> list[dict[str, Any]]:
    """Inspect's calls as OpenAI's; one that inspect could not parse keeps what is there."""
    made = []
    for i, call in enumerate(calls):
        call = call if isinstance(call, dict) else {}
        arguments = call.get("arguments")
        function = {"name": call.get("function"), "arguments": json.dumps(arguments if arguments is not None else {})}
        made.append({"id": str(call.get("id") or f"call_{i}"), "type": "function", "function": function})
    return made
