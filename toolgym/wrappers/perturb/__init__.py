"""Perturbations of what a policy sees: see README.md."""

from toolgym.wrappers.perturb.kinds import GROUPS, KINDS
from toolgym.wrappers.perturb.perturbation import Perturbation
from toolgym.wrappers.perturb.view import Change
from toolgym.wrappers.perturb.wrapper import Perturbed, changes, left_out

__all__ = ["GROUPS", "KINDS", "Change", "Perturbation", "Perturbed", "changes", "left_out"]
