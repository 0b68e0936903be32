"""Scenarios written as files: reading them again gives the same scenario."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpviz.exchange import library, notation
from tcpviz.exchange.scenario import Action
from tcpviz.exchange.scenario_file import parse
from tcpviz.exchange.scenario_text import call_text, text, time_text


@pytest.mark.parametrize("name", library.names())
def test_the_library_written_and_read_again_is_the_same(name: str) -> None:
    scenario = library.load(name)
    assert parse(text(scenario), name, where=name) == scenario


@given(st.integers(0, 24 * 3600 * 10**9))
def test_a_time_is_written_exactly(nanoseconds: int) -> None:
    assert notation.time(time_text(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    ("nanoseconds", "written"),
    [(0, "0 ms"), (10**7, "10 ms"), (1_500_000_000, "1.5 s"), (1_500_000_001, "1500.000001 ms"), (12_345, "12.345 us")],
)
def test_a_time_is_written_as_people_do(nanoseconds: int, written: str) -> None:
    assert time_text(nanoseconds) == written


@given(st.binary(min_size=1, max_size=20) | st.text(min_size=1, max_size=20).map(str.encode))
def test_a_call_keeps_how_much_is_sent(data: bytes) -> None:
    read = notation.call(call_text(Action("send", data=data)))
    assert len(read.data) == len(data)


def test_what_is_said_is_kept_where_it_can_be_written() -> None:
    assert call_text(Action("send", data=b"hello you")) == "send hello you"
    assert call_text(Action("send", data=b" 5 ")) == "send 3"
    assert call_text(Action("send", data=b"12345")) == "send 5"


def test_comments_and_hostile_words_stay_what_they_are() -> None:
    from tcpviz.value import replace

    title = 'a "quoted"\nline \x7f\x1b[31m # [client] \\'
    scenario = replace(library.load("normal"), title=title)
    assert parse(text(scenario, comments=["one", "two"]), "normal", where="here") == scenario
