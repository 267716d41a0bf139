"""Converting a GGUF file of the Llama family to a plain transformers model: weights, configuration, tokenizer.

transformers can load GGUF itself, but it needs accelerate, refuses to save the result, and builds a wrong tokenizer.
That tokenizer does not split digits from blanks: "\\n    5" becomes other tokens than SmolLM2 was trained on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGUFReader, TokenType, dequantize
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

_OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_IN_LAYER = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip


def convert(gguf: Path, folder: Path) -> None:
    """Write the model of ``gguf`` to ``folder`` in float32, in the format of ``save_pretrained``.

    Raises ValueError if the file has another architecture or another kind of tokenizer.
    """
    reader = GGUFReader(gguf)
    config = _config(reader)
    weights = {
        _name(tensor.name): _weight(tensor.name, dequantize(tensor.data, tensor.tensor_type), config)
        for tensor in reader.tensors
    }
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    missing, unexpected = model.load_state_dict(weights, strict=False, assign=True)
    if unexpected or set(missing) - {"lm_head.weight"}:
        raise ValueError(f"{gguf.name} is not a Llama model: missing {missing}, unexpected {unexpected}")
    model.tie_weights()
    model.save_pretrained(folder)
    _tokenizer(reader).save_pretrained(folder)


def _field(reader: GGUFReader, key: str) -> Any:
    try:
        return reader.fields[key].contents()
    except KeyError:
        raise ValueError(f"the GGUF file has no field {key}") from None


def _config(reader: GGUFReader) -> LlamaConfig:
    if _field(reader, "general.architecture") != "llama":
        raise ValueError(f"a GGUF file of architecture llama is needed, not {_field(reader, 'general.architecture')}")
    return LlamaConfig(
        vocab_size=_field(reader, "llama.vocab_size"),
        hidden_size=_field(reader, "llama.embedding_length"),
        intermediate_size=_field(reader, "llama.feed_forward_length"),
        num_hidden_layers=_field(reader, "llama.block_count"),
        num_attention_heads=_field(reader, "llama.attention.head_count"),
        num_key_value_heads=_field(reader, "llama.attention.head_count_kv"),
        max_position_embeddings=_field(reader, "llama.context_length"),
        rms_norm_eps=_field(reader, "llama.attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": _field(reader, "llama.rope.freq_base")},
        tie_word_embeddings=all(tensor.name != "output.weight" for tensor in reader.tensors),
        bos_token_id=_field(reader, "tokenizer.ggml.bos_token_id"),
        eos_token_id=_field(reader, "tokenizer.ggml.eos_token_id"),
        pad_token_id=_field(reader, "tokenizer.ggml.padding_token_id"),
        dtype=torch.float32,
    )


def _name(name: str) -> str:
    """``blk.0.attn_q.weight`` -> ``model.layers.0.self_attn.q_proj.weight``."""
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{_IN_LAYER[part]}.{kind}"


def _weight(name: str, weight: np.ndarray, config: LlamaConfig) -> torch.Tensor:
    """A weight in transformers' order, float32.

    GGUF stores the two halves of each rotary pair in adjacent rows; transformers expects them half a head apart.
    """
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    count = next((heads[part] for part in name.split(".") if part in heads), None)
    if count is not None:
        rows, columns = weight.shape
        weight = weight.reshape(count, rows // count // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
    return torch.from_numpy(np.array(weight, dtype=np.float32))


def _tokenizer(reader: GGUFReader) -> Any:
    kind = _field(reader, "tokenizer.ggml.model"), _field(reader, "tokenizer.ggml.pre")
    if kind != ("gpt2", "smollm"):
        raise ValueError(f"a tokenizer of kind gpt2/smollm is needed, not {'/'.join(kind)}")
    tokens = _field(reader, "tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in _field(reader, "tokenizer.ggml.merges")]
    backend = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    # llama.cpp's "smollm": first every digit is split off, then GPT-2's rules split words
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    backend.decoder = decoders.ByteLevel()
    types = _field(reader, "tokenizer.ggml.token_type")
    control = [token for token, kind in zip(tokens, types, strict=True) if kind == TokenType.CONTROL]
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    made: Any = PreTrainedTokenizerFast
    return made(
        tokenizer_object=backend,
        unk_token=tokens[_field(reader, "tokenizer.ggml.unknown_token_id")],
        bos_token=tokens[_field(reader, "tokenizer.ggml.bos_token_id")],
        eos_token=tokens[_field(reader, "tokenizer.ggml.eos_token_id")],
        pad_token=tokens[_field(reader, "tokenizer.ggml.padding_token_id")],
        chat_template=_field(reader, "tokenizer.chat_template"),
        model_max_length=_field(reader, "llama.context_length"),
        clean_up_tokenization_spaces=False,
    )
