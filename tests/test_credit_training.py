"""Credit in the trainer: what real episodes are credited with, and that a policy learns from it."""

from __future__ import annotations

import dataclasses

import gymnasium as gym
import msgspec
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from test_train import config, metrics, trainer  # noqa: E402
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym import Rubric, Task, ToolCall, ToolEnv, register  # noqa: E402
from toolgym.agents.tokens import ChatTokens  # noqa: E402
from toolgym.agents.training.batch import Batch  # noqa: E402
from toolgym.agents.training.credit import call_parts, grpo_advantages, token_spans  # noqa: E402
from toolgym.agents.training.forward import TrainingForward  # noqa: E402
from toolgym.agents.training.update import GRPOUpdate  # noqa: E402
from toolgym.dialects import DIALECTS  # noqa: E402
from toolgym.rewards import terms  # noqa: E402
from toolgym.tools import Tool  # noqa: E402
from toolgym.types import Completion, RewardBreakdown, message  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


class Keys(ToolEnv):
    """Two turns of pressing keys: each ASCII character is a call, and eight small letters are wanted.

    A capital letter or a digit ends the episode after its turn, so that the policy decides how long it is.
    """

    def parse(self, text):
        calls = [
            ToolCall("letter" if "a" <= c <= "z" else "other", {}, start=i, end=i + 1)
            for i, c in enumerate(text)
            if c.isascii()
        ]
        return Completion(text, tuple(calls))

    def finished(self, completion):
        return any(c.isascii() and (c.isupper() or c.isdigit()) for c in completion.text)

    def reply(self, completion, records):
        return (message("user", "more"),)


def keys(split="train", **kwargs):
    tools = tuple(Tool(name, "", {"type": "object", "properties": {}}, None) for name in ("letter", "other"))
    wanted = [[ToolCall("letter", {})] * 8] * 2
    tasks = [Task.of(f"{split}-{i}", "go" + "!" * i, tools, wanted) for i in range(4)]
    return Keys(tasks, dialect="openai", rubric=Rubric([("name", terms.name, 4.0)]), max_turns=2, **kwargs)


register("TestKeys-v0", keys)


@pytest.mark.parametrize("credit", ["episode", "turn", "call", "fork", "term"])
def test_the_reward_of_two_turns_rises(tmp_path, credit):
    settings = {"steps": 15, "num_generations": 16, "learning_rate": 1e-2, "save_every": 100, "seed": 1}
    run = trainer(tmp_path / "run", env="TestKeys-v0", credit=credit, **settings)
    run.run()
    rows = metrics(tmp_path / "run")
    rewards = [row["reward"] for row in rows]
    assert sum(rewards[-4:]) > 2 * sum(rewards[:4])
    told = {name: name in rows[0] for name in ("turns_of_one", "calls_of_one", "fork_tokens")}
    assert told == {
        "turns_of_one": credit != "episode",
        "calls_of_one": credit == "call",
        "fork_tokens": credit == "fork",
    }


@pytest.fixture
def run(tmp_path):
    return trainer(tmp_path / "run", env="TestKeys-v0", num_generations=8)


@pytest.fixture
def group(run):
    """Eight episodes of one task, the fourth of which is not valid; some have one turn, some two."""
    (group,) = run.collector.play([(0, "train-1")], 8)
    group[3].trajectory.reward_valid = False
    assert {len(rollout.sample.turns) for rollout in group} == {1, 2}
    return group


def turn_differences(group, rewards):
    """The definition, one turn at a time: {(episode, turn): return to go minus the others' mean}."""
    found = {}
    for i in rewards:
        for k in range(len(rewards[i])):
            at = k
            while not (others := [sum(rewards[j][at:]) for j in rewards if j != i and len(rewards[j]) > at]):
                at -= 1
            found[i, k] = sum(rewards[i][k:]) - sum(others) / len(others)
    return found


def turn_rewards(group):
    return {i: [turn.reward.total for turn in r.trajectory.turns] for i, r in enumerate(group) if r.valid}


def test_turns_of_real_episodes(run, group):
    about = grpo_advantages([group], dataclasses.replace(run.config, credit="turn", scale_rewards="none"))
    for (i, k), wanted in turn_differences(group, turn_rewards(group)).items():
        start, end = group[i].sample.turns[k]
        assert group[i].sample.advantages[start:end] == pytest.approx([wanted] * (end - start), abs=1e-6)
    for rollout in group:
        pairs = zip(rollout.sample.advantages, rollout.sample.loss_mask, strict=True)
        assert not any(advantage for advantage, mask in pairs if not mask)
    assert not any(group[3].sample.advantages)
    assert about["unscored"] == 1


def test_calls_of_real_episodes(run, group):
    settings = dataclasses.replace(run.config, credit="call", scale_rewards="none")
    with pytest.raises(ValueError, match="needs decode"):
        grpo_advantages([group], settings)
    grpo_advantages([group], settings, decode=run.chat.decode)
    base = turn_differences(group, turn_rewards(group))
    credited = 0
    for i, k in base:
        sample, turn = group[i].sample, group[i].trajectory.turns[k]
        others = [r for j, r in enumerate(group) if j != i and r.valid and len(r.trajectory.turns) > k]
        parts = [part for r in others for part in call_parts(r.trajectory.turns[k].reward)]
        mean = sum(parts) / len(parts)
        own = dict(zip([r.call.start for r in turn.reward.calls], call_parts(turn.reward), strict=True))
        for at in range(*sample.turns[k]):
            # a token is a byte: the character that it is, or is a part of
            before = run.chat.decode(sample.token_ids[sample.turns[k][0] : at])
            written = run.chat.decode([sample.token_ids[at]])
            wanted = base[i, k]
            if written.isascii() and len(written) == 1:
                wanted += own[len(before)] - mean
                credited += 1
            assert sample.advantages[at] == pytest.approx(wanted, abs=1e-6)
    assert credited > 20


def test_kl_in_the_reward_is_taken_off_the_turn_that_it_is_on(run, group):
    reference = TrainingForward(tiny_model(1))
    settings = dataclasses.replace(run.config, credit="turn", scale_rewards="none", beta=0.3, kl_in="reward")
    about = grpo_advantages([group], settings, run.forward, reference)
    rewards = turn_rewards(group)
    plain = sum(sum(each) for each in rewards.values()) / len(rewards)
    for i in rewards:
        sample = group[i].sample
        gap = (run.forward.score(Batch.of([sample]), 1.0) - reference.score(Batch.of([sample]), 1.0))[0]
        for k, (start, end) in enumerate(sample.turns):
            rewards[i][k] -= 0.3 * float(gap[start - sample.prompt_length : end - sample.prompt_length].sum())
    for (i, k), wanted in turn_differences(group, rewards).items():
        assert group[i].sample.advantages[group[i].sample.turns[k][0]] == pytest.approx(wanted, abs=1e-4)
    assert about["reward"] == pytest.approx(plain)
    assert about["kl"] > 0


def test_only_grpo_has_a_choice_of_credit(tmp_path):
    for algo in ("ppo", "sft"):
        with pytest.raises(ValueError, match="credit 'turn' is for algo \"grpo\""):
            config(tmp_path, algo=algo, credit="turn")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_calls_of_every_dialect_are_found_in_tokens(dialect):
    chat = ChatTokens(byte_tokenizer())
    env = gym.make("ToolGym-Office-v0", dialect=dialect, split="train", level="parallel").unwrapped
    found = 0
    for index in range(3):
        env.reset(options={"task_id": env.tasks[index].id})
        for action in env.gold(env.task):
            action = action.replace("<think>", "<think>né😀 ")
            *_, info = env.step(action)
            spans = [(record.call.start, record.call.end) for record in info["calls"]]
            ids = chat.answer(action)
            for (start, end), (first, last) in zip(spans, token_spans(ids, spans, chat.decode), strict=True):
                assert chat.decode(ids[first:last]) == action[start:end]
                found += end > start
    assert found > 3


# What has no advantage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss_type", ["dapo", "grpo", "dr_grpo", "gspo", "cispo"])
@pytest.mark.parametrize("num_iterations", [1, 2])
def test_what_has_no_advantage_is_not_run_and_still_counts_in_the_mean(run, group, loss_type, num_iterations):
    samples = [rollout.sample for rollout in group]
    kept = samples[:3]
    for sample in kept:
        sample.credit(1.5)

    def gradient(nothing):
        for sample in samples[3:]:
            sample.credit(nothing)
        settings = dataclasses.replace(run.config, loss_type=loss_type, num_iterations=num_iterations)
        run.model.zero_grad()
        update = GRPOUpdate(samples, run.forward, settings)
        about = [update.gradients(i) for i in range(num_iterations)][-1]
        return torch.cat([p.grad.flatten() for p in run.model.parameters()]), about["tokens"]

    skipping, tokens = gradient(0.0)
    running, all_tokens = gradient(1e-30)  # too small to change anything, but not 0
    assert tokens == sum(sum(sample.loss_mask) for sample in kept)
    assert all_tokens == sum(sum(sample.loss_mask) for sample in samples)
    assert torch.allclose(skipping, running, atol=1e-6, rtol=1e-4)
    assert skipping.norm() > 0.01


def test_a_step_with_few_useful_groups_takes_no_larger_a_step(run):
    useful, useless = run.collector.play([(0, "train-0"), (0, "train-1")], 4)
    for rollout in useless:
        turns = rollout.trajectory.turns
        turns[:] = [msgspec.structs.replace(turn, reward=RewardBreakdown()) for turn in turns]
    samples = [rollout.sample for group in (useful, useless) for rollout in group]
    grpo_advantages([useful, useless], run.config)
    norms = []
    for batch in (samples[:4], samples):
        run.model.zero_grad()
        GRPOUpdate(batch, run.forward, run.config).gradients(0)
        norms.append(torch.cat([p.grad.flatten() for p in run.model.parameters()]).norm())
    tokens = [sum(sum(sample.loss_mask) for sample in batch) for batch in (samples[:4], samples)]
    assert float(norms[0] / norms[1]) == pytest.approx(tokens[1] / tokens[0], rel=1e-3)
