"""The official code of AgentDojo 0.1.35, imported from the pinned wheel without installing it.

The wheel's module ``agentdojo.x`` is imported as ``<this module>.x``. An installed agentdojo is neither used nor
disturbed, and objects of the official classes can be pickled. The source is run with these changes only:

- ``agentdojo`` in imports is this module, and ``deepdiff.diff`` is ``differences``, which finds the same, faster;
- ``datetime.datetime.now`` is a stopped clock (``now``), and ``list(set(x))``, whose order differs from process to
  process, is ``list(dict.fromkeys(x))``: the same calls must give the same bytes;
- the modules in ``REPLACED``, which import the SDKs of vendors or change PyYAML for the whole process.
"""

from __future__ import annotations

import ast
import sys
import zipfile
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any

from toolgym.assets import fetch, read_member

REPLACED = {
    "agent_pipeline": "",
    "agent_pipeline.llms.google_llm": 'EMPTY_FUNCTION_NAME = "<empty-function-name>"',
    "yaml_loader": "ImportLoader = None",
}
"""Module of the wheel -> the source that is run in its place."""

__path__: list[str] = []  # makes this module a package for the import system; the finder below finds what is in it
_PACKAGE = "agentdojo"


def module(name: str) -> Any:
    """A module of the wheel, e.g. "functions_runtime". Raises AssetError if the wheel cannot be had."""
    return import_module(f"{__name__}.{name}")


def now() -> datetime:
    """The time at which tools create emails and files: fixed, and later than every time in the data."""
    return datetime(2025, 1, 1, 9, 0)  # a new object each time: PyYAML writes one object that occurs twice as an alias


class _Finder(MetaPathFinder):
    """Finds the wheel's modules under this module's name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(f"{__name__}."):
            return None
        name = fullname[len(__name__) + 1 :]
        member = _members().get(name)
        if member is None:
            return None
        return spec_from_loader(fullname, _Loader(name, member), is_package=not member.endswith(f"/{_last(name)}.py"))


class _Loader(Loader):
    def __init__(self, name: str, member: str):
        self.name = name
        self.member = member

    def exec_module(self, module: ModuleType) -> None:
        source = REPLACED.get(self.name)
        if source is None:
            # a folder without __init__.py is an empty package
            source = read_member("agentdojo", self.member).decode() if self.member.endswith(".py") else ""
        tree = ast.fix_missing_locations(_Rewritten().visit(ast.parse(source)))
        vars(module)["_now"] = now
        exec(compile(tree, self.member, "exec", dont_inherit=True), vars(module))


class _Rewritten(ast.NodeTransformer):
    """The changes that the docstring of this file names."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        node.module = _renamed(str(node.module)) if node.module != "deepdiff.diff" else f"{__package__}.differences"
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for alias in node.names:
            alias.name = _renamed(alias.name)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        stopped = node.attr == "now" and ast.unparse(node) == "datetime.datetime.now"
        return ast.Name("_now", ast.Load()) if stopped else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "list" and ast.unparse(node).startswith("list(set("):
            (inner,) = node.args
            inner.func = ast.parse("dict.fromkeys", mode="eval").body  # type: ignore[attr-defined]
        return node


@cache
def _members() -> dict[str, str]:
    """Module -> its file in the wheel, or its folder if it is a package without a file."""
    found: dict[str, str] = {}
    with zipfile.ZipFile(fetch("agentdojo")) as wheel:
        files = [name for name in wheel.namelist() if name.startswith(f"{_PACKAGE}/") and name.endswith(".py")]
    for file in files:
        parts = file.removesuffix(".py").split("/")[1:]
        for i in range(1, len(parts)):
            found.setdefault(".".join(parts[:i]), f"{_PACKAGE}/{'/'.join(parts[:i])}")
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            found[name] = file
    return found


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _renamed(name: str) -> str:
    return __name__ + name[len(_PACKAGE) :] if name == _PACKAGE or name.startswith(f"{_PACKAGE}.") else name


sys.meta_path.append(_Finder())
