"""In Chinese nothing of a sentence is left in English, whatever is told of every scenario and of every capture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from english import OCTETS, left

from tcpviz import draw
from tcpviz.draw.drawing import Text
from tcpviz.exchange import library
from tcpviz.exchange.document import kernel_witness
from tcpviz.exchange.exchange import Connection, Exchange
from tcpviz.exchange.flow_ladder import ladders
from tcpviz.exchange.kernel_report import kernel_lines
from tcpviz.exchange.match import explanation, match
from tcpviz.exchange.policy import LINUX, POLICIES
from tcpviz.exchange.reasons import reasons
from tcpviz.exchange.report import Table, report
from tcpviz.exchange.scenario import DETAILS
from tcpviz.exchange.segment_text import segment_text
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import stories_differ
from tcpviz.frames import dissect, frames_of, read, record_of
from tcpviz.graph import edges, walks
from tcpviz.language import CHINESE
from tcpviz.model.sentence import Sentence
from tcpviz.value import replace

CAPTURES = sorted(Path(__file__).parents[2].glob("captures/*.pcapng"))


def test_english_left_over_would_be_found() -> None:
    assert left("符合规范：closed, 11 segments") == ["closed", "segments"]
    assert left("  3 客户端发送 SYN,ACK：connect() 发送 SYN (RFC 9293 3.10.1), 3 ms, RCV.NXT=1") == []
    assert left("run of x.pcap", "x.pcap") == ["run", "of"]


def pictured(exchange: Exchange) -> Iterator[str]:
    """All that a picture shows when it shows everything, and what it says to who cannot see it."""
    words = draw.words_in(CHINESE)
    asked: dict[str, Any] = {"title": exchange.title, "show": DETAILS, "words": words, "clocks": exchange.clocks}
    for connection in exchange.connections:
        yield from shown(draw.sequence(connection, **asked))


def shown(drawing: draw.Drawing) -> Iterator[str]:
    yield from (shape.text for shape in drawing.shapes if isinstance(shape, Text))
    yield drawing.description


@pytest.mark.parametrize("name", library.names())
def test_of_a_scenario(name: str) -> None:
    scenario = library.load(name)
    for policy in POLICIES.values():
        exchange = simulate(scenario, policy)
        told = [ladders(exchange, language=CHINESE), *(reasons(c, CHINESE) for c in exchange.connections)]
        told += pictured(exchange)
        assert left("\n".join(told)) == []
    texts = (scenario.title, scenario.summary, scenario.theme)
    assert left("\n".join(map(CHINESE.translated, texts))) == []
    for frame in frames_of(exchange):
        taken_apart = dissect(record_of(frame), 1, "")
        figure = draw.segment((taken_apart,), words=draw.words_in(CHINESE))
        told = [segment_text(taken_apart, CHINESE), *shown(figure)]
        assert left(OCTETS.sub("", "\n".join(told))) == []


def test_of_the_state_machine() -> None:
    walked = walks(simulate(library.load("normal")).connections[0])
    assert left("\n".join(shown(draw.machine(edges(), walked, words=draw.words_in(CHINESE))))) == []


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_of_a_capture(path: Path) -> None:
    capture = read(str(path))
    exchange, predicted = match(capture), simulate(library.load(path.stem), LINUX)
    testimonies = json.loads(path.with_suffix(".json").read_text())["witness"]
    connections = tuple(map(_witnessed, exchange.connections, testimonies))
    exchange = replace(exchange, connections=connections)
    table = Table(language=CHINESE)
    names = Sentence("the wire"), Sentence("the model")
    told = [
        report(capture, exchange, language=CHINESE),
        table.head,
        *(line for n, connection in enumerate(connections, 1) for line in table.rows(n, connection)),
        *kernel_lines(exchange, predicted.connections, language=CHINESE),
        *(CHINESE.translated(each.sentence) for each in stories_differ(exchange, predicted, names)),
        *pictured(exchange),
    ]
    for frame in capture.frames:
        told += map(CHINESE.translated, explanation(capture, frame.number) or ())
    assert left("\n".join(told), str(path), path.name) == []


def _witnessed(connection: Connection, document: dict[str, Any] | None) -> Connection:
    return replace(connection, witness=kernel_witness(document)) if document else connection
