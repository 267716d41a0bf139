"""Names for tools that share a name: every one of them gets a mark, so the one without a mark tells nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from toolgym.tasks.stream import Stream

LONGEST = 64
"""Characters of a function's name in OpenAI's API."""
_SUFFIXES = ("pro", "fast", "plus", "lite", "prime", "express", "direct", "core", "smart", "basic", "budget", "premium",
             "max", "easy", "next", "classic", "quick", "extra", "select", "turbo")  # fmt: skip
_VERBS = {
    "get": ("fetch", "retrieve", "obtain"), "find": ("locate", "look_up", "seek"), "search": ("seek", "look_up"),
    "calculate": ("compute", "work_out"), "compute": ("calculate", "work_out"), "create": ("make", "set_up"),
    "add": ("append", "put_in"), "delete": ("remove", "erase"), "remove": ("delete", "take_out"),
    "update": ("modify", "change"), "set": ("assign", "put"), "list": ("enumerate", "show_all"),
    "show": ("display", "present"), "send": ("dispatch", "transmit"), "book": ("reserve", "arrange"),
    "check": ("verify", "examine"), "convert": ("transform", "translate"), "generate": ("produce", "make"),
    "fetch": ("get", "retrieve"), "play": ("start", "run"), "read": ("open", "load"), "write": ("save", "store"),
}  # fmt: skip
_GENERAL = ("perform", "run", "do", "execute", "handle")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def marked(name: str, pattern: str, number: int, taken: Collection[str], s: Stream) -> list[str]:
    """``number`` different names that share ``name``, in random order: by suffixes, by numbers, or by abbreviations.

    None of them is ``name`` or ``taken``. A name of at most 64 characters stays as short.
    """
    makes = {"suffix": _with_suffixes, "number": _with_numbers, "short": _shortened}[pattern]
    found: list[str] = []
    for made in makes(name, s):
        if made != name and made not in taken and made not in found:
            found.append(made)
            if len(found) == number:
                break
    return s.shuffled(found)


def renamed(name: str, taken: Collection[str], s: Stream) -> str:
    """Another name for a tool that does the same: its verb by a synonym, or with a verb before it."""
    head, dot, last = name.rpartition(".")
    verb = last.split("_")[0] if "_" in last else (_WORD.match(last) or [""])[0]
    others = s.shuffled(_VERBS.get(verb.lower(), ()))
    made = [_joined(other, last[len(verb) :], last) for other in others]
    made += [_joined(verb, f"_{last}", last) for verb in s.shuffled(_GENERAL)]
    for each in made:
        full = f"{head}{dot}{each}"
        if full != name and full not in taken and len(full) <= max(LONGEST, len(name)):
            return full
    return next(each for each in _numbered(f"{name}_alt") if each not in taken)


def _joined(verb: str, rest: str, like: str) -> str:
    """A verb before the rest of a name, written as the name is."""
    if "_" in like or like.islower():
        return f"{verb}{rest}"
    word = "".join([part.capitalize() for part in verb.split("_")])
    rest = rest.lstrip("_")
    rest = rest[:1].upper() + rest[1:]
    return (word if like[:1].isupper() else word[:1].lower() + word[1:]) + rest


def _cut(name: str, mark: str) -> str:
    keep = max(LONGEST - len(mark), 1) if len(name) <= LONGEST else len(name)
    return name[:keep] + mark


def _numbered(name: str) -> Iterator[str]:
    at = 1
    while True:
        yield _cut(name, f"_{at}")
        at += 1


def _with_numbers(name: str, s: Stream) -> Iterator[str]:
    return _numbered(name)


def _with_suffixes(name: str, s: Stream) -> Iterator[str]:
    camel = "_" not in name and name != name.lower()
    for word in s.shuffled(_SUFFIXES):
        yield _cut(name, word.capitalize() if camel else f"_{word}")
    yield from _numbered(name)


def _shortened(name: str, s: Stream) -> Iterator[str]:
    """The whole name with a number, its initials, without vowels, with three letters of each word, in random order;
    then those with numbers."""
    head, dot, last = name.rpartition(".")
    words = _WORD.findall(last)
    forms = [last + "_1"]
    if words:
        short = [word[0] + re.sub("[aeiouAEIOU]", "", word[1:]) for word in words]
        forms += ["_".join(short), "_".join([word[:3] for word in words]), "".join([word[0] for word in words]).upper()]
    forms = [_cut(f"{head}{dot}{form}", "") for form in s.shuffled(list(dict.fromkeys(forms)))]
    yield from forms
    at = 2
    while True:
        yield from [_cut(form, f"_{at}") for form in forms]
        at += 1
