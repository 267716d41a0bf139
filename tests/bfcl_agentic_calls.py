"""Random calls of the memory functions, as Python source: valid calls, calls at the limits, and wrong calls."""

from __future__ import annotations

from random import Random
from typing import Any

_WORDS = [
    "user", "name", "dog", "Seattle", "coffee", "plan", "35", "first", "latte", "pet", "budget_report", "trip", "to",
    "Kyoto", "(a)", "'x'", '"y"', "é",
]  # fmt: skip
_KEYS = [
    "name", "dog", "user_name", "plan_b2", "a", "first_trip_plan", "pet_dog_name", "trip", "coffee_plan", "b_1_x",
    "Name", "2nd", "with space", "_x", "x_", "a__b", "end\n", "", "é", "user-name", "plan(a)",
]  # fmt: skip
_ODD: list[Any] = [None, 5, 1.5, True, [], ["name"], {"a": 1}, ("x", 2), b"x"]
_KV = {
    "add": (("key", "value"), 6), "replace": (("key", "value"), 2), "remove": (("key",), 2), "retrieve": (("key",), 2),
    "key_search": (("query", "k"), 4), "list_keys": ((), 1), "clear": ((), 0.15),
}  # fmt: skip
_VECTOR = {
    "add": (("text",), 6), "update": (("vec_id", "new_text"), 2), "remove": (("vec_id",), 2),
    "retrieve": (("query", "top_k"), 4), "retrieve_all": ((), 1), "clear": ((), 0.15),
}  # fmt: skip
_TEXT = {
    "memory_append": (("text",), 5), "memory_update": (("text",), 1), "memory_retrieve": ((), 2),
    "memory_replace": (("old_text", "new_text"), 4), "memory_clear": ((), 0.3),
}  # fmt: skip


def _functions(category: str) -> dict[str, tuple[tuple[str, ...], float]]:
    if category == "memory_rec_sum":
        return _TEXT
    kinds, known = ("core", "archival"), _VECTOR if category == "memory_vector" else _KV
    both = {f"{kind}_memory_{name}": what for kind in kinds for name, what in known.items()}
    return {**both, "core_memory_retrieve_all": ((), 1)}


def _key(random: Random) -> str:
    if random.random() < 0.6:
        return "_".join(random.choices(["name", "dog", "plan", "trip", "b2", "first", "pet", "x"], k=3)).lstrip("2")
    return random.choice(_KEYS)


def _text(random: Random, category: str) -> str:
    text = " ".join(random.choices(_WORDS, k=random.randint(0, 8)))
    if random.random() < 0.15:
        text += "z" * (random.choice([300, 2000, 10_000]) - len(text) + random.randint(-1, 1))
    return text


def _value(parameter: str, random: Random, category: str) -> str:
    chance = random.random()
    if chance < 0.05:
        # officially the harness crashes when it writes a memory_vector with bytes
        return repr(random.choice(_ODD[:-1] if category == "memory_vector" else _ODD))
    if chance < 0.09:  # a call inside a call; BFCL's decoder reads a call without arguments as text
        inner = call(random, category)
        return inner if "=" in inner else repr(inner[:5])
    if parameter == "key":
        return repr(_key(random))
    if parameter == "vec_id":
        return repr(random.choice([0, 0, 1, 1, 2, 3, 4, 5, 6, 9, -1, 1.0, True, "1"]))
    if parameter in ("k", "top_k"):
        return repr(random.choice([0, 1, 2, 3, 5, 100, -1, -3, True, "3", 2.0, None]))
    if parameter == "old_text":
        return repr(random.choice(["Seattle", "latte pet", "coffee plan", "35 first", "not there", "name user"]))
    if parameter == "query":
        return repr(" ".join(random.choices(["name", "DOG", "plan", "trip_first", "b2", "x", "gone", "pet"], k=3)))
    return repr(_text(random, category))


def call(random: Random, category: str) -> str:
    """One call. The texts to replace are chosen so that a memory does not grow without limit."""
    known = _functions(category)
    (name,) = random.choices(list(known), [weight for _, weight in known.values()])
    parameters = [p for p in known[name][0] if p not in ("k", "top_k") or random.random() < 0.3]
    chance = random.random()
    if chance < 0.03:
        parameters = parameters[:-1]
    elif chance < 0.05:
        parameters = [*parameters, "extra"]
    elif chance < 0.07:
        return f"{name}({', '.join([_value(p, random, category) for p in parameters])})"  # positional
    elif chance < 0.08:
        return "no_such_function(key='a')"
    return f"{name}({', '.join([f'{p}={_value(p, random, category)}' for p in parameters])})"


def text(random: Random, category: str, answers: tuple[str, ...] = ("Michael",)) -> str:
    """The text of a prompted model: calls, or a message that may contain the answer."""
    chance = random.random()
    if chance < 0.5:
        return f"[{', '.join([call(random, category) for _ in range(random.randint(1, 3))])}]"
    if chance < 0.53:
        return random.choice(["", "[]", "[oops(", "()", "  ", "`core_memory_list_keys()`", "Sure! f(x=1)"])
    return mutated(random, random.choice(answers))


def mutated(random: Random, answer: str) -> str:
    """A message with a changed answer in it."""
    kind = random.randrange(12)
    if kind == 0:
        answer = answer.upper()
    elif kind == 1:
        answer = answer.lower()
    elif kind == 2:
        i = random.randint(0, len(answer))
        answer = answer[:i] + random.choice(list(",./-_*^() x'\"\n")) + answer[i:]
    elif kind == 3:
        answer = answer.replace(" ", random.choice(["", "  ", "-", "_", ", "]))
    elif kind == 4 and answer:
        i = random.randrange(len(answer))
        answer = answer[:i] + answer[i + 1 :]
    elif kind == 5:
        answer = random.choice(["x", "1", "$", "#", "é", ".", '"', "_"]) + answer
    elif kind == 6:
        answer += random.choice(["s", "0", "%", "'s", ".", ")", "_", "é", " o'clock"])
    elif kind == 7:
        answer = answer[::-1]
    elif kind == 8:
        answer = "I do not know"
    before, after = random.choice([("", ""), ("It is ", "."), ("{'answer': '", "', 'context': 'so'}"), ("- *", "*!")])
    return before + answer + after
