"""`tcpviz states`: the state machine, drawn from the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcpviz.cli import options, output, render
from tcpviz.cli.look import PICTURES, Look
from tcpviz.cli.speech import echo
from tcpviz.cli.telling import numbered
from tcpviz.errors import InputError
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection
from tcpviz.exchange.simulate import simulate
from tcpviz.graph import Walks, coverage, edges, walks
from tcpviz.graph import steps as steps_of
from tcpviz.language import Language, columns, padded
from tcpviz.model.transitions import TABLE, Row

if TYPE_CHECKING:
    from tcpviz.draw import Drawing

_CAPTURES = (".pcap", ".pcapng", ".cap")
_HAPPENS = 40
"""Columns of what happens at least."""


@click.command()
@click.option("--walk", metavar="SCENARIO", help="Light up the way that both ends take in a scenario.")
@click.option(
    "--cover",
    "covered",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="Count how often each transition fires in a capture, or in all captures of a folder. May be repeated.",
)
@options.steps
@options.output(" ".join((*PICTURES, ".txt")))
@options.picture
def command(
    walk: str | None, covered: tuple[Path, ...], steps: Path | None, outputs: tuple[str, ...], look: Look
) -> None:
    """Print the transitions of RFC 9293 Figure 5 and its notes; -o states.png draws them."""
    if walk and covered:
        raise click.UsageError("--walk lights up one way, --cover counts many: give one of them.")
    if steps and not walk:
        raise click.UsageError("--steps draws a way step by step: say which with --walk SCENARIO.")
    files = output.targets(outputs, (*PICTURES, ".txt"))
    output.unnumbered(steps, files)
    connections = simulate(library.load(walk)).connections if walk else ()
    if walk and not connections:
        raise InputError(f"--walk {walk}: UDP has no states; TCP has")
    connection = connections[0] if connections else None
    ways = walks(connection) if connection else {}
    weights = coverage(_connections(covered)) if covered else None
    spoken = look.spoken(options.printed_in_ascii())
    echo("".join(f"{line}\n" for line in _lines(ways, weights, spoken)), nl=False)
    for path in files:
        if path.suffix.lower() == ".txt":
            output.write_text(path, "".join(f"{line}\n" for line in _lines(ways, weights, look.language)))
            continue
        import tcpviz.draw as draw

        render.paint([(path, draw.machine(edges(), ways, weights, **look.setting()))], look)
    if steps and connection:
        render.paint(numbered(steps, _stepwise(connection, look)), look)


def _connections(paths: tuple[Path, ...]) -> Iterator[Connection]:
    """Of every capture given, or found in a folder given."""
    from tcpviz import frames
    from tcpviz.exchange.match import match

    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.suffix in _CAPTURES) if path.is_dir() else [path]
        if not files:
            raise InputError(f"{path}: there is no capture in this folder; looked for {' '.join(_CAPTURES)}")
        for file in files:
            yield from match(frames.read(str(file))).connections


def _stepwise(connection: Connection, look: Look) -> tuple[Drawing, ...]:
    import tcpviz.draw as draw

    return tuple(draw.machine(edges(), ways, **look.setting()) for ways in steps_of(connection))


def _lines(ways: Walks, weights: Mapping[Row, int] | None, language: Language) -> Iterator[str]:
    """One row of the table a line; walked ones with their steps (C1 is the client's first), or how often they fired."""
    rows = [row for row in TABLE if row.figure]
    happenings = [tuple(language.lines(row.happens)) for row in rows]
    widths = [max(_HAPPENS, *map(columns, column)) for column in zip(*happenings, strict=True)]
    for row, said in zip(rows, happenings, strict=True):
        marks = [
            f"{side[0].upper()}{n}" for side, rows in ways.items() for n, walked in enumerate(rows, 1) if walked is row
        ]
        if weights is not None:
            marks = [str(weights.get(row, 0))]
        middle = " ".join(padded(text, width) for text, width in zip(said, widths, strict=True))
        text = f"{row.source!s:<12} {middle} {row.target!s:<12} {row.section:<8}"
        yield f"{text} {''.join(marks)}".rstrip()
