"""The 16 kinds of perturbation, by name, and the groups of them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """One kind of perturbation."""

    name: str
    group: str
    """observation, action or metadata: the part of the decision problem that it changes."""
    what: str
    """What it does, in one line."""
    pattern: str = "number"
    """How the tools that share a name are told apart: a pattern of naming.py."""

    @property
    def adds(self) -> bool:
        """Whether it adds tools."""
        return self.group != "observation"


_SAME = "the description of the tool, and the parameters of another job"

KINDS = {
    kind.name: kind
    for kind in [
        Kind("typos", "observation", "mistypes words of the request"),
        Kind("paraphrase_request", "observation", "says the request in other words"),
        Kind("paraphrase_tools", "observation", "describes the tools in other words"),
        Kind("paraphrase_parameters", "observation", "describes the parameters in other words"),
        Kind("twin_empty", "action", "a twin without description and parameters"),
        Kind("twin_no_parameters", "action", "a twin with the same description and without parameters"),
        Kind("twin_no_description", "action", "a twin without description, with the parameters of another job"),
        Kind("twin_parameters", "action", f"a twin with {_SAME}"),
        Kind("twin_job", "action", "a twin with the description and the parameters of another job"),
        Kind("redundant", "action", "a copy with another name and other words, which is right too"),
        Kind("misleading_suffix", "metadata", f"a twin with {_SAME}; both advertise; get_weather_pro", "suffix"),
        Kind("misleading_number", "metadata", f"a twin with {_SAME}; both advertise; get_weather_1", "number"),
        Kind("misleading_short", "metadata", f"a twin with {_SAME}; both advertise; get_wthr", "short"),
        Kind("response_time_suffix", "metadata", f"a twin with {_SAME}; response times; get_weather_pro", "suffix"),
        Kind("response_time_number", "metadata", f"a twin with {_SAME}; response times; get_weather_1", "number"),
        Kind("response_time_short", "metadata", f"a twin with {_SAME}; response times; get_wthr", "short"),
    ]
}
"""Name -> kind, in the order in which they are applied."""

GROUPS = {
    "all": tuple(KINDS),
    "observation": tuple(name for name in KINDS if KINDS[name].group == "observation"),
    "action": tuple(name for name in KINDS if KINDS[name].group == "action"),
    "metadata": tuple(name for name in KINDS if KINDS[name].group == "metadata"),
    "paraphrase": tuple(name for name in KINDS if name.startswith("paraphrase_")),
    "distractors": tuple(name for name in KINDS if name.startswith("twin_")),
    "misleading": tuple(name for name in KINDS if name.startswith("misleading_")),
    "response_time": tuple(name for name in KINDS if name.startswith("response_time_")),
}
"""Name of a group -> its kinds."""


def select_kinds(given: object) -> tuple[str, ...]:
    """The kinds that are named: a name, names with commas between, or a list of names; groups stand for their kinds.

    Returns each kind once, in the order in which kinds are applied. Raises TypeError for anything else, ValueError for
    an unknown name, and for none.
    """
    if isinstance(given, str):
        names = [name.strip() for name in given.split(",")]
    elif isinstance(given, Iterable) and not isinstance(given, (bytes, dict)):
        names = list(given)
    else:
        raise TypeError(f'perturb is names, such as "typos,distractors" or ["typos"]; got {given!r}')
    found: set[str] = set()
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f'perturb is names, such as "typos,distractors" or ["typos"]; {name!r} is none')
        if name in KINDS:
            found.add(name)
        elif name in GROUPS:
            found.update(GROUPS[name])
        else:
            raise ValueError(f"no perturbation {name!r}: {_near(name)}")
    if not found:
        raise ValueError(f"perturb names no kind; {_known()}. None perturbs nothing")
    return tuple([name for name in KINDS if name in found])


def _known() -> str:
    return f"there are {', '.join(KINDS)}, and the groups {', '.join(GROUPS)}"


def _near(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, [*KINDS, *GROUPS], n=2)
    return f"did you mean {' or '.join(close)}? {_known().capitalize()}" if close else _known()
