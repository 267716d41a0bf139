"""The official BFCL checker and decoder, loaded from the pinned wheel, as oracles.

``checker`` imports model_config, which imports every vendor's SDK for the sake of one boolean per model;
a stub stands in for it, with two models: "plain" and "dotless" (whose API refuses "." in names).
"""

from __future__ import annotations

import os
import sys
import tempfile
from types import ModuleType, SimpleNamespace
from typing import Any

from toolgym import assets

CRASH = "toolgym:unscorable"


def load() -> tuple[Any, Any, Any]:
    """The official modules: ast_checker, utils, and model_handler.utils (which needs tree-sitter and tenacity)."""
    wheel = str(assets.fetch("bfcl"))
    if wheel not in sys.path:
        sys.path.append(wheel)
    os.environ.setdefault("BFCL_PROJECT_ROOT", tempfile.mkdtemp(prefix="bfcl-"))
    stub = ModuleType("bfcl_eval.constants.model_config")
    models = {"plain": False, "dotless": True}
    stub.MODEL_CONFIG_MAPPING = {  # type: ignore[attr-defined]
        name: SimpleNamespace(underscore_to_dot=flag) for name, flag in models.items()
    }
    sys.modules.setdefault("bfcl_eval.constants.model_config", stub)
    import bfcl_eval.eval_checker.ast_eval.ast_checker as checker
    import bfcl_eval.model_handler.utils as decoding
    import bfcl_eval.utils as formats

    return checker, formats, decoding


CHECKER, FORMATS, DECODING = load()


def language_of(category: str) -> Any:
    language = CHECKER.Language
    return (
        language.JAVASCRIPT if "javascript" in category else language.JAVA if "java" in category else language.PYTHON
    )


def verdict(
    docs: Any, calls: Any, ground_truth: Any, category: str, underscore_to_dot: bool = False
) -> tuple[bool, str | None]:
    """Success and error type of decoded calls; where the checker raises, (False, CRASH)."""
    if not FORMATS.is_function_calling_format_output(calls):
        return False, "ast_decoder:decoder_wrong_output_format"
    model = "dotless" if underscore_to_dot else "plain"
    try:
        result = CHECKER.ast_checker(docs, calls, ground_truth, language_of(category), category, model)
    except Exception:
        return False, CRASH
    return result["valid"], None if result["valid"] else result["error_type"]


def text_verdict(docs: Any, text: str, ground_truth: Any, category: str) -> tuple[bool, str | None]:
    """Success and error type of a raw answer, as a prompted model's is scored."""
    formats = {
        "python": DECODING.ReturnFormat.PYTHON,
        "java": DECODING.ReturnFormat.JAVA,
        "javascript": DECODING.ReturnFormat.JAVASCRIPT,
    }
    try:
        decoded = DECODING.default_decode_ast_prompting(text, formats[language_of(category).value])
    except Exception:
        return False, "ast_decoder:decoder_failed"
    return verdict(docs, decoded, ground_truth, category)


def relevance_verdict(text: str, category: str) -> tuple[bool, str | None]:
    """The same where the question is whether there is a call at all."""
    try:
        called = not FORMATS.is_empty_output(DECODING.default_decode_ast_prompting(text))
    except Exception:
        called = False
    if "irrelevance" in category:
        return not called, "irrelevance_error:decoder_success" if called else None
    return called, None if called else "relevance_error:decoder_failed"
