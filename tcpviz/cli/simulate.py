"""`tcpviz simulate`: a scenario, played in the model."""

from __future__ import annotations

from typing import cast

import click

from tcpviz.cli import options, output, render
from tcpviz.cli.look import Look
from tcpviz.cli.speech import echo
from tcpviz.cli.telling import Telling
from tcpviz.errors import InputError
from tcpviz.exchange import library, notation, scenario_file
from tcpviz.exchange.document import exchange_document
from tcpviz.exchange.exchange import Side
from tcpviz.exchange.flow_ladder import ladders
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.policy import POLICIES
from tcpviz.exchange.reasons import reasons
from tcpviz.exchange.scenario import Dialect
from tcpviz.exchange.simulate import simulate
from tcpviz.value import replace

_ISN = click.IntRange(0, 2**32 - 1)


@click.command()
@click.argument("scenario", default="normal")
@click.option("--client-isn", type=_ISN, help="The client's initial sequence number.")
@click.option("--server-isn", type=_ISN, help="The server's initial sequence number.")
@click.option("--send", "sends", multiple=True, metavar="SIDE:OCTETS", help="Who sends how much, such as client:5.")
@click.option("--closer", type=click.Choice(["client", "server", "both"]), help="Who closes first.")
@click.option("--lose", multiple=True, metavar="SEGMENT", help="Lose a segment: 'client SYN 1', 'segment 7'.")
@click.option("--delay", metavar="TIME", help="One-way delay, such as '10 ms'.")
@click.option(
    "--dialect", type=click.Choice(list(POLICIES)), help="Whose habits.  [default: the scenario's, else rfc9293]"
)
@click.option("--explain", is_flag=True, help="Say below the ladder why each segment and each number is what it is.")
@options.numbers()
@options.ascii_only
@options.as_json
@options.output(".png .svg .pdf .tex .gif .html .mmd .puml .txt .json .pcap .pcapng")
@options.picture
@options.telling
def command(
    scenario: str,
    client_isn: int | None,
    server_isn: int | None,
    sends: tuple[str, ...],
    closer: str | None,
    lose: tuple[str, ...],
    delay: str | None,
    dialect: Dialect | None,
    explain: bool,
    numbers: str,
    ascii_only: bool,
    as_json: bool,
    outputs: tuple[str, ...],
    look: Look,
    story: Telling,
) -> None:
    """Play SCENARIO (a name or a .toml file) in the model and print it as a ladder.

    Without an argument it is the normal connection: three-way handshake, one request, one response,
    four-way close. --send and --closer give that connection other calls.
    """
    files = output.targets(outputs, (*render.ENDINGS, *render.RECORDINGS))
    plan = library.load(scenario)
    if delay is not None:
        time = scenario_file.option("--delay", delay, notation.time)
        plan = replace(plan, network=replace(plan.network, delay=time, client_delay=None, server_delay=None))
    if sends or closer:
        if scenario != "normal":
            raise InputError(f"--send and --closer change the calls of the normal connection, not of {scenario}")
        turns = tuple(map(_turn, sends)) or (("client", 5), ("server", 3))
        plan = library.conversation(plan, cast("tuple[tuple[Side, int], ...]", turns), closer or "client")
    if client_isn is not None:
        plan = replace(plan, client=replace(plan.client, isn=client_isn))
    if server_isn is not None:
        plan = replace(plan, server=replace(plan.server, isn=server_isn))
    lost = tuple(scenario_file.option("--lose", name, notation.segment_name) for name in lose)
    plan = replace(plan, network=replace(plan.network, lose=plan.network.lose + lost))

    exchange = simulate(plan, POLICIES[dialect] if dialect else None)
    story, style = story.of(plan, cast(Numbers, numbers))
    document = exchange_document(plan.name, exchange)
    if as_json:
        echo(render.json_text(document), nl=False)
    else:
        plain = options.printed_in_ascii(ascii_only)
        echo(ladders(exchange, style, plain, verdicts=False, language=look.language), nl=False)
        if explain:
            spoken = look.spoken(plain)
            told = ("\n" + reasons(connection, spoken) for connection in exchange.connections)
            echo("".join(told), nl=False)
    for path in files:
        render.write(path, exchange, document, style, ascii_only, False, look, story)
    render.paint(story.stepwise(exchange, style, look), look)


def _turn(text: str) -> tuple[str, int]:
    side, _, octets = text.partition(":")
    if side not in ("client", "server") or not octets.isdecimal() or not 0 < int(octets) <= 2**20:
        raise InputError(f"--send {text}: expected SIDE:OCTETS with 1 to {2**20} octets, such as client:5")
    return side, int(octets)
