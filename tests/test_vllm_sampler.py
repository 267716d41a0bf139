"""Training with a vLLM server as the sampler: the same run as without, whatever the server does."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("aiohttp")

from test_train import (  # noqa: E402
    Talk,
    Unplugged,
    config,
    metrics,
    small_letters,
    timeless,
    unplug_after,
    weights,
)
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402
from vllm_server import FakeVLLM, serving  # noqa: E402

from toolgym import Rubric, Task, register  # noqa: E402
from toolgym.agent import AgentError  # noqa: E402
from toolgym.agents.training.ahead import Ahead  # noqa: E402
from toolgym.agents.training.served import ServedSampler  # noqa: E402
from toolgym.agents.training.trainer import Trainer, TrainingStopped  # noqa: E402
from toolgym.agents.vllm import server as client  # noqa: E402
from toolgym.assets import AssetError  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread", "impatient")


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(client, "LONGEST_WAIT", 0.02)


@pytest.fixture
def fake():
    """A server of the same architecture with other weights, whose answers to runs of seed 0 are those of Policy."""
    return FakeVLLM(tiny_model(seed=1), byte_tokenizer(), seeds=[f"0 {step}" for step in range(6)])


@pytest.fixture
def address(fake):
    with serving(fake) as address:
        yield address


def train(out, resume=False, on_step=None, model=None, **kwargs):
    loaded = (model or tiny_model(), byte_tokenizer())
    run = Trainer(config(out, **kwargs), resume=resume, on_step=on_step, loaded=loaded)
    run.run()
    return run


def two(split="train", **kwargs):
    """Two turns, and several tasks."""
    tasks = [Task.of(f"{split}-{i}", "go" + "!" * i) for i in range(4)]
    rubric = Rubric([("letters", small_letters, 1.0)])
    return Talk(tasks, dialect="openai", rubric=rubric, max_turns=2, **kwargs)


register("TestTwo-v0", two)


def close(one, other):
    pairs = zip(one.model.parameters(), other.model.parameters(), strict=True)
    return all(torch.allclose(a, b, atol=1e-5) for a, b in pairs)


@pytest.mark.parametrize("options", [{}, {"lora_rank": 2, "temperature": 0.7}], ids=["full", "lora"])
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
def test_a_run_through_a_server_is_the_run_without_one(tmp_path, options):
    fake = FakeVLLM(tiny_model(seed=0 if options else 1), byte_tokenizer(), seeds=[f"0 {step}" for step in range(3)])
    alone = train(tmp_path / "alone", importance_cap=2.0, **options)
    with serving(fake) as address:
        served = train(tmp_path / "served", sampler=address, **options)
    ours, theirs = (metrics(tmp_path / name) for name in ("alone", "served"))
    assert [row["reward"] for row in ours] == [row["reward"] for row in theirs]
    assert close(alone, served)
    assert all(row["sampler/refused"] == row["sampler/stale"] == 0 for row in theirs)
    assert all(row["sampler/canary"] < 1e-5 and row["importance/log_ratio"] < 1e-5 for row in theirs)
    assert served.config.importance_cap == 2.0
    assert not (tmp_path / "served" / "sampler-weights").exists()


def test_no_fault_of_the_server_changes_the_run(tmp_path, fake, address):
    whole = train(tmp_path / "whole", sampler=address)
    fake.start()
    fake.faults = ["", "500", "cut", "prompt", "", "nan", "label", "500", "", "label", "cut"]
    disturbed = train(tmp_path / "disturbed", sampler=address)
    assert not fake.faults
    assert weights(disturbed) == weights(whole)
    rows = metrics(tmp_path / "disturbed")
    assert sum(row["sampler/refused"] for row in rows) == 2
    assert [row["reward"] for row in rows] == [row["reward"] for row in metrics(tmp_path / "whole")]


@pytest.mark.parametrize("overlap", [False, True])
def test_a_server_that_comes_back_with_old_weights_gets_them_again(tmp_path, fake, address, overlap):
    whole = train(tmp_path / "whole", sampler=address, overlap=overlap)
    fake.start()

    def kill(row):
        fake.faults = ["", "", "restart"] if row["step"] == 1 else []

    disturbed = train(tmp_path / "disturbed", sampler=address, overlap=overlap, on_step=kill)
    assert fake.restarts == 1
    assert weights(disturbed) == weights(whole)
    assert sum(row["sampler/refused"] for row in metrics(tmp_path / "disturbed")) > 0


@pytest.mark.parametrize("stale", ["all", "head"])
def test_weights_that_stay_as_they_were_are_found(tmp_path, stale):
    """As with vLLM 0.32 on CPUs, whose output layer is a copy if it is tied to the embeddings."""
    model = tiny_model(tie_word_embeddings=True)
    fake = FakeVLLM(model, byte_tokenizer(), stale=stale)
    with serving(fake) as address, pytest.raises(TrainingStopped, match="did not take all of the weights"):
        train(tmp_path / "run", model=model, sampler=address)
    assert [
        p for p in model.parameters() if not torch.equal(p, dict(fake.base.named_parameters())["model.norm.weight"])
    ]


def test_the_models_weights_are_put_back_after_the_noise(tmp_path, address):
    model = tiny_model().bfloat16()
    before = [weight.clone() for weight in model.parameters()]
    run = Trainer(config(tmp_path / "run", sampler=address), loaded=(model, byte_tokenizer()))
    run.served.weights.prove()
    assert all(map(torch.equal, before, model.parameters()))


def test_a_server_that_loses_weights_later_is_found_by_the_canary(tmp_path, fake, address):
    def go_stale(row):
        fake.stale = "all"

    with pytest.raises(TrainingStopped, match="it does not have these weights"):
        train(tmp_path / "run", sampler=address, on_step=go_stale)
    assert [row["step"] for row in metrics(tmp_path / "run")] == [1]
    fake.stale = ""
    train(tmp_path / "run", sampler=address, resume=True)


def test_other_logprobs_than_the_trainers_stop_the_run(tmp_path, fake, address):
    honest = fake.generate

    def shifted(engine, body):
        answer = honest(engine, body)
        for each in answer["choices"][0]["logprobs"]["content"]:
            each["logprob"] -= 0.3
        return answer

    fake.generate = shifted
    with pytest.raises(TrainingStopped, match=r"the mean of \|log-ratio\| is 0.3 nats per token"):
        train(tmp_path / "run", sampler=address)


@pytest.mark.parametrize(
    "how",
    [{}, {"overlap": True}, {"overlap": True, "dynamic_sampling": 1, "draw": "curriculum", "credit": "fork"}],
    ids=["plain", "overlap", "overlap of all"],
)
def test_a_killed_run_goes_on_to_the_same_weights(tmp_path, address, how):
    options = {"sampler": address, "steps": 5, "eval_every": 4, "eval_tasks": 2, "env": "TestTwo-v0", **how}
    whole = train(tmp_path / "whole", **options)
    with pytest.raises(Unplugged):
        train(tmp_path / "cut", on_step=unplug_after(3), **options)
    again = train(tmp_path / "cut", resume=True, **options)
    assert weights(again) == weights(whole)
    assert timeless(tmp_path / "cut") == timeless(tmp_path / "whole")


def test_a_server_that_is_gone_in_an_evaluation_leaves_no_step_without_its_row(tmp_path, fake, address, monkeypatch):
    options = {"sampler": address, "eval_every": 2, "eval_tasks": 2, "save_every": 1}
    whole = train(tmp_path / "whole", **options)
    fake.start()
    monkeypatch.setattr(client, "PATIENCE", 3)
    post, evaluate = fake.post, Trainer.evaluate

    def gone(run):
        if run.step == 2:
            fake.post = lambda path, body: None
        return evaluate(run)

    monkeypatch.setattr(Trainer, "evaluate", gone)
    with pytest.raises(TrainingStopped, match="the vLLM server at"):
        train(tmp_path / "cut", **options)
    fake.post = post
    monkeypatch.setattr(Trainer, "evaluate", evaluate)
    assert weights(train(tmp_path / "cut", resume=True, **options)) == weights(whole)
    assert timeless(tmp_path / "cut") == timeless(tmp_path / "whole")


def test_with_overlap_a_server_that_is_gone_is_waited_for_once(tmp_path, fake, address, monkeypatch):
    monkeypatch.setattr(client, "PATIENCE", 3)
    start, publish, sent = Ahead.start, ServedSampler.publish, []

    def gone(ahead, step):
        if step == 2:
            fake.post = lambda path, body: None
        start(ahead, step)

    monkeypatch.setattr(Ahead, "start", gone)
    monkeypatch.setattr(ServedSampler, "publish", lambda served, step: sent.append(step) or publish(served, step))
    with pytest.raises(TrainingStopped, match="step 3: the vLLM server at"):
        train(tmp_path / "run", sampler=address, overlap=True, steps=4, eval_every=2, eval_tasks=2)
    assert set(sent) == {0, 1}, "the evaluation of step 2 sends nothing: the batch ahead has met the end already"


def test_with_overlap_every_batch_but_the_first_is_one_step_old(tmp_path, address):
    versions = []
    run = Trainer(
        config(tmp_path / "run", sampler=address, overlap=True, steps=4), loaded=(tiny_model(), byte_tokenizer())
    )
    refuse = run.served.refuse_stale
    run.served.refuse_stale = lambda groups, step: (
        versions.append({r.sample.version for group in groups for r in group}) or refuse(groups, step)
    )
    run.run()
    assert versions == [{0}, {0}, {1}, {2}]
    assert all("seconds/wait" in row and row["sampler/stale"] == 0 for row in metrics(tmp_path / "run"))


def test_episodes_of_older_weights_than_allowed_are_left_out_and_counted(tmp_path, address):
    run = Trainer(config(tmp_path / "run", sampler=address), loaded=(tiny_model(), byte_tokenizer()))
    publish = run.served.publish
    run.served.publish = lambda step: publish(min(step, 1))
    run.run()
    assert [row["sampler/stale"] for row in metrics(tmp_path / "run")] == [0.0, 0.0, 8.0]
    assert [row["unscored"] for row in metrics(tmp_path / "run")] == [0.0, 0.0, 8.0]


def test_a_server_that_is_not_there_is_told_before_the_model_is_loaded(tmp_path, caplog, monkeypatch):
    with pytest.raises(AssetError, match="no-model"):
        Trainer(config(tmp_path / "run", model=str(tmp_path / "no-model"), sampler="http://127.0.0.1:9"))
    (told,) = caplog.messages
    assert told.startswith("the vLLM server at http://127.0.0.1:9 does not answer (")
    assert "waiting up to 10 minutes for it. `toolgym serve-sampler` starts one" in told
    monkeypatch.setattr(client, "PATIENCE", 2)
    with pytest.raises(AgentError, match="no connection"):
        train(tmp_path / "run", sampler="http://127.0.0.1:9")
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"algo": "sft", "sampler": "http://x"}, "sft samples nothing"),
        ({"algo": "pretrain", "text": "x.txt", "sampler": "http://x"}, "pretrain samples nothing"),
        ({"sampler_folder": "/tmp/weights"}, "sampler_folder is for a sampler, and none is given"),
        ({"overlap": True}, "overlap needs a sampler"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense(options, why):
    with pytest.raises(ValueError, match=why):
        config("x", **options)
