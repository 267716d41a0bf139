"""The four official suites of benchmark version v1.2.2: their tasks, tools, and environments."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import yaml

from toolgym.assets import read_member

from . import official
from .entry import VERSION

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml reads the same values, ten times as fast."""

Injections = tuple[tuple[str, str], ...]
"""Pairs of an injection vector, the official name of a place in the data, and the text that is put there."""


@cache
def suite(name: str) -> Any:
    """The official TaskSuite. Raises AssetError if the wheel cannot be had."""
    found = official.module("task_suite.load_suites").get_suites(VERSION)[name]
    official.module("task_suite.task_suite").read_suite_file = suite_text
    return found


@lru_cache(maxsize=256)
def environment(name: str, injections: Injections = ()) -> Any:
    """A suite's environment at the start of an episode. Shared: copy it before a tool works on it.

    The same as the official ``load_and_inject_default_environment``.
    """
    texts = {**vectors(name), **dict(injections)}
    data = yaml.load(suite_text(name, "environment.yaml").format(**texts), _Loader)
    return suite(name).environment_type.model_validate(data)


@cache
def vectors(name: str) -> dict[str, str]:
    """The places of a suite's data into which an attack can be put -> what stands there without an attack."""
    found: dict[str, str] = suite(name).get_injection_vector_defaults()
    return found


@cache
def runtime(name: str) -> Any:
    """The official FunctionsRuntime with a suite's tools."""
    return official.module("functions_runtime").FunctionsRuntime(suite(name).tools)


@cache
def suite_text(name: str, file: str, path: None = None) -> str:
    """A data file of a suite, with the files that it includes, as the text into which injections are put.

    The same as the official ``read_suite_file``: strings are written in double quotes.
    """

    def read(member: str) -> Any:
        return yaml.load(read_member("agentdojo", f"agentdojo/data/suites/{name}/{member}"), _including(read))

    return yaml.dump(read(file), Dumper=_Quoting, default_flow_style=False)


def _including(read: Callable[[str], Any]) -> Any:
    class Including(_Loader):  # type: ignore[misc]
        """A loader that reads ``!include FILE``."""

    Including.add_constructor("!include", lambda loader, node: read(loader.construct_scalar(node)))
    return Including


class _Quoting(yaml.Dumper):
    """Writes strings in double quotes, so that a text may be put into them."""


_Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
