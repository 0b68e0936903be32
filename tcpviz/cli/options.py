"""Options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def numbers(default: str = "relative") -> Decorator:
    return click.option(
        "--numbers",
        type=click.Choice(["symbolic", "relative", "absolute"]),
        default=default,
        show_default=True,
        help="How sequence numbers are written: x+1, 1 or 3194751823.",
    )


def port_number(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    """A port, refused with what would be one."""
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise click.BadParameter(f"'{text}' is no port: expected a number from 1 to 65535, such as 8080")
    return int(text)


def _cannot_show() -> bool:
    """Standard output has no arrows and marks."""
    try:
        "─▶◀✗✓µ".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


ascii_only = click.option(
    "--ascii",
    "ascii_only",
    is_flag=True,
    callback=lambda _, __, asked: asked or _cannot_show(),
    help="Draw the ladder with plain ASCII.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the ladder.")


def output(endings: str) -> Decorator:
    return click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FILE",
        help=f"Also write FILE; its ending picks the format ({endings}). May be repeated.",
    )
