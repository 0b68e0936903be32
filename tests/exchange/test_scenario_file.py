"""Scenario files: what is wrong is named with its line, its key and what was expected, before anything runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.notation import segment_name, time
from tcpviz.exchange.scenario import Action, SegmentName, Start
from tcpviz.exchange.scenario_file import parse
from tcpviz.model.segment import RST, SYN
from tcpviz.model.transitions import State


def test_a_file_of_your_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[client]\ncalls = ["connect", "send hello you", "close"]\nisn = [7, 9]\n[server]\nport = 8080\n')
    scenario = library.load(str(path))
    assert scenario.name == "mine"
    assert scenario.client.calls[1] == Action("send", data=b"hello you")
    assert (scenario.client.isn, scenario.client.later_isns, scenario.server.port) == (7, (9,), 8080)


def test_everything_a_file_can_say() -> None:
    scenario = parse(
        """
        title = "All"
        [[client]]
        calls = ["connect 3", "recv end", "close"]
        sack = true
        timestamps = true
        window_scale = 7
        keep_alive = "1 s"
        fast_open = true
        [[client]]
        calls = ["at 20 ms", "connect", "abort"]
        [server]
        calls = ["accept", "crash"]
        start = { state = "ESTABLISHED", snd_nxt = 300, rcv_nxt = 100 }
        [network]
        delay = { client = "5 ms", server = "1 s" }
        lose = ["client SYN 1"]
        lose_unseen = ["server FIN 1"]
        duplicate = ["segment 2"]
        reorder = ["server FIN"]
        hold = { "client ACK 1" = "50 ms" }
        loss = 0.25
        seed = 7
        [[inject]]
        from = "client"
        flags = "SYN"
        seq = "x-10"
        after = "client SYN 1"
        [[inject]]
        from = "server"
        flags = "RST,ACK"
        seq = 7
        ack = "x+1"
        at = "1 s"
        """,
        "all",
        where="all.toml",
    )
    first, second = scenario.hosts("client")
    assert (first.sack, first.timestamps, first.window_scale, first.fast_open) == (True, True, 7, b"")
    assert (first.calls[0], first.keep_alive) == (Action("connect", data=b"tcp"), 10**9)
    assert (first.port, second.port) == (50000, 50001)
    assert scenario.server.start == Start(State.ESTABLISHED, 300, 100)
    network = scenario.network
    assert (network.one_way("client"), network.one_way("server")) == (5 * 10**6, 10**9)
    assert (network.lose, network.lose_unseen) == (
        (SegmentName("client", "SYN", 1),),
        (SegmentName("server", "FIN", 1),),
    )
    assert network.hold == ((SegmentName("client", "ACK", 1), 50 * 10**6),)
    assert [(i.origin, i.seq, i.at) for i in scenario.injections] == [("client", "x-10", None), ("server", "7", 10**9)]
    assert scenario.injections[1].flags & RST
    assert scenario.injections[0].flags == SYN


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[client", "story.toml: not TOML"),
        ("[clent]", "story.toml, clent: unknown key: did you mean 'client'?"),
        ("[client]\ncals = []", "story.toml, line 2, [client], cals: unknown key: did you mean 'calls'?"),
        ('[client]\ncalls = "connect"', "line 2, [client], calls: expected a list"),
        (
            '[client]\ncalls = [\n"connect",\n"conect"]',
            "line 4, [client], calls: entry 2: 'conect': expected one",
        ),
        ('[client]\ncalls = ["connect", "send"]', "line 2, [client], calls: entry 2: 'send': expected 'send 5'"),
        ('[client]\ncalls = ["recv all"]', "expected 'recv 5', 'recv some' or 'recv end'"),
        ('[client]\ncalls = ["wait long"]', "expected a time such as"),
        ('[client]\ncalls = ["wait -5 ms"]', "expected a time such as"),
        ('[client]\ncalls = ["close now"]', "expected nothing after close"),
        ('[client]\ncalls = ["send 5", "connect"]', "'send 5' comes before connect and accept"),
        ('[server]\ncalls = ["listen"]', "nothing can ever be sent: no application calls connect"),
        ("[client]\n\nisn = -1", "line 3, [client], isn: expected a whole number from 0 to 4294967295, not -1"),
        ("[client]\nisn = []", "expected a number, or a list with one for each incarnation"),
        ("[server]\nwindow = -1", "line 2, [server], window: expected a whole number"),
        ("[server]\nport = true", "port: expected a whole number"),
        ("[[client]]\nport = 1\n[[client]]\nport = -1", "line 4, [client], port: expected"),
        ('[client]\nsack = "yes"', "sack: expected true or false"),
        ("[client]\nstart = { state = 'OPEN' }", "start: expected { state = 'ESTABLISHED'"),
        ('[network]\ndelay = "-1 ms"', "line 2, [network], delay: expected a time"),
        ('[network]\nlose = ["the SYN"]', "[network], lose: expected the name of a segment"),
        ('[network]\nlose = "client SYN 1"', "[network], lose: expected a list"),
        ('[network.hold]\n"client SYN 1" = "soon"', "hold: expected a time"),
        ("[network]\nloss = 1.0", "loss: expected a chance from 0 to less than 1"),
        ('[[inject]]\nfrom = "client"\nflags = "SYN"', "line 1, [inject]: the key 'seq' is missing"),
        ('[[inject]]\nfrom = "me"\nflags = "SYN"\nseq = 1\nat = "1 s"', "line 2, [inject], from: expected 'client' or"),
        ('[[inject]]\nfrom = "client"\nflags = "SYM"\nseq = 1\nat = "1 s"', "line 3, [inject], flags: expected flags"),
        ('[[inject]]\nfrom = "client"\nflags = "SYN"\nseq = "z"\nat = "1 s"', "seq: expected a number, or one from an"),
        ('[[inject]]\nfrom = "client"\nflags = "SYN"\nseq = 1', "expected either at (a time) or after"),
        (
            'dialect = "klingon"\n[client]\ncalls = ["connect"]',
            "story.toml, line 1, dialect: expected one of rfc9293, rfc793, linux, freebsd, not 'klingon'",
        ),
        (
            'numbers = "roman"\n[client]\ncalls = ["connect"]',
            "story.toml, line 1, numbers: expected one of symbolic, relative, absolute",
        ),
        (
            'show = "options"\n[client]\ncalls = ["connect"]',
            "story.toml, line 1, show: expected a list of what a picture shows besides",
        ),
        (
            'show = [["why"]]\n[client]\ncalls = ["connect"]',
            "story.toml, line 1, show: expected a list of what a picture shows besides",
        ),
        ("client = 3", "story.toml, line 1, client: expected a table [client]"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        parse(text, "story", where="story.toml")


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
    assert segment_name(text) == name


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("10 ms", 10**7), ("10", 10**7), ("1.5s", 15 * 10**8), ("200us", 2 * 10**5), ("200 µs", 2 * 10**5)],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert time(text) == nanoseconds
