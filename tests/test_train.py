"""The training loop on a tiny model: it learns, resumes to the same bytes, and survives what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym import Rubric, Task, ToolEnv, register, tool, tools_of  # noqa: E402
from toolgym.agents import checkpoint  # noqa: E402
from toolgym.agents.config import TrainConfig, descriptions, parse  # noqa: E402
from toolgym.agents.training.batch import Batch  # noqa: E402
from toolgym.agents.training.kept_episodes import eval_tasks  # noqa: E402
from toolgym.agents.training.trainer import Trainer, TrainingStopped  # noqa: E402
from toolgym.runlog import RunError  # noqa: E402
from toolgym.types import message  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


class Letters:
    @tool(timeout=None)
    def look(self) -> str:
        """Look."""
        return "a"


def small_letters(evidence):
    return sum("a" <= letter <= "z" for letter in evidence.completion.text) / 8


def letters(split="train", rubric=None, **kwargs):
    """Write small letters: a bandit that any policy gradient solves."""
    tasks = [Task.of(f"{split}-{i}", "go" + "!" * i, tools_of(Letters)) for i in range(4)]
    rubric = rubric or Rubric([("letters", small_letters, 1.0)])
    return ToolEnv(tasks, dialect="openai", rubric=rubric, state=Letters, **kwargs)


def broken(**kwargs):
    """An environment whose tool is always down: no reward counts."""

    class Down(ToolEnv):
        def start(self, task):
            self.fail("the server is down")

    return Down([Task.of("t", "go", ())], dialect="openai")


class Talk(ToolEnv):
    """Two turns, whatever is said."""

    def finished(self, completion):
        return False

    def reply(self, completion, records):
        return (message("user", "and?"),)


def talk(split="train", **kwargs):
    rubric = Rubric([("letters", small_letters, 1.0)])
    return Talk([Task.of(f"{split}-1", "go")], dialect="openai", rubric=rubric, max_turns=2)


register("TestTalk-v0", talk)
register("TestLetters-v0", letters)
register("TestBroken-v0", broken)


def config(out, **kwargs):
    settings = {
        "env": "TestLetters-v0", "out": str(out), "steps": 3, "prompts_per_step": 2, "num_generations": 4,
        "max_completion_length": 8, "eval_every": 0, "save_every": 2, "learning_rate": 3e-3, "warmup_steps": 1,
    }  # fmt: skip
    return TrainConfig(**{**settings, **kwargs})


def trainer(out, resume=False, on_step=None, **kwargs):
    return Trainer(config(out, **kwargs), resume=resume, on_step=on_step, loaded=(tiny_model(), byte_tokenizer()))


class Unplugged(Exception):
    pass


def unplug_after(step):
    def unplug(row):
        if row["step"] == step:
            raise Unplugged

    return unplug


def weights(run):
    return b"".join(p.detach().numpy().tobytes() for p in run.model.parameters())


def metrics(out):
    return [json.loads(line) for line in (Path(out) / "metrics.jsonl").read_text().splitlines()]


def timeless(out):
    return [{name: value for name, value in row.items() if "second" not in name} for row in metrics(out)]


@pytest.mark.parametrize("algo", ["grpo", "ppo"])
def test_the_reward_rises(tmp_path, algo):
    run = trainer(tmp_path / "run", algo=algo, steps=20, num_generations=16, learning_rate=1e-2, save_every=100)
    run.run()
    rewards = [row["reward"] for row in metrics(tmp_path / "run")]
    assert sum(rewards[-5:]) > 2 * sum(rewards[:5])


def test_sft_learns_the_gold(tmp_path):
    run = trainer(tmp_path / "run", algo="sft", steps=30, save_every=100)
    run.run()
    losses = [row["nll"] for row in metrics(tmp_path / "run")]
    assert losses[-1] < losses[0] / 3


@pytest.mark.parametrize(
    "options",
    [{"algo": "sft"}, {"algo": "sft", "draw": "stratified"}, {"algo": "grpo"}, {"draw": "stratified"}, {"algo": "ppo"}],
    ids=str,
)
def test_a_resumed_run_ends_in_the_same_weights(tmp_path, options):
    whole = trainer(tmp_path / "whole", steps=5, **options)
    whole.run()
    with pytest.raises(Unplugged):
        trainer(tmp_path / "half", steps=5, on_step=unplug_after(3), **options).run()
    half = trainer(tmp_path / "half", steps=5, resume=True, **options)
    assert half.step == 2, "the checkpoint of step 2"
    half.run()
    assert weights(half) == weights(whole)
    assert timeless(tmp_path / "half") == timeless(tmp_path / "whole")


def test_kill_9_at_any_moment_changes_nothing(tmp_path):
    source = """
        import sys
        sys.path.insert(0, sys.argv[2])
        import torch
        torch.set_num_threads(1)
        import test_train
        test_train.trainer(sys.argv[1], steps=12, save_every=1, resume=True).run()
    """
    command = [sys.executable, "-c", textwrap.dedent(source)]
    here = str(Path(__file__).parent)
    subprocess.run([*command, str(tmp_path / "whole"), here], check=True, timeout=120)
    for delay in (0.0, 0.05):
        process = subprocess.Popen([*command, str(tmp_path / "killed"), here])
        seen = len(checkpoint.all_of(tmp_path / "killed"))
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            steps = [int(p.name[5:]) for p in checkpoint.all_of(tmp_path / "killed")]
            if steps and max(steps) >= 3 + seen:
                break
            time.sleep(0.01)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run([*command, str(tmp_path / "killed"), here], check=True, timeout=120)
    last = [checkpoint.latest(tmp_path / name)["optimizer"]["masters"] for name in ("whole", "killed")]
    assert all(torch.equal(a, b) for a, b in zip(*last, strict=True))
    assert [row["step"] for row in metrics(tmp_path / "killed")] == list(range(1, 13))


def test_ctrl_c_saves_and_leaves(tmp_path):
    def interrupt(row):
        if row["step"] == 3:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    run = trainer(tmp_path / "run", steps=50, on_step=interrupt, save_every=100)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert checkpoint.latest(tmp_path / "run")["step"] in (3, 4)
    assert signal.getsignal(signal.SIGINT) is before


def test_checkpoints_load_in_transformers(tmp_path):
    import transformers

    run = trainer(tmp_path / "run")
    run.run()
    (folder,) = checkpoint.all_of(tmp_path / "run")[-1:]
    again = transformers.AutoModelForCausalLM.from_pretrained(folder)
    ids = torch.tensor([[1, 2, 3]])
    assert torch.equal(again(ids).logits, run.model(ids).logits)
    assert len(checkpoint.all_of(tmp_path / "run")) <= checkpoint.KEPT


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # by loading below
def test_lora_trains_adapters_alone_and_saves_them_for_peft(tmp_path):
    from peft import PeftModel

    run = trainer(tmp_path / "run", lora_rank=2, algo="sft", steps=4)
    assert weights(run) == weights(trainer(tmp_path / "same", lora_rank=2, algo="sft", steps=4))
    base = {name: p.detach().clone() for name, p in run.model.named_parameters() if "lora" not in name}
    run.run()
    assert all(torch.equal(p, base[name]) for name, p in run.model.named_parameters() if name in base)
    adapted = PeftModel.from_pretrained(tiny_model(), checkpoint.all_of(tmp_path / "run")[-1])
    ids = torch.tensor([[1, 2, 3]])
    assert torch.equal(adapted(ids).logits, run.model.eval()(ids).logits)
    assert not torch.equal(adapted(ids).logits, tiny_model()(ids).logits)
    assert trainer(tmp_path / "run", lora_rank=2, algo="sft", steps=5, resume=True).run()["nll"] > 0


def test_episodes_that_were_never_scored_train_nothing(tmp_path):
    run = trainer(tmp_path / "run", env="TestBroken-v0", eval_kwargs={})
    before = weights(run)
    run.run()
    assert weights(run) == before
    assert [row["unscored"] for row in metrics(tmp_path / "run")] == [8.0] * 3


def rewriting(template):
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = tokenizer.chat_template.replace("{{ m['content'] }}", template)
    return tokenizer


@pytest.mark.parametrize(
    "template",
    [
        "{{ m['content'] if loop.last else '(gone)' ~ m['content'] }}",
        "{{ m['content'] | replace('a', '') if m['role'] == 'assistant' else m['content'] }}",
    ],
)
def test_a_template_that_rewrites_history_leaves_no_episode_out(tmp_path, template):
    run = Trainer(config(tmp_path / "run", env="TestTalk-v0"), loaded=(tiny_model(), rewriting(template)))
    run.run()
    assert sum(row["unscored"] for row in metrics(tmp_path / "run")) == 0


def test_two_turns_are_trained_on_as_they_were_sampled(tmp_path):
    run = trainer(tmp_path / "run", env="TestTalk-v0")
    (group,) = run.collector.play([(0, "train-1")], 4)
    for rollout in group:
        sample = rollout.sample
        assert len(sample.turns) == 2
        said = [run.chat.decode(sample.token_ids[start:end]) for start, end in sample.turns]
        texts = [turn.action for turn in rollout.trajectory.turns]
        assert [text.removesuffix("<|im_end|>") for text in said] == texts
        assert sum(sample.loss_mask) == sum(end - start for start, end in sample.turns)
        between = run.chat.decode(sample.token_ids[sample.turns[0][1] : sample.turns[1][0]])
        assert between.endswith("<|im_start|>user\nand?<|im_end|>\n<|im_start|>assistant\n")
    logprobs, _ = run.forward.logprobs(Batch.of([rollout.sample for rollout in group]))
    sampled = [lp for r in group for lp, m in zip(r.sample.logprobs, r.sample.loss_mask, strict=True) if m]
    assert torch.allclose(logprobs, torch.tensor(sampled), atol=1e-4)


def test_a_group_of_one_trains_nothing(tmp_path):
    run = trainer(tmp_path / "run", num_generations=1)
    before = weights(run)
    run.run()
    assert weights(run) == before
    assert metrics(tmp_path / "run")[0]["frac_reward_zero_std"] == 1.0


def test_a_step_that_is_not_finite_stops_with_the_batch_saved(tmp_path):
    run = trainer(tmp_path / "run")

    def ruin(row):
        if row["step"] == 1:
            run.learner.optimizer.trained[0].register_hook(lambda gradient: gradient * float("nan"))

    run.on_step = ruin
    before = None
    with pytest.raises(TrainingStopped, match="norm at step 2 is nan"):
        before = run.run()
    assert before is None
    batch = torch.load(tmp_path / "run" / "broken-step-000002.pt", weights_only=True)
    assert batch[0]["task_id"].startswith("train-")


def test_evaluation_is_on_the_same_held_out_tasks(tmp_path):
    run = trainer(tmp_path / "run", eval_every=2, eval_tasks=3, steps=4)
    run.run()
    rows = [row for row in metrics(tmp_path / "run") if "eval/reward" in row]
    assert [row["step"] for row in rows] == [0, 2, 4]
    assert all(name.startswith("val-") for _, name in eval_tasks(run.evaluator, 3))
    assert eval_tasks(run.evaluator, 3) == eval_tasks(trainer(tmp_path / "other").evaluator, 3)


def test_clear_errors(tmp_path):
    trainer(tmp_path / "run").run()
    with pytest.raises(RunError, match="--resume"):
        trainer(tmp_path / "run")
    with pytest.raises(RunError, match=r"learning_rate=0\.003"):
        trainer(tmp_path / "run", resume=True, learning_rate=1.0)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(RunError, match="not empty"):
        trainer(tmp_path / "mine")
    with pytest.raises(ValueError, match="num_generations"):
        config(tmp_path, num_generations=0)
    with pytest.raises(ValueError, match="learning_rate must be a number above 0"):
        config(tmp_path, learning_rate=float("nan"))
    with pytest.raises(ValueError, match="algo must be one of sft, grpo, ppo"):
        config(tmp_path, algo="dpo")


def test_a_run_that_cannot_begin_leaves_nothing(tmp_path):
    from toolgym.assets import AssetError

    with pytest.raises(AssetError):
        Trainer(config(tmp_path / "run", model=str(tmp_path / "nowhere")))
    trainer(tmp_path / "run").run()


def test_the_config_is_the_command_line(tmp_path):
    assert set(descriptions()) == set(TrainConfig.__dataclass_fields__)
    assert len(descriptions()) <= 50
    words = ["--steps", "7", "--env-kwargs", '{"level": "easy"}', "--loss-type", "gspo", "--epsilon-high", "0.3"]
    asked = parse(words)
    assert (asked.steps, asked.env_kwargs, asked.loss_type, asked.epsilon_high) == (7, {"level": "easy"}, "gspo", 0.3)
    file = tmp_path / "run.yaml"
    file.write_text("steps: 9\nseed: 3\n")
    assert parse(["--config", str(file), "--seed", "4"]) == TrainConfig(steps=9, seed=4)
    file.write_text("steps: [1\nseed: 3\n")
    with pytest.raises(ValueError, match=r"run.yaml:2:5 is neither YAML nor JSON: expected ',' or '\]'"):
        parse(["--config", str(file)])
    file.write_text("stepz: 9\n")
    with pytest.raises(ValueError, match="unknown setting stepz"):
        parse(["--config", str(file)])
