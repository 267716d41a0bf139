"""Builds the view of a task: applies each kind in turn, then gives names, then shuffles the tools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial, reduce
from operator import getitem
from typing import TYPE_CHECKING, Any

from toolgym.tasks.stream import Stream
from toolgym.tasks.task import Task
from toolgym.tools.tool import Tool
from toolgym.types import FrozenDict, Message
from toolgym.wrappers.perturb import jobs, metadata
from toolgym.wrappers.perturb.kinds import KINDS
from toolgym.wrappers.perturb.mentions import mentioned
from toolgym.wrappers.perturb.naming import marked, renamed
from toolgym.wrappers.perturb.paraphrase import Path, other_description, other_parameters, other_request, redescribed
from toolgym.wrappers.perturb.spans import Request, words_in
from toolgym.wrappers.perturb.typos import with_typos
from toolgym.wrappers.perturb.view import Change, View, shown_tool, with_doc

if TYPE_CHECKING:
    from toolgym.wrappers.perturb.perturbation import Perturbation

MOST_TOOLS = 128
"""Tools of a task with all twins and copies, at most: what OpenAI's API takes."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_OF_REQUEST = ("typos", "paraphrase_request")


def build(perturbation: Perturbation, task: Task, needed: Iterable[Any]) -> View:
    """The view of a task. ``needed``: values whose words must stay in its request."""
    words = words_in(needed)
    strength = perturbation.strength(task.id)
    kinds = perturbation.kinds if strength > 0 else ()
    if perturbation.draw is not None:
        kinds = _drawn(perturbation, task, words, strength, kinds)
    builder = Builder(perturbation, task, words, strength, kinds)
    builder.apply()
    return builder.view()


def _drawn(
    perturbation: Perturbation, task: Task, needed: frozenset[str], strength: float, kinds: Sequence[str]
) -> tuple[str, ...]:
    """As many kinds as are to be drawn, of those that apply to the task, in the order in which they are applied."""
    found: list[str] = []
    for kind in perturbation.stream(task.id, "draw").shuffled(kinds):
        alone = Builder(perturbation, task, needed, strength, (kind,))
        alone.apply()
        if alone.applied:
            found.append(kind)
        if len(found) == perturbation.draw:
            break
    return tuple([kind for kind in kinds if kind in found])


class Shown:
    """A tool on its way to the view: one of the task's own, its copy, or a twin."""

    def __init__(self, own: Tool, kind: str, description: str, parameters: FrozenDict | None = None):
        self.own = own
        """The task's tool that it is, copies or is a twin of."""
        self.kind = kind
        """The kind that has added it; "" for the task's own tools."""
        self.description = description
        self.parameters = parameters
        """Those of a twin; None: those of ``own``."""
        self.said: Mapping[Path, str] = {}
        """New descriptions of parameters of ``own``."""
        self.name = own.name

    @property
    def twin(self) -> bool:
        """Whether it is a twin: a tool that no task needs."""
        return self.kind not in ("", "redundant")

    def made(self) -> Tool:
        """The tool as it is shown. A twin of a tool that runs runs too, and finds nothing."""
        if self.twin:
            runs = None if self.own.function is None else partial(_find_nothing, self.name)
            made = Tool(self.name, self.description, self.parameters, runs, timeout=None, trusted=True)
            return with_doc(made, self.own)
        same = self.name == self.own.name and self.description == self.own.description and not self.said
        return self.own if same else shown_tool(self.own, self.name, self.description, self.said)


def _find_nothing(name: str, /, **arguments: Any) -> Any:
    raise LookupError(f"{name} has nothing for these arguments")


class Builder:
    """What has been done to a task so far."""

    def __init__(
        self, perturbation: Perturbation, task: Task, needed: frozenset[str], strength: float, kinds: Sequence[str]
    ):
        self.perturbation = perturbation
        self.task = task
        self.needed = needed
        self.strength = strength
        self.kinds = kinds
        """The kinds to apply, in order."""
        self.applied: list[str] = []
        self.changes: list[Change] = []
        self.messages: Sequence[Message] = task.messages
        self.shown = [Shown(tool, "", tool.description) for tool in task.tools]
        """All tools that will be on offer."""
        self.free = [each for each in self.shown if not mentioned(each.own.name, task.messages)]
        """Those of the task's own tools that may change: the messages do not speak of them."""

    def apply(self) -> None:
        """Apply each kind in turn."""
        for kind in self.kinds:
            if kind in _OF_REQUEST:
                self._request(kind)
            elif kind == "paraphrase_tools":
                self._descriptions(kind)
            elif kind == "paraphrase_parameters":
                self._parameters(kind)
            elif kind == "redundant":
                self._copies(kind)
            else:
                self._twins(kind)

    def stream(self, kind: str, *about: str) -> Stream:
        return self.perturbation.stream(self.task.id, kind, *about)

    def note(self, kind: str, where: str, was: Any, now: Any) -> None:
        if kind not in self.applied:
            self.applied.append(kind)
        self.changes.append(Change(kind, where, was, now))

    # What is said --------------------------------------------------------------------------------

    def _request(self, kind: str) -> None:
        said = [self.say(kind, each, f"message {i}") for i, each in enumerate(self.messages)]
        for i, (was, now) in enumerate(zip(self.messages, said, strict=True)):
            if now is not was:
                self.note(kind, f"message {i}", was["content"], now["content"])
        self.messages = said

    def say(self, kind: str, message: Message, where: str) -> Message:
        """A user's message as the kind says it; the message itself if it cannot."""
        if message["role"] != "user":
            return message
        change = with_typos if kind == "typos" else other_request
        text = change(Request(message["content"], self.needed), self.strength, self.stream(kind, where))
        return message if text is None else FrozenDict({**message, "content": text})

    def say_later(self, message: Message, where: str) -> Message:
        """A message of a later turn, as all kinds say it."""
        for kind in self.kinds:
            if kind in _OF_REQUEST:
                message = self.say(kind, message, where)
        return message

    def _descriptions(self, kind: str) -> None:
        for each in self._some(kind, self.free):
            said = other_description(each.description, self.strength, self.stream(kind, each.own.name))
            if said is not None:
                self.note(kind, f"tool {each.own.name}", each.description, said)
                each.description = said

    def _parameters(self, kind: str) -> None:
        for each in self._some(kind, self.free):
            said = other_parameters(each.own.parameters, self.strength, self.stream(kind, each.own.name))
            if said is not None:
                each.said = said
                for path, now in said.items():
                    was = reduce(getitem, path, each.own.parameters)["description"]
                    self.note(kind, f"{'.'.join(path)} of {each.own.name}", was, now)

    # Which tools there are -----------------------------------------------------------------------

    def _some(self, kind: str, among: Sequence[Shown], most: int | None = None) -> list[Shown]:
        """The tools that a kind acts on: each with the chance of the strength, at least one, and at most ``most``.
        Which tools the task needs plays no part."""
        s = self.stream(kind, "tools")
        found = [each for each in among if s.chance(self.strength)] or ([s.pick(among)] if among else [])
        return found if most is None or len(found) <= most else s.sample(found, most)

    def _room(self, kind: str) -> int:
        """How many tools a kind may add: the kinds that follow get as much room."""
        adding = [each for each in self.kinds if KINDS[each].adds]
        return max(MOST_TOOLS - len(self.shown), 0) // len(adding[adding.index(kind) :])

    @cached_property
    def _text(self) -> str:
        texts = [each["content"] for each in self.task.messages]
        return "\n".join([*texts, *[tool.description for tool in self.task.tools]]).lower()

    def _copies(self, kind: str) -> None:
        taken = {each.own.name for each in self.shown}
        for own in self._some(kind, self.free, self._room(kind)):
            s = self.stream(kind, own.own.name)
            copy = Shown(own.own, kind, other_description(own.description, 1.0, s) or own.description)
            copy.said = own.said
            copy.name = renamed(own.own.name, taken, s)
            taken.add(copy.name)
            self.shown.append(copy)
            self.note(kind, f"copy of {own.own.name}", None, copy)

    def _twins(self, kind: str) -> None:
        trades = jobs.TRAIN if self.task.split == "train" else jobs.OTHER
        for own in self._some(kind, [each for each in self.free if _can_have(kind, each)], self._room(kind)):
            s = self.stream(kind, own.own.name)
            trade = trades.pick(s, self._text)
            description, parameters = own.description, trade.parameters(own.own.parameters, s)
            if kind in ("twin_empty", "twin_no_description"):
                description = ""
            elif kind == "twin_job":
                description = self._job_of(trade, own, s)
            if kind in ("twin_empty", "twin_no_parameters"):
                parameters = FrozenDict(type=parameters["type"], properties=FrozenDict())
            elif "paraphrase_parameters" in self.applied and (new := other_parameters(parameters, self.strength, s)):
                parameters = redescribed(parameters, new)
            twin = Shown(own.own, kind, description, parameters)
            self.shown.append(twin)
            self.note(kind, f"twin of {own.own.name}", None, twin)

    def _job_of(self, trade: jobs.Trade, own: Shown, s: Stream) -> str:
        """What another job does, in the manner of the tool's own description: in other words if tools are described so,
        and with its last sentence if that is a note, or one that another tool has too."""
        last = _last(own.own.description)
        others = [each.own.description for each in self.shown if each.own is not own.own]
        if not last.startswith("Note") and not any(_last(other) == last for other in others):
            last = ""
        job = trade.description(len(own.own.description) - len(last), s)
        if own.description != own.own.description:
            job = other_description(job, self.strength, s) or job
        return f"{job} {last}".rstrip()

    # The end -------------------------------------------------------------------------------------

    def _name(self) -> None:
        """Give each tool that has twins, and its twins, names of one pattern."""
        taken = {each.name for each in self.shown}
        for name in dict.fromkeys([each.own.name for each in self.shown if each.twin]):
            group = [each for each in self.shown if each.own.name == name and each.kind != "redundant"]
            s = self.stream("names", name)
            pattern = s.pick([KINDS[each.kind].pattern for each in group if each.twin])
            for each, new in zip(group, marked(name, pattern, len(group), taken, s), strict=True):
                each.name = new
                taken.add(new)

    def view(self) -> View:
        """The task as it is shown."""
        self._name()
        shown = self.shown
        if len(shown) > len(self.task.tools):
            shown = self.stream("order").shuffled(shown)
        for each, text in metadata.written(self.applied, shown, self.stream("metadata")):
            each.description = text
        tools = {id(each): each.made() for each in shown}
        return View(
            kinds=tuple(self.applied),
            changes=tuple([_as_shown(each, tools) for each in self.changes]),
            left_out={kind: self._why_not(kind) for kind in self.kinds if kind not in self.applied},
            messages=tuple(self.messages),
            tools=tuple(tools.values()),
            meant={each.name: each.own.name for each in shown if not each.twin},
            shown_as={each.own.name: each.name for each in shown if each.kind == ""},
            twins={each.name: each.own.name for each in shown if each.twin},
            say=self.say_later,
        )

    def _why_not(self, kind: str) -> str:
        if kind == "typos":
            return "the request has no word that may be mistyped"
        if kind == "paraphrase_request":
            return "the request is not English, or all of its words must stay"
        if not self.task.tools:
            return "the task has no tools"
        if not self.free:
            return "the messages speak of all tools by name"
        if kind.startswith("paraphrase_"):
            return "no description is English"
        if not self._room(kind):
            return f"there is no room: {MOST_TOOLS} tools are the most"
        return "no tool could be told from such a twin"


def _last(description: str) -> str:
    """The last of several sentences; "" of one."""
    sentences = _SENTENCE.split(description.strip())
    return sentences[-1] if len(sentences) > 1 else ""


def _can_have(kind: str, each: Shown) -> bool:
    """Whether the tool can be told from such a twin: by its description, or by parameters that a call needs."""
    required = bool(each.own.parameters.get("required"))
    if kind == "twin_no_parameters":
        return required
    if kind == "twin_empty":
        return required or bool(each.description.strip())
    return True


def _as_shown(change: Change, tools: dict[int, Tool]) -> Change:
    """The change with a new tool as its schema, which has its name."""
    if isinstance(change.now, Shown):
        return Change(change.kind, change.where, change.was, tools[id(change.now)].schema)
    return change
