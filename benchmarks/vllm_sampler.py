"""One GRPO run three times: sampled in this process, by a vLLM server, and by the server with overlap.

    toolgym serve-sampler --python VLLM_ENV/bin/python --model MODEL --cpu --port 8000
    python benchmarks/vllm_sampler.py --sampler http://127.0.0.1:8000 --model MODEL

The reward curves may differ by the random streams: a seed gives other tokens on the server. Seconds are of the second
step on, in which the server has compiled what it compiles, without the sending of the first weights.
Result: benchmarks/results/vllm_sampler.json.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from pathlib import Path

import torch
from harness import command_line, keep

from toolgym.agents.config import TrainConfig
from toolgym.agents.model import load_model
from toolgym.agents.training.trainer import Trainer
from toolgym.runlog import read_metrics


def run(options, out: Path, **how) -> dict:
    """The numbers of one run: means over its steps but the first, and the reward of every step."""
    config = TrainConfig(
        env=options.env, env_kwargs=options.env_kwargs, model=options.model, steps=options.steps, eval_every=0,
        save_every=10**6, prompts_per_step=options.prompts, num_generations=options.generations,
        max_completion_length=options.tokens, learning_rate=options.learning_rate, importance_cap=2.0, out=str(out),
        **how,
    )  # fmt: skip
    Trainer(config, loaded=load_model(options.model, "cpu", options.dtype)).run()
    rows = read_metrics(out)
    told = {"seconds/total": rows[-1]["seconds/total"] - rows[0]["seconds/total"]}
    names = ("seconds", "seconds/play", "seconds/wait", "completion_length", "importance/log_ratio", "sampler/canary")
    for name in names:
        if found := [row[name] for row in rows[1:] if name in row]:
            told[name] = sum(found) / len(found)
    episodes = options.prompts * options.generations
    told["tokens"] = sum(row["completion_length"] for row in rows[1:]) * episodes
    return {name: round(value, 4) for name, value in told.items()} | {"reward": [row["reward"] for row in rows]}


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--sampler", required=True, help="address of the server")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--env", default="ToolGym-Office-v0")
    parser.add_argument("--env-kwargs", type=json.loads, default={})
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--prompts", type=int, default=2)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=1e-5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    server = {"sampler": options.sampler}
    ways = {"built-in": {}, "vLLM": server, "vLLM, overlap": {**server, "overlap": True}}
    rows = {}
    for name, how in ways.items():
        with tempfile.TemporaryDirectory() as folder:
            rows[name] = run(options, Path(folder) / "run", **how)
        print(name, json.dumps(rows[name]), flush=True)
    about = {
        "command": f"python benchmarks/vllm_sampler.py {' '.join(sys.argv[1:])}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": options.threads,
        "rows": rows,
    }
    keep("vllm_sampler", about)


if __name__ == "__main__":
    main()
