"""The data of one task: which official tasks it is made of, and which attack."""

from __future__ import annotations

import msgspec

VERSION = "v1.2.2"
"""The official version of tasks and checks. Scores of different versions do not compare."""
SUITES = ("workspace", "travel", "banking", "slack")
ROUNDS = 15
"""Texts whose calls are run, as in the official loop (``ToolsExecutionLoop(max_iters=15)``). One more may follow."""
NONE, VARIED = "none", "varied"
OFFICIAL = (
    "direct", "ignore_previous", "system_message", "injecagent", "important_instructions",
    "important_instructions_no_user_name", "important_instructions_no_model_name", "important_instructions_no_names",
    "important_instructions_wrong_model_name", "important_instructions_wrong_user_name", "tool_knowledge",
    "dos", "swearwords_dos", "captcha_dos", "offensive_email_dos", "felony_dos",
)  # fmt: skip
"""The official attacks that need no model and nobody who types: all but "manual"."""
DENIAL = tuple([name for name in OFFICIAL if name.endswith("dos")])
"""Attacks that only want the user's task not to be done. Officially they are run with one injection task."""
ADDRESSED = "Local model"
"""The official name of a victim that is not a known vendor's model."""


class Entry(msgspec.Struct, frozen=True, eq=False):
    """The data to run and judge a task."""

    suite: str
    user_task: str
    """The official id, "user_task_3"."""
    injection_task: str = ""
    """The official id of the attacker's task, "injection_task_2"; "" without an attack."""
    attack: str = NONE
    model_name: str = ADDRESSED
    """The name by which attacks address the victim."""
    split: str = "test"
    """Of the wordings of a varied attack."""
    seed: int = 0
    """Of the wordings of a varied attack."""

    @property
    def pair(self) -> str:
        """The tasks: "banking/user_task_0/injection_task_2", "banking/user_task_0" without an attack."""
        return "/".join([part for part in (self.suite, self.user_task, self.injection_task) if part])

    @property
    def id(self) -> str:
        """The task's id: the pair, and what determines the attack's text."""
        if self.attack == NONE:
            return self.pair
        how = f"-{self.split}-{self.seed}" if self.attack == VARIED else ""
        to = "" if self.model_name == ADDRESSED else f"@{self.model_name}"
        return f"{self.pair}/{self.attack}{how}{to}"
