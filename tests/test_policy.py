"""A transformers model as an agent: the sampled tokens, their log-probabilities, and the errors.

All but the tests marked ``model`` use a random Llama of 60,000 parameters that reads bytes.
"""

from __future__ import annotations

import math
import random

import pytest
from conftest import shop
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym import evaluate, rollout
from toolgym.assets import AssetError
from toolgym.rollout import AgentError, ContextFull
from toolgym.types import FrozenDict, message

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tiny_lm import END, byte_tokenizer, tiny_model  # noqa: E402

from toolgym.agents.model import choose_device, choose_dtype, load_model, smollm2_folder  # noqa: E402
from toolgym.agents.policy import Generation, Policy  # noqa: E402
from toolgym.agents.sampling.draw import choose, truncate  # noqa: E402
from toolgym.agents.sampling.llama_engine import LlamaEngine  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def tiny():
    return tiny_model(), byte_tokenizer()


@pytest.fixture(autouse=True, params=["llama", "plain"])
def engine(request, monkeypatch):
    """Everything holds for both engines."""
    if request.param == "plain":
        monkeypatch.setattr(LlamaEngine, "supports", lambda model: False)
    return request.param


def chats(n=6, seed=0):
    """Conversations of quite different lengths."""
    source = random.Random(seed)
    return [[message("user", "".join(source.choices("abc xyz", k=source.randrange(1, 90))))] for _ in range(n)]


def scored(model, generation, temperature=1.0):
    """Log-probabilities of the sampled tokens, computed in one plain forward pass."""
    ids = torch.tensor([generation.prompt_ids + generation.token_ids])
    with torch.no_grad():
        logits = model(ids).logits[0, len(generation.prompt_ids) - 1 : -1] / temperature
    return logits.log_softmax(-1).gather(1, torch.tensor(generation.token_ids)[:, None])[:, 0]


# What is sampled ---------------------------------------------------------------------------------


def test_greedy_answers_are_those_of_transformers_generate(tiny):
    model, _ = tiny
    policy = Policy(tiny, max_new_tokens=40, batch_size=4)
    for generation in policy.sample(chats(8)):
        ids = torch.tensor([generation.prompt_ids])
        theirs = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, do_sample=False, pad_token_id=END
        )
        assert list(generation.token_ids) == theirs[0, ids.shape[1] :].tolist()


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_logprobs_are_those_of_the_tempered_model(tiny, temperature):
    policy = Policy(tiny, max_new_tokens=30, temperature=temperature, batch_size=4, top_p=0.9, top_k=50)
    for generation in policy.sample(chats(5) * 2):
        expected = scored(tiny[0], generation, temperature or 1.0)
        assert torch.allclose(torch.tensor(generation.logprobs), expected, atol=1e-4)


def test_the_end_token_is_in_the_ids_and_not_in_the_text(tiny):
    generations = Policy(tiny, max_new_tokens=400, temperature=3.0, batch_size=8).sample(chats(8))
    ended = [g for g in generations if g.finish_reason == "end"]
    assert ended
    for generation in ended:
        assert generation.token_ids[-1] == END
        assert END not in generation.token_ids[:-1]
        assert len(generation.logprobs) == len(generation.token_ids)
        assert generation.text == tiny[1].decode(generation.token_ids[:-1])


def test_an_answer_that_does_not_end_is_cut_off(tiny):
    (generation,) = Policy(tiny, max_new_tokens=5).sample(chats(1))
    assert generation.finish_reason == "length"
    assert len(generation.token_ids) == 5


def test_the_prompt_is_the_chat_template_open_for_an_answer(tiny):
    policy = Policy(tiny, max_new_tokens=1)
    turns = (message("user", "Hi \ud800é"), message("tool", "3", name="add"))
    text = "<|im_start|>user\nHi \ufffdé<|im_end|>\n<|im_start|>tool\n3<|im_end|>\n<|im_start|>assistant\n"
    assert tiny[1].decode(policy.encode(turns)) == text
    assert policy.sample([turns])[0].prompt_ids == policy.encode(turns)


def test_a_seed_gives_the_same_texts_whatever_else_is_in_the_batch(tiny):
    def texts(conversations, seed=1, **kwargs):
        return [
            g.text for g in Policy(tiny, max_new_tokens=25, temperature=1.0, seed=seed, **kwargs).sample(conversations)
        ]

    together = texts(chats(7), batch_size=7)
    assert texts(chats(7), batch_size=2) == together
    assert texts(chats(7)[::-1], batch_size=3) == together[::-1]
    assert [texts([chat])[0] for chat in chats(7)] == together
    assert texts(chats(7), seed=2) != together


def test_samples_of_one_prompt_differ_and_can_be_had_again(tiny):
    def texts(calls):
        policy = Policy(tiny, max_new_tokens=25, temperature=1.0, batch_size=5)
        return [g.text for size in calls for g in policy.sample(chats(1) * size)]

    assert len(set(texts([8]))) == 8
    assert texts([8]) == texts([8]) == texts([3, 5]) == texts([1] * 8)


def test_a_resumed_run_draws_what_an_undisturbed_one_does(tiny, tmp_path):
    def play(out, resume=False, stop=None):
        def count(_):
            if stop is not None and len((out / "episodes.jsonl").read_text().splitlines()) == stop:
                raise KeyboardInterrupt

        policy = Policy(tiny, max_new_tokens=8, temperature=1.0)
        return evaluate(shop, policy, n=2, repeats=3, batch_size=3, out=out, resume=resume, on_episode=count)

    whole = play(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        play(tmp_path / "cut", stop=2)
    again = play(tmp_path / "cut", resume=True)
    assert [[turn.action for turn in t.turns] for t in again] == [[turn.action for turn in t.turns] for t in whole]
    assert len({t.turns[0].action for t in whole}) > 4


def test_reseeding_starts_anew(tiny):
    policy = Policy(tiny, max_new_tokens=10, temperature=1.0)
    first = policy.sample(chats(2))
    assert policy.sample(chats(2)) != first
    policy.reseed(0)
    assert policy.sample(chats(2)) == first
    policy.reseed("0 step 1")
    assert policy.sample(chats(2)) != first


def watched(**settings):
    """A policy, and the shapes (rows, tokens) of its model's inputs from now on."""
    policy, seen = Policy((tiny_model(), byte_tokenizer()), **settings), []

    def note(module, args, kwargs):
        seen.append(tuple(kwargs["input_ids"].shape))

    policy.model.register_forward_pre_hook(note, with_kwargs=True)
    return policy, seen


calls_the_model = pytest.mark.parametrize("engine", ["plain"], indirect=True)
"""Only the plain engine can be watched through the model's hooks; test_engines.py watches the Llama engine."""


@calls_the_model
def test_a_group_is_prefilled_once(tiny):
    policy, seen = watched(max_new_tokens=3, temperature=1.0)
    first, second = chats(2)
    policy.sample([first, second] * 4)
    lengths = [len(Policy(tiny).encode(chat)) for chat in (first, second)]
    assert seen[0] == (2, max(lengths))
    assert seen[1][0] <= 8
    assert seen[1][1] == 1


@calls_the_model
def test_finished_rows_leave_the_batch(tiny):
    policy, seen = watched(max_new_tokens=200, temperature=3.0)
    lengths = sorted(len(g.token_ids) for g in policy.sample(chats(1) * 8))
    assert lengths[0] < lengths[-1]
    assert seen[1:] == [(sum(length > step for length in lengths), 1) for step in range(1, lengths[-1])]


def test_answers_longer_than_the_cache_grows_at_once_are_right(tiny):
    (generation,) = Policy(tiny, max_new_tokens=300, temperature=0.3, seed=5).sample(chats(1))
    assert len(generation.token_ids) == 300
    assert torch.allclose(torch.tensor(generation.logprobs), scored(tiny[0], generation, 0.3), atol=1e-3)


@pytest.mark.parametrize("kind", ["sliding", "gpt2"])
def test_other_architectures_sample_as_they_score(kind):
    settings = {"vocab_size": 258, "bos_token_id": 256, "eos_token_id": END, "pad_token_id": END}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        if kind == "gpt2":
            config = transformers.GPT2Config(
                n_embd=32, n_layer=2, n_head=2, n_positions=256, initializer_range=0.3, **settings
            )
            model = transformers.GPT2LMHeadModel(config)
        else:
            config = transformers.MistralConfig(
                hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                sliding_window=16, initializer_range=0.3, **settings,
            )  # fmt: skip
            model = transformers.MistralForCausalLM(config)
    pair = model.eval(), byte_tokenizer()
    for generation in Policy(pair, max_new_tokens=30, temperature=1.0).sample(chats(4) * 2):
        assert torch.allclose(torch.tensor(generation.logprobs), scored(model, generation), atol=1e-3)


# Stop strings ------------------------------------------------------------------------------------


def test_a_stop_string_ends_the_answer_as_soon_as_it_is_there(tiny):
    (plain,) = Policy(tiny, max_new_tokens=40).sample(chats(1))
    stop = plain.text[5:8]
    (stopped,) = Policy(tiny, max_new_tokens=40, stop=["never said", stop]).sample(chats(1))
    assert stopped.finish_reason == "stop"
    assert stopped.text == plain.text[: plain.text.index(stop) + len(stop)]
    assert stopped.token_ids == plain.token_ids[: len(stopped.token_ids)]


def test_a_stop_string_of_the_prompt_does_not_count(tiny):
    (generation,) = Policy(tiny, max_new_tokens=3, stop=["assistant\n"]).sample(chats(1))
    assert generation.finish_reason == "length"


# Drawing a token ---------------------------------------------------------------------------------


def grid(n):
    return (torch.arange(n, dtype=torch.float64) + 0.5) / n


def counts(logits, **kwargs):
    n = 5_000
    tokens, _ = choose(logits.expand(n, -1), grid(n), **kwargs)
    return torch.bincount(tokens, minlength=logits.shape[-1]) / n


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=2, max_size=30), st.floats(0.2, 3))
def test_tokens_are_drawn_with_their_probabilities(logits, temperature):
    logits = torch.tensor(logits, dtype=torch.float32)
    expected = (logits / temperature).softmax(-1)
    assert torch.allclose(counts(logits, temperature=temperature), expected, atol=5e-4)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(12)), st.integers(1, 14), st.floats(0.05, 1))
def test_top_k_and_top_p_keep_the_likeliest(order, top_k, top_p):
    logits = torch.tensor(order, dtype=torch.float32) / 2
    expected = logits.softmax(-1).tolist()
    ranked = sorted(range(12), key=lambda i: -expected[i])[:top_k]
    share = sum(expected[i] for i in ranked)
    kept, so_far = [], 0.0
    for i in ranked:
        if so_far < top_p * share - 1e-6:
            kept.append(i)
        so_far += expected[i]
    total = sum(expected[i] for i in kept)
    wanted = torch.tensor([expected[i] / total if i in kept else 0.0 for i in range(12)])
    assert torch.allclose(counts(logits, temperature=1.0, top_k=top_k, top_p=top_p), wanted, atol=5e-4)


def test_a_token_without_weight_is_never_drawn():
    logits = torch.full((3, 100_000), -math.inf)
    logits[:, 500] = 0.0
    edges = torch.tensor([0.0, 0.5, 1 - 2**-53], dtype=torch.float64)
    tokens, logprobs = choose(logits, edges, temperature=1.0, top_p=0.5)
    assert tokens.tolist() == [500] * 3
    assert logprobs.tolist() == [0.0] * 3


def test_unlikely_tokens_of_a_large_vocabulary_keep_their_share():
    logits = torch.zeros(1, 200_000)
    logits[0, 0] = math.log(200_000)
    at = torch.tensor([0.75], dtype=torch.float64)
    assert abs(choose(logits, at, temperature=1.0)[0].item() - 100_000) < 10


def test_cutting_off_nothing_changes_nothing():
    weights = torch.rand(4, 50, generator=torch.Generator().manual_seed(0))
    assert truncate(weights, 1.0, 0) is weights
    assert torch.equal(truncate(weights, 1.0, 50), weights)


# As an agent -------------------------------------------------------------------------------------


def test_it_plays_and_a_batch_plays_the_same(tiny):
    alone = rollout(shop(max_turns=2), Policy(tiny, max_new_tokens=8), task_id="milk")
    assert alone.reward_valid
    assert len(alone.turns[0].action) > 0
    together = evaluate(shop, Policy(tiny, max_new_tokens=8, batch_size=2), repeats=2, batch_size=3)
    assert [t.turns[0].action for t in together if t.task_id == "milk"] == [alone.turns[0].action] * 2


def test_a_prompt_without_room_for_an_answer_is_an_error_that_says_so(tiny):
    policy = Policy((tiny_model(max_position_embeddings=512), tiny[1]), max_new_tokens=8)
    long, short = (FrozenDict(messages=(message("user", "x" * n),), tools=()) for n in (600, 3))
    with pytest.raises(ContextFull, match=r"the prompt has 6\d\d tokens and the context of .* is 512"):
        policy.act(long)
    first, second, third = policy.act_batch([short, long, short])
    assert isinstance(second, AgentError)
    assert first == third == policy.act(short)


def test_the_answer_fits_into_what_the_context_leaves(tiny):
    policy = Policy((tiny_model(max_position_embeddings=512), tiny[1]), max_new_tokens=50)
    prompt = policy.encode(chats(1)[0]) * 30
    (generation,) = policy.sample_ids([prompt[:500]])
    assert (len(generation.token_ids), generation.finish_reason) == (12, "length")


def test_a_template_that_refuses_every_conversation_is_refused_when_it_is_loaded():
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('no tools here') }}"
    with pytest.raises(AssetError, match="the chat template refuses the conversation: no tools here"):
        Policy((tiny_model(), tokenizer))


def test_broken_weights_are_an_error_and_no_answer(tiny):
    model = tiny_model()
    torch.nn.init.constant_(model.lm_head.weight, math.nan)
    for temperature in (0.0, 1.0):
        with pytest.raises(AgentError, match="not finite"):
            Policy((model, tiny[1]), temperature=temperature).sample(chats(1))


def test_nothing_to_answer_is_no_trouble(tiny):
    assert Policy(tiny).sample([]) == []
    assert Policy(tiny).act_batch([]) == []


@pytest.mark.parametrize(
    "wrong", [{"max_new_tokens": 0}, {"batch_size": 0}, {"temperature": -1}, {"temperature": math.nan}, {"top_p": 0},
              {"top_p": 1.5}, {"top_k": -1}, {"stop": "</s>"}, {"stop": [""]}]
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(tiny, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Policy(tiny, **wrong)


def test_generations_are_plain_data(tiny):
    (generation,) = Policy(tiny, max_new_tokens=2).sample(chats(1))
    assert Generation(*(getattr(generation, field) for field in generation.__struct_fields__)) == generation


# Finding a model ---------------------------------------------------------------------------------


def test_a_folder_is_loaded(tiny, tmp_path, capfd):
    model, tokenizer = tiny
    model.save_pretrained(tmp_path / "mine")
    tokenizer.save_pretrained(tmp_path / "mine")
    capfd.readouterr()
    policy = Policy(tmp_path / "mine", max_new_tokens=12, device="cpu", dtype="fp32")
    assert policy.name == "mine"
    assert policy.sample(chats(3)) == Policy(tiny, max_new_tokens=12).sample(chats(3))
    assert capfd.readouterr() == ("", "")
    assert transformers.utils.logging.is_progress_bar_enabled()
    half, _ = load_model(str(tmp_path / "mine"), dtype="bf16")
    assert half.dtype == torch.bfloat16


def test_what_is_no_model_is_named(tmp_path):
    with pytest.raises(AssetError, match="no such folder"):
        load_model(tmp_path / "missing")
    with pytest.raises(AssetError, match=r"no config\.json"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(AssetError, match="cannot load the tokenizer"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(AssetError, match="cannot load"):
        load_model(tmp_path)


def test_a_name_that_cannot_be_fetched_says_what_to_do(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(AssetError, match="give its folder"):
        load_model("no-such-organisation/no-such-model")


@pytest.mark.parametrize("name", ["smolm2", "SmolLM2", "smollm"])
def test_a_misspelt_default_is_not_looked_for_elsewhere(name):
    with pytest.raises(AssetError, match="did you mean 'smollm2'"):
        load_model(name)


def test_a_model_without_a_chat_template_is_refused():
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(AssetError, match="no chat template"):
        Policy((tiny_model(), tokenizer))


def test_device_and_dtype():
    cpu = choose_device("cpu")
    assert choose_dtype("auto", cpu) in (torch.float32, torch.bfloat16)
    assert choose_dtype(torch.float16, cpu) is torch.float16
    with pytest.raises(ValueError, match="dtype 'int3'"):
        choose_dtype("int3", cpu)
    with pytest.raises(ValueError, match="device 'abacus'"):
        choose_device("abacus")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="cuda"):
            choose_device("cuda")


@pytest.mark.model
def test_smollm2_speaks_english_and_agrees_with_generate(capfd):
    policy = Policy(max_new_tokens=12, dtype="fp32", device="cpu")
    questions = ["What is the capital of France?", "Count: 1, 2, 3,"]
    answers = policy.sample([[message("user", question)] for question in questions])
    assert "Paris" in answers[0].text
    ids = torch.tensor([answers[1].prompt_ids])
    theirs = policy.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
    assert list(answers[1].token_ids) == theirs[0, ids.shape[1] :].tolist()
    assert policy.name == "smollm2"
    # digits are split from blanks, as in its training; GPT-2's rule alone would put a blank before the 5
    assert policy.tokenizer.tokenize("\n    5")[-1] == "5"
    assert policy.tokenizer.decode(policy.tokenizer("  7 é\n").input_ids) == "  7 é\n"
    assert (smollm2_folder() / "model.safetensors").is_file()
    assert capfd.readouterr() == ("", "")
