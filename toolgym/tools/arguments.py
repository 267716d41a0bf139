"""Arguments of a call, as the function takes them: typed values, by position if the function says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from toolgym.tools.unavailable import is_unavailable

_CONTAINERS = frozenset({dict, list, tuple})
Reader = Callable[[Any], Any]


class ArgumentError(ValueError):
    """A value cannot be the argument of a parameter. The message names the parameter."""


class Arguments(NamedTuple):
    """What a function takes."""

    readers: Mapping[str, Reader | None]
    """Parameter -> how its JSON value is read. None: a copy is what the function gets."""
    numbers: tuple[tuple[str, type], ...] | None
    """If all parameters are scalars: the parameters that are numbers, and the type that needs to be read."""
    defaults: Mapping[str, Callable[[], Any]]
    """Makes the default of a parameter whose default could be changed by a call."""
    positional: tuple[tuple[str, Any], ...] = ()
    """Parameters that are passed by position, with their defaults (``...`` for none)."""
    rest: str | None = None
    """The name of ``*args``."""
    others: Reader | None = None
    """Reads the values of ``**kwargs``."""
    always_fit: bool = False
    """Whether arguments that satisfy the schema can be read: nothing but numbers is converted."""

    def reader(self) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        """``read``, or something faster that does the same; None if there is nothing to do."""
        numbers, read = self.numbers, self.read
        if numbers is None or self.defaults:
            return read
        if not numbers:
            return None

        def read_numbers(given: dict[str, Any]) -> dict[str, Any]:
            for name, wrong in numbers:
                if type(given.get(name)) is wrong:
                    return read(given)
            return given

        return read_numbers

    def read(self, given: dict[str, Any]) -> dict[str, Any]:
        """The function's keyword arguments. Raises ArgumentError. ``given`` is not changed."""
        values = {name: self._read(name, value) for name, value in given.items()}
        for name, make in self.defaults.items():
            if name not in values:
                values[name] = make()
        return values

    def called(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, or one that passes arguments by position where ``function`` asks for that."""
        if not self.positional and self.rest is None:
            return function

        def by_position(*state: Any, **values: Any) -> Any:
            later = self.rest in values or any(name in values for name, _ in self.positional)
            found = []
            for name, default in self.positional if later else ():
                found.append(values.pop(name) if name in values else default)
            if self.rest is not None:
                found.extend(values.pop(self.rest, ()))
            return function(*state, *found, **values)

        return by_position

    def problems(self, given: dict[str, Any]) -> tuple[str, ...]:
        """Why the arguments cannot be read; () if they can."""
        try:
            self.read(given)
        except ArgumentError as error:
            return (str(error),)
        except Exception:  # a server that a type asks is down: the call will say so
            pass
        return ()

    def _read(self, name: str, value: Any) -> Any:
        read = self.readers.get(name, self.others)
        if read is None:
            return copied(value) if type(value) in _CONTAINERS else value
        try:
            return read(copied(value) if type(value) in _CONTAINERS else value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a class of the tool's author may raise anything
            if is_unavailable(error):
                raise
            raise ArgumentError(_told(name, error)) from None


def _told(name: str, error: BaseException) -> str:
    """The error, with the place in the argument."""
    try:
        if hasattr(error, "errors"):  # pydantic
            found = error.errors(include_url=False, include_context=False, include_input=False)
            return "; ".join([f"{_path(name, each['loc'])}: {each['msg']}" for each in found[:5]])[:1000]
        text, _, where = str(error).rpartition(" - at `")
        if where.startswith("$") and text:  # msgspec
            return f"{name}{where[1:-1]}: {text}"[:1000]
        kind = "" if type(error).__module__ == "msgspec" else f"{type(error).__name__}: "
        return f"{name}: {kind}{error}"[:1000]
    except Exception:
        return f"{name}: {type(error).__name__}"


def _path(name: str, steps: tuple[Any, ...]) -> str:
    return ".".join([name, *map(str, steps)])


def copied(value: Any) -> Any:
    """A deep copy of arguments, which the tool may change without changing the record of the call.

    Recursion is safe: dialects refuse deeply nested calls.
    """
    if isinstance(value, dict):
        return {key: copied(item) if type(item) in _CONTAINERS else item for key, item in value.items()}
    return type(value)([copied(item) if type(item) in _CONTAINERS else item for item in value])
