"""`tcpviz match --against`: what one exchange is compared with, and what is said of the two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tcpviz.cli.telling import Telling
from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.match import match
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import differences
from tcpviz.value import Value

if TYPE_CHECKING:
    from tcpviz.cli.look import Look
    from tcpviz.draw import Drawing


class Against(Value):
    """Two exchanges, and what they are called."""

    one: Exchange
    two: Exchange
    names: tuple[str, str]

    @staticmethod
    def of(other: str, one: Exchange) -> Against:
        """`other` is a scenario, by name or file, or a capture file."""
        scenario = other in library.names() or Path(other).suffix == ".toml"
        if scenario:
            two = simulate(library.load(other))
        else:
            from tcpviz import frames

            two = match(frames.read(other))
        for exchange, name in ((one, one.title), (two, other)):
            if not exchange.connections:
                raise InputError(f"{name}: there is no TCP connection to compare")
        return Against(one, two, (one.title, f"Model: {other}" if scenario else two.title))

    def report(self) -> str:
        """Where the stories part, or that they do not."""
        found = differences(self.one.connections[0], self.two.connections[0], self.names)
        return "".join(f"{line}\n" for line in found) or f"The same story as {self.names[1]}.\n"

    def drawing(self, numbers: Numbers, story: Telling, look: Look) -> Drawing:
        """Both side by side."""
        import tcpviz.draw as draw

        title = f"{self.names[0]} · {self.names[1]}"
        names, show = self.names, story.show
        return draw.pair(self.one, self.two, title=title, names=names, numbers=numbers, show=show, **look.setting())
