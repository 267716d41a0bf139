"""An environment of test_ray_training.py: a module that actors can import."""

import os
import signal
from pathlib import Path

from test_train import Talk, small_letters

from toolgym import Rubric, Task, register


class Deadly(Talk):
    """Kills its own process in the second turn of the task "go!!", as often as the file says."""

    def __init__(self, *args, deaths="", **kwargs):
        super().__init__(*args, **kwargs)
        self.deaths = deaths

    def step(self, action):
        if self.deaths and self.task.id == "train-2" and self.turns:
            left = int(Path(self.deaths).read_text())
            if left:
                Path(self.deaths).write_text(str(left - 1))
                os.kill(os.getpid(), signal.SIGKILL)
        return super().step(action)


def deadly(split="train", **kwargs):
    """Two turns, and several tasks."""
    tasks = [Task.of(f"{split}-{i}", "go" + "!" * i) for i in range(4)]
    return Deadly(tasks, dialect="openai", rubric=Rubric([("letters", small_letters, 1.0)]), max_turns=2, **kwargs)


register("TestDeadly-v0", deadly)
