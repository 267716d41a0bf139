"""With the prompt computed once, log-probabilities and gradients are those of the plain padded batch."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from toolgym.agents.tokens import Sample
from toolgym.agents.training.batch import Batch
from toolgym.agents.training.forward import TrainingForward, padded_logprobs
from toolgym.agents.training.ppo import ValueHead

pytestmark = pytest.mark.usefixtures("one_thread")

VOCABULARY = 97
TINY = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "initializer_range": 0.3,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip


def llama(**more):
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**{**TINY, **more})).train()


def qwen2(**more):
    torch.manual_seed(0)
    return Qwen2ForCausalLM(Qwen2Config(**{**TINY, "tie_word_embeddings": True, **more})).train()


def mistral(window):
    torch.manual_seed(0)
    return MistralForCausalLM(MistralConfig(**TINY, sliding_window=window)).train()


def sample(prompt, length, environment=(), generator=None):
    """Random tokens; those at ``environment`` after the prompt were not sampled."""
    ids = torch.randint(0, VOCABULARY, (length,), generator=generator).tolist()
    mask = [0 if i in environment else 1 for i in range(length)]
    n = len(prompt) + length
    return Sample(prompt + ids, [0] * len(prompt) + mask, [0.0] * n, [0.0] * n, len(prompt))


def several_groups():
    """Groups out of order, of 3, 2 and 1; ragged; with tools; one of a single token; one that ends on a tool."""
    generator = torch.Generator().manual_seed(1)
    first, second, third = (torch.randint(0, VOCABULARY, (n,), generator=generator).tolist() for n in (11, 17, 1))
    return [
        sample(first, 9, (3, 4, 5), generator),
        sample(second, 6, (), generator),
        sample(first, 1, (), generator),
        sample(third, 7, (0,), generator),
        sample(first, 14, (2, 3, 8, 9), generator),
        sample(second, 12, (5, 6, 10, 11), generator),
    ]


def gradients(model, logprobs):
    upstream = torch.randn(len(logprobs), generator=torch.Generator().manual_seed(2))
    trained = [p for p in model.parameters() if p.requires_grad]
    found = torch.autograd.grad((logprobs * upstream).sum(), trained, allow_unused=True)
    return torch.cat(
        [torch.zeros(p.numel()) if g is None else g.flatten() for p, g in zip(trained, found, strict=True)]
    )


def assert_equal_to_plain(model, forward, samples, temperature=0.7):
    got, _ = forward.logprobs(Batch.of(samples), temperature=temperature)
    wanted = padded_logprobs(model, Batch.of(samples), temperature=temperature)
    torch.testing.assert_close(got, wanted, atol=5e-5, rtol=0)
    ours, plain = gradients(model, got), gradients(model, wanted)
    assert plain.norm() > 0
    assert (ours - plain).norm() < 1e-5 * plain.norm()


@pytest.mark.parametrize("make", [llama, qwen2])
@pytest.mark.parametrize("layout", ["split", "cached", "padded"])
def test_gradients_are_those_of_the_plain_batch(make, layout):
    model = make()
    assert_equal_to_plain(model, TrainingForward(model, layout), several_groups())


@pytest.mark.parametrize("layout", ["split", "cached", "padded"])
def test_logprobs_are_the_definition_one_sample_at_a_time(layout):
    model = llama()
    samples = several_groups()
    wanted = []
    for one in samples:
        logprobs = model(input_ids=torch.tensor([one.token_ids])).logits[0].log_softmax(-1)
        wanted += [logprobs[i - 1, token] for i, token in enumerate(one.token_ids) if one.loss_mask[i]]
    got, entropies = TrainingForward(model, layout).logprobs(Batch.of(samples), entropy=True)
    torch.testing.assert_close(got, torch.stack(wanted), atol=5e-5, rtol=0)
    assert entropies.shape == got.shape
    assert Batch.of(samples).place(got).shape == (6, 14)


def test_split_reads_each_prompt_token_once_and_pads_nothing():
    model = llama()
    forward = TrainingForward(model)
    assert forward.layout == "split"
    read = []
    model.model.embed_tokens.register_forward_hook(lambda _, args, __: read.append(args[0].numel()))
    forward.logprobs(Batch.of(several_groups()))
    # prompts, and of each completion what comes before its last sampled token
    assert read == [11 + 17 + 1 + (8 + 5 + 0 + 6 + 13 + 9)]


def test_the_models_own_attention_is_back_afterwards():
    model = llama()
    before = model.config._attn_implementation
    forward = TrainingForward(model)
    with pytest.raises(IndexError):
        forward.logprobs(Batch.of([sample([VOCABULARY], 3)]))
    forward.logprobs(Batch.of(several_groups()))
    assert model.config._attn_implementation == before


class Adapter(nn.Module):
    """A low-rank addition to a frozen layer, as LoRA's."""

    def __init__(self, frozen):
        super().__init__()
        self.frozen = frozen
        self.down = nn.Parameter(0.1 * torch.randn(2, frozen.in_features))
        self.up = nn.Parameter(0.1 * torch.randn(frozen.out_features, 2))

    def forward(self, x):
        return self.frozen(x) + nn.functional.dropout(x, 0.5, self.training) @ self.down.t() @ self.up.t()


class Wrapped(nn.Module):
    """As peft wraps a model."""

    def __init__(self, model):
        super().__init__()
        self.inner = model
        self.device = model.device

    def get_base_model(self):
        return self.inner

    def forward(self, **kwargs):
        return self.inner(**kwargs)


@pytest.mark.parametrize("adapted_head", [False, True])
def test_adapters_on_a_frozen_wrapped_model(adapted_head):
    model = llama()
    model.requires_grad_(False)
    for layer in model.model.layers:
        layer.self_attn.q_proj = Adapter(layer.self_attn.q_proj)
    if adapted_head:
        model.lm_head = Adapter(model.lm_head)
    wrapped = Wrapped(model)
    model.model.layers[0].mlp.eval()
    forward = TrainingForward(wrapped)
    assert forward.layout == "split"
    # the trial run switches dropout off, and leaves every module in the mode it was in
    assert model.model.layers[0].self_attn.q_proj.training
    assert not model.model.layers[0].mlp.training
    assert_equal_to_plain(wrapped.eval(), forward, several_groups())


@pytest.mark.parametrize(("window", "chosen"), [(8, "cached"), (20, "split")])
def test_a_sliding_window_is_respected(window, chosen):
    model = mistral(window)
    forward = TrainingForward(model)
    assert forward.layout == chosen  # the longest sample has 28 tokens, more than either window
    assert_equal_to_plain(model, forward, several_groups())


def test_models_that_need_another_layout_get_it_and_a_wish_that_cannot_be_is_refused(caplog):
    torch.manual_seed(0)
    bloom = BloomForCausalLM(BloomConfig(vocab_size=VOCABULARY, hidden_size=32, n_layer=2, n_head=4)).train()
    for parameter in bloom.parameters():
        nn.init.normal_(parameter, std=0.3)
    with caplog.at_level(logging.INFO, "toolgym.agents.training.forward"):
        forward = TrainingForward(bloom.eval())  # its position bias is in the mask
    assert forward.layout == "cached"
    assert "BloomForCausalLM cannot use layout split" in caplog.text
    assert_equal_to_plain(bloom, forward, several_groups())
    with pytest.raises(ValueError, match="'split' does not work for BloomForCausalLM"):
        TrainingForward(bloom, "split")
    with pytest.raises(ValueError, match="choose auto, split, cached, padded"):
        TrainingForward(bloom, "packed")


def test_a_model_that_caps_its_logits_goes_through_them():
    torch.manual_seed(0)
    config = Gemma2Config(**TINY, head_dim=8, final_logit_softcapping=2.0)
    model = Gemma2ForCausalLM(config).train()
    forward = TrainingForward(model)
    assert (forward.layout, forward.separable) == ("padded", False)
    assert_equal_to_plain(model, forward, several_groups())
    batch = Batch.of(several_groups())
    logits = 2.0 * torch.tanh(model.lm_head(forward.hidden(batch)) / 2.0)
    targets = torch.tensor([token for row in batch.rows for token in row.targets])
    got = logits.log_softmax(-1).gather(1, targets[:, None])[:, 0]
    torch.testing.assert_close(got, forward.logprobs(batch)[0], atol=5e-5, rtol=0)


def test_gradient_checkpointing_falls_back_to_the_plain_batch():
    model = llama()
    forward = TrainingForward(model)
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})
    read = []
    model.model.embed_tokens.register_forward_hook(lambda _, args, __: read.append(tuple(args[0].shape)))
    assert_equal_to_plain(model, forward, several_groups())
    assert read[0] == read[1]


def test_values_and_logprobs_share_one_forward():
    model = llama()
    samples = several_groups()
    forward = TrainingForward(model)
    apart, _ = forward.logprobs(Batch.of(samples))
    calls = []
    model.model.register_forward_hook(lambda *_: calls.append(1))
    states = forward.hidden(Batch.of(samples))
    together, _ = forward.logprobs(Batch.of(samples), hidden=states)
    torch.testing.assert_close(together, apart)
    batch = Batch.of(samples)
    mask = batch.mask
    values = batch.place(ValueHead(32)(states))
    assert states.shape == (int(mask.sum()), 32)
    assert values.shape == mask.shape
    (values.sum() + together.sum()).backward()
    assert len(calls) == 1


def test_half_precision_agrees_as_far_as_it_can():
    model = llama().bfloat16()
    samples = several_groups()
    forward = TrainingForward(model)
    assert forward.layout == "split"
    got, plain = forward.logprobs(Batch.of(samples))[0], padded_logprobs(model, Batch.of(samples))
    assert (got - plain).abs().mean() < 0.1
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed, _ = TrainingForward(llama()).logprobs(Batch.of(samples))
    assert (mixed - padded_logprobs(llama(), Batch.of(samples))).abs().mean() < 0.1


def test_samples_without_sampled_tokens_add_nothing():
    model = llama()
    forward = TrainingForward(model)
    samples = several_groups()
    silent = sample(samples[0].token_ids[:11], 3, (0, 1, 2))
    torch.testing.assert_close(
        forward.logprobs(Batch.of([silent, *samples]))[0], forward.logprobs(Batch.of(samples))[0]
    )
    with pytest.raises(ValueError, match="no sample has a sampled token"):
        forward.logprobs(Batch.of([silent]))
