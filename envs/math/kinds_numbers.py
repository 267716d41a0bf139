"""Problems about numbers: arithmetic, number theory, combinatorics."""

from __future__ import annotations

from fractions import Fraction
from math import comb, gcd, lcm, perm

from .problem import Answer, Problem, Stages, call, number
from .stream import Stream

_VALUE = (
    "Work out {e}.",
    "What is {e}?",
    "Calculate {e}.",
    "Find the exact value of {e}.",
    "How much is {e}?",
    "Evaluate: {e}",
)


def arithmetic(s: Stream, level: int) -> Problem:
    """Levels. 1: one-digit mental arithmetic; 2: two operations; 3: fractions; 4, 5: results used in a second step."""
    stages: Stages
    if level == 1:
        a, b, op = s.between(2, 9), s.between(2, 9), s.pick("+-*")
        value = {"+": a + b, "-": a - b, "*": a * b}[op]
        return Problem(f"{a}{op}{b}", s.pick(_VALUE).format(e=f"{a} {op} {b}"), (), number(value))
    if level == 2:
        a, b, c, op = s.between(12, 999), s.between(12, 99), s.between(11, 9999), s.pick("+-")
        value = a * b + c if op == "+" else a * b - c
        e = f"{a} * {b} {op} {c}"
        return Problem(e, s.pick(_VALUE).format(e=e), ((call("calculate", expression=e),),), number(value))
    if level == 3:
        parts = [Fraction(s.between(1, 19), s.between(2, 24)) for _ in range(3)]
        op, other = s.pick("+-"), s.pick("+-*")
        e = f"{parts[0]} {op} {parts[1]} {other} {parts[2]}"
        right = parts[1] * parts[2] if other == "*" else parts[1]
        total = parts[0] + right if op == "+" else parts[0] - right
        if other != "*":
            total = total + parts[2] if other == "+" else total - parts[2]
        return Problem(e, s.pick(_VALUE).format(e=e), ((call("calculate", expression=e),),), number(total))
    if level == 4:
        boxes, each, lost = s.between(12, 98), s.between(24, 360), s.between(11, 200)
        people = s.between(3, 19)
        thing = s.pick(("screws", "apples", "pencils", "tiles", "stamps", "beads"))
        first, left = f"{boxes} * {each} - {lost}", boxes * each - lost
        text = s.pick(
            (
                "{b} boxes hold {e} {t} each; {l} of the {t} are broken. First find how many are left. They are shared "
                "equally among {p} people: how many does each get? Give a fraction if need be.",
                "A shop gets {b} boxes of {e} {t} and throws {l} {t} away. What is left goes in equal parts to {p} "
                "customers. Find what is left first, and then answer with the share of one of them.",
                "There are {b} packs with {e} {t} in each, less {l} {t}. Count the {t}, then divide the count by {p}. "
                "What is the quotient?",
            )
        ).format(b=boxes, e=each, t=thing, l=lost, p=people)
        stages = ((call("calculate", expression=first),), (call("calculate", expression=f"{left}/{people}"),))
        share = Answer("number", str(Fraction(left, people)), unit=thing)
        return Problem(f"share {first} {people}", text, stages, share)
    a, b, n = s.between(11, 49), s.between(11, 49), s.between(3, 6)
    c, d, m = s.between(11, 49), s.between(51, 99), s.between(3, 6)
    one, two = f"{a}^{n} + {b}", f"{c}^{m} - {d}"
    left, right = a**n + b, c**m - d
    text = s.pick(
        (
            "Let A = {one} and B = {two}. Compute A and B, and then the exact value of A*B - B.",
            "First find A = {one} and B = {two}. What is A*B - B?",
            "With A = {one} and B = {two}, what is A*B - B? Work out both of them before you put them together.",
        )
    ).format(one=one, two=two)
    pair = (call("calculate", expression=one), call("calculate", expression=two))
    final = call("calculate", expression=f"{left}*{right} - {right}")
    return Problem(f"{one};{two}", text, (pair, (final,)), number(left * right - right))


def number_theory(s: Stream, level: int) -> Problem:
    """Levels. 1: properties of a digit; 2: gcd, lcm; 3: factors, primes; 4: modular powers; 5: a power of a gcd."""
    stages: Stages
    if level == 1:
        n, k = s.between(2, 9), s.between(2, 5)
        ask = s.pick(
            ("even", "prime", "odd", "a square number", f"a multiple of {k}", f"less than {k}", f"a divisor of {k}")
        )
        truth = {
            "even": n % 2 == 0,
            "prime": n in (2, 3, 5, 7),
            "odd": n % 2 == 1,
            "a square number": n in (4, 9),
            f"a multiple of {k}": n % k == 0,
            f"less than {k}": n < k,
            f"a divisor of {k}": k % n == 0,
        }[ask]
        text = s.pick(("Is {n} {a}? Answer yes or no.", "Yes or no: is {n} {a}?", "Would you call {n} {a}? Yes or no."))
        return Problem(f"{ask} {n}", text.format(n=n, a=ask), (), Answer("yes or no", "yes" if truth else "no"))
    if level == 2:
        common = s.between(2, 60)
        a, b = common * s.between(7, 80), common * s.between(7, 80)
        which, words = s.pick((("gcd", "greatest common divisor"), ("lcm", "least common multiple")))
        value = gcd(a, b) if which == "gcd" else lcm(a, b)
        text = s.pick(
            ("What is the {w} of {a} and {b}?", "Find the {w} of {a} and {b}.", "Give the {w} of {a} and {b}.")
        )
        stages = ((call("calculate", expression=f"{which}({a}, {b})"),),)
        return Problem(f"{which} {a} {b}", text.format(w=words, a=a, b=b), stages, number(value))
    if level == 3 and s.chance(0.4):
        n = s.between(50, 4999) * 2 + 1
        prime = all(n % k for k in range(3, 100, 2) if k < n)
        text = s.pick(
            ("Is {n} a prime number? Answer yes or no.", "Yes or no: is {n} prime?", "Check whether {n} is prime.")
        )
        answer = Answer("yes or no", "yes" if prime else "no")
        return Problem(f"prime {n}", text.format(n=n), ((call("is_prime", n=n),),), answer)
    if level == 3:
        powers = {p: s.between(1, 3) for p in s.sample((2, 3, 5, 7, 11, 13, 17, 19), s.between(2, 3))}
        n = 1
        for prime_, power in powers.items():
            n *= prime_**power
        text = s.pick(
            (
                "Write {n} as a product of prime powers.",
                "What is the prime factorization of {n}?",
                "Factor the number {n} into primes.",
            )
        )
        shown = " * ".join([f"{p}^{k}" if k > 1 else str(p) for p, k in sorted(powers.items())])
        return Problem(
            f"factors {n}", text.format(n=n), ((call("factor_integer", n=n),),), Answer("integer factors", shown)
        )
    if level == 4:
        base, exponent, modulus = s.between(3, 99), s.between(50, 9999), s.between(11, 997)
        text = s.pick(
            (
                "What is the remainder of {b}^{e} divided by {m}?",
                "Find {b}^{e} modulo {m}.",
                "Divide {b}^{e} by {m}: what is the remainder?",
                "Compute {b}^{e} mod {m}.",
            )
        )
        stages = ((call("power_mod", base=base, exponent=exponent, modulus=modulus),),)
        value = pow(base, exponent, modulus)
        return Problem(
            f"{base}^{exponent}%{modulus}", text.format(b=base, e=exponent, m=modulus), stages, number(value)
        )
    common = s.between(3, 40)
    a, b = common * s.between(11, 90), common * s.between(11, 90)
    exponent, modulus = s.between(20, 999), s.between(11, 997)
    g = gcd(a, b)
    text = s.pick(
        (
            "Let g be the greatest common divisor of {a} and {b}. What is the remainder of g^{e} divided by {m}?",
            "Find g, the greatest common divisor of {a} and {b}, and then g^{e} modulo {m}.",
            "Take the greatest common divisor of {a} and {b} to the power {e}. What does it leave when divided by {m}?",
        )
    )
    stages = (
        (call("calculate", expression=f"gcd({a}, {b})"),),
        (call("power_mod", base=g, exponent=exponent, modulus=modulus),),
    )
    key = f"gcd {a} {b} ^{exponent}%{modulus}"
    return Problem(key, text.format(a=a, b=b, e=exponent, m=modulus), stages, number(pow(g, exponent, modulus)))


_CHOOSE = (
    "In how many ways can {k} of {n} {t} be chosen, if order does not matter?",
    "How many different groups of {k} can be made from {n} {t}?",
    "From {n} {t}, {k} are picked. How many selections are there?",
)
_ARRANGE = (
    "In how many ways can {k} of {n} {t} be placed in a row?",
    "{n} {t} compete; how many orders are there for the first {k} places?",
    "How many ordered selections of {k} are there from {n} {t}?",
)
_SINGLE = (
    "book",
    "card",
    "flag",
    "song",
    "hat",
    "key",
    "coat",
    "seat",
    "stamp",
    "spoon",
    "tie",
    "room",
    "train",
    "bike",
)
_THINGS = ("books", "players", "cards", "flags", "dancers", "songs", "guests")


def combinatorics(s: Stream, level: int) -> Problem:
    """Levels. 1: one of n; 2: choose; 3: arrange; 4: the product of two counts; 5: a probability from two counts."""
    stages: Stages
    thing = s.pick(_THINGS)
    if level == 1:
        n = s.between(2, 9)
        thing = s.pick(_SINGLE)
        text = s.pick(
            (
                "In how many ways can one {t} be chosen from {n} of them?",
                "You may take one {t} out of {n}. How many choices do you have?",
                "How many ways are there to pick a single {t} from {n}?",
            )
        )
        return Problem(f"one {thing} of {n}", text.format(t=thing, n=n), (), number(n))
    n, k = s.between(8, 40), s.between(3, 7)
    if level == 2:
        text = s.pick(_CHOOSE).format(n=n, k=k, t=thing)
        return Problem(f"{n} choose {k} {thing}", text, ((call("choose", n=n, k=k),),), number(comb(n, k)))
    if level == 3:
        text = s.pick(_ARRANGE).format(n=n, k=k, t=thing)
        return Problem(f"{n} arrange {k} {thing}", text, ((call("arrange", n=n, k=k),),), number(perm(n, k)))
    m, j = s.between(8, 40), s.between(2, 7)
    if (m, j) == (n, k):
        m += 1
    if level == 4:
        one, two = comb(n, k), comb(m, j)
        text = s.pick(
            (
                "A committee has {k} of {n} teachers and {j} of {m} students. How many committees are there?",
                "Choose {k} of {n} red balls and {j} of {m} blue ones. In how many ways can that be done together?",
                "A menu takes {k} of {n} dishes and {j} of {m} drinks. How many menus can be made?",
            )
        )
        stages = (
            (call("choose", n=n, k=k), call("choose", n=m, k=j)),
            (call("calculate", expression=f"{one}*{two}"),),
        )
        return Problem(f"{n}C{k}*{m}C{j}", text.format(n=n, k=k, m=m, j=j), stages, number(one * two))
    red, blue = s.between(8, 25), s.between(6, 25)
    k = s.between(3, 6)
    top, bottom = comb(red, k), comb(red + blue, k)
    text = s.pick(
        (
            "An urn has {r} red and {b} blue balls. Someone draws {k} at once. How probable are {k} red ones, exactly?",
            "Of {a} tickets {r} win. Someone draws {k}. With what probability, as a fraction, do all of them win?",
            "A class of {a} has {r} girls. A team of {k} is drawn by lot. What is the exact chance that all are girls?",
        )
    )
    stages = (
        (call("choose", n=red, k=k), call("choose", n=red + blue, k=k)),
        (call("calculate", expression=f"{top}/{bottom}"),),
    )
    key = f"{red} {blue} draw {k}"
    return Problem(key, text.format(r=red, b=blue, a=red + blue, k=k), stages, number(Fraction(top, bottom)))
