"""The training runs of test_ranks_served.py: ``python ranks_served.py FOLDER URL...`` is one of several ranks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from ranks_cases import trainer

from toolgym.agents.vllm import server as client

CASES = {
    "overlap": {
        "overlap": True, "steps": 4, "dynamic_sampling": 1, "draw": "curriculum", "env": "TestTalk-v0",
        "eval_kwargs": {}, "eval_every": 3, "credit": "fork", "prompts_per_step": 3, "num_generations": 2,
    },
    "fsdp": {
        "fsdp": True, "steps": 3, "prompts_per_step": 3, "num_generations": 2, "eval_every": 3, "save_every": 5,
    },
}  # fmt: skip
"""Name -> settings. Each is trained by one process, and by two ranks until their server is gone for good."""


def impatient() -> None:
    client.FIRST_WAIT, client.LONGEST_WAIT, client.PATIENCE = 0.01, 0.02, 20


def main(folder: Path, addresses: list[str]) -> None:
    impatient()
    rank = os.environ["RANK"]
    for (name, settings), address in zip(CASES.items(), addresses, strict=True):
        try:
            trainer(folder / name, sampler=address, **settings).run()
        except Exception as error:
            (folder / f"{name}-{rank}").write_text(f"{type(error).__name__}: {error}")
    (folder / f"done-{rank}").touch()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), sys.argv[2:])
