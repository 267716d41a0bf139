"""Mutated and random multi-turn answers: turns of steps of calls, in the form the official handler decodes."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from random import Random
from typing import Any

import bfcl_multi_turn_oracle as oracle

from toolgym.envs.bfcl.multi_turn.tasks import CATEGORIES

Turns = list[list[list[str]]]

LOOKUPS = {
    "GorillaFileSystem": ["pwd()", "ls()", "ls(a=True)", "find()", "find(path='.', name='a')",
                          "du(human_readable=True)"],
    "MathAPI": ["add(a=1, b=2)", "logarithm(value=20, base=10, precision=3)", "square_root(number=2, precision=5)",
                "power(base=2, exponent=0.5)", "mean(numbers=[1, 2.5])", "add(a='x', b=1)", "divide(a=1, b=0)"],
    "MessageAPI": ["list_users()", "message_get_login_status()", "view_messages_sent()", "get_message_stats()"],
    "TwitterAPI": ["posting_get_login_status()", "list_all_following()", "get_tweet(tweet_id=0)",
                   "get_user_stats(username='john')", "search_tweets(keyword='a')"],
    "TicketAPI": ["ticket_get_login_status()", "get_ticket(ticket_id=1)", "get_user_tickets()"],
    "TradingBot": ["get_current_time()", "get_stock_info(symbol='AAPL')", "get_watchlist()", "get_order_history()",
                   "get_available_stocks(sector='Technology')", "get_transaction_history()", "get_account_info()",
                   "get_order_details(order_id=12446)"],
    "TravelAPI": ["list_all_airports()", "travel_get_login_status()", "get_all_credit_cards()",
                  "get_flight_cost(travel_from='SFO', travel_to='LAX', travel_date='2024-11-16', travel_class='first')",
                  "get_nearest_airport_by_city(location='Rome')", "get_budget_fiscal_year()",
                  "compute_exchange_rate(base_currency='USD', target_currency='EUR', value=3)"],
    "VehicleControlAPI": ["displayCarStatus(option='fuel')", "check_tire_pressure()", "find_nearest_tire_shop()",
                          "estimate_distance(cityA='83214', cityB='74532')", "get_outside_temperature_from_google()",
                          "get_current_speed()", "liter_to_gallon(liter=3)"],
}  # fmt: skip
"""Calls that only read (except that they may advance random number generators)."""

UNDONE = {
    "GorillaFileSystem": [["mkdir(dir_name='new')", "rmdir(dir_name='new')"], ["touch(file_name='n')", "rm('n')"],
                          ["cd(folder='/')"], ["cd(folder='..')"], ["touch('a (b).txt')", "rm('a(b).txt')"],
                          ["mkdir('q')", "cp('q', 'q')", "find()", "rm('q')"]],
    "MathAPI": [["logarithm(2, 3, 40)", "logarithm(2, 3, 5)"]],
    "MessageAPI": [["add_contact(user_name='Zoe')"], ["send_message(receiver_id='USR002', message='hi')",
                   "delete_message(receiver_id='USR002')"], ["message_login(user_id='USR001')"]],
    "TwitterAPI": [["follow_user('zed')", "unfollow_user('zed')"], ["post_tweet(content='x')", "mention(0, ['@a'])"],
                   ["post_tweet('x', ['#y'])", "mention(tweet_id=1, mentioned_usernames=['@a'])"]],
    "TicketAPI": [["logout()", "ticket_login(username='a', password='b')"], ["create_ticket(title='t', priority=9)"]],
    "TradingBot": [["add_to_watchlist(stock='ZETA')", "remove_stock_from_watchlist(symbol='ZETA')"],
                   ["trading_logout()", "trading_login(username='a', password='b')"], ["fund_account(amount=0)"]],
    "TravelAPI": [["set_budget_limit(access_token='x', budget_limit=3)"], ["cancel_booking('x', booking_id='1')"]],
    "VehicleControlAPI": [["setHeadlights(mode='on')", "setHeadlights(mode='off')"], ["lockDoors(True, ['driver'])",
                          "lockDoors(False, ['driver'])"], ["pressBrakePedal(1.0)", "releaseBrakePedal()"]],
}  # fmt: skip
"""Calls that leave the state unchanged, or almost."""

ODD = [
    "nothing(x=1)", "cd(", "cd(folder=inf)", "sorted([2, 1])(3)", "cd", "1 + 1", "", "cd(folder='a', folder='b')",
    "(lambda: 1)()", "cd(*['a'])", "cd(**{'folder': 'a'})", "cd.x()", "x.cd(folder='a')", "cd(folder=pwd())",
    "add(a=add(a=1, b=2), b=3)", "echo(content=pwd(), file_name='a')", "display_log(messages=['x (y)', 'pwd (z)'])",
    "comment(tweet_id=0, comment_content='sort (x)')", "set_navigation(destination='foo  (bar)')",
    "set_navigation(destination={'a': check_tire_pressure()})", "kill(pid=1)", "exit()", "ls(a=not True)",
    "add(a=-1, b=+2)", "add(a=2**3, b=~1)", "mean(numbers=(1, 2))", "add(a=1j, b=2)", "ls(b=1)", "pwd(1, 2)",
    "pwd (  )",
]  # fmt: skip
"""Texts of models and attackers. Without builtins whose value could equal a result: ToolGym does not run builtins."""


@cache
def pool() -> dict[str, list[str]]:
    """API -> all accepted calls of dialogues that involve it."""
    found = defaultdict(list)
    for category in CATEGORIES:
        for row, gold in oracle.rows(category).values():
            for name in row["involved_classes"]:
                found[name] += [call for turn in gold for call in turn]
    return dict(found)


def answer(gold: list[list[str]], random: Random) -> Turns:
    """The accepted calls, split into steps at random."""
    out: Turns = []
    for turn in gold:
        steps: list[list[str]] = []
        for call in turn:
            if steps and random.random() < 0.5:
                steps[-1].append(call)
            else:
                steps.append([call])
        out.append(steps)
    return out


def mutated(turns: Turns, row: dict[str, Any], random: Random) -> Turns:
    """The answer with one to three changes."""
    turns = [[list(step) for step in steps] for steps in turns]
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        random.choice(_MUTATIONS)(turns, row, random)
    return [[step for step in steps if step] for steps in turns]


def _somewhere(turns: Turns, random: Random) -> list[str]:
    """A random step; a new step if the turn has none."""
    steps = random.choice(turns)
    if not steps or random.random() < 0.2:
        steps.insert(random.randint(0, len(steps)), [])
    return random.choice(steps)


def _calls(turns: Turns) -> list[tuple[list[str], int]]:
    return [(step, i) for steps in turns for step in steps for i in range(len(step))]


def _insert(turns: Turns, calls: list[str], random: Random) -> None:
    step = _somewhere(turns, random)
    at = random.randint(0, len(step))
    step[at:at] = calls


def _drop(turns: Turns, row: Any, random: Random) -> None:
    step, i = random.choice(_calls(turns) or [(["x"], 0)])
    del step[i]


def _double(turns: Turns, row: Any, random: Random) -> None:
    for step, i in random.sample(_calls(turns), min(1, len(_calls(turns)))):
        step.insert(random.randint(0, len(step)), step[i])


def _shuffle(turns: Turns, row: Any, random: Random) -> None:
    for step in random.choice(turns):
        random.shuffle(step)


def _move(turns: Turns, row: Any, random: Random) -> None:
    """Moves a call to another step, perhaps of another turn."""
    places = _calls(turns)
    if places:
        step, i = random.choice(places)
        _insert(turns, [step.pop(i)], random)


def _early(turns: Turns, row: Any, random: Random) -> None:
    """Moves all calls of a turn one turn earlier, so held-out functions are called."""
    at = random.randrange(len(turns))
    if at:
        turns[at - 1] += turns[at]
        turns[at] = [] if random.random() < 0.5 else [[random.choice(LOOKUPS[row["involved_classes"][0]])]]


def _lookup(turns: Turns, row: Any, random: Random) -> None:
    _insert(turns, [random.choice(LOOKUPS[random.choice(row["involved_classes"])])], random)


def _lookups(turns: Turns, row: Any, random: Random) -> None:
    for _ in range(5):
        _lookup(turns, row, random)


def _undone(turns: Turns, row: Any, random: Random) -> None:
    _insert(turns, random.choice(UNDONE[random.choice(row["involved_classes"])]), random)


def _elsewhere(turns: Turns, row: Any, random: Random) -> None:
    _insert(turns, [random.choice(pool()[random.choice(row["involved_classes"])])], random)


def _odd(turns: Turns, row: Any, random: Random) -> None:
    _insert(turns, [random.choice(ODD)], random)


def _empty(turns: Turns, row: Any, random: Random) -> None:
    random.choice(turns).clear()


def _many(turns: Turns, row: Any, random: Random) -> None:
    """Adds about as many steps as the limit, before or after the other steps."""
    steps = random.choice(turns)
    more = [[random.choice(LOOKUPS[row["involved_classes"][0]])] for _ in range(random.randint(15, 23))]
    steps[random.choice([0, len(steps)]) : 0] = more


def _cards(turns: Turns, row: Any, random: Random) -> None:
    """Adds travel calls with the cards that all dialogues of the long_context category share."""
    cards = list(oracle.long_context.CREDIT_CARD_EXTENSION)
    token = row["initial_config"].get("TravelAPI", {}).get("access_token", "abc123xyz")
    booking = random.choice(list(oracle.long_context.BOOKING_RECORD_EXTENSION))
    calls = [
        f"purchase_insurance({token!r}, 'x', {booking!r}, 5, {random.choice(cards)!r})",
        f"get_credit_card_balance(access_token={token!r}, card_id={random.choice(cards)!r})",
        f"cancel_booking({token!r}, {booking!r})",
    ]
    _insert(turns, random.choices(calls, k=2), random)


def _value(turns: Turns, row: Any, random: Random) -> None:
    """Changes the value or the name of one argument, or drops it."""
    places = _calls(turns)
    if not places:
        return
    step, i = random.choice(places)
    try:
        node = ast.parse(step[i], mode="eval").body
    except SyntaxError:
        return
    if not isinstance(node, ast.Call) or not node.keywords:
        return
    keyword = random.choice(node.keywords)
    kind = random.randrange(8)
    if kind == 0:
        node.keywords.remove(keyword)
    elif kind == 1:
        keyword.arg = "other"
    elif kind == 2:
        node.args, node.keywords = [k.value for k in node.keywords], []
    else:
        keyword.value = ast.parse(repr(_other(keyword.value, random)), mode="eval").body
    step[i] = ast.unparse(node)


def _other(node: ast.expr, random: Random) -> Any:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return 1
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return random.choice([value + 1, float(value), str(value), -value, None])
    if isinstance(value, str):
        return random.choice([value + " ", value.upper(), f"{value} (x)", "sort (x)", [value], {"a": value}, 0, ""])
    if isinstance(value, list):
        return random.choice([value[::-1], value[:-1], tuple(value), [*value, *value], str(value)])
    return str(value)


_MUTATIONS = [
    _drop, _drop, _double, _shuffle, _move, _move, _early, _lookup, _lookup, _lookups, _undone, _undone, _elsewhere,
    _odd, _odd, _empty, _many, _cards, _value, _value, _value,
]  # fmt: skip
