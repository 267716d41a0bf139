"""The command that starts vLLM as a sampler: the flags and variables that matter, and why.

    --enable-scale-out               /inference/v1/generate: token ids in and out, with the version of the weights
    --logprobs-mode processed_logprobs   log-probabilities at the temperature of the sampling
    --generation-config vllm         no top_p or temperature that was not asked for
    --worker-extension-cls ...       loads weights from a folder, all of them: worker/toolgym_vllm_worker.py
    --no-enable-chunked-prefill      (CPU) with chunks, a request with a seed ends the engine of vLLM 0.32
    VLLM_SERVER_DEV_MODE=1           /pause, /collective_rpc, /resume: whoever reaches the port can use them

vLLM lives in an environment of its own: the two share nothing but HTTP and a folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

WORKER = Path(__file__).parent / "worker"
EXTENSION = "toolgym_vllm_worker.ToolGymWorker"
CPU = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # the trainer is on the same cores
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
}
"""Variables of a server without a GPU. The user's own values win."""


def command(
    model: str,
    *,
    python: str,
    host: str = "127.0.0.1",
    port: int = 8000,
    dtype: str = "auto",
    lora_rank: int = 0,
    cpu: bool = False,
    context: int = 4096,
    more: Sequence[str] = (),
) -> tuple[dict[str, str], list[str]]:
    """The variables and the words of the command.

    Args:
        model: a folder or a name on the Hugging Face hub.
        python: an interpreter that has vLLM.
        lora_rank: of the adapters that will be sent; 0 for whole models.
        cpu: the server has no GPU.
        context: the most tokens of a conversation on a CPU; with a GPU, it is the model's own.
        more: further flags of vLLM.
    """
    variables = {"VLLM_SERVER_DEV_MODE": "1", "PYTHONPATH": str(WORKER)}
    # the module: `vllm serve` of the package vllm-cpu does not start
    words = [
        python, "-m", "vllm.entrypoints.openai.api_server", "--model", model, "--host", host, "--port", str(port),
        "--dtype", dtype, "--enable-scale-out", "--logprobs-mode", "processed_logprobs", "--generation-config", "vllm",
        "--enable-prefix-caching", "--worker-extension-cls", EXTENSION,
    ]  # fmt: skip
    if lora_rank:
        variables["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "1"
        words += ["--enable-lora", "--max-lora-rank", str(max(8, lora_rank)), "--max-loras", "1"]
    if cpu:
        variables |= CPU
        words += ["--enforce-eager", "--no-enable-chunked-prefill", "--max-model-len", str(context)]
        words += ["--max-num-batched-tokens", str(context), "--max-num-seqs", "64"]
    return variables, [*words, *more]


def environment(variables: Mapping[str, str], own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of the server: the user's, and these variables if the user has not set them."""
    path = os.pathsep.join(filter(None, (variables["PYTHONPATH"], own.get("PYTHONPATH"))))
    return {**variables, **own, "PYTHONPATH": path, "VLLM_SERVER_DEV_MODE": variables["VLLM_SERVER_DEV_MODE"]}
