"""Numbers go round (RFC 9293 section 3.4)."""

from hypothesis import given
from hypothesis import strategies as st

from tcpviz.model.sequence import MODULUS, add, at_or_before, before, distance, later

numbers = st.integers(0, MODULUS - 1) | st.sampled_from([0, 1, 2**31 - 1, 2**31, MODULUS - 1])
steps = st.integers(0, 2**31 - 1)


@given(numbers, steps)
def test_distance_undoes_add_across_the_wrap(start: int, octets: int) -> None:
    assert distance(start, add(start, octets)) == octets
    assert distance(add(start, octets), start) == -octets


@given(numbers, st.integers(1, 2**31 - 1))
def test_what_is_further_along_is_later(start: int, octets: int) -> None:
    end = add(start, octets)
    assert before(start, end)
    assert not before(end, start)
    assert at_or_before(start, end)
    assert later(start, end) == later(end, start) == end


def test_a_number_is_not_before_itself() -> None:
    assert not before(7, 7)
    assert at_or_before(7, 7)


def test_half_the_circle_is_one_direction_only() -> None:
    assert distance(0, 2**31) == -(2**31)
    assert distance(2**31, 0) == -(2**31)
