"""ToolEnv: the one base class. An episode is a conversation in which some messages call tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from operator import index
from typing import Any

import gymnasium as gym
import msgspec
from gymnasium.error import ResetNeeded

from toolgym.dialects import Dialect, get_dialect
from toolgym.grading import as_expected
from toolgym.rewards import Evidence, Reward, get_rubric
from toolgym.snapshot import Snapshot, SnapshotError, restore, sibling, take
from toolgym.spaces import ObservationSpace, Text
from toolgym.tasks import Task, TaskSource, opening, task_order
from toolgym.tasks.source import check_tasks
from toolgym.tasks.task import shown, with_article
from toolgym.tools import Tool
from toolgym.tools.tool import TOOLS_OWN_FAILURES
from toolgym.types import (
    CallRecord,
    Completion,
    FrozenDict,
    Message,
    Observation,
    RewardBreakdown,
    Term,
    ToolCall,
    ToolResult,
    Turn,
    Verdict,
)

_NO_REWARD = RewardBreakdown()


class ToolEnv(gym.Env[Observation, str]):
    """Tasks to be solved by calling tools.

    An action is the assistant's raw text in the env's dialect; all calls in it are run, in order.
    An episode ends when a text calls nothing, or after ``max_turns`` texts (truncated).

    Observation: ``{"messages": tuple of messages, "tools": tuple of OpenAI-style schemas}``, immutable.

    ``info`` of a step: ``task_id``; ``reward``, the RewardBreakdown whose ``total`` is the reward; ``calls``,
    a list of CallRecord; ``reward_valid``, False where something of ours failed (a time limit, missing
    data: then ``error`` says what) and the reward says nothing about the policy; and on the last step
    ``success`` and ``verdict``, the benchmark's own judgement.

    Args:
        tasks: what to draw from; any Sequence, lazy ones included.
        dialect: how the model writes calls; a name of ``toolgym.dialects.DIALECTS`` or a Dialect.
        rubric: how actions are rewarded; "toolrl", "toolrl-reference" or a Rubric.
        max_turns: texts per episode.
        state: makes the state of an episode, which methods decorated with ``@tool`` get as ``self``.
        max_calls: calls run per text; later ones are answered with an error.
        max_action_chars: a longer text is not read; it scores as malformed.
        render_mode: "ansi" makes ``render()`` return the transcript.
    """

    metadata = {"render_modes": ["ansi"]}

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        max_turns: int = 10,
        state: Callable[[], Any] | None = None,
        max_calls: int = 64,
        max_action_chars: int = 1_000_000,
        render_mode: str | None = None,
    ):
        own, base = type(self), ToolEnv
        check_tasks(tasks, own.__name__, as_expected=own.judge is base.judge and own.reply is base.reply)
        check_state(state)
        if render_mode not in (None, "ansi"):
            raise ValueError(f"render_mode must be None or 'ansi', got {render_mode!r}")
        self.tasks = tasks
        self.dialect = get_dialect(dialect)
        self.rubric = get_rubric(rubric)
        self.max_turns = whole_number("max_turns", max_turns, 1)
        self.max_calls = whole_number("max_calls", max_calls, 0)
        self.max_action_chars = whole_number("max_action_chars", max_action_chars, 1)
        self.render_mode = render_mode
        self.observation_space = ObservationSpace()
        self.action_space = Text(max_length=max_action_chars)
        self.state: Any = None
        """What the tools of the current episode work on."""
        self.turns: list[Turn] = []
        """The current episode so far."""
        self._source = TaskSource(tasks)
        self._make_state = state
        self._task: Any = None
        self._messages: tuple[Message, ...] = ()
        self._over = True
        self._failure: str | None = None
        self._toolset: tuple[Tool, ...] | None = None
        self._instructed: tuple[Tool, ...] | None = None
        self._tools: dict[str, Tool] = {}
        self._schemas: tuple[FrozenDict, ...] = ()
        self._inline = True
        self._instructions = ""

    # What a suite may override ------------------------------------------------------------------

    def start(self, task: Task) -> None:
        """Prepare an episode's state. The default makes ``self.state`` with the ``state`` factory."""
        if self._make_state is not None:
            self.state = self._make_state()

    def instructions(self, tools: tuple[Tool, ...]) -> str:
        """The system prompt's part that offers the tools and teaches the dialect; "" where none is needed."""
        return self.dialect.instructions(tools)

    def parse(self, text: str) -> Completion:
        """Read an action."""
        return self.dialect.parse(text)

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        """The gold calls for this action, which may depend on it where several answers are accepted."""
        gold, turn = self._task.expected, len(self.turns)
        return gold[turn] if turn < len(gold) else ()

    def finished(self, completion: Completion) -> bool:
        """Whether the episode ends with this action."""
        return not completion.calls

    def reply(self, completion: Completion, records: Sequence[CallRecord]) -> tuple[Message, ...]:
        """What the user says after this action, where the episode goes on."""
        return ()

    def judge(self) -> Verdict:
        """The verdict on the finished episode. The default: every turn made just the expected calls."""
        return as_expected(self.task.expected, self.turns)

    def final_terms(self) -> Sequence[Term]:
        """What an episode pays for its end where it is cut off now, after its last action: the terms that this action
        would have had beside its own at ``max_turns``. The default: none."""
        return ()

    def extra_info(self, over: bool) -> dict[str, Any]:
        """Further entries for ``info``, at reset and at each step; ``over`` says the episode has ended."""
        return {}

    def gold(self, task: Task) -> tuple[str, ...]:
        """The gold actions, one text per turn, in this env's dialect: the expected calls, and a word to the user where
        only that ends the episode."""
        texts = []
        for i, calls in enumerate(task.expected or ((),)):
            last = i + 1 >= len(task.expected)
            says = None if calls else (task.response if last and task.response else "Done.")
            think = f"Call {', '.join(call.name for call in calls)}." if calls else "No tool is needed."
            texts.append(self.dialect.render(Completion("", tuple(calls), think, says)))
        goes_on = task.expected and task.expected[-1] and type(self).finished is ToolEnv.finished
        if goes_on and len(texts) < self.max_turns:
            texts.append(self.dialect.render(Completion("", (), "All is done.", task.response or "Done.")))
        return tuple(texts)

    def save_state(self) -> Any:
        """A copy of all that changes during an episode, beside the transcript. The default deep-copies ``self.state``,
        whose class may have a ``__deepcopy__`` that is cheaper. Made of what pickle keeps; it must never change."""
        return deepcopy(self.state)

    def load_state(self, saved: Any) -> None:
        """Go on from what ``save_state`` gave, as often as asked, also in another env: copy, do not take."""
        self.state = deepcopy(saved)

    def find_tools(self, names: Sequence[str]) -> tuple[Tool, ...]:
        """Tools that were on offer, by name, where a snapshot comes from another process."""
        known = {tool.name: tool for tool in self.task.tools}
        if missing := [name for name in names if name not in known]:
            raise SnapshotError(f"the task offers no {missing[0]!r}; {type(self).__name__} needs its own find_tools()")
        return tuple([known[name] for name in names])

    # Gymnasium ----------------------------------------------------------------------------------

    @property
    def task(self) -> Task:
        """The current episode's task. Raises ResetNeeded before the first reset."""
        if self._task is None:
            raise ResetNeeded("no task yet: call reset() first")
        current: Task = self._task
        return current

    def find_task(self, task_id: str) -> Task:
        """The task with this id. Raises KeyError with near misses."""
        if self._source.tasks is not self.tasks:  # a subclass has chosen others
            self._source = TaskSource(self.tasks)
        return self._source.find(task_id)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode of a task drawn with ``seed``, or of ``options={"task_id": ...}``."""
        super().reset(seed=seed)
        options = options or {}
        unknown = set(options) - {"task_id"}
        if unknown:
            raise ValueError(f"unknown reset option {', '.join(sorted(unknown))}; there is task_id")
        wanted = options.get("task_id")
        task = self.tasks[int(self.np_random.integers(len(self.tasks)))] if wanted is None else self.find_task(wanted)
        self._task = task
        self.turns = []
        self._failure = None
        if task.tools is not self._instructed:
            self._instructions, self._instructed = self.instructions(task.tools), task.tools
        self.offer(task.tools)
        self._messages = opening(task, self._instructions)
        self.start(task)
        if self.state is None and any(tool.stateful for tool in task.tools):
            raise ValueError("tools with self need a state: give ToolEnv state=TheirClass, or make one in start()")
        self._over = False
        info = {"task_id": task.id, "reward": _NO_REWARD, "calls": [], "reward_valid": True, **self.extra_info(False)}
        return self.observe(), info

    def step(self, action: str) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Run the action's calls and score it. A policy's mistake is scored, never raised.

        Raises ResetNeeded outside an episode and TypeError for an action that is not a str.
        """
        completion = self.read(action)
        results: list[ToolResult | None] = []
        problems: list[tuple[str, ...]] = []
        for i, call in enumerate(completion.calls):
            tool, wrong, result = self.prepare(call, i)
            results.append(result if tool is None else tool.run(call.arguments, self.state))
            problems.append(wrong)
        return self.settle(completion, results, problems)

    def cut_off(self, reason: str) -> dict[str, Any]:
        """End the episode after its last action, as ``max_turns`` would have: for who drives it and cannot go on, as
        where a model's context is full. The action's reward gets the terms of an end; a verdict that is no success is
        ``reason``. Returns the step's ``info`` as it would have been. Raises ResetNeeded where no action was taken.
        """
        if self._over or not self.turns:
            raise ResetNeeded("there is no episode to cut off: call reset() and step() before")
        turn, terms = self.turns[-1], tuple(self.final_terms())
        reward = turn.reward
        if terms:
            total = reward.total + sum([term.weight * term.score for term in terms])
            reward = RewardBreakdown(total, (*reward.terms, *terms), reward.calls)
            self.turns[-1] = msgspec.structs.replace(turn, reward=reward)
        return self._ended(self._info(reward, over=True), reason)

    def snapshot(self) -> Snapshot:
        """The state of the episode as an immutable value. Raises ResetNeeded before the first reset."""
        return take(self)

    def restore(self, snapshot: Snapshot) -> Observation:
        """Go on from a snapshot of this env or of another one of the same suite, tasks and settings.

        What follows is the same, byte for byte, as what followed there. Raises SnapshotError for a foreign snapshot.
        """
        restore(self, snapshot)
        return self.observe()

    def fork(self, n: int = 1) -> list[ToolEnv]:
        """``n`` new envs in the state of this one, which go their own ways. They share tasks, tools and rubric."""
        whole_number("n", n, 0)
        snapshot, forks = take(self), [sibling(self) for _ in range(n)]
        for each in forks:
            restore(each, snapshot)
        return forks

    @property
    def runs_inline(self) -> bool:
        """Whether no tool on offer can wait: then a step never leaves this thread."""
        return self._inline

    @property
    def over(self) -> bool:
        """Whether there is no episode to step: none was started, or it has ended."""
        return self._over

    # The three parts of a step, apart so that ToolVectorEnv can overlap the middle one ----------

    def read(self, action: str) -> Completion:
        """Part one: the text, parsed."""
        if self._over:
            raise ResetNeeded(
                "call reset() before step()" if self._task is None else "the episode is over: call reset()"
            )
        if not isinstance(action, str):
            raise TypeError(f"an action is the assistant's text (str), got {type(action).__name__}")
        if len(action) > self.max_action_chars:
            # one more is kept, so that what is recorded is too long as well when it is replayed
            problem = f"the text has more than {self.max_action_chars} characters, which is all that is read"
            return Completion(action[: self.max_action_chars + 1], problem=problem)
        return self.parse(action)

    def prepare(self, call: ToolCall, position: int) -> tuple[Tool | None, tuple[str, ...], ToolResult | None]:
        """Part two, for each call: the tool to run; or None, and the result that stands in for running it.

        The tuple in the middle is what the tool's schema objects to.
        """
        if call.error is not None:
            return None, (), ToolResult(f"Error: the call could not be read: {call.error}", "malformed")
        tool = self._tools.get(call.name)
        if tool is None:
            known = ", ".join(list(self._tools)[:20]) or "none"
            return None, (), ToolResult(f"Error: there is no tool {call.name[:100]!r}. Tools: {known}.", "not_found")
        problems = tool.validator.problems(call.arguments)
        if tool.function is None:
            return None, problems, None
        if problems:
            text = f"Error: invalid arguments for {call.name}: {'; '.join(problems)}"
            return None, problems, ToolResult(text, "invalid_arguments")
        if position >= self.max_calls:
            return None, (), ToolResult(f"Error: only {self.max_calls} calls are run per turn.", "too_many_calls")
        return tool, (), None

    def settle(
        self, completion: Completion, results: Sequence[ToolResult | None], problems: Sequence[tuple[str, ...]]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Part three: the reward, the reply, the end."""
        task, turns, calls = self._task, self.turns, completion.calls
        expected = self.expected(completion)
        speaks = self.wants_response(expected)
        scores = self.rubric.score(Evidence(completion, expected, self.dialect, speaks, results, problems, task.data))
        records = tuple(map(CallRecord, calls, results, problems, scores.calls))
        breakdown = RewardBreakdown(scores.total, scores.terms, records)
        for result in results:
            if result is not None and result.error in TOOLS_OWN_FAILURES:
                self.fail(result.content)
        terminated = self.finished(completion)
        truncated = not terminated and len(turns) + 1 >= self.max_turns
        over = terminated or truncated
        added = (FrozenDict(role="assistant", content=completion.text), *self.dialect.results(records))
        if not over:
            added += self.reply(completion, records)
        self._messages += added
        turns.append(Turn(completion.text, added, breakdown, self._failure is None))
        info = self._info(breakdown, over)
        if over:
            self._ended(info)
        return Observation(self._messages, self._schemas), scores.total, terminated, truncated, info

    # --------------------------------------------------------------------------------------------

    def wants_response(self, expected: tuple[ToolCall, ...]) -> bool:
        """Whether the expected answer to this turn speaks to the user."""
        return not expected

    def fail(self, reason: str) -> None:
        """Report an infrastructure failure: the episode's rewards are no evidence about the policy."""
        if self._failure is None:
            self._failure = reason

    def set_step(self, step: int) -> None:
        """Tell the rubric's schedule the trainer's step, counted from 0."""
        self.rubric.set_step(step)

    def render(self) -> str | None:
        """The transcript as text, with render_mode="ansi"; else None."""
        if self.render_mode != "ansi":
            return None
        return "\n\n".join(f"[{m['role']}]\n{m['content']}" for m in self._messages)

    def offer(self, tools: tuple[Tool, ...]) -> None:
        """Put tools on offer from here on: ``reset`` offers the task's, and ``reply`` may offer others.

        Cheap where they are the tuple that is on offer already.
        """
        if tools is self._toolset:
            return
        self._tools = {tool.name: tool for tool in tools}
        self._schemas = tuple(tool.schema for tool in tools)
        self._inline = all(tool.inline or tool.function is None for tool in tools)
        self._toolset = tools

    def _info(self, reward: RewardBreakdown, over: bool) -> dict[str, Any]:
        failure = self._failure
        info = {"task_id": self._task.id, "reward": reward, "calls": list(reward.calls)}
        info |= {"reward_valid": failure is None, **self.extra_info(over)}
        if failure is not None:
            info["error"] = failure
        return info

    def _ended(self, info: dict[str, Any], cut_off: str = "") -> dict[str, Any]:
        """The info of the last step, with the verdict."""
        self._over = True
        verdict = check_verdict(self.judge(), self)
        info["success"], info["verdict"] = verdict.success, verdict.reason
        info["error_type"] = verdict.error_type
        if cut_off and not verdict.success:
            info["verdict"] = cut_off
        return info

    def observe(self) -> Observation:
        """What a policy sees now."""
        return Observation(self._messages, self._schemas)


# Mistakes of an environment's author ---------------------------------------------------------------


def whole_number(name: str, value: Any, least: int) -> int:
    """``value`` as an int. Raises TypeError where it is no whole number, ValueError where it is less than ``least``."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if index(value) < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return index(value)


def check_verdict(verdict: Any, owner: object) -> Verdict:
    """What ``judge`` gave. Raises TypeError where that is no Verdict."""
    if not isinstance(verdict, Verdict):
        raise TypeError(
            f"{type(owner).__name__}.judge() must return a Verdict, got {shown(verdict)}; "
            'write Verdict(success, "why not")'
        )
    return verdict


def check_state(state: Any) -> None:
    """Raise TypeError where ``state`` cannot make an episode's state."""
    if state is not None and not callable(state):
        kind = type(state).__name__
        raise TypeError(
            f"state makes the state of each episode: give the class (state={kind}) or a function, "
            f"not {with_article(state)}"
        )


__all__ = ["ToolEnv", "task_order"]
