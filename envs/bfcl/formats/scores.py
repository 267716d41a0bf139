"""The figures of format_sensitivity: how far the accuracy depends on the configuration."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from toolgym.types import Trajectory

from .configuration import CONFIGURATIONS, Configuration, configuration


def sensitivity(trajectories: Iterable[Trajectory]) -> dict[str, Any]:
    """The official figures over the configurations that were played, and accuracies by option, as plain data.

    - ``accuracy_max_delta``, ``accuracy_std``, ``accuracy_variance``: as in the official score file, in percentage
      points (squared for the variance), rounded to 2 digits; 0.0 for a single configuration. The standard deviation is
      that of a sample. The leaderboard shows the first two.
    - ``ret_fmt``, ``tool_call_tag``, ``func_doc_fmt``: option -> accuracy over the configurations that combine these
      three options (24 of the 26).
    - ``prompt``: accuracy of the markdown prompt, of the experimental style, and of the same configuration without
      either ("plain").
    - ``configurations``: for each configuration its name, accuracy and ``n`` (episodes counted).

    Episodes whose reward is not valid are left out; the caller counts them.
    """
    passed: dict[Configuration, list[bool]] = defaultdict(list)
    for each in trajectories:
        if each.reward_valid:
            passed[configuration(each.task_id.split(":")[1])].append(bool(each.success))
    played = {each: passed[each] for each in CONFIGURATIONS if each in passed}
    accuracies = [sum(found) / len(found) for found in played.values()]
    several = len(accuracies) > 1
    plain = [each for each in played if each.plain]
    first = CONFIGURATIONS[-1]  # the last two differ from a plain configuration in one option
    prompts = {
        "plain": Configuration(first.returns, first.tagged, first.docs),
        "markdown": CONFIGURATIONS[-2],
        "experimental": CONFIGURATIONS[-1],
    }
    return {
        "accuracy_max_delta": round((max(accuracies) - min(accuracies)) * 100, 2) if several else 0.0,
        "accuracy_std": round(statistics.stdev(accuracies) * 100, 2) if several else 0.0,
        "accuracy_variance": round(statistics.variance(accuracies) * 100**2, 2) if several else 0.0,
        "ret_fmt": _accuracy_by(plain, played, "returns"),
        "tool_call_tag": _accuracy_by(plain, played, "tagged"),
        "func_doc_fmt": _accuracy_by(plain, played, "docs"),
        "prompt": {name: sum(played[each]) / len(played[each]) for name, each in prompts.items() if each in played},
        "configurations": [
            {"configuration": str(each), "accuracy": accuracy, "n": len(found)}
            for (each, found), accuracy in zip(played.items(), accuracies, strict=True)
        ],
    }


def _accuracy_by(
    chosen: Iterable[Configuration], played: dict[Configuration, list[bool]], option: str
) -> dict[str, float]:
    found: dict[str, list[bool]] = defaultdict(list)
    for each in chosen:
        found[str(getattr(each, option))] += played[each]
    return {value: sum(passed) / len(passed) for value, passed in found.items()}
