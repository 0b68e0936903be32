"""What the applications of a captured connection called, and when: a Scenario on a network that loses nothing.

The capture shows what was sent, not what an application waited for: it is taken to have read what its next segment
acknowledges, and to have read it at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from tcpviz.exchange.behind.end import NOISE, End
from tcpviz.exchange.exchange import Call, Connection, Side, Transmission, other
from tcpviz.exchange.notation import filler
from tcpviz.exchange.scenario import Action, Host, Injection, Network, Scenario
from tcpviz.model.sequence import distance
from tcpviz.model.transitions import State, Stimulus
from tcpviz.value import Value, replace

_SILENT = {None: "crash", Stimulus.USER_TIMEOUT: "timeout"}
"""What an application does, or has done to it, of which nothing shows on the wire."""


class Reading(Value):
    """How to take what the capture leaves open; `network` tries several."""

    exact: bool = False
    """Each call at its own time since the start; else so long after what the application waited for."""
    delayed_acks: bool = True
    """Where an acknowledgement rode on something or came late, all of its kind are delayed."""
    injected: bool = True
    """What no run of TCP sends came from somebody else."""


def scenario(connection: Connection, seen_in: str, reading: Reading) -> Scenario:
    """The Scenario of `connection`, which was seen in the file `seen_in`."""
    client, server = (End(connection, side, reading.injected) for side in ("client", "server"))
    began = min(s.sent for s in connection.segments)
    serves = () if connection.to_itself else tuple(_calls(server, began, reading.exact))
    plan = Scenario(
        name="story",
        title=f"{connection.client.address} and {connection.server.address}",
        summary=f"inferred from {seen_in}",
        theme="your own",
        seen_in=seen_in,
        client=Host(tuple(_calls(client, began, reading.exact)), **client.brought(reading.delayed_acks)),
        server=Host(serves, **server.brought(reading.delayed_acks)),
        network=Network(delay=client.delay, server_delay=server.delay),
        injections=tuple(_injections(connection, began)) if reading.injected else (),
    )
    return plan if reading.exact else _readable(plan)


def _readable(plan: Scenario) -> Scenario:
    """Times with four figures: nobody called anything to the nanosecond."""
    network = plan.network
    network = replace(network, delay=_figures(network.delay), server_delay=_figures(network.one_way("server")))
    return replace(plan, client=_readable_host(plan.client), server=_readable_host(plan.server), network=network)


def _readable_host(host: Host) -> Host:
    return replace(
        host,
        calls=tuple(replace(call, time=_figures(call.time)) for call in host.calls),
        keep_alive=host.keep_alive and _figures(host.keep_alive),
        delayed_ack=_figures(host.delayed_ack),
        delayed_fin_ack=_figures(host.delayed_fin_ack),
        user_timeout=host.user_timeout and _figures(host.user_timeout),
    )


def _figures(time: int) -> int:
    return int(float(f"{time:.4g}"))


def _calls(end: End, began: int, exact: bool) -> Iterator[Action]:
    """The application's calls, one after another, with the pauses between them."""
    told = list(_told(end, exact))
    opening, ready = _opening(end, began)
    if _waits_for_cookie(end) and told:
        opening[-1] = Action("connect", data=filler(told.pop(0).octets or 0))
    yield from opening
    if end.start is None and not any(action.verb in ("connect", "accept") for action in opening):
        return
    read, ended = 0, False
    opened = _window_opened(end)
    for call in told:
        octets, fin = end.processed(call.time)
        if octets > read or fin > ended:
            if opened and not read:
                yield Action("at", time=opened - began)
            yield Action("recv", octets=None if fin else octets - read)
            ready = max(ready, end.arrival(octets, fin), opened)
            read, ended = octets, fin
        if exact and call.time > began:
            yield Action("at", time=call.time - began)
        elif not exact and call.time - ready > NOISE:
            yield Action("wait", time=call.time - ready)
        ready = call.time
        if call.name == "close" and end.sent and end.processed(end.sent[-1].sent)[0] > octets:
            yield from (Action("shutdown"), Action("recv"))
        yield Action("send", data=filler(call.octets or 0)) if call.name == "send" else Action(call.name)  # type: ignore[arg-type]
        if call.name != "send":
            return
    if opened and not read:
        yield Action("at", time=opened - began)
    yield Action("recv")


def _opening(end: End, began: int) -> tuple[list[Action], int]:
    """The calls before the first of `_told`, and when they have returned."""
    syn = end.syn
    if syn is None:
        if any(call.name == "connect" for call in end.party.calls):  # its SYN came as something else
            return [Action("connect")], began
        # a SYN that nobody answers may well have met a listener
        return [Action("listen")] if end.connection.saw_start and not end.sent and end.side == "server" else [], began
    after = (s.sent for s in end.sent if s.segment.has_ack and not s.segment.syn)
    if syn.segment.has_ack:
        met = (s.sent + end.hearing for s in end.heard if s.segment.has_ack and s.sent >= syn.sent)
        return [Action("listen"), Action("accept")], next(met, syn.sent)
    pause = [Action("at", time=syn.sent - began)] if syn.sent > began else []
    return [*pause, Action("connect", data=filler(syn.segment.length))], next(after, syn.sent)


def _waits_for_cookie(end: End) -> bool:
    """connect() was given text, and Fast Open's cookie had to be asked for: the text takes the third ACK along."""
    asks = end.syn is not None and not end.syn.segment.has_ack and end.syn.segment.options.fast_open == b""
    return asks and len(end.sent) > 1 and end.sent[1].segment.length > 0


def _told(end: End, exact: bool) -> Iterator[Call]:
    """The calls that show on the wire, one for each segment of text; unless `exact`, full segments and what follows
    them without a pause came from one send.
    """
    last: Call | None = None
    full = False
    for call in sorted([*end.party.calls, *_gone(end)], key=lambda call: call.time):
        if call.name not in ("send", "close", "abort", *_SILENT.values()):
            continue
        together = full and last and call.name == "send" and call.time - last.time <= max(NOISE, end.round_trip)
        if last and together and not exact and end.processed(last.time) == end.processed(call.time):
            last = Call("send", last.time, (last.octets or 0) + (call.octets or 0))
        else:
            if last:
                yield last
            last = call
        full = call.name == "send" and (call.octets or 0) >= end.full_segment
    if last:
        yield last


def _gone(end: End) -> Iterator[Call]:
    """Its connection was forgotten in silence, and whatever came then was reset."""
    for change in end.party.states[1:]:
        name = _SILENT.get(change.row.stimulus if change.row else None)
        if change.state is State.CLOSED and name and all(s.segment.rst for s in end.sent if s.sent > change.time):
            yield Call(name, change.time)


def _window_opened(end: End) -> int:
    """When the application read at last what had filled the window; 0 when it never was full for long."""
    shut = next((s.sent for s in end.sent if not s.segment.window and not s.segment.rst), None)
    if shut is None:
        return 0
    opened = next((s.sent for s in end.sent if s.sent > shut and s.segment.window), shut)
    return opened if opened - shut > NOISE else 0


def _injections(connection: Connection, began: int) -> Iterator[Injection]:
    for sent in connection.violations:
        segment = sent.segment
        yield Injection(
            origin=sent.origin,
            flags=segment.flags,
            seq=_symbol(connection, sent.origin, segment.seq),
            ack=_symbol(connection, other(sent.origin), segment.ack) if segment.has_ack else None,
            length=segment.length,
            window=segment.window,
            timestamps=segment.options.timestamps,
            at=sent.sent - began,
            why=sent.why,
        )


def _symbol(connection: Connection, side: Side, number: int) -> str:
    isn = connection.party(side).isn
    if isn is None:
        return str(number)
    offset = distance(isn, number)
    letter = "x" if side == "client" else "y"
    return f"{letter}{offset:+d}" if offset else letter


def sent_by(connection: Connection, side: Side) -> list[Transmission]:
    """All that was sent in the name of one side, copies of frames and of the network left out."""
    return [s for s in connection.segments if s.origin == side and s.kind not in ("duplicate-frame", "duplicate")]
