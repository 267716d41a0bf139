"""Reads what a server's error means: the conversation is too long, try again, or give up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from toolgym.web import Failure, Response, retry_after

from .error_body import ServerError

_RETRIED = {408, 409, 425, 429}
_TOO_LONG_STATUSES = {400, 413, 422}
_LIMITS = ("max_completion_tokens", "max_tokens")
"""Fields of a request that limit the answer."""


class TooLong(Failure):
    """The conversation does not fit into the model's context."""


def failure(response: Response, status: int, error: ServerError) -> Failure:
    """The Failure that an error response stands for: a TooLong, or whether a retry is worthwhile.

    ``status``: of the error; a response with status 200 may hold an error that a gateway got.
    """
    place = response.headers.get("location")
    if 300 <= status < 400 and place:
        return Failure(f"HTTP {status}: the server redirects to {place}. Give the final address as base_url", False)
    what = f"HTTP {status}" if status == response.status else "the answer is not a chat completion but an error"
    reason = f"{what}: {error.message or response.text.strip()[:4000] or response.reason}"
    if status in _TOO_LONG_STATUSES and _is_too_long(error):
        return TooLong(reason, False)
    retried = (status in _RETRIED or not 200 <= status < 500) and not _is_out_of_credit(error)
    return Failure(reason, retried, retry_after(response.headers))


def shortened(body: Mapping[str, Any], status: int, error: ServerError) -> dict[str, Any] | None:
    """The request with a limit of tokens that fits beside the conversation, if that is what the server refused.

    The conversation itself fits then, and only the room that was asked for does not. Such an answer may still end by
    itself, or is cut off at the end of the context, as a local model's is.
    """
    sums = _sums(error.message) if status in _TOO_LONG_STATUSES else None
    field = next((name for name in _LIMITS if isinstance(body.get(name), int)), None)
    if sums is None or field is None or not 0 < sums.room < body[field]:
        return None
    return {**body, field: sums.room}


# The conversation is too long -----------------------------------------------------------------------

_TOO_LONG_CODES = re.compile(
    r"context_(length|window|size)_exceeded|exceed(ed)?_context_(size|length|window)(_error)?|contextwindowexceedederror"
    r"|(model_)?context_window_exceeded|prompt_too_long|input_too_long|tokens_limit_reached|max_context_length_exceeded"
)
_CONTEXT = r"(context|sequence|model)[ _-]?(length|size|window|limit)"
_EXCEEDS = r"(exceed\w*|longer than|larger than|greater than|too (long|large) for|does(n't| not) fit|over(flow\w*)?\b)"
_TOO_LONG = re.compile(
    "|".join(
        [
            rf"{_EXCEEDS}[^.;\n]{{0,80}}{_CONTEXT}",
            rf"{_CONTEXT}[^.;\n]{{0,40}}(has been |is |was |been )?exceed",
            r"maximum (context|prompt|input|sequence|model) length (is|of)( only)? \d",
            rf"{_CONTEXT} is only \d",
            r"too large for model with \d+ maximum context length",
            r"prompt (is )?too long|(input|prompt|conversation|request|messages?) (is|are) too long\b",
            r"input (token count|length|tokens?)\b[^.;\n]{0,40}exceeds? the (maximum|max)",
            r"prompt token count\b[^.;\n]{0,40}exceeds the limit",
            r"`?inputs`? (tokens \+ `?max_new_tokens`? must be <=|must have less than)",
            r"max_tokens must be at least 1, got -\d",
            r"exceeded model token limit",
            r"number of tokens in the prompt cannot exceed",
            r"tokens to keep from the initial prompt is greater than",
            r"reduce the length of the (messages|input|prompt)",
        ]
    ),
    re.IGNORECASE,
)
"""Errors of OpenAI, vLLM, SGLang, llama.cpp, Ollama, Anthropic, Gemini, TGI, Mistral, Cohere, xAI, Bedrock, ..."""
_TRAFFIC = re.compile(r"rate.?limit|quota|per[ _](minute|day|hour)|\b[tr]p[md]\b", re.IGNORECASE)
_ASKED_TOO_MUCH = re.compile(
    r"max_(completion_|new_|output_)?tokens\W[^.;\n]{0,80}?"
    r"(too (large|high|big)|cannot be (greater|larger|more)|must be (less|smaller|at most)|must not exceed|at most \d)",
    re.IGNORECASE,
)
"""The limit of tokens that was asked for is refused, not the conversation."""
_ECHO = re.compile(r"\binput(_value)?\s*=.*", re.DOTALL)
"""Validators repeat what was sent."""


class _Sums(msgspec.Struct, frozen=True):
    window: int
    taken: int
    """Tokens of the conversation."""

    @property
    def room(self) -> int:
        return self.window - self.taken


_COUNTS = [
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"maximum context length is (?P<window>\d+) tokens.{0,60}?requested (about )?(?P<total>\d+) tokens "
        r"\(.{0,120}?(?P<asked>\d+) (tokens )?(in|for) the (completion|output)",
        r"maximum context length is (?P<window>\d+) tokens.{0,60}?request has (?P<taken>\d+) input tokens",
        r"passed (?P<taken>\d+) input tokens.{0,120}?context length is only (?P<window>\d+)",
        r"maximum context length of (?P<window>\d+) tokens.{0,120}?(?P<taken>\d+) tokens from the input",
        r"exceed context limit: (?P<taken>\d+) \+ \d+ > (?P<window>\d+)",
        r"must be <= (?P<window>\d+)\. given: (?P<taken>\d+) `?inputs`? tokens",
    )
]


def _sums(message: str) -> _Sums | None:
    """The size of the context and of the conversation, if the message counts them."""
    for pattern in _COUNTS:
        if (match := pattern.search(message)) is not None:
            found = {name: int(value[:12]) for name, value in match.groupdict().items() if value}
            return _Sums(found["window"], found["taken"] if "taken" in found else found["total"] - found["asked"])
    return None


def _is_too_long(error: ServerError) -> bool:
    message = _ECHO.sub("", error.message)
    if any(_TOO_LONG_CODES.fullmatch(code.rpartition(".")[2]) for code in error.codes):
        return True
    if _TRAFFIC.search(f"{message} {' '.join(error.codes)}"):
        return False
    sums = _sums(message)
    if sums is not None and sums.room <= 0:
        return True
    return _TOO_LONG.search(message) is not None and _ASKED_TOO_MUCH.search(message) is None


# Nothing is left to pay with ------------------------------------------------------------------------

_NO_CREDIT_CODES = re.compile(
    r"insufficient_(quota|balance|credits?|funds)\w*|billing_\w+|exceeded_current_quota\w*|quota_exceeded|credits?_exhausted"
    r"|payment_required|access_terminated|account_deactivated"
)
_NO_CREDIT = re.compile(r"(insufficient|not enough|out of|no) (credit|balance|fund)|credit balance is too low", re.I)


def _is_out_of_credit(error: ServerError) -> bool:
    return any(map(_NO_CREDIT_CODES.fullmatch, error.codes)) or _NO_CREDIT.search(error.message) is not None
