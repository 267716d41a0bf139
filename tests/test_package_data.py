"""A wheel has every file that the code reads."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOL = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]


def _folder(package):
    """The folder of a package."""
    for name in sorted(TOOL["package-dir"], key=len, reverse=True):
        if package == name or package.startswith(f"{name}."):
            return ROOT / TOOL["package-dir"][name] / package[len(name) + 1 :].replace(".", "/")
    raise AssertionError(package)


def test_every_data_file_is_packaged():
    packaged = {
        path
        for package in TOOL["packages"]
        for pattern in TOOL["package-data"]["*"] + TOOL["package-data"].get(package, [])
        for path in _folder(package).glob(pattern)
    }
    on_disk = {
        path
        for room in ("toolgym", "envs", "agents")
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".md")
    }
    assert on_disk == packaged


def test_every_pattern_of_package_data_matches_a_file():
    for package, patterns in TOOL["package-data"].items():
        for pattern in patterns if package != "*" else ():
            assert any(_folder(package).glob(pattern)), (package, pattern)
