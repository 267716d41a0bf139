"""rollout_func for TRL: tokens as sampled, masks, rewards, and what TRL's settings may ask for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from test_exports import PLAYS, bare, texts_of
from tiny_lm import byte_tokenizer, tiny_model

from toolgym.agents import trl_rollouts
from toolgym.agents.policy import Generation, Policy
from toolgym.exports.trl import TASK, rollout_spec, toolgym_reward


def trainer(model, **settings):
    args = SimpleNamespace(
        seed=1, max_completion_length=8, temperature=1.0, top_p=1.0, top_k=0, use_vllm=False, **settings
    )
    accelerator = SimpleNamespace(unwrap_model=lambda model: model, process_index=0)
    return SimpleNamespace(
        model=model, processing_class=byte_tokenizer(), args=args, accelerator=accelerator,
        state=SimpleNamespace(global_step=0),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def datasets(monkeypatch):
    monkeypatch.setattr("toolgym.exports.trl._dataset", lambda columns: columns)


def test_it_samples_from_the_trainers_model():
    spec = rollout_spec("ToolGym-Functions-v0", {"category": "single"}, n=2)
    prompts = [prompt for prompt in spec.train_dataset["prompt"] for _ in range(2)]
    owner = trainer(tiny_model().train())
    played = spec.rollout_func(prompts, owner)
    assert owner.model.training
    assert {len(column) for column in played.values()} == {4}
    assert played["prompt_ids"][0] == played["prompt_ids"][1] != played["prompt_ids"][2]
    for ids, logprobs, mask in zip(played["completion_ids"], played["logprobs"], played["env_mask"], strict=True):
        assert 0 < len(ids) == len(logprobs) == len(mask) == sum(mask) <= 8
    assert toolgym_reward(**played, prompts=prompts) == played["toolgym_reward"]
    again = spec.rollout_func(prompts, owner)
    assert again == played  # the same step: a resumed run samples the same
    owner.state.global_step = 1
    assert spec.rollout_func(prompts, owner)["completion_ids"] != played["completion_ids"]


@pytest.mark.parametrize("play", PLAYS[:2], ids=lambda play: play[2])
def test_rewards_and_masks(play, monkeypatch):
    texts = texts_of(*play)
    rewards, success, verdict, valid = bare(*play[:3], texts)

    class Scripted(Policy):
        def forget(self):
            super().forget()
            self.turn = 0

        def sample_ids(self, prompts, max_tokens=None):
            ids = [*self.tokenizer.encode(texts[self.turn]), self.tokenizer.eos_token_id]
            self.turn += 1
            return [Generation(tuple(p), tuple(ids), (-1.0,) * len(ids), texts[self.turn - 1], "end") for p in prompts]

    monkeypatch.setattr(trl_rollouts, "Policy", Scripted)
    spec = rollout_spec(*play[:2], task_ids=[play[2]])
    assert spec.train_dataset["prompt"][0][0][TASK] == play[2]
    played = spec.rollout_func(spec.train_dataset["prompt"] * 2, trainer(tiny_model()))
    assert played["toolgym_reward"] == [sum(rewards) if valid else None] * 2
    assert played["toolgym_success"] == [success if valid else None] * 2
    assert played["toolgym_turn_rewards"] == [rewards] * 2
    assert played["toolgym_verdict"] == [verdict] * 2
    sampled = [i for i, mask in zip(played["completion_ids"][0], played["env_mask"][0], strict=True) if mask]
    tokenizer = byte_tokenizer()
    assert sampled == [i for text in texts for i in [*tokenizer.encode(text), tokenizer.eos_token_id]]
    assert 0 in played["env_mask"][0]


@pytest.mark.parametrize("setting", [{"use_vllm": True}, {"repetition_penalty": 1.1}, {"min_p": 0.1}])
def test_other_ways_of_sampling_are_refused(setting):
    owner = trainer(tiny_model())
    vars(owner.args).update(setting)
    spec = rollout_spec("TestWarehouse-v0", task_ids=["screw"])
    with pytest.raises(ValueError, match=next(iter(setting))):
        spec.rollout_func(spec.train_dataset["prompt"], owner)
