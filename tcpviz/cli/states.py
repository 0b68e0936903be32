"""`tcpviz states`: the state machine, drawn from the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from tcpviz.cli import options, output
from tcpviz.cli.look import PICTURES, Look
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Connection, Side
from tcpviz.exchange.simulate import simulate
from tcpviz.model.transitions import TABLE, Row, State, Stimulus, find

Walks = Mapping[Side, tuple[Row, ...]]


@click.command()
@click.option("--walk", metavar="SCENARIO", help="Light up the way that both ends take in a scenario.")
@options.output(" ".join(PICTURES))
@options.picture
def command(walk: str | None, outputs: tuple[str, ...], look: Look) -> None:
    """Print the transitions of RFC 9293 Figure 5 and its notes; -o states.png draws them."""
    files = output.targets(outputs, PICTURES)
    connection = simulate(library.load(walk)).connections[0] if walk else None
    walks = _walks(connection) if connection else {}
    click.echo("".join(f"{line}\n" for line in _lines(walks)), nl=False)
    for path in files:
        from tcpviz import draw, graph

        drawing = draw.machine(graph.edges(), walks, words=look.words())
        output.write_whole(path, look.paint(path, drawing))


def _walks(connection: Connection) -> Walks:
    """The rows each end went through; an end that starts in LISTEN got there by a passive OPEN."""
    sides: tuple[Side, Side] = ("client", "server")
    return {side: tuple(_rows(connection, side)) for side in sides}


def _rows(connection: Connection, side: Side) -> Iterator[Row]:
    changes = connection.party(side).states
    opened = find(State.CLOSED, Stimulus.PASSIVE_OPEN)
    if changes[0].state is State.LISTEN and opened:
        yield opened
    yield from (change.row for change in changes if change.row)


def _lines(walks: Walks) -> Iterator[str]:
    """One row of the table a line; walked ones with their steps: C1 is the client's first."""
    for row in TABLE:
        if not row.figure:
            continue
        steps = [
            f"{side[0].upper()}{n}" for side, rows in walks.items() for n, walked in enumerate(rows, 1) if walked is row
        ]
        reply = f" / {row.reply}" if row.reply.value else ""
        text = f"{row.source!s:<12} {f'{row.stimulus}{reply}':<40} {row.target!s:<12} {row.section:<8}"
        yield f"{text} {''.join(steps)}".rstrip()
