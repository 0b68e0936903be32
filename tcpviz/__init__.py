"""See TCP begin and end: simulate it, capture it, match the two, draw it.

    >>> import tcpviz
    >>> exchange = tcpviz.simulate("normal")
    >>> print(tcpviz.ladder(exchange.connections[0]))          # doctest: +SKIP
    >>> tcpviz.match("run.pcap").conforms                      # doctest: +SKIP
    >>> tcpviz.draw(exchange, theme="dark").svg()              # doctest: +SKIP

In a notebook an exchange and a picture show themselves. Each verb loads what it needs when it is called; importing
this package loads no library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from tcpviz.draw.picture import draw
    from tcpviz.exchange.exchange import Connection, Exchange
    from tcpviz.exchange.numbers import Numbers
    from tcpviz.exchange.scenario import Scenario

__version__ = "0.1.0"
__all__ = ["__version__", "draw", "ladder", "match", "png", "simulate"]


def simulate(scenario: Scenario | str = "normal") -> Exchange:
    """Play a scenario (a value, a name of the library or a path to a .toml file) in the model."""
    from tcpviz.exchange import library
    from tcpviz.exchange.simulate import simulate as play

    _show_in_notebooks()
    return play(library.load(scenario) if isinstance(scenario, str) else scenario)


def match(file: str) -> Exchange:
    """Explain a capture file (pcap or pcapng) with the model. InputError when it cannot be read."""
    from tcpviz.exchange.match import match as explain
    from tcpviz.frames import read

    _show_in_notebooks()
    return explain(read(file))


def ladder(connection: Connection, numbers: Numbers = "relative") -> str:
    """A connection as text, in the manner of the RFC's figures."""
    from tcpviz.exchange.ladder import ladder as write

    return write(connection, numbers=numbers)


def png(exchange: Exchange, numbers: Numbers = "relative") -> bytes:
    """What `draw` draws, 1920 by 1080 pixels."""
    from tcpviz.draw.picture import draw

    return draw(exchange, numbers=numbers).png()


def __getattr__(name: str) -> Any:
    """`draw` is the package of that name, which can be called: loaded when somebody asks for it."""
    if name == "draw":
        from importlib import import_module

        return import_module("tcpviz.draw")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _show_in_notebooks() -> None:
    """An exchange knows no pictures, so the way to its own is given to it here."""
    from tcpviz.exchange.exchange import Exchange

    def bundle(
        self: Exchange, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        from tcpviz.draw.picture import draw

        if not (self.connections or self.flows):
            return {"text/plain": repr(self)}
        return draw(self)._repr_mimebundle_(include, exclude)

    if not hasattr(Exchange, "_repr_mimebundle_"):
        Exchange._repr_mimebundle_ = bundle  # type: ignore[attr-defined]
