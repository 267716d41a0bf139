"""Steps per second of ToolGym and its peers: the same tools and texts, each library in its own virtual environment.

    python benchmarks/env_speed.py            # installs the peers into .venv-peers/ the first time

Runs are interleaved and the best of each is kept, because machines are shared: compare the ratios.
Result: benchmarks/results/env_speed.json. The workload is benchmarks/peers/workload.py.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness import command_line, keep
from peers.environment import python_of

HERE = Path(__file__).resolve().parent
PEERS = {"gymnasium": "gymnasium==1.4.0", "gem": "gem-llm==0.1.0", "skyrl": "skyrl-gym==0.4.0"}
EPISODES = 4000
WAITING_EPISODES = 5
WAIT = 0.01


def run(peer: str, python: str, wait: float) -> list[dict[str, Any]]:
    """The rows that a peer's script prints. Ends the benchmark if the mean return shows that work was skipped."""
    command = [python, str(HERE / "peers" / f"run_{peer}.py"), str(WAITING_EPISODES if wait else EPISODES)]
    done = subprocess.run(command, env={**os.environ, "WAIT": str(wait)}, capture_output=True, text=True, timeout=600)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not rows:
        raise SystemExit(f"{peer} failed:\n{done.stderr[-2000:]}")
    for row in rows:
        if abs(row["return"] - 8) > 1e-6:
            raise SystemExit(f"{peer} did not do the work: its mean return is {row['return']}, not 8")
    return rows


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--peers", type=Path, default=HERE.parent / ".venv-peers")
    options = parser.parse_args()
    pythons = {"toolgym": sys.executable}
    pythons |= {peer: python_of(options.peers / peer, [needed]) for peer, needed in PEERS.items()}
    best: dict[tuple[str, str], int] = {}
    for rep in range(options.reps):
        for peer, python in pythons.items():
            for wait in (0.0, WAIT) if peer != "gymnasium" else (0.0,):
                for row in run(peer, python, wait):
                    key = (row["mode"], row["library"])
                    best[key] = max(best.get(key, 0), row["steps_per_s"])
        print(f"round {rep + 1} of {options.reps} done", flush=True)
    rows = []
    for mode in ("one env", "64 episodes", "64 episodes, waiting tools"):
        ours = best[mode, "toolgym"]
        print(f"\n{mode}")
        for (m, library), speed in sorted(best.items(), key=lambda item: -item[1]):
            if m == mode:
                ratio = round(ours / speed, 2)
                rows.append({"mode": mode, "library": library, "steps_per_s": speed, "toolgym_ratio": ratio})
                print(f"  {library:<24}{speed:>10,} steps/s   toolgym is {ratio:5.2f} times as fast")
    about = {"python": platform.python_version(), "cores": os.cpu_count(), "reps": options.reps, "wait_s": WAIT}
    keep("env_speed", {**about, "rows": rows})


if __name__ == "__main__":
    main()
