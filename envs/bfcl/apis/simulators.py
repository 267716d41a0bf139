"""BFCL's simulated APIs: the official classes, compiled from the source in the pinned wheel.

Nothing is installed and ``sys.modules`` stays unchanged. Each source file runs in a namespace of its own; its
``import`` statements get stand-ins for modules with outside effects: the package itself, mpmath, subprocess, the
clock, the snapshot files and rank_bm25 of memories (see memory.py), vectors (see vectors.py), and the network (see
web.py). The classes carry
this module's name, so their instances can be pickled.
"""

from __future__ import annotations

import builtins
import decimal
import inspect
import json
import threading
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Any

from toolgym.assets import read_member

from . import memory, vectors, web
from .precision import private_mpmath, set_precision

FILES = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
    "MemoryAPI_kv": "memory_kv",
    "MemoryAPI_vector": "memory_vector",
    "MemoryAPI_rec_sum": "memory_rec_sum",
    "WebSearchAPI": "web_search",
}
"""Class -> its source file; the docs of its functions are in a data file of the same name."""

STATELESS = frozenset({"MathAPI"})
"""Classes that load no scenario."""

_FOLDER = "bfcl_eval.eval_checker.multi_turn_eval.func_source_code"
_RETURNED = ("MA_5_EXTENSION", "MA_20_EXTENSION", "INTERMEDIARY_CITIES")
_STAND_INS: dict[str, Mapping[str, Any]] = {
    f"{_FOLDER}.memory_api_metaclass": memory.BASE,
    "rank_bm25": memory.RANKING,
    **vectors.MODULES,
    **web.MODULES,
}
_PARTS = {"File": "GorillaFileSystem", "Directory": "GorillaFileSystem", "VectorStore": "MemoryAPI_vector"}
"""Other classes whose instances are part of a state -> the API they belong to."""

_loading = threading.RLock()
_namespaces: dict[str, dict[str, Any]] = {}


def api(name: str) -> type:
    """The class of one API. Raises AssetError if the wheel is missing and cannot be downloaded."""
    found: type = _namespace(FILES[name])[name]
    return found


@cache
def functions(name: str) -> tuple[str, ...]:
    """The callable functions of an API: its public methods."""
    return tuple([key for key, _ in inspect.getmembers(api(name), inspect.isfunction) if key[0] != "_"])


@cache
def parameters(name: str, function: str) -> dict[str, Any]:
    """Parameter -> default of a function, in order; ``inspect.Parameter.empty`` means no default."""
    signature = inspect.signature(getattr(api(name), function))
    return {key: parameter.default for key, parameter in list(signature.parameters.items())[1:]}


@cache
def shared_defaults(name: str) -> dict[str, dict[str, Any]]:
    """Function -> parameter -> default, for mutable defaults only: officially all calls share such a list or dict."""
    found = {key: parameters(name, key) for key in functions(name)}
    changing = {key: {k: v for k, v in given.items() if isinstance(v, (list, dict))} for key, given in found.items()}
    return {key: given for key, given in changing.items() if given}


@cache
def long_lists() -> dict[int, str]:
    """``id()`` -> JSON of each long list that the APIs return unchanged in the long_context category."""
    constants = _namespace("long_context")
    return {id(constants[name]): json.dumps(constants[name]) for name in _RETURNED}


def __getattr__(name: str) -> Any:
    """Makes the classes attributes of this module, so that pickle finds them."""
    owner = name if name in FILES else _PARTS.get(name)
    if owner is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _namespace(FILES[owner])[name]


def _namespace(file: str) -> dict[str, Any]:
    """The names that a source file defines. Each file is run once per process."""
    with _loading:
        if file not in _namespaces:
            source = read_member("bfcl", f"{_FOLDER.replace('.', '/')}/{file}.py")
            own_builtins = {**vars(builtins), "__import__": _import}
            namespace: dict[str, Any] = {"__name__": __name__, "__builtins__": own_builtins}
            exec(compile(source, f"{_FOLDER}/{file}.py", "exec"), namespace)
            _namespaces[file] = namespace
    return _namespaces[file]


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: tuple[str, ...] = (),
    level: int = 0,
) -> ModuleType:
    """The ``__import__`` of the official source files."""
    if name in _STAND_INS:
        return _module(name, _STAND_INS[name])
    if name.startswith(f"{_FOLDER}."):
        return _module(name, _namespace(name.rpartition(".")[2]))
    if name == "mpmath":
        return private_mpmath()
    if name == "decimal":
        return _module(name, {**vars(decimal), "getcontext": set_precision})
    if name == "datetime" and not fromlist:
        return _module(name, {"datetime": _Stopped})
    if name == "subprocess":  # imported, never used
        return ModuleType(name)
    return __import__(name, globals, locals, fromlist, level)


class _Stopped:
    """A stopped clock for modification times: the same calls must give the same state. No function shows the time."""

    @staticmethod
    def now() -> datetime:
        return datetime.min


def _module(name: str, contents: Mapping[str, Any]) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(contents)
    return module
