"""A fake of vLLM's server (0.32): its endpoints and answers, our own Policy as its engine, and faults to order.

What it answers has the keys and types of the real one: ``tests/vllm_answers.json`` holds recorded answers.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file

from toolgym.agents.policy import Policy
from toolgym.agents.token_policy import Asked
from toolgym.agents.vllm.policy import request_seed
from toolgym.agents.vllm.weights import ADAPTER

MOST_REPEATS = 64


class Engine(Policy):
    """Samples one answer by the stream that it is told."""

    stream = ""

    def _asked(self, prompt, max_tokens=None):
        return Asked(self._checked(prompt), self.max_new_tokens, self.stream)


class FakeVLLM:
    """A server's state. A test may put faults in order: each generation takes the first one, while there are any.

    500, cut (the connection), prompt (the answer to another one), nan (a log-probability), label (of other weights),
    restart (with the weights it was started with; the connection is cut), "" (no fault).

    Args:
        seeds: of the runs that ask: f"{config.seed} {step}". Their answers are those of ``Policy`` itself.
        stale: "" or "all" or "head": what stays as it was when weights are loaded, though the server says all is well.
    """

    def __init__(self, model, tokenizer, *, seeds=(), stale=""):
        self.base, self.tokenizer, self.stale = deepcopy(model), tokenizer, stale
        self.streams = [f"{seed} {{}} {i}" for seed in seeds for i in range(MOST_REPEATS)]
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.restarts = 0
        self.lock = threading.Lock()
        self.start()

    def start(self):
        """As when the process starts."""
        self.label, self.paused, self.adapted = "default", False, None
        self.model = deepcopy(self.base)
        self.engine = Engine((self.model, self.tokenizer))

    # What is asked of it -------------------------------------------------------------------------

    def post(self, path, body):
        """(status, answer); None cuts the connection."""
        with self.lock:
            return getattr(self, path.partition("?")[0].strip("/").replace("/", "_"))(body)

    def pause(self, body):
        self.paused = True
        return 200, {"status": "paused"}

    def resume(self, body):
        self.paused = False
        return 200, {"status": "resumed"}

    def reset_prefix_cache(self, body):
        self.engine.forget()
        return 200, {"success": True}

    def update_weight_version(self, body):
        self.label = body["new_version"]
        return 200, {"success": True, "new_version": self.label}

    def collective_rpc(self, body):
        assert self.paused
        assert body["method"] == "load_folder"
        folder = Path(body["args"][0])
        if not (folder / "model.safetensors").is_file():
            return 500, {"error": {"message": f"cannot load {folder}", "type": "InternalServerError", "code": 500}}
        if self.stale != "all":
            if self.stale == "head":
                self.model.lm_head.weight = torch.nn.Parameter(self.model.lm_head.weight.detach().clone())
            weights = load_file(folder / "model.safetensors")
            if self.stale == "head":
                weights.pop("lm_head.weight", None)
            self.model.load_state_dict(weights, strict=False)
        return 200, {"results": ["1"]}

    def v1_load_lora_adapter(self, body):
        assert (body["lora_name"], body["load_inplace"]) == (ADAPTER, True)
        adapted = PeftModel.from_pretrained(deepcopy(self.base), body["lora_path"]).merge_and_unload()
        self.adapted = Engine((adapted, self.tokenizer))
        return 200, "Success: LoRA adapter added."

    def inference_v1_generate(self, body):
        fault = self.faults.pop(0) if self.faults and "logprob_token_ids" not in body["sampling_params"] else ""
        if fault == "500":
            return 500, {"error": {"message": "the engine is unwell", "type": "InternalServerError", "code": 500}}
        if fault == "restart":
            self.restarts += 1
            self.start()
        if fault in ("cut", "restart"):
            return None
        if self.paused:
            return 500, {"error": {"message": "paused: would wait", "type": "InternalServerError", "code": 500}}
        engine = self.engine if body["model"] == "toolgym" else self.adapted
        if engine is None:
            return 404, {"error": {"message": f"The model `{body['model']}` does not exist.", "code": 404}}
        if max(body["token_ids"]) >= engine.model.config.vocab_size:
            return 400, {"error": {"message": "Token id is out of vocabulary", "code": 400}}
        answer = self.generate(engine, body)
        (choice,) = answer["choices"]
        if fault == "prompt":
            answer["prompt_token_ids"][0] += 1
        if fault == "nan":
            choice["logprobs"]["content"][-1]["logprob"] = -9999.0
        if fault == "label":
            choice["weight_versions"][0]["version"] = "another"
        return 200, answer

    def generate(self, engine, body):
        asked, ids = body["sampling_params"], list(body["token_ids"])
        engine.temperature, engine.top_p, engine.top_k = (
            asked["temperature"],
            asked.get("top_p", 1),
            asked.get("top_k", 0),
        )
        engine.max_new_tokens, engine.stop = asked["max_tokens"], tuple(asked.get("stop", ()))
        engine.end_ids = frozenset(asked.get("stop_token_ids", ()))
        engine.stream = self.stream(ids, asked.get("seed"))
        (said,) = engine.sample_ids([ids])
        engine.forget()
        chosen = [
            {"token_id": token, "logprob": logprob, "rank": 1}
            for token, logprob in zip(said.token_ids, said.logprobs, strict=True)
        ]
        most = asked["logprobs"] or 1  # with the sampled one
        others = scores(engine.model, ids, engine.temperature, asked.get("logprob_token_ids", ()))
        finish = "length" if said.finish_reason == "length" else "stop"
        ended_by = said.token_ids[-1] if said.finish_reason == "end" else None
        usage = {
            "prompt_tokens": len(ids), "total_tokens": len(ids) + len(chosen), "completion_tokens": len(chosen),
            "prompt_tokens_details": None, "completion_tokens_details": None,
        }  # fmt: skip
        return {
            "request_id": "generate-tokens-0", "model": body["model"], "created": int(time.time()), "usage": usage,
            "prompt_logprobs": None,
            "prompt_token_id_logprobs": None, "prompt_token_ids": ids if body.get("return_token_ids") else None,
            "mm_placeholders": None, "metrics": None, "kv_transfer_params": None, "ec_transfer_params": None,
            "output_mode": "tokens",
            "choices": [{
                "index": 0, "finish_reason": finish, "stop_reason": ended_by, "token_ids": list(said.token_ids),
                "routed_experts": None, "sampling_mask": None,
                "weight_versions": [{"version": self.label, "start": 0, "end": len(chosen)}],
                "logprobs": {"content": [{**each, "top_logprobs": [each, *others][:most]} for each in chosen]},
            }],
        }  # fmt: skip

    def stream(self, ids, seed):
        """The name of the random stream whose seed this is, if it is of a run that is known; else another one."""
        digest = self.digest(ids)
        return next((name for each in self.streams if request_seed(name := each.format(digest)) == seed), f"{seed}")

    @staticmethod
    def digest(ids):
        from toolgym.agents.token_policy import _digest

        return _digest(tuple(ids))


@torch.no_grad()
def scores(model, ids, temperature, wanted):
    logprobs = (model(torch.tensor([ids])).logits[0, -1] / temperature).log_softmax(-1)
    return [{"token_id": token, "logprob": logprobs[token].item(), "rank": 1} for token in wanted]


def shape(value):
    """The keys and types of a JSON value; of lists, those of the first element."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


@contextmanager
def serving(fake):
    """Yields the fake's address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            fake.requests.append(self.path)
            models = [{"id": "toolgym", "object": "model", "max_model_len": 4096}]
            found = self.path == "/v1/models"
            self.answer(200 if found else 404, {"object": "list", "data": models} if found else {"detail": "Not Found"})

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fake.requests.append(self.path)
            found = fake.post(self.path, json.loads(body) if body else None)
            if found is None:
                self.close_connection = True
            else:
                self.answer(*found)

        def answer(self, status, content):
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
