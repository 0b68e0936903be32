"""`tcpviz capture`: real traffic, from an interface or from a sandbox of its own, explained as it comes."""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TYPE_CHECKING, cast

import click

from tcpviz.cli import options, output, render
from tcpviz.cli.look import Look
from tcpviz.cli.telling import Telling
from tcpviz.errors import InputError, NothingCaptured
from tcpviz.exchange import library
from tcpviz.exchange.capture import Frame
from tcpviz.exchange.document import match_document
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.ladder import ASCII, UNICODE, header, rung
from tcpviz.exchange.match import Matcher
from tcpviz.exchange.matching.tracker import Tracker
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.policy import LINUX
from tcpviz.exchange.report import summary, verdict_lines
from tcpviz.exchange.scenario import Scenario
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import differences
from tcpviz.language import ENGLISH, Language

if TYPE_CHECKING:
    from tcpviz.frames import Listener, Source
    from tcpviz.lab import Run

_WIDTH = 80
_GRACE = 0.2
"""Seconds after all connections have closed: a capture stopped at once loses its last frames."""


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--port", callback=options.port_number, metavar="PORT", help="Only segments from or to this port.")
@click.option("-i", "--interface", default="lo", show_default=True, help="Where to listen.")
@click.option("--scenario", metavar="NAME", help="Perform a scenario in a network of its own; needs no root.")
@click.option("-c", "--count", type=click.IntRange(min=1), help="Stop after so many segments.")
@click.option(
    "--timeout", type=click.FloatRange(0, 10**6, min_open=True), metavar="SECONDS", help="Stop after so long."
)
@options.numbers()
@options.ascii_only
@options.as_json
@options.output(".pcap .pcapng .png .svg .pdf .txt .json")
@options.picture
@options.telling
@click.argument("run", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.pass_context
def command(
    ctx: click.Context,
    port: int | None,
    interface: str,
    scenario: str | None,
    count: int | None,
    timeout: float | None,
    numbers: str,
    ascii_only: bool,
    as_json: bool,
    outputs: tuple[str, ...],
    look: Look,
    story: Telling,
    run: tuple[str, ...],
) -> None:
    """Capture TCP on loopback, print each segment as it comes, then match it with the model.

    \b
    sudo tcpviz capture --port 8080      what your own programs do; ends when the connection has closed
    tcpviz capture --scenario normal     this machine's kernel plays a scenario, in a network of its own
    tcpviz capture -- COMMAND...         what any command does on a loopback of its own

    Ends when every connection seen has closed, with the scenario or the command, after --count or
    --timeout, or with Ctrl-C; what was captured by then is written and matched.
    """
    if timeout is not None and not math.isfinite(timeout):
        raise InputError("--timeout: expected a number of seconds, such as 10")
    if bool(scenario) + bool(run) + bool(port) > 1:
        raise InputError("--port, --scenario and a COMMAND exclude one another: choose what to capture")
    style = cast(Numbers, numbers)
    files = output.targets(outputs, (*render.ENDINGS, *render.RECORDINGS))
    plan = library.load(scenario) if scenario else None
    watch = _Watch(style, ascii_only, silent=as_json, language=look.language)
    live = _source(plan, run, interface, port, timeout)
    with ExitStack() as stack:
        stack.enter_context(live)
        if not (plan or run):
            where = f"{interface}, port {port}" if port else interface
            click.echo(f"listening on {where}; start your programs now; Ctrl-C ends", err=True)
        recordings = [path for path in files if path.suffix.lower() in render.RECORDINGS]
        writers = [stack.enter_context(output.recording(path)) for path in recordings]
        interruptions = stack.enter_context(_stopping(live))
        for frame in live.frames(*writers, count=count):
            watch.see(frame)
            if watch.matcher.over and not (plan or run):
                live.stop(_GRACE)
    interrupted = 128 + interruptions[0] if interruptions else 0
    capture = live.capture()
    if not capture.frames:
        if interrupted:
            ctx.exit(interrupted)
        _tell_losses(live, run)
        raise NothingCaptured(_nothing(run, interface, port))
    _tell_losses(live, run)
    exchange = watch.matcher.exchange(plan.title if plan else _title(run, interface, port))
    document = match_document([(capture, exchange)])
    if as_json:
        _say(render.json_text(document))
    else:
        _say("".join(f"{line}\n" for line in (*_verdicts(exchange, plan), summary(capture, exchange))))
    for path in files:
        if path not in recordings:
            render.write(path, exchange, document, style, ascii_only, True, look, story)
    render.paint(story.stepwise(exchange, style, look.words()), look)
    if interrupted or not exchange.conforms:
        ctx.exit(interrupted or 1)


def _source(
    plan: Scenario | None, run: Sequence[str], interface: str, port: int | None, timeout: float | None
) -> Listener | Run:
    if plan or run:
        from tcpviz import lab

        return lab.perform(plan, timeout=timeout) if plan else lab.run_command(run, timeout=timeout)
    from tcpviz.frames import Listener

    return Listener(interface, port=port, timeout=timeout)


@contextmanager
def _stopping(live: Source) -> Iterator[list[int]]:
    """Ctrl-C, SIGTERM and a closed terminal end the capture, not the program; which of them came is in the list."""
    came: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        came.append(number)
        live.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    """Print; that nobody reads any more ends the printing, not the capture."""
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Watch:
    """Prints each segment as it comes, under the names of its ends when those change."""

    def __init__(self, numbers: Numbers, ascii_only: bool, silent: bool, language: Language) -> None:
        self.matcher = Matcher()
        self._numbers, self._ascii, self._silent = numbers, ascii_only, silent
        self._language = ENGLISH if ascii_only else language
        self._shown: Tracker | None = None

    def see(self, frame: Frame) -> None:
        tracker = self.matcher.feed(frame)
        if tracker is None or self._silent:
            return
        connection = tracker.newest(self.matcher.epoch)
        glyphs = ASCII if self._ascii else UNICODE
        lines: list[str] = []
        if tracker is not self._shown:
            lines += header(connection, _WIDTH, len(tracker.judged) == 1, self._language)
        (segment,) = connection.segments
        lines += rung(connection, segment, frame.number, self._numbers, glyphs, _WIDTH, True, self._language)
        _say("".join(f"{line.rstrip()}\n" for line in lines))
        self._shown = tracker


def _title(run: Sequence[str], interface: str, port: int | None) -> str:
    """What stands at the top of a picture of something that has no name."""
    if run:
        return " ".join(run)
    return f"Port {port} on {interface}" if port else interface


def _verdicts(exchange: Exchange, plan: Scenario | None) -> Iterator[str]:
    for index, connection in enumerate(exchange.connections, 1):
        yield from verdict_lines(connection, index, len(exchange.connections))
    if plan:
        model = simulate(plan, LINUX).connections
        for performed, predicted in zip(exchange.connections, model, strict=False):
            parted = differences(performed, predicted, ("the kernel", "the model"))
            yield from parted or ("the model, with Linux's habits, predicts the same segments and states",)


def _tell_losses(live: Listener | Run, run: Sequence[str]) -> None:
    """What a reader of the capture must know about how it was made."""
    from tcpviz.lab import Run as Performed

    dropped = live.report.dropped if isinstance(live, Performed) else live.dropped
    if dropped:
        click.echo(
            f"tcpviz: warning: the kernel dropped {dropped} frames for want of room: the capture has gaps, "
            "and a segment that lacks may be blamed on the one after it",
            err=True,
        )
    if isinstance(live, Performed):
        if live.report.timed_out:
            click.echo("tcpviz: warning: stopped when its time was up, before its end", err=True)
        status = live.report.status
        if run and status:
            end = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            click.echo(f"tcpviz: {run[0]} {end}", err=True)


def _nothing(run: Sequence[str], interface: str, port: int | None) -> str:
    if run:
        return f"{run[0]} sent no TCP or UDP on the loopback of its sandbox, which has no other network"
    where = f"{interface}, port {port}" if port else interface
    return f"no TCP or UDP segment was seen on {where}; start the capture before your programs, then connect"
