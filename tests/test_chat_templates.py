"""Chat templates of 28 families: every episode counts, and its tokens are the tokens that were sampled."""

from __future__ import annotations

import dataclasses

import gymnasium as gym
import pytest
from chat_families import NAMES, letter_by_letter, tokenizer
from tiny_lm import tiny_model

from toolgym.agents.config import TrainConfig
from toolgym.agents.opened_thought import after_opening
from toolgym.agents.policy import Generation, Policy
from toolgym.agents.tokens import ChatTokens
from toolgym.agents.training.trainer import Trainer
from toolgym.rollout import evaluate
from toolgym.types import message

LEVELS = ["dialogue", "recover"]
"""Of the office: several user messages, and calls that fail."""
OPENED = {"qwq": "<think>\n", "deepseek_r1": "<think>\n", "nemotron": "<think>"}


def say(role, content, **more):
    return message(role, content, **more)


def chat(name, **kwargs):
    return ChatTokens(tokenizer(name), **kwargs)


def loaded(name):
    words = tokenizer(name)
    return tiny_model(vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1), words


class Reciter:
    """Replaces a policy's sampling: recites texts in order, letter by letter, a text to all prompts of a round."""

    def __init__(self, policy, texts):
        self.policy, self.texts, self.said = policy, list(texts), []
        policy.sample_ids = self.sample_ids

    def sample_ids(self, prompts, max_tokens=None):
        text = self.texts.pop(0)
        found = []
        for i, prompt in enumerate(prompts):
            thought = self.policy.chat.opened_thought(prompt)
            written = after_opening(text, thought) + " Bye. \n" * (i % 2)  # blanks that templates trim
            ids = [*letter_by_letter(self.policy.chat, written), self.policy.chat.end_of_turn]
            found.append(Generation(tuple(prompt), tuple(ids), (-0.5,) * len(ids), thought + written, "end"))
        self.said.append(found)
        return found


def gold_texts(env_id, n, **kwargs):
    env = gym.make(env_id, **kwargs).unwrapped
    from toolgym.tasks.source import task_order

    return [text for task_id in task_order(env.tasks, n, 0) for text in env.gold(env.find_task(task_id))]


def checked(rollout, generations):
    """The sample holds the generations' own ids, with mask 1 there and nowhere else."""
    sample = rollout.sample
    assert rollout.valid
    spans = [sample.token_ids[start:end] for start, end in sample.turns]
    assert spans == [list(each.token_ids) for each in generations]
    mask = [0] * len(sample.token_ids)
    for start, end in sample.turns:
        mask[start:end] = [1] * (end - start)
    assert sample.loss_mask == mask
    assert [turn.action for turn in rollout.trajectory.turns] == [each.text for each in generations]
    for (start, _), each in zip(sample.turns, generations, strict=True):
        assert tuple(sample.token_ids[:start]) == each.prompt_ids


@pytest.mark.parametrize("name", NAMES)
def test_evaluation_grpo_and_sft_with_the_template(name, tmp_path):
    model, words = loaded(name)
    policy = Policy((model, words))
    for env_id, n, kwargs in (("ToolGym-Office-v0", 2, {"level": LEVELS}), ("ToolGym-Functions-v0", 1, {})):
        Reciter(policy, gold_texts(env_id, n, **kwargs))
        episodes = evaluate(env_id, policy, env_kwargs=kwargs, n=n, batch_size=1)
        assert [each.error for each in episodes] == [None] * n
        assert all(each.success for each in episodes)

    settings = TrainConfig(
        algo="grpo", env_kwargs={"level": LEVELS, "max_turns": 4}, eval_kwargs={}, out=str(tmp_path / name),
        steps=1, prompts_per_step=1, num_generations=2, eval_every=0, max_tokens=4000, credit="call",
    )  # fmt: skip
    run = Trainer(settings, loaded=(model, words))
    task = next(run._draw(0))
    wrong = '<think>No.</think>\n<tool_call>\n{"name": "nowhere", "parameters": {"a": "<|im_end|>"}}\n</tool_call>'
    two = wrong.replace("\n</tool_call>", '\n{"name": "call", "parameters": {}}\n</tool_call>')
    env = run.collector.env()
    texts = [wrong, two, *env.gold(env.find_task(task[1]))][:4]
    reciter = Reciter(run.collector.policy, texts)
    row = run._train_step()
    assert row["unscored"] == 0
    assert row["grad_norm"] > 0
    for rollout, *generations in zip(run._shown, *reciter.said, strict=True):
        checked(rollout, generations)

    settings = dataclasses.replace(settings, algo="sft", credit="episode", out=str(tmp_path / "sft"))
    run = Trainer(dataclasses.replace(settings, mix=[{"env": "ToolGym-Functions-v0"}]), loaded=(model, words))
    assert run._train_step()["unscored"] == 0
    for one in ((0, task[1]), (1, run.collector.tasks(1)[0].id)):
        rollout = run.collector.gold(one)
        assert rollout.valid
        spoken = [turn.action for turn in rollout.trajectory.turns]
        assert learnt(run.chat, rollout.sample) == spoken


def learnt(tokens, sample):
    """The texts that a sample trains on, with the opening of a thought that stands in the prompt."""
    found = []
    end = tokens.decode([tokens.end_of_turn])
    for start, stop in sample.turns:
        assert sample.token_ids[start:stop].count(tokens.end_of_turn) == 1
        thought = tokens.opened_thought(sample.token_ids[:start]).strip()
        found.append(thought + tokens.decode(sample.token_ids[start:stop]).removesuffix(end))
    return found
