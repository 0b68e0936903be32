"""Records become a Capture one by one, the same way for a file, an interface and the lab.

Counts every record, so that a frame has the number that Wireshark gives it. Knows not where they come from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator

from tcpviz.exchange.capture import Capture, Frame
from tcpviz.frames.decoding import decode
from tcpviz.frames.record import Record
from tcpviz.frames.writing import Writer


class Collector:
    """Numbers records, decodes them, keeps the frames if wanted, and counts what it had to leave out."""

    def __init__(self, file: str, keep: bool = True) -> None:
        self.file = file
        self.records = self.held = 0
        self.protocols: Counter[str] = Counter()
        """What the records held that are no frames."""
        self._skipped: Counter[str] = Counter()
        self._keep, self._frames = keep, list[Frame]()

    def add(self, record: Record) -> Frame | None:
        self.records += 1
        frame = decode(record, self.records)
        if isinstance(frame, Frame):
            self.held += 1
            if self._keep:
                self._frames.append(frame)
            return frame
        self._skipped[frame.reason] += 1
        self.protocols[frame.protocol] += 1
        return None

    def capture(self, *warnings: str) -> Capture:
        return Capture(self.file, tuple(self._frames), self.records, dict(self._skipped), warnings)


class Source(ABC):
    """What gives records while they happen: an interface, or a scenario being performed."""

    def __init__(self, name: str) -> None:
        self._collector = Collector(name)

    @abstractmethod
    def records(self) -> Iterator[Record]:
        """Each record as it comes, until the source ends or `stop` is called."""

    @abstractmethod
    def stop(self, after: float = 0.0) -> None:
        """End `records` so many seconds from now; what has arrived by then still comes. For signal handlers too."""

    def frames(self, *copies: Writer, count: int | None = None) -> Iterator[Frame]:
        """Each frame as it comes, at most `count`. Every record first goes to `copies`, and is flushed there."""
        seen = 0
        if count is not None and count <= 0:
            return
        for record in self.records():
            for copy in copies:
                copy.write(record)
                copy.flush()
            frame = self._collector.add(record)
            if frame is not None:
                yield frame
                seen += 1
                if seen == count:
                    return

    def capture(self, *warnings: str) -> Capture:
        """All that `frames` has given so far."""
        return self._collector.capture(*warnings)
