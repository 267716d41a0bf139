"""Demonstrations in training: sampled with them, and learnt with them or without."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import gymnasium as gym  # noqa: E402
from chat_families import tokenizer  # noqa: E402
from test_demonstrations import opening  # noqa: E402
from test_train import letters  # noqa: E402,F401  (registers TestLetters-v0)
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym.agents.config import TrainConfig  # noqa: E402
from toolgym.agents.policy import Policy  # noqa: E402
from toolgym.agents.tokens import ChatTokens, Sample  # noqa: E402
from toolgym.agents.tool_offer import FirstTools  # noqa: E402
from toolgym.agents.training.batch import Batch  # noqa: E402
from toolgym.agents.training.collect import Collector  # noqa: E402
from toolgym.agents.training.forward import TrainingForward  # noqa: E402
from toolgym.agents.training.trainer import Trainer  # noqa: E402
from toolgym.stored.run_files import read_episodes, read_metrics  # noqa: E402
from toolgym.types import message  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

DEMOS = {"split": "test", "demonstrations": 2, "dialect": "compact"}


def test_a_sample_after_another_prompt():
    sample = Sample([1, 2, 3, 7, 8, 4, 9], [0, 0, 0, 1, 1, 0, 1], [0, 0, 0, -0.1, -0.2, 0, -0.3], [0.0] * 7, 3,
                    [(3, 5), (6, 7)], True)  # fmt: skip
    sample.credit([1.0, 2.0])
    moved = sample.after([5])
    assert moved.token_ids == [5, 7, 8, 4, 9]
    assert moved.loss_mask == [0, 1, 1, 0, 1]
    assert moved.logprobs == [0, -0.1, -0.2, 0, -0.3]
    assert moved.advantages == [0, 1.0, 1.0, 0, 2.0]
    assert (moved.prompt_length, moved.turns, moved.truncated) == (1, [(1, 3), (4, 5)], True)
    assert moved.after([1, 2, 3]) == sample
    assert sample.turns == [(3, 5), (6, 7)]


def collector(demonstrations, env_id="TestDemoShop-v0", **kwargs):
    policy = Policy((tiny_model(), byte_tokenizer()), max_new_tokens=6, temperature=1.0, seed=3)
    made = [lambda: gym.make(env_id, **{**DEMOS, **kwargs})]
    return Collector(made, policy, policy.chat, demonstrations=demonstrations)


def test_the_same_episodes_are_learnt_after_the_prompt_without_demonstrations():
    task = [(0, "test-jam"), (0, "test-milk")]
    shown, hidden = collector(True).play(task, 2), collector(False).play(task, 2)
    for group, same in zip(shown, hidden, strict=True):
        task_id = group[0].trajectory.task_id
        chat = collector(True).chat
        with_them = chat.prompt(opening("TestDemoShop-v0", task_id, **DEMOS)[1])
        without = chat.prompt(opening("TestDemoShop-v0", task_id, **{**DEMOS, "demonstrations": 0})[1])
        for long, short in zip(group, same, strict=True):
            assert short.trajectory.messages == long.trajectory.messages  # kept: what the model saw
            assert len(short.trajectory.messages) > 6
            assert long.sample.token_ids[: long.sample.prompt_length] == with_them
            assert short.sample.token_ids[: short.sample.prompt_length] == without
            assert short.sample == long.sample.after(without)
            sampled = [
                token for token, mine in zip(short.sample.token_ids, short.sample.loss_mask, strict=True) if mine
            ]
            said = [token for start, end in short.sample.turns for token in short.sample.token_ids[start:end]]
            assert sampled == said
            assert (
                chat.decode(said[: short.sample.turns[0][1] - short.sample.turns[0][0]]).removesuffix("<|im_end|>")
                == short.trajectory.turns[0].action
            )


def test_forks_and_gold_are_learnt_after_the_same_prompt():
    from test_credit_forks import long as four_turns
    from test_train import register

    shots = [message("user", "more"), message("assistant", "A")]
    register("TestDemoLong-v0", lambda **kwargs: four_turns(demonstrations=shots))
    policy = Policy((tiny_model(), byte_tokenizer()), max_new_tokens=2, temperature=1.0)
    played = Collector([lambda: gym.make("TestDemoLong-v0")], policy, policy.chat, demonstrations=False)
    task = played.tasks()[0]
    prompt = policy.chat.prompt(task.messages)
    (group,) = played.play([(0, task.id)], 3, forks=2)
    forks = [fork for rollout in group for turn in rollout.forks for fork in turn]
    assert forks
    for rollout in (*group, *forks, played.gold((0, task.id))):
        assert rollout.sample.token_ids[: rollout.sample.prompt_length] == prompt
    for rollout in forks:  # the conversation up to the fork is not learnt again
        start = rollout.sample.turns[0][0]
        assert not any(rollout.sample.loss_mask[:start])
        assert any(rollout.sample.token_ids[:start] == other.sample.token_ids[:start] for other in group)


def config(out, **settings):
    given = {
        "env": "TestLetters-v0", "eval_kwargs": {"split": "test"}, "steps": 2,
        "out": str(out), "prompts_per_step": 2, "num_generations": 3, "max_completion_length": 4, "save_every": 1,
        "eval_every": 0, "eval_tasks": 1, "demonstrations": 2, "scale_rewards": "none", **settings,
    }  # fmt: skip
    return TrainConfig(**given)


def trained(out, **settings):
    trainer = Trainer(config(out, **settings), loaded=(tiny_model(), byte_tokenizer()))
    trainer.run()
    return trainer


def test_the_update_uses_the_trainers_own_probabilities_after_the_short_prompt(tmp_path):
    """The gap to the sampler's is reported, and ``importance_cap`` limits the weight that makes up for it."""
    trainer = trained(tmp_path / "run", demonstrations_in="sampling", importance_cap=2.0, steps=1)
    samples = [rollout.sample for rollout in trainer._shown]
    batch = Batch.of(samples)
    scored = TrainingForward(tiny_model()).score(batch, 1.0)
    for sample, row in zip(samples, scored, strict=True):
        ids = torch.tensor([sample.token_ids])
        plain = tiny_model()(ids).logits[0].log_softmax(-1)  # (T, V)
        for i in range(sample.prompt_length, len(sample.token_ids)):
            if sample.loss_mask[i]:
                assert row[i - sample.prompt_length] == pytest.approx(
                    plain[i - 1, sample.token_ids[i]].item(), abs=1e-4
                )
    gap = (scored - batch.logprobs)[batch.mask].abs().mean()
    assert gap > 0.05  # off-policy: the sampler read another prompt
    (row,) = [row for row in read_metrics(tmp_path / "run") if row["step"] == 1]
    assert row["importance/log_ratio"] > 0.05
    on_policy = trained(tmp_path / "same", demonstrations_in="prompt", steps=1)
    (row,) = [row for row in read_metrics(tmp_path / "same") if row["step"] == 1]
    assert row["importance/log_ratio"] < 1e-3
    assert on_policy._shown[0].sample.prompt_length > samples[0].prompt_length


def test_kept_episodes_show_what_was_seen(tmp_path):
    trained(tmp_path / "run", demonstrations_in="sampling", steps=1, eval_every=1)
    group = read_episodes(tmp_path / "run" / "groups" / "step-000001")
    evaluation = read_episodes(tmp_path / "run" / "evaluations" / "step-000001")
    assert len(group[0].messages) > len(evaluation[0].messages) == 1
    kept = json.loads((tmp_path / "run" / "groups" / "step-000001" / "run.json").read_text())
    assert kept["env_kwargs"]["demonstrations"] == 2
    trained(tmp_path / "both", demonstrations_in="prompt", steps=1, eval_every=1)
    evaluation = read_episodes(tmp_path / "both" / "evaluations" / "step-000001")
    assert len(evaluation[0].messages) == len(group[0].messages)


def test_a_resumed_run_comes_to_the_same_weights(tmp_path):
    whole = trained(tmp_path / "whole", demonstrations_in="sampling")
    trained(tmp_path / "part", demonstrations_in="sampling", steps=1)
    again = Trainer(
        config(tmp_path / "part", demonstrations_in="sampling"),
        resume=True,
        loaded=(tiny_model(), byte_tokenizer()),
    )
    again.run()
    # the learning rate of step 1 is the same in both: it is still rising
    for one, other in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_sft_has_nothing_to_sample():
    with pytest.raises(ValueError, match="sft samples nothing"):
        TrainConfig(algo="sft", demonstrations_in="sampling")
    with pytest.raises(ValueError, match="demonstrations must be a whole number from 0"):
        TrainConfig(demonstrations=-1)


@pytest.mark.parametrize("family", ["gemma2", "mistral_small", "qwen2_5", "llama3_1"])
def test_templates_that_lack_roles_fold_the_examples_too(family):
    """In ToolRL's dialect, with results that some templates have no role for."""
    chat = ChatTokens(tokenizer(family))
    _, messages = opening("TestDemoShop-v0", "test-jam", split="test", demonstrations=2)
    text = chat.render(messages)
    places = [text.index(each["content"].strip()[-20:]) for each in messages if each["role"] == "user"]
    assert places == sorted(places)
    assert text.count('"name": "add"') >= 2


def test_the_tools_of_a_conversation_are_found_behind_its_demonstrations():
    """Two conversations begin with the same examples: each keeps the tools of its own first prompt."""
    shots = [message("user", "more"), message("assistant", "A")]
    known, small, large = FirstTools(), [{"name": "a"}], [{"name": "a"}, {"name": "b"}]
    one, two = [*shots, message("user", "1")], [*shots, message("user", "2")]
    assert known.of(one, small) == small
    assert known.of(two, large) == large
    later = [{"name": "c"}]
    assert known.of([*one, message("assistant", "x"), message("user", "y")], small + later) == small
    assert known.of([*two, message("assistant", "x"), message("user", "y")], large + later) == large
