"""The transmission control block: the variables of RFC 9293 section 3.3.1, as one frozen value."""

from __future__ import annotations

from tcpviz.model.deviations import Deviation
from tcpviz.model.segment import NO_OPTIONS, Options
from tcpviz.model.sequence import add, distance, lies_in
from tcpviz.value import Value, replace

Ranges = tuple[tuple[int, int], ...]
"""Half-open ranges of sequence numbers, nearest first."""
_UNBOUNDED = 2**30
BLOCKS, _BLOCKS_BESIDE_TIMESTAMPS = 4, 3
"""A SACK option has room for so many (RFC 2018 section 3)."""


class ControlBlock(Value):
    """Windows are in octets, after scaling. Numbers mean something from the state on that sets them."""

    # What this end brings along
    options: Options = NO_OPTIONS
    """Offered on our SYN."""
    window: int = 65535
    """Offered in the next segment we send."""
    timestamp: int = 0
    """TSval of the next segment, where timestamps are on."""
    deviations: frozenset[Deviation] = frozenset()
    ecn: bool = False
    """Willing to use ECN (RFC 3168)."""
    syn_cookies: bool = False
    """A listener that remembers nothing of a SYN (RFC 4987)."""

    # How it was opened and what was asked of it
    passive: bool = False
    queued: int = 0
    """Octets that SEND has taken and that are not on the wire yet."""
    fin_queued: bool = False
    closed: bool = False
    """The application will receive nothing more."""

    # What both ends agreed on
    scaled: bool = False
    sack_on: bool = False
    multipath_on: bool = False
    timestamps_on: bool = False
    ecn_on: bool = False
    cookie_due: bool = False
    """The SYN asked for a Fast Open cookie, or brought a wrong one."""
    opened_fast: bool = False
    """The text on the SYN was taken: data may go out before the handshake is complete (RFC 7413 section 3.1)."""
    peer_mss: int = 536
    """RFC 9293 section 3.7.1: what a peer takes that does not say."""
    ts_recent: int = 0
    """TS.Recent: to be echoed."""

    # Send sequence variables
    iss: int = 0
    snd_una: int = 0
    snd_nxt: int = 0
    snd_wnd: int = 0
    snd_wl1: int = 0
    snd_wl2: int = 0
    snd_wnd_max: int = 0
    snd_scale: int = 0
    snd_up: int | None = None
    """SND.UP: the last octet of urgent text."""
    fin_sent: int | None = None
    """The sequence number of our FIN, once sent."""

    # Receive sequence variables
    irs: int = 0
    rcv_nxt: int = 0
    rcv_wnd: int = 0
    rcv_scale: int = 0
    rcv_acked: int = 0
    """The last SEG.ACK we sent."""
    held: Ranges = ()
    """Text that arrived after a gap."""
    recent: tuple[int, ...] = ()
    """A number in each of the blocks that SACK tells of, that of the newest arrival first."""
    fin_at: int | None = None
    """The sequence number of the peer's FIN, once seen."""
    unread: int = 0
    """Octets delivered in order that RECEIVE has not taken."""
    rcv_up: int | None = None
    """Where urgent text ends."""

    def forgotten(self, *, passive: bool) -> ControlBlock:
        """The block without its connection: only what this end brings along to the next one."""
        return ControlBlock(
            options=self.options,
            window=self.window,
            timestamp=self.timestamp,
            deviations=self.deviations,
            ecn=self.ecn,
            syn_cookies=self.syn_cookies,
            passive=passive,
            iss=self.iss if passive else 0,
        )

    def agreed(self, *, sent: int, heard: int, peer_window: int) -> ControlBlock:
        """The block of a connection on which SND.NXT is `sent`, RCV.NXT is `heard`, and nothing is on its way."""
        return replace(
            self,
            iss=add(sent, -1),
            snd_una=sent,
            snd_nxt=sent,
            snd_wnd=peer_window,
            snd_wnd_max=peer_window,
            snd_wl1=heard,
            snd_wl2=sent,
            irs=add(heard, -1),
            rcv_nxt=heard,
            rcv_acked=heard,
            rcv_wnd=self.window,
        )

    @property
    def owes_ack(self) -> bool:
        """Something has arrived that the peer has not been told of."""
        return self.rcv_acked != self.rcv_nxt

    @property
    def usable_window(self) -> int:
        """Octets that may be sent now: SND.UNA + SND.WND - SND.NXT, never negative.

        The window of Multipath TCP is one for all subflows, and counted in what all of them carry (RFC 8684 3.3.4).
        """
        if self.multipath_on:
            return _UNBOUNDED
        return max(0, distance(self.snd_nxt, add(self.snd_una, self.snd_wnd)))

    @property
    def acceptable_nxt(self) -> int:
        """SND.NXT, or the edge of the peer's window if a probe has gone beyond it: what a bare ACK may be sent at."""
        edge = add(self.snd_una, self.snd_wnd)
        # what scaling rounds off may be in the window all the same
        rounding = (1 << self.snd_scale) - 1
        return edge if distance(edge, self.snd_nxt) > rounding and not self.multipath_on else self.snd_nxt

    @property
    def offer(self) -> int:
        """Octets of window that the next segment can offer: what the header's 16 bits, scaled, can say."""
        return min(self.window >> self.rcv_scale, 65535) << self.rcv_scale

    @property
    def isolated(self) -> Ranges:
        """What has arrived beyond a gap, the peer's FIN with it, nearest first (RFC 2018 section 3)."""
        held = tuple((low, add(high, 1) if high == self.fin_at else high) for low, high in self.held)
        if self.fin_at is not None and not self.fin_received and all(high != self.fin_at for _, high in self.held):
            held += ((self.fin_at, add(self.fin_at, 1)),)
        return held

    @property
    def sack_blocks(self) -> Ranges:
        """What the next ACK tells of it: the block of the newest arrival first (RFC 2018 section 4)."""
        if not self.sack_on or not self.recent:
            return ()
        isolated = self.isolated
        blocks = (next((b for b in isolated if lies_in(number, b)), None) for number in self.recent)
        return tuple(block for block in blocks if block)[: _BLOCKS_BESIDE_TIMESTAMPS if self.timestamps_on else BLOCKS]

    @property
    def fin_received(self) -> bool:
        """The peer's FIN has arrived in order."""
        return self.fin_at is not None and distance(self.fin_at, self.rcv_nxt) == 1
