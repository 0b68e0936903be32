"""The kernel says what its sockets did; a ring buffer is read as the kernel writes it; nothing of it stays behind."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from leftovers import instances

from tcpviz.exchange import library
from tcpviz.exchange.capture import Address
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.match import match
from tcpviz.exchange.witness import KernelSocket, attach, disagreements
from tcpviz.lab import Witness, perform, tracing
from tcpviz.lab.sock_diag import Observer
from tcpviz.lab.tracing import PREFIX, Format, Instance
from tcpviz.lab.witness import sentence, sockets_of
from tcpviz.language import CHINESE
from tcpviz.model.transitions import State

SYN_SENT, ESTABLISHED, SYN_RECV, FIN_WAIT_1, FIN_WAIT_2, CLOSE, LISTEN = 2, 1, 3, 4, 5, 7, 10
LOOPBACK6 = bytes(15) + b"\1"
MAPPED = bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1])


def event(time: int, key: str, before: int, after: int, ports: tuple[int, int], host: bytes = MAPPED) -> dict[str, Any]:
    return {
        "event": "inet_sock_set_state", "time": time, "skaddr": key, "oldstate": before, "newstate": after,
        "sport": ports[0], "dport": ports[1], "protocol": 6, "saddr_v6": host.hex(), "daddr_v6": host.hex(),
    }  # fmt: skip


def said(events: list[dict[str, Any]]) -> list[tuple[int, list[str], list[str]]]:
    return [
        (found.local.port, [str(change.state) for change in found.changes], [str(deed) for deed in found.deeds])
        for found in sockets_of(events)
    ]


def test_connect_enters_syn_sent_before_it_has_a_port() -> None:
    events = [event(1, "a", CLOSE, SYN_SENT, (0, 80)), event(2, "a", SYN_SENT, ESTABLISHED, (5000, 80))]
    assert said(events) == [(5000, ["SYN-SENT", "ESTABLISHED"], [])]


def test_a_listener_is_no_connection_but_its_child_is() -> None:
    events = [event(1, "l", CLOSE, LISTEN, (80, 0)), event(2, "c", LISTEN, SYN_RECV, (80, 5000))]
    assert said(events) == [(80, ["SYN-RECEIVED"], [])]


def test_fin_wait_2_to_closed_is_a_mini_socket_taking_over() -> None:
    events = [event(1, "a", FIN_WAIT_1, FIN_WAIT_2, (5000, 80)), event(2, "a", FIN_WAIT_2, CLOSE, (5000, 80))]
    assert said(events) == [(5000, ["FIN-WAIT-1", "FIN-WAIT-2"], [])]


def test_unless_a_reset_came() -> None:
    reset = event(2, "a", 0, 0, (5000, 80)) | {"event": "tcp_receive_reset"}
    events = [event(1, "a", FIN_WAIT_1, FIN_WAIT_2, (5000, 80)), reset, event(3, "a", FIN_WAIT_2, CLOSE, (5000, 80))]
    assert said(events) == [(5000, ["FIN-WAIT-1", "FIN-WAIT-2", "CLOSED"], ["reset received"])]


def test_a_place_in_memory_is_used_again() -> None:
    one = [event(1, "a", CLOSE, SYN_SENT, (5000, 80)), event(2, "a", SYN_SENT, CLOSE, (5000, 80))]
    two = [event(3, "a", CLOSE, SYN_SENT, (5001, 80))]
    assert said(one + two) == [(5000, ["SYN-SENT", "CLOSED"], []), (5001, ["SYN-SENT"], [])]


def test_other_protocols_have_other_states() -> None:
    assert said([event(1, "a", CLOSE, SYN_SENT, (5000, 80)) | {"protocol": 262}]) == []


def test_an_ipv4_address_of_an_ipv6_socket_is_an_ipv4_address() -> None:
    (four,) = sockets_of([event(1, "a", CLOSE, SYN_SENT, (5000, 80))])
    (six,) = sockets_of([event(1, "a", CLOSE, SYN_SENT, (5000, 80), host=LOOPBACK6)])
    assert (four.local, six.local) == (Address("127.0.0.1", 5000), Address("::1", 5000))


def test_a_reset_from_where_no_socket_is_belongs_to_its_addresses() -> None:
    ends = (struct.pack("=H", 2) + struct.pack("!H4B", port, 127, 0, 0, 1) + bytes(20) for port in (80, 5000))
    sent = dict(zip(("saddr", "daddr"), (end.hex() for end in ends), strict=True))
    reset = {"event": "tcp_send_reset", "time": 1, "skaddr": "00", "reason": "NO_SOCKET", **sent}
    assert said([reset]) == [(80, [], ["reset sent (NO_SOCKET)"])]


FORMAT = """name: tcp_send_reset
ID: 77
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:const void * skaddr;	offset:8;	size:8;	signed:0;
	field:__u16 sport;	offset:16;	size:2;	signed:0;
	field:__u8 saddr[4];	offset:18;	size:4;	signed:0;
	field:enum sk_rst_reason reason;	offset:24;	size:4;	signed:0;

print fmt: "state=%s reason=%s", __print_symbolic(REC->state, { 1, "WRONG" }), __print_symbolic(REC->reason, \
{ 0, "NOT_SPECIFIED" }, { 1, "NO_SOCKET" })
"""


def test_a_format_is_read_as_the_kernel_writes_it() -> None:
    form = Format.parse(FORMAT)
    assert (form.name, form.number) == ("tcp_send_reset", 77)
    data = struct.pack("=HxxiQH4BxxI", 77, 12, 0xAB, 8080, 127, 0, 0, 1, 1)
    assert form.decode(data) == {
        "event": "tcp_send_reset",
        "skaddr": data[8:16].hex(),
        "sport": 8080,
        "saddr": "7f000001",
        "reason": "NO_SOCKET",
    }


def page(*records: bytes, time: int = 1000, lost: bool = False) -> bytes:
    body = b"".join(records)
    return (struct.pack("=QQ", time, len(body) | lost << 31) + body).ljust(4096, b"\0")


def record(delta: int, data: bytes) -> bytes:
    return struct.pack("=I", len(data) // 4 | delta << 5) + data


def read(*pages: bytes) -> tuple[list[tuple[int, bytes]], int]:
    instance = Instance("/nowhere", [])
    instance._head = Format.parse(
        "name: page\nID: 0\n"
        "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
        "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
        "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n"
    ).fields
    return [found for one in pages for found in instance._records(one)], instance.lost


def test_times_in_a_ring_buffer_add_up() -> None:
    extend = struct.pack("=II", 30 | 5 << 5, 1)
    assert read(page(record(7, b"abcd"), record(3, b"efghijkl"), extend, record(1, b"mnop"))) == (
        [(1007, b"abcd"), (1010, b"efghijkl"), (1010 + (1 << 27) + 5 + 1, b"mnop")],
        0,
    )


def test_an_absolute_time_keeps_the_topmost_bits() -> None:
    base = 3 << 60
    stamp = struct.pack("=II", 31 | 9 << 5, 2)
    assert read(page(stamp, record(1, b"abcd"), time=base))[0] == [(base + (2 << 27) + 10, b"abcd")]


def test_long_records_tell_their_length_and_padding_is_skipped() -> None:
    long = struct.pack("=II", 0 | 4 << 5, 4 + 120) + bytes(120)
    discarded = struct.pack("=II", 29 | 1 << 5, 8) + bytes(4)
    end = struct.pack("=I", 29)
    assert read(page(long, discarded, record(2, b"abcd"), end)) == ([(1004, bytes(120)), (1006, b"abcd")], 0)


def test_a_gap_is_counted() -> None:
    assert read(page(record(1, b"abcd")), page(lost=True))[1] == 1


def states(found: tuple[KernelSocket, ...], end: tuple[Any, ...]) -> list[str]:
    local = Address(*end[:2])
    return [str(change.state) for one in found if one.local == local for change in one.changes]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_sock_diag_tells_any_user_the_state_of_a_socket(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"there is no {host} here")
    observer = Observer()
    with listener, socket.create_connection(listener.getsockname()[:2]) as client:
        ends = client.getsockname(), listener.getsockname()
        addresses = [Address(*end[:2]) for end in ends]
        server, _ = listener.accept()
        with server:
            observer.look(*addresses)
            client.shutdown(socket.SHUT_WR)
            server.recv(1)
            observer.look(*addresses)
            server.close()
            client.recv(1)
            observer.look(*addresses)
    found = observer.sockets()
    observer.close()
    first, *_, last = states(found, ends[0])
    assert (first, last) == ("ESTABLISHED", "TIME-WAIT")
    # of the other end there may already be nothing: a listener that answers in its place is another socket
    assert states(found, ends[1])[:2] == ["ESTABLISHED", "CLOSE-WAIT"]


def test_an_observer_reads_the_ends_from_a_frame_and_nothing_from_noise() -> None:
    observer = Observer()
    for noise in (b"", bytes(60), b"\x45" * 60, b"\x60" * 90):
        observer.look_at_frame(noise)
    assert observer.sockets() == ()
    observer.close()


NO_TRACEFS = "umount -R /sys/kernel/tracing /sys/kernel/debug/tracing 2>/dev/null; "
UNWITNESSED = {
    "mounted for reading": (
        "mount -t tracefs none /sys/kernel/tracing; mount -o remount,bind,ro /sys/kernel/tracing; exec",
        "no trace instance can be made: Read-only file system; `mount -o remount,rw /sys/kernel/tracing` allows it",
    ),
    "not in the kernel": (
        "mount -t tmpfs none /sys/kernel; exec",
        "tracefs cannot be mounted: No such file or directory; a kernel built with CONFIG_FTRACE has it",
    ),
    "no powers": (
        f"{NO_TRACEFS} exec setpriv --bounding-set -sys_admin --inh-caps -sys_admin",
        "tracefs cannot be mounted: Operation not permitted; it takes root with CAP_SYS_ADMIN",
    ),
    "somebody else": (
        f"{NO_TRACEFS} exec setpriv --reuid 65534 --regid 65534 --clear-groups",
        "reading the kernel's tracepoints needs root: run it with sudo",
    ),
}


@pytest.mark.live
@pytest.mark.parametrize(("before", "words"), UNWITNESSED.values(), ids=UNWITNESSED)
def test_why_there_are_no_tracepoints_is_said_with_what_would_allow_them(
    before: str, words: str, recorder: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    command = f'{before} {sys.executable} -I -S "$0"'
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command, recorder],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    said = sentence(json.loads(ran.stdout))
    assert said.startswith(words), ran.stdout + ran.stderr
    # it knows nothing of languages: what it says is put together, and translated, by who reads it
    assert not set(CHINESE.translated(said).split()) & {"be", "takes", "needs", "allows"}


@pytest.fixture
def recorder() -> Iterator[Path]:
    """Where anybody may read it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Path(shutil.copy(tracing.__file__, folder))


# with the kernel's tracepoints


@pytest.fixture(scope="module")
def tracepoints() -> None:
    with Witness(1) as witness:
        if witness.missing:
            pytest.skip(witness.missing)


def performed(name: str) -> Exchange:
    scenario = library.load(name)
    with Witness(scenario.client.port, scenario.server.port) as witness:
        with perform(scenario) as run:
            list(run.frames())
        record = witness.record(run.report.seen, run.report.ended)
    return attach(match(run.capture()), record)


@pytest.mark.live
@pytest.mark.usefixtures("sandbox", "tracepoints")
@pytest.mark.parametrize(
    "name", ["normal", "half-close", "three-segment-close", "abort", "refused", "data-after-close"]
)
def test_wire_and_kernel_agree(name: str) -> None:
    (connection,) = performed(name).connections
    assert connection.witness is not None
    assert connection.witness.source == "tracepoint"
    assert connection.witness.client.states
    assert disagreements(connection) == ()


@pytest.mark.live
@pytest.mark.usefixtures("sandbox", "tracepoints")
def test_the_kernel_says_why_it_refused() -> None:
    (connection,) = performed("refused").connections
    assert connection.witness is not None
    assert [deed.what for deed in connection.witness.server.deeds] == ["reset sent"]
    assert [deed.what for deed in connection.witness.client.deeds] == ["reset received"]


@pytest.mark.live
@pytest.mark.usefixtures("sandbox")
def test_without_tracepoints_there_is_what_was_seen_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpviz.lab.witness.tracing.__file__", os.devnull)
    (connection,) = performed("normal").connections
    assert connection.witness is not None
    assert connection.witness.source == "sock_diag"
    assert connection.witness.client.states[-1].state is State.TIME_WAIT
    assert disagreements(connection) == ()


@pytest.fixture
def user(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that has a witness, and its recorder's number."""
    program = (
        "from tcpviz.lab import Witness\n"
        "with Witness(1) as witness:\n"
        "    print(witness._process.pid, flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
        process.kill()


def gone(pid: int) -> None:
    """Wait for a process that is not ours."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ready, _, _ = select.select([descriptor], [], [], 30)
    os.close(descriptor)
    assert ready, "the recorder outlives everyone"


@pytest.mark.usefixtures("tracepoints")
def test_nothing_stays_behind_when_its_user_is_killed(user: tuple[subprocess.Popen[str], int]) -> None:
    process, recorder = user
    assert any(name.startswith(f"{PREFIX}{recorder}-") for name in instances())
    process.kill()
    gone(recorder)
    assert not any(name.startswith(f"{PREFIX}{recorder}-") for name in instances())


@pytest.mark.usefixtures("tracepoints")
def test_what_a_killed_recorder_left_the_next_one_takes_away(user: tuple[subprocess.Popen[str], int]) -> None:
    process, recorder = user
    assert any(name.startswith(f"{PREFIX}{recorder}-") for name in instances())
    # from then on it may be taken away by any other, not only by ours
    os.kill(recorder, signal.SIGKILL)
    process.communicate("\n")
    with Witness(1):
        assert not any(name.startswith(f"{PREFIX}{recorder}-") for name in instances())


def test_addresses_that_are_used_again_are_another_life_and_a_listener_is_none() -> None:
    lives: list[Any] = []
    for state in (State.LISTEN, State.SYN_RECEIVED, State.TIME_WAIT, State.ESTABLISHED, State.LISTEN, State.LISTEN):
        Observer._note(lives, state)
    assert [[str(change.state) for change in life] for life in lives] == [
        ["SYN-RECEIVED", "TIME-WAIT"],
        ["ESTABLISHED", "CLOSED"],
    ]
