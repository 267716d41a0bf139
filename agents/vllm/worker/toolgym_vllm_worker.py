"""Extension of vLLM's workers: load the weights in a folder. It runs inside vLLM, and imports nothing of ToolGym.

    PYTHONPATH=<this folder> python -m vllm.entrypoints.openai.api_server --worker-extension-cls \
        toolgym_vllm_worker.ToolGymWorker ...

``toolgym serve-sampler`` starts a server in this way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


class ToolGymWorker:
    """Methods that vLLM adds to its worker, to be called by ``POST /collective_rpc``."""

    reload_weights: Any
    model_runner: Any

    def load_folder(self, folder: str) -> int:
        """Load the weights in a folder that ``save_pretrained`` wrote; returns how many output layers were packed anew.

        On CPUs, vLLM 0.32 computes with a packed copy of the output layer. If the layer is tied to the embeddings,
        ``reload_weights`` leaves that copy as it was.

        Raises FileNotFoundError without weights: after a reload that fails, vLLM's layers are empty, and the
        next request ends its engine.
        """
        if not any(Path(folder).glob("*.safetensors")):
            raise FileNotFoundError(f"no weights (*.safetensors) in {folder}")
        self.reload_weights(weights_path=folder)
        packed = 0
        for module in self.model_runner.get_model().modules():
            if type(module).__name__ == "ParallelLMHead" and hasattr(module, "cpu_linear"):
                module.quant_method.process_weights_after_loading(module)
                packed += 1
        return packed
