"""What a run leaves behind: numbers, TensorBoard's event files, episodes to look at; and what goes wrong on the way."""

from __future__ import annotations

import gc
import json
import logging
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
psutil = pytest.importorskip("psutil")

from test_train import Unplugged, config, metrics, trainer, unplug_after, weights  # noqa: E402
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym.agents import checkpoint  # noqa: E402
from toolgym.agents.policy import Generation  # noqa: E402
from toolgym.agents.training import metrics as metrics_module  # noqa: E402
from toolgym.agents.training.trainer import UNSCORED_STEPS, Trainer, TrainingStopped  # noqa: E402
from toolgym.replay import replay  # noqa: E402
from toolgym.report import load_runs  # noqa: E402
from toolgym.runlog import RunError, read_episodes, read_metrics  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def events(folder):
    """(step, {tag: value}) of every event with values, in the order of the files."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted((Path(folder) / "tensorboard").iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            if event.summary.value:
                found.append((event.step, {value.tag: value.simple_value for value in event.summary.value}))
    return found


# Metrics ----------------------------------------------------------------------------------------


def test_tensorboard_has_the_numbers_of_the_metrics_and_after_a_kill_no_step_twice(tmp_path):
    out = tmp_path / "run"
    with pytest.raises(Unplugged):
        trainer(out, steps=6, eval_every=2, eval_tasks=2, on_step=unplug_after(5)).run()
    assert [step for step, _ in events(out)] == [0, 1, 2, 3, 4, 5]
    trainer(out, steps=6, eval_every=2, eval_tasks=2, resume=True).run()
    assert [step for step, _ in events(out)] == [0, 1, 2, 3, 4, 5, 6]
    for (_, values), row in zip(events(out), metrics(out), strict=True):
        assert values == pytest.approx({name: value for name, value in row.items() if name != "step"}, rel=1e-6)


def test_without_tensorboardx_a_run_says_so_once_and_goes_on(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setitem(sys.modules, "tensorboardX.event_file_writer", None)
    with caplog.at_level(logging.WARNING):
        trainer(tmp_path / "run").run()
    assert len(metrics(tmp_path / "run")) == 3
    assert [record.message for record in caplog.records] == [
        "nothing is written for TensorBoard: pip install tensorboardX"
    ]


def test_metrics_are_strict_json_and_the_clock_goes_on_over_a_kill(tmp_path):
    out = tmp_path / "run"
    trainer(out, env="TestBroken-v0", eval_kwargs={}, steps=2).run()
    trainer(out, env="TestBroken-v0", eval_kwargs={}, steps=3, resume=True).run()

    def refuse(word):
        raise AssertionError(word)

    rows = [json.loads(line, parse_constant=refuse) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert not any("reward" in row for row in rows), "there was none to measure"
    clock = [row["seconds/total"] for row in rows]
    assert clock == sorted(clock)
    assert clock[2] > clock[1] > 0


@pytest.mark.parametrize("torn", ["", '{"step": 3, "rew', '{"step": 3, "reward": 1.0}', "}", '{"reward": 1}', "[1]"])
def test_a_torn_last_line_of_the_metrics_is_passed_over(tmp_path, torn):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "reward": 0.5}\n{"step": 2, "reward": NaN}\n' + torn)
    assert [row["step"] for row in read_metrics(tmp_path)][:2] == [1, 2]


def test_a_broken_line_in_the_middle_of_the_metrics_is_named(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": oops}\n{"step": 3}\n')
    with pytest.raises(RunError, match=r"metrics\.jsonl:2"):
        read_metrics(tmp_path)


# Episodes ---------------------------------------------------------------------------------------


def test_evaluations_and_groups_are_kept_as_runs_that_a_report_reads(tmp_path, monkeypatch):
    from toolgym.agents.training import kept_episodes as evaluate

    monkeypatch.setattr(evaluate, "KEPT_EPISODES", 2)
    out = tmp_path / "run"
    trainer(out, steps=4, eval_every=2, eval_tasks=3, num_generations=5).run()
    assert [path.name for path in sorted((out / "evaluations").iterdir())] == [
        "step-000000", "step-000002", "step-000004",
    ]  # fmt: skip
    first, last = load_runs([out / "evaluations" / "step-000000", out / "evaluations" / "step-000004"])
    assert [t.task_id for t in first.trajectories] == [t.task_id for t in last.trajectories]
    assert (len(first.trajectories), first.label, last.label) == (2, "run step 0", "run step 4")
    outcomes = json.loads((out / "evaluations" / "step-000004" / "outcomes.json").read_text())
    assert len(outcomes) == 3
    rewards = [outcome["reward"] for outcome in outcomes.values()]
    assert sum(rewards) / 3 == pytest.approx(metrics(out)[-1]["eval/reward"])
    (group,) = load_runs([out / "groups" / "step-000004"])
    assert [t.repeat for t in group.trajectories] == [0, 1, 2, 3, 4]
    assert len({t.task_id for t in group.trajectories}) == 1


def test_what_is_kept_of_a_mix_of_suites_says_which_and_replays(tmp_path):
    trainer(tmp_path / "run", mix=[{"env": "TestTalk-v0", "split": "val"}], steps=6, save_every=1).run()
    runs = load_runs(sorted((tmp_path / "run" / "groups").iterdir()))
    kept = [(run.settings["env"], run.settings["env_kwargs"]) for run in runs]
    assert {env for env, _ in kept} == {"TestLetters-v0", "TestTalk-v0"}
    assert all(kwargs == ({} if env == "TestLetters-v0" else {"split": "val"}) for env, kwargs in kept)
    assert {each.status for each in replay(tmp_path / "run")} == {"same"}


def test_what_was_kept_of_steps_that_come_again_is_removed_and_half_written_folders_too(tmp_path):
    out = tmp_path / "run"
    with pytest.raises(Unplugged):
        trainer(out, steps=6, save_every=2, eval_every=3, eval_tasks=2, on_step=unplug_after(3)).run()
    assert (out / "evaluations" / "step-000003").is_dir()
    (out / "checkpoints" / ".step-000004-abc").mkdir()
    trainer(out, steps=6, save_every=2, eval_every=3, eval_tasks=2, resume=True)
    assert [path.name for path in (out / "evaluations").iterdir()] == ["step-000000"]
    assert [path.name for path in (out / "checkpoints").iterdir()] == ["step-000002"]


def test_a_run_older_than_a_setting_goes_on_with_its_default(tmp_path):
    trainer(tmp_path / "run", steps=2).run()
    about = tmp_path / "run" / "config.json"
    kept = json.loads(about.read_text())
    del kept["importance_cap"]
    about.write_text(json.dumps(kept))
    assert trainer(tmp_path / "run", steps=3, resume=True).step == 2
    about.write_text(json.dumps(kept))
    with pytest.raises(RunError, match="importance_cap"):
        trainer(tmp_path / "run", steps=3, resume=True, importance_cap=2.0)


# What goes wrong --------------------------------------------------------------------------------


def test_a_full_disk_stops_the_run_and_leaves_the_earlier_checkpoints_whole(tmp_path):
    """The limit on a file's size refuses as a full disk does, and in whatever library is writing."""
    source = """
        import resource, signal, sys
        sys.path.insert(0, sys.argv[2])
        import torch
        torch.set_num_threads(1)
        import test_train
        from toolgym.agents.training.trainer import TrainingStopped
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        none = resource.RLIM_INFINITY
        for limit in sys.argv[3:]:
            def fill(row):
                if row["step"] == 3:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), none))
            out = f"{sys.argv[1]}/{limit}"
            run = test_train.trainer(out, steps=4, eval_every=4, eval_tasks=2, on_step=fill)
            try:
                run.run()
            except TrainingStopped as error:
                resource.setrlimit(resource.RLIMIT_FSIZE, (none, none))
                print(error)
    """
    limits = ["1", "3000", "5000", "20000", "200000"]  # these stop metrics, events, episodes, weights, optimizer
    command = [sys.executable, "-c", textwrap.dedent(source), str(tmp_path), str(Path(__file__).parent), *limits]
    shown = subprocess.run(command, check=True, timeout=120, capture_output=True, text=True).stdout
    assert shown.count("make room and resume") == len(limits)
    for limit in limits:
        out = tmp_path / limit
        assert [path.name for path in (out / "checkpoints").iterdir()] == ["step-000002"]
        resumed = trainer(out, steps=4, eval_every=4, eval_tasks=2, resume=True)
        assert resumed.step == 2
        resumed.run()


def test_a_group_of_one_is_warned_of_and_counted(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        trainer(tmp_path / "run", num_generations=1, steps=1).run()
    assert any("num_generations is 1" in record.message for record in caplog.records)
    assert metrics(tmp_path / "run")[0]["groups_of_one"] == 2


@pytest.mark.parametrize("algo", ["sft", "grpo"])
def test_a_run_stops_when_nothing_can_be_scored_any_more(tmp_path, algo):
    run = trainer(tmp_path / "run", env="TestBroken-v0", eval_kwargs={}, steps=50, algo=algo, save_every=100)
    before = weights(run)
    with pytest.raises(TrainingStopped, match=f"last {UNSCORED_STEPS} steps .*the server is down.*resume from step 5"):
        run.run()
    assert weights(run) == before
    assert checkpoint.latest(tmp_path / "run")["step"] == UNSCORED_STEPS
    assert all(row["unscored"] > 0 for row in metrics(tmp_path / "run"))


def test_prompts_that_leave_no_room_for_an_answer_stop_the_run_and_are_named(tmp_path):
    run = trainer(tmp_path / "run", max_tokens=20, steps=50)
    with pytest.raises(TrainingStopped, match=r"its prompt of \d+ tokens left no room within max_tokens"):
        run.run()


def test_odd_answers_are_trained_on_without_a_crash(tmp_path):
    """An id that the tokenizer does not know, an empty answer, one without end, half a character, a torn call."""
    model = tiny_model(vocab_size=300)
    run = Trainer(config(tmp_path / "run", num_generations=6, steps=3), loaded=(model, byte_tokenizer()))
    end = run.collector.policy.tokenizer.eos_token_id
    call = run.chat.encode('{"tool_calls": [{"name": "look", "argum')
    odd = [[299, 280, end], [end], [run.chat.encode("a")[0]] * 8, run.chat.encode("é")[:1], call, [256, 256, end]]

    def sample_ids(prompts, max_tokens=None):
        found = []
        for i, prompt in enumerate(prompts):
            ids = tuple(odd[i % len(odd)])
            text = run.collector.policy.decode(ids)
            finish = "end" if ids[-1] == end else "length"
            found.append(Generation(tuple(prompt), ids, (-1.0,) * len(ids), text, finish))
        return found

    run.collector.policy.sample_ids = sample_ids
    before = weights(run)
    run.run()
    assert weights(run) != before
    assert all(row["unscored"] == 0 for row in metrics(tmp_path / "run"))
    assert metrics(tmp_path / "run")[0]["truncated"] == pytest.approx(1 / 2)


def test_memory_stays_flat_over_many_steps(tmp_path):
    sizes = []

    def measure(row):
        if row["step"] in (60, 200):
            gc.collect()
            sizes.append(psutil.Process().memory_info().rss)

    small = {"prompts_per_step": 1, "max_completion_length": 4, "save_every": 50}
    trainer(tmp_path / "run", steps=200, on_step=measure, **small).run()
    assert sizes[1] - sizes[0] < 12e6


def test_the_log_is_closed_when_a_run_breaks(tmp_path):
    run = trainer(tmp_path / "run", on_step=unplug_after(1))
    with pytest.raises(Unplugged):
        run.run()
    assert run.log.board is None
    assert metrics_module.read_metrics(tmp_path / "run")[0]["step"] == 1


@pytest.mark.parametrize("algo", ["grpo", "ppo"])
def test_a_kept_group_has_its_tokens_with_their_advantages(tmp_path, algo):
    run = trainer(tmp_path / "run", algo=algo, env="TestTalk-v0", eval_kwargs={}, steps=1)
    run.run()
    folder = tmp_path / "run" / "groups" / "step-000001"
    kept = [json.loads(line) for line in (folder / "tokens.jsonl").read_text().splitlines()]
    for episode, tokens, rollout in zip(read_episodes(folder), kept, run._shown, strict=True):
        assert (tokens["task_id"], tokens["repeat"]) == (episode.task_id, episode.repeat)
        start = rollout.sample.prompt_length
        for name in ("token_ids", "loss_mask", "logprobs", "advantages"):
            assert tokens[name] == getattr(rollout.sample, name)[start:]
        assert len(tokens["tokens"]) == len(tokens["token_ids"])
        assert "and?" in "".join(tokens["tokens"]), "the user's reply stands between the answers"
        assert all(a == 0 for a, sampled in zip(tokens["advantages"], tokens["loss_mask"], strict=True) if not sampled)
    assert any(any(tokens["advantages"]) for tokens in kept)
