"""Options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import reduce, wraps
from pathlib import Path
from typing import Any

import click

from tcpviz.cli.look import GIF, PICTURES, SIZE, THEME, Look
from tcpviz.cli.output import STANDARD_OUTPUT, distinct, unnumbered
from tcpviz.cli.telling import BLANKS, MOST_PAGES, SCALES, USUAL, Telling, some_of
from tcpviz.errors import InputError
from tcpviz.exchange.scenario import DETAILS
from tcpviz.language import LANGUAGES, Language

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


def printed_in_ascii(asked: bool = False) -> bool:
    """It was asked for, or standard output has no arrows, no marks and no Chinese. A file has them all the same."""
    try:
        "─▶◀✗✓µ中".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return asked


ascii_only = click.option(
    "--ascii",
    "ascii_only",
    is_flag=True,
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


_THEME = "How it is coloured: light, dark, print, or a .toml file."
language = click.option(
    "--lang",
    "language",
    type=click.Choice(list(LANGUAGES)),
    default="en",
    callback=lambda _, __, name: LANGUAGES[name],
    help="The words of text and pictures: English, Chinese or both.",
)
_SIZE = "16:9, 4:3, A4, or the pixels of a PNG, such as 1920x1080."
_PICTURE = (
    click.option("--theme", default=THEME, show_default=True, metavar="NAME|FILE", help=_THEME),
    language,
    click.option("--size", default=SIZE, show_default=True, metavar="SIZE", help=_SIZE),
    click.option("--dpi", type=click.IntRange(36, 1200), help="Pixels to an inch.  [default: 144; of a GIF 96]"),
    click.option("--transparent", is_flag=True, help="A picture without a background."),
)


def picture(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every picture, handed to the command as one value, `look`."""

    @wraps(command)
    def gathered(
        *, theme: str, language: Language, size: str, dpi: int | None, transparent: bool, **others: Any
    ) -> Any:
        look = Look(theme, language, size, dpi, transparent)
        look.check()
        return command(look=look, **others)

    return reduce(lambda function, option: option(function), reversed(_PICTURE), gathered)


steps = click.option(
    "--steps",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write one numbered picture for each step into DIR.",
)
_TELLING = (
    click.option(
        "--scale", type=click.Choice(SCALES), default="log", show_default=True, help="How long waits are drawn."
    ),
    click.option(
        "--show",
        default=USUAL,
        show_default=True,
        callback=some_of(DETAILS),
        metavar="LIST",
        help=f"What a picture shows beside the segments, of {','.join(DETAILS)}.",
    ),
    click.option(
        "--pages",
        type=click.IntRange(1, MOST_PAGES),
        default=1,
        show_default=True,
        help="Go on on so many further pictures before anything is left out.",
    ),
    steps,
    click.option(
        "--quiz",
        callback=some_of(BLANKS),
        metavar="LIST",
        help=f"Leave blank what students fill in, of {','.join(BLANKS)}; the answers go to NAME-answers.",
    ),
)


def telling(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what a picture tells, handed to the command as one value, `story`."""

    @wraps(command)
    def gathered(*, scale: Any, show: Any, pages: int, steps: Path | None, quiz: Any, **others: Any) -> Any:
        story = Telling(scale, show, pages, steps, quiz)
        paths = [Path(name) for name in others["outputs"] if name != STANDARD_OUTPUT]
        for path in paths if quiz else ():
            if path.suffix.lower() not in (*PICTURES, GIF):
                raise InputError(f"{path}: --quiz leaves blanks in {' '.join((*PICTURES, GIF))} only")
        if quiz and steps:
            raise click.UsageError("--steps tells step by step what --quiz asks for: one or the other")
        distinct((str(path), file) for path in paths for file in story.files(path))
        unnumbered(steps, paths)
        return command(story=story, **others)

    return reduce(lambda function, option: option(function), reversed(_TELLING), gathered)
