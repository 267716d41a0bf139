"""The text format of ToolRL's prompts (its data, and its version of API-Bank): tools and dialogues, read as such."""

from __future__ import annotations

from toolgym.rlla.listing import read_tools
from toolgym.rlla.prompts import Prompt, choose_prompt
from toolgym.rlla.records import read_calls, read_messages

__all__ = ["Prompt", "choose_prompt", "read_calls", "read_messages", "read_tools"]
