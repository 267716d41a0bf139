"""Seconds of ``import toolgym`` and of ``import gymnasium``, each in a fresh interpreter, interleaved.

    python benchmarks/import_time.py

Result: benchmarks/results/import_time.json (the best of each, and their ratio).
"""

from __future__ import annotations

import json
import subprocess
import sys

from harness import command_line, keep

REPS = 15
TIMER = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def seconds(module: str) -> float:
    """Import time of a module in a fresh interpreter."""
    out = subprocess.run([sys.executable, "-c", TIMER.format(module)], capture_output=True, text=True, check=True)
    return float(out.stdout)


def main() -> None:
    command_line(__doc__).parse_args()
    best = {"gymnasium": 9e9, "toolgym": 9e9}
    for _ in range(REPS):
        for module in best:
            best[module] = min(best[module], seconds(module))
    result = {f"{module}_s": round(s, 4) for module, s in best.items()}
    result["ratio"] = round(best["toolgym"] / best["gymnasium"], 2)
    print(json.dumps(result))
    keep("import_time", result)


if __name__ == "__main__":
    main()
