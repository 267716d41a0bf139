"""FunctionsEnv: one request, functions that exist only as descriptions, and the decision which of them to call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolgym.dialects import Dialect
from toolgym.env import ToolEnv
from toolgym.grading import NOT_ACTED, grade, told_nothing
from toolgym.rewards import Evidence, Reward, Scores
from toolgym.tasks import Task
from toolgym.tasks.gold import gold_thought
from toolgym.tasks.source import level_or_category
from toolgym.types import Completion, Term, ToolCall, Verdict

from .tasks import FunctionsTasks
from .toolset import FunctionsV1Tasks


class FunctionsEnv(ToolEnv):
    """One request, one to four functions on offer, one decision: ``ToolGym-Functions-v0``.

    A task is made when it is asked for, from (split, seed, index) alone: a function of some field of life, values for
    its parameters, a request that mentions them in one of many wordings, and names, descriptions and other functions
    to go with it. Nothing is run. It is the cheapest suite to train on: prompts are short and an episode is one action.

    Levels, which take turns in this order if several are played:

    - ``single``: one function, one call.
    - ``choose``: one call, with one of two to four functions, most of them of the same field.
    - ``parallel``: two to four calls of one function.
    - ``mixed``: one call each of two or three functions.
    - ``irrelevant``: no function on offer fits. Call nothing, and say so.

    A call has an optional parameter if and only if the request mentions it, even if the request asks for the default.

    In ``train``, words of two random syllables replace the functions' names in half of the tasks, and the
    parameters' names in half, so that descriptions have to be read (function masking, arXiv 2410.04587). Some of these
    words happen to be English words, with another meaning.

    Splits share no wordings of requests for one call, and no words that a parameter is drawn from. They do share
    numbers, dates, the values of enums, and some sentence frames for several calls. ``test_unseen`` has functions of
    fields that no other split has; its names and countries are the same as in ``test``.

    Reward: the rubric's, against the gold calls; a point less if the user should be told something and is told
    nothing.

    Success: exactly the expected calls, in any order. If no call is expected: no call, and a response with any text
    (see toolgym/grading.py).

    ``info`` also has ``category``: the level.

    Args:
        split: "train" (1,000,000 tasks), "val", "test" or "test_unseen" (2,000 each).
        level: a level, several (one that is named twice comes twice as often), or None for all.
        seed: other seeds give other tasks.
        category: another name of ``level``, as in other suites.
        dialect, rubric, and further arguments: see ToolEnv.

    Version history:
        v0: the first.
        v1: FunctionsV1Env.
    """

    def __init__(
        self,
        split: str = "train",
        level: str | Sequence[str] | None = None,
        seed: int = 0,
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        category: str | Sequence[str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            self._tasks(split, seed, level_or_category(level, category)),
            dialect=dialect,
            rubric=rubric,
            **{"max_turns": 1, **kwargs},
        )
        self.tasks: FunctionsTasks
        self.state: Verdict | None
        """The verdict on the episode's only action; None before the action."""

    def _tasks(self, split: str, seed: int, level: str | Sequence[str] | None) -> FunctionsTasks:
        return FunctionsTasks(split, seed, level)

    def start(self, task: Task) -> None:
        self.state = None

    def on_score(self, scores: Scores, evidence: Evidence) -> Sequence[Term]:
        # Graded here, where the calls are already matched for the reward: verdict and reward agree
        self.state = grade(evidence)
        return told_nothing(evidence)

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        calls: tuple[ToolCall, ...] = self.task.expected[0]
        return calls

    def finished(self, completion: Completion) -> bool:
        return True

    def judge(self) -> Verdict:
        return self.state or NOT_ACTED

    def extra_info(self, over: bool) -> dict[str, Any]:
        return {"category": self.task.data}

    def stratum(self, task: Task) -> tuple[str, ...]:
        """The level, and whether the functions' names are coined."""
        return task.data, "coined names" if self.tasks.style(task).names else "real names"

    def gold(self, task: Task) -> tuple[str, ...]:
        """The gold action, in this env's dialect."""
        calls = task.expected[0]
        missing = "The request does not say all that a call needs."
        nothing = missing if task.data == "missing" else "No tool on offer does what is asked."
        think = gold_thought(calls) if calls else nothing
        return (self.dialect.render(Completion("", calls, think, task.response)),)


class FunctionsV1Env(FunctionsEnv):
    """One request, functions of 47 fields, one decision: ``ToolGym-Functions-v1``.

    As FunctionsEnv, with more to learn from; verdict, reward and arguments are the same. What differs:

    - ``train``, ``val`` and ``test`` have 38 fields, ``test_unseen`` has 9. The unseen fields of v0 are among
      the unseen ones here, so a model trained on one version can be tested on the other.
    - Arguments are also objects, lists of objects, dates in the format that a description asks for, and codes for
      what the request says in words. Schemas also give defaults.
    - Names are also written ``music_player.playSong`` or ``Music_2_PlaySong``; some descriptions are longer.
    - Requests for several calls may list their values: "for 2, 3 and 5 nights respectively".
    - The level ``missing``, the last: a request without a parameter that its function requires. Call nothing, and ask.
    - Functions that could do the same job are never offered together.

    Args:
        split: "train" (1,000,000 tasks), "val", "test" or "test_unseen" (2,000 each).
        level: a level, several (one that is named twice comes twice as often), or None for all.
        seed: other seeds give other tasks.
        requests_per_toolset: this many neighbours in the sequence of tasks offer the same one to four functions. If
            they are drawn together (``toolgym train --neighbours``), SFT computes their system message once.
        category: another name of ``level``, as in other suites.
        dialect, rubric, and further arguments: see ToolEnv.

    Version history:
        v1: 47 fields and 511 functions instead of 14 and 147; objects, date formats, codes, defaults; the level
            ``missing``.
        v0: FunctionsEnv.
    """

    def __init__(
        self,
        split: str = "train",
        level: str | Sequence[str] | None = None,
        seed: int = 0,
        requests_per_toolset: int = 1,
        **kwargs: Any,
    ):
        self._per_toolset = requests_per_toolset
        super().__init__(split, level, seed, **kwargs)

    def _tasks(self, split: str, seed: int, level: str | Sequence[str] | None) -> FunctionsTasks:
        return FunctionsV1Tasks(split, seed, level, self._per_toolset)
