"""Addresses that are used again: a fault in the handshake of a connection is not one of the connection before."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
from wire import Said, captured, peer, stack, tapped

from tcpviz.exchange import library
from tcpviz.exchange.match import match
from tcpviz.exchange.simulate import simulate
from tcpviz.model.segment import ACK, FIN, RST, SYN, Segment
from tcpviz.model.sequence import add
from tcpviz.value import replace

Fault = Callable[[Segment], Segment]


def toggled(flags: int) -> Fault:
    return lambda segment: replace(segment, flags=segment.flags ^ flags)


def off(field: str, by: int) -> Fault:
    return lambda segment: replace(segment, **{field: add(getattr(segment, field), by)})


class Blamed(NamedTuple):
    """For each connection, the frames that are blamed with their fields; and the frame that was changed."""

    connections: list[list[tuple[int | None, str]]]
    changed: int


def blamed(name: str, flags: int, fault: Fault) -> Blamed:
    """With a fault in the last segment of the scenario that has these flags."""
    played = simulate(library.load(name)).connections
    seen = [frame.number for frame in tapped(*played).frames if frame.segment and frame.segment.flags == flags]
    connections = match(tapped(*played, change={seen[-1]: fault})).connections
    found = [[(s.frame, str(s.expected.field)) for s in c.violations if s.expected] for c in connections]
    return Blamed(found, seen[-1])


FAULTS = pytest.mark.parametrize(
    ("fault", "field"),
    [
        (toggled(SYN), "flags"),
        (toggled(RST), "flags"),
        (toggled(FIN), "flags"),
        (off("ack", 1), "ack"),
        (off("ack", -1), "ack"),
    ],
    ids=["-SYN", "+RST", "+FIN", "ack+1", "ack-1"],
)
AGAIN = pytest.mark.parametrize("name", ["tw-reuse", "time-wait-reuse"])
"""The client was in TIME-WAIT, or the server; the SYN opens the second connection all the same."""


@AGAIN
@FAULTS
def test_a_wrong_syn_ack_is_blamed_alone(name: str, fault: Fault, field: str) -> None:
    found, frame = blamed(name, SYN | ACK, fault)
    assert found == [[], [(frame, field)]]


@AGAIN
def test_a_syn_without_syn_is_blamed_alone(name: str) -> None:
    found, frame = blamed(name, SYN, toggled(SYN))
    assert found == [[], [(frame, "flags")]]


@AGAIN
@pytest.mark.parametrize("by", [1, -1])
def test_a_number_that_the_answer_does_not_take_up_is_the_syns_fault(name: str, by: int) -> None:
    found, frame = blamed(name, SYN, off("seq", by))
    assert found == [[], [(frame, "seq")]]


@FAULTS
def test_where_the_older_connection_had_a_word_to_say_both_are_one_story(fault: Fault, field: str) -> None:
    """A client that crashed opens anew, is challenged, and resets; its SYN comes again and is answered."""
    found, frame = blamed("crash-client-opens", SYN | ACK, fault)
    assert found == [[(frame, field)]]


def test_a_client_that_crashed_opens_anew_also_where_it_is_judged_alone() -> None:
    played = simulate(library.load("crash-client-opens")).connections
    (connection,) = match(tapped(*played), "client").connections
    assert connection.conforms


# What was forged after the end opens no other connection

CLOSED = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1), stack(FIN | ACK, 1, 1), peer(FIN | ACK, 1, 2))
OVER = (*CLOSED, stack(ACK, 2, 2))


def test_a_syn_ack_that_nobody_answers_is_forged() -> None:
    assert blamed_in(*OVER, stack(SYN | ACK, 900_000, 800_001)) == [[7]]
    assert blamed_in(*OVER, stack(SYN | ACK, 900_000, 800_001), peer(ACK, 800_001, 900_001)) == [[], []]


def test_a_reset_from_elsewhere_is_not_of_the_connection_that_opens_next() -> None:
    anew = peer(SYN, 70_000), stack(SYN | ACK, 90_000, 70_001), peer(ACK, 70_001, 90_001)
    assert blamed_in(*OVER, stack(RST, 900_000), *anew) == [[7], []]


def blamed_in(*story: Said) -> list[list[int | None]]:
    """The frames that are blamed, in each connection."""
    return [[sent.frame for sent in connection.violations] for connection in match(captured(*story)).connections]
