"""The 5,200 rows of format_sensitivity: 200 rows of other categories, each in 26 configurations."""

from __future__ import annotations

from functools import cache

import msgspec

from toolgym.tasks import Task
from toolgym.types import Completion, Message, Verdict, message

from .. import wheel
from ..grading import DECODER_FAILED, Checker, Entry
from ..tasks import FORMAT_SENSITIVITY, as_offered, load
from ..unpassable import UNPASSABLE, UNPASSABLE_AS_JSON
from .configuration import CONFIGURATIONS, Configuration
from .dialect import return_format
from .prompt import system_prompt, write_docs


class FormatEntry(Entry, frozen=True, dict=True):
    """The data of one task: a row of another category, and the configuration in which it is asked."""

    row: Entry = Entry("")
    configuration: Configuration = CONFIGURATIONS[0]
    row_id: str = ""

    @property
    def checker(self) -> Checker:
        """The Checker of the row, which all configurations share."""
        return self.row.checker

    @property
    def known_unpassable(self) -> str | None:
        """Why no natural answer can pass this row in this configuration, or None."""
        as_json = UNPASSABLE_AS_JSON.get(self.row_id) if self.configuration.returns == "json" else None
        return UNPASSABLE.get(self.row_id) or as_json

    def grade(self, completion: Completion) -> Verdict:
        """The official verdict on an action's text."""
        problem, found = completion.problem, None
        if problem is None or completion.calls:
            found, _, _, problem = return_format(self.configuration).read(completion.text)
        if found is None:
            return Verdict(False, f"no calls could be read: {problem}", DECODER_FAILED)
        return self.checker.check([{name: arguments} for name, arguments, _, _ in found])


@cache
def load_formats() -> tuple[Task, ...]:
    """The tasks, with the official ids and in the official order. Read once per process (23 MB of prompts).

    Raises AssetError if the wheel is missing and cannot be downloaded.
    """
    chosen = msgspec.json.decode(wheel.data(f"BFCL_v4_{FORMAT_SENSITIVITY}.json"), type=dict[str, frozenset[str]])
    rows = [task for category, ids in chosen.items() for task in load(category) if task.id in ids]
    tasks: list[Task] = []
    for row in rows:
        # officially the sentence about the language is added twice: by the row's category and by this category
        docs = [as_offered(as_offered(doc, "python"), "python") for doc in row.data.docs]
        shown = {form: write_docs(docs, form) for form in {each.docs for each in CONFIGURATIONS}}
        for each in CONFIGURATIONS:
            data = FormatEntry(FORMAT_SENSITIVITY, row.data.docs, row.data.ground_truth, row.data, each, row.id)
            messages = _with_system(row.messages, system_prompt(each, shown[each.docs]))
            name = f"{FORMAT_SENSITIVITY}_{len(tasks)}:{each}:{row.id}"
            tasks.append(Task(name, messages, row.tools, data=data))
    return tuple(tasks)


def _with_system(messages: tuple[Message, ...], system: str) -> tuple[Message, ...]:
    if messages[0]["role"] == "system":
        return (message("system", f"{system}\n\n{messages[0]['content']}"), *messages[1:])
    return (message("system", system), *messages)
