"""The real loopback of this machine, on ports that nobody else has."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from ctypes.util import find_library
from pathlib import Path

import pytest

from tcpviz.errors import InputError
from tcpviz.exchange.capture import Frame
from tcpviz.frames import Listener, Writer, live, stream
from tcpviz.model.segment import letters

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("may_listen")]


def talk(server: socket.socket, text: bytes = b"hello") -> None:
    address = server.getsockname()[:2]
    with socket.create_connection(address, source_address=(address[0], 0)) as client:
        connection, _ = server.accept()
        with connection:
            client.sendall(text)
            left = len(text)
            while left:
                left -= len(connection.recv(left))


def port(server: socket.socket) -> int:
    number: int = server.getsockname()[1]
    return number


def heard(listener: Listener, *copies: Writer) -> list[Frame]:
    listener.stop(0.1)
    return list(listener.frames(*copies))


def flags(frames: list[Frame]) -> list[str]:
    return [letters(frame.segment.flags) for frame in frames if frame.segment]


def test_each_segment_is_seen_once_and_from_the_first(server: socket.socket) -> None:
    before = time.time_ns()
    with Listener("lo", port=port(server)) as listener:
        talk(server)
        frames = heard(listener)
        assert listener.dropped == 0
    assert flags(frames)[:4] == ["S", "SA", "A", "PA"]
    assert set(Counter(frame.data for frame in frames).values()) == {1}
    times = [frame.time for frame in frames]
    assert before < times[0] < times[-1] < time.time_ns()
    assert times == sorted(times)
    assert any(moment % 1000 for moment in times)
    assert [frame.number for frame in frames] == list(range(1, len(frames) + 1))


def test_a_copy_holds_what_was_seen(server: socket.socket) -> None:
    out = io.BytesIO()
    with Listener("lo", port=port(server)) as listener:
        talk(server)
        frames = heard(listener, Writer(out))
    assert [(record.time, record.data) for record in stream(io.BytesIO(out.getvalue()))] == [
        (frame.time, frame.data) for frame in frames
    ]
    assert listener.capture().frames == tuple(frames)


def test_other_ports_are_not_heard(server: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, Listener("lo", port=port(server)) as listener:
        talk(other)
        talk(server)
        frames = heard(listener)
    assert frames
    assert all(port(server) in (frame.source.port, frame.destination.port) for frame in frames)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 in this kernel")
def test_the_port_is_found_in_ipv6_and_udp_too() -> None:
    try:
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        receiver.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"no IPv6 on the loopback: {error}")
    with receiver, Listener("lo", port=port(receiver)) as listener:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"question", receiver.getsockname())
        frames = heard(listener)
    assert [(frame.segment, frame.payload, frame.source.host) for frame in frames] == [(None, b"question", "::1")]


@pytest.fixture
def here_and_there() -> Iterator[dict[str, socket.socket]]:
    """Listeners on three addresses and one port."""
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.2", port(first))) as second:
        made = {"127.0.0.1": first, "127.0.0.2": second}
        try:
            made["::1"] = socket.create_server(("::1", port(first)), family=socket.AF_INET6)
        except OSError as error:
            pytest.skip(f"no IPv6 on the loopback: {error}")
        with made["::1"]:
            yield made


@pytest.mark.parametrize(
    ("host", "hosts"),
    [
        ("127.0.0.2", {"127.0.0.2"}),
        ("::1", {"::1"}),
        ("both.example", {"127.0.0.1", "::1"}),
        ("127.0.0.3", set()),
        (None, {"127.0.0.1", "127.0.0.2", "::1"}),
    ],
)
@pytest.mark.parametrize("by_port", [True, False])
@pytest.mark.parametrize("words", [None, "tcp[tcpflags] & tcp-syn != 0 or ip6"])
def test_a_host_is_an_address_or_all_those_of_a_name(
    here_and_there: dict[str, socket.socket],
    host: str | None,
    hosts: set[str],
    by_port: bool,
    words: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if host == "both.example":
        known = [(0, 0, 0, "", (address, 0)) for address in hosts]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: known)
    number = port(here_and_there["127.0.0.1"])
    if words and not find_library("pcap"):
        pytest.skip("libpcap is not installed")
    with Listener("lo", host=host, port=number if by_port else None, filter=words) as listener:
        monkeypatch.undo()
        for server in here_and_there.values():
            talk(server)
        # others may talk on this loopback as well
        frames = [f for f in heard(listener) if number in (f.source.port, f.destination.port)]
    assert {frame.source.host for frame in frames} | {frame.destination.host for frame in frames} == hosts
    assert sum(flag == "S" for flag in flags(frames)) == len(hosts)


def test_a_host_without_address_is_refused() -> None:
    with pytest.raises(InputError, match=r"--host no\.such\.host\.invalid: no address"):
        Listener("lo", host="no.such.host.invalid").__enter__()


def test_what_comes_too_fast_is_written_first_and_looked_at_later(server: socket.socket) -> None:
    out, writer_saw = io.BytesIO(), []
    with Listener("lo", port=port(server)) as listener:
        for _ in range(200):
            talk(server)
        listener.stop(0.2)
        for frame in listener.live(Writer(out)):
            if frame:
                writer_saw.append(listener.waiting)
                listener.stop()
        left = listener.waiting
        assert left > 1000
        assert listener.taken == len(writer_saw) + left
        rest = list(listener.rest())
    assert [frame.number for frame in rest] == list(range(len(writer_saw) + 1, listener.taken + 1))
    assert len(list(stream(io.BytesIO(out.getvalue())))) == listener.taken
    assert (listener.waiting, listener.undecoded, listener.dropped) == (0, 0, 0)


def test_what_would_not_fit_into_memory_is_in_the_file_only(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tcpviz.frames.source.HELD", 1000)
    out = io.BytesIO()
    with Listener("lo", port=port(server)) as listener:
        for _ in range(400):
            talk(server)
        frames = heard(listener, Writer(out))
    assert listener.undecoded > 0
    assert len(frames) + listener.undecoded == listener.taken == len(list(stream(io.BytesIO(out.getvalue()))))


def test_a_filter_in_words(server: socket.socket) -> None:
    if not find_library("pcap"):
        pytest.skip("libpcap is not installed")
    with Listener("lo", port=port(server), filter="tcp[tcpflags] & tcp-syn != 0") as listener:
        talk(server)
        assert flags(heard(listener)) == ["S", "SA"]


def test_a_filter_that_makes_no_sense_is_refused() -> None:
    with (
        pytest.raises(InputError, match=r"'every second one' is not understood|needs libpcap"),
        Listener("lo", filter="every second one"),
    ):
        pass


def test_a_megabyte_loses_nothing(server: socket.socket) -> None:
    text = os.urandom(1 << 20)
    with Listener("lo", port=port(server)) as listener:
        talk(server, text)
        frames = heard(listener)
        assert listener.dropped == 0
    sent = [f for f in frames if f.segment and f.payload and f.destination.port == port(server)]
    assert sum(len(frame.payload) for frame in sent) >= len(text)  # a full window may lead to repetitions
    assert max(len(frame.payload) for frame in sent) > 60000


def test_count_timeout_and_stop_end_it(server: socket.socket) -> None:
    with Listener("lo", port=port(server)) as listener:
        talk(server)
        assert len(list(listener.frames(count=2))) == 2
    began = time.monotonic()
    with Listener("lo", port=port(server), timeout=0.05) as listener:
        assert list(listener.frames()) == []
    with Listener("lo", port=port(server)) as listener:
        threading.Timer(0.05, listener.stop).start()
        assert list(listener.frames()) == []
    assert time.monotonic() - began < 1


def test_an_end_that_nears_can_be_put_off_and_a_stop_cannot(server: socket.socket) -> None:
    with Listener("lo", port=port(server)) as listener:
        began = time.monotonic()
        listener.end(0.05)
        listener.end(10)  # asked again: the first time counts
        assert list(listener.frames()) == []
        listener.end(0.05)
        listener.end(None)
        listener.stop(0.3)
        listener.end(None)
        assert list(listener.frames()) == []
        assert 0.3 <= time.monotonic() - began < 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_handler_may_stop_it(server: socket.socket, number: signal.Signals) -> None:
    with Listener("lo", port=port(server)) as listener:
        before = signal.signal(number, lambda *_: listener.stop())
        try:
            talk(server)
            threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
            assert flags(list(listener.frames()))[:3] == ["S", "SA", "A"]
        finally:
            signal.signal(number, before)


def test_neither_libpcap_nor_tcpdump_is_loaded_for_a_port() -> None:
    program = (
        "import sys; from tcpviz.frames import Listener\n"
        "with Listener('lo', port=1): pass\n"
        "sys.exit('scapy.libs.winpcapy' in sys.modules or 'scapy.all' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_buffer_is_as_large_as_the_system_allows() -> None:
    with Listener("lo") as listener:
        size = listener._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    largest = int(Path("/proc/sys/net/core/rmem_max").read_text(encoding="ascii"))
    assert size >= 2 * min(largest, live.RECEIVE_BUFFER)


@pytest.fixture(autouse=True)
def no_descriptor_is_left() -> Iterator[None]:
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1
