"""Builds the view of a task: applies each kind in turn, then gives names, then shuffles the tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from toolgym.tasks.stream import Stream
from toolgym.tasks.task import Task
from toolgym.tools.tool import Tool
from toolgym.types import FrozenDict, Message
from toolgym.wrappers.perturb import jobs, metadata
from toolgym.wrappers.perturb.kinds import KINDS
from toolgym.wrappers.perturb.mentions import mentioned
from toolgym.wrappers.perturb.naming import marked, renamed
from toolgym.wrappers.perturb.paraphrase import REQUESTS, other_description, other_parameters
from toolgym.wrappers.perturb.spans import Request, words_in
from toolgym.wrappers.perturb.typos import with_typos
from toolgym.wrappers.perturb.view import Change, View, frozen_tool

if TYPE_CHECKING:
    from toolgym.wrappers.perturb.perturbation import Perturbation

MOST_TOOLS = 128
"""Tools of a task with all twins and copies, at most: what OpenAI's API takes."""
_NO_PARAMETERS = FrozenDict(type="object", properties=FrozenDict())


class Shown:
    """A tool on its way to the view: one of the task's own, its copy, or a twin."""

    def __init__(self, own: Tool, kind: str, description: str, parameters: FrozenDict | None = None):
        self.own = own
        """The task's tool that it is, copies or is a twin of."""
        self.kind = kind
        """The kind that has added it; "" for the task's own tools."""
        self.description = description
        self.parameters = parameters
        """None: those of ``own``."""
        self.name = own.name

    @property
    def twin(self) -> bool:
        return self.kind not in ("", "redundant")

    def made(self) -> Tool:
        if not self.twin:
            same = self.name == self.own.name and self.description == self.own.description and self.parameters is None
            return self.own if same else frozen_tool(self.own, self.name, self.description, self.parameters)
        runs = _refuses(self.name) if self.own.function is not None else None
        return Tool(self.name, self.description, self.parameters, runs, timeout=None, trusted=True)


def _refuses(name: str) -> Callable[..., Any]:
    def refuse(**arguments: Any) -> Any:
        raise LookupError(f"{name} has nothing for these arguments")

    return refuse


class Builder:
    """What has been done to a task so far."""

    def __init__(self, perturbation: Perturbation, task: Task, needed: Iterable[Any]):
        self.perturbation = perturbation
        self.task = task
        self.strength = perturbation.strength(task.id)
        self.needed = words_in(needed)
        self.kinds: list[str] = []
        self.changes: list[Change] = []
        self.messages: Sequence[Message] = task.messages
        texts = [str(each["content"]) for each in task.messages]
        self.text = "\n".join([*texts, *[str(tool.description) for tool in task.tools]]).lower()
        self.shown = [Shown(tool, "", tool.description) for tool in task.tools]
        """All tools that will be on offer."""
        self.free = [each for each in self.shown if not mentioned(each.own.name, texts)]
        """Those of the task's own tools that may change: the messages do not speak of them."""
        self.trades = jobs.TRAIN if task.split == "train" else jobs.OTHER

    def stream(self, kind: str, *about: str) -> Stream:
        return self.perturbation.stream(self.task.id, kind, *about)

    def note(self, kind: str, where: str, was: Any, now: Any) -> None:
        if kind not in self.kinds:
            self.kinds.append(kind)
        self.changes.append(Change(kind, where, was, now))

    def drawn(self, kind: str, among: Sequence[Shown]) -> list[Shown]:
        """The tools that a kind acts on: each with the chance of the strength, at least one. Which tools the task
        needs plays no part."""
        s = self.stream(kind, "tools")
        return [each for each in among if s.chance(self.strength)] or ([s.pick(among)] if among else [])

    # The kinds -----------------------------------------------------------------------------------

    def observation(self, kind: str) -> None:
        if kind in ("typos", "paraphrase_request"):
            said = [self.say(kind, each, f"message {i}") for i, each in enumerate(self.messages)]
            for i, (was, now) in enumerate(zip(self.messages, said, strict=True)):
                if now is not was:
                    self.note(kind, f"message {i}", was["content"], now["content"])
            self.messages = said
            return
        for each in self.drawn(kind, self.free):
            s = self.stream(kind, each.own.name)
            if kind == "paraphrase_tools":
                new_description = other_description(each.description, self.strength, s)
                if new_description is not None:
                    self.note(kind, f"tool {each.own.name}", each.description, new_description)
                    each.description = new_description
            else:
                parameters = other_parameters(each.own.parameters, self.strength, s)
                if parameters is not None:
                    self.note(kind, f"parameters of {each.own.name}", each.own.parameters, parameters)
                    each.parameters = parameters

    def say(self, kind: str, message: Message, where: str) -> Message:
        """A user's message as the kind says it; the message itself if it cannot."""
        if message["role"] != "user":
            return message
        request, s = Request(message["content"], self.needed), self.stream(kind, where)
        if kind == "typos":
            text = with_typos(request, self.strength, s)
        else:
            text = REQUESTS.say(request, self.strength, s)
        return message if text is None else FrozenDict({**message, "content": text})

    def twins(self, kind: str) -> None:
        for own in self.drawn(kind, [each for each in self.free if _can_have(kind, each)]):
            if len(self.shown) >= MOST_TOOLS:
                return
            s = self.stream(kind, own.own.name)
            job = self.trades.job(s, self.text, frozenset(own.own.parameters.get("properties") or ()))
            description = {"twin_empty": "", "twin_no_description": "", "twin_job": job.description}
            parameters = _NO_PARAMETERS if kind in ("twin_empty", "twin_no_parameters") else job.parameters
            if "paraphrase_parameters" in self.kinds:  # as the tool itself, so that the words tell nothing
                parameters = other_parameters(parameters, self.strength, s) or parameters
            twin = Shown(own.own, kind, description.get(kind, own.description), parameters)
            self.shown.append(twin)
            self.note(kind, f"twin of {own.own.name}", None, twin)

    def redundant(self, kind: str) -> None:
        taken = {each.own.name for each in self.shown}
        for own in self.drawn(kind, self.free):
            if len(self.shown) >= MOST_TOOLS:
                return
            s = self.stream(kind, own.own.name)
            said = other_description(own.description, 1.0, s)
            copy = Shown(own.own, kind, own.description if said is None else said, own.parameters)
            copy.name = renamed(own.own.name, taken, s)
            taken.add(copy.name)
            self.shown.append(copy)
            self.note(kind, f"copy of {own.own.name}", None, copy)

    # The end -------------------------------------------------------------------------------------

    def name(self) -> None:
        """Give each tool that has twins, and its twins, names of one pattern."""
        taken = {each.name for each in self.shown}
        with_twins = dict.fromkeys([each.own.name for each in self.shown if each.twin])
        for name in with_twins:
            group = [each for each in self.shown if each.own.name == name and each.kind != "redundant"]
            s = self.stream("names", name)
            pattern = s.pick([KINDS[each.kind].pattern for each in group if each.twin])
            for each, new in zip(group, marked(name, pattern, len(group), taken, s), strict=True):
                each.name = new
                taken.add(new)

    def view(self) -> View:
        self.name()
        shown = self.shown
        if len(shown) > len(self.task.tools):
            shown = self.stream("order").shuffled(shown)
        for each, text in metadata.written(self.kinds, shown, self.stream("metadata")):
            each.description = text
        tools = {id(each): each.made() for each in shown}
        changes = tuple(
            [
                Change(
                    each.kind, each.where, each.was, tools[id(each.now)].schema if type(each.now) is Shown else each.now
                )
                for each in self.changes
            ]
        )
        kinds = [kind for kind in self.kinds if kind in ("typos", "paraphrase_request")]

        def say(message: Message, where: str) -> Message:
            for kind in kinds:
                message = self.say(kind, message, where)
            return message

        return View(
            tuple(self.kinds),
            changes,
            tuple(self.messages),
            tuple(tools.values()),
            {each.name: each.own.name for each in shown if not each.twin},
            {each.own.name: each.name for each in shown if each.kind == ""},
            {each.name: each.own.name for each in shown if each.twin},
            say,
        )


def _can_have(kind: str, each: Shown) -> bool:
    """Whether the tool can be told from such a twin: by its description, or by parameters that a call needs."""
    required = bool(each.own.parameters.get("required"))
    if kind == "twin_no_parameters":
        return required
    if kind == "twin_empty":
        return required or bool(str(each.description).strip())
    return True


def _apply(builder: Builder, kind: str) -> None:
    group = KINDS[kind].group
    if group == "observation":
        builder.observation(kind)
    elif kind == "redundant":
        builder.redundant(kind)
    else:
        builder.twins(kind)


def build(perturbation: Perturbation, task: Task, needed: Iterable[Any]) -> View:
    """The view of a task. ``needed``: values that must stay in its request."""
    needed = tuple(needed)
    kinds = perturbation.kinds
    builder = Builder(perturbation, task, needed)
    if builder.strength <= 0:
        kinds = ()
    elif perturbation.draw is not None:
        kinds = _drawn(perturbation, task, needed)
    for kind in kinds:
        _apply(builder, kind)
    return builder.view()


def _drawn(perturbation: Perturbation, task: Task, needed: Sequence[Any]) -> tuple[str, ...]:
    """As many kinds as are to be drawn, of those that apply to the task, in the order in which they are applied."""
    found: list[str] = []
    for kind in perturbation.stream(task.id, "draw").shuffled(perturbation.kinds):
        alone = Builder(perturbation, task, needed)
        _apply(alone, kind)
        if alone.kinds:
            found.append(kind)
        if len(found) == perturbation.draw:
            break
    return tuple([kind for kind in perturbation.kinds if kind in found])
