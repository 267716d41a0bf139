"""Rows of BFCL that no natural answer can pass. They keep the official verdict."""

from __future__ import annotations

_QUOTES = "the official converter keeps the quotes of a String array's elements, which the accepted answer lacks"
_MIXED = "the official converter makes strings, quotes included, of all elements; the accepted answer has other types"
_ABSENT = "the accepted answer has a parameter that the function's doc does not have"
_EMPTY_GOLD = "a required parameter has no accepted value"

UNPASSABLE = {
    **{f"simple_java_{i}": _QUOTES for i in (35, 78, 83, 85, 86, 89, 90, 91)},
    **{f"simple_java_{i}": _MIXED for i in (36, 65)},
    "simple_java_64": "the accepted answer's leaf is a string instead of a list: only its single letters are accepted",
    "live_simple_106-63-0": _EMPTY_GOLD,
    "live_simple_112-68-0": _EMPTY_GOLD,
    "live_multiple_862-181-3": _ABSENT,
    "live_multiple_964-207-0": _ABSENT,
    "live_multiple_507-149-4": "the required origin_airport is accepted only as an empty string",
}
"""Task id -> the reason."""

UNPASSABLE_AS_JSON = {
    "simple_python_96": "the official pattern ends the list of calls at the first '}]', inside the accepted value",
}
"""Row id -> the reason, in format_sensitivity with JSON as the return format."""
