"""Which segments stay, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from connections import CONNECTIONS

import tcpviz.draw as draw
from tcpviz import match
from tcpviz.draw.drawing import Text
from tcpviz.draw.elide import by_importance, octets_text, runs, totals
from tcpviz.draw.words import ENGLISH
from tcpviz.exchange import library
from tcpviz.exchange.simulate import simulate
from tcpviz.language import BOTH

CAPTURES = Path(__file__).parents[2] / "captures"


@pytest.mark.parametrize(
    ("kept", "count", "rows"),
    [
        ([0, 1], 2, [(0, 0), (1, 1)]),
        ([0, 9], 10, [(0, 0), (1, 8), (9, 9)]),
        ([0, 2], 3, [(0, 0), (1, 1), (2, 2)]),
        ([], 5, [(0, 4)]),
        ([], 0, []),
    ],
)
def test_runs(kept: list[int], count: int, rows: list[tuple[int, int]]) -> None:
    assert runs(kept, count) == rows


def test_every_segment_comes_up_once() -> None:
    segments = CONNECTIONS["long with losses"].segments
    assert sorted(by_importance(segments, len(segments))) == list(range(len(segments)))


def test_what_closes_and_then_what_is_odd_come_right_after_the_ends() -> None:
    segments = CONNECTIONS["long with losses"].segments
    [fin] = [i for i, s in enumerate(segments[3:-2], 3) if s.segment.fin]
    odd = [i for i, s in enumerate(segments) if s.fate == "lost" or s.kind == "retransmission"]
    assert by_importance(segments, 6 + len(odd))[5:] == [fin, *odd]


@pytest.mark.parametrize("name", ["zero-window", "tutorial-tcp-duplex", "fin-with-data"])
def test_no_syn_and_no_fin_of_a_capture_is_hidden_and_probes_that_say_the_same_are(name: str) -> None:
    [connection] = match(CAPTURES / f"{name}.pcapng").connections
    drawing = draw.sequence(connection, title=name, clocks=1)
    shown = [sent for i, sent in enumerate(connection.segments) if drawing.of(f"segment-{i}")]
    hidden = [sent for sent in connection.segments if sent not in shown]
    assert not [sent for sent in hidden if sent.segment.syn or sent.segment.fin]
    for kind in {sent.kind for sent in hidden}:
        assert kind == "new" or kind in {sent.kind for sent in shown}


def written(name: str) -> str:
    """All text on the slide, in two languages, which leave the least room."""
    connection = simulate(library.load(name)).connections[0]
    drawing = draw.sequence(connection, title=name, words=draw.words_in(BOTH))
    return " ".join(shape.text for shape in drawing.shapes if isinstance(shape, Text))


@pytest.mark.parametrize(("name", "fins"), [("half-close", 2), ("last-ack-lost", 3), ("ack-of-fin-lost", 3)])
def test_a_close_is_not_left_out_for_the_acknowledgements_around_it(name: str, fins: int) -> None:
    assert written(name).count("FIN,ACK") == fins


def test_what_overtook_is_shown_beside_what_was_overtaken() -> None:
    text = written("reordered-fin")
    assert "seq=1 ack=1 len=5" in text
    assert "seq=6 ack=1" in text


def test_summary() -> None:
    segments = CONNECTIONS["many losses"].segments
    assert (
        totals(segments).summaries(3, len(segments) - 5, ENGLISH)[0]
        == "… 1\u00a0167 segments, 966 kB, 167 retransmissions, 167 lost …"
    )


@pytest.mark.parametrize(
    ("octets", "text"), [(1, "1 byte"), (999, "999 bytes"), (6_290_000, "6.3 MB"), (10**9, "1.0 GB")]
)
def test_octets(octets: int, text: str) -> None:
    assert octets_text(octets, ENGLISH) == text
