"""The kernel's word beside the wire's: whose socket it was, where both agree, and where they part."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator
from wire import played, tapped

from tcpviz.exchange import library
from tcpviz.exchange.capture import Address
from tcpviz.exchange.document import kernel_document, kernel_witness, match_document, schema
from tcpviz.exchange.exchange import Change, Connection, Deed, Exchange, Side, WitnessSource, other
from tcpviz.exchange.kernel_report import kernel_lines
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.match import match
from tcpviz.exchange.policy import LINUX
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import abreast, kernel_sides_with
from tcpviz.exchange.witness import KernelRecord, KernelSocket, attach, beside, disagreements
from tcpviz.model.transitions import State
from tcpviz.value import replace

US = 1000
CLIENT = ["connect", "send hello", "recv 3", "close"]
SERVER = ["listen", "accept", "recv 5", "send abc", "recv end", "wait 100ms", "close"]
SENDING = ("SYN-SENT", "FIN-WAIT-1", "LAST-ACK")
CLIENTS = [(1, "SYN-SENT"), (2, "ESTABLISHED"), (8, "FIN-WAIT-1"), (9, "FIN-WAIT-2"), (10, "TIME-WAIT")]
SERVERS = [(3, "SYN-RECEIVED"), (3, "ESTABLISHED"), (8, "CLOSE-WAIT"), (10, "LAST-ACK"), (11, "CLOSED")]
Story = list[tuple[int, str]]


def captured(client: list[str] = CLIENT, server: list[str] = SERVER, connection: Connection | None = None) -> Exchange:
    """What a tap saw of it. No two frames have one time, as in a simulation."""
    capture = tapped(connection or played(client, server))
    frames = tuple(replace(frame, time=frame.time + frame.number * 20 * US) for frame in capture.frames)
    return match(replace(capture, frames=frames))


def life(exchange: Exchange, side: Side, story: Story, later: int = 0, deeds: tuple[Deed, ...] = ()) -> KernelSocket:
    """A socket that entered each state at the segment with that number: just before it when it sent it, else after."""
    (connection,) = exchange.connections
    changes = []
    for place, (number, state) in enumerate(story):
        moment = exchange.epoch + connection.segments[number - 1].sent + later
        moment += (-3 if state in SENDING else 3) * US + place
        changes.append(Change(moment, State(state)))
    ends = connection.party(side).address, connection.party(other(side)).address
    return KernelSocket(*ends, tuple(changes), deeds)


def told(
    client: Story, server: Story, source: WitnessSource = "tracepoint", exchange: Exchange | None = None
) -> tuple[str, ...]:
    exchange = exchange or captured()
    record = KernelRecord(source, (life(exchange, "client", client), life(exchange, "server", server)))
    return disagreements(attach(exchange, record).connections[0])


def test_both_say_the_same() -> None:
    assert told(CLIENTS, SERVERS) == ()


def test_close_after_shutdown_changes_nothing() -> None:
    assert told([*CLIENTS[:3], (8, "FIN-WAIT-1"), *CLIENTS[3:]], SERVERS) == ()


def test_a_state_that_only_the_kernel_was_in_is_named() -> None:
    (line,) = told(CLIENTS, [*SERVERS[:3], (9, "CLOSING"), *SERVERS[3:]])
    assert line == (
        "server states: the wire has SYN-RECEIVED, ESTABLISHED, CLOSE-WAIT, LAST-ACK, CLOSED; "
        "the kernel has SYN-RECEIVED, ESTABLISHED, CLOSE-WAIT, CLOSING, LAST-ACK, CLOSED"
    )


def test_a_state_that_the_kernel_never_reached_is_named() -> None:
    (line,) = told(CLIENTS[:2], SERVERS)
    assert line.startswith("client states: ")
    assert line.endswith("the kernel has SYN-SENT, ESTABLISHED")


def test_the_mini_socket_says_nothing_more() -> None:
    assert told(CLIENTS[:-1], SERVERS) == ()


def test_fin_wait_2_in_passing_is_no_difference() -> None:
    """Where one segment brings FIN and the ACK of FIN, the RFC goes to TIME-WAIT at once and Linux by FIN-WAIT-2."""
    three = captured(connection=simulate(library.load("three-segment-close"), LINUX).connections[0])
    (connection,) = three.connections
    assert State.FIN_WAIT_2 not in [change.state for change in connection.client.states]
    client = [*CLIENTS[:3], (9, "FIN-WAIT-2"), (9, "TIME-WAIT")]
    server = [*SERVERS[:3], (9, "LAST-ACK"), (10, "CLOSED")]
    assert told(client, server, exchange=three) == ()
    assert told(client[:-1], server, exchange=three) == ()
    assert told(client[:-2], server, exchange=three) != ()


def test_a_server_that_was_never_answered_has_no_socket() -> None:
    asked = captured(["connect"], ["listen"])
    (connection,) = asked.connections
    lone = replace(connection, segments=connection.segments[:1])
    lone = replace(lone, server=replace(lone.server, states=lone.server.states[:2]))
    lone = replace(lone, client=replace(lone.client, states=lone.client.states[:2]))
    asked = replace(asked, connections=(lone,))
    record = KernelRecord("tracepoint", (life(asked, "client", [(1, "SYN-SENT")]),))
    assert disagreements(attach(asked, record).connections[0]) == ()


def test_who_only_looked_now_and_then_may_miss_states_but_not_mistake_them() -> None:
    seen = [CLIENTS[1], CLIENTS[4]], [SERVERS[1], SERVERS[4]]
    assert told(*seen, source="sock_diag") == ()
    assert told(*seen, source="tracepoint") != ()
    assert told([CLIENTS[4], CLIENTS[1]], seen[1], source="sock_diag") != ()


def test_of_several_with_the_same_addresses_the_nearest_is_meant() -> None:
    exchange = captured()
    foreign = [
        life(exchange, side, [(1, "SYN-SENT"), (2, "CLOSED")], later=5_000 * US) for side in ("client", "server")
    ]
    own = [life(exchange, "client", CLIENTS), life(exchange, "server", SERVERS)]
    for sockets in ((*foreign, *own), (*own, *foreign)):
        assert disagreements(attach(exchange, KernelRecord("tracepoint", sockets)).connections[0]) == ()


def test_who_refused_has_accepted_nothing() -> None:
    """Another network namespace may hold a connection with the very same addresses."""
    refused = captured(["connect"], [])
    foreign = life(refused, "server", [(2, "SYN-RECEIVED"), (2, "ESTABLISHED"), (2, "CLOSED")])
    own = life(refused, "client", [(1, "SYN-SENT"), (2, "CLOSED")])
    (connection,) = attach(refused, KernelRecord("tracepoint", (foreign, own))).connections
    assert connection.witness is not None
    assert connection.witness.server.states == ()
    assert disagreements(connection) == ()


def test_a_socket_of_another_hour_is_nobodys() -> None:
    exchange = captured()
    record = KernelRecord("tracepoint", (life(exchange, "client", CLIENTS, later=3600 * 10**6 * US),))
    assert attach(exchange, record) == exchange


def test_sockets_of_other_addresses_bear_no_witness() -> None:
    exchange = captured()
    stranger = replace(life(exchange, "client", CLIENTS), local=Address("192.0.2.1", 50000))
    assert attach(exchange, KernelRecord("tracepoint", (stranger,))) == exchange


def test_what_was_closed_after_the_capture_does_not_count() -> None:
    """A sandbox that is taken down closes what was left open."""
    exchange = captured(["connect"], ["listen", "accept"])
    client = life(exchange, "client", CLIENTS[:2])
    after = Change(client.changes[-1].time + 10**9, State.FIN_WAIT_1)
    record = KernelRecord(
        "tracepoint",
        (replace(client, changes=(*client.changes, after)), life(exchange, "server", SERVERS[:2])),
    )
    (connection,) = attach(exchange, record).connections
    assert connection.witness is not None
    assert [str(change.state) for change in connection.witness.client.states] == ["SYN-SENT", "ESTABLISHED"]
    assert disagreements(connection) == ()


def test_how_it_goes_on_after_a_capture_that_was_cut_does_not_count() -> None:
    """As with --count: the peer's FIN came when nobody listened any more. Where the end was seen, it does count."""
    cut = captured(["connect"], ["listen", "accept"])
    assert told(CLIENTS[:2], [*SERVERS[:2], (3, "CLOSE-WAIT")], exchange=cut) == ()
    assert told(CLIENTS[:2], [SERVERS[0], (3, "CLOSE-WAIT")], exchange=cut) != ()
    assert told(CLIENTS, [*SERVERS, (11, "CLOSE-WAIT")]) != ()


def test_a_connection_seen_from_the_middle_on_is_not_compared() -> None:
    exchange = captured()
    begun = replace(exchange.connections[0], saw_start=False)
    assert told(CLIENTS[:2], SERVERS, exchange=replace(exchange, connections=(begun,))) == ()


def witnessed(deeds: tuple[Deed, ...] = ()) -> Exchange:
    exchange = captured()
    sockets = life(exchange, "client", CLIENTS, deeds=deeds), life(exchange, "server", SERVERS)
    return attach(exchange, KernelRecord("tracepoint", sockets))


def test_each_change_stands_beside_its_segment() -> None:
    assert beside(witnessed().connections[0]) == {
        0: "client SYN-SENT",
        1: "client ESTABLISHED",
        2: "server SYN-RECEIVED, ESTABLISHED",
        7: "client FIN-WAIT-1; server CLOSE-WAIT",
        8: "client FIN-WAIT-2",
        9: "client TIME-WAIT; server LAST-ACK",
        10: "server CLOSED",
    }


def test_the_ladder_has_a_column_for_the_kernel_and_none_without_it() -> None:
    text = ladder(witnessed().connections[0], ascii_only=True)
    lines = text.splitlines()
    assert lines[0].endswith("| kernel")
    assert lines[2].endswith("| client SYN-SENT")
    assert lines[5].endswith("ESTABLISHED")
    assert "|" not in ladder(captured().connections[0], ascii_only=True)


def test_what_the_kernel_did_stands_beside_the_segment_it_sent() -> None:
    exchange = captured()
    moment = exchange.epoch + exchange.connections[0].segments[3].sent - 2 * US
    text = ladder(witnessed((Deed(moment, "retransmitted"),)).connections[0], ascii_only=True)
    assert text.splitlines()[5].endswith("| client retransmitted")


def test_the_document_has_it_with_times() -> None:
    exchange = witnessed((Deed(captured().epoch + 5 * US, "reset sent", "NO_SOCKET"),))
    document = match_document([(tapped(played(CLIENT, SERVER)), exchange)])
    kernel = document["captures"][0]["connections"][0]["kernel"]
    assert kernel["source"] == "tracepoint"
    assert [entry["state"] for entry in kernel["server"]["states"]] == [state for _, state in SERVERS]
    assert kernel["client"]["deeds"] == [{"time": 0.000005, "what": "reset sent", "reason": "NO_SOCKET"}]
    faults = Draft202012Validator(json.loads(schema())).iter_errors(document)
    assert [error.message for error in faults] == []
    bare = match_document([(tapped(played(CLIENT, SERVER)), captured())])
    assert "kernel" not in bare["captures"][0]["connections"][0]


def test_the_report_sets_the_three_side_by_side() -> None:
    exchange = witnessed()
    lines = list(kernel_lines(exchange, (played(CLIENT, SERVER),)))
    assert lines[1].split() == ["client", "server"]
    assert lines[2].split() == ["model", "wire", "kernel"] * 2
    assert lines[3].split() == ["SYN-SENT"] * 3 + ["SYN-RECEIVED"] * 3
    assert lines[-1] == "the kernel agrees: its tracepoint sock:inet_sock_set_state told each change"
    assert max(map(len, lines)) <= 80


def test_of_several_connections_the_report_says_which_is_which() -> None:
    exchange = witnessed()
    lines = list(kernel_lines(replace(exchange, connections=exchange.connections * 2)))
    headings = [lines[place - 1] for place, line in enumerate(lines) if line.split() == ["client", "server"]]
    assert headings == ["connection 1", "connection 2"]


def test_the_report_says_when_there_was_no_witness() -> None:
    (line,) = kernel_lines(captured(), missing="it was asleep")
    assert line == "the kernel bore no witness: sock_diag came too late to see its sockets, and it was asleep"
    assert list(kernel_lines(captured())) == ["the kernel bore no witness: its sockets were elsewhere"]
    assert list(kernel_lines(replace(captured(), connections=()))) == []


def test_the_report_says_which_witness_it_had_when_there_is_nothing_to_compare() -> None:
    exchange = witnessed()
    begun = replace(exchange, connections=tuple(replace(c, saw_start=False) for c in exchange.connections))
    assert list(kernel_lines(begun))[-1] == (
        "the kernel is not compared, for it all had begun before the capture: "
        "its tracepoint sock:inet_sock_set_state told each change"
    )


def test_states_abreast_leave_gaps_where_one_is_missing() -> None:
    assert abreast([["A", "B", "D"], ["A", "B", "C", "D"], ["A", "D"]]) == [
        ("A", "A", "A"),
        ("B", "B", ""),
        ("", "C", ""),
        ("D", "D", "D"),
    ]


def test_who_crashed_and_opened_again_has_had_two_sockets() -> None:
    exchange = captured(connection=simulate(library.load("crash-client-opens"), LINUX).connections[0])
    lives: dict[Side, tuple[Story, Story]] = {
        "client": ([(1, "SYN-SENT"), (2, "ESTABLISHED"), (3, "CLOSED")], [(4, "SYN-SENT"), (8, "ESTABLISHED")]),
        "server": (
            [(3, "SYN-RECEIVED"), (3, "ESTABLISHED"), (6, "CLOSED")],
            [(9, "SYN-RECEIVED"), (9, "ESTABLISHED")],
        ),
    }
    sockets = tuple(life(exchange, side, story) for side, stories in lives.items() for story in stories)
    (connection,) = attach(exchange, KernelRecord("tracepoint", sockets)).connections
    assert disagreements(connection) == ()
    assert connection.witness
    assert [len(connection.witness.of(side).states) for side in lives] == [5, 5]
    (connection,) = attach(exchange, KernelRecord("tracepoint", sockets[:1] + sockets[2:])).connections
    assert len(disagreements(connection)) == 1


def test_time_wait_may_pass_between_two_looks() -> None:
    short = captured(connection=simulate(library.load("time-wait-rst"), LINUX).connections[0])
    reset = next(n for n, s in enumerate(short.connections[0].segments, 1) if s.segment.rst)
    seen = [*CLIENTS[:4], (reset, "CLOSED")]
    parted = told(seen, SERVERS, exchange=short)
    assert [line for line in parted if line.startswith("client")] == []


def test_what_is_written_down_is_read_again() -> None:
    exchange = captured()
    record = KernelRecord(
        "tracepoint", (life(exchange, "client", CLIENTS, deeds=(Deed(exchange.epoch, "reset sent"),)),)
    )
    witness = attach(exchange, record).connections[0].witness
    assert witness
    assert witness.client.deeds
    assert kernel_witness(json.loads(json.dumps(kernel_document(witness)))) == witness


def test_the_kernel_may_side_with_the_model() -> None:
    """What was lost after the place of capture: the wire lets one think that it arrived."""
    model = simulate(library.load("fin-timeout"), LINUX).connections[0]
    first = next(n for n, sent in enumerate(model.segments) if sent.segment.fin) + 1
    segments = tuple(replace(s, arrived=s.sent if s.arrived is None else s.arrived) for s in model.segments[:first])
    wire = captured(connection=replace(model, segments=segments))
    lives: dict[Side, Story] = {
        "client": [(1, "SYN-SENT"), (2, "ESTABLISHED"), (4, "FIN-WAIT-1")],
        "server": [(3, "SYN-RECEIVED"), (3, "ESTABLISHED")],
    }
    sockets = tuple(life(wire, side, story) for side, story in lives.items())
    (connection,) = attach(wire, KernelRecord("tracepoint", sockets)).connections
    assert disagreements(connection) != ()
    assert kernel_sides_with(model, connection)
    assert not kernel_sides_with(played(CLIENT, SERVER), connection)
    exchange = replace(wire, connections=(connection,))
    assert "the kernel sides with the model" in list(kernel_lines(exchange, (model,)))[-1]
    assert "the kernel disagrees" in list(kernel_lines(exchange, (played(CLIENT, SERVER),)))[-1]
    assert "the kernel disagrees" in list(kernel_lines(exchange))[-1]
