"""Tool: a function that the model may call, its schema, and its runs under a time limit."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from queue import Empty, SimpleQueue
from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING, Any

from toolgym.tools import execution
from toolgym.tools.arguments import ArgumentError, copied
from toolgym.tools.results import as_text
from toolgym.tools.unavailable import is_unavailable
from toolgym.types import FrozenDict, ToolResult, freeze

if TYPE_CHECKING:  # imported with the first tool: schemas take a fifth of the time to import toolgym
    from toolgym.tools.schema import Validator

DEFAULT_TIMEOUT = 30.0
DEFAULT_RESULT_LIMIT = 20_000
TOOLS_OWN_FAILURES = frozenset({"timeout", "unavailable", "not_json"})
"""Values of ``ToolResult.error`` that are the fault of the tool or of its server, not of the policy."""
_CLOSED = ("additionalProperties", "unevaluatedProperties")


class Tool:
    """A function that the model may call.

    Attributes:
        name: the name that the model writes.
        description: tells the model when to call it.
        parameters: JSON Schema of the arguments, as the author wrote it.
        function: runs a call; None for a tool that is only described (BFCL single-turn).
        timeout: seconds that a call may take before it is abandoned. None: the function is trusted
            and runs inline, without a thread switch.
        result_limit: characters of a result that the model can read; the rest is cut.
        stateful: whether ``function`` takes the episode's state as its first argument (``self``).
        trusted: whether ``parameters`` are taken as they are, because a benchmark or a program wrote them: a type
            that JSON Schema lacks allows any value, formats are not checked, and mistakes show at the first call.
            Otherwise ValueError says what is wrong with them when the tool is made.
        reads: whether a call changes nothing, so that it may be repeated. None: not known.
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
        trusted: bool = False,
        reads: bool | None = None,
    ):
        if not name or not isinstance(name, str):
            raise ValueError(f"a tool needs a name, got {name!r}")
        if timeout is not None:
            if not isinstance(timeout, (int, float)) or isinstance(timeout, bool):
                raise TypeError(f"tool {name!r}: timeout must be a number of seconds or None, got {timeout!r}")
            if not 0 < timeout <= TIMEOUT_MAX:
                wanted = "timeout must be a positive number of seconds that ends, or None"
                raise ValueError(f"tool {name!r}: {wanted}; got {timeout!r}")
        if not isinstance(result_limit, int) or isinstance(result_limit, bool):
            raise TypeError(f"tool {name!r}: result_limit must be a whole number of characters, got {result_limit!r}")
        if result_limit < 1:
            raise ValueError(f"tool {name!r}: result_limit must be at least 1 character, got {result_limit}")
        if not (parameters is None or isinstance(parameters, Mapping)):
            raise TypeError(f"tool {name!r}: parameters is a JSON Schema (a dict), got {parameters!r}")
        if not (function is None or callable(function)):
            raise TypeError(f"tool {name!r}: function must be callable or None, got {function!r}")
        self.name = name
        self.description = description
        try:
            self.parameters = FrozenDict(freeze(parameters or {}))
        except RecursionError:
            raise ValueError(f"tool {name!r}: parameters contain themselves; use $defs and $ref") from None
        self.function = function
        self.timeout = timeout
        self.result_limit = result_limit
        self.stateful = stateful
        self.trusted = trusted
        self.reads = reads
        self.is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004  an object whose call is a coroutine
        )
        self.inline = timeout is None and not self.is_async
        self.__doc__ = description
        if not trusted:
            self._check_parameters()

    def _check_parameters(self) -> None:
        from toolgym.tools.mistakes import check_schema

        try:
            check_schema(self.parameters)
        except ValueError as error:
            raise ValueError(f"tool {self.name!r}: {error}") from None
        self.validator  # noqa: B018  raises ValueError

    def __getstate__(self) -> dict[str, Any]:
        """All that a copy or a pickle needs; a compiled schema cannot be pickled."""
        return {name: value for name, value in vars(self).items() if name not in ("validator", "_read", "_called")}

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
        from toolgym.tools.schema import parameters_schema

        function = {
            "name": self.name,
            "description": self.description,
            "parameters": parameters_schema(self.parameters),
        }
        return FrozenDict(freeze({"type": "function", "function": function}))

    @cached_property
    def line(self) -> str:
        """The schema as prompts show it: JSON on one line, without the words that refuse further parameters."""
        function = self.schema["function"]
        shown = {key: value for key, value in function["parameters"].items() if not (key in _CLOSED and value is False)}
        return json.dumps({**function, "parameters": shown}, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def validator(self) -> Validator:
        """Checks arguments; raises ValueError if ``parameters`` is not a usable schema."""
        from toolgym.tools.schema import Validator

        try:
            return Validator(self.schema["function"]["parameters"], formats=not self.trusted)
        except ValueError as error:
            raise ValueError(f"tool {self.name!r}: {error}") from None

    @cached_property
    def _read(self) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        """Makes the function's arguments of a call's: whole numbers as ints, containers as copies. None: no change."""
        from toolgym.tools.integers import integer_reader
        from toolgym.tools.standard import standard

        schema = standard(self.schema["function"]["parameters"])
        return integer_reader(schema) or (None if self.validator.only_scalars else copied)

    @property
    def runs(self) -> bool:
        """Whether calls are run: there is a function, or the class runs them itself."""
        return self.function is not None or type(self).run is not Tool.run

    @property
    def _called(self) -> Callable[..., Any] | None:
        """Runs the call, with arguments by name."""
        return self.function

    def run(self, arguments: dict[str, Any], state: Any = None) -> ToolResult:
        """Run the call and wait for it. Exceptions of the tool become ToolResults; Ctrl-C in an inline tool propagates.

        ``arguments`` must have passed ``validator``. The function gets values of its parameters' types. Errors:
        ``invalid_arguments``, ``execution``, ``timeout``, ``unavailable`` (``ToolUnavailable``), ``not_json``.
        """
        if self.inline:
            return self._guarded(arguments, state)
        done: SimpleQueue[ToolResult] = SimpleQueue()
        cancel = self.start(arguments, state, done.put)
        try:
            return done.get(timeout=self.patience)
        except Empty:
            cancel()
            return self.timed_out()

    def start(self, arguments: dict[str, Any], state: Any, done: Callable[[ToolResult], None]) -> Callable[[], None]:
        """Start the call on another thread, which calls ``done`` once, with the result.

        Returns a function that abandons the call; its result is then dropped. If no thread can be had, because too many
        calls hang, the result is the error "unavailable".
        """
        if self.is_async:
            return execution.loop.submit(self._guarded_async(arguments, state, done))
        try:
            return execution.workers.submit(lambda: self._guarded(arguments, state), done)
        except RuntimeError as error:
            done(ToolResult(self._cut(f"Error: {self.name} is unavailable: {error}"), "unavailable"))
            return lambda: None

    @property
    def patience(self) -> float | None:
        """Seconds after which a call that was started is to be abandoned; None for a call that ends by itself."""
        return self.timeout

    def timed_out(self) -> ToolResult:
        return ToolResult(f"Error: {self.name} did not finish within {self.timeout:g} seconds.", "timeout")

    def _guarded(self, arguments: dict[str, Any], state: Any) -> ToolResult:
        try:
            read = self._read
            given = arguments if read is None else read(arguments)
            value = self._called(state, **given) if self.stateful else self._called(**given)  # type: ignore[misc]
            return ToolResult(value) if type(value) is str and len(value) <= self.result_limit else self._result(value)
        except KeyboardInterrupt as error:
            if self.inline:  # Ctrl-C
                raise
            return self._failed(error)  # on a worker thread only the tool itself can have raised it
        except BaseException as error:  # SystemExit, CancelledError, GeneratorExit and the like are a failed call too
            return self._failed(error)

    async def _guarded_async(self, arguments: dict[str, Any], state: Any, done: Callable[[ToolResult], None]) -> None:
        try:
            given = arguments if self._read is None else self._read(arguments)
            value = await (self._called(state, **given) if self.stateful else self._called(**given))  # type: ignore[misc]
            result = self._result(value)
        except BaseException as error:  # a cancellation too: the caller waits for `done`
            result = self._failed(error)
        done(result)

    def _failed(self, error: BaseException) -> ToolResult:
        if type(error) is ArgumentError:
            return ToolResult(self._cut(f"Error: invalid arguments for {self.name}: {error}"), "invalid_arguments")
        text = type(error).__name__
        with suppress(BaseException):  # a __str__ of the tool's own
            text = f"{text}: {error}"
        if not is_unavailable(error):
            return ToolResult(self._cut(f"Error: {text}"), "execution")
        return ToolResult(self._cut(f"Error: {self.name} is unavailable: {text}"), "unavailable")

    def _result(self, value: Any) -> ToolResult:
        """The result as the model reads it: strings unchanged, any other value as JSON."""
        try:
            text = as_text(value)
        except (TypeError, ValueError, RecursionError, OverflowError) as error:
            if inspect.iscoroutine(value):
                value.close()  # an `await` is missing
            text = f"Error: {self.name} returned what is not JSON, of type {type(value).__name__}: {error}"
            return ToolResult(self._cut(text), "not_json")
        return ToolResult(self._cut(text))

    def _cut(self, text: str) -> str:
        if len(text) <= self.result_limit:
            return text
        return f"{text[: self.result_limit]}\n[cut: {self.result_limit} of {len(text)} characters shown]"
