"""ToolGym-Functions-v0: a request has one meaning, its words hold the arguments, and splits share none of it."""

from __future__ import annotations

import json
import re

import gymnasium as gym
import numpy as np
import pytest

from toolgym.envs.functions.catalogue import FIELDS, SEEN, UNSEEN
from toolgym.envs.functions.loader import FOLDER, read_catalogue
from toolgym.envs.functions.requests import many, one, split_share
from toolgym.envs.functions.tasks import LEVELS, FunctionsTasks
from toolgym.rollout import evaluate
from toolgym.tasks import task_digest
from toolgym.tasks.stream import SPLITS, Stream

ID = "ToolGym-Functions-v0"
FUNCTIONS = [(field, function) for field, functions in FIELDS.items() for function in functions]
ids = [f"{field}.{function.name}" for field, function in FUNCTIONS]


GOOD = """
[lists]
rooms = ["attic", "cellar"]

[[function]]
name = "heat"
other_names = ["warm"]
description = "Heat a room."
requests = ["Heat {room}[ to {degrees}].", "B {room}.", "C {room}[, {degrees}].", "D {room}."]
joint_requests = [["Heat {each}.", "{room}[ to {degrees}]"]]

[[function.parameter]]
name = "room"
other_names = ["place"]
description = "The room."
words = "rooms"

[[function.parameter]]
name = "degrees"
description = "How warm."
required = false
integer = [15, 25]
step = 5
"""


def _catalogue(folder, text, shared=""):
    (folder / "fields").mkdir()
    (folder / "lists.toml").write_text(shared)
    (folder / "fields" / "home.toml").write_text(text)
    return read_catalogue(["home"], folder)


def test_a_function_is_one_entry_in_a_file(tmp_path):
    (function,) = _catalogue(tmp_path, GOOD)["home"]
    assert function.schema({"room": "room", "degrees": "warmth"}) == {
        "type": "object",
        "properties": {
            "room": {"type": "string", "description": "The room."},
            "warmth": {"type": "integer", "description": "How warm."},
        },
        "required": ["room"],
    }
    asked = {one(function, Stream(key), "test")[0] for key in range(50)}
    assert asked == {"D attic.", "D cellar."}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('description = "Heat a room."', "", "function 'heat': Object missing required field `description`"),
        ("other_names = [", "othernames = [", "function 'heat': Object contains unknown field `othernames`"),
        ("step = 5", "steps = 5", "function 'heat': parameter 'degrees': Object contains unknown field `steps`"),
        ("step = 5", 'step = "5"', r"parameter 'degrees': Expected `int \| null`, got `str` - at `\$.step`"),
        ("step = 5", "places = 1", "parameter 'degrees': places belongs to decimal, not to integer"),
        ("step = 5", "year = [1, 2]", "parameter 'degrees': it needs one of integer, .*; it has integer, year"),
        ("integer = [15, 25]\nstep = 5", "", "parameter 'degrees': it needs one of integer, .*; it has none"),
        ("[15, 25]", "[25, 15]", r"'degrees': integer = \[25, 15\] is not a range from low to high"),
        ('words = "rooms"', 'words = "room"', "'room': words names the list 'room'; there are .*rooms"),
        ('words = "rooms"', 'words = ["a", "b", "a"]', "'room': words has 'a' twice"),
        ('words = "rooms"', 'one_of = ["a"]\nwritten.b = "B"', "'room': written.b is not a value of one_of: a"),
        ('"D {room}."', "", "function 'heat': it needs at least four requests, and has 3"),
        ("B {room}", "B {rom}", "function 'heat': 'rom' is not a parameter: 'B {rom}.'"),
        ("B {room}", "B", "function 'heat': a request must mention 'room', which is required: 'B.'"),
        ("B {room}", "B[ {room}]", r"function 'heat': 'room' is required and must stand outside \[...\]"),
        ("B {room}", "B {room} {degrees}", r"function 'heat': 'degrees' is optional and must stand inside \[...\]"),
        ("B {room}", "B {room}[", "function 'heat': .* in 'B {room}"),
        ("Heat {each}.", "Heat.", "function 'heat': the frame of a joint request has the slot {each} and no other"),
        ('"degrees"', '"room"', "function 'heat': two parameters may be called 'room' in the same task"),
        ('["warm"]', '["Warm up"]', "function 'heat': the name 'Warm up' is not in snake case"),
        ('["place"]', '["a", "b", "c"]', "function 'heat': parameter 'room' has more than two other names"),
        ('["warm"]', '["heat"]', "function 'heat': the name 'heat' is taken by .*home.toml: function 'heat'"),
        ('description = "The room."', 'description = "The room."\nrequired = false', "it needs a required parameter"),
        ('name = "heat"', "name = 5", "function number 1: Expected `str`, got `int`"),
        ("[lists]", "[lists", r"home.toml: .*line 2"),
    ],
)
def test_a_mistake_in_the_catalogue_names_the_file_the_function_and_the_fault(tmp_path, old, new, says):
    assert old in GOOD
    with pytest.raises(ValueError, match=says) as raised:
        _catalogue(tmp_path, GOOD.replace(old, new, 1))
    assert "home.toml" in str(raised.value)


def test_the_catalogue_has_every_file():
    assert {path.stem for path in (FOLDER / "fields").iterdir()} == set(FIELDS)


@pytest.mark.parametrize(("field", "function"), FUNCTIONS, ids=ids)
def test_requests_read_well(field, function):
    for split in ("train", "test"):
        for key in range(40):
            s = Stream(key)
            for text, calls in (one(function, s, split), many(function, 3, s, split)):
                assert not re.search(r"[{}|]|  | [,.?!;:]|\.\.|\?\.|^[a-z]", text), text
                assert text[-1] in ".?!'\"", text
                for arguments in calls:
                    for value in arguments.values():
                        if isinstance(value, str) and value not in _enums(function) and not value[0].isdigit():
                            assert value in text, (text, value)


def _enums(function):
    return {value for p in function.parameters for value in p.maker.schema.get("enum", ())}


def test_arguments_obey_the_schemas():
    for split in SPLITS:
        tasks = FunctionsTasks(split)
        for index in range(600):
            task = tasks[index]
            tools = {tool.name: tool for tool in task.tools}
            for call in task.expected[0]:
                assert tools[call.name].validator.problems(dict(call.arguments)) == (), (task.id, call)


def test_splits_share_no_request_and_no_word():
    asked = {split: {FunctionsTasks(split)[i].messages[0]["content"] for i in range(1500)} for split in SPLITS}
    for split in SPLITS:
        for other in SPLITS:
            assert split == other or not asked[split] & asked[other]
    for _, function in FUNCTIONS:
        parts = [set(split_share(function.requests, split)) for split in ("train", "val", "test")]
        assert sum(map(len, parts)) == len(parts[0] | parts[1] | parts[2])


def test_functions_of_test_unseen_are_never_seen_in_training():
    seen, unseen = (
        {name for functions in each.values() for f in functions for name in (f.name, *f.other_names)}
        for each in (SEEN, UNSEEN)
    )
    assert not seen & unseen
    shown = {re.sub(r"\W", "_", tool.name) for i in range(500) for tool in FunctionsTasks("train")[i].tools}
    assert not shown & unseen


def test_no_function_is_one_of_bfcls():
    """A model trained on this suite has not seen the functions that BFCL tests."""
    theirs = set()
    for category in ("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance", "live_simple"):
        for task in gym.make("ToolGym-BFCL-v0", category=category).unwrapped.tasks:
            for tool in task.tools:
                theirs.add((_bare(tool.name), frozenset(map(_bare, tool.parameters["properties"]))))
    for _, function in FUNCTIONS:
        parameters = frozenset(_bare(p.name) for p in function.parameters)
        for name in (function.name, *function.other_names):
            assert (_bare(name), parameters) not in theirs, name


def _bare(name):
    return re.sub(r"[^a-z]", "", name.rsplit(".", 1)[-1].lower())


class Refuses:
    def act(self, observation):
        return "<think>No.</think>\n<response>I cannot do that.</response>"


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("split", ["train", "test_unseen"])
def test_gold_passes_and_refusing_everything_does_not(level, split):
    env = gym.make(ID, level=level, split=split).unwrapped
    counts = set()
    for index in range(300):
        task = env.tasks[index]
        env.reset(options={"task_id": task.id})
        _, reward, terminated, _, info = env.step(env.gold(task)[0])
        assert (reward, terminated, info["success"], info["category"]) == (4.0, True, True, level), task.id
        counts.add((len(task.tools), len(task.expected[0])))
    allowed = {
        "single": {(1, 1)},
        "choose": {(n, 1) for n in (2, 3, 4)},
        "parallel": {(1, n) for n in (2, 3, 4)},
        "mixed": {(n, m) for n in (2, 3, 4) for m in (2, 3)},
        "irrelevant": {(n, 0) for n in (1, 2, 3)},
    }[level]
    assert counts <= allowed
    refusals = evaluate(ID, Refuses(), env_kwargs={"level": level, "split": split}, n=40)
    assert sum(bool(t.success) for t in refusals) == (40 if level == "irrelevant" else 0)


@pytest.mark.parametrize("dialect", ["toolrl", "openai", "hermes"])
def test_silence_is_worth_less_than_an_answer(dialect):
    env = gym.make(ID, level="irrelevant", dialect=dialect).unwrapped
    env.reset(seed=1)
    silences = ["", " ", "<think>a</think>\n<response></response>", "<think>a</think>\n<response> </response>"]
    best = env.fork(1)[0].step(env.gold(env.task)[0])[1]
    for text in silences if dialect == "toolrl" else silences[:2]:
        fork = env.fork(1)[0]
        _, reward, *_, info = fork.step(text)
        assert (reward < best, info["success"], info["error_type"]) == (True, False, "no_response")


def test_calls_of_one_request_do_not_contradict_each_other():
    tasks = FunctionsTasks("test", level="parallel")
    for i in range(1000):
        calls = tasks[i].expected[0]
        assert len({str(call.arguments) for call in calls}) == len(calls) >= 2, tasks[i].id


def test_a_call_names_no_text_twice():
    """A team does not play against itself."""
    for i in range(2000):
        for call in FunctionsTasks("train")[i].expected[0]:
            texts = [value for value in call.arguments.values() if isinstance(value, str)]
            assert len(texts) == len(set(texts)), call


def test_names_are_coined_in_training_alone_and_only_where_a_description_says_what_they_stand_for():
    coined = re.compile(f"(?:(?:{'|'.join(FIELDS)})[._])?([bdfklmprtz][aeio]){{2}}")
    known = {name for _, function in FUNCTIONS for p in function.parameters for name in (p.name, *p.other_names)}
    known |= {name for _, function in FUNCTIONS for name in (function.name, *function.other_names)}

    def made_up(name):
        return bool(coined.fullmatch(name)) and re.split("[._]", name)[-1] not in known

    for split, share in (("train", (0.4, 0.6)), ("val", (0, 0)), ("test", (0, 0)), ("test_unseen", (0, 0))):
        names, of_parameters = [], []
        for task in FunctionsTasks(split)[0:3000:7]:
            assert len({tool.name for tool in task.tools}) == len(task.tools)
            for tool in task.tools:
                names.append(made_up(tool.name))
                for name, schema in tool.parameters["properties"].items():
                    assert schema.get("description") or not made_up(name)
                    of_parameters.append(made_up(name))
        assert share[0] <= sum(names) / len(names) <= share[1], split
        assert share[0] <= sum(of_parameters) / len(of_parameters) <= share[1], split


def test_a_seed_gives_the_same_tasks_and_others_give_others():
    def text(seed):
        tasks = FunctionsTasks("val", seed)
        return json.dumps(
            [[tasks[i].messages, tasks[i].response, tasks[i].expected[0]] for i in range(200)], default=repr
        )

    assert text(3) == text(3) != text(4)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="seed must be a whole number from 0, got '5'"):
        gym.make(ID, seed="5")
    with pytest.raises(TypeError, match="tasks are numbered from 0, got 'a'"):
        FunctionsTasks()["a"]
    with pytest.raises(ValueError, match="level: 'hard'; choose from single, choose"):
        gym.make(ID, level="hard")


def test_whole_numbers_of_numpy_are_whole_numbers():
    tasks, plain = FunctionsTasks(seed=np.int64(3)), FunctionsTasks(seed=3)
    assert task_digest(tasks[np.int32(7)]) == task_digest(plain[7])
    assert task_digest(tasks[np.int64(-1)]) == task_digest(plain[len(plain) - 1])
    assert repr(tasks) == repr(plain)
    with pytest.raises(ValueError, match="seed must be a whole number from 0, got True"):
        FunctionsTasks(seed=True)
    with pytest.raises(ValueError, match="seed must be a whole number from 0, got -1"):
        FunctionsTasks(seed=-1)
    with pytest.raises(IndexError, match="task 2000 of 2000"):
        FunctionsTasks("val")[2000]
