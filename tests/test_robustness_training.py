"""Training on perturbed tasks: a schedule of strength, strengths as strata, and runs that are resumed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import gymnasium as gym
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym import Rubric, Task, ToolEnv, register, tool, tools_of  # noqa: E402
from toolgym.agents.config import TrainConfig  # noqa: E402
from toolgym.agents.training.strata import kind_of  # noqa: E402
from toolgym.agents.training.trainer import Trainer  # noqa: E402
from toolgym.runlog import read_episodes  # noqa: E402

ENV = "ToolGym-Functions-v0"
RISING = {"from": 0.0, "to": 1.0, "steps": 4}


def functions(**kwargs):
    return gym.make(ENV, category="single", split="train", **kwargs).unwrapped


def shown(env, task_id):
    observation, info = env.reset(options={"task_id": task_id})
    return observation["messages"][-1]["content"], info["perturbations"]


def test_strength_follows_the_step():
    env = functions(perturb="typos", strength=RISING)
    tasks = [env.tasks[i].id for i in range(20)]
    clean = [env.find_task(task).messages[-1]["content"] for task in tasks]
    changed = []
    for step in (0, 2, 4, 400):
        env.set_step(step)
        changed.append([shown(env, task)[0] for task in tasks])
    assert changed[0] == clean
    assert changed[1] not in (clean, changed[2])
    assert changed[2] == changed[3]
    fixed = functions(perturb="typos", strength=0.5)
    assert [shown(fixed, task)[0] for task in tasks] == changed[1]


def test_a_step_within_an_episode_changes_the_next_one_only():
    env = functions(perturb="twin_job", strength=RISING)
    env.set_step(4)
    env.reset(options={"task_id": env.tasks[0].id})
    gold = env.gold(env.task)
    env.set_step(0)
    for text in gold:
        *_, info = env.step(text)
    assert info["success"]
    assert shown(env, env.tasks[0].id)[1] == ()


def test_an_episode_keeps_its_strength_in_its_gold_forks_and_snapshots():
    env = functions(perturb="misleading_suffix,redundant", strength=RISING)
    for i in range(20):
        env.set_step(2)
        env.reset(options={"task_id": env.tasks[i].id})
        gold, before = env.gold(env.task), env.snapshot()
        env.set_step(4)
        (fork,) = env.fork(1)
        assert fork.gold(env.task) == env.gold(env.task) == gold
        assert fork.observe() == env.observe() == env.restore(before)
        fork.reset()
        assert fork.perturbation.low > env.perturbation.low, "only the fork has begun another episode"
        assert env.gold(env.task) == gold
        assert env.step(gold[0])[4]["success"]


@pytest.mark.parametrize(
    "wrong",
    [{}, {"from": 0.1}, {"from": 0, "to": 2, "steps": 4}, {"from": 0, "to": 1, "steps": 0},
     {"from": "a", "to": 1, "steps": 2}, {"from": 0, "to": 1, "steps": True}],
)  # fmt: skip
def test_a_schedule_that_makes_no_sense_is_refused_with_an_example(wrong):
    with pytest.raises((TypeError, ValueError), match=re.escape('{"from": 0.1, "to": 1.0, "steps": 40}')):
        gym.make(ENV, perturb="typos", strength=wrong)


def test_strengths_that_differ_by_task_are_strata():
    plain, drawn, fixed = functions(), functions(perturb="typos", strength=[0.2, 1.0]), functions(perturb="typos")
    tasks = [plain.tasks[i] for i in range(60)]
    assert [kind_of(fixed, task) for task in tasks] == [kind_of(plain, task) for task in tasks]
    quarters = {kind_of(drawn, task)[-1] for task in tasks}
    assert quarters == {f"strength {low:.2f}-{low + 0.2:.2f}" for low in (0.2, 0.4, 0.6, 0.8)}
    for task in tasks:
        low, high = map(float, kind_of(drawn, task)[-1].removeprefix("strength ").split("-"))
        assert low - 0.01 <= drawn.perturbation.strength(task.id) <= high + 0.01


class Book:
    @tool(timeout=None)
    def find(self, name: str) -> str:
        """Find a name in the book."""
        return name


def searched(split="train", **kwargs):
    """Small letters are paid for; the tool and the request can be perturbed."""
    names = ("Ada", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal")
    tasks = [Task.of(f"{split}-{name}", f"Please find the name {name} in the book.", tools_of(Book)) for name in names]
    paid = Rubric([("letters", lambda evidence: sum(map(str.islower, evidence.completion.text)) / 8, 1.0)])
    return ToolEnv(tasks, dialect="compact", rubric=paid, state=Book, max_turns=2, **kwargs)


register("TestSearched-v0", searched)
GROWING = {"perturb": ["typos", "twin_job"], "perturb_draw": 1, "strength": {"from": 0.0, "to": 1.0, "steps": 3}}
RANDOMISED = {**GROWING, "strength": [0.1, 1.0], "faults": "timeout", "fault_rate": [0.0, 1.0]}


def trainer(out, steps, resume=False, **kwargs):
    settings = {
        "env": "TestSearched-v0", "prompts_per_step": 3, "num_generations": 2, "max_completion_length": 6,
        "eval_every": 2, "eval_tasks": 4, "save_every": 2, "learning_rate": 3e-3, "warmup_steps": 1,
        "eval_kwargs": {"split": "val", "perturb": None, "faults": None},
    }  # fmt: skip
    config = TrainConfig(out=str(out), steps=steps, **{**settings, **kwargs})
    return Trainer(config, resume=resume, loaded=(tiny_model(), byte_tokenizer()))


def weights(run):
    return b"".join(p.detach().numpy().tobytes() for p in run.model.parameters())


def timeless(out):
    rows = [json.loads(line) for line in (Path(out) / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if not k.startswith(("seconds", "tokens_per"))} for row in rows]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    "options",
    [{"env_kwargs": GROWING}, {"env_kwargs": RANDOMISED, "draw": "curriculum"}, {"env_kwargs": GROWING, "algo": "sft"}],
    ids=["schedule", "curriculum of drawn strengths and faults", "sft"],
)
def test_a_resumed_run_meets_the_same_perturbations(tmp_path, options):
    class Stop(Exception):
        pass

    def stop(row):
        if row["step"] == 3:
            raise Stop

    whole = trainer(tmp_path / "whole", 4, **options)
    whole.run()
    half = trainer(tmp_path / "half", 4, **options)
    half.on_step = stop
    with pytest.raises(Stop):
        half.run()
    half = trainer(tmp_path / "half", 4, resume=True, **options)
    assert half.step == 2
    half.run()
    assert weights(half) == weights(whole)
    assert timeless(tmp_path / "half") == timeless(tmp_path / "whole")
    if options.get("algo") != "sft":
        groups = [read_episodes(tmp_path / "whole" / "groups" / f"step-{step:06d}") for step in (2, 4)]
        assert all(len(each.perturbations) == 1 for group in groups for each in group)
