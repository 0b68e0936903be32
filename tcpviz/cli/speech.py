"""What is said on standard output and standard error: our lines, in which nothing of a file can steer the terminal."""

from __future__ import annotations

import click


def inert(text: str) -> str:
    """The same lines, each printable."""
    from tcpviz.language import printable

    return "\n".join(map(printable, text.split("\n")))


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print it."""
    click.echo(inert(text), err=err, nl=nl)
