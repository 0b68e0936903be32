"""`tcpviz scenarios`: what simulate and capture know by name."""

from __future__ import annotations

import click

from tcpviz.cli import options
from tcpviz.cli.speech import echo
from tcpviz.exchange import library
from tcpviz.exchange.performable import obstacle
from tcpviz.language import ENGLISH, Language


@click.command()
@click.option("--names", "bare", is_flag=True, help="Print bare names, one a line.")
@click.option("--performable", is_flag=True, help="Only those that capture --scenario can perform.")
@options.language
def command(bare: bool, performable: bool, language: Language) -> None:
    """List the library of scenarios by theme, with one line each."""
    found = [library.load(name) for name in library.names()]
    if performable:
        found = [scenario for scenario in found if not obstacle(scenario)]
    if bare:
        echo("".join(f"{scenario.name}\n" for scenario in found), nl=False)
        return
    language = ENGLISH if options.printed_in_ascii() else language
    width = max((len(scenario.name) for scenario in found), default=0)
    for theme in dict.fromkeys(scenario.theme for scenario in found):
        echo(language.say(theme, " · "))
        for scenario in found:
            if scenario.theme == theme:
                name = scenario.name
                for line in language.lines(scenario.summary):
                    echo(f"  {name:<{width}}  {line}")
                    name = ""
