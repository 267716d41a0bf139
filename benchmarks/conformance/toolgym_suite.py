"""The module that a user of verifiers writes."""

from toolgym.exports.verifiers import ToolGymEnv, ToolGymHarness, ToolGymTaskset

__all__ = ["ToolGymEnv", "ToolGymHarness", "ToolGymTaskset"]
