"""ToolEnv: the one base class. An episode is a conversation in which some messages call tools."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import gymnasium as gym
import msgspec
from gymnasium.error import ResetNeeded

from toolgym import branching, checks
from toolgym.demonstrations import Demonstrations, Given
from toolgym.dialects import Dialect, get_dialect
from toolgym.episode import Episode
from toolgym.grading import as_expected
from toolgym.offer import Offer
from toolgym.playing.wrapped import time_limit_around
from toolgym.rewards import Evidence, Reward, Scores, get_rubric
from toolgym.snapshot import Snapshot, SnapshotError
from toolgym.spaces import ObservationSpace, Text
from toolgym.tasks import Task, TaskSource, opening, task_order
from toolgym.tasks.gold import expected_gold
from toolgym.tasks.source import check_tasks
from toolgym.tools import Tool
from toolgym.tools.tool import TOOLS_OWN_FAILURES
from toolgym.types import (
    CallRecord,
    CallScore,
    Completion,
    FrozenDict,
    Message,
    Observation,
    RewardBreakdown,
    Term,
    ToolCall,
    ToolResult,
    Trajectory,
    Turn,
    UnfinishedAnswer,
    Verdict,
)

if TYPE_CHECKING:
    from toolgym.wrappers.faults.injection import Faults
    from toolgym.wrappers.faults.kinds import Kinds
    from toolgym.wrappers.faults.plan import Rate
    from toolgym.wrappers.perturb.perturbation import Perturbation
    from toolgym.wrappers.perturb.view import View

_NO_REWARD = RewardBreakdown()


class ToolEnv(gym.Env[Observation, str]):
    """Tasks to be solved by calling tools.

    An action is the assistant's raw text in the env's dialect; all calls in it are run, in order.
    An episode ends when a text calls nothing, or after ``max_turns`` texts (truncated).

    Observation: ``{"messages": tuple of messages, "tools": tuple of OpenAI-style schemas}``, immutable.

    ``info`` of a step: ``task_id``; ``reward``, the RewardBreakdown whose ``total`` is the reward; ``calls``,
    a list of CallRecord; ``reward_valid``, False if something other than the policy failed (a time limit,
    missing data; then ``error`` says what), so that the reward says nothing about the policy; and on the last step
    ``success`` and ``verdict``, the benchmark's own judgement.

    Args:
        tasks: what to draw from; any Sequence, lazy ones included.
        dialect: how the model writes calls; a name of ``toolgym.dialects.DIALECTS`` or a Dialect.
        rubric: how actions are rewarded; a name of ``toolgym.rewards.NAMED`` or a Rubric.
        max_turns: texts per episode. Gymnasium's TimeLimit, and ``gym.make(id, max_episode_steps=k)``, lower it.
        state: makes the state of an episode, which methods decorated with ``@tool`` get as ``self``.
        max_calls: calls run per text; later ones are answered with an error.
        max_action_chars: a longer text is not read; it scores as malformed.
        render_mode: "ansi" makes ``render()`` return the transcript.
        instructions: False leaves the tools and the dialect out of the system message, for a policy whose chat template
            describes the tools itself (``Policy(tools="template")``).
        demonstrations: worked examples that stand as earlier turns before each request: how many, from the suite's
            train split; or from another suite, or messages of your own. See ``toolgym.demonstrations``.
        faults: kinds of faults to inject into calls: names, a list, or groups. See ``toolgym.wrappers.faults``.
        fault_rate: the probability that a call meets a fault; a pair (low, high) draws the probability for each task.
        fault_seed: other seeds hit other calls.
        perturb: kinds of perturbation of what is seen: names, a list, or groups. See ``toolgym.wrappers.perturb``.
        strength: from 0 to 1; a pair (low, high) draws it for each task; a schedule follows a trainer's step.
        perturb_seed: other seeds perturb in other ways.
        perturb_draw: how many of the kinds are drawn for each task; None: all that apply to it.
    """

    metadata = {"render_modes": ["ansi"]}
    _time_limit: int | None = None
    """Of the TimeLimit wrappers around this env, as the last reset found them."""

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
        instructions: bool = True,
        demonstrations: Given = 0,
        faults: Kinds = None,
        fault_rate: Rate = 0.3,
        fault_seed: int = 0,
        perturb: str | Sequence[str] | None = None,
        strength: float | Sequence[float] | dict[str, Any] = 1.0,
        perturb_seed: int = 0,
        perturb_draw: int | None = None,
        **unknown: Any,
    ):
        if unknown:  # a suite hands on the arguments that it does not know itself
            name, known = next(iter(unknown)), ", ".join(checks.arguments_of(type(self)))
            raise TypeError(f"{type(self).__name__} takes no {name!r}; it takes {known}")
        own, base = type(self), ToolEnv
        check_tasks(tasks, own.__name__, as_expected=own.judge is base.judge and own.reply is base.reply)
        checks.check_state(state)
        checks.check_render_mode(render_mode)
        self.tasks = tasks
        self.dialect = get_dialect(dialect)
        self.rubric = get_rubric(rubric)
        self.max_turns = checks.whole_number("max_turns", max_turns, 1)
        self.max_calls = checks.whole_number("max_calls", max_calls, 0)
        self.max_action_chars = checks.whole_number("max_action_chars", max_action_chars, 1)
        self.render_mode = render_mode
        self.instructed = checks.flag("instructions", instructions)
        """Whether the system message describes the tools and the dialect."""
        self.demonstrations = Demonstrations(demonstrations)
        self.observation_space = ObservationSpace()
        self.action_space = Text(max_length=max_action_chars)
        self.state: Any = None
        """What the tools of the current episode work on."""
        self.episode = Episode(task=None, messages=(), turns=[], tools=None, over=True)
        self._source = TaskSource(tasks)
        self._make_state = state
        self._offer = Offer()
        self.perturbation: Perturbation | None = None
        """How the tasks are perturbed, or None."""
        self.view: View | None = None  # the current task as it is shown, if tasks are perturbed
        self.faults: Faults | None = None
        """The faults that are injected into calls, or None."""
        if faults is not None:
            self.inject(faults, fault_rate, fault_seed)
        if perturb is not None:
            from toolgym.wrappers.perturb.perturbation import Perturbation

            Perturbation(perturb, strength, perturb_seed, perturb_draw).attach(self)

    # Hooks: what a suite may override -----------------------------------------------------------
    #
    # Three hooks act. ``start`` runs once per episode; ``on_action`` and ``on_score`` run once per action, in this
    # order. All other hooks are questions: they change nothing, and may be asked any number of times. (``load_state``
    # does for ``restore`` what ``start`` does for ``reset``.)

    def start(self, task: Task) -> None:
        """Prepare an episode's state. The default makes ``self.state`` with the ``state`` factory."""
        if self._make_state is not None:
            self.state = self._make_state()

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        """Move the suite's state on by one action, and return the gold calls that the action is compared with.

        ``results`` has one entry per call of the completion; None for a call that was not run. ``self.turns`` does not
        hold this action yet. The default asks ``expected``.
        """
        return self.expected(completion)

    def on_score(self, scores: Scores, evidence: Evidence) -> Sequence[Term]:
        """Take note of the rubric's scores for this action; return further terms, which are added to the reward.

        The default returns none.
        """
        return ()

    def instructions(self, tools: tuple[Tool, ...]) -> str:
        """The part of the system prompt that offers the tools and teaches the dialect; "" if none is needed."""
        return self.dialect.instructions(tools)

    def parse(self, text: str) -> Completion:
        """Read an action."""
        return self.dialect.parse(text)

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        """The gold calls for the next action. They may depend on the action if several answers are accepted.

        The default: the calls of ``task.expected[i]`` for action ``i``; no call after the last entry.
        """
        gold, turn = self.episode.task.expected, self.acted  # type: ignore[union-attr]  # an episode has a task
        return gold[turn] if turn < len(gold) else ()

    def wants_response(self, expected: tuple[ToolCall, ...]) -> bool:
        """Whether the expected answer to this turn speaks to the user. The default: if it does not call."""
        return not expected

    def finished(self, completion: Completion) -> bool:
        """Whether the episode ends with this action, which ``on_action`` and ``on_score`` have seen. The default: if it
        does not call."""
        return not completion.calls

    def reply(self, completion: Completion, records: Sequence[CallRecord]) -> tuple[Message, ...]:
        """The user's messages after this action, if the episode goes on. The default: none."""
        return ()

    def judge(self) -> Verdict:
        """The verdict on the episode, as if it ended now. The default: every turn made exactly the expected calls."""
        played = self.turns if self.faults is None else self.faults.played(self)
        return as_expected(self.task.expected, played, known=self.episode.exact)

    def final_terms(self) -> Sequence[Term]:
        """Terms owed if the episode is cut off now: the terms that the last action would have got as the one at
        ``max_turns``. Asked while the episode goes on. The default: none."""
        return ()

    def extra_info(self, over: bool) -> dict[str, Any]:
        """Further entries for ``info``, at reset and at each step; ``over`` says that the episode has ended."""
        return {}

    def gold(self, task: Task) -> tuple[str, ...]:
        """The gold actions in this env's dialect, one text per turn: the expected calls, and a text to the user if only
        that ends the episode."""
        return expected_gold(self.dialect, task, self.base_turns, type(self).finished is not ToolEnv.finished)

    def stratum(self, task: Task) -> tuple[str, ...]:
        """The kind of task, from coarse to fine: ("single", "coined names"). A trainer may give every batch the same
        share of each kind. The default: whether the task expects a call."""
        return ("calls" if any(task.expected) else "no call",)

    def needed_values(self, task: Task) -> Iterable[Any]:
        """Values whose words a perturbation leaves as they are. The default: the expected calls' arguments, and the
        response; if no call is expected, the gold actions."""
        calls = [call.arguments for calls in task.expected for call in calls]
        return (task.response, *(calls or type(self).gold(self, task)))

    def save_state(self) -> Any:
        """A copy of everything that changes during an episode, besides the transcript.

        The default deep-copies ``self.state``, whose class may have a cheaper ``__deepcopy__``. The result must be
        picklable and is never modified.
        """
        return copy.deepcopy(self.state)

    def load_state(self, saved: Any) -> None:
        """Go on from a result of ``save_state``. It may be loaded many times, also in another env: copy it."""
        self.state = copy.deepcopy(saved)

    def runs_calls(self) -> bool:
        """Whether calls get results, so that faults are possible. The default: a tool of the first tasks runs."""
        first = range(min(len(self.tasks), 20))
        return any(tool.runs for i in first for tool in self.tasks[i].tools)

    def excusable(self) -> bool:
        """Whether an honest refusal can pass the episode, if access was denied (see wrappers/faults/README.md)."""
        return True

    @classmethod
    def summarize(cls, trajectories: Iterable[Trajectory]) -> dict[str, Any]:
        """The benchmark's own aggregate numbers of a run, for its tables. The default: none."""
        return {}

    def all_tools(self, task: Task) -> Iterable[Tool]:
        """Every tool that an episode of the task may offer. The default: the task's."""
        return task.tools

    def find_tools(self, names: Sequence[str]) -> tuple[Tool, ...]:
        """The tools that were on offer, by name, for a snapshot from another process."""
        known = {tool.name: tool for tool in self.all_tools(self.task)}
        if missing := [name for name in names if name not in known]:
            raise SnapshotError(f"the task offers no {missing[0]!r}; {type(self).__name__} needs its own find_tools()")
        return tuple([known[name] for name in names])

    # Gymnasium ----------------------------------------------------------------------------------

    @property
    def task(self) -> Task:
        """The current episode's task. Raises ResetNeeded before the first reset."""
        task = self.episode.task
        if task is None:
            raise ResetNeeded("no task yet: call reset() first")
        return task

    @property
    def max_turns(self) -> int:
        """Texts per episode at most. A text that an injected fault made void is one more."""
        limit, faults = self._max_turns, self.episode.faults
        limit += 0 if faults is None else faults.void
        return limit if self._time_limit is None else min(limit, self._time_limit)

    @max_turns.setter
    def max_turns(self, limit: int) -> None:
        self._max_turns = limit

    @property
    def base_turns(self) -> int:
        """``max_turns`` without the texts that faults have added."""
        return self._max_turns if self._time_limit is None else min(self._max_turns, self._time_limit)

    @property
    def acted(self) -> int:
        """The actions so far without those that an injected fault made void: they are not told to the suite."""
        faults = self.episode.faults
        return len(self.episode.turns) if faults is None else len(faults.actions)

    @property
    def turns(self) -> list[Turn]:
        """The current episode so far, one Turn per action."""
        return self.episode.turns

    @property
    def over(self) -> bool:
        """Whether ``step`` needs a ``reset`` first: no episode was started, or it has ended."""
        return self.episode.over

    @property
    def failed(self) -> bool:
        """Whether something other than the policy failed in this episode, so that its rewards say nothing."""
        return self.episode.failure is not None

    @property
    def runs_inline(self) -> bool:
        """Whether no tool on offer can wait: then a step never leaves this thread."""
        return self._offer.inline

    def find_task(self, task_id: str) -> Task:
        """The task with this id. Raises KeyError with near misses."""
        if self._source.tasks is not self.tasks:  # a subclass has put others in their place
            self._source = TaskSource(self.tasks)
        return self._source.find(task_id)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None, **unknown: Any
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode of a task drawn with ``seed``, or of ``options={"task_id": ...}``."""
        wanted = checks.wanted_task(options or {}, unknown)
        super().reset(seed=seed)
        self._time_limit = time_limit_around(self)
        task = self.tasks[int(self.np_random.integers(len(self.tasks)))] if wanted is None else self.find_task(wanted)
        self.view = None if self.perturbation is None else self.perturbation.begin(task, self.needed_values)
        self.episode = Episode(task, self._opening(task), [], task.tools)
        if self.demonstrations:
            self.episode.messages = self.demonstrations.shown_before(self.episode.messages, self)
        self.offer(task.tools)
        if self.faults is not None:
            self.episode.faults = self.faults.begin(task)
        try:
            self.start(task)
            if self.state is None and any(tool.stateful for tool in task.tools):
                raise ValueError("tools with self need a state: give ToolEnv state=TheirClass, or make one in start()")
        except BaseException:
            self.episode.over = True  # an episode that could not be prepared cannot be stepped
            raise
        info = {"task_id": task.id, "reward": _NO_REWARD, "calls": [], "reward_valid": True, **self.extra_info(False)}
        if self.episode.faults is not None:
            info["faults"] = ()
        if self.view is not None:
            info["perturbations"] = self.view.kinds
        return self.observe(), info

    def step(self, action: str) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Run the action's calls and score it. A policy's mistake is scored, never raised.

        Raises ResetNeeded outside an episode and TypeError for an action that is not a str.
        """
        completion = self.read(action)
        results: list[ToolResult | None] = []
        problems: list[tuple[str, ...]] = []
        for i, call in enumerate(completion.calls):
            tool, wrong, result = self.begin_call(completion, i)
            if tool is not None:
                result = tool.run(call.arguments, self.state)
                self.after_call(tool, result)
            results.append(result)
            problems.append(wrong)
        return self.settle(completion, results, problems)

    def cut_off(self, reason: str) -> dict[str, Any]:
        """End the episode after its last action, as ``max_turns`` would have. Call this when the driver cannot
        continue, e.g. the model's context is full.

        The action's reward gets the terms of an end. A verdict that is not a success says ``reason``. Returns the
        step's ``info`` as it would have been. Raises ResetNeeded if no action was taken.
        """
        episode = self.episode
        if episode.over or not episode.turns:
            raise ResetNeeded("there is no episode to cut off: call reset() and step() before")
        turn, terms = episode.turns[-1], tuple(self.final_terms())
        reward = turn.reward
        if terms:
            total = reward.total + sum([term.weight * term.score for term in terms])
            reward = RewardBreakdown(total, (*reward.terms, *terms), reward.calls)
            episode.turns[-1] = msgspec.structs.replace(turn, reward=reward)
        return self._ended(self._info(reward, over=True), reason)

    # Branches -----------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The state of the episode as an immutable value.

        Raises ResetNeeded before the first reset, SnapshotError for a state that cannot be copied.
        """
        return branching.snapshot(self)

    def restore(self, snapshot: Snapshot) -> Observation:
        """Go on from a snapshot of this env or of another one of the same suite, tasks and settings.

        What follows is the same, byte for byte, as what followed there. Raises SnapshotError, and leaves the env as it
        is, for a snapshot of another suite, other tasks or other settings.
        """
        return branching.restore(self, snapshot)

    def fork(self, n: int = 1) -> list[Self]:
        """``n`` new envs in the state of this one, which go their own ways. They share tasks, tools and rubric."""
        checks.whole_number("n", n, 0)
        snapshot, forks = self.snapshot(), [branching.sibling(self) for _ in range(n)]
        for each in forks:
            each.restore(snapshot)
        return forks

    # The three parts of a step, apart so that ToolVectorEnv can overlap the middle one ----------

    def read(self, action: str) -> Completion:
        """Part one: the text, parsed."""
        completion = self._parsed(action)
        return completion if self.faults is None else self.faults.read(self, completion)

    def _parsed(self, action: str) -> Completion:
        if self.episode.over:
            raise ResetNeeded(
                "call reset() before step()" if self.episode.task is None else "the episode is over: call reset()"
            )
        if not isinstance(action, str):
            raise TypeError(f"an action is the assistant's text (str), got {type(action).__name__}")
        if isinstance(action, UnfinishedAnswer):
            return msgspec.structs.replace(self._parsed(str(action)), unfinished=action.reason)
        if len(action) > self.max_action_chars:
            # one more character is kept, so that the recorded text is too long as well when it is replayed
            problem = f"the text has more than {self.max_action_chars} characters, which is all that is read"
            return Completion(action[: self.max_action_chars + 1], problem=problem)
        return self.parse(action)

    def begin_call(self, completion: Completion, i: int) -> tuple[Tool | None, tuple[str, ...], ToolResult | None]:
        """Part two, for each call in order: ``prepare``, or the answer of a fault that is injected in its place."""
        return self.prepare(completion, i) if self.faults is None else self.faults.begin_call(self, completion, i)

    def prepare(self, completion: Completion, position: int) -> tuple[Tool | None, tuple[str, ...], ToolResult | None]:
        """For the call at a position: the tool to run; or None, and the result that stands for running it.

        The tuple in the middle holds the objections of the tool's schema.
        """
        return self._offer.prepare(completion, position, self.max_calls)

    def after_call(self, tool: Tool, result: ToolResult) -> None:
        """Called after part two, for each call that was run. A call that was given up may go on and change its state:
        from here on the episode has a copy. It ends with this action if its state cannot be copied."""
        if self.faults is not None:
            self.faults.after_call(self)
        if result.error != "timeout" or not tool.stateful:
            return
        if not branching.own_state(self):
            self.episode.lost = True

    def settle(
        self, completion: Completion, results: Sequence[ToolResult | None], problems: Sequence[tuple[str, ...]]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Part three: the reward, the reply, the end."""
        for result in results:
            if result is not None and result.error is not None and result.error in TOOLS_OWN_FAILURES:
                self.fail(result.content)
        episode = self.episode
        if self.faults is None:
            told, ends = True, False
            total, terms, scores = self.score(completion, results, problems)
            records = tuple(map(CallRecord, completion.calls, results, problems, scores))
        else:
            told, ends, total, terms, records = self.faults.settle(self, completion, results, problems)
        # The end, and the reply
        turn = len(episode.turns)
        terminated = self.finished(completion) if told else ends
        truncated = not terminated and (turn + 1 >= self.max_turns or episode.lost)
        over = terminated or truncated
        if truncated and self.faults is not None:
            total, terms = self.faults.owed(self, total, terms)
        reward = RewardBreakdown(total, terms, records)
        text, said = completion.text, self.reply(completion, records) if not over and told else ()
        if self.view is None:
            added = (FrozenDict(role="assistant", content=text), *self.dialect.results(records), *said)
        else:
            text, added = self.view.added(completion, records, said, turn, self.dialect)
        episode.messages += added
        episode.turns.append(Turn(text, added, reward, episode.failure is None, completion.unfinished))
        info = self._info(reward, over)
        if over:
            self._ended(info)
        return Observation(episode.messages, self._offer.schemas), total, terminated, truncated, info

    def score(
        self, completion: Completion, results: Sequence[ToolResult | None], problems: Sequence[tuple[str, ...]]
    ) -> tuple[float, tuple[Term, ...], tuple[CallScore, ...]]:
        """The hooks that act, and the reward between them: the total, its terms, and a score per call."""
        episode = self.episode
        task: Task = episode.task  # type: ignore[assignment]  # an episode has a task
        expected = self.on_action(completion, results)
        speaks = self.wants_response(expected)
        evidence = Evidence(completion, expected, self.dialect, speaks, results, problems, task.data)
        scores = self.rubric.score(evidence)
        total, terms, extra = scores.total, scores.terms, self.on_score(scores, evidence)
        if extra:
            total += sum([term.weight * term.score for term in extra])
            terms = (*terms, *extra)
        turn, gold = self.acted, task.expected
        if turn == episode.exact and evidence.exact and expected is (gold[turn] if turn < len(gold) else ()):
            episode.exact += 1
        return total, terms, scores.calls

    # --------------------------------------------------------------------------------------------

    def fail(self, reason: str) -> None:
        """Report an infrastructure failure: the episode's rewards are no evidence about the policy."""
        if self.episode.failure is None:
            self.episode.failure = reason

    def inject(self, kinds: Kinds, rate: Rate = 0.3, seed: int = 0) -> None:
        """Inject faults from the next reset on, as the arguments ``faults``, ``fault_rate`` and ``fault_seed`` do.

        Raises ValueError or TypeError for wrong values, for a suite that runs no calls, and if it has faults already.
        """
        from toolgym.wrappers.faults.injection import Faults

        Faults(kinds, rate, seed).attach(self)

    def view_of(self, task: Task) -> View | None:
        """A task as it is shown; None if tasks are not perturbed."""
        return None if self.perturbation is None else self.perturbation.view(task, self.needed_values)

    def set_step(self, step: int) -> None:
        """Tell the schedules of the rubric and of the perturbation the trainer's step, counted from 0."""
        self.rubric.set_step(step)
        if self.perturbation is not None:
            self.perturbation.set_step(step, self.episode.over)

    def render(self) -> str | None:
        """The transcript as text, with render_mode="ansi"; else None."""
        if self.render_mode != "ansi":
            return None
        return "\n\n".join(f"[{m['role']}]\n{m['content']}" for m in self.episode.messages)

    def without_demonstrations(self) -> tuple[Message, ...]:
        """The first messages of the current episode as they are without demonstrations."""
        return self._opening(self.task)

    def _opening(self, task: Task) -> tuple[Message, ...]:
        shown = self.view_of(task) or task
        tools = shown.tools if self.faults is None else self.faults.offered(shown.tools)
        return opening(shown, self._offer.instructions(tools, self.instructions) if self.instructed else "")

    def observe(self) -> Observation:
        """The current observation."""
        return Observation(self.episode.messages, self._offer.schemas)

    def offer(self, tools: tuple[Tool, ...]) -> None:
        """Put tools on offer from here on: ``reset`` offers the task's tools, and ``on_action`` may offer more.

        Cheap if it is the tuple that is on offer already.
        """
        if self.faults is not None:
            tools = self.faults.offered(tools)
        self.episode.tools = tools
        self._offer.take(tools, self.view)

    def _info(self, reward: RewardBreakdown, over: bool) -> dict[str, Any]:
        failure = self.episode.failure
        task: Task = self.episode.task  # type: ignore[assignment]
        info = {"task_id": task.id, "reward": reward, "calls": list(reward.calls), "reward_valid": failure is None}
        if extra := self.extra_info(over):
            info |= extra
        if self.episode.faults is not None:
            info["faults"] = self.episode.faults.records()
        if failure is not None:
            info["error"] = failure
        return info

    def _ended(self, info: dict[str, Any], cut_off: str = "") -> dict[str, Any]:
        """The info of the last step, with the verdict."""
        self.episode.over = True
        verdict = checks.check_verdict(self.judge(), self)
        if self.episode.faults is not None:
            verdict = self.episode.faults.verdict(verdict, self.excusable())
        info["success"], info["verdict"] = verdict.success, verdict.reason
        info["error_type"] = verdict.error_type
        if self.view is not None:
            info["perturbations"] = self.view.kinds
        if cut_off and not verdict.success:
            info["verdict"] = cut_off
        return info


__all__ = ["ToolEnv", "task_order"]
