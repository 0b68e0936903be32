"""Does a capture keep up? Real TCP at 100,000 segments a second for 10 seconds, counted four ways.

    python tests/benchmarks/capturing.py [SECONDS]       (as root; part of make bench)

Each program captures in a network namespace of its own, in which nothing else talks: what its loopback's own counters
say was sent is what the file must hold. The peer is tcpdump, with its buffer as it comes and with one as large as ours.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tcpviz.frames import stream

RATE = 100_000
PORT = 9000
BURST = 20
SENDS = 1.35
"""For each segment that is wanted; a few are sent together, fewer acknowledge."""
INSIDE = "TCPVIZ_BENCHMARK_INSIDE"
OURS = [sys.executable, "-m", "tcpviz", "capture", "--port", str(PORT), "-o"]
TCPDUMP = ["tcpdump", "-i", "lo", "-n", "-Z", "root", "--nano", "-Q", "in"]
PROGRAMS = {
    "tcpviz capture -o FILE.pcap": ([*OURS, "{}.pcap"], "listening"),
    "tcpviz capture -o FILE.pcapng": ([*OURS, "{}.pcapng"], "listening"),
    "tcpdump -w FILE": ([*TCPDUMP, "-w", "{}.pcap"], "listening"),
    "tcpdump -B 65536 -w FILE": ([*TCPDUMP, "-B", "65536", "-w", "{}.pcap"], "listening"),
}


def main(seconds: float) -> None:
    print("## Keeping up\n")
    print(f"Real TCP on a loopback of its own for {seconds:g} s, at {RATE:,} segments a second and more; buffers of")
    print("64 MiB where nothing else is said. All run at real-time priority, for the machine is shared with others.")
    print("Processor seconds are the capturing program's, until its file was closed.\n")
    print("| Program | Segments a second | Interface's counter | In the file | Dropped | Processor seconds |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, (command, ready) in PROGRAMS.items():
        with tempfile.TemporaryDirectory() as folder:
            print(f"| `{name}` | {measured(command, ready, folder, seconds)} |", flush=True)


def measured(command: list[str], ready: str, folder: str, seconds: float) -> str:
    command = [part.format(f"{folder}/x") for part in command]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        said = [program.stderr.readline()]
        while said[-1] and ready not in said[-1]:
            said.append(program.stderr.readline())
        before = counter()
        began = time.monotonic()
        talk(seconds)
        rate = (counter() - before) / (time.monotonic() - began)
        sent = counter() - before
        time.sleep(1)  # tcpdump forgets what it has not read yet
        program.send_signal(signal.SIGINT)
        while said[-1] and "by kernel" not in said[-1] and "by the kernel" not in said[-1]:
            said.append(program.stderr.readline())
        spent = processor_seconds(program.pid)
        program.send_signal(signal.SIGINT)
        said.append(program.stderr.read())
    dropped = re.findall(r"([\d,]+) (?:packets )?dropped by (?:the )?kernel", "".join(said))
    with next(Path(folder).glob("x.pcap*")).open("rb") as file:
        kept = sum(1 for _ in stream(file))
    return f"{rate:,.0f} | {sent:,} | {kept:,} | {dropped[-1]} | {spent:.1f}"


def talk(seconds: float) -> None:
    """One connection, one small segment after another; the receiver's acknowledgements count too."""
    with socket.create_server(("127.0.0.1", PORT)) as server:
        client = socket.create_connection(server.getsockname())
        connection, _ = server.accept()
    pid = os.fork()
    if not pid:
        client.close()
        while connection.recv(2**20):
            time.sleep(0.001)  # the capture needs the processor more
        os._exit(0)
    connection.close()
    with client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sends, send, begun = 0, client.send, time.monotonic()
        while (spent := time.monotonic() - begun) < seconds:
            if sends < RATE * SENDS * spent:  # else turn, not sleep: what is sent late is sent together
                for _ in range(BURST):
                    send(b"sixteen octets.\n")
                sends += BURST
    os.waitpid(pid, 0)


def counter() -> int:
    """Frames that the loopback of this network namespace has carried."""
    (line,) = (line for line in Path("/proc/net/dev").read_text(encoding="ascii").splitlines() if "lo:" in line)
    return int(line.split()[2])


def processor_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def in_a_network_of_its_own() -> None:
    """Start again in a new network namespace, whose loopback nobody else uses."""
    if os.environ.get(INSIDE) is None:
        os.execvpe("unshare", ["unshare", "--net", sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Path("/proc/sys/net/ipv4/tcp_autocorking").write_text("0", encoding="ascii")  # every send is a segment


if __name__ == "__main__":
    in_a_network_of_its_own()
    main(float(sys.argv[1]) if sys.argv[1:] else 10.0)
