"""Plays under verifiers: its env, its interception server, its client; the model is a local server."""

from __future__ import annotations

import asyncio
import sys

import verifiers.v1 as vf
from plays import Play, Played, read, report
from server import serve
from verifiers.v1.clients import EvalClientConfig, ModelContext
from verifiers.v1.utils.loaders import load_environment, resolve_env_config


async def play(each: Play, number: int, address: str) -> Played:
    config = resolve_env_config(
        {"taskset": {"id": "toolgym-suite", "suite": each.suite, "kwargs": each.kwargs, "task_ids": [each.task_id]}}
    )
    env = load_environment(config)
    (task,) = env.taskset
    client = EvalClientConfig(base_url=address, api_key_var="NONE")
    context = ModelContext(model=f"play-{number}", client=client, sampling=vf.SamplingConfig())
    async with env.serving():
        episode = await env.run_episode(task, context)
    (trace,) = episode.traces
    found = trace.info["toolgym"]
    unscored = not episode.ok and "Unscored" in str(episode.errors[0])
    if not episode.ok and not unscored:
        raise SystemExit(f"{each.name}: {episode.errors}")
    rewards = {name: reward.score for name, reward in trace.rewards.items()}
    return Played(
        None if unscored else rewards["toolgym"],
        unscored,
        found["turn_rewards"],
        turns=trace.num_turns,
        success=None if unscored else bool(trace.metrics["success"]),
        verdict=found["verdict"],
        calls=sum(len(turn["reward"]["calls"]) for turn in found["turns"]),
    )


async def main() -> None:
    found = read(sys.argv[1])
    address = serve(found)
    report([await play(each, number, address) for number, each in enumerate(found)])


if __name__ == "__main__":
    asyncio.run(main())
