"""Keeps keys, passwords and tokens out of texts that are shown or stored."""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

_MASK = "***"
_BEGINNING = 8
"""Characters of a secret by which it is recognised, if a server or a limit has cut the rest."""
_HARMLESS = {"api-version", "version", "v", "region", "model", "format", "alt", "beta"}
"""Query parameters of an address whose values may be shown."""
_URL = re.compile(r"(?:https?|(?<![\w+.-])[a-zA-Z][\w+.-]{0,30})://[^\s,\"'<>]+", re.ASCII)
_CREDENTIALS = re.compile(r"(?<=://)[^\s/?#@\"'<>]*@")


class Secrets:
    """Masks secrets in a text, in every form in which servers and libraries write them.

    The forms: as it is, percent-encoded, escaped for JSON or HTML, and in base64 as in a header. A secret that is cut
    off is masked too, from 8 characters on. The ``user:password@`` of any URL is masked as well.
    """

    def __init__(self, values: Iterable[str]):
        found = {value for each in values if each for value in (each, *_base64(each))}
        self._values = sorted(found, key=len, reverse=True)

    def masked(self, text: str) -> str:
        """The text with ``***`` for each secret. Takes linear time."""
        for value in self._values:
            text = text.replace(value, _MASK)
            beginning, rest = _patterns(value)
            parts, at = [], 0
            for match in beginning.finditer(text):
                if match.start() < at:
                    continue
                parts += [text[at : match.start()], _MASK]
                at = match.end()
                for pattern in rest:
                    if (found := pattern.match(text, at)) is None:
                        break
                    at = found.end()
            text = "".join([*parts, text[at:]])
        return _CREDENTIALS.sub(f"{_MASK}@", text)


def shown_url(url: str) -> str:
    """The URL, of any scheme, without its secrets.

    These are ``user:password@`` and the values in its query and its fragment, harmless names excepted.
    """
    try:
        parts = urlsplit(url)
        query = "&".join(_shown(each) for each in parts.query.split("&"))
        fragment = "&".join(_shown(each) for each in parts.fragment.split("&"))
        place = parts.netloc.rpartition("@")
        shown = parts._replace(netloc=(f"{_MASK}@" if place[1] else "") + place[2], query=query, fragment=fragment)
        return urlunsplit(shown)
    except ValueError:
        return _CREDENTIALS.sub(f"{_MASK}@", re.split("[?#]", url, maxsplit=1)[0])


def url_secrets(url: str) -> Iterator[str]:
    """The secrets in a URL: its password (without one its user), and the values in its query and its fragment."""
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if user and password:
        yield from _base64(f"{user}:{password}")
    yield password or user
    for name, value in [*parse_qsl(parts.query), *parse_qsl(parts.fragment)]:
        if name.lower() not in _HARMLESS:
            yield value


def without_secrets(value: Any) -> Any:
    """A copy of plain data in which every URL, also inside of a text, is without its secrets."""
    if isinstance(value, str):
        whole = value.startswith(("http://", "https://")) or _URL.fullmatch(value) is not None
        return shown_url(value) if whole else _URL.sub(lambda found: shown_url(found[0]), value)
    if isinstance(value, dict):
        return {key: without_secrets(each) for key, each in value.items()}
    return [without_secrets(each) for each in value] if isinstance(value, list | tuple) else value


def _shown(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return pair if not equals or name.lower() in _HARMLESS else f"{name}={_MASK}"


def _base64(secret: str) -> list[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    return [encode(raw).decode().rstrip("=") for encode in (b64encode, urlsafe_b64encode)]


def _patterns(secret: str) -> tuple[re.Pattern[str], list[re.Pattern[str]]]:
    """A pattern for the beginning of the secret, and one for each further character."""
    beginning = "".join([_forms(character) for character in secret[:_BEGINNING]])
    return re.compile(beginning), [re.compile(_forms(character)) for character in secret[_BEGINNING:]]


@cache
def _forms(character: str) -> str:
    """A pattern for one character in all its forms; the character itself, with which other forms begin, is the last."""
    from html.entities import html5

    code, forms = ord(character), [re.escape(rf"\{character}")]
    percent = "".join(rf"%(?:25)*(?i:{byte:02x})" for byte in character.encode("utf-8", "surrogatepass"))
    escaped = character.encode("utf-16-be", "surrogatepass")
    units = [escaped[i : i + 2].hex() for i in range(0, len(escaped), 2)]
    forms += [percent, "".join(rf"\\+u(?i:{unit})" for unit in units), rf"&#0*{code};", rf"&#(?i:x)0*(?i:{code:x});"]
    forms += [f"&{name}" for name, found in html5.items() if found == character and name.endswith(";")]
    if character == " ":
        forms.append(r"\+")
    forms.append(re.escape(character))
    return f"(?:{'|'.join(dict.fromkeys(forms))})"
