"""Actors of a Ray cluster play the batches of a training run: the same run, whoever dies. Skipped without ray."""

from __future__ import annotations

import importlib.util
import os
import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("aiohttp")

import ray_envs  # noqa: E402, F401
from test_train import config, metrics, weights  # noqa: E402
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402
from vllm_server import FakeVLLM, serving  # noqa: E402

from toolgym.agents.training.ray_players import _lost  # noqa: E402
from toolgym.agents.training.trainer import Trainer, TrainingStopped  # noqa: E402
from toolgym.agents.vllm import server as client  # noqa: E402
from toolgym.playing.crew import Lost  # noqa: E402

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray: pip install 'toolgym[ray]'")
pytestmark = pytest.mark.usefixtures("one_thread")
OPTIONS = {
    "env": "TestDeadly-v0", "prompts_per_step": 3, "num_generations": 2, "eval_every": 3, "eval_tasks": 2,
    "dynamic_sampling": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def cluster():
    """A Ray of this machine, which the tests share: to start one takes seconds."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    import ray

    limits = {"num_cpus": 2, "object_store_memory": 200_000_000}
    ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level="ERROR", **limits)
    yield ray
    ray.shutdown()
    os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)


@pytest.fixture
def fake():
    return FakeVLLM(tiny_model(seed=1), byte_tokenizer(), seeds=[f"0 {step}" for step in range(4)])


def train(out, fake, resume=False, on_step=None, **options):
    with serving(fake) as address:
        settings = config(out, sampler=address, **{**OPTIONS, **options})
        run = Trainer(settings, resume=resume, on_step=on_step, loaded=(tiny_model(), byte_tokenizer()))
        run.run()
    return run


def numbers(folder):
    return [{k: v for k, v in row.items() if "second" not in k and k != "sampler/refused"} for row in metrics(folder)]


@needs_ray
def test_the_run_is_that_of_one_process_also_if_an_actor_and_the_server_die(cluster, tmp_path, fake):
    (tmp_path / "deaths").write_text("0")
    options = {"overlap": True, "credit": "fork", "env_kwargs": {"deaths": str(tmp_path / "deaths")}}
    alone = train(tmp_path / "alone", fake, **options)

    def kill(row):
        if row["step"] == 0:
            (tmp_path / "deaths").write_text("1")
            fake.faults = [""] * 9 + ["restart"]

    fake.start()
    played = train(tmp_path / "ray", fake, on_step=kill, ray="local", ray_actors=2, **options)
    assert (tmp_path / "deaths").read_text() == "0"
    assert fake.restarts == 1
    assert weights(played) == weights(alone)
    assert numbers(tmp_path / "ray") == numbers(tmp_path / "alone")
    assert sum(row["sampler/refused"] for row in metrics(tmp_path / "ray") if "sampler/refused" in row) > 0


def test_a_group_whose_actors_died_is_left_out_and_the_step_goes_on(tmp_path, fake):
    with serving(fake) as address:
        run = Trainer(config(tmp_path, sampler=address, **OPTIONS), loaded=(tiny_model(), byte_tokenizer()))
        play, died = run.served._play_once, Lost((0,), "its worker died 3 times; the last time: killed")

        def some(collector, tasks, shares, how):
            groups = play(collector, tasks, shares, how)
            return [_lost(collector, tasks[0], died, how), *groups[1:]]

        run.served._play_once = some
        run.run()
    assert all(row["unscored"] == 2 for row in metrics(tmp_path) if row["step"])


@needs_ray
def test_a_server_that_is_gone_ends_the_run_which_goes_on_without_ray(cluster, tmp_path, fake, monkeypatch):
    alone = train(tmp_path / "alone", fake)
    monkeypatch.setattr(client, "PATIENCE", 3)
    fake.start()
    post = fake.post

    def gone(row):
        if row["step"] == 2:
            fake.post = lambda path, body: None

    with pytest.raises(TrainingStopped, match="the vLLM server at"):
        train(tmp_path / "run", fake, on_step=gone, ray="local", ray_actors=2)
    fake.post = post
    assert weights(train(tmp_path / "run", fake, resume=True)) == weights(alone)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"ray": "auto"}, "ray needs a sampler"),
        ({"ray_actors": 2}, "ray_actors is a number from 1, for ray"),
        ({"ray": "auto", "sampler": "http://x", "ray_actors": 0}, "ray_actors is a number from 1"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense(options, why):
    with pytest.raises(ValueError, match=why):
        config("x", **options)
