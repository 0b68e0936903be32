"""What is odd in a segment though its flags and numbers are right: options that do not fit what was said before,
a checksum that is wrong.

Worth a warning, never a violation: nothing of the handshake or the close hangs on it.
"""

from __future__ import annotations

from functools import reduce

from tcpviz.exchange.capture import Checksum, Frame
from tcpviz.exchange.exchange import Expected, Side, other
from tcpviz.model.segment import RST, SYN, Options, Segment
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import add, before, distance, later

ECHO, STAMP, WINDOW = Sentence("timestamp echo"), Sentence("timestamp"), Sentence("window")
TIMESTAMPS, STAMPS = Sentence("timestamps"), "RFC 7323 3.2"
SCALE, PERMITTED = Sentence("window scale"), Sentence("SACK permitted")
NONE, ONE = Sentence("none"), Sentence("a timestamp")


class Oddities:
    """Remembers what each end offered and which timestamps it has sent."""

    def __init__(self) -> None:
        self._offers: dict[Side, Options] = {}
        self._syns: dict[Side, int] = {}
        """The number of the SYN with that offer."""
        self._asked: dict[Side, tuple[int, Options]] = {}
        """What another SYN offers, which nobody has answered yet: it may have nothing to do with the connection."""
        self._stamps: dict[Side, list[int]] = {"client": [], "server": []}
        self._unread: set[Side] = set()
        """Whose newest clock could not be read."""
        self._opened: dict[Side, int] = {}
        """The clock of each end's first SYN."""
        self._newest: dict[Side, Segment] = {}
        self._edges: dict[Side, int] = {}
        """The number up to which each end has offered to take text."""

    def of(self, side: Side, segment: Segment, frame: Frame) -> Expected | None:
        """The first thing that is odd about the frame's segment; it counts as seen from then on."""
        found = self._in_syn(side, segment) if segment.syn else self._after_syn(side, segment)
        if segment.options.timestamps and not segment.rst:
            found = found or self._echo(side, segment, segment.options.timestamps)
            self._note_stamp(side, segment.options.timestamps[0])
        kept = self.kept_window(side, segment)
        self._note_window(side, segment, taken_back=kept is not None)
        if kept is not None and not found:
            found = Expected(WINDOW, segment.window, Sentence("at least {}", kept), "RFC 9293 3.8.6")
        return found or self.in_header(frame)

    def unread(self, side: Side) -> None:
        """Its options cannot be read: what the other end echoes may have been in them."""
        self._unread.add(side)

    def _note_stamp(self, side: Side, value: int) -> None:
        self._stamps[side].append(value)
        del self._stamps[side][:-64]

    @staticmethod
    def in_header(frame: Frame) -> Expected | None:
        """A field that decides nothing, or the checksum."""
        if frame.flaw:
            field, told, right, section = frame.flaw
            return Expected(field, told, right, section)
        checksum = frame.checksum
        if checksum is None or checksum.right in (None, checksum.told):
            return None
        return wrong_sum(checksum)

    def kept_window(self, side: Side, segment: Segment) -> int | None:
        """The window that takes back nothing of what `side` has offered, where that of its segment does."""
        last, edge = self._newest.get(side), self._edges.get(side)
        if last is None or edge is None or segment.flags & (SYN | RST) or not segment.has_ack:
            return None
        if all(offer.multipath for offer in self._offers.values()):
            return None  # it is one for all subflows (RFC 8684 3.3.4)
        late = before(segment.seq, last.seq) or before(segment.ack, last.ack)
        scale = self._scale(side)
        # what a scale cannot express is no window
        if late or distance(add(segment.ack, segment.window << scale), edge) < 1 << scale:
            return None
        return min(distance(segment.ack, edge) >> scale, 65535)

    def _note_window(self, side: Side, segment: Segment, *, taken_back: bool) -> None:
        # a SYN's window is without a scale, and few stacks keep to it exactly
        if not segment.has_ack or segment.flags & (SYN | RST) or len(self._offers) < 2:
            return
        edge = add(segment.ack, segment.window << self._scale(side))
        # what was taken back once, who keeps to that does not take back again
        if taken_back or side not in self._edges or before(self._edges[side], edge):
            self._edges[side] = edge
        if side not in self._newest or not before(segment.ack, self._newest[side].ack):
            self._newest[side] = segment

    def _scale(self, side: Side) -> int:
        scales = [offer.window_scale for offer in self._offers.values()]
        return 0 if None in scales else self._offers[side].shift

    def _in_syn(self, side: Side, segment: Segment) -> Expected | None:
        """What the SYN did not offer, the SYN,ACK must not answer."""
        if self._is_another(side, segment):
            self._asked[side] = segment.seq, segment.options
            return None
        ours, theirs = segment.options, self._offers.get(other(side))
        self._offers[side], self._syns[side] = ours, segment.seq
        if ours.timestamps:
            self._opened.setdefault(side, ours.timestamps[0])
        if not segment.has_ack or theirs is None:
            return None
        if ours.window_scale is not None and theirs.window_scale is None:
            return Expected(SCALE, ours.window_scale, NONE, "RFC 7323 2.2")
        if ours.timestamps is not None and theirs.timestamps is None:
            return Expected(TIMESTAMPS, ours.timestamps[0], NONE, STAMPS)
        if ours.sack_permitted and not theirs.sack_permitted:
            return Expected(PERMITTED, Sentence("yes"), Sentence("no"), "RFC 2018 2")
        return None

    def _is_another(self, side: Side, segment: Segment) -> bool:
        """It has another number than the SYN of its sender, and answers nothing that was asked."""
        if self._syns.get(side, segment.seq) == segment.seq or len(self._syns) < 2:
            return False
        if not segment.has_ack:
            return True
        number, offer = self._asked.get(other(side), (None, None))
        if number is not None and offer is not None and add(number, 1) == segment.ack:
            self._syns[other(side)], self._offers[other(side)] = number, offer
        return add(self._syns[other(side)], 1) != segment.ack

    def _after_syn(self, side: Side, segment: Segment) -> Expected | None:
        """Timestamps are on every segment, or on none, as both ends agreed."""
        if len(self._offers) < 2 or segment.rst:
            return None
        agreed = all(offer.timestamps is not None for offer in self._offers.values())
        if agreed and segment.options.timestamps is None:
            return Expected(TIMESTAMPS, NONE, ONE, STAMPS)
        if not agreed and segment.options.timestamps is not None:
            return Expected(TIMESTAMPS, segment.options.timestamps[0], NONE, STAMPS)
        return None

    def _echo(self, side: Side, segment: Segment, stamps: tuple[int, int]) -> Expected | None:
        value, echo = stamps
        own, heard = self._stamps[side], self._stamps[other(side)]
        if own and before(value, own[-1]):
            return Expected(STAMP, value, Sentence("at least {}", own[-1]), "RFC 7323 5.3")
        if not segment.has_ack or not heard or echo in heard:
            return None
        opened = self._opened.get(other(side)) if len(self._offers) > 1 else None
        too_old = opened is not None and before(echo, opened)
        too_new = before(reduce(later, heard), echo)
        if too_new and other(side) in self._unread:
            self._unread.discard(other(side))
            self._note_stamp(other(side), echo)
        elif too_old or too_new:
            return Expected(ECHO, echo, str(heard[-1]), STAMPS)
        return None


def wrong_sum(checksum: Checksum) -> Expected:
    due = Sentence("the sum of the segment") if checksum.right is None else f"{checksum.right:#06x}"
    return Expected(Sentence("checksum"), f"{checksum.told:#06x}", due, "RFC 9293 3.1")
