"""What is in a file of rows, before anything is played or trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import msgspec

from toolgym.dialects import Dialect, get_dialect

from .conversation import Conversation, Turn
from .problems import Tally
from .reading import read
from .tasks import CATEGORIES, category_of, gold_text, split_of, unwritable

CHARS_PER_TOKEN = 4
"""English text and JSON have three to five characters a token."""
_MANY = 0.05
"""A beginning that more than this share of the conversations has is mentioned."""


class Spread(msgspec.Struct, frozen=True):
    """The middle, the 95th percentile and the largest of some numbers."""

    median: float
    p95: float
    largest: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Spread:
        ordered = sorted(numbers)
        if not ordered:
            return cls(0, 0, 0)
        return cls(median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], ordered[-1])


class Description(msgspec.Struct, frozen=True):
    """Counts over a file. A decision is a turn of the assistant that is played, and imitated by SFT."""

    path: Path
    rows: int
    bad: Tally
    notes: Tally
    layouts: dict[str, int]
    decisions: dict[str, int]
    """Category -> decisions."""
    turns: Spread
    """Decisions of a conversation."""
    calls: dict[int, int]
    """Calls of a decision -> decisions."""
    reasoned: int
    """Decisions with recorded reasoning."""
    unweighted: int
    """Turns that the file says are not to be imitated."""
    called: int
    """Calls in all."""
    answered: int
    """Calls with a recorded result."""
    tools: int
    """Different tools."""
    offered: Spread
    """Tools that a row offers."""
    splits: dict[str, tuple[int, int]]
    """Split -> conversations, decisions."""
    alike: tuple[str, int]
    """The most frequent beginning, and how many conversations have it; ("", 0) if no beginning is frequent."""
    prompt_tokens: Spread
    """Of a decision, about."""
    gold_tokens: Spread


def describe(
    path: str | Path, dialect: str | Dialect | None = None, seed: int = 0, held_out: float = 0.1
) -> Description:
    """Count what a file holds. Raises what ``reading.read`` raises.

    Args:
        dialect, seed, held_out: as the env's arguments.
    """
    rows = read(path)
    written = get_dialect(dialect or rows.dialect)
    checks = Tally()
    decisions, calls, keys = Counter[str](), Counter[int](), Counter[str]()
    splits: dict[str, tuple[int, int]] = {"train": (0, 0), "val": (0, 0), "test": (0, 0)}
    turns, prompts, golds = [], [], []
    reasoned = unweighted = called = answered = 0
    tools = set[str]()
    shown: dict[int, int] = {}  # id of a tuple of tools -> characters of the instructions with them
    for each in rows.conversations:
        found = set(each.decisions)
        split = split_of(each, seed, held_out)
        splits[split] = splits[split][0] + 1, splits[split][1] + len(found)
        keys[each.key] += 1
        turns.append(len(found))
        tools.update(tool.line for tool in each.tools)
        if id(each.tools) not in shown:
            shown[id(each.tools)] = len(written.instructions(each.tools))
        before = shown[id(each.tools)] + len(each.system)
        for at, part in enumerate(each.parts):
            if not isinstance(part, Turn):
                before += len(part.text)
                continue
            text = gold_text(part, written)
            length = len(text)
            if problem := unwritable(part, text, written):
                checks.add(each.place, problem)
            if at in found:
                prompts.append(before / CHARS_PER_TOKEN)
                golds.append(length / CHARS_PER_TOKEN)
                decisions[category_of([part])] += 1
                calls[len(part.calls)] += 1
                reasoned += part.think is not None
            unweighted += not part.weight
            called += len(part.calls)
            answered += sum(result is not None for result in part.results)
            before += length + sum(len(result or "") for result in part.results)
            _check_calls(each, part, checks)
    checks.add_all(rows.notes)
    key, times = keys.most_common(1)[0]
    alike = (key, times) if times > max(1, _MANY * len(rows.conversations)) else ("", 0)
    return Description(
        rows.path,
        len(rows.conversations) + rows.bad.rows,
        rows.bad,
        checks,
        dict(rows.layouts),
        {name: decisions[name] for name in CATEGORIES if decisions[name]},
        Spread.of(turns),
        dict(sorted(calls.items())),
        reasoned,
        unweighted,
        called,
        answered,
        len(tools),
        Spread.of([len(each.tools) for each in rows.conversations]),
        splits,
        alike,
        Spread.of(prompts),
        Spread.of(golds),
    )


def _check_calls(conversation: Conversation, turn: Turn, notes: Tally) -> None:
    """Note calls of tools that are not offered, and arguments that a tool's schema refuses."""
    offered = {tool.name: tool for tool in conversation.tools}
    for call in turn.calls:
        tool = offered.get(call.name)
        if tool is None:
            notes.add(conversation.place, "a call of a tool that is not offered", repr(call.name[:60]))
        elif problems := tool.validator.problems(call.arguments, limit=1):
            notes.add(
                conversation.place, "arguments that the tool's schema refuses", f"{call.name}: {problems[0][:100]}"
            )
