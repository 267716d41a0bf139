"""Other jobs: what the twins of a tool do in its place. Trades of which hardly any request speaks.

Tasks of the split ``train`` get other trades than all other tasks, so what was learned by heart in training does not
help in a test.
"""

from __future__ import annotations

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

_ACTS = (
    ("List", "every {b} of a {a} with its {c}."),
    ("Count", "the {b} entries that a {a} has for a {c}."),
    ("Register", "a new {b} for a {a} and its {c}."),
    ("Inspect", "the {c} of a {b} and note the state of the {a}."),
    ("Reserve", "a {b} in a {a} for work on the {c}."),
    ("Compare", "two {b} records of one {a} by their {c}."),
)
_TYPES = (
    ("{}_code", "string", "Code of the {}."),
    ("{}_count", "integer", "How many of the kind {} there are."),
    ("{}_weight", "number", "Weight of the {} in kilograms."),
    ("{}_checked", "boolean", "Whether the {} was checked."),
    ("{}_label", "string", "Label on the {}."),
)


class Job(msgspec.Struct, frozen=True):
    """What another tool would do."""

    description: str
    parameters: FrozenDict
    """JSON Schema with at least one required parameter."""


class Trades(msgspec.Struct, frozen=True):
    """The trades of one side: tuples of a trade, its place and two of its things."""

    rows: tuple[tuple[str, ...], ...]

    def job(self, s: Stream, text: str, taken: frozenset[str]) -> Job:
        """A job of a trade whose words do not occur in ``text``, with parameters that are not ``taken``, if there is
        such a trade among some that are drawn."""
        for _ in range(8):
            trade = s.pick(self.rows)
            job = _made(trade, s)
            names = job.parameters["properties"]
            if taken.isdisjoint(names) and not any(word in text for word in trade):
                break
        return job


TRAIN, OTHER = [
    Trades(tuple([tuple(row.split()) for line in rows.split("\n") for row in line.split("|") if row]))
    for rows in (_TRAIN, _OTHER)
]


def _made(trade: tuple[str, ...], s: Stream) -> Job:
    first, a, b, c = trade
    act, rest = s.pick(_ACTS)
    places = {"a": s.pick((first, a)), "b": b, "c": c}
    properties: dict[str, FrozenDict] = {}
    for thing in s.shuffled((first, b, c))[: s.between(2, 3)]:
        name, kind, about = s.pick(_TYPES)
        properties[name.format(thing)] = FrozenDict(type=kind, description=about.format(thing))
    required = tuple(properties)[: s.between(1, len(properties))]
    schema = FrozenDict(type="object", properties=FrozenDict(properties), required=required)
    return Job(f"{act} {rest.format(**places)}", schema)
