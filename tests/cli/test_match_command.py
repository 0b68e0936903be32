"""`tcpviz match`, on real captures and on files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NORMAL = Path(__file__).parents[2] / "captures" / "normal.pcapng"


@pytest.fixture
def falsified(tmp_path: Path) -> Path:
    """The normal connection with the acknowledgement number of frame 5 one too high."""
    from scapy.layers.inet import TCP
    from scapy.utils import rdpcap, wrpcapng

    packets = rdpcap(str(NORMAL))
    packets[4][TCP].ack += 1
    path = tmp_path / "falsified.pcapng"
    wrpcapng(str(path), packets)
    return path


def test_a_real_capture_conforms(tcpviz) -> None:
    ran = tcpviz("match", NORMAL)
    assert ran.code == 0
    assert "conforms: closed, 11 segments" in ran.out
    assert max(map(len, ran.out.splitlines()[:-1])) <= 80


def test_json_follows_the_contract(tcpviz) -> None:
    document = json.loads(tcpviz("match", NORMAL, "--json").out)
    assert document["schema"] == "tcpviz/match-1"
    (capture,) = document["captures"]
    assert (capture["frames"], capture["skipped"], capture["flows"]) == (11, {}, [])
    (connection,) = capture["connections"]
    assert connection["verdict"] == "conforms"
    assert connection["complete"] == {"start": True, "end": True}
    assert connection["outcome"] == "closed"
    assert connection["states"] == {
        "client": ["CLOSED", "SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"],
        "server": ["LISTEN", "SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"],
    }
    assert connection["calls"] == {"client": ["connect", "send 5", "close"], "server": ["send 3", "close"]}
    assert [(s["flags"], s["states"]["client"], s["states"]["server"]) for s in connection["segments"][:3]] == [
        ("S", "SYN-SENT", "LISTEN"),
        ("SA", "SYN-SENT", "SYN-RECEIVED"),
        ("A", "ESTABLISHED", "SYN-RECEIVED"),
    ]


def test_a_changed_number_is_blamed(tcpviz, falsified: Path) -> None:
    ran = tcpviz("match", falsified)
    assert ran.code == 1
    assert "VIOLATES: closed, 11 segments" in ran.out
    assert "frame 5: expected ack=6, not 7 (RFC 9293 3.10.7.4)" in ran.out
    (connection,) = json.loads(tcpviz("match", falsified, "--json").out)["captures"][0]["connections"]
    faults = [s for s in connection["segments"] if s["verdict"] == "violation"]
    assert [(s["frame"], s["expected"]) for s in faults] == [
        (5, {"field": "ack", "observed": 7, "allowed": "6", "section": "RFC 9293 3.10.7.4"})
    ]


def test_the_picture_and_the_text_say_the_verdict_too(tcpviz, falsified: Path, tmp_path: Path) -> None:
    ran = tcpviz("match", falsified, "-o", tmp_path / "a.png", "-o", tmp_path / "a.txt")
    assert ran.code == 1
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "expected ack=6, not 7" in (tmp_path / "a.txt").read_text()


def test_a_truncated_end_is_reported_and_the_rest_used(tcpviz, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(NORMAL.read_bytes()[:-20])
    ran = tcpviz("match", cut)
    assert ran.code == 0
    assert "warning" in ran.err
    assert "10 segments" in ran.out


@pytest.fixture
def bad(tmp_path: Path) -> dict[str, Path]:
    from scapy.layers.inet import ICMP, IP
    from scapy.layers.l2 import ARP, Ether
    from scapy.utils import wrpcap

    files = {name: tmp_path / f"{name}.pcap" for name in ("empty", "text", "missing", "folder", "other")}
    files["empty"].write_bytes(b"")
    files["text"].write_text("no capture at all\n")
    files["folder"].mkdir()
    wrpcap(str(files["other"]), [Ether() / ARP(), Ether() / IP() / ICMP()])
    return files


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "empty"),
        ("text", "not a capture"),
        ("missing", "there is no file"),
        ("folder", "directory"),
        ("other", "neither TCP nor UDP"),
    ],
)
def test_a_file_that_cannot_be_used(tcpviz, bad: dict[str, Path], tmp_path: Path, name: str, words: str) -> None:
    picture = tmp_path / "never.png"
    ran = tcpviz("match", bad[name], "-o", picture)
    assert ran.code == 2
    assert ran.out == ""
    assert str(bad[name]) in ran.err
    assert words.lower() in ran.err.lower()
    assert "Traceback" not in ran.err
    assert not picture.exists()


def test_no_file_is_wrong_usage(tcpviz) -> None:
    assert tcpviz("match").code == 2


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("normal", ("--explain", 12), "there is no frame 12: {} has 11 frames"),
        ("normal", ("--explain", 3, "--port", 81), "frame 3 of {} is not from or to port 81"),
        ("tutorial-udp-one-way", ("--explain", 2), "frame 2 of {} is a UDP datagram, which has no state"),
    ],
)
def test_what_cannot_be_explained_is_said_to_be_what_it_is(tcpviz, name: str, options: Any, told: str) -> None:
    path = NORMAL.with_stem(name)
    ran = tcpviz("match", path, *options)
    assert (ran.code, ran.out) == (2, "")
    assert told.format(path) in ran.err
