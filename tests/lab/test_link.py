"""Two machines and a line: what the scenario's network does is done to the kernel's own segments, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from performed import (
    MS,
    SERVER,
    accept,
    apart,
    close,
    connect,
    listen,
    recv,
    recv_end,
    scenario,
    send,
    starting,
    story,
    wait,
)

from tcpviz.errors import PermissionMissing
from tcpviz.exchange.capture import Frame
from tcpviz.exchange.notation import segment_name
from tcpviz.exchange.scenario import Action, Injection, Network, Scenario
from tcpviz.lab import Report, perform, run_command
from tcpviz.model.segment import RST, SYN
from tcpviz.model.transitions import State
from tcpviz.value import replace

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("sandbox")]

OPEN = ["> S 0 - 0", "< SA 0 1 0", "> A 1 1 0"]
TALK = ["> PA 1 1 5", "< A 1 6 0", "< PA 1 6 3", "> A 6 4 0"]
CLOSE = ["> FA 6 4 0", "< A 4 7 0", "< FA 4 7 0", "> A 7 5 0"]
ASK = [connect, send(b"hello"), recv(3), close]
ANSWER = [listen, accept, recv(5), send(b"abc"), recv_end, wait(200), close]


def frames_of(what: Scenario) -> tuple[list[Frame], Report]:
    with perform(what) as run:
        frames = list(run.frames())
    assert (run.report.dropped, run.report.timed_out, dict(run.capture().skipped)) == (0, False, {})
    return frames, run.report


def line(**network: Any) -> Scenario:
    return apart(scenario(ASK, ANSWER, network=Network(**network)))


def once(frames: list[Frame]) -> list[str]:
    """The story without repetitions: a machine that stands still for a while makes TCP repeat itself."""
    return list(dict.fromkeys(story(frames)))


def sent_by(side: str, frames: list[Frame]) -> list[str]:
    return [told for told in story(frames) if told[0] == {"client": ">", "server": "<"}[side]]


def test_each_end_has_its_own_address_and_the_line_its_delay() -> None:
    frames, report = frames_of(line(delay=30 * MS, server_delay=50 * MS))
    assert once(frames) == [*OPEN, *TALK, *CLOSE]
    assert [str(frames[0].source.host), str(frames[0].destination.host)] == ["10.0.0.1", "10.0.0.2"]
    assert frames[1].time - frames[0].time >= 30 * MS
    assert frames[2].time - frames[1].time >= 50 * MS
    assert {call.result for calls in report.calls.values() for call in calls} == {"", "b''"}


@pytest.mark.parametrize("name", ["client SYN 1", "client data 1", "client FIN 1", "server FIN 1", "client ACK 3"])
def test_what_is_lost_is_in_the_capture_and_comes_again(name: str) -> None:
    frames, _ = frames_of(line(lose=(segment_name(name),)))
    again = {
        "client SYN 1": "> S 0 - 0",
        "client data 1": "> PA 1 1 5",
        "client FIN 1": "> FA 6 4 0",
        "server FIN 1": "< FA 4 7 0",
        "client ACK 3": "> A 7 5 0",  # nobody repeats an ACK, but the FIN it was for comes again
    }
    assert story(frames).count(again[name]) >= 2
    assert set(story(frames)) == {*OPEN, *TALK, *CLOSE}


def test_every_one_of_a_kind_can_be_lost() -> None:
    silent = apart(scenario([connect], [listen], network=Network(lose=(segment_name("every client SYN"),))))
    frames, report = frames_of(replace(silent, client=replace(silent.client, user_timeout=2500 * MS)))
    assert set(story(frames)) == {"> S 0 - 0"}
    assert len(frames) >= 2
    assert report.calls["client"][0].result == "ETIMEDOUT"


def test_a_copy_is_answered_twice_and_recorded_once() -> None:
    frames, _ = frames_of(line(duplicate=(segment_name("client SYN 1"),)))
    syns, answers = sent_by("client", frames).count("> S 0 - 0"), sent_by("server", frames).count("< SA 0 1 0")
    assert answers == syns + 1


def test_a_segment_that_is_overtaken_arrives_behind_the_next() -> None:
    hasty = apart(
        scenario([connect, send(b"hello"), close], [listen, accept, recv_end, wait(200), close], network=Network())
    )
    frames, _ = frames_of(replace(hasty, network=Network(reorder=(segment_name("client data 1"),))))
    assert sent_by("client", frames)[2:4] == ["> PA 1 1 5", "> FA 6 1 0"]
    assert "< A 1 1 0" in sent_by("server", frames)  # for the FIN, which lies beyond the gap


def test_what_is_held_up_comes_later() -> None:
    frames, _ = frames_of(line(hold=((segment_name("client SYN 1"), 300 * MS),)))
    assert frames[1].time - frames[0].time >= 310 * MS
    assert once(frames) == [*OPEN, *TALK, *CLOSE]


def test_both_open_at_once() -> None:
    frames, _ = frames_of(apart(scenario([connect, recv_end, close], [connect, wait(100), close])))
    told = story(frames)
    assert sorted(told[:4]) == ["< S 0 - 0", "< SA 0 1 0", "> S 0 - 0", "> SA 0 1 0"]


def test_a_forged_segment_is_marked_and_counted_from_the_isns() -> None:
    forged = Injection("client", RST, "x+1000", at=100 * MS)
    quiet = apart(scenario([connect, wait(300), close], [listen, accept, recv_end, close]))
    frames, report = frames_of(replace(quiet, injections=(forged,)))
    assert story(frames)[3:5] == ["> R 1000 - 0", "< A 1 1 0"]  # a challenge ACK
    assert report.forged == (4,)


def test_a_segment_can_be_forged_after_another() -> None:
    forged = Injection("client", SYN, "x+2000", after=segment_name("client ACK 1"))
    quiet = apart(scenario([connect, wait(300), close], [listen, accept, recv_end, close]))
    frames, report = frames_of(replace(quiet, injections=(forged,)))
    (number,) = report.forged
    assert frames[number - 1].time - frames[2].time >= 10 * MS


def test_each_machine_offers_what_the_scenario_says_and_nothing_else() -> None:
    plain = line(delay=10 * MS)
    offered = replace(plain.client, mss=1000, window_scale=7, sack=True, timestamps=True)
    frames, _ = frames_of(replace(plain, client=offered))
    syn, answer = (frame.segment for frame in frames[:2])
    assert syn
    assert answer
    assert (syn.options.mss, syn.options.window_scale, syn.options.sack_permitted) == (1000, 7, True)
    assert syn.options.timestamps is not None
    assert (answer.options.mss, answer.options.window_scale, answer.options.timestamps) == (1460, None, None)
    assert not answer.options.sack_permitted


def test_an_initial_sequence_number_that_is_given_is_taken() -> None:
    numbered = line(delay=10 * MS)
    frames, _ = frames_of(replace(numbered, client=replace(numbered.client, isn=4_294_967_294)))
    assert frames[0].segment
    assert frames[0].segment.seq == 4_294_967_294


def test_a_connection_can_be_there_before_the_story() -> None:
    frames, _ = frames_of(starting(State.ESTABLISHED))
    first, answer = (frame.segment for frame in frames[:2])
    assert first
    assert answer
    assert (first.seq, first.ack, first.fin) == (100, 300, True)
    assert (answer.seq, answer.rst) == (300, True)


def test_fast_open_knows_its_cookie_from_a_connection_that_nobody_saw() -> None:
    told = apart(
        scenario([Action("connect", data=b"hello"), recv(3), close], ANSWER), address="10.0.0.1", fast_open=b"known!"
    )
    frames, _ = frames_of(replace(told, server=replace(told.server, fast_open=b"known!")))
    assert story(frames)[:2] == ["> S 0 - 5", "< SA 0 6 0"]
    assert {SERVER} == {frame.destination.port for frame in frames if frame.source.host == "10.0.0.1"}


def test_a_line_carries_ipv6() -> None:
    four = line(lose=(segment_name("client data 1"),))
    six = replace(four, client=replace(four.client, address="fd00::1"), server=replace(four.server, address="fd00::2"))
    frames, _ = frames_of(six)
    assert {frame.source.host for frame in frames} == {"fd00::1", "fd00::2"}
    assert sent_by("client", frames).count("> PA 1 1 5") >= 2


def test_without_ip_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import tcpviz.lab.link as link

    monkeypatch.setattr(link.shutil, "which", lambda *_, **__: None)
    with pytest.raises(PermissionMissing, match="iproute2"):
        link._ip(["link show"])


def test_a_line_that_cannot_be_made_says_what_can_still_be_performed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "ip"
    fake.write_text("#!/bin/sh\necho 'Error: Unknown device type.' >&2\nexit 2\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(PermissionMissing, match=r"Unknown device type.*normal") as caught, perform(line(delay=MS)):
        pass
    assert caught.value.exit_code == 3


SYSCTLS = [
    ("window_scale = 3", "tcp_window_scaling", "1", "0"),
    ("window_scale = 3", "tcp_rmem", "4096 131072 262144", None),
    ("sack = true", "tcp_sack", "1", "0"),
    ("timestamps = true", "tcp_timestamps", "1", "0"),
    ("ecn = true", "tcp_ecn", "1", "0"),
    ("syn_cookies = true", "tcp_syncookies", "2", "1"),
    ("fast_open = true", "tcp_fastopen", "3", "0"),
    ("rfc1337 = true", "tcp_rfc1337", "1", "0"),
    ("syn_retries = 3", "tcp_syn_retries", "3", "6"),
    ("tw_reuse = true", "tcp_tw_reuse", "1", "0"),
    ('fin_wait_2_timeout = "7 s"', "tcp_fin_timeout", "7", "60"),
]
"""What a scenario says of an end, a sysctl, its value there, and at the other end where that is known."""
READ_ON_BOTH = """
import sys
from tcpviz.exchange.scenario_file import parse
from tcpviz.lab.link import Link
link = Link(parse(sys.argv[1], "tried", where="tried"))
for side in ("client", "server"):
    link.enter(side)
    for name in sys.argv[2:]:
        print(" ".join(open("/proc/sys/net/ipv4/" + name).read().split()))
"""


def test_what_a_scenario_says_of_one_end_is_set_there_and_there_alone(capfd: pytest.CaptureFixture[str]) -> None:
    lines = "\n".join(dict.fromkeys(line for line, *_ in SYSCTLS))
    text = f'[client]\ncalls = ["connect"]\n{lines}\n[server]\ncalls = ["listen"]\n'
    with run_command([sys.executable, "-c", READ_ON_BOTH, text, *(name for _, name, *_ in SYSCTLS)]) as run:
        list(run.frames())
    assert run.report.status == 0
    found = capfd.readouterr().out.splitlines()
    assert found[: len(SYSCTLS)] == [value for _, _, value, _ in SYSCTLS]
    others = dict(zip((name for _, name, *_ in SYSCTLS), found[len(SYSCTLS) :], strict=True))
    expected = {name: value for _, name, _, value in SYSCTLS if value is not None}
    assert {name: others[name] for name in expected} == expected
