"""Keeps out of the log what a command prints itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def told_by_the_command(name: str = "toolgym.rollout") -> Iterator[None]:
    """Inside, the logger ``name`` gives errors only; ``evaluate`` warns of what left the score with the default one."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
