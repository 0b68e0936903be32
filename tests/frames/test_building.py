"""Simulated exchanges as capture files: what is written is what is read, and tshark finds every checksum good."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tcpviz.exchange import library
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.scenario_file import parse
from tcpviz.exchange.simulate import simulate
from tcpviz.frames import frames_of, read, write

IPV6 = """
[client]
address = "fd00::1"
calls = ["connect", "send 5", "close"]
[server]
address = "fd00::2"
calls = ["listen", "accept", "recv end", "close"]
"""


def exchanges() -> list[Exchange]:
    return [simulate(library.load(name)) for name in library.names()] + [simulate(parse(IPV6, "ipv6", where="ipv6"))]


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_reading_gives_the_same_segments(tmp_path: Path, form: str) -> None:
    for exchange in exchanges():
        path = tmp_path / f"x.{form}"
        frames = frames_of(exchange)
        write(str(path), frames, format=form)
        again = read(str(path))
        assert [(f.time, f.source, f.destination, f.segment, f.payload) for f in again.frames] == [
            (f.time, f.source, f.destination, f.segment, f.payload) for f in frames
        ]
        assert again.skipped == {}


def test_tshark_finds_nothing_wrong(tmp_path: Path) -> None:
    if not shutil.which("tshark"):
        pytest.skip("tshark is not installed")
    path = tmp_path / "all.pcapng"
    write(str(path), [frame for exchange in exchanges() for frame in frames_of(exchange)], format="pcapng")
    wrong = "tcp.checksum.status != 1 || ip.checksum.status == 0 || _ws.malformed"
    checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    ran = subprocess.run(["tshark", "-r", str(path), *checks, "-Y", wrong], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
