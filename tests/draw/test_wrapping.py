from __future__ import annotations

from tcpviz.draw.metrics import default
from tcpviz.draw.wrapping import wrap


def lines(text: str, widest: str) -> tuple[str, ...]:
    return wrap(text, default().width(widest, 14) + 1, 14, default(), most=4)


def test_a_number_stays_with_its_word_and_its_unit() -> None:
    assert lines("delayed ACK 40 ms", "delayed ACK 40") == ("delayed", "ACK 40 ms")
    said = "ESTABLISHED sends no such segment (RFC 9293 3.10)"
    assert lines(said, said[:-7]) == ("ESTABLISHED sends no such segment", "(RFC 9293 3.10)")


def test_a_bracket_is_no_unit() -> None:
    said = "expected ack=6, observed 7 (RFC 9293 3.10.7.4)"
    assert lines(said, "expected ack=6, observed 7 (") == ("expected ack=6, observed 7", "(RFC 9293 3.10.7.4)")


def test_numbers_that_are_too_many_for_a_line_are_parted() -> None:
    assert lines("1 2 3 4 5 6", "1 2 3") == ("1 2 3", "4 5 6")
