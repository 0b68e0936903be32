"""Two stories are the same, or differ by a freedom that has a name, or one of them is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection, Exchange, Transmission
from tcpviz.exchange.freedoms import Freedom
from tcpviz.exchange.policy import LINUX, RFC
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import differences, stories_differ
from tcpviz.model.segment import ACK
from tcpviz.value import replace


def played(name: str) -> Connection:
    return simulate(library.load(name), LINUX).connections[0]


def changed(connection: Connection, number: int, **fields: int) -> Connection:
    """The same, but for a field of one segment."""
    segments = list(connection.segments)
    segments[number - 1] = replace(segments[number - 1], segment=replace(segments[number - 1].segment, **fields))
    return replace(connection, segments=tuple(segments))


def without(connection: Connection, number: int) -> Connection:
    return replace(connection, segments=connection.segments[: number - 1] + connection.segments[number:])


def freedoms(one: Connection, two: Connection) -> set[Freedom | None]:
    return {difference.freedom for difference in differences(one, two)}


@pytest.mark.parametrize("name", library.names())
def test_every_story_is_its_own(name: str) -> None:
    exchange = simulate(library.load(name), RFC)
    assert stories_differ(exchange, exchange) == ()


@pytest.mark.parametrize(
    ("name", "number", "fields"),
    [
        ("normal", 4, {"seq": 1002}),
        ("normal", 11, {"ack": 5004}),
        ("normal", 8, {"flags": ACK}),
        ("normal", 6, {"length": 4}),
        ("data-lost", 6, {"length": 4}),
        ("simultaneous-close", 8, {"ack": 1}),
        ("zero-window", 14, {"seq": 3002}),
        ("syn-ack-lost", 12, {"ack": 5003}),
    ],
)
def test_a_wrong_number_has_no_excuse(name: str, number: int, fields: dict[str, int]) -> None:
    model = played(name)
    assert None in freedoms(changed(model, number, **fields), model)


@pytest.mark.parametrize(
    ("name", "number"),
    [("normal", 2), ("normal", 8), ("normal", 11), ("blind-rst", 7), ("data-lost", 4), ("half-close", 5)],
)
def test_a_segment_that_lacks_has_no_excuse(name: str, number: int) -> None:
    model = played(name)
    assert None in freedoms(without(model, number), model)


def repeated(connection: Connection, number: int, **fields: int) -> Connection:
    """The same, but for a segment that is sent twice."""
    again = changed(connection, number, **fields).segments[number - 1]
    segments = (*connection.segments[:number], again, *connection.segments[number:])
    return replace(connection, segments=segments)


@pytest.mark.parametrize("number", [4, 6, 8, 10])
def test_what_comes_twice_where_nothing_was_lost_is_a_tail_loss_probe(number: int) -> None:
    model = played("normal")
    assert freedoms(repeated(model, number), model) <= {Freedom.TAIL_LOSS_PROBE, Freedom.ANSWER_AND_TEXT}
    assert None in freedoms(repeated(model, number, seq=7777), model)


def test_where_something_was_lost_a_repetition_must_come() -> None:
    model = played("data-lost")
    again = next(n for n, s in enumerate(model.segments, 1) if s.kind == "retransmission")
    assert None in freedoms(without(model, again), model)


def test_a_close_in_three_segments_is_a_delayed_ack() -> None:
    three, four = played("three-segment-close"), played("normal")
    assert freedoms(three, four) == freedoms(four, three) == {Freedom.DELAYED_ACK}
    (segments, states) = differences(three, four, ("it", "the other"))
    assert str(segments) == (
        "server segment 4: it has FIN,ACK seq=4 ack=7, the other has ACK seq=4 ack=7 (delayed ACK, RFC 9293 3.8.6.3)"
    )
    assert states.text.startswith("client states: it has CLOSED, SYN-SENT, ESTABLISHED, FIN-WAIT-1, TIME-WAIT; ")


def test_how_the_two_sides_interleave_is_no_part_of_the_story() -> None:
    model = played("normal")
    crossed = (*model.segments[:4], model.segments[6], *model.segments[4:6], *model.segments[7:])
    assert differences(replace(model, segments=crossed), model) == ()
    client = [n for n, sent in enumerate(model.segments) if sent.origin == "client"][-2:]
    segments = list(model.segments)
    segments[client[0]], segments[client[1]] = segments[client[1]], segments[client[0]]
    assert None in freedoms(replace(model, segments=tuple(segments)), model)


def test_who_is_called_client_is_no_part_of_the_story_when_both_open() -> None:
    model = played("simultaneous-open")
    assert differences(turned(model), model) == ()


def turned(connection: Connection) -> Connection:
    other: Callable[[Transmission], Transmission] = lambda sent: replace(  # noqa: E731
        sent, origin="server" if sent.origin == "client" else "client"
    )
    return replace(
        connection,
        client=connection.server,
        server=connection.client,
        segments=tuple(map(other, connection.segments)),
    )


def test_timers_may_cross() -> None:
    model = played("syn-ack-lost")
    again = next(n for n, sent in enumerate(model.segments, 1) if sent.segment.syn and sent.segment.has_ack and n > 4)
    assert freedoms(without(model, again), model) == {Freedom.CROSSING_TIMERS}


def test_probes_may_be_fewer_but_text_may_not() -> None:
    model = played("zero-window")
    probe = next(n for n, sent in enumerate(model.segments, 1) if sent.kind == "window-probe")
    assert freedoms(without(model, probe), model) == {Freedom.PROBES}
    text = next(n for n, sent in enumerate(model.segments, 1) if sent.segment.length)
    assert None in freedoms(without(model, text), model)


def test_a_connection_that_lacks_is_told() -> None:
    both = simulate(library.load("two-connections"), LINUX)
    one = Exchange(both.title, both.connections[:1])
    (difference,) = stories_differ(one, both, ("the kernel", "the model"))
    assert str(difference) == "the kernel has 1 connections, the model has 2"


def test_every_freedom_has_a_section_and_a_reason() -> None:
    assert all(freedom.section.startswith("RFC ") and freedom.why for freedom in Freedom)
    assert len({freedom.label for freedom in Freedom}) == len(Freedom)


def test_of_udp_the_datagrams_are_compared() -> None:
    udp = simulate(library.load("tutorial-udp-both-ways"))
    (flow,) = udp.flows
    assert stories_differ(udp, udp) == ()
    short = replace(udp, flows=(replace(flow, datagrams=flow.datagrams[:-1]),))
    (missing,) = stories_differ(short, udp, ("the wire", "the model"))
    assert str(missing) == "flow 1, octets from its second end: the wire has 6; the model has 6, 4"
    assert [str(each) for each in stories_differ(replace(udp, flows=()), udp)] == ["one has 0 flows, two has 1"]
