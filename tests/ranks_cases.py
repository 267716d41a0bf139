"""The training runs of test_ranks.py: ``python ranks_cases.py FOLDER`` is one of several ranks, and does them all."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import torch
from test_train import config
from tiny_lm import byte_tokenizer, tiny_model

from toolgym.agents.training.trainer import Trainer

FSDP = {"fsdp": True}
CASES = {
    "sft": {"algo": "sft", "prompts_per_step": 5},
    "grpo": {"prompts_per_step": 5, "num_generations": 3, "num_iterations": 2, "scale_rewards": "batch"},
    "turns": {"env": "TestTalk-v0", "eval_kwargs": {}, "credit": "turn", "prompts_per_step": 3, "beta": 0.1},
    "ppo": {"algo": "ppo", "prompts_per_step": 3, "num_iterations": 2, "beta": 0.1, "kl_in": "reward"},
    "chosen": {"dynamic_sampling": 2, "draw": "curriculum", "guided": "plain", "num_generations": 2},
    "fsdp-sft": {"algo": "sft", "prompts_per_step": 5, **FSDP},
    "fsdp-grpo": {"prompts_per_step": 3, "num_iterations": 2, "beta": 0.1, "gradient_checkpointing": True, **FSDP},
    "fsdp-ppo": {"algo": "ppo", "prompts_per_step": 3, "num_iterations": 2, **FSDP},
}
"""Name -> settings. Each is trained by one process and by two."""
SETTINGS = {"steps": 2, "learning_rate": 1e-5, "save_every": 1, "eval_every": 2, "eval_tasks": 3}


def trainer(out, resume=False, **settings):
    loaded = tiny_model(), byte_tokenizer()
    return Trainer(config(out, **{**SETTINGS, **settings}), resume=resume, loaded=loaded)


def main(folder: Path) -> None:
    rank = int(os.environ["RANK"])
    for name, settings in CASES.items():
        trainer(folder / name, **settings).run()
    for name in ("resumed", "fsdp-resumed"):  # one process has trained one step
        trainer(folder / name, resume=True, fsdp=name != "resumed").run()
    from toolgym.cli.main import main as command

    train = [
        "train",
        "--model",
        str(folder / "model"),
        "--env",
        "test_train:TestLetters-v0",
        "--steps",
        "2",
        "--eval-tasks",
        "2",
    ]
    sizes = ["--num-generations", "2", "--max-completion-length", "8", "--seed", "1"]
    for name, *more in (("command", "--fsdp"), ("few", "--prompts-per-step", "1")):
        code = command([*train, *sizes, "--out", str(folder / name), *more])
        (folder / f"{name}-{rank}").write_text(str(code))
    run = trainer(folder / "killed", steps=9)
    step = run._train_step

    def train_step():
        if run.step == 2 and rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return step()

    run._train_step = train_step
    try:
        run.run()
    except Exception as error:
        (folder / "lost").write_text(f"{time.time()} {type(error).__name__}: {error}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
