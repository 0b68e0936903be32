"""An exchange as text, JSON or a picture, by the ending of a file."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tcpviz.cli.output import write_whole
from tcpviz.cli.telling import Telling
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.ladder import ladder
from tcpviz.exchange.numbers import Numbers

if TYPE_CHECKING:
    from tcpviz.draw import Drawing

TOLD = Telling()
ENDINGS = (".png", ".txt", ".json")
RECORDINGS = (".pcap", ".pcapng")


def json_text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def ladders(exchange: Exchange, numbers: Numbers, ascii_only: bool, verdicts: bool) -> str:
    """Every connection, one below the other."""
    return "\n".join(
        ladder(connection, numbers=numbers, ascii_only=ascii_only, verdicts=verdicts)
        for connection in exchange.connections
    )


def write(
    path: Path,
    exchange: Exchange,
    document: dict[str, Any],
    numbers: Numbers,
    ascii_only: bool,
    verdicts: bool,
    told: Telling = TOLD,
) -> None:
    """One file, in the format of its ending."""
    kind = path.suffix.lower()
    if kind == ".json":
        write_whole(path, json_text(document).encode())
    elif kind in RECORDINGS:
        write_whole(path, _recording(exchange, "pcapng" if kind == ".pcapng" else "pcap"))
    elif kind == ".txt":
        write_whole(path, ladders(exchange, numbers, ascii_only, verdicts).encode())
    else:
        paint(told.drawings(path, exchange, numbers))


def _recording(exchange: Exchange, form: Literal["pcap", "pcapng"]) -> bytes:
    """A simulated exchange as a capture file."""
    from tcpviz import frames

    whole = io.BytesIO()
    frames.write(whole, frames.frames_of(exchange), format=form)
    return whole.getvalue()


def paint(drawings: Iterable[tuple[Path, Drawing]]) -> None:
    """Each into its file."""
    from tcpviz import draw

    for path, drawing in drawings:
        write_whole(path, draw.png(drawing))
