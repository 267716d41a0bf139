"""Agents of test_ray.py: a module that actors can import."""

import os
import signal
import time
from pathlib import Path

from toolgym.agents.scripted import Oracle

ANSWER = "<think>No.</think>\n<response>None of them fits.</response>"


class Deadly:
    """Kills its own process over the tasks with the word ``over`` in their request: ``times`` times in all."""

    name = "deadly"

    def __init__(self, over: str, times: int, folder: str):
        self.over, self.times, self.folder = over, times, Path(folder)
        self.settings = {"over": over}

    def act(self, observation):
        deaths = len(list(self.folder.iterdir()))
        if self.over in observation["messages"][-1]["content"] and deaths < self.times:
            (self.folder / str(deaths)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return ANSWER


class Wrong:
    """Its code has a bug."""

    def act(self, observation):
        raise KeyError("my bug")


class Learner:
    """Learns from earlier episodes."""

    def act(self, observation):
        return ANSWER

    def resume(self, trajectories):
        pass


class Slow(Oracle):
    """The oracle, which takes its time: a machine can be killed meanwhile."""

    name = "slow"

    def act(self, observation):
        time.sleep(0.2)
        return super().act(observation)
