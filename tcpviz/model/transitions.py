"""The one table: which state follows which, on what, with which reply, and where the RFC says so.

RFC 9293 Figure 5, its notes and the resets it leaves out, made precise by section 3.10. Everything that
needs to know TCP's states (endpoint, matcher, diagram, documentation) reads it here. Rows are
data: no code, no callbacks, no numbers.
"""

from __future__ import annotations

from enum import Enum

from tcpviz.model.sentence import Sentence
from tcpviz.value import Value


class State(Enum):
    """The states of RFC 9293 section 3.3.2, spelled as there."""

    CLOSED = "CLOSED"
    LISTEN = "LISTEN"
    SYN_SENT = "SYN-SENT"
    SYN_RECEIVED = "SYN-RECEIVED"
    ESTABLISHED = "ESTABLISHED"
    FIN_WAIT_1 = "FIN-WAIT-1"
    FIN_WAIT_2 = "FIN-WAIT-2"
    CLOSE_WAIT = "CLOSE-WAIT"
    CLOSING = "CLOSING"
    LAST_ACK = "LAST-ACK"
    TIME_WAIT = "TIME-WAIT"

    def __str__(self) -> str:
        return self.value


class Stimulus(Enum):
    """The finite phrases a row can be about; `arrival` is the only reader of segments that chooses one."""

    # User calls (3.10.1 to 3.10.6)
    PASSIVE_OPEN = "passive OPEN"
    ACTIVE_OPEN = "active OPEN"
    SEND = "SEND"
    SEND_AFTER_CLOSE = "SEND, CLOSE queued"
    RECEIVE = "RECEIVE"
    RECEIVE_AT_END = "RECEIVE, no text left"
    CLOSE = "CLOSE"
    CLOSE_DATA_QUEUED = "CLOSE, data queued"
    CLOSE_UNREAD = "CLOSE, text unread"
    ABORT = "ABORT"
    STATUS = "STATUS"
    # Segments (3.10.7)
    RCV_SEGMENT = "rcv segment"
    RCV_SYN = "rcv SYN"
    RCV_SYN_AGAIN = "rcv SYN again"
    RCV_NEW_SYN = "rcv SYN beyond RCV.NXT"
    RCV_SYN_COOKIE = "rcv SYN, no room to remember it"
    RCV_ACK_OF_COOKIE = "rcv ACK of SYN cookie"
    RCV_SYN_ACK = "rcv SYN,ACK"
    RCV_ACK_OF_SYN = "rcv ACK of SYN"
    RCV_ACK = "rcv ACK"
    RCV_BAD_ACK = "rcv unacceptable ACK"
    RCV_ACK_OF_FIN = "rcv ACK of FIN"
    RCV_URGENT = "rcv URG"
    RCV_TEXT = "rcv text"
    RCV_EARLY_TEXT = "rcv text after a gap"
    RCV_TEXT_AFTER_CLOSE = "rcv text after close()"
    RCV_FIN = "rcv FIN"
    RCV_FIN_ACK_OF_FIN = "rcv FIN, ACK of FIN"
    RCV_FIN_AGAIN = "rcv FIN again"
    RCV_UNACCEPTABLE = "rcv unacceptable segment"
    RCV_RST = "rcv RST"
    RCV_RST_ACTIVE = "rcv RST, after active OPEN"
    RCV_RST_PASSIVE = "rcv RST, after passive OPEN"
    RCV_RST_IN_WINDOW = "rcv RST not at RCV.NXT"
    RCV_BAD_RST = "rcv unacceptable RST"
    RCV_SYN_PASSIVE = "rcv SYN in window, after passive OPEN"
    RCV_SYN_IN_WINDOW = "rcv SYN in window"
    RCV_SYN_ERROR = "rcv SYN in window, as an error"
    RCV_WITHOUT_ACK = "rcv segment without ACK"
    # Timeouts (3.10.8)
    USER_TIMEOUT = "USER TIMEOUT"
    RETRANSMISSION_TIMEOUT = "RETRANSMISSION TIMEOUT"
    TIME_WAIT_TIMEOUT = "Timeout=2MSL"
    FIN_WAIT_2_TIMEOUT = "FIN-WAIT-2 TIMEOUT"
    # Nothing of RFC 9293
    ADDRESSES_TAKEN = "active OPEN takes the addresses"

    def __str__(self) -> str:
        return self.value


class Reply(Enum):
    """What a row makes the endpoint do besides changing state."""

    NONE = ""
    SND_SYN = "snd SYN"
    SND_SYN_ACK = "snd SYN,ACK"
    SND_ACK = "snd ACK"
    """A duty: it may wait, or ride on data or a FIN (3.8.6.3)."""
    SND_ACK_NOW = "snd ACK at once"
    SND_FIN = "snd FIN"
    """After all that SEND has queued."""
    SND_RST = "snd RST"
    QUEUE = "queue"
    DELIVER = "deliver text"
    DISCARD = "discard"
    RETRANSMIT = "snd again"
    DELETE_TCB = "delete TCB"
    RETURN_STATE = "return state"

    def __str__(self) -> str:
        return self.value


class Row(Value):
    """One transition. `figure` says where Figure 5 or its notes show it; `signal` is what the user is told."""

    source: State
    stimulus: Stimulus
    reply: Reply
    target: State
    section: str
    figure: str = ""
    signal: str = ""

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> Sentence:
        """`LISTEN -- rcv SYN / snd SYN,ACK --> SYN-RECEIVED`."""
        return Sentence("{} -- {} --> {}", self.source, self.happens, self.target)

    @property
    def happens(self) -> Sentence:
        """`rcv SYN / snd SYN,ACK`."""
        stimulus = Sentence(str(self.stimulus))
        return Sentence("{} / {}", stimulus, Sentence(str(self.reply))) if self.reply.value else stimulus


NO_CONNECTION = "error: connection does not exist"
ALREADY_EXISTS = "error: connection already exists"
CLOSING_ERROR = "error: connection closing"
REFUSED = "connection refused"
RESET = "connection reset"
PEER_CLOSED = "connection closing"
URGENT = "urgent data to come"
USER_TIMED_OUT = "connection aborted due to user timeout"

_C, _L, _SS, _SR = State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED
_E, _F1, _F2 = State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2
_CW, _CG, _LA, _TW = State.CLOSE_WAIT, State.CLOSING, State.LAST_ACK, State.TIME_WAIT

SYNCHRONIZED = (_E, _F1, _F2, _CW, _CG, _LA, _TW)
"""The states in which both ends agree on sequence numbers (3.3.2)."""
UNCONNECTED = (_C, _L)
"""The states that know of no peer."""


def _in(
    states: tuple[State, ...],
    stimulus: Stimulus,
    reply: Reply,
    section: str,
    *,
    to: State | None = None,
    signal: str = "",
    figure: str = "",
) -> tuple[Row, ...]:
    """The same row in several states; without `to` each state stays as it is."""
    return tuple(Row(s, stimulus, reply, to or s, section, figure, signal) for s in states)


_S, _R = Stimulus, Reply
_FIGURE = "Figure 5"

TABLE: tuple[Row, ...] = (
    # OPEN
    Row(_C, _S.PASSIVE_OPEN, _R.NONE, _L, "3.10.1", _FIGURE),
    Row(_C, _S.ACTIVE_OPEN, _R.SND_SYN, _SS, "3.10.1", _FIGURE),
    Row(_L, _S.ACTIVE_OPEN, _R.SND_SYN, _SS, "3.10.1"),
    *_in((_L,), _S.PASSIVE_OPEN, _R.NONE, "3.10.1", signal=ALREADY_EXISTS),
    *_in((_SS, _SR, *SYNCHRONIZED), _S.PASSIVE_OPEN, _R.NONE, "3.10.1", signal=ALREADY_EXISTS),
    *_in((_SS, _SR, *SYNCHRONIZED), _S.ACTIVE_OPEN, _R.NONE, "3.10.1", signal=ALREADY_EXISTS),
    # SEND
    *_in((_C,), _S.SEND, _R.NONE, "3.10.2", signal=NO_CONNECTION),
    Row(_L, _S.SEND, _R.SND_SYN, _SS, "3.10.2", _FIGURE),
    *_in((_SS, _SR, _E, _CW), _S.SEND, _R.QUEUE, "3.10.2"),
    *_in((_SR,), _S.SEND_AFTER_CLOSE, _R.NONE, "3.10.4", signal=CLOSING_ERROR),
    *_in((_F1, _F2, _CG, _LA, _TW), _S.SEND, _R.NONE, "3.10.2", signal=CLOSING_ERROR),
    # RECEIVE
    *_in((_C,), _S.RECEIVE, _R.NONE, "3.10.3", signal=NO_CONNECTION),
    *_in((_L, _SS, _SR), _S.RECEIVE, _R.QUEUE, "3.10.3"),
    *_in((_E, _F1, _F2, _CW), _S.RECEIVE, _R.DELIVER, "3.10.3"),
    *_in((_CW,), _S.RECEIVE_AT_END, _R.NONE, "3.10.3", signal=CLOSING_ERROR),
    *_in((_CG, _LA, _TW), _S.RECEIVE, _R.NONE, "3.10.3", signal=CLOSING_ERROR),
    # CLOSE
    *_in((_C,), _S.CLOSE, _R.NONE, "3.10.4", signal=NO_CONNECTION),
    Row(_L, _S.CLOSE, _R.DELETE_TCB, _C, "3.10.4", _FIGURE),
    Row(_SS, _S.CLOSE, _R.DELETE_TCB, _C, "3.10.4", _FIGURE),
    Row(_SR, _S.CLOSE, _R.SND_FIN, _F1, "3.10.4", _FIGURE),
    *_in((_SR,), _S.CLOSE_DATA_QUEUED, _R.QUEUE, "3.10.4"),
    Row(_E, _S.CLOSE, _R.SND_FIN, _F1, "3.10.4", _FIGURE),
    *_in((_F1, _F2), _S.CLOSE, _R.NONE, "3.10.4", signal=CLOSING_ERROR),
    Row(_CW, _S.CLOSE, _R.SND_FIN, _LA, "3.10.4", _FIGURE),
    *_in((_CG, _LA, _TW), _S.CLOSE, _R.NONE, "3.10.4", signal=CLOSING_ERROR),
    *_in((_SR, _E, _CW, _F1, _F2, _CG, _LA), _S.CLOSE_UNREAD, _R.SND_RST, "3.6.1", to=_C),
    # ABORT
    *_in((_C,), _S.ABORT, _R.NONE, "3.10.5", signal=NO_CONNECTION),
    *_in((_L, _SS), _S.ABORT, _R.DELETE_TCB, "3.10.5", to=_C),
    *_in((_SR, _E, _F1, _F2, _CW), _S.ABORT, _R.SND_RST, "3.10.5", to=_C),
    *_in((_CG, _LA, _TW), _S.ABORT, _R.DELETE_TCB, "3.10.5", to=_C),
    # STATUS
    *_in((_C,), _S.STATUS, _R.NONE, "3.10.6", signal=NO_CONNECTION),
    *_in((_L, _SS, _SR, *SYNCHRONIZED), _S.STATUS, _R.RETURN_STATE, "3.10.6"),
    # SEGMENT ARRIVES, CLOSED
    *_in((_C,), _S.RCV_RST, _R.DISCARD, "3.10.7.1"),
    *_in((_C,), _S.RCV_SEGMENT, _R.SND_RST, "3.10.7.1"),
    # SEGMENT ARRIVES, LISTEN
    *_in((_L,), _S.RCV_RST, _R.DISCARD, "3.10.7.2"),
    *_in((_L,), _S.RCV_BAD_ACK, _R.SND_RST, "3.10.7.2"),
    Row(_L, _S.RCV_SYN, _R.SND_SYN_ACK, _SR, "3.10.7.2", _FIGURE),
    *_in((_L,), _S.RCV_SEGMENT, _R.DISCARD, "3.10.7.2"),
    *_in((_L,), _S.RCV_SYN_COOKIE, _R.SND_SYN_ACK, "RFC 4987 3.6"),
    Row(_L, _S.RCV_ACK_OF_COOKIE, _R.NONE, _E, "RFC 4987 3.6"),
    # SEGMENT ARRIVES, SYN-SENT
    *_in((_SS,), _S.RCV_BAD_ACK, _R.SND_RST, "3.10.7.3"),
    *_in((_SS,), _S.RCV_BAD_RST, _R.DISCARD, "3.10.7.3"),
    Row(_SS, _S.RCV_RST, _R.DELETE_TCB, _C, "3.10.7.3", "Note 3", REFUSED),
    Row(_SS, _S.RCV_SYN_ACK, _R.SND_ACK, _E, "3.10.7.3", _FIGURE),
    Row(_SS, _S.RCV_SYN, _R.SND_SYN_ACK, _SR, "3.10.7.3", _FIGURE),
    *_in((_SS,), _S.RCV_SEGMENT, _R.DISCARD, "3.10.7.3"),
    # SEGMENT ARRIVES, other states: first, sequence number
    *_in((_SR, *SYNCHRONIZED), _S.RCV_UNACCEPTABLE, _R.SND_ACK_NOW, "3.10.7.4"),
    *_in((_SR, *SYNCHRONIZED), _S.RCV_BAD_RST, _R.DISCARD, "3.10.7.4"),
    Row(_TW, _S.RCV_FIN_AGAIN, _R.SND_ACK_NOW, _TW, "3.10.7.4"),
    *_in((_SR,), _S.RCV_SYN_AGAIN, _R.RETRANSMIT, "3.8.1"),
    # a new incarnation (MAY-2)
    Row(_TW, _S.RCV_NEW_SYN, _R.SND_SYN_ACK, _SR, "RFC 6191 2"),
    # second, RST
    Row(_SR, _S.RCV_RST_PASSIVE, _R.DELETE_TCB, _L, "3.10.7.4", "Note 1"),
    Row(_SR, _S.RCV_RST_ACTIVE, _R.DELETE_TCB, _C, "3.10.7.4", "Note 1", REFUSED),
    *_in((_E, _F1, _F2, _CW), _S.RCV_RST, _R.DELETE_TCB, "3.10.7.4", to=_C, signal=RESET, figure="Note 3"),
    *_in((_CG, _LA, _TW), _S.RCV_RST, _R.DELETE_TCB, "3.10.7.4", to=_C, figure="Note 3"),
    *_in((_SR, *SYNCHRONIZED), _S.RCV_RST_IN_WINDOW, _R.SND_ACK_NOW, "3.10.7.4"),
    # fourth, SYN
    Row(_SR, _S.RCV_SYN_PASSIVE, _R.DELETE_TCB, _L, "3.10.7.4"),
    *_in((_SR, *SYNCHRONIZED), _S.RCV_SYN_IN_WINDOW, _R.SND_ACK_NOW, "3.10.7.4"),
    *_in((_SR, *SYNCHRONIZED), _S.RCV_SYN_ERROR, _R.SND_RST, "RFC 793 3.9", to=_C, signal=RESET),
    # fifth, ACK
    *_in((_SR, *SYNCHRONIZED), _S.RCV_WITHOUT_ACK, _R.DISCARD, "3.10.7.4"),
    Row(_SR, _S.RCV_ACK_OF_SYN, _R.NONE, _E, "3.10.7.4", _FIGURE),
    *_in((_SR,), _S.RCV_BAD_ACK, _R.SND_RST, "3.10.7.4"),
    *_in(SYNCHRONIZED, _S.RCV_ACK, _R.NONE, "3.10.7.4"),
    *_in(SYNCHRONIZED, _S.RCV_BAD_ACK, _R.SND_ACK_NOW, "3.10.7.4"),
    Row(_F1, _S.RCV_ACK_OF_FIN, _R.NONE, _F2, "3.10.7.4", _FIGURE),
    Row(_CG, _S.RCV_ACK_OF_FIN, _R.NONE, _TW, "3.10.7.4", _FIGURE),
    Row(_LA, _S.RCV_ACK_OF_FIN, _R.DELETE_TCB, _C, "3.10.7.4", _FIGURE),
    # sixth, URG
    *_in((_E, _F1, _F2), _S.RCV_URGENT, _R.NONE, "3.10.7.4", signal=URGENT),
    # seventh, text
    *_in((_SR,), _S.RCV_TEXT, _R.SND_ACK, "RFC 7413 4.2.2"),
    *_in((_E, _F1, _F2), _S.RCV_TEXT, _R.SND_ACK, "3.10.7.4"),
    *_in((_E, _F1, _F2), _S.RCV_EARLY_TEXT, _R.SND_ACK_NOW, "3.10.7.4"),
    *_in((_F1, _F2), _S.RCV_TEXT_AFTER_CLOSE, _R.SND_RST, "3.6.1", to=_C),
    # eighth, FIN
    Row(_E, _S.RCV_FIN, _R.SND_ACK, _CW, "3.10.7.4", _FIGURE, PEER_CLOSED),
    Row(_F1, _S.RCV_FIN, _R.SND_ACK, _CG, "3.10.7.4", _FIGURE, PEER_CLOSED),
    Row(_F1, _S.RCV_FIN_ACK_OF_FIN, _R.SND_ACK, _TW, "3.10.7.4", "Note 2", PEER_CLOSED),
    Row(_F2, _S.RCV_FIN, _R.SND_ACK, _TW, "3.10.7.4", _FIGURE, PEER_CLOSED),
    # Timeouts
    *_in((_L, _SS, _SR, *SYNCHRONIZED), _S.USER_TIMEOUT, _R.DELETE_TCB, "3.10.8", to=_C, signal=USER_TIMED_OUT),
    *_in((_SS, _SR, _E, _F1, _CW, _CG, _LA), _S.RETRANSMISSION_TIMEOUT, _R.RETRANSMIT, "3.10.8"),
    Row(_F2, _S.FIN_WAIT_2_TIMEOUT, _R.DELETE_TCB, _C, "tcp(7) tcp_fin_timeout"),
    Row(_TW, _S.TIME_WAIT_TIMEOUT, _R.DELETE_TCB, _C, "3.10.8", _FIGURE),
    # Another connection of this end
    Row(_TW, _S.ADDRESSES_TAKEN, _R.DELETE_TCB, _C, "tcp(7) tcp_tw_reuse"),
)


def cite(section: str) -> str:
    """A section as people quote it; a bare number is one of RFC 9293."""
    return f"RFC 9293 {section}" if section[0].isdigit() else section


_BY_KEY = {(row.source, row.stimulus): row for row in TABLE}
if len(_BY_KEY) != len(TABLE):
    raise AssertionError("two rows answer the same stimulus in the same state")


def find(state: State, stimulus: Stimulus) -> Row | None:
    """The row for `stimulus` in `state`; None where the RFC gives that stimulus no meaning there."""
    return _BY_KEY.get((state, stimulus))
