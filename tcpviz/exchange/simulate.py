"""simulate : Scenario -> Exchange. Plays a scenario in the model, in virtual time.

Holds the clock and the queue of what is to come, and hands each segment to the machine it is for.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from tcpviz.errors import InputError
from tcpviz.exchange.application import Application
from tcpviz.exchange.capture import Address
from tcpviz.exchange.datagrams import DatagramApplication, Datagrams
from tcpviz.exchange.exchange import SIDES, Exchange, Fate, Side, Transmission, other
from tcpviz.exchange.machine import Machine
from tcpviz.exchange.midway import midway
from tcpviz.exchange.network import Wire
from tcpviz.exchange.policy import POLICIES, Policy
from tcpviz.exchange.scenario import SECOND, Host, Injection, Scenario, SegmentName
from tcpviz.exchange.socket import Socket
from tcpviz.exchange.story import ConnectionStory, PartyStory
from tcpviz.model.commands import Emit
from tcpviz.model.segment import Segment
from tcpviz.model.transitions import State, cite
from tcpviz.value import replace

_MOST_EVENTS = 1_000_000
_HORIZON = 3600 * SECOND
"""Some stories never end: a window that stays closed is probed, and a silent peer asked, for ever."""
_LATE = 1 * SECOND
_OVER = (State.CLOSED, State.LISTEN, State.TIME_WAIT)


def simulate(scenario: Scenario, policy: Policy | None = None, horizon: int = _HORIZON) -> Exchange:
    """Play `scenario` to its end, or to the `horizon`, in nanoseconds; with its own dialect unless a policy is given.

    InputError when a segment that the network was to treat is never sent.
    """
    play = _Play(scenario, policy or POLICIES[scenario.dialect])
    play.run(horizon)
    missing = ", ".join(sorted(str(name) for name in play.never_sent))
    if missing:
        raise InputError(f"no such segment: {missing} was never sent; the exchange has {play.sent} segments")
    return Exchange(scenario.title, tuple(story.done() for story in play.stories), play.datagrams.flows())


class _Play:
    """One run: the World of its machines."""

    def __init__(self, scenario: Scenario, policy: Policy) -> None:
        self.now = 0
        self.sent = 0
        self.stories: list[ConnectionStory] = []
        self._scenario = scenario
        self._wire = Wire(scenario.network)
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._overtaken: dict[Side, list[Callable[[int], None]]] = {"client": [], "server": []}
        self._waiting = [injection for injection in scenario.injections if injection.after]
        self._machines: dict[Side, Machine] = {}
        self._applications: list[Application | DatagramApplication] = []
        self.datagrams = Datagrams(self, scenario.network.one_way)
        for side in SIDES:
            first = scenario.host(side)
            self._machines[side] = Machine(side, Address(first.address, first.port), first, policy, self)
        for side in SIDES:
            for host in scenario.hosts(side):
                self._applications += self._talking(side, host)
        # who listens at the very start does so before anybody connects
        self._applications.sort(key=lambda application: not application.listens_first)
        for injection in scenario.injections:
            if injection.at is not None:
                self.at(injection.at, lambda injection=injection: self._inject(injection))  # type: ignore[misc]

    @property
    def never_sent(self) -> frozenset[SegmentName]:
        unheard = {injection.after for injection in self._waiting if injection.after}
        return self._wire.never_sent | unheard

    def run(self, horizon: int) -> None:
        self._run_applications()
        events = 0
        while self._queue and self._queue[0][0] <= horizon and events < _MOST_EVENTS:
            self.now, _, action = heapq.heappop(self._queue)
            action()
            self._run_applications()
            events += 1
        if events == _MOST_EVENTS:
            raise InputError(f"the scenario did not end within {_MOST_EVENTS:,} events")

    def _run_applications(self) -> None:
        while any(application.run() for application in self._applications):
            pass

    def _talking(self, side: Side, plan: Host) -> list[Application] | list[DatagramApplication]:
        """An application and the threads that share its socket."""
        if not plan.talks_udp:
            first = self._application(side, plan)
            machine = self._machines[side]
            return [
                first,
                *(
                    Application(replace(plan, calls=calls), machine, lambda: None, None, first)
                    for calls in plan.threads
                ),
            ]
        ends = Address(plan.address, plan.port), self._machines[other(side)].address
        if side == "server":
            client = self._scenario.client
            ends = ends[0], Address(client.address, client.port)
        return [DatagramApplication(side, calls, ends, self.datagrams, self) for calls in (plan.calls, *plan.threads)]

    def _application(self, side: Side, plan: Host) -> Application:
        machine = self._machines[side]
        local = Address(plan.address, plan.port)
        remote = self._machines[other(side)].address
        ends = (local, remote) if side == "client" else (remote, local)
        placed = machine.place(self.story(*ends), plan, midway(plan, machine.policy)) if plan.start else None
        isns = machine.isns(plan)

        def opens() -> Socket | None:
            if machine.state_toward(local, remote) not in (State.CLOSED, State.LISTEN):
                return None
            return machine.open(self._new_story(*ends), plan, isns)

        return Application(plan, machine, opens, placed)

    # Stories

    def story(self, client: Address, server: Address) -> ConnectionStory:
        """The connection between two addresses that is going on, or was last."""
        for story in reversed(self.stories):
            if (story.client.address, story.server.address) == (client, server):
                return story
        return self._begin(client, server)

    def _new_story(self, client: Address, server: Address) -> ConnectionStory:
        """For an active OPEN: the next incarnation, unless one end still holds the last."""
        story = self.story(client, server)
        begun = story.segments or story.client.changes or story.server.changes
        held = any(state not in _OVER for state in self._ends(client, server))
        return self._begin(client, server) if begun and not held else story

    def _begin(self, client: Address, server: Address) -> ConnectionStory:
        states = self._ends(client, server)
        ours = PartyStory(client, states[0])
        # who connects to itself is both ends at once
        story = ConnectionStory(ours, ours if client == server else PartyStory(server, states[1]))
        self.stories.append(story)
        return story

    def _ends(self, client: Address, server: Address) -> tuple[State, State]:
        machines = self._machines
        return machines["client"].state_toward(client, server), machines["server"].state_toward(server, client)

    def _story_of(self, socket: Socket) -> tuple[ConnectionStory, Side]:
        for story in reversed(self.stories):
            for side in SIDES:
                if story.party(side) is socket.story:
                    return story, side
        raise AssertionError("a socket without a story")

    # The queue and the wire

    def at(self, time: int, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (time, self._count, action))

    def transmit(self, sender: Socket, emit: Emit, payload: bytes) -> None:
        """Put a segment on the wire; its receiver's states are filled in when it arrives."""
        story, origin = self._story_of(sender)
        passage, names = self._wire.carry(origin, emit.segment, self.now)
        self.sent += 1
        index = self._note(story, origin, emit, payload, sender.state, passage.arrival, passage.fate)
        overtaken, self._overtaken[origin] = self._overtaken[origin], []
        if passage.arrival is not None:
            deliver = self._delivery(story, index, other(origin), emit.segment)
            if passage.overtaken:
                late = self._once(lambda time: self._deliver_at(time, story, index, deliver))
                self._overtaken[origin].append(late)
                # if nothing ever overtakes it, it is merely late
                self.at(passage.arrival + _LATE, lambda: late(self.now))
            else:
                self.at(passage.arrival, deliver)
                for late in overtaken:
                    late(passage.arrival)
        else:
            self._overtaken[origin] = overtaken
            self.at(self.now + self._scenario.network.one_way(origin), self._absence(story, index, other(origin)))
        if passage.copy is not None:
            copy = replace(emit, kind="duplicate")
            twin = self._note(story, origin, copy, payload, sender.state, passage.copy, passage.fate)
            self.at(passage.copy, self._delivery(story, twin, other(origin), emit.segment))
        self._release(names, self.now if passage.arrival is None else passage.arrival)

    @staticmethod
    def _once(action: Callable[[int], None]) -> Callable[[int], None]:
        left = [action]
        return lambda time: left.pop()(time) if left else None

    def _deliver_at(self, time: int, story: ConnectionStory, index: int, deliver: Callable[[], None]) -> None:
        story.segments[index] = replace(story.segments[index], arrived=time)
        self.at(time, deliver)

    def _note(
        self,
        story: ConnectionStory,
        origin: Side,
        emit: Emit,
        payload: bytes,
        sender: State,
        arrival: int | None,
        fate: Fate = "delivered",
    ) -> int:
        before = self._receiver_state(story, other(origin))
        story.segments.append(
            Transmission(
                origin=origin,
                segment=emit.segment,
                sent=self.now,
                arrived=arrival,
                why=emit.why,
                section=cite(emit.section),
                sender=sender,
                before=before,
                after=before,
                kind=emit.kind,
                fate=fate,
                payload=payload,
            )
        )
        return len(story.segments) - 1

    def _receiver_state(self, story: ConnectionStory, side: Side) -> State:
        party = story.party(side)
        return party.changes[-1].state if party.changes else party.start

    def _delivery(self, story: ConnectionStory, index: int, side: Side, segment: Segment) -> Callable[[], None]:
        def deliver() -> None:
            machine = self._machines["client" if story.client is story.server else side]
            before, after, rows = machine.arrive(segment, story)
            story.segments[index] = replace(story.segments[index], before=before, after=after, rows=rows)

        return deliver

    def _absence(self, story: ConnectionStory, index: int, side: Side) -> Callable[[], None]:
        """When a lost segment would have arrived, its receiver is where it was."""

        def note() -> None:
            state = self._receiver_state(story, side)
            story.segments[index] = replace(story.segments[index], before=state, after=state)

        return note

    # Segments that neither end sent

    def _release(self, names: frozenset[SegmentName], time: int) -> None:
        for injection in [i for i in self._waiting if i.after in names]:
            self._waiting.remove(injection)
            self.at(time, lambda injection=injection: self._inject(injection))  # type: ignore[misc]

    def _inject(self, injection: Injection) -> None:
        client, server = self._scenario.client, self._scenario.server
        story = self.story(Address(client.address, client.port), Address(server.address, server.port))
        segment = injection.segment({"client": client.isn, "server": server.isn}, {})
        sender = self._receiver_state(story, injection.origin)
        emit = Emit(segment, injection.why, "3.5", kind="injected")
        index = self._note(story, injection.origin, emit, bytes(injection.length), sender, self.now)
        self._delivery(story, index, other(injection.origin), segment)()
