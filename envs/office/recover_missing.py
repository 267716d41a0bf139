"""Recoveries from something missing or in the way: the error says what to do first."""

from __future__ import annotations

from .apis.office import TOOLS
from .intent import words
from .plan import Stage
from .recipes import Played, Recipe, call
from .scene import Scene
from .slots import verbatim
from .vocabulary import MAIL_FOLDERS


def _misspelt(scene: Scene) -> Played:
    person = scene.person()
    first, last = person["name"].split(" ")
    at = scene.stream.between(1, len(last) - 2)
    wrong = (
        f"{first} {last[:at]}{last[at + 1 :]}"
        if scene.stream.chance(0.5)
        else f"{first} {last[:at]}{last[at]}{last[at:]}"
    )
    look = call("find_contact", name=wrong)
    error = TOOLS[look.name].run(look.arguments, scene.state).content
    if not error.endswith(f"similar: {person['name']}"):
        raise LookupError("that name is not understood")
    stages = (
        Stage((look,), "I look that name up with {tools}."),
        Stage((call("find_contact", name=person["name"]),), f"The name must be {person['name']}; {{tools}} again."),
    )
    field = scene.stream.pick(("phone", "email", "team"))
    slots = {
        "name": verbatim(wrong),
        "field": verbatim({"phone": "phone number", "email": "mail address", "team": "team"}[field]),
    }
    slots |= {"right": verbatim(person["name"]), "answer": verbatim(person[field])}
    return Played(slots, stages, ((person[field],),), secrets=("spelling",))


def _blocked(scene: Scene) -> Played:
    task, blocker = scene.row("tasks"), scene.row("tasks")
    scene.plant("tasks", task["id"], {**task, "blocked_by": blocker["id"]})
    close = call("complete_task", task_id=task["id"])
    stages = (
        Stage((close,), "I try to close it with {tools}."),
        Stage(
            (call("complete_task", task_id=blocker["id"]),),
            f"{blocker['id']} is in the way, so I close that with {{tools}}.",
        ),
        Stage((close,), "Now the way is free for {tools}."),
    )
    slots = {"task": scene.thing("task", task), "blocker": verbatim(blocker["title"])}
    return Played(slots, stages, secrets=("blocker",))


def _no_folder(scene: Scene) -> Played:
    file = scene.row("files")
    folder = scene.unused([name for name in MAIL_FOLDERS if name not in scene.state.table("folders")])
    move = call("move_file", file_id=file["id"], folder=folder)
    stages = (
        Stage((move,), "I try to move it with {tools}."),
        Stage((call("create_folder", folder=folder),), "There is no such folder yet, so {tools}."),
        Stage((move,), "Now the folder is there. I try again with {tools}."),
    )
    return Played({"file": scene.thing("file", file), "folder": verbatim(folder)}, stages, secrets=("folders",))


def _bounced(scene: Scene) -> Played:
    name, old = scene.outsider()
    new = f"{name.split()[0].lower()}@{scene.unused(scene.words.companies).lower()}.net"
    scene.plant("bounces", old, {"address": new})
    mail = {"subject": f"{scene.stream.pick(scene.words.topics)} note", "body": scene.body()}
    stages = (
        Stage((call("send_mail", to=old, **mail),), "I send it with {tools}."),
        Stage(
            (call("send_mail", to=new, **mail),),
            f"That mailbox is closed; the new address is {new}. I send it again with {{tools}}.",
        ),
    )
    slots = {
        "old": verbatim(old),
        "new": verbatim(new),
        "subject": scene.quoted(mail["subject"]),
        "body": scene.quoted(mail["body"]),
    }
    return Played(slots, stages, ((new,),), secrets=("addresses",))


MISSING = (
    Recipe(
        _misspelt,
        words("""
            do:
            (tell me|look up) the {field} of {name}, (whose name I may have misspelt|however that is spelt)
            (find|get me) the {field} of {name}, (whose name I may not spell right|or of whoever is meant)
            (check|see) what the {field} of {name} is, \
                (if that is how the name is written|unless I got the name wrong)
            (dig up|find) the {field} of {name}, even if the name is spelt in another way
            (look|check) in the contacts for the {field} of {name}, or the person with nearly that name
            say:
            What is the {field} of {name}? I am not sure about the spelling.
            I need the {field} of {name}, if that is the name.
            Do we have the {field} of {name}? The name may be written differently.
            {name}, or something like that, is in our contacts. What is the {field}?
            There is somebody called {name} or so. Which {field} do the contacts give?
            done:
            You mean {=right}: {=answer}.
            The name is {=right}, and the {=field} is {=answer}.
            {=right}'s {=field} is {=answer}.
        """),
    ),
    Recipe(
        _blocked,
        words("""
            do:
            (mark|set) {task} as done, and if another task is in the way, close that one first
            (close|complete) {task}; whatever blocks it is done too, so close that before
            (tick off|check off) {task}, along with a task that blocks it, should there be one
            (cross|strike) {task} off, and what blocks it, if anything does, before that
            (record|note) that {task} is finished, and likewise anything it waits for
            say:
            {task} is done. If it is blocked by something, that is done as well, so close that first.
            I have finished {task}, and also whatever it was waiting for. Close what needs closing.
            {task} can be closed. Should another task block it, close that one before.
            No work is left on {task}, nor on anything that blocks it. Both can be ticked off, if it comes to that.
            {task} is behind me. If a task stands in its way, that is finished too; close it first.
            done:
            {=blocker} was in the way; both are done now.
            Both are closed, first {=blocker}.
            I closed {=blocker} first, and then the task itself.
        """),
    ),
    Recipe(
        _no_folder,
        words("""
            do:
            (move|put) {file} into the folder {folder}, and only if it turns out that there is none, make it first
            (try to move|move) {file} to {folder}; if that fails for want of the folder, create it and move the file \
                then
            (shift|transfer) {file} to the folder {folder}, and should the folder be missing, add it and try again
            (store|place) {file} in {folder}, and where there is no such folder, make one after you have tried
            (take|bring) {file} over to {folder}; in case that cannot be found, set the folder up and do it again
            say:
            {file} belongs in {folder}. If moving it fails because there is no such folder, create the folder and \
                move it again.
            I want {file} in the folder {folder}. Try it, and make the folder only if it does not exist.
            Move {file} to {folder}. I am not sure that we have that folder; if not, create it and try once more.
            {folder} is the folder for {file}. Should it turn out to be missing, add it and repeat the move.
            Let {file} go to {folder}, and if the folder is not there, well, make it and go on.
            done:
            I had to make the folder {=folder}; the file is in it now.
            It is in {=folder}, which is a new folder.
            There was no {=folder}, so I made it and moved the file.
        """),
    ),
    Recipe(
        _bounced,
        words("""
            do:
            (send|write) {old} a mail with the subject {subject} saying {body}, and if the address is out of date, \
                use the new one and tell me what it is
            (mail|write to) {old}, subject {subject}, text {body}; should that mailbox be closed, take the new \
                address and tell me
            (send|get) a mail to {old}, headed {subject}, with the text {body}, or to the new address if there is \
                one, and then name it
            (let|have) a mail go to {old}, subject {subject}, text {body}, and where it comes back send it to the \
                new address and say which that is
            (write to|mail) {old} under the subject {subject} the words {body}, at a new address if the old one \
                fails, and report that address
            say:
            {old} should get a mail, subject {subject}: {body} If the address has changed, use the new one. Which is \
                it?
            I need to write to {old}, subject {subject}, text {body} The address may be old. If so, send it to the \
                new one and tell me that.
            Mail for {old} with the subject {subject}: {body} Should it bounce, try the new address, which I would \
                like to know.
            To {old}, subject {subject}, I write {body} If there is a new address by now, send it there and tell me \
                the address.
            A mail is due to {old}, titled {subject}: {body} In case the mailbox is closed, find out the new \
                address, send it there and let me know.
            done:
            That mailbox is closed. I sent it to {=new}.
            The new address is {=new}, where the mail went.
            It went to {=new}, because {=old} is closed.
        """),
    ),
)
