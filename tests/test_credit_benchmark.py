"""``benchmarks/credit.py``: its smallest run, and what its model is to imitate."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import gymnasium as gym
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("matplotlib")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def credit(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parent.parent / "benchmarks"))
    import credit

    return credit


def test_the_smallest_run_counts_forks(credit, monkeypatch, tmp_path, capsys):
    size = dict(credit.SIZES["tiny"])
    size["made"] = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    size["both"] = {**size["both"], "max_completion_length": 8}
    size["sft"] = {**size["sft"], "steps": 1, "prompts_per_step": 2}
    size["grpo"] = {**size["grpo"], "steps": 2, "prompts_per_step": 1, "num_generations": 2}
    size["judged"] = {"kwargs": {}, "tasks": 16, "repeats": 1}
    monkeypatch.setattr(credit, "SIZES", {"tiny": size})
    monkeypatch.setattr(credit, "RESULTS", tmp_path)
    command = ["credit.py", "--seeds", "1", "--arms", "episode,fork", "--runs", str(tmp_path / "runs")]
    monkeypatch.setattr(sys, "argv", command)
    credit.main()
    kept = json.loads((tmp_path / "credit-tiny.json").read_text())
    assert set(kept["before"]) == {"reward", "success", *credit.LEVELS}
    assert {arm: list(seeds) for arm, seeds in kept["results"].items()} == {"episode": ["0"], "fork": ["0"]}
    alone, forked = (kept["results"][arm]["0"]["curves"] for arm in ("episode", "fork"))
    assert alone["forks"] == [0, 0]
    assert 0 < forked["forks"][-1] < forked["tokens"][-1]
    assert (tmp_path / "credit-tiny.png").read_bytes().startswith(b"\x89PNG")
    shown = capsys.readouterr().out
    assert "| fork | 1 |" in shown
    monkeypatch.setattr(sys, "argv", [*command, "--table"])
    credit.main()
    assert capsys.readouterr().out == shown[shown.index("| credit") :]


def test_an_unknown_arm_is_an_error_before_anything_is_trained(credit, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["credit.py", "--arms", "episode,token"])
    with pytest.raises(SystemExit, match="2"):
        credit.main()
    assert "unknown arm token; there are episode, turn, call, fork" in capsys.readouterr().err


def test_gold_wins_and_habits_are_worse(credit):
    def rewards(habits):
        env = gym.make("Bench-BriefOffice-v0", level=credit.LEVELS, each=1, habits=habits).unwrapped
        found = []
        for task in [task for task in env.tasks for _ in range(6)]:
            env.reset(options={"task_id": task.id})
            for action in env.gold(task):
                if not env.over:
                    _, _, _, _, info = env.step(action)
            found.append((sum(turn.reward.total for turn in env.turns), info.get("success")))
        return found

    gold, habitual = rewards(False), rewards(True)
    assert all(success for _, success in gold)
    assert 0 < sum(bool(success) for _, success in habitual) < len(habitual)
    assert all(one[0] >= other[0] for one, other in zip(gold, habitual, strict=True))
