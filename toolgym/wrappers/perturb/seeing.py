"""Makes an env read and write through the views of its tasks."""

from __future__ import annotations

from typing import Any

from toolgym.tasks.task import Task
from toolgym.types import Completion


def see_through_view(env: Any) -> None:
    """Wrap ``parse`` and ``gold`` of a ToolEnv.

    Suites override both, and call them on themselves and by ``super()`` as they like. So the wrappers are attributes of
    the instance: whoever asks the env gets them, and the suite's own methods stay as they are.
    """
    own, own_gold = type(env), env.gold

    def parse(text: str) -> Completion:
        """Read an action. Its calls have the tools' own names, whatever names are shown."""
        completion = own.parse(env, text)
        return completion if env.view is None else env.view.read(completion)

    def gold(task: Task) -> tuple[str, ...]:
        """The gold actions, with tools by the names that are shown."""
        view = env.view_of(task)
        return tuple([view.gold(text, env.dialect) for text in own_gold(task)])

    env.parse, env.gold = parse, gold
