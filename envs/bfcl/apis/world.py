"""The simulated APIs of one dialogue, twice: those the model works on, and those the accepted calls are run on."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from . import simulators
from .calls import Call, Reader
from .limits import check_cost, check_size
from .precision import DEFAULT_DIGITS, digits, isolated, set_digits

_running = threading.Lock()
"""Some of the simulated APIs work on their module's variables."""

_ATOMS = frozenset({str, int, float, bool, type(None), bytes, complex, datetime})


class World:
    """The APIs of an episode. Plain objects: it can be deep-copied and pickled at any time.

    Officially some things are shared by all objects of a class in a process: the cards and bookings that the
    long_context category adds, the default of a parameter that is a list, mpmath's precision. A call can change
    them, for the model's and the accepted side alike. Here they belong to the world, so that the verdict is the
    one that a new process gives, whatever was run before or is run beside it.

    Args:
        classes: names of the APIs.
        config: their scenarios, as JSON of ``{class: scenario}``.
        long_context: whether the APIs add their long texts.
    """

    def __init__(self, classes: Iterable[str], config: bytes, long_context: bool):
        self.classes = tuple(classes)
        self.model = _loaded(self.classes, config, long_context)
        self.gold = _loaded(self.classes, config, long_context)
        self.defaults = {
            function: defaults
            for name in self.classes
            for function, defaults in simulators.shared_defaults(name).items()
        }
        self.digits = DEFAULT_DIGITS
        self.nested = False
        """Whether a call inside a call was made."""

    def fresh(self) -> World:
        """A copy that shares nothing which can change, as cheap as can be."""
        copy = World.__new__(World)
        vars(copy).update(vars(self))
        seen: dict[int, Any] = {}
        copy.model, copy.gold = _copied(self.model, seen), _copied(self.gold, seen)
        copy.defaults = _copied(self.defaults, seen) if self.defaults else self.defaults
        return copy

    def run(self, apis: dict[str, Any], call: Call) -> str:
        """Run a call on ``model`` or ``gold``; the result as the official executor words it. Never raises."""
        try:
            if "WebSearchAPI" in apis:  # it waits for others, and works on nothing that is shared
                return self._text(self._called(apis, call))
            with _running:
                if "MathAPI" not in apis:
                    return self._text(self._called(apis, call))
                set_digits(self.digits)
                try:
                    with isolated():
                        return self._text(self._called(apis, call))
                finally:
                    self.digits = digits()
        except Exception as error:
            return error_text(error)

    def differences(self) -> list[str]:
        """The attributes of the model's APIs that are not as on the accepted side, as ``API.attribute``."""
        found = []
        for name, gold in self.gold.items():
            model = vars(self.model[name])
            for key, value in vars(gold).items():
                if key[0] != "_" and not _equal(model[key], value):
                    found.append(f"{name}.{key}")
        return found

    def _value(self, apis: dict[str, Any], value: Any) -> Any:
        """A value as an argument, containers made anew since APIs keep and change them; calls in it are run."""
        kind = type(value)
        if kind in _ATOMS:
            return value
        if kind is Call:
            self.nested = True
            return self._called(apis, value)
        if kind is dict:
            return {self._value(apis, key): self._value(apis, item) for key, item in value.items()}
        if kind is list:
            return [self._value(apis, item) for item in value]
        if kind is tuple:
            return tuple([self._value(apis, item) for item in value])
        return value

    def _called(self, apis: dict[str, Any], call: Call) -> Any:
        api = apis[owners(self.classes)[call.name]]
        args = [self._value(apis, value) for value in call.args]
        kwargs = {key: self._value(apis, value) for key, value in call.kwargs.items()}
        if call.name in self.defaults:
            names = list(simulators.parameters(type(api).__name__, call.name))[len(args) :]
            for key, value in self.defaults[call.name].items():
                if key in names:
                    kwargs.setdefault(key, value)
        check_cost(api, call.name, args, kwargs)
        return getattr(api, call.name)(*args, **kwargs)

    def _text(self, value: Any) -> str:
        if self.nested:
            check_size(value)
        if type(value) is not dict:
            return str(value)
        try:
            return _dumped(value)
        except Exception:  # the official rule
            return str(value)


def error_text(error: Exception) -> str:
    """What the official executor answers where a call fails."""
    return f"Error during execution: {error}"


@cache
def owners(classes: tuple[str, ...]) -> dict[str, str]:
    """function -> the API it belongs to; of two with the same function, the later one."""
    return {function: name for name in classes for function in simulators.functions(name)}


@cache
def reader(classes: tuple[str, ...], side: str) -> Reader:
    """Reads calls of these APIs' functions, for one side ("model" or "gold")."""
    return Reader(owners(classes), f"{side}_instance")


def _dumped(value: dict[Any, Any]) -> str:
    """``json.dumps``, without doing the long lists of the long_context category anew each time."""
    known = simulators.long_lists()
    if known.keys().isdisjoint(map(id, value.values())) or not all(type(key) is str for key in value):
        return json.dumps(value)
    parts = [f"{json.dumps(key)}: {known.get(id(item)) or json.dumps(item)}" for key, item in value.items()]
    return f"{{{', '.join(parts)}}}"


def _loaded(classes: tuple[str, ...], config: bytes, long_context: bool) -> dict[str, Any]:
    scenarios = json.loads(config)  # msgspec refuses lone surrogates, which a memory may hold
    out = {}
    for name in classes:
        api = simulators.api(name)()
        if name not in simulators.STATELESS:
            api._load_scenario(scenarios.get(name, {}), long_context=long_context)
        out[name] = api
    return out


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except RecursionError:  # where the official checker fails as a whole
        return False


def _copied(value: Any, seen: dict[int, Any]) -> Any:
    """A deep copy of a state, several times as fast as copy.deepcopy; equal objects stay one."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    found = seen.get(id(value))
    if found is not None:
        return found
    new: Any
    if kind is dict:
        seen[id(value)] = new = {}
        for key, item in value.items():
            new[key] = item if type(item) in _ATOMS else _copied(item, seen)
    elif kind is list:
        seen[id(value)] = new = []
        new += [item if type(item) in _ATOMS else _copied(item, seen) for item in value]
    elif kind is set:
        seen[id(value)] = new = set(value)
    elif kind is random.Random:
        seen[id(value)] = new = random.Random.__new__(random.Random)
        new.setstate(value.getstate())
    elif kind.__module__ == simulators.__name__:
        seen[id(value)] = new = object.__new__(kind)
        state = vars(new)
        for key, item in vars(value).items():
            state[key] = item if type(item) in _ATOMS else _copied(item, seen)
    else:
        raise TypeError(f"a simulated API has a {kind.__name__} in its scenario, which cannot be copied here")
    return new
