"""Faults: the settings of injected faults, and their part in a ToolEnv's step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from toolgym.checks import whole_number
from toolgym.rewards import Evidence
from toolgym.tasks import Task
from toolgym.tools import Tool
from toolgym.types import CallRecord, CallScore, Completion, Term, ToolCall, ToolResult
from toolgym.wrappers.faults.gold import recovering
from toolgym.wrappers.faults.honesty import honest_refusal
from toolgym.wrappers.faults.kinds import Kinds, chosen
from toolgym.wrappers.faults.plan import Rate, plan_of, rates
from toolgym.wrappers.faults.progress import Place, Progress
from toolgym.wrappers.faults.texts import SKIPPED, told

if TYPE_CHECKING:
    from toolgym.env import ToolEnv

Scored = tuple[bool, bool, float, tuple[Term, ...], tuple[CallRecord, ...]]
"""Whether the suite was told of the action, whether the episode ends here all the same, and the reward."""


class Faults:
    """Which faults are injected, and how often. One object serves all episodes of an env.

    Raises ValueError or TypeError for unknown kinds, for a rate that is not a probability, and for a negative seed.
    """

    def __init__(self, kinds: Kinds, rate: Rate = 0.3, seed: int = 0):
        self.kinds = chosen(kinds)
        self.rate = rates(rate)
        self.seed = whole_number("fault_seed", seed, 0)

    def __repr__(self) -> str:
        low, high = self.rate
        return f"Faults({','.join(self.kinds)!r}, rate={low if low == high else self.rate}, seed={self.seed})"

    def begin(self, task: Task) -> Progress:
        """The progress of a new episode."""
        needed = frozenset([call.name for turn in task.expected for call in turn])
        return Progress(plan_of(task.id, self.kinds, self.rate, self.seed), needed)

    def attach(self, env: ToolEnv) -> None:
        """See ``ToolEnv.inject``."""
        if env.faults is not None:
            raise ValueError(f"{type(env).__name__} has {env.faults!r} already: name all kinds in one place")
        if not env.runs_calls():
            raise ValueError(f"{type(env).__name__} runs no calls, so no fault can be injected into one")
        env.faults = self
        self.recover_gold(env)
        env._see_through_view()
        env.episode.over = True  # an episode that goes on was not begun with faults

    def recover_gold(self, env: ToolEnv) -> None:
        """Make ``env.gold`` give the actions that recover."""
        env.gold = partial(recovering, self, env, type(env).gold)  # type: ignore[method-assign]

    # The parts of a step ------------------------------------------------------------------------

    def read(self, env: ToolEnv, completion: Completion) -> Completion:
        """The action as it is to be run."""
        progress(env).now = []
        return completion

    def begin_call(
        self, env: ToolEnv, completion: Completion, position: int
    ) -> tuple[Tool | None, tuple[str, ...], ToolResult | None]:
        """The tool to run, or the result of a fault in its place."""
        state = progress(env)
        if state.now and state.now[-1][0] != "told":
            state.now.append(("skipped", ""))
            return None, (), ToolResult(SKIPPED, "skipped")
        tool, problems, result = env.prepare(completion, position)
        if tool is None and (result is None or result.error is not None):  # nothing is run: the policy's mistake
            state.now.append(("told", ""))
            return tool, problems, result
        name = completion.calls[position].name
        fault, blind = state.next_fault(name)
        if fault is None:
            state.now.append(("told", ""))
            return tool, problems, result
        text, seconds = told(fault, name)
        state.met(fault, name, state.calls + position, seconds)
        state.now.append(("blind" if blind else "fault", fault.kind))
        return None, (), ToolResult(text, "fault")

    def after_call(self, env: ToolEnv) -> None:
        """Called after a call was run."""

    def settle(
        self,
        env: ToolEnv,
        completion: Completion,
        results: Sequence[ToolResult | None],
        problems: Sequence[tuple[str, ...]],
    ) -> Scored:
        """The reward of an action. The suite is told of it unless a fault made it void.

        An action that meets a fault earns 0: its calls are rewarded when they are repeated, together with those that
        ran beside them. A blind repetition earns -1.
        """
        state, turn = progress(env), len(env.turns)
        statuses, state.now = state.now, []
        first = state.calls
        state.calls += len(completion.calls)
        if not completion.calls:
            return self._answer(env, state, completion)
        own: list[Place] = [(turn, i) for i, (status, _) in enumerate(statuses) if status == "told"]
        kinds = [kind or msgspec.UNSET for _, kind in statuses]
        if len(own) < len(statuses):
            blind = any(status == "blind" for status, _ in statuses)
            why = next(kind for _, kind in statuses if kind)
            state.held += own
            state.void += not blind
            scores = [CallScore(reason=result.error or "") if result else CallScore() for result in results]
            term = Term("blind_repetition", -1.0, 1.0, f"{why} lasts") if blind else Term("fault", 0.0, 1.0, why)
            records = tuple(map(CallRecord, completion.calls, results, problems, scores, kinds))
            return False, False, term.score, (term,), records
        held = [env.turns[i].reward.calls[j] for i, j in state.held]
        total, terms, found = env.score(*_joined(env, completion, held, results, problems))
        state.actions.append((turn, (*state.held, *own)))
        state.held = []
        del first
        scores_of_own = found[len(held) :]
        records = tuple(map(CallRecord, completion.calls, results, problems, scores_of_own, kinds))
        return True, False, total, terms, records

    def _answer(self, env: ToolEnv, state: Progress, completion: Completion) -> Scored:
        """The reward of an action without calls."""
        turn, total, terms = len(env.turns), 0.0, ()
        if state.held:  # the suite has not heard of calls that ran beside a fault that was never overcome
            held = [env.turns[i].reward.calls[j] for i, j in state.held]
            calls, results = tuple([each.call for each in held]), [each.result for each in held]
            total, terms, _ = env.score(_written(env, completion, calls), results, [each.problems for each in held])
            state.actions.append((turn, tuple(state.held)))
            state.held = []
        if state.hopeless and honest_refusal(completion.said, any(places for _, places in state.actions)):
            state.refused = True
            scores = env.rubric.score(Evidence(completion, (), env.dialect, True, (), (), env.task.data))
            return False, True, total + scores.total, (*terms, *scores.terms), ()
        more, further, _ = env.score(completion, (), ())
        state.actions.append((turn, ()))
        return True, False, total + more, (*terms, *further), ()


def progress(env: ToolEnv) -> Progress:
    """The progress of the env's episode."""
    found = env.episode.faults
    assert found is not None, "the episode was begun without faults"
    return found


def _joined(
    env: ToolEnv,
    completion: Completion,
    held: Sequence[CallRecord],
    results: Sequence[ToolResult | None],
    problems: Sequence[tuple[str, ...]],
) -> tuple[Completion, Sequence[ToolResult | None], Sequence[tuple[str, ...]]]:
    """An action together with the calls that were held for it."""
    if not held:
        return completion, results, problems
    calls = (*[each.call for each in held], *completion.calls)
    return (
        _written(env, completion, calls),
        [*[each.result for each in held], *results],
        [*[each.problems for each in held], *problems],
    )


def _written(env: ToolEnv, completion: Completion, calls: tuple[ToolCall, ...]) -> Completion:
    """The action as if it had made these calls. Its text is written anew if its own layout is right, for rubrics that
    read the text."""
    calls = tuple([ToolCall(call.name, call.arguments, call.error) for call in calls])
    if completion.problem is None and all(call.error is None for call in calls):
        response = completion.response if completion.calls else None
        again = env.parse(env.dialect.render(Completion("", calls, completion.think, response)))
        if len(again.calls) == len(calls):
            return again
    return msgspec.structs.replace(completion, calls=calls)
