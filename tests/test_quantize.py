"""QLoRA: a base model in 4 bits, trained as the dequantised model would be."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

from test_train import Unplugged, config, metrics, unplug_after  # noqa: E402
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym.agents import checkpoint  # noqa: E402
from toolgym.agents.config import TrainConfig  # noqa: E402
from toolgym.agents.lora import with_lora  # noqa: E402
from toolgym.agents.model import load_model  # noqa: E402
from toolgym.agents.quantize import dequantised  # noqa: E402
from toolgym.agents.tokens import Sample  # noqa: E402
from toolgym.agents.training.forward import TrainingForward  # noqa: E402
from toolgym.agents.training.trainer import Trainer  # noqa: E402
from toolgym.agents.training.update import SFTUpdate  # noqa: E402
from toolgym.assets import AssetError  # noqa: E402
from toolgym.cli.main import main  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")
SAMPLES = [Sample([1, 2, 3, *ids], [0] * 3 + [1] * len(ids), [0.0] * (3 + len(ids)), [0.0] * (3 + len(ids)), 3)
           for ids in ([7, 8, 9, 200], [65, 66], [9] * 20)]  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A model folder with layers as large as bitsandbytes packs for inference: multiples of 64."""
    folder = tmp_path_factory.mktemp("base")
    tiny_model(hidden_size=64, intermediate_size=128).save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return str(folder)


def gradients(model):
    """Of the adapters, as the trainer computes them: after a forward without gradients."""
    torch.manual_seed(0)
    model = with_lora(model.eval(), 4, 0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    SFTUpdate(SAMPLES, TrainingForward(model)).gradients(0)
    return torch.cat([p.grad.flatten().float() for p in model.parameters() if p.requires_grad])


def nf4(base, dtype="float32"):
    pytest.importorskip("bitsandbytes")
    return load_model(base, "cpu", dtype, quantize="nf4")[0]


def twin(base):
    """The dequantised model in float32."""
    return dequantised(load_model(base, "cpu", "float32")[0], nf4(base))


def test_gradients_are_those_of_the_dequantised_model(base):
    found, wanted = gradients(nf4(base)), gradients(twin(base))
    assert (found - wanted).norm() < 1e-5 * wanted.norm()
    plain = gradients(load_model(base, "cpu", "float32")[0])
    assert (plain - wanted).norm() > 0.02 * wanted.norm()


@pytest.mark.filterwarnings("ignore:.*an autograd kernel was not registered")
def test_the_test_above_finds_layers_packed_for_inference(base):
    bitsandbytes = pytest.importorskip("bitsandbytes")
    if not bitsandbytes.functional.has_avx512bf16():
        pytest.skip("this CPU does not pack layers")
    model = nf4(base)
    for module in model.modules():
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            module.support_avx512bf16_for_cpu = True
    found, wanted = gradients(model), gradients(twin(base))
    assert (found - wanted).norm() > 0.1 * wanted.norm()


def qlora(base, out, resume=False, on_step=None, **settings):
    pytest.importorskip("bitsandbytes")
    given = {"model": base, "lora_rank": 2, "quantize": "nf4", "learning_rate": 1e-2, "save_every": 1, **settings}
    return Trainer(config(out, **given), resume=resume, on_step=on_step)


@torch.no_grad()
def logits(model):
    return model(torch.tensor([[1, 2, 3, 200]])).logits.float()


def test_a_run_samples_learns_and_resumes_to_the_same_bytes(base, tmp_path):
    whole = qlora(base, tmp_path / "whole", beta=0.1)
    whole.run()
    rows = metrics(tmp_path / "whole")
    assert rows[0]["kl"] == 0 < rows[1]["kl"]  # the reference: the adapters off
    cut = qlora(base, tmp_path / "cut", beta=0.1, on_step=unplug_after(2))
    with pytest.raises(Unplugged):
        cut.run()
    again = qlora(base, tmp_path / "cut", resume=True, beta=0.1)
    again.run()
    trained = [[p for p in run.model.parameters() if p.requires_grad] for run in (whole, again)]
    assert all(torch.equal(a, b) for a, b in zip(*trained, strict=True))


def test_layers_that_store_their_weight_transposed_are_dequantised(tmp_path):
    torch.manual_seed(0)
    sizes = {"n_embd": 64, "n_layer": 1, "n_head": 2, "vocab_size": 258, "initializer_range": 0.3}
    transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes)).save_pretrained(tmp_path)
    byte_tokenizer().save_pretrained(tmp_path)
    base = str(tmp_path)
    assert torch.allclose(logits(nf4(base)), logits(twin(base)), atol=1e-4)
    assert not torch.allclose(logits(nf4(base)), logits(load_model(base, "cpu", "float32")[0]), atol=1e-2)


def test_adapters_are_merged_into_the_dequantised_base(base, tmp_path, capsys):
    run = qlora(base, tmp_path / "run", algo="sft")
    run.run()
    wanted = logits(run.model)
    assert main(["export", str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    assert "merged into its dequantised weights" in " ".join(capsys.readouterr().out.split())
    exported, _ = load_model(tmp_path / "out", "cpu", "float32")
    evaluated, _ = load_model(checkpoint.of(tmp_path / "run"), "cpu", "float32")
    for found in (exported, evaluated):
        assert (logits(found) - wanted).norm() < 0.02 * wanted.norm()  # the run may compute in bfloat16
        assert not any("lora" in name or "absmax" in name for name in found.state_dict())
    assert "quantization_config" not in exported.config.to_dict()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"quantize": "nf4"}, "needs lora_rank"), ({"quantize": "int8", "lora_rank": 2}, "one of off, nf4")],
)
def test_settings_that_cannot_be(wrong, says):
    with pytest.raises(ValueError, match=says):
        TrainConfig(**wrong)


def test_without_bitsandbytes_the_extra_is_named(base, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes", None)
    with pytest.raises(AssetError, match=r"pip install 'toolgym\[qlora\]'"):
        load_model(base, "cpu", quantize="nf4")
    with pytest.raises(ValueError, match="off or nf4, got 'fp4'"):
        load_model(base, "cpu", quantize="fp4")


def test_adapters_are_not_quantised(base, tmp_path):
    pytest.importorskip("bitsandbytes")
    Trainer(config(tmp_path / "run", model=base, lora_rank=2, algo="sft", steps=1)).run()
    with pytest.raises(AssetError, match=r"toolgym export .* writes one"):
        load_model(checkpoint.of(tmp_path / "run"), "cpu", quantize="nf4")
