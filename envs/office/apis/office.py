"""All apps over one state, and what is known of their tools."""

from __future__ import annotations

from toolgym.tools import Tool, tools_of

from .calendar import Calendar
from .contacts import Contacts
from .expenses import Expenses
from .files import Files
from .mail import Mail
from .rooms import Rooms
from .todo import Todo
from .travel import Travel

APPS = {
    "calendar": Calendar,
    "rooms": Rooms,
    "contacts": Contacts,
    "mail": Mail,
    "files": Files,
    "tasks": Todo,
    "expenses": Expenses,
    "travel": Travel,
}


class Office(Calendar, Rooms, Contacts, Mail, Files, Todo, Expenses, Travel):
    """The state of an episode; its methods are the tools."""


TOOLS: dict[str, Tool] = {tool.name: tool for tool in tools_of(Office)}
"""Every tool, by the name its author gave it."""

APP_OF = {tool.name: app for app, owner in APPS.items() for tool in tools_of(owner)}

READS = frozenset(
    {
        "list_events",
        "find_event",
        "find_free_time",
        "find_rooms",
        "find_booking",
        "room_info",
        "find_contact",
        "list_team",
        "search_mail",
        "read_mail",
        "find_file",
        "read_file",
        "list_folder",
        "find_task",
        "list_tasks",
        "find_expenses",
        "get_budget",
        "search_trains",
        "list_trips",
    }
)
"""The tools that change nothing."""
