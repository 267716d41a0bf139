"""BFCL's verdict on calls: equal to the official verdict, with its error types and quirks.

Written from the rules of bfcl_eval 2026.3.23 (``ast_checker``, ``eval_runner``); the tests compare the two. Quirks:

- A category counts as parallel if its name contains "parallel", else as multiple if it contains "multiple".
- Parallel calls are matched greedily, in the order of the accepted answers: the same correct calls can pass in one
  order and fail in another (parallel_178).
- Only the declared types of parameters are checked, one level deep.

If the official checker raises an exception (which stops the whole official evaluation), the verdict here is a failure
of the type ``toolgym:unscorable``. Known cases: an integer too large for a float; a number of more than 4,300 digits
in Java or JavaScript; "1n" and a line break for a Bigint; an element that is not a dict in an optional list of dicts.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from toolgym.types import Completion, Verdict

from .rules import Rule, Unscorable, rule

UNSCORABLE = "toolgym:unscorable"
DECODER_FAILED = "ast_decoder:decoder_failed"
WRONG_FORMAT = "ast_decoder:decoder_wrong_output_format"

_PASS = Verdict(True)


class Fault(msgspec.Struct, frozen=True, gc=False):
    """Why a call is not accepted."""

    error_type: str
    parameter: Any = None
    value: Any = None


class Answer:
    """One accepted call, with the rules of its parameters prepared."""

    def __init__(self, doc: Mapping[str, Any], accepted: Mapping[str, Any], language: str, underscore_to_dot: bool):
        (self.alternatives,) = accepted.values()
        self.language = language
        self.name: str = doc["name"].replace(".", "_") if underscore_to_dot else doc["name"]
        self.schemas: Mapping[str, Any] = doc["parameters"]["properties"]
        self.required: tuple[str, ...] = tuple(doc["parameters"]["required"])
        # An accepted parameter that the doc lacks has no rule: officially, giving it is an error (see unpassable.py).
        self.rules: dict[str, Rule] = {
            parameter: rule(self.schemas[parameter], alternatives, language)
            for parameter, alternatives in self.alternatives.items()
            if parameter in self.schemas
        }
        self._needed = tuple([key for key, alternatives in self.alternatives.items() if "" not in alternatives])

    def fault(self, call: Mapping[str, Mapping[str, Any]]) -> Fault | None:
        """The first fault of a call ``{name: {parameter: value}}``; None if it is accepted. Raises Unscorable."""
        # The official order of checks: it decides which error type a call with several faults gets.
        given = call.get(self.name)
        if given is None:
            return Fault("simple_function_checker:wrong_func_name", value=next(iter(call)))
        for parameter in self.required:
            if parameter not in given:
                return Fault("simple_function_checker:missing_required", parameter)
        rules = self.rules
        for parameter, value in given.items():
            accepts = rules.get(parameter)
            if accepts is None:
                return Fault("simple_function_checker:unexpected_param", parameter)
            error = accepts(value)
            if error is not None:
                return Fault(error, parameter, value)
        for parameter in self._needed:
            if parameter not in given:
                return Fault("simple_function_checker:missing_optional", parameter)
        return None

    def passes(self, call: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether the call is accepted."""
        try:
            return self.fault(call) is None
        except Unscorable:
            return False

    def accepts(self, parameter: str, value: Any) -> bool:
        """Whether the value is accepted for this parameter."""
        accepts = self.rules.get(parameter)
        try:
            return accepts is not None and accepts(value) is None
        except Unscorable:
            return False

    def explain(self, fault: Fault) -> str:
        """The reason text of a fault."""
        kind = fault.error_type.partition(":")[2]
        if kind == "wrong_func_name":
            return f"expected a call of {self.name!r}, got {_shown(fault.value)}"
        what = f"parameter {_shown(fault.parameter)}"
        if kind in ("missing_required", "missing_optional"):
            return f"{what} of {self.name!r} is missing"
        if kind == "unexpected_param":
            return f"{what} of {self.name!r} is not expected; expected {', '.join(self.rules) or 'none'}"
        got = f"got {_shown(fault.value)} ({type(fault.value).__name__})"
        if fault.error_type.startswith("type_error"):
            return f"{what}: expected type {_type_name(self.schemas[fault.parameter])}, {got}"
        return f"{what}: expected one of {_shown(self.alternatives[fault.parameter])}, {got}"


class Checker:
    """The accepted answer to one task, prepared to check any number of answers.

    Args:
        docs: the functions' docs as in the data (not as the model sees them).
        ground_truth: ``[{name: {parameter: [alternatives]}}, ...]``; the alternative "" makes a parameter optional.
        category: the test category; it decides the rules.
        underscore_to_dot: for models whose API refuses "." in names: "a_b" is then the name expected for "a.b".

    Raises ValueError if the docs or the ground truth contain something that the official checker does not know.
    """

    def __init__(
        self,
        docs: Sequence[Mapping[str, Any]],
        ground_truth: Sequence[Mapping[str, Any]],
        category: str,
        underscore_to_dot: bool = False,
    ):
        self.kind = "parallel" if "parallel" in category else "multiple" if "multiple" in category else "simple"
        by_name = {doc["name"]: doc for doc in reversed(docs)}  # reversed: of equal names the first doc counts
        language, self.answers = language_of(category), []
        for accepted in ground_truth:
            (name,) = accepted
            doc = docs[0] if self.kind == "simple" else by_name.get(name)
            if doc is None:
                raise ValueError(f"the ground truth calls {name!r}, which has no doc; there are {', '.join(by_name)}")
            self.answers.append(Answer(doc, accepted, language, underscore_to_dot))

    def check(self, calls: Any) -> Verdict:
        """The verdict on decoded calls, ``[{name: {parameter: value}}, ...]``. Never raises."""
        if not is_call_list(calls):
            return Verdict(False, "the answer is not a list of calls", WRONG_FORMAT)
        try:
            return self._parallel(calls) if self.kind == "parallel" else self._single(calls)
        except Unscorable as error:
            return Verdict(False, f"the official checker has no verdict on this: {error}", UNSCORABLE)

    def _single(self, calls: list[dict[str, dict[str, Any]]]) -> Verdict:
        if len(calls) != (1 if self.kind == "simple" else len(self.answers)):
            return self._wrong_count(calls, f"{self.kind}_function_checker:wrong_count")
        answer = self.answers[0]  # officially too only the first call is checked, also for "multiple"
        fault = answer.fault(calls[0])
        return _PASS if fault is None else Verdict(False, answer.explain(fault), fault.error_type)

    def _parallel(self, calls: list[dict[str, dict[str, Any]]]) -> Verdict:
        if len(calls) != len(self.answers):
            return self._wrong_count(calls, "parallel_function_checker_no_order:wrong_count")
        # Greedy, as officially: each accepted answer takes the first unused call that passes, and keeps it. A full
        # matching would pass more answers than the leaderboard does.
        left = list(range(len(calls)))
        for position, answer in enumerate(self.answers):
            fault: Fault | None = None
            for i in left:
                fault = answer.fault(calls[i])
                if fault is None:
                    left.remove(i)
                    break
            if fault is not None:
                reason = f"no call answers expected call {position + 1} ({answer.name}); the last one tried: "
                kind = "parallel_function_checker_no_order:cannot_find_match"
                return Verdict(False, reason + answer.explain(fault), kind)
        return _PASS

    def _wrong_count(self, calls: list[Any], kind: str) -> Verdict:
        wanted = "1 call" if len(self.answers) == 1 else f"{len(self.answers)} calls"
        return Verdict(False, f"expected {wanted}, got {len(calls)}", kind)


class Entry(msgspec.Struct, frozen=True, dict=True):
    """The part of a row that grading needs: a task's ``data``."""

    category: str
    docs: tuple[dict[str, Any], ...] = ()
    """The functions' docs as the official checker reads them."""
    ground_truth: tuple[dict[str, Any], ...] = ()
    """() in the relevance and irrelevance categories: there any call passes, or none does."""

    @property
    def language(self) -> str:
        """python, java or javascript."""
        return language_of(self.category)

    @cached_property
    def checker(self) -> Checker:
        """The Checker of this row, made at the first use."""
        return Checker(self.docs, self.ground_truth, self.category)


def check(
    docs: Sequence[Mapping[str, Any]],
    calls: Any,
    ground_truth: Sequence[Mapping[str, Any]],
    category: str,
    *,
    underscore_to_dot: bool = False,
) -> Verdict:
    """The official verdict on decoded calls, ``[{name: {parameter: value}}, ...]``.

    See Checker for the arguments. To check many answers to one task, make one Checker.
    """
    if "relevance" in category:
        return check_relevance(calls, category)
    return Checker(docs, ground_truth, category, underscore_to_dot).check(calls)


def check_relevance(calls: Any, category: str) -> Verdict:
    """Irrelevance passes without a call. Relevance passes with at least one call, of any function.

    ``calls`` are the decoded calls; a value that is not a list of calls (e.g. None) counts as no call.
    """
    called = is_call_list(calls) and bool(calls)
    if "irrelevance" in category:
        reason = f"expected no call, got one of {_shown(next(iter(calls[0])))}" if called else ""
        return Verdict(False, reason, "irrelevance_error:decoder_success") if called else _PASS
    return _PASS if called else Verdict(False, "expected a call, got none", "relevance_error:decoder_failed")


def grade(entry: Entry, completion: Completion, *, source_text: bool = False) -> Verdict:
    """The verdict on an action.

    If one call cannot be read, an official model handler fails on the whole answer, and so does this function: the
    error type is ``ast_decoder:decoder_failed``; in relevance and irrelevance the answer counts as no call. An action
    without calls fails in the same way.

    ``source_text`` ("pythonic", "compact"): the calls come from a copy of the official decoder, so errors inside them
    are ignored. If it found no calls and reports no ``problem``, the error is the wrong number of calls in Python, and
    the wrong format in Java and JavaScript.
    """
    calls = [{call.name: call.arguments} for call in completion.calls]
    if source_text:  # the decoder reads the whole text or fails: a call's own error is one that it does not see
        problem = None if calls else completion.problem
    else:
        problem = next((call.error for call in completion.calls if call.error is not None), None)
        problem = problem or (None if calls else "there is no call")
    if "relevance" in entry.category:
        return check_relevance(calls if problem is None else None, entry.category)
    if problem is not None:
        return Verdict(False, f"no calls could be read: {problem}", DECODER_FAILED)
    # the official Java and JavaScript decoders return None for text without a call, the Python decoder []
    return entry.checker.check(calls if calls or entry.language == "python" else None)


def is_call_list(decoded: Any) -> bool:
    """Whether this is a list of dicts, each with one key whose value is a dict. True for []."""
    if type(decoded) is not list:
        return False
    for call in decoded:
        if type(call) is not dict or len(call) != 1:
            return False
        for arguments in call.values():
            if type(arguments) is not dict:
                return False
    return True


def language_of(category: str) -> str:
    """The language in which a category's functions are documented."""
    return "javascript" if "javascript" in category else "java" if "java" in category else "python"


_LONGEST = 200
_short = reprlib.Repr()
_short.maxstring = _short.maxother = _LONGEST
_short.maxlist = _short.maxdict = 10


def _shown(value: Any) -> str:
    if type(value) is str and len(value) <= _LONGEST:
        return repr(value)
    try:
        return _short.repr(value)
    except (ValueError, RecursionError):  # an integer of more than 4,300 digits
        return "a value too long to show"


def _type_name(schema: Mapping[str, Any]) -> str:
    items = schema.get("items", {}).get("type")
    return f"{schema['type']} of {items}" if items else str(schema["type"])
