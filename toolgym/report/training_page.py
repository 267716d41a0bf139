"""Training runs as one HTML file: a table, learning curves, and the same tasks before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toolgym.report.curves import READING, curves
from toolgym.report.document import COLOURS, document, legend, side_by_side, table
from toolgym.report.episode import episode, pair
from toolgym.report.stages import follow, stages_section
from toolgym.report.text import in_html
from toolgym.report.training import TrainingRun, about, changes, last_group, pairs, summary

_INTERVALS = (
    "Success in percent with Wilson 95 % intervals, and the step of the evaluation. The best of many evaluations is "
    "partly luck: compare runs by the last, or play the chosen checkpoint on other tasks."
)


def training_page(runs: Sequence[TrainingRun]) -> str:
    """The HTML of a report on ``runs``."""
    title = "Training: " + ", ".join(run.label for run in runs)
    return document(title, legend([(run.label, about(run)) for run in runs]), _sections(runs))


def _sections(runs: Sequence[TrainingRun]) -> Iterator[str]:
    shown = side_by_side([run.label for run in runs], [summary(run) for run in runs])
    yield f"<section><h2>Results</h2>{shown}<p class='note'>{in_html(_INTERVALS)}</p></section>"
    if follow(runs) and (staged := stages_section(runs)):
        yield f"<section><h2>One after another</h2>{staged}</section>"
    yield f"<section><h2>Learning curves</h2>{curves(runs)}<p class='note'>{in_html(READING)}</p></section>"
    for i, run in enumerate(runs):
        yield f"<section><h2><i class='key b{i % COLOURS}'></i>{in_html(run.label)}: held-out tasks</h2>"
        yield from _before_and_after(run)
        yield "</section>"
        step, group = last_group(run)
        if group:
            yield f"<section><h2><i class='key b{i % COLOURS}'></i>{in_html(run.label)}: a training group</h2>"
            yield f"<p class='note'>One task, played {len(group)} times by the policy before step {step}."
            yield "Episodes with a reward above the group's mean become more likely.</p>"
            yield from (episode(each, i, "", i % COLOURS) for each in group)
            yield "</section>"


def _before_and_after(run: TrainingRun) -> Iterator[str]:
    first, last, found = pairs(run)
    if not found:
        yield "<p>No evaluation has saved episodes yet (eval_every sets how often there is one).</p>"
        return
    if first == last:
        yield f"<p class='note'>The only evaluation so far, at step {first}.</p>"
        yield from (episode(each.after, 0, "", 0) for each in found)
        return
    counts = changes(run)
    if counts is not None:
        rows = [f"<tr><th>{in_html(name)}</th><td>{count}</td></tr>" for name, count in counts.items()]
        yield table(f"<th>of {sum(counts.values())} tasks</th><th></th>", rows)
    yield f"<p class='note'>Some of the tasks, before (step {first}) and after (step {last}), played greedily.</p>"
    yield from (pair(each.before, each.after, (f"step {first}", f"step {last}")) for each in found)
