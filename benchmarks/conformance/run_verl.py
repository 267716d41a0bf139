"""Plays under verl: its AgentLoopBase tokenizes, merges and aligns; a server answers with each play's texts as tokens.

The row has been through a parquet file, and the loop is made by hydra from the name in its config, as verl makes it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from typing import Any

import hydra
import pyarrow.parquet
from omegaconf import OmegaConf
from plays import Play, Played, read, report
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from verl.experimental.agent_loop.agent_loop import DictConfigWrap
from verl.utils.dataset.rl_dataset import RLHFDataset
from verl.workers.rollout.replica import TokenOutput

from toolgym.exports import verl as export
from toolgym.exports.session import Unscored

LIMIT = 10**7
"""Tokens of a prompt, and of a response."""
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def bytes_tokenizer() -> PreTrainedTokenizerFast:
    """A token for each byte, ChatML, and no download."""
    letters = {symbol: i for i, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    backend = Tokenizer(models.BPE(vocab=letters, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in ("<|im_start|>", "<|im_end|>")])
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>", chat_template=TEMPLATE)


tokenizer = bytes_tokenizer()


class Server:
    """What the loop asks for tokens: it says the texts of a play, one after the other."""

    def __init__(self, play: Play):
        self.play = play
        self.said: list[list[int]] = []
        self.prompts: list[list[int]] = []

    async def generate(self, request_id: str, *, prompt_ids: list[int], sampling_params: Any, **_: Any) -> TokenOutput:
        ids = [*tokenizer.encode(self.play.text(len(self.said)), add_special_tokens=False), tokenizer.eos_token_id]
        self.said.append(ids)
        self.prompts.append(list(prompt_ids))
        return TokenOutput(token_ids=ids, log_probs=[-1.0] * len(ids))


async def play(each: Play, folder: str) -> Played:
    export.write_rows(f"{folder}/rows.parquet", each.suite, each.kwargs, task_ids=[each.task_id])
    (row,) = pyarrow.parquet.read_table(f"{folder}/rows.parquet").to_pylist()
    rollout = {"prompt_length": LIMIT, "response_length": LIMIT}
    server = Server(each)
    loop = hydra.utils.instantiate(
        {"_target_": "toolgym.exports.verl.ToolGymAgentLoop"},
        trainer_config=DictConfigWrap(OmegaConf.create({"actor_rollout_ref": {"rollout": rollout}})),
        server_manager=server,
        tokenizer=tokenizer,
        processor=None,
        dataset_cls=RLHFDataset,
        data_config=DictConfigWrap(OmegaConf.create({})),
        hf_model_type="llama",
    )
    try:
        output = await loop.run({"temperature": 1.0}, raw_prompt=row["prompt"], **row)
    except Unscored:
        return Played(None, True, turns=len(server.said))
    check(each, output, server)
    found, rewards = output.extra_fields["reward_extra_info"], output.extra_fields["turn_scores"]
    return Played(output.reward_score, False, rewards, len(rewards), bool(found["success"]))


def check(each: Play, output: Any, server: Server) -> None:
    """The tokens: those sampled are trained on, the others are not, and each prompt is what stood before its answer."""
    ids = [*output.prompt_ids, *output.response_ids]
    kept = output.as_dict()  # what verl's worker makes of it
    sampled = [i for i, mask in zip(output.response_ids, output.response_mask, strict=True) if mask]
    wanted = [i for said in server.said for i in said]
    problems = {
        "the sampled tokens": sampled == wanted,
        "the log-probabilities": sum(output.response_logprobs) == -len(wanted),
        "a prompt": all(ids[: len(prompt)] == prompt for prompt in server.prompts),
        "the reward's place": float(kept["rm_scores"][-1]) == float(kept["rm_scores"].sum()),
        "the first prompt": tokenizer.decode(output.prompt_ids) == tokenizer.decode(server.prompts[0]),
    }
    if wrong := [name for name, right in problems.items() if not right]:
        raise SystemExit(f"{each.name}: {', '.join(wrong)}")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        report([await play(each, folder) for each in read(sys.argv[1])])


if __name__ == "__main__":
    asyncio.run(main())
