"""Faults that are injected into calls at run time. See README.md in this folder."""

from toolgym.wrappers.faults.kinds import GROUPS, KINDS, Kind
from toolgym.wrappers.faults.wrapper import Faulty

__all__ = ["GROUPS", "KINDS", "Faulty", "Kind"]
