"""Records become a Capture one by one, the same way for a file, an interface and the lab.

Counts every record, so that a frame has the number that Wireshark gives it. Knows not where they come from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from tcpviz.exchange.capture import Capture, Frame
from tcpviz.frames.decoding import decode
from tcpviz.frames.record import Record
from tcpviz.frames.writing import Writer
from tcpviz.model.sentence import Sentence

HELD = 512 * 2**20
"""Octets that may wait to be decoded. What comes beyond goes to the files only."""
MANY, LATER = 32, 1000
"""So many at once, and so many waiting already: what comes is only written, and looked at once less comes."""
_PER_RECORD = 200
"""Octets that Python needs for a record besides its data."""


class Collector:
    """Numbers records, decodes them, keeps the frames if wanted, and counts what it had to leave out."""

    def __init__(self, file: str, keep: bool = True) -> None:
        self.file = file
        self.records = self.held = 0
        self.protocols: Counter[str] = Counter()
        """What the records held that are no frames."""
        self._skipped: Counter[Sentence] = Counter()
        self._keep, self._frames = keep, list[Frame]()
        self._cut = 0

    def add(self, record: Record) -> Frame | None:
        self.records += 1
        frame = decode(record, self.records)
        if isinstance(frame, Frame):
            self.held += 1
            self._cut += frame.cut
            if self._keep:
                self._frames.append(frame)
            return frame
        self._skipped[frame.reason] += 1
        self.protocols[frame.protocol] += 1
        if frame.about and self._keep:
            self._frames.append(frame.about)
        return frame.about

    def capture(self, *warnings: Sentence) -> Capture:
        if self._cut:
            warnings += (
                Sentence(
                    "{}: {} TCP header was captured only in part; options are not judged there. Capture with a larger "
                    "snap length to have them judged."
                    if self._cut == 1
                    else "{}: {} TCP headers were captured only in part; options are not judged there. Capture with a "
                    "larger snap length to have them judged.",
                    self.file,
                    self._cut,
                ),
            )
        return Capture(self.file, tuple(self._frames), self.records, dict(self._skipped), warnings)


class Source(ABC):
    """What gives records while they happen: an interface, or a scenario being performed.

    Records are written to their files first, and decoded when nothing more is there to be taken.
    """

    def __init__(self, name: str) -> None:
        self._collector = Collector(name)
        self._waiting: deque[Record] = deque()
        self._held = 0
        self.taken = 0
        """Records that have come so far; at most `count`."""
        self.undecoded = 0
        """Those among them that came too fast for too long, and are in the files only."""

    @abstractmethod
    def records(self) -> Iterator[Record]:
        """Each record as it comes, until the source ends or `stop` is called."""

    @abstractmethod
    def stop(self, after: float = 0.0) -> None:
        """End `records` so many seconds from now; what has arrived by then still comes. For signal handlers too."""

    def end(self, after: float | None) -> None:  # noqa: B027 - what has an end of its own needs none
        """End `records` so many seconds after this was asked first; with None, do not, unless `stop` was called."""

    @property
    def dropped(self) -> int:
        """Records for which the kernel had no room."""
        return 0

    def batches(self) -> Iterator[Sequence[Record]]:
        """The same, as many at once as are there; none when only time has passed."""
        return ((record,) for record in self.records())

    def hurried(self) -> bool:
        """Something is there to be taken at once."""
        return False

    @property
    def waiting(self) -> int:
        """Records that nobody has looked at yet."""
        return len(self._waiting)

    def live(self, *copies: Writer, count: int | None = None) -> Iterator[Frame | None]:
        """Frames while records come, at most `count` of these; None when there is nothing to see but time has passed.

        Every record first goes to `copies`, and is flushed there. What comes faster than it is looked at waits for
        `rest`.
        """
        if count is not None and count <= 0:
            return
        for batch in self.batches():
            if count is not None:
                batch = batch[: count - self.taken]
            self.taken += len(batch)
            if batch:
                for copy in copies:
                    copy.write(*batch)
                    copy.flush()
                self._hold(batch)
            if self.taken == count:
                return
            yield None
            if len(batch) >= MANY and self.waiting > LATER:
                continue  # explaining them now would take the processor from those who send them
            while self._waiting and not self.hurried():
                yield self._look()

    def rest(self) -> Iterator[Frame]:
        """What `live` has left behind."""
        while self._waiting:
            frame = self._look()
            if frame is not None:
                yield frame

    def frames(self, *copies: Writer, count: int | None = None) -> Iterator[Frame]:
        """Each frame as it comes, and in the end all of them."""
        yield from (frame for frame in self.live(*copies, count=count) if frame is not None)
        yield from self.rest()

    def capture(self, *warnings: Sentence) -> Capture:
        """All that `live`, `rest` and `frames` have given so far."""
        return self._collector.capture(*warnings)

    def _hold(self, batch: Sequence[Record]) -> None:
        if self.undecoded or self._held > HELD:
            self.undecoded += len(batch)  # a gap could not be told from a loss: from here on, none
            return
        self._waiting.extend(batch)
        self._held += sum(len(record.data) + _PER_RECORD for record in batch)

    def _look(self) -> Frame | None:
        record = self._waiting.popleft()
        self._held -= len(record.data) + _PER_RECORD
        return self._collector.add(record)
