"""The scenario behind a capture: played again it is the same story, and edited it answers "what if?"."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import normal, played, tapped

from tcpviz.exchange import library
from tcpviz.exchange.behind import Behind, behind
from tcpviz.exchange.capture import Capture
from tcpviz.exchange.exchange import Connection, Exchange
from tcpviz.exchange.match import match
from tcpviz.exchange.performable import obstacle
from tcpviz.exchange.scenario import Scenario, SegmentName
from tcpviz.exchange.scenario_file import parse
from tcpviz.exchange.simulate import simulate
from tcpviz.frames import frames_of, read
from tcpviz.value import replace

CAPTURES = sorted(Path(__file__).parents[2].glob("captures/*.pcapng"))

UDP = {name for name in library.names() if library.load(name).client.talks_udp}
"""No connection, and so no story."""
CANNOT = {
    "crash-client-opens": "the SYN that comes again after the reset is taken for another connection's",
    "old-duplicate-syn": "the old SYN is taken for a connection of its own",
    "rfc9293-figure-8": "the old SYN is taken for a connection of its own",
    "rfc9293-figure-9": "what an end holds from before the capture is not known to the matcher",
    "rfc9293-figure-11": "the old SYN that wakes the listener is taken for a connect() of an end that only listens",
}
"""Scenarios whose exported frames do not lead back to them, and why."""
ANOTHER_STORY = {
    "duplicated-syn": "who sent the second SYN no tap shows: the network copied the first",
    "late-duplicate": "old text is taken for a copy that the network made, which is no segment of the story",
    "rfc9293-figure-10": "without a SYN the first sender is the client, and there it is the server",
}
"""The story is what the matcher made of the capture, but not what was played, and why."""
SEVERAL = {
    "address-in-use-reuseaddr", "backlog-full", "crash-and-restart", "time-wait-reuse", "tw-reuse", "two-connections",
    "tutorial-server-asyncio", "tutorial-server-one-at-a-time", "tutorial-server-pool", "tutorial-server-threads",
}  # fmt: skip
"""They have more connections than the one whose story is told."""


def inferred(connection: Connection) -> Behind:
    return behind(connection, "x.pcap")


def exported(exchange: Exchange) -> Exchange:
    """What match makes of the frames that simulate exports."""
    frames = frames_of(exchange)
    return match(Capture("x.pcap", frames, len(frames)))


def written(story: Behind) -> Scenario:
    return parse(story.file("story.toml"), "story", where="story.toml")


def ladder(*connections: Connection) -> list[tuple[object, ...]]:
    """Who sent what, with relative numbers, in the order of sending; copies that the network made left out."""
    told = [
        (sent.sent, sent.origin, sent.segment.flags & 0x17, *connection.relative(sent), sent.segment.length)
        for connection in connections
        for sent in connection.segments
        if sent.kind != "duplicate"
    ]
    return [rung[1:] for rung in sorted(told, key=lambda rung: rung[0])]


def sides(rungs: list[tuple[object, ...]]) -> dict[str, list[tuple[object, ...]]]:
    return {side: [rung for rung in rungs if rung[0] == side] for side in ("client", "server")}


@pytest.mark.parametrize("name", [name for name in library.names() if name not in {*CANNOT, *UDP}])
def test_a_scenario_exported_matched_and_inferred_plays_the_same_ladder(name: str) -> None:
    exchange = simulate(library.load(name))
    matched = exported(exchange).connections[0]
    story = inferred(matched)
    assert story.complete, str(story)
    again = simulate(written(story))
    assert sides(ladder(*again.connections)) == sides(ladder(matched))
    same = ladder(*again.connections) == ladder(exchange.connections[0])
    assert same == (name not in ANOTHER_STORY)
    assert (len(exchange.connections) > 1) == (name in SEVERAL), "a story is of one connection"


@pytest.mark.parametrize("name", CANNOT)
def test_the_others_say_how_far_they_come(name: str) -> None:
    story = inferred(exported(simulate(library.load(name))).connections[0])
    assert not story.complete, f"{name} can be inferred now: take it off the list"
    assert simulate(written(story)).connections


LOOPBACK = {
    "abort", "abort-by-server", "data-after-close", "half-close", "normal", "refused", "server-closes-first",
    "three-segment-close", "unread-data",
}  # fmt: skip


@pytest.mark.parametrize("path", [p for p in CAPTURES if p.stem in LOOPBACK], ids=lambda path: path.stem)
def test_what_a_kernel_did_can_be_played_and_performed_again(path: Path) -> None:
    (connection,) = match(read(str(path))).connections
    story = behind(connection, path.name)
    assert story.complete, str(story)
    plan = written(story)
    assert sides(ladder(*simulate(plan).connections)) == sides(ladder(connection))
    assert plan.client.isn == connection.client.isn
    assert (plan.client.timestamps, plan.client.sack, plan.client.mss) == (True, True, 65495)
    assert obstacle(plan) == ""


def test_the_file_reads_like_one_of_the_library() -> None:
    story = inferred(exported(simulate(library.load("last-ack-lost"))).connections[0])
    assert story.file("story.toml") == "".join(
        f"{line}\n"
        for line in (
            "# 10.0.0.1:50000 and 10.0.0.2:80, as seen in x.pcap.",
            "# tcpviz simulate story.toml",
            "# plays all 13 segments again.",
            'title = "10.0.0.1:50000 and 10.0.0.2:80"',
            'summary = "inferred from x.pcap"',
            'seen_in = "x.pcap"',
            "",
            "[client]",
            'calls = ["connect", "send 5", "recv 3", "close"]',
            "",
            "[server]",
            'calls = ["listen", "accept", "recv 5", "send 3", "recv end", "wait 100 ms", "close"]',
            "",
            "[network]",
            'delay = "10 ms"',
            'lose = ["client ACK 3"]',
        )
    )


def test_what_if_the_last_ack_had_been_lost() -> None:
    """The story of a connection that lost nothing, edited."""
    plan = written(inferred(exported(simulate(library.load("normal"))).connections[0]))
    assert plan.network.lose == ()
    edited = replace(plan, network=replace(plan.network, lose=(SegmentName("client", "ACK", 3),)))
    assert ladder(*simulate(edited).connections) == ladder(*simulate(library.load("last-ack-lost")).connections)


@pytest.mark.parametrize(
    ("client", "server"),
    [
        (["connect", "wait 300 ms", "send 3000", "recv 20", "close"],
         ["listen", "accept", "recv 3000", "send 20", "recv end", "close"]),
        (["connect", "shutdown", "recv end", "close"], ["listen", "accept", "recv end", "send 3000", "close"]),
        (["connect", "send 5", "recv 3", "send 7", "recv 2", "close"],
         ["listen", "accept", "recv 5", "send 3", "recv 7", "wait 1 s", "send 2", "recv end", "close"]),
        (["connect", "at 1 s", "close"], ["listen", "accept", "at 1 s", "close"]),
        (["connect"], ["listen", "accept"]),
        (["connect", "recv end"], ["listen", "accept", "abort"]),
    ],
)  # fmt: skip
def test_the_calls_come_back(client: list[str], server: list[str]) -> None:
    connection = played(client, server)
    story = inferred(match(tapped(connection)).connections[0])
    assert story.complete, str(story)
    told = [str(call).removesuffix(" end") for call in story.scenario.client.calls if call.verb not in ("wait", "at")]
    assert [call for call in told if call != "recv"] == [
        call.removesuffix(" end") for call in client if call.split()[0] not in ("wait", "at") and call != "recv end"
    ]


def test_what_no_run_of_tcp_sends_is_injected() -> None:
    story = inferred(exported(simulate(library.load("blind-syn"))).connections[0])
    (injection,) = story.scenario.injections
    assert (injection.origin, injection.seq, injection.ack) == ("client", "x+1000", None)
    assert story.complete


def test_a_capture_that_starts_in_the_middle_starts_there() -> None:
    capture = tapped(normal())
    story = inferred(match(replace(capture, frames=capture.frames[3:])).connections[0])
    assert story.scenario.client.start
    assert str(story.scenario.client.start.state) == "ESTABLISHED"
    assert story.complete, str(story)


lost = st.sets(st.integers(1, 11), max_size=3).map(
    lambda found: tuple(SegmentName(None, "segment", number) for number in sorted(found))
)


@given(lost, st.sampled_from(["lose", "duplicate", "reorder"]))
@settings(max_examples=25)
def test_whatever_the_network_did_a_story_comes_out_that_can_be_played(
    names: tuple[SegmentName, ...], what: str
) -> None:
    plan = library.load("normal")
    exchange = simulate(replace(plan, network=replace(plan.network, **{what: names})))
    for connection in exported(exchange).connections:
        story = inferred(connection)
        plan = written(story)
        assert plan.client == story.scenario.client
        assert plan.server == story.scenario.server
        assert plan.network.lose == story.scenario.network.lose
        assert simulate(plan).connections


@pytest.mark.parametrize("flags", [0, 0x03, 0x06, 0x29, 0xFF])
@pytest.mark.parametrize("frame", [1, 2, 5, 8])
def test_nonsense_on_the_wire_gives_a_story_that_can_be_read(frame: int, flags: int) -> None:
    capture = tapped(normal(), change={frame: lambda segment: replace(segment, flags=flags)})
    for connection in match(capture).connections:
        story = inferred(connection)
        assert written(story).injections == story.scenario.injections
