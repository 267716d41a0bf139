"""A catalogue entry: a function that is described but never run, and the requests that ask for it."""

from __future__ import annotations

from typing import Any

import msgspec

from .values import Maker


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a function.

    ``maker``: its JSON schema and its values. ``required``: as in the schema; a call has an optional parameter only if
    the request mentions it. ``other_names``: names that a task may show instead.
    """

    name: str
    maker: Maker
    description: str
    required: bool = True
    other_names: tuple[str, ...] = ()


class Function(msgspec.Struct, frozen=True):
    """A function of the catalogue.

    ``requests``: at least four templates (``toolgym.tasks.grammar``), each a whole request for one call. Each mentions
    every required parameter outside square brackets, ``{base}``, and optional ones inside, ``[ in {unit}]``. The last
    template is for test, the one before it for val.
    ``joint_requests``: requests for several calls in one sentence, as pairs (frame, part). The frame has the slot
    ``{each}``; the part is written once per call and mentions every required parameter.
    ``other_names``, ``other_descriptions``: a task may show one of them instead.
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    requests: tuple[str, ...]
    joint_requests: tuple[tuple[str, str], ...] = ()
    other_names: tuple[str, ...] = ()
    other_descriptions: tuple[str, ...] = ()

    def schema(self, names: dict[str, str]) -> dict[str, Any]:
        """JSON schema of the arguments; ``names`` maps each parameter's name to the name that the task shows."""
        return {
            "type": "object",
            "properties": {names[p.name]: {**p.maker.schema, "description": p.description} for p in self.parameters},
            "required": [names[p.name] for p in self.parameters if p.required],
        }
