"""Chat templates of today's model families, each with a small tokenizer that has the family's control tokens."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

import toolgym  # noqa: F401  registers the suites
from toolgym.agents.tokens import ChatTokens

FOLDER = Path(__file__).parent / "chat_templates"
NAMES = sorted(path.stem for path in FOLDER.glob("*.jinja"))

_CONTROL = re.compile(
    r"<\|\w+\|>|<｜[^｜>]+｜>|\[/?[A-Z_]{3,}\]|<(?:start|end|beginning)_of_(?:turn|sentence)>|\[gMASK\]|<sop>"
)
_ROLES = ["<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"]
_ENDS = {  # family -> (BOS, EOS); all others have <s> and the end token of their template
    "gemma2": ("<bos>", "<eos>"), "gemma3": ("<bos>", "<eos>"), "phi3": ("<s>", "<|endoftext|>"),
    "deepseek_v3": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
    "deepseek_r1": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
    "glm4": ("<s>", "<|endoftext|>"), "gpt_oss": ("<s>", "<|return|>"), "olmo2": ("<|endoftext|>", "<|endoftext|>"),
}  # fmt: skip


@cache
def _merges() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A vocabulary of bytes and 500 merges, learnt from prompts, so that a text can be written in several ways."""
    prompts = []
    for env_id in ("ToolGym-Office-v0", "ToolGym-Functions-v0"):
        env = gym.make(env_id)
        prompts += [str(env.reset(seed=seed)[0]["messages"]) for seed in range(3)]
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    letters = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(prompts, trainers.BpeTrainer(vocab_size=756, initial_alphabet=letters))
    model = json.loads(backend.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def tokenizer(name: str, template: str | None = None) -> Any:
    """Merged bytes and control tokens. ``<think>`` and ``<tool_call>`` are tokens, though not special, as in Qwen's."""
    source = (FOLDER / f"{name}.jinja").read_text("utf-8") if template is None else template
    bos, eos = _ENDS.get(name, ("<s>", "</s>"))
    backend = Tokenizer(models.BPE(*_merges()))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    special = dict.fromkeys([bos, eos, *_CONTROL.findall(source), *(_ROLES if name in ("glm4", "olmo2") else [])])
    backend.add_special_tokens([AddedToken(each, special=True, normalized=False) for each in special])
    backend.add_tokens([AddedToken(each, normalized=False) for each in ("<think>", "</think>", "<tool_call>")])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=bos, eos_token=eos, pad_token=eos, chat_template=source
    )


def letter_by_letter(tokens: ChatTokens, text: str) -> list[int]:
    """Token ids of a text as the tokenizer would not write it, but for its added tokens."""
    pieces = re.findall(r"</?think>|<tool_call>|.", text, re.DOTALL)
    ids = {piece: tokens.encode(piece) for piece in set(pieces)}
    return [i for piece in pieces for i in ids[piece]]
