"""`tcpviz capture`: a kernel's own TCP, in a network of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

CHOWN, DAC_OVERRIDE = 1 << 0, 1 << 1
PROGRAM = [sys.executable, "-m", "tcpviz"]

pytestmark = pytest.mark.live


@pytest.fixture
def alone() -> list[str]:
    """A network namespace in which ports never collide, for captures of a live interface."""
    if os.geteuid() != 0:
        pytest.skip("listening to an interface needs root")
    return ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def test_a_scenario_is_performed_captured_and_matched(tcpviz, tmp_path: Path) -> None:
    run, picture = tmp_path / "run.pcap", tmp_path / "run.png"
    ran = tcpviz("capture", "--scenario", "normal", "-o", run, "-o", picture)
    assert ran.code == 0, ran.err
    assert "conforms: closed, 11 segments" in ran.out
    assert "predicts the same segments and states" in ran.out
    assert "the kernel agrees" in ran.out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.pcap", "run.png"]
    document = json.loads(tcpviz("match", run, "--json").out)
    (connection,) = document["captures"][0]["connections"]
    assert connection["verdict"] == "conforms"
    assert connection["states"]["client"][-1] == "TIME-WAIT"
    assert connection["states"]["server"][-1] == "CLOSED"


def test_a_segment_that_the_scenario_forges_is_blamed_and_is_no_failure(tcpviz) -> None:
    ran = tcpviz("capture", "--scenario", "blind-syn")
    assert ran.code == 0, ran.err
    assert "frame 6: no SYN expected" in ran.out
    assert "frame 6 was forged, as the scenario says" in ran.err
    assert "predicts the same segments and states" in ran.out


def test_a_scenario_that_cannot_be_performed_is_refused_before_it_starts(tcpviz, tmp_path: Path) -> None:
    ran = tcpviz("capture", "--scenario", "rfc9293-figure-6", "-o", tmp_path / "never.pcap")
    assert ran.code == 2
    assert "both initial sequence numbers are given" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_without_a_line_two_machines_are_not_to_be_had_and_the_rest_still_is(
    tcpviz, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "ip"
    fake.write_text("#!/bin/sh\necho 'Error: Unknown device type.' >&2\nexit 2\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    ran = tcpviz("capture", "--scenario", "syn-lost")
    assert (ran.code, ran.out) == (3, "")
    assert "Unknown device type" in ran.err
    assert "capture --scenario normal" in ran.err
    assert tcpviz("capture", "--scenario", "normal").code == 0


def test_a_command_is_watched(tcpviz) -> None:
    program = (
        "import socket, threading\n"
        "s = socket.create_server(('127.0.0.1', 4000))\n"
        "c = socket.create_connection(('127.0.0.1', 4000))\n"
        "a, _ = s.accept(); c.close(); a.recv(1); a.close(); print('said by the command')\n"
    )
    ran = tcpviz("capture", "--", sys.executable, "-c", program)
    assert ran.code == 0, ran.err
    assert "said by the command" in ran.out
    assert "conforms: closed" in ran.out
    assert "server 127.0.0.1:4000" in ran.out


def test_the_status_of_a_command_is_reported_and_not_passed_on(tcpviz) -> None:
    ran = tcpviz(
        "capture", "--", sys.executable, "-c",
        "import socket\ntry: socket.create_connection(('127.0.0.1', 4000))\nexcept OSError: raise SystemExit(9)",
    )  # fmt: skip
    assert ran.code == 0
    assert "conforms: refused" in ran.out
    assert "ended with status 9" in ran.err


def test_a_live_capture_ends_when_the_connection_has_closed(alone: list[str], tmp_path: Path) -> None:
    script = (
        '"$@" & capture=$!\n'
        "while ! ss -0 -a 2>/dev/null | grep -q p_raw; do sleep 0.05; done; sleep 0.3\n"
        f'{sys.executable} -c "\n'
        "import socket\n"
        "s = socket.create_server(('127.0.0.1', 8080))\n"
        "c = socket.create_connection(('127.0.0.1', 8080)); a, _ = s.accept()\n"
        "c.sendall(b'hello'); a.recv(5); c.close(); a.recv(5); a.close()\"\n"
        "wait $capture\n"
    )
    command = ["capture", "--port", "8080", "--timeout", "20", "-o", str(tmp_path / "live.pcapng")]
    started = time.monotonic()
    ran = subprocess.run(
        [*alone, "sh", "-c", script, "sh", *PROGRAM, *command], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert "conforms: closed" in ran.stdout
    assert "the kernel agrees" in ran.stdout
    assert re.search(r"^ +\d+✓.*│ kernel: .*(client|server) [A-Z]+", ran.stdout, re.MULTILINE)
    assert time.monotonic() - started < 15
    assert [p.name for p in tmp_path.iterdir()] == ["live.pcapng"]


def beside(alone: list[str], folder: Path, program: str, *options: str) -> tuple[int, str]:
    """Exit code and output of a live capture of port 8080 during which the Python program runs."""
    talk = folder / "talk.py"
    talk.write_text(program)
    script = f'"$@" & p=$!; read go; {sys.executable} {talk}; wait $p'
    with subprocess.Popen(
        [*alone, "sh", "-c", script, "sh", *PROGRAM, "capture", "--port", "8080", "--timeout", "30", *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr
        assert "listening" in process.stderr.readline()
        out, _ = process.communicate("go\n", timeout=60)
    return process.returncode, out


OPENED_AND_CLOSED = """
import socket, time
server = socket.create_server(("127.0.0.1", 8080), backlog=64)
def opened(): return socket.create_connection(("127.0.0.1", 8080)), server.accept()[0]
def closed(client, ours): client.close(); ours.recv(1); ours.close()
closed(*opened())
"""


def test_a_live_capture_goes_on_when_one_has_closed_and_others_follow(alone: list[str], tmp_path: Path) -> None:
    """As with wrk and browsers: one connection to try, then many at once, held for a while, then another."""
    more = "pairs = [opened() for _ in range(40)]; time.sleep(0.6)\n"
    more += "for pair in pairs: closed(*pair)\ntime.sleep(0.1)\nclosed(*opened())\n"
    code, out = beside(alone, tmp_path, OPENED_AND_CLOSED + more)
    assert code == 0
    assert out.count("conforms: closed") == 42, out


def test_a_count_ends_it_and_the_kernel_is_not_held_to_what_came_later(alone: list[str], tmp_path: Path) -> None:
    code, out = beside(alone, tmp_path, OPENED_AND_CLOSED, "-c", "3")
    assert code == 0
    assert "conforms: open, 3 segments" in out
    assert "the kernel agrees" in out, out


def test_nothing_seen_is_exit_4_and_leaves_no_file(alone: list[str], tmp_path: Path) -> None:
    command = ["capture", "--port", "8080", "--timeout", "0.3", "-o", str(tmp_path / "none.pcap")]
    ran = subprocess.run([*alone, *PROGRAM, *command], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 4
    assert "no TCP or UDP segment was seen on lo, port 8080" in ran.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_keeps_what_was_captured(
    alone: list[str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    refused = "import socket, time\nwhile True:\n socket.socket().connect_ex(('127.0.0.1', 8080)); time.sleep(0.05)"
    script = f'{sys.executable} -c "{refused}" & other=$!; trap "kill $other" EXIT; "$@"; code=$?; exit $code'
    command = ["capture", "--port", "8080", "-c", "100000", "-o", str(tmp_path / "run.pcap")]
    with subprocess.Popen(
        [*alone, "sh", "-c", script, "sh", *PROGRAM, *command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        while "RST,ACK" not in process.stdout.readline():
            pass
        (program,) = (
            pid for pid in children(process.pid) if "capture" in arguments(pid) and "sh" not in arguments(pid)
        )
        os.kill(program, number)
        process.communicate(timeout=30)
    assert process.returncode == code
    assert (tmp_path / "run.pcap").stat().st_size > 24
    assert [p.name for p in tmp_path.iterdir()] == ["run.pcap"]


@pytest.mark.parametrize(
    ("invoker", "folder_of", "uid", "capabilities"),
    [
        (65534, 65534, 65534, 0),  # sudo: the invoking user draws
        (None, 0, 0, 0),  # root itself, without its powers
        (None, 65534, 0, DAC_OVERRIDE),  # root, writing into somebody's folder
        (65534, 0, 0, CHOWN),  # sudo, writing where the invoking user may not
    ],
)
def test_what_listens_gives_up_root(
    alone: list[str], invoker: int | None, folder_of: int, uid: int,
    capabilities: int,
) -> None:  # fmt: skip
    if uid and not all(readable_by_all(Path(place)) for place in sys.path if Path(place).is_dir()):
        # nobody else may use this Python: then it is as for root
        uid, capabilities = 0, DAC_OVERRIDE | CHOWN
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    os.chown(folder, folder_of, folder_of)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SUDO_")}
    environment |= {"SUDO_UID": str(invoker), "SUDO_GID": str(invoker)} if invoker else {}
    refused = f"{sys.executable} -c \"import socket; socket.socket().connect_ex(('127.0.0.1', 8080))\""
    script = f'"$@" & p=$!; read go; {refused}; wait $p'
    command = ["capture", "--port", "8080", "--timeout", "30", "-o", f"{folder}/x.pcapng", "-o", f"{folder}/x.json"]
    try:
        with subprocess.Popen(
            [*alone, "sh", "-c", script, "sh", *PROGRAM, *command], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stderr
            assert "listening" in process.stderr.readline()
            (program,) = (p for p in children(process.pid) if "capture" in arguments(p) and "sh" not in arguments(p))
            status = dict(
                line.split(":\t", 1)
                for line in Path(f"/proc/{program}/status").read_text().splitlines()
                if ":\t" in line
            )
            process.communicate("go\n", timeout=60)
        assert process.returncode == 0
        assert status["Uid"].split() == [str(uid)] * 4
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == capabilities
        assert status["NoNewPrivs"] == "1"
        owner = invoker or 0
        assert {path.name: path.stat().st_uid for path in folder.iterdir()} == {"x.pcapng": owner, "x.json": owner}
    finally:
        shutil.rmtree(folder)


def readable_by_all(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o5 == 0o5 for place in (folder, *folder.resolve().parents))


def children(pid: int) -> list[int]:
    found = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found + [grandchild for child in found for grandchild in children(child)]


def arguments(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def test_an_ordinary_user_is_told_the_ways_out(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("becoming an ordinary user needs root and setpriv")
    ordinary = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all"]
    ran = subprocess.run(
        [*ordinary, *PROGRAM, "capture", "--port", "8080"],
        capture_output=True, text=True, cwd="/", timeout=60, env={**os.environ, "HOME": "/nonexistent"},
    )  # fmt: skip
    assert ran.returncode == 3
    assert "sudo /" in ran.stderr
    assert "capture --scenario" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--port", "http"], "'http' is no port: expected a number from 1 to 65535"),
        (["--port", "70000"], "'70000' is no port"),
        (["--scenario", "norml"], "the nearest name is 'normal'"),
        (["--scenario", "normal", "--port", "80"], "exclude one another"),
        (["--scenario", "normal", "-o", "x.bmp"], "known here are"),
        (["-i", "nowhere0"], "no interface nowhere0"),
        (["--host", "no.such.host.invalid"], "no address"),
        (["every", "second", "one"], "filter 'every second one' is not understood"),
        (["--scenario", "normal", "tcp"], "exclude one another"),
        (["--"], "no command stands behind --"),
        (["--", "/no/such/command"], "no command /no/such/command"),
        (["-c", "0"], "-c"),
    ],
)
def test_wrong_usage(tcpviz, options: list[str], words: str) -> None:
    ran = tcpviz("capture", *options)
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
