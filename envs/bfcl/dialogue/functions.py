"""The functions of BFCL's simulated APIs as tools, and the messages by which the official harness adds functions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec

from toolgym.assets import read_member
from toolgym.tools import Tool
from toolgym.types import Message, ToolCall, ToolResult, message

from ..apis import simulators
from ..apis.calls import Call
from ..apis.limits import SHOWN_CHARS
from .dialogue import Dialogue, Entry


class Function(Tool):
    """A function of a simulated API. Runs on the episode's Dialogue.

    Attributes:
        doc: its doc as the official harness shows it, with what it returns.
    """

    def __init__(self, doc: dict[str, Any]):
        super().__init__(doc["name"], doc["description"], doc["parameters"], timeout=None, stateful=True)
        self.doc = doc

    def run(self, arguments: dict[str, Any], state: Any = None) -> ToolResult:
        return run(state, self.name, arguments)


def run(dialogue: Dialogue, name: str, arguments: dict[str, Any]) -> ToolResult:
    """Run a call that the model made, of whatever name. What it reads is cut after SHOWN_CHARS characters."""
    text = dialogue.execute_arguments(name, arguments)
    error = "execution" if text.startswith("Error during execution: ") else None
    if len(text) > SHOWN_CHARS:
        text = f"{text[:SHOWN_CHARS]}\n[cut: {SHOWN_CHARS} of {len(text)} characters shown]"
    return ToolResult(text, error)


def named(call: Call, classes: tuple[str, ...]) -> ToolCall:
    names = parameters(classes, call.name)
    return ToolCall(call.name, dict(zip(names, call.args, strict=False)) | call.kwargs)


def parameters(classes: tuple[str, ...], function: str) -> dict[str, Any]:
    """The parameters of a function of these APIs, in order -> their defaults (``inspect.Parameter.empty``: none)."""
    owner = next(name for name in reversed(classes) if function in simulators.functions(name))
    return simulators.parameters(owner, function)


@cache
def functions(classes: tuple[str, ...]) -> dict[str, Function]:
    """All functions of these APIs, in the order they are offered."""
    return {function.name: function for name in classes for function in _documented(name)}


@cache
def offered(classes: tuple[str, ...], held_out: tuple[str, ...], back: tuple[str, ...] = ()) -> tuple[Function, ...]:
    """The functions of these APIs but those held out; then those of ``back``."""
    every = functions(classes)
    return tuple([every[name] for name in every if name not in held_out] + [every[name] for name in back])


def announcement(
    entry: Entry, turn: int, show: Callable[[Sequence[Function]], str] | None
) -> tuple[tuple[Function, ...], Message] | None:
    """All functions from a turn on in which some come back, and the message that says so; else None.

    ``show`` writes out those that come back; None leaves that to the observation's tools, as the official harness
    does for models that get tools beside the messages.
    """
    if turn not in entry.held_out:
        return None
    held_out = tuple([name for names in entry.held_out.values() for name in names])
    back = tuple([name for i, names in entry.held_out.items() if i <= turn for name in names])
    text = constant("DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC")
    if show is not None:
        text = f"{show([functions(entry.classes)[name] for name in entry.held_out[turn]])}\n{text}"
    return offered(entry.classes, held_out, back), message("user", text)


def as_announced(tools: Sequence[Function]) -> str:
    """Functions that come back, as the official harness writes them to a prompted model."""
    return str([{**tool.doc, "description": tool.doc["description"].removesuffix(_hint())} for tool in tools])


@cache
def _documented(name: str) -> tuple[Function, ...]:
    docs = msgspec.json.Decoder(dict[str, Any]).decode_lines(
        member(f"multi_turn_func_doc/{simulators.FILES[name]}.json")
    )
    return tuple([Function({**doc, "description": doc["description"] + _hint()}) for doc in docs])


def member(name: str) -> bytes:
    return read_member("bfcl", f"bfcl_eval/data/{name}")


@cache
def constant(name: str) -> Any:
    """A constant of the official prompts: what the harness says when functions come back, say."""
    (found,) = [
        node.value
        for node in _source("constants/default_prompts.py")
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return ast.literal_eval(found)


@cache
def _hint() -> str:
    """What the official harness appends to the description of a function that is offered from the start."""
    name = "_get_language_specific_hint"
    (found,) = [node for node in _source("utils.py") if isinstance(node, ast.FunctionDef) and node.name == name]
    texts = [
        str(node.value.value)
        for node in ast.walk(found)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant)
    ]
    return next(text for text in texts if "Python" in text)


def _source(file: str) -> list[ast.stmt]:
    return ast.parse(read_member("bfcl", f"bfcl_eval/{file}")).body
