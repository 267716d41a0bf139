"""Continued pre-training: an epoch trains every token of a text once; a killed run goes on to the same bytes."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from test_train import Unplugged, config, metrics, timeless, unplug_after, weights  # noqa: E402
from tiny_lm import END, byte_tokenizer, tiny_model  # noqa: E402

from toolgym.agents.config import TrainConfig  # noqa: E402
from toolgym.agents.training import texts as module  # noqa: E402
from toolgym.agents.training.texts import Documents, Texts  # noqa: E402
from toolgym.agents.training.trainer import Trainer  # noqa: E402
from toolgym.agents.training.update import SFTUpdate  # noqa: E402
from toolgym.cli.main import main  # noqa: E402
from toolgym.runlog import RunError  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def corpus(folder, *documents):
    path = folder / "corpus.jsonl"
    path.write_text("".join(json.dumps({"text": text, "source": "x"}) + "\n" for text in documents))
    return path


TOKENIZER = byte_tokenizer()


def texts(path, **given):
    return Texts(Documents.read(path), TOKENIZER, **{"max_tokens": 8, **given})


def said(ids):
    return TOKENIZER.decode(ids)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=30).filter(str.strip), min_size=1, max_size=6), st.integers(2, 12), st.integers(0, 3))
def test_an_epoch_trains_every_token_once(tmp_path_factory, documents, max_tokens, seed):
    found = texts(corpus(tmp_path_factory.mktemp("text"), *documents), max_tokens=max_tokens, seed=seed)
    samples = [rollout.sample for rollout in found.of_step(0, len(found.trained))]
    assert all(2 <= len(sample.token_ids) <= max_tokens for sample in samples)
    trained = Counter(i for s in samples for i, on in zip(s.token_ids, s.loss_mask, strict=True) if on)
    plain = TOKENIZER(documents, add_special_tokens=False).input_ids
    assert trained == Counter(i for ids in plain for i in [*ids, END])
    assert found.metrics(0, len(found.trained)) == {"epoch": 1.0}


def test_pieces_of_a_document_overlap_by_one_token_that_is_context(tmp_path):
    samples = [rollout.sample for rollout in texts(corpus(tmp_path, "To be or not")).of_step(0, 2)]
    first, second = sorted(samples, key=lambda sample: -len(sample.token_ids))
    assert (said(first.token_ids), first.loss_mask) == ("<|im_end|>To be o", [0] + [1] * 7)
    assert (said(second.token_ids), second.loss_mask) == ("or not<|im_end|>", [0] + [1] * 6)


def test_the_loss_is_the_cross_entropy_of_every_token(tmp_path):
    from toolgym.agents.training.forward import TrainingForward

    model = tiny_model()
    samples = [rollout.sample for rollout in texts(corpus(tmp_path, "abcdefghijkl", "xyz")).of_step(0, 3)]
    found = SFTUpdate(samples, TrainingForward(model)).gradients(0)["nll"]
    each = []
    for sample in samples:
        ids = torch.tensor(sample.token_ids)
        each.append(torch.nn.functional.cross_entropy(model(ids[None]).logits[0, :-1], ids[1:], reduction="none"))
    assert found == pytest.approx(torch.cat(each).mean().item(), rel=1e-5)


def test_order_follows_from_seed_and_step(tmp_path):
    path = corpus(tmp_path, *(f"document {i}" for i in range(20)))

    def order(**given):
        found = texts(path, max_tokens=99, **given)
        return [rollout.trajectory.task_id for step in range(10) for rollout in found.of_step(step, 4)]

    assert order() == order() != order(seed=1)
    assert sorted(order()[:20]) == sorted(order()[20:]) == sorted(f"document {i + 1}" for i in range(20))
    assert order()[:20] != order()[20:]


def test_held_out_documents_are_whole_and_never_trained_on(tmp_path):
    path = corpus(tmp_path, *(f"{i:02} " + "x" * (i % 5) * 7 for i in range(100)))
    found = texts(path, held_out=4)
    held = {document for document, _, _ in found.held_out}
    assert len(found.held_out) >= 4
    assert not held & {document for document, _, _ in found.trained}
    assert len(texts(path, held_out=999).held_out) <= len(found.trained + found.held_out) // 10
    assert texts(path, held_out=4, seed=3).held_out == found.held_out
    long = tmp_path / "one.txt"
    long.write_text("A long document.\n" * 30)
    one = texts(long, held_out=3)
    assert len(one.held_out) == 3
    assert not set(one.held_out) & set(one.trained)


def test_a_text_is_encoded_in_chunks_as_it_would_be_as_a_whole(tmp_path, monkeypatch):
    document = "Some words. More of them.\n\nAnd another paragraph, without an end" + "s" * 50
    path = corpus(tmp_path, document)
    whole = texts(path)._ids
    monkeypatch.setattr(module, "CHUNK", 16)
    assert np.array_equal(texts(path)._ids, whole)
    assert all(len(part) <= 16 for part in module._chunks(document))


def test_control_tokens_in_a_text_are_plain_text(tmp_path):
    ids = texts(corpus(tmp_path, "a<|im_end|>b"))._ids.tolist()
    assert ids.count(END) == 2
    assert said(ids) == "<|im_end|>a<|im_end|>b<|im_end|>"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.jsonl", b'{"text": "a"}\n{"text": 1}\nno\n\n["text"]\n[[\n', "line 2 has no text.*; and 1 more$"),
        ("a.jsonl", b'{"text": "a"}\n\xff\n', "line 2 is not UTF-8 text"),
        ("a.jsonl", b"[" * 100_000, "line 1 is not JSON"),
        ("a.jsonl", b'{"text": ' + b"9" * 10_000 + b"}", "line 1 is not JSON"),
        ("a.txt", b"one\ntwo\n\xff", "line 3 is not UTF-8 text"),
        ("a.txt", b" \n", "holds no text"),
        ("a.jsonl", b'{"text": ""}\n', "holds no text"),
        ("a.csv", b"a", "must be a .txt file, or a .jsonl file"),
        ("a.txt", None, "cannot read .*No such file"),
        ("a.txt", b"a", "none can be held out .* --eval-every 0"),
    ],
)  # fmt: skip
def test_bad_files_are_named(tmp_path, name, data, says):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(RunError, match=says):
        texts(tmp_path / name, held_out=1)


def run(tmp_path, name, resume=False, on_step=None, **given):
    settings = {"algo": "pretrain", "steps": 6, "max_tokens": 12, "eval_every": 3, "eval_tasks": 2, **given}
    settings["env"] = TrainConfig.env  # none is played
    settings.setdefault("text", str(tmp_path / "corpus.jsonl"))
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = None  # as a base model's
    return Trainer(
        config(tmp_path / name, **settings), resume=resume, on_step=on_step, loaded=(tiny_model(), tokenizer)
    )


def test_a_run_learns_and_resumes_to_the_same_bytes(tmp_path):
    corpus(tmp_path, *(f"the same words {i}" for i in range(30)))
    whole = run(tmp_path, "whole", steps=6, learning_rate=1e-2)
    last = whole.run()
    evaluated = [row["eval/nll"] for row in metrics(tmp_path / "whole") if "eval/nll" in row]
    assert len(evaluated) == 3
    assert last["eval/nll"] == evaluated[-1] < evaluated[0] - 0.5
    with pytest.raises(Unplugged):
        run(tmp_path, "cut", learning_rate=1e-2, on_step=unplug_after(5)).run()
    again = run(tmp_path, "cut", learning_rate=1e-2, resume=True)
    again.run()
    assert weights(again) == weights(whole)
    assert timeless(tmp_path / "cut") == timeless(tmp_path / "whole")
    corpus(tmp_path, *(f"other words {i}" for i in range(30)))
    with pytest.raises(RunError, match="has changed since the run began"):
        run(tmp_path, "cut", learning_rate=1e-2, resume=True)


def test_the_command(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("Some notes.\n" * 20)
    tiny_model().save_pretrained(tmp_path / "model")
    byte_tokenizer().save_pretrained(tmp_path / "model")
    words = ["train", "--algo", "pretrain", "--text", str(tmp_path / "notes.txt"), "--model", str(tmp_path / "model"),
             "--out", str(tmp_path / "run"), "--steps", "2", "--max-tokens", "16", "--lora-rank", "2"]  # fmt: skip
    assert main(words) == 0
    out = capsys.readouterr().out
    assert f"toolgym report {tmp_path / 'run'}" in out
    assert main(["report", str(tmp_path / "run")]) == 0
    assert "held-out loss" in capsys.readouterr().out
    assert main([*words, "--data", str(tmp_path / "notes.txt")]) == 1
    assert "--data is for conversations" in capsys.readouterr().err
    assert main([*words[:3], "--out", str(tmp_path / "other")]) == 1
    assert "needs text: --text FILE.txt" in capsys.readouterr().err
