"""`tcpviz capture`: real traffic, from an interface or from a sandbox of its own, explained as it comes."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, cast

import click

from tcpviz.cli import options, output, render
from tcpviz.cli.look import Look
from tcpviz.cli.speech import echo
from tcpviz.cli.telling import Telling
from tcpviz.cli.watch import Watch, say
from tcpviz.errors import InputError, NothingCaptured
from tcpviz.exchange import library
from tcpviz.exchange.document import match_document
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.heard import with_calls, with_calls_of_sides
from tcpviz.exchange.kernel_report import kernel_lines
from tcpviz.exchange.numbers import Numbers
from tcpviz.exchange.policy import LINUX
from tcpviz.exchange.report import summary, verdict_lines
from tcpviz.exchange.scenario import Scenario
from tcpviz.exchange.simulate import simulate
from tcpviz.exchange.triangle import stories_differ
from tcpviz.exchange.witness import KernelSocket, attach
from tcpviz.language import Language
from tcpviz.model.sentence import Sentence

if TYPE_CHECKING:
    from tcpviz.frames import Listener, Source
    from tcpviz.lab import Run, Witness

_GRACE = 0.2
"""Seconds after all connections have closed: a capture stopped at once loses its last frames."""
_RUN = "tcpviz.run"


class _Command(click.Command):
    """What stands behind `--` is a command to run; what stands before it and is no option, a filter."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            cut = args.index("--")
            args, run = args[:cut], args[cut + 1 :]
            if not run:
                raise InputError("no command stands behind --")
            ctx.meta[_RUN] = tuple(run)
        return super().parse_args(ctx, args)


@click.command(cls=_Command)
@click.option("--port", callback=options.port_number, metavar="PORT", help="Only segments from or to this port.")
@click.option("--host", metavar="HOST", help="Only segments from or to this address or name.")
@click.option("-i", "--interface", default="lo", show_default=True, help="Where to listen.")
@click.option("--scenario", metavar="NAME", help="Perform a scenario in a network of its own; needs no root.")
@click.option("-c", "--count", type=click.IntRange(min=1), help="Stop after so many frames.")
@click.option(
    "--timeout", type=click.FloatRange(0, 10**6, min_open=True), metavar="SECONDS", help="Stop after so long."
)
@options.numbers()
@options.ascii_only
@options.as_json
@options.output(".pcap .pcapng .png .svg .pdf .tex .gif .html .mmd .puml .txt .json")
@options.picture
@options.telling
@click.argument("filter_words", nargs=-1, metavar="[FILTER] [-- COMMAND...]")
@click.pass_context
def command(
    ctx: click.Context,
    port: int | None,
    host: str | None,
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
    filter_words: tuple[str, ...],
) -> None:
    """Capture TCP on loopback, print each segment as it comes, then match it with the model.

    \b
    sudo tcpviz capture --port 8080      what your own programs do; ends when the connection has closed
    sudo tcpviz capture 'tcp or icmp'    FILTER is in the words of pcap-filter(7), as for tcpdump
    tcpviz capture --scenario normal     this machine's kernel plays a scenario, in a network of its own
    tcpviz capture -- COMMAND...         what any command does on a loopback of its own

    Ends when every connection seen has closed, with the scenario or the command, after --count or
    --timeout, or with Ctrl-C; what was captured by then is written and matched. A second Ctrl-C ends the
    matching too. As soon as it listens it gives up root.
    """
    run: tuple[str, ...] = ctx.meta.get(_RUN, ())
    wanted = _Wanted(interface, port, host, " ".join(filter_words))
    if timeout is not None and not math.isfinite(timeout):
        raise InputError("--timeout: expected a number of seconds, such as 10")
    if bool(scenario) + bool(run) + wanted.chosen > 1:
        raise InputError(
            "--scenario, a COMMAND, and --port, --host, FILTER exclude one another: choose what to capture"
        )
    files = output.targets(outputs, (*render.ENDINGS, *render.RECORDINGS))
    folders = [path.parent for path in files]
    plan = library.load(scenario) if scenario else None
    style = cast(Numbers, numbers)
    if plan:
        story, style = story.of(plan, style)
    in_ascii = options.printed_in_ascii(ascii_only)
    spoken = look.spoken(in_ascii)
    watch = Watch(str(wanted), style, in_ascii, silent=as_json, language=spoken)
    live = wanted.source(plan, run, timeout)
    sandboxed = bool(plan or run)
    recordings = [path for path in files if path.suffix.lower() in render.RECORDINGS]
    with ExitStack() as stack:
        # before the listener, which gives up what reading the kernel's events may need
        kernel = stack.enter_context(_witness(plan, port))
        listening = stack.enter_context(ExitStack())
        listening.enter_context(live)
        interruptions = stack.enter_context(_stopping(live))
        if not sandboxed:
            _lay_down(folders)
            echo(f"listening on {wanted}; start your programs now; Ctrl-C ends", err=True)
        writers = [listening.enter_context(output.recording(path)) for path in recordings]
        for frame in live.live(*writers, count=count):
            if frame is not None:
                asked = frame.segment and not sandboxed and not live.waiting
                now = kernel.observer.look(frame.source, frame.destination) if asked else {}
                watch.see(frame, live.waiting, now)
            if not sandboxed:
                # what waits, or comes in the meantime, may be the next connection
                live.end(_GRACE if watch.over and not live.waiting else None)
                watch.status(live)
        watch.clear()
        enough = len(interruptions) + 1
        listening.close()
        record = kernel.record(*_seen_inside(live))
        if sandboxed:
            _lay_down(folders)
        _tell_losses(live, spoken)
        watch.explains(live)
        for frame in live.rest():
            watch.see(frame, live.waiting)
            watch.status(live)
            if len(interruptions) >= enough:
                break
        watch.clear()
    if record.lost:
        output.warn(Sentence("the kernel's events came too fast: its states have gaps"), spoken)
    interrupted = 128 + interruptions[0] if interruptions else 0
    capture = live.capture()
    _tell_ends(live, run, recordings, spoken)
    if not capture.frames:
        if interrupted:
            ctx.exit(interrupted)
        raise NothingCaptured(_nothing(run, wanted))
    title = plan.title if plan else " ".join(run) or wanted.title
    exchange = attach(watch.matcher.exchange(title), record)
    document = match_document([(capture, exchange)])
    if as_json:
        say(render.json_text(document))
    else:
        say(_verdicts(exchange, plan, kernel.missing, spoken) + spoken.text([summary(capture, exchange)]))
    shown = _with_calls(exchange, live)
    for path in files:
        if path not in recordings:
            render.write(path, shown, document, style, ascii_only, True, look, story)
    render.paint(story.stepwise(shown, style, look), look)
    blamed = {segment.frame for connection in exchange.connections for segment in connection.violations}
    if interrupted or blamed - _forged(live):
        ctx.exit(interrupted or 1)


class _Wanted:
    """What to listen to, as it was asked for."""

    def __init__(self, interface: str, port: int | None, host: str | None, expression: str) -> None:
        self._interface, self._port, self._host, self._filter = interface, port, host, expression
        self.chosen = bool(port or host or expression)

    def __str__(self) -> str:
        chosen = (("port", self._port), ("host", self._host), ("filter", self._filter))
        return ", ".join([self._interface, *(f"{name} {value}" for name, value in chosen if value)])

    @property
    def title(self) -> str:
        """What stands at the top of a picture of something that has no name."""
        if self._port and not (self._host or self._filter):
            return f"Port {self._port} on {self._interface}"
        return str(self)

    def source(self, plan: Scenario | None, run: Sequence[str], timeout: float | None) -> Listener | Run:
        if plan or run:
            from tcpviz import lab

            return lab.perform(plan, timeout=timeout) if plan else lab.run_command(run, timeout=timeout)
        from tcpviz.frames import Listener

        return Listener(self._interface, port=self._port, host=self._host, filter=self._filter or None, timeout=timeout)


def _lay_down(folders: Sequence[Path]) -> None:
    from tcpviz.frames.permission import lay_down

    lay_down(folders)


def _witness(plan: Scenario | None, port: int | None) -> Witness:
    from tcpviz.lab import Witness, watched

    if plan:
        return watched(plan)
    return Witness(*((port,) if port else ()))


def _seen_inside(live: Listener | Run) -> tuple[tuple[KernelSocket, ...], int | None]:
    """What was seen of the sandbox's sockets in there, and when it ended."""
    from tcpviz.lab import Run as Performed

    return (live.report.seen, live.report.ended) if isinstance(live, Performed) else ((), None)


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


def _verdicts(exchange: Exchange, plan: Scenario | None, missing: Sentence | None, spoken: Language) -> str:
    predicted = simulate(plan, LINUX) if plan else None
    witness = kernel_lines(exchange, predicted.connections if predicted else (), missing, spoken)
    told: list[Sentence] = []
    for index, connection in enumerate(exchange.connections, 1):
        told += verdict_lines(connection, index, len(exchange.connections))
    if predicted:
        parted = stories_differ(exchange, predicted, (Sentence("the wire"), Sentence("the model")))
        same = Sentence(
            "the model, with Linux's habits, predicts the same segments and states"
            if exchange.connections
            else "the model, with Linux's habits, predicts the same datagrams"
        )
        told += [each.sentence for each in parted] or [same]
    return "".join(f"{line}\n" for line in witness) + spoken.text(told)


def _forged(live: Listener | Run) -> set[int]:
    """The frames that the scenario itself has put in; that they are blamed is as it should be."""
    from tcpviz.lab import Run as Performed

    return set(live.report.forged) if isinstance(live, Performed) else set()


def _with_calls(exchange: Exchange, live: Source) -> Exchange:
    """For a picture: what the applications really called, and what that returned."""
    from tcpviz.lab import Run as Performed

    if not isinstance(live, Performed):
        return exchange
    heard = live.report.heard
    return with_calls(exchange, heard) if heard else with_calls_of_sides(exchange, live.report.calls)


def _tell_losses(live: Source, spoken: Language) -> None:
    """What a reader of the capture must know about how it was made."""
    output.tell(Sentence("captured {:,} frames, {:,} dropped by the kernel", live.taken, live.dropped), spoken)
    if live.dropped:
        gaps = Sentence(
            "the kernel dropped {:,} frames for want of room: the capture has gaps, and a segment that lacks may be "
            "blamed on the one after it",
            live.dropped,
        )
        output.warn(gaps, spoken)


def _tell_ends(live: Source, run: Sequence[str], recordings: Sequence[Path], spoken: Language) -> None:
    """What stopped before its end."""
    from tcpviz.lab import Run as Performed

    if left := live.waiting + live.undecoded:
        kept = Sentence("name a file with -o x.pcapng to keep all")
        kept = Sentence("{} has all of them", recordings[0]) if recordings else kept
        output.warn(Sentence("the last {:,} frames are not explained; {}", left, kept), spoken)
    if isinstance(live, Performed):
        for frame in live.report.forged:
            forged = Sentence("frame {} was forged, as the scenario says: neither end sent it", frame)
            output.tell(Sentence("tcpviz: {}", forged), spoken)
        if live.report.timed_out:
            output.warn(Sentence("stopped when its time was up, before its end"), spoken)
        status = live.report.status
        if status:
            name = run[0] if run else Sentence("the program of the scenario")
            killed = status < 0
            ended = Sentence("{} was killed by signal {}" if killed else "{} ended with status {}", name, abs(status))
            output.tell(Sentence("tcpviz: {}", ended), spoken)


def _nothing(run: Sequence[str], wanted: _Wanted) -> str:
    if run:
        return f"{run[0]} sent no TCP or UDP on the loopback of its sandbox, which has no other network"
    return f"no TCP or UDP segment was seen on {wanted}; start the capture before your programs, then connect"
