"""Two hooks act on an action, ``on_action`` and ``on_score``; all others are questions, and asking changes nothing."""

from __future__ import annotations

from random import Random

import gymnasium as gym
import msgspec
import pinned_play
import pytest
from conftest import calling, saying, shop

from toolgym import ToolEnv
from toolgym.agents.scripted import Random as RandomAgent
from toolgym.registry import SUITES
from toolgym.types import Completion

SMALL = {
    "ToolGym-BFCL-v0": [{"category": "simple_python,live_multiple,irrelevance"}],
    "ToolGym-BFCL-MultiTurn-v0": [{"category": name} for name in pinned_play.MULTI_TURN[:3]],
    "ToolGym-BFCL-Agentic-v0": [{"category": "memory"}, {"category": "web_search"}, {"category": "memory_prereq"}],
    "ToolGym-ToolRL-v0": [{}, {"withhold": True}],
}
CASES = [(env_id, kwargs) for env_id in sorted(SUITES) for kwargs in SMALL.get(env_id, [{}])]


def ask_everything(env, completion):
    """Every question that a suite may be asked, with its answer."""
    task, turns = env.task, env.turns
    records = turns[-1].reward.calls if turns else ()
    expected = env.expected(completion)
    return msgspec.to_builtins(
        {
            "instructions": env.instructions(task.tools),
            "parse": env.parse(completion.text),
            "expected": expected,
            "wants_response": env.wants_response(expected),
            "finished": turns and env.finished(completion),
            "reply": turns and not env.over and env.reply(completion, records),
            "judge": turns and env.judge(),
            "final_terms": env.final_terms(),
            "extra_info": [env.extra_info(False), env.extra_info(env.over)],
            "gold": env.gold(task),
            "stratum": env.stratum(task),
            "observe": env.observe().messages,
        },
        enc_hook=repr,
    )


def play_and_ask(env, texts):
    """Play, with all questions asked twice between the steps; what the steps gave."""
    out, completion = [], Completion("")
    for text in texts:
        if env.over:
            break
        for last in (completion, env.parse(text)) if env.turns else (env.parse(text),):
            before = env.snapshot().digest
            assert ask_everything(env, last) == ask_everything(env, last)
            assert env.snapshot().digest == before
        completion = env.parse(text)
        out.append(repr(env.step(text)))
    before = env.snapshot().digest
    assert ask_everything(env, completion) == ask_everything(env, completion)
    assert env.snapshot().digest == before
    return out


@pytest.mark.parametrize(("env_id", "kwargs"), CASES, ids=lambda value: str(value))
def test_questions_change_nothing(env_id, kwargs, tmp_path):
    if "prereq" in str(kwargs):
        kwargs = {**kwargs, "memory": str(tmp_path)}
    env = gym.make(env_id, **kwargs).unwrapped
    rng = Random(0)
    for index in [rng.randrange(len(env.tasks)) for _ in range(8)]:
        task = env.tasks[index]
        gold, agent = list(env.gold(task)), RandomAgent(seed=index).for_env(env)
        env.reset(options={"task_id": task.id})
        wild = [agent.act(env.observe()) for _ in range(3)] + ["Hm.", "<think>"] + gold
        rng.shuffle(wild)
        for texts in (gold, wild):
            env.reset(options={"task_id": task.id})
            asked = play_and_ask(env, texts[:8])
            env.reset(options={"task_id": task.id})
            assert asked == [repr(env.step(text)) for text in texts[:8] if not env.over]


def test_the_hooks_that_act_are_called_once_per_action():
    calls = []

    class Watched(ToolEnv):
        def on_action(self, completion, results):
            calls.append(("action", len(self.turns), len(results)))
            return super().on_action(completion, results)

        def on_score(self, scores, evidence):
            calls.append(("score", scores.total, evidence.expected != ()))
            return super().on_score(scores, evidence)

    base = shop()
    env = Watched(base.tasks, state=base._make_state)
    env.reset(options={"task_id": "milk"})
    env.step(calling(("add", {"item": "milk", "quantity": 2})))
    env.step(saying("Done."))
    assert calls == [("action", 0, 1), ("score", 4.0, True), ("action", 1, 0), ("score", 4.0, False)]
