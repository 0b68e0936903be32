"""What applications really called, put in the place of what the matcher could infer from the wire.

Only where they were watched: in the lab. The wire shows no accept() and no recv(), and never what a call returned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import Call, Connection, Exchange, Flow, Side
from tcpviz.value import Value, replace

_ANY = ("0.0.0.0", "::")
"""What a UDP socket that was never bound says of itself."""
_NOT_SOCKETS = ("wait", "at")


class Heard(Value):
    """A call on a socket, at its times since 1970. `remote` is None while a socket has no peer."""

    local: Address
    remote: Address | None
    call: Call


def with_calls_of_sides(exchange: Exchange, calls: Mapping[Side, tuple[Call, ...]]) -> Exchange:
    """Where there is but one connection or flow, all that its two applications called is about it."""
    if len(exchange.connections) + len(exchange.flows) != 1 or not any(calls.values()):
        return exchange
    told = {
        side: tuple(_on_the_clock(call, exchange) for call in calls.get(side, ()) if call.name not in _NOT_SOCKETS)
        for side in ("client", "server")
    }
    if exchange.flows:
        # whoever sent first stands first
        both = sorted(told.values(), key=lambda calls: next((c.time for c in calls if c.name == "sendto"), math.inf))
        return replace(exchange, flows=(replace(exchange.flows[0], calls=(both[0], both[1])),))
    (connection,) = exchange.connections
    client, server = replace(connection.client, calls=told["client"]), replace(connection.server, calls=told["server"])
    return replace(exchange, connections=(replace(connection, client=client, server=server),))


def with_calls(exchange: Exchange, heard: Iterable[Heard]) -> Exchange:
    """Each call goes to the connection or flow of its two addresses; a listener's to the one that came next or last."""
    told = sorted(heard, key=lambda entry: entry.call.time)
    connections = tuple(_connection(connection, exchange, told) for connection in exchange.connections)
    flows = tuple(_flow(flow, exchange, told) for flow in exchange.flows)
    return replace(exchange, connections=connections, flows=flows)


def _connection(connection: Connection, exchange: Exchange, told: list[Heard]) -> Connection:
    ends = connection.client.address, connection.server.address
    client = _calls(exchange, told, *ends)
    listening = tuple(
        _on_the_clock(entry.call, exchange)
        for entry in told
        if entry.remote is None and entry.local == ends[1] and _of(entry, exchange, ends[1]) is connection
    )
    server = tuple(sorted((*listening, *_calls(exchange, told, *ends[::-1])), key=lambda call: call.time))
    return replace(
        connection,
        client=replace(connection.client, calls=client),
        server=replace(connection.server, calls=server),
    )


def _of(entry: Heard, exchange: Exchange, server: Address) -> Connection:
    """Of the connections that a listener had: the last that had begun, or the first of all."""
    its = [c for c in exchange.connections if c.server.address == server]
    begun = [c for c in its if c.segments and exchange.epoch + c.segments[0].sent <= entry.call.time]
    return begun[-1] if begun else its[0]


def _flow(flow: Flow, exchange: Exchange, told: list[Heard]) -> Flow:
    first, second = flow.endpoints
    return replace(flow, calls=(_calls(exchange, told, first, second), _calls(exchange, told, second, first)))


def _calls(exchange: Exchange, told: list[Heard], local: Address, remote: Address) -> tuple[Call, ...]:
    return tuple(
        _on_the_clock(entry.call, exchange)
        for entry in told
        if entry.remote == remote and entry.local.port == local.port and entry.local.host in (local.host, *_ANY)
    )


def _on_the_clock(call: Call, exchange: Exchange) -> Call:
    """In the exchange's time, which begins with the first frame; what was called before that is below zero."""
    returned = None if call.returned is None else call.returned - exchange.epoch
    return replace(call, time=call.time - exchange.epoch, returned=returned)
