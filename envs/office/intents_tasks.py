"""Requests about tasks."""

from __future__ import annotations

from .facts import date_fact
from .intent import Drawn, Intent, words
from .scene import Scene
from .slots import Slot, verbatim
from .vocabulary import TASK_VERBS


def _add_task(scene: Scene) -> Drawn:
    title = f"{scene.stream.pick(TASK_VERBS)} {scene.stream.pick(scene.words.objects)}"
    slots = {"title": scene.quoted(title), "due": scene.day()}
    if scene.stream.chance(0.3):
        priority = scene.stream.pick(("low", "high"))
        return Drawn({**slots, "priority": Slot(priority, priority), "with": verbatim(f" with {priority} priority")})
    return Drawn({**slots, "with": verbatim("")})


def _find_task(scene: Scene) -> Drawn:
    row = scene.row("tasks")
    return Drawn({"title": scene.quoted(row["title"]), "answer": verbatim(row["due"])}, (date_fact(row["due"]),))


def _list_tasks(scene: Scene) -> Drawn:
    rows = list(scene.state.table("tasks").values())
    owner = scene.unused([row["owner"] for row in rows if row["owner"] != scene.fixture.user])
    titles = [row["title"] for row in rows if row["owner"] == owner]
    return Drawn({"owner": verbatim(owner), "answer": verbatim(", ".join(titles))}, tuple((title,) for title in titles))


def _complete_task(scene: Scene) -> Drawn:
    return Drawn({"task_id": scene.thing("task", scene.row("tasks"))})


def _assign_task(scene: Scene) -> Drawn:
    row = scene.row("tasks", lambda row: row["owner"] == scene.fixture.user)
    return Drawn({"task_id": scene.thing("task", row), "owner": verbatim(scene.person()["name"])})


def _postpone_task(scene: Scene) -> Drawn:
    row = scene.row("tasks")
    due = scene.day()
    while due.value == row["due"]:
        due = scene.day()
    return Drawn({"task_id": scene.thing("task", row), "due": due})


TASKS = (
    Intent(
        "add_task",
        "add a task",
        _add_task,
        words("""
            do:
            (add|put) {title} (to|on) my (tasks|to-do list){with}[, due {@due}]
            (create|make) a task {title}{with}[, due {@due}]
            (note|write down) {title} as a task{with}[, to be done by {due}]
            (open|set up) a to-do {title}{with}[ with {due} as the due date]
            (enter|record) {title} in my tasks{with}[, deadline {due}]
            say:
            I have to get {title} done by {due}. (Put it on my list|Make it a task){with}.
            {title} is due {@due}. It should be (among my tasks|on my to-do list){with}.
            Do not let me forget {title}, due {due}: (make a task of it|add it to my tasks){with}.
            By {due} there is {title} to do. Turn that into a task{with}.
            My to-do list lacks {title}, due {@due}. Add it{with}.
            done:
            {=title} is on your list, due {=due}.
            I have added {=title}, due {=due}.
            New task: {=title}, due {=due}.
        """),
        needs=("due",),
        verb="make",
        kind="task",
        opens=True,
        substitutes=("create_event",),
    ),
    Intent(
        "find_task",
        "look up a task",
        _find_task,
        words("""
            do:
            (tell me|check) when the task {title} is due
            (look up|find) the due date of {title}
            (find|open) the task {title} and tell me its due date
            (see|say) until when the task {title} has to be done
            (find out|let me know) the deadline of the task {title}
            say:
            When is the task {title} due?
            What is the due date of {title}?
            How long do I have for the task {title}? Until which date?
            By what date must the task {title} be done?
            The task {title} has a deadline. Which?
            done:
            It is due on {=answer}.
            {=title} is due {=answer}.
            The due date is {=answer}.
            many:
            (tell me|check) when the tasks {title} are due
            see until when the tasks {title} have to be done
            find out the deadlines of the tasks {title}
        """),
        each="title",
        kind="task",
        looks_up=True,
        opens=True,
        equivalents=("list_tasks",),
        changed_by=("postpone_task", "complete_task", "assign_task"),
        tells=("task", "blocker"),
    ),
    Intent(
        "list_tasks",
        "see someone's tasks",
        _list_tasks,
        words("""
            do:
            (list|show me) the open tasks of {owner}
            (tell me|check) what {owner} has to do
            (see|look up) which tasks {owner} has
            (give me|get) {owner}'s to-do list
            (find out|say) what is on {owner}'s list of tasks
            say:
            What (tasks does {owner} have|does {owner} have to do)?
            Which tasks are open for {owner}?
            What is on the to-do list of {owner}?
            How busy is {owner}? Which tasks are there?
            What tasks is {owner} supposed to do?
            done:
            {=owner} has to do this: {=answer}.
            Open tasks of {=owner}: {=answer}.
            On the list: {=answer}.
        """),
        substitutes=("find_task",),
        changed_by=("add_task", "complete_task", "assign_task", "delete_contact"),
        tells=("blocker",),
    ),
    Intent(
        "complete_task",
        "close a task",
        _complete_task,
        words("""
            do:
            (mark|set) {task_id} as done
            (close|complete) {task_id}
            (tick off|check off) {task_id}
            (record|note) that {task_id} is finished
            (cross|strike) {task_id} off
            say:
            {task_id} is done, (tick it off|mark it so).
            I have finished {task_id}. (Mark it as done|Close it).
            {task_id} can be closed.
            No work is left on {task_id}; it should count as done.
            {task_id} is behind me, so cross it off.
            done:
            The task is marked as done.
            Done, it is closed.
            {=task_id} is ticked off.
            many:
            (mark|set) {task_id} as done
            (tick off|complete) {task_id}
            cross {task_id} off
        """),
        each="task_id",
        verb="end",
        rank=1,
        kind="task",
        named=True,
        ends=True,
    ),
    Intent(
        "assign_task",
        "hand a task over",
        _assign_task,
        words("""
            do:
            (assign|give) {task_id} to (someone else|another person)[, to {owner}]
            (hand|pass) {task_id} (over|on)[ to {owner}]
            (reassign|delegate) {task_id}[ to {owner}]
            (turn|hand) {task_id} over to a colleague[, {owner}]
            (transfer|leave) {task_id} to (another colleague|somebody else)[, namely {owner}]
            say:
            {owner} (will take over|takes care of) {task_id}. (Assign it|Change the owner).
            {task_id} is for {owner} to do, so assign it.
            I have no time for {task_id}; {owner} should get it.
            Make {owner} the one in charge of {task_id}.
            It is {owner} who does {task_id} from now on.
            done:
            {=owner} has the task now.
            I have handed it to {=owner}.
            The task is assigned to {=owner}.
        """),
        needs=("owner",),
        verb="pass on",
        kind="task",
        named=True,
        opens=True,
        follows=2,
        changed_by=("delete_contact",),
    ),
    Intent(
        "postpone_task",
        "change when a task is due",
        _postpone_task,
        words("""
            do:
            (postpone|reschedule) {task_id}[ to {due}]
            (change|set) the due date of {task_id}[ to {due}]
            (give|set) {task_id} another deadline[, {due}]
            (make|have) {task_id} due (at another time|on another day)[: {due}]
            (shift|change) the deadline of {task_id}[ to {due}]
            say:
            {task_id} (will not be done in time|takes longer). The new due date is {due}.
            I need until {due} for {task_id}. (Change the due date|Set the deadline).
            {task_id} should be due {@due}.
            The deadline of {task_id} is not right, it is {due}.
            There is time for {task_id} until {due}; let it be due then.
            done:
            It is due on {=due} now.
            The new due date is {=due}.
            {=task_id} is now due {=due}.
            many:
            (postpone|reschedule) {task_id} to {due}
            make {task_id} due on another day: {due}
            change the deadlines of {task_id} to {due}
        """),
        needs=("due",),
        each="task_id",
        verb="change",
        kind="task",
        named=True,
        opens=True,
        follows=1,
        substitutes=("add_task",),
    ),
)
"""In the order of the app's methods."""
