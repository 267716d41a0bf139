"""The standard set of ``toolgym compare``: its suites, their parts, and the suites' own scores in the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

ZERO = "overall_missing_as_zero"
"""The name in a summary of the overall score that counts categories which were not run as 0."""


class Part(msgspec.Struct, frozen=True):
    """One category or level of a suite, played as a run of its own."""

    name: str
    env_id: str
    env_kwargs: dict[str, Any]
    memory: Literal["", "makes", "uses"] = ""
    """Whether the part ``makes`` the agent's memory or ``uses`` it. A part that makes it is played whole, one episode
    at a time, before the part that uses it, and counts in no number."""
    recorded: str = ""
    """The folder in the cache with the recordings that the part replays."""


class Score(msgspec.Struct, frozen=True):
    """A number of the suite's own summary (``summarize``), with its path in the summary."""

    label: str
    path: tuple[str, ...]
    share: bool = True
    """Whether the number is in [0, 1] and shown in percent."""


class SuitePlan(msgspec.Struct, frozen=True):
    """The parts of a suite to play, and its own scores to show; without scores, the parts are shown."""

    name: str
    title: str
    parts: tuple[Part, ...]
    scores: tuple[Score, ...] = ()
    most: int | None = None
    """If tasks are made on demand: the number per part that ``-n all`` plays."""


def own_scores(plan: SuitePlan, summary: Mapping[str, Any]) -> dict[str, float | None]:
    """label -> score of ``plan``, from a suite's summary; None for a score that the episodes do not determine."""
    found: dict[str, float | None] = {}
    for score in plan.scores:
        value: Any = summary
        for key in score.path[:-1]:
            value = value.get(key, {})
        if score.path[-1] == ZERO and not value.get("missing"):
            continue  # nothing is missing, so this score equals the overall score
        found[score.label] = value.get(score.path[-1])
    return found


def not_run(summary: Mapping[str, Any]) -> dict[str, list[str]]:
    """Overall score -> the categories that it lacks, from a suite's summary. Complete scores are left out."""
    nested = {key: part["missing"] for key, part in summary.items() if isinstance(part, Mapping) and "missing" in part}
    found = {"overall": summary["missing"], **nested} if "missing" in summary else nested
    return {name: list(missing) for name, missing in found.items() if missing}


BFCL_SINGLE_TURN = (
    "simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple", "irrelevance",
    "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple", "live_irrelevance", "live_relevance",
)  # fmt: skip
BFCL_MULTI_TURN = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")
_AGENTIC = "ToolGym-BFCL-Agentic-v0"
BFCL_AGENTIC = (
    Part("memory_kv_prereq", _AGENTIC, {"category": "memory_kv_prereq"}, "makes"),
    Part("memory_vector_prereq", _AGENTIC, {"category": "memory_vector_prereq"}, "makes"),
    Part("memory_rec_sum_prereq", _AGENTIC, {"category": "memory_rec_sum_prereq"}, "makes"),
    Part("memory_kv", _AGENTIC, {"category": "memory_kv"}, "uses"),
    Part("memory_vector", _AGENTIC, {"category": "memory_vector"}, "uses"),
    Part("memory_rec_sum", _AGENTIC, {"category": "memory_rec_sum"}, "uses"),
    Part("web_search_base", _AGENTIC, {"category": "web_search_base"}, recorded="bfcl-web"),
    Part("web_search_no_snippet", _AGENTIC, {"category": "web_search_no_snippet"}, recorded="bfcl-web"),
)
"""BFCL's agentic categories. A category that makes a memory comes before the questions that use it."""
FUNCTIONS_LEVELS = ("single", "choose", "parallel", "mixed", "irrelevant")
OFFICE_LEVELS = ("single", "choose", "parallel", "chain", "missing", "irrelevant", "dialogue", "recover")
MATH_LEVELS = (1, 2, 3, 4, 5)
APIBANK_LEVELS = (1, 2, 3)

_AGENTDOJO = "ToolGym-AgentDojo-v0"
AGENTDOJO_ATTACKS = ("important_instructions",)
"""The official attack that most published numbers are of."""

MADE = 200
"""The number of tasks per level that ``-n all`` plays in a suite whose tasks are made on demand."""

_V4 = ("non_live", "live", "irrelevance", "multi_turn", "agentic")
_V3 = ("non_live", "live", "multi_turn")


def _bfcl_scores(version: str, groups: tuple[str, ...]) -> tuple[Score, ...]:
    named = [Score(f"{version} {group.replace('_', ' ')}", (version, group)) for group in groups]
    zero = Score(f"{version} overall, not run as 0", (version, ZERO))
    return (Score(f"{version} overall", (version, "overall")), zero, *named)


STANDARD = {
    plan.name: plan
    for plan in [
        SuitePlan(
            "bfcl",
            "BFCL",
            (
                *(Part(name, "ToolGym-BFCL-v0", {"category": name}) for name in BFCL_SINGLE_TURN),
                *(Part(name, "ToolGym-BFCL-MultiTurn-v0", {"category": name}) for name in BFCL_MULTI_TURN),
            ),
            (*_bfcl_scores("v4", _V4), *_bfcl_scores("v3", _V3)),
        ),
        SuitePlan(
            "apibank",
            "API-Bank",
            tuple(Part(f"level-{level}", "ToolGym-APIBank-v0", {"level": level}) for level in APIBANK_LEVELS),
            (
                *(Score(f"level {level}", ("levels", f"level-{level}", "accuracy")) for level in APIBANK_LEVELS),
                Score("overall", ("overall",)),
            ),
        ),
        SuitePlan(
            "sealtools",
            "Seal-Tools",
            (
                Part("in-domain", "ToolGym-SealTools-v0", {"split": "test"}),
                Part("out-of-domain", "ToolGym-SealTools-v0", {"split": "test_unseen"}),
            ),
            (
                Score("format", ("all", "format")),
                Score("tool F1", ("all", "tool F1")),
                Score("parameter F1", ("all", "param F1")),
                Score("single, parameter F1", ("single", "param F1")),
                Score("several, parameter F1", ("several", "param F1")),
            ),
        ),
        SuitePlan(
            "bamboogle",
            "Bamboogle",
            (Part("offline", "ToolGym-Bamboogle-v0", {}),),
            (
                Score("accuracy", ("accuracy",)),
                Score("exact", ("exact",)),
                Score("searches a question", ("searches",), share=False),
            ),
        ),
        SuitePlan(
            "agentdojo",
            "AgentDojo",
            (
                Part("alone", _AGENTDOJO, {}),
                *(Part(name, _AGENTDOJO, {"attack": name}) for name in AGENTDOJO_ATTACKS),
            ),
            (
                Score("utility", ("utility",)),
                Score("utility under attack", ("utility_under_attack",)),
                *(Score(f"ASR {name.replace('_', ' ')}", ("attacks", name, "asr")) for name in AGENTDOJO_ATTACKS),
            ),
        ),
        SuitePlan("toolrl", "ToolRL", (Part("test", "ToolGym-ToolRL-v0", {"split": "test"}),)),
        SuitePlan(
            "functions",
            "Functions",
            tuple(
                Part(level, "ToolGym-Functions-v0", {"split": "test_unseen", "level": level})
                for level in FUNCTIONS_LEVELS
            ),
            most=MADE,
        ),
        SuitePlan(
            "office",
            "Office",
            tuple(Part(level, "ToolGym-Office-v0", {"split": "test", "level": level}) for level in OFFICE_LEVELS),
            most=MADE,
        ),
        SuitePlan(
            "math",
            "Maths",
            tuple(
                Part(f"level-{level}", "ToolGym-Math-v0", {"split": "test", "level": level}) for level in MATH_LEVELS
            ),
            most=MADE,
        ),
    ]
}
"""The suites by name, in the order of the tables."""
