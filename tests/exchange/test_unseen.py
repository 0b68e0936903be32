"""Lost before the place of capture: whichever segment it was, it is inferred or leaves no trace, and nobody is blamed.

No capture here has a count of packets. A few octets are the hardest: a number that is wrong by as much looks the same
until they come again.
"""

from __future__ import annotations

import pytest

from tcpviz.exchange import library
from tcpviz.exchange.capture import Capture
from tcpviz.exchange.match import match
from tcpviz.exchange.policy import POLICIES
from tcpviz.exchange.scenario import Scenario, SegmentName
from tcpviz.exchange.scenario_file import parse
from tcpviz.exchange.simulate import simulate
from tcpviz.frames import frames_of
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


def blames(plan: Scenario, number: int, dialect: str) -> list[str]:
    """Who is blamed where segment `number` was lost before the place of capture."""
    unseen = (SegmentName(None, "segment", number),)
    frames = frames_of(simulate(replace(plan, network=replace(plan.network, lose_unseen=unseen)), POLICIES[dialect]))
    found = match(Capture("unseen.pcap", frames, len(frames))).connections
    return [f"{number}: frame {sent.frame}, {sent.expected}" for c in found for sent in c.violations]


def check(plan: Scenario, dialect: str) -> None:
    count = len(simulate(plan, POLICIES[dialect]).connections[0].segments)
    assert [blame for number in range(1, count + 1) for blame in blames(plan, number, dialect)] == []


@pytest.mark.parametrize("dialect", ["rfc9293", "linux"])
@pytest.mark.parametrize("octets", [1, 2, 3, 5])
@pytest.mark.parametrize("name", STORIES)
def test_nobody_is_blamed_for_what_the_capture_lacks(name: str, octets: int, dialect: str) -> None:
    check(story(name, octets), dialect)


@pytest.mark.parametrize("name", ["simultaneous-close", "simultaneous-open", "fast-open-second", "urgent"])
def test_nor_in_rarer_stories(name: str) -> None:
    """A FIN that crosses the peer's, a SYN,ACK before text that need not wait for its ACK."""
    check(library.load(name), "linux")
