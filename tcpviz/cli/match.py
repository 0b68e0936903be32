"""`tcpviz match`: captures, explained by the model."""

from __future__ import annotations

from functools import partial
from typing import cast

import click

from tcpviz.cli import options, output, render
from tcpviz.cli.against import Against
from tcpviz.cli.look import PICTURES, Look
from tcpviz.cli.telling import Telling
from tcpviz.exchange.capture import Capture
from tcpviz.exchange.document import match_document
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.match import match
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.report import report


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.numbers()
@options.ascii_only
@options.as_json
@options.output(".png .svg .pdf .txt .json")
@options.picture
@options.telling
@click.option(
    "--against", metavar="FILE|SCENARIO", help="Compare with another capture or with the model; pictures show both."
)
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    numbers: str,
    ascii_only: bool,
    as_json: bool,
    outputs: tuple[str, ...],
    look: Look,
    story: Telling,
    against: str | None,
) -> None:
    """Explain each connection in FILE (pcap or pcapng): every segment with its reason and verdict.

    Exits with 1 when a capture violates the model.
    """
    from tcpviz import frames

    paths = output.targets(outputs, render.ENDINGS)
    results: list[tuple[Capture, Exchange]] = []
    for name in files:
        capture = frames.read(name)
        for warning in capture.warnings:
            click.echo(f"tcpviz: warning: {warning}", err=True)
        results.append((capture, match(capture)))
    style = cast(Numbers, numbers)
    told = partial(report, numbers=style, ascii_only=ascii_only, language=look.language)
    document = match_document(results)
    if as_json:
        click.echo(render.json_text(document), nl=False)
    else:
        click.echo("".join(told(*result) for result in results), nl=False)
    compared = Against.of(against, results[0][1]) if against else None
    if compared and not as_json:
        click.echo(compared.report(), nl=False)
    for path in paths:
        if compared and path.suffix.lower() in PICTURES:
            render.paint([(path, compared.drawing(style, story, look.words()))], look)
            continue
        if path.suffix.lower() == ".txt":
            output.write_whole(path, "".join(told(*result) for result in results).encode())
            continue
        if path.suffix.lower() in PICTURES and len(results) > 1:
            click.echo(f"{path} shows {results[0][0].file}, the first of {len(results)}", err=True)
        render.write(path, results[0][1], document, style, ascii_only, True, look, story)
    render.paint(story.stepwise(results[0][1], style, look.words()), look)
    if not all(exchange.conforms for _, exchange in results):
        ctx.exit(1)
