"""The official AgentDojo, unpacked from the pinned wheel and imported as ``agentdojo``, as an oracle.

It runs the official loop, runtime, formatter and checks. Two empty modules stand for what imports the vendors' SDKs.
The clock of tools that create mail and files is stopped, as in the suite, so that results can be compared.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from toolgym import assets

Calls = Sequence[tuple[str, dict[str, Any]]]
Actions = Sequence[tuple[Calls, str]]
"""Per text of the model: its calls, and what it says."""


def _load() -> Any:
    folder = tempfile.mkdtemp(prefix="agentdojo-")
    zipfile.ZipFile(assets.fetch("agentdojo")).extractall(folder)
    sys.path.append(folder)
    pipeline = ModuleType("agentdojo.agent_pipeline")
    pipeline.__path__ = [str(Path(folder, "agentdojo", "agent_pipeline"))]
    google = ModuleType("agentdojo.agent_pipeline.llms.google_llm")
    google.EMPTY_FUNCTION_NAME = "<empty-function-name>"  # type: ignore[attr-defined]
    sys.modules.setdefault(pipeline.__name__, pipeline)
    sys.modules.setdefault(google.__name__, google)
    import agentdojo.default_suites.v1.tools.cloud_drive_client as drive
    import agentdojo.default_suites.v1.tools.email_client as mail
    from agentdojo.task_suite.load_suites import get_suites

    stopped = SimpleNamespace(datetime=SimpleNamespace(now=lambda: datetime(2025, 1, 1, 9, 0)))
    drive.datetime = mail.datetime = stopped
    return get_suites("v1.2.2")


SUITES = _load()

from agentdojo.agent_pipeline.base_pipeline_element import BasePipelineElement  # noqa: E402
from agentdojo.agent_pipeline.basic_elements import InitQuery, SystemMessage  # noqa: E402
from agentdojo.agent_pipeline.tool_execution import ToolsExecutionLoop, ToolsExecutor  # noqa: E402
from agentdojo.functions_runtime import FunctionCall  # noqa: E402
from agentdojo.logging import Logger  # noqa: E402
from agentdojo.task_suite.task_suite import functions_stack_trace_from_messages  # noqa: E402


class _Scripted(BasePipelineElement):  # type: ignore[misc]
    """A model that writes these actions, and nothing after them."""

    def __init__(self, actions: Actions) -> None:
        self.actions = list(actions)

    def query(self, query: Any, runtime: Any, env: Any, messages: Any = (), extra_args: Any = None) -> Any:
        calls, text = self.actions.pop(0) if self.actions else ((), "")
        made = [FunctionCall(function=name, args=args, id=str(i)) for i, (name, args) in enumerate(calls)]
        message = {"role": "assistant", "content": [{"type": "text", "content": text}], "tool_calls": made}
        return query, runtime, env, [*messages, message], extra_args


class _InOrder(BasePipelineElement):  # type: ignore[misc]
    """The official AgentPipeline, whose module imports the vendors' SDKs, without its log."""

    def __init__(self, elements: Any) -> None:
        self.elements = elements
        self.messages: Any = ()

    def query(self, query: Any, runtime: Any, env: Any, messages: Any = (), extra_args: Any = None) -> Any:
        for element in self.elements:
            query, runtime, env, messages, extra_args = element.query(query, runtime, env, messages, extra_args or {})
        self.messages = messages
        return query, runtime, env, messages, extra_args


def play(
    suite: str, user_task: str, injection_task: str, injections: dict[str, str], actions: Actions
) -> tuple[list[str], bool, bool | None]:
    """The results as a model reads them, utility, and whether the attack succeeded (None without an attack).

    A check that raises, which officially ends the benchmark, has not passed.
    """
    found = SUITES[suite]
    user, model = found.user_tasks[user_task], _Scripted(actions)
    Logger.get = classmethod(lambda cls: SimpleNamespace(log=lambda *args, **kwargs: None))  # type: ignore[method-assign]
    pipeline = _InOrder([SystemMessage("."), InitQuery(), model, ToolsExecutionLoop([ToolsExecutor(), model])])
    environment = found.load_and_inject_default_environment(injections)
    after = user.init_environment(environment)
    before = after.model_copy(deep=True)
    pipeline.query(user.PROMPT, _runtime(found), after)
    trace = functions_stack_trace_from_messages(pipeline.messages)

    def passes(task: Any) -> bool:
        try:
            return bool(found._check_task_result(task, pipeline.messages[-1]["content"], before, after, trace))
        except Exception:
            return False

    results = [each for each in pipeline.messages if each["role"] == "tool"]
    texts = [each["error"] or each["content"][0]["content"] for each in results]
    utility = passes(user)
    return texts, utility, passes(found.injection_tasks[injection_task]) if injection_task else None


def _runtime(suite: Any) -> Any:
    from agentdojo.functions_runtime import FunctionsRuntime

    return FunctionsRuntime(suite.tools)
