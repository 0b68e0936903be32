"""`tcpviz match -o story.toml`: what was captured, played again by simulate and by a kernel, as it was and edited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CAPTURES = Path(__file__).parents[2] / "captures"


def segments(tcpviz: Any, *command: object) -> list[tuple[object, ...]]:
    """Who sent what, with relative numbers, as --json tells it."""
    document = json.loads(tcpviz(*command, "--json").out)
    connections = document["connections"] if "connections" in document else document["captures"][0]["connections"]
    (connection,) = connections
    return [(s["from"], s["flags"].replace("P", ""), s["seq"], s["ack"], s["length"]) for s in connection["segments"]]


def test_a_capture_is_played_again(tcpviz, tmp_path: Path) -> None:
    story = tmp_path / "story.toml"
    ran = tcpviz("match", CAPTURES / "normal.pcapng", "-o", story)
    assert ran.code == 0
    assert "story.toml plays all 11 segments again" in ran.err
    assert segments(tcpviz, "simulate", story) == segments(tcpviz, "match", CAPTURES / "normal.pcapng")


@pytest.mark.live
def test_a_kernel_performs_it_again(tcpviz, tmp_path: Path) -> None:
    story = tmp_path / "story.toml"
    tcpviz("match", CAPTURES / "server-closes-first.pcapng", "-o", story)
    ran = tcpviz("capture", "--scenario", story)
    assert ran.code == 0, ran.err
    assert "conforms: closed, 9 segments" in ran.out


def test_what_if_the_last_ack_had_been_lost(tcpviz, tmp_path: Path) -> None:
    story = tmp_path / "story.toml"
    tcpviz("match", CAPTURES / "normal.pcapng", "-o", story)
    edited = tmp_path / "edited.toml"
    edited.write_text(story.read_text() + 'lose = ["client ACK 3"]\n')
    played = segments(tcpviz, "simulate", edited)
    assert played[:-2] == segments(tcpviz, "simulate", story)
    assert played[-2:] == played[-4:-2], "the FIN and its ACK once more"


@pytest.mark.parametrize("name", ["fin-timeout", "syn-ack-lost"])
def test_what_only_some_timers_play_is_played_by_them(tcpviz, tmp_path: Path, name: str) -> None:
    """What the network did is told by the counts of segments, and these hang on how soon they are sent again."""
    story, capture = tmp_path / "story.toml", CAPTURES / f"{name}.pcapng"
    ran = tcpviz("match", capture, "-o", story)
    assert "story.toml plays all" in ran.err
    again, once = segments(tcpviz, "simulate", story), segments(tcpviz, "match", capture)
    assert [[s for s in again if s[0] == end] for end in ("client", "server")] == [
        [s for s in once if s[0] == end] for end in ("client", "server")
    ]


def test_the_dialect_that_plays_it_is_named(tcpviz, tmp_path: Path) -> None:
    story = tmp_path / "story.toml"
    tcpviz("match", CAPTURES / "abort.pcapng", "-o", story)
    assert '\ndialect = "linux"\n' in story.read_text()
    played = segments(tcpviz, "simulate", story)
    assert played == segments(tcpviz, "match", CAPTURES / "abort.pcapng")
    assert played[-1][1] == "RA"


def test_of_several_connections_the_one_that_was_named(tcpviz, tmp_path: Path) -> None:
    run, story = tmp_path / "run.pcap", tmp_path / "story.toml"
    tcpviz("simulate", "two-connections", "-o", run)
    ran = tcpviz("match", run, "-o", story)
    assert f"{story} shows connection 1 of 2 in {run}" in ran.err
    tcpviz("match", run, "--connection", 2, "-o", story)
    assert "port = 50001" in story.read_text()


def test_without_a_connection_there_is_no_story(tcpviz, tmp_path: Path) -> None:
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    udp, story = tmp_path / "udp.pcap", tmp_path / "story.toml"
    wrpcap(str(udp), [Ether() / IP() / UDP()])
    ran = tcpviz("match", udp, "-o", story)
    assert ran.code == 2
    assert "no TCP connection" in ran.err
    assert not story.exists()
    assert tcpviz("match", udp).code == 0


def test_a_hostile_name_stays_in_its_comment(tcpviz, tmp_path: Path) -> None:
    hostile = tmp_path / "a\n[network]\nlose = 1 \x1b[31m.pcapng"
    hostile.write_bytes((CAPTURES / "normal.pcapng").read_bytes())
    story = tmp_path / "story.toml"
    assert tcpviz("match", hostile, "-o", story).code == 0
    assert tcpviz("simulate", story).code == 0
    assert "\x1b" not in story.read_text()
