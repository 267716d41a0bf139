"""``@tool``: a typed function becomes a Tool that a model can be offered and whose calls can be run."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import Any, overload

import msgspec

from toolgym import execution
from toolgym.schema import Validator, parameters_schema
from toolgym.types import FrozenDict, ToolResult, freeze

DEFAULT_TIMEOUT = 30.0
DEFAULT_RESULT_LIMIT = 20_000
_SCALARS = ("string", "integer", "number", "boolean", "null")
_CONTAINERS = frozenset({dict, list, tuple})


class Tool:
    """A function that the model may call.

    Attributes:
        name: what the model writes.
        description: what it does, for the model.
        parameters: JSON Schema of its arguments, as its author wrote it.
        function: what runs; None for a tool that is only described (BFCL single-turn).
        timeout: seconds a call may take before it is abandoned. None: the function is trusted
            and runs inline, which costs no thread switch.
        result_limit: characters of a result that the model gets to read; the rest is cut.
        stateful: whether ``function`` takes the episode's state as its first argument (``self``).
    """

    def __init__(
        self,
        name: str,
        description: str = "",
        parameters: Mapping[str, Any] | None = None,
        function: Callable[..., Any] | None = None,
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
        result_limit: int = DEFAULT_RESULT_LIMIT,
        stateful: bool = False,
    ):
        if not name or not isinstance(name, str):
            raise ValueError(f"a tool needs a name, got {name!r}")
        if timeout is not None and not timeout > 0:
            raise ValueError(f"tool {name!r}: timeout must be a positive number of seconds or None, got {timeout!r}")
        self.name = name
        self.description = description
        self.parameters = FrozenDict(freeze(parameters or {}))
        self.function = function
        self.timeout = timeout
        self.result_limit = result_limit
        self.stateful = stateful
        self.is_async = inspect.iscoroutinefunction(function)
        self.inline = timeout is None and not self.is_async
        self.__doc__ = description

    def __repr__(self) -> str:
        return f"Tool({self.name!r})"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, as if it were not decorated."""
        if self.function is None:
            raise TypeError(f"tool {self.name!r} is only described; it has no function to call")
        return self.function(*args, **kwargs)

    def __get__(self, instance: Any, owner: type) -> Any:
        """On an instance, the bound method; on a class, the Tool."""
        return self if instance is None or self.function is None else self.function.__get__(instance, owner)

    @cached_property
    def schema(self) -> FrozenDict:
        """OpenAI-style: ``{"type": "function", "function": {name, description, parameters}}``, immutable."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": parameters_schema(self.parameters),
        }
        return FrozenDict(freeze({"type": "function", "function": function}))

    @cached_property
    def line(self) -> str:
        """The schema as prompts show it: JSON on one line, without the refusal of unknown parameters."""
        function = self.schema["function"]
        parameters = {k: v for k, v in function["parameters"].items() if (k, v) != ("additionalProperties", False)}
        return json.dumps({**function, "parameters": parameters}, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def validator(self) -> Validator:
        """Checks arguments; raises ValueError if ``parameters`` is not a usable schema."""
        try:
            return Validator(parameters_schema(self.parameters))
        except ValueError as error:
            raise ValueError(f"tool {self.name!r}: {error}") from None

    @cached_property
    def _only_scalars(self) -> bool:
        """Whether the schema plainly says that no argument is a list or a dict."""
        schema = self.schema["function"]["parameters"]
        kinds = [isinstance(about, dict) and about.get("type") for about in schema["properties"].values()]
        return schema["additionalProperties"] is False and all(kind in _SCALARS for kind in kinds)

    def run(self, arguments: dict[str, Any], state: Any = None) -> ToolResult:
        """Run the call and wait for it. Whatever happens in the tool comes back as a ToolResult.

        ``arguments`` must have passed ``validator``. Errors: ``execution``, ``timeout``.
        """
        if self.inline:
            return self._guarded(arguments, state)
        done: SimpleQueue[ToolResult] = SimpleQueue()
        cancel = self.start(arguments, state, done.put)
        try:
            return done.get(timeout=self.timeout)
        except Empty:
            cancel()
            return self.timed_out()

    def start(self, arguments: dict[str, Any], state: Any, done: Callable[[ToolResult], None]) -> Callable[[], None]:
        """Start the call elsewhere; ``done`` gets the result, on another thread, once.

        Returns a function that abandons the call; a result that arrives later is dropped.
        """
        if self.is_async:
            return execution.loop.submit(self._guarded_async(arguments, state, done))
        workers, dropped = execution.workers, False

        def job() -> None:
            result = self._guarded(arguments, state)
            if dropped:
                workers.abandoned -= 1
            else:
                done(result)

        def cancel() -> None:
            nonlocal dropped
            dropped = True
            workers.abandoned += 1

        workers.submit(job)
        return cancel

    def timed_out(self) -> ToolResult:
        return ToolResult(f"Error: {self.name} did not finish within {self.timeout:g} seconds.", "timeout")

    def _guarded(self, arguments: dict[str, Any], state: Any) -> ToolResult:
        try:
            function: Callable[..., Any] = self.function  # type: ignore[assignment]
            given = arguments if self._only_scalars else _copied(arguments)
            value = function(state, **given) if self.stateful else function(**given)
            return ToolResult(value if type(value) is str and len(value) <= self.result_limit else self._text(value))
        except (Exception, SystemExit) as error:
            return self._failed(error)
        except KeyboardInterrupt as error:
            if self.inline:  # Ctrl-C
                raise
            return self._failed(error)  # on a worker thread only the tool itself can have raised it

    async def _guarded_async(self, arguments: dict[str, Any], state: Any, done: Callable[[ToolResult], None]) -> None:
        try:
            function: Callable[..., Any] = self.function  # type: ignore[assignment]
            given = arguments if self._only_scalars else _copied(arguments)
            value = await (function(state, **given) if self.stateful else function(**given))
            result = ToolResult(self._text(value))
        except BaseException as error:  # a cancellation too: somebody waits for `done`
            result = self._failed(error)
        done(result)

    def _failed(self, error: BaseException) -> ToolResult:
        try:
            text = f"Error: {type(error).__name__}: {error}"
        except Exception:
            text = f"Error: {type(error).__name__}"
        return ToolResult(self._text(text), "execution")

    def _text(self, value: Any) -> str:
        """A result as the model reads it: strings as they are, everything else as JSON where it can be."""
        if not isinstance(value, str):
            try:
                value = msgspec.json.encode(value, enc_hook=str).decode()
            except (UnicodeEncodeError, TypeError, ValueError, OverflowError):
                try:
                    value = json.dumps(value, default=str)
                except (TypeError, ValueError):
                    value = repr(value)
        if len(value) > self.result_limit:
            return f"{value[: self.result_limit]}\n[cut: {self.result_limit} of {len(value)} characters shown]"
        return str(value)


def _copied(value: Any) -> Any:
    """Arguments that a tool may change, while the record of the call stays as it is: no list or dict is shared.

    Calls are not nested deeply: dialects refuse that.
    """
    if isinstance(value, dict):
        return {key: _copied(item) if type(item) in _CONTAINERS else item for key, item in value.items()}
    return type(value)([_copied(item) if type(item) in _CONTAINERS else item for item in value])


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    result_limit: int = DEFAULT_RESULT_LIMIT,
) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    result_limit: int = DEFAULT_RESULT_LIMIT,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a Tool of a typed function, sync or async.

    The signature becomes the parameters' schema (every parameter needs a type; a default makes it
    optional); the docstring becomes the description, its "Args:" section the parameters'. A
    method's ``self`` is the episode's state.

        @tool
        def add(a: int, b: int = 0) -> int:
            '''Add two numbers.

            Args:
                a: the first.
                b: the second.
            '''
            return a + b

    A call that takes longer than ``timeout`` seconds is abandoned and reported to the model; with
    ``timeout=None`` the function runs inline, about 10 times faster, and nothing can stop it.

    Raises TypeError where a parameter has no type or cannot be passed by name.
    """
    if function is None:
        return lambda f: _make(f, name, description, timeout, result_limit)
    return _make(function, name, description, timeout, result_limit)


def _make(
    function: Callable[..., Any], name: str | None, description: str | None, timeout: float | None, result_limit: int
) -> Tool:
    from docstring_parser import parse as parse_docstring  # only needed where tools are defined

    called = name or function.__name__
    doc = parse_docstring(inspect.getdoc(function) or "")
    about = {param.arg_name: (param.description or "").strip() for param in doc.params}
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        why = f"{error}; define it at module level"
        raise TypeError(f"tool {called!r}: a parameter's type cannot be resolved: {why}") from None
    fields: list[Any] = []
    stateful = open_ended = False
    for position, (key, parameter) in enumerate(inspect.signature(function).parameters.items()):
        if position == 0 and key == "self":
            stateful = True
        elif parameter.kind is parameter.VAR_KEYWORD:
            open_ended = True
        elif parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            raise TypeError(f"tool {called!r}: parameter {key!r} cannot be passed by name")
        elif key not in hints:
            raise TypeError(f"tool {called!r}: parameter {key!r} has no type; write {key}: str, say")
        elif parameter.default is parameter.empty:
            fields.append((key, hints[key]))
        else:
            fields.append((key, hints[key], parameter.default))
    text = description if description is not None else (doc.description or "").strip()
    return Tool(
        called,
        text,
        _parameters(called, fields, about, open_ended),
        function,
        timeout=timeout,
        result_limit=result_limit,
        stateful=stateful,
    )


def _parameters(name: str, fields: list[Any], about: dict[str, str], open_ended: bool) -> dict[str, Any]:
    try:
        model = msgspec.defstruct("Arguments", fields, kw_only=True)
        (reference,), components = msgspec.json.schema_components([model])
    except TypeError as error:
        raise TypeError(f"tool {name!r}: a parameter's type has no JSON Schema: {error}") from None
    out = dict(_inline(reference, components))
    out.pop("title", None)
    out["additionalProperties"] = open_ended
    out["properties"] = {
        key: {**value, "description": about[key]} if about.get(key) else value
        for key, value in out.get("properties", {}).items()
    }
    return out


def _inline(node: Any, components: dict[str, Any], depth: int = 0) -> Any:
    """Replace ``$ref``s by what they refer to; a type that contains itself ends in {} (anything)."""
    if isinstance(node, dict):
        if "$ref" in node:
            return _inline(components[node["$ref"].rsplit("/", 1)[-1]], components, depth + 1) if depth < 8 else {}
        return {key: _inline(value, components, depth) for key, value in node.items()}
    if isinstance(node, list):
        return [_inline(value, components, depth) for value in node]
    return node


def tools_of(owner: type) -> tuple[Tool, ...]:
    """The tools that a class defines, base classes first, in the order they are written."""
    found: dict[str, Tool] = {}
    for cls in reversed(owner.__mro__):
        for value in vars(cls).values():
            if isinstance(value, Tool):
                found[value.name] = value
    if not found:
        raise ValueError(f"{owner.__name__} defines no tools; decorate its methods with @tool")
    return tuple(found.values())
