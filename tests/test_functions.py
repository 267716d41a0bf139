"""ToolGym-Functions: a request has one meaning, its words hold the arguments, and splits share none of it."""

from __future__ import annotations

import json
import re

import gymnasium as gym
import numpy as np
import pytest

from toolgym.envs.functions.catalogue import VERSIONS, catalogue
from toolgym.envs.functions.loader import FOLDER, read_catalogue
from toolgym.envs.functions.requests import incomplete, many, one, split_share
from toolgym.envs.functions.tasks import LEVELS, LEVELS_V1, FunctionsTasks
from toolgym.envs.functions.toolset import FunctionsV1Tasks
from toolgym.rollout import evaluate
from toolgym.tasks import task_digest
from toolgym.tasks.stream import SPLITS, Stream

ID, V1 = "ToolGym-Functions-v0", "ToolGym-Functions-v1"
TASKS = [FunctionsTasks, FunctionsV1Tasks]
FIELDS = catalogue(1).fields
FUNCTIONS = [(field, function) for field, functions in FIELDS.items() for function in functions]
ids = [f"{field}.{function.name}" for field, function in FUNCTIONS]


GOOD = """
[lists]
rooms = ["attic", "cellar"]

[[function]]
name = "heat"
other_names = ["warm"]
description = "Heat a room."
requests = ["Heat {room}[ to {degrees}].", "B {room}.", "C {room}[, {degrees}][ at {spot}].", "D {room}."]
joint_requests = [["Heat {each}.", "{room}[ to {degrees}]"]]
spread = ["Heat {room+}[ to {degrees}]."]
incomplete = ["Heat it[ to {degrees}].", "E[ {degrees}].", "F."]

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
default = 20

[[function.parameter]]
name = "spot"
description = "Which spot."
required = false
object = ["{x} by {y}[ by {z}]"]
several = [1, 2]
member = [
    {name = "x", description = "To the right.", integer = [1, 9]},
    {name = "y", description = "Up.", integer = [1, 9]},
    {name = "z", description = "Ahead.", required = false, integer = [1, 9]},
]
"""


def _catalogue(folder, text, shared=""):
    (folder / "fields").mkdir()
    (folder / "lists.toml").write_text(shared)
    (folder / "fields" / "home.toml").write_text(text)
    return read_catalogue(["home"], folder)


def test_a_function_is_one_entry_in_a_file(tmp_path):
    (function,) = _catalogue(tmp_path, GOOD)["home"]
    names = {name: name for name in ("room", "spot", "spot.x", "spot.y", "spot.z")}
    whole = {"type": "integer"}
    assert function.schema({**names, "degrees": "warmth", "spot.x": "left"}) == {
        "type": "object",
        "properties": {
            "room": {"type": "string", "description": "The room."},
            "warmth": {"type": "integer", "description": "How warm.", "default": 20},
            "spot": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "left": {**whole, "description": "To the right."},
                        "spot.y": {**whole, "description": "Up."},
                        "spot.z": {**whole, "description": "Ahead."},
                    },
                    "required": ["left", "spot.y"],
                },
                "description": "Which spot.",
            },
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
        ("Heat {room+}", "Heat {room}", "a spread request has a slot such as"),
        ("Heat {room+}", "Heat {room+} {room}", "'room.' stands beside the slot without"),
        ("Heat it", "Heat {room}", "an incomplete request must lack a required parameter"),
        ("default = 20", "default = 2.5", "the default 2.5 does not obey the schema"),
        ('words = "rooms"', 'words = "rooms"\ndefault = "attic"', "a required parameter has no default"),
        ("integer = [15, 25]\nstep = 5\ndefault = 20", 'day = [1, 2]\nformat = "YY"', "format is 'YY'; choose from"),
        ("integer = [15, 25]\nstep = 5\ndefault = 20", 'day = [1, 2]\nformat = "DD.MM.YYYY"', "must name the format"),
        ("{x} by {y}", "{x}", "a request must mention 'y'"),
        ("[ by {z}]", " by {z}", "'z' is optional and must stand inside"),
        ('other_names = ["warm"]', 'alike = ["home.chill"]', "function 'heat': alike: no function 'home.chill'"),
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


@pytest.mark.parametrize("field", FIELDS)
def test_requests_read_well(field):
    for function in FIELDS[field]:
        for split in ("train", "test"):
            for key in range(12):
                s = Stream(key)
                asked = [one(function, s, split), many(function, 3, s, split)]
                if function.incomplete:
                    asked.append((incomplete(function, s, split)[0], []))
                for text, calls in asked:
                    assert not re.search(r"[{}|]|  | [,.?!;:]|\.\.|\?\.|,,|^[a-z]", text), text
                    assert text[-1] in ".?!'\"", text
                    for arguments in calls:
                        for value in _texts(function, arguments):
                            assert value in text, (text, value)


def _texts(function, arguments):
    """The strings that a request must write as they are: no enums, dates, times, or codes for other words."""
    for parameter in function.parameters:
        value = arguments.get(parameter.name)
        drawn = [parameter.maker.draw(Stream(key), "train") for key in range(9)]
        plain = isinstance(value, str) and "enum" not in parameter.maker.schema and not value[0].isdigit()
        if plain and all(each.value in each.text for each in drawn):
            yield value


@pytest.mark.parametrize("kind", TASKS)
def test_arguments_obey_the_schemas(kind):
    for split in SPLITS:
        tasks = kind(split)
        for index in range(250):
            task = tasks[index]
            tools = {tool.name: tool for tool in task.tools}
            for call in task.expected[0]:
                assert tools[call.name].validator.problems(dict(call.arguments)) == (), (task.id, call)


@pytest.mark.parametrize("kind", TASKS)
def test_splits_share_no_request_and_no_word(kind):
    asked = {split: {kind(split)[i].messages[0]["content"] for i in range(500)} for split in SPLITS}
    for split in SPLITS:
        for other in SPLITS:
            assert split == other or not asked[split] & asked[other]
    for _, function in FUNCTIONS:
        for wordings, least in ((function.requests, 4), (function.incomplete, 3)):
            parts = [set(split_share(wordings, split, least)) for split in ("train", "val", "test")]
            assert sum(map(len, parts)) == len(parts[0] | parts[1] | parts[2])


@pytest.mark.parametrize("version", VERSIONS)
def test_functions_of_test_unseen_are_never_seen_in_training(version):
    every = catalogue(version)
    seen, unseen = (
        {name for functions in each.values() for f in functions for name in (f.name, *f.other_names)}
        for each in (every.seen, every.unseen)
    )
    assert not seen & unseen
    tasks = TASKS[version]("train")
    shown = {re.sub(r"\W", "_", tool.name) for i in range(500) for tool in tasks[i].tools}
    assert not shown & unseen


def test_what_is_unseen_in_one_version_is_seen_in_none():
    assert not set(catalogue(1).seen) & set(catalogue(0).unseen)
    assert not set(catalogue(0).seen) & set(catalogue(1).unseen)


def test_v1_has_as_much_as_it_says():
    new = catalogue(1)
    assert len(new.fields) >= 40
    assert sum(map(len, new.fields.values())) >= 400
    assert (len(new.seen), len(new.unseen)) == (38, 9)
    for each in (catalogue(0), new):
        assert list(each.fields) == [*each.seen, *each.unseen]


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


@pytest.mark.parametrize(
    ("env_id", "level"), [*[(ID, level) for level in LEVELS], *[(V1, level) for level in LEVELS_V1]]
)
@pytest.mark.parametrize("split", ["train", "test_unseen"])
def test_gold_passes_and_refusing_everything_does_not(env_id, level, split):
    env = gym.make(env_id, level=level, split=split).unwrapped
    counts = set()
    for index in range(100):
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
        "missing": {(n, 0) for n in (1, 2, 3)},
    }[level]
    assert counts <= allowed
    refusals = evaluate(env_id, Refuses(), env_kwargs={"level": level, "split": split}, n=20)
    assert sum(bool(t.success) for t in refusals) == (20 if level in ("irrelevant", "missing") else 0)


def test_a_request_that_lacks_a_parameter_is_asked_back():
    """The level ``missing``: the function is on offer, the request is about it, and gold asks for what it requires."""
    for split in SPLITS:
        for task in FunctionsV1Tasks(split, level="missing")[0:100]:
            assert task.expected == ((),)
            assert re.search(r"\bthe [a-z]", task.response)


def test_alike_functions_are_never_offered_together():
    new = catalogue(1)
    pairs = [(f"{field}.{f.name}", name) for field, each in new.fields.items() for f in each for name in f.alike]
    assert len(pairs) > 10
    for one_name, other in pairs:
        places = []
        for name in (one_name, other):
            field, function = name.split(".")
            places.append((field, [f.name for f in new.fields[field]].index(function)))
        assert new.alike(*places)
        assert new.alike(*reversed(places))
    names = {tuple(sorted(pair)) for pair in pairs}
    owner = {f.description: f"{field}.{f.name}" for field, each in new.fields.items() for f in each}
    for task in FunctionsV1Tasks("train")[0:1500]:
        shown = [owner[tool.description] for tool in task.tools if tool.description in owner]
        assert not any((a, b) in names for a in shown for b in shown)


def test_objects_and_their_members_have_the_names_that_the_schema_shows():
    met = 0
    for task in FunctionsV1Tasks("train")[0:1500]:
        schemas = {tool.name: tool.parameters["properties"] for tool in task.tools}
        for call in task.expected[0]:
            for name, value in call.arguments.items():
                objects = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
                schema = schemas[call.name][name]
                for each in objects:
                    met += 1
                    assert set(each) <= set(schema.get("items", schema)["properties"])
    assert met > 20


def test_dates_are_in_the_format_that_the_description_names():
    """The request writes them in words, mostly."""
    spelled = 0
    forms = {"YYYY-MM-DD": r"\d{4}-\d\d-\d\d", "MM/DD/YYYY": r"\d\d/\d\d/\d{4}", "DD/MM/YYYY": r"\d\d/\d\d/\d{4}"}
    forms |= {"MM-DD-YYYY": r"\d\d-\d\d-\d{4}", "DD.MM.YYYY": r"\d\d\.\d\d\.\d{4}"}
    for task in FunctionsV1Tasks("test")[0:1200]:
        schemas = {tool.name: tool.parameters["properties"] for tool in task.tools}
        for call in task.expected[0]:
            for name, value in call.arguments.items():
                for form, pattern in forms.items():
                    if isinstance(value, str) and form in schemas[call.name][name]["description"]:
                        assert re.fullmatch(pattern, value), (value, form)
                        spelled += value not in task.messages[0]["content"]
    assert spelled > 50


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


@pytest.mark.parametrize("kind", TASKS)
def test_calls_of_one_request_do_not_contradict_each_other(kind):
    tasks = kind("test", level="parallel")
    for i in range(300):
        calls = tasks[i].expected[0]
        assert len({str(call.arguments) for call in calls}) == len(calls) >= 2, tasks[i].id


@pytest.mark.parametrize("kind", TASKS)
def test_a_call_names_no_text_twice(kind):
    """A team does not play against itself."""
    for i in range(1000):
        for call in kind("train")[i].expected[0]:
            texts = [value for value in call.arguments.values() if isinstance(value, str)]
            assert len(texts) == len(set(texts)), call


@pytest.mark.parametrize("kind", TASKS)
def test_names_are_coined_in_training_alone_and_only_where_a_description_says_what_they_stand_for(kind):
    before = "|".join(sorted({*FIELDS, *[prefix for _, f in FUNCTIONS for prefix in f.prefixes]}, key=len)[::-1])
    coined = re.compile(f"(?:(?:{before.replace('_', '_?')})(?:[._]|_\\d_))?([bdfklmprtz][aeio]){{2}}", re.IGNORECASE)
    known = {name for _, function in FUNCTIONS for p in function.parameters for name in (p.name, *p.other_names)}
    known |= {name for _, function in FUNCTIONS for name in (function.name, *function.other_names)}

    def made_up(name):
        return bool(coined.fullmatch(name)) and re.split("[._]", name)[-1].lower() not in known

    for split, share in (("train", (0.4, 0.6)), ("val", (0, 0)), ("test", (0, 0)), ("test_unseen", (0, 0))):
        names, of_parameters = [], []
        for task in kind(split)[0:2000:8]:
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
    with pytest.raises(ValueError, match="category: 'hard'; choose from single, choose"):
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


@pytest.mark.parametrize("levels", ["choose,irrelevant,choose", ["irrelevant", "choose", "choose"]])
def test_a_level_that_is_named_twice_comes_twice_as_often(levels):
    tasks = gym.make("ToolGym-Functions-v1", level=levels).unwrapped.tasks
    assert [task.id.rpartition("-")[2] for task in tasks[:6]] == ["choose", "choose", "irrelevant"] * 2
    assert tasks.find(tasks[4].id).id == tasks[4].id
