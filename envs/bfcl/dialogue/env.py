"""DialogueEnv: the official loop of user messages, calls and results, shared by several categories of BFCL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from toolgym.dialects import Dialect
from toolgym.dialects.json.calls import tool_lines
from toolgym.dialects.pythonic import DecodeError, Pythonic, execution_list
from toolgym.env import ToolEnv
from toolgym.rewards import Reward
from toolgym.tasks import Task
from toolgym.tools import Tool
from toolgym.types import CallRecord, Completion, Message, ToolCall, ToolResult

from ..official import BESIDE, as_malformed, overlooked
from .dialogue import Dialogue
from .functions import Function, announcement, as_announced, functions, run


class DialogueEnv(ToolEnv):
    """A ToolEnv whose state is a Dialogue and whose tasks' ``data`` are Entries: see dialogue/dialogue.py."""

    state: Dialogue

    def __init__(self, tasks: Sequence[Task], dialect: str | Dialect, rubric: str | Reward, **kwargs: Any):
        super().__init__(tasks, dialect=dialect, rubric=rubric, **kwargs)
        self._prompted = isinstance(self.dialect, Pythonic)
        in_prompt = bool(self.instructions(self.tasks[0].tools))
        self._show: Callable[[Sequence[Function]], str] | None = tool_lines if in_prompt else None
        if isinstance(self.dialect, Pythonic):
            self._show = partial(as_announced, self.dialect)
        self._read: tuple[Completion | None, bool] = None, False

    def instructions(self, tools: tuple[Tool, ...]) -> str:
        return _instructions(self.dialect, tools)

    def parse(self, text: str) -> Completion:
        """In "pythonic", "compact" and "openai", the official decoder reads no calls beside words: they fail."""
        completion = self.dialect.parse(text)
        return as_malformed(completion) if overlooked(self.dialect, completion) else completion

    def start(self, task: Task) -> None:
        self.state = Dialogue(task.data, decoded=self._prompted)

    def save_state(self) -> Dialogue:
        """The dialogue without its entry, which belongs to the task."""
        saved = self.state.fork()
        del saved.entry
        return saved

    def load_state(self, saved: Dialogue) -> None:
        self.state = saved.fork()
        self.state.entry = self.task.data

    def functions(self) -> Mapping[str, Function]:
        """All functions of the task's APIs, by name, including functions that are held back."""
        return functions(self.task.data.classes)

    def all_tools(self, task: Task) -> tuple[Tool, ...]:
        """With the functions that are held back."""
        return tuple(functions(task.data.classes).values())

    def find_tools(self, names: Sequence[str]) -> tuple[Tool, ...]:
        known = self.functions()
        return tuple([known[name] for name in names])

    def prepare(self, completion: Completion, position: int) -> tuple[Tool | None, tuple[str, ...], ToolResult | None]:
        """Held-back functions are run too, as in the official harness. Schema problems are noted, but stop no call."""
        if not self.runs(completion):
            return None, (), None
        call = completion.calls[position]
        if position >= self.max_calls:
            return None, (), ToolResult(f"Error: only {self.max_calls} calls are run per turn.", "too_many_calls")
        tool = self.functions().get(call.name)
        if tool is None:
            return None, (), run(self.state, call.name, call.arguments)
        return tool, tool.validator.problems(call.arguments), None

    def advance(self, completion: Completion) -> None:
        """Move the dialogue on by an action whose calls have been run; offer held-back functions when their turn comes.

        ``on_action`` calls this exactly once per action.
        """
        state = self.state
        if self.runs(completion):
            state.end_step()
        else:
            state.end_turn()
            # ``self.turns`` does not hold this action yet. After the last action nothing is offered any more
            goes_on = not state.over and len(self.turns) + 1 < self.max_turns
            if goes_on and (news := self._announcement()) is not None:
                self.offer(news[0])

    def finished(self, completion: Completion) -> bool:
        return self.state.over

    def ended(self) -> Dialogue:
        """The dialogue as if the episode ended here: the official harness still checks the current turn."""
        if self.state.over:
            return self.state
        cut = self.state.fork()
        cut.cut()
        return cut

    def runs(self, completion: Completion) -> bool:
        """Whether the action makes calls, and all of them can be read."""
        if self._read[0] is not completion:  # asked once per call of an action, decided once
            decodes = bool(completion.calls) and _decodes(completion.calls, self._prompted)
            self._read = completion, decodes
        return self._read[1]

    def reply(self, completion: Completion, records: Sequence[CallRecord]) -> tuple[Message, ...]:
        """The user's next message, if the action ended the model's turn."""
        if self.runs(completion):
            return ()
        news = self._announcement()
        return self.state.entry.messages[self.state.turn] if news is None else (news[1],)

    def _announcement(self) -> tuple[tuple[Function, ...], Message] | None:
        """The tools and the message that announces them, if the current turn offers held-back functions; else None."""
        return announcement(self.state.entry, self.state.turn, self._show)

    def gold(self, task: Task) -> tuple[str, ...]:
        """The gold actions: the accepted calls of each turn in one action, then a text without a call.

        In "pythonic" and "compact" the actions have no thought, so that BFCL's own decoder can read them too.
        """
        if not self._prompted:
            return super().gold(task)
        last = len(task.expected) - 1
        says = [task.response if i == last and task.response else "Done." for i in range(last + 1)]
        return tuple(
            [
                self.dialect.render(Completion("", calls, None, None if calls else text))
                for calls, text in zip(task.expected, says, strict=True)
            ]
        )


def _decodes(calls: Sequence[ToolCall], prompted: bool) -> bool:
    """Whether the official handler could read all calls. It rewrites the calls of a prompted model, which may fail."""
    if not prompted or any(call.error == BESIDE for call in calls):
        return all(call.error is None for call in calls)
    try:
        for call in calls:
            if any(type(value) is dict for value in call.arguments.values()):
                execution_list([{call.name: call.arguments}])
    except DecodeError:
        return False
    return True


@lru_cache(maxsize=512)
def _instructions(dialect: Dialect, tools: tuple[Tool, ...]) -> str:
    """The system prompt for these functions. Pythonic gets whole docs: the official prompt shows return values."""
    if isinstance(dialect, Pythonic):
        return dialect.prompt([getattr(tool, "doc", tool.schema["function"]) for tool in tools])
    return dialect.instructions(tools)
