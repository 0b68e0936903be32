"""Scenario files: what is wrong is named with its place before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.scenario import Action, SegmentName
from tcpviz.exchange.simulate import simulate


@pytest.mark.parametrize("name", library.names())
def test_every_scenario_of_the_library_plays_and_says_what_it_shows(name: str) -> None:
    scenario = library.load(name)
    assert scenario.title
    assert scenario.summary
    assert simulate(scenario).connections


def test_a_file_of_your_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[client]\ncalls = ["connect", "send hello you", "close"]\nisn = 7\n[server]\nport = 8080\n')
    scenario = library.load(str(path))
    assert scenario.name == "mine"
    assert scenario.client.calls[1] == Action("send", data=b"hello you")
    assert (scenario.client.isn, scenario.server.port) == (7, 8080)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[client", "not TOML: "),
        ("[clent]", "unknown key 'clent': did you mean 'client'?"),
        ("[client]\ncals = []", r"\[client\]: unknown key 'cals': did you mean 'calls'?"),
        ('[client]\ncalls = "connect"', r"\[client\] calls: expected a list"),
        ('[client]\ncalls = ["conect"]', r"\[client\] calls, entry 1: 'conect' is no call"),
        ('[client]\ncalls = ["connect", "send"]', "entry 2: 'send': expected 'send 5'"),
        ('[client]\ncalls = ["recv some"]', "expected 'recv 5' or 'recv end'"),
        ('[client]\ncalls = ["wait long"]', "expected a time such as"),
        ('[client]\ncalls = ["wait -5 ms"]', "expected a time such as"),
        ('[client]\ncalls = ["close now"]', "close takes nothing more"),
        ("[client]\nisn = -1", r"\[client\] isn: expected a whole number from 0 to 4294967295, not -1"),
        ("[server]\nwindow = -1", r"\[server\] window: expected a whole number"),
        ("[server]\nport = true", r"\[server\] port: expected a whole number"),
        ('[network]\ndelay = "-1 ms"', r"\[network\] delay: expected a time"),
        ('[network]\nlose = ["the SYN"]', r"\[network\] lose: 'the SYN' names no segment"),
        ('[network]\nlose = "client SYN 1"', r"\[network\] lose: expected a list"),
        ("client = 3", r"client: expected a table \[client\]"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^story.toml: {message}" if message.startswith("not") else message):
        library.parse(text, "story", where="story.toml")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("client SYN 1", SegmentName("client", "SYN", 1)),
        ("server FIN", SegmentName("server", "FIN", 1)),
        ("client  data 2", SegmentName("client", "data", 2)),
        ("segment 7", SegmentName(None, "segment", 7)),
    ],
)
def test_names_of_segments(text: str, name: SegmentName) -> None:
    assert library.segment_name(text, "here") == name


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("10 ms", 10**7),
        ("10", 10**7),
        ("1.5s", 15 * 10**8),
        ("200us", 2 * 10**5),
        ("200 µs", 2 * 10**5),
        ("2 min", 12 * 10**10),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert library.duration(text, "here") == nanoseconds
