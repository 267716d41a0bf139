"""Plays under skyrl-gym, as SkyRL's generator calls it; the row has been through a parquet file."""

from __future__ import annotations

import sys
import tempfile

import pyarrow.parquet
import skyrl_gym
from plays import Play, Played, read, report

from toolgym.exports import skyrl_gym as export
from toolgym.exports.session import Unscored


def play(each: Play, folder: str) -> Played:
    export.write_rows(f"{folder}/rows.parquet", each.suite, each.kwargs, task_ids=[each.task_id])
    (row,) = pyarrow.parquet.read_table(f"{folder}/rows.parquet").to_pylist()
    prompt, env_class = row.pop("prompt"), row.pop("env_class")
    env = skyrl_gym.make(env_class, env_config={}, extras=row)
    messages, _ = env.init(prompt)
    if messages != prompt:
        raise SystemExit(f"{each.name}: the prompt changed in the file")
    rewards, done = [], False
    try:
        while not done:
            step = env.step(each.text(len(rewards)))
            rewards.append(step["reward"])
            done = step["done"]
    except Unscored:
        return Played(None, True, turns=len(rewards) + 1)
    metrics, told = env.get_metrics(), step["metadata"]
    calls = sum(len(turn["reward"]["calls"]) for turn in told["turns"])
    return Played(
        sum(rewards), False, rewards, len(rewards), bool(metrics["success"]), told["verdict"], calls
    )  # fmt: skip


if __name__ == "__main__":
    export.register()
    with tempfile.TemporaryDirectory() as folder:
        report([play(each, folder) for each in read(sys.argv[1])])
