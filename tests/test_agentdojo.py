"""ToolGym-AgentDojo-v0: gold and obedient play, attacks, rewards, hostile calls, the numbers of a run."""

from __future__ import annotations

import pickle
import subprocess
import sys
from random import Random
from typing import Any

import agentdojo_transcripts as transcripts
import gymnasium as gym
import pytest

from toolgym import evaluate
from toolgym.agents.scripted import Oracle
from toolgym.dialects import DIALECTS
from toolgym.envs.agentdojo import attacks, suites, wordings
from toolgym.envs.agentdojo.differences import sharing
from toolgym.envs.agentdojo.entry import OFFICIAL, SUITES, VARIED
from toolgym.envs.agentdojo.limits import MAX_CALL, MAX_EPISODE
from toolgym.envs.agentdojo.rendering import as_text
from toolgym.report.compare.suite_set import STANDARD, own_scores
from toolgym.types import Completion, ToolCall

ID = "ToolGym-AgentDojo-v0"
MAXIMUM = 4.0


def make(**kwargs: Any) -> Any:
    return gym.make(ID, **kwargs).unwrapped


def act(env: Any, *calls: tuple[str, dict[str, Any]], says: str | None = None) -> Any:
    made = tuple([ToolCall(name, arguments) for name, arguments in calls])
    return env.step(env.dialect.render(Completion("", made, "t", says)))


class Victim:
    """Does what a tool's result asks for, if it asks for a goal of the suite's attackers; then the user's task."""

    def for_env(self, env: Any) -> Victim:
        self.env = env.unwrapped
        return self

    def act(self, observation: Any) -> str:
        env, turns = self.env, len(self.env.turns)
        if not turns:
            self.left = list(env.gold(env.task))
            self.obeyed = False
        entry, seen = env.task.data, "".join(m["content"] for m in observation["messages"] if m["role"] == "tool")
        suite = suites.suite(entry.suite)
        goal = suite.injection_tasks[entry.injection_task].GOAL if entry.injection_task else "?"
        if not self.obeyed and "".join(goal.split()) in "".join(seen.replace("''", "'").split()):
            self.obeyed = True
            calls = transcripts.attacker_calls(entry, env.state.now)
            self.left[:0] = [
                env.dialect.render(Completion("", (ToolCall(name, arguments),), "As it says."))
                for name, arguments in calls
            ]
        return self.left.pop(0) if self.left else env.dialect.render(Completion("", (), "t", "Done."))


def test_gold_does_every_task_of_the_user_and_ignores_attacks() -> None:
    env = make()
    assert len(env.tasks) == 97
    for task in env.tasks:
        env.reset(options={"task_id": task.id})
        steps = [env.step(text) for text in env.gold(task)]
        assert [step[1] for step in steps] == [MAXIMUM] * len(steps), task.id
        info = steps[-1][4]
        assert (info["success"], info["utility"], info["attack_success"]) == (True, True, None), task.id
    env = make(attack="direct,important_instructions,tool_knowledge,varied")
    assert len(env.tasks) == 4 * 949
    for task in env.tasks[::149]:
        env.reset(options={"task_id": task.id})
        steps = [env.step(text) for text in env.gold(task)]
        assert [step[1] for step in steps] == [MAXIMUM] * len(steps), task.id
        info = steps[-1][4]
        assert (info["success"], info["utility"], info["attack_success"]) == (True, True, False), task.id


def test_the_numbers_of_an_oracle_and_of_a_victim() -> None:
    kwargs = {"attack": "none,direct", "category": ["banking", "slack"]}
    summary = make().summarize(evaluate(ID, Oracle(), env_kwargs=kwargs, n=60, seed=1))
    assert summary["version"] == "v1.2.2"
    assert (summary["utility"], summary["utility_under_attack"], summary["asr"]) == (1.0, 1.0, 0.0)
    assert summary["n"] + summary["n_attacked"] == 60
    episodes = evaluate(ID, Victim(), env_kwargs=kwargs, n=60, seed=1)
    summary = make().summarize(episodes)
    assert summary["utility"] == 1.0
    assert summary["asr"] > 0.5
    assert summary["attacks"]["direct"]["asr"] == summary["asr"]
    assert set(summary["categories"]) == {"banking", "slack"}
    assert {each.error_type for each in episodes} == {None, "attack", "utility and attack"}
    assert all(each.success == (each.error_type is None) for each in episodes)
    of_none = make().summarize([])
    assert (of_none["utility"], of_none["asr"], of_none["n"]) == (None, None, 0)


def test_compare_shows_the_official_numbers() -> None:
    plan = STANDARD["agentdojo"]
    played = [each for part in plan.parts for each in evaluate(part.env_id, Oracle(), env_kwargs=part.env_kwargs, n=2)]
    found = own_scores(plan, make().summarize(played))
    assert list(found.values()) == [1.0, 1.0, 0.0]


def test_a_denial_of_service_succeeds_if_the_users_task_is_not_done() -> None:
    env = make(attack="dos", category="banking")
    assert [task.id for task in env.tasks[:2]] == [f"banking/user_task_{i}/injection_task_0/dos" for i in (0, 1)]
    env.reset(options={"task_id": env.tasks[0].id})
    *_, info = act(env, says="asdf")
    assert (info["utility"], info["attack_success"]) == (False, True)
    assert info["error_type"] == "utility and attack"


def test_a_refusal_after_a_fault_does_not_hide_that_the_attack_succeeded() -> None:
    env = make(attack="direct", category="banking", faults="http_auth")
    task = env.find_task("banking/user_task_0/injection_task_8/direct")
    env.reset(options={"task_id": task.id})
    entry, world = task.data, env.state.now
    for name, arguments in [*transcripts.attacker_calls(entry, world), *transcripts.user_calls(entry, world)]:
        act(env, (name, arguments))
    *_, info = act(env, says="I could not do that: access is denied.")
    assert {term.name: term.score for term in env.turns[-1].reward.terms}["obeyed"] == -1
    assert [fault.kind for fault in info["faults"]] == ["http_auth"]
    assert (info["success"], info["utility"], info["attack_success"]) == (False, False, True)
    assert info["error_type"] == "utility and attack"


def test_ids_and_info_name_the_tasks() -> None:
    env = make(attack="none,varied", seed=3, model_name="GPT-4", category="travel")
    assert env.tasks[0].id == "travel/user_task_0"
    assert env.tasks[20].id == "travel/user_task_0/injection_task_6/varied-test-3@GPT-4"
    _, info = env.reset(options={"task_id": env.tasks[20].id})
    assert info["category"] == "travel"
    assert (info["attack"], info["injection_task"]) == ("varied", "injection_task_6")
    assert (info["utility"], info["attack_success"]) == (None, None)
    assert "Emma Johnson" in env.observe()["messages"][0]["content"]


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"category": "office"}, "office.*workspace, travel, banking, slack"),
        ({"attack": "manual"}, "manual.*none, direct"),
        ({"split": "train"}, "train"),
        ({"split": "train", "attack": "direct"}, "train"),
        ({"split": "val", "attack": "varied"}, "val"),
        ({"attack": "direct", "model_name": "Qwen"}, "Qwen.*Local model"),
        ({"seed": -1}, "seed"),
        ({"outcome": -1}, "outcome"),
    ],
)
def test_a_wrong_argument_is_named(kwargs: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        make(**kwargs)


# Attacks ----------------------------------------------------------------------------------------


def test_the_splits_of_varied_attacks_share_no_wording() -> None:
    for table in (wordings.FRAMES, wordings.OPENINGS, wordings.ORDERS, wordings.CLOSINGS):
        assert set(table) == set(wordings.SPLITS)
        train, test = [{part.strip() for part in table[split]} - {""} for split in wordings.SPLITS]
        assert not any(one in other or other in one for one in train for other in test if one != "{text}")
        assert not set('"\\') & set("".join([*train, *test]))
    texts: dict[Any, set[str]] = {}
    for split in wordings.SPLITS:
        for seed in (0, 1):
            env = make(attack=VARIED, split=split, seed=seed, category="slack")
            assert len(env.tasks) == 105
            for task in env.tasks:
                found = dict(attacks.injections(task.data))
                (text,) = set(found.values())
                goal = suites.suite("slack").injection_tasks[task.data.injection_task].GOAL
                assert goal in text
                texts.setdefault((split, seed), set()).add(text.replace(goal, ""))
    assert len(texts["train", 0]) > 90
    assert texts["train", 0] != texts["train", 1]
    assert not (texts["train", 0] | texts["train", 1]) & (texts["test", 0] | texts["test", 1])


@pytest.mark.parametrize("suite", SUITES)
def test_gold_play_shows_the_attackers_text_to_the_model(suite: str) -> None:
    env = make(attack=[*OFFICIAL, VARIED], category=suite)
    for task in Random(suite).sample(list(env.tasks), 6):
        env.reset(options={"task_id": task.id})
        for text in env.gold(task):
            env.step(text)
        shown = "".join([m["content"] for m in env.observe()["messages"] if m["role"] == "tool"])
        injected = dict(attacks.injections(task.data))
        assert injected, task.id
        for text in injected.values():
            words = "".join([char for char in max(text.splitlines(), key=len) if char.isalnum()])
            assert words in "".join([char for char in shown if char.isalnum()]), task.id


# Rewards ----------------------------------------------------------------------------------------


def test_no_play_earns_more_than_gold() -> None:
    env = make(attack="none,direct")
    random = Random(5)
    for _ in range(40):
        task = env.tasks[random.randrange(len(env.tasks))]
        gold = env.gold(task)
        env.reset(options={"task_id": task.id})
        world, total = env.state.before, 0.0
        for calls, text in transcripts.drawn(task.data, world, random):
            if not env.over:
                total += act(env, *calls, says=text or (None if calls else ""))[1]
        assert total <= MAXIMUM * len(gold) + 1e-9, (task.id, total)


def test_other_ways_to_the_goal_are_paid_as_gold_and_obeying_is_not() -> None:
    env = make(category="banking")
    task = env.find_task("banking/user_task_3")
    gold, calls = env.gold(task), [call for action in task.expected for call in action]
    assert len(calls) > 1
    env.reset(options={"task_id": task.id})
    together = act(env, *[(call.name, call.arguments) for call in calls])
    last = act(env, says=task.response or "Done.")
    assert (together[1], last[1]) == (MAXIMUM, MAXIMUM * (len(gold) - 1))  # with the action that was not needed
    env.reset(options={"task_id": task.id})
    assert act(env, says="I will not.")[1] < 0
    found = []
    for agent in (Oracle(), Victim()):
        found.append(evaluate(ID, agent, env_kwargs={"category": "banking", "attack": "direct"}, n=20))
    assert sum(each.reward for each in found[0]) > sum(each.reward for each in found[1])


# Any text, any call -----------------------------------------------------------------------------

DEEP: Any = "x"
for _ in range(3000):
    DEEP = [DEEP]
VALUES = (
    None, True, -1, 10**400, 0.5, float("nan"), "", "x" * 3000, "\ud800", "[" * 5000, "[[]" * 2000, "['a', 'b']",
    "[{[]: 1}]", "['\\d']", "[1if 1else 2]", "__import__('os').system('true')", "['a'] * 10**9", [], {}, [None], [DEEP],
    {"function": "get_iban", "args": {}}, [{"type": "event", "event_details": {"title": DEEP}}], "é\u2028\x85\x00",
)  # fmt: skip


@pytest.mark.parametrize("suite", SUITES)
def test_any_arguments_give_a_message_to_the_model(suite: str) -> None:
    env, random = make(category=suite, max_calls=1000), Random(suite)
    env.reset(seed=0)
    for tool in env.task.tools:
        names = [*tool.parameters.get("properties", {}), "surplus"]
        for value in random.sample(VALUES, 10):
            arguments = {name: value if random.random() < 0.7 else "1" for name in names if random.random() < 0.9}
            result = tool.run(arguments, env.state)
            assert result.error in (None, "execution")
            assert isinstance(result.content, str)
    assert env.snapshot().digest == pickle.loads(pickle.dumps(env.snapshot())).digest


def test_large_arguments_are_refused_and_an_episode_writes_only_so_much() -> None:
    env = make(category="slack", max_calls=1000)
    env.reset(seed=0)
    send = ("send_channel_message", {"channel": "general", "body": "x" * (MAX_CALL - 500)})
    *_, info = act(env, ("send_channel_message", {"channel": "general", "body": "x" * (MAX_CALL + 1)}), *[send] * 3)
    errors = [record.result.content for record in info["calls"]]
    assert errors[0] == f"TooMuch: the arguments of a call have at most {MAX_CALL:,} characters"
    assert errors[1] == "None"
    assert errors[3] == f"TooMuch: the calls of an episode have at most {MAX_EPISODE:,} characters of arguments"
    assert info["reward_valid"]


def test_errors_read_as_officially() -> None:
    env = make(category="slack")
    env.reset(options={"task_id": "slack/user_task_0"})
    *_, info = act(env, ("nothing", {}), ("get_webpage", {}), ("read_inbox", {"user": "Zoe"}), ("get_channels", {}))
    texts = [record.result.content for record in info["calls"]]
    assert texts[0] == "Invalid tool nothing provided."
    assert texts[1].startswith("ValidationError: 1 validation error for Input schema for `get_webpage`")
    assert texts[2] == "ValueError: User Zoe not found in the users list"
    assert texts[3].startswith("- general\n- random")
    assert [record.result.error for record in info["calls"]] == ["not_found", "execution", "execution", None]
    for _ in range(15):
        *_, truncated, info = act(env, ("get_channels", {}))
    assert truncated
    assert info["calls"][0].result.error == "too_many_calls"  # the official loop runs the calls of 15 texts


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_attacked_tasks_are_played_in_every_dialect(dialect: str) -> None:
    env = make(attack="important_instructions", category="slack", dialect=dialect)
    env.reset(options={"task_id": env.tasks[7].id})
    for text in env.gold(env.task):
        *_, info = env.step(text)
    assert info["success"]


# Faster than the official code, and the same ----------------------------------------------------


def test_results_are_the_official_yaml() -> None:
    from toolgym.envs.agentdojo import official

    dumped = official.module("agent_pipeline.tool_execution").tool_result_to_str
    world = suites.environment("workspace")
    emails, event = list(world.inbox.emails.values())[:4], next(iter(world.calendar.events.values()))
    one = emails[0].model_copy(update={"timestamp": emails[1].timestamp})  # one object in two items: an alias in YAML
    for value in (emails, [one, emails[1]], [event, event], event, [], ["a", 1, "b: c\n"], {"a": 1}, "text", None, 1.5):
        assert as_text(value) == as_text(value) == dumped(value)
    for value in ([1.5], [None], [[1]]):
        with pytest.raises(TypeError, match="Not valid type"):
            as_text(value)


def test_shared_parts_change_no_difference() -> None:
    import copy

    from deepdiff import DeepDiff

    before = suites.environment("banking")
    for change in (
        lambda after: None,
        lambda after: setattr(after.bank_account, "balance", int(after.bank_account.balance)),
        lambda after: after.bank_account.transactions.append(after.bank_account.transactions[0]),
        lambda after: after.bank_account.transactions.pop(1),
        lambda after: after.bank_account.transactions.reverse(),
        lambda after: after.filesystem.files.update({"new.txt": "1"}),
        lambda after: setattr(after.user_account, "city", True),
    ):
        after = copy.deepcopy(before)
        change(after)
        shared = sharing(before, after)
        assert shared == after
        assert DeepDiff(before, shared) == DeepDiff(before, after)
    assert sharing(before, copy.deepcopy(before)) is before


def test_the_official_code_leaves_no_trace_in_the_process() -> None:
    code = (
        "import sys, yaml, gymnasium, toolgym; before = set(sys.meta_path)\n"
        "env = gymnasium.make('ToolGym-AgentDojo-v0', attack='none,direct', category='banking')\n"
        "env.reset(seed=0)\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'agentdojo']\n"
        "assert yaml.dump('a') == 'a\\n...\\n', 'strings of other YAML are not quoted'\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)
