"""Chains about people, files, money and travel: a later call needs the result of an earlier call."""

from __future__ import annotations

from .intent import words
from .plan import Stage, notes
from .recipes import Played, Recipe, call
from .scene import Scene
from .slots import verbatim
from .vocabulary import REASONS


def _manager(scene: Scene) -> Played:
    person = scene.person()
    boss = scene.run(call("find_contact", name=person["manager"]))
    subject, body = scene.quoted(f"{scene.stream.pick(scene.words.topics)} note"), scene.quoted(scene.body())
    stages = (
        Stage((call("find_contact", name=person["name"]),), "I have to find out who the manager is: {tools}."),
        Stage(
            (call("find_contact", name=boss["name"]),),
            f"The manager is {boss['name']}, whose address I need too: {{tools}}.",
        ),
        Stage(
            (call("send_mail", to=boss["email"], subject=subject.value, body=body.value),),
            "Now I have the address for {tools}.",
        ),
    )
    return Played(
        {"name": verbatim(person["name"]), "boss": verbatim(boss["name"]), "subject": subject, "body": body}, stages
    )


def _train(scene: Scene) -> Played:
    origin, destination, date = scene.unused(scene.words.cities), scene.unused(scene.words.cities), scene.day()
    search = call("search_trains", origin=origin, destination=destination, date=date.value)
    rows = scene.run(search)
    which = scene.stream.pick(("cheapest", "first", "last"))
    row = min(rows, key=lambda row: int(row["price"])) if which == "cheapest" else rows[0 if which == "first" else -1]
    stages = (
        Stage((search,), f"{notes([date])}First I need the trains: {{tools}}."),
        Stage(
            (call("book_train", train=row["train"], date=date.value),),
            f"The {which} one is {row['train']}. I book it with {{tools}}.",
        ),
    )
    slots = {
        "origin": verbatim(origin),
        "destination": verbatim(destination),
        "date": date,
        "train": verbatim(row["train"]),
    }
    return Played({**slots, "which": verbatim(which)}, stages)


def _budget(scene: Scene) -> Played:
    row = scene.row("expenses")
    look = call("get_budget", team=row["team"])
    budget = scene.run(look)
    price = scene.stream.between(2, 60) * 100
    price += 50 * (price == budget["left"])
    reason = scene.quoted(scene.stream.pick(REASONS))
    enough = budget["left"] > price
    decide = call("approve_expense", expense_id=row["id"])
    if not enough:
        decide = call("reject_expense", expense_id=row["id"], reason=reason.value)
    stages = (
        Stage((look,), "It depends on the budget, so {tools} comes first."),
        Stage((decide,), f"{budget['left']:g} euros are left, {'more' if enough else 'less'} than {price}: {{tools}}."),
    )
    slots = {
        "team": verbatim(row["team"]),
        "price": verbatim(str(price)),
        "expense": verbatim(row["id"]),
        "reason": reason,
    }
    return Played({**slots, "said": verbatim("approved" if enough else "rejected")}, stages)


def _extension(scene: Scene) -> Played:
    mail, person = scene.row("mails"), scene.person()
    phone = str(scene.stream.between(2000, 9999))
    body = scene.stream.pick(
        (
            "{} can now be reached on extension {}.",
            "The extension of {} is now {}.",
            "From today on {} has extension {}.",
        )
    )
    scene.plant("mails", mail["id"], {**mail, "body": body.format(person["name"], phone)})
    name = verbatim(person["name"])
    stages = (
        Stage((call("read_mail", mail_id=mail["id"]),), "The number is in the mail, which {tools} shows."),
        Stage(
            (call("update_contact", name=name.value, field="phone", value=phone),),
            f"The new number is {phone}: {{tools}}.",
        ),
    )
    return Played({"mail": scene.thing("mail", mail), "name": name, "phone": verbatim(phone)}, stages)


def _figure(scene: Scene) -> Played:
    file, person = scene.row("files"), scene.person()
    done = file["text"].split(": ")[1].split(" ")[0]
    subject = scene.quoted(f"{scene.stream.pick(scene.words.topics)} progress")
    body = f"{done} items are done."
    stages = (
        Stage((call("read_file", file_id=file["id"]),), "The number is in the file, so {tools} comes first."),
        Stage(
            (call("send_mail", to=person["email"], subject=subject.value, body=body),),
            f"The number is {done}. Now {{tools}} can send it.",
        ),
    )
    slots = {"file": scene.thing("file", file), "email": scene.address(person), "subject": subject}
    return Played({**slots, "text": verbatim('"N items are done."'), "number": verbatim(done)}, stages)


def _due_first(scene: Scene) -> Played:
    mine = scene.run(call("list_tasks", owner=scene.fixture.user))
    order = sorted(mine, key=lambda row: str(row["due"]))
    if order[0]["due"] == order[1]["due"]:
        raise LookupError("two tasks are due first")
    row, person = order[0], scene.person()
    stages = (
        Stage(
            (call("list_tasks", owner=scene.fixture.user),),
            f"The user is {scene.fixture.user}, whose tasks {{tools}} lists.",
        ),
        Stage(
            (call("assign_task", task_id=row["id"], owner=person["name"]),),
            f"{row['title']} is due first; {{tools}} hands it over.",
        ),
    )
    return Played({"owner": verbatim(person["name"]), "title": verbatim(row["title"])}, stages, secrets=("task",))


WORK = (
    Recipe(
        _manager,
        words("""
            do:
            (send|write) the manager of {name} a mail with the subject {subject} saying {body}
            (find out|look up) who {name}'s boss is and (mail|write to) them, subject {subject}, text {body}
            (let|have) {name}'s line manager get a mail from me, headed {subject}, with the text {body}
            (mail|email) whoever manages {name}, with {subject} as the subject and {body} as the text
            (write to|inform) the person {name} reports to by mail, subject {subject}, with these words: {body}
            say:
            {name}'s manager (should|has to) get a mail from me. The subject is {subject}, the text {body}
            Who is the boss of {name}? Whoever it is should get this mail from me, subject {subject}: {body}
            There is something {name}'s manager has to know. Mail them with the subject {subject}: {body}
            I need to write to the manager of {name}: {body} Take {subject} as the subject.
            A mail is due to {name}'s boss, titled {subject}. It says {body}
            done:
            The mail to {=boss}, who manages {=name}, is sent.
            I have written to {=boss}.
            {=boss} is the manager of {=name} and has got the mail.
        """),
    ),
    Recipe(
        _train,
        words("""
            do:
            (book|reserve) the {which} train from {origin} to {destination} {@date}
            (get|buy) me a ticket for the {which} train that goes from {origin} to {destination} {@date}
            (find|pick) the {which} connection from {origin} to {destination} {@date} and book it
            (look up|check) the trains from {origin} to {destination} {@date} and (book|take) the {which} one
            (put|get) me on the {which} train from {origin} to {destination} {@date}
            say:
            I have to be in {destination} {@date}, coming from {origin}. Book the {which} train.
            Which trains go from {origin} to {destination} {@date}? I want a seat on the {which} one.
            I travel from {origin} to {destination} {@date} and take the {which} train. (Get me a ticket|Book it).
            {@date} I go from {origin} to {destination}. The {which} train suits me; book it.
            From {origin} to {destination} {@date}, please, on whichever train is the {which} one.
            done:
            You have a seat on {=train} on {=date}.
            The {=which} one is {=train}; it is booked.
            I have booked {=train} from {=origin} to {=destination}.
        """),
    ),
    Recipe(
        _budget,
        words("""
            do:
            (check|see) whether {team} has at least {price} euros left; if so approve {expense}, if not reject it \
                with the reason {reason}
            (look at|check) the budget of {team} and approve {expense} if {price} euros or more are left, otherwise \
                reject it because of {reason}
            approve {expense} if the budget of {team} has {price} euros left or more, and otherwise reject it with \
                {reason} as the reason
            (decide|deal with) {expense}: with at least {price} euros left for {team} approve it, with less reject \
                it, reason {reason}
            (settle|handle) {expense} by what {team} has left, from {price} euros on with a yes, below that with a \
                no and the reason {reason}
            say:
            {expense} can be approved if {team} has at least {price} euros left. If not, reject it, reason {reason}.
            Does {team} have {price} euros or more left? Then approve {expense}. If it does not, reject it with the \
                reason {reason}.
            It depends on the budget of {team}: with {price} euros or more left, approve {expense}; with less, \
                reject it and say {reason}.
            I am in two minds about {expense}. From {price} euros left for {team} it is a yes, below that a no with \
                the reason {reason}.
            If {team} still has {price} euros or more, {expense} is approved. If it has less, it is rejected, reason \
                {reason}.
            done:
            {=expense} is {=said}.
            I have looked at the budget of {=team}: {=expense} is {=said}.
            Done, it is {=said}.
        """),
    ),
    Recipe(
        _extension,
        words("""
            do:
            (take|copy) the new phone number of {name} from {mail} into the contacts
            (update|change) the phone number of {name} to what {mail} says
            (read|open) {mail} and put {name}'s new phone number in the contacts
            (correct|set) {name}'s phone number in the address book by what is in {mail}
            (look|see) in {mail} for the new extension of {name} and note it as the phone number in the contacts
            say:
            {mail} has the new phone number of {name}. (Put it in the contacts|Update the contact).
            {name} has a new phone number, it is in {mail}. Our contacts should have it.
            The phone number of {name} in the contacts is old. The right one is in {mail}.
            In {mail} you find the number {name} has now. Change the contact accordingly.
            Bring the phone number of {name} up to date, going by {mail}.
            done:
            {=name}'s phone number is now {=phone}.
            I have set it to {=phone}.
            The contact of {=name} has the number {=phone} now.
        """),
    ),
    Recipe(
        _figure,
        words("""
            do:
            (send|write) {email} a mail, subject {subject}, with the text {text}, where N is the number that {file} \
                gives
            (read|open) {file} and mail {email} how many items are done, subject {subject}, in the form {text}
            (mail|write to) {email} under the subject {subject} the text {text}, with the number of {file} for N
            (tell|inform) {email} by mail, headed {subject}, what {file} counts as done, worded {text}
            (get|take) the number done from {file} and send it to {email} as {text}, with the subject {subject}
            say:
            {email} wants to know how many items are done. It says so in {file}. Send a mail, subject {subject}, \
                text {text}
            How many items are done? {file} knows, and {email} should get it by mail as {text}, subject {subject}.
            A mail should go to {email}, subject {subject}, text {text}, and N comes from {file}.
            In {file} is the number of items done. Mail it to {email} with the subject {subject}, written as {text}
            What {file} gives as the number done has to go to {email}, in the words {text}, subject {subject}.
            done:
            I have sent {=email} the number, {=number}.
            The mail to {=email} says {=number}.
            Sent: {=number} items are done.
        """),
    ),
    Recipe(
        _due_first,
        words("""
            do:
            (give|hand) the task of mine that is due first to {owner}
            (see|check) which of my tasks is due first and assign it to {owner}
            (pass|hand) my most urgent task, by due date, on to {owner}
            (find|pick) my task with the earliest due date and hand it to {owner}
            (delegate|turn over) to {owner} whichever of my tasks has to be done first
            say:
            {owner} will help me with my tasks and takes the one that is due first. Assign it.
            Which of my tasks is due first? {owner} should do it.
            I have too much to do. The task that is due first is for {owner} to do.
            Of my tasks, the one with the earliest due date goes to {owner}.
            {owner} has time for one of my tasks: the one due before all others.
            done:
            {=owner} has {=title} now.
            The first one due was {=title}; it is with {=owner}.
            I have handed {=title} to {=owner}.
        """),
    ),
)
