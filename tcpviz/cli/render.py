"""An exchange as text, JSON or a picture, by the ending of a file."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any, Literal

from tcpviz.cli.look import PICTURES, Look
from tcpviz.cli.output import write_whole
from tcpviz.errors import InputError
from tcpviz.exchange.exchange import Connection, Exchange
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.numbers import Numbers
from tcpviz.language import Language

ENDINGS = (*PICTURES, ".txt", ".json")
RECORDINGS = (".pcap", ".pcapng")


def json_text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def ladders(exchange: Exchange, numbers: Numbers, ascii_only: bool, verdicts: bool, language: Language) -> str:
    """Every connection, one below the other."""
    return "\n".join(
        ladder(connection, numbers=numbers, ascii_only=ascii_only, verdicts=verdicts, language=language)
        for connection in exchange.connections
    )


def write(
    path: Path,
    exchange: Exchange,
    document: dict[str, Any],
    numbers: Numbers,
    ascii_only: bool,
    verdicts: bool,
    look: Look,
) -> None:
    """One file, in the format of its ending."""
    kind = path.suffix.lower()
    if kind == ".json":
        write_whole(path, json_text(document).encode())
    elif kind in RECORDINGS:
        write_whole(path, _recording(exchange, "pcapng" if kind == ".pcapng" else "pcap"))
    elif kind == ".txt":
        write_whole(path, ladders(exchange, numbers, ascii_only, verdicts, look.language).encode())
    else:
        write_whole(path, picture(path, exchange, numbers, look))


def _recording(exchange: Exchange, form: Literal["pcap", "pcapng"]) -> bytes:
    """A simulated exchange as a capture file."""
    from tcpviz import frames

    whole = io.BytesIO()
    frames.write(whole, frames.frames_of(exchange), format=form)
    return whole.getvalue()


def picture(path: Path, exchange: Exchange, numbers: Numbers, look: Look) -> bytes:
    """The sequence diagram of one connection: the first that violates, else the first."""
    from tcpviz import draw

    connections = exchange.connections
    if not connections:
        raise InputError(f"{path}: there is no TCP connection to draw")
    if len(connections) > 1:
        shown = connections.index(_worth_seeing(connections)) + 1
        print(f"{path} shows connection {shown} of {len(connections)}", file=sys.stderr)
    drawing = draw.sequence(
        _worth_seeing(connections),
        title=exchange.title,
        numbers=numbers,
        clocks=exchange.clocks,
        words=look.words(),
    )
    return look.paint(path, drawing)


def _worth_seeing(connections: tuple[Connection, ...]) -> Connection:
    return next((c for c in connections if not c.conforms), connections[0])
