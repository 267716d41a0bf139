"""An exported model gives the answers of the trained model."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from test_train import config, trainer  # noqa: E402
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym.agents import checkpoint  # noqa: E402
from toolgym.agents.export import export  # noqa: E402
from toolgym.agents.model import load_model  # noqa: E402
from toolgym.agents.training.trainer import Trainer  # noqa: E402
from toolgym.assets import AssetError  # noqa: E402
from toolgym.cli.main import main  # noqa: E402
from toolgym.runlog import RunError  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")
IDS = torch.tensor([[1, 2, 3, 200]])


@torch.no_grad()
def logits(model):
    return model(IDS).logits


def saved_model(folder, dtype):
    tiny_model().to(dtype).save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lora_adapters_are_merged_into_the_model_they_were_trained_on(tmp_path, dtype):
    pytest.importorskip("peft")
    base = saved_model(tmp_path / "base", dtype)
    settings = config(tmp_path / "run", model=base, lora_rank=2, algo="sft", steps=4, learning_rate=1e-2)
    run = Trainer(settings, loaded=load_model(base, "cpu", dtype))
    run.run()
    folder = export(tmp_path / "run", tmp_path / "out")
    again, tokenizer = load_model(folder, "cpu", "float32")
    assert transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="auto").dtype is dtype
    wanted = logits(run.model.float().eval())
    close = 1e-5 if dtype is torch.float32 else 0.01  # bfloat16 keeps 8 bits of each weight
    assert (logits(again) - wanted).norm() < close * wanted.norm()
    assert (logits(load_model(base, "cpu", "float32")[0]) - wanted).norm() > 0.1 * wanted.norm()
    assert not any("lora" in name for name, _ in again.named_parameters())
    assert tokenizer.chat_template == byte_tokenizer().chat_template
    assert not list(folder.glob("adapter_*")) + list(folder.glob("trainer.pt"))


def test_a_run_goes_on_from_the_adapters_of_another(tmp_path):
    """As the settings say: a model is also a checkpoint of another run."""
    pytest.importorskip("peft")
    base = saved_model(tmp_path / "base", torch.float32)
    Trainer(config(tmp_path / "sft", model=base, lora_rank=2, algo="sft", learning_rate=1e-2)).run()
    first = checkpoint.all_of(tmp_path / "sft")[-1]
    assert not torch.equal(logits(load_model(first, "cpu", "float32")[0]), logits(load_model(base)[0].float()))
    run = Trainer(config(tmp_path / "grpo", model=str(first), lora_rank=2), loaded=load_model(first, "cpu", "float32"))
    run.run()
    folder = export(tmp_path / "grpo", tmp_path / "out")
    assert torch.allclose(logits(load_model(folder, "cpu", "float32")[0]), logits(run.model), atol=1e-5)


def test_a_checkpoint_of_all_weights_is_copied(tmp_path):
    run = trainer(tmp_path / "run", steps=4)
    run.run()
    last = export(tmp_path / "run", tmp_path / "last")
    assert torch.equal(transformers.AutoModelForCausalLM.from_pretrained(last)(IDS).logits, run.model(IDS).logits)
    first = export(checkpoint.all_of(tmp_path / "run")[0], tmp_path / "first")
    wanted = {path.name for path in checkpoint.all_of(tmp_path / "run")[0].iterdir()} - {"trainer.pt", "checksums.json"}
    assert {path.name for path in first.iterdir()} == wanted


def test_mistakes_are_explained_and_leave_nothing(tmp_path, capsys):
    with pytest.raises(RunError, match="holds no checkpoint"):
        export(tmp_path, tmp_path / "out")
    (tmp_path / "menu/checkpoints/step-000064").mkdir(parents=True)
    (tmp_path / "menu/checkpoints/step-000064/model.zip").touch()
    for source in (tmp_path / "menu", tmp_path / "menu/checkpoints/step-000064"):
        with pytest.raises(RunError, match=f"toolgym eval --agent sb3 --model {source}"):
            export(source, tmp_path / "out")
    trainer(tmp_path / "run", steps=2).run()
    (tmp_path / "there").mkdir()
    with pytest.raises(RunError, match="is there already"):
        export(tmp_path / "run", tmp_path / "there")
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot write the model to"):
        export(tmp_path / "run", tmp_path / "file" / "out")
    assert main(["export", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]) == 1
    assert "holds no checkpoint" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    assert "from_pretrained" in capsys.readouterr().out


def test_adapters_whose_model_is_gone_say_which(tmp_path):
    pytest.importorskip("peft")
    base = saved_model(tmp_path / "base", torch.float32)
    Trainer(config(tmp_path / "run", model=base, lora_rank=2, algo="sft", steps=2)).run()
    (tmp_path / "base").rename(tmp_path / "elsewhere")
    with pytest.raises(AssetError, match="base"):
        export(tmp_path / "run", tmp_path / "out")
    assert not (tmp_path / "out").exists()
