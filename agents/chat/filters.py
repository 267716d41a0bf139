"""Reads whether an error of a server is the verdict of a content filter about a prompt or an answer."""

from __future__ import annotations

import re
from typing import Any

from .error_body import CODES, MESSAGES, objects

_VERDICTS = {400, 403, 422}
"""Statuses of errors that may be a filter's verdict; any other is about the server, the account or the traffic."""
_FILTER_CODE = re.compile(
    "(output|input|prompt)?content_?filter(ed|_blocked|_triggered|_error)?|(content|usage|safety|cyber)?_?policy_?violation(error)?"
    "|content_?policy_?(violation)?(error)?|responsible_?ai_?policy_?violation|invalid_?prompt|data_?inspection_?failed"
    "|(moderation|safety|prompt|input|content|request)_?(blocked|flagged|violation|rejected)|content_?exists_?risk"
    "|(unsafe|sensitive|inappropriate|flagged|prohibited|harmful)_?(content|input|prompt|words)"
)
"""Codes of a verdict, in lower case and with ``_`` for other marks."""
_TOPIC = (
    r"content[ _-]?filter|content (management )?polic|responsible.?ai|moderation|\bsafety\b|usage (polic|guideline)"
    r"|acceptable use|data.?inspection|guardrail|our polic"
)
_VERB = r"\b(block|filter|flag|reject|refus|stopp|trigger|violat|caught|disallow|prohibit)\w*"
_WORDS = re.compile(
    rf"({_VERB}[^.\n]{{0,120}}({_TOPIC}))|(({_TOPIC})[^.\n]{{0,120}}{_VERB})"
    r"|\b(prompt|input|request|content|output|response|message|text|completion)s?\b[^.\n]{0,60}\bflagged\b"
    r"|\b(inappropriate|harmful|unsafe|sensitive|prohibited) content\b|content exists risk"
    r"|(content|responsible_?ai)_?policy_?violation|['\"]code['\"]: ?['\"]content_filter['\"]",
    re.IGNORECASE,
)
"""Words of a verdict."""
_NOT_THE_POLICY = re.compile(
    r"\b(account|organi[sz]ation|project|api key|access|subscription|workspace|ip( address)?|user|team|billing)\b"
    r"[^.\n]{0,40}\b(has been|have been|was|were|is|are|got) (\w+ )?"
    r"(flag|block|suspend|deactivat|disabl|terminat|bann|restrict|limit|reject|refus)"
    r"|(unknown|unrecogni[sz]ed|unsupported|invalid|unexpected|missing|no such) "
    r"(\w+ )?(model|parameter|argument|field|property|key|value|option|header|url|deployment)"
    r"|extra (inputs|fields)|not permitted|does not exist|not found|not (available|configured|enabled)|unavailable"
    r"|timed? ?out|\b(is|are) down\b|overloaded|internal error|unreachable|could not (be )?(reach|connect|load)",
    re.IGNORECASE,
)
"""Words about the account, the request's fields or the server, in errors that name a filter too."""
_ACCOUNT_CODE = re.compile(r"(account|access|organi[sz]ation|user|key)_\w+|\w*_(parameter|argument|model|api_key)")


def is_filtered(status: int, error: Any) -> bool:
    """Whether an error says that a filter stopped the prompt or the answer.

    ``status``: of the response; ``error``: the decoded body. Each status that the body gives counts too. Codes decide
    before words do, and words about the account, a field of the request or a failing filter are no verdict.
    """
    if not may_be_a_verdict(status, error):
        return False
    parts = list(objects(error))
    codes = [_plain(part[name]) for part in parts for name in (*CODES, "error") if isinstance(part.get(name), str)]
    if any(map(_ACCOUNT_CODE.fullmatch, codes)):
        return False
    if any(map(_FILTER_CODE.fullmatch, codes)) or any("flagged_input" in part for part in parts):
        return True
    said = [part[name][:2000] for part in parts for name in MESSAGES if isinstance(part.get(name), str)]
    return any(map(_WORDS.search, said)) and not any(map(_NOT_THE_POLICY.search, said))


def may_be_a_verdict(status: int, error: Any) -> bool:
    """Whether an error is about the prompt or the answer, as far as its statuses tell."""
    found = [] if 200 <= status < 300 else [status]
    for part in objects(error):
        for name in ("code", "status", "status_code", "statusCode"):
            value = part.get(name)
            number = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{3}", value) else value
            if isinstance(number, int) and 400 <= number < 600:
                found.append(number)
    return _VERDICTS.issuperset(found)


def _plain(code: str) -> str:
    return re.sub("[^a-z0-9]+", "_", code[:200].lower()).strip("_")
