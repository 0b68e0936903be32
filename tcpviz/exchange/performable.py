"""What the lab can play on a kernel as it is, and on which stage; and if not, why not."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator
from typing import Any

from tcpviz.exchange.exchange import Side
from tcpviz.exchange.scenario import FIRST_ISN, Host, Network, Scenario
from tcpviz.model.transitions import State
from tcpviz.value import defaults, fields, replace

_BESIDES_TCP = {
    "calls", "threads", "isn", "later_isns", "address", "port", "delayed_fin_ack", "backlog", "reuse_address",
}  # fmt: skip
"""What says nothing of a host's TCP, or what a kernel on a loopback does anyway."""
_SMALLEST_MSS, _SMALLEST_MSS_V6 = 88, 1220
"""TCP_MIN_MSS of Linux; what the least MTU of IPv6 leaves (RFC 8200 section 5)."""


_KERNEL_BRINGS = ("mss", "window", "window_scale", "sack", "timestamps", "ecn", "delayed_ack", "later_isns")
"""What some stack brought along where a scenario was seen, and a kernel brings its own."""


def obstacle(scenario: Scenario) -> str:
    """Empty when the scenario can be performed; else the reason, as it goes into an error."""
    if scenario.program:
        return ""  # programs of its own make its calls
    return scenario.unperformable or next(_obstacles(as_performed(scenario)), "")


def as_performed(scenario: Scenario) -> Scenario:
    """Of one that was inferred from a capture only the calls and the network count: no numbers, options and windows."""
    if not scenario.seen_in:
        return scenario

    def plain(side: Side) -> tuple[Host, ...]:
        hosts = scenario.hosts(side)
        return tuple(Host(h.calls, FIRST_ISN[side], h.address, h.port, **_of_calls(h)) for h in hosts)

    (client, *clients), (server, *servers) = plain("client"), plain("server")
    # how long segments took there says nothing of what was done to them
    network = replace(scenario.network, delay=Network().delay, client_delay=None, server_delay=None)
    more = tuple(clients), tuple(servers)
    return replace(scenario, client=client, server=server, more_clients=more[0], more_servers=more[1], network=network)


def _of_calls(host: Host) -> dict[str, Any]:
    """What the applications set, and no stack brings along."""
    left_out = {"calls", "isn", "address", "port", *_KERNEL_BRINGS}
    return {name: getattr(host, name) for name in fields(Host) if name not in left_out}


def needs_link(scenario: Scenario) -> bool:
    """Two machines and a line between them; else one loopback does, with the kernel's own options and timers."""
    hosts = (*scenario.hosts("client"), *scenario.hosts("server"))
    return (
        _does_something(scenario.network)
        or bool(scenario.injections)
        or any(getattr(host, name) != _DEFAULTS[name] for host in hosts for name in _TCP_FIELDS)
        or (not scenario.seen_in and any(len(call.data) > host.mss for host in hosts for call in host.calls))
        or any(call.verb == "connect" for host in scenario.hosts("server") for call in host.calls)
        or _at_once(scenario)
        or len({host.address for host in scenario.hosts("client")}) > 1
    )


def _does_something(network: Network) -> bool:
    plain = Network()
    delays = network.one_way("client"), network.one_way("server")
    return delays != (plain.delay, plain.delay) or network != replace(
        plain, client_delay=network.client_delay, server_delay=network.server_delay, seed=network.seed
    )


_TCP_FIELDS = tuple(name for name in fields(Host) if name not in _BESIDES_TCP)
_DEFAULTS = defaults(Host)


def _at_once(scenario: Scenario) -> bool:
    """Segments cross in the line's delay; on a loopback they hardly ever do."""
    moments = [
        {call.time for host in scenario.hosts(side) for call in host.calls if call.verb == "at"}
        for side in ("client", "server")
    ]
    return bool(moments[0] & moments[1])


def _obstacles(scenario: Scenario) -> Iterator[str]:
    for side in ("client", "server"):
        hosts = scenario.hosts(side)
        for host in hosts:
            for call in itertools.chain(host.calls, *host.threads):
                if call.verb in ("status", "timeout"):
                    yield f"sockets have no call like the {side}'s `{call}`"
            if host.start and host.start.state is not State.ESTABLISHED:
                yield f"a kernel lets a connection begin in ESTABLISHED only, and the {side}'s in {host.start.state}"
        for name in _TCP_FIELDS:
            if len({getattr(host, name) for host in hosts}) > 1:
                yield f"the {side}'s applications differ in {name}, and share a machine"
    if needs_link(scenario):
        yield from _no_line(scenario)


def _no_line(scenario: Scenario) -> Iterator[str]:
    if scenario.client.talks_udp or scenario.server.talks_udp:
        yield "the line between two machines carries TCP alone, and UDP no further than a loopback"
    addresses = [{host.address for host in scenario.hosts(side)} for side in ("client", "server")]
    if addresses[0] & addresses[1]:
        yield "both ends have one address, and between two machines each needs its own"
    for address in addresses[0] | addresses[1]:
        if ipaddress.ip_address(address).is_loopback:
            yield f"no other machine reaches the address {address}"
        least = _SMALLEST_MSS_V6 if ":" in address else _SMALLEST_MSS
        if any(host.mss < least for host in (scenario.client, scenario.server)):
            yield f"a kernel's segments take {least} octets at least"
