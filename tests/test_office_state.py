"""The office's tools: what they change, what they refuse, and what they say about it."""

from __future__ import annotations

import re

import pytest

from toolgym.envs.office.apis.office import APP_OF, APPS, READS, TOOLS
from toolgym.envs.office.apis.travel import timetable
from toolgym.envs.office.apis.world import World
from toolgym.envs.office.env import OfficeEnv
from toolgym.envs.office.fixture import Fixture, iso
from toolgym.tasks.stream import key_of


@pytest.fixture
def office():
    return Fixture(key_of(0, "train", 1), "train").state()


def first(office, table):
    return next(iter(office.table(table).values()))


def run(office, tool, **arguments):
    return TOOLS[tool].run(arguments, office)


def test_tools_are_inline_and_described():
    assert {int(n) for n in re.findall(r"(\d+) tools work", OfficeEnv.__doc__)} <= {len(TOOLS)}
    assert set(APP_OF.values()) == set(APPS)
    for tool in TOOLS.values():
        assert tool.inline
        assert tool.stateful
        assert 10 < len(tool.description) < 70, tool.name
        assert tool.validator.is_valid({}) == (not tool.parameters["required"])


def nonsense(tool):
    """Arguments of the right types and formats that name nothing in the state."""
    plain = {"YYYY-MM-DD": "2026-01-01", "HH:MM": "10:00", "integer": 30, "boolean": False}
    properties = tool.parameters["properties"]
    return {p: plain.get(about.get("description"), plain.get(about["type"], "x")) for p, about in properties.items()}


def test_reading_changes_nothing():
    fixture = Fixture(key_of(0, "val", 3), "val")
    state = fixture.state()
    for name in READS:
        TOOLS[name].run(nonsense(TOOLS[name]), state)
    assert all(rows == fixture.table(name) for name, rows in state.tables.items())


def test_a_state_is_a_copy_of_what_changes():
    fixture = Fixture(key_of(0, "train", 2), "train")
    one, other = fixture.state(), fixture.state()
    row = first(one, "tasks")
    one.complete_task(task_id=row["id"])
    assert one.table("tasks")[row["id"]]["status"] == "done"
    assert other.table("tasks")[row["id"]]["status"] == fixture.table("tasks")[row["id"]]["status"] == "open"


def test_tables_do_not_depend_on_the_order_in_which_they_are_made():
    one, other = (Fixture(key_of(5, "test", 9), "test") for _ in range(2))
    names = ["mails", "events", "tasks", "rooms", "contacts", "files"]
    tables = {name: one.table(name) for name in names}
    assert {name: other.table(name) for name in reversed(names)} == tables


def test_ids_of_new_things_do_not_depend_on_the_order():
    fixture = Fixture(key_of(0, "train", 4), "train")
    one, other = fixture.state(), fixture.state()
    titles = [f"Task {i}" for i in range(40)]
    for title in titles:
        one.add_task(title=title, due="2026-01-01")
    for title in reversed(titles):
        other.add_task(title=title, due="2026-01-01")
    assert one.tables == other.tables


def test_the_same_thing_twice_is_two_things():
    world = World("Ana Ruiz", lambda table: {})
    ids = {world.add("notes", "NT", {"text": "same"})["id"] for _ in range(5)}
    assert len(ids) == len(world.table("notes")) == 5


def test_events_do_not_overlap(office):
    row = first(office, "events")
    result = run(office, "create_event", title="New", date=row["date"], start=row["start"], minutes=15)
    assert result.error == "execution"
    assert result.content.startswith(f"Error: Conflict: that overlaps with {row['title']!r}")
    moved = run(office, "move_event", event_id=row["id"], date=row["date"], start=row["start"])
    assert moved.error is None  # onto itself


def test_free_time_is_free(office):
    row = first(office, "events")
    start = office.find_free_time(date=row["date"], minutes=90)["start"]
    assert run(office, "create_event", title="New", date=row["date"], start=start, minutes=90).error is None


def test_a_room_is_booked_once(office):
    room = first(office, "rooms")["room"]
    when = {"date": "2031-05-05", "start": "10:00", "minutes": 60}
    before = [row["room"] for row in office.find_rooms(**when, seats=1)]
    booking = office.book_room(room=room, **when)
    assert [row["room"] for row in office.find_rooms(**when, seats=1)] == [name for name in before if name != room]
    assert "Conflict" in run(office, "book_room", room=room, **{**when, "start": "10:59"}).content
    assert run(office, "book_room", room=room, **{**when, "start": "11:00"}).error is None
    assert booking["id"] in {row["id"] for row in office.find_booking(room=room)}
    office.cancel_booking(booking_id=booking["id"])
    assert run(office, "book_room", room=room, **when).error is None


def test_names_are_found_whatever_the_case_and_misses_suggest_the_nearest(office):
    person = first(office, "contacts")
    assert office.find_contact(name=person["name"].upper()) == person
    wrong = run(office, "find_contact", name=person["name"][:-1] + "zz")
    assert f"similar: {person['name']}" in wrong.content
    assert "several match" in run(office, "find_contact", name="a").content


def test_only_the_owner_of_a_file_decides_about_it(office):
    row = first(office, "files")
    assert office.rename_file(file_id=row["id"], name="new.txt")["name"] == "new.txt"
    office.edit("files", row["id"], owner="Somebody Else", owner_email="else@b.com")
    for tool, more in [
        ("delete_file", {}),
        ("move_file", {"folder": "x"}),
        ("share_file", {"email": "a@b.c", "access": "view"}),
    ]:
        assert (
            "NotAllowed: new.txt belongs to Somebody Else (else@b.com)"
            in run(office, tool, file_id=row["id"], **more).content
        )


def test_money_is_counted(office):
    row = first(office, "expenses")
    left = office.get_budget(team=row["team"])["left"]
    office.approve_expense(expense_id=row["id"])
    assert office.get_budget(team=row["team"])["left"] == left - row["amount"]
    assert "approved already" in run(office, "reject_expense", expense_id=row["id"], reason="x").content
    mine = office.submit_expense(amount=5.0, currency="EUR", category="meals", date="2026-01-01")
    assert "own expenses" in run(office, "approve_expense", expense_id=mine["id"]).content
    other = next(each for each in office.table("expenses").values() if each["status"] == "pending" and each["team"])
    office.edit("expenses", other["id"], amount=1e5)
    assert "OverBudget" in run(office, "approve_expense", expense_id=other["id"]).content
    office.raise_budget(team=other["team"], amount=1e5)
    assert run(office, "approve_expense", expense_id=other["id"]).error is None


def test_a_blocked_task_waits(office):
    one, other = list(office.table("tasks").values())[:2]
    office.edit("tasks", one["id"], blocked_by=other["id"])
    assert f"blocked by {other['id']}" in run(office, "complete_task", task_id=one["id"]).content
    office.complete_task(task_id=other["id"])
    assert office.complete_task(task_id=one["id"])["status"] == "done"


def test_the_timetable_is_a_function_of_route_and_date():
    for day in range(740_000, 740_400):
        rows = timetable("Lyon", "Bonn", iso(day))
        assert rows == timetable("lyon", "bonn", iso(day))
        assert len({row["price"] for row in rows}) == 3
        assert [row["departs"] for row in rows] == sorted(row["departs"] for row in rows)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("create_event", {"title": "x", "date": "tomorrow", "start": "10:00", "minutes": 30}),
        ("create_event", {"title": "x", "date": "2026-13-01", "start": "10:00", "minutes": 30}),
        ("create_event", {"title": "x", "date": "2026-01-01", "start": "25:00", "minutes": 30}),
        ("create_event", {"title": "x", "date": "2026-01-01", "start": "10:00", "minutes": 10**30}),
        ("book_hotel", {"city": "x", "check_in": "2026-01-01", "nights": 0}),
        ("submit_expense", {"amount": float("inf"), "currency": "EUR", "category": "meals", "date": "2026-01-01"}),
        ("raise_budget", {"team": "x", "amount": -5}),
        ("send_mail", {"to": "nobody", "subject": "x", "body": "x"}),
        ("find_contact", {"name": "\ud800" * 1000}),
        ("search_mail", {"query": ""}),
        ("cancel_trip", {"trip_id": "x" * 100_000}),
        ("list_tasks", {"owner": "\x00"}),
    ],
)
def test_nonsense_is_an_error_message_and_changes_nothing(tool, arguments):
    fixture = Fixture(key_of(0, "train", 8), "train")
    state = fixture.state()
    result = TOOLS[tool].run(arguments, state)
    assert result.error == "execution"
    assert result.content.startswith("Error: ")
    assert len(result.content) < 600
    assert all(rows == fixture.table(name) for name, rows in state.tables.items())
