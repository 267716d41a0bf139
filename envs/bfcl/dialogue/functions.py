"""The functions of BFCL's simulated APIs as tools, and the messages that announce additional functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec

from toolgym.dialects.pythonic import Pythonic
from toolgym.tools import Tool
from toolgym.types import Message, ToolCall, ToolResult, message

from .. import wheel
from ..apis import simulators
from ..apis.calls import Call
from ..apis.limits import SHOWN_CHARS
from .dialogue import Dialogue, Entry

_READS = """
cat diff du find grep ls pwd sort tail wc
absolute_value add divide imperial_si_conversion logarithm max_value mean min_value multiply percentage power
round_number si_unit_conversion square_root standard_deviation subtract sum_values
get_message_stats get_user_id list_users message_get_login_status search_messages view_messages_sent
get_tweet get_tweet_comments get_user_stats get_user_tweets list_all_following posting_get_login_status search_tweets
get_ticket get_user_tickets ticket_get_login_status
filter_stocks_by_price get_account_info get_available_stocks get_current_time get_order_details get_order_history
get_stock_info get_symbol_by_name get_transaction_history get_watchlist notify_price_change trading_get_login_status
compute_exchange_rate contact_customer_support get_all_credit_cards get_booking_history get_budget_fiscal_year
get_credit_card_balance get_nearest_airport_by_city list_all_airports retrieve_invoice
travel_get_login_status verify_traveler_information
check_tire_pressure displayCarStatus display_log estimate_distance estimate_drive_feasibility_by_mileage
find_nearest_tire_shop gallon_to_liter get_outside_temperature_from_weather_com get_zipcode_based_on_city
liter_to_gallon
archival_memory_key_search archival_memory_list_keys archival_memory_retrieve archival_memory_retrieve_all
core_memory_key_search core_memory_list_keys core_memory_retrieve core_memory_retrieve_all memory_retrieve
search_engine_query fetch_url_content
"""
READS = frozenset(_READS.split())
"""The functions that change nothing in the state of their API, its random numbers included."""


class Function(Tool):
    """A function of a simulated API, as a tool that runs on the episode's Dialogue.

    Attributes:
        doc: the function's doc as the official harness shows it, including the description of the result.
    """

    def __init__(self, doc: dict[str, Any]):
        name = doc["name"]
        reads = name in READS
        super().__init__(
            name, doc["description"], doc["parameters"], timeout=None, stateful=True, trusted=True, reads=reads
        )
        self.doc = doc

    def run(self, arguments: dict[str, Any], state: Any = None) -> ToolResult:
        return run(state, self.name, arguments)


def run(dialogue: Dialogue, name: str, arguments: dict[str, Any]) -> ToolResult:
    """Run a call of the model; any function name is allowed. The shown result is cut after SHOWN_CHARS characters."""
    text = dialogue.execute_arguments(name, arguments)
    error = "execution" if text.startswith("Error during execution: ") else None
    if len(text) > SHOWN_CHARS:
        text = f"{text[:SHOWN_CHARS]}\n[cut: {SHOWN_CHARS} of {len(text)} characters shown]"
    return ToolResult(text, error)


def named(call: Call, classes: tuple[str, ...]) -> ToolCall:
    """An accepted call as a ToolCall, with its positional arguments by name."""
    names = parameters(classes, call.name)
    return ToolCall(call.name, dict(zip(names, call.args, strict=False)) | call.kwargs)


def parameters(classes: tuple[str, ...], function: str) -> dict[str, Any]:
    """Parameter -> default of a function of these APIs, in order; ``inspect.Parameter.empty`` means no default."""
    owner = next(name for name in reversed(classes) if function in simulators.functions(name))
    return simulators.parameters(owner, function)


@cache
def functions(classes: tuple[str, ...]) -> dict[str, Function]:
    """All functions of these APIs by name, in the order in which they are offered."""
    return {function.name: function for name in classes for function in _documented(name)}


@cache
def offered(classes: tuple[str, ...], held_out: tuple[str, ...], back: tuple[str, ...] = ()) -> tuple[Function, ...]:
    """The functions of these APIs without ``held_out``, followed by the functions in ``back``."""
    every = functions(classes)
    return tuple([every[name] for name in every if name not in held_out] + [every[name] for name in back])


def announcement(
    entry: Entry, turn: int, show: Callable[[Sequence[Function]], str] | None
) -> tuple[tuple[Function, ...], Message] | None:
    """If held-out functions are added in this turn: all functions offered from now on, and the user message; else None.

    ``show`` writes the docs of the added functions into the message. With None the message has no docs, as in the
    official harness for models that receive tools outside the messages: the observation's tools show them.
    """
    if turn not in entry.held_out:
        return None
    held_out = tuple([name for names in entry.held_out.values() for name in names])
    back = tuple([name for i, names in entry.held_out.items() if i <= turn for name in names])
    text = wheel.prompt_constant("DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC")
    if show is not None:
        text = f"{show([functions(entry.classes)[name] for name in entry.held_out[turn]])}\n{text}"
    return offered(entry.classes, held_out, back), message("user", text)


def as_announced(dialect: Pythonic, tools: Sequence[Function]) -> str:
    """The docs of added functions for a prompted model; as in the official harness, without the hint."""
    return dialect.announce(
        [{**tool.doc, "description": tool.doc["description"].removesuffix(_hint())} for tool in tools]
    )


@cache
def _documented(name: str) -> tuple[Function, ...]:
    docs = msgspec.json.Decoder(dict[str, Any]).decode_lines(
        wheel.data(f"multi_turn_func_doc/{simulators.FILES[name]}.json")
    )
    return tuple([Function({**doc, "description": doc["description"] + _hint()}) for doc in docs])


def _hint() -> str:
    """The sentence that the official harness appends to the description of a function offered from the start."""
    return wheel.language_hints()["python"][0]
