"""Functions for building and mending things."""

from __future__ import annotations

from .function import Function, Parameter
from .values import decimal, integer, one_of

WORKSHOP = (
    Function(
        "paint_needed",
        "Estimate how many litres of paint a wall takes.",
        (
            Parameter("width", decimal(1, 20), "Width of the wall in metres.", also=("wall_width",)),
            Parameter("height", decimal(1, 6), "Height of the wall in metres.", also=("wall_height",)),
            Parameter(
                "coats", integer(1, 4, spelled=True), "How often it is painted over. Default is 2.", needed=False
            ),
            Parameter("paint", one_of("chalk, latex, oil"), "Kind of paint. Default is latex.", needed=False),
        ),
        (
            "How much[ {paint}] paint do I need for a wall {width} metres wide and {height} metres high"
            "[, with {coats} coats]?",
            "(I am going to|I want to) paint a wall[ with {paint} paint]. It is {height} m high and {width} m wide. "
            "How many litres should I buy[ for {coats} coats]?",
            "(Estimate|Work out) the paint for a wall, {width} m in width and {height} m in height"
            "[, {coats} coats][ of {paint} paint].",
            "My hallway has a wall of {width} m width and {height} m height. (Tell me|Say) how much[ {paint}] paint "
            "it takes.",
            "How many litres go on a wall that is {width} m wide and {height} m tall"
            "[ if I put on {coats} coats][ of {paint} paint]?",
        ),
        (
            ("How much paint do I need for (these walls|my walls): {each}?", "one {width} m wide and {height} m high"),
            ("Estimate the paint for {each}.", "a wall of {width} metres width and {height} metres height"),
        ),
        also=("estimate_paint", "wall_paint_litres"),
        abouts=("Litres of paint for a wall of the given size.",),
    ),
)
