"""What a picture tells of an exchange, as the options say it, and the drawings that this makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from tcpviz.cli import output
from tcpviz.cli.look import GIF, PICTURES, THEME, Look
from tcpviz.errors import InputError, OutputError
from tcpviz.exchange.exchange import Connection, Exchange, Flow
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.scenario import DETAILS, Detail, Scenario
from tcpviz.model.sentence import Sentence
from tcpviz.value import Value, replace

if TYPE_CHECKING:
    from tcpviz.draw import Asked, Blank, Drawing, Scale

BLANKS: tuple[Blank, ...] = ("numbers", "states", "flags")
SCALES: tuple[Scale, ...] = ("even", "log", "linear")
USUAL = "states,calls,times"
MOST_PAGES = 100


class Telling(Value):
    """The options as they were given."""

    scale: Scale = "log"
    show: tuple[Detail, ...] = ("states", "calls", "times")
    pages: int = 1
    steps: Path | None = None
    quiz: tuple[Blank, ...] = ()
    """What pictures leave blank; an answer sheet is written beside each."""

    def files(self, path: Path) -> Iterator[Path]:
        """What a file asked for may become."""
        sheets = [path]
        if path.suffix.lower() in (*PICTURES, GIF):
            sheets += [answers(path)] if self.quiz else []
            numbers = range(1, self.pages + 1) if self.pages > 1 else ()
            yield from (_page(sheet, number) for sheet in sheets for number in numbers)
        yield from sheets

    def of(self, plan: Scenario, numbers: Numbers) -> tuple[Telling, Numbers]:
        """As the scenario is best seen, where the reader left the choice to it."""
        show = tuple(detail for detail in DETAILS if detail in (*self.show, *plan.show))
        return (
            replace(self, show=show) if _left_open("show") else self,
            plan.numbers if _left_open("numbers") else numbers,
        )

    def drawings(self, path: Path, exchange: Exchange, numbers: Numbers, look: Look) -> Iterator[tuple[Path, Drawing]]:
        """What to write where: one picture, or as many numbered ones as there are slides.

        Two connections stand side by side; of more it is the first that violates, else the first.
        """
        import tcpviz.draw as draw

        if len(exchange.connections) == 2 and exchange.conforms and self.pages == 1:
            _tell_of_udp(path, exchange, look)
            yield (
                path,
                draw.pair(
                    exchange, title=exchange.title, numbers=numbers, show=self.show, quiz=self.quiz, **look.setting()
                ),
            )
            return
        shown = _chosen(path, exchange, look)
        if isinstance(shown, Flow):
            if self.quiz:
                raise InputError(f"{path}: a UDP flow has no {' and no '.join(self.quiz)} to ask for")
            slides = draw.flows(
                shown,
                title=exchange.title,
                pages=self.pages,
                clocks=exchange.clocks,
                show=self.show,
                **look.setting(),
            )
        else:
            slides = draw.slides(
                shown,
                title=_titled(exchange, shown, look),
                pages=self.pages,
                numbers=numbers,
                clocks=exchange.clocks,
                scale=self.scale,
                show=self.show,
                quiz=self.quiz,
                **look.setting(),
            )
        for number, slide in enumerate(slides, 1):
            yield (_page(path, number) if len(slides) > 1 else path), slide

    def recited(self, path: Path, exchange: Exchange, numbers: Numbers, look: Look) -> bytes:
        """One diagram in the words of a program that draws it: Mermaid or PlantUML, by the path's ending."""
        import tcpviz.draw as draw

        told = _chosen(path, exchange, look)
        asked: Asked = {
            "numbers": numbers, "clocks": exchange.clocks, "show": self.show, "words": look.words(),
        }  # fmt: skip
        title = exchange.title if isinstance(told, Flow) else _titled(exchange, told, look)
        if path.suffix.lower() == ".mmd":
            return draw.mermaid(told, title=title, **asked)
        return draw.plantuml(told, title=title, theme=look.colours(), **asked)

    def page(self, path: Path, exchange: Exchange, numbers: Numbers, look: Look, names: tuple[str, ...] = ()) -> bytes:
        """One HTML file to step through. It follows its reader's light or dark unless a theme was asked for."""
        import tcpviz.draw as draw

        if not exchange.connections and not exchange.flows:
            raise InputError(f"{path}: there is neither a TCP connection nor a UDP flow to show")
        return draw.html(
            exchange,
            names=names,
            pages=self.pages,
            numbers=numbers,
            scale=self.scale,
            show=self.show,
            theme=None if look.theme == THEME else look.colours(),
            words=look.words(),
        )

    def stepwise(self, exchange: Exchange, numbers: Numbers, look: Look) -> Iterator[tuple[Path, Drawing]]:
        """One slide for each step, numbered so that a folder sorts them."""
        if self.steps is None:
            return
        import tcpviz.draw as draw

        if not exchange.connections:
            raise InputError(f"{self.steps}: there is no TCP connection to draw")
        shown = _worth_seeing(exchange.connections)
        slides = draw.steps(
            shown,
            title=_titled(exchange, shown, look),
            numbers=numbers,
            clocks=exchange.clocks,
            scale=self.scale,
            show=self.show,
            **look.setting(),
        )
        yield from numbered(self.steps, slides)


def answers(path: Path) -> Path:
    """Where the answers to an exercise go."""
    return path.with_stem(f"{path.stem}-answers")


def _page(path: Path, number: int) -> Path:
    return path.with_stem(f"{path.stem}-{number}")


def numbered(folder: Path, drawings: tuple[Drawing, ...]) -> Iterator[tuple[Path, Drawing]]:
    """DIR/01.png and so on; the folder is made when it is not there."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from error
    digits = max(2, len(str(len(drawings))))
    for number, drawing in enumerate(drawings, 1):
        yield folder / f"{number:0{digits}}.png", drawing


def _chosen(path: Path, exchange: Exchange, look: Look) -> Connection | Flow:
    """What is worth seeing of an exchange; that there are others is said."""
    connections, flows = exchange.connections, exchange.flows
    if connections:
        shown = _worth_seeing(connections)
        if len(connections) > 1:
            number = connections.index(shown) + 1
            output.tell(Sentence("{} shows connection {} of {}", path, number, len(connections)), look.language)
        _tell_of_udp(path, exchange, look)
        return shown
    if not flows:
        raise InputError(f"{path}: there is neither a TCP connection nor a UDP flow to draw")
    if len(flows) > 1:
        output.tell(Sentence("{} shows UDP flow 1 of {}; {}", path, len(flows), _ALL), look.language)
    return flows[0]


def _tell_of_udp(path: Path, exchange: Exchange, look: Look) -> None:
    if exchange.flows:
        output.tell(Sentence("{} shows no UDP; {}", path, _ALL), look.language)


_ALL = Sentence("a page (-o x.html) has everything")


def _titled(exchange: Exchange, shown: Connection, look: Look) -> str:
    connections = exchange.connections
    return look.words().one_of(exchange.title, connections.index(shown) + 1, len(connections))


def _worth_seeing(connections: tuple[Connection, ...]) -> Connection:
    return next((c for c in connections if not c.conforms), connections[0])


def _left_open(option: str) -> bool:
    return click.get_current_context().get_parameter_source(option) is ParameterSource.DEFAULT


def some_of(known: tuple[str, ...]) -> Callable[[click.Context, click.Parameter, str | None], tuple[str, ...]]:
    """`states,why`; an unknown one is refused with all that there are."""

    def read(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
        wanted = [name.strip() for name in (text or "").split(",") if name.strip()]
        for name in wanted:
            if name not in known:
                raise click.BadParameter(f"'{name}' is none of {', '.join(known)}")
        return tuple(name for name in known if name in wanted)

    return read
