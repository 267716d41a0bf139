"""One answer of an endpoint agent, with or without threads."""

from __future__ import annotations

import asyncio

import pytest

from toolgym.agents.endpoint import AsyncEndpoint, Endpoint
from toolgym.types import FrozenDict, message

HELLO = FrozenDict(messages=(message("user", "Hello!"),), tools=())
KEY = "sk-very/secret+key=1"
BOTH = pytest.mark.parametrize("kind", [Endpoint, AsyncEndpoint])
"""Runs a test with both agents."""


def ask(kind, url, observation=HELLO, **settings):
    """One answer of an agent that does not wait between tries."""
    agent = kind("tiny", url, "TEST_KEY", **{"sleep": lambda seconds: None, "timeout": 10, **settings})
    return asyncio.run(agent.act(observation)) if kind is AsyncEndpoint else agent.act(observation)
