"""Which kinds the study trains on, and which it holds out for the test."""

from __future__ import annotations

TRAINED = {
    "observation": ("typos", "paraphrase_tools"),
    "action": ("twin_no_parameters", "twin_no_description", "twin_job"),
    "metadata": ("misleading_number", "response_time_number"),
}
HELD_OUT = {
    "observation": ("paraphrase_request", "paraphrase_parameters"),
    "action": ("twin_empty", "twin_parameters", "redundant"),
    "metadata": ("misleading_suffix", "misleading_short", "response_time_suffix", "response_time_short"),
}
"""Every group has kinds on both sides. Tools that share a name are told apart by other patterns than in training."""
TRAINED_FAULTS = ("timeout", "http_5xx")
HELD_OUT_FAULTS = ("http_429", "malformed_json", "http_auth", "schema_drift")
"""Faults of calls. Only the arm "faulty" meets any in training."""
UNSEEN_BY_TINY = ("paraphrase_tools", "paraphrase_parameters")
"""Kinds that change descriptions alone, which the tiny suite does not show."""


def only_seen(kinds: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The kinds that change what the tiny suite shows."""
    return {group: tuple(kind for kind in each if kind not in UNSEEN_BY_TINY) for group, each in kinds.items()}
