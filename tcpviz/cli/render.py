"""An exchange as text, JSON or a picture, by the ending of a file."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tcpviz.cli.look import GIF, PICTURES, Look
from tcpviz.cli.output import write_text, write_whole
from tcpviz.cli.telling import Telling, answers
from tcpviz.exchange.document import written
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.flow_ladder import ladders
from tcpviz.exchange.numbers import Numbers
from tcpviz.value import replace

if TYPE_CHECKING:
    from tcpviz.draw import Drawing

PAGE = ".html"
RECITALS = (".mmd", ".puml")
ENDINGS = (*PICTURES, GIF, PAGE, *RECITALS, ".txt", ".json")
RECORDINGS = (".pcap", ".pcapng")


def json_text(document: dict[str, Any]) -> str:
    return written(document, indent=1) + "\n"


def write(
    path: Path,
    exchange: Exchange,
    document: dict[str, Any],
    numbers: Numbers,
    ascii_only: bool,
    verdicts: bool,
    look: Look,
    story: Telling,
) -> None:
    """One file, in the format of its ending."""
    kind = path.suffix.lower()
    if kind == ".json":
        write_whole(path, json_text(document).encode())
    elif kind in RECORDINGS:
        write_whole(path, _recording(exchange, "pcapng" if kind == ".pcapng" else "pcap"))
    elif kind == ".txt":
        write_text(path, ladders(exchange, numbers, ascii_only, verdicts, look.language))
    elif kind == PAGE:
        write_whole(path, story.page(path, exchange, numbers, look))
    elif kind in RECITALS:
        write_whole(path, story.recited(path, exchange, numbers, look))
    else:
        paint(story.drawings(path, exchange, numbers, look), look)
        if story.quiz:
            paint(replace(story, quiz=()).drawings(answers(path), exchange, numbers, look), look)


def _recording(exchange: Exchange, form: Literal["pcap", "pcapng"]) -> bytes:
    """A simulated exchange as a capture file."""
    from tcpviz import frames

    whole = io.BytesIO()
    frames.write(whole, frames.frames_of(exchange), format=form)
    return whole.getvalue()


def paint(drawings: Iterable[tuple[Path, Drawing]], look: Look) -> None:
    """Each into its file."""
    for path, drawing in drawings:
        write_whole(path, look.paint(path, drawing))
