"""Faults: the settings of injected faults, and their part in a ToolEnv's step."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from toolgym.branching import bind_hooks
from toolgym.checks import low_high, whole_number
from toolgym.grading import same_call
from toolgym.rewards import Evidence
from toolgym.tasks import Task
from toolgym.tools import Tool
from toolgym.types import CallRecord, CallScore, Completion, Term, ToolCall, ToolResult, Turn
from toolgym.wrappers.faults.gold import recovering
from toolgym.wrappers.faults.honesty import honest_refusal
from toolgym.wrappers.faults.kinds import Kinds, chosen
from toolgym.wrappers.faults.plan import Rate, plan_of
from toolgym.wrappers.faults.progress import Met, Place, Progress, twins_of
from toolgym.wrappers.faults.softened import softened
from toolgym.wrappers.faults.texts import SKIPPED, told

if TYPE_CHECKING:
    from toolgym.env import ToolEnv

Scored: TypeAlias = tuple[bool, bool, float, tuple[Term, ...], tuple[CallRecord, ...]]
"""Whether the suite was told of the action, whether the episode ends here all the same, and the reward."""


class _Check(Tool):
    def __reduce__(self) -> str:
        return "CHECK"  # copies and pickles of an env have the same one


CHECK = _Check(
    "check_saved",
    "Say whether the changes that earlier calls reported were really saved, and which were not. A tool may report "
    "success although its change was lost.",
    {"type": "object", "properties": {}},
    lambda: "",
    timeout=None,
    reads=True,
)
"""Offered beside a task's tools if changes may be lost silently: few suites can read back all that they write."""
_SAVED = "All changes were saved."
_SHOWN = 300


class Faults:
    """Which faults are injected, and how often. One object serves all episodes of an env.

    Raises ValueError or TypeError for unknown kinds, for a rate that is not a probability, and for a negative seed.
    """

    def __init__(self, kinds: Kinds, rate: Rate = 0.3, seed: int = 0):
        self.kinds = chosen(kinds)
        self.rate = low_high("fault_rate is a probability, or a pair (low, high) in order, between 0 and 1", rate)
        self.seed = whole_number("fault_seed", seed, 0)
        self._offered: tuple[tuple[Tool, ...], tuple[Tool, ...]] = (), ()

    def __repr__(self) -> str:
        low, high = self.rate
        return f"Faults({','.join(self.kinds)!r}, rate={low if low == high else self.rate}, seed={self.seed})"

    def attach(self, env: ToolEnv) -> None:
        """See ``ToolEnv.inject``."""
        if env.faults is not None:
            raise ValueError(f"{type(env).__name__} has {env.faults!r} already: name all kinds in one place")
        if not env.runs_calls():
            raise ValueError(f"{type(env).__name__} runs no calls, so no fault can be injected into one")
        env.faults = self
        bind_hooks(env)
        env.episode.over = True  # an episode that goes on was not begun with faults

    def begin(self, task: Task) -> Progress:
        """The progress of a new episode."""
        needed = frozenset([call.name for turn in task.expected for call in turn])
        return Progress(plan_of(task.id, self.kinds, self.rate, self.seed), needed)

    def recover_gold(self, env: ToolEnv) -> None:
        """Make ``env.gold`` give the actions that recover."""
        env.gold = partial(recovering, self, env, type(env).gold)  # type: ignore[method-assign]

    def offered(self, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
        """The tools on offer, with CHECK if a change may be lost silently."""
        if "silent_noop" not in self.kinds or any(tool.name == CHECK.name for tool in tools):
            return tools
        offered = self._offered  # read once: forks in other threads share it
        if offered[0] is not tools:
            self._offered = offered = tools, (*tools, CHECK)
        return offered[1]

    def own(self, names: tuple[str, ...], tools: Iterable[Tool]) -> tuple[str, ...]:
        """The names of offered tools without CHECK's, unless one of a task's ``tools`` has this name itself."""
        if any(tool.name == CHECK.name for tool in tools):
            return names
        return tuple([name for name in names if name != CHECK.name])

    # The parts of a step ------------------------------------------------------------------------

    def read(self, env: ToolEnv, completion: Completion) -> Completion:
        """The action as it is to be run: calls that follow a drifted schema, with the arguments that were shown."""
        state = progress(env)
        state.now, state.written = [], {}
        if not state.lasting:
            return completion
        calls = list(completion.calls)
        for i, call in enumerate(calls):
            drift = state.drift(env._offer.tools.get(call.name)) if call.error is None else None
            if drift is not None and (arguments := drift.shown(call.arguments)) is not None:
                state.written[i] = call
                calls[i] = msgspec.structs.replace(call, arguments=arguments)
        return msgspec.structs.replace(completion, calls=tuple(calls)) if state.written else completion

    def begin_call(
        self, env: ToolEnv, completion: Completion, position: int
    ) -> tuple[Tool | None, tuple[str, ...], ToolResult | None]:
        """The tool to run, or the result of a fault in its place."""
        state, call = progress(env), completion.calls[position]
        state.undo = None
        if state.now and state.now[-1].status in ("fault", "blind", "skipped"):
            state.now.append(Met("skipped"))
            return None, (), ToolResult(SKIPPED, "skipped")
        offered = env._offer.tools.get(call.name)
        if offered is CHECK and call.error is None:
            return None, (), self._checked(env, state)
        drift = None if call.error is not None or position in state.written else state.drift(offered)
        if drift is None:
            tool, problems, result = env.prepare(completion, position)
            for index, place, content in state.open:
                if same_call(_call_at(env, place), call):
                    state.now.append(Met("free", None, index))
                    if tool is None and result is None:  # a recorded result stands for running the call
                        result = ToolResult(content)
                    return tool, problems, result
            if offered is None or (tool is None and (result is None or result.error is not None)):
                state.now.append(Met("told"))  # nothing is run: the policy's mistake
                return tool, problems, result
        assert offered is not None
        met = state.meet(
            offered,
            state.calls + position,
            twins_of(offered, env._offer.tools.values()),
            fits=position in state.written,
            last=position + 1 == len(completion.calls),
            ends=len(env.turns) + 1 >= env.max_turns,
            checked=env._offer.tools.get(CHECK.name) is CHECK,
        )
        state.now.append(met)
        if met.status in ("told", "soft"):
            if met.fault is not None and met.fault.kind == "silent_noop":
                state.undo = (_saved(env),)
            return tool, problems, result
        assert met.fault is not None
        text, seconds = told(met.fault, offered)
        state.cost(call.name, seconds)
        return None, (), ToolResult(text, "fault")

    def after_call(self, env: ToolEnv) -> None:
        """Called after a call was run: a change that is lost silently is undone."""
        state = progress(env)
        if state.undo is not None:
            env.load_state(*state.undo)
            state.undo = None

    def _checked(self, env: ToolEnv, state: Progress) -> ToolResult:
        lost = [_call_at(env, place) for i, place, _ in state.open if state.found[i][0] == "silent_noop"]
        state.now.append(Met("check" if state.unchecked else "needless_check"))
        state.unchecked = 0
        if not lost:
            return ToolResult(_SAVED)
        shown = [f"{call.name} with {_json(call)}" for call in lost]
        return ToolResult(f"Not saved: {'; '.join(shown)}. Call again what was not saved.")

    def settle(
        self,
        env: ToolEnv,
        completion: Completion,
        results: Sequence[ToolResult | None],
        problems: Sequence[tuple[str, ...]],
    ) -> Scored:
        """The reward of an action. The suite is told of it unless faults made it void.

        An action that meets a fault earns 0: its calls are rewarded when they are repeated, together with those that
        ran beside them. Calls that check or read again earn 0. A blind repetition, or a check of nothing, earns -1.
        """
        state, turn = progress(env), len(env.turns)
        met, state.now = state.now, []
        state.calls += len(completion.calls)
        if not completion.calls:
            return self._answer(env, state, completion)
        own = [i for i, each in enumerate(met) if each.status in ("told", "soft")]
        terms: tuple[Term, ...]
        for i, each in enumerate(met):
            if each.status == "free":
                state.found[each.opens][5] = True  # type: ignore[index]
                state.unchecked += state.found[each.opens][0] == "silent_noop"  # type: ignore[index]
                state.open = [entry for entry in state.open if entry[0] != each.opens]
            elif each.status == "soft":
                content = (results[i] or ToolResult("")).content
                state.open.append((each.opens, (turn, i), content))  # type: ignore[arg-type]
        shown = [_shown(each, result) for each, result in zip(met, results, strict=True)]
        stopped = any(each.status in ("fault", "blind") for each in met)
        if stopped or not own:
            state.held += [(turn, i) for i in own]
            term = _void(met)
            state.void += term.score >= 0
            told_, total, terms = False, term.score, (term,)
            scores = {i: CallScore(reason=each.status) for i, each in enumerate(met)}
        else:
            held = [env.turns[i].reward.calls[j] for i, j in state.held]
            total, terms, found = env.score(*_joined(env, state, completion, held, own, results, problems))
            total, terms = _at_most(state, total, terms)
            told_, scores = True, dict(zip(own, found[len(held) :], strict=True))
            state.actions.append((turn, (*state.held, *[(turn, i) for i in own])))
            state.held = []
        records = tuple(
            [
                CallRecord(
                    state.written.get(i, call),
                    shown[i],
                    problems[i],
                    scores.get(i, CallScore(reason=each.status)),
                    msgspec.UNSET if each.fault is None else each.fault.kind,
                )
                for i, (call, each) in enumerate(zip(completion.calls, met, strict=True))
            ]
        )
        return told_, False, total, terms, records

    def _answer(self, env: ToolEnv, state: Progress, completion: Completion) -> Scored:
        """The reward of an action without calls."""
        turn, total = len(env.turns), 0.0
        terms: tuple[Term, ...] = ()
        if state.held:  # the suite has not heard of calls that ran beside a fault that was never overcome
            held = [env.turns[i].reward.calls[j] for i, j in state.held]
            total, terms, _ = env.score(*_joined(env, state, completion, held, (), (), ()))
            total, terms = _at_most(state, total, terms)
            state.actions.append((turn, tuple(state.held)))
            state.held = []
        worked = any(places for _, places in state.actions)
        if state.hopeless and env.excusable() and honest_refusal(completion.said, worked):
            state.refused = True
            scores = env.rubric.score(Evidence(completion, (), env.dialect, True, (), (), env.task.data))
            return False, True, total + scores.total, (*terms, *scores.terms), ()
        further, more, _ = env.score(completion, (), ())
        state.actions.append((turn, ()))
        return True, False, total + further, (*terms, *more), ()

    def played(self, env: ToolEnv) -> list[Turn]:
        """The turns of the episode as the suite was told of them."""
        out, turns = [], env.turns
        for turn, places in progress(env).actions:
            reward = turns[turn].reward
            records = [turns[i].reward.calls[j] for i, j in places]
            calls = tuple([msgspec.structs.replace(each, call=_meant(env, each.call)) for each in records])
            out.append(msgspec.structs.replace(turns[turn], reward=msgspec.structs.replace(reward, calls=calls)))
        return out

    def owed(self, env: ToolEnv, total: float, terms: tuple[Term, ...]) -> tuple[float, tuple[Term, ...]]:
        """The terms of an episode's end, for a suite that counts its turns itself: it has not counted the void ones."""
        named = {term.name for term in terms}
        owed = [term for term in env.final_terms() if term.name not in named]
        return total + sum([term.weight * term.score for term in owed]), (*terms, *owed)


def progress(env: ToolEnv) -> Progress:
    """The progress of the env's episode."""
    found = env.episode.faults
    assert found is not None, "the episode was begun without faults"
    return found


def _saved(env: ToolEnv) -> Any:
    try:
        return env.save_state()
    except (TypeError, RuntimeError, copy.Error, pickle.PicklingError) as error:
        raise TypeError(
            f"silent_noop undoes a call, and the state of {type(env).__name__} cannot be copied ({error}): leave "
            "silent_noop out, or override save_state() and load_state()"
        ) from error


def _at_most(state: Progress, total: float, terms: tuple[Term, ...]) -> tuple[float, tuple[Term, ...]]:
    """The reward of calls: when the task cannot be done any more, nothing but the refusal is paid."""
    if not state.hopeless or total <= 0:
        return total, terms
    return 0.0, (*terms, Term("beyond_hope", -total, 1.0, "the task cannot be done any more"))


def _void(met: Sequence[Met]) -> Term:
    """The reward of an action that the suite is not told of."""
    status = {each.status for each in met}
    why = next((each.fault.kind for each in met if each.fault is not None and each.status in ("fault", "blind")), "")
    if "blind" in status:
        return Term("blind_repetition", -1.0, 1.0, f"{why} lasts")
    if "fault" in status:
        return Term("fault", 0.0, 1.0, why)
    if status == {"needless_check"}:
        return Term("needless_check", -1.0, 1.0, "no change was reported since the last check")
    return Term("verification", 0.0)


def _shown(met: Met, result: ToolResult | None) -> ToolResult | None:
    """The result as the model reads it."""
    if met.status != "soft" or result is None or result.error is not None or met.fault is None:
        return result
    return ToolResult(softened(met.fault, result.content))


def _call_at(env: ToolEnv, place: Place) -> ToolCall:
    """A call of an earlier action, as the suite is told of it."""
    return _meant(env, env.turns[place[0]].reward.calls[place[1]].call)


def _meant(env: ToolEnv, call: ToolCall) -> ToolCall:
    """The call with the arguments of the schema that was shown; and of the tool that the task needs, if that tool
    denies access and this one does the same."""
    tool, state = env._offer.tools.get(call.name), progress(env)
    if call.error is not None or tool is None:
        return call
    drift = state.drift(tool)
    arguments = None if drift is None else drift.shown(call.arguments)
    if arguments is not None:
        call = msgspec.structs.replace(call, arguments=arguments)
    if call.name not in state.needed:
        for twin in twins_of(tool, env._offer.tools.values()):
            if twin in state.needed and state.denies(twin):
                return msgspec.structs.replace(call, name=twin)
    return call


def _json(call: ToolCall) -> str:
    try:
        text = json.dumps(call.arguments, ensure_ascii=False)
    except (RecursionError, TypeError, ValueError):
        text = "{...}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _joined(
    env: ToolEnv,
    state: Progress,
    completion: Completion,
    held: Sequence[CallRecord],
    own: Sequence[int],
    results: Sequence[ToolResult | None],
    problems: Sequence[tuple[str, ...]],
) -> tuple[Completion, Sequence[ToolResult | None], Sequence[tuple[str, ...]]]:
    """An action as the suite is told of it: the calls that were held for it, and its own calls ``own``."""
    if not held and not state.lasting and len(own) == len(completion.calls):
        return completion, results, problems
    calls = [*[_meant(env, each.call) for each in held], *[_meant(env, completion.calls[i]) for i in own]]
    return (
        _written(env, completion, calls),
        [*[each.result for each in held], *[results[i] for i in own]],
        [*[each.problems for each in held], *[problems[i] for i in own]],
    )


def _written(env: ToolEnv, completion: Completion, calls: Sequence[ToolCall]) -> Completion:
    """The action as if it had made these calls. Its text is written anew if its own layout is right, for rubrics that
    read the text."""
    plain = tuple([ToolCall(call.name, call.arguments, call.error) for call in calls])
    if completion.problem is None and all(call.error is None for call in calls):
        response = completion.response if completion.calls else None
        again = type(env).parse(env, env.dialect.render(Completion("", plain, completion.think, response)))
        if len(again.calls) == len(calls):
            return again
    return msgspec.structs.replace(completion, calls=plain)
