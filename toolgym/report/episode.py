"""One episode as HTML: the prompt, the model's text with its calls marked, and each call's scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias
from urllib.parse import quote

from toolgym.report.reward_words import Part, call_words, not_compared, reward_parts
from toolgym.report.text import as_json, in_html, one_line, printable, shorten
from toolgym.types import CallRecord, Message, Trajectory, Turn

Outcome: TypeAlias = Literal["passed", "failed", "invalid"]
MOST_TEXT = 20_000
"""Characters shown of a message or an action."""
MOST_CALLS = 50
"""Calls shown of an action."""


def episode(t: Trajectory, run: int, label: str, colour: int, link: bool = False) -> str:
    """A collapsed element. ``run`` is the run's value in the page's filter.

    With ``link``, the page's address with "#" and the id of ``anchor`` opens it.
    """
    name = t.task_id + (f" · repeat {t.repeat}" if t.repeat else "")
    which = f"<i class='key b{colour}'></i><span class='run'>{in_html(label)}</span>" if label else ""
    return (
        f"<details class='episode' data-run='{run}' data-category='{in_html(t.category)}' "
        f"data-outcome='{outcome_of(t)}'>"
        f"<summary>{_badge(t)}{which}<b>{in_html(name)}</b>"
        f"<span class='score'>{_score(t)}</span><span class='why'>{in_html(_in_list(t))}</span>"
        f"</summary>{anchor(t, run) if link else ''}{asked_for(t)}{answers(t)}</details>"
    )


def anchor(t: Trajectory, run: int) -> str:
    """A link to the episode: "#RUN-TASK-REPEAT", runs and repeats counted from 1. A browser opens what is around it."""
    name = in_html(f"{run + 1}-{quote(printable(t.task_id), safe='')}-{t.repeat + 1}")
    return f"<a class='link' id='{name}' href='#{name}'>link to this episode</a>"


def pair(before: Trajectory, after: Trajectory, heads: tuple[str, str]) -> str:
    """Two episodes of one task, side by side if the window is wide enough: a collapsed element with the prompt once."""
    columns = "".join(
        f"<div><h4>{in_html(head)} {_badge(t)} <span class='score'>{_score(t)}</span></h4>{answers(t)}</div>"
        for head, t in zip(heads, (before, after), strict=True)
    )
    return (
        f"<details class='episode'><summary>{_badge(before)}<span class='to'>→</span>{_badge(after)}"
        f"<b>{in_html(after.task_id)}</b><span class='score'>{_score(before)} → {_score(after)}</span>"
        f"<span class='why'>{in_html(one_line(asked_words(after), 140))}</span></summary>"
        f"{asked_for(after)}<div class='pair'>{columns}</div></details>"
    )


def asked_words(trajectory: Trajectory) -> str:
    """The last user message of the prompt."""
    return next((m["content"] for m in reversed(trajectory.messages) if m["role"] == "user"), "")


def asked_for(t: Trajectory) -> str:
    """The user's request, and the whole prompt, collapsed."""
    return (
        f"<p class='asked'>{in_html(one_line(asked_words(t), 500))}</p>{_perturbed(t)}"
        f"<details class='prompt'><summary>prompt: {len(t.messages)} messages, "
        f"{sum(len(m['content']) for m in t.messages):,} characters</summary>"
        f"{''.join(map(_message, t.messages))}</details>"
    )


def _perturbed(t: Trajectory) -> str:
    """The kinds of perturbation that were applied; "" for a clean task."""
    return f"<p class='note'>perturbed: {in_html(', '.join(t.perturbations))}</p>" if t.perturbations else ""


def answers(t: Trajectory) -> str:
    """The verdict, then the model's text, action by action."""
    return _verdict(t) + "".join(_turn(turn, i, len(t.turns)) for i, turn in enumerate(t.turns, 1))


def _in_list(t: Trajectory) -> str:
    """Why the episode failed, or else what was asked for."""
    return one_line(("" if t.success else reason_of(t)) or asked_words(t), 140)


def outcome_of(t: Trajectory) -> Outcome:
    """The outcome of an episode."""
    return "invalid" if not t.reward_valid else "passed" if t.success else "failed"


def _badge(t: Trajectory) -> str:
    outcome = outcome_of(t)
    return f"<span class='badge {outcome}'>{outcome}</span>"


def _score(t: Trajectory) -> str:
    return f"{t.reward:+.2f}" if t.reward_valid else "–"


def reason_of(t: Trajectory) -> str:
    """The verdict in words, or why the episode is not valid; "" if no reason was recorded."""
    return t.verdict if t.reward_valid else t.error or ""


def _verdict(t: Trajectory) -> str:
    cut = "The episode was cut off after its last turn." if t.truncated else ""
    reason = reason_of(t)
    if reason and cut and not reason.rstrip().endswith((".", "!", "?")):
        reason += "."
    lines = [line for line in (reason, cut) if line]
    kind = "verdict" if t.success else "verdict bad"
    return f"<p class='{kind}'>{in_html(shorten(' '.join(lines), 2000))}</p>" if lines else ""


def _turn(turn: Turn, number: int, of: int) -> str:
    records = turn.reward.calls[:MOST_CALLS]
    terms = "".join(map(_part, reward_parts(turn.reward.terms)))
    more = len(turn.reward.calls) - len(records)
    rest = f"<p class='note'>{more} more calls are not shown.</p>" if more > 0 else ""
    calls = f"<ol class='calls'>{''.join(map(_call, records))}</ol>{rest}" if records else ""
    replies = [m for m in turn.messages[1:] if m["role"] != "tool"]
    return (
        f"<div class='turn'>{f'<h4>action {number}</h4>' if of > 1 else ''}"
        f"<pre class='text'>{marked(turn.action, records)}</pre>"
        f"<div class='reward'><b>reward {turn.reward.total:+.2f}</b><ul>{terms}</ul></div>"
        f"{calls}{''.join(map(_message, replies))}</div>"
    )


def _part(part: Part) -> str:
    return f"<li><b>{in_html(part.name)}</b> {part.points:+.2f} <small>{in_html(part.why)}</small></li>"


def marked(text: str, records: Sequence[CallRecord]) -> str:
    """``text`` escaped, with the span of each call marked by its quality and numbered from 1."""
    shown = text[:MOST_TEXT]
    out, at = [], 0
    spans = sorted((r.call.start, r.call.end, i, quality(r)) for i, r in enumerate(records, 1))
    for start, end, number, kind in spans:
        end = min(end, len(shown))
        if at <= start < end:
            out.append(in_html(shown[at:start]))
            out.append(f"<mark class='{kind}' data-call='{number}'>{in_html(shown[start:end])}</mark>")
            at = end
    out.append(in_html(shown[at:]))
    if len(text) > MOST_TEXT:
        out.append(f"<i>… {MOST_TEXT:,} of {len(text):,} characters shown</i>")
    return "".join(out) or "<i>(empty text)</i>"


def quality(record: CallRecord) -> str:
    """``right``: equal to an expected call. ``partly``: an expected tool, other arguments. ``apart``: an injected fault
    is why it is compared with none. ``wrong``: anything else."""
    if not_compared(record):
        return "apart"
    if record.call.error is not None or record.score.expected is None:
        return "wrong"
    return "partly" if record.score.reason else "right"


def notes(record: CallRecord) -> list[tuple[str, str]]:
    """The remarks on a call, as (kind, text): errors, the score's reason, the result."""
    found = [("schema", problem) for problem in record.problems]
    if record.call.error is not None:
        found.append(("malformed", record.call.error))
    elif record.score.reason and not not_compared(record):
        found.append(("score", record.score.reason))
    if record.fault:
        found.append(("fault", record.fault))
    if record.result is not None:
        kind = "result" if record.result.error is None else f"result ({record.result.error})"
        found.append((kind, record.result.content))
    return found


def _call(record: CallRecord) -> str:
    call = record.call
    bars = "".join(_bar(*words) for words in call_words(record))
    lines = "".join(f"<dt>{in_html(kind)}</dt><dd>{in_html(shorten(text, 3000))}</dd>" for kind, text in notes(record))
    return (
        f"<li class='{quality(record)}'><code><b>{in_html(one_line(call.name, 200) or '?')}</b> "
        f"{in_html(one_line(as_json(call.arguments), 600))}</code><div class='bars'>{bars}</div><dl>{lines}</dl></li>"
    )


def _bar(name: str, share: float, value: str) -> str:
    # widths are classes, in steps of 5 %: the content security policy admits no style attributes
    step = max(0, min(20, round(20 * share)))
    return f"<span class='bar'>{name}<i class='track'><i class='fill w{step}'></i></i>{value}</span>"


def _message(message: Message) -> str:
    role = message["role"] + (f" {message['name']}" if message.get("name") else "")
    return (
        f"<div class='message'><b>{in_html(role)}</b>"
        f"<pre class='text'>{in_html(shorten(message['content'], MOST_TEXT))}</pre></div>"
    )
