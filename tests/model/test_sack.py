"""What a receiver tells of text beyond a gap: the examples of RFC 2018, eight segments of 500 octets from 5000 on."""

from __future__ import annotations

import pytest
from endpoints import ACK, FIN, RST, SYN, arrives, play

from tcpviz.model import events
from tcpviz.model.commands import Emit
from tcpviz.model.endpoint import Endpoint, step
from tcpviz.model.segment import Options, Segment

ISS, LEFT = 100, 5000
Blocks = tuple[tuple[int, int], ...]


def receiver(stamps: tuple[int, int] | None = None) -> Endpoint:
    offer = Options(sack_permitted=True, timestamps=stamps)
    answer = Segment(LEFT - 1, ISS + 1, SYN | ACK, 0, 65535, offer)
    opening = (
        events.Choose(iss=ISS, window=65535, options=offer),
        events.ActiveOpen(),
        events.SegmentArrives(answer),
        events.Acknowledge(),
    )
    return play(opening)


def answers(endpoint: Endpoint, *arriving: events.SegmentArrives) -> list[tuple[int, Blocks]]:
    """SEG.ACK and the blocks of the ACK that each arrival brings about."""
    said = []
    for arrival in arriving:
        for event in (arrival, events.Acknowledge()):
            transition = step(endpoint, event)
            endpoint = transition.endpoint
            emits = [c.segment for c in transition.commands if isinstance(c, Emit)]
            if emits:
                break
        (answer,) = emits
        said.append((answer.ack, answer.options.sack))
    return said


def text(number: int, octets: int = 500) -> events.SegmentArrives:
    return arrives(ACK, seq=number, ack=ISS + 1, length=octets, window=65535)


def test_the_last_four_are_lost_and_no_block_is_told() -> None:
    assert answers(receiver(), *map(text, (5000, 5500, 6000, 6500))) == [
        (5500, ()),
        (6000, ()),
        (6500, ()),
        (7000, ()),
    ]


def test_the_first_is_lost() -> None:
    said = answers(receiver(), *map(text, range(5500, 9000, 500)))
    assert said == [(5000, ((5500, right),)) for right in range(6000, 9500, 500)]


def test_every_second_is_lost_and_then_two_come_late() -> None:
    assert answers(receiver(), *map(text, (5000, 6000, 7000, 8000, 6500, 5500))) == [
        (5500, ()),
        (5500, ((6000, 6500),)),
        (5500, ((7000, 7500), (6000, 6500))),
        (5500, ((8000, 8500), (7000, 7500), (6000, 6500))),
        (5500, ((6000, 7500), (8000, 8500))),
        (7500, ((8000, 8500),)),
    ]


@pytest.mark.parametrize(("stamps", "room"), [(None, 4), ((7, 0), 3)])
def test_a_header_has_room_for_so_many(stamps: tuple[int, int] | None, room: int) -> None:
    *_, (ack, blocks) = answers(receiver(stamps), *map(text, range(5500, 11500, 1000)))
    assert (ack, blocks) == (5000, tuple((n, n + 500) for n in range(10500, 5000, -1000))[:room])


def test_a_fin_beyond_the_gap_has_its_number_in_a_block() -> None:
    fin = arrives(FIN | ACK, seq=6000, ack=ISS + 1, window=65535)
    assert answers(receiver(), fin, text(5500), text(5000)) == [
        (5000, ((6000, 6001),)),
        (5000, ((5500, 6001),)),
        (6001, ()),
    ]


def test_what_comes_twice_brings_its_block_to_the_front() -> None:
    assert answers(receiver(), *map(text, (6000, 7000, 6000)))[-1] == (5000, ((6000, 6500), (7000, 7500)))


def test_neither_a_reset_nor_who_did_not_agree_tells_of_blocks() -> None:
    endpoint = play([text(6000)], receiver())
    (reset,) = [c.segment for c in step(endpoint, events.Abort()).commands if isinstance(c, Emit)]
    assert (reset.flags & RST, reset.options.sack) == (RST, ())
    plain = play([events.Choose(iss=ISS, window=65535), events.ActiveOpen()])
    plain = play([arrives(SYN | ACK, seq=LEFT - 1, ack=ISS + 1, window=65535), events.Acknowledge()], plain)
    assert answers(plain, text(6000)) == [(5000, ())]
