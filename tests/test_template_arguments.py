"""Arguments of a chat template, and its own prompt for tools, in every command."""

from __future__ import annotations

import json
import logging

import gymnasium as gym
import pytest
from chat_families import tokenizer
from tiny_lm import tiny_model

from toolgym.agents.config import TrainConfig
from toolgym.agents.policy import Policy
from toolgym.agents.tokens import ChatTokens, TemplateError
from toolgym.agents.training.trainer import Trainer
from toolgym.assets import AssetError
from toolgym.cli.agent_specs import Player, agent_specs, options_of
from toolgym.cli.main import main
from toolgym.cli.resolve import env_arguments
from toolgym.rollout import evaluate
from toolgym.runlog import RunError, read_episodes
from toolgym.types import message

OFFICE = {"level": "single", "dialect": "hermes", "instructions": False}
USER = [message("user", "u")]


def loaded(name="qwen3"):
    words = tokenizer(name)
    return tiny_model(vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1), words


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model with Qwen 3's template."""
    path = tmp_path_factory.mktemp("model") / "qwen3"
    model, words = loaded()
    model.save_pretrained(path)
    words.save_pretrained(path)
    return str(path)


def policy(name="qwen3", **kwargs):
    return Policy(loaded(name), **{"max_new_tokens": 4, **kwargs})


def shown(agent, observation):
    return agent.chat.decode(agent.encode(observation["messages"], observation["tools"]))


def test_arguments_reach_the_template_and_the_settings(caplog):
    thinks, quiet = policy(), policy(template_kwargs={"enable_thinking": False})
    assert quiet.chat.render(USER) == thinks.chat.render(USER) + "<think>\n\n</think>\n\n"
    replied = [*USER, message("assistant", "a"), message("tool", "t")]
    assert quiet.chat.decode(quiet.encode(replied)).endswith("assistant\n<think>\n\n</think>\n\n")
    assert not quiet.act({"messages": USER, "tools": ()}).startswith("<think>"), "a closed thought is the prompt's own"
    assert quiet.settings == {**thinks.settings, "template_kwargs": {"enable_thinking": False}}
    assert not caplog.records
    policy(template_kwargs={"enable_thinkin": False})
    assert "never mentions 'enable_thinkin': it changes nothing" in caplog.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"messages": []}, "cannot be given"), ({"tools": 1}, "cannot be given"), ({"tokenize": 1}, "cannot be given"),
        ({"strftime_now": 1}, "cannot be given"), ({"_x": 1}, "cannot be given"), ({"a b": 1}, "identifier"),
        ({"x": object()}, "JSON value"), ({"x": float("nan")}, "JSON value"), ([1], "mapping"),
    ],
)  # fmt: skip
def test_arguments_that_no_template_can_have(wrong, said):
    with pytest.raises(ValueError, match=said):
        policy(template_kwargs=wrong)


def test_tools_in_the_words_of_the_template():
    env = gym.make("ToolGym-Office-v0", **OFFICE)
    observation, _ = env.reset(seed=0)
    agent = policy(tools="template")
    text = shown(agent, observation)
    name = observation["tools"][0]["function"]["name"]
    assert text.count("<tools>") == 1
    assert text.count(f'"name": "{name}"') == 1
    assert "You can call these tools" not in text
    assert observation["messages"][0]["content"] in text, "the task's own system message stays"
    assert agent.settings["tools"] == "template"
    # earlier prompts of a conversation keep their tools; tools that are offered later are announced by messages
    longer = [*observation["messages"], message("assistant", "a"), message("tool", "t")]
    tools = (*observation["tools"], {"type": "function", "function": {"name": "later", "parameters": {}}})
    later = agent.chat.decode(agent.encode(longer, tools))
    assert later.startswith(text)
    assert "later" not in later
    other = {"messages": observation["messages"], "tools": observation["tools"][:1]}
    assert shown(agent, other) != text, "the same words with other tools are another task"
    assert agent.chat.decode(agent.encode(longer, other["tools"])).startswith(shown(agent, other))
    transcript = agent.chat.transcript(observation["messages"], observation["tools"])
    assert tuple(transcript.token_ids) == agent.encode(observation["messages"], observation["tools"])


def test_tools_are_described_once_and_in_a_dialect_that_the_template_teaches():
    agent = policy(tools="template")
    for kwargs, said in (
        ({**OFFICE, "instructions": True}, "instructions=False"),
        ({**OFFICE, "dialect": "toolrl"}, "does not teach the dialect toolrl"),
    ):
        with pytest.raises(ValueError, match=said):
            evaluate("ToolGym-Office-v0", agent, env_kwargs=kwargs, n=1)
    with pytest.raises(ValueError, match="nothing tells the model of its tools"):
        evaluate("ToolGym-Office-v0", policy(), env_kwargs=OFFICE, n=1)
    with pytest.raises(AssetError, match=r": the chat template does not know tools"):
        policy("gemma2", tools="template")
    with pytest.raises(TemplateError, match="does not know tools"):
        ChatTokens(tokenizer("smollm2"), tools="template")
    with pytest.raises(ValueError, match="tools is prompt or template"):
        policy(tools="native")
    with pytest.raises(TypeError, match="instructions must be True or False"):
        gym.make("ToolGym-Office-v0", instructions="no")


def test_a_resumed_run_samples_what_the_whole_run_would_have(tmp_path):
    def texts(out, resume, repeats):
        agent = policy(tools="template", temperature=1.0)
        found = evaluate(
            "ToolGym-Office-v0", agent, env_kwargs=OFFICE, n=2, repeats=repeats, out=out, resume=resume, batch_size=1
        )
        return [turn.action for each in found for turn in each.turns]

    whole = texts(tmp_path / "whole", False, 2)
    lines = (tmp_path / "whole" / "episodes.jsonl").read_text().splitlines(keepends=True)
    assert len(set(whole)) == len(whole) == 4
    (tmp_path / "whole" / "episodes.jsonl").write_text(lines[0] + lines[2])
    assert texts(tmp_path / "whole", True, 2) == whole
    other = policy(tools="template", temperature=1.0, template_kwargs={"enable_thinking": False})
    with pytest.raises(RunError, match="enable_thinking"):
        evaluate("ToolGym-Office-v0", other, env_kwargs=OFFICE, n=2, repeats=2, out=tmp_path / "whole", resume=True)


def test_the_command_line(folder, tmp_path, capsys):
    out = str(tmp_path / "run")
    words = ["eval", "--env", "ToolGym-Office-v0", "--category", "single", "-n", "1", "--agent", "policy",
             "--model", folder, "--max-new-tokens", "4", "--out", out]  # fmt: skip
    more = ["--tools", "template", "--template-kwarg", "enable_thinking=false"]
    assert main([*words, *more]) == 1
    assert "does not teach the dialect toolrl" in capsys.readouterr().err
    assert main([*words, *more, "--dialect", "hermes"]) == 0, "the refusal left no folder"
    kept = json.loads((tmp_path / "run" / "run.json").read_text())
    assert kept["env_kwargs"]["instructions"] is False
    assert kept["agent_settings"]["template_kwargs"] == {"enable_thinking": False}
    assert kept["agent_settings"]["tools"] == "template"
    (episode,) = read_episodes(out)
    assert "You can call" not in episode.messages[0]["content"]
    assert main(["replay", out]) == 0
    assert main([*words, "--template-kwarg", "enable_thinking"]) == 1
    assert "enable_thinking=false" in capsys.readouterr().err
    assert main([*words[:-2], "--agent", "silent", *more]) == 1
    assert "--tools, --template-kwarg, --max-completion-length: not for agent 'silent'" in capsys.readouterr().err


def test_specs_of_a_comparison(folder):
    text = f"policy:model={folder},template_kwarg=enable_thinking=false,template_kwarg=a=1,tools=template,oracle"
    first, _ = agent_specs(text)
    assert options_of(first)[1]["template_kwarg"] == ["enable_thinking=false", "a=1"]
    player = Player(first, 0, 1)
    assert player.agent.settings["template_kwargs"] == {"enable_thinking": False, "a": 1}
    assert player.env_kwargs == {"instructions": False}
    assert Player("oracle", 0, 1).env_kwargs == {}


@pytest.mark.parametrize("algo", ["grpo", "sft"])
def test_training(algo, tmp_path):
    settings = TrainConfig(
        algo=algo, env_kwargs={"level": "single", "dialect": "hermes"}, tools="template", out=str(tmp_path / "run"),
        template_kwargs={"enable_thinking": False}, steps=1, prompts_per_step=1, num_generations=2, eval_tasks=1,
        max_completion_length=4,
    )  # fmt: skip
    run = Trainer(settings, loaded=loaded())
    run.run()
    prompt = run.chat.decode(run._shown[0].sample.token_ids[: run._shown[0].sample.prompt_length])
    assert prompt.count("<tools>") == 1
    assert prompt.endswith("<think>\n\n</think>\n\n")
    assert "You can call" not in prompt
    kept = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (kept["tools"], kept["template_kwargs"]) == ("template", {"enable_thinking": False})
    (about,) = (tmp_path / "run" / "evaluations").glob("step-000001/run.json")
    assert json.loads(about.read_text())["env_kwargs"]["instructions"] is False
    taught = TrainConfig(tools="template", out=str(tmp_path / "other"), algo=algo)
    with pytest.raises(ValueError, match="does not teach the dialect toolrl"):
        Trainer(taught, loaded=loaded())
    assert not (tmp_path / "other" / "config.json").exists()


def test_warnings_are_logged_once_per_policy(caplog):
    with caplog.at_level(logging.WARNING):
        policy("gemma2", template_kwargs={"enable_thinking": False, "date_string": "x"})
    assert len(caplog.records) == 2


def test_values_may_be_written_as_in_python():
    assert env_arguments(["a=True", "b=False", "c=None", "d=true", "e=Nope"]) == {
        "a": True, "b": False, "c": None, "d": True, "e": "Nope",
    }  # fmt: skip
