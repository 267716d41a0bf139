"""An OpenAPI document: read from a file or an address, its references, its schemas, its server."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from toolgym.secrets import shown_url
from toolgym.tools.references import target
from toolgym.tools.remote import readable_name
from toolgym.tools.standard import LISTS, MAPS, SCHEMAS
from toolgym.tools.unavailable import ToolUnavailable
from toolgym.web import Connections, Failure, wait_for

MOST_BYTES = 50_000_000
_MOST_NODES = 2_000_000
_DEEPEST = 200
_MOST_STEPS = 50
"""References that lead to references."""


def is_address(source: str | Path | Mapping[str, Any]) -> bool:
    """Whether a document has to be fetched."""
    return isinstance(source, str) and source.startswith(("http://", "https://"))


class Document:
    """An OpenAPI document, of version 3.0, 3.1 or 3.2.

    Raises ValueError for anything else, ToolUnavailable if its address cannot be read.
    """

    def __init__(self, source: str | Path | Mapping[str, Any]):
        self.url = str(source) if is_address(source) else None
        self.name = name_of(source)
        content = _read(source, self.url) if not isinstance(source, Mapping) else source
        plain = _plain(content, [_MOST_NODES], 0)
        version = plain.get("openapi") if isinstance(plain, dict) else None
        if not isinstance(version, str) or not version.startswith("3."):
            old = isinstance(plain, dict) and "swagger" in plain
            hint = "; convert Swagger 2.0 to OpenAPI 3 first" if old else ""
            raise ValueError(f"{self.name} is not a document of OpenAPI 3{hint}")
        if not isinstance(plain.get("paths", {}), dict):
            raise ValueError(f"{self.name}: paths is not an object")
        self.content: dict[str, Any] = plain

    def server(self, wanted: str | None) -> str:
        """The address of the API: ``wanted``, or the document's first server.

        Raises ValueError if there is none, and if a document of one host names a server of another host: the requests,
        with their keys, would go to a place that nobody has chosen.
        """
        if wanted is not None:
            return _checked(wanted, self.name)
        servers = self.content.get("servers")
        first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
        address = str(first.get("url", "/"))
        for name, about in (first.get("variables") or {}).items():
            if isinstance(about, dict):
                address = address.replace("{" + name + "}", str(about.get("default", "")))
        if self.url is None:
            if not address.startswith(("http://", "https://")):
                raise ValueError(f"{self.name} does not say where its server is: give server='https://...'")
            return _checked(address, self.name)
        found = _checked(urljoin(self.url, address), self.name)
        if origin(found) != origin(self.url):
            raise ValueError(
                f"{self.name} names a server on another host: to send requests there, give server={shown_url(found)!r}"
            )
        return found

    def resolved(self, node: Any) -> dict[str, Any]:
        """The object that ``node`` is, or that it refers to. Raises ValueError if it cannot be found."""
        for _ in range(_MOST_STEPS):
            if not isinstance(node, dict):
                raise ValueError(f"{self.name}: an object is expected, not {type(node).__name__}")
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self._target(reference)
        raise ValueError(f"{self.name}: a reference leads to itself")

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise ValueError(f"{reference[:200]!r} is another document, and is not fetched; bundle them into one file")
        if (found := target(reference, self.content)) is None:
            raise ValueError(f"{reference[:200]!r} is not in the document")
        return found

    def inlined(self, schemas: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Schemas whose references lead to ``$defs``, and the ``$defs`` that they need. Nothing is written out twice,
        so schemas that contain themselves stay finite. Raises ValueError for a reference that leads nowhere."""
        names: dict[str, str] = {}
        waiting: list[str] = []

        def refer(reference: str) -> str:
            if reference not in names:
                names[reference] = readable_name(reference.rpartition("/")[2], names.values())
                waiting.append(reference)
            return "#/$defs/" + names[reference]

        def walk(node: Any) -> Any:
            if not isinstance(node, dict):
                return node
            out: dict[str, Any] = {}
            for word, value in node.items():
                if word == "$ref" and isinstance(value, str):
                    out[word] = refer(value)
                elif word in MAPS and isinstance(value, dict):
                    out[word] = {name: walk(each) for name, each in value.items()}
                elif (word in LISTS or word == "items") and isinstance(value, list):
                    out[word] = [walk(each) for each in value]
                elif word in SCHEMAS:
                    out[word] = walk(value)
                else:
                    out[word] = value
            return self._for_requests(out)

        found = {name: walk(schema) for name, schema in schemas.items()}
        definitions = {}
        while waiting:
            reference = waiting.pop()
            definitions[names[reference]] = walk(self._target(reference))
        return found, definitions

    def _for_requests(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A property that is ``readOnly`` is not required of a request."""
        properties, required = schema.get("properties"), schema.get("required")
        if isinstance(properties, dict) and isinstance(required, list):
            needed = [name for name in required if not _read_only(properties.get(name))]
            if len(needed) < len(required):
                schema = {**schema, "required": needed}
        return schema


def name_of(source: str | Path | Mapping[str, Any]) -> str:
    """What messages call a document, and its API."""
    if isinstance(source, Mapping):
        return "api"
    return shown_url(source) if isinstance(source, str) and "://" in source else Path(source).name


def _read_only(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("readOnly") is True


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _checked(address: str, name: str) -> str:
    try:
        scheme, host, _ = origin(address)
    except ValueError:
        scheme, host = "", ""
    if scheme not in ("http", "https") or not host or "{" in address:
        raise ValueError(f"{name}: the server {shown_url(address)!r} is not an address of https:// or http://")
    return address.rstrip("/")


def _read(source: str | Path, url: str | None) -> Any:
    if url is not None:
        try:
            answer = wait_for(Connections().send("GET", url, 60.0, most_bytes=MOST_BYTES))
        except Failure as failure:
            raise ToolUnavailable(f"{shown_url(url)} cannot be read: {failure.reason}") from None
        if answer.status != 200:
            raise ToolUnavailable(f"{shown_url(url)} cannot be read: HTTP {answer.status} {answer.reason}")
        text, name = answer.text, urlsplit(url).path
    else:
        path = Path(source)
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{path} has more than {MOST_BYTES:,} bytes")
        text, name = path.read_text("utf-8"), os.fspath(path)
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(f"{name}: nested too deeply") from None
    except ValueError as error:
        if text.lstrip()[:1] in ("{", "["):
            raise ValueError(f"{name} is not JSON: {error}") from None
    return _yaml(text, name)


def _yaml(text: str, name: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        needed = "a document in YAML needs PyYAML: pip install 'toolgym[openapi]'"
        raise ModuleNotFoundError(needed, name="yaml") from None
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"{name} is neither JSON nor YAML: {str(error)[:300]}") from None


def _plain(value: Any, budget: list[int], depth: int) -> Any:
    """A copy as JSON has it: keys are text, dates too. Raises ValueError for a document that grows without end."""
    budget[0] -= 1
    if budget[0] < 0 or depth > _DEEPEST:
        raise ValueError("the document is too large, or nested too deeply")
    if isinstance(value, Mapping):
        return {str(key): _plain(item, budget, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, budget, depth + 1) for item in value]
    return value.isoformat() if isinstance(value, date) else value
