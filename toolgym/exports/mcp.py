"""MCP (1.28 and 2.3): one episode of a suite as a server, for agents that bring their own loop.

    {"command": "python", "args": ["-m", "toolgym.exports.mcp", "ToolGym-Office-v0", "--out", "runs/mcp",
                                   "--env-kwargs", "{\"split\": \"test\"}", "--task-id", "test-000000-single"]}

It needs the package: ``pip install mcp``.

The server offers the task's tools, and ``submit``, which says the final answer; the request is in its instructions, and
``--show-task`` prints it. A process is an episode. The agent never sees a reward: the outcome is a line of
``outcomes.jsonl`` in the folder ``--out``, when the episode is over or the client leaves.

MCP brings calls one by one, so each call is an action of its own. Suites that expect several calls in one action, or
are over after one, pay less for that; a verdict about a final state does not mind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gymnasium as gym
import msgspec

from toolgym.assets import AssetError
from toolgym.exports.session import Outcome, Session
from toolgym.stored.strict_json import to_json

OVER = "The episode is over."
LEFT = "the client left before the episode was over"


class Episode:
    """An episode that is played call by call.

    Raises KeyError for an unknown task.
    """

    def __init__(self, env_id: str, env_kwargs: Mapping[str, Any] | None, task_id: str | None, seed: int | None):
        self._session = Session(env_id, {**(env_kwargs or {}), "dialect": "openai"})
        messages = self._session.reset(task_id=task_id, seed=seed)
        self.request = "\n\n".join(message["content"] or "" for message in messages)
        """The task, as text."""
        self.submit = "submit"
        """The name of the tool that takes the final answer."""
        while any(self.submit == tool["function"]["name"] for tool in self._session.tools):
            self.submit += "_answer"
        self._one = asyncio.Lock()
        self._calls = 0

    def tools(self) -> list[dict[str, Any]]:
        """The tools on offer, as MCP describes them."""
        answer = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
        about = "Say something to the user: the final answer, or a question. Call this last."
        submit = {"name": self.submit, "description": about, "inputSchema": answer}
        functions = [tool["function"] for tool in self._session.tools]
        found = [
            {"name": each["name"], "description": each.get("description", ""), "inputSchema": each["parameters"]}
            for each in functions
        ]
        return [*found, submit]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        """Play a call. Returns what the agent reads, and whether it is an error."""
        async with self._one:  # a client may call several at once
            if self._session.env.over:
                return OVER, True
            if name == self.submit:
                answer: str | dict[str, Any] = str(arguments.get("answer", ""))
            else:
                self._calls += 1
                function = {"name": name, "arguments": json.dumps(dict(arguments))}
                call = {"id": f"call{self._calls}", "type": "function", "function": function}
                answer = {"role": "assistant", "content": None, "tool_calls": [call]}
            reply = await self._session.step_async(answer)
            calls = self._session.env.turns[-1].reward.calls
            failed = any(record.result is not None and record.result.error is not None for record in calls)
            said = [message["content"] for message in reply.messages]
            if reply.done:
                said = [*(record.result.content for record in calls if record.result is not None), OVER]
            return "\n\n".join(said), failed

    def end(self) -> Outcome | None:
        """The outcome of the episode, which ends now if it was not over; None if nothing was called."""
        if not self._session.env.turns:
            return None
        self._session.cut_off(LEFT)
        return self._session.outcome


def server(episode: Episode) -> Any:
    """The low-level MCP server of an episode."""
    from mcp import types
    from mcp.server.lowlevel import Server

    def listed() -> list[Any]:
        return [types.Tool.model_validate(tool) for tool in episode.tools()]

    async def called(name: str, arguments: Mapping[str, Any] | None) -> Any:
        text, failed = await episode.call(name, arguments or {})
        return types.CallToolResult.model_validate({"content": [{"type": "text", "text": text}], "isError": failed})

    if hasattr(Server, "call_tool"):  # version 1: handlers are decorated
        made = Server("toolgym", instructions=episode.request)

        async def list_tools() -> Any:
            return listed()

        made.list_tools()(list_tools)
        made.call_tool(validate_input=False)(called)
        return made

    async def on_list_tools(context: Any, params: Any) -> Any:
        return types.ListToolsResult(tools=listed())

    async def on_call_tool(context: Any, params: Any) -> Any:
        return await called(params.name, params.arguments)

    return Server("toolgym", instructions=episode.request, on_list_tools=on_list_tools, on_call_tool=on_call_tool)


async def serve(episode: Episode, out: Path | None) -> None:
    """Serve an episode on standard input and output, until the client leaves."""
    from mcp.server.stdio import stdio_server

    made = server(episode)
    try:
        async with stdio_server() as (read, write):
            await made.run(read, write, made.create_initialization_options())
    finally:
        outcome = episode.end()
        if out is not None and outcome is not None:
            out.mkdir(parents=True, exist_ok=True)
            with (out / "outcomes.jsonl").open("a") as file:
                file.write(to_json(msgspec.to_builtins(outcome)) + "\n")


def _arguments(text: str) -> dict[str, Any]:
    """Reads a JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'{text!r} is not a JSON object, such as {{"split": "test"}}')
    return value


def main(argv: Sequence[str] | None = None) -> None:
    """Serve one episode. Exits with 1 if it cannot begin, and says why on standard error."""
    parser = argparse.ArgumentParser(prog="python -m toolgym.exports.mcp", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("env", help="a suite's id")
    parser.add_argument("--task-id", help="the task (without it, one drawn by --seed)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--env-kwargs", type=_arguments, default={}, help="arguments of gym.make, as a JSON object")
    parser.add_argument("--out", type=Path, help="folder for outcomes.jsonl")
    parser.add_argument("--show-task", action="store_true", help="print the request, and do not serve")
    options = parser.parse_args(argv)
    if not options.show_task and find_spec("mcp") is None:
        parser.exit(1, "error: this needs the package mcp: pip install mcp\n")
    try:
        episode = Episode(options.env, options.env_kwargs, options.task_id, options.seed)
    except (AssetError, gym.error.Error, ImportError, KeyError, TypeError, ValueError) as error:
        parser.exit(1, f"error: {error.args[0] if error.args else error}\n")
    if options.show_task:
        sys.stdout.write(episode.request + "\n")
    else:
        asyncio.run(serve(episode, options.out))


if __name__ == "__main__":
    main()
