"""What Python gets from the verbs: values that a notebook shows as picture and as text, and `draw` with its types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import tcpviz
from tcpviz.errors import InputError
from tcpviz.exchange.exchange import Exchange
from tcpviz.value import replace

ROOT = Path(__file__).parents[1]
TEXT, SVG = "text/plain", "image/svg+xml"


def bundle(value: Any, **options: Any) -> dict[str, str]:
    return value._repr_mimebundle_(**options)


def title(svg: str) -> str:
    found = ElementTree.fromstring(svg.encode()).find("{http://www.w3.org/2000/svg}title")
    assert found is not None
    return found.text or ""


def test_a_simulation_shows_its_ladder_and_its_picture() -> None:
    exchange = tcpviz.simulate("normal")
    shown = bundle(exchange)
    assert set(shown) == {TEXT, SVG}
    assert shown[TEXT] == tcpviz.ladder(exchange.connections[0])
    assert title(shown[SVG]) == exchange.title
    assert ">ESTABLISHED<" in shown[SVG]


def test_so_does_a_match_and_what_it_found() -> None:
    exchange = tcpviz.match(str(ROOT / "captures" / "normal.pcapng"))
    shown = bundle(exchange)
    assert "SYN,ACK" in shown[TEXT]
    assert ">✓<" in shown[SVG]


def test_only_what_is_asked_for() -> None:
    exchange = tcpviz.simulate("normal")
    assert set(bundle(exchange, include={TEXT})) == {TEXT}
    assert set(bundle(exchange, exclude={TEXT})) == {SVG}


def test_an_exchange_of_nothing_shows_itself_as_it_can() -> None:
    tcpviz.simulate("normal")
    empty = Exchange("nothing", ())
    assert bundle(empty) == {TEXT: repr(empty)}


@pytest.mark.parametrize("name", ["tutorial-udp-one-way", "two-connections"])
def test_whatever_it_holds(name: str) -> None:
    assert title(bundle(tcpviz.simulate(name))[SVG])


def test_a_picture_in_its_dress() -> None:
    exchange = tcpviz.simulate("normal")
    picture = tcpviz.draw(exchange, theme="dark", language="zh", numbers="symbolic", size="4:3")
    shown = bundle(picture)
    assert "#14181D" in shown[SVG]
    assert "三次握手" in shown[SVG]
    assert "seq=x+1" in shown[TEXT]
    assert ElementTree.fromstring(picture.svg()).attrib["height"] == "720pt"
    assert picture.png().startswith(b"\x89PNG")
    assert picture.pdf().startswith(b"%PDF")
    assert b"\\begin{tikzpicture}" in picture.tex()
    assert picture.gif().startswith(b"GIF89a\x00\x05\xc0\x03"), "1280 by 960"
    assert bundle(tcpviz.draw(exchange)) == bundle(exchange)


def test_png_is_what_draw_draws() -> None:
    exchange = tcpviz.simulate("normal")
    assert tcpviz.png(exchange) == tcpviz.draw(exchange).png()


def test_of_tcp_and_udp_the_one_is_drawn_that_is_asked_for() -> None:
    udp = tcpviz.simulate("tutorial-udp-one-way")
    both = replace(tcpviz.simulate("normal"), title="both", flows=udp.flows)
    assert "SYN" in tcpviz.draw(both).svg().decode()
    assert tcpviz.draw(both, flow=1).drawing.shapes == tcpviz.draw(replace(udp, title="both")).drawing.shapes


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"theme": "drak"}, "no theme 'drak'"),
        ({"language": "fr"}, "language 'fr': expected one of en, zh, both"),
        ({"size": "letter"}, "size 'letter': expected one of 16:9, 4:3, A4"),
        ({"numbers": "hex"}, "numbers 'hex': expected one of symbolic, relative, absolute"),
        ({"scale": "sqrt"}, "scale 'sqrt': expected one of even, log, linear"),
        ({"show": ["states", "sates"]}, "show 'sates': expected one of states, calls, times, why, window, options"),
        ({"connection": 2}, "connection 2: .* has 1"),
        ({"connection": 0}, "connection 0: .* has 1"),
        ({"flow": 1}, "flow 1: .* has 0"),
        ({"connection": 1, "flow": 1}, "one picture shows one of them"),
    ],
)
def test_what_cannot_be_drawn(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        tcpviz.draw(tcpviz.simulate("normal"), **options)
    with pytest.raises(InputError, match="neither a TCP connection nor a UDP flow"):
        tcpviz.draw(Exchange("nothing", ()))


def test_a_picture_is_a_word_where_there_are_no_pictures() -> None:
    assert repr(tcpviz.draw(tcpviz.simulate("normal"))) == "<Picture 'A TCP connection from SYN to TIME-WAIT'>"


def test_the_package_of_diagrams_is_the_verb_too() -> None:
    """Whichever is loaded first."""
    code = "import tcpviz; e = tcpviz.simulate(); tcpviz.draw(e); tcpviz.draw.svg; from tcpviz import draw; draw(e)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'drow'"):
        tcpviz.drow  # noqa: B018


def test_users_programs_are_checked_against_our_types(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import tcpviz\n"
        "picture = tcpviz.draw(tcpviz.simulate('normal'), theme='dark')\n"
        "reveal_type(picture.svg())\n"
        "from tcpviz.draw import gif, html, sequence\n"
        "page: bytes = html(tcpviz.simulate('normal'))\n"
        "moving: bytes = gif(sequence(tcpviz.simulate().connections[0], title='x'))\n"
        "tcpviz.draw(3)\n"
        "tcpviz.draw(tcpviz.match('run.pcap'), numbers='roman')\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", str(program)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert 'program.py:3: note: Revealed type is "bytes"' in told.replace("builtins.", "")
    assert "program.py:7: error" in told
    assert "program.py:8: error" in told
    assert "Found 2 errors" in told
