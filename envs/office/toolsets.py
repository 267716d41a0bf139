"""Which tools a task shows: those it needs, among others that look like them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from toolgym.tasks.stream import Stream

from .apis.office import APP_OF, TOOLS

_VERBS = (
    "list_events find_event find_free_time find_rooms find_booking room_info find_contact list_team search_mail "
    "read_mail find_file read_file list_folder find_task list_tasks find_expenses get_budget search_trains list_trips",
    "create_event book_room add_contact create_folder add_task submit_expense book_train book_hotel",
    "cancel_event cancel_booking delete_contact delete_mail delete_file reject_expense cancel_trip complete_task",
    "move_event move_mail rename_file move_file postpone_task update_contact raise_budget",
    "invite_guest send_mail reply_mail forward_mail share_file assign_task approve_expense",
)
_KIN = {name: [other for other in group.split() if other != name] for group in _VERBS for name in group.split()}

SIMILAR: dict[str, tuple[str, ...]] = {
    name: tuple(
        dict.fromkeys([other for other in TOOLS if APP_OF[other] == APP_OF[name] and other != name] + _KIN[name])
    )
    for name in TOOLS
}
"""Tools of the same app, or that do the same to other things."""

INSTEAD: dict[str, frozenset[str]] = {
    "find_event": frozenset({"list_events"}),
    "find_free_time": frozenset({"list_events"}),
    "find_file": frozenset({"list_folder"}),
    "find_task": frozenset({"list_tasks"}),
    "room_info": frozenset({"find_rooms"}),
}
"""Tools that would answer the same request, or make a gold call look needless: never shown beside it."""

MENDS: dict[str, frozenset[str]] = {
    "move_event": frozenset({"create_event", "cancel_event"}),
    "create_event": frozenset({"add_task", "move_event"}),
    "add_task": frozenset({"create_event"}),
    "invite_guest": frozenset({"send_mail", "forward_mail", "reply_mail"}),
    "update_contact": frozenset({"delete_contact", "add_contact"}),
    "reply_mail": frozenset({"send_mail", "forward_mail"}),
    "forward_mail": frozenset({"send_mail", "reply_mail"}),
    "send_mail": frozenset({"reply_mail", "forward_mail"}),
    "share_file": frozenset({"send_mail"}),
    "delete_mail": frozenset({"move_mail"}),
    "delete_file": frozenset({"move_file"}),
    "move_mail": frozenset({"delete_mail"}),
    "move_file": frozenset({"delete_file"}),
    "postpone_task": frozenset({"add_task"}),
    "read_mail": frozenset({"search_mail"}),
    "list_tasks": frozenset({"find_task"}),
    "list_events": frozenset({"find_event", "find_free_time"}),
    "list_folder": frozenset({"find_file"}),
    "find_rooms": frozenset({"room_info"}),
    "cancel_booking": frozenset({"find_booking"}),
    "find_booking": frozenset({"find_rooms"}),
    "reject_expense": frozenset({"approve_expense"}),
}
"""Tools with which somebody might try to do without another one: not shown where that one is missing on purpose."""

_ALL = tuple(TOOLS)


def shown(stream: Stream, needed: Sequence[str], total: int, similar: bool, hidden: Collection[str] = ()) -> list[str]:
    """The needed tools among others, ``total`` or as many as are needed, in random order."""
    out = list(dict.fromkeys(needed))
    barred = set(hidden)
    for name in out:
        barred |= INSTEAD.get(name, frozenset())
    if similar:
        pool = [other for name in out for other in SIMILAR[name]]
        for other in stream.shuffled(pool):
            if len(out) >= total:
                break
            if other not in barred and other not in out:
                out.append(other)
    while len(out) < total:
        other = stream.pick(_ALL)
        if other not in barred and other not in out:
            out.append(other)
    return stream.shuffled(out)
