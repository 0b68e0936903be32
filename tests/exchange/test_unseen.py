"""Lost before the place of capture: whichever segment it was, it is inferred or leaves no trace, and nobody is blamed.

No capture here has a count of packets. A few octets are the hardest: a number that is wrong by as much looks the same
until they come again.
"""

from __future__ import annotations

from itertools import combinations

import pytest
from wire import blamed, peer, stack

from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.capture import Capture
from tcpviz.exchange.match import match
from tcpviz.exchange.policy import POLICIES
from tcpviz.exchange.scenario import Scenario, SegmentName
from tcpviz.exchange.scenario_file import parse
from tcpviz.exchange.simulate import simulate
from tcpviz.frames import frames_of
from tcpviz.model.segment import ACK, PSH, SYN
from tcpviz.value import replace

STORIES = {
    "echo": (["connect", "send {n}", "recv {n}", "send {n}", "recv {n}", "close"],
             ["listen", "accept", "recv {n}", "send {n}", "recv {n}", "send {n}", "recv end", "close"]),
    "at once": (["connect", "send {n}", "send {n}", "send {n}", "recv end", "close"],
                ["listen", "accept", "recv {n}", "recv {n}", "recv {n}", "send {n}", "send {n}", "close"]),
    "with pauses": (["connect", "send {n}", "wait 50 ms", "send {n}", "wait 500 ms", "send {n}", "recv end", "close"],
                    ["listen", "accept", "wait 30 ms", "send {n}", "wait 300 ms", "send {n}", "recv end", "close"]),
    "across": (["connect", "send {n}", "wait 100 ms", "recv {n}", "close"],
               ["listen", "accept", "send {n}", "wait 100 ms", "send {n}", "recv {n}", "close"]),
    "half-closed": (["connect", "send {n}", "shutdown", "recv end", "close"],
                    ["listen", "accept", "recv end", "send {n}", "wait 50 ms", "send {n}", "wait 400 ms", "close"]),
}  # fmt: skip


def story(name: str, octets: int) -> Scenario:
    client, server = ([call.format(n=octets) for call in calls] for calls in STORIES[name])
    return parse(f"[client]\ncalls = {client}\n[server]\ncalls = {server}\n", name, where=name)


def blames(plan: Scenario, numbers: tuple[int, ...], dialect: str) -> list[str]:
    """Who is blamed where these segments were lost before the place of capture."""
    unseen = tuple(SegmentName(None, "segment", number) for number in numbers)
    try:
        exchange = simulate(replace(plan, network=replace(plan.network, lose_unseen=unseen)), POLICIES[dialect])
    except InputError:
        return []  # after the first loss there are fewer
    frames = frames_of(exchange)
    found = match(Capture("unseen.pcap", frames, len(frames))).connections
    return [f"{numbers}: frame {sent.frame}, {sent.expected}" for c in found for sent in c.violations]


def check(plan: Scenario, dialect: str, together: int = 1) -> None:
    """So many of them are lost, whichever they are."""
    numbers = range(1, len(simulate(plan, POLICIES[dialect]).connections[0].segments) + 1)
    assert [blame for lost in combinations(numbers, together) for blame in blames(plan, lost, dialect)] == []


@pytest.mark.parametrize("dialect", ["rfc9293", "linux"])
@pytest.mark.parametrize("octets", [1, 2, 3, 5])
@pytest.mark.parametrize("name", STORIES)
def test_nobody_is_blamed_for_what_the_capture_lacks(name: str, octets: int, dialect: str) -> None:
    check(story(name, octets), dialect)


@pytest.mark.parametrize("sack", [False, True], ids=["without SACK", "with SACK"])
@pytest.mark.parametrize("name", STORIES)
def test_nor_where_two_are_lost(name: str, sack: bool) -> None:
    plan = story(name, 5)
    ends = {side: replace(getattr(plan, side), sack=sack, timestamps=sack) for side in ("client", "server")}
    check(replace(plan, **ends), "linux", together=2)


@pytest.mark.parametrize("name", ["simultaneous-close", "simultaneous-open", "fast-open-second", "urgent"])
def test_nor_in_rarer_stories(name: str) -> None:
    """A FIN that crosses the peer's, a SYN,ACK before text that need not wait for its ACK."""
    check(library.load(name), "linux")


@pytest.mark.parametrize(("asked", "wrong"), [(1, []), (10, [6])])
def test_a_few_octets_for_which_the_peer_has_asked_need_not_come_again(asked: int, wrong: list[int]) -> None:
    """Had only the number been wrong, the peer would have acknowledged the text."""
    opened = (peer(SYN, 0), stack(SYN | ACK, 0, 1), peer(ACK, 1, 1), stack(PSH | ACK, 1, 1, 5), peer(ACK, 1, 6))
    story = (*opened, peer(PSH | ACK, 2, 6, 9), stack(ACK, 6, asked))
    assert blamed(*story) == wrong


def test_an_ack_that_the_capture_lacks_may_have_opened_the_window() -> None:
    """Where nothing was due, it would have been sent for the window alone."""
    opened = (peer(SYN, 0), stack(SYN | ACK, 0, 1, window=2000), peer(ACK, 1, 1))
    told = (peer(PSH | ACK, 1, 1, 1000), stack(ACK, 1, 1001, window=2000))
    more = [peer(PSH | ACK, 1001 + 1000 * n, 1, 1000) for n in range(8)]
    assert blamed(*opened, *told, *more, stack(ACK, 1, 9001, window=9000)) == []
    assert len(blamed(*opened, *told, peer(PSH | ACK, 1001, 1, 8000), stack(ACK, 1, 9001, window=9000))) == 1
