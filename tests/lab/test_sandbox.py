"""Any command in a network of its own; and nothing of it is left, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from performed import MS, accept, apart, connect, listen, recv_end, scenario, wait

from tcpviz.errors import InputError, PermissionMissing, TcpvizError
from tcpviz.exchange.scenario import Network
from tcpviz.frames import read
from tcpviz.lab import perform, run_command, sandbox
from tcpviz.model.segment import letters

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("sandbox")]

TALK = """
import socket
server = socket.create_server(("127.0.0.1", 8080))
client = socket.create_connection(("127.0.0.1", 8080))
connection, _ = server.accept()
client.close()
connection.recv(1)
connection.close()
print("said on standard output")
"""
HANG = scenario([connect, wait(60_000)], [listen, accept, recv_end])
HANG_APART = apart(scenario([connect, wait(60_000)], [listen, accept, recv_end], network=Network(delay=MS)))


def descendants() -> set[int]:
    """Our children, theirs, and so on, as /proc tells it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def gone(pids: set[int], within: float = 3.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.01)
    return False


def alive(pid: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = descendants()
    yield
    assert gone(descendants() - before)


def test_a_command_keeps_its_streams_and_its_status(capfd: pytest.CaptureFixture[str]) -> None:
    with run_command([sys.executable, "-c", TALK + "import sys; sys.exit('said on standard error')"]) as run:
        flags = [letters(frame.segment.flags) for frame in run.frames() if frame.segment]
    assert flags in (["S", "SA", "A", "FA", "FA", "A"], ["S", "SA", "A", "FA", "A", "FA", "A"])
    assert run.report.status == 1
    said = capfd.readouterr()
    assert (said.out, said.err) == ("said on standard output\n", "said on standard error\n")


def test_a_command_that_a_signal_ends_is_reported_so() -> None:
    with run_command(["sh", "-c", "kill -USR1 $$"]) as run:
        assert list(run.frames()) == []
    assert run.report.status == -signal.SIGUSR1


def test_a_command_that_hangs_is_ended_with_all_it_started() -> None:
    with run_command(["sh", "-c", "sleep 1000 & sleep 1000"], timeout=0.3) as run:
        assert list(run.frames()) == []
    assert run.report.timed_out
    assert run.report.status is None


def test_what_a_command_leaves_behind_dies_with_it() -> None:
    with run_command(["sh", "-c", "setsid sleep 1000 & exit 3"]) as run:
        list(run.frames())
    assert run.report.status == 3


def test_the_network_is_its_own() -> None:
    program = "import socket; print([name for _, name in socket.if_nameindex()] == ['lo'] or exit(9))"
    with run_command([sys.executable, "-c", program]) as run:
        list(run.frames())
    assert run.report.status == 0


def test_a_command_that_does_not_exist() -> None:
    with pytest.raises(InputError, match="there is no command no-such-program"):
        run_command(["no-such-program"])
    with pytest.raises(InputError, match="no command was given"):
        run_command([])


def test_a_command_that_cannot_be_run(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("\x7fELF nonsense")
    program.chmod(0o755)
    with pytest.raises(InputError, match=r"cannot run .*program: Exec format error"), run_command([str(program)]):
        pass


def test_stop_keeps_what_was_captured_and_reports() -> None:
    with perform(HANG) as run:
        threading.Timer(0.2, run.stop).start()
        assert len(list(run.frames())) == 3
    assert run.report.stopped


def test_leaving_early_still_reports() -> None:
    with perform(HANG) as run:
        assert len(list(run.frames(count=2))) == 2
    assert run.report.stopped


def test_an_exception_ends_it() -> None:
    before = descendants()
    run = perform(HANG)
    started: set[int] = set()

    def draw() -> None:
        with run:
            started.update(descendants() - before)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        draw()
    assert len(started) >= 2
    assert gone(started)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("stage", ["HANG", "HANG_APART"])
def test_nothing_survives_its_parent(stage: str, number: signal.Signals) -> None:
    # whoever runs the tests in the background of a script has SIGINT ignored, and that is inherited
    heeding = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program = f"{heeding}import performed, test_sandbox as t\nfrom tcpviz.lab import perform\n" + (
        f"with perform(t.{stage}) as run:\n    for frame in run.frames(): print(frame.number, flush=True)"
    )
    before = descendants()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as parent:
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(3)] == [b"1\n", b"2\n", b"3\n"]
        started = descendants() - before
        assert len(started) >= 5  # the parent, unshare, the first process, two applications
        # a namespace lives as long as somebody is in it: nothing else holds these
        theirs = {os.readlink(f"/proc/{pid}/ns/net") for pid in started} - {os.readlink("/proc/self/ns/net")}
        assert len(theirs) == (1 if stage == "HANG" else 3)
        parent.send_signal(number)
        parent.wait(10)
        assert gone(started)


def test_nothing_survives_a_capture_that_is_killed(tmp_path: Path) -> None:
    """Neither what it ran, nor what it ran that in, nor a recorder; and what it had is a readable capture."""
    run = tmp_path / "run.pcap"
    talk = f"{TALK}\nimport time\ntime.sleep(1000)"
    command = [sys.executable, "-m", "tcpviz", "capture", "-o", str(run), "--", sys.executable, "-c", talk]
    before = descendants()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as capture:
        assert capture.stdout
        while "FIN" not in capture.stdout.readline():
            assert capture.poll() is None
        started = descendants() - before
        theirs = {os.readlink(f"/proc/{pid}/ns/net") for pid in started} - {os.readlink("/proc/self/ns/net")}
        assert len(started) >= 4  # tcpviz, unshare, the first process, the command
        assert len(theirs) == 1
        capture.kill()
        capture.wait(10)
    assert gone(started)
    assert read(str(tmp_path / "run.pcap.part")).frames


def test_a_first_process_that_is_killed_is_reported_not_waited_for() -> None:
    with perform(HANG) as run:
        frames = run.frames()
        next(frames)
        unshare = run._process.pid
        (first,) = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
        os.kill(int(first), signal.SIGKILL)
        with pytest.raises(TcpvizError, match="ended before it could report"):
            list(frames)


def test_without_namespaces_the_way_to_them_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "unshare"
    fake.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(PermissionMissing, match="unshare failed: Operation not permitted") as caught, perform(HANG):
        pass
    assert caught.value.exit_code == 3
    assert "sudo" in str(caught.value) or "CAP_SYS_ADMIN" in str(caught.value)


def test_without_unshare_its_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PermissionMissing, match="util-linux"), perform(HANG):
        pass


def test_the_advice_fits_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "sudo" in sandbox._advice()


def test_a_limit_on_networks_is_named_with_what_lifts_it() -> None:
    """In a user namespace of its own, whose root has all powers, and no network left to make."""
    limit = 'mount -t proc none /proc && echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"'
    own = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c"]
    if subprocess.run([*own, limit, "sh", "true"], capture_output=True).returncode:
        pytest.skip("no limits of its own for a user namespace here")
    capture = [sys.executable, "-m", "tcpviz", "capture", "--scenario", "normal"]
    ran = subprocess.run([*own, limit, "sh", *capture], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 3
    assert "`sysctl -w user.max_net_namespaces=15000`" in ran.stderr
    assert "`tcpviz simulate`" in ran.stderr
