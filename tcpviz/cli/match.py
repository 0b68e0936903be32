"""`tcpviz match`: captures, explained by the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from tcpviz.cli import options, output, render
from tcpviz.cli.against import ENDINGS, Against
from tcpviz.cli.judged import Matched, Tally, Wanted
from tcpviz.cli.look import Look
from tcpviz.cli.speech import echo
from tcpviz.cli.telling import Telling
from tcpviz.errors import InputError
from tcpviz.exchange import streaming
from tcpviz.exchange.capture import Capture, Frame
from tcpviz.exchange.document import line_document, match_document, schema, written
from tcpviz.exchange.exchange import Connection, Exchange, Side
from tcpviz.exchange.match import explanation, match
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.report import Table, report
from tcpviz.language import Language, columns
from tcpviz.model.sentence import Sentence
from tcpviz.value import Value, replace

if TYPE_CHECKING:
    from tcpviz.frames import Reading

_LINES, _STORY = ".jsonl", ".toml"
_FEW = 3
"""As many files are reported one by one; more become one table."""


def _print_schema(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        echo(schema(), nl=False)
        ctx.exit()


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--only", type=click.Choice(["violates"]), help="Show only the connections that violate the model.")
@click.option("--connection", type=click.IntRange(min=1), metavar="N", help="Show only the N-th connection.")
@click.option("--port", callback=options.port_number, metavar="PORT", help="Only segments from or to this port.")
@click.option("--side", type=click.Choice(["client", "server"]), help="Judge only what this end sent.")
@click.option(
    "--explain", type=click.IntRange(min=1), metavar="FRAME",
    help="Show what was thought possible before this frame, and what died on it.",
)  # fmt: skip
@options.numbers()
@options.ascii_only
@options.as_json
@click.option("--jsonl", "as_lines", is_flag=True, help="Print JSON, one connection a line, each as it ends.")
@click.option(
    "--schema", is_flag=True, is_eager=True, expose_value=False, callback=_print_schema,
    help="Print the JSON Schema of --json and --jsonl, and exit.",
)  # fmt: skip
@options.output(".png .svg .pdf .tex .gif .html .mmd .puml .txt .json .jsonl; .toml: the scenario behind it")
@options.picture
@options.telling
@click.option(
    "--against", metavar="FILE|SCENARIO", help="Compare with another capture or with the model; pictures show both."
)
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    only: str | None,
    connection: int | None,
    port: int | None,
    side: str | None,
    explain: int | None,
    numbers: str,
    ascii_only: bool,
    as_json: bool,
    as_lines: bool,
    outputs: tuple[str, ...],
    look: Look,
    story: Telling,
    against: str | None,
) -> None:
    """Explain each connection in FILE (pcap or pcapng): every segment with its reason and verdict.

    A folder stands for all captures under it, - for standard input. A few connections are printed as ladders,
    more as a table; --connection N shows the N-th alone.

    \b
    tcpviz match run.pcap -o run.png         explained, and drawn
    tcpviz match captures/ --only violates   which of all these break the rules?
    tcpviz match run.pcap -o story.toml      what was called; simulate plays it
    tcpdump -U -w - | tcpviz match --jsonl - each connection, ten seconds after its end

    Exits with 1 when something violates the model, with 2 when a file cannot be used.
    """
    from tcpviz import frames

    if as_json and as_lines:
        raise click.UsageError("--json and --jsonl exclude one another: one document, or a line for each connection")
    if connection is not None and only:
        raise click.UsageError("--connection and --only exclude one another: one names a connection, one searches")
    if explain is not None and (as_json or as_lines or outputs or only or connection or against or story.steps):
        raise click.UsageError("--explain prints one frame's story and goes with --port and --side only")
    if against and story.quiz:
        raise click.UsageError("--against tells and --quiz asks: one picture cannot do both")
    if against and story.steps:
        raise click.UsageError("--steps tells one connection, --against two: one or the other")
    if against and (as_json or as_lines):
        raise click.UsageError(
            "--json and --jsonl tell of one capture: --against prints how two differ, and -o draws it"
        )
    if against:
        paths = output.targets(outputs, ENDINGS, "with --against")
    else:
        paths = output.targets(outputs, (*render.ENDINGS, _LINES, _STORY))
    if as_lines and any(path.suffix.lower() != _LINES for path in paths):
        raise click.UsageError("--jsonl forgets each connection as it is printed: beside it -o writes .jsonl only")
    names = frames.capture_files(files)
    if connection is not None and len(names) > 1:
        raise click.UsageError(f"--connection {connection} of which file? Name one, not {len(names)}")
    wanted = Wanted(cast("Side | None", side), port, connection, violating=only is not None)
    spoken = look.spoken(options.printed_in_ascii(ascii_only))
    tally = Tally(len(names))
    other = Against.of(against) if against else None
    if explain is not None:
        _explain(names, wanted, tally, explain, spoken)
        ctx.exit(tally.exit_code)
    if as_lines:
        _stream(names, wanted, tally, paths, spoken)
    else:
        style = _Style(wanted, names, cast(Numbers, numbers), ascii_only, look, story)
        printed = replace(style, ascii_only=options.printed_in_ascii(ascii_only))
        results: list[Matched] = []
        for matched in _results(names, wanted, tally, spoken):
            if len(names) == 1:
                tally.check(wanted)
            if not as_json:
                echo(("" if results else printed.head) + printed.told(matched), nl=False)
            results.append(matched)
        tally.check(wanted)
        if as_json:
            echo(_json(results), nl=False)
        elif len(names) > 1:
            echo(spoken.text([tally.sentence]), nl=False)
        if other:
            _compare(other, results, style, paths, spoken)
        for path in () if other else paths:
            _write(path, results, style)
        if story.steps:
            one, number, count = _worth_seeing(str(story.steps), results, spoken)
            one = replace(one, title=look.words().one_of(one.title, number, count))
            render.paint(story.stepwise(one, style.numbers, look), look)
    ctx.exit(tally.exit_code)


def _explain(names: Sequence[str], wanted: Wanted, tally: Tally, frame: int, spoken: Language) -> None:
    from tcpviz import frames

    if len(names) > 1:
        raise click.UsageError(f"--explain {frame} of which file? Name one, not {len(names)}")
    reading = frames.Reading(names[0], keep=True)
    capture = reading.whole()
    tally.interrupted |= reading.interrupted
    _warn(capture, spoken)
    chosen = capture if wanted.port is None else capture.only(wanted.port)
    lines = explanation(chosen, frame, wanted.side)
    if lines is None:
        raise InputError(_unexplained(capture, frame, wanted))
    echo(spoken.text(lines), nl=False)


def _unexplained(capture: Capture, number: int, wanted: Wanted) -> str:
    """What that frame is instead of a segment."""
    count = capture.records
    if number > count:
        return f"there is no frame {number}: {capture.file} has {'1 frame' if count == 1 else f'{count} frames'}"
    frame = next((frame for frame in capture.frames if frame.number == number), None)
    said = f"frame {number} of {capture.file}"
    if frame is None:
        return f"{said} holds no TCP segment that can be read; tcpviz match {capture.file} numbers those that can"
    if frame.undelivered is not None:
        return f"{said} is an ICMP error, which tells that a segment has not arrived: there is nothing to explain"
    if frame.segment is None:
        return f"{said} is a UDP datagram, which has no state and no verdict: there is nothing to explain"
    return f"{said} is not from or to port {wanted.port}"


def _results(names: Sequence[str], wanted: Wanted, tally: Tally, spoken: Language) -> Iterator[Matched]:
    """Each file that can be used, matched."""
    from tcpviz import frames

    for name in names:
        with tally.attempt():
            reading = frames.Reading(name, keep=True)
            capture = reading.whole()
            tally.interrupted |= reading.interrupted
            _warn(capture, spoken)
            if wanted.port is not None:
                capture = capture.only(wanted.port)
            exchange = match(capture, wanted.side)
            asked = [(n, c) for n, c in enumerate(exchange.connections, 1) if wanted.number in (None, n)]
            tally.frames += len(capture.frames)
            for _, connection in asked:
                tally.count(connection)
            shown = tuple(n for n, connection in asked if wanted.shows(n, connection))
            yield Matched(replace(capture, frames=()), exchange, shown)


def _stream(names: Sequence[str], wanted: Wanted, tally: Tally, paths: Sequence[Path], spoken: Language) -> None:
    """One line for each connection, and of each connection nothing is kept."""
    from tcpviz import frames

    with ExitStack() as stack:
        files = [stack.enter_context(output.whole(path)) for path in paths]
        for name in names:
            with tally.attempt():
                reading = frames.Reading(name)
                for number, connection in streaming.connections(_wanted_frames(reading, wanted, tally), wanted.side):
                    if wanted.number in (None, number):
                        tally.count(connection)
                    if wanted.shows(number, connection):
                        line = _line(name, number, connection)
                        echo(line, nl=False)
                        for file in files:
                            file.write(line.encode())
                tally.interrupted |= reading.interrupted
                _warn(reading.capture(), spoken)
        tally.check(wanted)


def _wanted_frames(reading: Reading, wanted: Wanted, tally: Tally) -> Iterator[Frame]:
    for frame in reading.frames():
        if wanted.port is None or frame.uses(wanted.port):
            tally.frames += 1
            yield frame


def _warn(capture: Capture, spoken: Language) -> None:
    for warning in capture.warnings:
        output.warn(warning, spoken)


def _line(file: str, number: int, connection: Connection) -> str:
    return written(line_document(file, number, connection)) + "\n"


class _Style(Value):
    """How it is told."""

    wanted: Wanted
    files: Sequence[str]
    numbers: Numbers
    ascii_only: bool
    look: Look
    story: Telling

    @property
    def table(self) -> Table | None:
        """For more than a few files."""
        if len(self.files) <= _FEW:
            return None
        return Table(file=max(map(columns, self.files)), language=self.spoken)

    @property
    def spoken(self) -> Language:
        return self.look.spoken(self.ascii_only)

    @property
    def head(self) -> str:
        return f"{self.table.head}\n" if self.table else ""

    def told(self, matched: Matched) -> str:
        table, exchange = self.table, matched.exchange
        if not table:
            if self.wanted.violating and not matched.shown and len(self.files) > 1:
                return ""
            shown = None if self.wanted.all else matched.shown
            return report(
                matched.capture, exchange, shown=shown,
                numbers=self.numbers, ascii_only=self.ascii_only, language=self.spoken,
            )  # fmt: skip
        found = ((n, exchange.connections[n - 1]) for n in matched.shown)
        rows = (row for n, connection in found for row in table.rows(n, connection, matched.capture.file))
        return "".join(f"{row}\n" for row in rows)


def _json(results: Sequence[Matched]) -> str:
    return render.json_text(match_document((matched.capture, matched.chosen) for matched in results))


def _write(path: Path, results: Sequence[Matched], style: _Style) -> None:
    """One file, in the format of its ending."""
    kind = path.suffix.lower()
    if kind == ".txt":
        output.write_text(path, _text(results, style))
    elif kind == ".json":
        output.write_whole(path, _json(results).encode())
    elif kind == _LINES:
        lines = (_line(m.capture.file, n, m.exchange.connections[n - 1]) for m in results for n in m.shown)
        output.write_whole(path, "".join(lines).encode())
    elif kind == render.PAGE:
        everything, names = _everything(results, style)
        output.write_whole(path, style.story.page(path, everything, style.numbers, style.look, names))
    else:
        one, number, count = _worth_seeing(str(path), results, style.spoken)
        if kind == _STORY:
            _write_story(path, one, style.spoken)
        else:
            one = replace(one, title=style.look.words().one_of(one.title, number, count))
            render.write(path, one, {}, style.numbers, style.ascii_only, True, style.look, style.story)


def _compare(
    other: Against, results: Sequence[Matched], style: _Style, paths: Sequence[Path], spoken: Language
) -> None:
    """Say how the two differ, and write both."""
    one, number, count = _worth_seeing("--against", results, spoken)
    told, title = other.sentences(one), style.look.words().one_of(one.title, number, count)
    echo(spoken.text(told), nl=False)
    for path in paths:
        if path.suffix.lower() == ".txt":
            output.write_text(path, _text(results, style) + style.spoken.text(told))
        else:
            one = replace(one, title=title)
            render.paint([(path, other.drawing(one, style.numbers, style.story, style.look))], style.look)


def _text(results: Sequence[Matched], style: _Style) -> str:
    return "".join((style.head, *map(style.told, results)))


def _everything(results: Sequence[Matched], style: _Style) -> tuple[Exchange, tuple[str, ...]]:
    """A page is of all that was asked for: there a reader chooses. Who asks for connections asks for no flows.

    With what its conversations are called: by their numbers in their captures, and of several by their files.
    """
    found = [matched.chosen for matched in results]
    title = found[0].title if len(found) == 1 else f"{found[0].title} … {found[-1].title}"
    flows = [exchange.flows if style.wanted.all else () for exchange in found]
    if [len(matched.shown) for matched in results] == [1] and not flows[0]:
        number, count = results[0].shown[0], len(results[0].exchange.connections)
        title = style.look.words().one_of(title, number, count)
    names = [_called(matched, len(results), f"TCP {number}") for matched in results for number in matched.shown]
    for matched, some in zip(results, flows, strict=True):
        names += [_called(matched, len(results), f"UDP {number}") for number in range(1, len(some) + 1)]
    everything = replace(
        found[0],
        title=title,
        connections=tuple(connection for exchange in found for connection in exchange.connections),
        flows=tuple(flow for some in flows for flow in some),
    )
    return everything, tuple(names)


def _called(matched: Matched, files: int, name: str) -> str:
    return name if files == 1 else f"{matched.exchange.title} · {name}"


def _worth_seeing(path: str, results: Sequence[Matched], spoken: Language) -> tuple[Exchange, int, int]:
    """A picture and a scenario are of one connection: the first that violates, else the first.

    With its number in its capture, and how many there are. A capture that has UDP alone is drawn as such.
    """
    found = [(matched, number) for matched in results for number in matched.shown]
    if not found:
        flowing = next((m.exchange for m in results if m.exchange.flows and not m.exchange.connections), None)
        if flowing and Path(path).suffix.lower() != _STORY:
            return flowing, 1, 1
        raise InputError(f"{path}: there is no TCP connection to show")
    matched, number = min(found, key=lambda pair: pair[0].exchange.connections[pair[1] - 1].conforms)
    exchange, count = matched.exchange, len(matched.exchange.connections)
    if len(found) > 1:
        told = Sentence("{} shows connection {} of {} in {}", path, number, count, matched.capture.file)
        output.tell(told, spoken)
    flows = exchange.flows if len(matched.shown) == count else ()
    return replace(exchange, connections=(exchange.connections[number - 1],), flows=flows), number, count


def _write_story(path: Path, one: Exchange, spoken: Language) -> None:
    from tcpviz.exchange.behind import behind

    story = behind(one.connections[0], one.title)
    output.write_whole(path, story.file(path.name).encode())
    output.tell(Sentence("{} {}", path, story.sentence), spoken)
