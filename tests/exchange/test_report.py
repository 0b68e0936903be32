"""What match tells a person."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator
from wire import normal, renumbered, tapped

from tcpviz.exchange.capture import Capture
from tcpviz.exchange.document import line_document, match_document, schema
from tcpviz.exchange.exchange import Connection, Exchange, Expected
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.match import match
from tcpviz.exchange.report import Table, report, verdict_lines
from tcpviz.value import replace


def matched() -> Connection:
    return match(tapped(normal())).connections[0]


def marked(**changes: object) -> Connection:
    """The normal connection with its fifth segment changed."""
    connection = matched()
    segments = list(connection.segments)
    segments[4] = replace(segments[4], **changes)
    return replace(connection, segments=tuple(segments))


def test_a_warning_is_told_and_violates_nothing() -> None:
    warned = marked(verdict="warning", expected=Expected("window", 9, "10", "RFC 9293 3.8.6"), section="RFC 9293 3.8.6")
    assert list(verdict_lines(warned, 1, 1)) == [
        "conforms: closed, 11 segments",
        "  frame 5: warning: expected window=10, not 9 (RFC 9293 3.8.6)",
    ]


def test_a_fault_has_one_section_and_a_warning_its_own_mark() -> None:
    told = {"expected": Expected("options", 40, "4", "RFC 9293 3.2"), "section": "RFC 9293 3.10.1"}
    fault = "expected options=4, not 40 (RFC 9293 3.2)"
    for verdict, mark in (("warning", "!"), ("violation", "✗")):
        odd = marked(verdict=verdict, **told)
        assert list(verdict_lines(odd, 1, 1))[1].endswith(f": {fault}")
        assert f"\n    {mark} {fault}\n" in ladder(odd, verdicts=True)


def test_one_frame_is_one() -> None:
    assert report(Capture("x.pcap", (), 1), Exchange("x.pcap", ())) == "x.pcap: 1 frame; 0 connections\n"


def test_a_segment_that_was_not_captured_is_counted_and_has_no_frame() -> None:
    inferred = marked(frame=None, kind="inferred")
    assert list(verdict_lines(inferred, 1, 1)) == ["conforms: closed, 11 segments, 1 not captured"]
    line = line_document("x.pcap", 1, inferred)
    assert (line["segments"][4]["frame"], line["segments"][4]["kind"]) == (None, "inferred")
    Draft202012Validator(json.loads(schema())).validate(line)


def test_one_side_is_named() -> None:
    told = next(verdict_lines(replace(matched(), judged=("server",)), 2, 3))
    assert told == "connection 2: the server alone conforms: closed, 11 segments"


def test_a_table_has_the_first_fault_of_each_connection() -> None:
    violating = marked(verdict="violation", expected=Expected("ack", 7, "6", "RFC 9293 3.4"), section="RFC 9293 3.4")
    twice = replace(violating, segments=(*violating.segments, violating.segments[4]))
    assert list(Table(file=8, client=16).rows(7, twice, "x.pcap")) == [
        "x.pcap      7  10.0.0.1:50000          12  closed     VIOLATES  10.0.0.2:80",
        "               frame 5: expected ack=6, not 7 (RFC 9293 3.4), and 1 more",
    ]


def test_what_is_shown_and_what_is_counted() -> None:
    connections = tuple(renumbered(matched(), 50000 + n) for n in range(5))
    exchange = Exchange("x.pcap", connections)
    capture = Capture("x.pcap", (), 55)
    whole = report(capture, exchange)
    assert [line.split()[0] for line in whole.splitlines()] == ["client", "1", "2", "3", "4", "5", "x.pcap:"]
    one = report(capture, exchange, shown=(2,))
    assert "client 10.0.0.1:50001" in one
    assert "connection 2: conforms" in one
    assert one.endswith("x.pcap: 55 frames; 5 connections, all conform\n")
    assert match_document([(capture, exchange)])["captures"][0]["frames"] == 55


def test_a_capture_of_nothing_but_udp() -> None:
    capture = tapped(normal())
    udp = tuple(replace(frame, segment=None) for frame in capture.frames[:2])
    told = report(capture, match(replace(capture, frames=udp)))
    assert "UDP 10.0.0.1:50000 and 10.0.0.2:80: 2 datagrams, 0 octets" in told
    assert told.endswith("test.pcap: 11 frames; 0 connections\n")
