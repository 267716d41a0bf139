"""Tokens of an episode: nothing sampled is ever encoded again, and no template sees or rewrites an answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

from toolgym.agents.tokens import ChatTokens, Sample, TemplateError
from toolgym.agents.training.batch import Batch

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
DEFAULT_SYSTEM = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are helpful.<|im_end|>\n{% endif %}" + CHATML
)
HEADERS = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
GROUPED_RESULTS = (  # Hermes: several results in one message
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'tool' %}"
    "{% if loop.previtem['role'] != 'tool' %}<|im_start|>tool\n{% endif %}"
    "<tool_response>\n{{ m['content'] }}\n</tool_response>"
    "{% if loop.last or loop.nextitem['role'] != 'tool' %}<|im_end|>\n{% else %}\n{% endif %}"
    "{% else %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_END = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
TEMPLATES = {
    "chatml": CHATML, "default system": DEFAULT_SYSTEM, "headers": HEADERS, "grouped results": GROUPED_RESULTS,
    "no end token": NO_END,
}  # fmt: skip
SPECIAL = ["<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|begin|>"]


def byte_tokenizer(template, pad="<|im_end|>", eos="<|im_end|>"):
    """Bytes, and a few merges, so that a text can be written in several ways."""
    letters = sorted(ByteLevel.alphabet())
    merges = [("t", "o"), ("to", "o"), ("a", "d"), ("ad", "d")]
    vocabulary = {token: i for i, token in enumerate([*letters, *("".join(pair) for pair in merges)])}
    backend = Tokenizer(models.BPE(vocabulary, merges))
    backend.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(SPECIAL)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<|begin|>", eos_token=eos, pad_token=pad, chat_template=template
    )


def chat(template=CHATML, **kwargs):
    return ChatTokens(byte_tokenizer(template, **kwargs))


def say(role, content):
    return {"role": role, "content": content}


def test_the_example_of_the_module_token_by_token():
    words = ["user", "assistant", "tool", "\n", "1+1", "add", "1", "2"]
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="\n"))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(r"\n|1\+1|add|\d|[a-z]+"), "isolated")
    backend.decoder = decoders.Fuse()
    backend.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|im_end|>", chat_template=CHATML
    )
    number = {token: tokenizer.convert_tokens_to_ids(token) for token in [*words, "<|im_start|>", "<|im_end|>"]}
    user = say("user", "1+1")
    transcript = ChatTokens(tokenizer).transcript([user])
    transcript.append_sampled([number["add"], number["1"], number["<|im_end|>"]], [-0.1, -0.2, -0.3])
    transcript.append_environment([user, say("assistant", "add1")], [say("tool", "2")])
    transcript.append_sampled([number["2"]], [-0.4])
    sample = transcript.sample(truncated=True)
    rows = [
        ("<|im_start|>", 0, 0.0), ("user", 0, 0.0), ("\n", 0, 0.0), ("1+1", 0, 0.0), ("<|im_end|>", 0, 0.0),
        ("\n", 0, 0.0), ("<|im_start|>", 0, 0.0), ("assistant", 0, 0.0), ("\n", 0, 0.0),
        ("add", 1, -0.1), ("1", 1, -0.2), ("<|im_end|>", 1, -0.3),
        ("\n", 0, 0.0), ("<|im_start|>", 0, 0.0), ("tool", 0, 0.0), ("\n", 0, 0.0), ("2", 0, 0.0),
        ("<|im_end|>", 0, 0.0), ("\n", 0, 0.0), ("<|im_start|>", 0, 0.0), ("assistant", 0, 0.0), ("\n", 0, 0.0),
        ("2", 1, -0.4),
    ]  # fmt: skip
    assert sample.token_ids == [number[token] for token, _, _ in rows]
    assert sample.loss_mask == [mask for _, mask, _ in rows]
    assert sample.logprobs == [logprob for _, _, logprob in rows]
    assert (sample.prompt_length, sample.turns, sample.truncated) == (9, [(9, 12), (22, 23)], True)
    sample.credit([1.5, -2.0])
    assert sample.advantages == [0.0] * 9 + [1.5] * 3 + [0.0] * 10 + [-2.0]


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize("ended", [True, False], ids=["end sampled", "cut off"])
def test_an_episode_in_the_tokens_of_every_template(template, ended):
    tokens = chat(template)
    ended = ended and template != NO_END
    messages = [say("user", "too much to add?")]
    transcript = tokens.transcript(messages)
    assert transcript.token_ids == tokens.prompt(messages)
    for replies in ([say("tool", "3"), say("tool", "4")], [say("user", "and then?")]):
        # "too" letter by letter, as the tokenizer would not write it: it has to stay
        written = [tokens.encode(letter)[0] for letter in "too add"]
        end = [tokens.end_of_turn] if ended else []
        before = list(transcript.token_ids)
        transcript.append_sampled(written + end, [-1.0] * len(written + end))
        messages = [*messages, say("assistant", "too add")]
        transcript.append_environment(messages, replies)
        messages = [*messages, *replies]
        assert transcript.token_ids[: len(before) + len(written + end)] == before + written + end
        assert tokens.decode(transcript.token_ids) == tokens.render(messages)
    assert sum(transcript.loss_mask) == 2 * len(written + end)
    for start, stop in transcript.turns:
        assert tokens.decode(transcript.token_ids[start:stop]) == "too add" + tokens.decode(end)
        assert set(transcript.loss_mask[start:stop]) == {1}


WRITTEN = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates too


@settings(max_examples=60, deadline=None)
@given(
    prompt=ANYTHING,
    turns=st.lists(st.tuples(WRITTEN, st.booleans(), st.lists(ANYTHING, min_size=1, max_size=3)), max_size=3),
    name=st.sampled_from(sorted(TEMPLATES.keys() - {"no end token"})),
)
def test_any_texts_give_the_tokens_of_encoding_the_whole(prompt, turns, name):
    tokens = CHATS[name]
    messages = [say("user", prompt)]
    transcript = tokens.transcript(messages)
    for text, ended, replies in turns:
        ids = tokens.answer(text)[: None if ended else -1]
        transcript.append_sampled(ids, [-0.5] * len(ids))
        messages = [*messages, say("assistant", text)]
        added = [say("tool", reply) for reply in replies]
        transcript.append_environment(messages, added)
        messages += added
    whole = tokens.render(messages)
    assert transcript.token_ids == tokens.encode(whole)
    sampled = [tokens.answer(text)[: None if ended else -1] for text, ended, _ in turns]
    assert [transcript.token_ids[start:end] for start, end in transcript.turns] == sampled
    assert [p for p, used in zip(transcript.logprobs, transcript.loss_mask, strict=True) if used] == [-0.5] * sum(
        map(len, sampled)
    )


CHATS = {name: chat(template) for name, template in TEMPLATES.items()}

DRIFTS = {
    "strips thoughts": CHATML.replace(
        "m['content']", "(m['content'].split('</think>')[-1] if not loop.last else m['content'])"
    ),
    "trims": CHATML.replace("m['content']", "m['content'] | trim"),
    "replaces answers": CHATML.replace("m['content']", "(m['content'] if loop.last else '(gone)' ~ m['content'])"),
    "counts messages": "{{ messages | length }} messages\n" + CHATML,
    "writes the time": "{{ strftime_now('%H:%M:%S.%f') }}\n" + CHATML,
}


@pytest.mark.parametrize("template", DRIFTS.values(), ids=DRIFTS)
def test_a_template_that_rewrites_what_came_before_changes_no_token(template):
    tokens = chat(template)
    text = "<think>hm</think>\nadd "
    messages = [say("user", "go")]
    transcript = tokens.transcript(messages)
    for _ in range(2):
        ids = tokens.answer(text)
        before = list(transcript.token_ids)
        transcript.append_sampled(ids, [0.0] * len(ids))
        messages = [*messages, say("assistant", text), say("tool", "2")]
        transcript.append_environment(messages[:-1], messages[-1:])
        assert transcript.token_ids[: len(before) + len(ids)] == before + ids
        assert tokens.decode(transcript.token_ids[len(before) + len(ids) :]).count("2") == 1
    assert transcript.token_ids == tokens.prompt(messages), "an evaluation reads what training read"


def test_a_template_that_reorders_or_leaves_out_messages_is_refused_when_it_is_loaded():
    for template in (CHATML.replace("in messages", "in messages | reverse"), CHATML.replace("in messages", "in []")):
        with pytest.raises(TemplateError, match="leaves out or reorders messages"):
            chat(template)


@pytest.mark.parametrize("pad", ["<|im_end|>", "<|begin|>"])
def test_a_padding_token_that_is_the_end_token_changes_nothing(pad):
    tokens = chat(pad=pad)
    transcript = tokens.transcript([say("user", "go")])
    ids = tokens.answer("add")
    transcript.append_sampled(ids, [-1.0] * len(ids))
    sample = transcript.sample()
    assert sample.loss_mask[-2:] == [1, 1]
    assert sample.token_ids[-1] == tokens.tokenizer.eos_token_id
    longer = tokens.transcript([say("user", "go")])
    longer.append_sampled(tokens.answer("add to"), [-1.0] * 4)
    both = Batch.of([sample, longer.sample()])
    # "add" and the end are 2 tokens, "add", " ", "to" and the end 4
    assert both.mask.tolist() == [[True, True, False, False], [True] * 4]


def test_another_end_token_than_the_templates_is_kept_and_the_templates_follows():
    tokens = chat()
    other = tokens.encode("<|eot_id|>")
    transcript = tokens.transcript([say("user", "go")])
    transcript.append_sampled([*tokens.encode("add"), *other], [-1.0, -2.0])
    end = len(transcript.token_ids)
    transcript.append_environment([say("user", "go"), say("assistant", "add")], [say("tool", "2")])
    assert transcript.token_ids[end - 1 : end + 1] == [*other, tokens.end_of_turn]
    assert transcript.loss_mask[end - 1 : end + 1] == [1, 0]


def test_the_end_of_a_turn_is_the_templates_or_else_the_tokenizers():
    assert chat(HEADERS).end_of_turn == chat().tokenizer.convert_tokens_to_ids("<|eot_id|>")
    assert chat(NO_END).end_of_turn == chat().tokenizer.convert_tokens_to_ids("<|im_end|>")
    with pytest.raises(TemplateError, match="eos_token"):
        _ = chat(NO_END, eos=None).end_of_turn


def test_misuse_is_named():
    tokens = chat()
    user = say("user", "go")
    with pytest.raises(TemplateError, match="no chat template"):
        ChatTokens(byte_tokenizer(None))
    with pytest.raises(TemplateError, match="refuses the conversation: only users"):
        chat("{{ raise_exception('only users') }}").prompt([user])
    transcript = tokens.transcript([user])
    with pytest.raises(ValueError, match="append_sampled first"):
        transcript.append_environment([user], [])
    with pytest.raises(ValueError, match="3 tokens with 2 log-prob"):
        transcript.append_sampled([1, 2, 3], [0.0, 0.0])
    with pytest.raises(ValueError, match="0 tokens"):
        transcript.append_sampled([], [])
    transcript.append_sampled(tokens.encode("add"), [0.0])
    with pytest.raises(ValueError, match="append_environment first"):
        transcript.append_sampled(tokens.encode("add"), [0.0])
    with pytest.raises(ValueError, match="not what was sampled: at character 1, 'add' became 'and'"):
        transcript.append_environment([user, say("assistant", "and")], [])


def test_a_sample_whose_lists_do_not_match_is_refused():
    with pytest.raises(ValueError, match=r"one length, got \(3, 2, 3, 3\)"):
        Sample([1, 2, 3], [0, 1], [0.0] * 3, [0.0] * 3, 1)
    with pytest.raises(ValueError, match="prompt of 1 to 3 tokens"):
        Sample([1, 2, 3], [0, 1, 1], [0.0] * 3, [0.0] * 3, 2)
    sample = Sample([1, 2, 3], [0, 1, 1], [0.0] * 3, [0.0] * 3, 1, [(1, 3)])
    with pytest.raises(ValueError, match="2 advantages for 1 turns"):
        sample.credit([1.0, 2.0])


def test_an_environments_episode_becomes_a_sample():
    from conftest import calling, saying, shop

    env = shop()
    tokens = chat(GROUPED_RESULTS)
    observation, _ = env.reset(options={"task_id": "count"})
    transcript = tokens.transcript(observation["messages"])
    for text in (calling(("add", {"item": "milk", "quantity": 2})), calling(("total", {})), saying("2")):
        ids = tokens.answer(text)
        transcript.append_sampled(ids, [-0.1] * len(ids))
        observation, _, terminated, truncated, _ = env.step(text)
        if not (terminated or truncated):
            added = env.turns[-1].messages
            seen = len(observation["messages"]) - len(added) + 1
            transcript.append_environment(observation["messages"][:seen], observation["messages"][seen:])
    sample = transcript.sample()
    text = tokens.decode([i for i, used in zip(sample.token_ids, sample.loss_mask, strict=True) if used])
    assert text.count("<|im_end|>") == len(sample.turns) >= 2
    assert json.dumps({"item": "milk", "quantity": 2}) in text
    assert "<tool_response>" not in text
    assert "<tool_response>" in tokens.decode(sample.token_ids[sample.prompt_length :])


def test_the_answers_of_an_episode_are_of_one_version():
    tokens = chat()
    opening = [{"role": "user", "content": "go"}]
    said, reply = {"role": "assistant", "content": "a"}, {"role": "user", "content": "on"}
    transcript = tokens.transcript(opening)
    transcript.append_sampled(tokens.answer("a"), [-1.0, -1.0], 3)
    transcript.append_environment([*opening, said], [reply])
    assert transcript.sample().version == 3
    with pytest.raises(ValueError, match="by the weights of step 4 in an episode of step 3"):
        transcript.append_sampled(tokens.answer("a"), [-1.0, -1.0], 4)
