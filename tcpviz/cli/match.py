"""`tcpviz match`: captures, explained by the model."""

from __future__ import annotations

from typing import cast

import click

from tcpviz.cli import options, output, render
from tcpviz.cli.against import Against
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
@options.output(".png .txt .json")
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
    told: Telling,
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
    document = match_document(results)
    if as_json:
        click.echo(render.json_text(document), nl=False)
    else:
        for capture, exchange in results:
            click.echo(report(capture, exchange, numbers=style, ascii_only=ascii_only), nl=False)
    compared = Against.of(against, results[0][1]) if against else None
    if compared and not as_json:
        click.echo(compared.report(), nl=False)
    for path in paths:
        if path.suffix.lower() == ".png" and compared:
            render.paint([(path, compared.drawing(style, told))])
            continue
        if path.suffix.lower() == ".txt":
            text = "".join(
                report(capture, exchange, numbers=style, ascii_only=ascii_only) for capture, exchange in results
            )
            output.write_whole(path, text.encode())
            continue
        if path.suffix.lower() == ".png" and len(results) > 1:
            click.echo(f"{path} shows {results[0][0].file}, the first of {len(results)}", err=True)
        render.write(path, results[0][1], document, style, ascii_only, verdicts=True, told=told)
    render.paint(told.stepwise(results[0][1], style))
    if not all(exchange.conforms for _, exchange in results):
        ctx.exit(1)
