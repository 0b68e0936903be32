"""The tutorial: every command in docs/tutorial.md works as printed, and the programs do what their scenarios say."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import tcpviz
from tcpviz.exchange import library
from tcpviz.exchange.capture import Frame
from tcpviz.exchange.exchange import Call, Connection, Exchange, Flow, Side
from tcpviz.exchange.heard import with_calls
from tcpviz.exchange.match import Matcher, match
from tcpviz.exchange.policy import LINUX
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import stories_differ
from tcpviz.frames import read
from tcpviz.lab import perform, run_command
from tcpviz.tutorial.__main__ import ENCODING, PAUSE, PLAYS
from tcpviz.value import replace

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```", TEXT, flags=re.M | re.S)
COMMANDS = [line.removeprefix("$ ") for block in BLOCKS for line in block.splitlines()]
IN_PROSE = [words for words in re.findall(r"`(tcpviz [^`]+)`", TEXT) if " " in words.removeprefix("tcpviz ")]
PROGRAMS = [name for name in library.names() if library.load(name).program]
SIDES: tuple[Side, Side] = ("client", "server")

pytestmark = pytest.mark.live


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS + IN_PROSE))
def test_every_command_works_as_printed(command: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    words = shlex.split(command.replace("python -m", f"{sys.executable} -m"))
    assert words[0] == "tcpviz"
    if "capture" in words:
        request.getfixturevalue("sandbox")
    ran = subprocess.run(
        [sys.executable, "-m", *words], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "VIOLATES" not in ran.stdout
    pictures = [words[place + 1] for place, word in enumerate(words) if word == "-o"]
    assert [path.name for path in tmp_path.iterdir()] == pictures
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in pictures)


def test_the_tutorial_shows_each_of_its_scenarios() -> None:
    assert [name for name in PROGRAMS if name not in TEXT] == []


def performed(name: str) -> tuple[Matcher, list[Frame]]:
    matcher = Matcher()
    with perform(library.load(name)) as run:
        frames = list(run.frames())
    assert (run.report.status, run.report.timed_out, run.report.dropped) == (0, False, 0)
    for frame in frames:
        matcher.feed(frame)
    return matcher, frames


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_programs_do_what_the_scenario_says(name: str) -> None:
    """The same text in each direction, opened and closed by the same end. Acknowledgements are the kernel's affair."""
    matcher, _ = performed(name)
    found, model = matcher.exchange(name), simulate(library.load(name), LINUX)
    assert found.conforms
    assert [c.outcome for c in found.connections] == [c.outcome for c in model.connections]
    assert [list(deeds(c)) for c in found.connections] == [list(deeds(c)) for c in model.connections]
    assert [said(flow) for flow in found.flows] == [said(flow) for flow in model.flows]


def deeds(connection: Connection) -> Iterator[tuple[Side, int, int, bool]]:
    """(side, octets that it sent in all, its SYNs, whether it was the first to close)."""
    closer = next(s.origin for s in connection.segments if s.segment.fin)
    for side in SIDES:
        sent = [s for s in connection.segments if s.origin == side]
        base = connection.party(side).base
        end = max((s.segment.seq + s.segment.length - base) % 2**32 for s in sent if s.segment.length or s.segment.fin)
        yield side, end, sum(s.segment.syn for s in sent), side == closer


class Terminal:
    """A pseudo-terminal in which one command runs, and somebody reads and types."""

    def __init__(self, command: list[str]) -> None:
        self._keyboard, theirs = pty.openpty()
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        self.shown = ""

    def reads(self, words: str) -> None:
        """Until the words are on the screen."""
        while words not in self.shown:
            assert select.select([self._keyboard], [], [], 60)[0], self.shown
            try:
                self.shown += os.read(self._keyboard, 65536).decode(errors="replace")
            except OSError:  # the command has ended
                break
        assert words in self.shown

    def types(self, line: str) -> None:
        os.write(self._keyboard, f"{line}\n".encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._keyboard)


@pytest.fixture
def by_hand() -> Iterator[Callable[[str], Terminal]]:
    """Opens a terminal for a line of the tutorial, in a network that nobody else is in; sudo is not needed in there."""
    if os.geteuid() != 0:
        pytest.skip("capturing from an interface needs root")
    up = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"]
    with (
        subprocess.Popen(up, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as network,
        ExitStack() as stack,
    ):
        assert network.stdout
        assert network.stdout.readline() == "up\n"

        def opened(line: str) -> Terminal:
            words = shlex.split(line.removeprefix("sudo "))
            program = [sys.executable, *words[1:]] if words[0] == "python" else [sys.executable, "-m", *words]
            terminal = Terminal(["nsenter", f"--net=/proc/{network.pid}/ns/net", *program])
            stack.callback(terminal.close)
            return terminal

        yield opened


def test_programs_typed_by_hand_give_the_same_story(
    by_hand: Callable[[str], Terminal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tutorial's three lines in three terminals, with text typed in by somebody."""
    monkeypatch.chdir(tmp_path)
    capture, server, client = re.findall(r"^    ((?:sudo tcpviz|python -m) .*)$", TEXT, flags=re.M)
    watching = by_hand(f"{capture} -o turns.pcapng")
    watching.reads("start your programs now")
    serving = by_hand(server)
    serving.reads("listening")
    talking = by_hand(client)
    for line in ("hello", "你好"):
        talking.reads("message: ")
        talking.types(line)
        talking.reads(f"answer: you said {line}")
    talking.types("exit")
    watching.reads("1 connection, conforms")
    assert watching.process.wait(60) == 0
    assert (tmp_path / "turns.png").read_bytes().startswith(b"\x89PNG")
    assert "kernel: " in watching.shown
    assert "the kernel agrees" in watching.shown
    model = simulate(library.load("tutorial-tcp-turns"), LINUX)
    (connection,) = match(read("turns.pcapng")).connections
    assert connection.outcome == "closed"
    assert list(deeds(connection)) == list(deeds(model.connections[0]))


BY_HAND = [
    *((name, encoding) for name, play in PLAYS.items() if play.typed for encoding in ("utf-8",)),
    *((name, "gbk") for name in ("tcp-once", "tcp-turns", "tcp-duplex", "udp-one-way", "udp-both-ways")),
]


@pytest.mark.parametrize(("name", "encoding"), BY_HAND)
def test_programs_typed_by_hand_give_the_same_picture_as_the_scenario(
    name: str,
    encoding: str,
    by_hand: Callable[[str], Terminal],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A terminal for the capture, one for the server, one for each client; somebody types what the scenario types."""
    monkeypatch.chdir(tmp_path)
    play = PLAYS[name]
    watching = by_hand("sudo tcpviz capture --port 8080 -o hand.pcapng -o hand.svg")
    watching.reads("start your programs now")
    terminals: dict[str, Terminal] = {}
    for number, (module, *options) in enumerate((play.server, *play.clients)):
        words = [encoding if option == ENCODING else option for option in options]
        who = f"client {number}" if number else "server"
        terminals[who] = by_hand(f"python -m tcpviz.tutorial.{module} {' '.join(words)}")
        if module != "udp_one_way_sender":
            terminals[who].reads("port")
    for typed in play.typed:
        if typed.prints:
            terminals[typed.after].reads(typed.prints)
        elif typed.after:
            assert terminals[typed.after].process.wait(60) == 0
        time.sleep(PAUSE)  # as long as a person takes at least
        terminals[typed.who].types(typed.line)
    if name.startswith("udp"):  # nothing on the wire says that it is over
        assert all(terminal.process.wait(60) == 0 for terminal in terminals.values())
        watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(60) == (130 if name.startswith("udp") else 0)
    hand = match(read("hand.pcapng"))
    assert (tmp_path / "hand.svg").read_bytes().endswith(b"</svg>\n")
    argv = [sys.executable, "-m", "tcpviz.tutorial", name, encoding]
    with perform(library.load(f"tutorial-{name}")) if encoding == "utf-8" else run_command(argv) as run:
        list(run.frames())
    program = match(run.capture())
    parted = stories_differ(hand, program, ("by hand", "by itself"))
    assert [str(difference) for difference in parted if difference.freedom is None] == []
    assert [said(flow) for flow in hand.flows] == [said(flow) for flow in program.flows]
    if not parted:  # else the pictures differ as much as the stories may
        assert shown(hand) == shown(program)


def shown(exchange: Exchange) -> Counter[str]:
    """What a picture says, apart from times, its title, and the ports that the kernel chose."""
    svg = tcpviz.draw(replace(exchange, title="")).svg().decode()
    texts = (re.sub(r":\d+$", "", text) for text in re.findall(r"<text[^>]*>([^<]+)</text>", svg))
    return Counter(text for text in texts if not re.search(r"\d (s|ms|µs|min)\b", text))


def said(flow: Flow) -> list[tuple[int, bytes]]:
    return [(datagram.origin, datagram.payload) for datagram in flow.datagrams]


def called(name: str) -> Exchange:
    """The performed exchange with the calls that the programs really made."""
    matcher = Matcher()
    with perform(library.load(name)) as run:
        for frame in run.frames():
            matcher.feed(frame)
    return with_calls(matcher.exchange(name), run.report.heard)


def told(calls: tuple[Call, ...]) -> list[str]:
    """`recv -> b''`"""
    return [f"{call.name} -> {call.result}" if call.result else call.name for call in calls]


@pytest.mark.usefixtures("sandbox")
def test_calls_are_told_as_the_programs_made_them() -> None:
    (connection,) = called("tutorial-tcp-once").connections
    assert told(connection.client.calls) == ["connect", "send", "close"]
    server = told(connection.server.calls)
    assert server[:3] == ["bind", "listen", "accept"]
    assert server[3:] == ["recv -> 13 octets", "recv -> b''", "close", "close-listener"]
    connect, send = connection.client.calls[:2]
    syn_ack, text = connection.segments[1], next(s for s in connection.segments if s.segment.length)
    assert connect.time <= connection.segments[0].sent <= syn_ack.sent <= (connect.returned or 0)
    assert send.time <= text.sent <= (send.returned or 0)


@pytest.mark.usefixtures("sandbox")
def test_an_address_in_use_is_told() -> None:
    (connection,) = called("address-in-use").connections
    assert told(connection.server.calls)[-2:] == ["bind -> EADDRINUSE", "close-listener"]
    assert connection.server.calls[-2].error == "EADDRINUSE"


@pytest.mark.usefixtures("sandbox")
def test_every_client_has_its_own_calls() -> None:
    for connection in called("tutorial-server-one-at-a-time").connections:
        assert told(connection.client.calls) == ["connect", "send", "recv -> 15 octets", "send", "close"]
        accept = next(call for call in connection.server.calls if call.name == "accept")
        assert accept.returned is not None
        assert told(connection.server.calls).count("recv -> b''") == 1


@pytest.mark.usefixtures("sandbox")
def test_datagrams_are_told_as_they_were_sent_and_received() -> None:
    (flow,) = called("tutorial-udp-one-way").flows
    assert told(flow.calls[0]) == ["sendto"] * 3 + ["close"]
    assert told(flow.calls[1])[:3] == ["recvfrom -> 5 octets", "recvfrom -> 6 octets", "recvfrom -> 4 octets"]


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(("encoding", "octets"), [("utf-8", 13), ("gbk", 11)])
def test_text_is_octets_in_an_encoding(encoding: str, octets: int) -> None:
    with run_command([sys.executable, "-m", "tcpviz.tutorial", "tcp-once", encoding]) as run:
        (text,) = (frame.payload for frame in run.frames() if frame.payload)
    assert len(text) == octets
    assert text.decode(encoding) == "hello, 你好"


def test_an_unknown_name_lists_the_known() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tcpviz.tutorial", "tcp-never"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "tcp-turns" in ran.stderr
