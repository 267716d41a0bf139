"""Gymnasium wrappers for ToolEnvs."""

from toolgym.wrappers.discrete.env import DiscreteTools
from toolgym.wrappers.subset import OnlyTasks, split_tasks

__all__ = ["DiscreteTools", "OnlyTasks", "split_tasks"]
