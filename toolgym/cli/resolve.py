"""Turns words of a command line into envs, env arguments and agents. A mistake raises UserError: exit code 1."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import Any

import gymnasium as gym
import msgspec

from toolgym.checks import arguments_of
from toolgym.env import ToolEnv
from toolgym.registry import SUITES, suite_class
from toolgym.rollout import Agent
from toolgym.tools import ToolUnavailable


class UserError(Exception):
    """A mistake that the user can correct; the message says how."""


class AgentEntry(msgspec.Struct, frozen=True):
    """An agent that has a name on the command line."""

    entry_point: str
    options: dict[str, str] = {}
    """Command-line option -> parameter of the agent's constructor."""
    needs: str | None = None
    """The required option, if any."""


AGENTS = {
    "oracle": AgentEntry("toolgym.agents.scripted:Oracle"),
    "random": AgentEntry("toolgym.agents.scripted:Random", {"seed": "seed"}),
    "silent": AgentEntry("toolgym.agents.scripted:Silent"),
    "replay": AgentEntry("toolgym.agents.scripted:Replay", {"replay": "path"}, "replay"),
    "endpoint": AgentEntry(
        "toolgym.agents.endpoint:AsyncEndpoint",
        {
            "model": "model", "base_url": "base_url", "api_key_env": "api_key_env", "tools": "tools",
            "temperature": "temperature", "max_completion_length": "max_tokens", "extra": "extra", "header": "headers",
            "requests_per_minute": "requests_per_minute",
        },
        "model",
    ),
    "policy": AgentEntry(
        "toolgym.agents.policy:Policy",
        {
            "model": "model", "temperature": "temperature", "max_completion_length": "max_new_tokens", "stop": "stop",
            "device": "device", "trust_remote_code": "trust_remote_code", "seed": "seed", "batch_size": "batch_size",
            "tools": "tools", "template_kwarg": "template_kwargs",
        },
    ),
    "vllm": AgentEntry(
        "toolgym.agents.vllm.policy:VLLMPolicy",
        {
            "base_url": "base_url", "model": "model", "temperature": "temperature",
            "max_completion_length": "max_new_tokens", "stop": "stop", "trust_remote_code": "trust_remote_code",
            "seed": "seed", "tools": "tools", "template_kwarg": "template_kwargs",
        },
        "base_url",
    ),
    "sb3": AgentEntry("toolgym.agents.sb3.agent:SB3Agent", {"model": "model"}, "model"),
}  # fmt: skip

_COMMON = {"seed", "batch_size"}
"""Options that every run has; an agent that does not take them ignores them."""


_PAIRS = {"extra", "header"}
"""Options that are written NAME=VALUE, several times; in a spec of several agents, as one JSON object."""


def make_agent(name: str, options: Mapping[str, Any]) -> Agent:
    """The agent called ``name``, or an instance of the class ``module:Class``. Options of value None are left out.

    Raises UserError for an unknown name, a missing option, an option of another agent, or a value the agent refuses.
    """
    entry_point, arguments = agent_spec(name, options)
    cls = load(entry_point, "agent")
    try:
        agent: Agent = cls(**arguments)
    except (TypeError, ValueError) as error:
        hint = "" if isinstance(cls, type) else "; name a class, or a function that makes an agent"
        raise UserError(f"agent {name!r}: {error}{hint}") from error
    return agent


def agent_spec(name: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The class of an agent, as ``module:Class``, and its arguments. Raises UserError as ``make_agent``."""
    given = {key: value for key, value in options.items() if value is not None}
    if ":" in name:
        entry = AgentEntry(name)
    elif name in AGENTS:
        entry = AGENTS[name]
    else:
        close = get_close_matches(name, AGENTS, 1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise UserError(f"no agent {name!r}: choose {', '.join(AGENTS)}, or give module:Class.{hint}")
    foreign = [key for key in given if key not in entry.options and key not in _COMMON]
    if foreign:
        takes = ", ".join(map(_flag, entry.options)) or "no options"
        raise UserError(f"{', '.join(map(_flag, foreign))}: not for agent {name!r}, which takes {takes}")
    if entry.needs is not None and entry.needs not in given:
        raise UserError(f"agent {name!r} needs {_flag(entry.needs)}")
    for key in _PAIRS & given.keys():
        given[key] = _pairs(key, given[key])
    if "base_url" in given:  # the key of one server must not be sent to another server by default
        given.setdefault("api_key_env", "")
    if "template_kwarg" in given:
        given["template_kwarg"] = env_arguments(given["template_kwarg"], "--template-kwarg", "enable_thinking=false")
    return entry.entry_point, {entry.options[key]: value for key, value in given.items() if key in entry.options}


def make_env(env_id: str, arguments: Mapping[str, Any]) -> ToolEnv:
    """The env of a suite, or of a registered id written ``module:Id``.

    Raises UserError for an unknown id, an unknown argument, or a value that the env refuses.
    """
    if ":" in env_id:
        here_first()
    elif env_id not in SUITES:
        alike = {name.lower(): name for name in SUITES}
        close = [alike[name] for name in get_close_matches(env_id.lower(), alike, 1)]
        hint = f" Did you mean {close[0]}?" if close else ""
        if Path(env_id).exists():
            raise UserError(f"{env_id} is not a suite. {_how_to_see(Path(env_id))}")
        raise UserError(f"no suite {env_id!r}: `toolgym list` shows them; your own is written module:Id.{hint}")
    else:
        check_arguments(env_id, arguments)
    try:
        env = gym.make(env_id, **arguments).unwrapped
    except (gym.error.Error, ModuleNotFoundError, ToolUnavailable) as error:
        if env_id in SUITES:
            raise
        raise UserError(f"cannot make {env_id!r}: {error}") from error
    except (TypeError, ValueError, KeyError) as error:
        # Gymnasium raises its own TypeError, whose message hides the arguments; the original one is its context
        said = error.__context__ if isinstance(error, TypeError) and error.__context__ is not None else error
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        check = f"; check the env's arguments: {given}" if given and isinstance(error, TypeError) else ""
        raise UserError(f"{env_id}: {said.args[0] if said.args else said}{check}") from error
    if not isinstance(env, ToolEnv):
        raise UserError(f"{env_id!r} is a {type(env).__name__}, not a ToolEnv")
    try:
        env.demonstrations.load(env)
    except ValueError as error:
        raise UserError(str(error)) from error
    return env


def _how_to_see(path: Path) -> str:
    """The command that shows a folder or file that was given in place of a suite."""
    place = quote(str(path))
    if path.is_dir() or path.name == "episodes.jsonl":
        return f"If it is a run: `toolgym view {place}` or `toolgym report {place}`"
    return f"If it has conversations of your own: `toolgym data {place}`, and --data {place} in place of a suite"


def open_task(env: ToolEnv, task_id: str | None, seed: int | None = None) -> dict[str, Any]:
    """Start the episode of a task, or of one drawn with ``seed``; the ``info``. Raises UserError for an unknown id."""
    if task_id is not None:
        try:
            env.find_task(task_id)
        except KeyError as error:
            raise UserError(error.args[0]) from None
    return env.reset(seed=seed, options=None if task_id is None else {"task_id": task_id})[1]


def category_name(env_id: str) -> str:
    """The env's argument for ``--category``: ``level`` in a suite that has levels and no argument ``category``."""
    takes = arguments_of(suite_class(env_id)) if env_id in SUITES else ["category"]
    return "level" if "level" in takes and "category" not in takes else "category"


def check_arguments(env_id: str, arguments: Mapping[str, Any]) -> None:
    """Raises UserError if the suite does not take an argument of that name."""
    takes = arguments_of(suite_class(env_id))
    for name in arguments:
        if name not in takes:
            close = get_close_matches(name, takes, 1)
            hint = f" Did you mean {close[0]}?" if close else _taken_by_another(env_id, takes, arguments[name])
            raise UserError(f"{env_id} takes no {name!r}; it takes {', '.join(takes)}.{hint}")


def _taken_by_another(env_id: str, takes: Collection[str], value: Any) -> str:
    """A hint: the argument of the suite that takes this value, or how to give any argument."""
    for name in ("level", "split"):
        if name in takes and isinstance(value, str):
            try:
                suite_class(env_id)(**{name: value})
            except (TypeError, ValueError, KeyError, RuntimeError):
                continue
            return f" Did you mean --env-arg {name}={value}?"
    return " Give one with --env-arg NAME=VALUE."


def _pairs(option: str, given: Any) -> dict[str, Any]:
    """The value of an option in ``_PAIRS``. Header values stay text. Raises UserError for anything else."""
    if isinstance(given, Mapping):
        return dict(given)
    if option == "extra" and not isinstance(given, str):
        return env_arguments(given, "--extra", "top_p=0.9")
    pairs = [] if isinstance(given, str) else [str(pair).partition("=") for pair in given]
    if not pairs or not all(name and equals for name, equals, _ in pairs):
        raise UserError(f"{_flag(option)} {given!r}: write NAME=VALUE, or a JSON object in a list of agents")
    found = {name: value for name, _, value in pairs}
    if len(found) < len(pairs):
        raise UserError(f"{_flag(option)}: a name is given twice")
    return found


def offer(agent: str, tools: str | None, dialect: Any = None) -> tuple[str | None, dict[str, Any]]:
    """How an agent hears of its tools (``--tools``), and what its env needs for that.

    A chat template that describes the tools needs an env without instructions. For an endpoint, native tools and the
    dialect "openai" go together, so each follows from the other.

    Args:
        dialect: the env's dialect, if one was asked for.

    Raises UserError if an endpoint's tools and the dialect do not go together.
    """
    if tools == "template" and agent in ("policy", "vllm"):
        return tools, {"instructions": False}
    if agent != "endpoint" or (tools != "native" and dialect != "openai"):
        return tools, {}
    if tools == "prompt":
        raise UserError(
            "the dialect openai cannot be taught in a prompt: leave out --tools prompt, so that the server gets the "
            "tools, or choose another dialect"
        )
    if dialect not in (None, "openai"):
        raise UserError(
            f"--tools native gives the tools to the server, whose calls are read in the dialect openai: leave out the "
            f"dialect {dialect}, or give --tools prompt to teach it in the prompt"
        )
    return "native", {"dialect": "openai"}


_PYTHONS = {"True": True, "False": False, "None": None}


def env_arguments(pairs: Iterable[str], option: str = "--env-arg", example: str = "max_turns=4") -> dict[str, Any]:
    """``["max_turns=4", "split=dev"]`` as {"max_turns": 4, "split": "dev"}: values are read as JSON if possible, and
    True, False and None as in Python."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (equals and name.isidentifier()):
            raise UserError(f"{option} {pair!r}: write name=value, for example {example}")
        if name in found:
            raise UserError(f"{option} {pair!r}: {name} is given twice")
        try:
            found[name] = _PYTHONS[value] if value in _PYTHONS else json.loads(value)
        except ValueError:
            found[name] = value
    return found


def env_argument(name: str, value: Any) -> str:
    """The inverse of ``env_arguments``: text is not quoted unless it would be read as JSON."""
    plain = f"{name}={value}"
    return plain if env_arguments([plain]) == {name: value} else f"{name}={json.dumps(value)}"


def load(entry_point: str, what: str) -> Any:
    """What ``module:name`` names. Raises UserError if it does not exist."""
    module, _, name = entry_point.partition(":")
    if not module.startswith("toolgym."):
        here_first()
    try:
        return getattr(import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        inside = isinstance(error, ModuleNotFoundError) and not f"{module}.".startswith(f"{error.name}.")
        if module.startswith("toolgym.") or inside:
            raise
        raise UserError(f"no {what} {entry_point!r}: {error}") from error
    except SyntaxError as error:
        raise UserError(f"{what} {entry_point!r}: {error}") from error


def here_first() -> None:
    """Put the working directory on the import path, as ``python -m`` does."""
    if "" not in sys.path:
        sys.path.insert(0, "")


def _flag(option: str) -> str:
    return "--" + option.replace("_", "-")
