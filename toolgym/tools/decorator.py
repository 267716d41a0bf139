"""``@tool``, which makes a Tool of a typed function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any, overload

from toolgym.tools.arguments import Arguments
from toolgym.tools.schema import Validator
from toolgym.tools.tool import DEFAULT_RESULT_LIMIT, DEFAULT_TIMEOUT, Tool


class _Typed(Tool):
    """A Tool made by ``@tool``: its function gets values of the annotated types."""

    def __init__(self, *args: Any, arguments: Arguments, **kwargs: Any):
        self._arguments = arguments
        super().__init__(*args, **kwargs)

    @cached_property
    def _read(self) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        return self._arguments.reader()

    @cached_property
    def _called(self) -> Callable[..., Any]:
        return self._arguments.called(self.function)  # type: ignore[arg-type]

    @cached_property
    def validator(self) -> Validator:
        """Checks arguments against the schema and, since a type may ask for more, against the types."""
        further = None if self._arguments.always_fit else self._arguments.problems
        try:
            return Validator(self.schema["function"]["parameters"], formats=False, further=further)
        except ValueError as error:
            raise ValueError(f"tool {self.name!r}: {error}") from None


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

    The model reads a returned text unchanged, and any other value as JSON: plain values, dataclasses, dates, numpy
    numbers and arrays, and objects whose class has a ``__str__``. NaN and infinities, which JSON lacks, become null.
    Any other value, such as a generator, is an error of the tool: the episode has ``reward_valid=False``.

    Raises TypeError for an object that is not a function, and if the signature has no schema (``signature_of``).
    """
    if function is None:
        return lambda f: _make(f, name, description, timeout, result_limit)
    return _make(function, name, description, timeout, result_limit)


def _make(
    function: Callable[..., Any], name: str | None, description: str | None, timeout: float | None, result_limit: int
) -> Tool:
    from toolgym.tools.signature import signature_of  # imports docstring_parser, which only @tool needs

    if not inspect.isroutine(function):
        what = f"class {function.__name__}" if isinstance(function, type) else repr(function)
        raise TypeError(f"@tool takes a function, got {what}; arguments have names: @tool(name=..., timeout=...)")
    called = name or function.__name__
    found = signature_of(function, called)
    return _Typed(
        called,
        found.description if description is None else description,
        found.parameters,
        function,
        timeout=timeout,
        result_limit=result_limit,
        stateful=found.stateful,
        arguments=found.arguments,
    )


def tools_of(owner: type) -> tuple[Tool, ...]:
    """The tools that a class defines, base classes first, in the order they are written.

    Raises TypeError if ``owner`` is not a class, ValueError if it has no tools or two tools of one name.
    """
    if not isinstance(owner, type):
        kind = type(owner).__name__
        raise TypeError(f"tools_of takes a class, got {owner!r}; write tools_of({kind}) for the tools of a {kind}")
    found: dict[str, Tool] = {}
    for cls in reversed(owner.__mro__):
        own = [value for value in vars(cls).values() if isinstance(value, Tool)]
        names = [value.name for value in own]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{cls.__name__} defines two tools called {twice!r}; each needs a name of its own")
        found.update(zip(names, own, strict=True))
    if not found:
        raise ValueError(f"{owner.__name__} defines no tools; decorate its methods with @tool")
    return tuple(found.values())
