"""Which of two prompts a suite with ToolRL's rows shows."""

from __future__ import annotations

from typing import Literal, TypeAlias

from toolgym.dialects import Dialect

Prompt: TypeAlias = Literal["original", "dialect"]
"""The row's own messages, byte for byte; or messages made as in other suites, in the env's dialect."""


def choose_prompt(prompt: Prompt | None, dialect: Dialect) -> Prompt:
    """The prompt meant; None is "original" in the dialect "toolrl", which that prompt teaches, and else "dialect".

    Raises ValueError for another word, or the original prompt in another dialect.
    """
    if prompt is None:
        return "original" if dialect.name == "toolrl" else "dialect"
    if prompt not in ("original", "dialect"):
        raise ValueError(f"prompt must be 'original' or 'dialect', got {prompt!r}")
    if prompt == "original" and dialect.name != "toolrl":
        raise ValueError(f"the original prompt teaches the dialect 'toolrl': with {dialect.name!r}, prompt='dialect'")
    return prompt
