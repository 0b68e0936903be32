"""tshark's view beside ours on the same captures: the same numbers wherever it is right, and where it is not.

The captures are those that kernels made, and simulated scenarios, exported: what happened in them is known.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tcpviz.exchange import library

UDP = {name for name in library.names() if library.load(name).client.talks_udp}
CAPTURES = sorted(p for p in Path(__file__).parents[2].glob("captures/*.pcapng") if p.stem not in UDP)
"""What kernels did."""
FIELDS = {
    "frame": "frame.number", "seq": "tcp.seq", "ack": "tcp.ack", "length": "tcp.len",
    "seq_raw": "tcp.seq_raw", "ack_raw": "tcp.ack_raw", "time": "frame.time_relative", "stream": "tcp.stream",
    "again": "tcp.analysis.retransmission", "reused": "tcp.analysis.reused_ports", "completeness": "tcp.completeness",
}  # fmt: skip
SYN, SYN_ACK, ACK, DATA, FIN, RST = (1 << bit for bit in range(6))
"""Of tshark's tcp.completeness."""
TAKEN_FOR_NEW = {"blind-syn", "crash-client-opens", "old-duplicate-syn", "rfc9293-figure-8"}
"""Here a SYN with another number, inside a connection, makes tshark count from it; see below."""
NUMBERS_AGREE = [name for name in library.names() if name not in TAKEN_FOR_NEW and name not in UDP]


@pytest.fixture(autouse=True)
def _installed() -> None:
    if not shutil.which("tshark"):
        pytest.skip("tshark is not installed")


def theirs(path: Path) -> list[dict[str, str]]:
    """One record a frame, as tshark sees it."""
    fields = [word for field in FIELDS.values() for word in ("-e", field)]
    command = ["tshark", "-r", str(path), "-T", "fields", "-E", "occurrence=f", *fields]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in ran.stdout.splitlines()]


def ours(tcpviz: Any, path: Path) -> list[dict[str, Any]]:
    """The connections, as `match --json` tells them."""
    connections = json.loads(tcpviz("match", path, "--json").out)["captures"][0]["connections"]
    assert isinstance(connections, list)
    return connections


def exported(tcpviz: Any, tmp_path: Path, name: str) -> Path:
    path = tmp_path / f"{name}.pcapng"
    assert tcpviz("simulate", name, "-o", path).code == 0
    return path


def by_frame(connections: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Without what must have been on the wire and was not captured: no frame shows it, and only that has none."""
    segments = [segment for connection in connections for segment in connection["segments"]]
    assert all((segment["frame"] is None) == (segment["kind"] == "inferred") for segment in segments)
    return {segment["frame"]: segment for segment in segments if segment["frame"] is not None}


def assert_the_same_numbers(connections: list[dict[str, Any]], frames: list[dict[str, str]]) -> None:
    segments = by_frame(connections)
    assert [int(frame["frame"]) for frame in frames] == sorted(segments)
    for frame in frames:
        segment = segments[int(frame["frame"])]
        # what lies before the ISN is negative here and wraps around there
        numbers = segment["seq"] % 2**32, (segment["ack"] or 0) % 2**32, segment["length"]
        assert numbers == (int(frame["seq"]), int(frame["ack"]), int(frame["length"])), frame
        absolute = segment["absolute"]
        assert (absolute["seq"], absolute["ack"] or 0) == (int(frame["seq_raw"]), int(frame["ack_raw"])), frame
        assert segment["time"] == pytest.approx(float(frame["time"]), abs=1e-9)


@pytest.mark.parametrize("path", [p for p in CAPTURES if p.stem not in TAKEN_FOR_NEW], ids=lambda path: path.stem)
def test_every_number_of_what_kernels_did(tcpviz: Any, path: Path) -> None:
    assert_the_same_numbers(ours(tcpviz, path), theirs(path))


@pytest.mark.parametrize("name", NUMBERS_AGREE)
def test_every_number_of_a_scenario(tcpviz: Any, tmp_path: Path, name: str) -> None:
    path = exported(tcpviz, tmp_path, name)
    assert_the_same_numbers(ours(tcpviz, path), theirs(path))


@pytest.mark.parametrize("name", sorted(TAKEN_FOR_NEW))
def test_the_others_are_counted_from_another_syn(tcpviz: Any, tmp_path: Path, name: str) -> None:
    counted_from_another_syn(tcpviz, exported(tcpviz, tmp_path, name))


@pytest.mark.parametrize("path", [p for p in CAPTURES if p.stem in TAKEN_FOR_NEW], ids=lambda path: path.stem)
def test_those_of_kernels_too(tcpviz: Any, path: Path) -> None:
    counted_from_another_syn(tcpviz, path)


def counted_from_another_syn(tcpviz: Any, path: Path) -> None:
    """Only the relative numbers part, and only from a SYN on that is not the first."""
    frames, segments = theirs(path), by_frame(ours(tcpviz, path))
    assert sorted(segments) == [int(frame["frame"]) for frame in frames]
    parted = []
    for frame in frames:
        segment = segments[int(frame["frame"])]
        absolute = segment["absolute"]
        assert (absolute["seq"], absolute["ack"] or 0) == (int(frame["seq_raw"]), int(frame["ack_raw"])), frame
        if (segment["seq"] % 2**32, (segment["ack"] or 0) % 2**32) != (int(frame["seq"]), int(frame["ack"])):
            parted.append(segment)
    assert parted
    first = parted[0]["frame"]
    assert [s["frame"] for s in segments.values() if s["flags"] == "S" and 1 < s["frame"] <= first], parted[0]


def test_each_connection_is_one_stream(tcpviz: Any, tmp_path: Path) -> None:
    for name in ("two-connections", "time-wait-reuse", "crash-and-restart"):
        path = exported(tcpviz, tmp_path, name)
        streams = {frame["stream"] for frame in theirs(path)}
        assert len(ours(tcpviz, path)) == len(streams) == 2


# Where tshark is wrong


def test_the_syn_ack_of_a_simultaneous_open_is_no_retransmission(tcpviz: Any, tmp_path: Path) -> None:
    """It calls both SYN,ACKs retransmissions: they have the SYN's number. They answer the crossing SYN (Figure 7)."""
    path = exported(tcpviz, tmp_path, "simultaneous-open")
    assert [frame["frame"] for frame in theirs(path) if frame["again"]] == ["3", "4"]
    (connection,) = ours(tcpviz, path)
    assert connection["verdict"] == "conforms"
    assert [(s["flags"], s["kind"]) for s in connection["segments"][:4]] == [
        ("S", "new"),
        ("S", "new"),
        ("SA", "new"),
        ("SA", "new"),
    ]
    assert connection["states"]["client"][:4] == ["CLOSED", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED"]


def test_a_syn_inside_a_live_connection_does_not_start_another(tcpviz: Any, tmp_path: Path) -> None:
    """It counts a new stream from an attacker's SYN, and so wrongly for the rest of the live connection."""
    path = exported(tcpviz, tmp_path, "blind-syn")
    frames = theirs(path)
    assert [frame["frame"] for frame in frames if frame["reused"]] == ["6"]
    assert {frame["stream"] for frame in frames} == {"0", "1"}
    fin = frames[7]
    assert (int(fin["seq"]), bool(fin["again"])) == (2**32 - 994, True), "the FIN at 6, counted from another's SYN"
    (connection,) = ours(tcpviz, path)
    segment = by_frame([connection])[8]
    assert (segment["flags"], segment["seq"], segment["ack"], segment["kind"]) == ("FA", 6, 1, "new")
    assert [s["frame"] for s in connection["segments"] if s["verdict"] == "violation"] == [6]
    assert (connection["outcome"], connection["segments"][-1]["seq"]) == ("closed", 7)


def test_a_close_that_nobody_answered_is_not_complete(tcpviz: Any, tmp_path: Path) -> None:
    """To it a connection is complete once a FIN was seen; this one is never acknowledged, and the other never comes."""
    path = exported(tcpviz, tmp_path, "fin-timeout")
    assert int(theirs(path)[-1]["completeness"]) == SYN | SYN_ACK | ACK | FIN, "Complete, NO_DATA"
    (connection,) = ours(tcpviz, path)
    assert connection["outcome"] == "timeout"
    assert connection["complete"] == {"start": True, "end": False}
    assert connection["states"]["client"][-1] == "FIN-WAIT-1"


def test_a_close_that_only_one_end_made_is_not_complete(tcpviz: Any, tmp_path: Path) -> None:
    """One FIN, acknowledged, and no other: an orphan in FIN-WAIT-2, not a closed connection."""
    path = exported(tcpviz, tmp_path, "orphan-in-fin-wait-2")
    assert int(theirs(path)[-1]["completeness"]) == SYN | SYN_ACK | ACK | FIN
    (connection,) = ours(tcpviz, path)
    assert connection["outcome"] != "closed"
    assert not connection["complete"]["end"]
    assert [party[-1] for party in connection["states"].values()] == ["FIN-WAIT-2", "CLOSE-WAIT"]


def test_a_stray_reset_does_not_undo_a_close(tcpviz: Any, tmp_path: Path) -> None:
    path = exported(tcpviz, tmp_path, "time-wait-rst")
    (connection,) = ours(tcpviz, path)
    assert (connection["outcome"], connection["complete"]["end"]) == ("closed", True)
