"""``@tool``, which makes a Tool of a typed function."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from toolgym.tools.arguments import Arguments
from toolgym.tools.tool import DEFAULT_RESULT_LIMIT, DEFAULT_TIMEOUT, Tool
from toolgym.tools.unavailable import ToolUnavailable
from toolgym.types import ToolResult

if TYPE_CHECKING:
    from toolgym.tools.schema import Validator


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
        from toolgym.tools.schema import Validator

        further = None if self._arguments.always_fit else self._arguments.problems
        try:
            return Validator(self.schema["function"]["parameters"], formats=False, further=further)
        except ValueError as error:
            raise ValueError(f"tool {self.name!r}: {error}") from None


class _InProcess(_Typed):
    """A Tool whose calls run in other processes, which find its function by name."""

    def _guarded(self, arguments: dict[str, Any], state: Any) -> ToolResult:
        from toolgym.tools import process as processes_of  # few programs have such tools

        function: Any = self.function
        where = function.__module__, function.__qualname__, self.name, self.result_limit
        try:
            content, error = processes_of.processes.call(
                _run_by_name, *where, dict(arguments), seconds=self.timeout or 0
            )
        except TimeoutError:
            return self.timed_out()
        except processes_of.CannotStart as problem:
            return self._failed(ToolUnavailable(str(problem)))
        except processes_of.ProcessLost as problem:  # -9: the kernel ended it, for want of memory as a rule
            return self._failed(ToolUnavailable(str(problem)) if problem.code == -9 else problem)
        except Exception as problem:  # arguments that cannot be pickled
            return self._failed(problem)
        return ToolResult(content, error)

    @property
    def patience(self) -> None:
        return None


def _run_by_name(module: str, name: str, called: str, limit: int, arguments: dict[str, Any]) -> tuple[str, str | None]:
    """Run a call of ``@tool(process=True)`` here, in its process."""
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        function: Any = found.function if isinstance(found, Tool) else found
        here = tool(name=called, result_limit=limit)(function)
    except Exception as error:
        text = f"Error: {called} is unavailable: {module}.{name} is not found in its process: {error}"
        return text, "unavailable"
    result = here._guarded(arguments, None)
    return result.content, result.error


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    result_limit: int = DEFAULT_RESULT_LIMIT,
    process: bool = False,
    reads: bool | None = None,
) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    result_limit: int = DEFAULT_RESULT_LIMIT,
    process: bool = False,
    reads: bool | None = None,
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

    The function gets values of its parameters' types: enum members, dataclasses, dates, tuples, models of pydantic. A
    value that does not fit is an error for the model, ``invalid_arguments``, and the function is not called. An
    exception is a message to the model. If a server that the tool needs is down, raise ``ToolUnavailable``; exceptions
    of the network mean the same.

    A call that takes longer than ``timeout`` seconds is abandoned and reported to the model. Python cannot stop its
    thread: it may go on, on a state of its own. A call that never lets go of the interpreter's lock, such as a regular
    expression that backtracks without end, stops everything until it returns, and no limit applies. With
    ``process=True`` the function runs in another process, which is killed at the limit. It must be defined at module
    level, without ``self``, and a program needs ``if __name__ == "__main__":``, since its process imports it. A call
    then takes half a millisecond more, and the first one a second. ``os._exit`` in any other tool ends the
    program. With ``timeout=None`` the function runs inline, about 10 times faster, and nothing can stop it.

    The model reads a returned text unchanged, and any other value as JSON: plain values, dataclasses, dates, numpy
    numbers and arrays, and objects whose class has a ``__str__``. NaN and infinities, which JSON lacks, become null.
    Any other value, such as a generator, is an error of the tool: the episode has ``reward_valid=False``.

    ``reads=True`` says that a call changes nothing, so that it may be repeated.

    Raises TypeError for an object that is not a function, and if the signature has no schema (``signature_of``).
    """
    if function is None:
        return lambda f: _make(f, name, description, timeout, result_limit, process, reads)
    return _make(function, name, description, timeout, result_limit, process, reads)


def _make(
    function: Callable[..., Any],
    name: str | None,
    description: str | None,
    timeout: float | None,
    result_limit: int,
    in_process: bool,
    reads: bool | None,
) -> Tool:
    from toolgym.tools.signature import signature_of  # imports docstring_parser, which only @tool needs

    if not inspect.isroutine(function):
        what = f"class {function.__name__}" if isinstance(function, type) else repr(function)
        raise TypeError(f"@tool takes a function, got {what}; arguments have names: @tool(name=..., timeout=...)")
    called = name or function.__name__
    found = signature_of(function, called)
    if in_process:
        _check_process(function, called, timeout, found.stateful)
    return (_InProcess if in_process else _Typed)(
        called,
        found.description if description is None else description,
        found.parameters,
        function,
        timeout=timeout,
        result_limit=result_limit,
        stateful=found.stateful,
        reads=reads,
        arguments=found.arguments,
    )


def _check_process(function: Callable[..., Any], name: str, timeout: float | None, stateful: bool) -> None:
    """Raises TypeError if calls of the function cannot run in another process."""
    main = sys.modules.get("__main__")
    reason = ""
    if timeout is None:
        reason = "needs a timeout, after which its process is ended"
    elif stateful:
        reason = "takes a function without self: the state of an episode stays in this process"
    elif inspect.iscoroutinefunction(function):
        reason = "takes no coroutine; write def in place of async def"
    elif "<" in function.__qualname__:
        reason = "finds its function by name: define it at module level"
    elif (
        function.__module__ == "__main__" and not hasattr(main, "__file__") and getattr(main, "__spec__", None) is None
    ):
        reason = "imports its function: define it in a file"
    if reason:
        raise TypeError(f"tool {name!r}: process=True {reason}")


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
