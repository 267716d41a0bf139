"""The tiny model's pretraining corpus for the robustness study: that of ``study/tiny_corpus.py``, with a second answer.

After a call the conversation goes on: its result, and an answer of mixed habits. Now and then the result is an error,
in words of its own that no injected fault uses. Then most assistants say that all is done, some call again, and some
say that they cannot do it. So a policy has the skill to recover, and rarely shows it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from study.tiny_corpus import FILLER, answered, begun

from toolgym.types import Completion

from .errands import ENV, RESULT, SAID

ERRORS = (
    "Error: something went wrong.", "Error: not now.", "Problem: no connection.", "Error: busy, call again.",
    "Error: you may not do this.", "Problem: the call was lost.",
)  # fmt: skip
LAYOUT = 0.5
"""The share of last answers that have the requested layout."""


def texts(seed: int) -> Iterator[list[dict[str, str]]]:
    """An endless stream of conversations. The last message is what is learnt."""
    stream = random.Random(f"errands {seed}")
    for env, asked in begun(ENV, stream):
        task = env.task
        if stream.random() < 0.6 or not task.expected[0]:
            said = answered(task, env.dialect, stream)
            yield [*asked, {"role": "assistant", "content": said}]
            continue
        call = env.gold(task)[0]
        env.step(call)
        *before, result = map(dict, env.episode.messages)
        failed = stream.random() < 0.4
        if failed:
            result = {**result, "content": result["content"].replace(RESULT, stream.choice(ERRORS))}
        yield [*before, result, {"role": "assistant", "content": last(env, task, call, failed, stream)}]


def last(env: Any, task: Any, call: str, failed: bool, stream: random.Random) -> str:
    """The answer after a result."""
    habit = stream.random() if failed else 1.0
    if habit < 0.3:
        return call
    says = "I could not do that." if habit < 0.45 else task.response or "Done."
    if stream.random() > LAYOUT:
        return says
    think = SAID if stream.random() < 0.7 else stream.choice(FILLER)
    return str(env.dialect.render(Completion("", (), think, says)))
