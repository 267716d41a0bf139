"""What a run is promised beyond the loop itself: schedules, ends of turns, limits, dropout, odd gold, early Ctrl-C."""

from __future__ import annotations

import os
import signal
from functools import partial

import gymnasium as gym
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from test_train import Talk, Unplugged, config, letters, metrics, trainer, unplug_after, weights  # noqa: E402
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402
from tokenizers import normalizers  # noqa: E402

from toolgym import Rubric, Task, register  # noqa: E402
from toolgym.agents import checkpoint  # noqa: E402
from toolgym.agents.policy import Policy  # noqa: E402
from toolgym.agents.training.collect import Collector  # noqa: E402
from toolgym.agents.training.optimizer import MasterAdamW  # noqa: E402
from toolgym.agents.training.trainer import Trainer, TrainingStopped  # noqa: E402
from toolgym.wrappers import OnlyTasks  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


class Rising(Rubric):
    """Pays the trainer's step."""

    def __init__(self):
        self.step = 0
        super().__init__([("step", lambda evidence: float(self.step), 1.0)])

    def set_step(self, step):
        self.step = step


class Decomposed(Talk):
    """Its gold has a letter that some tokenizers write in another way."""

    def gold(self, task):
        return ("cafe\u0301",) if task.id.endswith("0") else ("fine",)


register("TestRising-v0", lambda split="train", **kwargs: letters(split, rubric=Rising()))
register("TestTurns-v0", lambda split="train", **kwargs: Talk([Task.of("t", "go")], dialect="openai", **kwargs))
register(
    "TestDecomposed-v0",
    lambda split="train", **kwargs: Decomposed([Task.of(f"{split}-{i}", "go") for i in range(2)], dialect="openai"),
)


def collector(make, model=None, max_tokens=None, **kwargs):
    policy = Policy((model or tiny_model(), byte_tokenizer()), **{"max_new_tokens": 8, "temperature": 1.0, **kwargs})
    return Collector([make] if callable(make) else make, policy, policy.chat, max_tokens)


def test_a_schedule_is_at_the_trainers_step_in_every_environment_of_a_mix(tmp_path):
    suites = [lambda: gym.make("TestRising-v0"), lambda: gym.make("TestRising-v0")]
    plays = collector(suites)
    plays.set_step(3)
    first = plays.play([(0, "train-0")], 2)
    plays.set_step(5)
    second = plays.play([(0, "train-0"), (1, "train-1"), (1, "train-2")], 3)
    assert [r.reward for group in first for r in group] == [3.0] * 2
    assert [r.reward for group in second for r in group] == [5.0] * 9


def test_a_schedule_goes_on_where_a_killed_run_stopped(tmp_path):
    whole = trainer(tmp_path / "whole", env="TestRising-v0", steps=4)
    whole.run()
    with pytest.raises(Unplugged):
        trainer(tmp_path / "cut", env="TestRising-v0", steps=4, on_step=unplug_after(3)).run()
    again = trainer(tmp_path / "cut", env="TestRising-v0", steps=4, resume=True)
    again.run()
    assert [row["reward"] for row in metrics(tmp_path / "cut")] == [0.0, 1.0, 2.0, 3.0]
    assert weights(again) == weights(whole)


def test_an_answer_ends_with_the_token_that_ends_turns_in_the_template_too(tmp_path):
    """As base models have it: the template writes <|im_end|>, the settings name another token."""
    tokenizer, model = byte_tokenizer(), tiny_model()
    tokenizer.eos_token = "<|im_start|>"
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert Policy((model, tokenizer)).end_ids == {end, tokenizer.eos_token_id}
    run = Trainer(config(tmp_path / "run", algo="sft", steps=1), loaded=(model, tokenizer))
    run.run()
    (saved,) = checkpoint.all_of(tmp_path / "run")
    assert end in transformers.GenerationConfig.from_pretrained(saved).eos_token_id


def test_dropout_is_off_and_a_run_with_it_goes_on_to_the_same_weights(tmp_path):
    def run(out, **kwargs):
        loaded = (tiny_model(attention_dropout=0.5).train(), byte_tokenizer())
        settings = {"algo": "sft", "steps": 4, "save_every": 2}
        on_step = kwargs.pop("on_step", None)
        return Trainer(config(tmp_path / out, **settings), loaded=loaded, on_step=on_step, **kwargs)

    whole = run("whole")
    whole.run()
    with pytest.raises(Unplugged):
        run("cut", on_step=unplug_after(3)).run()
    again = run("cut", resume=True)
    again.run()
    assert weights(again) == weights(whole)
    assert not any(module.training for module in whole.model.modules())


def test_tasks_that_a_wrapper_leaves_out_are_never_drawn():
    plays = collector(lambda: OnlyTasks(gym.make("TestLetters-v0"), ["train-2", "train-0"]))
    assert [task.id for task in plays.tasks()] == ["train-2", "train-0"]
    assert len(collector(lambda: gym.make("TestLetters-v0")).tasks()) == 4


def test_gold_that_the_tokenizer_would_change_is_left_out_of_sft(tmp_path):
    tokenizer = byte_tokenizer()
    tokenizer.backend_tokenizer.normalizer = normalizers.NFC()
    settings = config(tmp_path / "run", env="TestDecomposed-v0", algo="sft", steps=6)
    Trainer(settings, loaded=(tiny_model(), tokenizer)).run()
    unscored = [row["unscored"] for row in metrics(tmp_path / "run")]
    assert 0 < sum(unscored) < 6 * 2

    gold = Collector(
        [lambda: gym.make("TestDecomposed-v0")], *(lambda p: (p, p.chat))(Policy((tiny_model(), tokenizer)))
    ).gold((0, "train-0"))
    assert not gold.valid
    assert "the tokenizer changes the answer" in gold.trajectory.error


def test_max_tokens_bounds_a_whole_episode():
    plays = collector(lambda: gym.make("TestTurns-v0", max_turns=4), max_tokens=60)
    (group,) = plays.play([(0, "t")], 12)
    ends = [rollout.sample.turns[-1][1] for rollout in group]
    assert max(ends) == 60
    assert all(rollout.sample.truncated for rollout in group)


def test_an_episode_whose_tokens_run_out_pays_for_its_end():
    """As one that runs out of turns: else rambling would earn more than giving up."""
    office = partial(gym.make, "ToolGym-Office-v0", level="dialogue", split="train")
    tokens = max(
        r.sample.turns[0][1] for r in collector(office, max_new_tokens=4).play([(0, "train-000007-dialogue")], 4)[0]
    )
    (group,) = collector(office, max_tokens=tokens, max_new_tokens=4).play([(0, "train-000007-dialogue")], 4)
    env = office(max_turns=1)
    for rollout in group:
        assert rollout.valid
        env.reset(options={"task_id": "train-000007-dialogue"})
        _, reward, *_ = env.step(rollout.trajectory.turns[0].action)
        assert rollout.reward == reward < -9
        assert rollout.trajectory.turns[-1].reward.terms[-1].name == "outcome"
        assert (rollout.trajectory.success, rollout.trajectory.verdict) == (False, "the episode's tokens ran out")


def test_an_answer_that_the_environment_cuts_is_trained_on_as_it_was_sampled():
    plays = collector(lambda: gym.make("TestTurns-v0", max_turns=3, max_action_chars=3))
    (group,) = plays.play([(0, "t")], 4)
    assert all(rollout.valid and len(rollout.sample.turns) == 3 for rollout in group)
    kept = [turn.messages[0]["content"] for rollout in group for turn in rollout.trajectory.turns]
    assert max(map(len, kept)) == 4  # one more than the limit: enough to see that it was too long


def test_ctrl_c_during_the_first_evaluation_leaves_a_run_to_go_on_with(tmp_path):
    run = trainer(tmp_path / "run", eval_every=1)
    evaluate = run.evaluate
    run.evaluate = lambda: os.kill(os.getpid(), signal.SIGINT) or evaluate()
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert len(checkpoint.all_of(tmp_path / "run")) == 1
    again = trainer(tmp_path / "run", eval_every=1, resume=True)
    again.run()
    whole = trainer(tmp_path / "whole", eval_every=1)
    whole.run()
    assert weights(again) == weights(whole)
    assert [row["step"] for row in metrics(tmp_path / "run")] == [0, 1, 2, 3]


def test_a_stop_says_what_can_be_done_and_that_works(tmp_path):
    run = trainer(tmp_path / "run", steps=4, save_every=1)
    step = run.learner.optimizer.step
    run.learner.optimizer.step = lambda rate: step(rate) if run.step < 2 else float("nan")
    with pytest.raises(TrainingStopped, match="another folder with a lower learning rate or another seed") as stopped:
        run.run()
    last = checkpoint.all_of(tmp_path / "run")[-1]
    assert f"--model {last}" in str(stopped.value)


def test_gradients_of_many_micro_batches_add_up_in_float32():
    weight = torch.nn.Parameter(torch.zeros(64, dtype=torch.bfloat16))
    optimizer = MasterAdamW([weight], max_grad_norm=float("inf"))
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros(64)
    with optimizer.summing():
        for _ in range(400):
            gradient = (1 + 0.1 * torch.rand(64, generator=generator)).bfloat16()
            (weight * gradient).sum().backward()
            total += gradient.float()
    assert optimizer.step(0.0) == pytest.approx(float(total.norm()), rel=1e-5)


def test_trainers_that_are_made_of_one_model_all_train_it(tmp_path):
    """As in a notebook, where the first run's objects live on."""
    loaded = (tiny_model().bfloat16(), byte_tokenizer())
    runs = [Trainer(config(tmp_path / name, algo="sft"), loaded=loaded) for name in ("first", "second")]
    for run in reversed(runs):
        before = [weight.clone() for weight in run.model.parameters()]
        run.run()
        assert metrics(run.folder)[0]["grad_norm"] > 0
        assert not all(map(torch.equal, before, run.model.parameters()))


def test_keys_that_longrope_would_turn_otherwise_are_never_kept():
    """Where a conversation outgrows the short factors, all of its tokens change theirs: there the context ends."""
    rope = {
        "rope_type": "longrope", "rope_theta": 10000.0, "factor": 8.0, "original_max_position_embeddings": 60,
        "short_factor": [1.0] * 4, "long_factor": [1.0, 2.0, 4.0, 8.0],
    }  # fmt: skip
    model = tiny_model(rope_parameters=rope, max_position_embeddings=512)
    plays = collector(lambda: gym.make("TestTurns-v0", max_turns=6), model=model)
    (group,) = plays.play([(0, "t")], 8)
    assert max(rollout.sample.turns[-1][1] for rollout in group) == 60


def test_the_learning_rate_ends_at_a_tenth():
    settings = config("x", steps=20, warmup_steps=5, learning_rate=1e-3)
    rates = [settings.learning_rate_at(step) for step in range(20)]
    assert rates[:6] == pytest.approx([2e-4, 4e-4, 6e-4, 8e-4, 1e-3, 1e-3])
    assert rates[-1] == pytest.approx(1e-4)


def test_what_sft_leaves_out_does_not_shorten_what_is_evaluated(tmp_path):
    """Else its curve could not go on in that of a run from its checkpoint."""
    run = trainer(tmp_path / "run", env="TestTurns-v0", eval_kwargs={"max_turns": 4}, algo="sft", max_tokens=60)
    (group,) = run.evaluator.play([(0, "t")])
    assert len(group[0].sample.turns) == 4
    assert group[0].sample.turns[-1][1] > 60
