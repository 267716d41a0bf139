"""Random models of many architectures, of a few ten thousand parameters each, that read the bytes of tiny_lm.py."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

_COMMON = {
    "vocab_size": 258, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "bos_token_id": 256, "eos_token_id": 257,
    "pad_token_id": 257,
}  # fmt: skip
_MAMBA = {
    "mamba_d_state": 8, "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_expand": 2, "mamba_n_groups": 1,
    "mamba_chunk_size": 8,
}  # fmt: skip
_DELTA = {
    "head_dim": 8, "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8,
    "linear_value_head_dim": 8, "layer_types": ["linear_attention", "linear_attention", "linear_attention",
    "full_attention"],
}  # fmt: skip
_MOE = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
_LATENT = {
    "num_key_value_heads": 4, "q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
    "v_head_dim": 8, "n_routed_experts": 4, "n_group": 1, "topk_group": 1, "num_experts_per_tok": 2,
    "moe_intermediate_size": 32, "first_k_dense_replace": 1, "n_shared_experts": 1,
}  # fmt: skip
_WINDOWS = {"sliding_window": 8, "head_dim": 8, "layer_types": ["sliding_attention", "full_attention"] * 2}
_GPT = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512, "n_ctx": 512, "rotary_dim": 4}
_BART = {
    "d_model": 32, "decoder_layers": 2, "encoder_layers": 2, "decoder_attention_heads": 4, "decoder_ffn_dim": 64,
    "is_decoder": True,
}  # fmt: skip

RECURRENT: dict[str, dict[str, Any]] = {
    "mamba": {"state_size": 8},
    "mamba2": {"state_size": 8, "num_heads": 8, "head_dim": 8, "n_groups": 1, "chunk_size": 8},
    "falcon_mamba": {"state_size": 8},
    "falcon_h1": _MAMBA | {"mamba_d_ssm": 64, "head_dim": 8},
    "jamba": _MOE | {"mamba_d_state": 8, "mamba_dt_rank": 4, "attn_layer_period": 2, "attn_layer_offset": 1},
    "bamba": _MAMBA | {"attn_layer_indices": [1, 3]},
    "zamba2": {
        "mamba_d_state": 8, "n_mamba_heads": 8, "mamba_headdim": 8, "mamba_ngroups": 1, "attention_hidden_size": 64,
        "attention_head_dim": 16, "num_mem_blocks": 1, "adapter_rank": 4, "use_mem_rope": True, "chunk_size": 8,
        "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"],
    },
    "granitemoehybrid": _MAMBA | _MOE | {"shared_intermediate_size": 32, "layer_types": ["mamba", "attention"] * 2},
    "nemotron_h": {
        "layers_block_type": ["mamba", "moe", "attention", "moe"], "mamba_num_heads": 8, "mamba_head_dim": 8,
        "ssm_state_size": 8, "n_groups": 1, "chunk_size": 8, "head_dim": 8, "n_routed_experts": 4,
        "num_experts_per_tok": 2, "moe_intermediate_size": 32, "moe_shared_expert_intermediate_size": 32,
        "n_group": 1, "topk_group": 1,
    },
    "recurrent_gemma": {
        "num_hidden_layers": 3, "block_types": ["recurrent", "recurrent", "attention"], "attention_window_size": 8,
        "lru_width": 32, "head_dim": 8,
    },
    "rwkv": {"attention_hidden_size": 32, "context_length": 512, "num_hidden_layers": 7},
    "lfm2": {"layer_types": ["conv", "full_attention"] * 2, "block_ff_dim": 64, "block_multiple_of": 8},
    "minimax": _MOE | {"head_dim": 8, "layer_types": ["linear_attention", "full_attention"] * 2, "block_size": 8},
    "xlstm": {"hidden_size": 128, "embedding_dim": 128, "num_heads": 2, "num_hidden_layers": 2, "num_blocks": 2,
              "chunk_size": 16},
    "qwen3_5_text": _DELTA,
    "qwen3_next": _DELTA | _MOE | {"shared_expert_intermediate_size": 32},
    "olmo_hybrid": _DELTA | {"num_key_value_heads": 4},
}  # fmt: skip
ATTENTION: dict[str, dict[str, Any]] = {
    "gemma2": _WINDOWS,
    "gemma3_text": _WINDOWS,
    "gemma3n_text": _WINDOWS | {
        "intermediate_size": [64] * 4, "activation_sparsity_pattern": [0.0] * 4, "laurel_rank": 8,
        "altup_num_inputs": 2, "hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": 258,
        "num_kv_shared_layers": 0,
    },
    "mistral": {"sliding_window": 8},
    "gpt_oss": _WINDOWS | {"num_local_experts": 4, "num_experts_per_tok": 2},
    "llama4_text": _MOE | {"head_dim": 8, "attention_chunk_size": 8, "intermediate_size_mlp": 64},
    "deepseek_v2": _LATENT,
    "deepseek_v3": _LATENT,
    "mixtral": _MOE,
    "qwen3_moe": _MOE | {"head_dim": 8},
    "olmoe": _MOE,
    "bloom": {"n_layer": 2, "n_head": 4},
    "mpt": {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 512},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 16},
    "gpt2": _GPT,
    "gpt_neo": {
        "num_hidden_layers": 2, "attention_types": [[["global", "local"], 1]], "window_size": 8, "num_heads": 4,
    },
    "gpt_neox": {},
    "codegen": _GPT,
    "phi": {},
    "cohere2": _WINDOWS,
    "glm4": {"head_dim": 8},
    "olmo2": {},
    "starcoder2": {"sliding_window": 8},
    "granite": {"logits_scaling": 8.0},
    "roberta": {"is_decoder": True},
    "bart": _BART,
    "openai-gpt": _GPT,
}  # fmt: skip
ALL = RECURRENT | ATTENTION


def tiny(kind: str, **config: Any) -> Any:
    """A random model of the architecture; skips the test if this transformers does not have it."""
    if kind not in transformers.CONFIG_MAPPING:
        pytest.skip(f"this transformers has no architecture {kind}")
    made = transformers.CONFIG_MAPPING[kind](**{**_COMMON, **ALL[kind], **config})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(made)
        with torch.no_grad():
            for weight in model.parameters():  # biases and norms begin as 0 and 1, which would hide their use
                if weight.dim() > 1:
                    weight.normal_(0, 0.2)
                else:
                    weight.add_(0.05 * torch.randn_like(weight))
    return model.eval()
