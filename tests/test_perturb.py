"""Perturbations of what a policy sees: gold stays right, nothing tells which tool is right, the same seed gives the
same bytes, and a run is kept, replayed and resumed with them."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from collections import defaultdict

import gymnasium as gym
import pytest

from toolgym import Tool, ToolCall, ToolEnv, evaluate
from toolgym.agents.scripted import Oracle
from toolgym.dialects import DIALECTS
from toolgym.digest import digest
from toolgym.replay import replay
from toolgym.snapshot import SnapshotError
from toolgym.stored.run_files import read_episodes
from toolgym.tasks import Task, task_order
from toolgym.types import Completion
from toolgym.wrappers import Faulty, Perturbed
from toolgym.wrappers.perturb import GROUPS, KINDS, changes, left_out
from toolgym.wrappers.perturb.spans import leaves


def made(env_id="ToolGym-Functions-v1", **arguments):
    arguments = {"dialect": "compact", **({"split": "val"} if "BFCL" not in env_id else {}), **arguments}
    return gym.make(env_id, **arguments).unwrapped


def played(env, task_id):
    """The sum of rewards and the last info of the gold actions."""
    env.reset(options={"task_id": task_id})
    total = 0.0
    for text in env.unwrapped.gold(env.unwrapped.task):
        if env.unwrapped.over:
            break
        _, reward, _, _, info = env.step(text)
        total += reward
    return total, info


def lookup(name="lookup", **arguments):
    properties = {"city": {"type": "string", "description": "Name of the city."}}
    schema = {"type": "object", "properties": properties, "required": ["city"]}
    return Tool(name, "Look up the weather of a city.", schema, **arguments)


def one_task(*tools, request="What is the weather like in Rome?", id="t", **rest):
    return Task.of(id, request, tools or [lookup()], expected=[[ToolCall("lookup", {"city": "Rome"})]], **rest)


# Gold -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("env_id", ["ToolGym-Functions-v1", "ToolGym-BFCL-v0", "ToolGym-Office-v0"])
@pytest.mark.parametrize("kind", [*KINDS, "all"])
def test_gold_earns_what_it_earns_on_the_clean_task(env_id, kind):
    clean, env = made(env_id), made(env_id, perturb=kind)
    applied, ids = 0, task_order(clean.tasks, 8, 0)
    for task_id in ids:
        expected, before = played(clean, task_id)
        reward, info = played(env, task_id)
        assert (reward, info["success"]) == (pytest.approx(expected), before["success"])
        assert set(left_out(env)) == set(GROUPS.get(kind, (kind,))) - set(info["perturbations"])
        applied += bool(info["perturbations"])
    assert applied >= len(ids) / 2


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("env_id", ["ToolGym-Functions-v0", "ToolGym-BFCL-v0", "ToolGym-BFCL-MultiTurn-v0"])
def test_gold_is_right_in_every_dialect(env_id, dialect):
    if "MultiTurn" in env_id:
        pytest.importorskip("mpmath")
    arguments = {"category": "simple_java"} if env_id == "ToolGym-BFCL-v0" else {}
    if arguments and dialect == "pythonic":
        pytest.importorskip("tree_sitter")
    env = made(env_id, dialect=dialect, perturb="action,metadata", strength=0.7, **arguments)
    for task_id in task_order(env.tasks, 2 if "MultiTurn" in env_id else 8, 2):
        assert played(env, task_id)[1]["success"] or env.extra_info(True).get("known_unpassable")


def test_faults_and_perturbations_go_together():
    both = Faulty(Perturbed(gym.make("ToolGym-Office-v0", split="val"), "action"), "timeout,http_5xx", rate=0.5)
    faulty = gym.make("ToolGym-Office-v0", split="val", faults="timeout,http_5xx", fault_rate=0.5)
    for task_id in task_order(faulty.unwrapped.tasks, 16, 0):
        assert played(both, task_id)[0] == played(faulty, task_id)[0]


# What stays, what is told -----------------------------------------------------------------------


@pytest.mark.parametrize("env_id", ["ToolGym-Functions-v1", "ToolGym-Office-v0", "ToolGym-BFCL-v0"])
@pytest.mark.parametrize("kind", ["typos", "paraphrase_request"])
def test_values_in_the_request_stay(env_id, kind):
    env = made(env_id, perturb=kind)
    changed = 0
    for task_id in task_order(env.tasks, 60, 1):
        task = env.find_task(task_id)
        was, now = task.messages[-1]["content"], env.view_of(task).messages[-1]["content"]
        changed += was != now
        for value in leaves([call.arguments for calls in task.expected for call in calls]):
            inside = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)", re.IGNORECASE)
            assert not inside.search(was) or inside.search(now), (task_id, value, now)
        assert re.findall(r"\d+", was) == re.findall(r"\d+", now)
        assert re.findall(r'"[^"]*"', was) == re.findall(r'"[^"]*"', now)
    assert changed > 30


def test_quotes_code_and_counting_words_stay():
    text = "Please send `rm -rf thing` to ann@mail.org, not before seven, with the words 'maybe later dear' please"
    for seed in range(20):
        env = ToolEnv([one_task(request=text)], perturb="typos,paraphrase_request", perturb_seed=seed)
        said = env.reset()[0].messages[-1]["content"]
        assert said != text
        for kept in ("`rm -rf thing`", "ann@mail.org,", "not before seven,", "'maybe later dear'"):
            assert kept in said


@pytest.mark.parametrize("env_id", ["ToolGym-Functions-v1", "ToolGym-BFCL-v0"])
@pytest.mark.parametrize("kind", ["twin_parameters", "twin_job", "misleading_suffix", "response_time_short"])
def test_no_simple_rule_tells_twins_from_tools(env_id, kind):
    """Position, name, length, number of parameters, claims and times: each picks the tool about as often as a coin."""
    env = made(env_id, perturb=kind)
    rules = {
        "position": lambda at, tool: at,
        "name": lambda at, tool: tool.name,
        "length of the name": lambda at, tool: len(tool.name),
        "capitals": lambda at, tool: tool.name != tool.name.lower(),
        "length": lambda at, tool: len(tool.line),
        "parameters": lambda at, tool: len(tool.parameters.get("properties", ())),
        "required": lambda at, tool: len(tool.parameters.get("required", ())),
        "time": lambda at, tool: int((re.findall(r"(\d+) ?ms", tool.description) or [0])[0]),
        "claim": lambda at, tool: tool.description.rpartition(". ")[2],
    }
    found, pairs = defaultdict(float), 0
    for task_id in task_order(env.tasks, 150, 3):
        view = env.view_of(env.find_task(task_id))
        groups = defaultdict(list)
        for at, tool in enumerate(view.tools):
            groups[view.twins.get(tool.name) or view.meant[tool.name]].append((at, tool))
        for group in groups.values():
            if len(group) == 2:
                pairs += 1
                for rule, value in rules.items():
                    best = max(value(*each) for each in group)
                    chosen = [tool.name in view.meant for at, tool in group if value(at, tool) == best]
                    found[rule] += sum(chosen) / len(chosen)
    assert pairs > 200
    for rule, hits in found.items():
        assert abs(hits / pairs - 0.5) < 0.13, (rule, hits / pairs)


def test_every_tool_of_a_group_gets_another_name_and_tools_are_shuffled():
    env = made(perturb="distractors", category="choose")
    places = []
    for task_id in task_order(env.tasks, 60, 0):
        view = env.view_of(env.find_task(task_id))
        with_twins = set(view.twins.values())
        assert not with_twins & {tool.name for tool in view.tools}
        places += [i / len(view.tools) for i, tool in enumerate(view.tools) if tool.name in view.meant]
    assert 0.4 < sum(places) / len(places) < 0.6


# Calls ------------------------------------------------------------------------------------------


def step_with(env, name, arguments):
    env.reset()
    return env.step(env.dialect.render(Completion("", (ToolCall(name, arguments),), "Now.")))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_call_counts_by_the_name_that_is_shown(dialect):
    ran = []
    tool = lookup(function=lambda city: ran.append(city) or "mild", timeout=None)
    env = ToolEnv([one_task(tool)], dialect=dialect, perturb="twin_parameters,redundant", max_turns=1)
    env.reset()
    view = env.view
    (twin,) = view.twins
    right = [name for name in view.meant if view.meant[name] == "lookup"]
    assert len(right) == 2
    assert "lookup" not in right
    for name in right:  # the tool and its copy
        observation, _, _, _, info = step_with(env, name, {"city": "Rome"})
        assert info["success"]
        assert ran.pop() == "Rome"
        assert info["calls"][0].call.name == "lookup"
        text = str([dict(each) for each in observation.messages[-2:]])
        assert name in text
        assert not re.search(r"(?<!\w)lookup(?!\w)", text)
    own = {each.name: each for each in view.tools}[twin].parameters
    values = {"string": "x", "integer": 1, "number": 1.5, "boolean": True}
    _, _, _, _, info = step_with(env, twin, {key: values[own["properties"][key]["type"]] for key in own["required"]})
    assert not info["success"]
    assert info["calls"][0].result.error == "execution"
    observation, _, _, _, info = step_with(env, "lookup", {"city": "Rome"})  # a name that is not on offer
    assert not info["success"]
    assert info["calls"][0].result.error == "not_found"
    assert not ran
    told = [each for each in observation.messages if "there is no tool" in each["content"]][-1]["content"]
    listed = re.search(r"Tools: (.*?)\.(?!\w)", told)[1].split(", ")
    assert set(listed) <= {tool.name for tool in view.tools}
    assert twin in listed


def test_an_action_of_any_size_is_read_in_linear_time():
    env = ToolEnv([one_task()], perturb="twin_parameters")
    for text in ("a" * 1_000_000, "a." * 500_000, "a..b" * 250_000, "'a b" * 250_000):
        env.reset()
        assert env.step(text)[4]["calls"] == []


def test_a_tool_that_the_messages_name_keeps_its_name():
    talk = [{"role": "user", "content": "Call find_city first."}]
    task = Task.of("t", talk, [lookup(), lookup("find_city")], expected=[[ToolCall("lookup", {"city": "Rome"})]])
    env = ToolEnv([task], perturb="distractors")
    env.reset()
    assert set(env.view.twins.values()) == {"lookup"}
    assert "find_city" in {tool.name for tool in env.view.tools}
    env = ToolEnv([Task.of("t", talk, [lookup("find_city")])], perturb="twin_job")
    assert env.reset()[1]["perturbations"] == ()
    assert left_out(env) == {"twin_job": "the messages speak of all tools by name"}


# Seeds ------------------------------------------------------------------------------------------

SEEN = """
import gymnasium as gym, toolgym
from toolgym.digest import digest
env = gym.make("ToolGym-Functions-v1", split="val", perturb="all", strength=(0.2, 0.9), perturb_draw=4).unwrapped
print(digest([(*env.reset(seed=seed)[0].messages, env.view.kinds, env.gold(env.task)) for seed in range(12)]))
"""


def test_the_same_seed_gives_the_same_bytes_in_every_process():
    def there(hash_seed):
        about = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            [sys.executable, "-c", SEEN], env=about, capture_output=True, text=True, check=True
        ).stdout

    space = {}
    exec(SEEN.replace("print(", "here = ("), space)
    assert there("1").strip() == space["here"]


def test_seed_task_and_kind_decide():
    def seen(env):
        return digest([env.reset(options={"task_id": task_id})[0].messages for task_id in ids])

    env = made(perturb="typos,twin_job")
    ids = task_order(env.tasks, 5, 0)
    assert seen(env) == seen(made(perturb="typos,twin_job"))
    assert seen(env) != seen(made(perturb="typos,twin_job", perturb_seed=1))
    part, whole = (made("ToolGym-BFCL-v0", perturb="all", **some) for some in ({"category": "multiple"}, {}))
    assert part.reset(options={"task_id": "multiple_7"})[0] == whole.reset(options={"task_id": "multiple_7"})[0]


def test_strength_zero_is_the_clean_task_and_more_changes_more():
    clean, none = made(), made(perturb="all", strength=0)
    for seed in range(5):
        (seen, _), (other, info) = clean.reset(seed=seed), none.reset(seed=seed)
        assert seen == other
        assert info["perturbations"] == ()
    counts = []
    for strength in (0.2, 0.6, 1.0):
        env = made(perturb="typos,twin_job,paraphrase_parameters", strength=strength)
        counts.append(sum(len(changes(env, task_id)) for task_id in task_order(env.tasks, 25, 0)))
    assert counts[0] < counts[1] < counts[2]


def test_kinds_are_drawn_for_each_task():
    env = made(perturb="all", perturb_draw=2, strength=(0.1, 1.0))
    drawn = [env.reset(options={"task_id": task_id})[1]["perturbations"] for task_id in task_order(env.tasks, 100, 0)]
    assert all(len(kinds) == 2 for kinds in drawn)
    assert {kind for kinds in drawn for kind in kinds} == set(KINDS)


def test_changes_say_what_was_changed():
    env = ToolEnv([one_task()], perturb="typos,redundant,twin_empty")
    env.reset()
    typo, *added = changes(env)
    assert (typo.kind, typo.where) == ("typos", "message 0")
    assert typo.now == env.episode.messages[-1]["content"] != typo.was
    assert {each.now["function"]["name"] for each in added} == {
        tool.name for tool in env.view.tools if tool.name != env.view.shown_as["lookup"]
    }
    assert changes(ToolEnv([one_task()]), "t") == ()


# The rest of ToolGym ----------------------------------------------------------------------------


def test_the_wrapper_does_what_the_argument_does():
    plain = gym.make("ToolGym-Functions-v0", perturb="all", strength=0.5, perturb_seed=3, perturb_draw=6)
    wrapped = Perturbed(gym.make("ToolGym-Functions-v0"), "all", strength=0.5, seed=3, draw=6)
    for seed in range(5):
        assert plain.reset(seed=seed) == wrapped.reset(seed=seed)
    with pytest.raises(ValueError, match="has Perturbation"):
        Perturbed(wrapped, "typos")


def test_snapshots_and_forks():
    env = made("ToolGym-Office-v0", category="chain", perturb="all", perturb_draw=8)
    env.reset(seed=3)
    first, *rest = env.gold(env.task)
    before = env.snapshot()
    env.step(first)
    (fork,) = env.fork()
    env.reset(seed=4)  # the fork has a view of its own
    for text in rest:
        if not fork.over:
            *_, info = fork.step(text)
    assert info["success"]
    env.restore(before)
    for text in (first, *rest):
        if not env.over:
            *_, info = env.step(text)
    assert info["success"]
    with pytest.raises(SnapshotError, match="another env"):
        made("ToolGym-Office-v0", category="chain").restore(before)


@pytest.mark.parametrize("suite", ["Functions", "Bamboogle"])
def test_a_pickled_env_goes_on(suite):
    arguments = {"perturb": "all", **({"faults": "all", "fault_rate": 0.5} if suite == "Bamboogle" else {})}
    env = gym.make(f"ToolGym-{suite}-v0", **arguments).unwrapped
    env.reset(seed=1)
    other = pickle.loads(pickle.dumps(env))
    for text in env.gold(env.task):
        assert repr(other.step(text)) == repr(env.step(text))
    assert other.over


def test_a_run_says_what_was_applied_and_replays_and_resumes(tmp_path):
    about = {"split": "val", "perturb": "all", "strength": [0.3, 0.9], "perturb_draw": 3}
    evaluate("ToolGym-Office-v0", Oracle(), env_kwargs=about, n=6, out=tmp_path)
    whole = evaluate("ToolGym-Office-v0", Oracle(), env_kwargs=about, n=9, out=tmp_path, resume=True)
    kept = read_episodes(tmp_path)
    assert len(kept) == len(whole) == 9
    assert all(len(each.perturbations) == 3 and each.success for each in kept)
    assert {each.status for each in replay(tmp_path)} == {"same"}
    (clean,) = evaluate("ToolGym-Functions-v0", Oracle(), n=1)
    assert not clean.perturbations


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"perturb": "typo"}, ValueError, "no perturbation 'typo': did you mean typos"),
        ({"perturb": ""}, ValueError, "no perturbation ''"),
        ({"perturb": []}, ValueError, "perturb names no kind"),
        ({"perturb": 3}, TypeError, "perturb is names"),
        ({"perturb": [3]}, TypeError, "perturb is names"),
        ({"perturb": "typos", "strength": 1.5}, ValueError, "strength is a number from 0 to 1"),
        ({"perturb": "typos", "strength": float("nan")}, ValueError, "strength is a number from 0 to 1"),
        ({"perturb": "typos", "strength": (0.5, 0.2)}, ValueError, "strength is a number from 0 to 1"),
        ({"perturb": "typos", "strength": "high"}, TypeError, "strength is a number from 0 to 1"),
        ({"perturb": "typos", "perturb_seed": -1}, ValueError, "perturb_seed must be at least 0"),
        ({"perturb": "typos", "perturb_draw": 0}, ValueError, "perturb_draw must be at least 1"),
        ({"perturb": "typos", "perturb_draw": 2}, ValueError, "more than the kinds that perturb names: 1"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, says):
    with pytest.raises(error, match=re.escape(says)):
        ToolEnv([one_task()], **arguments)


def odd_tools():
    text = {"type": "string"}
    yield "bare", [Tool("lookup")], {}
    yield (
        "no descriptions",
        [Tool("lookup", "", {"properties": {"city": text}, "required": ["city"]})],
        {"city": "Rome"},
    )
    nested = {"type": "object", "properties": {"city": {"type": "array", "items": {"properties": {"at": text}}}}}
    yield "nested", [Tool("lookup", "Look it up.", nested)], {"city": [{"at": "Rome"}]}
    yield "200 tools", [lookup(), *[lookup(f"lookup_{i}") for i in range(199)]], {"city": "Rome"}
    yield "120 tools", [lookup(), *[lookup(f"lookup_{i}") for i in range(119)]], {"city": "Rome"}
    yield "taken names", [lookup(), lookup("lookup_1"), lookup("lookup_2"), lookup("lookup_pro")], {"city": "Rome"}
    yield "odd schema", [Tool("lookup", "Look.", {"anyOf": [{}], "properties": {"city": True}})], {"city": "Rome"}


@pytest.mark.parametrize(("what", "tools", "arguments"), [pytest.param(*each, id=each[0]) for each in odd_tools()])
@pytest.mark.parametrize("perturb", ["all", "action"])
def test_odd_tools(what, tools, arguments, perturb):
    call = ToolCall("lookup", arguments)
    request = "Что это? 北京明天的天气怎么样" if what == "bare" else "Please look up Rome"
    env = ToolEnv([Task.of("t", request, tools, expected=[[call]])], perturb=perturb)
    _, info = played(env, "t")
    assert info["success"]
    names = [tool["function"]["name"] for tool in env.observe().tools]
    assert len(names) == len(set(names))
    assert len(names) == len(tools) if len(tools) > 128 else len(names) <= 128


@pytest.mark.parametrize("name", ["math.lookup", "Lookup Managers", "x" * 64, "y" * 90, "查询天气", 'say "hi"'])
def test_odd_names(name):
    task = Task.of("t", "Please look up Rome", [lookup(name)], expected=[[ToolCall(name, {"city": "Rome"})]])
    for pattern in ("suffix", "number", "short"):
        env = ToolEnv([task], perturb=f"misleading_{pattern},redundant")
        _, info = played(env, "t")
        assert info["success"]
        assert all(len(tool.name) <= max(64, len(name)) + 12 for tool in env.view.tools)
