"""`tcpviz segment`: one frame, or two side by side, as the RFC's bit diagram with its real values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcpviz.cli import options, output, render
from tcpviz.cli.look import PICTURES, Look
from tcpviz.cli.speech import echo
from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.segment_text import segment_text
from tcpviz.exchange.simulate import simulate

if TYPE_CHECKING:
    from tcpviz.exchange.headers import Dissection


@click.command()
@click.argument("wanted", metavar="FILE|SCENARIO FRAME [[FILE|SCENARIO] FRAME]", nargs=-1, required=True)
@options.output(" ".join((*PICTURES, ".txt")))
@options.picture
def command(wanted: tuple[str, ...], outputs: tuple[str, ...], look: Look) -> None:
    """Print one FRAME of a capture, or of a scenario as the model plays it, bit by bit; -o header.png draws it.

    Frames are counted from 1, as Wireshark does. Two of them are drawn side by side:

    \b
    tcpviz segment run.pcap 1
    tcpviz segment run.pcap 1 2 -o both.png
    tcpviz segment normal 4 tutorial-udp-one-way 1 -o tcp-and-udp.png
    """
    places = tuple(_places(wanted))
    if len(places) > 2:
        raise click.UsageError(f"at most two frames can be drawn side by side, not {len(places)}.")
    files = output.targets(outputs, (*PICTURES, ".txt"))
    frames = tuple(_dissected(file, number) for file, number in places)
    spoken = look.spoken(options.printed_in_ascii())
    echo("\n".join(segment_text(frame, spoken) for frame in frames), nl=False)
    for path in files:
        if path.suffix.lower() == ".txt":
            output.write_text(path, "\n".join(segment_text(frame, look.language) for frame in frames))
            continue
        import tcpviz.draw as draw

        render.paint([(path, draw.segment(frames, **look.setting()))], look)


def _places(wanted: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """Files and frame numbers: a number is a frame of the file named last."""
    file, number = "", 1
    for word in wanted:
        number = int(word) if word.isdecimal() and file else 0
        if not number and (word.isdecimal() or re.fullmatch(r"[-+]\d+", word)):
            raise click.UsageError(f"{word} is no frame number: name a capture or a scenario, then a frame from 1 on.")
        if number:
            yield file, number
        file = file if number else word
    if not number:
        raise click.UsageError(f"which frame of {file}? Say its number, such as `tcpviz segment {file} 1`.")


def _dissected(file: str, number: int) -> Dissection:
    """Of a capture file, or of a scenario by name or file."""
    from tcpviz import frames

    path = Path(file)
    # what is neither a file nor looks like one must be a scenario: who mistypes its name is told those there are
    if file in library.names() or path.suffix == ".toml" or not (path.exists() or path.suffix):
        sent = frames.frames_of(simulate(library.load(file)))
        if number > len(sent):
            raise InputError(f"there is no frame {number}: the scenario {file} has {len(sent)}")
        record = frames.record_of(sent[number - 1])
    else:
        record = frames.pick(file, number)
    return frames.dissect(record, number, path.name)
