"""BFCL's simulated APIs: the official classes, compiled from the source in the pinned wheel.

Nothing is installed and ``sys.modules`` is left alone: each source file runs in a namespace of its own, whose
``import`` gives it stand-ins for the modules that would reach outside (the package itself, mpmath, subprocess, the
clock; for memories the snapshot files and rank_bm25, see memory.py; for the web all that asks it, see web.py). The
classes go by this module's name, so that their instances can be pickled.
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

from . import memory, web
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
    "MemoryAPI_rec_sum": "memory_rec_sum",
    "WebSearchAPI": "web_search",
}
"""Class -> the file that holds it; its functions' docs are in a file of the same name."""

STATELESS = frozenset({"MathAPI"})
"""Classes without a scenario to load."""

_FOLDER = "bfcl_eval.eval_checker.multi_turn_eval.func_source_code"
_RETURNED = ("MA_5_EXTENSION", "MA_20_EXTENSION", "INTERMEDIARY_CITIES")
_STAND_INS: dict[str, Mapping[str, Any]] = {
    f"{_FOLDER}.memory_api_metaclass": memory.BASE,
    "rank_bm25": memory.RANKING,
    **web.MODULES,
}
_PARTS = {"File": "GorillaFileSystem", "Directory": "GorillaFileSystem"}
"""Further classes whose instances are part of a state -> the API they belong to."""

_loading = threading.RLock()
_namespaces: dict[str, dict[str, Any]] = {}


def api(name: str) -> type:
    """The class of one API. Raises AssetError where the wheel cannot be had."""
    found: type = _namespace(FILES[name])[name]
    return found


@cache
def functions(name: str) -> tuple[str, ...]:
    """The functions of an API that can be called: its public methods."""
    return tuple([key for key, _ in inspect.getmembers(api(name), inspect.isfunction) if key[0] != "_"])


@cache
def parameters(name: str, function: str) -> dict[str, Any]:
    """The parameters of a function, in order -> their defaults, ``inspect.Parameter.empty`` where there is none."""
    signature = inspect.signature(getattr(api(name), function))
    return {key: parameter.default for key, parameter in list(signature.parameters.items())[1:]}


@cache
def shared_defaults(name: str) -> dict[str, dict[str, Any]]:
    """function -> parameter -> default, for defaults that can change: officially all calls share one list."""
    found = {key: parameters(name, key) for key in functions(name)}
    changing = {key: {k: v for k, v in given.items() if isinstance(v, (list, dict))} for key, given in found.items()}
    return {key: given for key, given in changing.items() if given}


@cache
def long_lists() -> dict[int, str]:
    """id -> JSON of the long lists that the APIs return as they are in the long_context category."""
    constants = _namespace("long_context")
    return {id(constants[name]): json.dumps(constants[name]) for name in _RETURNED}


def __getattr__(name: str) -> Any:
    """The classes as attributes of this module, which is how pickle finds them."""
    owner = name if name in FILES else _PARTS.get(name)
    if owner is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _namespace(FILES[owner])[name]


def _namespace(file: str) -> dict[str, Any]:
    """What a source file defines. Each is run once per process."""
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
    """``import`` as the official sources get it."""
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
    """The clock by which files are marked as changed. No function shows it; the same calls must give the same state."""

    @staticmethod
    def now() -> datetime:
        return datetime.min


def _module(name: str, contents: Mapping[str, Any]) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(contents)
    return module
