"""Mutants: captures in which one field of one segment of a handshake or close is wrong, as if it had been read so.

Picks the segments by their flags and numbers, falsifies them one field at a time, and knows the wire around
them. What a TCP could have sent is the business of `rulings`; the matcher is not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from tcpviz.exchange import library
from tcpviz.exchange.capture import Address, Capture, Frame
from tcpviz.exchange.policy import POLICIES
from tcpviz.exchange.simulate import simulate
from tcpviz.frames import frames_of, read
from tcpviz.model.segment import ACK, FIN, RST, SYN, Segment
from tcpviz.model.sequence import add, distance
from tcpviz.value import Value, replace

SHIPPED = Path(__file__).parents[3] / "captures"
_FLAGS = (("SYN", SYN), ("ACK", ACK), ("FIN", FIN), ("RST", RST))
Way = tuple[Address, Address]


def simulated(dialect: str) -> Iterator[Capture]:
    """Every scenario of the library, exported as frames."""
    for name in library.names():
        frames = frames_of(simulate(library.load(name), POLICIES[dialect]))
        yield Capture(name, frames, len(frames))


def shipped() -> Iterator[Capture]:
    """What kernels did on a loopback; what they did over a line is much like what the model plays there."""
    for path in sorted(SHIPPED.glob("*.pcapng")):
        capture = read(str(path))
        if all(frame.source.host == "127.0.0.1" for frame in capture.frames):
            yield replace(capture, file=path.stem)


def on_the_wire(capture: Capture) -> tuple[object, ...]:
    """What tells captures apart here: dialects that differ only in time give the same mutants."""
    return tuple((f.source, f.destination, f.segment) for f in capture.frames)


class Mutant(Value, dict=True):
    """`capture` as it was, and what the segment of its frame `index` is made to be."""

    capture: Capture
    index: int
    role: str
    kind: str
    """`ack+1`, `-SYN` (dropped), `+FIN` (added), `length-1` …"""
    falsified: Segment

    def __str__(self) -> str:
        return f"{self.capture.file}, frame {self.frame.number} ({self.role}), {self.kind}"

    @property
    def field(self) -> str:
        return "flags" if self.kind[0] in "+-" else self.kind[:-2]

    @property
    def frame(self) -> Frame:
        return self.capture.frames[self.index]

    @property
    def true(self) -> Segment:
        return segment_of(self.frame)

    def captured(self) -> Capture:
        """The capture with the wrong segment in it. Its record's octets are left out: nobody has them."""
        segment, frames = self.falsified, self.capture.frames
        payload = self.frame.payload.ljust(segment.length, b"\0")[: segment.length]
        wrong = replace(self.frame, segment=segment, payload=payload, length=segment.length, data=b"")
        return replace(self.capture, frames=(*frames[: self.index], wrong, *frames[self.index + 1 :]))

    @cached_property
    def moment(self) -> Moment:
        return Moment(self)


def mutants(capture: Capture) -> Iterator[Mutant]:
    """Every wrong field of every segment that has a role. Where both ends are one, nobody can tell who sent it."""
    if any(frame.source == frame.destination for frame in capture.frames):
        return
    for index, role in roles(capture).items():
        for kind, falsified in falsifications(segment_of(capture.frames[index])):
            yield Mutant(capture, index, role, kind, falsified)


def falsifications(true: Segment) -> Iterator[tuple[str, Segment]]:
    for by in (1, -1):
        if true.has_ack:
            yield f"ack{by:+}", replace(true, ack=add(true.ack, by))
        yield f"seq{by:+}", replace(true, seq=add(true.seq, by))
    for name, bit in _FLAGS:
        # an acknowledgement number that the flag did not announce is zero on the wire
        number = true.ack if true.has_ack else 0
        yield ("-" if true.flags & bit else "+") + name, replace(true, flags=true.flags ^ bit, ack=number)
    yield "length+1", replace(true, length=true.length + 1)
    if true.length:
        yield "length-1", replace(true, length=true.length - 1)


def roles(capture: Capture) -> dict[int, str]:
    """Index of a frame -> what its segment is to the handshake or the close; also the first text of each end."""
    found: dict[int, str] = {}
    for conversation in _incarnations(capture):
        fins: set[tuple[Way, int]] = set()
        greeted: set[Way] = set()
        texted: set[Way] = set()
        for index in conversation:
            frame = capture.frames[index]
            segment, way, back = segment_of(frame), _way(frame), _way(frame)[::-1]
            acks_fin = segment.has_ack and (back, segment.ack) in fins
            if segment.rst:
                found[index] = "reset"
            elif segment.syn:
                found[index] = "SYN-ACK" if segment.has_ack else "SYN"
                greeted |= {back} if segment.has_ack else set()
            elif segment.fin:
                found[index] = "FIN, ACK of FIN" if acks_fin else "FIN"
            elif way in greeted:
                found[index] = "third ACK"
            elif acks_fin and not segment.length:
                found[index] = "ACK of FIN"
            elif segment.length and way not in texted:
                found[index] = "first data"
            if not segment.syn:
                greeted.discard(way)
            texted |= {way} if segment.length else set()
            fins |= {(way, segment.end)} if segment.fin else set()
    return found


class Moment:
    """The wire around a mutant, within its incarnation of the connection; the rest of the frames is as captured."""

    def __init__(self, mutant: Mutant) -> None:
        frames = mutant.capture.frames
        everything = _incarnations(mutant.capture)
        mine = next(part for part in everything if mutant.index in part)
        way = _way(mutant.frame)
        earlier = [frames[i] for i in mine if i < mutant.index]
        self.later = [(frames[i], _way(frames[i]) == way) for i in mine if i > mutant.index]
        self.sent = [segment_of(f) for f in earlier if _way(f) == way]
        self.heard = [segment_of(f) for f in earlier if _way(f) != way]
        after = [i for part in everything[everything.index(mine) + 1 :] for i in part]
        self.reopened = [frames[i] for i in after if {*_way(frames[i])} == {*way}]
        """Later incarnations, which need this one to be over."""
        self.from_the_middle = not any(s.syn for s in (*self.sent, *self.heard, mutant.true))

    @property
    def snd_nxt(self) -> int | None:
        return _furthest([s.end for s in self.sent])

    @property
    def told(self) -> int | None:
        """The highest acknowledgement that its sender had given."""
        return _furthest([s.ack for s in self.sent if s.has_ack])

    @property
    def heard_end(self) -> int | None:
        """SND.NXT of the peer, as far as its segments showed."""
        return _furthest([s.end for s in self.heard])

    @property
    def heard_ack(self) -> int | None:
        return _furthest([s.ack for s in self.heard if s.has_ack])

    @property
    def fin_sent(self) -> bool:
        return any(s.fin for s in self.sent)

    @property
    def unanswered(self) -> bool:
        """The peer sent more segments that want an ACK than there were plain ACKs (RFC 5681 section 4.2)."""
        wanting = [s for s in self.heard if s.span and (s.has_ack or not s.syn)]
        return len(wanting) > sum(not s.span and not s.rst for s in self.sent)

    def edge(self, segment: Segment) -> int | None:
        """How much further `segment` opens the window than any before it; unknown before the first."""
        edges = [_edge(s, self._scale(self.sent)) for s in self.sent if s.has_ack]
        furthest = _furthest(edges)
        return None if furthest is None else distance(furthest, _edge(segment, self._scale(self.sent)))

    def room(self) -> int | None:
        """The highest number that the peer's window took when the segment was sent."""
        return _furthest([_edge(s, self._scale(self.heard)) for s in self.heard if s.has_ack])

    def _scale(self, segments: list[Segment]) -> int:
        """By how much the windows of an end are shifted: only if both ends offered it (RFC 7323 section 2.2)."""
        offers = [s.options.window_scale for s in (*self.sent, *self.heard) if s.syn]
        own = [s.options.window_scale for s in segments if s.syn]
        return (own[0] or 0) if own and len(offers) > 1 and None not in offers else 0


def _edge(segment: Segment, scale: int) -> int:
    """The end of the window that a segment offers; that of a SYN is never scaled."""
    return add(segment.ack, segment.window << (0 if segment.syn else scale))


def segment_of(frame: Frame) -> Segment:
    if frame.segment is None:
        raise ValueError(f"frame {frame.number} holds no TCP")
    return frame.segment


def _way(frame: Frame) -> Way:
    return frame.source, frame.destination


def _furthest(numbers: list[int]) -> int | None:
    """The latest of sequence numbers that lie near each other."""
    return max(numbers, key=lambda number: distance(numbers[0], number)) if numbers else None


def _incarnations(capture: Capture) -> list[list[int]]:
    """Indices of the frames of each connection; a SYN with another ISN than its sender's last begins the next."""
    parts: list[list[int]] = []
    current: dict[frozenset[Address], tuple[list[int], dict[Way, int]]] = {}
    for index, frame in enumerate(capture.frames):
        if frame.segment is None:
            continue
        pair, way = frozenset(_way(frame)), _way(frame)
        fresh = frame.segment.syn and not frame.segment.has_ack
        if pair not in current or (fresh and current[pair][1].get(way, frame.segment.seq) != frame.segment.seq):
            current[pair] = [], {}
            parts.append(current[pair][0])
        current[pair][0].append(index)
        if frame.segment.syn:
            current[pair][1][way] = frame.segment.seq
    return parts
