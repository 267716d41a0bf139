"""Requests about contacts."""

from __future__ import annotations

from .intent import Drawn, Intent, words
from .scene import Scene
from .slots import Slot, verbatim

FIELDS = {
    "phone": ("phone number", "extension", "number"),
    "email": ("mail address", "email address", "e-mail"),
    "team": ("team", "department"),
    "manager": ("manager", "boss", "line manager"),
}


def _find_contact(scene: Scene) -> Drawn:
    row, field = scene.person(), scene.steady("field", tuple(FIELDS))
    slots = {
        "name": verbatim(row["name"]),
        "what": verbatim(scene.steady("word", FIELDS[field])),
        "answer": verbatim(row[field]),
    }
    return Drawn(slots, ((row[field],),))


def _add_contact(scene: Scene) -> Drawn:
    name, email = scene.outsider()
    return Drawn({"name": verbatim(name), "email": verbatim(email)})


def _update_contact(scene: Scene) -> Drawn:
    row, field = scene.person(), scene.stream.pick(("phone", "team", "email"))
    if field == "phone":
        value = str(scene.stream.between(2000, 9999))
    elif field == "team":
        value = scene.unused([team for team in scene.fixture.teams if team != row["team"]])
    else:
        value = f"{row['name'].split()[1].lower()}.{row['name'].split()[0].lower()}@{scene.fixture.company.lower()}.com"
    word = scene.stream.pick(FIELDS[field][:2])
    slots = {
        "name": verbatim(row["name"]),
        "field": Slot(field, word, note=f"The {word} is the field {field}.", plain=word),
    }
    return Drawn({**slots, "value": verbatim(value)})


def _delete_contact(scene: Scene) -> Drawn:
    return Drawn({"name": verbatim(scene.person()["name"])})


def _list_team(scene: Scene) -> Drawn:
    team = scene.unused(scene.fixture.teams)
    names = [row["name"] for row in scene.state.table("contacts").values() if row["team"] == team]
    return Drawn({"team": verbatim(team), "answer": verbatim(", ".join(names))}, tuple((name,) for name in names))


CONTACTS = (
    Intent(
        "find_contact",
        "look up a contact",
        _find_contact,
        words("""
            do:
            (tell me|give me|look up) the {what} of {name}
            (find|get me|look up) {name}'s {what}
            (check|see) what the {what} of {name} is in the address book
            (dig up|find) the {what} of {name}
            (check|look) in the contacts for {name}'s {what}
            say:
            What is {name}'s {what}?
            I (need|am looking for) {name}'s {what}.
            Do we have the {what} of {name}?
            {name} is in our address book, I believe. What does it give as {what}?
            Whom or what do the contacts list as {name}'s {what}?
            done:
            {=name}'s {=what} is {=answer}.
            It is {=answer}.
            The contacts say {=answer}.
            many:
            (tell me|look up) the {what} of {name}
            (get me|find) the {what} for each of {name}
            check the {what} for {name} in the contacts
        """),
        each="name",
        kind="contact",
        looks_up=True,
        aside=1,
        changed_by=("update_contact", "delete_contact"),
        tells=("addresses",),
    ),
    Intent(
        "add_contact",
        "add a contact",
        _add_contact,
        words("""
            do:
            (add|save) {name} to my (contacts|address book)[, address {email}]
            (put|enter) {name} (in|into) the address book[ with the address {email}]
            (make|create) a contact for {name}[, address {email}]
            store {name}[, {email},] (as a new contact|in the contacts)
            (register|record) {name} as a contact[, mail {email}]
            say:
            I met {name} today, {email}. (That should be in my contacts|Save that contact).
            New contact: {name}, {email}.
            {name} now works with us and can be reached at {email}. \
                (Put that in the address book|Keep that in the contacts).
            My address book lacks {name}, whose address is {email}.
            We have a new partner, {name}, mail {email}. They belong in my contacts.
            done:
            {=name} is in your contacts.
            I have added {=name}, {=email}.
            Saved: {=name}, {=email}.
        """),
        needs=("email",),
        verb="make",
        aside=6,
    ),
    Intent(
        "update_contact",
        "change a contact",
        _update_contact,
        words("""
            do:
            (change|update) the {field} of {name}[ to {value}]
            (set|correct) {name}'s {field}[ to {value}]
            (edit|update) {name} in the contacts: (another|a new) {field}[, {value}]
            (put|note) a new {field} for {name} in the contacts[: {value}]
            (alter|fix) the {field} of {name}[, which is {value} now]
            say:
            {name} has a new {field}: {value}. (Update the contact|Our contacts should say so).
            The {field} of {name} is now {value}, (so change the address book|but the contacts do not know).
            {name}'s {field} is wrong in our contacts. It should be {value}.
            The contacts have an old {field} for {name}; {value} is right.
            As of today the {field} for {name} reads {value}. Bring the contacts up to date.
            done:
            {=name}'s {=field} is now {=value}.
            Updated: {=name}, {=field} {=value}.
            The contact of {=name} has the new {=field}, {=value}.
        """),
        needs=("value",),
        verb="change",
        rank=1,
        substitutes=("add_contact", "delete_contact"),
        changed_by=("delete_contact",),
    ),
    Intent(
        "delete_contact",
        "delete a contact",
        _delete_contact,
        words("""
            do:
            (delete|remove) {name} from my (contacts|address book)
            (take|strike) {name} (off|from) my contacts
            (get rid of|drop) the contact {name}
            (erase|clear) {name} from the address book
            (clean up|tidy) my contacts by taking {name} out
            say:
            {name} (has left|has moved on). (Remove the contact|The contact can go).
            I no longer need {name} in my address book.
            Why is {name} still in my contacts? (Delete that|Out with it).
            My address book should not have {name} in it any more.
            {name} is not a contact of mine any longer, so take that entry out.
            done:
            {=name} is no longer in your contacts.
            I have deleted {=name}.
            Done, {=name} is gone from the address book.
            many:
            (delete|remove) {name} from my contacts
            (erase|clear) {name} from the address book
            take {name} out of my contacts
        """),
        each="name",
        verb="end",
    ),
    Intent(
        "list_team",
        "know who is in a team",
        _list_team,
        words("""
            do:
            (tell me|list|show me) who (is in|works in) the {team} team
            (list|name) the (members|people) of {team}
            (look up|check) who belongs to {team}
            (give me|get) the names of everyone in {team}
            (find out|say) who makes up the {team} team
            say:
            Who (is in|works in|belongs to) the {team} team?
            I have to invite all of {team}. (Who is that|Who are they)?
            Which people does {team} consist of?
            What are the names of the people in {team}?
            {team} is one of our teams, but who is in it?
            done:
            {=team} is {=answer}.
            In {=team}: {=answer}.
            The team has these members: {=answer}.
            many:
            (tell me|list) who is in {team}
            (name|list) the members of {team}
            find out who makes up {team}
        """),
        each="team",
        aside=4,
        changed_by=("update_contact", "delete_contact", "add_contact"),
        tells=("spelling",),
    ),
)
"""In the order of the app's methods."""
