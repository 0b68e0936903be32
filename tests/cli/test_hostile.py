"""What files are called, and what stands in them, is told and does nothing: on the terminal and in every format."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from unicodedata import category

import pytest

from tcpviz import frames
from tcpviz.cli import render
from tcpviz.cli.look import PICTURES
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.simulate import simulate
from tcpviz.value import replace

STEERING = "\x1b[31m\x1b]0;owned\x07\u202eback\u2066\x7f\x9b"
MARKUP = "<img src=x onerror=alert(1)>%s{0}$\\input{x}#&_^~;-->>'\"` @enduml"
TEXTS = (".svg", ".html", ".txt", ".json", ".mmd", ".puml", ".tex")


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """TCP and UDP, in a file with such a name, that say such things."""
    said = f"{STEERING}</script><script>alert(1)</script>{MARKUP}".encode()
    tcp, udp = (simulate(library.load(name)) for name in ("normal", "tutorial-udp-both-ways"))
    [connection], [flow] = tcp.connections, udp.flows
    segments = tuple(replace(sent, payload=said[: sent.segment.length]) for sent in connection.segments)
    datagrams = tuple(replace(sent, payload=said * 100, length=len(said) * 100) for sent in flow.datagrams)
    told = Exchange("x", (replace(connection, segments=segments),), (replace(flow, datagrams=datagrams),))
    file = tmp_path / f"{STEERING}{MARKUP}.pcap"
    frames.write(str(file), frames.frames_of(told))
    return file


def steering(text: str) -> set[str]:
    return {char for char in text if category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and char != "\n"}


def test_captures(tcpviz, capture: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"x{ending}" for ending in (*render.ENDINGS, ".jsonl", ".toml")]
    ran = tcpviz("match", capture, *(option for file in files for option in ("-o", file)))
    assert ran.code == 0, ran.err
    assert steering(ran.out + ran.err) == set()
    for file in files:
        if file.suffix in (*TEXTS, ".jsonl", ".toml"):
            assert steering(file.read_text(encoding="utf-8")) == set(), file.suffix
        if file.suffix in (".svg", ".html"):
            assert "<img" not in file.read_text(encoding="utf-8")
    # a program still gets the name as it is
    assert json.loads((tmp_path / "x.json").read_text())["captures"][0]["file"] == str(capture)
    assert capture.name in tomllib.loads((tmp_path / "x.toml").read_text())["seen_in"]


@pytest.mark.parametrize("other", [(), ("--only", "violates"), ("--json",), ("--jsonl",), ("--against", "normal")])
def test_the_terminal(tcpviz, capture: Path, other: tuple[str, ...]) -> None:
    assert steering("".join(tcpviz("match", capture, *other)[1:])) == set()


def test_headers(tcpviz, capture: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"x{ending}" for ending in (*PICTURES, ".txt")]
    ran = tcpviz("segment", capture, 12, *(option for file in files for option in ("-o", file)))
    assert ran.code == 0, ran.err
    told = [file.read_text(encoding="utf-8") for file in files if file.suffix in TEXTS]
    assert steering(ran.out + ran.err + "".join(told)) == set()


def test_scenarios(tcpviz, tmp_path: Path) -> None:
    """A title of ten thousand characters."""
    title = f"{STEERING}</title></script>{MARKUP}\nend\n" + "y" * 10_000
    plan = tmp_path / "x.toml"
    calls = [f'[{side}]\ncalls = ["{call}"]\n' for side, call in (("client", "connect"), ("server", "listen"))]
    told = "".join(f"\\U{ord(char):08X}" for char in title)
    plan.write_text("\n".join([f'title = "{told}"', *calls]))
    files = [tmp_path / f"x{ending}" for ending in render.ENDINGS]
    ran = tcpviz("simulate", plan, *(option for file in files for option in ("-o", file)))
    assert ran.code == 0, ran.err
    for file in files:
        if file.suffix in TEXTS:
            text = file.read_text(encoding="utf-8")
            assert steering(text) == set(), file.suffix
            assert "y" * 200 not in text


@pytest.mark.parametrize(
    "arguments",
    [("match", f"no{STEERING}.pcap"), ("simulate", f"no{STEERING}"), ("simulate", f"no{STEERING}.toml"),
     ("simulate", "--theme", f"{STEERING}.toml"), ("simulate", "-o", f"x.{STEERING}"),
     ("match", "--port", STEERING, "x"), ("segment", f"{STEERING}.pcap", "1"), ("states", "--walk", STEERING)],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_refusals(tcpviz, arguments: tuple[str, ...]) -> None:
    ran = tcpviz(*arguments)
    assert ran.code == 2
    assert ran.err
    assert steering(ran.out + ran.err) == set()
