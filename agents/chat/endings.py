"""What the finish reason of an answer means, in the words of many servers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

Ending: TypeAlias = Literal["stop", "length", "content_filter", "refusal", "failed", "bad_call", "unknown"]

CALLED = re.compile("(tool|function)_(calls?|use)", re.IGNORECASE)
"""Finish reasons of an answer with calls."""
_BAD_CALL = re.compile(r"malformed(_\w+)?|(unexpected|too_many|invalid)_(tool|function)_\w+")
_WORDS: dict[Ending, str] = {
    "content_filter": """
        content_filter content_filtered content_filter_error filter filtered safety safety_filter unsafe block blocked
        blocklist content_blocked prompt_blocked prohibited prohibited_content recitation spii guardrail guardrails
        guardrail_intervened moderation moderated moderation_blocked sensitive sensitive_content toxic error_toxic
        policy content_policy content_policy_violation policy_violation usage_policy usage_policy_violation
        responsible_ai_policy_violation image_safety image_prohibited_content image_recitation image_other flagged
        model_armor other language unspecified finish_reason_unspecified""",
    "refusal": "refusal refused refuse model_refusal",
    "length": """
        length length_limit length_exceeded max_length max_len limit window max_token max_tokens max_tokens_reached
        max_tokens_exceeded max_output_tokens max_new_tokens max_completion_tokens max_output_length output_limit
        model_length model_max_length max_model_len max_seq_len max_context_length context_length
        context_length_exceeded context_limit context_limit_exceeded context_full context_window
        context_window_exceeded model_context_window_exceeded token_limit token_limit_reached token_limit_exceeded
        stopped_limit truncate truncated truncation incomplete repetition repetition_truncation budget token_budget
        thinking_budget budget_exceeded budget_exhausted pause_turn""",
    "stop": """
        stop stopped stop_sequence stop_token stop_token_id stop_word stop_words stop_str stop_string matched_stop
        stopped_word stopped_eos eos eos_token eos_token_id end_of_sequence eot eot_id eom eom_id im_end end ended
        end_turn turn_end end_of_turn end_of_text endoftext end_of_message message_end complete completed completion
        done finish finished success succeeded successful ok normal natural tool tools tool_call tool_calls tool_use
        tool_code function function_call function_calls function_use""",
}
"""Whole finish reasons of OpenAI, Azure, Anthropic, Gemini, Mistral, Cohere, Bedrock, vLLM, SGLang, Ollama, ...

Gemini stops with OTHER or LANGUAGE, and does not say more.
"""
_ENDINGS = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_FAILED = re.compile(
    "errors?|abort(ed)?|cancel(l?ed)?|fail(ed|ure)?|time|timeout|timed|deadline|insufficient|unavailable"
    "|disconnect(ed)?|interrupt(ed)?|(un|over)?load(ed)?|crash(ed)?|rate|throttled?|throttling|quota|retries|oom|memory"
    "|preempt(ed|ion)?|evict(ed|ion)?|gone|killed|terminated|shutdown|lost|closed|exception|busy|backend|server|network"
)
"""Each is a word in the finish reasons of servers that failed."""
_KNOWING: tuple[Ending, ...] = ("bad_call", "content_filter", "refusal", "length", "failed", "stop", "unknown")
"""Of two words, the ending that stands earlier here counts."""


def ending(reason: Any) -> Ending:
    """What a finish reason means. Servers write it in their own words: ``MAX_TOKENS``, ``end_turn``, ``SAFETY``, ...

    Only whole words of a table are known. A word that no table has is "unknown", and is no sign of a whole answer.
    """
    if not isinstance(reason, str):
        return "unknown"
    last = re.split(r"[.:]\s*(?=\w)", reason.strip()[:200])[-1]  # "FinishReason.STOP"
    spaced = re.sub("(?<=[a-z])(?=[A-Z])", "_", last)  # "endTurn"
    word = re.sub("[^a-z0-9]+", "_", spaced.lower()).strip("_")
    if _BAD_CALL.fullmatch(word):
        return "bad_call"
    if word in _ENDINGS:
        return _ENDINGS[word]
    return "failed" if any(map(_FAILED.fullmatch, word.split("_"))) else "unknown"


def ending_of(choice: Mapping[str, Any]) -> tuple[Ending, Any]:
    """The ending of a choice and the word for it: the server's own word if the other says nothing is amiss.

    OpenRouter gives the maker's word as ``native_finish_reason``; servers near Anthropic's and Ollama's APIs have other
    names for the field.
    """
    names = ("finish_reason", "native_finish_reason", "stop_reason", "done_reason", "finishReason")
    words = [choice[name] for name in names[:2] if choice.get(name)]
    words = words or [choice[name] for name in names[2:] if isinstance(choice.get(name), str)]
    found = [(ending(word), word) for word in words] or [("unknown", None)]
    return min(found, key=lambda each: _KNOWING.index(each[0]))
