"""Exchanges as JSON: the documents `tcpviz/match-1` and `tcpviz/exchange-1` that others read.

Field names and meanings are a contract, written down in `tcpviz/schema.json`; times are seconds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tcpviz.exchange.capture import Capture
from tcpviz.exchange.dialect import habits
from tcpviz.exchange.exchange import (
    SIDES,
    Call,
    Change,
    Connection,
    Deed,
    Exchange,
    Flow,
    Party,
    Side,
    Testimony,
    Transmission,
    Witness,
    other,
)
from tcpviz.model.segment import letters
from tcpviz.model.transitions import State
from tcpviz.value import replace

_CANONICAL_CALLS = ("connect", "send", "shutdown", "close", "abort")


def schema() -> str:
    """The JSON Schema (draft 2020-12) of everything this module makes."""
    return Path(__file__).parents[1].joinpath("schema.json").read_text(encoding="utf-8")


def written(document: object, indent: int | None = None) -> str:
    """As JSON, in which whatever could steer a terminal, or turn its text around, is written as its number."""
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    return _NOT_PLAIN.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)


_NOT_PLAIN = re.compile(r"[^\n -~]")


def match_document(results: Iterable[tuple[Capture, Exchange]]) -> dict[str, Any]:
    """What `tcpviz match --json` prints."""
    captures = [
        {
            "file": capture.file,
            "frames": capture.records,
            "skipped": dict(capture.skipped),
            "connections": [_connection(connection) for connection in exchange.connections],
            "flows": [_flow(flow) for flow in exchange.flows],
        }
        for capture, exchange in results
    ]
    return {"schema": "tcpviz/match-1", "captures": captures}


def line_document(file: str, number: int, connection: Connection) -> dict[str, Any]:
    """What `--jsonl` prints of one connection, the `number`th of its file."""
    return {"file": file, "number": number, **_connection(connection)}


def exchange_document(scenario: str, exchange: Exchange) -> dict[str, Any]:
    """What `tcpviz simulate --json` prints: the same connections, with the fate of each segment."""
    connections = [_connection(connection) for connection in exchange.connections]
    for connection, document in zip(exchange.connections, connections, strict=True):
        for sent, segment in zip(connection.segments, document["segments"], strict=True):
            segment["fate"] = sent.fate
            segment["sent"] = _seconds(sent.sent)
            segment["arrived"] = None if sent.arrived is None else _seconds(sent.arrived)
    document = {"schema": "tcpviz/exchange-1", "scenario": scenario, "connections": connections}
    if exchange.flows:
        document["flows"] = [_flow(flow) for flow in exchange.flows]
    return document


def _connection(connection: Connection) -> dict[str, Any]:
    shown = {side: habits(connection, side) for side in SIDES}
    return {
        "client": str(connection.client.address),
        "server": str(connection.server.address),
        "verdict": "conforms" if connection.conforms else "violates",
        "judged": list(connection.judged),
        "complete": {"start": connection.saw_start, "end": connection.saw_end},
        "outcome": connection.outcome,
        "states": {side: [str(change.state) for change in connection.party(side).states] for side in SIDES},
        "calls": {side: canonical_calls(connection, side) for side in SIDES},
        "call_times": {side: [_seconds(call.time) for call in _called(connection, side)] for side in SIDES},
        "dialect": {side: list(shown[side].dialects) for side in SIDES},
        "deviations": {side: [deviation.label for deviation in shown[side].seen] for side in SIDES},
        "segments": [_segment(connection, sent) for sent in connection.segments],
        **({} if connection.witness is None else {"kernel": kernel_document(connection.witness)}),
    }


def kernel_document(witness: Witness) -> dict[str, Any]:
    """What the kernel itself said, where it was asked; a state has the time at which it was entered, or seen."""
    document: dict[str, Any] = {"source": witness.source}
    for side, testimony in (("client", witness.client), ("server", witness.server)):
        document[side] = {
            "states": [{"time": _seconds(change.time), "state": str(change.state)} for change in testimony.states],
            "deeds": [
                {"time": _seconds(deed.time), "what": deed.what, "reason": deed.reason or None}
                for deed in testimony.deeds
            ],
        }
    return document


def kernel_witness(document: Mapping[str, Any]) -> Witness:
    """What `kernel_document` has written down, as a value again."""

    def testimony(side: Side) -> Testimony:
        told = document[side]
        return Testimony(
            tuple(Change(_nanoseconds(each["time"]), State(each["state"])) for each in told["states"]),
            tuple(Deed(_nanoseconds(each["time"]), each["what"], each["reason"] or "") for each in told["deeds"]),
        )

    return Witness(document["source"], testimony("client"), testimony("server"))


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 10**9)


def _segment(connection: Connection, sent: Transmission) -> dict[str, Any]:
    seq, ack = connection.relative(sent)
    segment, fault = sent.segment, sent.expected
    return {
        "frame": sent.frame,
        "time": _seconds(sent.sent),
        "from": sent.origin,
        "flags": letters(segment.flags),
        "seq": seq,
        "ack": ack,
        "length": segment.length,
        "absolute": {"seq": segment.seq, "ack": segment.ack if segment.has_ack else None},
        "verdict": sent.verdict,
        "kind": sent.kind,
        "why": sent.why,
        "section": sent.section,
        "expected": None
        if fault is None
        else {
            "field": fault.field,
            "observed": fault.observed,
            "allowed": fault.allowed,
            "section": fault.section,
        },
        "states": {sent.origin: str(sent.sender), other(sent.origin): str(sent.before)},
    }


def canonical_calls(connection: Connection, side: Side) -> list[str]:
    """What the wire shows of an application's calls: sends not interrupted by the peer count as one."""
    return [str(call) for call in _called(connection, side)]


def _called(connection: Connection, side: Side) -> list[Call]:
    """The same, with the times of the segments that show them."""
    party: Party = connection.party(side)
    heard = [sent.arrived for sent in connection.segments if sent.origin != side and sent.arrived is not None]
    merged: list[Call] = []
    plain = (replace(call, name="send") if call.name == "send-urgent" else call for call in party.calls)
    for call in (call for call in plain if call.name in _CANONICAL_CALLS):
        last = merged[-1] if merged else None
        together = (
            last is not None
            and last.name == call.name == "send"
            and not any(last.time < time <= call.time for time in heard)
        )
        if last is not None and together:
            merged[-1] = Call("send", last.time, (last.octets or 0) + (call.octets or 0))
        else:
            merged.append(call)
    return merged


def _flow(flow: Flow) -> dict[str, Any]:
    return {
        "protocol": "udp",
        "endpoints": [str(endpoint) for endpoint in flow.endpoints],
        "datagrams": [
            {"frame": d.frame, "time": _seconds(d.time), "from": d.origin, "length": d.length} for d in flow.datagrams
        ],
    }


def _seconds(nanoseconds: int) -> float:
    return nanoseconds / 10**9
