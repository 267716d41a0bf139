"""The operations of an OpenAPI document as tools: names, arguments, and the request that a call becomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from toolgym.tools.credentials import sendable
from toolgym.tools.openapi.document import Document
from toolgym.tools.openapi.serialise import in_header, in_path, in_query, scalar
from toolgym.tools.sessions import Refusal

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
READING = frozenset({"get", "head", "options", "trace"})
_NOT_PARAMETERS = {"accept", "content-type", "authorization"}
"""Headers that OpenAPI does not count as parameters."""
_TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""Types of bodies, the preferred ones first."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation."""

    argument: str
    """Its name as an argument of the tool."""
    name: str
    place: str
    """path, query, header or cookie."""
    about: Mapping[str, Any]

    @property
    def style(self) -> str:
        return str(self.about.get("style") or {"query": "form", "cookie": "form"}.get(self.place, "simple"))

    @property
    def explode(self) -> bool:
        return bool(self.about.get("explode", self.style in ("form", "deepObject")))

    def value(self, given: Any) -> Any:
        """The value as it is written: JSON text if the parameter has a media type instead of a schema."""
        return json.dumps(given, ensure_ascii=False) if "content" in self.about else given


@dataclass(frozen=True)
class Request:
    """An HTTP request without its server."""

    method: str
    path: str
    query: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


class Operation:
    """One operation: a method of a path."""

    def __init__(
        self, document: Document, path: str, method: str, item: Mapping[str, Any], hidden: frozenset[tuple[str, str]]
    ):
        self.document = document
        self.path = path
        self.method = method
        self._item = item
        self._hidden = hidden
        self.about: dict[str, Any] = item[method]
        named = self.about.get("operationId")
        self.name = named if isinstance(named, str) and named else f"{method}{path}"
        texts = [self.about.get("summary"), self.about.get("description")]
        texts = texts if any(texts) else [item.get("summary"), item.get("description")]
        told = "\n".join(dict.fromkeys(str(text).strip() for text in texts if text))
        self.description = told or f"{method.upper()} {path}"

    @cached_property
    def parameters(self) -> list[Parameter]:
        """Those that the model gives. Raises ValueError for a reference that leads nowhere."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for owner in (self._item, self.about):
            for each in owner.get("parameters") or ():
                about = self.document.resolved(each)
                place, name = str(about.get("in")), str(about.get("name"))
                key = place, name.lower() if place == "header" else name
                if place in ("path", "query", "header", "cookie") and not (
                    place == "header" and name.lower() in _NOT_PARAMETERS
                ):
                    found[key] = about
        out: list[Parameter] = []
        taken: set[str] = set()
        for key, about in found.items():
            if key in self._hidden:
                continue
            name = argument = str(about["name"])
            if argument in taken:
                argument = f"{name}_{key[0]}"
            number = 1
            while argument in taken:
                number += 1
                argument = f"{name}_{key[0]}_{number}"
            taken.add(argument)
            out.append(Parameter(argument, name, key[0], about))
        return out

    @cached_property
    def body(self) -> tuple[str, str, Mapping[str, Any], bool] | None:
        """The argument, the type, its media type object, and whether it is required; None without a body."""
        if "requestBody" not in self.about:
            return None
        about = self.document.resolved(self.about["requestBody"])
        content = about.get("content")
        if not isinstance(content, dict) or not content:
            return None
        kind = next((kind for wanted in _TYPES for kind in content if _bare(kind) == wanted), None)
        kind = kind or next((kind for kind in content if _bare(kind).endswith("+json")), None) or next(iter(content))
        media = content[kind] if isinstance(content[kind], dict) else {}
        argument = "body"
        while argument in {each.argument for each in self.parameters}:
            argument += "_"
        return argument, kind, media, about.get("required") is True

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments: one for each parameter, and "body". Raises ValueError."""
        schemas: dict[str, Any] = {}
        required = []
        for each in self.parameters:
            about = each.about
            content = about.get("content")
            media = next(iter(content.values()), {}) if isinstance(content, dict) else about
            shown = dict(_object(media.get("schema") if isinstance(media, dict) else {}))
            for word in ("description", "deprecated", "example"):
                if word in about and word not in shown:
                    shown[word] = about[word]
            schemas[each.argument] = shown
            if about.get("required") is True or each.place == "path":
                required.append(each.argument)
        if (body := self.body) is not None:
            argument, kind, media, needed = body
            schema = dict(_object(media.get("schema")))
            if not _is_json(kind) and not schema:
                schema = {"type": "string"}
            schemas[argument] = {"description": f"The body of the request, {_bare(kind)}.", **schema}
            if needed:
                required.append(argument)
        properties, definitions = self.document.inlined(schemas)
        out: dict[str, Any] = {"type": "object", "properties": properties}
        if required:
            out["required"] = required
        if definitions:
            out["$defs"] = definitions
        return out

    def request(self, arguments: Mapping[str, Any]) -> Request:
        """The request for a call. Raises Refusal for arguments that no request can carry."""
        path, query, cookies = self.path, list[str](), list[str]()
        headers: dict[str, str] = {}
        for each in self.parameters:
            if each.argument not in arguments:
                continue
            value = each.value(arguments[each.argument])
            if each.place == "path":
                written = in_path(each.name, value, each.style, each.explode)
                if written in ("", ".", ".."):
                    raise Refusal(f"{each.argument}: {scalar(value)!r} cannot stand in the path {self.path}")
                path = path.replace("{" + each.name + "}", written)
            elif each.place == "query":
                query += in_query(each.name, value, each.style, each.explode, bool(each.about.get("allowReserved")))
            elif each.place == "cookie":
                cookies += in_query(each.name, value, "form", each.explode)
            elif value is not None:
                headers[each.name] = in_header(value, each.explode)
                if not sendable(headers[each.name]):
                    raise Refusal(f"{each.argument}: a header holds one line of Latin-1")
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        body = None
        if (about := self.body) is not None and about[0] in arguments:
            argument, kind, media, _ = about
            headers["Content-Type"], body = _encoded(arguments[argument], kind, media)
        return Request(self.method.upper(), path, "&".join(query), headers, body)


def operations(document: Document, hidden: frozenset[tuple[str, str]]) -> Iterator[Operation]:
    """All operations.

    ``hidden``: (place, name) of the parameters that the author gives; names of headers in lower case.

    Raises ValueError for a path that is a reference which leads nowhere.
    """
    for path, item in document.content.get("paths", {}).items():
        if path.startswith("/"):
            found = document.resolved(item)
            found = {**found, **{key: value for key, value in item.items() if key != "$ref"}}
            for method in METHODS:
                if isinstance(found.get(method), dict):
                    yield Operation(document, path, method, found, hidden)


def _object(schema: Any) -> Mapping[str, Any]:
    return schema if isinstance(schema, dict) else {"not": {}} if schema is False else {}


def _bare(kind: str) -> str:
    return kind.partition(";")[0].strip().lower()


def _is_json(kind: str) -> bool:
    return _bare(kind) == "application/json" or _bare(kind).endswith("+json")


def _encoded(value: Any, kind: str, media: Mapping[str, Any]) -> tuple[str, bytes]:
    """The type and the bytes of a body."""
    bare = _bare(kind)
    encodings = media.get("encoding")
    encodings = encodings if isinstance(encodings, dict) else {}
    if bare == "application/x-www-form-urlencoded" and isinstance(value, Mapping):
        parts: list[str] = []
        for name, item in value.items():
            how = _object(encodings.get(name))
            parts += in_query(name, item, str(how.get("style") or "form"), how.get("explode"))
        return bare, "&".join(parts).encode()
    if bare == "multipart/form-data" and isinstance(value, Mapping):
        return _multipart(value, encodings)
    if _is_json(kind) or not isinstance(value, str):
        return bare if "*" not in bare else "application/json", json.dumps(value, allow_nan=False).encode()
    return (bare if "*" not in bare else "text/plain"), value.encode("utf-8", "replace")


def _multipart(value: Mapping[str, Any], encodings: Mapping[str, Any]) -> tuple[str, bytes]:
    parts = []
    for name, item in value.items():
        for each in item if isinstance(item, (list, tuple)) else [item]:
            text = scalar(each)
            kind = str(_object(encodings.get(name)).get("contentType") or "").partition(",")[0].strip()
            kind = kind or ("text/plain" if isinstance(each, (str, int, float)) else "application/json")
            escaped = name.replace("\\", "\\\\").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
            if not sendable(kind):
                kind = "text/plain"
            head = f'Content-Disposition: form-data; name="{escaped}"\r\nContent-Type: {kind}\r\n\r\n'
            parts.append(head.encode("utf-8", "replace") + text.encode("utf-8", "replace"))
    boundary = "toolgym-" + hashlib.sha256(b"".join(parts)).hexdigest()[:32]  # cannot be guessed into a part
    lines = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return f"multipart/form-data; boundary={boundary}", lines + b"--" + boundary.encode() + b"--\r\n"
