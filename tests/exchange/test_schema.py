"""The JSON Schema that comes along: every document is as it says, and nothing else is."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from wire import normal, played, renumbered, tapped

from tcpviz.exchange import library
from tcpviz.exchange.document import exchange_document, line_document, match_document, schema
from tcpviz.exchange.match import match
from tcpviz.exchange.policy import POLICIES
from tcpviz.exchange.simulate import simulate
from tcpviz.value import replace

SCHEMA = Draft202012Validator(json.loads(schema()))


def faults(document: Any) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message}" for error in SCHEMA.iter_errors(document)]


def matched(name: str) -> dict[str, Any]:
    capture = tapped(*simulate(library.load(name)).connections)
    return match_document([(capture, match(capture))])


def test_it_is_a_schema_of_the_draft_it_names() -> None:
    Draft202012Validator.check_schema(json.loads(schema()))
    assert json.loads(schema())["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("dialect", ["rfc9293", "linux"])
@pytest.mark.parametrize("name", library.names())
def test_every_scenario_played(name: str, dialect: str) -> None:
    exchange = simulate(library.load(name), POLICIES[dialect])
    assert faults(exchange_document(name, exchange)) == []
    for number, connection in enumerate(exchange.connections, 1):
        assert faults(line_document("x.pcap", number, connection)) == []


@pytest.mark.parametrize("name", library.names())
def test_every_scenario_matched(name: str) -> None:
    assert faults(matched(name)) == []


@pytest.mark.parametrize("frame", range(1, 12))
@pytest.mark.parametrize("flags", [0, 0x02, 0x03, 0x29, 0xFF])
def test_a_capture_with_nonsense_in_it(frame: int, flags: int) -> None:
    capture = tapped(normal(), change={frame: lambda s: replace(s, flags=flags)})
    assert faults(match_document([(capture, match(capture))])) == []


def every_place(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document, the outermost left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from every_place(inner, (*path, key))


def inside(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


DOCUMENTS = {
    "match": matched("refused"),
    "exchange": exchange_document("refused", simulate(library.load("refused"))),
    "line": line_document("x.pcap", 1, simulate(library.load("refused")).connections[0]),
}
FREE = ("skipped",)
"""What may have keys of any name."""


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_field_that_is_missing_or_too_many_is_found(document: dict[str, Any]) -> None:
    for path in ((), *every_place(document)):
        found = inside(document, path)
        if not isinstance(found, dict) or path[-1:] == FREE:
            continue
        for key in found:
            lacking = copy.deepcopy(document)
            del inside(lacking, path)[key]
            assert faults(lacking), f"{path} without {key}"
        more = copy.deepcopy(document)
        inside(more, path)["more"] = 1
        assert faults(more), f"{path} with a field more"


class Odd:
    """Of no type that JSON has."""


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_field_of_another_type_is_found(document: dict[str, Any]) -> None:
    for path in every_place(document):
        changed = copy.deepcopy(document)
        inside(changed, path[:-1])[path[-1]] = Odd()
        assert faults(changed), path


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("frame", 0), ("frame", "1"), ("time", "0"), ("from", "peer"), ("flags", "AS"), ("flags", "SYN"), ("seq", 1.5),
        ("ack", "1"), ("length", -1), ("absolute", {"seq": 2**32, "ack": None}), ("verdict", "bad"), ("kind", ""),
        ("why", None), ("expected", {"field": "ack", "observed": 7, "allowed": 6, "section": ""}),
        ("states", {"client": "SYN-SENT", "server": "LISTENING"}), ("states", {"client": "LISTEN"}),
    ],
)  # fmt: skip
def test_a_segment_with_a_value_that_cannot_be(field: str, value: object) -> None:
    changed = copy.deepcopy(DOCUMENTS["match"])
    changed["captures"][0]["connections"][0]["segments"][0][field] = value
    assert faults(changed)


@pytest.mark.parametrize("name", ["tcpviz/match-2", "", None])
def test_another_contract_is_refused(name: object) -> None:
    assert faults({**DOCUMENTS["match"], "schema": name})


def test_udp_flows_and_several_connections() -> None:
    capture = tapped(normal(), renumbered(played(["connect"], []), 50001))
    udp = tuple(replace(f, number=f.number + 100, segment=None) for f in capture.frames[:2])
    document = match_document([(capture, match(replace(capture, frames=capture.frames + udp)))])
    assert len(document["captures"][0]["connections"]) == 2
    assert document["captures"][0]["flows"]
    assert faults(document) == []
