"""`tcpviz segment`: which frame, in which form, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

CAPTURE = "captures/normal.pcapng"


def test_a_frame_of_a_capture_as_text(tcpviz) -> None:
    ran = tcpviz("segment", CAPTURE, 2)
    assert ran.code == 0
    assert ran.out.startswith("normal.pcapng, frame 2: SYN,ACK, 127.0.0.1:80 > 127.0.0.1:50000\n")
    assert "not computed (offload)" in ran.out


def test_a_frame_of_a_scenario_as_the_model_plays_it(tcpviz, tmp_path: Path) -> None:
    tcpviz("simulate", "-o", tmp_path / "normal.pcap")
    by_file, by_name = tcpviz("segment", tmp_path / "normal.pcap", 4).out, tcpviz("segment", "normal", 4).out
    assert by_file.split("\n", 1)[1] == by_name.split("\n", 1)[1]
    assert "Sequence Number 1001" in by_name
    scenario = tmp_path / "mine.toml"
    scenario.write_text('title = "mine"\n[client]\ncalls = ["connect"]\n[server]\ncalls = ["listen", "accept"]\n')
    assert tcpviz("segment", scenario, 1).out.startswith("mine.toml, frame 1: SYN, ")


def test_pictures(tcpviz, tmp_path: Path) -> None:
    files = [tmp_path / f"x.{kind}" for kind in ("png", "svg", "pdf", "txt")]
    ran = tcpviz("segment", CAPTURE, 1, *(word for file in files for word in ("-o", file)))
    assert ran.code == 0, ran.err
    assert Image.open(files[0]).size == (1920, 1080)
    assert "Sequence Number" in files[1].read_text()
    assert files[2].read_bytes().startswith(b"%PDF")
    assert files[3].read_text() == ran.out


def test_two_frames_side_by_side(tcpviz, tmp_path: Path) -> None:
    ran = tcpviz("segment", CAPTURE, 1, 4, "-o", tmp_path / "x.svg")
    assert ran.out.count("TCP, ") == 2
    assert (tmp_path / "x.svg").read_text().count(">Source Port<") == 2


def test_tcp_beside_udp(tcpviz, tmp_path: Path) -> None:
    ran = tcpviz("segment", "normal", 4, "captures/tutorial-udp-one-way.pcapng", 1, "-o", tmp_path / "x.svg")
    assert [line for line in ran.out.splitlines() if "RFC 9293" in line or "RFC 768" in line] == [
        "TCP, 20 octets, RFC 9293 3.1",
        "UDP, 8 octets, RFC 768",
    ]
    assert (
        '<title id="title">normal · frame 4 · tutorial-udp-one-way.pcapng · frame 1</title>'
        in (tmp_path / "x.svg").read_text()
    )


def test_in_chinese(tcpviz) -> None:
    assert "序号 1001" in tcpviz("segment", "normal", 4, "--lang", "zh").out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "Missing argument 'FILE|SCENARIO FRAME"),
        ((CAPTURE,), "which frame of captures/normal.pcapng?"),
        ((CAPTURE, 1, "normal"), "which frame of normal?"),
        ((CAPTURE, 0), "0 is no frame number"),
        ((CAPTURE, "--", "-1"), "-1 is no frame number"),
        ((1, CAPTURE), "1 is no frame number: name a capture or a scenario, then a frame"),
        ((CAPTURE, "x", 1), "no scenario 'x'"),
        ((CAPTURE, 99), "there is no frame 99: captures/normal.pcapng has 11 frames"),
        ((CAPTURE, 1, 2, 3), "at most two frames"),
        (("normal", 40), "there is no frame 40: the scenario normal has 11"),
        (("nomral", 1), "no scenario 'nomral': the nearest name is 'normal'"),
        (("none.pcap", 1), "there is no file none.pcap"),
        (("README.md", 1), "README.md is not a capture"),
        ((CAPTURE, 1, "-o", "x.bmp"), "known here are .pdf .png .svg .tex .txt"),
    ],
)
def test_what_cannot_be_used_is_refused(tcpviz, arguments: tuple[object, ...], complaint: str) -> None:
    ran = tcpviz("segment", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err
