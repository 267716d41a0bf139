"""The simulated APIs of one dialogue, in two copies: one for the model's calls and one for the accepted calls."""

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
from .vectors import TextIndex

_running = threading.Lock()
"""Only one call runs at a time, because some simulated APIs modify global variables of their module."""

_ATOMS = frozenset({str, int, float, bool, type(None), bytes, complex, datetime})


class World:
    """The APIs of an episode, made of plain objects: it can be deep-copied and pickled at any time.

    In the official code all objects of a class in a process share some state: the cards and bookings that the
    long_context category adds, parameter defaults that are lists, mpmath's precision. A call can change it for both
    copies. Here this state belongs to the World, so the verdict is that of a new process, whatever ran before or runs
    in parallel.

    Args:
        classes: names of the APIs.
        config: the scenarios of the APIs, as JSON of ``{class: scenario}``.
        long_context: whether the APIs add their long texts.
    """

    def __init__(self, classes: Iterable[str], config: bytes, long_context: bool):
        self.classes = tuple(classes)
        self.model = _loaded(self.classes, config, long_context)
        self.gold = _loaded(self.classes, config, long_context)
        # one set for both copies: officially the model's and the accepted calls share these lists too
        self.defaults = {
            function: defaults
            for name in self.classes
            for function, defaults in simulators.shared_defaults(name).items()
        }
        self.digits = DEFAULT_DIGITS  # mpmath's precision, which a MathAPI call leaves behind for later calls
        self.nested = False
        """Whether a call was made inside another call."""

    def fresh(self) -> World:
        """A fast copy that shares only immutable values."""
        copy = World.__new__(World)
        vars(copy).update(vars(self))
        # one memo for both sides: objects that the model's and the accepted side share stay shared in the copy
        seen: dict[int, Any] = {}
        copy.model, copy.gold = _copied(self.model, seen), _copied(self.gold, seen)
        copy.defaults = _copied(self.defaults, seen) if self.defaults else self.defaults
        return copy

    def run(self, apis: dict[str, Any], call: Call) -> str:
        """Run a call on ``self.model`` or ``self.gold``. Returns the official executor's text for the result.

        An exception of the API becomes an error text. Only Unavailable (the web could not be asked, or an
        encoder failed) is raised.
        """
        try:
            if "WebSearchAPI" in apis:  # no lock: it waits for the network, and changes no global state
                return self._text(self._called(apis, call))
            with _running:
                if "MathAPI" not in apis:
                    return self._text(self._called(apis, call))
                # MathAPI sets the precision of mpmath and decimal: put in this world's before, and read it back after
                set_digits(self.digits)
                try:
                    with isolated():
                        return self._text(self._called(apis, call))
                finally:
                    self.digits = digits()
        except Exception as error:
            return error_text(error)

    def differences(self) -> list[str]:
        """The public attributes that differ between the model's and the accepted side, as ``API.attribute``."""
        found = []
        for name, gold in self.gold.items():
            model = vars(self.model[name])
            for key, value in vars(gold).items():
                if key[0] != "_" and not _equal(model[key], value):
                    found.append(f"{name}.{key}")
        return found

    def _value(self, apis: dict[str, Any], value: Any) -> Any:
        """A value as an argument: runs the calls in it, and copies containers because APIs keep and modify them."""
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
            # pass this world's own lists for omitted parameters, instead of the class's shared default lists
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
        except Exception:  # as in the official executor
            return str(value)


def error_text(error: Exception) -> str:
    """The official executor's result of a call that fails."""
    return f"Error during execution: {error}"


@cache
def owners(classes: tuple[str, ...]) -> dict[str, str]:
    """Function -> the API it belongs to; if two APIs have the function, the later one."""
    return {function: name for name in classes for function in simulators.functions(name)}


@cache
def reader(classes: tuple[str, ...], side: str) -> Reader:
    """The Reader for calls of these APIs' functions, for one side ("model" or "gold")."""
    return Reader(owners(classes), f"{side}_instance")


def _dumped(value: dict[Any, Any]) -> str:
    """``json.dumps``, with the JSON of the long_context category's long lists made only once."""
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
    except RecursionError:  # here the whole official evaluation stops
        return False


def _copied(value: Any, seen: dict[int, Any]) -> Any:
    """A deep copy of a state, several times faster than copy.deepcopy; one shared object stays one object.

    ``seen``: id of each copied object -> its copy. Handles only the types that the simulated APIs hold.
    """
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
    elif kind is TextIndex:
        seen[id(value)] = new = value.copied()
    elif kind.__module__ == simulators.__name__:
        seen[id(value)] = new = object.__new__(kind)
        state = vars(new)
        for key, item in vars(value).items():
            state[key] = item if type(item) in _ATOMS else _copied(item, seen)
    else:
        raise TypeError(f"a simulated API has a {kind.__name__} in its scenario, which cannot be copied here")
    return new
