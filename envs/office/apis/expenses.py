"""Expense claims and team budgets. Budgets are in euros."""

from __future__ import annotations

from typing import Literal

from toolgym.tools import tool

from .world import Conflict, NotAllowed, NotFound, OverBudget, Row, World, check_date, reads


class Expenses(World):
    def _pending(self, expense_id: str) -> Row:
        row = self.get("expenses", expense_id, "expense")
        if row["status"] != "pending":
            raise Conflict(f"{expense_id} is {row['status']} already")
        if row["employee"] == self.user:
            raise NotAllowed("nobody may decide on their own expenses")
        return row

    @tool(timeout=None)
    def submit_expense(
        self,
        amount: int | float,
        currency: Literal["EUR", "USD", "GBP", "CHF"],
        category: Literal["meals", "travel", "lodging", "supplies", "training"],
        date: str,
    ) -> Row:
        """Claim an expense.

        Args:
            date: YYYY-MM-DD
        """
        if not 0 < amount < 1e6:
            raise ValueError(f"amount must be positive and below a million, got {amount}")
        row = {"employee": self.user, "amount": float(amount), "currency": currency, "category": category}
        return self.add("expenses", "EX", {**row, "date": check_date(date), "team": "", "status": "pending"})

    @reads
    @tool(timeout=None)
    def find_expenses(self, employee: str) -> list[Row]:
        """List a person's expense claims."""
        person = self.named("contacts", "name", employee, "person")["name"]
        return [row for row in self.table("expenses").values() if row["employee"] == person]

    @tool(timeout=None)
    def approve_expense(self, expense_id: str) -> Row:
        """Approve an expense claim."""
        row = self._pending(expense_id)
        budget = self.table("budgets").get(row["team"])
        if budget is not None:
            left = budget["limit"] - budget["spent"]
            if row["amount"] > left:
                raise OverBudget(f"{expense_id} is {row['amount']:g}, but {row['team']} has only {left:g} left")
            self.edit("budgets", row["team"], spent=round(budget["spent"] + row["amount"], 2))
        return self.edit("expenses", expense_id, status="approved")

    @tool(timeout=None)
    def reject_expense(self, expense_id: str, reason: str) -> Row:
        """Reject an expense claim."""
        self._pending(expense_id)
        return self.edit("expenses", expense_id, status="rejected", reason=reason)

    @reads
    @tool(timeout=None)
    def get_budget(self, team: str) -> Row:
        """Show a team's budget: limit, spent and left."""
        row = self.named("budgets", "team", team, "team")
        return {**row, "left": round(row["limit"] - row["spent"], 2)}

    @tool(timeout=None)
    def raise_budget(self, team: str, amount: int | float) -> Row:
        """Add an amount to a team's budget."""
        if not 0 < amount < 1e6:
            raise ValueError(f"amount must be positive and below a million, got {amount}")
        row = self.table("budgets").get(team)
        if row is None:
            raise NotFound(f"there is no team {team[:80]!r}")
        return self.edit("budgets", team, limit=round(row["limit"] + amount, 2))
