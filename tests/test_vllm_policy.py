"""A model on a vLLM server as an agent, the strict reading of its answers, and the command that starts one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("aiohttp")

from conftest import shop  # noqa: E402
from tiny_lm import END, byte_tokenizer, tiny_model  # noqa: E402
from vllm_server import FakeVLLM, serving, shape  # noqa: E402

from toolgym import evaluate  # noqa: E402
from toolgym.agents.policy import Policy  # noqa: E402
from toolgym.agents.token_policy import Asked  # noqa: E402
from toolgym.agents.vllm import server as client  # noqa: E402
from toolgym.agents.vllm import serving as serving_command  # noqa: E402
from toolgym.agents.vllm.answers import sampled, scored  # noqa: E402
from toolgym.agents.vllm.policy import VLLMPolicy  # noqa: E402
from toolgym.agents.vllm.server import VLLMServer  # noqa: E402
from toolgym.cli.main import main  # noqa: E402
from toolgym.rollout import AgentError, ContextFull  # noqa: E402
from toolgym.types import message  # noqa: E402
from toolgym.web import Failure  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread", "impatient")
RECORDED = json.loads((Path(__file__).parent / "vllm_answers.json").read_text("utf-8"))


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(client, "LONGEST_WAIT", 0.02)
    monkeypatch.setattr(client, "PATIENCE", 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model as a folder, without its weights."""
    folder = tmp_path_factory.mktemp("model")
    model = tiny_model()
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def fake():
    return FakeVLLM(tiny_model(), byte_tokenizer(), seeds=["0"])


@pytest.fixture
def address(fake):
    with serving(fake) as address:
        yield address


CHATS = [[message("user", text)] for text in ("go", "stay", "go")]


@pytest.mark.parametrize("settings", [{}, {"temperature": 1.0}, {"temperature": 1.0, "stop": ["a", "e"]}], ids=str)
def test_it_answers_as_the_local_policy_does(folder, address, settings):
    here = Policy((tiny_model(), byte_tokenizer()), max_new_tokens=12, **settings)
    there = VLLMPolicy(address, folder, max_new_tokens=12, **settings)
    for one, other in zip(here.sample(CHATS), there.sample(CHATS), strict=True):
        assert (one.token_ids, one.text, one.finish_reason) == (other.token_ids, other.text, other.finish_reason)
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)


def test_an_evaluation_with_it(folder, address):
    agents = [Policy((tiny_model(), byte_tokenizer()), max_new_tokens=6), VLLMPolicy(address, folder, max_new_tokens=6)]
    one, other = ([t.turns for t in evaluate(shop, agent)] for agent in agents)
    assert one == other


def test_the_command_evaluates_with_it(folder, address, capsys):
    words = ["eval", "--env", "ToolGym-Functions-v0", "-n", "2", "--agent", "vllm", "--model", str(folder)]
    assert main([*words, "--base-url", address, "--max-new-tokens", "4"]) == 0
    assert main(words) == 1
    assert "agent 'vllm' needs --base-url" in capsys.readouterr().err


def test_the_context_is_the_shorter_of_the_models_and_the_servers(folder, address):
    policy = VLLMPolicy(address, folder)
    assert policy.context == 4096
    policy.context = 10
    with pytest.raises(ContextFull):
        policy.sample_ids([[1] * 10])
    (answer,) = policy.sample_ids([[1] * 9])
    assert len(answer.token_ids) == 1


def test_errors_name_the_server_and_the_reason(folder, fake, address):
    policy = VLLMPolicy(address, folder, max_new_tokens=2)
    fake.faults = ["nan"] * 20
    with pytest.raises(AgentError, match=r"vLLM server at http.*cannot be right: a log-probability is not a finite"):
        policy.sample(CHATS[:1])
    fake.faults = ["500"] * 20
    with pytest.raises(AgentError, match=r"HTTP 500.*the engine is unwell"):
        policy.sample(CHATS[:1])
    with pytest.raises(AgentError, match=r"no connection.*4 tries"):
        VLLMPolicy("http://127.0.0.1:9", folder)
    for wrong in ("localhost:8000", "ftp://x", "http://me:secret@x:1", "http://x:1/v1"):
        with pytest.raises(ValueError, match="address"):
            VLLMServer(wrong)
    with pytest.raises(AgentError, match=r"/v1/models: HTTP 404: this is not a vLLM server"):
        VLLMPolicy(f"{address}/elsewhere", folder)


# What the real server answers --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sampled", "ended", "scored"])
def test_the_fake_answers_with_the_keys_of_the_real_server(fake, kind):
    recorded = RECORDED[kind]
    status, answer = fake.post("/inference/v1/generate", {**recorded["request"], "model": "toolgym"})
    assert status == 200
    ours, theirs = shape(json.loads(json.dumps(answer))), shape(recorded["answer"])
    ours["choices"][0]["stop_reason"] = theirs["choices"][0]["stop_reason"]  # other weights end elsewhere
    assert ours == theirs


@pytest.mark.parametrize("path", sorted(RECORDED["control"]))
def test_the_fake_takes_orders_as_the_real_server_does(fake, path):
    recorded = RECORDED["control"][path]
    fake.paused = True
    if path == "/collective_rpc":
        body = {"method": "load_folder", "args": ["nowhere"]}
        status, answer = fake.post(path, body)
        assert (status, set(answer)) == (recorded["status"], set(recorded["answer"]))
    else:
        status, answer = fake.post(path, recorded["request"])
        assert (status, shape(answer)) == (recorded["status"], shape(recorded["answer"]))


def test_recorded_answers_are_read():
    kept = RECORDED["sampled"]
    asked = Asked(tuple(kept["request"]["token_ids"]), kept["request"]["sampling_params"]["max_tokens"], "")
    answer = sampled(json.dumps(kept["answer"]).encode(), asked, {END})
    assert len(answer.token_ids) == len(answer.logprobs) == asked.room
    assert (answer.finish_reason, answer.label) == ("length", "default")
    kept = RECORDED["ended"]
    asked = Asked(tuple(kept["request"]["token_ids"]), kept["request"]["sampling_params"]["max_tokens"], "")
    (end,) = kept["request"]["sampling_params"]["stop_token_ids"]
    ended = sampled(json.dumps(kept["answer"]).encode(), asked, {end})
    assert (ended.finish_reason, ended.token_ids[-1]) == ("end", end)
    kept = RECORDED["scored"]
    asked, wanted = Asked(tuple(kept["request"]["token_ids"]), 1, ""), kept["request"]["sampling_params"]
    scores = scored(sampled(json.dumps(kept["answer"]).encode(), asked, ()), wanted["logprob_token_ids"][:-1])
    assert len(scores) == len(wanted["logprob_token_ids"]) - 1


def spoilt(change):
    answer = json.loads(json.dumps(RECORDED["sampled"]["answer"]))
    change(answer)
    return json.dumps(answer).encode()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda a: a.pop("choices"), "cannot be read"),
        (lambda a: a["choices"].append(a["choices"][0]), "2 choices"),
        (lambda a: a["prompt_token_ids"].pop(), "another prompt"),
        (lambda a: a["choices"][0]["token_ids"].pop(), "not of its tokens"),
        (lambda a: a["choices"][0].update(token_ids=[]), "has 0 tokens"),
        (lambda a: a["choices"][0].update(token_ids=[1] * 99), "has 99 tokens"),
        (lambda a: a["choices"][0].update(finish_reason="abort"), "ended by 'abort'"),
        (lambda a: a["choices"][0].update(logprobs=None), "cannot be read"),
        (lambda a: a["choices"][0]["logprobs"]["content"][0].update(logprob=-9999.0), "not a finite"),
        (lambda a: a["choices"][0]["logprobs"]["content"][0].update(logprob=float("nan")), "cannot be read"),
        (lambda a: a["choices"][0]["logprobs"]["content"][0].update(logprob=0.5), "not a finite"),
        (lambda a: a["choices"][0].update(weight_versions=None), "cannot be read"),
    ],
)
def test_an_answer_that_cannot_be_right_is_refused(change, why):
    request = RECORDED["sampled"]["request"]
    asked = Asked(tuple(request["token_ids"]), request["sampling_params"]["max_tokens"], "")
    with pytest.raises(Failure, match=why) as failure:
        sampled(spoilt(change), asked, {END})
    assert failure.value.worth_retrying


@pytest.mark.parametrize(
    "spans",
    [
        [],
        [{"version": "a", "start": 0, "end": 3}, {"version": "b", "start": 3, "end": 6}],
        [{"version": "a", "start": 0, "end": 5}],
    ],
)
def test_an_answer_of_several_versions_has_none(spans):
    request = RECORDED["sampled"]["request"]
    asked = Asked(tuple(request["token_ids"]), request["sampling_params"]["max_tokens"], "")
    body = spoilt(lambda a: a["choices"][0].update(weight_versions=spans))
    assert sampled(body, asked, {END}).label == ""


# The command -------------------------------------------------------------------------------------


def test_serve_sampler_prints_the_command(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my model").mkdir()
    words = ["serve-sampler", "--model", "my model", "--python", "vllm/bin/python", "--port", "8123", "--print"]
    assert main([*words, "--lora-rank", "4", "--cpu", "--", "--max-num-seqs", "8"]) == 0
    printed = capsys.readouterr().out
    for part in (
        "VLLM_SERVER_DEV_MODE=1", "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1", "vllm/bin/python -m vllm.",
        "--model 'my model'", "--port 8123", "--enable-scale-out", "--logprobs-mode processed_logprobs",
        "--generation-config vllm",
        "--worker-extension-cls toolgym_vllm_worker.ToolGymWorker", "--no-enable-chunked-prefill", "--max-lora-rank 8",
    ):  # fmt: skip
        assert part in printed
    assert printed.rstrip().endswith("--max-num-seqs 8")


@pytest.mark.parametrize(
    "model", ["./mine", "/no/such/folder", "runs/grpo/checkpoints/step-1", "my model", "here/mine"]
)
def test_serve_sampler_names_a_folder_that_is_not_there(capsys, tmp_path, monkeypatch, model):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert main(["serve-sampler", "--model", model, "--print"]) == 1
    assert capsys.readouterr() == ("", f"error: --model {model}: there is no such folder\n")


def test_serve_sampler_says_that_a_name_is_asked_for_at_the_hub(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["serve-sampler", "--model", "org/model", "--print"]) == 0
    printed, noted = capsys.readouterr()
    assert "--model org/model" in printed
    assert "vLLM will ask the Hugging Face hub" in noted


def test_serve_sampler_without_vllm_says_where_to_get_it(capsys):
    assert main(["serve-sampler", "--model", "x"]) == 1
    assert "has no vLLM: --python names an interpreter" in capsys.readouterr().err


def test_the_servers_environment_keeps_what_the_user_has_set():
    variables, _ = serving_command.command("model", python="python", cpu=True)
    own = {"PYTHONPATH": "mine", "VLLM_CPU_KVCACHE_SPACE": "8", "VLLM_SERVER_DEV_MODE": "0", "HOME": "here"}
    found = serving_command.environment(variables, own)
    assert found["PYTHONPATH"].split(os.pathsep) == [str(serving_command.WORKER), "mine"]
    assert (found["VLLM_CPU_KVCACHE_SPACE"], found["HOME"], found["KMP_BLOCKTIME"]) == ("8", "here", "0")
    assert found["VLLM_SERVER_DEV_MODE"] == "1"  # without it, no weights can be sent
    name, _, attribute = serving_command.EXTENSION.partition(".")
    assert attribute in (serving_command.WORKER / f"{name}.py").read_text("utf-8")


def test_the_extension_touches_no_weights_if_the_folder_has_none(tmp_path):
    """After a reload that fails, the layers of vLLM 0.32 are empty, and the next request ends its engine."""
    found = {}
    exec((serving_command.WORKER / "toolgym_vllm_worker.py").read_text("utf-8"), found)  # imports nothing of ToolGym
    worker = found["ToolGymWorker"]()
    worker.reload_weights = lambda **_: pytest.fail("the weights were touched")
    with pytest.raises(FileNotFoundError, match="no weights"):
        worker.load_folder(str(tmp_path))
