"""Arguments of a call, as the function takes them: typed values, by position if the function says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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

    def bound(self, given: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments for a call. Raises ArgumentError. ``given`` is not changed."""
        if self.numbers is not None:
            for name, wrong in self.numbers:
                if type(given.get(name)) is wrong:
                    break
            else:
                return _NONE, given
        values = {name: self._read(name, value) for name, value in given.items()}
        for name, make in self.defaults.items():
            if name not in values:
                values[name] = make()
        by_position: list[Any] = []
        later = self.rest in values or any(name in values for name, _ in self.positional)
        for name, default in self.positional if later else ():
            if name in values:
                by_position.append(values.pop(name))
            elif default is not ...:
                by_position.append(default)
            else:
                raise ArgumentError(f"{name}: it is required")
        if self.rest is not None:
            by_position.extend(values.pop(self.rest, ()))
        return by_position, values

    def problems(self, given: dict[str, Any]) -> tuple[str, ...]:
        """Why the arguments cannot be read; () if they can."""
        try:
            self.bound(given)
        except ArgumentError as error:
            return (str(error),)
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
            raise ArgumentError(_told(name, error)) from None


_NONE: list[Any] = []


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
