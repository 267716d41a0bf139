"""An office tool is its method, its intent and its names: nothing else has to know it."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import sys
from pathlib import Path

import pytest
from office_players import LEVELS, ideal, make, play, tools_of

import toolgym.envs
from toolgym.envs.office.apis.office import APPS, READS, TOOLS
from toolgym.envs.office.fixture import Fixture
from toolgym.envs.office.intents import INTENTS, LOOKUPS, PARAMETERS
from toolgym.envs.office.kinds import KINDS
from toolgym.envs.office.levels import CHAINS, RECOVERIES, call_of
from toolgym.envs.office.names import APP_NAMES, FORMATS, NAMES, PARAMETER_NAMES, QUESTIONS
from toolgym.envs.office.scene import Scene
from toolgym.tasks.stream import Stream, key_of

OFFICE = Path(toolgym.envs.__file__).parent / "office"

# What a tool consists of ----------------------------------------------------------------------------


def test_every_tool_has_an_intent_and_names():
    assert set(INTENTS) == set(NAMES) == set(TOOLS)
    assert set(APP_NAMES) == set(APPS)
    for tool in TOOLS.values():
        assert len({tool.name, *[name for name, _ in NAMES[tool.name]]}) == 5, tool.name
        assert len({tool.description, *[text for _, text in NAMES[tool.name]]}) == 5, tool.name
        for name, about in tool.parameters["properties"].items():
            assert name in PARAMETER_NAMES, (tool.name, name)
            assert about.get("description") in (None, *FORMATS), (tool.name, name)
        assert set(INTENTS[tool.name].needs) <= set(QUESTIONS), tool.name


def test_intents_refer_to_tools_and_kinds_that_exist():
    for intent in INTENTS.values():
        for other in (*intent.equivalents, *intent.substitutes, *intent.changed_by):
            assert other in TOOLS, intent.tool
            assert other != intent.tool
        if intent.opens or intent.follows or intent.ends:
            assert intent.kind in KINDS, intent.tool
        assert bool(intent.each) == bool(intent.words.many), intent.tool
    assert set(LOOKUPS) == {*KINDS, "contact"}
    assert {"find_event", "list_trips"} < {tool for tool, _ in LOOKUPS.values()}


def test_positions_in_a_dialogue_are_told_apart():
    for kind in KINDS:
        about = [intent for intent in INTENTS.values() if intent.kind == kind]
        assert any(intent.opens for intent in about), kind
        assert any(intent.ends for intent in about), kind
        follows = sorted(intent.follows for intent in about if intent.follows)
        assert follows == list(range(1, len(follows) + 1)), kind
    asides = sorted(intent.aside for intent in INTENTS.values() if intent.aside)
    assert asides == list(range(1, len(asides) + 1))


def scenes():
    for index in range(20):
        key = key_of(1, "train", index)
        yield Scene(Fixture(key, "train"), Stream(key, 200), "train", LOOKUPS)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_changes_the_state_unless_it_is_marked_as_reading(name):
    intent = INTENTS[name]
    assert (name in READS) == (not intent.verb)
    for scene in scenes():
        call = call_of(intent, intent.draw(scene))
        result = TOOLS[name].run(call.arguments, scene.state)
        assert result.error is None, result.content
        same = all(rows == scene.fixture.table(table) for table, rows in scene.state.tables.items())
        assert same == (name in READS), call


@pytest.mark.parametrize("name", TOOLS)
def test_named_requests_need_a_lookup(name):
    intent, looked_up = INTENTS[name], set()
    for scene in scenes():
        scene.named = True
        looked_up.add(any(slot.lookup is not None for slot in intent.draw(scene).slots.values()))
    assert looked_up == {intent.named}


def test_recipes_keep_secrets_that_some_tool_tells():
    told = {secret for intent in INTENTS.values() for secret in intent.tells}
    kept = set()
    for recipe in (*CHAINS, *RECOVERIES):
        for scene in scenes():
            try:
                kept |= set(recipe.play(scene).secrets)
            except LookupError:
                continue
    assert kept == told


# Who knows the name of a tool -----------------------------------------------------------------------

NAME = re.compile(rf"(?<!\w)({'|'.join(TOOLS)})(?!\w)")


def mentions(path):
    """The tools that a module names: in a string or as a method. Recipes may call tools by name, and do no more."""
    tree = ast.parse(path.read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "call"]
    called = {id(node.args[0]) for node in calls} if path.stem.startswith(("chains_", "recover_")) else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in called:
            yield from NAME.findall(node.value)
        elif isinstance(node, ast.Attribute) and node.attr in TOOLS:
            yield node.attr


@pytest.mark.parametrize("path", sorted(OFFICE.glob("*.py")), ids=lambda path: path.stem)
def test_no_other_module_names_a_tool(path):
    if path.stem != "names" and not path.stem.startswith("intents_"):
        assert not set(mentions(path))
    elif path.stem.startswith("intents_"):
        assert set(mentions(path))  # the search finds what is there


# Adding a tool --------------------------------------------------------------------------------------

METHOD = '''
    @tool(timeout=None)
    def stretch_event(self, event_id: str, minutes: int) -> Row:
        """Change how long an event takes."""
        self.get("events", event_id, "event")
        return self.edit("events", event_id, minutes=check_minutes(minutes))
'''
INTENT = '''

def _stretch_event(scene: Scene) -> Drawn:
    row = scene.row("events")
    while (minutes := duration(scene.stream)).value == row["minutes"]:
        pass
    return Drawn({"event_id": scene.thing("event", row), "minutes": minutes})


CALENDAR = (
    *CALENDAR,
    Intent(
        "stretch_event",
        "change how long an event takes",
        _stretch_event,
        words("""
            do:
            (change|set) the length of {event_id}[ to {minutes}]
            (let|have) {event_id} (last|take) another time[: {minutes}]
            make {event_id} (longer or shorter|another length)[, {minutes}]
            say:
            {event_id} (takes|will take) {minutes}. (Change that|Put that in my calendar).
            We need {minutes} for {event_id}, which is not what my calendar says.
            {minutes} is what {event_id} takes. Correct it.
            done:
            It takes {=minutes} now.
        """),
        needs=("minutes",),
        verb="change",
        kind="event",
        named=True,
        follows=3,
    ),
)
'''
TOOL_NAMES = '''
NAMES |= _table("""
stretch_event
    set_event_length: Set the length of an event.
    resize_event: Make an event longer or shorter.
    prolong_appointment: Prolongs or cuts an appointment.
    alter_session_span: Alters the span of a session.
""")
'''


@pytest.fixture
def office_with_one_more_tool(tmp_path, monkeypatch):
    """A copy of the suite in which three files were added to, as its env class."""
    folder = tmp_path / "office_plus"
    shutil.copytree(OFFICE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    added = {"apis/calendar.py": METHOD, "intents_calendar.py": INTENT, "names.py": TOOL_NAMES}
    for name, text in added.items():
        path = folder / name
        path.write_text(path.read_text("utf-8") + text, "utf-8")
    monkeypatch.setattr(toolgym.envs, "__path__", [*toolgym.envs.__path__, str(tmp_path)])
    yield importlib.import_module("toolgym.envs.office_plus.env").OfficeEnv
    for name in [name for name in sys.modules if name.startswith("toolgym.envs.office_plus")]:
        del sys.modules[name]
    del toolgym.envs.office_plus


def test_a_tool_is_added_in_three_files(office_with_one_more_tool):
    descriptions = {
        "Change how long an event takes.",
        "Set the length of an event.",
        "Make an event longer or shorter.",
    }
    for level in LEVELS:
        env = office_with_one_more_tool(level=level)
        tasks = [env.tasks[index] for index in range(400)]
        assert any(tool.description in descriptions for task in tasks for tool in task.tools), level
        using = [task for task in tasks if "stretch_event" in tools_of(task)]
        assert bool(using) == (level not in ("irrelevant", "recover")), level
        for task in using:
            rewards, info = play(env, task, ideal)
            assert info["success"], (task.id, info["verdict"])
            assert rewards == [4.0] * len(task.expected), task.id
    unseen = office_with_one_more_tool(split="test_unseen")
    told = {tool.description for index in range(400) for tool in unseen.tasks[index].tools}
    assert {"Prolongs or cuts an appointment.", "Alters the span of a session."} <= told
    assert not told & descriptions
    assert len(make().tasks[0].tools) == 3  # the suite itself is as it was
    assert "stretch_event" not in PARAMETERS
