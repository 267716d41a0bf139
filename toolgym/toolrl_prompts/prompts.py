"""The two prompts of a suite with rows of ToolRL, and which of them is shown."""

from __future__ import annotations

from typing import Literal, TypeAlias

from toolgym.dialects import Dialect

Prompt: TypeAlias = Literal["original", "dialect"]
"""The messages of the row, byte for byte; or messages in the dialect of the env, as in other suites."""


def choose_prompt(prompt: Prompt | None, dialect: Dialect) -> Prompt:
    """Resolve None: "original" for the dialect "toolrl", which the original prompt teaches; else "dialect".

    Raises ValueError for an unknown prompt, and for the original prompt in another dialect.
    """
    if prompt is None:
        return "original" if dialect.name == "toolrl" else "dialect"
    if prompt not in ("original", "dialect"):
        raise ValueError(f"prompt must be 'original' or 'dialect', got {prompt!r}")
    if prompt == "original" and dialect.name != "toolrl":
        raise ValueError(f"the original prompt teaches the dialect 'toolrl': with {dialect.name!r}, prompt='dialect'")
    return prompt
