"""What can happen to an endpoint: user calls, an arriving segment, timeouts, and TCP's free choices.

The last group is what RFC 9293 leaves to the implementation (when to send, how much, when to
acknowledge). Whoever drives the endpoint decides it: a policy when simulating, the wire when matching.
`commands` is the mirror of this file.
"""

from __future__ import annotations

from tcpviz.model.segment import Options, Segment
from tcpviz.value import Value

# User calls (RFC 9293 section 3.9.1)


class PassiveOpen(Value):
    """listen()"""


class ActiveOpen(Value):
    """connect(); with Fast Open the SYN carries that many octets of what SEND will queue (RFC 7413)."""

    octets: int = 0


class Send(Value):
    """send(); with `urgent` (MSG_OOB) the urgent pointer will point at the last of these octets."""

    octets: int
    urgent: bool = False


class Receive(Value):
    octets: int


class Close(Value):
    """shutdown(SHUT_WR), the RFC's CLOSE; with `full`, close(): nothing will be received any more (3.6.1)."""

    full: bool = False


class Abort(Value):
    pass


class Status(Value):
    pass


# The network


class SegmentArrives(Value):
    segment: Segment


# Timeouts (3.10.8)


class UserTimeout(Value):
    pass


class RetransmissionTimeout(Value):
    """Sends the front of the retransmission queue again: at most `octets` of text (None: all that is out)."""

    octets: int | None = None


class TimeWaitTimeout(Value):
    pass


class FinWait2Timeout(Value):
    """Some stacks do not wait for ever for the FIN of a peer nobody listens to any more."""


# Another connection of this end


class TakeAddresses(Value):
    """An active OPEN needs the addresses that this connection holds; some stacks let it have them in TIME-WAIT."""


# Free choices


class Choose(Value):
    """Use this ISS for the next SYN, offer these options on it, this receive window (octets), this TSval."""

    iss: int | None = None
    options: Options | None = None
    window: int | None = None
    timestamp: int | None = None


class Transmit(Value):
    """Put `octets` of queued data on the wire now, and the FIN after them if `fin`."""

    octets: int
    push: bool = False
    fin: bool = False


class Acknowledge(Value):
    """Send an ACK of all received so far, now, carrying nothing else.

    `multipath`: but an option of Multipath TCP, for which it is sent.
    """

    multipath: bool = False


class Retransmit(Value):
    """Send again, from sequence number `start` (None: SND.UNA), at most `octets` of text (None: all that fits).

    `fin`: with the FIN, where it follows that text at once.
    """

    start: int | None = None
    octets: int | None = None
    push: bool = False
    fin: bool = True


class KeepAlive(Value):
    """Ask a silent peer whether it is still there (3.8.4)."""


class ProbeWindow(Value):
    """The peer's window is closed: send an octet beyond it, so that its ACK tells when it opens (3.8.6.1)."""


Event = (
    PassiveOpen
    | ActiveOpen
    | Send
    | Receive
    | Close
    | Abort
    | Status
    | SegmentArrives
    | UserTimeout
    | RetransmissionTimeout
    | TimeWaitTimeout
    | FinWait2Timeout
    | TakeAddresses
    | Choose
    | Transmit
    | Acknowledge
    | Retransmit
    | KeepAlive
    | ProbeWindow
)
