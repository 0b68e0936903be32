"""Every row of the table fires in some scenario: the library's, or one that starts in a state and tries everything.

The coverage stands at the end of the test run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tcpviz.exchange import library
from tcpviz.exchange import machine as machines
from tcpviz.exchange import socket as sockets
from tcpviz.exchange.policy import LINUX, RFC, RFC793, Policy
from tcpviz.exchange.scenario_file import parse
from tcpviz.exchange.simulate import simulate
from tcpviz.model.endpoint import Step, step
from tcpviz.model.transitions import TABLE, Row, State

CALLS = [
    ["listen"],
    ["connect"],
    ["send 5"],
    ["send 5", "close"],
    ["send 5", "close", "send 5"],
    ["recv 5"],
    ["recv end"],
    ["shutdown"],
    ["shutdown", "close"],
    ["close"],
    ["wait 50 ms", "close"],
    ["shutdown", "wait 50 ms", "close"],
    ["wait 50 ms", "shutdown", "wait 50 ms", "close"],
    ["abort"],
    ["status"],
    ["timeout"],
    ["wait 2 s"],
]
# what a peer, or somebody in its name, might send: flags, seq, ack, length; ours is at 100, the peer at 300
UNREAD_FAST_OPEN = """
[client]
fast_open = "c00kie"
calls = ["connect 5"]
[server]
fast_open = "c00kie"
calls = ["listen", "accept", "close"]
"""
Arrival = tuple[str, int, int | None, int]
ARRIVALS: list[tuple[Arrival, ...]] = [
    (("RST", 300, None, 0),),
    (("RST", 307, None, 0),),
    (("RST", 200, None, 0),),
    (("RST,ACK", 0, 100, 0),),
    (("RST,ACK", 0, 777, 0),),
    (("SYN", 307, None, 0),),
    (("SYN", 299, None, 0),),
    (("SYN,ACK", 299, 100, 0),),
    (("SYN,ACK", 299, 777, 0),),
    (("PSH", 300, None, 0),),
    (("ACK", 300, 100, 0),),
    (("ACK", 300, 99, 0),),
    (("ACK", 300, 777, 0),),
    (("ACK", 200, 100, 0),),
    (("ACK", 300, 100, 5),),
    (("ACK", 300, 99, 5),),
    (("ACK", 307, 100, 5),),
    (("ACK", 307, 99, 5),),
    (("FIN,ACK", 300, 99, 0),),
    (("FIN,ACK", 300, 100, 0),),
    (("FIN,ACK", 299, 100, 0),),
    (("FIN,ACK", 300, 100, 5),),
    (("ACK,URG", 300, 100, 5),),
    (("ACK,URG", 300, 99, 5),),
    (("ACK", 300, 101, 0), ("ACK", 300, 101, 5)),
    (("SYN", 299, None, 0), ("SYN", 307, None, 0)),
    (("SYN", 299, None, 0), ("RST", 300, None, 0)),
]


def scenarios(state: State) -> Iterator[str]:
    """One end in `state`, whose own segments take long to get anywhere."""
    start = f'start = {{ state = "{state}", snd_nxt = 100, rcv_nxt = 300 }}\nisn = 99\n'
    network = '[network]\ndelay = { client = "30 s", server = "10 ms" }\n'
    for calls in CALLS:
        for arrivals in [(), *ARRIVALS]:
            injections = "".join(_injection(arrival, 20 + 10 * n) for n, arrival in enumerate(arrivals))
            yield f"[client]\n{start}calls = {calls}\n{network}{injections}"


def _injection(arrival: Arrival, at: int) -> str:
    flags, seq, ack, length = arrival
    numbers = f"seq = {seq}\n" + (f"ack = {ack}\n" if ack is not None else "")
    return f'[[inject]]\nfrom = "server"\nflags = "{flags}"\n{numbers}length = {length}\nat = "{at} ms"\n'


@pytest.fixture
def fired(monkeypatch: pytest.MonkeyPatch) -> set[Row]:
    rows: set[Row] = set()

    def watched(endpoint: Any, event: Any) -> Step:
        result = step(endpoint, event)
        rows.update(result.rows)
        return result

    monkeypatch.setattr(sockets, "step", watched)
    monkeypatch.setattr(machines, "step", watched)
    return rows


def test_every_row_fires_in_some_scenario(fired: set[Row], record_property: Callable[[str, object], None]) -> None:
    for name in library.names():
        simulate(library.load(name))
        simulate(library.load(name), LINUX)
    by_library = len(fired)
    simulate(parse(UNREAD_FAST_OPEN, "tried", where="tried"))
    policies: list[Policy] = [RFC, RFC793]
    for state in State:
        for text in scenarios(state):
            for policy in policies:
                simulate(parse(text, "tried", where=text), policy)
    missing = [str(row) for row in TABLE if row not in fired]
    told = f"{by_library} of {len(TABLE)} rows fire in the library, {len(fired)} with what is tried in every state"
    record_property("coverage of the table", told)
    assert not missing, "\n".join(missing)
