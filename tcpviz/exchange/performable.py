"""What the lab can play on a kernel as it is, and if not, why not."""

from __future__ import annotations

from dataclasses import fields

from tcpviz.exchange.scenario import Host, Scenario

_KERNEL_DECIDES = {"calls", "isn", "later_isns", "address", "port", "delayed_fin_ack"}
"""What a kernel chooses by itself, or what the lab gives its sockets."""


_KERNEL_BRINGS = {"mss", "window", "window_scale", "sack", "timestamps", "ecn", "delayed_ack"}
"""What some stack brought along where the scenario was seen, and a kernel brings its own."""


def obstacle(scenario: Scenario) -> str:
    """Empty when the scenario can be performed; else the reason, as it goes into an error."""
    return scenario.unperformable or _on_the_way(scenario) or _at_the_ends(scenario) or _at_once(scenario)


def _on_the_way(scenario: Scenario) -> str:
    network = scenario.network
    faults = (*network.lose, *network.duplicate, *network.reorder, *(name for name, _ in network.hold))
    if faults:
        return f"something happens on the way to {faults[0]}, and in the lab nothing stands between the ends"
    if network.loss:
        return "its network loses segments at random, and in the lab nothing stands between the ends"
    if scenario.injections:
        return "it has segments that neither end sends, and the lab forges none"
    return ""


def _at_the_ends(scenario: Scenario) -> str:
    if scenario.more_clients or scenario.more_servers:
        return "it has more than one application on a side, and the lab starts one"
    decided = _KERNEL_DECIDES | (_KERNEL_BRINGS if scenario.seen_in else set())
    for side, host in (("client", scenario.client), ("server", scenario.server)):
        for call in host.calls:
            if call.verb in ("crash", "send-urgent") or (call.verb == "connect" and (call.data or side == "server")):
                return f"the lab cannot make the {side}'s call `{call}`"
        for field in fields(Host):
            if field.name not in decided and getattr(host, field.name) != field.default:
                return f"the {side}'s {field.name} is given, and the lab leaves that to the kernel"
    if sum(call.verb == "connect" for call in scenario.client.calls) > 1:
        return "the client connects more than once, and the lab's does so once"
    return ""


def _at_once(scenario: Scenario) -> str:
    """Segments cross in the model's delay; on a loopback they hardly ever do."""
    moments = [{call.time for call in host.calls if call.verb == "at"} for host in (scenario.client, scenario.server)]
    if moments[0] & moments[1]:
        return "both ends act at the same instant, and on a loopback their segments need not cross"
    if (scenario.client.address, scenario.client.port) == (scenario.server.address, scenario.server.port):
        return "both ends have one address and port, which the lab does not bind"
    return ""
