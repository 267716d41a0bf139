"""Gymnasium environments for tool use by language models, and a trainer for them.

import gymnasium as gym, toolgym
env = gym.make("ToolGym-BFCL-v0", category="simple_python")
"""

from __future__ import annotations

from pathlib import Path

from toolgym.env import ToolEnv
from toolgym.registry import register, register_suites
from toolgym.rewards import Rubric
from toolgym.rollout import Agent, AgentError, ContextFull, evaluate, rollout
from toolgym.tasks import Task
from toolgym.tools import Tool, ToolUnavailable, tool, tools_of
from toolgym.types import RewardBreakdown, ToolCall, ToolResult, Trajectory
from toolgym.vector import ToolVectorEnv

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "AgentError",
    "ContextFull",
    "RewardBreakdown",
    "Rubric",
    "Task",
    "Tool",
    "ToolCall",
    "ToolEnv",
    "ToolResult",
    "ToolUnavailable",
    "ToolVectorEnv",
    "Trajectory",
    "evaluate",
    "register",
    "rollout",
    "tool",
    "tools_of",
]

# envs/ and agents/ stand beside this folder and install as toolgym.envs and toolgym.agents; in a bare
# checkout nothing has mapped them yet, so look for them next door.
_root = Path(__file__).resolve().parent.parent
if (_root / "pyproject.toml").is_file() and (_root / "envs").is_dir() and str(_root) not in __path__:
    __path__.append(str(_root))

register_suites()
