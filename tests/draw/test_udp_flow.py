"""UDP's diagram: what was sent and called, in every language and on every slide, and nothing that UDP has not."""

from __future__ import annotations

import pytest
from overlaps import overlaps

from tcpviz import draw
from tcpviz.draw.drawing import LEAST_SIZE, Slide
from tcpviz.draw.page import SIZES, Page
from tcpviz.draw.theme import PRINT, dress
from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Flow
from tcpviz.exchange.simulate import simulate
from tcpviz.language import LANGUAGES
from tcpviz.value import replace

FLOWS = {name: simulate(library.load(name)).flows[0] for name in library.names() if library.load(name).client.talks_udp}
BOTH_WAYS = FLOWS["tutorial-udp-both-ways"]
LONG = replace(BOTH_WAYS, datagrams=BOTH_WAYS.datagrams * 600, calls=((), ()))


def said(told: Flow, language: str = "en", **asked: object) -> list[str]:
    words = draw.words_in(LANGUAGES[language])
    return [text.text for text in draw.flow(told, title="A title", words=words, **asked).texts()]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("told", [*FLOWS.values(), LONG, replace(BOTH_WAYS, datagrams=())])
def test_nothing_touches(told: Flow, language: str, size: str) -> None:
    words, slide = draw.words_in(LANGUAGES[language]), Page(*SIZES[size]).slide
    drawing = draw.flow(told, title="A title", words=words, slide=slide)
    assert drawing.slide == slide
    assert overlaps(drawing) == []
    assert overlaps(dress(drawing, PRINT)) == []
    assert min(text.size for text in drawing.texts()) >= LEAST_SIZE


def test_what_was_said_sent_and_called() -> None:
    told = said(BOTH_WAYS)
    assert "“你好”  6 octets + 8 of header" in told
    assert {"bind()", "sendto(5)", "recvfrom() →\u00a06", "close()", "100 ms"} <= set(told)
    assert not {"sendto(5)", "100 ms"} & set(said(BOTH_WAYS, show=()))


def test_in_chinese() -> None:
    told = said(BOTH_WAYS, "zh")
    assert "“hello”  5 字节 + 首部 8 字节" in told
    assert "UDP：无握手、无确认、无挥手、无状态。" in told


def test_what_does_not_fit_is_counted() -> None:
    assert "… 2\u00a0391 datagrams …" in said(LONG)
    assert "… 2\u00a0385 datagrams …" in said(LONG, slide=SIZES["4:3"])


def test_of_a_long_text_the_end_goes_and_its_length_stays() -> None:
    """`…0 octets` would be another length."""
    told = replace(BOTH_WAYS, datagrams=(replace(BOTH_WAYS.datagrams[0], length=9000, payload="好".encode() * 3000),))
    [label] = [text for text in said(told) if "好" in text]
    assert label.startswith("“好好好")
    assert label.endswith("好…”  9000 octets + 8 of header")
    assert "好…#8221;  9000 octets" in draw.mermaid(told, title="A title").decode()


def test_words_from_right_to_left_turn_nothing_else_around() -> None:
    told = replace(BOTH_WAYS, datagrams=(replace(BOTH_WAYS.datagrams[0], length=10, payload="مرحبا".encode()),))
    assert "10 octets + 8 of header  “مرحبا”" in said(told)
    assert "10 octets · 100 ms  #8220;" in draw.mermaid(told, title="A title").decode()


@pytest.mark.parametrize("pages", [2, 3, 400])
def test_further_slides_hold_more(pages: int) -> None:
    datagrams = tuple(replace(each, payload=str(n).encode()) for n, each in enumerate(BOTH_WAYS.datagrams * 7))
    drawings = draw.flows(replace(BOTH_WAYS, datagrams=datagrams), title="A title", pages=pages)
    assert [drawing.title for drawing in drawings] == [
        f"A title ({number}/{len(drawings)})" for number in range(1, len(drawings) + 1)
    ]
    texts = [[text.text for text in drawing.texts()] for drawing in drawings]
    shown = [text.partition("”")[0][1:] for page in texts for text in page if text.startswith("“")]
    assert shown == sorted(shown, key=int)
    left = [text for page in texts for text in page if "datagrams" in text]
    assert (len(shown), left) == (28, []) if pages > 2 else (len(shown) < 28, len(left)) == (True, 1)
    assert ["bind()" in page for page in texts] == [True] + [False] * (len(drawings) - 1)
    assert ["close()" in page for page in texts] == [False] * (len(drawings) - 1) + [True]
    for drawing in drawings:
        assert overlaps(drawing) == []


def test_there_is_no_connection_to_set_beside_another() -> None:
    udp = simulate(library.load("tutorial-udp-one-way"))
    with pytest.raises(InputError, match="two TCP connections are needed"):
        draw.pair(udp, simulate(library.load("normal")))


def test_a_slide_too_small_says_what_is_needed() -> None:
    with pytest.raises(InputError, match=r"a slide of 400 by 300 points is too small.*at least 960 by 540 points"):
        draw.flow(BOTH_WAYS, title="", slide=Slide(400, 300))
