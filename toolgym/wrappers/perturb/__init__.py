"""Perturbations of what a policy sees: see README.md."""

from toolgym.wrappers.perturb.kinds import GROUPS, KINDS
from toolgym.wrappers.perturb.perturbation import Perturbation
from toolgym.wrappers.perturb.view import Change
from toolgym.wrappers.perturb.wrapper import Perturbed, changes

__all__ = ["GROUPS", "KINDS", "Change", "Perturbation", "Perturbed", "changes"]
