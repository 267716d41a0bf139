"""Products with weights in the order that the processor wants are the plain ones."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from toolgym.agents.fused_llama import packed


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
