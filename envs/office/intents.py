"""All intents, and the tables of tools derived from them. Their order is part of the tasks: streams draw by index."""

from __future__ import annotations

from .apis.office import APP_OF, TOOLS
from .intent import Intent
from .intents_calendar import CALENDAR
from .intents_contacts import CONTACTS
from .intents_expenses import EXPENSES
from .intents_files import FILES
from .intents_mail import MAIL
from .intents_rooms import ROOMS
from .intents_tasks import TASKS
from .intents_travel import TRAVEL

INTENTS: dict[str, Intent] = {
    intent.tool: intent for intent in (*CALENDAR, *ROOMS, *CONTACTS, *MAIL, *FILES, *TASKS, *EXPENSES, *TRAVEL)
}
"""By tool."""

PARAMETERS: dict[str, tuple[str, ...]] = {name: tuple(tool.parameters["properties"]) for name, tool in TOOLS.items()}
"""The parameters of each tool, in the order of its signature."""

LOOKUPS: dict[str, tuple[str, str]] = {
    intent.kind: (name, next(iter(PARAMETERS[name]), "")) for name, intent in INTENTS.items() if intent.looks_up
}
"""By kind of thing: the tool that finds its id, and the parameter that takes its name ("" if the tool lists all)."""

NAMED = tuple([name for name, intent in INTENTS.items() if intent.named])
FORGETTABLE = tuple([name for name, intent in INTENTS.items() if intent.needs])
REPEATED = tuple([name for name, intent in INTENTS.items() if intent.each])
ASIDES = tuple(sorted([name for name, intent in INTENTS.items() if intent.aside], key=lambda name: INTENTS[name].aside))

_RANKED = sorted(INTENTS.values(), key=lambda intent: intent.rank)


def _similar(name: str) -> tuple[str, ...]:
    alike = [other for other in TOOLS if APP_OF[other] == APP_OF[name]]
    alike += [other.tool for other in _RANKED if other.verb == INTENTS[name].verb]
    return tuple([other for other in dict.fromkeys(alike) if other != name])


SIMILAR: dict[str, tuple[str, ...]] = {name: _similar(name) for name in TOOLS}
"""By tool: tools of the same app, then tools with the same verb."""
