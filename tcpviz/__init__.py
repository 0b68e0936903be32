"""See TCP begin and end: simulate it, capture it, match the two, draw it.

    >>> import tcpviz
    >>> exchange = tcpviz.simulate("normal")
    >>> print(tcpviz.ladder(exchange.connections[0]))          # doctest: +SKIP
    >>> tcpviz.match("run.pcap").conforms                      # doctest: +SKIP

Each verb loads what it needs when it is called; importing this package loads no library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpviz.exchange.exchange import Connection, Exchange
    from tcpviz.exchange.numbers import Numbers
    from tcpviz.exchange.scenario import Scenario

__version__ = "0.1.0"
__all__ = ["__version__", "ladder", "match", "png", "simulate"]


def simulate(scenario: Scenario | str = "normal") -> Exchange:
    """Play a scenario (a value, a name of the library or a path to a .toml file) in the model."""
    from tcpviz.exchange import library
    from tcpviz.exchange.simulate import simulate as play

    return play(library.load(scenario) if isinstance(scenario, str) else scenario)


def match(file: str) -> Exchange:
    """Explain a capture file (pcap or pcapng) with the model. InputError when it cannot be read."""
    from tcpviz.exchange.match import match as explain
    from tcpviz.frames import read

    return explain(read(file))


def ladder(connection: Connection, numbers: Numbers = "relative") -> str:
    """A connection as text, in the manner of the RFC's figures."""
    from tcpviz.exchange.ladder import ladder as write

    return write(connection, numbers=numbers)


def png(exchange: Exchange, numbers: Numbers = "relative") -> bytes:
    """The sequence diagram of an exchange's first connection, 1920 by 1080 pixels."""
    from tcpviz import draw

    if not exchange.connections:
        return draw.png(draw.flow(exchange.flows[0], title=exchange.title, clocks=exchange.clocks))
    drawing = draw.sequence(exchange.connections[0], title=exchange.title, numbers=numbers, clocks=exchange.clocks)
    return draw.png(drawing)
