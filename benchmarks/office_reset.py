"""Microseconds of a reset of ToolGym-Office, by level, including making the task from its index.

    python benchmarks/office_reset.py

For comparison, in the same run and interleaved: making the task alone, and the reset of a ToolEnv whose only task
exists already. Result: benchmarks/results/office_reset.json (medians).
"""

from __future__ import annotations

import json
import platform
import statistics

from harness import command_line, keep, microseconds

from toolgym import ToolEnv
from toolgym.envs.office.env import OfficeEnv
from toolgym.envs.office.tasks import LEVELS

ROUNDS = 40
CALLS = 50


def main() -> None:
    command_line(__doc__).parse_args()
    envs = {level: OfficeEnv(level=level) for level in LEVELS}
    ready = ToolEnv([envs["single"].tasks[0]], state=object)
    times: dict[str, list[float]] = {name: [] for level in LEVELS for name in (level, f"{level}, task alone")}
    times["a task that exists"] = []
    for env in envs.values():  # warm up: each tool is made once per name
        env.reset(seed=0)
        for _ in range(300):
            env.reset()
    ready.reset(seed=0)
    for part in range(ROUNDS):
        for level, env in envs.items():
            for i in range(CALLS):
                times[level].append(microseconds(env.reset))
                index = part * CALLS + i
                times[f"{level}, task alone"].append(microseconds(lambda env=env, index=index: env.tasks[index]))
        times["a task that exists"] += [microseconds(ready.reset) for _ in range(CALLS)]
    medians = {name: round(statistics.median(found), 1) for name, found in times.items()}
    over_levels = round(statistics.median([medians[level] for level in LEVELS]), 1)
    result = {"python": platform.python_version(), "median_over_levels": over_levels, "microseconds": medians}
    print(json.dumps(result, indent=2))
    keep("office_reset", result)


if __name__ == "__main__":
    main()
