"""stable-baselines3 over DiscreteTools: it learns, resumes to the same weights, and plays like any other agent."""

from __future__ import annotations

import base64
import json
import os
import zipfile
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

import cloudpickle  # noqa: E402

from toolgym import evaluate, rollout  # noqa: E402
from toolgym.agents.sb3.config import ALGOS  # noqa: E402
from toolgym.agents.sb3.trainer import ENVS, SB3Agent, SB3Config, SB3Trainer  # noqa: E402
from toolgym.agents.step_folders import all_of  # noqa: E402
from toolgym.cli.main import main  # noqa: E402
from toolgym.report.table import wilson  # noqa: E402
from toolgym.runlog import RunError  # noqa: E402
from toolgym.wrappers import DiscreteTools  # noqa: E402
from toolgym.wrappers.discrete.menu import COLUMNS  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

OFFICE = {"env": "ToolGym-Office-v0", "env_kwargs": {"level": "choose"}}


def trainer(out, resume=False, on_step=None, **settings):
    small = {**OFFICE, "steps": 1024, "eval_every": 0, "save_every": 512}
    return SB3Trainer(SB3Config(out=str(out), **{**small, **settings}), resume=resume, on_step=on_step)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short run of PPO, with an evaluation before and after."""
    out = tmp_path_factory.mktemp("sb3") / "run"
    return trainer(out, eval_every=1024, eval_tasks=20), out


@pytest.fixture(scope="module")
def trained(run):
    run[0].run()
    return run


class Constant:
    """Always the same choice of the menu, and then the answer."""

    def __init__(self, choice):
        self.choice = choice

    def predict(self, features, deterministic=True):
        rows = features["candidates"].reshape(len(features["mask"]), -1, len(COLUMNS))
        has_result = rows[:, -1, COLUMNS.index("has_result")] > 0
        return np.where(has_result, 16, self.choice), None


class Overlap(Constant):
    """The tool that shares most words with the request, and then the answer."""

    def __init__(self):
        super().__init__(0)

    def predict(self, features, deterministic=True):
        rows = features["candidates"].reshape(len(features["mask"]), -1, len(COLUMNS))
        score = rows[:, :, COLUMNS.index("overlap")] - rows[:, :, COLUMNS.index("later_filling")]
        self.choice = np.where(features["mask"] > 0, score, -9)[:, :-1].argmax(1)
        return super().predict(features)


def passed(env, model, task_ids):
    agent = SB3Agent(model)
    return sum(bool(rollout(env, agent, task_id=task_id).success) for task_id in task_ids)


def test_ppo_chooses_among_similar_tools_better_than_fixed_rules(tmp_path):
    learner = trainer(tmp_path / "run", steps=2_560, save_every=2_560)
    learner.run()
    env = gym.make("ToolGym-Office-v0", split="val", level="choose")
    tasks = [env.unwrapped.tasks[i].id for i in range(100)]
    low, _ = wilson(passed(env, learner.model, tasks), len(tasks))
    for choice in (*range(0, 16, 2), 16):  # odd ones are later fillings of the same tools
        _, high = wilson(passed(env, Constant(choice), tasks[:40]), 40)
        assert low > high, f"choice {choice}"
    assert low > passed(env, Overlap(), tasks) / len(tasks)


def test_ppo_learns_when_to_call(tmp_path):
    arguments = {"category": ["irrelevance", "multiple"]}
    learner = trainer(
        tmp_path / "run", steps=2_048, save_every=2_048, env="ToolGym-BFCL-v0", env_kwargs=arguments, held_out=0.5,
        eval_tasks=440,
    )  # fmt: skip
    learner.run()
    tasks = learner._tested_on
    assert len(tasks) > 200
    assert not set(tasks) & set(learner._learn_from)
    env = gym.make("ToolGym-BFCL-v0", **arguments)
    low, _ = wilson(passed(env, learner.model, tasks), len(tasks))
    for choice in (0, 1, 16):  # what every menu has: calls of the first tool, and no call
        assert low > passed(env, Constant(choice), tasks) / len(tasks)


@pytest.mark.parametrize("algo", ALGOS)
def test_each_algorithm_trains_saves_and_plays(tmp_path, algo):
    before = trainer(tmp_path / "run", algo=algo, steps=800, save_every=400, sb3_kwargs={})
    weights = flat(before)
    assert before.run()["step"] >= 800
    assert all(np.isfinite(row["reward"]) for row in timeless(tmp_path / "run"))
    assert not np.array_equal(weights, flat(before))
    assert len(all_of(tmp_path / "run")) == 2
    episodes = evaluate("ToolGym-Office-v0", SB3Agent(tmp_path / "run"), env_kwargs={"level": "choose"}, n=5)
    assert all(episode.reward_valid for episode in episodes)


def flat(learner):
    return torch.cat([p.detach().flatten() for p in learner.model.policy.parameters()]).numpy()


class Unplugged(Exception):
    pass


@pytest.mark.parametrize("algo", ["sb3-ppo", "sb3-a2c"])
def test_a_resumed_run_ends_in_the_same_weights(tmp_path, algo):
    def unplug(row):
        if row["step"] > 512:
            raise Unplugged

    settings = {"algo": algo, "steps": 1024, "save_every": 512}
    whole = trainer(tmp_path / "whole", **settings)
    whole.run()
    with pytest.raises(Unplugged):
        trainer(tmp_path / "half", on_step=unplug, **settings).run()
    half = trainer(tmp_path / "half", resume=True, **settings)
    assert half.step == 512
    half.run()
    assert flat(half).tobytes() == flat(whole).tobytes()
    assert timeless(tmp_path / "half") == timeless(tmp_path / "whole")


def timeless(out):
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if "second" not in name} for row in rows]


def test_dqn_goes_on_with_an_empty_buffer(tmp_path):
    trainer(tmp_path / "run", algo="sb3-dqn", steps=600, save_every=600).run()
    again = trainer(tmp_path / "run", algo="sb3-dqn", steps=1200, save_every=600, resume=True)
    assert again.step == 600
    assert again.run()["step"] >= 1200


def test_a_full_disk_leaves_the_earlier_checkpoint(tmp_path, monkeypatch):
    learner = trainer(tmp_path / "run", steps=512)
    learner.run()

    def full(path, **_):
        Path(path).write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(learner.model, "save", full)
    learner.step = 9_999
    with pytest.raises(OSError, match="no space"):
        learner.save()
    assert [folder.name for folder in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-000512"]


def test_choices_that_are_not_there_have_probability_zero(run):
    model = run[0].model
    observation = model.get_env().reset()
    tensors = {name: torch.as_tensor(array) for name, array in observation.items()}
    probabilities = model.policy.get_distribution(tensors).distribution.probs.detach().numpy()
    assert probabilities.shape == (ENVS, 17)
    assert (probabilities[observation["mask"] == 0] == 0).all()
    assert (probabilities[observation["mask"] == 1] > 0).all()


def test_tools_in_another_order_get_the_same_scores(run):
    model = run[0].model
    observation = model.get_env().reset()
    tensors = {name: torch.as_tensor(array) for name, array in observation.items()}
    slots = torch.tensor([3, 1, 7, 0, 2, 6, 5, 4])
    rows = [*(place for slot in slots.tolist() for place in (2 * slot, 2 * slot + 1)), 16]
    turned = {
        "request": tensors["request"],
        "tools": tensors["tools"].reshape(ENVS, 8, -1)[:, slots].reshape(ENVS, -1),
        "candidates": tensors["candidates"].reshape(ENVS, 17, -1)[:, rows].reshape(ENVS, -1),
        "mask": tensors["mask"][:, rows],
    }
    scores = model.policy.get_distribution(tensors).distribution.probs
    assert torch.allclose(scores[:, rows], model.policy.get_distribution(turned).distribution.probs, atol=1e-6)


def test_a_run_can_be_reported_and_played_from_the_command_line(trained, tmp_path, capsys):
    _, out = trained
    assert main(["report", str(out), "--html", str(tmp_path / "page.html")]) == 0
    assert "sb3-ppo" in capsys.readouterr().out
    assert "Learning curves" in (tmp_path / "page.html").read_text("utf-8")
    arguments = ["--env", "ToolGym-Office-v0", "--env-arg", "level=choose", "-n", "6", "--out", str(tmp_path / "eval")]
    assert main(["eval", *arguments, "--agent", "sb3", "--model", str(out)]) == 0
    played = [json.loads(line) for line in (tmp_path / "eval" / "episodes.jsonl").read_text().splitlines()]
    assert len(played) == 6


def test_an_agent_from_a_folder_plays_as_the_model_does(trained):
    learner, out = trained
    env = gym.make("ToolGym-Office-v0", level="choose", split="val", dialect="hermes")
    texts = []
    for agent in (SB3Agent(out), SB3Agent(learner.model), SB3Agent(all_of(out)[-1])):
        texts.append([turn.action for i in range(5) for turn in rollout(env, agent, seed=i).turns])
    assert texts[0] == texts[1] == texts[2]
    with pytest.raises(TypeError, match="has to know the env"):
        SB3Agent(out).act(env.reset(seed=0)[0])
    with pytest.raises(ValueError, match="the menu's are"):
        SB3Agent(learner.model, max_candidates=8)


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_loading_a_run_executes_nothing(trained, tmp_path):
    _, out = trained
    (source,) = all_of(out)[-1:]
    folder = tmp_path / "run" / "checkpoints" / source.name
    folder.mkdir(parents=True)
    (tmp_path / "run" / "config.json").write_text((out / "config.json").read_text())
    trap = base64.b64encode(cloudpickle.dumps(Trap(str(tmp_path / "sprung")))).decode()
    with zipfile.ZipFile(source / "model.zip") as old, zipfile.ZipFile(folder / "model.zip", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "data":
                data = json.dumps({**json.loads(data), "trap": {":type:": "x", ":serialized:": trap}}).encode()
            new.writestr(name, data)
    SB3Agent(tmp_path / "run")
    assert not (tmp_path / "sprung").exists()
    (folder / "model.zip").write_bytes(b"not a zip")
    with pytest.raises(RunError, match=r"model.zip is missing or not a zip file"):
        SB3Agent(tmp_path / "run")


def test_training_from_the_command_line(tmp_path, capsys):
    out = str(tmp_path / "run")
    settings = ["--env-kwargs", '{"level": "choose"}', "--eval-tasks", "4", "--eval-every", "400", "--out", out]
    assert main(["train", "--algo", "sb3-a2c", "--steps", "400", *settings]) == 0
    said = capsys.readouterr().out
    assert "--env-arg level=choose --env-arg split=val --agent sb3" in said
    assert "It took 448 actions, not 400: sb3-a2c learns from whole rollouts." in said
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {"step", "reward", "success", "eval/success", "eval/reward"} <= set(rows[-1])
    assert main(["train", "--algo", "sb3-a2c", "--steps", "400", *settings]) == 1
    assert "already holds a run" in capsys.readouterr().err
    assert main(["train", "--algo", "sb3-a2c", "--steps", "410", "--resume", *settings]) == 0
    said = capsys.readouterr().out
    assert "410/410" in said
    assert "It took 448 actions, not 410" in said
    assert main(["train", "--algo", "sb3-a2c", "--steps", "800", "--resume", *settings]) == 0
    assert main(["train", "--algo", "sb3-a2c", "--seed", "1", "--steps", "800", "--resume", *settings]) == 1
    assert "other settings (seed=0, not 1)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--algo", "sb3-ppo", "--lora-rank", "4"], "lora_rank is for language models; sb3-ppo takes"),
        (["--held-out", "0.5"], "held_out is only for sb3-ppo"),
        (["--algo", "sb3-ppo", "--held-out", "1.5"], "held_out must be a share"),
        (["--algo", "sb3-ppo", "--steps", "0"], "steps must be a whole number from 1"),
        (["--algo", "sb3-ppo", "--env", "ToolGym-BFCL-v0"], "--held-out"),
        (["--algo", "sb3-ppo", "--sb3-kwargs", '{"nonsense": 1}', "--eval-every", "0"], "sb3_kwargs: "),
        (["--algo", "sb3-ppo", "--sb3-kwargs", '{"seed": 1}'], "sb3_kwargs: seed cannot be set here"),
        (
            ["--algo", "sb3-ppo", "--discrete-kwargs", '{"max_candidates": 3}', "--eval-every", "0"],
            "multiple of fillings",
        ),
        (["--algo", "sb3-ppo", "--discrete-kwargs", '{"foo": 3}', "--eval-every", "0"], "discrete_kwargs {'foo': 3}: "),
    ],
)
def test_settings_that_do_not_apply_are_refused(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *arguments, "--out", str(tmp_path / "run")]) == 1
    assert message in capsys.readouterr().err


def test_a_config_file_names_the_algorithm_too(tmp_path, capsys):
    (tmp_path / "run.yaml").write_text("algo: sb3-ppo\nnum_generations: 4\n")
    assert main(["train", "--config", str(tmp_path / "run.yaml"), "--out", str(tmp_path / "run")]) == 1
    assert "num_generations is for language models" in capsys.readouterr().err


def test_a_stock_policy_of_stable_baselines3_learns_on_it_too():
    from stable_baselines3 import PPO

    env = DiscreteTools(gym.make("ToolGym-Office-v0", level="choose"), features=32)
    model = PPO("MultiInputPolicy", env, n_steps=64, batch_size=32, seed=0, device="cpu").learn(128)
    episode = rollout(gym.make("ToolGym-Office-v0", level="choose"), SB3Agent(model, features=32), seed=0)
    assert episode.reward_valid


def test_a_model_that_takes_masks_gets_them():
    class Masked:
        def predict(self, features, deterministic=False, action_masks=None):
            assert (action_masks == (features["mask"] > 0.5)).all()
            assert action_masks.dtype == bool
            return action_masks.argmax(axis=1), None

    episode = rollout(gym.make("ToolGym-Office-v0", level="choose"), SB3Agent(Masked()), seed=0)
    assert episode.turns[0].reward.calls
