"""All apps over one state, and the tables of their tools."""

from __future__ import annotations

from toolgym.tools import Tool, tools_of

from .calendar import Calendar
from .contacts import Contacts
from .expenses import Expenses
from .files import Files
from .mail import Mail
from .rooms import Rooms
from .tasks import Todo
from .travel import Travel
from .world import READING

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

READS = frozenset(READING)
"""The tools that only read the state, marked with ``@reads`` in their app."""
