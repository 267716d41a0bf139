"""The figures of RobustBench-TC and ToolRL-DR (arXiv 2605.11928), from its abstract and model card."""

from __future__ import annotations

LOST = {"observation": "under 5 %", "action": "between", "metadata": "about 40 %", "transition": "about 30 %"}
"""Group -> what 21 models of 1.5B to 32B lose of their clean accuracy under it."""
SAID = (
    "Paper (arXiv 2605.11928): 21 models of 1.5B to 32B lose under 5 % of their clean accuracy under observation "
    "kinds, about 40 % under misleading metadata, about 30 % under transition faults, and action kinds between. "
    "ToolRL-DR, 3B, keeps about three quarters of its clean accuracy, and closes about 27 % of the transition gap on "
    "kinds that it was not trained on."
)
