"""verifiers (0.4, its v1 API) and prime-rl: a taskset, its env and a harness that needs neither a sandbox nor uv.

verifiers finds all three in a module of yours that its taskset id names (here ``my_office.py``):

    from toolgym.exports.verifiers import ToolGymEnv, ToolGymHarness, ToolGymTaskset

    __all__ = ["ToolGymEnv", "ToolGymHarness", "ToolGymTaskset"]

    vf-eval my-office --env.taskset.suite ToolGym-Office-v0 --env.taskset.n 100 -m MODEL      # verifiers
    env.taskset = {id = "my-office", suite = "ToolGym-Office-v0", n = 1000}               # prime-rl

Rewards: the episode's, as reward "toolgym" of the trace; those of each turn, the verdict and the call records in
``trace.info["toolgym"]``; success, and each term of the reward, as metrics. An unscored episode raises Unscored: the
episode is not ``ok``, and trainers leave it out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from toolgym.exports.session import Outcome, Session, task_rows

__all__ = ["ToolGymEnv", "ToolGymHarness", "ToolGymTaskset"]  # noqa: F822  made by __getattr__


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _classes()[name]


def record(outcome: Outcome, trace: Any) -> None:
    """Write an outcome onto a trace of verifiers. Raises Unscored, after that, if it has no reward."""
    trace.info["toolgym"] = msgspec.to_builtins(outcome)
    trace.record_reward("toolgym", outcome.scored(), 1.0)
    metrics: dict[str, float] = defaultdict(float, success=float(bool(outcome.success)))
    for turn in outcome.turns:
        for term in turn["reward"]["terms"]:
            metrics[term["name"]] += term["weight"] * term["score"]
    trace.record_metrics(metrics)


@cache
def _classes() -> dict[str, type]:
    import httpx
    import verifiers.v1 as vf
    from verifiers.v1.runtimes import ProgramResult

    class ToolGymConfig(vf.TasksetConfig):
        suite: str = "ToolGym-Office-v0"
        """The environment's id."""
        kwargs: dict[str, Any] = {}
        """Arguments of ``gym.make``."""
        n: int | None = None
        """How many tasks; None: all."""
        seed: int = 0
        """Draws the tasks."""
        task_ids: list[str] | None = None
        """These tasks instead."""

    class ToolGymData(vf.TaskData):
        suite: str
        kwargs: dict[str, Any]

    class ToolGymTask(vf.Task[ToolGymData, vf.State, vf.TaskConfig]):
        @property
        def key(self) -> str:
            return str(self.data.id)

    class ToolGymTaskset(vf.Taskset[ToolGymTask, ToolGymConfig]):
        def load(self) -> Iterator[ToolGymTask]:
            config = self.config
            which: dict[str, Any] = {"n": config.n, "seed": config.seed, "task_ids": config.task_ids}
            for row in task_rows(config.suite, config.kwargs, in_messages=True, **which):
                system = row.messages[0]["content"] if row.messages[0]["role"] == "system" else None
                prompt = row.messages[1:] if system is not None else row.messages
                about = {"suite": config.suite, "kwargs": config.kwargs}
                data = ToolGymData(id=row.task_id, name=row.task_id, system_prompt=system, prompt=prompt, **about)
                yield ToolGymTask(data, config.task)

    class ToolGymHarness(vf.Harness[vf.HarnessConfig]):
        """One request per turn, from this process."""

        APPENDS_SYSTEM_PROMPT = True
        SUPPORTS_RESUME = True
        EXECUTES_CODE = False
        NEEDS_CONTAINER = False

        async def launch(
            self, ctx: Any, trace: Any, runtime: Any, endpoint: str, secret: str, mcp_urls: Any, data: Any, **_: Any
        ) -> Any:
            system, prompt = self.resolve_prompt(data)
            messages = [{"role": "system", "content": system}] if system else []
            messages += [message.model_dump(exclude_none=True) for message in prompt]
            async with httpx.AsyncClient(timeout=None) as client:  # verifiers limits the rollout's time
                answer = await client.post(
                    f"{endpoint}/chat/completions",
                    json={"model": ctx.model, "messages": messages},
                    headers={"Authorization": f"Bearer {secret}"},
                )
            return ProgramResult(int(answer.is_error), "", answer.text if answer.is_error else "")

    class ToolGymEnvConfig(vf.EnvConfig):
        player: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig())

    class ToolGymEnv(vf.Env[ToolGymEnvConfig]):
        async def run(self, task: Any, agents: Any) -> None:
            session = Session(task.data.suite, task.data.kwargs)
            session.reset(task_id=task.data.id)
            async with agents.player.interaction(task) as player:
                segment = await player.turn()
                while not segment.terminated:
                    answer = segment.messages[-1].model_dump(exclude_none=True)
                    cut = "length" if player.trace.calls[-1].finish_reason == "length" else None
                    reply = await session.step_async(answer, cut)
                    if reply.done:
                        break
                    segment = await player.turn(reply.messages)
                else:
                    if session.env.turns:
                        session.cut_off(f"verifiers ended the episode: {player.trace.stop_condition}")
                if session.env.turns:
                    record(session.outcome, player.trace)

    return {each.__name__: each for each in (ToolGymEnv, ToolGymHarness, ToolGymTaskset)}
