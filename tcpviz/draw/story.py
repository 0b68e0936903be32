"""What a sequence diagram tells, before it has a single coordinate: the values that `telling` makes.

A row is one arrow, or a run of segments that is only summed up. Each row has a node on either lifeline;
what has no segment of its own (a time-out) has a free node on one.
"""

from __future__ import annotations

from tcpviz.draw.drawing import Role
from tcpviz.draw.phases import Phase
from tcpviz.exchange.exchange import Change, Side
from tcpviz.model.transitions import State
from tcpviz.value import Value


class Note(Value):
    """A line of text below an arrow: what was expected, why it was sent, its options."""

    text: str
    role: Role = Role.MUTED
    bold: bool = False


class Arrow(Value):
    """One segment and all that is written about it."""

    index: int
    origin: Side
    role: Role
    flags: str
    numbers: str
    time: str
    dashed: bool
    strong: bool
    lost: bool
    foreign: bool = False
    """Its origin did not send it: somebody else did, or the network made a copy."""
    mark: str = ""
    """Its verdict: a tick, a cross, or an exclamation mark."""
    mark_role: Role = Role.MUTED
    notes: tuple[Note, ...] = ()


class Gap(Value):
    """Segments `first` to `last`, summed up: in as many words as there is room for."""

    first: int
    last: int
    texts: tuple[str, ...]
    """The longest first."""


Row = Arrow | Gap


class Band(Value):
    """A state, from the node where it was entered; None: from before the story."""

    lines: tuple[str, ...]
    """Its names, one below the other."""
    state: State
    node: int | None
    blank: bool = False
    """It has room for its names, and the reader writes them."""


class Shout(Value):
    """A call, or what it returned, beside `node`, or between the nodes before and after it."""

    text: str
    nodes: tuple[int | None, int | None]
    time: int = 0
    """In nanoseconds, as the exchange counts them."""


class Timer(Value):
    """A wait that ended: a timer that went off, or a segment that was sent again."""

    text: str
    start: int
    end: int
    broken: bool
    """Its axis is not shown in full."""
    beside: bool
    """It starts with an arrow's tail, and nothing leaves or arrives while it runs: there is room among the arrows."""


class Mark(Value):
    """What happened at a free node and when, and when alone."""

    text: str
    time: str
    node: int


class Lifeline(Value):
    """One end: its nodes from top to bottom, and what stands beside them."""

    nodes: tuple[int, ...]
    bands: tuple[Band, ...]
    shouts: tuple[Shout, ...]
    timers: tuple[Timer, ...]
    marks: tuple[Mark, ...] = ()


class Story(Value):
    rows: tuple[Row, ...]
    nodes: int
    lifelines: tuple[Lifeline, Lifeline]
    phases: tuple[Phase, ...]
    order: tuple[int, ...]
    """All nodes, none before what it follows from: the order of the forward pass."""
    pauses: tuple[int, ...]
    """Before each row: nanoseconds since the last event that came earlier."""
    instants: tuple[tuple[int, tuple[int, ...]], ...]
    """The times at which something happened, in order, each with its nodes."""
    changes: tuple[tuple[int, Side, Change], ...] = ()
    """The free nodes, and what each stands for."""


def node(row: int, side: Side) -> int:
    """Where a row meets a lifeline."""
    return 2 * row + (side == "server")


def broken(story: Story) -> frozenset[int]:
    """The instants, by their index, that end a timer whose axis is not shown in full: it is broken before them."""
    ends = {timer.end for line in story.lifelines for timer in line.timers if timer.broken}
    return frozenset(at for at, (_, nodes) in enumerate(story.instants) if ends.intersection(nodes))


def tails(story: Story) -> dict[int, int]:
    """By segment, the node where it leaves."""
    return {row.index: node(r, row.origin) for r, row in enumerate(story.rows) if isinstance(row, Arrow)}
