"""A model folder from anybody: no code of it runs, and whatever is wrong with it is said, with the file's name."""

from __future__ import annotations

import io
import json
import os
import shutil
import time

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from safetensors.torch import load_file, save_file  # noqa: E402
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym.agents.config import TrainConfig, parse  # noqa: E402
from toolgym.agents.export import export  # noqa: E402
from toolgym.agents.model import load_model  # noqa: E402
from toolgym.agents.policy import Policy  # noqa: E402
from toolgym.assets import AssetError  # noqa: E402
from toolgym.cli.main import main  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    tiny_model().save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(good, tmp_path):
    return shutil.copytree(good, tmp_path / "model")


def change(folder, name, **values):
    path = folder / name
    before = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(before | values))


def own_code(folder, **config):
    """Code that comes with the model: it writes a file when it runs."""
    (folder / "modeling_own.py").write_text(
        "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
        f"pathlib.Path({str(folder / 'ran')!r}).touch()\n"
        "from transformers import LlamaConfig as OwnConfig, LlamaForCausalLM as OwnModel\n"
    )
    names = {"AutoConfig": "modeling_own.OwnConfig", "AutoModelForCausalLM": "modeling_own.OwnModel"}
    change(folder, "config.json", auto_map=names, **config)


@pytest.fixture
def always_yes(monkeypatch):
    """Standard input answers yes to every question, as ``yes | toolgym eval`` does."""
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 100))
    monkeypatch.setattr("builtins.input", lambda *_: "y")


@pytest.mark.usefixtures("always_yes")
def test_code_that_comes_with_a_model_is_not_run_whatever_standard_input_says(folder, capsys):
    own_code(folder, model_type="own")
    with pytest.raises(AssetError, match=r"config\.json: model_type 'own' needs code .* trust_remote_code=True"):
        Policy(folder, device="cpu")
    arguments = ["eval", "--env", "ToolGym-Functions-v0", "--agent", "policy", "--model", str(folder), "-n", "1"]
    assert main(arguments) == 1
    assert "--trust-remote-code" in capsys.readouterr().err
    assert not (folder / "ran").exists()


@pytest.mark.usefixtures("always_yes")
def test_a_known_architecture_is_loaded_without_the_code_beside_it(folder):
    own_code(folder)
    change(folder, "generation_config.json", custom_generate="modeling_own.py")
    Policy(folder, device="cpu", dtype="float32")
    assert not (folder / "ran").exists()


@pytest.mark.usefixtures("always_yes")
def test_a_tokenizers_code_is_not_run(folder):
    own_code(folder)
    change(
        folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["modeling_own.Own", None]}, tokenizer_class="Own"
    )
    with pytest.raises(AssetError, match="cannot load the tokenizer"):
        load_model(folder, "cpu")
    assert not (folder / "ran").exists()


def test_trusted_code_runs_and_the_run_says_so(folder, monkeypatch, tmp_path):
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")
    own_code(folder, model_type="own")
    (folder / "modeling_own.py").write_text(
        (folder / "modeling_own.py").read_text()
        + "class OwnConfig(OwnConfig):\n    model_type = 'own'\n"
        + "class OwnModel(OwnModel):\n    config_class = OwnConfig\n"
    )
    policy = Policy(folder, device="cpu", dtype="float32", trust_remote_code=True)
    assert (folder / "ran").exists()
    assert policy.settings["trust_remote_code"] is True
    assert "trust_remote_code" not in Policy((policy.model, policy.tokenizer)).settings


def test_only_the_command_line_can_trust(tmp_path):
    assert parse(["--trust-remote-code"]).trust_remote_code
    (tmp_path / "run.json").write_text(json.dumps({"trust_remote_code": True}))
    with pytest.raises(ValueError, match="trust_remote_code is not taken from a file"):
        parse(["--config", str(tmp_path / "run.json")])
    (tmp_path / "run.json").write_text(json.dumps({"trust_remote_code": False}))
    assert parse(["--config", str(tmp_path / "run.json")]) == TrainConfig()


@pytest.mark.parametrize("name", ["_attn_implementation", "attn_implementation", "experts_implementation"])
@pytest.mark.parametrize("value", ["kernels-community/flash-attn", {"text_config": "someone/kernel"}])
def test_a_config_does_not_load_kernels_from_the_hub(folder, name, value):
    change(folder, "config.json", **{name: value})
    with pytest.raises(AssetError, match=rf"config\.json: {name} '.*' would load code from the Hugging Face hub"):
        load_model(folder, "cpu")


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_of_more_than_weights_is_refused(folder):
    (folder / "model.safetensors").unlink()
    torch.save({"lm_head.weight": Evil(folder / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(AssetError, match=r"pytorch_model\.bin holds more than weights"):
        load_model(folder, "cpu")
    assert not (folder / "ran").exists()


def without(folder, name):
    weights = load_file(folder / "model.safetensors")
    del weights[next(key for key in weights if name in key)]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


WRONG = {
    "weights missing": (lambda f: without(f, "q_proj"), "1 of its weights are not in its files .*q_proj"),
    "other shapes": (lambda f: change(f, "config.json", intermediate_size=48), "its weights have other shapes"),
    "half of the weights": (
        lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:3000]),
        r"model\.safetensors is damaged",
    ),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "no file named model.safetensors"),
    "empty config": (lambda f: (f / "config.json").write_text(""), r"config\.json is not a model's config\.json"),
    "list as config": (lambda f: (f / "config.json").write_text("[]"), r"config\.json .* but a JSON list"),
    "deep config": (lambda f: (f / "config.json").write_text("[" * 100_000), r"config\.json is not"),
    "unknown type": (lambda f: change(f, "config.json", model_type="llama9"), "'llama9' is unknown"),
    "vision": (lambda f: change(f, "config.json", model_type="vit"), "'vit' is not a causal language model"),
    "encoder-decoder": (lambda f: change(f, "config.json", model_type="t5"), "'t5' is not a causal language model"),
    "bart": (lambda f: change(f, "config.json", model_type="bart", is_encoder_decoder=True), "an encoder-decoder"),
    "huge vocabulary": (lambda f: change(f, "config.json", vocab_size=10**12), "vocab_size is 1000000000000"),
    "huge text_config": (lambda f: change(f, "config.json", text_config={"hidden_size": 10**11}), "hidden_size is 1"),
    "many layers": (lambda f: change(f, "config.json", num_hidden_layers=10**9), "num_hidden_layers is 1000000000"),
    "no layers": (lambda f: change(f, "config.json", num_hidden_layers=0), "num_hidden_layers is 0"),
    "words for numbers": (lambda f: change(f, "config.json", num_hidden_layers="two"), "num_hidden_layers"),
    "quantised": (lambda f: change(f, "config.json", quantization_config={"quant_method": "gptq", "bits": 4}), "GPTQ"),
    "generation config": (lambda f: (f / "generation_config.json").write_text("{"), r"generation_config\.json is not"),
    "end token": (lambda f: change(f, "generation_config.json", eos_token_id="x"), "eos_token_id is 'x'"),
    "tokenizer": (lambda f: (f / "tokenizer.json").write_text("{}"), r"tokenizer\.json is damaged"),
    "template": (lambda f: (f / "chat_template.jinja").write_bytes(b"\xff"), r"chat_template\.jinja is damaged"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_folder_that_cannot_be_loaded_says_why(folder, case):
    spoil, why = WRONG[case]
    spoil(folder)
    with pytest.raises(AssetError, match=why) as caught:
        Policy(folder, device="cpu", dtype="float32")
    assert str(folder) in str(caught.value)


def test_a_tokenizer_of_another_model_is_an_error_of_the_answer(good, tmp_path):
    small = tmp_path / "small"
    tiny_model(vocab_size=80, eos_token_id=1, pad_token_id=1, bos_token_id=1).save_pretrained(small)
    byte_tokenizer().save_pretrained(small)
    with pytest.raises(RuntimeError, match="the model has tokens 0 to 79: they do not belong together"):
        Policy(small, device="cpu").act({"messages": ({"role": "user", "content": "hi"},), "tools": ()})


# Adapters ----------------------------------------------------------------------------------------


def adapters(folder, **config):
    pytest.importorskip("peft")
    for path in folder.glob("*.safetensors"):
        path.unlink()
    save_file({"x": torch.zeros(1)}, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 4, **config}))


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"base_model_name_or_path": "someone/model"}, "'someone/model', which is not on this machine. .*hf download"),
        ({}, "does not say which model its adapters belong to"),
        ({"base_model_name_or_path": 7}, "does not say which model its adapters belong to"),
        ({"r": 10**12, "base_model_name_or_path": "x"}, r"adapter_config\.json: r is 1000000000000"),
        ({"megatron_config": {}, "megatron_core": "own"}, "does not say"),
        ({"megatron_config": {"a": 1}, "megatron_core": "own"}, "has a megatron_config"),
    ],
)
def test_adapters_that_cannot_be_used(folder, config, why):
    adapters(folder, **config)
    with pytest.raises(AssetError, match=why):
        load_model(folder, "cpu")


def test_adapters_of_themselves(folder):
    adapters(folder, base_model_name_or_path=str(folder))
    with pytest.raises(AssetError, match="belong to themselves"):
        load_model(folder, "cpu")


def test_adapters_of_an_untrusted_base_model_run_none_of_its_code(folder, good, tmp_path):
    base = shutil.copytree(good, tmp_path / "base")
    own_code(base, model_type="own")
    adapters(folder, base_model_name_or_path=str(base))
    (folder / "trainer.pt").write_bytes(b"")
    with pytest.raises(AssetError, match="'own' needs code that comes with the model"):
        load_model(folder, "cpu")
    assert not (base / "ran").exists()


# Names -------------------------------------------------------------------------------------------


@pytest.fixture
def no_network(monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("socket.getaddrinfo", unreachable)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["nonsense-of-nobody", "nobody/nonsense"])
def test_an_unknown_name_without_network_is_said_at_once(name):
    began = time.perf_counter()
    with pytest.raises(AssetError, match=f"there is no folder '{name}', and the Hugging Face hub cannot be asked"):
        load_model(name, "cpu")
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("name", ["a/b/c", "two words", "", "a..b"])
def test_what_cannot_be_a_name_is_not_looked_up(name):
    with pytest.raises(AssetError):
        load_model(name, "cpu")


def test_an_export_of_untrusted_adapters_is_refused(folder, good, tmp_path):
    base = shutil.copytree(good, tmp_path / "base")
    own_code(base, model_type="own")
    adapters(folder, base_model_name_or_path=str(base))
    torch.save({"step": 1}, folder / "trainer.pt")
    with pytest.raises(AssetError, match="'own' needs code"):
        export(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
