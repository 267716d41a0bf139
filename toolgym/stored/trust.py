"""Which settings of a stored run are obeyed: its folder may come from anybody.

The env of a run is made again to replay it. A setting can name code to import, a file or folder, a server, or the
environment variable that is sent to it. So only settings that can do no such thing are obeyed. Others have to be named
by the user, or given anew.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import Any

import gymnasium as gym

from toolgym.registry import SUITES
from toolgym.stored.run_files import RunError, describe
from toolgym.stored.strict_json import to_json

HARMLESS = frozenset({
    "category", "split", "level", "seed", "prompt", "withhold", "outcome", "metric", "dialect", "rubric", "max_turns",
    "max_calls", "max_action_chars", "max_episode_steps", "render_mode", "instructions",
    "demonstrations", "requests_per_toolset", "num_tools", "whole", "held_out", "attack", "model_name",
    "faults", "fault_rate", "fault_seed",
    "perturb", "strength", "perturb_seed", "perturb_draw",
})  # fmt: skip
"""Arguments of envs that choose among what ToolGym itself has: no value of theirs opens, imports or sends anything."""
HARMLESS_VALUES: dict[str, tuple[Any, ...]] = {
    "memory": ("reference", "empty"),
    "web": ("replay",),
    "search": ("offline",),
    "cache": ("off",),
    "encoder": ("minilm", "hashed"),
}
"""Argument -> the values that are harmless; None always is."""
_SHOWN = 80
ALL = "all"
"""Trusts every setting."""
ENV = "env"
"""The setting that names the env."""


def trusted_settings(
    settings: Mapping[str, Any], where: str, trust: Collection[str] = (), given: Mapping[str, Any] | None = None
) -> tuple[str, dict[str, Any]]:
    """The env's id and its arguments, as a stored run has them.

    Args:
        where: the file of the settings, for the messages.
        trust: names of settings to obey although they may reach outside of the run; "env" for the env itself, "all".
        given: arguments that replace the stored ones.

    Raises RunError, which names the setting, for one that is neither harmless nor trusted nor given.
    """
    if isinstance(trust, str):
        raise TypeError(f"trust is a list of names, such as [{trust!r}]")
    env_id, stored = settings.get("env"), settings.get("env_kwargs", {})
    if not isinstance(env_id, str) or not isinstance(stored, dict):
        raise RunError(f"{where} does not say which env was played")
    given = given or {}
    if ALL in trust:
        return env_id, {**stored, **given}
    if ENV not in trust and not _known(env_id):
        raise RunError(
            f"{where} names the env {short(env_id)!r}, which is not a suite of ToolGym, so its code would be "
            "imported. If you trust the run: --trust env (in Python trust=['env'])"
        )
    for name, value in stored.items():
        if not (name in given or name in trust or is_harmless(name, value)):
            shown, name = short(to_json(value, default=describe)), short(name)
            raise RunError(
                f"{where} sets {name}={shown}, which may read files, import code or send an environment variable to a "
                f"server. If you trust the run: --trust {name} (in Python trust=[{name!r}]); or give a value of your "
                f"own: --env-arg {name}=..."
            )
    return env_id, {**stored, **given}


def is_harmless(name: str, value: Any) -> bool:
    """Whether an env's argument, of this value, opens, imports and sends nothing."""
    if name == "demonstrations" and isinstance(value, Mapping):  # an env that is no suite may import code
        return value.get("env") in (None, "", *SUITES)
    return name in HARMLESS or value is None or (isinstance(value, str) and value in HARMLESS_VALUES.get(name, ()))


def short(text: str) -> str:
    """The first characters of a text of unknown length, for a message."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _known(env_id: str) -> bool:
    """Whether an id is a suite's, or is of an env that this program has registered and whose code it has loaded."""
    if ":" in env_id:
        return False
    if env_id in SUITES:
        return True
    # Gymnasium takes an id without a version for the newest one; an unknown id imports nothing: making the env says so
    name = env_id.rpartition("/")[2].rpartition("-v")[0] or env_id.rpartition("/")[2]
    alike = [spec for spec in gym.registry.values() if spec.name == name]
    return all(callable(s.entry_point) or str(s.entry_point).partition(":")[0] in sys.modules for s in alike)
