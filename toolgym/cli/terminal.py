"""Messages, rewards and verdicts in the terminal.

Text of models and data sets is untrusted: it is shown as plain text, never as markup or control codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from toolgym.report.episode import notes
from toolgym.report.reward_words import call_words, reward_parts
from toolgym.report.text import as_json, one_line, plain, printable, shorten
from toolgym.rewards.audit import AuditReport
from toolgym.types import CallRecord, RewardBreakdown

_COLOURS = {"system": "dim", "user": "cyan", "assistant": "green", "tool": "yellow"}
_MOST_CALLS = 20


def screen(file: Any = None) -> Console:
    """A console without markup, highlighting and emoji codes; on standard output, or on ``file``."""
    return Console(file=file, markup=False, highlight=False, emoji=False, soft_wrap=False)


def message_panel(message: Mapping[str, Any], limit: int = 4000) -> Panel:
    """A chat message in a frame, cut at ``limit`` characters."""
    role = str(message["role"])
    title = f"{role} {message['name']}" if message.get("name") else role
    body = plain(shorten(str(message["content"]), limit))
    return Panel(body, title=plain(title), title_align="left", border_style=_COLOURS.get(role, "white"))


def reward_view(reward: RewardBreakdown) -> RenderableType:
    """The reward of one action: its terms, then each call with its points and its mistakes."""
    terms = Table(box=None, show_header=False, padding=(0, 1, 0, 2))
    for part in reward_parts(reward.terms):
        terms.add_row(plain(part.name), f"{part.points:+.2f}", plain(part.why, "dim"))
    parts: list[RenderableType] = [Text(f"reward {reward.total:+.3f}", style="bold"), terms]
    parts += [_call_view(i, record) for i, record in enumerate(reward.calls[:_MOST_CALLS], 1)]
    if len(reward.calls) > _MOST_CALLS:
        parts.append(Text(f"... and {len(reward.calls) - _MOST_CALLS} more calls", style="dim"))
    return Group(*parts)


def verdict_view(info: Mapping[str, Any], total: float) -> Panel:
    """The end of an episode: the benchmark's verdict, its reason, and the sum of the rewards."""
    if not info["reward_valid"]:
        what, style = f"not valid: {info.get('error', '')}", "yellow"
    elif info.get("success"):
        what, style = "passed", "green"
    else:
        what, style = "failed", "red"
    lines = [what, str(info.get("verdict") or ""), f"sum of rewards {total:+.3f}"]
    text = plain("\n".join(line for line in lines if line))
    return Panel(text, title="verdict", title_align="left", border_style=style)


def tools_view(tools: Sequence[Mapping[str, Any]], limit: int = 160) -> RenderableType:
    """OpenAI-style tool schemas: name, parameters (optional ones marked ?), ``limit`` characters of description."""
    parts: list[RenderableType] = [""]
    for tool in tools:
        function = tool["function"]
        takes = plain(parameters_line(function["parameters"]) or "no parameters")
        parts.append(Text.assemble((printable(function["name"]), "bold"), "  ", takes))
        parts.append(Padding(plain(one_line(function.get("description", ""), limit), "dim"), (0, 0, 0, 4)))
    return Group(*parts, "")


def tool_view(tool: Mapping[str, Any]) -> RenderableType:
    """An OpenAI-style tool schema, whole: its description, and its parameters with theirs."""
    function = tool["function"]
    parameters = function["parameters"]
    required = parameters.get("required", ())
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("parameter", no_wrap=True)
    for head in ("type", "what it is"):
        table.add_column(head, overflow="fold")
    for name, schema in parameters.get("properties", {}).items():
        what = str(schema.get("description", "")) if isinstance(schema, Mapping) else ""
        shown = one_line(name if name in required else f"{name}?", 40)
        table.add_row(plain(shown), plain(_kind(schema)), plain(what))
    about = Text.assemble((one_line(function["name"], 80), "bold"), "  ", plain(function.get("description", "")))
    return Group(about, table)


def parameters_line(schema: Mapping[str, Any]) -> str:
    """``a: integer, b?: string`` for a function's parameters."""
    required = schema.get("required", ())
    return ", ".join(
        f"{name}{'' if name in required else '?'}: {_kind(about)}"
        for name, about in schema.get("properties", {}).items()
    )


def audit_view(report: AuditReport, name: str) -> RenderableType:
    """The mean reward of each adversary beside that of an honest weak policy, and the holes found."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=plain(f"rubric {name}: mean rewards", "bold"))
    table.title_justify = "left"
    table.add_column("adversary")
    for head in ("cases", "reward", "weak", "gold"):
        table.add_column(head, justify="right")
    for row in report.rows:
        numbers = (f"{row.reward:+.2f}", f"{row.weak:+.2f}", f"{row.gold:+.2f}")
        table.add_row(row.adversary, str(row.cases), *numbers, style="red" if row.beats else "")
    holes = [plain(f"- {hole}", "red") for hole in report.holes]
    about = plain("weak: the right calls with one value wrong; gold: the expected answer", "dim")
    return Group(table, about, *holes, "")


def call_line(name: str, arguments: Any, limit: int = 300) -> Text:
    """A call on one line."""
    return Text.assemble((one_line(name, 80) or "?", "bold"), " ", one_line(as_json(arguments), limit))


def bar(share: float, width: int = 10) -> Text:
    """A share in [0, 1] as a bar of blocks."""
    share = min(max(share, 0.0), 1.0)
    full = round(share * width)
    return Text("█" * full + "░" * (width - full), style="green" if share == 1 else "yellow" if share > 0 else "red")


def _call_view(number: int, record: CallRecord) -> RenderableType:
    call = record.call
    parts: list[RenderableType] = [Text.assemble(f"{number}. ", call_line(call.name, call.arguments))]
    for what, share, words in call_words(record):
        line = Text.assemble(f"{what:<16}", bar(share), f" {words}")
        parts.append(Padding(line, (0, 0, 0, 3)))
    parts += [Padding(plain(f"{kind}: {shorten(text, 600)}", "dim"), (0, 0, 0, 3)) for kind, text in notes(record)]
    return Group(*parts)


def _kind(about: Any) -> str:
    if not isinstance(about, Mapping):
        return "any"
    for word in ("anyOf", "oneOf"):
        if isinstance(about.get(word), (list, tuple)) and about[word]:
            return "|".join(dict.fromkeys(map(_kind, about[word])))
    if isinstance(about.get("$ref"), str):
        return str(about["$ref"]).rpartition("/")[2]
    if "type" not in about and isinstance(about.get("enum"), (list, tuple)):
        return shorten("|".join(map(repr, about["enum"])), 60)
    kind = about.get("type", "any")
    return "|".join(map(str, kind)) if isinstance(kind, (list, tuple)) else str(kind)
