"""Engines: whichever rows are opened, removed and resumed, logits equal the plain model's on the whole text."""

from __future__ import annotations

import random

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym.agents.policy import Policy  # noqa: E402
from toolgym.agents.sampling.engine import PlainEngine  # noqa: E402
from toolgym.agents.sampling.kv_cache import CachePool  # noqa: E402
from toolgym.agents.sampling.llama_engine import LlamaEngine  # noqa: E402
from toolgym.types import message  # noqa: E402

VOCABULARY = 300
SMALL = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3, "max_position_embeddings": 512,
}  # fmt: skip


def model_of(name):
    made = {
        "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL)),
        "llama3 rope": lambda: transformers.LlamaForCausalLM(
            transformers.LlamaConfig(
                **SMALL,
                rope_parameters={
                    "rope_type": "llama3",
                    "rope_theta": 10000.0,
                    "factor": 4.0,
                    "low_freq_factor": 1.0,
                    "high_freq_factor": 4.0,
                    "original_max_position_embeddings": 64,
                },
            )
        ),
        "llama with biases": lambda: transformers.LlamaForCausalLM(
            transformers.LlamaConfig(**SMALL, attention_bias=True, tie_word_embeddings=True)
        ),
        "mistral": lambda: transformers.MistralForCausalLM(transformers.MistralConfig(**SMALL, sliding_window=None)),
        "qwen2": lambda: transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SMALL)),
        "qwen3": lambda: transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**SMALL, head_dim=16)),
        "sliding": lambda: transformers.MistralForCausalLM(transformers.MistralConfig(**SMALL, sliding_window=8)),
        "gelu": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL, hidden_act="gelu")),
        "mlp with biases": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL, mlp_bias=True)),
        "gpt2": lambda: transformers.GPT2LMHeadModel(
            transformers.GPT2Config(vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=2, n_positions=512)
        ),
    }[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = made().eval()
        for weight in model.parameters():  # biases and norms begin as 0 and 1, which would hide their use
            weight.data += 0.1 * torch.randn_like(weight)
    return model


FAST = ("llama", "llama3 rope", "llama with biases", "mlp with biases", "mistral", "qwen2", "qwen3")
OTHERS = ("sliding", "gelu", "gpt2")


def plain(model, ids):
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]


@pytest.mark.parametrize("name", FAST)
def test_the_llama_family_has_the_fast_engine(name):
    assert LlamaEngine.supports(model_of(name))


def test_rounding_in_a_deeper_model_does_not_cost_the_fast_engine():
    assert LlamaEngine.supports(tiny_model(hidden_size=256, num_hidden_layers=6, num_attention_heads=8))


@pytest.mark.parametrize("name", OTHERS)
def test_other_models_have_the_plain_engine(name):
    assert not LlamaEngine.supports(model_of(name))


def test_a_model_that_only_looks_like_the_llama_family_has_the_plain_engine():
    model = model_of("llama")
    model.model.layers[1].mlp.register_forward_hook(lambda module, args, out: 2 * out)
    assert not LlamaEngine.supports(model)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(LlamaEngine, name) for name in FAST] + [(PlainEngine, name) for name in ("llama", "qwen3", "gpt2")],
)
def test_logits_are_those_of_the_plain_model_through_whole_conversations(kind, name):
    model = model_of(name)
    engine = kind(model)
    chance = random.Random(name)

    def some(low, high):
        return [chance.randrange(VOCABULARY) for _ in range(chance.randint(low, high))]

    def agree(logits, rows):
        wanted = torch.stack([plain(model, row) for row in rows])
        assert torch.allclose(logits, wanted, atol=2e-4), (logits - wanted).abs().max()

    for _ in range(3):
        prompts = [some(1, 30) for _ in range(chance.randint(1, 3))]
        chosen = [chance.randrange(len(prompts)) for _ in range(6)]
        texts = [list(prompts[i]) for i in chosen]
        logits = engine.prefill(prompts, chosen)
        for _ in range(3):
            agree(logits, texts)
            ended = []
            while texts:
                for i in reversed(range(len(texts))):
                    if chance.random() < 0.2:
                        ended.append((texts[i], engine.remove(i)))
                        texts[i] = texts[-1]
                        texts.pop()
                if texts:
                    new = [chance.randrange(VOCABULARY) for _ in texts]
                    logits = engine.decode(torch.tensor(new))
                    texts = [[*text, token] for text, token in zip(texts, new, strict=True)]
                    agree(logits, texts)
            going = chance.sample(ended, chance.randint(1, len(ended)))  # some episodes are over
            more = [some(1, 9) for _ in going]
            logits = engine.resume([cache for _, cache in going], more)
            texts = [text + added for (text, _), added in zip(going, more, strict=True)]
        engine.close()


def test_changed_weights_are_noticed():
    model = model_of("qwen2")
    engine = LlamaEngine(model)
    engine.prefill([[1, 2, 3]], [0])
    with torch.no_grad():
        model.model.layers[0].self_attn.k_proj.weight.mul_(0.5)
        model.model.layers[1].mlp.up_proj.weight.mul_(0.5)
    assert torch.allclose(engine.prefill([[1, 2, 3]], [0])[0], plain(model, [1, 2, 3]), atol=1e-5)


def test_a_sliding_window_leaves_no_kv_cache():
    engine = PlainEngine(model_of("sliding"))
    engine.prefill([[1, 2, 3]], [0, 0])
    assert engine.remove(0) is None


# Conversations ---------------------------------------------------------------------------------------


class Watched(LlamaEngine):
    """Notes how many tokens the model runs on."""

    def _forward(self, ids, mask):
        self.computed.append(int(ids.numel() if mask is None else mask.sum()))
        return super()._forward(ids, mask)

    def _prefill(self, prompt):
        self.computed.append(len(prompt))
        return super()._prefill(prompt)


def conversation(policy, turns=4):
    """A group of two over several turns: the tokens sampled in each turn, and the lengths of prompt and reply."""
    prompt = policy.encode([message("user", "what is it?")])
    texts, said = [list(prompt)] * 2, []
    for turn in range(turns):
        answers = policy.sample_ids(texts)
        said.append([answer.token_ids for answer in answers])
        reply = policy.chat.encode(f"<|im_end|>\nreply {turn}<|im_start|>assistant\n")
        texts = [[*text, *answer.token_ids, *reply] for text, answer in zip(texts, answers, strict=True)]
    return said, len(prompt), len(reply)


def test_later_turns_prefill_only_new_tokens():
    model = tiny_model()
    policy = Policy((model, byte_tokenizer()), max_new_tokens=9, temperature=1.0)
    policy._engine = watched = Watched(model)
    watched.computed = []
    said, prompt, reply = conversation(policy)
    sampled = sum(len(ids) for turn in said for ids in turn)
    # the last token of each turn is prefilled with the reply to it; the last tokens of the last turn never are
    assert sum(watched.computed) == prompt + 2 * 3 * reply + sampled - 2


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_cached_conversation_is_answered_as_one_prefilled_from_the_start(temperature, monkeypatch):
    pair = tiny_model(), byte_tokenizer()
    kept = conversation(Policy(pair, max_new_tokens=9, temperature=temperature))
    monkeypatch.setattr(CachePool, "longest_match", lambda self, tokens: None)
    assert conversation(Policy(pair, max_new_tokens=9, temperature=temperature)) == kept


def test_kv_caches_are_dropped_when_the_weights_change():
    model = tiny_model()
    policy = Policy((model, byte_tokenizer()), max_new_tokens=9)
    prompt = policy.encode([message("user", "what is it?")])
    longer = [*prompt, *policy.sample_ids([prompt])[0].token_ids, 5, 6]
    with torch.no_grad():
        model.model.embed_tokens.weight.mul_(-1.0)
    fresh = Policy((model, byte_tokenizer()), max_new_tokens=9)
    assert policy.sample_ids([longer])[0].token_ids == fresh.sample_ids([longer])[0].token_ids


def test_memory_of_kv_caches_is_bounded():
    model = tiny_model()
    policy = Policy((model, byte_tokenizer()), max_new_tokens=9, temperature=1.0)
    policy._cache_pool = CachePool(limit=100_000)
    for i in range(50):
        policy.sample([[message("user", f"question number {i}")]] * 2)
        kept = list(policy._cache_pool._caches.values())
        prefixes = {id(cache.prefix): cache.prefix for cache in kept}.values()
        assert 0 < sum(2 * part.keys.nbytes for part in (*kept, *prefixes)) <= 100_000
    policy.forget()
    assert len(policy._cache_pool) == 0
