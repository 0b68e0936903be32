"""A simulated socket: the model's endpoint, driven by a policy, with the timers that run for it.

What it sends goes to the world, what happens to it into its story. Knows no application and no network.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

from tcpviz.exchange.exchange import Period
from tcpviz.exchange.policy import Policy, RoundTrip, unacknowledged
from tcpviz.exchange.scenario import MILLISECOND, SECOND, Host
from tcpviz.exchange.story import PartyStory
from tcpviz.model import events
from tcpviz.model.commands import Arm, Disarm, Emit, Signal, Timer
from tcpviz.model.control import ControlBlock
from tcpviz.model.deviations import Deviation
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import Options, Segment
from tcpviz.model.sentence import Sentence
from tcpviz.model.sequence import MODULUS, add, at_or_before
from tcpviz.model.transitions import Row, State
from tcpviz.value import Record, replace

OPEN = (
    State.ESTABLISHED,
    State.CLOSE_WAIT,
    State.FIN_WAIT_1,
    State.FIN_WAIT_2,
    State.CLOSING,
    State.LAST_ACK,
    State.TIME_WAIT,
)
_WATCHED = (State.ESTABLISHED, State.CLOSE_WAIT, State.FIN_WAIT_2)
_KEEP_ALIVE, _KEEP_ALIVE_PROBES = Sentence("keep-alive"), 9
_REUSE_AFTER = 1 * SECOND
"""Linux's tcp_tw_reuse_delay."""
_TIMESTAMPS, _SACK, _SACK_BLOCK = 12, 4, 8
"""Octets of an option and its padding."""


class World(Protocol):
    """What a socket needs of the simulation."""

    now: int

    def transmit(self, sender: Socket, emit: Emit, payload: bytes) -> None: ...

    def at(self, time: int, action: Callable[[], None]) -> None: ...


class Arrived(NamedTuple):
    """What a segment did to the endpoint it was for."""

    before: State
    after: State
    rows: tuple[Row, ...]


class Running(Record):
    """A timer that is set: since when, until when."""

    start: int
    due: int


def closed(plan: Host, policy: Policy) -> Endpoint:
    """An endpoint in CLOSED with what this host brings along."""
    options = Options(
        mss=plan.mss,
        window_scale=plan.window_scale,
        sack_permitted=plan.sack,
        timestamps=(0, 0) if plan.timestamps else None,
        fast_open=plan.fast_open,
    )
    deviations = policy.deviations
    deviations |= {Deviation.NO_TIME_WAIT_ASSASSINATION} if plan.rfc1337 else set()
    deviations |= {Deviation.FIN_WAIT_2_TIMEOUT} if plan.fin_wait_2_timeout else set()
    deviations |= {Deviation.TIME_WAIT_REUSED} if plan.tw_reuse else set()
    return Endpoint(
        tcb=ControlBlock(
            options=options,
            window=plan.window,
            deviations=deviations,
            ecn=plan.ecn,
            syn_cookies=plan.syn_cookies,
        )
    )


class Socket:
    """One end of one incarnation of a connection."""

    def __init__(self, world: World, story: PartyStory, plan: Host, policy: Policy, endpoint: Endpoint) -> None:
        self.story = story
        self.endpoint = endpoint
        self.news: list[str] = []
        """What TCP has told the user since the last call."""
        self.offered = False
        """It has been put before accept()."""
        self._world, self._plan = world, plan
        self._policy = replace(
            policy,
            ack_delay_text=plan.delayed_ack or policy.ack_delay_text,
            quick_acks=0 if plan.delayed_ack else policy.quick_acks,
            ack_delay_fin=plan.delayed_fin_ack or policy.ack_delay_fin,
            user_timeout=plan.user_timeout or policy.user_timeout,
            fin_wait_2_timeout=plan.fin_wait_2_timeout or policy.fin_wait_2_timeout,
        )
        self._trip = RoundTrip(policy.initial_rto)
        self._timers: dict[Timer | str, Running] = {}
        self._first_unacked = 0
        self._timed: tuple[int, int] | None = None
        self._text, self._text_start = b"", endpoint.tcb.snd_nxt
        self._syn_repeated, self._repeated_syns = False, 0
        self._asked, self._acks = 0, 0
        self._challenged: list[int] = []

    @property
    def state(self) -> State:
        return self.endpoint.state

    # Calls

    def connect(self, data: bytes = b"") -> None:
        """active OPEN; `data` goes along with the SYN when a Fast Open cookie is known, else after it."""
        known = bool(data) and bool(self.endpoint.tcb.options.fast_open)
        self._text += data
        first = min(len(data), self._effective_mss()) if known else 0
        self.step(events.ActiveOpen(first))
        if len(data) > first:
            self.step(events.Send(len(data) - first))

    def send(self, data: bytes, urgent: bool = False) -> None:
        self._text += data
        self.step(events.Send(len(data), urgent))

    def resume(self) -> None:
        """The timers that run in the state in which the story finds the connection."""
        if unacknowledged(self.endpoint.tcb):
            self._begin_waiting()
            self._arm(Timer.RETRANSMISSION, self._trip.rto)
        if self.state is State.TIME_WAIT:
            self._arm(Timer.TIME_WAIT, 2 * self._policy.msl)

    def make_room(self) -> None:
        """For a connect() of this end that needs the addresses."""
        waits = self._timers.get(Timer.TIME_WAIT)
        if waits and self._world.now - waits.start >= _REUSE_AFTER:
            self.step(events.TakeAddresses())

    def end_timers(self) -> None:
        """Nothing of this socket happens any more."""
        for timer in list(self._timers):
            self._end_timer(timer, fired=False)

    def receive(self, octets: int) -> None:
        """RECEIVE, and tell the peer if that opened the window far enough to be worth it (3.8.6.2.2)."""
        self.step(events.Receive(octets))
        tcb = self.endpoint.tcb
        opened = self._plan.window - tcb.unread - tcb.rcv_wnd
        worth = opened >= min(self._plan.mss, self._plan.window // 2) and tcb.rcv_wnd < self._plan.mss
        if worth and self.state in (State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2):
            self.step(events.Acknowledge())

    def crash(self) -> None:
        """The machine forgets; nothing is sent, and no row of the table says so."""
        self.end_timers()
        if self.state is not State.CLOSED:
            self.endpoint = closed(self._plan, self._policy)
            self.story.forget(self._world.now)

    # Segments

    def arrive(self, segment: Segment) -> Arrived:
        """A segment from the wire: what it did by itself, whatever follows from it later."""
        before, una, shut = self.state, self.endpoint.tcb.snd_una, self.endpoint.tcb.snd_wnd == 0
        self._asked = 0
        rows = self.step(events.SegmentArrives(segment), pump=False)
        if self.endpoint.tcb.snd_una != una:
            self._measure()
        after = self.state
        if before in (State.SYN_SENT, State.SYN_RECEIVED) and after is State.ESTABLISHED and self._syn_repeated:
            # a SYN that had to be repeated leaves a cautious timer (RFC 6298 section 5.7)
            self._trip = RoundTrip(max(3 * SECOND, self._policy.min_rto))
        if before is State.SYN_SENT and after is State.ESTABLISHED and unacknowledged(self.endpoint.tcb):
            # the text on our SYN was not taken: it goes at once, as any other (RFC 7413 section 4.2.1)
            self.step(events.Retransmit(octets=self._effective_mss()), pump=False)
        if shut and unacknowledged(self.endpoint.tcb) and before in OPEN:
            # as long as the peer answers probes, nobody gives up (MUST-37); once it opens, the probe's octet goes first
            self._begin_waiting()
            if self.endpoint.tcb.snd_wnd:
                self.step(events.Retransmit(octets=self._effective_mss()), pump=False)
        self._pump()
        self._watch_silence()
        return Arrived(before, after, rows)

    def step(self, event: events.Event, *, pump: bool = True) -> tuple[Row, ...]:
        self._offer()
        result = step(self.endpoint, event)
        self.endpoint = result.endpoint
        self.story.fired(self._world.now, result.rows)
        for command in result.commands:
            match command:
                case Emit():
                    self._emit(command)
                case Arm(timer):
                    self._arm(timer, self._trip.rto if timer is Timer.RETRANSMISSION else 2 * self._policy.msl)
                case Disarm(timer):
                    self._end_timer(timer, fired=False)
                case Signal(text):
                    self.news.append(text)
                case _:
                    pass
        if pump:
            self._pump()
        return result.rows

    def _offer(self) -> None:
        """The window that is left of the buffer, and the clock that timestamps show (one tick a millisecond)."""
        tcb = self.endpoint.tcb
        choice = events.Choose(window=max(0, self._plan.window - tcb.unread), timestamp=self._world.now // MILLISECOND)
        if (choice.window, choice.timestamp) != (tcb.window, tcb.timestamp):
            self.endpoint = step(self.endpoint, choice).endpoint

    def _pump(self) -> None:
        """Let the policy send whatever it would send now, and acknowledge at once or later."""
        while choice := self._policy.next_choice(self.endpoint, self._effective_mss()):
            self.step(choice, pump=False)
        delay = self._ack_delay()
        if delay == 0:
            self.step(events.Acknowledge(), pump=False)
        elif delay and "delayed ACK" not in self._timers:
            self._arm(Sentence("delayed ACK"), delay)
        elif delay is None:
            self._end_timer("delayed ACK", fired=False)
        if self._policy.must_probe(self.endpoint) and "persist" not in self._timers:
            self._arm(Sentence("persist"), self._trip.rto)
        orphan = self.state is State.FIN_WAIT_2 and self.endpoint.tcb.closed
        if orphan and self._policy.fin_wait_2_timeout and "FIN-WAIT-2" not in self._timers:
            self._arm("FIN-WAIT-2", self._policy.fin_wait_2_timeout)

    def _ack_delay(self) -> int | None:
        return self._policy.ack_delay(self.endpoint, self._effective_mss(), self._acks)

    def _begin_waiting(self) -> None:
        """From now on the user timeout counts (3.10.8, RFC 5482)."""
        since = self._first_unacked = self._world.now
        self._world.at(since + self._policy.user_timeout, lambda: self._give_up(since))

    @property
    def _connect_timeout(self) -> float:
        """R2 of a SYN (3.8.3): as long as so many repetitions take whose time-outs double. Linux counts time, too."""
        retries = self._plan.syn_retries
        return math.inf if retries is None else ((2 << retries) - 1) * self._policy.initial_rto

    def _effective_mss(self) -> int:
        """Octets of text in a segment: what both ends take, less the options it carries (RFC 6691)."""
        tcb = self.endpoint.tcb
        blocks = len(tcb.sack_blocks)
        carried = _TIMESTAMPS * tcb.timestamps_on + (_SACK + _SACK_BLOCK * blocks if blocks else 0)
        return max(1, min(self._plan.mss, tcb.peer_mss) - carried)

    def _measure(self) -> None:
        """A round trip ends when its segment is acknowledged; one sent twice tells nothing (RFC 6298 section 3)."""
        self._begin_waiting()
        if self._timed and at_or_before(self._timed[0], self.endpoint.tcb.snd_una):
            self._trip = self._trip.sample(self._world.now - self._timed[1], self._policy)
            self._timed = None

    def _emit(self, emit: Emit) -> None:
        segment = emit.segment
        if emit.kind in ("challenge", "probe-answer") and not self._may_challenge():
            return
        self.story.learn(segment)
        if segment.syn:
            self._text_start = add(segment.seq, 1)
        if emit.kind == "retransmission":
            self._timed = None
            self._syn_repeated |= segment.syn
        elif not segment.span:
            self._acks += 1
        elif not segment.rst:
            self._timed = self._timed or (segment.end, self._world.now)
            if segment.seq == self.endpoint.tcb.snd_una:
                self._begin_waiting()
        at = (segment.text - self._text_start) % MODULUS
        self._world.transmit(self, emit, self._text[at : at + segment.length])

    def _may_challenge(self) -> bool:
        """Challenge ACKs are throttled, so that nobody can make us send more than we receive (RFC 5961 section 7)."""
        now = self._world.now
        self._challenged = [time for time in self._challenged if now - time < self._policy.challenge_interval]
        if len(self._challenged) >= self._policy.challenges:
            return False
        self._challenged.append(now)
        return True

    # Timers

    def _arm(self, timer: Timer | str, length: int) -> None:
        now = self._world.now
        self._end_timer(timer, fired=False)
        running = self._timers[timer] = Running(now, now + length)
        self._world.at(running.due, lambda: self._expire(timer, running))

    def _end_timer(self, timer: Timer | str, *, fired: bool) -> None:
        if running := self._timers.pop(timer, None):
            name = timer.value if isinstance(timer, Timer) else timer
            self.story.timers.append(Period(name, running.start, self._world.now, fired))

    def _expire(self, timer: Timer | str, running: Running) -> None:
        if self._timers.get(timer) is not running:
            return
        self._end_timer(timer, fired=True)
        match timer:
            case Timer.TIME_WAIT:
                self.step(events.TimeWaitTimeout())
            case Timer.RETRANSMISSION:
                self._retransmit()
            case "delayed ACK":
                if self._ack_delay() is not None:
                    self.step(events.Acknowledge())
            case "persist":
                self._probe()
            case "FIN-WAIT-2":
                self.step(events.FinWait2Timeout())
            case _:
                self._ask()

    def _give_up(self, since: int) -> None:
        """The user timeout: nothing that was sent since then has been acknowledged."""
        if unacknowledged(self.endpoint.tcb) and self._first_unacked == since:
            self.step(events.UserTimeout())

    def _retransmit(self) -> None:
        if unacknowledged(self.endpoint.tcb):
            if self.state is State.SYN_SENT and self._world.now - self._first_unacked >= self._connect_timeout:
                self.step(events.UserTimeout())
                return
            self._repeated_syns += self.state is State.SYN_SENT
            if self.state is not State.SYN_SENT or self._repeated_syns > self._policy.linear_syns:
                self._trip = self._trip.back_off(self._policy)
            self.step(events.RetransmissionTimeout(self._effective_mss()))

    def _probe(self) -> None:
        if self._policy.must_probe(self.endpoint):
            self._trip = self._trip.back_off(self._policy)
            self.step(events.ProbeWindow())

    def _watch_silence(self) -> None:
        if self._plan.keep_alive and self.state in _WATCHED:
            self._arm(_KEEP_ALIVE, self._plan.keep_alive)

    def _ask(self) -> None:
        """The peer has been silent for long: ask, and after so many questions give up (3.8.4)."""
        if self.state not in _WATCHED:
            return
        if unacknowledged(self.endpoint.tcb):
            # not idle: the retransmission timer is asking already
            self._watch_silence()
            return
        if self._asked == _KEEP_ALIVE_PROBES:
            self.step(events.UserTimeout())
            return
        self._asked += 1
        self.step(events.KeepAlive())
        self._arm(_KEEP_ALIVE, self._plan.keep_alive or 0)
