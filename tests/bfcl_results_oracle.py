"""The official evaluation of result files, loaded from the pinned wheel, as an oracle.

``evaluate_task`` of the official runner reads the rows, decodes the answers by the model's handler, checks them, and
writes a score file. Only what it imports and does not need is replaced: vendors' SDKs, pandas, dotenv.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import sys
import tempfile
import warnings
import zipfile
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import bfcl_multi_turn_oracle
import bfcl_oracle

from toolgym.assets import fetch, read_member

_FILES = {
    "native": "api_inference/openai_completion.py",
    "prompted": "api_inference/openai_completion.py",
    "tagged": "local_inference/qwen_fc.py",
}


_numbers = count()


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(members)
    return module


_STUBS = [
    _module("pandas"),
    _module("dotenv", load_dotenv=lambda *args, **kwargs: None),
    _module("bfcl_eval.model_handler.base_handler", BaseHandler=object),
]
with mock.patch.dict(sys.modules):  # other libraries look for pandas too, and must not find this one
    sys.modules.update({stub.__name__: stub for stub in _STUBS})
    import bfcl_eval.eval_checker.eval_runner as runner
    import bfcl_eval.eval_checker.eval_runner_helper as helper
    import bfcl_eval.utils as utils

_MODULES = (runner, helper, utils, bfcl_oracle.FORMATS)


def _unpack() -> None:
    """The official loaders open their data as files, and the wheel is a zip archive."""
    wheel = str(fetch("bfcl"))
    folder = tempfile.mkdtemp(prefix="bfcl-data-")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith("bfcl_eval/data/")])
    for module in _MODULES:
        for name, value in list(vars(module).items()):
            if isinstance(value, Path) and str(value).startswith(wheel):
                setattr(module, name, Path(folder + str(value).removeprefix(wheel)))


_unpack()


def handler(form: str) -> Any:
    """An object with the official handler's two decoding methods, taken from its source."""
    names = ("decode_ast", "decode_execute", "_extract_tool_calls")
    tree = ast.parse(read_member("bfcl", f"bfcl_eval/model_handler/{_FILES[form]}"))
    methods = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in names]
    for method in methods:
        method.decorator_list = [each for each in method.decorator_list if ast.unparse(each) == "staticmethod"]
        for argument in method.args.args:
            argument.annotation = None
    body = ast.ClassDef("Handler", [], [], methods, [])
    space = {**vars(bfcl_oracle.DECODING), "json": json, "re": re}
    exec(compile(ast.fix_missing_locations(ast.Module([body], [])), form, "exec"), space)
    made = space["Handler"]()
    made.is_fc_model = form == "native"
    return made


def evaluate(category: str, rows: list[dict[str, Any]], form: str, underscore_to_dot: bool) -> dict[str, str | None]:
    """Id -> the official error type of each row of a result file; None if it passes."""
    name = f"m{next(_numbers)}"  # under an old name the simulated APIs would go on from their last state
    bfcl_oracle._MODELS[name] = bfcl_oracle._MODELS["dotless" if underscore_to_dot else "plain"]
    bfcl_multi_turn_oracle.reset()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(io.StringIO()):
            runner.evaluate_task(
                category, Path(folder), Path(folder), sorted(rows, key=runner.sort_key), name, handler(form), {},
                allow_missing=True,
            )  # fmt: skip
        (path,) = Path(folder).rglob(f"*{category}_score.json")
        wrong = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    found: dict[str, str | None] = {row["id"]: None for row in rows}
    for each in wrong:
        error = each.get("error")
        found[each["id"]] = each.get("error_type") or (error.get("error_type") if isinstance(error, dict) else None)
    return found
