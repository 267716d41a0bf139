"""A small language model from scratch: its tokenizer, its weights, its pretraining, its folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import gymnasium as gym
import torch
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from toolgym.agents.checkpoint import writing
from toolgym.agents.model import choose_dtype
from toolgym.agents.training.optimizer import MasterAdamW
from toolgym.disk import atomic_folder
from toolgym.envs.office.apis.office import TOOLS

from .decisions import ENV
from .tiny_corpus import WORLD, texts

Corpus: TypeAlias = Callable[[int], Iterator[list[dict[str, str]]]]
"""A seed -> an endless stream of conversations, of which the last message is learnt."""
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
START, END = "<|im_start|>", "<|im_end|>"
FRAMES = (
    "<think>", "</think>", "<tool_call>", "</tool_call>", "<response>", "</response>",
    '{"name": "', '", "parameters": {', '": "', '", "', '"}}',
)  # fmt: skip
"""Texts that are one token each, like the names of tools and parameters, because every answer has them."""
PEAK = 4e-3
"""The highest learning rate of the pretraining."""


def build(
    folder: Path, *, settings: dict[str, int], tell: Callable[[str], None], seed: int = 0, corpus: Corpus = texts
) -> Path:
    """The folder of the model, which is made if it does not exist; equal arguments give equal models.

    Args:
        settings: hidden_size, num_hidden_layers, num_attention_heads, vocabulary; ``steps`` of pretraining, with
            batches of 16 texts.
        seed: draws the texts and the weights.
        corpus: what is read; a folder is for one corpus only.
    """
    settings = {"seed": seed, **settings}
    about = folder / "built.json"
    if about.is_file() and json.loads(about.read_text("utf-8")) == settings:
        return folder
    tokenizer = make_tokenizer(seed, settings["vocabulary"], corpus)
    model = make_model(seed, len(tokenizer), settings)
    tell(f"tiny model: {sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer)} tokens")
    read(model, rows(tokenizer, corpus(seed + 1)), settings["steps"], tell)
    with atomic_folder(folder) as temporary, writing():
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        (temporary / "built.json").write_text(json.dumps(settings) + "\n")
    return folder


def make_tokenizer(seed: int, vocabulary: int, corpus: Corpus = texts) -> Any:
    """Byte-level BPE whose tokens never join a space and a word: a name has the same tokens everywhere."""
    backend = Tokenizer(models.BPE())
    pieces = Regex(r" |\n|[A-Z]|[a-z]+|\d|[^\sA-Za-z\d]|\s")
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(pieces, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    backend.decoder = decoders.ByteLevel()
    read = [message["content"] for text in islice(corpus(seed), 2000) for message in text]
    env: Any = gym.make(ENV, world=WORLD).unwrapped
    values = [str(v) for task in env.tasks[:2000] for call in task.expected[0] for v in call.arguments.values()]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator(read + 9 * values, trainer)  # weighted, so that values become whole tokens
    names = {*TOOLS, *[key for tool in TOOLS.values() for key in tool.parameters["properties"]]}
    whole = [*FRAMES, "system", "user", "assistant", *sorted(names)]
    backend.add_tokens([AddedToken(text, normalized=False, single_word=text not in FRAMES) for text in whole])
    return chat_tokenizer(backend)


def chat_tokenizer(backend: Tokenizer) -> Any:
    """A transformers tokenizer with ChatML's template; ChatML's two special tokens have the last ids."""
    backend.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in (START, END)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token=END, pad_token=END, chat_template=CHATML
    )


def make_model(seed: int, vocabulary: int, size: dict[str, int]) -> Any:
    """Random weights, except that attention starts as copying: queries equal keys, and outputs invert values.

    So few texts are not enough to learn copying; large models see enough text for it.
    """
    end = vocabulary - 1
    config = transformers.LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=size["hidden_size"],
        intermediate_size=size["hidden_size"] * 5 // 2,
        num_hidden_layers=size["num_hidden_layers"],
        num_attention_heads=size["num_attention_heads"],
        num_key_value_heads=size["num_attention_heads"],
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        eos_token_id=end,
        pad_token_id=end,
        bos_token_id=end - 1,
        initializer_range=0.05,
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model = transformers.LlamaForCausalLM(config)
        for layer in model.model.layers:
            attention = layer.self_attn
            turn, other = (torch.linalg.qr(torch.randn(config.hidden_size, config.hidden_size))[0] for _ in range(2))
            attention.q_proj.weight.copy_(turn)
            attention.k_proj.weight.copy_(turn)
            attention.v_proj.weight.copy_(other / 2)
            attention.o_proj.weight.copy_(other.T / 2)
        return model


def read(model: Any, batches: Iterator[tuple[Tensor, Tensor]], steps: int, tell: Callable[[str], None]) -> None:
    """Pretraining: cross-entropy on the labels of ``batches``."""
    model.to(choose_dtype("auto", model.device)).train()
    optimizer = MasterAdamW(model.parameters(), weight_decay=0.01)
    for step in range(steps):
        ids, labels = next(batches)
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step(PEAK * min(1.0, (step + 1) / 20, max(0.05, 1.5 * (1 - step / steps))))
        if step % 50 == 0 or step + 1 == steps:
            tell(f"reading, step {step}: {loss.item():.3f} nats")
    model.eval()


def rows(tokenizer: Any, stream: Iterator[list[dict[str, str]]], size: int = 16) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches (ids, labels), both (size, width), padded; labels are -100 except on the answers."""
    while True:
        batch = []
        for text in islice(stream, size):
            prompt = tokenizer.apply_chat_template(text[:-1], tokenize=False, add_generation_prompt=True)
            batch.append((tokenizer.encode(prompt), tokenizer.encode(text[-1]["content"] + END)))
        width = max(len(prompt) + len(answer) for prompt, answer in batch)
        ids = torch.full((size, width), tokenizer.pad_token_id)
        labels = torch.full((size, width), -100)
        for i, (prompt, answer) in enumerate(batch):
            end = len(prompt) + len(answer)
            ids[i, :end] = torch.tensor(prompt + answer)
            labels[i, len(prompt) : end] = torch.tensor(answer)
        yield ids, labels
