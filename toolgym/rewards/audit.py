"""The audit of a rubric: can a policy that cheats earn more than an honest policy that makes a mistake?

Scripted adversaries answer a few cases, and a Reward scores them. They are compared with an honest weak policy,
which calls the right tools with the right parameters, but one wrong value.

    print(audit("toolrl-reference"))

A rubric has a hole if an adversary earns more than the weak policy; if an adversary earns as much as the expected
answer; if the order of the expected calls changes a reward; or if a needless call costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice, permutations
from statistics import fmean
from typing import Any

import msgspec

from toolgym.dialects import Dialect, get_dialect
from toolgym.rewards import get_rubric
from toolgym.rewards.rubric import Evidence, Reward
from toolgym.tasks import Task
from toolgym.types import Completion, ToolCall, ToolResult

_JUNK = 20
_EPSILON = 1e-9

Calls = tuple[ToolCall, ...]


class Case(msgspec.Struct, frozen=True):
    """One turn to answer, and its expected answer."""

    name: str
    expected: Calls = ()
    response: str | None = None
    """The response of the expected answer, or None."""
    tools: tuple[Any, ...] = ()
    """The offered ``Tool``s. If there are any, arguments are checked against their schemas."""
    data: Any = None


class AuditRow(msgspec.Struct, frozen=True):
    """One adversary, and mean rewards over the cases to which it applies."""

    adversary: str
    cases: int
    reward: float
    weak: float
    """The reward of the honest weak policy on the same cases."""
    gold: float
    """The reward of the expected answer on the same cases."""

    @property
    def beats(self) -> bool:
        """Whether the adversary earns more than the honest weak policy."""
        return self.reward > self.weak + _EPSILON


class AuditReport(msgspec.Struct, frozen=True):
    """The result of an audit; ``print`` shows it as a table."""

    rubric: str
    cases: int
    rows: tuple[AuditRow, ...]
    gold_is_best: bool
    """Whether the expected answer earns more than every adversary, in every case."""
    order_free: bool
    """Whether no reward depends on the order of the expected calls."""
    holes: tuple[str, ...]
    """A sentence for each hole; () if the rubric passes."""

    @property
    def passed(self) -> bool:
        return not self.holes

    def __str__(self) -> str:
        lines = [f"audit of {self.rubric}, {self.cases} cases", ""]
        lines.append(f"{'adversary':<28}{'cases':>6}{'reward':>9}{'weak':>9}{'gold':>9}")
        for row in self.rows:
            mark = "  beats the weak policy" if row.beats else ""
            lines.append(f"{row.adversary:<28}{row.cases:>6}{row.reward:>9.3f}{row.weak:>9.3f}{row.gold:>9.3f}{mark}")
        lines += ["", "holes:" if self.holes else "no hole found"]
        return "\n".join(lines + [f"  - {hole}" for hole in self.holes])


def audit(
    rubric: str | Reward, cases: Iterable[Case] | None = None, *, dialect: str | Dialect = "toolrl"
) -> AuditReport:
    """Run the adversaries against a rubric, at the training step to which it is set.

    Args:
        rubric: a name or a Reward.
        cases: the default is ``default_cases()``; ``cases_of`` makes cases of tasks.
        dialect: the syntax in which the answers are written and parsed.

    Raises ValueError if there are no cases.
    """
    model, syntax = get_rubric(rubric), get_dialect(dialect)
    chosen = tuple(default_cases() if cases is None else cases)
    if not chosen:
        raise ValueError("an audit needs at least one case")

    def reward(case: Case, answer: Completion, expected: Calls | None = None) -> float:
        return model.score(_evidence(case, answer, syntax, expected)).total

    rows, holes, rivals = [], [], []
    for name, adversary in ADVERSARIES.items():
        found = []
        for case in chosen:
            answer = adversary(case)
            if answer is not None:
                found.append([reward(case, each) for each in (answer, weak(case), gold(case))])  # (cases, 3)
                if found[-1][0] > found[-1][2] - _EPSILON:
                    rivals.append(f"{name} earns as much as the expected answer in {case.name!r}: {found[-1][0]:.3f}")
        if found:
            rows.append(AuditRow(name, len(found), *[fmean(column) for column in zip(*found, strict=True)]))
            if rows[-1].beats:
                holes.append(f"{name} beats the weak policy: {rows[-1].reward:.3f} against {rows[-1].weak:.3f}")
    holes += rivals
    free = True
    for case in chosen:
        spread = max([_order_spread(case, answer, reward) for answer in _orders_matter(case)], default=(0.0, 0.0, 0.0))
        if spread[0] > _EPSILON:
            free = False
            low, high = spread[1:]
            holes.append(f"the order of the expected calls matters in {case.name!r}: {low:.3f} to {high:.3f}")
    idle = [(reward(case, silent(case)), reward(case, needless(case))) for case in chosen if not case.expected]
    if idle and fmean([called - quiet for quiet, called in idle]) > -_EPSILON:
        holes.append("a needless call costs nothing: it earns as much as silence where no call is expected")
    return AuditReport(repr(model), len(chosen), tuple(rows), not rivals, free, tuple(holes))


def _evidence(case: Case, answer: Completion, dialect: Dialect, expected: Calls | None) -> Evidence:
    completion = dialect.parse(dialect.render(answer) if answer != _SILENCE else "")
    tools = {tool.name: tool for tool in case.tools}
    problems, results = [], []
    for call in completion.calls:
        tool = tools.get(call.name)
        missing = bool(tools) and tool is None
        results.append(ToolResult(f"there is no tool {call.name[:100]!r}", "not_found") if missing else None)
        problems.append(tool.validator.problems(call.arguments) if tool else ())
    return Evidence(
        completion,
        case.expected if expected is None else expected,
        dialect,
        case.response is not None,
        tuple(results),
        tuple(problems),
        case.data,
    )


def _order_spread(
    case: Case, answer: Completion, reward: Callable[[Case, Completion, Calls], float]
) -> tuple[float, float, float]:
    """The spread, minimum and maximum of the reward over the orders of the expected calls (at most 24 orders)."""
    rewards = [reward(case, answer, order) for order in islice(permutations(case.expected), 24)]
    return max(rewards) - min(rewards), min(rewards), max(rewards)


def _orders_matter(case: Case) -> list[Completion]:
    """Answers that reveal whether a reward depends on the order of the expected calls."""
    if len(case.expected) < 2:
        return []
    dropped = tuple([ToolCall(call.name, dict(list(call.arguments.items())[:-1])) for call in case.expected])
    tried = [case.expected, weak(case).calls, dropped]
    return [_answer(case, order) for calls in tried for order in (calls, calls[::-1])]


# Policies: each returns an answer to a case, or None if it does not apply to the case.

_SILENCE = Completion("")


def _answer(case: Case, calls: Calls) -> Completion:
    return Completion("", calls, "Do as asked.", case.response)


def gold(case: Case) -> Completion:
    """The expected answer."""
    return _answer(case, case.expected)


def weak(case: Case) -> Completion:
    """The honest weak policy: the expected answer, but with one wrong value if there is a value."""
    calls = list(case.expected)
    for i, call in enumerate(calls):
        if call.arguments:
            key, value = next(iter(call.arguments.items()))
            calls[i] = ToolCall(call.name, {**call.arguments, key: _other(value, "different")})
            break
    return _answer(case, tuple(calls))


def _other(value: Any, word: str) -> Any:
    """A different value of the same type (text for None, lists and dicts)."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1 + len(word)
    return f"{value} {word}" if isinstance(value, str) else word


def silent(case: Case) -> Completion:
    """An empty text."""
    return _SILENCE


def needless(case: Case) -> Completion:
    """The expected answer and one more call."""
    return _answer(case, (*case.expected, ToolCall("look_around", {})))


def _junk() -> Calls:
    return tuple([ToolCall(f"junk_{i}", {"text": "x"}) for i in range(_JUNK)])


def _format_only(case: Case) -> Completion | None:
    return _answer(case, (ToolCall("do_it", {}),)) if case.expected else None


def _junk_only(case: Case) -> Completion | None:
    return _answer(case, _junk()) if case.expected else None


def _gold_and_junk(case: Case) -> Completion | None:
    return _answer(case, case.expected + _junk()) if case.expected else None


def _repeated(case: Case) -> Completion | None:
    return _answer(case, case.expected * 2) if case.expected else None


def _guesses(case: Case) -> Completion | None:
    """The expected calls among 20 calls of the same tools with wrong values, for each expected call."""
    valued = [call for call in case.expected if call.arguments]
    if not valued:
        return None
    guessed = [
        ToolCall(call.name, {key: _other(value, "!" * i) for key, value in call.arguments.items()})
        for call in valued
        for i in range(1, _JUNK + 1)
    ]
    return _answer(case, (*guessed, *case.expected))


_INVENTED = {f"invented_{i}": "x" for i in range(_JUNK)}


def _invented(case: Case) -> Completion | None:
    """The right tools, with invented parameters only."""
    return _answer(case, tuple([ToolCall(c.name, _INVENTED) for c in case.expected])) if case.expected else None


def _padded(case: Case) -> Completion | None:
    """The answer of the weak policy, with invented parameters added."""
    padded = tuple([ToolCall(call.name, {**call.arguments, **_INVENTED}) for call in weak(case).calls])
    return _answer(case, padded) if padded else None


def _needless_only(case: Case) -> Completion | None:
    return None if case.expected else needless(case)


ADVERSARIES: dict[str, Callable[[Case], Completion | None]] = {
    "silent": silent,
    "format only": _format_only,
    "junk calls": _junk_only,
    "gold + 20 junk calls": _gold_and_junk,
    "gold twice": _repeated,
    "gold among 20 guesses": _guesses,
    "invented parameters": _invented,
    "weak + invented parameters": _padded,
    "needless call": _needless_only,
}


# Cases


def cases_of(tasks: Iterable[Task]) -> list[Case]:
    """A case for each expected turn of the tasks. A turn that must not call expects a response."""
    return [
        Case(f"{task.id} turn {i + 1}", calls, None if calls else "Done.", task.tools, task.data)
        for task in tasks
        for i, calls in enumerate(task.expected or ((),))
    ]


def default_cases() -> list[Case]:
    """12 small cases: one or several calls, of one or several tools, with flat, nested or no arguments; no call."""

    def calls(*pairs: tuple[str, dict[str, Any]]) -> Calls:
        return tuple([ToolCall(name, arguments) for name, arguments in pairs])

    weather: Sequence[dict[str, Any]] = ({"city": "Ghent"}, {"city": "Ghent", "unit": "celsius"}, {"city": "Łódź"})
    return [
        Case("one parameter", calls(("get_weather", weather[0]))),
        Case("two parameters", calls(("convert", {"amount": 3, "unit": "km"}))),
        Case("no parameter", calls(("list_rooms", {}))),
        Case("types", calls(("set_alarm", {"hour": 7, "minute": 30.5, "repeat": True, "label": None}))),
        Case("nested", calls(("book", {"guests": [{"name": "Ada", "age": 36}], "rooms": {"double": 1}, "pets": []}))),
        Case("long text", calls(("send", {"to": "ada@example.org", "body": "We meet at noon.\nBring the plans."}))),
        Case("two tools", calls(("get_weather", weather[1]), ("list_rooms", {}))),
        Case("one tool twice", calls(("get_weather", weather[0]), ("get_weather", weather[1]))),
        Case("one tool three times", calls(*[("get_weather", arguments) for arguments in weather])),
        Case("four calls", calls(*[("add", {"a": i, "b": 2}) for i in range(3)], ("convert", {"amount": 5}))),
        Case("call and response", calls(("remind", {"time": "noon"})), "I have set the reminder."),
        Case("nothing to call", (), "There is no tool for that."),
    ]
