"""Products as sampling computes them are the model's own, with LoRA's adapters too."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from tiny_lm import tiny_model

from toolgym.agents.sampling.llama_engine import LlamaEngine
from toolgym.agents.sampling.projection import packed


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("rows", [1, 3, 16, 70])
@pytest.mark.parametrize("biased", [False, True])
def test_a_packed_product_is_the_plain_one(dtype, rows, biased):
    generator = torch.Generator().manual_seed(rows)
    weight = torch.randn(96, 40, generator=generator).to(dtype).requires_grad_()
    bias = torch.randn(96, generator=generator).to(dtype) if biased else None
    x = torch.randn(rows, 2, 40, generator=generator).to(dtype)[:, 1]  # as it comes: not in one piece
    wanted = torch.nn.functional.linear(x, weight, bias)
    product = packed(weight, bias)
    with torch.no_grad():
        torch.testing.assert_close(
            product(x), wanted.detach(), rtol=1e-2 if dtype == torch.bfloat16 else 1e-5, atol=1e-2
        )
    assert product(x).dtype == dtype


def with_adapters(model, **settings):
    """Adapters that have learnt something."""
    peft = pytest.importorskip("peft")
    model = peft.get_peft_model(model, peft.LoraConfig(**{"r": 4, "target_modules": "all-linear", **settings})).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight += 0.2 * torch.randn(weight.shape, generator=generator)
    return model


def logits_of(model, ids):
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids])).logits[0, -1]


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks for it
@pytest.mark.parametrize("targets", ["all-linear", ["q_proj", "v_proj", "up_proj"]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_model_with_adapters_is_sampled_with_them(targets, dtype):
    plain = tiny_model()
    model = with_adapters(tiny_model().to(dtype), target_modules=targets, lora_alpha=8)
    assert LlamaEngine.supports(model)
    engine, ids = LlamaEngine(model), [3, 14, 15, 92, 65]
    got = engine.prefill([ids], [0, 0])[1].float()
    allowed = {"rtol": 1e-4, "atol": 1e-4} if dtype == torch.float32 else {"rtol": 0.1, "atol": 0.1 * float(got.std())}
    torch.testing.assert_close(got, logits_of(model, ids).float(), **allowed)
    assert (got - logits_of(plain, ids)).norm() > 0.2 * got.norm()
    engine.close()

    with torch.no_grad():  # a step of training
        next(weight for name, weight in model.named_parameters() if "lora_B" in name).add_(1.0)
    again = engine.prefill([ids], [0])[0].float()
    torch.testing.assert_close(again, logits_of(model, ids).float(), **allowed)
    assert not torch.equal(again, got)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning", "ignore:.lora_bias=True")
@pytest.mark.parametrize("settings", [{"use_dora": True}, {"lora_bias": True}, {"modules_to_save": ["lm_head"]}])
def test_other_adapters_are_sampled_by_the_model_itself(settings):
    assert not LlamaEngine.supports(with_adapters(tiny_model(), **settings))


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
def test_merged_adapters_are_left_to_the_model():
    model = with_adapters(tiny_model())
    model.merge_adapter()
    assert not LlamaEngine.supports(model)
