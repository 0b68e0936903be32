"""The page as a value: its steps tell what happened, in order, once; and nothing in it can do anything but be read."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from connections import CONNECTIONS, by_hand, long, of_library, one_clock, violated

from tcpviz import draw, graph
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection, Exchange, Side
from tcpviz.exchange.simulate import simulate
from tcpviz.language import LANGUAGES
from tcpviz.value import replace

EACH = pytest.mark.parametrize("name", CONNECTIONS)
SIDES: tuple[Side, Side] = ("client", "server")
HOSTILE = "</script><script>window.pwned=1</script>\u202e\u2028\x1b[31m<img src=x onerror=window.pwned=1>&amp;"


def page(*connections: Connection, **options: Any) -> str:
    return draw.html(Exchange("drawn", connections), **options).decode()


def data(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def steps(connection: Connection, **options: Any) -> list[dict[str, Any]]:
    return data(page(connection, **options))["connections"][0]["steps"]


@EACH
def test_the_steps_begin_and_end_in_the_states_of_the_connection(name: str) -> None:
    connection = CONNECTIONS[name]
    told = data(page(connection))["connections"][0]
    states = [told["begin"]["states"], *(step["states"] for step in told["steps"])]
    for side in SIDES:
        lived = [str(change.state) for change in connection.party(side).states]
        if not lived:
            assert not any(side in each for each in states)
            continue
        assert states[0][side] == lived[0]
        assert states[-1][side] == lived[-1]
        # in between none that was not lived through, and none in another order
        seen = [a[side] for a, b in pairwise([*states, {side: None}]) if a[side] != b[side]]
        rest = iter(lived)
        assert all(state in rest for state in seen), (seen, lived)


@pytest.mark.parametrize("side", SIDES)
def test_of_an_end_that_nobody_judges_no_step_tells_a_state_or_a_verdict(side: Side) -> None:
    connection = replace(CONNECTIONS["violation"], judged=(side,))
    told = data(page(connection, verdicts=True))["connections"][0]
    assert [set(step["states"]) for step in (told["begin"], *told["steps"])] == [{side}] * (1 + len(told["steps"]))
    assert {who for step in told["steps"] for who, _ in step["lit"]} == {side}
    for sent, shown in zip(connection.segments, told["segments"].values(), strict=True):
        heads = [note["label"] for note in shown["notes"]]
        assert ("Verdict" in heads) is (sent.origin == side)
        assert "What fires" not in heads or sent.origin != side


SHORT = [name for name, connection in CONNECTIONS.items() if len(connection.segments) <= 10]
"""Stories that are shown whole."""


@pytest.mark.parametrize("name", SHORT)
def test_every_row_of_the_way_lights_up_once_where_it_fires(name: str) -> None:
    """In the order in which the walked diagram numbers them."""
    connection = CONNECTIONS[name]
    told = data(page(connection))["connections"][0]
    assert len(told["segments"]) == len(connection.segments)
    places = {
        row: f"reset-{edge.source}" if edge.reset else f"edge-{edge.source}-{edge.target}"
        for edge in graph.edges()
        for row in edge.rows
    }
    for side in SIDES:
        way = [change.row for change in connection.party(side).states[1:]]
        lit = [part for step in told["steps"] for who, part in step["lit"] if who == side]
        walked = [places[row] for row in way if row in places]
        rest = iter(lit)
        assert all(part in rest for part in walked), (walked, lit)


@EACH
def test_time_does_not_run_backwards_at_an_end(name: str) -> None:
    """Nor does what has happened reach less far down."""
    told = data(page(CONNECTIONS[name]))["connections"][0]["steps"]
    for one, two in pairwise(told):
        assert two["reached"] >= one["reached"] or two["slide"] > one["slide"]


@EACH
def test_every_part_of_the_picture_comes_into_sight_with_a_step(name: str) -> None:
    text = page(CONNECTIONS[name])
    count = len(data(text)["connections"][0]["steps"])
    since = [int(number) for number in re.findall(r'data-since="(\d+)"', text)]
    assert set(since) <= set(range(1, count + 1))
    always = {"names", "lifeline", "footer", "band", "nothing", "name", "title"}
    groups = re.findall(r'<g class="(\w+)[^>]*>', text.partition('<section id="telling"')[0])
    for group in re.findall(r"<g [^>]*>", text.partition('<section id="telling"')[0]):
        assert "data-since" in group or re.search(r'class="(\w*)', group)[1] in always, group
    assert groups


def test_the_steps_of_the_normal_connection() -> None:
    told = [" | ".join(step["told"]) for step in steps(of_library("normal"))]
    assert told[:6] == [
        "Server: listen()",
        "Client: connect() | Client sends SYN seq=0 | Client: CLOSED → SYN-SENT",
        "Server receives SYN seq=0 | Server: LISTEN → SYN-RECEIVED",
        "Server sends SYN,ACK seq=0 ack=1",
        "Client receives SYN,ACK seq=0 ack=1 | Client: SYN-SENT → ESTABLISHED",
        "Client sends ACK seq=1 ack=1",
    ]
    assert told[-1] == "Client: Timeout=2MSL | Client: TIME-WAIT → CLOSED"


def test_a_lost_segment_is_missed_in_a_step_of_its_own() -> None:
    told = [step["told"] for step in steps(CONNECTIONS["lost SYN"])]
    assert ["SYN seq=0 is lost"] in told


def test_one_clock_saw_each_segment_once() -> None:
    connection = one_clock(of_library("normal"))
    told = [step["told"][0] for step in steps(connection)]
    assert len(told) == len(connection.segments)
    assert not any("receives" in line for line in told)


def test_a_violation_says_which_field_differs() -> None:
    segment = data(draw.html(Exchange("x", (violated(of_library("normal"), 4),), clocks=1)).decode())
    told = segment["connections"][0]["segments"]["4"]
    why = "expected ack=6, the next octet expected; 1006 = 1000 ISN + 1 SYN + 5 data"
    assert [field for field in told["fields"] if field[3]] == [["Acknowledgment number", "6", why, True]]
    assert told["notes"][0] == {
        "label": "Verdict",
        "text": "not allowed: expected ack=6, observed 7",
        "section": "RFC 9293 3.10.7.4",
        "link": "https://www.rfc-editor.org/rfc/rfc9293#section-3.10.7.4",
    }


def test_every_number_says_why() -> None:
    told = data(page(of_library("normal")))["connections"][0]["segments"]["4"]
    fields = {name: (value, why) for name, value, why, _ in told["fields"]}
    assert fields["Sequence number"] == ("1", "5001 = 5000 ISN + 1 SYN")
    assert fields["Acknowledgment number"][1].endswith("1006 = 1000 ISN + 1 SYN + 5 data")
    assert told["notes"][0]["text"] == "acknowledges 5 octets"
    assert told["notes"][0]["section"] == "RFC 9293 3.10.7.4"


def test_what_is_long_is_summed_up_and_stays_small() -> None:
    text = page(long(3250))
    assert len(text) < 150_000
    assert any("segments" in line for step in data(text)["connections"][0]["steps"] for line in step["told"])


def test_of_many_connections_those_that_violate_are_kept_and_the_rest_counted() -> None:
    connections = [of_library("normal")] * 30
    connections[20] = violated(connections[20], 4)
    text = page(*connections)
    names = [told["name"] for told in data(text)["connections"]]
    assert len(names) == 8
    assert any(name.startswith("TCP 21:") for name in names)
    assert "Left out here: 22." in text
    assert len(text) < 800_000


def test_pages_go_on() -> None:
    assert {step["slide"] for step in steps(CONNECTIONS["library zero-window"], pages=3)} >= {0, 1}


def test_udp_has_steps_and_no_states() -> None:
    exchange = simulate(library.load("tutorial-udp-both-ways"))
    text = draw.html(exchange).decode()
    steps = data(text)["connections"][0]["steps"]
    assert [step["states"] for step in steps] == [{}] * 12
    assert "edge-" not in text
    assert [(step["time"], step["told"]) for step in steps[1:4]] == [
        ("0 s", ["10.0.0.2:8080: bind()"]),
        ("100 ms", ["10.0.0.1:8888: sendto(5)", "10.0.0.1:8888 sends 5 octets"]),
        ("110 ms", ["10.0.0.2:8080 receives 5 octets", "10.0.0.2:8080: recvfrom() →\u00a05"]),
    ]
    assert [step["told"][0] for step in steps if "close" in step["told"][0]] == [
        "10.0.0.2:8080: close()",
        "10.0.0.1:8888: close()",
    ]


def test_a_captured_datagram_is_one_step_and_calls_nobody_knows_are_none() -> None:
    told = replace(simulate(library.load("tutorial-udp-both-ways")).flows[0], calls=((), ()))
    seen = replace(told, datagrams=tuple(replace(datagram, arrived=None) for datagram in told.datagrams))
    steps = data(draw.html(Exchange("x", (), (seen,), clocks=1)).decode())["connections"][0]["steps"]
    assert [step["segment"] for step in steps] == [1, 2, 3, 4]


def test_tcp_and_udp_are_told_on_one_page() -> None:
    tcp, udp = simulate(library.load("two-connections")), simulate(library.load("tutorial-udp-both-ways"))
    told = data(draw.html(replace(tcp, flows=udp.flows)).decode())["connections"]
    assert [each["name"].partition(":")[0] for each in told] == ["TCP 1", "TCP 2", "UDP 1"]
    assert [bool(each["begin"]["states"]) for each in told] == [True, True, False]
    many = draw.html(replace(tcp, flows=udp.flows * 30)).decode()
    assert [each["name"].partition(":")[0] for each in data(many)["connections"]][-1] == "UDP 8"
    assert "Left out here: 22." in many


def test_what_a_datagram_says_is_read_as_the_picture_reads_it() -> None:
    flow = simulate(library.load("tutorial-udp-both-ways")).flows[0]
    sent = [replace(flow.datagrams[0], payload=payload) for payload in (b"\xff\x00ab", "你好".encode("gbk"))]
    told = data(draw.html(Exchange("x", (), (replace(flow, datagrams=tuple(sent)),))).decode())["connections"][0]
    fields = [{name: (value, why) for name, value, why, _ in told["segments"][at]["fields"]} for at in "12"]
    assert [each["Data"][1] for each in fields] == ["“··ab”", "“你好”"]
    assert fields[0]["Length"] == ("13", "5 octets + 8 of header")


def test_nothing_to_show_is_refused() -> None:
    with pytest.raises(ValueError, match="neither a connection nor a flow"):
        draw.html(Exchange("empty", ()))


def test_the_same_exchange_gives_the_same_bytes_without_a_drawing_library() -> None:
    code = (
        "import hashlib, sys, tcpviz; from tcpviz import draw; "
        "print(hashlib.sha256(draw.html(tcpviz.simulate('normal'))).hexdigest()); "
        "assert not {'matplotlib', 'networkx', 'numpy', 'fpdf', 'fontTools', 'PIL', 'scapy'} & set(sys.modules)"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    mine = draw.html(simulate(library.load("normal")))
    assert told == {hashlib.sha256(mine).hexdigest()}
    assert len(mine) < 150_000


class Elements(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))
        self._script = tag in ("script", "style")

    def handle_data(self, text: str) -> None:
        if self._script:
            self.scripts.append(text)
            self._script = False


def hostile() -> Exchange:
    connection = violated(of_library("normal"), 4)
    segments = [replace(sent, why=HOSTILE, section=HOSTILE, payload=HOSTILE.encode()) for sent in connection.segments]
    assert segments[4].expected
    segments[4] = replace(
        segments[4], expected=replace(segments[4].expected, observed=HOSTILE, allowed=HOSTILE, field=HOSTILE)
    )
    calls = tuple(replace(call, name=HOSTILE, result=HOSTILE) for call in connection.client.calls)
    address = replace(connection.client.address, host=HOSTILE)
    client = replace(connection.client, address=address, calls=calls)
    return Exchange(HOSTILE, (replace(connection, client=client, segments=tuple(segments)), by_hand()), clocks=1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_words_are_inert(language: str) -> None:
    text = draw.html(hostile(), words=draw.words_in(LANGUAGES[language]), show=draw.DETAILS).decode()
    elements = Elements(text)
    assert [tag for tag, _ in elements.found].count("script") == 2
    assert "img" not in {tag for tag, _ in elements.found}
    assert not any(name.startswith("on") for _, attributes in elements.found for name in attributes)
    assert not set(text) & set("\u202e\u2028\x1b")
    assert not set("".join(map(str, strings(data(text))))) & set("\u202e\u2028\x1b")


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []


def test_the_policy_allows_this_script_and_this_style_and_nothing_else() -> None:
    elements = Elements(page(of_library("normal")))
    [policy] = [a["content"] for _, a in elements.found if a.get("http-equiv") == "Content-Security-Policy"]
    style, _, code = elements.scripts
    hashes = [f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in (code, style)]
    ours = f"script-src {hashes[0]}; style-src {hashes[1]}"
    assert policy == f"default-src 'none'; {ours}; base-uri 'none'; form-action 'none'"
    assert not any("style" in attributes for tag, attributes in elements.found)


@pytest.mark.parametrize(("language", "tag"), [("en", "en"), ("zh", "zh-CN"), ("both", "zh-CN")])
def test_the_page_speaks_the_language_that_it_says(language: str, tag: str) -> None:
    text = page(of_library("normal"), words=draw.words_in(LANGUAGES[language]))
    assert f'<html lang="{tag}">' in text
    assert ("客户端发送 SYN seq=0" in strings(data(text))) == (tag != "en")
    assert ("报文段 1：SYN seq=0" in strings(data(text))) == (tag != "en")


def test_a_theme_that_was_asked_for_is_kept() -> None:
    assert "prefers-color-scheme" in page(of_library("normal"))
    dark = page(of_library("normal"), theme=draw.DARK)
    assert "prefers-color-scheme" not in dark
    # on paper nothing is light on dark
    assert re.search(r"@media print\{:root\{[^}]*--halo:#FFFFFF", dark)
