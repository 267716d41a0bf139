"""Tools of an API that an OpenAPI document describes.

from toolgym import Task, ToolCall, register
from toolgym.tools.openapi import OpenAPI

pets = OpenAPI("pets.json", only=["find_pets", "add_pet"])
task = Task.of("cats", "Which cats are there?", expected=[[ToolCall("find_pets", {"kind": "cat"})]])
register("Pets-v0", pets.env, tasks=[task])
"""

from __future__ import annotations

from toolgym.tools.openapi.api import OpenAPI

__all__ = ["OpenAPI"]
