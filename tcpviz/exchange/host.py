"""A host in the simulation: one application, the sockets it opens, and the timers that run for them.

Plays the scenario's calls against the model's endpoint and asks the policy for what TCP leaves free.
Everything it learns goes into the story; everything it sends goes to the simulation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from tcpviz.exchange.exchange import Call, Period, Side
from tcpviz.exchange.policy import Policy, RoundTrip, unacknowledged
from tcpviz.exchange.scenario import Action
from tcpviz.exchange.scenario import Host as HostPlan
from tcpviz.exchange.story import PartyStory
from tcpviz.model import events
from tcpviz.model.commands import Arm, Disarm, Emit, Signal, Timer
from tcpviz.model.control import ControlBlock
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import Options, Segment
from tcpviz.model.sequence import MODULUS, add, at_or_before
from tcpviz.model.transitions import State

_OPEN = (State.ESTABLISHED, State.CLOSE_WAIT, State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSING, State.TIME_WAIT)


class World(Protocol):
    """What a host needs of the simulation."""

    now: int

    def transmit(self, origin: Side, emit: Emit, payload: bytes, sender: State) -> None: ...

    def at(self, time: int, action: Callable[[], None]) -> None: ...


@dataclass
class Running:
    """A timer that is set: since when, until when."""

    start: int
    due: int


@dataclass
class Host:
    side: Side
    plan: HostPlan
    policy: Policy
    world: World
    story: PartyStory
    endpoint: Endpoint = field(default_factory=Endpoint)
    listening: bool = False
    """The listener itself stays in LISTEN; `endpoint` is the connection made from it."""
    timers: dict[Timer, Running] = field(default_factory=dict)
    first_unacked: int = 0
    timed: tuple[int, int] | None = None
    """The segment whose round trip is being measured: its end, and when it was sent."""
    sent_text: bytes = b""
    text_start: int = 0
    calls_left: list[Action] = field(default_factory=list)
    waiting: Call | None = None
    ack_waits: bool = False
    """A delayed ACK will go out unless something carries it before."""
    news: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trip = RoundTrip(self.policy.initial_rto)
        self.calls_left = list(self.plan.calls)
        self.endpoint = self._fresh()

    def _fresh(self) -> Endpoint:
        tcb = ControlBlock(
            options=Options(mss=self.plan.mss), window=self.plan.window, deviations=self.policy.deviations
        )
        return Endpoint(tcb=replace(tcb, iss=self.plan.isn))

    # The application

    def run(self) -> None:
        """Make calls until one blocks or none is left."""
        while self.calls_left:
            action = self.calls_left[0]
            if self.waiting is None:
                self.waiting = self._start(action)
            result = self._finished(action)
            if result is None:
                return
            self.calls_left.pop(0)
            self._note(replace(self.waiting, returned=self.world.now, result=result))
            self.waiting = None
            if result.startswith("error") or result in ("connection refused", "connection reset"):
                # as an exception nobody caught would end the program
                self.calls_left.clear()

    def _note(self, call: Call) -> None:
        if call.name not in ("wait", "at"):
            self.story.calls.append(call)

    def _start(self, action: Action) -> Call:
        now = self.world.now
        self.news.clear()
        octets = len(action.data) if action.verb == "send" else action.octets
        match action.verb:
            case "listen":
                self.listening = True
                self._step(events.PassiveOpen(), note=False)
            case "connect":
                self._step(events.ActiveOpen())
            case "send":
                self.sent_text += action.data
                self._step(events.Send(len(action.data)))
            case "shutdown":
                self._step(events.Close())
            case "close":
                self._step(events.Close(full=True))
            case "abort":
                self._step(events.Abort())
            case "wait" | "at":
                due = action.time if action.verb == "at" else now + action.time
                self.world.at(max(due, now), self._wake)
            case "accept" | "recv":
                pass
        return Call(action.verb, now, octets)

    def _wake(self) -> None:
        self.calls_left.pop(0)
        self.waiting = None
        self.run()

    def _finished(self, action: Action) -> str | None:
        """What the call returns; None while it blocks."""
        state, tcb = self.endpoint.state, self.endpoint.tcb
        error = next((text for text in self.news if text.startswith("error")), None)
        match action.verb:
            case "wait" | "at":
                return None
            case "connect":
                if state is State.CLOSED:
                    return self.news[-1] if self.news else "error: connection does not exist"
                return "" if state in _OPEN else None
            case "accept":
                return "" if state in _OPEN else None
            case "recv":
                return self._received(action, tcb)
            case _:
                return error or ""

    def _received(self, action: Action, tcb: ControlBlock) -> str | None:
        if self.endpoint.state is State.CLOSED and not tcb.unread:
            return self.news[-1] if self.news else "error: connection does not exist"
        if action.octets is None:
            if tcb.unread:
                self._step(events.Receive(tcb.unread))
            return "b''" if tcb.fin_received else None
        if tcb.unread < action.octets:
            return "b''" if tcb.fin_received else None
        self._step(events.Receive(action.octets))
        return ""

    # TCP

    def arrive(self, segment: Segment) -> tuple[State, State]:
        """A segment from the wire. Returns the states before and after it, whatever follows from it later."""
        before = self.endpoint.state
        una = self.endpoint.tcb.snd_una
        self._step(events.SegmentArrives(segment), pump=False)
        if self.endpoint.tcb.snd_una != una:
            self._measure()
        after = self.endpoint.state
        self._pump()
        return before, after

    def _measure(self) -> None:
        """A round trip ends when its segment is acknowledged (RFC 6298 section 4)."""
        self.first_unacked = self.world.now
        if self.timed and at_or_before(self.timed[0], self.endpoint.tcb.snd_una):
            self.trip = self.trip.sample(self.world.now - self.timed[1], self.policy)
            self.timed = None

    def _step(self, event: events.Event, *, pump: bool = True, note: bool = True) -> None:
        result = step(self.endpoint, event)
        self.endpoint = result.endpoint
        if note:
            self.story.fired(self.world.now, result.rows)
        for command in result.commands:
            match command:
                case Emit():
                    self._emit(command)
                case Arm(timer):
                    self._arm(timer)
                case Disarm(timer):
                    self._end_timer(timer, fired=False)
                case Signal(text):
                    self.news.append(text)
                case _:
                    pass
        if pump:
            self._pump()

    def _pump(self) -> None:
        """Let the policy send whatever it would send now, and acknowledge at once or later."""
        while choice := self.policy.next_choice(self.endpoint, self.plan.mss):
            self._step(choice, pump=False)
        delay = self.policy.ack_delay(self.endpoint)
        if delay == 0:
            self._step(events.Acknowledge(), pump=False)
        elif delay and not self.ack_waits:
            self.ack_waits = True
            self.world.at(self.world.now + delay, self._acknowledge_late)

    def _acknowledge_late(self) -> None:
        self.ack_waits = False
        if self.policy.ack_delay(self.endpoint):
            self._step(events.Acknowledge())

    def _emit(self, emit: Emit) -> None:
        segment = emit.segment
        self.story.learn(segment)
        if segment.syn:
            self.text_start = add(segment.seq, 1)
        if emit.kind == "retransmission":
            self.timed = None
        elif segment.span and not segment.rst:
            self.timed = self.timed or (segment.end, self.world.now)
            if segment.seq == self.endpoint.tcb.snd_una:
                self.first_unacked = self.world.now
        at = (segment.text - self.text_start) % MODULUS
        payload = self.sent_text[at : at + segment.length]
        self.world.transmit(self.side, emit, payload, self.endpoint.state)

    # Timers

    def _arm(self, timer: Timer) -> None:
        now = self.world.now
        self._end_timer(timer, fired=False)
        length = self.trip.rto if timer is Timer.RETRANSMISSION else 2 * self.policy.msl
        running = self.timers[timer] = Running(now, now + length)
        self.world.at(running.due, lambda: self._expire(timer, running))

    def _end_timer(self, timer: Timer, *, fired: bool) -> None:
        if running := self.timers.pop(timer, None):
            self.story.timers.append(Period(timer.value, running.start, self.world.now, fired))

    def _expire(self, timer: Timer, running: Running) -> None:
        if self.timers.get(timer) is not running:
            return
        self._end_timer(timer, fired=True)
        if timer is Timer.TIME_WAIT:
            self._step(events.TimeWaitTimeout())
        elif self.world.now - self.first_unacked >= self.policy.user_timeout:
            self._step(events.UserTimeout())
        elif unacknowledged(self.endpoint.tcb):
            self.trip = self.trip.back_off(self.policy)
            self._step(events.RetransmissionTimeout(self.plan.mss))
        self.run()
