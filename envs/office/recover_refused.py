"""Recoveries from a refusal: not allowed, over budget, or decided already."""

from __future__ import annotations

from .intent import words
from .plan import Stage
from .recipes import Played, Recipe, call
from .scene import Scene
from .slots import Slot, verbatim
from .vocabulary import REASONS


def _others_file(scene: Scene) -> Played:
    """A file that only its owner may share."""
    file, owner, person = scene.row("files"), scene.person(), scene.person()
    scene.plant("files", file["id"], {**file, "owner": owner["name"], "owner_email": owner["email"]})
    access = scene.stream.pick(("view", "edit"))
    subject = scene.quoted(f"{scene.stream.pick(scene.words.topics)} file")
    body = scene.quoted("Please share this file with my colleague.")
    share = call("share_file", file_id=file["id"], email=person["email"], access=access)
    send = call("send_mail", to=owner["email"], subject=subject.value, body=body.value)
    stages = (
        Stage((share,), "I try to share it with {tools}."),
        Stage((send,), f"Only {owner['name']} may share it, and the error gives the address: {{tools}}."),
    )
    slots = {
        "file": scene.thing("file", file),
        "email": scene.address(person),
        "access": verbatim(access),
        "subject": subject,
        "body": body,
    }
    return Played({**slots, "owner": verbatim(owner["name"])}, stages, secrets=("folders", "addresses"))


def _over_budget(scene: Scene) -> Played:
    row = scene.row("expenses")
    budget = scene.state.table("budgets")[row["team"]]
    scene.plant("budgets", row["team"], {**budget, "spent": budget["limit"] - scene.stream.between(1, 15)})
    approve = call("approve_expense", expense_id=row["id"])
    slots: dict[str, Slot] = {"expense": scene.thing("expense", row), "team": verbatim(row["team"])}
    if scene.stream.chance(0.5):
        reason = scene.quoted(scene.stream.pick((*REASONS, "No budget left")))
        reject = call("reject_expense", expense_id=row["id"], reason=reason.value)
        stages: tuple[Stage, ...] = (
            Stage((approve,), "I try to approve it with {tools}."),
            Stage((reject,), "The budget does not allow it, so it is rejected as the user said: {tools}."),
        )
        slots |= {
            "otherwise": verbatim(f"reject it with the reason {reason.text}"),
            "said": verbatim("rejected, for want of money"),
        }
        return Played(slots, stages, secrets=("budgets",))
    amount = scene.stream.between(10, 20) * 50
    stages = (
        Stage((approve,), "I try to approve it with {tools}."),
        Stage(
            (call("raise_budget", team=row["team"], amount=amount),),
            "There is too little money, and the user said what to do: {tools}.",
        ),
        Stage((approve,), "Now there is enough. I try again with {tools}."),
    )
    slots |= {"otherwise": verbatim(f"raise the budget of {row['team']} by {amount} euros and try again")}
    slots |= {"said": verbatim(f"approved, after the budget was raised by {amount}")}
    return Played(slots, stages, secrets=("budgets",))


def _not_mine(scene: Scene) -> Played:
    file, owner = scene.row("files"), scene.person()
    scene.plant("files", file["id"], {**file, "owner": owner["name"], "owner_email": owner["email"]})
    stages = (Stage((call("delete_file", file_id=file["id"]),), "I try to delete it with {tools}."),)
    slots = {"file": scene.thing("file", file), "owner": verbatim(owner["name"])}
    return Played(slots, stages, ((owner["name"],),), secrets=("file owner",))


def _decided(scene: Scene) -> Played:
    row, status = scene.row("expenses"), scene.stream.pick(("approved", "rejected"))
    scene.plant("expenses", row["id"], {**row, "status": status})
    stages = (Stage((call("approve_expense", expense_id=row["id"]),), "I try to approve it with {tools}."),)
    return Played(
        {"expense": scene.thing("expense", row), "status": verbatim(status)},
        stages,
        ((status,),),
        secrets=("claim status",),
    )


def _no_reply(scene: Scene) -> Played:
    row, person = scene.row("mails"), scene.person()
    sender = f"no-reply@{scene.fixture.company.lower()}.com"
    scene.plant("mails", row["id"], {**row, "address": sender, "contact": person["email"]})
    subject, body = scene.quoted(f"{scene.stream.pick(scene.words.topics)} answer"), scene.quoted(scene.body())
    stages = (
        Stage((call("reply_mail", mail_id=row["id"], body=body.value),), "I try to reply with {tools}."),
        Stage(
            (call("send_mail", to=person["email"], subject=subject.value, body=body.value),),
            f"Replies are not read there; {person['email']} is the address for {{tools}}.",
        ),
    )
    slots = {"mail": scene.thing("mail", row), "body": body, "subject": subject, "new": verbatim(person["email"])}
    return Played(slots, stages, ((person["email"],),), secrets=("sender", "addresses"))


REFUSED = (
    Recipe(
        _others_file,
        words("""
            do:
            (share|open up) {file} with {email}, {access} access, and if you may not, (write|mail) its owner with \
                the subject {subject}: {body}
            (give|grant) {email} {access} access to {file}; if only the owner can, send the owner a mail, subject \
                {subject}, text {body}
            (try|see) to share {file} with {email}, {access} access, or else mail the owner, subject {subject}, text \
                {body}
            (let|have) {email} get {access} access to {file}, and where that is refused send its owner a mail headed \
                {subject}: {body}
            (arrange|set up) {access} access to {file} for {email}, and if it is not ours to share, mail its owner \
                under the subject {subject}: {body}
            say:
            {email} needs {access} access to {file}. If I am not allowed to share it, mail the owner, subject \
                {subject}: {body}
            Can you share {file} with {email}, {access} access? If that is not permitted, the owner gets a mail with \
                the subject {subject} and the text {body}
            I want {email} to have {access} access to {file}. Should it belong to someone else, write to that \
                person, subject {subject}: {body}
            For {file}, {email} ought to get {access} access. If it is refused, ask the owner by mail, subject \
                {subject}, text {body}
            {file} is for {email} to use, {access} access. In case it is not mine, its owner should get a mail \
                titled {subject} that reads {body}
            done:
            It belongs to {=owner}, to whom I have written.
            Only {=owner} may share it, so I sent the mail.
            {=owner} owns the file and has a mail from you now.
        """),
    ),
    Recipe(
        _over_budget,
        words("""
            do:
            (approve|accept) {expense}, and if the budget does not allow it, {otherwise}
            (try to approve|see about approving) {expense}; if there is too little money, {otherwise}
            (give|grant) {expense} my approval, or, should the budget be too small, {otherwise}
            (pass|okay) {expense}, but where money is lacking, {otherwise}
            (agree to|say yes to) {expense} unless the budget is in the way, and in that case {otherwise}
            say:
            {expense} is fine with me. If the budget is not enough, {otherwise}.
            I would like to approve {expense}. Should there not be enough money, {otherwise}.
            Approve {expense}. In case it is more than the budget allows, {otherwise}.
            {expense} gets my yes. If that is more than {team} has, {otherwise}.
            There is {expense} to approve. If {team} has too little left, {otherwise}.
            done:
            The budget was too small: it is {=said}.
            It is {=said}.
            There was not enough money. The claim is {=said}.
        """),
    ),
    Recipe(
        _not_mine,
        words("""
            do:
            (delete|remove) {file}, or if that is not allowed tell me who owns it
            (try to delete|throw away) {file}; should somebody else own it, say who
            (get rid of|erase) {file}, and where it is refused let me know whose it is
            (wipe|trash) {file}, or else name the owner who could
            (dispose of|discard) {file}, unless it is not ours, in which case report whose it is
            say:
            {file} should be deleted. If I may not do that, who may?
            I do not need {file}. Delete it, or tell me whose it is if you cannot.
            Can {file} be deleted? If it is somebody else's, I want to know whose.
            {file} can go. In case it is not mine, who is the owner?
            Away with {file}, and if that fails, give me the name of its owner.
            done:
            I may not delete it: it belongs to {=owner}.
            The owner is {=owner}, who alone can delete it.
            That did not work, because {=owner} owns the file.
        """),
    ),
    Recipe(
        _decided,
        words("""
            do:
            (approve|accept) {expense}, or if that does not work tell me (why|its status)
            (try to approve|sign off) {expense}; if it has been decided already, say how
            (give|grant) {expense} my approval, and should it fail let me know the status it has
            (pass|okay) {expense}, or else name the status it has got
            (agree to|say yes to) {expense}, and if that comes too late, report what became of it
            say:
            {expense} is fine with me, approve it. If it is settled already, how?
            I would like to approve {expense}. Should that be impossible, what is its status?
            Approve {expense}. If someone was faster, tell me what they decided.
            {expense} gets my yes. In case it is too late for that, what was decided?
            There is {expense} to approve. If you cannot, I want to know what its status is.
            done:
            That does not work: it is {=status} already.
            It has been {=status} already.
            Somebody was faster; it is {=status}.
        """),
    ),
    Recipe(
        _no_reply,
        words("""
            do:
            (reply|respond) to {mail} with {body}, and if replies are not possible, mail the address they give, \
                subject {subject}, same text, and tell me which address that was
            (answer|reply to) {mail}: {body} If nobody reads that mailbox, send it to the right address with the \
                subject {subject} and tell me which
            (write|send) back to the sender of {mail}: {body} Should that be refused, write to the address named \
                instead, subject {subject}, and say which it is
            (send|give) an answer to {mail}, namely {body} Where that is not accepted, mail the same text to the \
                address for it, subject {subject}, and name it
            (react|respond) to {mail} by writing {body} If that fails, send this as a mail with the subject \
                {subject} to the address that is given, and report it
            say:
            {mail} needs an answer: {body} If I cannot reply, mail it to the address they name, subject {subject}. \
                Which address is that?
            My reply to {mail} is {body} Should replies not be read, send the same text to whom it concerns, subject \
                {subject}, and tell me the address.
            I owe {mail} a reply. Write {body} In case that is refused, use the address they point to and the \
                subject {subject}. Tell me the address.
            Somebody waits for an answer to {mail}: {body} If it cannot be answered, mail that to the address given, \
                subject {subject}, and let me know it.
            To {mail} I respond {body} If no replies are taken, the mail goes to the address they give, subject \
                {subject}. What is that address?
            done:
            Replies are not read there, so I wrote to {=new}.
            I sent it to {=new}, since that mailbox takes no replies.
            It went to {=new} as a new mail.
        """),
    ),
)
