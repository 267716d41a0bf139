"""A catalogue entry: a function that is described but never run, and the requests that ask for it."""

from __future__ import annotations

from typing import Any

import msgspec

from .values import Maker


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a function.

    ``maker``: its JSON schema and its values. ``required``: as in the schema; a call has an optional parameter only if
    the request mentions it. ``other_names``, ``other_descriptions``: a task may show one of them instead.
    ``default``: what the schema gives as the default, if anything. ``members``: of an object, or of each one in a list.
    """

    name: str
    maker: Maker
    description: str
    required: bool = True
    other_names: tuple[str, ...] = ()
    other_descriptions: tuple[str, ...] = ()
    default: Any = msgspec.UNSET
    members: tuple[Parameter, ...] = ()

    def schema(self, names: dict[str, str], words: int = 0) -> dict[str, Any]:
        """Its JSON schema. ``names``: as in Function.schema. ``words``: the place of the description to show."""
        schema = dict(self.maker.schema)
        if self.members:
            inner = _object([(names[f"{self.name}.{m.name}"], m, m.schema(names, words)) for m in self.members])
            schema = {**schema, "items": inner} if schema["type"] == "array" else inner
        descriptions = (self.description, *self.other_descriptions)
        schema["description"] = descriptions[words % len(descriptions)]
        if self.default is not msgspec.UNSET:
            schema["default"] = self.default
        return schema


class Function(msgspec.Struct, frozen=True):
    """A function of the catalogue.

    ``requests``: at least four templates (``toolgym.tasks.grammar``), each a whole request for one call. Each mentions
    every required parameter outside square brackets, ``{base}``, and optional ones inside, ``[ in {unit}]``. The last
    template is for test, the one before it for val.
    ``joint_requests``: requests for several calls in one sentence, as pairs (frame, part). The frame has the slot
    ``{each}``; the part is written once per call and mentions every required parameter.
    ``spread``: whole requests for several calls. ``{city+}`` lists every call's own city, ``{nights}`` holds for all.
    ``incomplete``: whole requests that lack a required parameter, so that nothing can be called. At least three; the
    last is for test, the one before it for val.
    ``other_names``, ``other_descriptions``: a task may show one of them instead.
    ``prefixes``: what may stand before the name, as in ``music_player.play_song``.
    ``alike``: functions, as "field.name", that could do what the requests ask; a task never offers both.
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    requests: tuple[str, ...]
    joint_requests: tuple[tuple[str, str], ...] = ()
    spread: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    other_descriptions: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()

    def schema(self, names: dict[str, str], words: int = 0) -> dict[str, Any]:
        """JSON schema of the arguments.

        ``names`` maps the name of each parameter, and "parameter.member" of each member, to the name that the task
        shows. ``words``: which of the descriptions of each parameter to show.
        """
        return _object([(names[p.name], p, p.schema(names, words)) for p in self.parameters])


def _object(properties: list[tuple[str, Parameter, dict[str, Any]]]) -> dict[str, Any]:
    """The schema of an object, from (shown name, parameter, schema) of each property."""
    return {
        "type": "object",
        "properties": {name: schema for name, _, schema in properties},
        "required": [name for name, parameter, _ in properties if parameter.required],
    }
