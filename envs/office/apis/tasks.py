"""Tasks of the user and the colleagues."""

from __future__ import annotations

from typing import Literal

from toolgym.tools import tool

from .world import Conflict, Row, World, check_date, reads


class Todo(World):
    @tool(timeout=None)
    def add_task(self, title: str, due: str, priority: Literal["low", "normal", "high"] = "normal") -> Row:
        """Add a task to the user's list.

        Args:
            due: YYYY-MM-DD
        """
        row = {"title": title, "due": check_date(due), "priority": priority, "owner": self.user}
        return self.add("tasks", "TK", {**row, "status": "open", "blocked_by": None})

    @reads
    @tool(timeout=None)
    def find_task(self, title: str) -> Row:
        """Find a task by its title; gives its id."""
        return self.named("tasks", "title", title, "task")

    @reads
    @tool(timeout=None)
    def list_tasks(self, owner: str) -> list[Row]:
        """List a person's open tasks."""
        person = self.named("contacts", "name", owner, "person")["name"]
        rows = [row for row in self.table("tasks").values() if row["owner"] == person and row["status"] == "open"]
        return [{key: row[key] for key in ("id", "title", "due", "priority")} for row in rows]

    @tool(timeout=None)
    def complete_task(self, task_id: str) -> Row:
        """Mark a task as done."""
        row = self.get("tasks", task_id, "task")
        if row["status"] == "done":
            raise Conflict(f"{task_id} is done already")
        blocker = self.table("tasks").get(row["blocked_by"] or "")
        if blocker is not None and blocker["status"] == "open":
            raise Conflict(f"{task_id} is blocked by {blocker['id']} ({blocker['title']!r}), which is open")
        return self.edit("tasks", task_id, status="done")

    @tool(timeout=None)
    def assign_task(self, task_id: str, owner: str) -> Row:
        """Hand a task over to a person."""
        self.get("tasks", task_id, "task")
        person = self.named("contacts", "name", owner, "person")["name"]
        return self.edit("tasks", task_id, owner=person)

    @tool(timeout=None)
    def postpone_task(self, task_id: str, due: str) -> Row:
        """Change the date a task is due.

        Args:
            due: YYYY-MM-DD
        """
        self.get("tasks", task_id, "task")
        return self.edit("tasks", task_id, due=check_date(due))
