"""Gymnasium wrappers for ToolEnvs."""

from toolgym.wrappers.discrete.env import DiscreteTools
from toolgym.wrappers.faults.wrapper import Faulty
from toolgym.wrappers.perturb.wrapper import Perturbed
from toolgym.wrappers.subset import OnlyTasks, split_tasks

__all__ = ["DiscreteTools", "Faulty", "OnlyTasks", "Perturbed", "split_tasks"]
