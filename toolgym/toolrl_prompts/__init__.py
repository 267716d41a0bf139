"""Parses the prompts of ToolRL (its data, and its version of API-Bank) into tools and messages."""

from __future__ import annotations

from toolgym.toolrl_prompts.listing import read_tools
from toolgym.toolrl_prompts.prompts import Prompt, choose_prompt
from toolgym.toolrl_prompts.records import read_calls, read_messages

__all__ = ["Prompt", "choose_prompt", "read_calls", "read_messages", "read_tools"]
