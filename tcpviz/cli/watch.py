"""What a person sees while a capture runs: each segment as it comes, and one line that says how it goes.

Segments go to standard output, the status line to standard error, and only where that is a terminal.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tcpviz.cli.speech import echo
from tcpviz.exchange.capture import Address, Frame
from tcpviz.exchange.exchange import SIDES
from tcpviz.exchange.ladder import ASCII, UNICODE, header, rung, with_kernel
from tcpviz.exchange.match import Matcher
from tcpviz.exchange.matching.tracker import Tracker
from tcpviz.exchange.numbers import Numbers, time_text
from tcpviz.language import Language
from tcpviz.model.segment import FIN, RST
from tcpviz.model.sentence import Sentence, listed
from tcpviz.model.transitions import State

if TYPE_CHECKING:
    from tcpviz.frames import Source

_WIDTH = 80
_KERNEL = len(" | kernel: client SYN-RECEIVED, server SYN-RECEIVED")
"""Columns that the kernel's states take beside the ladder."""
_NOTHING: Mapping[Address, State] = {}
_BEHIND = 1000
"""So many frames not looked at yet: nobody can read that fast, and printing would only lag further behind."""
_Ends = frozenset[Address]
_CLEAR_LINE = "\r\x1b[K"
_STATUS_EVERY = 0.25
"""Seconds."""


def say(text: str) -> None:
    """Print; that nobody reads any more ends the printing, not the capture."""
    try:
        echo(text, nl=False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Watch:
    """Feeds the matcher, and prints each segment under the names of its ends when those change."""

    def __init__(self, where: str, numbers: Numbers, ascii_only: bool, silent: bool, language: Language) -> None:
        self._language = language
        self.matcher = Matcher()
        self._where, self._numbers, self._ascii = where, numbers, ascii_only
        self._silent = silent
        self._shown: Tracker | None = None
        self._seen: dict[_Ends, Tracker] = {}
        """The latest connection between two ends."""
        self._going: set[_Ends] = set()
        self._closing: set[_Ends] = set()
        """Those that have seen a FIN or a reset: only these may be over, and asking is not cheap."""
        self._began = time.monotonic()
        self._status, self._drawn = "", 0.0
        self._terminal = sys.stderr.isatty()
        self._columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH + _KERNEL

    @property
    def over(self) -> bool:
        """At least one connection was seen, and all of them have ended."""
        return bool(self._seen) and not self._going

    def see(self, frame: Frame, waiting: int = 0, kernel: Mapping[Address, State] = _NOTHING) -> None:
        """One more frame; `waiting` others are still to be looked at. `kernel`: what it says has changed."""
        tracker = self.matcher.feed(frame)
        if waiting > _BEHIND and not self._silent:
            self._silent = True
            self.note("segments come too fast to be printed one by one; all of them are kept")
        if tracker is None:
            if not self._silent and frame.undelivered is None:
                self._print_datagram(frame)
            return
        self._count(tracker, frame)
        if not self._silent:
            self._print_segment(tracker, frame, kernel)

    def _count(self, tracker: Tracker, frame: Frame) -> None:
        ends = frozenset((frame.source, frame.destination))
        self._seen[ends] = tracker
        if frame.segment and frame.segment.flags & (FIN | RST):
            self._closing.add(ends)
        over = ends in self._closing and tracker.over
        (self._going.discard if over else self._going.add)(ends)

    def explains(self, source: Source) -> None:
        """What is still to come once nothing more is captured."""
        if source.waiting > _BEHIND:
            self.note(f"explaining {source.waiting:,} frames that came faster than that; Ctrl-C ends it")

    def _print_segment(self, tracker: Tracker, frame: Frame, kernel: Mapping[Address, State]) -> None:
        connection = tracker.newest(self.matcher.epoch)
        glyphs = ASCII if self._ascii else UNICODE
        lines: list[str] = []
        if tracker is not self._shown:
            lines += header(connection, _WIDTH, len(tracker.judged) == 1, self._language)
        (segment,) = connection.segments
        arrow, *beneath = rung(connection, segment, frame.number, self._numbers, glyphs, _WIDTH, True, self._language)
        ends = ((side, connection.party(side).address) for side in SIDES)
        said = [Sentence("{} {}", Sentence(str(side)), kernel[end]) for side, end in ends if end in kernel]
        told = self._language.translated(Sentence("kernel: {}", listed(said))) if said else ""
        # behind the ladder where there is room, else beneath its line
        wide = self._columns >= _WIDTH + _KERNEL
        lines += with_kernel([arrow, *beneath], told, _WIDTH, glyphs) if wide else [arrow, *beneath]
        lines += [f"      {glyphs.bar} {told}"] if told and not wide else []
        self._print(lines)
        self._shown = tracker

    def _print_datagram(self, frame: Frame) -> None:
        when = time_text(frame.time - self.matcher.epoch)
        text = f"{frame.number:>3}  UDP {frame.source} {'->' if self._ascii else '→'} {frame.destination}"
        text += f" len={frame.length}"
        when = when.replace("µ", "u") if self._ascii else when
        self._print([f"{text}{when.rjust(max(len(when) + 1, _WIDTH - len(text)))}"])
        self._shown = None

    def _print(self, lines: list[str]) -> None:
        self.clear()
        say("".join(f"{line.rstrip()}\n" for line in lines))

    def note(self, text: str) -> None:
        """A message beside the ladder."""
        self.clear()
        echo(f"tcpviz: {text}", err=True)

    def status(self, source: Source) -> None:
        """The line at the bottom: how long, how much, and in which states connections are."""
        now = time.monotonic()
        if not self._terminal or (self._status and now - self._drawn < _STATUS_EVERY):
            return
        minutes, seconds = divmod(int(now - self._began), 60)
        parts = [self._where, f"{minutes}:{seconds:02}", f"{source.taken:,} frames", f"{source.dropped:,} dropped"]
        parts += [f"{source.waiting:,} to explain"] if source.waiting > _BEHIND else []
        line = (" | " if self._ascii else " · ").join([*parts, self._connections(), "Ctrl-C ends"])
        line = line[: shutil.get_terminal_size().columns - 1]
        if line != self._status:
            self.clear()
            sys.stderr.write(line)
            sys.stderr.flush()
            self._status, self._drawn = line, now

    def _connections(self) -> str:
        going, count = len(self._going), len(self._seen)
        if not count:
            return "no connection yet"
        if count > 1:
            return f"{going:,} of {count:,} connections open"
        (tracker,) = self._seen.values()
        newest = tracker.newest(self.matcher.epoch)
        sent = newest.segments[-1]
        client, server = (sent.sender, sent.after) if sent.origin == "client" else (sent.after, sent.sender)
        return f"client {client}, server {server}"

    def clear(self) -> None:
        """Take the status line away, so that something else can be printed where it stood."""
        if self._status:
            sys.stderr.write(_CLEAR_LINE)
            sys.stderr.flush()
            self._status = ""
