"""Checks of a model's files before a library reads them: a model folder may come from anybody.

Files that transformers and peft read: weights (safetensors, or pickles of tensors alone), JSON, and a chat template.
None of them runs code. Only ``trust_remote_code`` allows code that a model brings along.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from toolgym.assets import AssetError
from toolgym.disk import read_object

TRUST = "if you trust its author, allow it with trust_remote_code=True (--trust-remote-code)"
LARGEST = 2**33
"""Above this, no size in a config is meant: vocabularies, contexts and layers have fewer."""
MOST_LAYERS = 1_000
LARGEST_RANK = 2**16
_SIZES = ("num_hidden_layers", "n_layer", "num_layers", "hidden_size", "n_embd", "vocab_size")


def check_config(path: Path, *, trust_remote_code: bool = False) -> None:
    """Raises AssetError, which names the file, for the ``config.json`` of a model that is not a causal language model,
    or that needs code from elsewhere and is not trusted."""
    config = read_config(path)
    if why := _problem(config, trust_remote_code):
        raise AssetError(f"cannot load the model: {path}: {why}")


def _problem(config: dict[str, Any], trust: bool) -> str:
    kind, own_code = config.get("model_type"), bool(config.get("auto_map"))
    known = isinstance(kind, str) and kind in CONFIG_MAPPING
    if own_code and not known and not trust:
        return f"model_type {kind!r} needs code that comes with the model. It is not run; {TRUST}."
    if not (own_code and trust):
        if not isinstance(kind, str):
            return "there is no model_type, so it is not the config of a transformers model."
        if not known:
            return f"model_type {kind!r} is unknown to this transformers; a newer one may know it."
        if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
            return f"model_type {kind!r} is not a causal language model. Give one, which continues a text."
        if config.get("is_encoder_decoder") is True:
            return f"model_type {kind!r} is an encoder-decoder. Give a causal language model, which continues a text."
    if not isinstance(config.get("quantization_config") or {}, dict):
        return "quantization_config is not a JSON object."
    for name, value in _settings(config):
        if type(value) is int and (value > LARGEST or (name.endswith("layers") and value > MOST_LAYERS)):
            return f"{name} is {value}, which no model has."
        if name in _SIZES and type(value) is int and value < 1:
            return f"{name} is {value}, and has to be at least 1."
        if not trust and isinstance(value, str) and "/" in value and "implementation" in name:
            return f"{name} {value!r} would load code from the Hugging Face hub. It is not run; {TRUST}."
    return ""


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object of a model folder. Raises AssetError, which names the file."""
    return read_object(path, f"a model's {path.name}", lambda why: AssetError(f"cannot load the model: {why}"))


def _settings(config: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a config by its name; values inside lists have the list's name."""
    if isinstance(config, dict):
        for key, value in config.items():
            # {"attn_implementation": {"text_config": ...}} is about implementations too
            yield from _settings(value, name if "implementation" in name else key)
    elif isinstance(config, list):
        for value in config:
            yield from _settings(value, name)
    else:
        yield name, config


def check_generation_config(path: Path) -> None:
    """Raises AssetError, which names the file, for a ``generation_config.json`` that cannot be read. (transformers
    would leave it out, and with it the tokens that end an answer.)"""
    ends = read_config(path).get("eos_token_id")
    if not all(type(each) is int for each in (ends if isinstance(ends, list) else [ends]) if each is not None):
        raise AssetError(
            f"cannot load the model: {path}: eos_token_id is {ends!r}, not the id of a token or a list of ids"
        )


def check_adapters(folder: Path) -> None:
    """Raises AssetError if the adapters in a folder cannot be used without importing modules that a file names."""
    path = folder / "adapter_config.json"
    config = read_config(path)
    if config.get("megatron_config"):
        raise AssetError(f"cannot load the model: {path} has a megatron_config, for which peft imports what it names")
    rank = config.get("r")
    if isinstance(rank, int) and rank > LARGEST_RANK:
        raise AssetError(f"cannot load the model: {path}: r is {rank}, which no adapter has")
    weights = ("adapter_model.safetensors", "adapter_model.bin")
    if not any((folder / name).is_file() for name in weights):  # peft would ask the hub for them
        raise AssetError(
            f"cannot load the model: {folder} has an adapter_config.json, and neither {' nor '.join(weights)}"
        )


def damaged_file(folder: Path) -> str:
    """A file of a model folder that cannot be read, and why; "" if none is found."""
    for path in sorted(folder.iterdir()):
        try:
            if path.suffix == ".safetensors":
                with safe_open(path, "pt"):
                    pass
            elif path.suffix == ".bin":
                torch.load(path, map_location="meta", weights_only=True)
            elif path.name == "tokenizer.json":
                Tokenizer.from_file(str(path))
            elif path.suffix == ".json":
                json.loads(path.read_bytes())
            elif path.suffix == ".jinja":
                path.read_text("utf-8")
        except Exception as error:  # tokenizers raises nothing more special
            what = "holds more than weights, or is damaged" if path.suffix == ".bin" else f"is damaged ({error})"
            return f"{path.name} {what}"
    return ""


def check_loaded(source: str, info: dict[str, Any]) -> None:
    """Raises AssetError if some of a model's weights were not in its files: they would be random numbers.

    Args:
        info: what ``from_pretrained`` returns with ``output_loading_info``.
    """
    mismatched = [str(each[0] if isinstance(each, (tuple, list)) else each) for each in info.get("mismatched_keys", ())]
    for names, what in (
        (info.get("missing_keys", ()), "are not in its files"),
        (mismatched, "have other shapes there"),
    ):
        if names:
            some = ", ".join(sorted(map(str, names))[:3]) + (", ..." if len(names) > 3 else "")
            raise AssetError(f"cannot load model {source!r}: {len(names)} of its weights {what} ({some})")
    if errors := info.get("error_msgs"):
        raise AssetError(f"cannot load model {source!r}: {errors[0]}")
