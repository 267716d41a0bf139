"""The study as markdown: tables in the paper's layout, its numbers beside ours, and a verdict on each finding."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from . import paper
from .arms import ARMS, METHODS, Arm
from .intervals import Interval, interval, paired
from .sizes import Size

Results: TypeAlias = Mapping[str, Mapping[int, Any]]
"""Arm -> seed -> result."""

TABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Methods", tuple(arm.name for arm in METHODS)),
    ("Length reward (GRPO cold)", ("grpo", "length-fixed", "length-dynamic")),
    ("Scale of the reward (GRPO cold)", ("grpo", "scale-equal", "scale-two-stage", "scale-dynamic")),
    ("Granularity of the reward (GRPO cold)", ("grpo", "fine", "intermediate", "coarse")),
)
FINDINGS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("Simple beats long: no length reward is better", (("grpo", "length-fixed"), ("grpo", "length-dynamic"))),
    (
        "Dynamic scale helps",
        (("scale-dynamic", "grpo"), ("scale-dynamic", "scale-equal"), ("scale-dynamic", "scale-two-stage")),
    ),
    ("Fine beats coarse", (("fine", "coarse"), ("grpo", "coarse"), ("intermediate", "coarse"))),
    ("GRPO after SFT helps", (("sft-grpo", "sft-small"),)),
    (
        "GRPO cold beats the others",
        (("grpo", "raw"), ("grpo", "sft-small"), ("grpo", "sft-large"), ("grpo", "ppo"), ("grpo", "sft-grpo")),
    ),
)


def load(folder: Path) -> dict[str, dict[int, Any]]:
    found: dict[str, dict[int, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text("utf-8"))
        if result.get("arm") in ARMS:
            found.setdefault(result["arm"], {})[result["seed"]] = result
    return found


def document(results: Results, size: Size, name: str) -> str:
    size = judged_on(results, size)
    seeds = sorted({seed for each in results.values() for seed in each})
    parts = [
        f"# The ToolRL paper's study, size {name}",
        f"Success in percent on held-out tasks, greedily; means over {len(seeds)} seeds and, after ±, 95 % intervals "
        f"(Student's t over seeds). Columns of the paper: BFCL v3 overall for {' / '.join(paper.MODELS)}, and API-Bank "
        "for the first.",
        f"Overall is the suite `{size.overall}`. Called: share of the tasks of a kind that were answered with a call; "
        "where none fits, irrelevance is 100 less that.",
    ]
    for title, names in TABLES:
        arms = [ARMS[name] for name in names if name in results]
        if len(arms) > 1 or title == TABLES[0][0]:  # a table of one arm compares nothing
            parts += [f"## {title}", table(arms, results, size)]
    sections = {"Findings": findings, "Kinds of tasks": kinds, "Behaviour": behaviour}
    for title, section in sections.items():
        if text := section(results, size):
            parts += [f"## {title}", text]
    return "\n\n".join(parts) + "\n"


def judged_on(results: Results, size: Size) -> Size:
    """The size with only the suites that every result has."""
    every = [result["suites"] for by_seed in results.values() for result in by_seed.values()]
    shared = tuple(suite for suite in size.suites if all(suite.name in judged for judged in every))
    return msgspec.structs.replace(size, suites=shared)


def table(arms: Sequence[Arm], results: Results, size: Size) -> str:
    if not arms:
        return "None of these was run yet."
    every = [result for arm in arms for result in results[arm.name].values()]
    categories = sorted({name for result in every for name in _overall(result, size)["categories"]})
    others = [suite.name for suite in size.suites if suite.name != size.overall]
    head = [
        "",
        "overall",
        "calls right",
        *categories,
        *others,
        "reward",
        "format",
        "tokens",
        "BFCL (paper)",
        "API-Bank (paper)",
    ]
    lines = []
    for arm in arms:
        of = Cells(results[arm.name], spread=arm.kind != "raw")
        lines.append(
            [
                arm.says,
                of(lambda r: 100 * _overall(r, size)["success"]),
                of(lambda r: 100 * calls_right(_overall(r, size))),
                *[of(lambda r, c=c: 100 * _overall(r, size)["categories"].get(c, 0.0)) for c in categories],
                *[of(lambda r, s=s: 100 * r["suites"][s]["success"]) for s in others],
                of(lambda r: _overall(r, size)["reward"], digits=2),
                of(lambda r: 100 * _overall(r, size)["format"], spread=False),
                of(lambda r: _overall(r, size)["tokens"], spread=False),
                " / ".join("-" if x is None else f"{x:.1f}" for x in paper.BFCL[arm.name]),
                f"{paper.APIBANK[arm.name][0]:.1f}" if arm.name in paper.APIBANK else "-",
            ]
        )
    return _markdown(head, lines)


class Cells:
    """Cells of one arm: a mean over its seeds, with its interval if seeds can differ."""

    def __init__(self, by_seed: Mapping[int, Any], spread: bool):
        self.by_seed, self.spread = by_seed, spread

    def __call__(self, value: Callable[..., float], *, spread: bool = True, digits: int = 1) -> str:
        found = interval([value(result) for result in self.by_seed.values()])
        half = f" ± {found.half:.{digits}f}" if spread and self.spread and found.half is not None else ""
        return f"{found.mean:.{digits}f}{half}"


def findings(results: Results, size: Size) -> str:
    suites = [suite.name for suite in size.suites]
    head = ["finding", "difference", *suites, "calls right", "reward", "by success", "by calls", "by reward", "paper"]
    lines = []
    for claim, pairs in FINDINGS:
        for better, worse in pairs:
            if not (results.get(better, {}).keys() & results.get(worse, {}).keys()):
                continue

            def differ(value: Callable[[Any], float], one: str = better, other: str = worse) -> Interval:
                of = [{seed: value(r["suites"]) for seed, r in results[name].items()} for name in (one, other)]
                return paired(*of)

            found = {suite: differ(lambda r, s=suite: 100 * r[s]["success"]) for suite in suites}
            calls = differ(lambda r: 100 * calls_right(r[size.overall]))
            reward = differ(lambda r: r[size.overall]["reward"])
            verdicts = [each.verdict for each in (found[size.overall], calls, reward)]
            names = f"{ARMS[better].says} - {ARMS[worse].says}"
            cells = [*map(_signed, found.values()), _signed(calls), _signed(reward, 2)]
            lines.append([claim, names, *cells, *verdicts, _paper_difference(better, worse)])
    if not lines:
        return ""
    about = (
        "Differences, paired by seed: of success in points; of success where a call is asked for (never calling earns "
        "nothing there); of the mean reward, which for all arms is the plain one (fine, -3 to 4, no length). The last "
        f"two, and the verdicts, are of `{size.overall}`: a claim holds where the interval is above 0. The paper's are "
        f"points of BFCL for {' / '.join(paper.MODELS)}."
    )
    return about + "\n\n" + _markdown(head, lines)


def kinds(results: Results, size: Size) -> str:
    """The methods' success per category, for each suite with several categories, except the overall suite."""
    arms = [arm for arm in METHODS if arm.name in results]
    parts = []
    for suite in size.suites:
        played = [result["suites"][suite.name] for arm in arms for result in results[arm.name].values()]
        names = sorted({name for each in played for name in each["categories"]})
        if suite.name == size.overall or len(names) < 2:
            continue
        lines = []
        for arm in arms:
            of = Cells(results[arm.name], spread=arm.kind != "raw")
            cells = [of(lambda r, s=suite.name, c=c: 100 * r["suites"][s]["categories"].get(c, 0.0)) for c in names]
            lines.append([arm.says, of(lambda r, s=suite.name: 100 * r["suites"][s]["success"]), *cells])
        parts.append(_markdown([f"{suite.name} ({played[0]['n']} tasks)", "all", *names], lines))
    return "\n\n".join(parts)


def calls_right(suite: Mapping[str, Any]) -> float:
    """Success on the tasks that ask for a call: the mean over their categories."""
    found = [value for name, value in suite["categories"].items() if "irrelevan" not in name]
    return sum(found) / len(found) if found else 0.0


def _paper_difference(better: str, worse: str) -> str:
    pairs = zip(paper.BFCL[better], paper.BFCL[worse], strict=True)
    return " / ".join("-" if a is None or b is None else f"{a - b:+.1f}" for a, b in pairs)


def behaviour(results: Results, size: Size) -> str:
    """When it calls, how often it searches, how long its answers grow."""
    head = [
        "",
        "relevance: called",
        "irrelevance: not called",
        "searches a question",
        "tokens at first",
        "at last",
    ]
    lines = []
    searching = [suite.name for suite in size.suites if "Bamboogle" in suite.env]
    for arm in ARMS.values():
        if arm.name not in results:
            continue
        of = Cells(results[arm.name], spread=arm.kind != "raw")
        grown = ["-", "-"]
        if all(result["curves"].get("completion_length") for result in results[arm.name].values()):
            grown = [of(lambda r, e=end: _tenth(r["curves"]["completion_length"], e), spread=False) for end in (0, 1)]
        lines.append(
            [
                arm.says,
                of(lambda r: 100 * _called(_overall(r, size), irrelevant=False)),
                of(lambda r: 100 - 100 * _called(_overall(r, size), irrelevant=True)),
                of(lambda r: r["suites"][searching[0]]["calls"]) if searching else "-",
                *grown,
            ]
        )
    relevance, irrelevance = paper.RELEVANCE["grpo"]
    said = f"Paper, {paper.MODELS[0]}, {ARMS['grpo'].says}: relevance {relevance:.0f}, irrelevance {irrelevance:.1f}."
    if searching:
        theirs = "; ".join(f"{ARMS[arm].says} {' / '.join(cells)}" for arm, cells in paper.BAMBOOGLE.items())
        searches = f"Paper, Bamboogle, accuracy in percent by an LLM judge and (searches a question): {theirs}."
    else:
        searches = (
            "Searches per question: none at this size, because the model has read nothing but requests to an office "
            "assistant and knows no questions of general knowledge."
        )
    return "\n\n".join([_markdown(head, lines), said, searches])


def _called(suite: Mapping[str, Any], *, irrelevant: bool) -> float:
    found = [value for name, value in suite["called"].items() if ("irrelevan" in name) == irrelevant]
    return sum(found) / len(found) if found else 0.0


def _tenth(curve: Sequence[float], end: int) -> float:
    part = max(1, len(curve) // 10)
    chosen = curve[-part:] if end else curve[:part]
    return sum(chosen) / len(chosen)


def _overall(result: Mapping[str, Any], size: Size) -> Any:
    return result["suites"][size.overall]


def _signed(found: Interval, digits: int = 1) -> str:
    return f"{found.mean:+.{digits}f}" + (f" ± {found.half:.{digits}f}" if found.half is not None else "")


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines))
