"""`tcpviz segment`: one frame, or two side by side, as the RFC's bit diagram with its real values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcpviz.cli import options, output, render
from tcpviz.cli.look import PICTURES, Look
from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.segment_text import segment_text
from tcpviz.exchange.simulate import simulate

if TYPE_CHECKING:
    from tcpviz.exchange.headers import Dissection


@click.command()
@click.argument("file", metavar="FILE|SCENARIO")
@click.argument("numbers", metavar="FRAME...", type=click.IntRange(1), nargs=-1, required=True)
@options.output(" ".join((*PICTURES, ".txt")))
@options.picture
def command(file: str, numbers: tuple[int, ...], outputs: tuple[str, ...], look: Look) -> None:
    """Print one FRAME of a capture, or of a scenario as the model plays it, bit by bit; -o header.png draws it.

    Frames are counted from 1, as Wireshark does. Two of them are drawn side by side.
    """
    if len(numbers) > 2:
        raise click.UsageError(f"at most two frames can be drawn side by side, not {len(numbers)}.")
    files = output.targets(outputs, (*PICTURES, ".txt"))
    frames = _dissected(file, numbers)
    text = "\n".join(segment_text(frame, look.language) for frame in frames)
    click.echo(text, nl=False)
    for path in files:
        if path.suffix.lower() == ".txt":
            output.write_whole(path, text.encode())
            continue
        import tcpviz.draw as draw

        render.paint([(path, draw.segment(frames, words=look.words()))], look)


def _dissected(file: str, numbers: tuple[int, ...]) -> tuple[Dissection, ...]:
    """Of a capture file, or of a scenario by name or file."""
    from tcpviz import frames

    path = Path(file)
    # what is neither a file nor looks like one must be a scenario: who mistypes its name is told those there are
    if file in library.names() or path.suffix == ".toml" or not (path.exists() or path.suffix):
        sent = frames.frames_of(simulate(library.load(file)))
        for number in numbers:
            if number > len(sent):
                raise InputError(f"there is no frame {number}: the scenario {file} has {len(sent)}")
        records = tuple(frames.record_of(sent[number - 1]) for number in numbers)
    else:
        records = frames.pick(file, numbers)
    return tuple(frames.dissect(record, number, path.name) for record, number in zip(records, numbers, strict=True))
