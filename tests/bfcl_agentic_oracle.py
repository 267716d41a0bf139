"""The official harness for agentic categories, loaded from the pinned wheel, as an oracle: its loop of messages and
calls, the memory classes with their snapshot files, the verdict.

It is the harness's own code, from ``BaseHandler`` on, with a model that is a function from messages to a text.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import bfcl_multi_turn_oracle as multi_turn
import bfcl_oracle
import bfcl_vectors_oracle
import numpy as np

from toolgym.assets import read_member

Model = Callable[[list[dict[str, str]]], str]

_DATA = "bfcl_eval/data/"


def _load_file(path: Any, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
    """Replaces the harness's function, which cannot read files inside a wheel."""
    lines = read_member("bfcl", _DATA + str(path).partition(_DATA)[2]).splitlines()
    return [json.loads(line) for line in lines]


def _load() -> tuple[Any, Any, Any]:
    """The official modules. The stub of "overrides" suffices: the package only marks methods as final."""
    overrides = ModuleType("overrides")
    overrides.final = lambda method: method  # type: ignore[attr-defined]
    sys.modules.setdefault("overrides", overrides)
    bfcl_oracle.FORMATS.load_file = _load_file
    import bfcl_eval.model_handler.base_handler as loop
    from bfcl_eval.eval_checker.agentic_eval import agentic_checker
    from bfcl_eval.eval_checker.multi_turn_eval.func_source_code import memory_kv

    bfcl_vectors_oracle.load()
    return loop, agentic_checker, memory_kv


loop, checker, memory_kv = _load()


def _evaluation() -> Any:
    """``_evaluate_single_agentic_entry``; its module imports every vendor's SDK."""
    source = read_member("bfcl", "bfcl_eval/eval_checker/eval_runner.py")
    name = "_evaluate_single_agentic_entry"
    (found,) = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == name]
    known: dict[str, Any] = {
        "BaseHandler": loop.BaseHandler,
        "agentic_checker": checker.agentic_checker,
        "is_empty_execute_response": multi_turn.execution.is_empty_execute_response,
    }
    exec(compile(ast.Module([found], []), "eval_runner.py", "exec"), known)
    return known[name]


_evaluate = _evaluation()


class Handler(loop.BaseHandler):  # type: ignore[misc, name-defined]
    """A handler of a prompted model, written like the harness's handlers of chat models."""

    def __init__(self, model: Model):
        super().__init__("oracle", 0, "oracle", False)
        self.model = model
        self.seen: list[list[dict[str, str]]] = []
        """The messages of each query."""

    def decode_execute(self, result: Any, has_tool_call_tag: bool) -> list[str]:
        return list(bfcl_oracle.DECODING.default_decode_execute_prompting(result, has_tool_call_tag))

    def _query_prompting(self, inference_data: dict[str, Any]) -> tuple[str, float]:
        self.seen.append(copy.deepcopy(inference_data["message"]))
        return self.model(inference_data["message"]), 0.0

    def _pre_query_processing_prompting(self, test_entry: dict[str, Any]) -> dict[str, Any]:
        test_entry["question"][0] = bfcl_oracle.DECODING.system_prompt_pre_processing_chat_model(
            test_entry["question"][0], test_entry["function"], test_entry["id"]
        )
        return {"message": []}

    def _parse_query_response_prompting(self, api_response: str) -> dict[str, Any]:
        return {"model_responses": api_response, "input_token": 0, "output_token": 0}

    def add_first_turn_message_prompting(self, inference_data: dict[str, Any], first_turn_message: Any) -> Any:
        inference_data["message"].extend(first_turn_message)
        return inference_data

    _add_next_turn_user_message_prompting = add_first_turn_message_prompting

    def _add_assistant_message_prompting(self, inference_data: dict[str, Any], model_response_data: Any) -> Any:
        text = model_response_data["model_responses"]
        inference_data["message"].append({"role": "assistant", "content": text})
        return inference_data

    def _add_execution_results_prompting(self, inference_data: Any, execution_results: Any, data: Any) -> Any:
        shown = bfcl_oracle.DECODING.format_execution_results_prompting(inference_data, execution_results, data)
        inference_data["message"].append({"role": "user", "content": shown})
        return inference_data


def entries(category: str, folder: Path) -> dict[str, dict[str, Any]]:
    """id -> entry, as the harness plays it with results in ``folder``; includes the conversations of a memory."""
    found = bfcl_oracle.FORMATS.load_dataset_entry(category)
    bfcl_oracle.FORMATS.populate_initial_settings_for_memory_test_cases(found, folder)
    bfcl_oracle.FORMATS.populate_initial_settings_for_web_search_test_cases(found)
    return {entry["id"]: entry for entry in found}


def play(entry: dict[str, Any], model: Model) -> tuple[list[list[str]], list[list[dict[str, str]]]]:
    """The model's texts, turn by turn, and the messages of each query. A conversation's memory is written to a file."""
    multi_turn.reset()
    handler = Handler(model)
    with contextlib.redirect_stdout(io.StringIO()), np.printoptions(legacy="1.25"):  # prints like the pinned numpy 1.26
        texts, _ = handler.inference_multi_turn_prompting(copy.deepcopy(entry), False, True)
    return texts, handler.seen


def verdict(texts: list[list[Any]], answers: list[str], native: bool = False) -> tuple[bool, str | None]:
    """Success and error type of a question's episode. ``native``: the model receives tools outside the messages."""
    handler = Handler(lambda messages: "")
    if native:
        handler.decode_execute = lambda result, has_tool_call_tag: (  # type: ignore[method-assign]
            bfcl_oracle.DECODING.convert_to_function_call(result)
        )
    found = _evaluate(handler, "x", texts, answers, {"question": []}, "oracle", "memory_kv")
    return found["valid"], None if found["valid"] else found["error"]["error_type"]


def results(category: str, calls: list[str], folder: Path) -> list[str]:
    """The official executor's results of these calls on a new memory, in order."""
    multi_turn.reset()
    cls = f"MemoryAPI_{category.removeprefix('memory_')}"
    entry_id = f"{category}_prereq_0-customer-0"
    config = {cls: {"model_result_dir": folder, "scenario": "customer", "test_id": entry_id}}
    with np.printoptions(legacy="1.25"):
        found, _ = multi_turn.execution.execute_multi_turn_func_call(calls, config, [cls], "oracle", entry_id)
    return list(found)
