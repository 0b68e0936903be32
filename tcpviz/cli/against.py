"""`tcpviz match --against`: what one exchange is compared with, and what is said of the two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tcpviz.cli.look import GIF, PICTURES
from tcpviz.cli.telling import Telling
from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection, Exchange
from tcpviz.exchange.match import match
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import differences
from tcpviz.model.sentence import Sentence
from tcpviz.value import Value

if TYPE_CHECKING:
    from tcpviz.cli.look import Look
    from tcpviz.draw import Drawing


ENDINGS = (*PICTURES, GIF, ".txt")
"""Formats in which two are told at once."""


class Against(Value):
    """What an exchange is compared with, and what that is called."""

    exchange: Exchange
    name: str

    @staticmethod
    def of(other: str) -> Against:
        """`other` is a scenario, by name or file, or a capture file."""
        scenario = other in library.names() or Path(other).suffix == ".toml"
        if scenario:
            exchange = simulate(library.load(other))
        else:
            from tcpviz import frames

            exchange = match(frames.read(other))
        _first(exchange, other)
        return Against(exchange, Sentence("Model: {}", other) if scenario else exchange.title)

    def sentences(self, one: Exchange) -> list[Sentence]:
        """Where the stories part, or that they do not."""
        first, second = _first(one, one.title), _first(self.exchange, self.name)
        found = differences(first, second, (one.title, self.name))
        return [each.sentence for each in found] or [Sentence("The same story as {}.", self.name)]

    def drawing(self, one: Exchange, numbers: Numbers, story: Telling, look: Look) -> Drawing:
        """Both side by side."""
        import tcpviz.draw as draw

        names = one.title, look.language.translated(self.name)
        title, show = " · ".join(names), story.show
        return draw.pair(one, self.exchange, title=title, names=names, numbers=numbers, show=show, **look.setting())


def _first(exchange: Exchange, name: str) -> Connection:
    if not exchange.connections:
        raise InputError(f"{name}: there is no TCP connection to compare")
    return exchange.connections[0]
