"""AgentDojo's numbers: utility without attack, utility under attack, and the attacks' success rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toolgym.types import Trajectory


def summarize(trajectories: Iterable[Trajectory]) -> dict[str, Any]:
    """To come."""
    return {}
