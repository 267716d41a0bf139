"""Seconds per turn of multi-turn episodes, with the KV cache kept between turns and without it.

    python benchmarks/turns_speed.py

A group of 8 episodes of one prompt (600 tokens), with five turns of 40 sampled and 60 environment tokens each. Three
ways take turns in one process: ``policy`` keeps its KV cache; ``reread`` is the same policy, with its cache cleared
after every turn; ``generate`` is transformers' function on the whole conversation at every turn, as trainers do that
render the conversation again. Every completion has the full length. Result: benchmarks/results/turns_speed.json.
"""

from __future__ import annotations

import json
import platform
import random
import sys
import time

import torch
import transformers
from harness import command_line, keep

from toolgym.agents.model import load_model
from toolgym.agents.policy import Policy

PROMPT, SAMPLED, REPLY, TURNS, GROUP = 600, 40, 60, 5, 8


def played(name: str, policy: Policy, seed: int) -> dict[str, list[float]]:
    """Wall-clock and CPU seconds of each turn, played one way."""
    stream = random.Random(seed)
    words = range(1000, 40_000)
    texts = [stream.choices(words, k=PROMPT)] * GROUP
    policy.forget()
    took: dict[str, list[float]] = {"wall": [], "cpu": []}
    for _ in range(TURNS):
        began, used = time.perf_counter(), time.process_time()
        if name == "generate":
            ids = torch.tensor(texts)
            answers = policy.model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                min_new_tokens=SAMPLED, max_new_tokens=SAMPLED, pad_token_id=0,
            )[:, ids.shape[1] :].tolist()  # fmt: skip
        else:
            if name == "reread":
                policy.forget()
            answers = [answer.token_ids for answer in policy.sample_ids(texts)]
        took["wall"].append(time.perf_counter() - began)
        took["cpu"].append(time.process_time() - used)
        texts = [[*text, *answer, *stream.choices(words, k=REPLY)] for text, answer in zip(texts, answers, strict=True)]
    return took


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    policy = Policy(load_model(device="cpu"), max_new_tokens=SAMPLED, temperature=1.0)
    policy.end_ids = frozenset()  # no token ends a completion
    best: dict[str, dict[str, list[float]]] = {}
    for rep in range(options.reps):
        for name in ("policy", "reread", "generate"):
            took = played(name, policy, rep)
            kept = best.setdefault(name, took)
            for kind, seconds in took.items():  # the best of each turn, because machines are shared
                kept[kind] = [min(pair) for pair in zip(kept[kind], seconds, strict=True)]
    rows = {
        name: {
            **{f"{kind}_per_turn": [round(s, 3) for s in seconds] for kind, seconds in took.items()},
            "cpu_ratio": round(sum(took["cpu"]) / sum(best["policy"]["cpu"]), 2),
            "wall_ratio": round(sum(took["wall"]) / sum(best["policy"]["wall"]), 2),
        }
        for name, took in best.items()
    }
    about = {
        "command": f"python benchmarks/turns_speed.py {' '.join(sys.argv[1:])}".strip(),
        "model": "SmolLM2-135M-Instruct",
        "dtype": str(policy.model.dtype),
        "prompt_tokens": PROMPT, "sampled_per_turn": SAMPLED, "reply_tokens": REPLY, "group": GROUP,
        "threads": options.threads,
        "reps": options.reps,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "rows": rows,
    }  # fmt: skip
    print(json.dumps(rows, indent=2))
    keep("turns_speed", about)


if __name__ == "__main__":
    main()
