"""The words of the office suite: requests have one meaning, and splits share no words."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from toolgym.envs.office.apis.office import APP_OF, TOOLS
from toolgym.envs.office.facts import clock_fact, date_fact, number_fact, plain, says
from toolgym.envs.office.fixture import iso, workday
from toolgym.envs.office.intents import INTENTS, PARAMETERS
from toolgym.envs.office.levels import CHAINS, RECOVERIES
from toolgym.envs.office.names import QUESTIONS
from toolgym.envs.office.naming import NAMINGS
from toolgym.envs.office.requests import AFTER, ASKING, BEFORE, clause, request, share
from toolgym.envs.office.slots import Slot, duration, future_day, past_day, time_of_day
from toolgym.envs.office.tasks import OfficeTasks
from toolgym.envs.office.vocabulary import VOCABULARIES
from toolgym.tasks.grammar import compiled, optional_slots, write
from toolgym.tasks.stream import SPLITS, Stream, key_of

OWN = ("train", "val", "test")
MONDAY = date(2026, 3, 2).toordinal()
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
MONTHS = ["january", "february", "march", "april", "may", "june"]
MONTHS += ["july", "august", "september", "october", "november", "december"]
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


# An independent reader of dates and times ------------------


def number(word):
    return NUMBERS.index(word) if word in NUMBERS else int(word)


def read_day(text, today):
    """The day that a text means, from the words alone."""
    text = text.lower().removeprefix("on ")
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return date.fromisoformat(text)
    fixed = {"today": 0, "yesterday": -1, "tomorrow": 1, "the day after tomorrow": 2, "a week from today": 7}
    fixed |= {"in a week": 7, "a week from now": 7, "a week from tomorrow": 8, "in two weeks": 14}
    fixed |= {"two weeks from today": 14, "two weeks from now": 14}
    if text in fixed:
        return today + timedelta(fixed[text])
    if found := re.fullmatch(r"(?:in )?(\w+) days(?: from (?:now|today)| ago)?", text):
        return today + timedelta(number(found[1]) * (-1 if text.endswith("ago") else 1))
    words = text.replace("this coming ", "").replace(" of next week", " next week").split()
    if words[0] in WEEKDAYS:
        days = [today + timedelta(n) for n in range(1, 15)]
        if words[1:] == ["next", "week"]:
            next_week = (today + timedelta(7)).isocalendar()[:2]
            days = [day for day in days if day.isocalendar()[:2] == next_week]
        return next(day for day in days if day.weekday() == WEEKDAYS.index(words[0]))
    days = sorted((today + timedelta(n) for n in range(-30, 70)), key=lambda day: (day < today, abs(day - today)))
    if found := re.fullmatch(r"the (\d+)(?:st|nd|rd|th)", text):
        return next(day for day in days if day > today and day.day == int(found[1]))
    month = next(word for word in words if word in MONTHS)
    day_of_month = int(re.match(r"\d+", next(word for word in words if word != month))[0])
    near = [day for day in days if (day.day, day.month) == (day_of_month, MONTHS.index(month) + 1)]
    return near[0]


def read_time(text):
    text = "12:00" if text == "noon" else text.lower()
    if found := re.fullmatch(r"(?:(half|quarter) (past|to) )?(\w+) in the (morning|afternoon)", text):
        hour = NUMBERS.index(found[3])
        minutes = {"half": 30, "quarter": 15, None: 0}[found[1]] * (-1 if found[2] == "to" else 1)
        if found[4] == "afternoon" and not (hour == 12 and minutes >= 0):
            hour += 12
        total = hour * 60 + minutes
        return f"{total // 60:02}:{total % 60:02}"
    found = re.fullmatch(r"(\d+)(?::(\d\d))? ?(am|pm)?", text)
    hour = int(found[1]) + 12 * (found[3] == "pm")
    return f"{hour:02}:{found[2] or '00'}"


@pytest.mark.parametrize("weekday", range(5))
def test_dates_have_one_meaning(weekday):
    for key in range(600):
        today = MONDAY + weekday + 7 * (key % 60)
        for slot in (future_day(today, Stream(key)), past_day(today, Stream(key))):
            for text in (slot.text, slot.adverb):
                assert read_day(text, date.fromordinal(today)).isoformat() == slot.value, (iso(today), text)
            assert slot.value in slot.text or slot.note.endswith(f"{slot.value}.")


def test_times_have_one_meaning():
    seen = set()
    for key in range(2000):
        slot = time_of_day(Stream(key))
        assert read_time(slot.text) == slot.value, slot.text
        seen.add(slot.text)
    assert len(seen) > 120


def test_durations_say_their_minutes():
    for key in range(200):
        slot = duration(Stream(key))
        assert str(slot.value) in slot.text or str(slot.value) in slot.note


def test_requests_fall_on_working_days():
    for weekday in range(5):
        for n in range(1, 15):
            assert date.fromordinal(workday(MONDAY + weekday, n)).weekday() < 5
    assert workday(MONDAY + 4, 1) == MONDAY + 7
    assert workday(MONDAY, 10) == MONDAY + 14


# Every value follows from the text ------------------------------------------------------------

CURRENCIES = {"EUR": "€|euros|EUR", "USD": r"\$|US dollars|USD", "GBP": "£|pounds|GBP", "CHF": "CHF|Swiss francs"}
ENUMS = {
    "view": "view access|viewing rights|permission to view",
    "edit": "edit access|editing rights|permission to edit",
    "phone": "phone number|extension",
    "email": "mail address|email address",
    "team": "team|department",
    **CURRENCIES,
}


def follows(value, text, why):
    """Whether a value is in the text, or derived from it in the gold thought."""
    if isinstance(value, list):
        return all(item in text for item in value)
    if isinstance(value, bool):
        return "projector" in text
    if isinstance(value, (int, float)):
        figures = (f"{value:g}", f"{value:.2f}")
        word = isinstance(value, int) and value < 13 and NUMBERS[value] in text.lower()
        return (
            word
            or any(re.search(rf"(?<![\d:-]){figure}(?![\d-])", text) for figure in figures)
            or f"is {value} minutes." in why
        )
    if value in ENUMS:
        return re.search(ENUMS[value], text, re.IGNORECASE) is not None
    if value in text:
        return True
    derived = re.search(rf"(?:^|\. )([^.]*?) (?:is|after) (?:[^.]* )?{re.escape(value)}\.", why)
    return derived is not None and derived[1].lower() in text.lower()


@pytest.mark.parametrize("split", SPLITS)
def test_every_value_of_a_single_call_follows_from_the_request(split):
    for level in ("single", "choose", "parallel"):
        tasks = OfficeTasks(split, 0, level)
        for index in range(300):
            task = tasks[index]
            (phase,) = task.data.phases
            text = " ".join(message["content"] for message in task.messages)
            for call in task.expected[0]:
                for name, value in call.arguments.items():
                    assert follows(value, text, phase.stages[0].why), (task.id, name, value, text)


def test_what_was_forgotten_is_in_the_reply_and_not_before():
    tasks = OfficeTasks("train", 0, "missing")
    for index in range(300):
        first, second = tasks[index].data.phases
        (call,) = second.stages[0].calls
        told = [value for value in call.arguments.values() if follows(value, second.user, second.stages[0].why)]
        assert any(not follows(value, first.user, "") for value in told), (index, first.user, second.user)


# Variety --------------------------------------------------------------------------------------------


class Bare:
    """A scene with a random stream and a split, and nothing else."""

    def __init__(self, key, split):
        self.stream, self.split = Stream(key), split


def blanks(templates):
    names = {name for text in templates for name in re.findall(r"{[@=]?(\w+)}", text)}
    return {name: Slot(name, f"<{name}>") for name in names}


def kinds_of_request():
    yield from ((intent.tool, intent.words) for intent in INTENTS.values())
    yield from ((recipe.play.__name__, recipe.words) for recipe in (*CHAINS, *RECOVERIES))


@pytest.mark.parametrize("split", OWN)
def test_every_kind_of_request_has_thirty_phrasings(split):
    for name, words in kinds_of_request():
        slots = blanks((*words.do, *words.say))
        bodies = {request(Bare(key, split), words, slots) for key in range(250)}
        assert len(bodies) >= 30, (name, len(bodies))


def test_train_has_hundreds_of_phrasings_for_a_request():
    words = INTENTS["create_event"].words
    assert len({request(Bare(key, "train"), words, blanks((*words.do, *words.say))) for key in range(2000)}) > 900


def test_templates_of_splits_are_disjoint():
    for name, words in kinds_of_request():
        for templates in (words.do, words.say, words.many):
            if templates:
                shares = [set(share(templates, split)) for split in OWN]
                assert all(shares), name
                assert sum(map(len, shares)) == len(templates) == len(set.union(*shares)), name
    for frames in (ASKING, BEFORE, AFTER):
        assert len({*frames["train"], *frames["val"], *frames["test"]}) == sum(len(frames[split]) for split in OWN)
        assert frames["test"] == frames["test_unseen"]


def test_what_may_be_forgotten_can_be_left_out_in_every_split():
    for intent in INTENTS.values():
        required = TOOLS[intent.tool].parameters["required"]
        for parameter in intent.needs:
            assert parameter in required
            assert parameter in QUESTIONS
            for split in OWN:
                texts = [text for text in share(intent.words.do, split) if parameter in optional_slots(text)]
                assert texts, (intent.tool, parameter, split)
                said = clause(Bare(0, split), intent.words, blanks(intent.words.do), without=parameter)
                assert f"<{parameter}>" not in said


def test_splits_share_no_people_things_or_prompts():
    for field in VOCABULARIES["train"].__struct_fields__:
        lists = [set(getattr(VOCABULARIES[split], field)) for split in OWN]
        assert len(set.union(*lists)) == sum(map(len, lists)), field
    prompts = [{repr(OfficeTasks(split)[i].messages) for i in range(1500)} for split in (*OWN, "test_unseen")]
    assert [len(each) for each in prompts] == [1500] * 4
    assert len(set.union(*prompts)) == 6000


def test_random_streams_never_meet():
    keys = {key_of(seed, split, index) for seed in range(5) for split in SPLITS for index in range(50)}
    assert len(keys) == 5 * 4 * 50
    assert min(b - a for a, b in zip(sorted(keys), sorted(keys)[1:], strict=False)) >= 256  # room for the lanes
    assert [round(Stream(7).random(), 6), Stream(7).sample(range(9), 3)] == [0.323833, [6, 3, 5]]


# Names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "test_unseen"])
def test_names_of_tools_and_parameters_are_unambiguous(split):
    for naming in NAMINGS[split]:
        tools = [naming.tool(name) for name in TOOLS]
        assert len({tool.name for tool in tools}) == len(TOOLS), naming
        assert len({tool.description for tool in tools}) == len(TOOLS), naming
        for name, tool in zip(TOOLS, tools, strict=True):
            assert len(tool.parameters["properties"]) == len(PARAMETERS[name]), (naming, name)


def test_unseen_names_are_seen_nowhere_else():
    def told(split):
        tools = [naming.tool(name) for naming in NAMINGS[split] for name in TOOLS]
        names = {re.sub(r"[._]", "", tool.name.rsplit(".", 1)[-1]).lower() for tool in tools}
        parameters = {p.replace("_", "").lower() for tool in tools for p in tool.parameters["properties"]}
        return names, parameters, {tool.description for tool in tools}

    for seen, unseen in zip(told("train"), told("test_unseen"), strict=True):
        assert not seen & unseen
    assert NAMINGS["val"] == NAMINGS["test"]
    assert set(NAMINGS["test"]) < set(NAMINGS["train"])


def test_requests_do_not_name_tools():
    """The user's messages contain no tool name of any naming."""
    identifiers = {naming.tool_name(name) for naming in NAMINGS["train"] for name in TOOLS}
    identifiers = {name for name in identifiers if "_" in name or "." in name}
    tasks = OfficeTasks("train")
    for index in range(400):
        text = " ".join(phase.user for phase in tasks[index].data.phases)
        assert not [name for name in identifiers if name in text]
    assert set(APP_OF) == set(INTENTS) == set(TOOLS)


# Templates and facts --------------------------------------------------------------------------------


def test_templates_vary_drop_and_permute():
    slots = {"thing": Slot("v", "the thing"), "day": Slot("2026-03-06", "Friday", "on Friday", plain="6 March")}
    template = "(move|shift) {thing}[~ {@day}][~ at noon][, quickly]"
    texts = {write(template, slots, Stream(key)) for key in range(60)}
    assert texts == {
        f"{verb} the thing{when}, quickly"
        for verb in ("move", "shift")
        for when in (" on Friday at noon", " at noon on Friday")
    }
    assert {write(template, slots, Stream(k), without=("day",)) for k in range(9)} <= {
        "move the thing at noon, quickly",
        "shift the thing at noon, quickly",
    }
    assert optional_slots(template) == {"day"}
    assert write("{=day} {day}", slots, Stream(0)) == "6 March Friday"
    for wrong in ("(a|b", "[a"):
        with pytest.raises(ValueError, match="unmatched"):
            compiled(wrong)


def test_facts_are_found_in_any_wording_but_not_inside_others():
    assert all(says(plain(text), clock_fact("14:30")) for text in ("At 14:30.", "2:30 PM", "at 2:30pm,"))
    assert not says(plain("114:30"), clock_fact("14:30"))
    assert all(
        says(plain(text), date_fact("2026-03-06")) for text in ("2026-03-06", "March 6", "6 March", "6th of March")
    )
    assert not says(plain("16 March"), date_fact("2026-03-06"))
    assert all(says(plain(text), number_fact(1240.5)) for text in ("1,240.50 euros", "EUR 1240.5", "1240.50."))
    assert says(plain("It is 59."), number_fact(59))
    assert not says(plain("It is 59.50 or 590 or 159."), number_fact(59))
