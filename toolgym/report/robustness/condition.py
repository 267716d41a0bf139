"""Condition: what a kept run was played under, read from its settings: clean, some perturbations, some faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from toolgym.stored.run_files import RunError
from toolgym.wrappers.faults.kinds import GROUPS as FAULT_GROUPS
from toolgym.wrappers.faults.kinds import KINDS as FAULTS
from toolgym.wrappers.faults.kinds import chosen
from toolgym.wrappers.perturb.kinds import KINDS as PERTURBATIONS
from toolgym.wrappers.perturb.kinds import select_kinds

PERTURB = {"perturb": None, "strength": 1.0, "perturb_seed": 0, "perturb_draw": None}
"""Arguments of an env that perturb what the policy sees, with their defaults."""
INJECT = {"faults": None, "fault_rate": 0.3, "fault_seed": 0}
"""Arguments of an env that inject faults into calls, with their defaults."""
TRANSITION, DATA = "transition", "data"
"""The groups of faults, beside observation, action and metadata of the perturbations: those that show an error
(the six of RobustBench-TC), and answers that are cut, old or untrue."""
GROUPS = ("observation", "action", "metadata", TRANSITION, DATA)
"""All groups, in the order of the table."""
CLEAN = "clean"


class Condition(msgspec.Struct, frozen=True):
    """What was done to the tasks of a run."""

    name: str
    """The kind; several kinds with + between; "clean" without any. Settings other than the default follow."""
    kinds: tuple[str, ...] = ()
    group: str = ""
    """The group of a single kind; "" if several kinds act together."""
    how: str = ""
    """The settings other than the default, as they stand in the name."""

    @property
    def clean(self) -> bool:
        return not self.kinds


def group_of(kind: str) -> str:
    """The group of a kind of perturbation or fault."""
    if kind not in FAULTS:
        return PERTURBATIONS[kind].group
    return TRANSITION if kind in FAULT_GROUPS["loud"] else DATA


def condition_of(env_kwargs: Mapping[str, Any], where: str) -> Condition:
    """The condition of a run with these arguments. Raises RunError, which names ``where``, for unknown kinds."""
    perturb, faults = env_kwargs.get("perturb"), env_kwargs.get("faults")
    try:
        seen = () if perturb is None else select_kinds(perturb)
        met = () if faults is None else tuple(chosen(faults))
    except (TypeError, ValueError) as error:
        raise RunError(f"{where} was played under kinds that are not known here: {error}") from None
    kinds = (*seen, *met)
    if not kinds:
        return Condition(CLEAN)
    defaults = (PERTURB if seen else {}) | (INJECT if met else {})
    told = [
        f"{name.removeprefix('perturb_').removeprefix('fault_')}={_short(env_kwargs[name])}"
        for name in defaults
        if name not in ("perturb", "faults") and name in env_kwargs and env_kwargs[name] != defaults[name]
    ]
    how = " ".join(told)
    words = "+".join(kinds) if len(kinds) <= 2 else "+".join(_asked(each) for each in (perturb, faults) if each)
    return Condition(
        name=f"{words} {how}".strip(),
        kinds=kinds,
        group=group_of(kinds[0]) if len(kinds) == 1 else "",
        how=how,
    )


def without_condition(env_kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the clean run with which a run is compared."""
    return {name: value for name, value in env_kwargs.items() if name not in PERTURB and name not in INJECT}


def _asked(given: Any) -> str:
    return given.replace(",", "+") if isinstance(given, str) else "+".join(map(str, given))


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "-".join(map(_short, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
