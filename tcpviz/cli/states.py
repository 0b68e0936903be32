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
from tcpviz.model.transitions import TABLE, Row

if TYPE_CHECKING:
    from tcpviz.draw import Drawing

_CAPTURES = (".pcap", ".pcapng", ".cap")


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
    connections = simulate(library.load(walk)).connections if walk else ()
    if walk and not connections:
        raise InputError(f"--walk {walk}: UDP has no states; TCP has")
    connection = connections[0] if connections else None
    ways = walks(connection) if connection else {}
    weights = coverage(_connections(covered)) if covered else None
    text = "".join(f"{line}\n" for line in _lines(ways, weights))
    echo(text, nl=False)
    for path in files:
        if path.suffix.lower() == ".txt":
            output.write_text(path, text)
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


def _lines(ways: Walks, weights: Mapping[Row, int] | None) -> Iterator[str]:
    """One row of the table a line; walked ones with their steps (C1 is the client's first), or how often they fired."""
    for row in TABLE:
        if not row.figure:
            continue
        marks = [
            f"{side[0].upper()}{n}" for side, rows in ways.items() for n, walked in enumerate(rows, 1) if walked is row
        ]
        if weights is not None:
            marks = [str(weights.get(row, 0))]
        reply = f" / {row.reply}" if row.reply.value else ""
        text = f"{row.source!s:<12} {f'{row.stimulus}{reply}':<40} {row.target!s:<12} {row.section:<8}"
        yield f"{text} {''.join(marks)}".rstrip()
