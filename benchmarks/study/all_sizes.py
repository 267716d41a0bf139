"""The study's sizes by name."""

from __future__ import annotations

from .laptop import LAPTOP
from .sizes import GPU, TINY

SIZES = {"tiny": TINY, "laptop": LAPTOP, "gpu": GPU}
