"""`tcpviz simulate`, as people type it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest


def test_the_textbook_numbers(tcpviz) -> None:
    ran = tcpviz("simulate", "--numbers", "symbolic")
    assert ran.code == 0
    segments = re.findall(r"(SYN,ACK|SYN|PSH,ACK|FIN,ACK|ACK) +(seq=\S+(?: ack=\S+)?)", ran.out)
    assert segments[:3] == [("SYN", "seq=x"), ("SYN,ACK", "seq=y ack=x+1"), ("ACK", "seq=x+1 ack=y+1")]
    assert [kind for kind, _ in segments[-4:]] == ["FIN,ACK", "ACK", "FIN,ACK", "ACK"]
    last = ran.out.splitlines()[-2]
    assert last.split()[1] == "TIME-WAIT"
    assert last.split()[-1] == "CLOSED"


@pytest.mark.parametrize("numbers", ["symbolic", "relative", "absolute"])
def test_the_ladder_fits_eighty_columns(tcpviz, numbers: str) -> None:
    ran = tcpviz(
        "simulate", "--numbers", numbers, "--client-isn", 4294967290, "--server-isn", 4294967290,
        "--send", "client:64000", "--send", "server:10000", "--lose", "client data 2", "--delay", "123.456 ms",
    )  # fmt: skip
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    assert tcpviz("simulate", "--ascii").out.isascii()


def test_isns_are_taken(tcpviz) -> None:
    ran = tcpviz("simulate", "--numbers", "absolute", "--client-isn", 2**32 - 1, "--server-isn", 7)
    assert "SYN     seq=4294967295" in ran.out
    assert "SYN,ACK seq=7 ack=0" in ran.out


def test_who_sends_and_who_closes(tcpviz) -> None:
    ran = tcpviz("simulate", "--send", "server:7", "--closer", "server", "--json")
    (connection,) = json.loads(ran.out)["connections"]
    assert connection["calls"] == {"client": ["connect", "close"], "server": ["send 7", "close"]}
    assert connection["states"]["server"][-3:] == ["FIN-WAIT-2", "TIME-WAIT", "CLOSED"]
    both = json.loads(tcpviz("simulate", "--closer", "both", "--json").out)["connections"][0]["states"]
    assert "CLOSING" in both["client"]
    assert "CLOSING" in both["server"]


def test_json_follows_the_contract(tcpviz) -> None:
    document = json.loads(tcpviz("simulate", "--json", "--lose", "server FIN 1").out)
    assert (document["schema"], document["scenario"]) == ("tcpviz/exchange-1", "normal")
    (connection,) = document["connections"]
    assert connection["states"]["server"][:2] == ["LISTEN", "SYN-RECEIVED"]
    first, second = connection["segments"][:2]
    assert first == {
        "frame": None,
        "time": 0.0,
        "from": "client",
        "flags": "S",
        "seq": 0,
        "ack": None,
        "length": 0,
        "absolute": {"seq": 1000, "ack": None},
        "verdict": "ok",
        "kind": "new",
        "why": "connect() sends SYN",
        "section": "RFC 9293 3.10.1",
        "expected": None,
        "states": {"client": "SYN-SENT", "server": "LISTEN"},
        "fate": "delivered",
        "sent": 0.0,
        "arrived": 0.01,
    }
    assert (second["flags"], second["seq"], second["ack"]) == ("SA", 0, 1)
    lost = [s for s in connection["segments"] if s["fate"] == "lost"]
    assert [(s["flags"], s["arrived"]) for s in lost] == [("FA", None)]


def test_files_by_their_ending(tcpviz, tmp_path: Path) -> None:
    ran = tcpviz("simulate", "-o", tmp_path / "a.png", "-o", tmp_path / "a.txt", "-o", tmp_path / "a.json", "-o", "-")
    assert ran.code == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.txt").read_text() == ran.out
    assert json.loads((tmp_path / "a.json").read_text())["schema"] == "tcpviz/exchange-1"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.png", "a.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nrmal"], "no scenario 'nrmal': the nearest name is 'normal'"),
        (["missing.toml"], "missing.toml: cannot be read as a scenario: No such file or directory"),
        (["--send", "nobody:5"], "expected SIDE:OCTETS"),
        (["--send", "client:-5"], "expected SIDE:OCTETS"),
        (["--lose", "client SYNX 1"], "--lose: expected the name of a segment, such as 'client SYN 1'"),
        (["--lose", "server RST 1"], "server RST 1 was never sent"),
        (["--delay", "fast"], "expected a time such as '10 ms'"),
        (["--client-isn", "-1"], "--client-isn"),
        (["--numbers", "roman"], "--numbers"),
        (["-o", "picture.bmp"], "known here are .gif .html .json .mmd .pcap .pcapng .pdf .png .puml .svg .tex .txt"),
        (["-o", "/nowhere/at/all.png"], "there is no directory /nowhere/at"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tcpviz, arguments: list[str], message: str) -> None:
    ran = tcpviz("simulate", *arguments)
    assert ran.code == 2
    assert message in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_an_output_that_cannot_be_written(tcpviz, tmp_path: Path) -> None:
    ran = tcpviz("simulate", "-o", "/proc/tcpviz.png")
    assert ran.code == 2
    assert "cannot be written" in ran.err
    (tmp_path / "x.png").mkdir()
    assert "it is a directory" in tcpviz("simulate", "-o", tmp_path / "x.png").err
    assert os.listdir(tmp_path) == ["x.png"]


def test_scenarios_are_listed(tcpviz) -> None:
    assert "normal" in tcpviz("scenarios").out
    assert "normal" in tcpviz("scenarios", "--names").out.splitlines()
    assert "normal" in tcpviz("scenarios", "--names", "--performable").out.splitlines()
