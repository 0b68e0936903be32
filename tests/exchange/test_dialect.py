"""Whose TCP was that? What a dialect does differently is seen, named, and nobody else's."""

from __future__ import annotations

import pytest

from tcpviz.exchange import library
from tcpviz.exchange.capture import Capture
from tcpviz.exchange.dialect import Habits, habits
from tcpviz.exchange.exchange import Side
from tcpviz.exchange.match import match
from tcpviz.exchange.policy import POLICIES
from tcpviz.exchange.simulate import simulate
from tcpviz.frames import frames_of
from tcpviz.model.deviations import Deviation


def shown(name: str, dialect: str, side: Side, matched: bool = False) -> Habits:
    exchange = simulate(library.load(name), POLICIES[dialect])
    if matched:
        frames = frames_of(exchange)
        exchange = match(Capture("x.pcap", frames, len(frames)))
    return habits(exchange.connections[0], side)


@pytest.mark.parametrize("dialect", POLICIES)
@pytest.mark.parametrize("name", library.names())
def test_an_end_never_shows_what_its_dialect_does_not_do(name: str, dialect: str) -> None:
    own = {Deviation.NO_TIME_WAIT_ASSASSINATION, Deviation.FIN_WAIT_2_TIMEOUT}
    """What a scenario may switch on by itself."""
    for connection in simulate(library.load(name), POLICIES[dialect]).connections:
        for side in ("client", "server"):
            found = habits(connection, side)
            assert set(found.seen) - own <= POLICIES[dialect].deviations
            assert not set(found.denied) & POLICIES[dialect].deviations
            assert dialect in found.dialects


@pytest.mark.parametrize("matched", [False, True], ids=["played", "matched"])
@pytest.mark.parametrize(
    ("name", "dialect", "side", "seen", "denied", "dialects"),
    [
        ("normal", "linux", "client", [], [], ["rfc9293", "rfc793", "linux", "freebsd"]),
        ("abort", "rfc9293", "client", [], ["reset-with-ack"], ["rfc9293", "rfc793"]),
        ("abort", "linux", "client", ["reset-with-ack"], [], ["linux", "freebsd"]),
        ("abort-by-server", "freebsd", "server", ["reset-with-ack"], [], ["linux", "freebsd"]),
        ("refused", "linux", "server", [], [], ["rfc9293", "rfc793", "linux", "freebsd"]),
        ("zero-window", "linux", "client", ["empty-window-probe"], [], ["linux"]),
        ("zero-window", "freebsd", "client", [], ["empty-window-probe"], ["rfc9293", "rfc793", "freebsd"]),
    ],
)
def test_the_habits_of_a_dialect(
    name: str, dialect: str, side: Side, seen: list[str], denied: list[str], dialects: list[str], matched: bool
) -> None:
    found = shown(name, dialect, side, matched)
    assert [deviation.label for deviation in found.seen] == seen
    assert [deviation.label for deviation in found.denied] == denied
    assert list(found.dialects) == dialects


@pytest.mark.parametrize(
    ("name", "dialect", "side", "seen", "denied"),
    [
        ("blind-rst", "linux", "server", [], ["reset-in-window"]),
        ("blind-syn", "rfc9293", "server", [], ["syn-in-window"]),
        ("blind-syn", "rfc793", "server", ["syn-in-window"], []),
        ("duplicated-syn", "linux", "server", ["syn-ack-again"], []),
        ("duplicated-syn", "freebsd", "server", ["syn-ack-again"], []),
        ("duplicated-syn", "rfc9293", "server", [], ["syn-ack-again"]),
    ],
)
def test_what_an_attack_or_a_loss_brings_out(
    name: str, dialect: str, side: Side, seen: list[str], denied: list[str]
) -> None:
    found = shown(name, dialect, side)
    assert [deviation.label for deviation in found.seen] == seen
    assert [deviation.label for deviation in found.denied] == denied


def test_habits_of_two_stacks_are_no_dialect() -> None:
    assert Habits((Deviation.RESET_WITH_ACK, Deviation.RESET_IN_WINDOW), ()).dialects == ()
    assert Habits((), (Deviation.RESET_WITH_ACK, Deviation.RESET_IN_WINDOW)).dialects == ("rfc9293",)
