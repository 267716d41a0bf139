"""The training runs of test_ranks.py: ``python ranks_cases.py FOLDER`` is one of several ranks, and does them all."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import torch
from test_train import config
from tiny_architectures import tiny
from tiny_lm import byte_tokenizer, tiny_model

from toolgym.agents.tokens import Sample
from toolgym.agents.training.batch import Batch
from toolgym.agents.training.distributed.ranks import join
from toolgym.agents.training.distributed.sharded import ShardedForward
from toolgym.agents.training.forward import TrainingForward
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


def windowed_gradients() -> float:
    """The largest relative difference of a divided model's gradients, for a model with windows."""
    model = tiny("mistral")
    forward = TrainingForward(model)
    prompts = [[1, 2, 4, 4], [5, 6, 7], [8] * 20]
    ids = [(prompt, [*prompt, 9, 3, 9, 3, 9, 3]) for prompt in prompts for _ in range(2)]
    batch = Batch.of([Sample(i, [0] * len(p) + [1] * 6, [0.0] * len(i), [0.0] * len(i), len(p)) for p, i in ids])
    whole = forward.logprobs(batch)[0].sum()
    found = torch.autograd.grad(whole, list(model.parameters()))
    forward.ranks = join()
    divided = ShardedForward(model, forward)
    for micro in divided.micro_batches(batch):
        (divided.logprobs(micro)[0].sum() * (0 if micro.padding else 1)).backward()
    pairs = zip(model.parameters(), found, strict=True)
    return max(float((p.grad.full_tensor() - g).abs().max() / g.abs().max().clamp(min=1)) for p, g in pairs)


def main(folder: Path) -> None:
    rank = int(os.environ["RANK"])
    (folder / f"windowed-{rank}").write_text(str(windowed_gradients()))
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
