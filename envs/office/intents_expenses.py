"""Requests about expenses and budgets."""

from __future__ import annotations

from .facts import number_fact
from .intent import Drawn, Intent, words
from .scene import Scene
from .slots import Slot, money, past_day, verbatim
from .vocabulary import EXPENSE_CATEGORIES, REASONS


def _submit_expense(scene: Scene) -> Drawn:
    amount = round(scene.stream.between(5, 400) + scene.stream.pick((0.0, 0.5, 0.25, 0.9)), 2)
    currency = scene.stream.pick(("EUR", "EUR", "USD", "GBP", "CHF"))
    slots = {"amount": money(amount, currency, scene.stream), "currency": Slot(currency, currency)}
    return Drawn(
        {
            **slots,
            "category": verbatim(scene.stream.pick(EXPENSE_CATEGORIES)),
            "date": past_day(scene.fixture.today, scene.stream),
        }
    )


def _find_expenses(scene: Scene) -> Drawn:
    row = scene.row("expenses")
    slots = {"employee": verbatim(row["employee"]), "answer": verbatim(f"{row['amount']:g} {row['currency']}")}
    return Drawn({**slots, "about": verbatim(row["category"])}, (number_fact(row["amount"]),))


def _approve_expense(scene: Scene) -> Drawn:
    return Drawn({"expense_id": scene.thing("expense", scene.row("expenses"))})


def _reject_expense(scene: Scene) -> Drawn:
    return Drawn(
        {
            "expense_id": scene.thing("expense", scene.row("expenses")),
            "reason": scene.quoted(scene.stream.pick(REASONS)),
        }
    )


def _get_budget(scene: Scene) -> Drawn:
    team = scene.unused(scene.fixture.teams)
    row = scene.state.get_budget(team=team)
    left = f"{row['left']:g}"
    return Drawn({"team": verbatim(team), "answer": verbatim(left)}, (number_fact(row["left"]),))


def _raise_budget(scene: Scene) -> Drawn:
    amount = scene.stream.between(2, 40) * 50
    text = scene.stream.pick((f"{amount} euros", f"€{amount}", f"{amount} EUR"))
    return Drawn(
        {"team": verbatim(scene.unused(scene.fixture.teams)), "amount": Slot(amount, text, plain=f"{amount} EUR")}
    )


EXPENSES = (
    Intent(
        "submit_expense",
        "claim an expense",
        _submit_expense,
        words("""
            do:
            (claim|submit) {amount}[~ for {category}][~, spent {@date}]
            (file|enter) an expense of {amount}[~ under {category}][~ dated {date}]
            (hand in|put in) a claim[~ for {amount}][~ in the category {category}][~, paid {@date}]
            (get|have) {amount} (reimbursed|paid back to me)[~, category {category}][~, spent {@date}]
            (register|record) {amount} as my expense[~ for {category}][~, incurred {@date}]
            say:
            I (spent|paid) {amount} {@date}, category {category}. (Claim it|Hand in the claim)(.|, please.)
            {@date} I had to pay {amount}. It was for {category}; I want to claim that.
            There is an expense to claim: {amount}, {category}, dated {date}.
            {amount} went on {category} {@date}, out of my own pocket. I would like it back.
            The receipt says {amount}, the category is {category}, the date {date}. Turn it into a claim.
            done:
            Your claim of {=amount} is submitted.
            I have submitted {=amount} for {=category}.
            Claimed: {=amount}, {=category}, {=date}.
        """),
        needs=("category", "date"),
        verb="make",
    ),
    Intent(
        "find_expenses",
        "see someone's expenses",
        _find_expenses,
        words("""
            do:
            (tell me|check) how much {employee} has claimed
            (look up|find) the expenses of {employee} and tell me the amount
            (see|show me) what {employee} wants to have reimbursed and how much it is
            (dig up|get) the expense claim of {employee} and name the amount
            (find out|say) what sum {employee} has put in as expenses
            say:
            How much (does {employee} want back|has {employee} claimed)?
            What is the amount of the expense {employee} sent in?
            Has {employee} claimed an expense? (How much|Of what amount)?
            What did {employee} spend, going by the expense claims?
            What sum do the expenses of {employee} come to?
            done:
            {=employee} has claimed {=answer} for {=about}.
            The claim is for {=answer}.
            It is {=answer}.
            many:
            (tell me|check) how much each of {employee} has claimed
            get the expense claims of {employee} and name the amounts
            find out what sums {employee} have put in as expenses
        """),
        each="employee",
        kind="expense",
        looks_up=True,
        opens=True,
        changed_by=("approve_expense", "reject_expense", "submit_expense", "delete_contact"),
        tells=("claim status",),
    ),
    Intent(
        "approve_expense",
        "approve an expense",
        _approve_expense,
        words("""
            do:
            (approve|accept) {expense_id}
            (sign off|clear) {expense_id}
            (give|grant) {expense_id} my approval
            (pass|okay) {expense_id}
            (say yes to|agree to) {expense_id}
            say:
            {expense_id} is fine, (approve it|I accept that).
            I have checked {expense_id}. (Approve it|It is in order, so approve it).
            {expense_id} can be approved.
            {expense_id} gets my approval.
            There is nothing wrong with {expense_id}: approved.
            done:
            It is approved.
            I have approved {=expense_id}.
            The claim is approved.
            many:
            (approve|accept) {expense_id}
            (pass|okay) {expense_id}
            agree to {expense_id}
        """),
        each="expense_id",
        verb="pass on",
        kind="expense",
        named=True,
        ends=True,
        changed_by=("raise_budget",),
    ),
    Intent(
        "reject_expense",
        "reject an expense",
        _reject_expense,
        words("""
            do:
            (reject|turn down) {expense_id}[ with the reason {reason}]
            (refuse|decline) {expense_id}[, giving {reason} as the reason]
            (send back|say no to) {expense_id}[, reason: {reason}]
            (deny|reject) {expense_id}[, the reason being {reason}]
            (not accept|decline) {expense_id}[ because of this: {reason}]
            say:
            {expense_id} (cannot be paid|is not acceptable). (Reject it|Turn it down) with the reason {reason}.
            I will not accept {expense_id}. The reason is {reason}.
            No to {expense_id}, reason {reason}.
            {expense_id} has to be turned down. State {reason} as the reason.
            We are not going to pay {expense_id}. As a reason put {reason}.
            done:
            It is rejected.
            I have rejected {=expense_id}.
            The claim is turned down: {=reason}.
        """),
        needs=("reason",),
        verb="end",
        kind="expense",
        named=True,
        ends=True,
        substitutes=("approve_expense",),
    ),
    Intent(
        "get_budget",
        "know what is left of a budget",
        _get_budget,
        words("""
            do:
            (tell me|check) how much {team} has left in its budget
            (look up|find) what is left of the budget of {team}
            (see|show me) how much money {team} can still spend
            (get|give me) the remaining budget of {team}
            (find out|say) what the budget of {team} still has in it
            say:
            How much (budget|money) does {team} have left?
            What is left of the {team} budget?
            How much can {team} still spend?
            What remains of the budget for {team}?
            Is there money left for {team}, and how much?
            done:
            {=team} has {=answer} euros left.
            There are {=answer} euros left.
            {=answer} euros remain.
            many:
            (tell me|check) how much {team} have left in their budgets
            get the remaining budgets of {team}
            find out what the budgets of {team} still have in them
        """),
        each="team",
        aside=3,
        changed_by=("raise_budget", "approve_expense"),
        tells=("budgets",),
    ),
    Intent(
        "raise_budget",
        "raise a budget",
        _raise_budget,
        words("""
            do:
            (raise|increase) the budget of {team}[ by {amount}]
            (give|grant) {team} more money[: {amount}]
            (add|put) (some|more) money on top of the {team} budget[, {amount}]
            (top up|enlarge) the {team} budget[ by {amount}]
            (extend|lift) what {team} may spend[ by {amount}]
            say:
            {team} (needs|gets) {amount} more. (Raise its budget|Add it to the budget).
            The budget of {team} should go up by {amount}.
            {amount} more for {team}, from today on.
            The {team} budget is too small. {amount} extra will do.
            We have agreed on {amount} on top of the budget for {team}.
            done:
            The budget of {=team} is up by {=amount}.
            I have raised it by {=amount}.
            {=team} has {=amount} more now.
        """),
        needs=("amount",),
        verb="change",
        rank=1,
    ),
)
"""In the order of the app's methods."""
