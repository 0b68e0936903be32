"""Which segments stay, and what is said of the others."""

from __future__ import annotations

import pytest
from connections import CONNECTIONS

from tcpviz.draw.elide import by_importance, octets_text, runs, totals
from tcpviz.draw.words import ENGLISH


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


def test_anomalies_come_right_after_the_ends() -> None:
    segments = CONNECTIONS["long with losses"].segments
    odd = [i for i, s in enumerate(segments) if s.fate == "lost" or s.kind == "retransmission"]
    assert by_importance(segments, 5 + len(odd))[5:] == odd


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
