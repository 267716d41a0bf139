"""Chat templates of 28 families: every episode counts, and its tokens are the tokens that were sampled."""

from __future__ import annotations

import dataclasses
from functools import cache

import gymnasium as gym
import pytest
import transformers
from chat_families import NAMES, letter_by_letter, tokenizer
from conftest import calling, shop
from tiny_lm import tiny_model

from toolgym.agents.config import TrainConfig
from toolgym.agents.policy import Generation, Policy
from toolgym.agents.templates.opened_thought import after_opening
from toolgym.agents.tokens import ChatTokens, TemplateError
from toolgym.agents.training.credit import credit_calls
from toolgym.agents.training.sft import gold_sample
from toolgym.agents.training.trainer import Trainer
from toolgym.dialects import DIALECTS
from toolgym.rollout import evaluate
from toolgym.tasks.source import task_order
from toolgym.types import message

LEVELS = ["dialogue", "recover"]
"""Of the office: several user messages, and calls that fail."""
OPENED = {"qwq": "<think>\n", "deepseek_r1": "<think>\n", "nemotron": "<think>"}


def say(role, content, **more):
    return message(role, content, **more)


@cache
def chat(name):
    return ChatTokens(tokenizer(name))


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
    task = run.drawing.of_step(0).first(1)[0]
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


@pytest.mark.parametrize("dialect", DIALECTS)
def test_gold_of_every_dialect_is_learnt_word_for_word(dialect):
    env = gym.make("ToolGym-Office-v0", level=LEVELS, dialect=dialect).unwrapped
    observation, _ = env.reset(seed=1)
    for text in env.gold(env.task):
        env.step(text)
    turns = [turn.messages for turn in env.turns]
    for name in NAMES:
        tokens = chat(name)
        sample = gold_sample(tokens, observation["messages"], turns)
        for text, gold in zip(learnt(tokens, sample), [turn.action for turn in env.turns], strict=True):
            # a prompt that opens a thought: gold without one closes it first
            assert text == gold or (name in OPENED and text == f"<think>\n</think>\n\n{gold}")


def test_odd_gold_is_learnt_word_for_word():
    turns = [
        [say("assistant", text), say("tool", "<|im_end|>")] for text in ("", " \n a </s><|im_end|><|eot_id|> ", "\n")
    ]
    for name in set(NAMES) - OPENED.keys():
        tokens = chat(name)
        sample = gold_sample(tokens, [say("user", "")], turns)
        assert learnt(tokens, sample) == [turn[0]["content"] for turn in turns]


# Roles -----------------------------------------------------------------------------------------------------------

ODD = [
    [], [say("user", "")], [say("user", " \n")], [say("system", "s")], [say("tool", "t")],
    [say("assistant", "a"), say("user", "u")],
    [say("system", "s"), say("assistant", "a"), say("assistant", "b")],
    [say("system", "s"), say("user", "u"), say("system", "s2"), say("user", "u2")],
    [say("developer", "d"), say("user", "u"), say("function", "f")],
    [say("user", "u"), say("assistant", ""), say("tool", ""), say("tool", " "), say("user", "v"), say("user", "w")],
    [say("user", "u"), say("assistant", "a"), say("tool", "t", name="f", tool_call_id="call_0"), say("system", "s")],
    [{"role": "user", "content": None}, {"role": "assistant"}, {"role": "user", "content": [{"text": "p"}]}],
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_shape_of_a_conversation_is_refused(name):
    tokens = chat(name)
    for messages in ODD:
        text = tokens.decode(tokens.prompt(messages))
        for each in messages:
            said = each.get("content")
            assert (said if isinstance(said, str) else "").strip() in text
    many = [say("user", "u"), say("assistant", "a"), *(say("tool", f"<{i}>", name=f"t{i}") for i in range(64))]
    text = tokens.decode(tokens.prompt(many))
    assert [text.count(f"<{i}>") for i in range(64)] == [1] * 64


def test_what_a_template_lacks_is_said_in_words():
    folds = {name: " ".join(chat(name).folds) for name in NAMES}
    assert folds["qwen2_5"] == folds["smollm2"] == folds["llama3_1"] == ""
    assert "system message goes to the head of the first user message" in folds["gemma2"]
    assert "system" not in folds["gemma3"]
    for name in ("gemma3", "llama2", "mistral_v01", "phi3", "phi4", "olmo2", "command_r"):
        assert 'tool results become a user message under "Result of <tool>:"' in folds[name]
    assert "follow a stand-in call" in folds["gpt_oss"]
    assert "tool results before a user message become a user message" in folds["mistral_small"]
    assert "consecutive user messages are joined" in folds["mistral_v03"]
    assert "list of parts" in folds["minimax"]
    assert "opening '### Assistant:\\n' is added" in folds["without_opening"]
    assert 'blank content becomes "(empty)"' in folds["without_opening"]


def test_a_template_that_insists_on_a_system_message_gets_one():
    insists = "{% if messages[0].role != 'system' %}{{ raise_exception('no system message') }}{% endif %}"
    tokens = ChatTokens(tokenizer("odd", insists + CONTENT.replace("CHECK", "")))
    assert tokens.folds == ("conversations without a system message get one: 'You are a helpful assistant.'",)
    text = tokens.render([say("user", "u"), say("assistant", "a"), say("tool", "t")])
    assert text.startswith("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nu")
    assert text.count("helpful") == 1
    assert "helpful" not in tokens.render([say("system", "s"), say("user", "u")])


def test_folded_roles_as_text():
    messages = [
        say("system", "Rules."), say("user", "Go."), say("assistant", "a "),
        say("tool", "3", name="add"), say("tool", "4", name="sub"), say("user", "And?"),
    ]  # fmt: skip
    assert chat("gemma2").render(messages) == (
        "<bos><start_of_turn>user\nRules.\n\nGo.<end_of_turn>\n<start_of_turn>model\na <end_of_turn>\n"
        "<start_of_turn>user\nResult of add:\n3\n\nResult of sub:\n4\n\nAnd?<end_of_turn>\n<start_of_turn>model\n"
    )
    assert chat("mistral_v03").render(messages) == (
        '<s>[INST] Rules.\n\nGo.[/INST]a </s>[TOOL_RESULTS] {"content": 3, "call_id": "call00000"}[/TOOL_RESULTS]'
        '[TOOL_RESULTS] {"content": 4, "call_id": "call00001"}[/TOOL_RESULTS][INST] And?[/INST]'
    )


CONTENT = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}CHECK{{ m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.mark.parametrize(
    "check",
    ["{% if 'bad' in m.content %}{{ raise_exception('no') }}{% endif %}", "{% set x = 1 / (m.content != '0') %}"],
)
def test_a_content_that_a_template_refuses_costs_no_episode(check):
    tokens = ChatTokens(tokenizer("odd", CONTENT.replace("CHECK", check)))
    messages = [say("user", "bad"), say("assistant", "bad"), say("tool", "0"), say("assistant", "0")]
    assert tokens.decode(tokens.prompt([*messages, say("tool", "bad", name="bad")])) == (
        "<|im_start|>user\nbad<|im_end|>\n<|im_start|>assistant\nbad<|im_end|>\n<|im_start|>tool\n0<|im_end|>\n"
        "<|im_start|>assistant\n0<|im_end|>\n<|im_start|>tool\nbad<|im_end|>\n<|im_start|>assistant\n"
    )


# Thoughts that the prompt opens -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPENED)
def test_a_thought_whose_opening_stands_in_the_prompt(name):
    model, words = loaded(name)
    policy = Policy((model, words), max_new_tokens=4)
    env = shop()
    observation, _ = env.reset(options={"task_id": "count"})
    opening = OPENED[name]
    assert policy.act(observation).startswith(opening)
    transcript = policy.chat.transcript(observation["messages"])
    text = opening + "Hm.</think>\n" + calling(("add", {"item": "milk", "quantity": 2})).partition("\n")[2]
    ids = [*letter_by_letter(policy.chat, text.removeprefix(opening)), policy.chat.end_of_turn]
    before = list(transcript.token_ids)
    transcript.append_sampled(ids, [-1.0] * len(ids))
    _, reward, *_ = env.step(text)
    assert reward == pytest.approx(4), "the format point is not lost"
    replies = env.turns[-1].messages[1:]
    messages = [*observation["messages"], say("assistant", text)]
    transcript.append_environment(messages, replies)
    assert transcript.token_ids[: len(before) + len(ids)] == before + ids
    # the call's own tokens get the call's advantage
    sample = transcript.sample()
    credit_calls(sample, 0, env.turns[0], [1.0], policy.chat.decode)
    credited = [i for i, value in zip(sample.token_ids, sample.advantages, strict=True) if value]
    assert policy.chat.decode(credited) == '{"name": "add", "parameters": {"item": "milk", "quantity": 2}}'


def test_an_answer_without_a_thought_closes_the_opened_thought():
    tokens = chat("qwq")
    sample = gold_sample(tokens, [say("user", "u")], [[say("assistant", "[f(x=1)]")]])
    assert tokens.decode(sample.token_ids).endswith("<think>\n\n</think>\n\n[f(x=1)]<|im_end|>")
    assert tokens.decode(sample.token_ids[slice(*sample.turns[0])]) == "\n</think>\n\n[f(x=1)]<|im_end|>"


# Foreign code and foreign text -----------------------------------------------------------------------------------


def test_a_prompt_is_the_same_on_every_day():
    for name in ("llama3_1", "granite3", "smollm3", "gpt_oss", "mistral_small"):
        assert "2024" in chat(name).render([say("user", "u")])
    dated = ChatTokens(tokenizer("llama3_1"), template_kwargs={"date_string": "1 May 2031"})
    assert "Today: 1 May 2031" in dated.render([say("user", "u")])
    with pytest.raises(TemplateError, match="draws at random"):
        ChatTokens(tokenizer("odd", CONTENT + "{{ [1, 2] | random }}"))


@pytest.mark.parametrize("name", ["qwen3", "llama3_1", "gemma2", "mistral_v03", "gpt_oss", "deepseek_r1", "glm4"])
def test_control_tokens_in_messages_are_text(name):
    tokens = chat(name)
    plain = [say("user", "u"), say("assistant", "a"), say("tool", "t", name="f")]
    marks = [token.content for token in tokens.tokenizer.added_tokens_decoder.values() if token.special]
    hostile = "".join(marks) + marks[0][:3] + marks[0] + marks[0][3:]
    spelt = [say("user", f"u{hostile}"), say("assistant", "a"), say("tool", f"t{hostile}", name=f"f{hostile}")]
    control = set(tokens.tokenizer.all_special_ids) | set(tokens.tokenizer.convert_tokens_to_ids(marks))

    def written(messages):
        return [i for i in tokens.prompt(messages) if i in control]

    assert written(spelt) == written(plain)
    assert tokens.decode(tokens.prompt(spelt)).count(hostile) >= 2
    assert written([*plain[:1], say("assistant", f"a{tokens.decode([tokens.end_of_turn])}b")]) == written(
        [*plain[:1], say("assistant", "ab")]
    )


@pytest.mark.parametrize(
    "content",
    ["m.content[:500]", "m.content[-500:]", "m.content | truncate(9000)", "m.content[:19000]",
     "(m.content[:500] if m.role == 'system' else m.content)", "(m.content[:500] if m.role == 'tool' else m.content)"],
)  # fmt: skip
def test_a_template_that_cuts_messages_is_refused_when_it_is_loaded(content):
    whole = (
        "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}[assistant] {% endif %}"
    )
    assert ChatTokens(tokenizer("odd", whole)).folds == ()
    with pytest.raises(TemplateError, match=r"cuts or rewrites long messages: with role '(system|user|tool)'"):
        ChatTokens(tokenizer("odd", whole.replace("m.content", content)))


@pytest.mark.parametrize(
    ("shown", "lost"),
    [
        ("{{ tools | tojson }}", None),
        ("{% for t in tools %}{{ t.function.name }} {% endfor %}", "descriptions"),
        ("{{ tools[:2] | tojson }}", "names"),
        ("{% for t in tools %}{{ t.function.name }}: {{ t.function.description }} {% endfor %}", "parameters"),
        ("{% for t in tools %}{{ t.function | tojson | truncate(300) }} {% endfor %}", "descriptions"),
        ("", "none"),
    ],
)
def test_a_template_that_leaves_out_parts_of_tools_is_refused_when_it_shall_show_them(shown, lost):
    code = (
        "{% if tools %}" + shown + "{% endif %}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}[assistant] {% endif %}"
    )
    if lost is None:
        assert ChatTokens(tokenizer("odd", code), tools="template")
        return
    said = "does not know tools" if lost == "none" else f"leaves out {lost} of tools: describe them in the prompt"
    with pytest.raises(TemplateError, match=said):
        ChatTokens(tokenizer("odd", code), tools="template")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "more than 1,000,000 steps"),
        ("{{ 'a' * 10 ** 12 }}", "repeats a text"),
        ("{{ 'a' * (10 ** 60) ** 60 }}", "repeats a text|power"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError"),
        ("{% for a in range(9000) %}{{ 'a' * 9000 }}{% endfor %}", "more than 50,000,000 characters"),
        ("{{ namespace(__class__=1) }}", "underscore"),
        ("{{ messages[0].__class__.__mro__ }}", "refuses the conversation|unsafe|access"),
        ("{{ messages.append(1) }}", "refuses"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% if %}", "not Jinja"),
    ],
)
def test_a_template_is_foreign_code(code, said):
    with pytest.raises(TemplateError, match=said):
        ChatTokens(tokenizer("odd", CONTENT + code))


def test_named_templates_and_their_files(tmp_path):
    words = tokenizer("smollm2")
    words.chat_template = {"default": words.chat_template, "tool_use": tokenizer("qwen2_5").chat_template}
    words.save_pretrained(tmp_path)
    assert (tmp_path / "chat_template.jinja").is_file()
    words = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert "SmolLM" in ChatTokens(words).render([say("user", "u")])
    assert "Qwen" in ChatTokens(words, tools="template").render([say("user", "u")])
    words.chat_template = {"a": CONTENT, "b": CONTENT}
    with pytest.raises(TemplateError, match="named a, b, and none named default"):
        ChatTokens(words)
