"""The official multi-turn checker and executor, loaded from the pinned wheel, as oracles.

The official objects live in module globals for good, and some of what they work on is shared by all of them.
Each run here goes by a new model name, and finds the shared things as a new process does.
"""

from __future__ import annotations

import copy
import decimal
import json
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any

import bfcl_oracle
import mpmath

from toolgym.assets import read_member


def _load() -> tuple[Any, ...]:
    """The official modules; importing bfcl_oracle has put the wheel on the path."""
    import bfcl_eval.eval_checker.multi_turn_eval.func_source_code.long_context as long_context
    import bfcl_eval.eval_checker.multi_turn_eval.func_source_code.posting_api as posting_api
    import bfcl_eval.eval_checker.multi_turn_eval.multi_turn_checker as checker
    import bfcl_eval.eval_checker.multi_turn_eval.multi_turn_utils as execution

    return long_context, posting_api, checker, execution


long_context, posting_api, checker, execution = _load()

LIMIT = 20
"""The harness's limit of steps; the harness allows one step more."""

_SHARED = ("CREDIT_CARD_EXTENSION", "BOOKING_RECORD_EXTENSION", "LONG_WEATHER_EXTENSION")
_ORIGINALS = {name: copy.deepcopy(getattr(long_context, name)) for name in _SHARED}
_names = count()


@cache
def rows(category: str) -> dict[str, tuple[dict[str, Any], list[list[str]]]]:
    """id -> (the row, its accepted calls)."""
    found, golds = [
        [
            json.loads(line)
            for line in read_member("bfcl", f"bfcl_eval/data/{folder}BFCL_v4_{category}.json").splitlines()
        ]
        for folder in ("", "possible_answer/")
    ]
    return {row["id"]: (row, gold["ground_truth"]) for row, gold in zip(found, golds, strict=True)}


def as_harness(turns: list[list[list[str]]]) -> list[list[list[str]]]:
    """The part of these turns that the official harness lets a model play."""
    out = []
    for steps in turns:
        out.append(steps[: LIMIT + 1])
        if len(steps) > LIMIT:
            break
    return out


def verdict(row: dict[str, Any], gold: list[list[str]], turns: list[list[list[str]]]) -> tuple[bool, str | None]:
    """The official runner's success and error type for these decoded answers."""
    if len(turns) != len(gold):
        return False, "multi_turn:force_terminated"
    reset()
    decoded = [[step for step in steps if not execution.is_empty_execute_response(step)] for steps in turns]
    result = checker.multi_turn_checker(decoded, gold, row, row["id"].rsplit("_", 1)[0], f"m{next(_names)}")
    return result["valid"], None if result["valid"] else result["error_type"]


def results(row: dict[str, Any], calls: list[str]) -> list[str]:
    """The official executor's results of these calls, in order."""
    reset()
    name, category = f"m{next(_names)}", row["id"].rsplit("_", 1)[0]
    return list(
        execution.execute_multi_turn_func_call(
            calls, row["initial_config"], row["involved_classes"], name, row["id"], "long_context" in category
        )[0]
    )


def decode(text: str) -> list[str]:
    """A prompted model's text as calls, as the official handler decodes it. Raises whatever it raises."""
    return list(bfcl_oracle.DECODING.default_decode_execute_prompting(text))


def reset() -> None:
    """Drop all objects, and restore the state of the official modules that calls have changed."""
    for name in [name for name in vars(execution) if name.endswith("_instance")]:
        delattr(execution, name)
    for name in _SHARED:
        shared = getattr(long_context, name)
        shared.clear()
        shared.update(copy.deepcopy(_ORIGINALS[name]))
    for default in posting_api.TwitterAPI.post_tweet.__defaults__:
        default.clear()
    mpmath.mp.dps = 15
    decimal.getcontext().prec = 28


def as_turns(texts: list[Any], decoder: Callable[[Any], list[str]], n: int) -> list[list[list[str]]]:
    """A model's answers, in order, grouped into turns as the official harness does in a dialogue of n turns."""
    turns: list[list[list[str]]] = [[]]
    for text in texts:
        try:
            calls = decoder(text)
        except Exception:
            calls = []
        if not execution.is_empty_execute_response(calls):
            turns[-1].append(calls)
            if len(turns[-1]) > LIMIT:
                break
        elif len(turns) == n:
            break
        else:
            turns.append([])
    return turns


def system_prompt(docs: list[dict[str, Any]]) -> str:
    """The official system prompt for these functions."""
    from bfcl_eval.constants.default_prompts import DEFAULT_SYSTEM_PROMPT_FORMAT

    return str(bfcl_oracle.DECODING.formulate_system_prompt(DEFAULT_SYSTEM_PROMPT_FORMAT, docs))


def docs(row: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """The docs of the functions offered at first, and of the held-out functions (turn -> docs), as officially shown."""
    from bfcl_eval.constants.executable_backend_config import MULTI_TURN_FUNC_DOC_FILE_MAPPING as files

    offered = []
    for name in row["involved_classes"]:
        lines = read_member("bfcl", f"bfcl_eval/data/multi_turn_func_doc/{files[name]}").splitlines()
        offered += [json.loads(line) for line in lines]
    held_out = {
        turn: [doc for name in names for doc in offered if doc["name"] == name]
        for turn, names in row.get("missed_function", {}).items()
    }
    names = {doc["name"] for found in held_out.values() for doc in found}
    held_out = copy.deepcopy(held_out)
    rest = [doc for doc in offered if doc["name"] not in names]
    return bfcl_oracle.FORMATS._func_doc_language_specific_pre_processing(rest, row["id"]), held_out
