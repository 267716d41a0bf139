"""The texts of attacks, and the places in the data where they are put.

An attack's text is put into every injection vector that the gold calls of the user's task show, as officially
(``BaseAttack.get_injection_candidates`` in agentdojo 0.1.35).
"""

from __future__ import annotations

import copy
from functools import cache
from types import SimpleNamespace
from typing import Any

from . import official
from .entry import VARIED, Entry
from .rendering import as_text
from .suites import Injections, environment, runtime, suite, vectors
from .wordings import varied


def injections(entry: Entry) -> Injections:
    """What is put into the environment of a task; nothing without an attack."""
    if not entry.injection_task:
        return ()
    found = suite(entry.suite)
    user, attacker = found.user_tasks[entry.user_task], found.injection_tasks[entry.injection_task]
    if entry.attack == VARIED:
        text = varied(entry, attacker.GOAL)
        return tuple([(vector, text) for vector in candidates(entry.suite, entry.user_task)])
    return tuple(_attack(entry.suite, entry.attack, entry.model_name).attack(user, attacker).items())


def model_names() -> tuple[str, ...]:
    """The names by which official attacks can address a model."""
    return tuple(dict.fromkeys(official.module("models").MODEL_NAMES.values()))


@cache
def candidates(name: str, user_task: str) -> tuple[str, ...]:
    """The injection vectors that the results of a user task's gold calls show."""
    canaries = {vector: f"<CANARY---{vector}--->" for vector in vectors(name)}
    world = copy.deepcopy(environment(name, tuple(canaries.items())))
    shown = []
    for call in suite(name).user_tasks[user_task].ground_truth(world):
        value, _ = runtime(name).run_function(world, call.function, call.args, raise_on_error=True)
        shown.append(as_text(value))
    return tuple([vector for vector, canary in canaries.items() if any(canary in text for text in shown)])


@cache
def _attack(name: str, attack: str, model_name: str) -> Any:
    """An official attack on a victim that is addressed by this name."""
    names = official.module("models").MODEL_NAMES
    victim = SimpleNamespace(name=next(model for model, called in names.items() if called == model_name))
    found = official.module("attacks").load_attack(attack, suite(name), victim)
    # the official method loads the environment anew for every user task
    found.get_injection_candidates = lambda user_task: list(candidates(name, user_task.ID))
    return found
