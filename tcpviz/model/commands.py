"""What an endpoint asks of whoever drives it: segments to send, timers, words to the user.

The mirror of `events`.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

from tcpviz.model.segment import Segment
from tcpviz.model.sentence import Sentence
from tcpviz.value import Value

Kind = Literal[
    "new",
    "retransmission",
    "keep-alive",
    "window-probe",
    "window-update",
    "challenge",
    "probe-answer",
    "injected",
    "duplicate",
    "duplicate-frame",
    "inferred",
    "out-of-order",
]
"""What a segment is: to its sender, and from `injected` on to the network or to who captured it."""


class Timer(Enum):
    """The timers an endpoint has; how long they run is the driver's business."""

    RETRANSMISSION = "retransmission"
    TIME_WAIT = "time-wait"


class Emit(Value):
    """Put this segment on the wire. `why` says what made it so, `section` where RFC 9293 does."""

    segment: Segment
    why: Sentence
    section: str
    kind: Kind = "new"


class OweAck(Value):
    """The peer must be told of what has arrived: soon, and if possible along with something else."""


class Arm(Value):
    """(Re)start a timer."""

    timer: Timer


class Disarm(Value):
    timer: Timer


class Deliver(Value):
    """So many octets, the next in order, are ready to be received."""

    octets: int


class Signal(Value):
    """Words for the user, the RFC's own: an error a call returns, or news of the connection."""

    text: str


class Refuse(Value):
    """A choice that TCP does not allow here. Nothing changed; `reason` says why, `section` where it says so."""

    reason: Sentence
    section: str


Command = Emit | OweAck | Arm | Disarm | Deliver | Signal | Refuse
