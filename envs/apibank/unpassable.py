"""Items of API-Bank that no natural completion can pass. They are graded like all items."""

from __future__ import annotations

_CUT = "the expected call is corrupt: adult_count holds a piece of the source, and child_count is lost"
_NO_TOOL = "the prompt does not have the tool that is to be called"
_NO_PARAMETER = "the expected call has a parameter device_id, where the prompt's tool has name"

UNPASSABLE = {
    **{f"level-1-{i}": _CUT for i in (258, 285, 323, 341, 393)},
    **{f"level-1-{i}": _NO_PARAMETER for i in (61, 130, 164, 167, 215, 261, 270, 357)},
    **{f"level-2-{i}": _NO_TOOL for i in (6, 13, 14, 19, 25, 54)},
}
"""Task id -> reason. 19 of 597 items, so the best possible accuracy is 96.8 %."""
