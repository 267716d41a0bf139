"""The study as markdown: tables in the paper's layout, its numbers beside ours, and a verdict on each finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from . import paper
from .arms import ARMS, METHODS, Arm
from .board import board
from .cells import Cells, markdown, signed
from .intervals import Interval, over_tasks, paired
from .kept import Results
from .sizes import Size

TABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Methods", tuple(arm.name for arm in METHODS)),
    ("Length reward (GRPO cold)", ("grpo", "length-fixed", "length-dynamic")),
    ("Scale of the reward (GRPO cold)", ("grpo", "scale-equal", "scale-two-stage", "scale-dynamic")),
    ("Granularity of the reward (GRPO cold)", ("grpo", "fine", "intermediate", "coarse")),
)
MOST_COLUMNS = 6
"""Categories of the overall suite that get a column in the first table."""
FINDINGS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("Simple beats long: no length reward is better", (("grpo", "length-fixed"), ("grpo", "length-dynamic"))),
    (
        "Dynamic scale helps",
        (("scale-dynamic", "grpo"), ("scale-dynamic", "scale-equal"), ("scale-dynamic", "scale-two-stage")),
    ),
    ("Fine beats coarse", (("fine", "coarse"), ("grpo", "coarse"), ("intermediate", "coarse"))),
    ("GRPO after SFT helps", (("sft-grpo", "sft-small"),)),
    ("PPO after SFT helps", (("sft-ppo", "sft-small"),)),
    ("GRPO beats PPO after SFT", (("sft-grpo", "sft-ppo"),)),
    ("GRPO cold, guided, learns", (("grpo-guided", "raw"), ("grpo-guided", "grpo"))),
    (
        "GRPO cold beats the others",
        (("grpo", "raw"), ("grpo", "sft-small"), ("grpo", "sft-large"), ("grpo", "ppo"), ("grpo", "sft-grpo")),
    ),
)


def document(results: Results, size: Size, name: str, ablations: str = "") -> str:
    """The whole study.

    Args:
        ablations: the section on ablations of another size, if they are not run at this one.
    """
    every = size
    size = judged_on(results, every)
    seeds = sorted({seed for each in results.values() for seed in each})
    parts = [
        f"# The ToolRL paper's study, size {name}",
        f"Success in percent on held-out tasks, greedily; means over {len(seeds)} seeds and, after ±, 95 % intervals "
        f"(Student's t over seeds). Columns of the paper: BFCL v3 overall for {' / '.join(paper.MODELS)}, and API-Bank "
        "for the first.",
        f"Overall is the suite `{size.overall}`. Called: share of the tasks of a kind that were answered with a call; "
        "where none fits, irrelevance is 100 less that.",
    ]
    if out := [suite.name for suite in every.suites if suite not in size.suites]:
        parts.append(f"Not in the tables, because not every arm has played them here: {', '.join(out)}.")
    for title, names in TABLES:
        arms = [ARMS[name] for name in names if name in results]
        if len(arms) > 1 or title == TABLES[0][0]:  # a table of one arm compares nothing
            parts += [f"## {title}", table(arms, results, size)]
    sections = {"Findings": findings, "BFCL v4": board, "Kinds of tasks": kinds, "Behaviour": behaviour}
    for title, section in sections.items():
        if text := section(results, size):
            parts += [f"## {title}", text]
    return "\n\n".join([*parts, *([ablations] if ablations else [])]) + "\n"


def ablations_of(results: Results, size: Size, name: str) -> str:
    """The ablations of another size as a section: their tables and findings."""
    parts = []
    for title, names in TABLES[1:]:
        arms = [ARMS[arm] for arm in names if arm in results]
        if len(arms) > 1:
            parts += [f"### {title}", table(arms, results, size)]
    if not parts:
        return ""
    seeds = len({seed for each in results.values() for seed in each})
    told = (
        f"Eight more rewards with several seeds each are too dear at this size. These are size {name}'s, over {seeds} "
        f"seeds ({size.overall}); its own document has all of it."
    )
    return "\n\n".join([f"## Ablations, at size {name}", told, *parts, findings(results, size, cold_only=True)])


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
    categories = categories if len(categories) <= MOST_COLUMNS else []  # else they are in kinds()
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
                " / ".join("-" if x is None else f"{x:.1f}" for x in paper.BFCL[arm.paper]),
                f"{paper.APIBANK[arm.paper][0]:.1f}" if arm.paper in paper.APIBANK else "-",
            ]
        )
    return markdown(head, lines)


def findings(results: Results, size: Size, *, cold_only: bool = False) -> str:
    """Differences between arms, and verdicts. ``cold_only``: those of the rewards of GRPO cold."""
    suites = [suite.name for suite in size.suites]
    head = ["finding", "difference", *suites, "calls right", "reward", "by success", "by calls", "by reward", "paper"]
    by_task = any("outcomes" in r["suites"][size.overall] for by_seed in results.values() for r in by_seed.values())
    if by_task:
        head.insert(3, f"{suites[0]}, over tasks")
    lines = []
    for claim, pairs in FINDINGS[: 3 if cold_only else None]:
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
            cells = [*map(signed, found.values()), signed(calls), signed(reward, 2)]
            if by_task:
                cells.insert(1, told_over_tasks(results, better, worse, size))
            lines.append([claim, names, *cells, *verdicts, _paper_difference(better, worse)])
    if not lines:
        return ""
    about = (
        "Differences, paired by seed: of success in points; of success where a call is asked for (never calling earns "
        "nothing there); of the mean reward, which for all arms is the plain one (fine, -3 to 4, no length). The last "
        f"two, and the verdicts, are of `{size.overall}`: a claim holds where the interval is above 0. The paper's are "
        f"points of BFCL for {' / '.join(paper.MODELS)}."
    )
    if by_task:
        about += (
            " The column over tasks has the same difference with an interval over the draw of tasks, each task's mean "
            "over the seeds counting once: it holds for the models that were trained here."
        )
    return about + "\n\n" + markdown(head, lines)


def told_over_tasks(results: Results, better: str, worse: str, size: Size) -> str:
    """The difference on the overall suite with its interval over tasks; "-" if outcomes were not kept."""
    by_seed = [
        {
            seed: r["suites"][size.overall]["outcomes"]
            for seed, r in results[name].items()
            if "outcomes" in r["suites"][size.overall]
        }
        for name in (better, worse)
    ]
    found = over_tasks(*by_seed)
    return "-" if found is None else signed(found)


def kinds(results: Results, size: Size) -> str:
    """The methods' success per category, for each suite with several categories, unless the first table has them."""
    arms = [arm for arm in METHODS if arm.name in results]
    parts = []
    for suite in size.suites:
        played = [result["suites"][suite.name] for arm in arms for result in results[arm.name].values()]
        names = sorted({name for each in played for name in each["categories"]})
        if len(names) < 2 or (suite.name == size.overall and len(names) <= MOST_COLUMNS):
            continue
        lines = []
        for arm in arms:
            of = Cells(results[arm.name], spread=arm.kind != "raw")
            cells = [of(lambda r, s=suite.name, c=c: 100 * r["suites"][s]["categories"].get(c, 0.0)) for c in names]
            lines.append([arm.says, of(lambda r, s=suite.name: 100 * r["suites"][s]["success"]), *cells])
        parts.append(markdown([f"{suite.name} ({played[0]['n']} tasks)", "all", *names], lines))
    return "\n\n".join(parts)


def calls_right(suite: Mapping[str, Any]) -> float:
    """Success on the tasks that ask for a call: the mean over their categories."""
    found = [value for name, value in suite["categories"].items() if "irrelevan" not in name]
    return sum(found) / len(found) if found else 0.0


def _paper_difference(better: str, worse: str) -> str:
    pairs = zip(paper.BFCL[ARMS[better].paper], paper.BFCL[ARMS[worse].paper], strict=True)
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
    return "\n\n".join([markdown(head, lines), said, searches])


def _called(suite: Mapping[str, Any], *, irrelevant: bool) -> float:
    found = [value for name, value in suite["called"].items() if ("irrelevan" in name) == irrelevant]
    return sum(found) / len(found) if found else 0.0


def _tenth(curve: Sequence[float], end: int) -> float:
    part = max(1, len(curve) // 10)
    chosen = curve[-part:] if end else curve[:part]
    return sum(chosen) / len(chosen)


def _overall(result: Mapping[str, Any], size: Size) -> Any:
    return result["suites"][size.overall]
