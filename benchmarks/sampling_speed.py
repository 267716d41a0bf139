"""Tokens per second of Policy and of transformers' ``generate``: same model, prompts, batch and lengths.

    python benchmarks/sampling_speed.py

SmolLM2-135M samples at temperature 1 on BFCL prompts (hermes dialect); every completion is forced to the same length.
Two workloads: 16 prompts with one completion each, as in evaluation, and 2 prompts with 8 completions each, as in
training; in float32, in bfloat16, and in bfloat16 with LoRA adapters of rank 16 (peft). First, both sides must give
equal greedy completions. Then they take turns in one process and the best of each is kept, because machines are
shared: compare the ratios, or, if other work runs beside them, the ratios of CPU time with --threads 1.
Result: benchmarks/results/sampling_speed.json.
"""

from __future__ import annotations

import json
import platform
import sys
import time

import gymnasium as gym
import torch
import transformers
from harness import command_line, keep

from toolgym.agents.lora import with_lora
from toolgym.agents.model import load_model
from toolgym.agents.policy import Policy

ENV = "ToolGym-BFCL-v0"
ROWS = 16


def prompts(policy: Policy, n: int) -> list[tuple[int, ...]]:
    env = gym.make(f"toolgym:{ENV}", category="simple_python", dialect="hermes")
    ids = [task.id for task in env.unwrapped.tasks[:n]]
    return [policy.encode(env.reset(options={"task_id": i})[0]["messages"]) for i in ids]


def generate(policy: Policy, batch: list[tuple[int, ...]], tokens: int, greedy: bool = False) -> list[list[int]]:
    """The code that a user of transformers writes: pad on the left, call generate."""
    width = max(map(len, batch))
    ids = torch.tensor([[0] * (width - len(prompt)) + list(prompt) for prompt in batch])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in batch])
    chance = {} if greedy else {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
    out = policy.model.generate(
        input_ids=ids, attention_mask=mask, do_sample=not greedy, min_new_tokens=tokens, max_new_tokens=tokens,
        pad_token_id=0, **chance,
    )  # fmt: skip
    return out[:, width:].tolist()


def unending(policy: Policy) -> Policy:
    """A policy that no token stops, as ``min_new_tokens`` does for generate."""
    policy.end_ids = frozenset()
    return policy


def check(pair: tuple, tokens: int) -> None:
    """Ends the benchmark if greedy completions of the two sides differ."""
    policy = unending(Policy(pair, max_new_tokens=tokens))
    batch = prompts(policy, 4)
    pair[0].generation_config.eos_token_id, kept = None, pair[0].generation_config.eos_token_id
    theirs = generate(policy, batch, tokens, greedy=True)
    pair[0].generation_config.eos_token_id = kept
    ours = [list(generation.token_ids) for generation in policy.sample_ids(batch)]
    if ours != theirs:
        raise SystemExit("greedy answers differ from those of generate: the comparison would mean nothing")


def race(policy: Policy, batch: list[tuple[int, ...]], tokens: int, reps: int) -> dict:
    """Tokens per second and ratios, from the best of ``reps`` rounds, by wall clock and by CPU time."""
    runs = {"policy": lambda: policy.sample_ids(batch), "generate": lambda: generate(policy, batch, tokens)}
    wall = dict.fromkeys(runs, float("inf"))
    cpu = dict.fromkeys(runs, float("inf"))
    for _ in range(reps):
        for name, run in runs.items():
            began, used = time.perf_counter(), time.process_time()
            run()
            wall[name] = min(wall[name], time.perf_counter() - began)
            cpu[name] = min(cpu[name], time.process_time() - used)
    return {
        **{f"{name}_tokens_per_s": round(len(batch) * tokens / wall[name], 1) for name in runs},
        "ratio": round(wall["generate"] / wall["policy"], 2),
        "cpu_ratio": round(cpu["generate"] / cpu["policy"], 2),
    }


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=48, help="length of every completion")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = []
    for dtype, rank in (("fp32", 0), ("bf16", 0), ("bf16", 16)):
        pair = load_model(device="cpu", dtype=dtype)
        if dtype == "fp32":
            check(pair, 16)
        if rank:
            pair = (with_lora(pair[0], rank, seed=0).eval(), pair[1])
        policy = unending(Policy(pair, max_new_tokens=options.tokens, temperature=1.0, batch_size=ROWS))
        distinct = prompts(policy, ROWS)
        workloads = {"16 prompts": distinct, "2 prompts x 8": [distinct[i % 2] for i in range(ROWS)]}
        for workload, batch in workloads.items():
            length = round(sum(map(len, batch)) / ROWS)
            row = {"dtype": dtype, "lora_rank": rank, "workload": workload, "prompt_tokens": length}
            rows.append({**row, **race(policy, batch, options.tokens, options.reps)})
            print(json.dumps(rows[-1]), flush=True)
    about = {
        "command": f"python benchmarks/sampling_speed.py {' '.join(sys.argv[1:])}".strip(),
        "model": "SmolLM2-135M-Instruct",
        "answer_tokens": options.tokens,
        "threads": options.threads,
        "reps": options.reps,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "rows": rows,
    }
    keep("sampling_speed", about)


if __name__ == "__main__":
    main()
