"""The robustness study as markdown, beside the paper's figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from study.cells import markdown, signed
from study.intervals import interval
from study.kept import Results

from toolgym.report.robustness.retention import Retention

from . import paper
from .arms import ARMS
from .pairs import Bootstrapped, bootstrapped, closed, gained, kept_more, retained, rows
from .sizes import PARTS, Part, Size

UNDER: tuple[Part, ...] = ("trained on", "held out", "faults a", "faults b")
GROUPS = ("observation", "action", "metadata")
COMPARED = (("clean", "perturbed"), ("clean", "faulty"), ("sft", "clean"))
"""(one arm, another): what the other gains over the first."""


def document(results: Results, size: Size, name: str) -> str:
    """The whole study."""
    seeds = sorted({seed for each in results.values() for seed in each})
    if not seeds:
        return f"# Robustness, size {name}\n\nNone of the arms has run yet.\n"
    parts = [
        f"# Robustness, size {name}",
        f"Success and what is kept of clean success, in percent, played greedily; means over the seeds "
        f"{', '.join(map(str, seeds))}. All arms start from one SFT model per seed. In square brackets 95 % over tasks "
        "(these models): Wilson's, Bonett and Price's for what is kept, a paired bootstrap for differences. After ± "
        "and in round brackets 95 % over seeds (Student's t; any seed).",
        paper.SAID,
        "## What is kept",
        keeps(results, size),
        "## By group of kinds",
        by_group(results, size),
        "## What training on it gains",
        gains(results, size),
        "## How faults are met",
        faults(results, size),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def keeps(results: Results, size: Size) -> str:
    """Per arm: clean success, and success under each part with the share kept."""
    head = ["", "seeds", "clean", *(PARTS[part] for part in UNDER)]
    lines = []
    for arm in _arms(results):
        by_seed = results[arm]
        clean = retained(by_seed, "clean", size)
        spread = {} if ARMS[arm].kind == "raw" else by_seed  # the raw model plays greedily: its seeds are one
        cells = [_share(clean.under, clean.under_interval) + _seeds(spread, lambda found: found.clean, "clean", size)]
        for part in UNDER:
            found = retained(by_seed, part, size)
            share = _share(found.kept, found.kept_interval) + _seeds(spread, lambda found: found.kept, part, size)
            cells.append(f"{_share(found.under)}; kept {share}")
        lines.append([ARMS[arm].says, str(len(by_seed)), *cells])
    counts = {part: len(rows([(next(iter(results.values())), part)], size)) for part in UNDER}
    told = ", ".join(f"{PARTS[part]} {count}" for part, count in counts.items())
    about = f"Tasks: {told}. Clean success is over all clean tasks; what is kept, over the same tasks."
    return f"{markdown(head, lines)}\n\n{about}"


def by_group(results: Results, size: Size) -> str:
    """Per arm and group: the share kept, on trained and held-out kinds."""
    head = ["kept"]
    sides: tuple[Part, ...] = ("trained on", "held out")
    head += [f"{group}, {side}" for group in GROUPS for side in sides]
    lines = []
    for arm in _arms(results):
        cells = []
        for group in GROUPS:
            for part in sides:
                found = retained(results[arm], part, size, [group])
                cells.append(_share(found.kept, found.kept_interval))
        lines.append([ARMS[arm].says, *cells])
    lost = [paper.LOST[group] for group in GROUPS for _ in range(2)]
    return markdown(head, [*lines, ["paper: lost by 21 models", *lost]])


def gains(results: Results, size: Size) -> str:
    """Pairs of arms: points of success, of retention, and the share of the gap that is closed."""
    lines = []
    for one, other in COMPARED:
        if one not in results or other not in results:
            continue
        a, b = results[one], results[other]
        parts: tuple[Part, ...] = ("clean", *UNDER)
        for part in parts:
            plain = rows([(a, part), (b, part)], size)
            points = bootstrapped(plain, gained)
            cells = [_points(points) + _seeds_between(a, b, part, size)]
            if part == "clean":
                cells += ["", ""]
            else:
                four = rows([(a, "clean"), (a, part), (b, "clean"), (b, part)], size)
                gap = bootstrapped(rows([(a, "clean"), (a, part), (b, part)], size), closed)
                cells += [_points(bootstrapped(four, kept_more)), _share(gap.value, gap.interval)]
            lines.append([f"{ARMS[other].says} against {ARMS[one].says}", PARTS[part], *cells])
    if not lines:
        return "No two arms have run yet."
    lines.append(["paper: ToolRL-DR, 3B, against ToolRL", "transition faults, not trained on", "", "", "about 27"])
    table = markdown(["", "under", "points of success", "points of retention", "share of the gap closed"], lines)
    return (
        f"{table}\n\nThe gap is the first arm's clean success less its success under the condition, on the same tasks; "
        '"–": there is hardly a gap.'
    )


def faults(results: Results, size: Size) -> str:
    """Per arm: how many of the faults that calls can overcome it has overcome, wasted calls and honesty."""
    lines = []
    for arm in _arms(results):
        cells = []
        for part in ("faults a", "faults b"):
            names = [test.name for test in size.tests if test.part == part]
            counts = [r["tests"][n].get("faults") for r in results[arm].values() for n in names]
            met = [each for each in counts if each]
            cells.append(_dealt(met))
        lines.append([ARMS[arm].says, *cells])
    return markdown(["", PARTS["faults a"], PARTS["faults b"]], lines)


def _dealt(met: list[dict[str, int]]) -> str:
    names = ("met", "episodes", "recoverable", "recovered", "blind", "judged", "honest")
    total = {name: sum(each[name] for each in met) for name in names} if met else {}
    if not total:
        return "–"
    recovered = f"{100 * total['recovered'] / total['recoverable']:.0f} %" if total["recoverable"] else "–"
    honest = f"{100 * total['honest'] / total['judged']:.0f} %" if total["judged"] else "–"
    further = sum(each["further"] * each["episodes"] for each in met if each["further"] is not None)
    return (
        f"met {total['met']}; recovered {recovered}; honest {honest}; {further / total['episodes']:+.2f} calls and "
        f"{total['blind'] / total['episodes']:.2f} blind repetitions an episode"
    )


def _arms(results: Results) -> list[str]:
    return [name for name in ARMS if name in results]


def _seeds(by_seed: Mapping[int, Any], number: Callable[[Retention], float | None], part: Part, size: Size) -> str:
    values = [number(retained({0: result}, part, size)) for result in by_seed.values()]
    if len(values) < 2 or None in values:
        return ""
    return f" ± {interval([100 * value for value in values]).half:.0f}"


def _seeds_between(one: Mapping[int, Any], other: Mapping[int, Any], part: Part, size: Size) -> str:
    shared = sorted(one.keys() & other.keys())
    found = [rows([({0: one[seed]}, part), ({0: other[seed]}, part)], size) for seed in shared]
    if len(found) < 2 or not all(found):
        return ""
    values = [100 * fmean(after - before for before, after in of_seed) for of_seed in found]
    return f" ({signed(interval(values))} over seeds)"


def _share(value: float | None, ends: tuple[float, float] | None = None) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.0f}" + (f" [{100 * ends[0]:.0f}, {100 * ends[1]:.0f}]" if ends is not None else "")


def _points(found: Bootstrapped) -> str:
    if found.value is None:
        return "–"
    ends = "" if found.interval is None else f" [{100 * found.interval[0]:+.0f}, {100 * found.interval[1]:+.0f}]"
    return f"{100 * found.value:+.0f}{ends}"
