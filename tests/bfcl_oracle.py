"""The official BFCL checker and decoder, loaded from the pinned wheel, as oracles.

The checker imports model_config, which imports every vendor's SDK to get one boolean per model. A stub replaces it,
with two models: "plain" and "dotless" (whose API refuses "." in names).
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

from toolgym import assets
from toolgym.envs.bfcl.grading import DECODER_FAILED, UNSCORABLE, WRONG_FORMAT, language_of

_MODELS = {
    name: SimpleNamespace(
        underscore_to_dot=flag, display_name=name, url="", org="", license="", input_price=None, output_price=None
    )
    for name, flag in {"plain": False, "dotless": True}.items()
}


def _load() -> tuple[Any, Any, Any]:
    """The official modules: ast_checker, utils, and model_handler.utils (which needs tree-sitter and tenacity)."""
    sys.path.append(str(assets.fetch("bfcl")))
    os.environ.setdefault("BFCL_PROJECT_ROOT", tempfile.mkdtemp(prefix="bfcl-"))
    stub = ModuleType("bfcl_eval.constants.model_config")
    stub.MODEL_CONFIG_MAPPING = _MODELS  # type: ignore[attr-defined]
    sys.modules.setdefault(stub.__name__, stub)
    import bfcl_eval.eval_checker.ast_eval.ast_checker as checker
    import bfcl_eval.model_handler.utils as decoding
    import bfcl_eval.utils as formats

    return checker, formats, decoding


CHECKER, FORMATS, DECODING = _load()


def verdict(
    docs: Any, calls: Any, ground_truth: Any, category: str, underscore_to_dot: bool = False
) -> tuple[bool, str | None]:
    """Success and error type of decoded calls; (False, UNSCORABLE) if the checker raises."""
    if not FORMATS.is_function_calling_format_output(calls):
        return False, WRONG_FORMAT
    model, language = "dotless" if underscore_to_dot else "plain", CHECKER.Language(language_of(category))
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            result = CHECKER.ast_checker(list(docs), calls, list(ground_truth), language, category, model)
    except Exception:
        return False, UNSCORABLE
    return result["valid"], None if result["valid"] else result["error_type"]


def decode(text: str, language: str = "python") -> Any:
    """The official decoder's calls for the answer of a prompted model. The decoder's exceptions propagate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's parser warns about invalid escapes
        return DECODING.default_decode_ast_prompting(text, DECODING.ReturnFormat(language))


def text_verdict(docs: Any, text: str, ground_truth: Any, category: str) -> tuple[bool, str | None]:
    """Success and error type of the raw answer of a prompted model."""
    try:
        decoded = decode(text, language_of(category))
    except Exception:
        return False, DECODER_FAILED
    return verdict(docs, decoded, ground_truth, category)


def relevance_verdict(text: str, category: str) -> tuple[bool, str | None]:
    """Success and error type in the relevance and irrelevance categories: is there a call at all?"""
    try:
        called = not FORMATS.is_empty_output(decode(text))
    except Exception:
        called = False
    if "irrelevance" in category:
        return not called, "irrelevance_error:decoder_success" if called else None
    return called, None if called else "relevance_error:decoder_failed"


def format_verdict(task_id: str, docs: Any, text: str, ground_truth: Any) -> tuple[bool, str | None]:
    """Success and error type of a raw answer in the category format_sensitivity (``format_sensitivity_runner``)."""
    _, configuration, row_id = task_id.split(":")
    returns, tagged, *_ = DECODING.parse_prompt_variation_params(configuration)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            decoded = DECODING.default_decode_ast_prompting(text, DECODING.ReturnFormat(returns), tagged)
    except Exception:
        return False, DECODER_FAILED
    return verdict(docs, decoded, ground_truth, row_id)


def format_entries(folder: Any) -> list[dict[str, Any]]:
    """The official entries of format_sensitivity; the data files are unpacked into ``folder``."""
    with zipfile.ZipFile(assets.fetch("bfcl")) as wheel:
        wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith("bfcl_eval/data/BFCL_v4_")])
    data = Path(folder) / "bfcl_eval" / "data"
    paths = {"PROMPT_PATH": data, "FORMAT_SENSITIVITY_IDS_PATH": data / "BFCL_v4_format_sensitivity.json"}
    with mock.patch.multiple(FORMATS, **paths):
        return list(FORMATS.load_dataset_entry("format_sensitivity"))
