"""The address book: colleagues and outside contacts."""

from __future__ import annotations

from typing import Literal

from toolgym.tools import tool

from .world import Conflict, NotFound, Row, World, reads


class Contacts(World):
    @reads
    @tool(timeout=None)
    def find_contact(self, name: str) -> Row:
        """Look up a person's email, phone, team and manager."""
        return self.named("contacts", "name", name, "contact")

    @tool(timeout=None)
    def add_contact(self, name: str, email: str) -> Row:
        """Add a person to the address book."""
        if any(row["name"].casefold() == name.casefold() for row in self.table("contacts").values()):
            raise Conflict(f"there is a contact {name!r} already")
        return self.add("contacts", "CT", {"name": name, "email": email, "phone": "", "team": "", "manager": ""})

    @tool(timeout=None)
    def update_contact(self, name: str, field: Literal["email", "phone", "team"], value: str) -> Row:
        """Change one field of a contact."""
        row = self.named("contacts", "name", name, "contact")
        return self.edit("contacts", row["id"], **{field: value})

    @tool(timeout=None)
    def delete_contact(self, name: str) -> str:
        """Remove a person from the address book."""
        row = self.named("contacts", "name", name, "contact")
        del self.table("contacts")[row["id"]]
        return f"{row['name']} is deleted"

    @reads
    @tool(timeout=None)
    def list_team(self, team: str) -> list[str]:
        """List the members of a team."""
        rows = [row["name"] for row in self.table("contacts").values() if row["team"].casefold() == team.casefold()]
        if not rows:
            raise NotFound(f"there is no team {team!r}")
        return rows
