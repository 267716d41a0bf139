"""ServerEnv: an environment whose tools live in servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from toolgym.checks import check_judge
from toolgym.env import ToolEnv
from toolgym.tasks import Task
from toolgym.tools.sessions import Sessions
from toolgym.tools.unavailable import is_unavailable
from toolgym.types import Completion, ToolCall, ToolResult, Verdict

if TYPE_CHECKING:
    from toolgym.tools.remote import RemoteTool, ToolServer


class ServerEnv(ToolEnv):
    """Tasks for the tools of MCP servers and OpenAPI documents.

    ``self.state`` is the ``Sessions`` of the episode: ``env.state.call("list_notes")`` asks a server. The connections
    are closed when the episode ends. A server that cannot be reached makes the episode not valid.

    Args:
        tasks: as in ToolEnv. In a list or tuple, a task without tools offers all tools of the servers.
        servers: MCPServers and OpenAPIs.
        judge: the verdict, from the env at the end of the episode: a Verdict, or whether the episode is a success.
            None: every turn made exactly the expected calls.
        kwargs: the other arguments of ToolEnv.

    Version history: v0, the first.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        servers: Sequence[ToolServer],
        *,
        judge: Callable[[ServerEnv], Verdict | bool] | None = None,
        **kwargs: Any,
    ):
        if not isinstance(servers, (list, tuple)) or not all(hasattr(each, "session") for each in servers):
            raise TypeError(f"servers is a list of MCPServer and OpenAPI, got {servers!r}")
        if "state" in kwargs:
            raise TypeError("the state of a ServerEnv is its connections; it takes no state of your own")
        if judge is not None:
            check_judge(judge)
        self.servers = tuple(servers)
        if isinstance(tasks, (list, tuple)) and any(isinstance(task, Task) and not task.tools for task in tasks):
            tools = tuple([tool for server in self.servers for tool in server.tools])
            tasks = [task if task.tools else msgspec.structs.replace(task, tools=tools) for task in tasks]
        super().__init__(tasks, **kwargs)
        self._judge = judge
        self._verdict: Verdict | None = None

    def start(self, task: Task) -> None:
        if self.state is not None:
            self.state.close()
        self._verdict = None
        self.state = Sessions(self.servers)
        self.state.prepare()

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        """Offers the tools that a server says it has now."""
        expected = super().on_action(completion, results)
        try:
            for server, tools in self.state.changed().items():
                self._offer_new(server, tools)
        except Exception as error:
            self.fail(f"the tools of a server have changed, and cannot be offered: {error}")
        return expected

    def _offer_new(self, server: ToolServer, tools: Sequence[RemoteTool]) -> None:
        """Offer what is on offer and still there, and what the server has not had at first."""
        offered = self.episode.tools or ()
        kept = {tool.name for tool in offered}
        first = {tool.name for tool in server.tools}
        others = [tool for tool in offered if getattr(tool, "server", None) is not server]
        taken = {tool.name for tool in others}
        mine = [tool for tool in tools if (tool.name in kept or tool.name not in first) and tool.name not in taken]
        self.offer((*others, *mine))

    def judge(self) -> Verdict:
        if self._judge is None:
            return super().judge()
        if self._verdict is not None:
            return self._verdict
        try:
            said = self._judge(self)
        except Exception as error:
            if not is_unavailable(error):
                raise
            self.fail(f"the verdict cannot be had: {error}")
            return Verdict(False, f"the verdict cannot be had: {error}")
        return Verdict(said, "" if said else "the judge says no") if isinstance(said, bool) else said

    def extra_info(self, over: bool) -> dict[str, Any]:
        shared = any(server.state == "shared" for server in self.servers)
        return {**super().extra_info(over), **({"shared_state": True} if shared else {})}

    def _ended(self, info: dict[str, Any], cut_off: str = "") -> dict[str, Any]:
        info = super()._ended(info, cut_off)
        self._verdict = None if self._judge is None else Verdict(info["success"], info["verdict"], info["error_type"])
        if self.failed:  # the judge's server may be down
            info["reward_valid"], info["error"] = False, self.episode.failure
        self.state.close()
        return info

    def save_state(self) -> None:
        self.state.check_copy()

    def load_state(self, saved: None) -> None:
        self.state = Sessions(self.servers)

    def close(self) -> None:
        if self.state is not None:
            self.state.close()
        super().close()
