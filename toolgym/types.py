"""The nouns of an episode: calls and their results, completions, records, rewards, verdicts, trajectories.

One action of an episode, from text to reward:

    text         "<think>..</think>\n<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>"
    Completion   think=".."  calls=(ToolCall("add", {"a": 1}, start=22, end=68),)   made by the env's Dialect
    ToolResult   content="3"                                                        made by running the call
    CallRecord   call + result + problems + score                                   one per call, in order
    RewardBreakdown  terms, records and the total that Gymnasium returns            made by the env's Rubric
    Turn         all of the above; a Trajectory is a list of them

Everything here is plain data: comparing, copying, pickling and writing to JSON are safe, and no
field refers back to an environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NoReturn, Self, TypeAlias

import msgspec

JSON: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list or dict with string keys."""


class FrozenDict(dict[str, Any]):
    """A dict that refuses to change, so that an observation can be shared without copying.

    It is a real dict: ``json.dumps``, chat templates and ``==`` treat it as one.
    ``dict(x)`` gives a shallow copy that can be edited.
    """

    __slots__ = ()

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("observations are immutable; edit a copy instead: dict(message)")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _refuse
    __ior__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __copy__(self) -> FrozenDict:
        return self

    def __deepcopy__(self, memo: Any) -> FrozenDict:
        return self

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)


def freeze(value: Any) -> Any:
    """An immutable copy of a JSON value: dicts become FrozenDict, lists become tuples."""
    if isinstance(value, FrozenDict):
        return value
    if isinstance(value, Mapping):
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    return value


Message: TypeAlias = FrozenDict
"""``{"role": "system" | "user" | "assistant" | "tool", "content": str, ...}``; tool messages carry ``name``."""


class Observation(msgspec.Struct, frozen=True, gc=False):
    """All that a policy needs: a read-only mapping of ``"messages"`` and ``"tools"``, also attributes."""

    messages: tuple[Message, ...]
    tools: tuple[FrozenDict, ...]
    """OpenAI-style function schemas."""

    def __getitem__(self, key: str) -> Any:
        if key == "messages":
            return self.messages
        if key == "tools":
            return self.tools
        raise KeyError(f"an observation has messages and tools, no {key!r}")

    def keys(self) -> tuple[str, str]:
        return "messages", "tools"

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return 2


def message(role: str, content: str, **extra: Any) -> Message:
    """A chat message, immutable."""
    return FrozenDict(role=role, content=content, **extra)


Unfinished: TypeAlias = Literal["length", "content_filter", "refusal", "lost_call"]
"""Why an answer did not end by itself: a limit of tokens, a server's filter, a refusal that the server marks, or a
call that the server could not read."""

UNFINISHED = {
    "length": "the answer was cut off by a limit of tokens",
    "content_filter": "the answer was stopped by a content filter",
    "refusal": "the model refused to answer",
    "lost_call": "the model wrote a call that the server could not read",
}
"""Each reason in words."""


class UnfinishedAnswer(str):
    """An agent's answer that did not end by itself, with the reason: ``UnfinishedAnswer("Let me", "length")``.

    An agent returns it in place of a plain str. The env reads its calls as in any other answer. An answer without
    a call does not count as the decision not to call: neither the verdict nor the reward accepts it as one.

    Raises ValueError for an unknown reason.
    """

    reason: Unfinished

    def __new__(cls, text: str, reason: Unfinished) -> Self:
        if reason not in UNFINISHED:
            raise ValueError(f"reason must be one of {', '.join(UNFINISHED)}; got {reason!r}")
        self = super().__new__(cls, text)
        self.reason = reason
        return self

    def __getnewargs__(self) -> tuple[str, Unfinished]:  # type: ignore[override]
        return str(self), self.reason


def answer_text(text: str, reason: str | None) -> str:
    """The text as an agent gave it: an UnfinishedAnswer if there is a reason, else the text itself."""
    return text if reason is None else UnfinishedAnswer(text, reason)  # type: ignore[arg-type]


class ToolCall(msgspec.Struct, frozen=True, gc=False):
    """A call as the model wrote it. A malformed call is data: ``error`` gives the reason."""

    name: str
    """Tool name as written; "" if it could not be read."""
    arguments: dict[str, Any]
    """Parsed arguments; {} if they could not be read."""
    error: str | None = None
    """Why the call is malformed, or None."""
    start: int = 0
    """First character of the call in the action's text."""
    end: int = 0
    """One past its last character; ``text[start:end]`` is the call as written."""
    id: str | None = None
    """The caller's id for the call, in dialects that have one (openai)."""


class ToolResult(msgspec.Struct, frozen=True, gc=False):
    """The result of a call. A failure is a message to the model, never an exception."""

    content: str
    """The text that the model reads."""
    error: str | None = None
    """None, or the kind of failure: malformed, not_found, invalid_arguments, too_many_calls, execution; or timeout,
    unavailable, not_json: failures of the tool or of its server, after which the rewards say nothing about the policy.
    With injected faults also fault, and skipped: not run, since a call before it in the action met a fault.
    """


class Completion(msgspec.Struct, frozen=True, gc=False):
    """An action's text, read by a dialect."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    """In the order they are written. Malformed ones are kept, with ``error`` set."""
    think: str | None = None
    response: str | None = None
    """What the model says to the user."""
    problem: str | None = None
    """Why the text departs from the dialect's layout, or None. Calls may have been read all the same."""
    unfinished: str | None = None
    """Why the answer did not end by itself (a key of UNFINISHED), or None."""
    misplaced: bool = False
    """Whether the calls stand outside of the dialect's layout: after words, in a code fence, in other tags."""
    written: Completion | None = None
    """The action as the model wrote it, if a perturbation shows tools by other names (see toolgym/wrappers/perturb);
    ``text`` and ``calls`` then have the tools' own names."""

    @property
    def said(self) -> str:
        """The response, or in its place all that follows the thought; without space around it."""
        return (self.text.rpartition("</think>")[2] if self.response is None else self.response).strip()


class CallScore(msgspec.Struct, frozen=True, gc=False):
    """How one call compares with the expected call it was matched to.

    ``name``, ``param`` and ``value`` are points, in the units of the paper's R_max
    (ToolRL, arXiv 2504.13958, section 3.3): summed over an action's calls they give the numerator.
    """

    expected: int | None = None
    """Index into the action's expected calls, or None: the call matches none of them."""
    name: float = 0.0
    """Share of the name score, in [0, 1]."""
    param: float = 0.0
    """Jaccard similarity of the parameter names with the expected call's, in [0, 1]."""
    value: float = 0.0
    """Number of expected parameters whose value is equal."""
    reason: str = ""
    """In words: what is missing, surplus or different."""


class CallRecord(msgspec.Struct, frozen=True, gc=False):
    """One call, judged."""

    call: ToolCall
    result: ToolResult | None = None
    """None if the suite does not run calls (BFCL single-turn)."""
    problems: tuple[str, ...] = ()
    """Objections of the tool's schema: wrong type, missing or unknown parameter."""
    score: CallScore = CallScore()
    fault: str | msgspec.UnsetType = msgspec.UNSET
    """The kind of the fault that was injected into the call (see ``toolgym.wrappers.faults``); unset without one."""


class FaultRecord(msgspec.Struct, frozen=True, gc=False):
    """A fault that was injected into a call of an episode."""

    kind: str
    """A name of ``toolgym.wrappers.faults.KINDS``."""
    call: int
    """The call that met the fault: its number in the episode, over all actions, counted from 0."""
    tool: str
    recoverable: bool
    """Whether calls can still reach the goal: by the same call again, or with the changed schema, or with another."""
    silent: bool
    """Whether the result of the call did not show an error."""
    recovered: bool
    """Whether the policy has overcome the fault."""
    simulated_s: float
    """Seconds that the fault would have cost: simulated, never waited for."""


class Term(msgspec.Struct, frozen=True, gc=False):
    """One weighted part of a reward."""

    name: str
    score: float
    weight: float = 1.0
    reason: str = ""


class RewardBreakdown(msgspec.Struct, frozen=True, gc=False):
    """The reward of one action and why: ``total == sum(t.weight * t.score for t in terms)``."""

    total: float = 0.0
    terms: tuple[Term, ...] = ()
    calls: tuple[CallRecord, ...] = ()

    def __str__(self) -> str:
        lines = [f"reward {self.total:+.3f}"]
        for term in self.terms:
            why = f"   {term.reason}" if term.reason else ""
            lines.append(f"  {term.name:<10} {term.weight * term.score:+.3f}{why}")
        for record in self.calls:
            s, call = record.score, record.call
            what = call.error or ", ".join(record.problems) or s.reason
            lines.append(f"  {call.name or '?'}(): name {s.name:.2f} param {s.param:.2f} value {s.value:g}   {what}")
        return "\n".join(lines)


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """A benchmark's own judgement of a whole episode."""

    success: bool
    reason: str = ""
    """The official error type and message, or "" on success."""
    error_type: str | None = None
    """The official evaluator's error type, if it has one."""


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One action and the reply to it."""

    action: str
    messages: tuple[Message, ...]
    """What the action added to the transcript: the assistant's message, then tool results and user replies."""
    reward: RewardBreakdown
    reward_valid: bool = True
    unfinished: str | None = None
    """Why the action did not end by itself (a key of UNFINISHED), or None."""

    @property
    def answer(self) -> str:
        """The action as the agent gave it, to be played again."""
        return answer_text(self.action, self.unfinished)


class Trajectory(msgspec.Struct):
    """The record of an episode, enough to show it, score it again and train on it."""

    env_id: str
    task_id: str
    messages: tuple[Message, ...]
    """What the policy saw at reset, dialect instructions included."""
    turns: list[Turn] = []
    success: bool | None = None
    """The benchmark's verdict; None while the episode runs, or if it is not valid."""
    verdict: str = ""
    error_type: str | None = None
    reward: float = 0.0
    """Sum of the turns' rewards."""
    reward_valid: bool = True
    """False: an infrastructure failure; this episode says nothing about the policy."""
    truncated: bool = False
    repeat: int = 0
    """Which of several episodes of the same task this is."""
    category: str = ""
    seconds: float = 0.0
    """Wall-clock seconds of the episode: the only field that differs between equal runs."""
    error: str | None = None
    """The reason if ``reward_valid`` is False."""
    error_kind: str = ""
    """What failed if ``reward_valid`` is False: a key of ``toolgym.playing.left_out.KINDS``."""
    cut_off: str = ""
    """What ended the episode in place of the policy or the task: turns, context, refused or wrapper; "" if nothing."""
    faults: tuple[FaultRecord, ...] | msgspec.UnsetType = msgspec.UNSET
    """The faults that were injected, in the order of the calls; unset if the env injects none."""
    perturbations: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    """The kinds of perturbation that were applied to what the policy saw; unset if the env perturbs nothing."""
