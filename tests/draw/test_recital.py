"""Mermaid and PlantUML: the story of the picture as one thing after another, in lines that no name can break out of."""

from __future__ import annotations

import re

import pytest
from connections import CONNECTIONS, WITH_STATES, of_library

from tcpviz import draw
from tcpviz.draw import recital
from tcpviz.draw.recital import Entered, Recital, Said, Sent, Told
from tcpviz.draw.view import View
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.simulate import simulate
from tcpviz.language import LANGUAGES
from tcpviz.value import replace

TEXT = r"(?:[\w .,:()=+/·→−×✓✗!'…、。；：（）-]|#\d+;|<br/>)*"
MERMAID = re.compile(
    rf"sequenceDiagram|    (?:title|accTitle:) [^#;<>%]*|    %% {TEXT}|    participant (?:client|server) as {TEXT}"
    rf"|    (?:client-?-(?:x|>>)server|server-?-(?:x|>>)client): {TEXT}"
    rf"|    Note (?:left of client|right of server|over client|over server|over client,server): {TEXT}"
)
NAME = r"(?:[^\\%$<>\[\]{}~*_\"&#|@`^;\x00-\x1f]|<U\+[0-9A-F]{4}>|\\n)*"
COLOUR = "#[0-9A-F]{6}"
PLANTUML = re.compile(
    rf'@startuml|hide footbox|@enduml|(?:title|footer) {NAME}|participant "{NAME}" as (?:client|server)|== {NAME} =='
    rf"|(?:client|server) -\[{COLOUR}\]-?>x? (?:client|server) : {NAME}"
    rf"|hnote over (?:client|server) {COLOUR} : {NAME}"
    rf"|note (?:left of client|right of server|over client,server) : {NAME}"
)


def told(connection: Connection, language: str = "en") -> Recital:
    return recital.recital(connection, title="A title", view=View(), words=draw.words_in(LANGUAGES[language]))


def test_mermaid() -> None:
    assert (
        draw.mermaid(of_library("refused"), title='Refused: "no"').decode()
        == """\
sequenceDiagram
    title Refused: ＂no＂
    accTitle: Refused: ＂no＂
    participant client as Client<br/>10.0.0.1:50000
    participant server as Server<br/>10.0.0.2:80
    Note over client: CLOSED
    Note over server: CLOSED
    Note over client,server: Refused
    Note left of client: connect()
    client->>server: SYN seq=0 · 0 s
    Note over client: SYN-SENT
    server->>client: RST,ACK seq=1 ack=1 · 10 ms
    Note over client: CLOSED
    Note left of client: → connection refused
    %% Numbers count from each side's ISN.
"""
    )


def test_plantuml() -> None:
    assert draw.plantuml(of_library("syn-timeout"), title="x", show=("states",)).decode().splitlines()[:9] == [
        "@startuml",
        "hide footbox",
        "title x",
        'participant "Client\\n10.0.0.1:50000" as client',
        'participant "Server\\n10.0.0.2:80" as server',
        "hnote over client #F0F0F0 : CLOSED",
        "hnote over server #F8F0BC : LISTEN",
        "== Opening ==",
        "client -[#0074D5]>x server : SYN seq=0 · lost",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CONNECTIONS)
def test_every_line_is_of_the_syntax(name: str, language: str) -> None:
    words = draw.words_in(LANGUAGES[language])
    mermaid = draw.mermaid(CONNECTIONS[name], title="A title", show=draw.DETAILS, words=words).decode()
    plantuml = draw.plantuml(CONNECTIONS[name], title="A title", show=draw.DETAILS, words=words).decode()
    assert [line for line in mermaid.splitlines() if not MERMAID.fullmatch(line)] == []
    assert [line for line in plantuml.splitlines() if not PLANTUML.fullmatch(line)] == []


@pytest.mark.parametrize("name", WITH_STATES)
def test_every_segment_and_every_state_is_told_in_order(name: str) -> None:
    connection = simulate(library.load(name)).connections[0]
    events = told(connection).events
    sent = [event for event in events if isinstance(event, Sent)]
    assert [(event.origin == 1, event.lost) for event in sent] == [
        (each.origin == "server", each.arrived is None) for each in connection.segments
    ]
    for place, party in enumerate((connection.client, connection.server)):
        entered = [event.names[0] for event in events if isinstance(event, Entered) and event.place == place]
        assert entered == [str(change.state) for change in party.states]


def test_a_call_comes_before_what_it_sends_and_a_return_after_what_arrived() -> None:
    said = [
        event.text.replace("\u00a0", " ") if isinstance(event, Sent | Said) else event.names[0]
        for event in told(of_library("normal")).events
        if isinstance(event, Sent | Said | Entered)
    ]
    connect, syn, entered = (said.index(text) for text in ("connect()", "SYN seq=0 · 0 s", "SYN-SENT"))
    assert connect < syn < entered
    data, received = (said.index(t) for t in ("PSH,ACK seq=1 ack=1 len=5 · 20 ms", "recv() → 5"))
    assert data < received
    assert said[-1] == "CLOSED"
    assert said[-2].startswith("2MSL")


def test_of_a_long_connection_the_ordinary_is_summed_up() -> None:
    events = told(CONNECTIONS["bulk"]).events
    assert sum(isinstance(event, Sent) for event in events) <= recital.MOST
    [left_out] = [event.text for event in events if isinstance(event, Told)]
    assert re.fullmatch(r"… [\d\u00a0]+ segments, .* …", left_out)


def test_udp() -> None:
    flow = simulate(library.load("tutorial-udp-one-way")).flows[0]
    lines = draw.mermaid(flow, title="x").decode().splitlines()
    assert [line for line in lines if not MERMAID.fullmatch(line)] == []
    first = next(at for at, line in enumerate(lines) if "client->>server" in line)
    assert "sendto(" in lines[first - 1]
    assert "recvfrom()" in lines[first + 1]
    assert sum("->>" in line for line in lines) == len(flow.datagrams)
    many = replace(flow, datagrams=flow.datagrams * 500)
    assert sum("->>" in line for line in draw.mermaid(many, title="x").decode().splitlines()) == recital.MOST


@pytest.mark.parametrize(
    "nasty",
    [
        '"]; end\n    client->>server: forged\r\n@enduml\n!include /etc/passwd',
        "%%{init: {}}%% #quot; &#60; <script>alert(1)</script> ::icon(x) ; x",
        "**b** //i// __u__ ~~w~~ --s-- ''c'' [[http://x]] <color:red>r %date() $x \\n == x == .. ",
        "\x1b[31m\x07\u202e\u2028\u2066\u0085\u200b",
        "x" * 10_000,
    ],
    ids=range(5),
)
def test_no_name_breaks_out_of_its_line(nasty: str) -> None:
    connection = of_library("normal")
    client = replace(connection.client, address=replace(connection.client.address, host=nasty))
    warned = replace(connection.segments[0], why=nasty, verdict="warning")
    hostile = replace(connection, client=client, segments=(warned, *connection.segments[1:]))
    for render, line_of in ((draw.mermaid, MERMAID), (draw.plantuml, PLANTUML)):
        document = render(hostile, title=nasty).decode()
        assert [line for line in document.split("\n") if line and not line_of.fullmatch(line)] == []
        assert len(document.split("\n")) == len(render(connection, title="x").decode().split("\n")) + 1, "and the why"
        assert not set(document) & set("\x1b\x07\u202e\u2028\u2066\u0085\u200b\r")
        assert len(document) < 25_000
