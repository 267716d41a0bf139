"""Correct and mutated answers to BFCL tasks, drawn by seed, to compare the official verdict with ToolGym's."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

from toolgym.envs.bfcl import java, javascript, rules
from toolgym.envs.bfcl.grading import Entry
from toolgym.envs.bfcl.literals import written

SOUP = {
    "java": [
        "new ", "new", "ArrayList<>", "ArrayList<String>", "HashMap<>", "HashMap<String, Object>", "(", ")", "()",
        "{{", "}}", "{", "}", "Arrays.asList(", "add(", 'put("', '",', "[]", "int", "String", ";", ",", " ", "  ",
        "\n", "\t", '"', "'", '"a"', "'b'", "1", "2L", "3.5f", "-4", "1e5", "true", "x", ">", "<", "ü", "1_000", "nan",
        "new int[]{", "new ArrayList<>(Arrays.asList(", "new HashMap<>() {{ ", "new ArrayList<>() {{ ", "))",
    ],
    "javascript": [
        "[", "]", "[[", "]]", "], [", ",", ", ", ":", ": ", "{", "}", "'", '"', "new Array(", ")", "(", "1", "2.5",
        "3n", "true", "false", "a", "'b'", '"c"', "key: ", "'k': ", " ", "\n", "\t", "-1", "null", "new ", "Array(",
        "x y", "ü", "inf", "1_0", "[]", "{}", "[1", "2]",
    ],
}  # fmt: skip
"""Tokens of source text, and typical mistakes."""

_ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2, 1.0, 0.0, 0.5, "", " ", "0", "1", "true", "None", "null", [], [""], [[]], {},
    {"": ""}, (), (1, 2), [None], [1, "a"], [1.0], [True], {"a": 1}, [{}], [{"a": 1}], 10**400, float("nan"),
    float("inf"), 1j, b"x", "ü", "a" * 50, [5], ["x", ["y"]], {"a": {"b": []}}, {1: 2}, {None: 1}, "İ", "ß",
]  # fmt: skip


def answer(entry: Entry, random: Random) -> list[dict[str, dict[str, Any]]]:
    """An answer made of accepted values: random alternatives, with or without the optional parameters."""
    docs = {doc["name"]: doc["parameters"]["properties"] for doc in entry.docs}
    calls = []
    for call in entry.ground_truth:
        ((name, accepted),) = call.items()
        arguments = {}
        for parameter, alternatives in accepted.items():
            if not alternatives or ("" in alternatives and random.random() < 0.5):
                continue
            value = _concrete(random.choice(alternatives), random)
            if value == "" and random.random() < 0.8:
                continue
            schema = docs[name].get(parameter, {"type": "any"})
            arguments[parameter] = written(value, schema, entry.language)
            if entry.language != "python" and random.random() < 0.3:
                arguments[parameter] = _another_form(arguments[parameter], value, schema, random)
        calls.append({name: arguments})
    return calls


_WORDS = ["a", "New York", "new-york", "it's", "x.y", "1", "", "A_b", "é", "true", "[1]", "{}", "a,b"]


def invented(random: Random) -> Entry:
    """A random task, with any parameter type and any kind of accepted value that the official checker can handle."""
    category = random.choice(["simple_python", "parallel", "multiple", "simple_java", "simple_javascript"])
    language = {"simple_java": "java", "simple_javascript": "javascript"}.get(category, "python")
    kinds = {"python": rules.PYTHON_TYPES, "java": java.TYPES, "javascript": javascript.TYPES}[language]
    docs, golds = [], []
    for name in ("f", "g.h", "k_l")[: random.randint(1, 3)]:
        properties, accepted = {}, {}
        for parameter in ("a", "b", "c")[: random.randint(1, 3)]:
            kind = random.choice(list(kinds))
            nested = random.choice(list(kinds)) if kind in ("array", "tuple", "Array", "ArrayList") else None
            properties[parameter] = {"type": kind} | ({"items": {"type": nested}} if nested else {})
            wanted = kinds[kind]
            if random.random() < 0.15:
                accepted[parameter] = [random.choice(["v", None, True, 3]) for _ in range(random.randint(0, 2))]
                wrong = [value for value in accepted[parameter] if value != ""]
                if not wrong or type(wrong[0]) is not wanted:
                    continue
            inner, count = nested and kinds[nested], random.randint(0, 3)
            accepted[parameter] = [_invented_value(wanted, inner, random) for _ in range(count)]
            if random.random() < 0.3:
                accepted[parameter].insert(random.randint(0, 3), "")
        required = [parameter for parameter in properties if random.random() < 0.4]
        docs.append({"name": name, "parameters": {"properties": properties, "required": required}})
        golds += [{name: accepted}] * (random.choice((1, 1, 2)) if category == "parallel" else not golds)
    return Entry(category, tuple(docs), tuple(golds))


def _invented_value(kind: type, nested: type | None, random: Random) -> Any:
    if kind is list:
        if nested is not dict and random.random() < 0.05:
            return random.choice(["ab", [[1], ["a b"]]])
        return [_invented_value(nested or str, None, random) for _ in range(random.randint(0, 3))]
    if kind is dict:
        keys = random.sample(["p", "q", "R s"], random.randint(0, 3))
        return {key: "xy" if random.random() < 0.05 else _leaf(random) for key in keys}
    return {int: random.choice([0, 1, -7]), float: random.choice([0.0, 1.5, 2.0, 1]), bool: random.random() < 0.5}.get(
        kind, random.choice(_WORDS)
    )


def _leaf(random: Random) -> list[Any]:
    return [random.choice([*_WORDS, 1, 2.5, True, ["a b"], {"n": 1}]) for _ in range(random.randint(1, 3))]


def _concrete(value: Any, random: Random) -> Any:
    if isinstance(value, dict):
        leaves = {key: random.choice(leaf) if isinstance(leaf, list) and leaf else leaf for key, leaf in value.items()}
        return {key: _concrete(leaf, random) for key, leaf in leaves.items() if leaf != "" or random.random() < 0.2}
    if isinstance(value, list):
        return [_concrete(item, random) if isinstance(item, dict) else item for item in value]
    return value


def _another_form(text: str, value: Any, schema: dict[str, Any], random: Random) -> str:
    """Another way to write the same value in Java or JavaScript."""
    items = schema.get("items", {}).get("type", "any")
    elements = value if isinstance(value, list) else []
    parts = [written(item, {"type": items}, "java") for item in elements]
    quoted = [f'"{part}"' if isinstance(item, str) else part for item, part in zip(elements, parts, strict=True)]
    forms = [f'"{text}"', f"'{text}'", f" {text}", f"{text} ", f"{text}\n", f"{text};", text.upper()]
    forms += [
        text.replace('"', "'"),
        text.replace(", ", ","),
        text.replace(" ", ""),
        text.replace(" ", "  "),
        text.replace("{{", "{ {"),
    ]
    if parts:
        forms += [f"new Array({', '.join(quoted)})", f"[[{', '.join(quoted)}]]", f"new Array([{', '.join(parts)}])"]
        forms += [f"new ArrayList<>() {{{{ {' '.join(f'add({part});' for part in quoted)} }}}}"]
        forms += [f"new ArrayList<>(Arrays.asList({','.join(quoted)}))", f"new Object[] {{{', '.join(parts)}}}"]
        forms += [f"Arrays.asList({', '.join(quoted)})", f"List.of({', '.join(quoted)})"]
    return random.choice(forms)


def mutated(calls: list[dict[str, dict[str, Any]]], entry: Entry, random: Random) -> Any:
    """The answer with one to three changes."""
    calls = deepcopy(calls)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        change = random.random()
        if change < 0.1:
            calls = _other_calls(calls, random)
        elif change < 0.13:
            return _other_shape(calls, random)
        elif calls:
            i = random.randrange(len(calls))
            ((name, arguments),) = calls[i].items()
            if change < 0.22:
                name = _other_name(name, entry, random)
            elif change < 0.45:
                arguments = _other_parameters(arguments, name, entry, random)
            elif arguments:
                parameter = random.choice(list(arguments))
                arguments[parameter] = other_value(arguments[parameter], random, entry.language)
            calls[i] = {name: arguments}
    return calls


def _other_calls(calls: list[Any], random: Random) -> list[Any]:
    if not calls:
        return [{"f": {}}]
    one = random.choice(calls)
    shuffled = random.sample(calls, len(calls))
    without = [call for call in calls if call is not one]
    return random.choice([[], [*calls, deepcopy(one)], without, shuffled, calls[::-1], [deepcopy(one) for _ in calls]])


def _other_shape(calls: list[Any], random: Random) -> Any:
    name = next(iter(calls[0])) if calls else "f"
    shapes = [None, {}, "text", tuple(calls), [None], [{}], [{name: []}], [{name: None}], [[]], [{name: {}, "g": {}}]]
    return random.choice([*shapes, [*calls, "x"], [name], {name: {}}, [*calls[:1], {}]])


def _other_name(name: str, entry: Entry, random: Random) -> str:
    names = [doc["name"] for doc in entry.docs]
    forms = [name.upper(), name.lower(), name.replace(".", "_"), name.replace("_", "."), name + "_", "", name + " "]
    return random.choice([*forms, random.choice(names), name.split(".")[-1], name[:-1]])


def _other_parameters(arguments: dict[str, Any], name: str, entry: Entry, random: Random) -> dict[Any, Any]:
    schemas = next((doc["parameters"]["properties"] for doc in entry.docs if doc["name"] == name), {})
    change = random.random()
    if change < 0.45 and arguments:
        arguments.pop(random.choice(list(arguments)))
    elif change < 0.75:
        added = random.choice([*schemas, "extra", "", None, "self"])
        items = [*arguments.items(), (added, random.choice(_ODD))]
        random.shuffle(items)
        arguments = dict(items)
    elif change < 0.9 and arguments:
        old = random.choice(list(arguments))
        new = random.choice([*schemas, old.upper(), old + "_", f"{old}s"]) if isinstance(old, str) else "x"
        arguments = {new if key == old else key: value for key, value in arguments.items()}
    else:
        arguments = dict(random.sample(list(arguments.items()), len(arguments)))
    return arguments


def other_value(value: Any, random: Random, language: str = "python", depth: int = 0) -> Any:
    """A value similar to this one, or an unusual value."""
    change = random.random()
    if change < 0.15:
        return random.choice(_ODD)
    if change < 0.25:
        return random.choice([str(value), [value], (value,), {"value": value}, repr(value), bool(value), [value] * 2])
    if isinstance(value, str) and language != "python" and change < 0.8:
        return other_source(value, random, language)
    if isinstance(value, str):
        return other_text(value, random)
    if isinstance(value, bool):
        return random.choice([not value, int(value), str(value), str(value).lower(), float(value)])
    if isinstance(value, (int, float)) and abs(value) < 1e9:
        return random.choice([value + 1, -value, value * 1.0, value + 0.5, f"{value}", value == 1, value + 1j])
    if isinstance(value, (list, tuple)):
        return _other_list(list(value), random, depth)
    if isinstance(value, dict):
        return _other_dict(dict(value), random, depth)
    return random.choice(_ODD)


def _other_list(value: list[Any], random: Random, depth: int) -> Any:
    forms: list[Any] = [value[::-1], tuple(value), [], value[:-1], [*value, random.choice(_ODD)], [value], value * 2]
    if value and depth < 3:
        i = random.randrange(len(value))
        changed = [*value[:i], other_value(value[i], random, depth=depth + 1), *value[i + 1 :]]
        forms += [changed] * 6 + [[str(item) for item in value], [[item] for item in value]]
        forms += [[float(item) if type(item) is int and item < 1e9 else item for item in value]]
    return random.choice(forms)


def _other_dict(value: dict[Any, Any], random: Random, depth: int) -> Any:
    forms: list[Any] = [{}, [value], list(value), value | {"extra": random.choice(_ODD)}, str(value)]
    if value and depth < 3:
        key = random.choice(list(value))
        forms += [{k: v for k, v in value.items() if k != key}, {f"{k}": v for k, v in reversed(value.items())}] * 2
        forms += [value | {key: other_value(value[key], random, depth=depth + 1)}] * 6
        forms += [{(f"{k}x" if k == key else k): v for k, v in value.items()}, value | {key: [value[key]]}]
    return random.choice(forms)


def other_text(text: str, random: Random) -> str:
    """A string similar to this one; BFCL may call both equal (case, spaces, some punctuation) or different."""
    i = random.randint(0, len(text))
    inserted = random.choice(" ,./-_*^'\"!?:;()\t\n\u00a0–eÉ0")
    forms = [text[:i] + inserted + text[i:]] * 4
    forms += [text.upper(), text.lower(), text.title(), text.swapcase(), text[::-1], text.split(" ")[0]]
    forms += [text.replace(old, new) for old, new in ((" ", ""), (" ", "_"), ("'", '"'), (",", ""), ("-", "–"))]
    forms += [text[:i] + text[i + 1 :], text + text[-1:], f"'{text}'", f'"{text}"', f" {text} "]
    return random.choice(forms)


def other_source(text: str, random: Random, language: str) -> str:
    """Source text similar to this text."""
    for _ in range(random.choice((1, 1, 2, 3))):
        text = _with_token(text, random.choice(SOUP[language]), random)
    return text[:400]


def _with_token(text: str, token: str, random: Random) -> str:
    """The text with the token inserted, or with a part of the text removed, repeated or replaced by the token."""
    i = random.randint(0, len(text))
    j = min(len(text), i + random.choice((0, 1, 1, 2, 5, 12)))
    forms = [text[:i] + token + text[j:], text[:i] + text[j:], text[:j] + text[i:], text + token, token + text]
    return random.choice(forms)


def soup(random: Random, language: str, most: int = 12) -> str:
    """Random tokens."""
    return "".join(random.choice(SOUP[language]) for _ in range(random.randint(0, most)))


TEXT_SOUP = [
    "(", ")", "[", "]", ",", ", ", "=", "'", '"', " ", "\n", "`", "```", "-", "+", ".", "not ", "True", "null", "{",
    "}", ":", "#", ";", "a=", "x", "1", "L", "é", "漢", "_", "new ", "new int[]{", "...", "/*c*/", "//", "f(", "g(a=1)",
    "]]", "python", "true", "?", "=>", "<", ">", "@", "\\", "\t", "(x)", "[0]", "!", "${", "lambda: ", " if ",
    "'''", '"""',
]  # fmt: skip


def as_text(calls: list[dict[str, dict[str, Any]]], random: Random, language: str) -> str:
    """Decoded calls in the form that a model writes."""
    written_calls = []
    for call in calls:
        ((name, arguments),) = call.items()
        parts = []
        for parameter, value in arguments.items():
            literal = language == "python" or (isinstance(value, str) and random.random() < 0.5)
            source = repr(value) if literal else str(value)
            if literal and language == "java":
                source = f'"{value}"'
            parts.append(f"{parameter}={source}" if random.random() < 0.97 else source)
        written_calls.append(f"{name}({', '.join(parts)})")
    return f"[{', '.join(written_calls)}]"


def mutated_text(text: str, random: Random) -> str:
    """A text with up to three changes."""
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        text = _with_token(text, random.choice(TEXT_SOUP), random)
    return text
