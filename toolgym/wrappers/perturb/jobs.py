"""Other jobs: what the twins of a tool do in its place. Trades of which hardly any request speaks.

A job is written in the manner of the tool whose twin does it: as many parameters of the same types, names and texts of
like length and style. So a twin is told by what it says, and not by how it looks.

Tasks of the split ``train`` get other trades than all other tasks, so what was learned by heart in training does not
help in a test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from toolgym.tasks.stream import Stream
from toolgym.types import FrozenDict

_TRAIN = """
beehive apiary queen frame|lighthouse coast lens keeper|tram depot bogie line|kiln pottery glaze batch
loom weaving warp pattern|orchard grove tree grafting|glacier station crevasse stake|cheese cellar wheel rind
organ chapel pipe rank|vineyard estate vine barrel|sawmill yard log blade|windmill polder sail millstone
aquarium hall tank coral|brewery cellar vat hop|tannery works hide vat|quarry pit block vein
carousel fairground horse gear|stable ranch saddle stall|bellfry tower bell clapper|mosaic workshop tile grout
"""
_OTHER = """
canal lock barge sluice|foundry hall mould ladle|observatory dome mirror mount|sailmaker loft canvas seam
saltern coast pond crust|peatland reserve moss drain|puppetry theatre marionette string|smokehouse yard fillet rack
bindery workshop folio spine|falconry mews falcon jess|glasshouse nursery orchid bench|ropeway valley gondola pylon
tannin works bark liquor|sundial garden gnomon dial|clockmaker shop escapement spring|fossil dig stratum trench
mint works coin die|reindeer pasture herd corral|sculpture park plinth cast|harpsichord workshop plectrum jack
"""

_DOES = (
    "{act} a {b}.", "{act} the {c}.", "{act} each {b} of a {a}.", "{act} the {c} of a {b}.",
    "{act} a {b} in a {a} by its {c}.", "{act} every {b} that a {a} has, with its {c}.",
    "{act} the {b} and the {c} that belong to one {a}.", "{act} the {c} of a {b} and note the state of its {a}.",
)  # fmt: skip
_ACTS = ("List", "Count", "Register", "Inspect", "Reserve", "Compare", "Repair", "Measure", "Sort", "Label")
_NAMES = ("{}", "{}_id", "{}_no", "{}_code", "{}_kind", "{}_state", "{}_number", "{}_reading", "{}_condition",
          "{}_register_no", "kind_of_{}", "state_of_the_{}", "last_reading_of_{}")  # fmt: skip
_MEANINGS = ("The {}.", "Which {}.", "The {} to use.", "State of the {}.", "Which {} it is about.",
             "The {} as in the register.", "Reading of the {} at the last visit.",
             "The {}, as its keeper has noted it down.")  # fmt: skip
_CLAUSES = (
    " In this season.", " On site.", " As agreed with the keeper.", " By the rules of the trade.",
    " Older entries count too.", " The register must be open.", " It may take several visits.",
    " What is broken is marked in the notes.", " Use the notation of the house.", " One entry for each visit.",
    " Entries of other houses are left out.", " The keeper signs the result.", " What is missing stays empty.",
    " This follows the custom of the region, if there is one.", " Whoever asks has to be on the list of members.",
    " Photographs are kept apart from the entries.", " If the weather was bad, the visit is put off.",
)  # fmt: skip
_SHORT = ("no", "row", "lot", "bay", "rig", "tier", "mark", "part", "grade", "shelf")
"""Names for parameters whose likes have short names."""
_CHOICES = (
    "north", "south", "inner", "outer", "upper", "lower", "old", "new", "plain", "carved", "raw", "sealed", "left",
    "right", "front", "rear", "dry", "wet", "coarse", "fine", "worn", "spare", "open", "shut",
)  # fmt: skip
_LIMITS = frozenset({"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "additionalProperties"})
"""What the schema of a parameter has from its like, beside the type."""
_DEEPEST = 3
_MOST = 24
"""Parameters on one level, at most."""


class Trade(msgspec.Struct, frozen=True):
    """A trade, its place, and two of its things."""

    name: str
    place: str
    thing: str
    part: str

    def description(self, length: float, s: Stream) -> str:
        """What a tool of this trade does, in about ``length`` characters."""
        words = {"act": s.pick(_ACTS), "a": s.pick((self.name, self.place)), "b": self.thing, "c": self.part}
        return _filled([each.format(**words) for each in _DOES], length, s)

    def parameters(self, own: Mapping[str, Any], s: Stream, depth: int = 0) -> FrozenDict:
        """Parameters of this trade, written as those of ``own`` are. At least one is required."""
        written = own.get("properties")
        properties = dict(list(written.items())[:_MOST]) if isinstance(written, Mapping) else {}
        properties = properties or {"value": FrozenDict(type="string", description="A value.")}
        made: dict[str, FrozenDict] = {}
        renamed: dict[str, str] = {}
        for name, schema in properties.items():
            thing, new = self._name(name, {*properties, *made}, s)
            renamed[name] = new
            made[new] = self._schema(schema if isinstance(schema, Mapping) else {}, thing, s, depth)
        wanted = own.get("required")
        required = tuple([renamed[name] for name in wanted or () if name in renamed] or ([] if depth else [*made][:1]))
        out: dict[str, Any] = {"type": own.get("type", "object"), "properties": FrozenDict(made)}
        if required:
            out["required"] = required
        return FrozenDict({**{key: out[key] for key in own if key in out}, **out})

    def _name(self, like: str, taken: set[str], s: Stream) -> tuple[str, str]:
        """A thing of this trade and a name for it, about as long as ``like`` and written as ``like`` is."""
        camel = like != like.lower() and "_" not in like
        names = [(thing, each.format(thing)) for thing in (self.thing, self.part, self.name) for each in _NAMES]
        names += [(self.part, each) for each in _SHORT]
        length = len(like) * _about(s)
        for thing, name in sorted(s.sample(names, 16), key=lambda each: abs(len(each[1]) - length)):
            if camel:
                first, *rest = name.split("_")
                name = first + "".join([word.capitalize() for word in rest])
            if name not in taken:
                return thing, name
        return self.part, next(each for i in range(len(taken) + 1) if (each := f"{self.part}_{i + 2}") not in taken)

    def _schema(self, like: Mapping[str, Any], thing: str, s: Stream, depth: int) -> FrozenDict:
        out: dict[str, Any] = {}
        for key, value in like.items():
            if key == "description" and isinstance(value, str):
                out[key] = _filled([each.format(thing) for each in _MEANINGS], len(value), s)
            elif key == "enum" and isinstance(value, Sequence) and all(isinstance(each, str) for each in value):
                out[key] = tuple(s.sample(_CHOICES, max(len(value), 1)))
            elif key == "items" and isinstance(value, Mapping) and depth < _DEEPEST:
                out[key] = self._schema(value, thing, s, depth + 1)
            elif key == "properties" and isinstance(value, Mapping) and depth < _DEEPEST:
                out |= {k: v for k, v in self.parameters(like, s, depth + 1).items() if k != "type"}
            elif key == "default" and not isinstance(value, (Mapping, list, tuple)):
                out[key] = out.get("enum", _CHOICES)[0] if isinstance(value, str) else value
            elif key == "type" or key in _LIMITS:
                out[key] = value
        return FrozenDict(out)


class Trades(msgspec.Struct, frozen=True):
    """The trades of one side."""

    rows: tuple[Trade, ...]

    def pick(self, s: Stream, text: str) -> Trade:
        """A trade; if one of those that are drawn is such, of whose words none occurs in ``text``."""
        for _ in range(8):
            trade = s.pick(self.rows)
            if not any(word in text for word in (trade.name, trade.place, trade.thing, trade.part)):
                break
        return trade


TRAIN, OTHER = [
    Trades(tuple([Trade(*row.split()) for line in rows.split("\n") for row in line.split("|") if row]))
    for rows in (_TRAIN, _OTHER)
]


def _about(s: Stream) -> float:
    return 0.75 + 0.5 * s.random()


def _filled(bases: Sequence[str], length: float, s: Stream) -> str:
    """One of the texts, with clauses behind it, of about the length."""
    wanted = length * _about(s)
    fitting = [base for base in bases if len(base) <= wanted + 4]
    text = s.pick(fitting[-4:]) if fitting else min(bases, key=len)
    for clause in s.shuffled(_CLAUSES):
        if len(text) + len(clause) <= wanted + 12:
            text += clause
        elif len(text) >= wanted - 8:
            break
    return text
