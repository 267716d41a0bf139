"""The pinned wheel of bfcl_eval 2026.3.23: its data files, and the texts that its source code writes into prompts."""

from __future__ import annotations

import ast
from functools import cache
from typing import Any

from toolgym.assets import read_member


def data(name: str) -> bytes:
    """A data file. Raises AssetError if the wheel is missing and cannot be downloaded."""
    return read_member("bfcl", f"bfcl_eval/data/{name}")


@cache
def prompt_constant(name: str) -> Any:
    """A constant of the official prompts, e.g. the text that announces additional functions."""
    (found,) = [
        node.value
        for node in _source("constants/default_prompts.py")
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return ast.literal_eval(found)


@cache
def language_hints() -> dict[str, tuple[str, ...]]:
    """Language -> the official sentences about (functions, "any", a type, elements[, entries]).

    They are the string constants of the official ``utils.py``, in source order; "{}" marks a value to fill in.
    """
    functions = {node.name: node for node in _source("utils.py") if isinstance(node, ast.FunctionDef)}
    of_functions = [
        str(node.value.value)
        for node in ast.walk(functions["_get_language_specific_hint"])
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant)
    ]
    appended = [
        node
        for node in ast.walk(functions["_func_doc_language_specific_pre_processing"])
        if isinstance(node, ast.AugAssign)
    ]
    of_types = [_template(node.value) for node in sorted(appended, key=lambda node: node.lineno)]
    (java, javascript, python), typed = of_functions, of_types
    return {"python": (python,), "java": (java, *typed[:3]), "javascript": (javascript, *typed[3:])}


def _template(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


def _source(file: str) -> list[ast.stmt]:
    return ast.parse(read_member("bfcl", f"bfcl_eval/{file}")).body
