"""Renders a model's chat template: Jinja in a sandbox, the same text on every day and in every process.

A template comes with the model, so it is foreign code. It runs in Jinja's immutable sandbox, as in transformers, with
what a template needs there: ``raise_exception``, ``strftime_now``, ``tojson``, ``namespace``, ``{% generation %}``.
Three things differ. The date is always 26 July 2024 (the default of Llama's templates; ``date_string`` and the like
are template arguments). Nothing is random. Loops, repeated text and the output have a limit. A template can still use
much memory through a filter such as ``center``: load models only from sources that you trust this far.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Template, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

DATE = datetime(2024, 7, 26)
"""The day of every prompt: a prompt that depends on today gives other answers tomorrow."""
MOST_STEPS = 1_000_000
"""Loop steps and calls of one rendering."""
MOST_CHARS = 50_000_000
"""Characters of one rendering."""

_OWN = frozenset({"messages", "tools", "add_generation_prompt"})
"""Variables that ``render`` sets."""
_NOT_FOR_TEMPLATES = frozenset(
    {"conversation", "chat_template", "continue_final_message", "tokenize", "padding", "truncation", "max_length",
     "return_tensors", "return_dict", "return_assistant_tokens_mask", "tokenizer_kwargs", "sanitize_control_tokens",
     "strftime_now", "raise_exception", "namespace", "dict", "range"}
)  # fmt: skip
"""Arguments of ``apply_chat_template``, and functions of every template."""


class TemplateError(ValueError):
    """The chat template cannot be used: it refuses a conversation, or leaves out or reorders messages."""


class ChatTemplate:
    """A tokenizer's chat template with its arguments.

    Args:
        tokenizer: has ``chat_template``, a text or named texts, and ``special_tokens_map``.
        arguments: further variables of the template, e.g. ``{"enable_thinking": False}``; JSON values.
        with_tools: of named templates, "tool_use" is taken instead of "default".

    Raises TemplateError if there is no template, several without a default, or one that is not Jinja; ValueError for an
    argument that is not the template's to take.
    """

    def __init__(self, tokenizer: Any, arguments: Mapping[str, Any] | None = None, *, with_tools: bool = False):
        self.arguments = _checked(arguments or {})
        self.source = _chosen(getattr(tokenizer, "chat_template", None), with_tools)
        try:
            self._template, self.names, draws = _compiled(self.source)
        except (JinjaError, RecursionError) as error:
            raise TemplateError(f"the chat template is not Jinja: {_said(error)}") from None
        if draws:
            raise TemplateError(f"the chat template draws at random ({draws}): the same conversation has many prompts")
        self._variables = {**dict(tokenizer.special_tokens_map), **self.arguments}

    @property
    def unknown_arguments(self) -> list[str]:
        """Arguments that the template never mentions, so that they change nothing."""
        return sorted(self.arguments.keys() - self.names)

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None = None,
        *,
        add_generation_prompt: bool = True,
    ) -> str:
        """The messages as text. Raises TemplateError, whatever went wrong in the template."""
        known = [_plain(message) for message in messages]
        offered = None if tools is None else [_plain(tool) for tool in tools]
        steps = _Steps()
        parts, length = [], 0
        try:
            for part in self._template.generate(
                **{"documents": None, **self._variables},
                messages=known,
                tools=offered,
                add_generation_prompt=add_generation_prompt,
                **{_BOUNDED: steps},
            ):
                parts.append(part)
                length += len(part)
                if length > MOST_CHARS:
                    raise SecurityError(f"it writes more than {MOST_CHARS:,} characters")
        except Exception as error:  # a template is foreign code: any exception may come out of it
            raise TemplateError(f"the chat template refuses the conversation: {_said(error)}") from None
        return "".join(parts)


def _checked(arguments: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(arguments, Mapping):
        raise ValueError(f'template arguments are a mapping like {{"enable_thinking": False}}, got {arguments!r}')
    for name, value in arguments.items():
        if not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"the name of a template argument must be an identifier, got {name!r}")
        if name in _OWN | _NOT_FOR_TEMPLATES or name.startswith("_"):
            raise ValueError(f"{name!r} cannot be given to a chat template: it is set by what renders it")
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise ValueError(f"template argument {name} must be a JSON value, got {value!r}") from None
    return {name: _plain(value) for name, value in arguments.items()}


def _chosen(template: Any, with_tools: bool) -> str:
    """The text of the template, or of one of several named templates."""
    if isinstance(template, Mapping) and template:
        wanted = ["tool_use", "default"] if with_tools else ["default"]
        found = next((template[name] for name in wanted if name in template), None)
        if found is None and len(template) == 1:
            found = next(iter(template.values()))
        if found is None:
            raise TemplateError(
                f"the tokenizer has chat templates named {', '.join(sorted(template))}, and none named default: "
                "set tokenizer.chat_template to the one to use"
            )
        template = found
    if not (isinstance(template, str) and template):
        raise TemplateError("the tokenizer has no chat template; use an instruction-tuned model, or set one")
    return template


def _said(error: BaseException) -> str:
    """The words of an exception out of a template. A template's own message stands alone."""
    text = str(error)
    return text if isinstance(error, JinjaError) and text else f"{type(error).__name__} {text}".strip()


def _plain(value: Any) -> Any:
    """A copy in plain dicts and lists, without keys of value None in messages: a template gets nothing to call."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


# Jinja -------------------------------------------------------------------------------------------

_BOUNDED = "_steps_of_this_rendering"


class _Steps:
    """Counts the loop steps and calls of one rendering."""

    def __init__(self) -> None:
        self.count = 0

    def one(self) -> None:
        self.count += 1
        if self.count > MOST_STEPS:
            raise SecurityError(f"it takes more than {MOST_STEPS:,} steps")

    def over(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.one()
            yield item


class _BoundLoops(NodeTransformer):
    """Puts the count of steps around what every loop runs over."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        counted = nodes.ContextReference()
        node.iter = nodes.Filter(node.iter, "_bounded", [counted], [], None, None, lineno=node.lineno)
        return node


class _Generation(Extension):
    """``{% generation %}``, with which some templates mark the assistant's text: the text as it is."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**"})

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Counts every call, so that a macro that calls itself twice ends too."""
        __context.resolve(_BOUNDED).one()
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuses texts and lists repeated beyond ``MOST_CHARS``, and large powers."""
        if operator == "**":
            if not (isinstance(right, (int, float)) and abs(right) <= 64):
                raise SecurityError("it takes a power above 64")
        else:
            for many, times in ((left, right), (right, left)):
                if isinstance(times, int) and hasattr(many, "__len__") and len(many) * times > MOST_CHARS:
                    raise SecurityError(f"it repeats a text to more than {MOST_CHARS:,} characters")
        return super().call_binop(context, operator, left, right)


class _Notes(Namespace):
    """``namespace(...)`` without names that begin with an underscore, which lead into Python."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        for name in dict(*args[1:], **kwargs):
            _no_underscore(name)
        Namespace.__init__(*args, **kwargs)

    def __setitem__(self, name: str, value: Any) -> None:
        _no_underscore(name)
        super().__setitem__(name, value)


def _no_underscore(name: Any) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"it stores {name!r}, and names must not begin with an underscore")


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise(message: str) -> None:
    raise JinjaError(message)


def _environment() -> _Sandbox:
    found = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
    del found.globals["lipsum"]  # random text
    found.filters["tojson"] = _tojson
    found.globals |= {
        "raise_exception": _raise,
        "strftime_now": DATE.strftime,
        "namespace": _Notes,
        "dict": lambda *args, **kwargs: dict(*args, **kwargs),
    }
    return found


@lru_cache(maxsize=64)
def _compiled(source: str) -> tuple[Template, frozenset[str], str]:
    """The template, the variables that it mentions, and how it draws at random ("" if it does not)."""
    environment = _environment()
    tree = environment.parse(source)
    names = frozenset(meta.find_undeclared_variables(tree))
    draws = "random" if any(each.name == "random" for each in tree.find_all(nodes.Filter)) else ""

    def bounded(items: Any, context: Context) -> Any:
        return context.resolve(_BOUNDED).over(items)

    environment.filters["_bounded"] = bounded
    code = environment.compile(_BoundLoops().visit(tree))
    return Template.from_code(environment, code, environment.make_globals(None)), names, draws
