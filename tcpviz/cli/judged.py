"""What `tcpviz match` was asked for, what came of each file, and of all of them together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tcpviz.cli.speech import echo
from tcpviz.errors import InputError
from tcpviz.exchange.capture import Capture
from tcpviz.exchange.exchange import Connection, Exchange, Side
from tcpviz.exchange.report import tally_text
from tcpviz.model.sentence import Sentence
from tcpviz.value import Record, Value, replace


class Wanted(Value):
    """What of the captures is asked for."""

    side: Side | None
    port: int | None
    number: int | None
    violating: bool

    @property
    def all(self) -> bool:
        return self.number is None and not self.violating

    def shows(self, number: int, connection: Connection) -> bool:
        return self.number in (None, number) and not (self.violating and connection.conforms)


class Tally(Record):
    """What came of the files so far."""

    files: int
    unusable: int = 0
    frames: int = 0
    connections: int = 0
    violating: int = 0
    interrupted: bool = False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Of several files, one that cannot be used is told of and the others are still judged."""
        try:
            yield
        except InputError as error:
            if self.files == 1:
                raise
            echo(f"tcpviz: {error}", err=True)
            self.unusable += 1

    def count(self, connection: Connection) -> None:
        self.connections += 1
        self.violating += not connection.conforms

    def check(self, wanted: Wanted) -> None:
        """Something was there to be explained."""
        if self.unusable == self.files:
            raise InputError(f"none of the {self.files} files can be used")
        if wanted.port is not None and not self.frames:
            where = "the capture" if self.files == 1 else f"any of the {self.files} files"
            raise InputError(f"no frame in {where} comes from or goes to port {wanted.port}")
        if wanted.number is not None and not self.connections:
            raise InputError(f"there is no connection {wanted.number}: without --connection all are listed")

    @property
    def exit_code(self) -> int:
        if self.interrupted:
            return 130
        return 2 if self.unusable else int(self.violating > 0)

    @property
    def sentence(self) -> Sentence:
        tally = tally_text(self.connections, self.violating)
        if self.unusable:
            return Sentence("{} files, {} of them unusable: {}", self.files, self.unusable, tally)
        return Sentence("{} files: {}", self.files, tally)


class Matched(Value):
    """A capture without its frames, all that happened in it, and what of that is shown."""

    capture: Capture
    exchange: Exchange
    shown: tuple[int, ...]

    @property
    def chosen(self) -> Exchange:
        return replace(self.exchange, connections=tuple(self.exchange.connections[n - 1] for n in self.shown))
