"""Requests about mail."""

from __future__ import annotations

from .facts import Fact
from .intent import Drawn, Intent, words
from .scene import Scene
from .slots import verbatim
from .vocabulary import MAIL_FOLDERS


def _send_mail(scene: Scene) -> Drawn:
    subject = f"{scene.stream.pick(scene.words.topics)} {scene.stream.pick(('note', 'reminder', 'request', 'news'))}"
    return Drawn(
        {"to": scene.address(scene.person()), "subject": scene.quoted(subject), "body": scene.quoted(scene.body())}
    )


def _search_mail(scene: Scene) -> Drawn:
    row = scene.row("mails")
    slots = {"query": verbatim(row["sender"]), "answer": verbatim(f'"{row["subject"]}"')}
    return Drawn(slots, ((row["subject"],),))


def _read_mail(scene: Scene) -> Drawn:
    row = scene.row("mails")
    about: Fact = (row["subject"].rsplit(" ", 1)[0],)
    return Drawn({"mail_id": scene.thing("mail", row), "answer": verbatim(row["body"])}, (about,))


def _reply_mail(scene: Scene) -> Drawn:
    return Drawn({"mail_id": scene.thing("mail", scene.row("mails")), "body": scene.quoted(scene.body())})


def _forward_mail(scene: Scene) -> Drawn:
    return Drawn({"mail_id": scene.thing("mail", scene.row("mails")), "to": scene.address(scene.person())})


def _move_mail(scene: Scene) -> Drawn:
    row = scene.row("mails")
    folder = scene.stream.pick([name for name in MAIL_FOLDERS if name != row["folder"]])
    return Drawn({"mail_id": scene.thing("mail", row), "folder": verbatim(folder)})


def _delete_mail(scene: Scene) -> Drawn:
    return Drawn({"mail_id": scene.thing("mail", scene.row("mails"))})


MAIL = (
    Intent(
        "send_mail",
        "send a mail",
        _send_mail,
        words("""
            do:
            (send|write) {to} a mail[ with the subject {subject}][~ saying {body}]
            (mail|write to) {to}[, subject {subject}][, text {body}]
            (send|shoot) (a message|an email) to {to}[, subject {subject}][: {body}]
            (drop|write) {to} an email[ under the subject {subject}][ that says {body}]
            (get|let) a mail (go|go out) to {to}[, headed {subject}][, with the text {body}]
            say:
            {to} (should|has to) (hear|get a mail) from me. Subject {subject}, text {body}
            I need to write to {to}: {body} The subject is {subject}.
            Mail for {to}. The subject (is|should be) {subject}, and the text {body}
            Please let {to} know by mail: {body} Use {subject} as the subject.
            A mail has to go to {to}, titled {subject}, with these words: {body}
            done:
            The mail to {=to} is sent.
            I have written to {=to} with the subject {=subject}.
            Sent to {=to}.
            many:
            (send|write) {to} a mail each with the subject {subject} saying {body}
            (mail|write to) each of {to}, subject {subject}, text {body}
            send separate mails to {to}, headed {subject}, with the text {body}
        """),
        needs=("subject", "body"),
        each="to",
        verb="pass on",
        named=True,
        substitutes=("reply_mail", "forward_mail"),
    ),
    Intent(
        "search_mail",
        "search the mailbox",
        _search_mail,
        words("""
            do:
            (look|search) for mail from {query} and tell me the subject
            (check|see) what {query} wrote to me about
            (find|tell me) the subject of the mail I got from {query}
            (search|go through) my mailbox for {query} and name the subject
            (dig out|find) whatever {query} mailed me and give me the subject
            say:
            What (is the subject of|subject has) the mail from {query}?
            Did {query} write to me? (What about|Under which subject)?
            {query} sent me something. What is its subject line?
            I am looking for a mail from {query}. What is it about?
            There should be a message by {query} in my mailbox. Which subject does it have?
            done:
            {=query} wrote about {=answer}.
            The subject is {=answer}.
            There is one mail from {=query}: {=answer}.
            many:
            (search|check) my mail for what {query} wrote and tell me the subjects
            find the subjects of the mails from {query}
            go through my mailbox for mails from {query} and name the subjects
        """),
        each="query",
        kind="mail",
        looks_up=True,
        opens=True,
        changed_by=("delete_mail",),
        tells=("sender",),
    ),
    Intent(
        "read_mail",
        "read a mail",
        _read_mail,
        words("""
            do:
            (read|open) {mail_id} (to me|for me)
            (tell me|show me) what {mail_id} says
            (open|look at) {mail_id} and tell me what it says
            (see|find out) what is in {mail_id}
            (give me|recite) the text of {mail_id}
            say:
            What does {mail_id} (say|contain)?
            What is in {mail_id}?
            I have not read {mail_id} yet. What does it say?
            {mail_id}: what is the text?
            Which message does {mail_id} have for me?
            done:
            It says: {=answer}
            The text is: {=answer}
            Here it is: {=answer}
            many:
            (read|open) {mail_id} for me
            tell me what {mail_id} say
            give me the texts of {mail_id}
        """),
        each="mail_id",
        kind="mail",
        named=True,
        opens=True,
        follows=1,
        substitutes=("search_mail",),
        tells=("sender",),
    ),
    Intent(
        "reply_mail",
        "answer a mail",
        _reply_mail,
        words("""
            do:
            (reply|respond) to {mail_id}[ with {body}]
            (answer|reply to) {mail_id}[: {body}]
            (write|send) back to the sender of {mail_id}[: {body}]
            (send|give) an answer to {mail_id}[, namely {body}]
            (react|respond) to {mail_id}[ by writing {body}]
            say:
            {mail_id} (needs|wants) an answer: {body}
            My (answer|reply) to {mail_id} is {body}
            I owe {mail_id} a reply. Write {body}
            Somebody is waiting for a response to {mail_id}. It should read {body}
            To {mail_id} I would like to respond {body}
            done:
            Your reply is sent.
            I have answered: {=body}
            The answer to the mail is out.
        """),
        needs=("body",),
        verb="pass on",
        kind="mail",
        named=True,
        follows=2,
        substitutes=("send_mail", "forward_mail"),
    ),
    Intent(
        "forward_mail",
        "forward a mail",
        _forward_mail,
        words("""
            do:
            (forward|pass on) {mail_id}[ to {to}]
            (send|pass) {mail_id} on[ to {to}]
            (let|have) {mail_id} go on[ to {to}] as a forward
            (relay|redirect) {mail_id}[ to {to}]
            (hand|pass) {mail_id} along[ to {to}]
            say:
            {to} (should see|needs) {mail_id}. (Forward it|Pass it on)(.|, please.)
            {mail_id} is really for {to}; (forward it|send it on).
            I would like {to} to have {mail_id} too, so forward it.
            What {mail_id} says matters to {to}: pass the mail on.
            {to} asked for {mail_id}. A forward will do.
            done:
            I have forwarded it to {=to}.
            {=to} has the mail now.
            Forwarded to {=to}.
            many:
            (forward|pass on) {mail_id} to {to}
            (send|relay) {mail_id} on to {to}
            hand {mail_id} along to {to}
        """),
        needs=("to",),
        each="to",
        verb="pass on",
        kind="mail",
        named=True,
        follows=3,
        substitutes=("send_mail", "reply_mail"),
    ),
    Intent(
        "move_mail",
        "file a mail",
        _move_mail,
        words("""
            do:
            (move|file) {mail_id}[ (to|into) the mail folder {folder}]
            (put|sort) {mail_id} in (another mail folder|its place)[: {folder}]
            (file|store) {mail_id}[ under {folder}] in my mailbox
            (transfer|move) {mail_id} out of the inbox[ to {folder}]
            (tidy|clear) {mail_id} away[ into the mail folder {folder}]
            say:
            {mail_id} belongs in the mail folder {folder}.
            I want {mail_id} to be in {folder}, not in the inbox.
            My inbox is too full. {mail_id} (can go|should go) to {folder}.
            Keep {mail_id}, but in the folder {folder} of my mailbox.
            The mail folder {folder} is where {mail_id} should be.
            done:
            It is in {=folder} now.
            I have moved it to {=folder}.
            Filed under {=folder}.
            many:
            (move|file) {mail_id} into the mail folder {folder}
            transfer {mail_id} from the inbox to {folder}
            clear {mail_id} away into the mail folder {folder}
        """),
        needs=("folder",),
        each="mail_id",
        verb="change",
        kind="mail",
        named=True,
        opens=True,
        follows=4,
        substitutes=("delete_mail",),
    ),
    Intent(
        "delete_mail",
        "delete a mail",
        _delete_mail,
        words("""
            do:
            (delete|remove) {mail_id}
            (throw|chuck) {mail_id} away
            (bin|trash) {mail_id}
            (erase|wipe) {mail_id} (from my mailbox|for good)
            (dispose of|discard) {mail_id}
            say:
            I do not need {mail_id} any more. (Delete it|Away with it).
            {mail_id} is spam, delete it.
            {mail_id} can be (deleted|thrown away).
            {mail_id} should disappear from my mailbox.
            Nobody needs to keep {mail_id}: into the bin.
            done:
            It is deleted.
            I have deleted the mail.
            Done, the mail is gone.
            many:
            (delete|remove) {mail_id}
            (erase|wipe) {mail_id} from my mailbox
            discard {mail_id}
        """),
        each="mail_id",
        verb="end",
        kind="mail",
        named=True,
        ends=True,
        substitutes=("move_mail",),
    ),
)
"""In the order of the app's methods."""
