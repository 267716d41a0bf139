"""The numbers of the ToolRL paper (arXiv 2504.13958, tables 1 to 5), in percent, by arm and model."""

from __future__ import annotations

MODELS = ("Qwen2.5-1.5B", "3B", "7B", "Llama-3.2-3B")
"""The models of the columns below."""

BFCL: dict[str, tuple[float | None, ...]] = {
    "raw": (19.41, 33.04, 41.97, 22.09),
    "sft-small": (40.21, 34.08, 34.08, 41.22),
    "sft-large": (40.67, 41.97, 36.53, 44.16),
    "sft-ppo": (42.95, 45.80, 42.02, 41.62),
    "sft-grpo": (40.93, 46.42, 39.25, 42.54),
    "ppo": (38.32, 51.15, 46.68, 42.98),
    "grpo": (46.20, 52.98, 58.38, 44.10),
    "length-fixed": (33.23, 48.89, None, 44.98),
    "length-dynamic": (28.51, 48.24, None, 43.15),
    "scale-equal": (39.47, 51.76, None, 42.47),
    "scale-two-stage": (38.85, 50.66, None, 41.33),
    "scale-dynamic": (45.71, 53.81, None, 46.85),
    "fine": (40.71, 52.06, None, 39.82),
    "intermediate": (37.65, 51.36, None, 38.62),
    "coarse": (36.72, 51.40, None, 35.95),
}
"""BFCL v3, overall. SFT (small) has nearly the same numbers for 3B and 7B in the paper: perhaps a mistake."""

APIBANK: dict[str, tuple[float, ...]] = {
    "raw": (30.65, 51.59, 62.48, 40.54),
    "sft-small": (53.60, 52.76, 50.59, 52.76),
    "sft-large": (47.07, 50.92, 47.07, 43.89),
    "sft-ppo": (57.12, 65.16, 63.15, 57.79),
    "sft-grpo": (61.31, 62.48, 54.10, 56.78),
    "ppo": (40.54, 57.62, 61.64, 55.78),
    "grpo": (63.15, 67.00, 64.66, 59.13),
}
"""API-Bank, overall."""

RELEVANCE: dict[str, tuple[float, float]] = {"grpo": (100.0, 56.44)}
"""Relevance and irrelevance of BFCL, for the first model only."""

BAMBOOGLE: dict[str, tuple[str, ...]] = {
    "raw": ("20.8 (0.61)", "52.0 (1.77)", "69.6 (1.42)", "34.4 (1.25)"),
    "grpo": ("44.0 (1.19)", "60.0 (1.32)", "72.0 (1.63)", "52.0 (0.89)"),
}
"""Accuracy by an LLM judge, and searches per question."""
