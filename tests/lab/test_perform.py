"""The kernel's own TCP plays scenarios, and what it says is what the RFC and STYLE lead one to expect."""

from __future__ import annotations

import os
import pickle
import socket
import time
from typing import cast

import pytest
from performed import (
    CLIENT,
    MS,
    SERVER,
    abort,
    accept,
    apart,
    at,
    close,
    connect,
    listen,
    recv,
    recv_end,
    scenario,
    send,
    shutdown,
    starting,
    story,
    wait,
)

from tcpviz.errors import InputError, TcpvizError
from tcpviz.exchange import library
from tcpviz.exchange.capture import Frame
from tcpviz.exchange.exchange import Call
from tcpviz.exchange.heard import with_calls_of_sides
from tcpviz.exchange.match import match
from tcpviz.exchange.notation import segment_name
from tcpviz.exchange.policy import LINUX
from tcpviz.exchange.scenario import Action, Network, Scenario
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import stories_differ
from tcpviz.lab import Report, perform, settings
from tcpviz.lab.applications import Application
from tcpviz.model.sequence import add
from tcpviz.model.transitions import State
from tcpviz.value import replace

OPEN = ["> S 0 - 0", "< SA 0 1 0", "> A 1 1 0"]
TALK = ["> PA 1 1 5", "< A 1 6 0", "< PA 1 6 3", "> A 6 4 0"]
ASK = [connect, send(b"hello"), recv(3)]
ANSWER = [listen, accept, recv(5), send(b"abc")]


def played(what: Scenario, timeout: float | None = None) -> tuple[list[str], Report]:
    with perform(what, timeout=timeout) as run:
        frames = list(run.frames())
    capture = run.capture()
    assert capture.frames == tuple(frames)
    assert (dict(capture.skipped), run.report.dropped) == ({}, 0)
    return story(frames), run.report


pytestmark = [pytest.mark.live, pytest.mark.usefixtures("sandbox")]


def test_normal_is_a_four_segment_close() -> None:
    told, report = played(scenario([*ASK, close], [*ANSWER, recv_end, wait(100), close]))
    assert told == [*OPEN, *TALK, "> FA 6 4 0", "< A 4 7 0", "< FA 4 7 0", "> A 7 5 0"]
    assert (report.timed_out, report.stopped, report.status) == (False, False, None)


def test_the_server_may_close_first() -> None:
    told, _ = played(scenario([*ASK, recv_end, wait(100), close], [*ANSWER, close]))
    assert told == [*OPEN, *TALK, "< FA 4 6 0", "> A 6 5 0", "> FA 6 5 0", "< A 5 7 0"]


def test_who_closes_at_once_needs_three_segments_unless_the_machine_was_busy() -> None:
    told, _ = played(scenario([*ASK, close], [*ANSWER, recv_end, close]))
    assert told[:8] == [*OPEN, *TALK, "> FA 6 4 0"]
    assert told[8:] in (["< FA 4 7 0", "> A 7 5 0"], ["< A 4 7 0", "< FA 4 7 0", "> A 7 5 0"])


def test_both_close_on_their_own() -> None:
    told, _ = played(scenario([connect, at(150), close], [listen, accept, at(151), close]))
    assert told[:3] == OPEN
    assert sorted(line.split()[1] for line in told[3:]) in (["A", "A", "FA", "FA"], ["A", "FA", "FA"])


def test_an_abort_is_a_reset() -> None:
    told, report = played(scenario([*ASK, abort], [*ANSWER, recv_end, close]))
    assert told == [*OPEN, *TALK, "> RA 6 4 0"]
    assert report.calls["server"][-1].result == "ECONNRESET"


def test_nobody_listens() -> None:
    told, report = played(scenario([*ASK, close], []))
    assert [line.split()[:2] for line in told] == [[">", "S"], ["<", "RA"]]
    assert [str(call) for call in report.calls["client"]] == ["connect"]
    assert report.calls["client"][0].result == "ECONNREFUSED"


def test_half_closed_the_other_direction_still_carries() -> None:
    told, _ = played(
        scenario([connect, send(b"hello"), shutdown, recv_end, close], [listen, accept, recv_end, send(b"abc"), close])
    )
    sides = {side: [line for line in told if line[0] == side and line.split()[1] != "A"] for side in "<>"}
    assert sides[">"] == ["> S 0 - 0", "> PA 1 1 5", "> FA 6 1 0"]
    assert sides["<"] in (["< SA 0 1 0", "< PA 1 7 3", "< FA 4 7 0"], ["< SA 0 1 0", "< FPA 1 7 3"])


def test_what_nobody_closes_stays_open() -> None:
    told, report = played(scenario([connect, send(b"hello")], [listen, accept, recv(5)]))
    assert told == [*OPEN, *TALK[:2]]
    assert not report.timed_out


def test_closing_with_unread_data_is_a_reset() -> None:
    told, _ = played(scenario([connect, send(b"hello"), recv_end], [listen, accept, wait(30), close]))
    assert told == [*OPEN, *TALK[:2], "< RA 1 6 0"]


def test_who_listens_first_listens_before_anybody_connects_and_who_listens_late_is_late() -> None:
    told, _ = played(scenario([connect, close], [wait(300), listen, accept, recv_end, close]))
    assert told == ["> S 0 - 0", "< RA - 1 0"]


def test_several_clients_and_threads_of_one_server() -> None:
    answers = [recv(5), send(b"abc"), recv_end, wait(100), close]
    one = scenario([*ASK, close], [listen, accept, *answers])
    other = replace(one.client, port=CLIENT + 1, calls=(wait(20), *one.client.calls))
    both = replace(one, more_clients=(other,), more_servers=(replace(one.server, calls=(accept, *answers)),))
    with perform(both) as run:
        frames = list(run.frames())
    expected = [*OPEN, *TALK, "> FA 6 4 0", "< A 4 7 0", "< FA 4 7 0", "> A 7 5 0"]
    for port in (CLIENT, CLIENT + 1):
        mine = [frame for frame in frames if port in (frame.source.port, frame.destination.port)]
        assert story(mine, port) == expected
    results = [call.result for call in run.report.calls["server"]]
    assert (results.count(""), results.count("b''")) == (11, 2)


def test_a_call_that_nothing_can_end_does_not_hold_up_the_rest() -> None:
    told, report = played(scenario([connect, recv_end], [listen, accept, recv_end]))
    assert told == OPEN
    assert not report.timed_out
    assert [call.returned for call in report.calls["client"]][-1] is None


def test_over_ipv6() -> None:
    four = scenario([*ASK, close], [*ANSWER, recv_end, wait(100), close])
    six = replace(four, client=replace(four.client, address="fd00::1"), server=replace(four.server, address="fd00::2"))
    with perform(six) as run:
        frames = list(run.frames())
    assert {frame.source.host for frame in frames} == {"::1"}
    assert story(frames)[:7] == [*OPEN, *TALK]


def test_a_machine_that_has_forgotten_answers_with_a_reset() -> None:
    told, _ = played(scenario([connect, wait(20), Action("crash")], [listen, accept, wait(200), send(b"hello")]))
    assert told == [*OPEN, "< PA 1 1 5", "> R 1 - 0"]


def test_a_socket_that_connects_to_itself() -> None:
    alone = scenario([connect, wait(50), abort], [])
    told, _ = played(replace(alone, client=replace(alone.client, port=SERVER)))
    assert [line.split()[1] for line in told] == ["S", "SA", "A", "RA"]


def test_calls_are_on_the_clock_of_the_capture() -> None:
    with perform(scenario([*ASK, close], [*ANSWER, recv_end, wait(100), close])) as run:
        frames = list(run.frames())
    client, server = run.report.calls["client"], run.report.calls["server"]
    assert [str(call) for call in client] == ["connect", "send 5", "recv 3", "close"]
    assert [str(call) for call in server] == ["listen", "accept", "recv 5", "send 3", "recv", "wait", "close"]
    assert all(call.returned is not None for call in (*client, *server))
    assert {call.name: call.result for call in (*client, *server) if call.result} == {"recv": "b''"}
    syn, fin = frames[0], frames[7]
    assert client[0].time < syn.time < (client[0].returned or 0)
    assert client[-1].time < fin.time < (client[-1].returned or 0)
    assert abs((frames[9].time - fin.time) - 100 * MS) < 60 * MS


def test_a_scenario_that_hangs_is_ended_and_what_was_captured_is_kept() -> None:
    told, report = played(scenario([connect, wait(60_000)], [listen, accept, recv_end]), timeout=1.0)
    assert told == OPEN
    assert report.timed_out
    assert report.calls["client"][-1].returned is None


def test_a_large_transfer_arrives_whole() -> None:
    text = bytes(range(256)) * 4096
    with perform(apart(scenario([connect, send(text), close], [listen, accept, recv_end, close]))) as run:
        frames = list(run.frames())
    assert run.report.dropped == 0
    assert text_from_client(frames) == text


def text_from_client(frames: list[Frame]) -> bytes:
    """Put together by sequence number: a full window may lead to repetitions that overlap."""
    segments = [(frame.segment, frame.payload) for frame in frames if frame.segment and frame.source.port == CLIENT]
    first = add(segments[0][0].seq, 1)
    text = bytearray()
    for segment, payload in segments:
        place = (segment.seq - first) % 2**32
        if payload:
            assert place <= len(text)
            text[place : place + len(payload)] = payload
    return bytes(text)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (scenario([], [], unperformable="no kernel lets us choose both ISNs"), "no kernel lets us choose both ISNs"),
        (scenario([Action("status")], []), "the client's `status`"),
        (scenario([connect], [], network=Network(loss=0.1)), "both ends have one address"),
        (starting(State.CLOSE_WAIT), "begin in ESTABLISHED only"),
        (apart(scenario([connect], [listen]), mss=40), "88 octets at least"),
        (apart(scenario([connect], [listen], network=Network(loss=0.1)), address="127.0.0.7"), "reaches the address"),
    ],
)
def test_a_scenario_that_cannot_be_performed_says_why(what: Scenario, why: str) -> None:
    with pytest.raises(InputError, match=f"tried cannot be performed: .*{why}"):
        perform(what)


def test_an_application_that_breaks_is_no_empty_capture() -> None:
    broken = scenario([connect, Action("send", data=cast(bytes, "not octets"))], [listen, accept, recv_end])
    with (
        perform(broken, timeout=30) as run,
        pytest.raises(TcpvizError, match=r"client's application ended .*\n(.*\n)*TypeError"),
    ):
        list(run.frames())


def test_a_time_wait_of_the_client_s_own_is_in_its_way() -> None:
    """As long as its port is the only one: on a loopback Linux would let it have it after a second, unasked."""
    with socket.socket() as probe:
        if not settings.leave_port_open(probe, CLIENT):
            pytest.skip("before Linux 6.3 a port that is given is given in TIME-WAIT, too")
    told, report = played(
        scenario([connect, close, wait(1100), connect], [listen, accept, recv_end, close, accept]), timeout=10
    )
    assert [line for line in told if " S " in line] == ["> S 0 - 0"]
    assert [call.result for call in report.calls["client"]] == ["", "", "", "EADDRNOTAVAIL"]
    assert not report.timed_out


def test_who_has_only_just_called_is_not_stuck() -> None:
    """After a pause longer than the patience with silence, the call that follows has yet to send its segment."""

    def calling(ago: float) -> Application:
        log = os.memfd_create("calls")
        os.write(log, pickle.dumps((0, Call("connect", time.time_ns() - round(ago * 10**9)))))
        return Application("client", 0, -1, log)

    assert not calling(0.0).waits_for_the_network(1.0)
    assert calling(1.5).waits_for_the_network(1.0)


PROGRAMS = [name for name in library.names() if library.load(name).program]


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_the_tutorial_s_programs_do_the_lab_s_own_calls_do_as_well(name: str) -> None:
    """Threads on one socket, a backlog, SO_REUSEADDR, recv() of what there is, a listener closed, UDP."""
    what = replace(library.load(name), program="")
    with perform(what) as run:
        list(run.frames())
    assert (run.report.timed_out, run.report.dropped) == (False, 0)
    parted = stories_differ(match(run.capture()), simulate(what, LINUX), ("the kernel", "the model"))
    assert [str(each) for each in parted if each.freedom is None] == []


def test_a_server_started_again_meets_its_time_wait() -> None:
    for name, results in {"address-in-use": ["EADDRINUSE"], "address-in-use-reuseaddr": [""]}.items():
        with perform(replace(library.load(name), program="")) as run:
            list(run.frames())
        listens = [call.result for call in run.report.calls["server"] if call.name == "listen"]
        assert listens == ["", *results]


def test_calls_say_what_they_returned_of_udp_too() -> None:
    with perform(replace(library.load("tutorial-udp-one-way"), program="")) as run:
        list(run.frames())
    (flow,) = with_calls_of_sides(match(run.capture()), run.report.calls).flows
    assert [[call.name for call in calls] for calls in flow.calls] == [
        ["sendto", "sendto", "sendto", "close"],
        ["bind", "recvfrom", "recvfrom", "recvfrom", "close"],
    ]
    assert [call.result for call in flow.calls[1]][1:4] == ["5 octets", "6 octets", "4 octets"]


def test_udp_stays_on_a_loopback() -> None:
    lossy = replace(
        library.load("tutorial-udp-one-way"), program="", network=Network(lose=(segment_name("client data 1"),))
    )
    with pytest.raises(InputError, match="carries TCP alone"):
        perform(lossy)
