"""What a sequence diagram shows of an exchange, and how: the choices of whoever asks for a picture, as one value."""

from __future__ import annotations

from typing import Literal, get_args

from tcpviz.draw.drawing import WIDE, Slide
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.scenario import Detail
from tcpviz.value import Value

Scale = Literal["even", "log", "linear"]
"""How long waits are drawn: like any other, by the logarithm of their length, or in proportion to it."""

Blank = Literal["numbers", "states", "flags"]
"""What an exercise leaves to its reader."""

SCALES: tuple[Scale, ...] = get_args(Scale)
BLANKS: tuple[Blank, ...] = get_args(Blank)
USUAL: frozenset[Detail] = frozenset({"states", "calls", "times"})


class View(Value):
    numbers: Numbers = "relative"
    scale: Scale = "log"
    show: frozenset[Detail] = USUAL
    clocks: int = 2
    """The exchange's: with 1 an arrow's slant means nothing."""
    verdicts: bool = False
    """Every arrow carries its tick or cross."""
    narrow: bool = False
    """It has but half a slide."""
    slide: Slide = WIDE
    quiz: frozenset[Blank] = frozenset()
    """What is blank, and with it whatever would give it away."""
