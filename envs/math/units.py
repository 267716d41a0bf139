"""Units of measurement with exact sizes (SI brochure; international yard and pound of 1959)."""

from __future__ import annotations

from fractions import Fraction

import msgspec


class Unit(msgspec.Struct, frozen=True):
    """A unit: ``size`` * value + ``zero`` is the value in its kind's base unit. Only temperatures have a ``zero``."""

    kind: str
    size: Fraction
    zero: Fraction = Fraction(0)


def _unit(kind: str, size: str | int, zero: str | int = 0) -> Unit:
    return Unit(kind, Fraction(size), Fraction(zero))


UNITS = {
    "millimetres": _unit("length", "0.001"),
    "centimetres": _unit("length", "0.01"),
    "metres": _unit("length", 1),
    "kilometres": _unit("length", 1000),
    "inches": _unit("length", "0.0254"),
    "feet": _unit("length", "0.3048"),
    "yards": _unit("length", "0.9144"),
    "miles": _unit("length", "1609.344"),
    "nautical miles": _unit("length", 1852),
    "grams": _unit("mass", "0.001"),
    "kilograms": _unit("mass", 1),
    "tonnes": _unit("mass", 1000),
    "pounds": _unit("mass", "0.45359237"),
    "ounces": _unit("mass", "0.028349523125"),
    "stone": _unit("mass", "6.35029318"),
    "millilitres": _unit("volume", "0.001"),
    "litres": _unit("volume", 1),
    "cubic metres": _unit("volume", 1000),
    "US gallons": _unit("volume", "3.785411784"),
    "imperial pints": _unit("volume", "0.56826125"),
    "square metres": _unit("area", 1),
    "hectares": _unit("area", 10_000),
    "square kilometres": _unit("area", 1_000_000),
    "acres": _unit("area", "4046.8564224"),
    "square feet": _unit("area", "0.09290304"),
    "joules": _unit("energy", 1),
    "kilojoules": _unit("energy", 1000),
    "watt hours": _unit("energy", 3600),
    "kilowatt hours": _unit("energy", 3_600_000),
    "calories": _unit("energy", "4.184"),
    "seconds": _unit("time", 1),
    "minutes": _unit("time", 60),
    "hours": _unit("time", 3600),
    "days": _unit("time", 86_400),
    "metres per second": _unit("speed", 1),
    "kilometres per hour": _unit("speed", "5/18"),
    "miles per hour": _unit("speed", "0.44704"),
    "knots": _unit("speed", "463/900"),
    "degrees Celsius": _unit("temperature", 1, "273.15"),
    "degrees Fahrenheit": _unit("temperature", "5/9", "45967/180"),
    "kelvins": _unit("temperature", 1),
}


def convert(value: Fraction, from_unit: str, to_unit: str) -> Fraction:
    """The same quantity in another unit. Raises ValueError if a unit is unknown or the units are of different kinds."""
    for name in (from_unit, to_unit):
        if name not in UNITS:
            raise ValueError(f"no unit {name[:40]!r}: there are {', '.join(UNITS)}")
    a, b = UNITS[from_unit], UNITS[to_unit]
    if a.kind != b.kind:
        raise ValueError(f"{from_unit} measure {a.kind}, {to_unit} {b.kind}")
    return (value * a.size + a.zero - b.zero) / b.size


def decimal(value: Fraction) -> str:
    """A number with finitely many decimals, as text: 12.5."""
    if value.denominator == 1:
        return str(value.numerator)
    places = next(n for n in range(1, 60) if (value * 10**n).denominator == 1)
    digits = str(abs(value.numerator * 10**places // value.denominator)).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def exact(value: Fraction) -> str:
    """A number as text: in decimals if they are finitely many, else as a fraction."""
    below = value.denominator
    for prime in (2, 5):
        while below % prime == 0:
            below //= prime
    return decimal(value) if below == 1 else str(value)
