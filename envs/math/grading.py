"""Whether an answer is right, by its meaning and not by its form.

- A number must be written as one: an integer, a fraction, a mixed number (2 1/3) or a decimal; "12*7" for 84 is not
  worked out. If the exact value is not an integer, decimals are right within one part in 2,000: for 1/3, 0.3333 is
  right and 0.33 is wrong. An approximation in brackets, as in "7/3 (about 2.33)", is ignored.
- An expression is right if it equals the expected expression; sympy decides this in the worker, under its limits. If a
  form is asked for, the answer must have it: expanded (no product of sums), factored (as many factors, no fractions),
  simplified (no division by unknowns). An antiderivative may differ by a constant.
- Several solutions may come in any order, with "or", "and", commas or semicolons, in braces or without; "x =" may be
  left out. The values of a system come with names, or in the order of the unknowns.
- A matrix is its rows in brackets. A factorization may repeat primes.

The first of these that can be read is judged: the whole response, the inside of \\boxed{}, the text after "answer
is" or "answer:", and the last line. Some LaTeX is read. Responses over 4,000 characters are not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from .expression import ExpressionError, Node, canonical, numeral, parse
from .problem import Answer
from .worker import ComputeError, workers

LONGEST = 4_000
TOLERANCE = Fraction(1, 2_000)

_THOUSANDS = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+)(?![\d,])")
_BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}")
_ANSWER = re.compile(r"answer\s*(?:is|:|=)\s*", re.IGNORECASE)
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\{([^{}]*)\}")
_POWER = re.compile(r"\^\{([^{}]*)\}")
_LATEX = {"\\cdot": "*", "\\times": "*", "\\left": "", "\\right": "", "\\pi": "pi", "\\,": " ", "\\{": "{", "\\}": "}"}
_MIXED = re.compile(r"(-?)(\d{1,12}) (\d{1,6})/(\d{1,6})")
_ABOUT = re.compile(r" ?\((?:about |approximately |approx\.? |around |≈ ?|~ ?)[^()]{1,40}\)$")
_SEPARATOR = re.compile(r"\s*(?:,|;|\n|\bor\b|\band\b)\s*")
_NAMED = re.compile(r"\s*([^\W\d_]\w{0,3})\s*=")


class Unreadable(ValueError):
    """The answer does not have the form that is asked for."""


def grade(answer: Answer, response: str) -> tuple[bool, str]:
    """Whether the response is right, and if not, the reason. Takes any text."""
    if len(response) > LONGEST:
        return False, f"the answer has {len(response)} characters; at most {LONGEST} are read"
    why = "the answer is empty"
    for text in _candidates(response):
        try:
            right = _JUDGES[answer.form](answer, text)
        except (Unreadable, ExpressionError) as error:
            why = f"the answer cannot be read: {error}. Respond with the answer alone, or end with: the answer is ..."
            continue
        return right, "" if right else f"expected {answer.text}, got {text[:100]}"
    return False, why


def _candidates(response: str) -> Iterator[str]:
    """The places in a response that may hold the answer, the likeliest first."""
    seen = {""}
    boxed = _BOXED.search(response)
    ends = [match.end() for match in _ANSWER.finditer(response)]
    lines = response.strip().splitlines()
    places = [response, boxed[1] if boxed else "", response[ends[-1] :] if ends else "", lines[-1] if lines else ""]
    for place in places:
        text = _plain(place)
        if text not in seen:
            seen.add(text)
            yield text


def _plain(text: str) -> str:
    """The text without LaTeX, and without marks around it."""
    for latex, simple in _LATEX.items():
        text = text.replace(latex, simple)
    for pattern, simple in ((_FRACTION, r"((\1)/(\2))"), (_ROOT, r"sqrt(\1)"), (_POWER, r"^(\1)")):
        text = pattern.sub(simple, text)
    text = text.replace("\\(", "").replace("\\)", "").replace("\\[", "").replace("\\]", "").replace("$", "")
    return text.strip().strip("*`").rstrip(".").strip()


def _after_equals(text: str) -> str:
    """The text after the last "=" or "≈"."""
    return re.split(r"[=≈]", text)[-1].strip()


def _close(value: Fraction, wanted: Fraction, text: str) -> bool:
    if value == wanted:
        return True
    return wanted.denominator > 1 and "." in text and abs(value - wanted) <= abs(wanted) * TOLERANCE


def _value(text: str) -> Fraction:
    if mixed := _MIXED.fullmatch(text):
        sign, whole, above, below = mixed[1], int(mixed[2]), int(mixed[3]), int(mixed[4])
        if 0 < above < below:
            return (whole + Fraction(above, below)) * (-1 if sign else 1)
    value = numeral(parse(_THOUSANDS.sub(lambda m: m[1].replace(",", ""), text)))
    if value is None:
        raise Unreadable(f"{text[:60]!r} is not written as a number")
    return value


def _number(answer: Answer, text: str) -> bool:
    text = _after_equals(_ABOUT.sub("", text))
    for unit in (answer.unit, answer.unit[:-1]):
        if unit and text.casefold().endswith(unit.casefold()):
            text = text[: -len(unit)].strip()
            break
    return _close(_value(text), Fraction(answer.text), text)


def _equal(answer: Answer, text: str) -> bool:
    text = _after_equals(text)
    wanted, found = parse(answer.text), parse(text)
    return canonical(wanted) == canonical(found) or _asked("equivalent", first=text, second=answer.text)


def _asked(operation: str, **arguments: str) -> bool:
    """Whether the worker says yes; False if it cannot decide. Raises WorkerError for a failure of ours."""
    try:
        return workers.run(operation, arguments) == "yes"
    except ComputeError:
        return False


def _expanded(answer: Answer, text: str) -> bool:
    if _has_product_of_sums(parse(_after_equals(text))):
        raise Unreadable("it is not multiplied out")
    return _equal(answer, text)


def _has_product_of_sums(node: Node) -> bool:
    kind = node[0]
    if kind == "mul" and any(each[0] == "add" for each in node[1]):
        return True
    if kind == "pow" and node[1][0] == "add":
        return True
    return any(map(_has_product_of_sums, _parts(node)))


def _parts(node: Node) -> tuple[Node, ...]:
    kind = node[0]
    if kind in ("num", "name"):
        return ()
    if kind in ("add", "mul"):
        return tuple(node[1])
    return tuple(node[2]) if kind == "call" else tuple(node[1:])


def _unknown(node: Node) -> bool:
    """Whether the expression has a name in it."""
    return node[0] == "name" or any(map(_unknown, _parts(node)))


def _factored(answer: Answer, text: str) -> bool:
    found = parse(_after_equals(text))
    if _divides(found) or _factors(found) < _factors(parse(answer.text)):
        raise Unreadable("it is not written as a product of all factors")
    return _equal(answer, text)


def _factors(node: Node) -> int:
    """The number of factors with an unknown; a power counts as often as its exponent says."""
    if node[0] == "neg":
        return _factors(node[1])
    if node[0] == "mul":
        return sum(map(_factors, node[1]))
    if node[0] == "pow":
        exponent = numeral(node[2])
        return int(exponent) * _factors(node[1]) if exponent and exponent.denominator == 1 else 0
    return int(_unknown(node) and node[0] != "call")


def _divides(node: Node) -> bool:
    """Whether the expression divides by an unknown, or has a function, a root or a negative power of an unknown."""
    if node[0] in ("inv", "call") and _unknown(node):
        return True
    if node[0] == "pow" and _unknown(node):
        exponent = numeral(node[2])
        if exponent is None or exponent < 1 or exponent.denominator > 1:
            return True
    return any(map(_divides, _parts(node)))


def _simplified(answer: Answer, text: str) -> bool:
    if _divides(parse(_after_equals(text))):
        raise Unreadable("there is something left to cancel")
    return _equal(answer, text)


def _antiderivative(answer: Answer, text: str) -> bool:
    text = _after_equals(text)
    parse(text)
    return _asked("antiderivative", first=text, expression=answer.given, variable=answer.names[0])


def _items(answer: Answer, text: str) -> list[tuple[str, str]]:
    """(name or "", value) of each part of a list."""
    text = _THOUSANDS.sub(lambda m: m[1].replace(",", ""), text) if len(answer.names) == 1 else text
    if text[:1] in "{[(" and text[-1:] in "}])" and _SEPARATOR.search(text):
        text = text[1:-1]
    found = []
    for part in _SEPARATOR.split(text.replace("{", "").replace("}", "")):
        if not part:
            continue
        named = _NAMED.match(part)
        name = named[1].partition("_")[0].rstrip("0123456789") if named else ""
        if name and name not in answer.names:
            raise Unreadable(f"{name!r} is not an unknown")
        found.append((name, part[named.end() :] if named else part))
    if not found:
        raise Unreadable("there is no value")
    return found


def _solutions(answer: Answer, text: str) -> bool:
    wanted = [Fraction(value) for _, value in _items(answer, answer.text)]
    found = [(_value(value), value) for _, value in _items(answer, text)]
    return all(any(_close(value, each, said) for value, said in found) for each in wanted) and all(
        any(_close(value, each, said) for each in wanted) for value, said in found
    )


def _system(answer: Answer, text: str) -> bool:
    wanted = {name: Fraction(value) for name, value in _items(answer, answer.text)}
    found = _items(answer, text)
    if all(not name for name, _ in found):
        values = [value for _, value in found]
        found = list(zip(answer.names, values, strict=True)) if len(values) == len(answer.names) else []
    if sorted(name for name, _ in found) != sorted(wanted):
        raise Unreadable(f"give one value for each of {', '.join(answer.names)}")
    return all(_close(_value(value), wanted[name], value) for name, value in found)


def _matrix(answer: Answer, text: str) -> bool:
    wanted, found = _rows(answer.text), _rows(_after_equals(text))
    if len(wanted) == 1 and all(len(row) == 1 for row in found):  # a vector, written as a column
        found = [[row[0] for row in found]]
    if [len(row) for row in wanted] != [len(row) for row in found]:
        return False
    return all(
        _close(_value(value), _value(other), value)
        for row, others in zip(found, wanted, strict=True)
        for value, other in zip(row, others, strict=True)
    )


def _rows(text: str) -> list[list[str]]:
    """ "[[1, 2], [3, 4]]", or "(1, 2)" for a single row."""
    text = "".join(text.split())
    if not (text[:1] in ("[", "(") and text[-1:] in ("]", ")")):
        raise Unreadable("a matrix is written as [[1, 2], [3, 4]]")
    inner = text[1:-1]
    if not (inner[:1] in ("[", "(") and inner[-1:] in ("]", ")")):
        return [inner.split(",")]
    return [row.split(",") for row in re.split(r"[\])],[\[(]", inner[1:-1])]


def _integer_factors(answer: Answer, text: str) -> bool:
    return _powers(parse(_after_equals(text))) == _powers(parse(answer.text))


def _powers(node: Node) -> Counter[Fraction]:
    """Base -> exponent, for a product of powers of numbers."""
    if node[0] == "mul":
        total: Counter[Fraction] = Counter()
        for each in node[1]:
            total.update(_powers(each))
        return total
    base, exponent = (numeral(node[1]), numeral(node[2])) if node[0] == "pow" else (numeral(node), Fraction(1))
    if base is None or exponent is None or exponent.denominator > 1 or exponent < 1:
        raise Unreadable("it is not a product of powers of primes")
    return Counter({base: int(exponent)})


def _yes_or_no(answer: Answer, text: str) -> bool:
    said = set(re.findall(r"\b(?:yes|no)\b", text.casefold()))
    if len(said) != 1:
        raise Unreadable("say yes or no")
    return said == {answer.text}


_JUDGES = {
    "number": _number,
    "expression": _equal,
    "expanded": _expanded,
    "factored": _factored,
    "simplified": _simplified,
    "antiderivative": _antiderivative,
    "solutions": _solutions,
    "system": _system,
    "matrix": _matrix,
    "integer factors": _integer_factors,
    "yes or no": _yes_or_no,
}
